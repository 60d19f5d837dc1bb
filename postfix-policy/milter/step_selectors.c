/* SPDX-License-Identifier: MIT */
/* step_selectors.c - remembers by which selectors our domains sign, so that policyd and
 * `remite check` find their keys without being told. */
#include <string.h>

#include "common/auth/dkim.h"
#include "common/base/log.h"
#include "common/store/selectors.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/records.h"
#include "postfix-policy/milter/step.h"

/* Once a day is enough for the records, and the names are few. */
enum { DAY = 86400, NOTED_MAX = 10000 };

struct state {
	GMutex lock;
	GHashTable *noted; /* own; under lock: "domain selector" -> day */
};

static bool open_state(struct rmt_milter *milter, void **state_r, GError **err)
{
	struct state *state = g_new0(struct state, 1);

	(void)milter, (void)err;
	g_mutex_init(&state->lock);
	state->noted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	*state_r = state;
	return true;
}

static bool is_new_today(struct state *state, const struct rmt_dkim_signature *signature,
			 int64_t now)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&state->lock);
	char *name = g_strdup_printf("%.*s %.*s", RMT_SPAN_ARGS(signature->domain),
				     RMT_SPAN_ARGS(signature->selector));
	const int day = (int)(now / DAY);

	(void)locker;
	if (GPOINTER_TO_INT(g_hash_table_lookup(state->noted, name)) == day) {
		g_free(name);
		return false;
	}
	if (g_hash_table_size(state->noted) >= NOTED_MAX)
		g_hash_table_remove_all(state->noted);
	g_hash_table_replace(state->noted, name, GINT_TO_POINTER(day));
	return true;
}

static void note(struct rmt_milter_message *message, struct state *state,
		 const struct rmt_dkim_signature *signature)
{
	g_autoptr(GError) err = NULL;
	struct rmt_store *store;

	if (signature->result != RMT_DKIM_PASS ||
	    !is_new_today(state, signature, message->now))
		return;
	store = rmt_milter_records(message->milter, &err);
	if (store == NULL || !rmt_selectors_note(store, signature->domain,
						 signature->selector, message->now, &err))
		rmt_log(RMT_LOG_ERROR, "a selector that was seen is not kept: %s",
			err != NULL ? err->message : "no records");
}

/* Forwarded mail brings the signatures of others. */
static void settled(struct rmt_milter_message *message, void *state)
{
	const struct rmt_dkim *dkim = rmt_message_dkim_so_far(message);
	const struct rmt_dkim_signature *signature;
	size_t i;

	if (dkim == NULL || !rmt_message_passes(message) ||
	    rmt_message_kind(message) != RMT_KIND_DIRECT)
		return;
	for (i = 0; (signature = rmt_dkim_get(dkim, i)) != NULL; i++)
		note(message, state, signature);
}

const struct rmt_step rmt_step_selectors = {
	.name = "selectors",
	.places = 1 << RMT_PLACE_AFTER,
	.open = open_state,
	.settled = settled,
};
