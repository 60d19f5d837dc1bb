/* SPDX-License-Identifier: MIT */
/* What `remite setup dovecot` writes for each release, and what it reads in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cli/doctor.h"
#include "common/cli/setup_dovecot.h"

#define V23 "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\n"
#define V24 "# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf\n"

#define POLICY                                                                           \
	"organization = [\"example.com\"]\nreceipts: { policy = \"organization\" }\n"
#define NOBODY "receipts: { policy = \"none\" }\n"

static struct rmt_config *config_of(const char *text)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read_text("test", text, &complaints);

	assert_non_null(config);
	return config;
}

static const struct {
	const char *what, *config, *doveconf;
	const char *has[5], *lacks[4]; /* NULL-ended */
} cases[] = {
	{ "2.3, nothing asked for",
	  "",
	  V23,
	  { "protocol imap {\n  mail_plugins = $mail_plugins remite\n}", "plugin {",
	    "  remite_receipts = off\n", "mode = 0666" },
	  { "remite-http", "service remite-unsubscribe", "remite_unsubscribe = yes" } },
	{ "2.4, nothing asked for",
	  "",
	  V24,
	  { "protocol lmtp {\n  mail_plugins {\n    remite = yes\n  }\n}",
	    "\nremite_receipts = off\n" },
	  { "plugin {", "$mail_plugins" } },
	{ "a policy that is enforced",
	  "mode = \"enforce\"\n" POLICY,
	  V23,
	  { "  remite_receipts = server" },
	  { "has no receipts", "has no mode", "report" } },
	{ "a policy in report mode, 2.3",
	  POLICY,
	  V23,
	  { "  # remite.conf has no mode = \"enforce\"", "  remite_receipts = report\n" },
	  { "# remite.conf has no receipts", "server" } },
	{ "a policy in report mode, 2.4",
	  "mode = \"report\"\n" POLICY,
	  V24,
	  { "\n# remite.conf has no mode = \"enforce\"", "\nremite_receipts = report\n" },
	  { "plugin {", "server" } },
	{ "nobody is told",
	  "mode = \"enforce\"\n" NOBODY,
	  V23,
	  { "remite_receipts = none" },
	  { NULL } },
	{ "nobody would be told",
	  NOBODY,
	  V23,
	  { "remite_receipts = report" },
	  { "= none" } },
	{ "one account for all mail",
	  "",
	  V23 "mail_uid = vmail\nmail_gid = vmail\n",
	  { "mode = 0660\n    group = vmail\n" },
	  { "0666" } },
	{ "leaving lists",
	  "unsubscribing: { own_hosts = [\"mx.example.com\"] }\n",
	  V24,
	  { "service remite-unsubscribe {", "\nremite_unsubscribe = yes",
	    "remite_trust_headers = yes" },
	  { NULL } },
	{ "pages, 2.3",
	  "streams: { news: { senders = [\"*@news.example.com\"]\n"
	  "unsubscribe: { https = \"https://mail.example.com/u/\" } } }\n",
	  V23,
	  { "service remite-http {", "service_count = 0", "ssl = yes" },
	  { "restart_request_count" } },
	{ "pages, 2.4",
	  "prompts: { link = \"https://mail.example.com/r/\" }\n",
	  V24,
	  { "service remite-http {", "restart_request_count = unlimited" },
	  { "service_count =" } },
};

static void the_file_is_as_the_release_and_remite_conf_want_it(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_config *config = config_of(cases[i].config);
		g_autoptr(rmt_doveconf) conf = rmt_doveconf_parse(cases[i].doveconf);
		g_autoptr(GString) text = g_string_new(NULL);

		rmt_setup_dovecot_text(text, config, conf);
		print_message("%s\n", cases[i].what);
		assert_true(g_str_has_prefix(text->str, RMT_SETUP_DOVECOT_MARK));
		for (j = 0; cases[i].has[j] != NULL; j++)
			if (strstr(text->str, cases[i].has[j]) == NULL)
				fail_msg("lacks: %s\n%s", cases[i].has[j], text->str);
		for (j = 0; cases[i].lacks[j] != NULL; j++)
			if (strstr(text->str, cases[i].lacks[j]) != NULL)
				fail_msg("has: %s\n%s", cases[i].lacks[j], text->str);
		rmt_config_unref(config);
	}
}

/* What it writes, the doctor finds nothing wrong with. */
static void the_doctor_is_content_with_what_setup_writes(void **state)
{
	static const char *const versions[] = { V23, V24 };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(versions); i++) {
		struct rmt_config *config = config_of(
			"mode = \"enforce\"\norganization = [\"example.com\"]\n"
			"receipts: { policy = \"organization\" }\n"
			"unsubscribing: { own_hosts = [\"mx.example.com\"] }\n");
		g_autoptr(rmt_doveconf) before = rmt_doveconf_parse(versions[i]);
		g_autoptr(GString) text = g_string_new(versions[i]);
		g_autoptr(rmt_doveconf) after = NULL;
		struct rmt_doctor doctor = { .config = config };

		rmt_setup_dovecot_text(text, config, before);
		after = rmt_doveconf_parse(text->str);
		rmt_findings_init(&doctor.findings);
		/* 2.3 replaces $mail_plugins when it reads. */
		rmt_doctor_dovecot_judge(&doctor, after);
		assert_int_equal(doctor.findings.list->len, 0);
		rmt_findings_finish(&doctor.findings);
		rmt_config_unref(config);
	}
}

static void doveconf_is_read_as_blocks(void **state)
{
	g_autoptr(rmt_doveconf) conf = rmt_doveconf_parse(
		V24 "service a {\n  unix_listener b {\n    mode = 0600\n"
		    "  }\n  user = c\n}\nmail_plugins {\n  x = yes\n}\n"
		    "protocol lmtp {\n  mail_plugins = \" z\"\n}\n");

	(void)state;
	assert_true(conf->is_24);
	assert_string_equal(rmt_doveconf_get(conf, "service a/unix_listener b/mode"),
			    "0600");
	assert_string_equal(rmt_doveconf_get(conf, "service a/user"), "c");
	assert_true(rmt_doveconf_has(conf, "service a"));
	assert_false(rmt_doveconf_has(conf, "service b"));
	assert_true(rmt_doveconf_loads(conf, "imap", "x"));
	assert_false(rmt_doveconf_loads(conf, "imap", "y"));
	assert_true(rmt_doveconf_loads(conf, "lmtp", "z")); /* doveconf quotes it */
	assert_null(rmt_doveconf_mail_account(conf, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_as_the_release_and_remite_conf_want_it),
		cmocka_unit_test(the_doctor_is_content_with_what_setup_writes),
		cmocka_unit_test(doveconf_is_read_as_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
