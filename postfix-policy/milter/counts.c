/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/counts.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

/* Upper ends of the histogram's buckets. */
static const unsigned bucket_us[RMT_COUNTS_BUCKETS] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 50000, 100000, 500000, 1000000, 2500000,
};

static const char *const others[RMT_COUNTS_OTHERS] = {
	[RMT_COUNTS_LIMIT] = "limit",
	[RMT_COUNTS_PAUSED] = "paused",
	[RMT_COUNTS_SUPPRESSED] = "suppressed",
	[RMT_COUNTS_OTHER] = "other",
};

struct rmt_counts *rmt_counts_new(void)
{
	void *page = mmap(NULL, sizeof(struct rmt_counts), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page != MAP_FAILED ? page : NULL;
}

static void add(uint64_t *count, uint64_t n)
{
	__atomic_fetch_add(count, n, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* "limit:day" is a limit. */
static enum rmt_counts_other other_of(const char *rule)
{
	const size_t len = strcspn(rule, ":");
	int i;

	for (i = 0; i < RMT_COUNTS_OTHER; i++)
		if (strlen(others[i]) == len && strncmp(others[i], rule, len) == 0)
			break;
	return (enum rmt_counts_other)i;
}

static void count_findings(struct rmt_counts_of_place *place,
			   const struct rmt_outcome *outcome)
{
	size_t i;

	for (i = 0; i < outcome->count; i++) {
		const char *name = outcome->found[i].rule;
		const struct rmt_rule *rule = rmt_rule_find(rmt_span_of(name));

		if (rule != NULL)
			add(&place->rules[rule->number], 1);
		else
			add(&place->others[other_of(name)], 1);
	}
}

void rmt_counts_message(struct rmt_counts *counts, enum rmt_place at,
			const struct rmt_outcome *outcome, bool edited, int64_t spent_us)
{
	struct rmt_counts_of_place *place = &counts->places[at];
	size_t bucket = 0;

	while (bucket < RMT_COUNTS_BUCKETS && spent_us > bucket_us[bucket])
		bucket++;
	add(&place->messages, 1);
	add(&place->would[outcome->level], 1);
	add(&place->done[outcome->done], 1);
	add(&place->open, outcome->open != NULL);
	add(&place->edits, edited);
	add(&place->spent[bucket], 1);
	add(&place->spent_us, (uint64_t)MAX(spent_us, 0));
	count_findings(place, outcome);
}

void rmt_counts_line(struct rmt_counts *counts, enum rmt_place at, GString *out)
{
	const struct rmt_counts_of_place *place = &counts->places[at];
	int level;

	g_string_append_printf(out, "place=%s messages=%" PRIu64, rmt_place_name(at),
			       get(&place->messages));
	for (level = RMT_LEVEL_LOG; level <= RMT_LEVEL_REJECT; level++)
		g_string_append_printf(out, " %s=%" PRIu64,
				       rmt_level_name((enum rmt_level)level),
				       get(&place->would[level]));
}

/* --- the page -------------------------------------------------------------------------
 */

static void put_help(GString *out, const char *name, const char *type, const char *help)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
			       type);
}

/* counts: offset of an array of levels in a place's counts. */
static void put_levels(const struct rmt_counts *counts, const char *name, size_t offset,
		       GString *out)
{
	int place, level;

	for (place = 0; place < RMT_PLACE_COUNT; place++) {
		const char *row = (const char *)&counts->places[place] + offset;
		const uint64_t *levels = (const uint64_t *)(const void *)row;

		for (level = 0; level <= RMT_LEVEL_REJECT; level++)
			g_string_append_printf(
				out, "%s{place=\"%s\",level=\"%s\"} %" PRIu64 "\n", name,
				rmt_place_name((enum rmt_place)place),
				rmt_level_name((enum rmt_level)level),
				get(&levels[level]));
	}
}

static void put_actions(const struct rmt_counts *counts, GString *out)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} rows[] = {
		{ "remite_milter_messages_total",
		  "messages by what was done, and by what enforce mode would do",
		  offsetof(struct rmt_counts_of_place, done) },
		{ "remite_milter_would_total",
		  "messages by the highest level found, in report mode too",
		  offsetof(struct rmt_counts_of_place, would) },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		put_help(out, rows[i].name, "counter", rows[i].help);
		put_levels(counts, rows[i].name, rows[i].offset, out);
	}
}

static void put_finding(GString *out, int place, const char *rule, uint64_t count)
{
	if (count > 0)
		g_string_append_printf(
			out,
			"remite_milter_findings_total{place=\"%s\",rule=\"%s\"} %" PRIu64
			"\n",
			rmt_place_name((enum rmt_place)place), rule, count);
}

static void put_findings(const struct rmt_counts *counts, GString *out)
{
	int place, i;

	put_help(out, "remite_milter_findings_total", "counter",
		 "rules that did not hold");
	for (place = 0; place < RMT_PLACE_COUNT; place++) {
		for (i = RMT_R1; i < RMT_RULE_END; i++)
			put_finding(out, place, rmt_rule_get((enum rmt_rule_number)i)->id,
				    get(&counts->places[place].rules[i]));
		for (i = 0; i < RMT_COUNTS_OTHERS; i++)
			put_finding(out, place, others[i],
				    get(&counts->places[place].others[i]));
	}
}

static void put_spent(const struct rmt_counts_of_place *place, const char *name,
		      GString *out)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < RMT_COUNTS_BUCKETS; i++) {
		sum += get(&place->spent[i]);
		g_string_append_printf(
			out,
			"remite_milter_answer_seconds_bucket{place=\"%s\",le=\"%g\"} "
			"%" PRIu64 "\n",
			name, bucket_us[i] / 1e6, sum);
	}
	sum += get(&place->spent[i]);
	g_string_append_printf(
		out,
		"remite_milter_answer_seconds_bucket{place=\"%s\",le=\"+Inf\"} %" PRIu64
		"\n"
		"remite_milter_answer_seconds_sum{place=\"%s\"} %.6f\n"
		"remite_milter_answer_seconds_count{place=\"%s\"} %" PRIu64 "\n",
		name, sum, name, (double)get(&place->spent_us) / 1e6, name, sum);
}

static void put_plain(const struct rmt_counts *counts, GString *out)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} rows[] = {
		{ "remite_milter_open_total",
		  "messages of which something could not be known",
		  offsetof(struct rmt_counts_of_place, open) },
		{ "remite_milter_edited_total", "messages that were changed",
		  offsetof(struct rmt_counts_of_place, edits) },
	};
	size_t i;
	int place;

	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		put_help(out, rows[i].name, "counter", rows[i].help);
		for (place = 0; place < RMT_PLACE_COUNT; place++) {
			const char *at =
				(const char *)&counts->places[place] + rows[i].offset;

			g_string_append_printf(out, "%s{place=\"%s\"} %" PRIu64 "\n",
					       rows[i].name,
					       rmt_place_name((enum rmt_place)place),
					       get((const uint64_t *)(const void *)at));
		}
	}
}

void rmt_counts_page(struct rmt_counts *counts, GString *out)
{
	int place;

	put_actions(counts, out);
	put_findings(counts, out);
	put_plain(counts, out);
	put_help(out, "remite_milter_answer_seconds", "histogram",
		 "from the end of a message to its answer");
	for (place = 0; place < RMT_PLACE_COUNT; place++)
		put_spent(&counts->places[place], rmt_place_name((enum rmt_place)place),
			  out);
}
