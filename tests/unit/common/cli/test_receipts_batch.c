/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/cli/batch.h"

#define CONFIG                                                                           \
	"organization = [\\\"example.com\\\"] receipts: { policy = "                     \
	"\\\"organization\\\" prompt = false }"
#define MESSAGE                                                                          \
	"Return-Path: <ann@example.com>\\r\\nFrom: ann@example.com\\r\\nTo: "            \
	"bob@example.com\\r\\nMessage-ID: <1@x>\\r\\nDisposition-Notification-To: "      \
	"ann@example.com\\r\\n\\r\\nbody"
#define FACTS "\"user\":\"bob@example.com\",\"now\":1795312845,\"received\":1795312800"

static json_t *run(rmt_batch_verb *verb, const char *text, char **error_r)
{
	json_t *in = json_loads(text, 0, NULL);
	struct rmt_batch_case c = { .in = in, .out = json_object() };
	g_autoptr(GError) err = NULL;

	assert_non_null(in);
	*error_r = NULL;
	if (!verb(&c, &err))
		*error_r = g_strdup(err->message);
	json_decref(in);
	return c.out;
}

static void check(rmt_batch_verb *verb, const char *text, const char *key,
		  const char *want)
{
	g_autofree char *error = NULL;
	json_t *out = run(verb, text, &error);
	const char *got = json_string_value(json_object_get(out, key));

	if (error != NULL || g_strcmp0(got, want) != 0)
		fail_msg("%s: wanted %s, got %s (%s)", text, want, got, error);
	json_decref(out);
}

static void a_request_is_decided_with_the_facts_given(void **state)
{
	static const struct {
		const char *facts, *key, *want;
	} rows[] = {
		{ "", "verdict", "send" },
		{ "", "final_recipient", "bob@example.com" },
		{ "", "key", "<1@x>" },
		{ ",\"preference\":\"never\"", "reason", "user-never" },
		{ ",\"place\":[\"junk\",\"trash\"]", "reason", "junk" },
		{ ",\"claimed\":true", "reason", "claimed" },
		{ ",\"count-user\":100", "reason", "user-limit" },
		{ ",\"address\":[\"b@example.com\"]", "because", "not-named" },
		{ ",\"event\":\"deleted\"", "reason", "deleted-unread" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strdup_printf(
			"{\"config\":\"" CONFIG "\",\"message\":\"" MESSAGE
			"\",\"facts\":{" FACTS ",\"cannot-ask\":true%s}}",
			rows[i].facts);

		check(rmt_batch_receipt, text, rows[i].key, rows[i].want);
	}
}

static void the_receipt_stands_beside_the_verdict(void **state)
{
	g_autofree char *error = NULL;
	json_t *out = run(rmt_batch_receipt,
			  "{\"config\":\"" CONFIG "\",\"message\":\"" MESSAGE
			  "\",\"facts\":{" FACTS ",\"name\":\"Bob\"}}",
			  &error);
	const char *mdn = json_string_value(json_object_get(out, "mdn"));

	(void)state;
	assert_non_null(mdn);
	assert_non_null(strstr(mdn, "From: Bob <bob@example.com>\r\n"));
	assert_non_null(strstr(mdn, "Original-Message-ID: <1@x>\r\n"));
	json_decref(out);
}

static void a_receipt_is_read(void **state)
{
	(void)state;
	check(rmt_batch_mdn, "{\"file\":\"tests/data/receipts/mdn/rfc8098.eml\"}", "form",
	      "standard");
	check(rmt_batch_mdn, "{\"file\":\"tests/data/receipts/mdn/rfc8098.eml\"}",
	      "original_recipient", "b.alias@example.com");
	check(rmt_batch_mdn, "{\"message\":\"Subject: x\\r\\n\\r\\nhello\"}", "form",
	      "none");
}

static void mistakes_are_told(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "{\"facts\":{\"user\":\"b\"}}", "has no 'file'" },
		{ "{\"message\":\"\",\"facts\":{\"colour\":\"red\"}}", "'colour'" },
		{ "{\"message\":\"\",\"facts\":[]}", "'facts' is not an object" },
		{ "{\"message\":\"\",\"facts\":{\"user\":null}}", "neither text" },
		{ "{\"message\":\"\",\"facts\":{\"place\":\"attic\"}}",
		  "'place' is one" },
		{ "{\"message\":\"\",\"facts\":{\"envelope\":\"no one\"}}",
		  "no address" },
		{ "{\"message\":\"\",\"facts\":{\"received\":\"soon\"}}", "soon" },
		{ "{\"message\":\"\",\"config\":\"receipts: 1\"}", "must be a group" },
		{ "{\"file\":\"/nowhere\"}", "/nowhere" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *error = NULL;
		json_t *out = run(rmt_batch_receipt, rows[i].text, &error);

		if (error == NULL || strstr(error, rows[i].want) == NULL)
			fail_msg("%s: wanted '%s' in '%s'", rows[i].text, rows[i].want,
				 error);
		json_decref(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_decided_with_the_facts_given),
		cmocka_unit_test(the_receipt_stands_beside_the_verdict),
		cmocka_unit_test(a_receipt_is_read),
		cmocka_unit_test(mistakes_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
