/* SPDX-License-Identifier: MIT */
/* step_domains.c - R17, R18: do the domains a message comes from exist, and can it be
 * answered? A sender's domains are few: what was found is kept. */
#include <string.h>

#include "common/base/clock.h"
#include "common/rules/reach.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

enum {
	KNOWN_MAX = 10000,
	AGAIN_SECS = 30, /* after DNS failed, or said that there is nothing */
};

enum { RESOLVES, ANSWERABLE, RULES };

static const enum rmt_rule_number numbers[RULES] = { RMT_R17, RMT_R18 };

/* Of one domain. */
struct known {
	enum rmt_rule_state states[RULES];
	char *problems[RULES]; /* own */
	int64_t until_us;
};

struct state {
	struct rmt_milter *milter;
	GMutex lock;
	GHashTable *known; /* own; char * -> struct known; under lock */
};

static void known_free(gpointer data)
{
	struct known *known = data;
	int i;

	for (i = 0; i < RULES; i++)
		g_free(known->problems[i]);
	g_free(known);
}

static bool opens(struct rmt_milter *milter, void **state_r, GError **err)
{
	struct state *state = g_new0(struct state, 1);

	(void)err;
	g_mutex_init(&state->lock);
	state->milter = milter;
	state->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, known_free);
	*state_r = state;
	return true;
}

/* --- whose domains ---------------------------------------------------------------- */

/* A domain that plays one part or two. */
struct asked {
	char *domain;             /* own; folded */
	const char *roles[RULES]; /* why the rule concerns it; NULL: it does not */
	struct known known;       /* own */
	bool is_known;
};

enum { ASKED_MAX = 3 };

struct asking {
	struct asked domains[ASKED_MAX];
	size_t count;
};

static void add(struct asking *asking, struct rmt_span domain, int rule, const char *role)
{
	char out[RMT_DOMAIN_MAX + 1];
	struct rmt_span folded = rmt_domain_fold(domain, out);
	struct asked *asked;
	size_t i;

	if (!rmt_dns_name_ok(folded) || folded.p[0] == '[') /* an address as a domain */
		return;
	for (i = 0; i < asking->count; i++)
		if (rmt_span_eq(rmt_span_of(asking->domains[i].domain), folded))
			break;
	asked = &asking->domains[i];
	if (i == asking->count) {
		*asked = (struct asked){ .domain = g_strndup(folded.p, folded.len) };
		asking->count++;
	}
	if (asked->roles[rule] == NULL)
		asked->roles[rule] = role;
}

static void collect(struct rmt_milter_message *message, struct asking *asking)
{
	const struct rmt_from *from = &rmt_message_known(message)->from;
	struct rmt_span local, domain;
	struct rmt_from reply_to;

	if (from->result == RMT_FROM_OK)
		add(asking, rmt_span_of(from->domain), RESOLVES, "From");
	if (rmt_span_split_last(rmt_span_of(rmt_message_leaves_from(message)), '@',
				&local, &domain))
		add(asking, domain, RESOLVES, "the return path");
	if (rmt_reply_to_read(message->header, &reply_to))
		add(asking, rmt_span_of(reply_to.domain), ANSWERABLE, "Reply-To");
	else if (from->result == RMT_FROM_OK)
		add(asking, rmt_span_of(from->domain), ANSWERABLE, "From");
}

/* --- what is known ---------------------------------------------------------------- */

static void copy(const struct known *from, struct known *to)
{
	int i;

	*to = *from;
	for (i = 0; i < RULES; i++)
		to->problems[i] = g_strdup(from->problems[i]);
}

static void find_known(struct state *state, struct asking *asking)
{
	const int64_t now_us = g_get_monotonic_time();
	size_t i;

	g_mutex_lock(&state->lock);
	for (i = 0; i < asking->count; i++) {
		struct asked *asked = &asking->domains[i];
		const struct known *known =
			g_hash_table_lookup(state->known, asked->domain);

		asked->is_known = known != NULL && known->until_us > now_us;
		if (asked->is_known)
			copy(known, &asked->known);
	}
	g_mutex_unlock(&state->lock);
}

/* Strangers' domains come by, too: where there are too many, all are forgotten. */
static void keep(struct state *state, const struct asked *asked)
{
	struct known *known = g_new(struct known, 1);

	copy(&asked->known, known);
	g_mutex_lock(&state->lock);
	if (g_hash_table_size(state->known) >= KNOWN_MAX)
		g_hash_table_remove_all(state->known);
	g_hash_table_replace(state->known, g_strdup(asked->domain), known);
	g_mutex_unlock(&state->lock);
}

/* --- asking ----------------------------------------------------------------------- */

static void judge_one(const struct rmt_reach *reach, int rule, struct known *known)
{
	const struct rmt_rule_finding *finding;
	struct rmt_rule_findings findings;

	rmt_rule_findings_init(&findings);
	if (rule == RESOLVES)
		rmt_rule_resolves(reach, "", &findings);
	else
		rmt_rule_answerable(reach, "", &findings);
	finding = findings.list->pdata[0];
	known->states[rule] = finding->state;
	known->problems[rule] = g_strdup(finding->problem);
	rmt_rule_findings_clear(&findings);
}

static void judge(const struct rmt_config *config, const struct rmt_reach *reach,
		  struct known *known)
{
	const int64_t ttl_max = (int64_t)(config->dns.ttl_max_ns / RMT_NS_PER_SEC);
	int64_t secs = MIN((int64_t)rmt_reach_ttl(reach), ttl_max);
	int i;

	for (i = 0; i < RULES; i++) {
		judge_one(reach, i, known);
		if (known->states[i] != RMT_RULE_HOLDS)
			secs = MIN(secs, AGAIN_SECS);
	}
	known->until_us = g_get_monotonic_time() +
			  MAX(secs, AGAIN_SECS) * (int64_t)G_TIME_SPAN_SECOND;
}

static void ask(struct rmt_milter_message *message, struct state *state,
		struct asking *asking)
{
	g_autoptr(GPtrArray) askers = g_ptr_array_new();
	struct rmt_reach reaches[ASKED_MAX];
	size_t i;

	for (i = 0; i < asking->count; i++)
		rmt_reach_init(&reaches[i], rmt_span_of(asking->domains[i].domain));
	do {
		g_ptr_array_set_size(askers, 0);
		for (i = 0; i < asking->count; i++)
			if (!asking->domains[i].is_known)
				rmt_reach_ask(&reaches[i], askers);
		rmt_names_run(message->milter->names,
			      (struct rmt_asker *const *)askers->pdata, askers->len,
			      message->deadline_us);
	} while (askers->len > 0);
	for (i = 0; i < asking->count; i++) {
		struct asked *asked = &asking->domains[i];

		if (!asked->is_known) {
			judge(message->config, &reaches[i], &asked->known);
			keep(state, asked);
		}
		rmt_reach_clear(&reaches[i]);
	}
}

/* --- telling ---------------------------------------------------------------------- */

static void tell(struct rmt_milter_message *message, enum rmt_level level,
		 const struct asked *asked, int rule)
{
	const enum rmt_rule_state state = asked->known.states[rule];

	if (asked->roles[rule] == NULL)
		return;
	if (state == RMT_RULE_BROKEN)
		rmt_message_find(message, level, rmt_rule_get(numbers[rule])->id, "1.8",
				 "%s: %s %s", asked->roles[rule], asked->domain,
				 asked->known.problems[rule]);
	else if (state == RMT_RULE_UNKNOWN && level >= RMT_LEVEL_DEFER)
		message->outcome.open = "dns";
}

static void run(struct rmt_milter_message *message, void *data)
{
	const enum rmt_level level = rmt_message_level(message, RMT_RULES_DOMAINS);
	struct asking asking = { .count = 0 };
	size_t i;
	int rule;

	if (level == RMT_LEVEL_OFF)
		return;
	collect(message, &asking);
	find_known(data, &asking);
	ask(message, data, &asking);
	for (i = 0; i < asking.count; i++) {
		for (rule = 0; rule < RULES; rule++)
			tell(message, level, &asking.domains[i], rule);
		for (rule = 0; rule < RULES; rule++)
			g_free(asking.domains[i].known.problems[rule]);
		g_free(asking.domains[i].domain);
	}
}

const struct rmt_step rmt_step_domains = {
	.name = "domains",
	.places = 1 << RMT_PLACE_AFTER,
	.open = opens,
	.run = run,
};
