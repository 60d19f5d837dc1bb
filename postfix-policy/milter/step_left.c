/* SPDX-License-Identifier: MIT */
/* step_left.c - R15: mail to who unsubscribed from it, days ago. policyd has refused such
 * recipients where the stream obeys unsubscribes; elsewhere it is only told. */
#include <string.h>

#include "common/rules/conduct.h"
#include "common/store/suppress.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/records.h"
#include "postfix-policy/milter/step.h"

enum { RECIPIENTS_MAX = 1000 }; /* looked up; a message for more is rare */

static void count(const struct rmt_milter_message *message,
		  const struct rmt_suppression *entry, struct rmt_left_facts *facts)
{
	const int64_t age = message->now - entry->since;

	if (strcmp(entry->reason, "unsubscribe") != 0 ||
	    rmt_suppress_judge(entry, message->stream->name, message->stream->class, NULL,
			       message->now) != RMT_SUPPRESS_BARS)
		return;
	facts->soon += age <= RMT_LEFT_LATE_SECS;
	facts->late += age > RMT_LEFT_LATE_SECS;
	facts->longest_secs = MAX(facts->longest_secs, age);
}

/* False: the records cannot be read. */
static bool look_up(const struct rmt_milter_message *message, struct rmt_store *store,
		    const char *recipient, struct rmt_left_facts *facts)
{
	g_autoptr(GPtrArray) entries = NULL;
	g_autofree char *address = NULL;
	struct rmt_addr folded;
	guint i;

	rmt_addr_fold(message->config->fold, rmt_span_of(recipient), &folded);
	address = g_strndup(folded.whole.p, folded.whole.len);
	if (!rmt_suppress_find(store, address, &entries, NULL))
		return false;
	for (i = 0; i < entries->len; i++)
		count(message, entries->pdata[i], facts);
	return true;
}

static void tell(struct rmt_milter_message *message, const struct rmt_left_facts *facts)
{
	const struct rmt_rule_finding *finding;
	struct rmt_rule_findings findings;

	rmt_rule_findings_init(&findings);
	rmt_rule_unsubscribed(facts, &findings);
	finding = findings.list->pdata[0];
	if (finding->state == RMT_RULE_BROKEN)
		rmt_message_find(message, RMT_LEVEL_LOG, finding->rule->id, "7.1",
				 "%s: %s", finding->place, finding->problem);
	rmt_rule_findings_clear(&findings);
}

static void run(struct rmt_milter_message *message, void *state)
{
	struct rmt_left_facts facts = { 0 };
	struct rmt_store *store;
	bool known = true;
	guint i;

	(void)state;
	if (rmt_message_level(message, RMT_RULES_UNSUBSCRIBE) == RMT_LEVEL_OFF)
		return;
	store = rmt_milter_records(message->milter, NULL);
	for (i = 0;
	     store != NULL && known && i < MIN(message->recipients->len, RECIPIENTS_MAX);
	     i++)
		known = look_up(message, store, message->recipients->pdata[i], &facts);
	if (store != NULL && known)
		tell(message, &facts);
	else
		rmt_message_note(message, "R15", "unknown");
}

const struct rmt_step rmt_step_left = {
	.name = "left",
	.places = 1 << RMT_PLACE_AFTER,
	.run = run,
};
