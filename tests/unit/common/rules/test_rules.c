/* SPDX-License-Identifier: MIT */
/* The table of rules, and what providers make of findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/rules/rules.h"

static void every_rule_has_a_whole_row(void **state)
{
	unsigned i;

	(void)state;
	for (i = RMT_R1; i < RMT_RULE_END; i++) {
		const struct rmt_rule *rule = rmt_rule_get(i);

		assert_int_equal(rule->number, i);
		assert_non_null(rule->id);
		assert_true(strlen(rule->reason) > 10 && strlen(rule->reason) < 100);
		assert_true(strlen(rule->remedy) > 10 && strlen(rule->remedy) < 120);
		assert_true(rule->sources != 0);
		assert_true(i > RMT_R22 || (rule->all | rule->bulk) != 0);
	}
}

static void a_rule_is_found_by_id_and_by_name(void **state)
{
	(void)state;
	assert_int_equal(rmt_rule_find(RMT_SPAN("R13"))->number, RMT_R13);
	assert_int_equal(rmt_rule_find(RMT_SPAN("r1"))->number, RMT_R1);
	assert_int_equal(rmt_rule_find(RMT_SPAN("one-click"))->number, RMT_R13);
	assert_null(rmt_rule_find(RMT_SPAN("R23")));
	assert_null(rmt_rule_find(RMT_SPAN("")));
}

static void providers_have_names(void **state)
{
	enum rmt_provider provider;

	(void)state;
	assert_true(rmt_provider_parse(RMT_SPAN("Microsoft"), &provider));
	assert_int_equal(provider, RMT_MICROSOFT);
	assert_false(rmt_provider_parse(RMT_SPAN("gmail"), &provider));
}

struct judged {
	const char *name;
	enum rmt_rule_number number;
	enum rmt_rule_state state;
	enum rmt_severity severity;
	enum rmt_provider provider;
	bool bulk;
	enum rmt_provider_verdict want;
};

static const struct judged rows[] = {
	{ "a broken rule refuses", RMT_R9, RMT_RULE_BROKEN, RMT_SEVERITY_ERROR,
	  RMT_GOOGLE, false, RMT_REFUSES },
	{ "not with who does not ask for it", RMT_R9, RMT_RULE_BROKEN, RMT_SEVERITY_ERROR,
	  RMT_MICROSOFT, true, RMT_ACCEPTS },
	{ "a warning refuses nothing", RMT_R9, RMT_RULE_BROKEN, RMT_SEVERITY_WARNING,
	  RMT_GOOGLE, false, RMT_ACCEPTS },
	{ "rules for bulk are for bulk", RMT_R5, RMT_RULE_BROKEN, RMT_SEVERITY_ERROR,
	  RMT_YAHOO, true, RMT_REFUSES },
	{ "and for nobody else", RMT_R5, RMT_RULE_BROKEN, RMT_SEVERITY_ERROR, RMT_YAHOO,
	  false, RMT_ACCEPTS },
	{ "DNS trouble leaves it open", RMT_R9, RMT_RULE_UNKNOWN, RMT_SEVERITY_ERROR,
	  RMT_GOOGLE, false, RMT_UNSURE },
	{ "what holds is no objection", RMT_R9, RMT_RULE_HOLDS, RMT_SEVERITY_ERROR,
	  RMT_GOOGLE, false, RMT_ACCEPTS },
};

static void a_provider_refuses_for_the_errors_it_asks_about(void **state)
{
	struct rmt_judgement judgement;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_rule_findings findings;

		rmt_rule_findings_init(&findings);
		rmt_rule_add(&findings, rows[i].number, rows[i].state, "here", "so")
			->severity = rows[i].severity;
		rmt_rules_judge(&findings, rows[i].provider, rows[i].bulk, &judgement);
		if (judgement.verdict != rows[i].want)
			fail_msg("%s: %s", rows[i].name,
				 rmt_provider_verdict_name(judgement.verdict));
		rmt_rule_findings_clear(&findings);
	}
}

static void what_nobody_judged_is_never_passed(void **state)
{
	struct rmt_rule_findings findings;
	struct rmt_judgement judgement;

	(void)state;
	rmt_rule_findings_init(&findings);
	rmt_rules_judge(&findings, RMT_GOOGLE, true, &judgement);
	assert_true((judgement.needed >> RMT_R1 & 1) != 0);
	assert_true((judgement.needed >> RMT_R16 & 1) != 0);
	assert_true((judgement.needed >> RMT_R18 & 1) == 0); /* not Google's */
	rmt_rule_findings_clear(&findings);
}

static void the_worst_place_counts(void **state)
{
	struct rmt_rule_findings findings;
	enum rmt_severity severity;

	(void)state;
	rmt_rule_findings_init(&findings);
	rmt_rule_add(&findings, RMT_R9, RMT_RULE_HOLDS, "192.0.2.1", "a");
	assert_int_equal(rmt_rule_sum(&findings, RMT_R9, NULL), RMT_RULE_HOLDS);
	rmt_rule_add(&findings, RMT_R9, RMT_RULE_UNKNOWN, "192.0.2.2", "b");
	assert_int_equal(rmt_rule_sum(&findings, RMT_R9, NULL), RMT_RULE_UNKNOWN);
	rmt_rule_add(&findings, RMT_R9, RMT_RULE_BROKEN, "192.0.2.3", "c")->severity =
		RMT_SEVERITY_WARNING;
	assert_int_equal(rmt_rule_sum(&findings, RMT_R9, &severity), RMT_RULE_BROKEN);
	assert_int_equal(severity, RMT_SEVERITY_WARNING);
	rmt_rule_findings_sort(&findings);
	assert_string_equal(((struct rmt_rule_finding *)findings.list->pdata[0])->problem,
			    "c");
	rmt_rule_findings_clear(&findings);
}

static void text_of_strangers_is_made_printable(void **state)
{
	struct rmt_rule_findings findings;

	(void)state;
	rmt_rule_findings_init(&findings);
	assert_string_equal(rmt_rule_add(&findings, RMT_R3, RMT_RULE_BROKEN, "x\033[2J",
					 "a%sb", "\r\n\xff")
				    ->problem,
			    "a??\xef\xbf\xbd"
			    "b");
	assert_string_equal(((struct rmt_rule_finding *)findings.list->pdata[0])->place,
			    "x?[2J");
	rmt_rule_findings_clear(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_has_a_whole_row),
		cmocka_unit_test(a_rule_is_found_by_id_and_by_name),
		cmocka_unit_test(providers_have_names),
		cmocka_unit_test(a_provider_refuses_for_the_errors_it_asks_about),
		cmocka_unit_test(what_nobody_judged_is_never_passed),
		cmocka_unit_test(the_worst_place_counts),
		cmocka_unit_test(text_of_strangers_is_made_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
