/* SPDX-License-Identifier: MIT */
/* step_proof.c - inbound: what a later click on "unsubscribe" needs is verified while
 * the signer's key is there, and written on top of the message (proof.h). What came
 * with the message under such a name is somebody's invention and goes. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/message/from.h"
#include "common/store/left.h"
#include "common/unsubscribe/covered.h"
#include "common/unsubscribe/proof.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/records.h"
#include "postfix-policy/milter/step.h"

enum { VALUE_MAX = 8 * 1024, RECIPIENTS_MAX = 20 };

static bool is_ours(struct rmt_span name)
{
	const struct rmt_span prefix = RMT_SPAN(RMT_PROOF_PREFIX);

	return name.len > prefix.len &&
	       rmt_span_eq_nocase(rmt_span(name.p, prefix.len), prefix);
}

/* How many fields of each such name there are; names in lower case. */
static GHashTable *count_inventions(struct rmt_span header)
{
	GHashTable *counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct rmt_header_reader reader = rmt_header_read(header);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field)) {
		char *lower;
		int count;

		if (!is_ours(field.name))
			continue;
		lower = g_ascii_strdown(field.name.p, (gssize)field.name.len);
		count = GPOINTER_TO_INT(g_hash_table_lookup(counts, lower)) + 1;
		g_hash_table_replace(counts, lower, GINT_TO_POINTER(count));
	}
	return counts;
}

static void remove_inventions(struct rmt_milter_message *message)
{
	g_autoptr(GHashTable) counts = count_inventions(message->header);
	GHashTableIter it;
	gpointer name, count;
	int i, removed = 0;

	g_hash_table_iter_init(&it, counts);
	while (g_hash_table_iter_next(&it, &name, &count)) {
		/* From the last one up: Postfix counts those that are left. */
		for (i = GPOINTER_TO_INT(count); i > 0; i--)
			rmt_message_change_field(message, name, i, NULL);
		removed += GPOINTER_TO_INT(count);
	}
	if (removed > 0)
		rmt_message_note(message, "removed", "%d", removed);
}

static void read_covered(struct rmt_milter_message *message, struct rmt_covered *covered)
{
	struct rmt_from from;

	rmt_from_read(message->header, &from);
	rmt_covered_read(
		&(struct rmt_covered_query){
			.dkim = rmt_message_dkim(message),
			.from = rmt_span_of(from.result == RMT_FROM_OK ? from.domain
								       : ""),
			.psl = message->milter->psl,
			.aligned = message->config->unsubscribing.require_alignment,
		},
		covered);
}

/* False: something does not fit, so nothing is written. */
static bool copy_all(const struct rmt_covered *covered, struct rmt_proof *proof)
{
	return g_strlcpy(proof->domain, covered->domain, sizeof(proof->domain)) <
		       sizeof(proof->domain) &&
	       g_strlcpy(proof->selector, covered->selector, sizeof(proof->selector)) <
		       sizeof(proof->selector) &&
	       g_strlcpy(proof->list_id, covered->list_id != NULL ? covered->list_id : "",
			 sizeof(proof->list_id)) < sizeof(proof->list_id) &&
	       g_strlcpy(proof->url, covered->url != NULL ? covered->url : "",
			 sizeof(proof->url)) < sizeof(proof->url) &&
	       g_strlcpy(proof->mailto, covered->mailto != NULL ? covered->mailto : "",
			 sizeof(proof->mailto)) < sizeof(proof->mailto);
}

static void write_proof(struct rmt_milter_message *message,
			const struct rmt_covered *covered)
{
	struct rmt_proof proof = { .time = message->now }, again;
	char value[VALUE_MAX];
	const size_t len = copy_all(covered, &proof)
				   ? rmt_proof_write(&proof, value, sizeof(value))
				   : 0;

	/* What would not be read is not written. */
	if (len == 0 || !rmt_proof_read(rmt_span(value, len), &again))
		return;
	rmt_message_insert_field(message, RMT_PROOF_FIELD, value);
	rmt_message_note(message, "list", "%s", proof.list_id);
	rmt_message_note(message, "signer", "%s", proof.domain);
}

/* A list that a recipient left long ago goes on: worth a word (L03). What was left may
 * be written on another machine. */
static void count_for(struct rmt_milter_message *message, const char *list_id)
{
	struct rmt_store *store = rmt_milter_records(message->milter, NULL);
	const int64_t after_secs =
		(int64_t)(message->config->unsubscribing.still_after_ns / RMT_NS_PER_SEC);
	const guint count = MIN(message->recipients->len, RECIPIENTS_MAX);
	g_autoptr(GError) err = NULL;
	uint64_t still;
	guint i;

	for (i = 0; store != NULL && i < count; i++) {
		const char *recipient = message->recipients->pdata[i];

		if (!rmt_left_message(store, recipient, list_id, message->now, after_secs,
				      &still, &err)) {
			rmt_log(RMT_LOG_ERROR, "unsubscribe log: %s", err->message);
			return;
		}
		if (still > 0)
			rmt_message_note(message, "still-sending", "%s", list_id);
	}
}

static bool has_list_unsubscribe(const struct rmt_milter_message *message)
{
	struct rmt_header_field field;

	return rmt_message_field(message, "List-Unsubscribe", 1, &field);
}

static void run(struct rmt_milter_message *message, void *state)
{
	struct rmt_covered covered;

	(void)state;
	remove_inventions(message);
	/* There may be inventions beyond what we saw: ours, on top, is no proof. */
	if (!message->header_complete)
		rmt_message_insert_field(message, RMT_PROOF_FIELD, "none");
	if (!message->header_complete || !has_list_unsubscribe(message))
		return;
	read_covered(message, &covered);
	if (covered.url != NULL || covered.mailto != NULL)
		write_proof(message, &covered);
	if (covered.list_id != NULL)
		count_for(message, covered.list_id);
	rmt_message_note(message, "unsubscribe", "%s", rmt_covered_word(covered.result));
	rmt_covered_clear(&covered);
}

/* Most mail is of no list: its body need not be sent. */
static unsigned needs(struct rmt_span header, void *state)
{
	struct rmt_header_reader reader = rmt_header_read(header);
	struct rmt_header_field field;

	(void)state;
	while (rmt_header_next(&reader, &field))
		if (rmt_span_eq_nocase(field.name, RMT_SPAN("List-Unsubscribe")))
			return RMT_WANTS_SIGNATURES;
	return RMT_WANTS_NOTHING;
}

const struct rmt_step rmt_step_proof = {
	.name = "proof",
	.places = 1 << RMT_PLACE_INBOUND,
	.wants = RMT_WANTS_SIGNATURES,
	.needs = needs,
	.run = run,
};
