/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/config/config.h"

static struct rmt_config *read_text(const char *text, char **complaint_r)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read_text("t.conf", text, &complaints);

	*complaint_r = g_strdup(complaints->len > 0 ? complaints->pdata[0] : "");
	return config;
}

static void what_is_not_written_is_a_mail_server_here(void **state)
{
	g_autofree char *complaint = NULL;
	g_autoptr(rmt_config) config = read_text("", &complaint);

	(void)state;
	assert_string_equal(config->submission.host, "localhost");
	assert_int_equal(config->submission.port, 25);
	assert_int_equal(config->submission.tls, RMT_TLS_AUTO);
	assert_null(config->submission.sendmail);
	assert_string_equal(config->agent.accounts[0], "vmail");
	assert_int_equal(config->prompts.mail, RMT_PROMPT_EACH);
	assert_int_equal(config->prompts.expire_ns / RMT_NS_PER_SEC, 30 * 86400);
	assert_null(config->prompts.link);
}

static void what_is_written_is_read(void **state)
{
	g_autofree char *complaint = NULL;
	g_autoptr(rmt_config) config = read_text(
		"submission: { host = \"mail.example.com\" port = 465 tls = "
		"\"implicit\" ca = \"/etc/ca.pem\" user = \"remite\" password_file "
		"= \"/etc/remite/password\" }\n"
		"prompts: { mail = \"digest\" digest = \"2h\" link = "
		"\"https://mail.example.com/r/\" }\n",
		&complaint);

	(void)state;
	assert_string_equal(complaint, "");
	assert_int_equal(config->submission.tls, RMT_TLS_IMPLICIT);
	assert_string_equal(config->submission.user, "remite");
	assert_int_equal(config->prompts.mail, RMT_PROMPT_DIGEST);
	assert_string_equal(config->prompts.link, "https://mail.example.com/r/");
}

static void what_is_wrong_is_said_with_its_remedy(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "submission: { user = \"x\" }",
		  "t.conf:1: submission: needs both 'user' and 'password_file'" },
		{ "submission: { host = \"a b\" }",
		  "t.conf:1: submission: host: 'a b' is no host (write mail.example.com "
		  "or 192.0.2.25)" },
		{ "submission: { host = \"mx.example.com\" tls = \"none\" user = \"x\" "
		  "password_file = \"/x\" }",
		  "t.conf:1: submission: tls: without it the password goes over the "
		  "network for everybody to read (write \"starttls\")" },
		{ "prompts: { link = \"http://example.com/\" }",
		  "t.conf:1: prompts: link: 'http://example.com/' is no URL (write "
		  "https://mail.example.com/receipt/)" },
		{ "prompts: { from = \"Remite <r@example.com>\" }",
		  "t.conf:1: prompts: from: 'Remite <r@example.com>' is no address "
		  "(write receipts@example.com)" },
		{ "agent: { accounts = [\"v mail\"] }",
		  "t.conf:1: agent: accounts: 'v mail' is no user or group of the "
		  "system" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *complaint = NULL;

		assert_null(read_text(cases[i].text, &complaint));
		assert_string_equal(complaint, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_written_is_a_mail_server_here),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_wrong_is_said_with_its_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
