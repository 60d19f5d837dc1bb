/* SPDX-License-Identifier: MIT */
/* How mail is handled: R15, R21, R22. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/rules/conduct.h"

static void assert_state(const struct rmt_rule_findings *findings,
			 enum rmt_rule_number number, const char *want, const char *what)
{
	const char *got = rmt_rule_state_name(rmt_rule_sum(findings, number, NULL));

	if (g_strcmp0(got, want) != 0)
		print_error("%s: got %s, want %s\n", what, got, want);
	assert_string_equal(got, want);
}

static void forwarded_mail_keeps_its_signature_and_gets_a_new_return_path(void **state)
{
	static const struct {
		struct rmt_forward_facts facts;
		const char *want;
	} rows[] = {
		{ { .is_forwarded = false }, "holds" },
		{ { .is_forwarded = false, .own_return_path = true }, "holds" },
		{ { true, true, false, false, true }, "holds" },
		{ { true, true, false, true, true }, "holds" },
		{ { true, true, false, false, false }, "broken" },
		{ { true, false, false, false, true }, "broken" },
		{ { true, false, false, true, true }, "broken" },
		{ { true, false, true, false, false }, "broken" },
		{ { true, false, true, false, true }, "unknown" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_rule_findings findings;

		rmt_rule_findings_init(&findings);
		rmt_rule_forwarded(&rows[i].facts, &findings);
		assert_state(&findings, RMT_R21, rows[i].want, "forwarded");
		rmt_rule_findings_clear(&findings);
	}
}

static void srs_is_known_by_its_tag(void **state)
{
	static const char *const yes[] = { "SRS0=HHH=TT=d.example=ann@f.example",
					   "srs0+HHH=TT=d.example=ann@f.example",
					   "SRS1-x=f.example==HHH=TT=d=ann@g.example" };
	static const char *const no[] = { "ann@d.example", "SRS0@d.example", "",
					  "SRS2=x@d", "srs@d.example" };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(yes); i++)
		assert_true(rmt_is_srs(rmt_span_of(yes[i])));
	for (i = 0; i < G_N_ELEMENTS(no); i++)
		assert_false(rmt_is_srs(rmt_span_of(no[i])));
	assert_false(rmt_is_srs(RMT_SPAN("SRS0\0x@d.example")));
}

static void who_unsubscribed_has_two_days_to_wait_at_most(void **state)
{
	static const struct {
		struct rmt_left_facts facts;
		const char *want;
	} rows[] = {
		{ { 0, 0, 0 }, "holds" },
		{ { 1, 0, 3600 }, "holds" },
		{ { 500, 0, RMT_LEFT_LATE_SECS }, "holds" },
		{ { 0, 1, RMT_LEFT_LATE_SECS + 1 }, "broken" },
		{ { 3, 1, 400 * 86400 }, "broken" },
		{ { 0, 1000, INT64_MAX }, "broken" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_rule_findings findings;

		rmt_rule_findings_init(&findings);
		rmt_rule_unsubscribed(&rows[i].facts, &findings);
		assert_state(&findings, RMT_R15, rows[i].want, "unsubscribed");
		rmt_rule_findings_clear(&findings);
	}
}

static void a_stream_that_can_be_left_suppresses_who_left(void **state)
{
#define LINK "unsubscribe: { mailto = \"u@x.test\" } senders = [\"<>\"] "
	static const struct {
		const char *streams, *want;
	} rows[] = {
		{ "a: { " LINK "}", "holds" },
		{ "a: { " LINK "suppress = [\"unsubscribe\", \"dead\"] }", "holds" },
		{ "a: { " LINK "suppress = [\"dead\"] }", "broken" },
		{ "a: { " LINK "suppress = [] }", "broken" },
		{ "a: { " LINK "} b: { " LINK "suppress = [\"dead\"] }", "broken" },
		{ "a: { senders = [\"<>\"] suppress = [\"dead\"] }", "not-checked" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strdup_printf("keys = \"/nonexistent\"\n"
							"streams: { %s }\n",
							rows[i].streams);
		struct rmt_rule_findings findings;
		GPtrArray *complaints;
		struct rmt_config *config = rmt_config_read_text("t", text, &complaints);

		if (config == NULL)
			fail_msg("%s", (char *)complaints->pdata[0]);
		rmt_rule_findings_init(&findings);
		rmt_rule_unsubscribe_honoured(config, &findings);
		assert_state(&findings, RMT_R15, rows[i].want, rows[i].streams);
		rmt_rule_findings_clear(&findings);
		rmt_config_unref(config);
		g_ptr_array_unref(complaints);
	}
}

#define EGRESS                                                                           \
	"egress: { a: { addresses = [\"192.0.2.1\"] } b: { addresses = [\"192.0.2.2\"] " \
	"} "                                                                             \
	"}\n"

static void each_kind_of_mail_leaves_by_itself(void **state)
{
	static const struct {
		const char *streams, *want;
	} rows[] = {
		{ "one: { senders = [\"<>\"] egress = \"a\" }", "holds" },
		{ "one: { senders = [\"<>\"] egress = \"a\" }"
		  "two: { senders = [\"<>\"] egress = \"b\" }",
		  "holds" },
		{ "one: { senders = [\"<>\"] egress = \"a\" class = \"news\" }"
		  "two: { senders = [\"<>\"] egress = \"a\" class = \"news\" }",
		  "holds" },
		{ "one: { senders = [\"<>\"] egress = \"a\" dkim: { domain = "
		  "\"n.d.example\" "
		  "} }"
		  "two: { senders = [\"<>\"] egress = \"a\" dkim: { domain = "
		  "\"t.d.example\" "
		  "} }",
		  "holds" },
		{ "one: { senders = [\"<>\"] }", "not-checked" },
		{ "one: { senders = [\"<>\"] egress = \"a\" }"
		  "two: { senders = [\"<>\"] egress = \"a\" }",
		  "broken" },
		{ "one: { senders = [\"<>\"] egress = \"a\" dkim: { domain = "
		  "\"d.example\" } "
		  "}"
		  "two: { senders = [\"<>\"] egress = \"a\" dkim: { domain = "
		  "\"D.example\" } "
		  "}",
		  "broken" },
		{ "one: { senders = [\"<>\"] egress = \"a\" dkim: { domain = "
		  "\"d.example\" } "
		  "}"
		  "two: { senders = [\"<>\"] egress = \"a\" }",
		  "broken" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text =
			g_strconcat(EGRESS "streams: {", rows[i].streams, "}", NULL);
		GPtrArray *complaints = NULL;
		g_autoptr(rmt_config) config =
			rmt_config_read_text("t", text, &complaints);
		struct rmt_rule_findings findings;

		assert_non_null(config);
		g_ptr_array_unref(complaints);
		rmt_rule_findings_init(&findings);
		rmt_rule_streams_apart(config, &findings);
		assert_state(&findings, RMT_R22, rows[i].want, rows[i].streams);
		rmt_rule_findings_clear(&findings);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_unsubscribed_has_two_days_to_wait_at_most),
		cmocka_unit_test(a_stream_that_can_be_left_suppresses_who_left),
		cmocka_unit_test(
			forwarded_mail_keeps_its_signature_and_gets_a_new_return_path),
		cmocka_unit_test(srs_is_known_by_its_tag),
		cmocka_unit_test(each_kind_of_mail_leaves_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
