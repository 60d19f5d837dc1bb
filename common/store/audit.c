/* SPDX-License-Identifier: MIT */
/* Table "audit": at_us (8 octets, big-endian) and a random number (4 octets) ->
 * version (1), event, user, id, target, rule, by, receipt, note (strings). */
#include <string.h>

#include "common/base/log.h"
#include "common/store/audit.h"
#include "common/store/pack.h"

#define AUDIT_TABLE "audit"

enum { AUDIT_VERSION = 1, AUDIT_TIME = 8, AUDIT_KEY = 12, ERASE_BATCH = 128 };

void rmt_audit_free(struct rmt_audit *line)
{
	if (line == NULL)
		return;
	g_free(line->event);
	g_free(line->user);
	g_free(line->id);
	g_free(line->target);
	g_free(line->rule);
	g_free(line->by);
	g_free(line->receipt);
	g_free(line->note);
	g_free(line);
}

static struct rmt_span key_of(int64_t at_us, uint32_t number, char key[AUDIT_KEY])
{
	rmt_store_sequence_key((uint64_t)MAX(at_us, 0), key);
	memcpy(key + AUDIT_TIME, &number, sizeof(number));
	return rmt_span(key, AUDIT_KEY);
}

void rmt_deal_put_audit(struct rmt_deal *deal, const struct rmt_audit *line)
{
	const char *const texts[] = { line->event,   line->user, line->id,
				      line->target,  line->rule, line->by,
				      line->receipt, line->note };
	g_autoptr(GString) value = g_string_new(NULL);
	char key[AUDIT_KEY];
	size_t i;

	rmt_pack_number(value, AUDIT_VERSION);
	for (i = 0; i < G_N_ELEMENTS(texts); i++)
		rmt_pack_string(value, rmt_span_of(texts[i]));
	rmt_deal_put(deal, AUDIT_TABLE, key_of(line->at_us, g_random_int(), key),
		     rmt_span(value->str, value->len));
}

bool rmt_audit_add(struct rmt_store *store, const struct rmt_audit *line, GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	rmt_deal_put_audit(deal, line);
	return rmt_deal_commit(store, deal, NULL, err);
}

static struct rmt_audit *read_row(struct rmt_span key, struct rmt_span value)
{
	g_autoptr(rmt_audit) line = g_new0(struct rmt_audit, 1);
	char **const texts[] = { &line->event, &line->user, &line->id,      &line->target,
				 &line->rule,  &line->by,   &line->receipt, &line->note };
	struct rmt_unpack in = { value, false };
	struct rmt_span text;
	size_t i;

	if (key.len != AUDIT_KEY || rmt_unpack_number(&in) != AUDIT_VERSION)
		return NULL;
	line->at_us = (int64_t)rmt_store_sequence(rmt_span(key.p, AUDIT_TIME));
	for (i = 0; i < G_N_ELEMENTS(texts); i++) {
		text = rmt_unpack_string(&in);
		*texts[i] = g_strndup(text.p != NULL ? text.p : "", text.len);
	}
	return in.damaged ? NULL : g_steal_pointer(&line);
}

struct walk {
	rmt_audit_each *each;
	void *context;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	g_autoptr(rmt_audit) line = read_row(key, value);

	if (line != NULL)
		return walk->each(walk->context, line);
	rmt_log(RMT_LOG_ERROR, "audit: a line is damaged or of a newer program: skipped");
	return true;
}

bool rmt_audit_walk(struct rmt_store *store, int64_t since_us, rmt_audit_each *each,
		    void *context, GError **err)
{
	struct walk walk = { each, context };
	char key[AUDIT_KEY];

	return rmt_store_walk(store, AUDIT_TABLE, key_of(since_us, 0, key), walk_entry,
			      &walk, err);
}

struct erasure {
	struct rmt_store *store;
	const char *user; /* NULL: everybody's */
	int64_t before_us;
	struct rmt_deal *deal; /* own */
	unsigned pending;
	uint64_t erased;
	GError *err;
};

static bool flush(struct erasure *erasure)
{
	bool good = erasure->pending == 0 ||
		    rmt_deal_commit(erasure->store, erasure->deal, NULL, &erasure->err);

	erasure->erased += good ? erasure->pending : 0;
	erasure->pending = 0;
	g_clear_pointer(&erasure->deal, rmt_deal_free);
	erasure->deal = rmt_deal_new();
	return good;
}

static bool erase_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	struct erasure *erasure = context;
	g_autoptr(rmt_audit) line = NULL;

	if (key.len == AUDIT_KEY && (int64_t)rmt_store_sequence(rmt_span(
					    key.p, AUDIT_TIME)) >= erasure->before_us)
		return false;
	line = read_row(key, value);
	if (erasure->user != NULL &&
	    (line == NULL || strcmp(line->user, erasure->user) != 0))
		return true;
	rmt_deal_remove(erasure->deal, AUDIT_TABLE, key);
	return ++erasure->pending < ERASE_BATCH || flush(erasure);
}

bool rmt_audit_erase(struct rmt_store *store, const char *user, int64_t before_us,
		     uint64_t *erased_r, GError **err)
{
	struct erasure erasure = { .store = store,
				   .user = user,
				   .before_us = before_us,
				   .deal = rmt_deal_new() };
	bool good = rmt_store_walk(store, AUDIT_TABLE, rmt_span(NULL, 0), erase_entry,
				   &erasure, &erasure.err) &&
		    erasure.err == NULL && flush(&erasure);

	rmt_deal_free(erasure.deal);
	if (!good) {
		g_propagate_error(err, erasure.err);
		return false;
	}
	*erased_r = erasure.erased;
	return true;
}
