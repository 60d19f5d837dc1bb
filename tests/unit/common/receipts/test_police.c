/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/receipts/police.h"

#define ORG "organization = [\"example.com\"]\nreceipts: { "

struct scene {
	const char *config, *from, *final, *recipient, *disposition, *id, *login;
	enum rmt_receipt_preference preference;
};

static struct rmt_mdn *make_mdn(const struct scene *scene)
{
	g_autofree char *text = g_strdup_printf(
		"Content-Type: message/disposition-notification\n\n"
		"Final-Recipient: rfc822;%s\nOriginal-Message-ID: %s\nDisposition: %s\n",
		scene->final != NULL ? scene->final : "bob@example.com",
		scene->id != NULL ? scene->id : "<1@x>",
		scene->disposition != NULL
			? scene->disposition
			: "manual-action/MDN-sent-manually; displayed");

	return rmt_mdn_read(rmt_span_of(text));
}

static const char *judge(const struct scene *scene)
{
	static const char *const addresses[] = { "bob@example.com", "b.a@example.com",
						 NULL };
	GPtrArray *complaints;
	g_autoptr(rmt_config) config =
		rmt_config_read_text("t.conf", scene->config, &complaints);
	g_autoptr(rmt_mdn) mdn = make_mdn(scene);
	g_autoptr(rmt_receipt_user) user = rmt_receipt_user_new(
		scene->login != NULL ? scene->login : "bob",
		scene->login != NULL ? NULL : addresses, NULL, NULL, NULL);
	g_autoptr(rmt_mailbox) from = rmt_mailbox_read(
		rmt_span_of(scene->from != NULL ? scene->from : "bob@example.com"));
	g_autoptr(GPtrArray) recipients = g_ptr_array_new();
	struct rmt_police_facts facts = { .mdn = mdn,
					  .user = user,
					  .from = from,
					  .recipients = recipients,
					  .preference = scene->preference };
	const struct rmt_receipt_reason *reason;

	g_ptr_array_unref(complaints);
	g_ptr_array_add(recipients,
			(char *)(scene->recipient != NULL ? scene->recipient
							  : "ann@example.com"));
	reason = rmt_police_judge(config, &facts);
	return reason != NULL ? reason->id : "-";
}

#define AUTO ORG "policy = \"organization\" prompt = false }"
#define ASK  ORG "policy = \"organization\" }"
#define ANY  ORG "policy = \"anyone\" }"
#define SENT "manual-action/MDN-sent-automatically; displayed"

static void what_a_client_may_send_follows_from_policy_and_addresses(void **state)
{
	static const struct {
		struct scene scene;
		const char *want;
	} rows[] = {
		{ { ORG "policy = \"none\" }" }, "policy-none" }, /* G01 */
		{ { AUTO }, "-" },                                /* G02 */
		{ { ASK }, "-" },                                 /* G02 */
		{ { ANY, .recipient = "x@far.example" }, "-" },   /* G03 */
		{ { AUTO, .recipient = "x@far.example" },
		  "outside-organization" }, /* P15 */
		{ { AUTO, .recipient = "x@example.com.evil" }, "outside-organization" },
		{ { AUTO, .recipient = "" }, "outside-organization" },
		{ { AUTO, .disposition = SENT }, "-" },
		{ { ASK, .disposition = SENT }, "unasked" },
		{ { ANY, .disposition = SENT }, "unasked" },
		{ { AUTO, .from = "eve@example.com" }, "from-not-own" },   /* M21 */
		{ { AUTO, .from = "b.a@example.com" }, "-" },              /* P04 */
		{ { AUTO, .final = "eve@example.com" }, "final-not-own" }, /* M22 */
		{ { AUTO, .final = "b.a@example.com" }, "-" },
		{ { AUTO, .id = "" }, "message-unknown" },
		{ { AUTO, .preference = RMT_PREFERENCE_NEVER }, "user-never" }, /* M09 */
		{ { AUTO, .preference = RMT_PREFERENCE_ASK }, "-" },
		{ { AUTO, .disposition = "manual-action/MDN-sent-manually; deleted" },
		  "deleted-unread" }, /* P07 */
		{ { AUTO, .login = "nobody" }, "addresses-unknown" },
		{ { AUTO, .login = "bob@example.com" }, "-" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *got = judge(&rows[i].scene);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("row %zu: wanted %s, got %s", i, rows[i].want, got);
	}
}

static void only_what_may_hold_a_receipt_is_looked_into(void **state)
{
	static const struct {
		const char *type;
		bool want;
	} rows[] = {
		{ "multipart/report; report-type=disposition-notification", true },
		{ "multipart/mixed; boundary=x", true },
		{ "multipart/signed", true },
		{ "message/disposition-notification", true },
		{ "application/ms-tnef", true },
		{ "application/pkcs7-mime", true },
		{ "text/plain", true },
		{ "text/html", false },
		{ "multipart/alternative; boundary=x", false },
		{ "multipart/related", false },
		{ "multipart/encrypted", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *header =
			g_strdup_printf("Content-Type: %s\r\n", rows[i].type);

		if (rmt_police_may_be_receipt(rmt_span_of(header)) != rows[i].want)
			fail_msg("%s", rows[i].type);
	}
	assert_true(rmt_police_may_be_receipt(RMT_SPAN("Subject: x\r\n")));
}

static void G01_all_fields_that_clients_ask_with_are_known(void **state)
{
	(void)state;
	assert_true(rmt_police_is_request(RMT_SPAN("disposition-notification-TO")));
	assert_true(rmt_police_is_request(RMT_SPAN("Return-Receipt-To")));
	assert_true(rmt_police_is_request(RMT_SPAN("X-Confirm-Reading-To")));
	assert_false(rmt_police_is_request(RMT_SPAN("Return-Path")));
}

static void every_reason_has_an_id_of_its_own(void **state)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	const struct rmt_receipt_reason *reason;
	size_t i;

	(void)state;
	for (i = 0; (reason = rmt_police_reason_at(i)) != NULL; i++)
		assert_true(g_hash_table_add(seen, (char *)reason->id));
	assert_true(i > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_a_client_may_send_follows_from_policy_and_addresses),
		cmocka_unit_test(only_what_may_hold_a_receipt_is_looked_into),
		cmocka_unit_test(G01_all_fields_that_clients_ask_with_are_known),
		cmocka_unit_test(every_reason_has_an_id_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
