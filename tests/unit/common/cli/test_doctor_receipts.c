/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/cli/doctor.h"

/* Places of the findings, joined by ' '. */
static char *places_of(const char *text)
{
	GPtrArray *complaints;
	g_autoptr(rmt_config) config = rmt_config_read_text("t.conf", text, &complaints);
	struct rmt_doctor doctor = { .config = config };
	GString *out = g_string_new(NULL);
	guint i;

	assert_non_null(config);
	g_ptr_array_unref(complaints);
	rmt_findings_init(&doctor.findings);
	rmt_doctor_receipts(&doctor);
	for (i = 0; i < doctor.findings.list->len; i++) {
		const struct rmt_finding *one =
			g_ptr_array_index(doctor.findings.list, i);

		g_string_append_printf(out, "%s%s", i > 0 ? " " : "", one->place);
	}
	rmt_findings_finish(&doctor.findings);
	return g_string_free(out, FALSE);
}

#define BEFORE "state = \"/tmp\" milter: { before = \"unix:/tmp/before\" }\n"

static void what_the_policy_cannot_do_is_found(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "receipts: { policy = \"none\" }", "milter.before" },
		{ "receipts: { policy = \"none\" police = \"off\" }", "" },
		{ BEFORE "receipts: { policy = \"anyone\" }", "receipts.addresses" },
		{ BEFORE
		  "receipts: { policy = \"anyone\" addresses = [\"b: b@x.test\"] }",
		  "" },
		{ "state = \"/nowhere\" milter: { before = \"unix:/tmp/before\" } "
		  "receipts: { policy = \"anyone\" addresses = [\"b: b@x.test\"] }",
		  "/nowhere" },
		{ "receipts: { policy = \"anyone\" police = \"off\" } "
		  "submission: { host = \"relay.test\" }",
		  "submission.host" },
		{ "receipts: { policy = \"anyone\" police = \"off\" } "
		  "submission: { host = \"127.0.0.2\" }",
		  "" },
		{ "receipts: { policy = \"none\" police = \"off\" } "
		  "submission: { host = \"relay.test\" }",
		  "" },
		{ "receipts: { policy = \"anyone\" police = \"off\" language = \"tlh\" }",
		  "receipts.language" },
		{ "receipts: { policy = \"anyone\" police = \"off\" "
		  "templates = \"/nowhere\" }",
		  "receipts.templates" },
		{ "receipts: { policy = \"organization\" police = \"off\" "
		  "prompt = false }",
		  "receipts.authserv_ids" },
		{ "receipts: { policy = \"organization\" police = \"off\" "
		  "prompt = false authserv_ids = [\"mx.test\"] }",
		  "" },
		{ "receipts: { policy = \"organization\" police = \"off\" "
		  "units: { x: { users = [\"a\"] prompt = false } } }",
		  "receipts.authserv_ids" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = places_of(rows[i].text);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: wanted '%s', got '%s'", rows[i].text, rows[i].want,
				 got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_policy_cannot_do_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
