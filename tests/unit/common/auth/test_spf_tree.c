/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/auth/spf_tree.h"
#include "common/auth/zone.h"

static const char zone_text[] =
	"flat.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
	"terms.example TXT \"v=spf1 a mx ptr exists:%{i}.x.example a:b.example -all\"\n"
	"deep.example TXT \"v=spf1 include:terms.example a redirect=one.example\"\n"
	"one.example TXT \"v=spf1 mx ?all\"\n"
	"twice.example TXT \"v=spf1 include:one.example include:one.example -all\"\n"
	"behind.example TXT \"v=spf1 a -all mx include:terms.example "
	"redirect=terms.example\"\n"
	"loop.example TXT \"v=spf1 a include:pool.example -all\"\n"
	"pool.example TXT \"v=spf1 include:loop.example -all\"\n"
	"macro.example TXT \"v=spf1 include:%{l}.x.example -all\"\n"
	"gone.example TXT \"v=spf1 include:nowhere.example a -all\"\n"
	"slow.example TXT \"v=spf1 include:dead.example -all\"\n"
	"dead.example TXT TIMEOUT\n"
	"wrong.example TXT \"v=spf1 foo\"\n"
	"wide.example TXT \"v=spf1 include:w.example include:w.example include:w.example "
	"include:w.example include:w.example include:w.example include:w.example\"\n"
	"w.example TXT \"v=spf1 include:v.example include:v.example include:v.example "
	"include:v.example include:v.example include:v.example include:v.example\"\n"
	"v.example TXT \"v=spf1 a a a a a a a a a a a a a a a a a a a a -all\"\n";

static const struct {
	const char *domain;
	unsigned lookups;
	size_t records;
	bool complete;
	const char *problem; /* of the last record; NULL: none */
} cases[] = {
	{ "flat.example", 0, 1, true, NULL },
	{ "terms.example", 5, 1, true, NULL },
	{ "deep.example", 9, 3, true, NULL },
	{ "twice.example", 4, 3, true, NULL },
	{ "behind.example", 1, 1, true, NULL },
	{ "loop.example", 3, 3, true,
	  "leads back to a record above: every host ends in permerror" },
	{ "macro.example", 1, 2, true,
	  "depends on the message (a macro): not counted further" },
	{ "gone.example", 2, 2, true, "has no SPF record" },
	{ "slow.example", 1, 2, false, "time-out" },
	{ "wrong.example", 0, 1, true, "has a syntax error in its record" },
	{ "nothing.example", 0, 1, true, "has no SPF record" },
	{ "", 0, 1, true, "not a domain name" },
};

static void run(struct rmt_spf_tree *tree, const char *domain)
{
	g_autoptr(rmt_zone) zone = rmt_zone_new();

	assert_true(rmt_zone_add_text(zone, "zone", rmt_span_of(zone_text), NULL));
	rmt_zone_run(zone, rmt_spf_tree_start(tree, rmt_span_of(domain)));
}

static void every_term_that_may_ask_is_counted(void **state)
{
	g_autoptr(rmt_spf_tree) tree = rmt_spf_tree_new();
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct rmt_spf_tree_result *result = rmt_spf_tree_result(tree);
		const char *problem;

		run(tree, cases[i].domain);
		problem = result->nodes[result->count - 1].problem;
		if (result->lookups != cases[i].lookups ||
		    result->count != cases[i].records ||
		    result->complete != cases[i].complete)
			fail_msg("%s: %u in %zu", cases[i].domain, result->lookups,
				 result->count);
		if (g_strcmp0(problem, cases[i].problem) != 0)
			fail_msg("%s: %s", cases[i].domain, problem);
	}
}

static void records_are_told_in_the_order_they_are_read(void **state)
{
	g_autoptr(rmt_spf_tree) tree = rmt_spf_tree_new();
	const struct rmt_spf_tree_result *result = rmt_spf_tree_result(tree);

	(void)state;
	run(tree, "deep.example");
	assert_true(rmt_span_eq(result->nodes[1].domain, RMT_SPAN("terms.example")));
	assert_true(
		rmt_span_eq(result->nodes[1].term, RMT_SPAN("include:terms.example")));
	assert_int_equal(result->nodes[1].depth, 1);
	assert_int_equal(result->nodes[1].lookups, 5);
	assert_true(rmt_span_eq(result->nodes[2].term, RMT_SPAN("redirect=one.example")));
}

static void a_tree_without_end_is_given_up(void **state)
{
	g_autoptr(rmt_spf_tree) tree = rmt_spf_tree_new();

	(void)state;
	run(tree, "wide.example");
	assert_false(rmt_spf_tree_result(tree)->complete);
	assert_true(rmt_spf_tree_result(tree)->lookups >= RMT_SPF_TREE_LOOKUPS_MAX);
	assert_true(rmt_spf_tree_result(tree)->count < 40);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_term_that_may_ask_is_counted),
		cmocka_unit_test(records_are_told_in_the_order_they_are_read),
		cmocka_unit_test(a_tree_without_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
