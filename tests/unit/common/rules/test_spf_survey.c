/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/auth/zone.h"
#include "common/rules/spf_survey.h"

static const char zone_text[] =
	"flat.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
	"terms.example TXT \"v=spf1 a mx ptr exists:%{i}.x.example a:b.example -all\"\n"
	"deep.example TXT \"v=spf1 include:terms.example a redirect=one.example\"\n"
	"outer.example TXT \"v=spf1 a include:deep.example include:flat.example "
	"include:twice.example -all\"\n"
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

static void run(struct rmt_spf_survey *tree, const char *domain)
{
	g_autoptr(rmt_zone) zone = rmt_zone_new();

	assert_true(rmt_zone_add_text(zone, "zone", rmt_span_of(zone_text), NULL));
	rmt_spf_survey_clear(tree);
	rmt_spf_survey_start(tree, rmt_span_of(domain));
	rmt_zone_run(zone, &tree->asker);
}

static const struct rmt_spf_survey_node *node_at(const struct rmt_spf_survey *tree,
						 guint at)
{
	return tree->nodes->pdata[at];
}

static void every_term_that_may_ask_is_counted(void **state)
{
	struct rmt_spf_survey tree = { .text = NULL };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *problem;

		run(&tree, cases[i].domain);
		problem = node_at(&tree, tree.nodes->len - 1)->problem;
		if (tree.lookups != cases[i].lookups ||
		    tree.nodes->len != cases[i].records ||
		    tree.complete != cases[i].complete)
			fail_msg("%s: %u in %u", cases[i].domain, tree.lookups,
				 tree.nodes->len);
		if (g_strcmp0(problem, cases[i].problem) != 0)
			fail_msg("%s: %s", cases[i].domain, problem);
	}
	rmt_spf_survey_clear(&tree);
}

static void records_are_told_depth_first(void **state)
{
	static const struct {
		const char *domain, *term;
		unsigned depth, lookups;
	} want[] = {
		{ "outer.example", "", 0, 4 },
		{ "deep.example", "include:deep.example", 1, 3 },
		{ "terms.example", "include:terms.example", 2, 5 },
		{ "one.example", "redirect=one.example", 2, 1 },
		{ "flat.example", "include:flat.example", 1, 0 },
		{ "twice.example", "include:twice.example", 1, 2 },
		{ "one.example", "include:one.example", 2, 1 },
		{ "one.example", "include:one.example", 2, 1 },
	};
	struct rmt_spf_survey tree = { .text = NULL };
	guint i;

	(void)state;
	run(&tree, "outer.example");
	assert_int_equal(tree.nodes->len, G_N_ELEMENTS(want));
	for (i = 0; i < tree.nodes->len; i++) {
		assert_string_equal(node_at(&tree, i)->domain, want[i].domain);
		assert_string_equal(node_at(&tree, i)->term, want[i].term);
		assert_int_equal(node_at(&tree, i)->depth, want[i].depth);
		assert_int_equal(node_at(&tree, i)->lookups, want[i].lookups);
	}
	rmt_spf_survey_clear(&tree);
}

static void a_tree_without_end_is_given_up(void **state)
{
	struct rmt_spf_survey tree = { .text = NULL };

	(void)state;
	run(&tree, "wide.example");
	assert_false(tree.complete);
	assert_true(tree.lookups >= 50);
	assert_true(tree.visits <= 100);
	assert_true(tree.nodes->len <= 200);
	rmt_spf_survey_clear(&tree);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_term_that_may_ask_is_counted),
		cmocka_unit_test(records_are_told_depth_first),
		cmocka_unit_test(a_tree_without_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
