/* SPDX-License-Identifier: MIT */
/* "events": hash of the recipient, hash of stream, message and class (eight octets
 * each, big-endian) -> version (1) and the fields in their order. */
#include <string.h>
#include <xxhash.h>

#include "common/feedback/events.h"
#include "common/store/pack.h"

#define TABLE "events"
enum { VERSION = 1, KEY = 16 };

const char *rmt_proof_name(enum rmt_proof proof)
{
	static const char *const names[] = { "tag", "journal", "log", "signature",
					     "none" };

	return names[proof];
}

void rmt_event_free(struct rmt_event *event)
{
	if (event == NULL)
		return;
	g_free(event->recipient);
	g_free(event->stream);
	g_free(event->provider);
	g_free(event->message);
	g_free(event->message_id);
	g_free(event->queue_id);
	g_free(event->status);
	g_free(event->reply);
	g_free(event->rule);
	g_free(event->evidence);
	g_free(event->source);
	g_free(event->effect);
	g_free(event->lists);
	g_free(event);
}

/* --- keys -------------------------------------------------------------------------- */

static uint64_t hash_of(const char *text, uint64_t seed)
{
	return XXH3_64bits_withSeed(text, text != NULL ? strlen(text) : 0, seed);
}

static void put_recipient(const char *recipient, char key[KEY])
{
	uint64_t hash = GUINT64_TO_BE(hash_of(recipient, 0));

	memcpy(key, &hash, sizeof(hash));
}

static struct rmt_span key_of(const struct rmt_event *event, char key[KEY])
{
	uint64_t hash = hash_of(event->stream, (uint64_t)event->class + 1);

	hash = GUINT64_TO_BE(hash_of(event->message, hash));
	put_recipient(event->recipient, key);
	memcpy(key + 8, &hash, sizeof(hash));
	return rmt_span(key, KEY);
}

/* --- values ------------------------------------------------------------------------ */

static void pack_text(GString *out, const char *text)
{
	rmt_pack_string(out, rmt_span_of(text));
}

static void write_event(const struct rmt_event *event, GString *out)
{
	rmt_pack_number(out, VERSION);
	rmt_pack_number(out, (uint64_t)MAX(event->at, 0));
	rmt_pack_number(out, (uint64_t)MAX(event->sent_at, 0));
	rmt_pack_number(out, event->class);
	rmt_pack_number(out, event->action);
	rmt_pack_number(out, event->proof);
	rmt_pack_number(out, event->hard | event->alias << 1);
	pack_text(out, event->recipient);
	pack_text(out, event->stream);
	pack_text(out, event->provider);
	pack_text(out, event->message);
	pack_text(out, event->message_id);
	pack_text(out, event->queue_id);
	pack_text(out, event->status);
	pack_text(out, event->reply);
	pack_text(out, event->rule);
	pack_text(out, event->evidence);
	pack_text(out, event->source);
	pack_text(out, event->effect);
}

static char *unpack_text(struct rmt_unpack *in)
{
	struct rmt_span text = rmt_unpack_string(in);

	return g_strndup(text.p != NULL ? text.p : "", text.len);
}

static void read_texts(struct rmt_unpack *in, struct rmt_event *event)
{
	event->recipient = unpack_text(in);
	event->stream = unpack_text(in);
	event->provider = unpack_text(in);
	event->message = unpack_text(in);
	event->message_id = unpack_text(in);
	event->queue_id = unpack_text(in);
	event->status = unpack_text(in);
	event->reply = unpack_text(in);
	event->rule = unpack_text(in);
	event->evidence = unpack_text(in);
	event->source = unpack_text(in);
	event->effect = unpack_text(in);
}

struct rmt_event *rmt_event_read(struct rmt_span value)
{
	struct rmt_unpack in = { value, false };
	g_autoptr(rmt_event) event = g_new0(struct rmt_event, 1);
	uint64_t class, action, proof, bits;

	if (rmt_unpack_number(&in) != VERSION)
		return NULL;
	event->at = (int64_t)rmt_unpack_number(&in);
	event->sent_at = (int64_t)rmt_unpack_number(&in);
	class = rmt_unpack_number(&in);
	action = rmt_unpack_number(&in);
	proof = rmt_unpack_number(&in);
	bits = rmt_unpack_number(&in);
	if (class >= RMT_CLASSES || action > RMT_ACTION_EXPANDED ||
	    proof > RMT_PROOF_NONE)
		return NULL;
	event->class = (enum rmt_report_class) class;
	event->action = (enum rmt_report_action)action;
	event->proof = (enum rmt_proof)proof;
	event->hard = (bits & 1) != 0;
	event->alias = (bits & 2) != 0;
	read_texts(&in, event);
	return in.damaged ? NULL : g_steal_pointer(&event);
}

/* --- the deal ---------------------------------------------------------------------- */

static bool is_free(void *context, struct rmt_span stored)
{
	(void)context;
	return stored.p == NULL;
}

void rmt_deal_if_event_new(struct rmt_deal *deal, const struct rmt_event *event)
{
	char key[KEY];

	rmt_deal_if(deal, TABLE, key_of(event, key), is_free, NULL);
}

void rmt_deal_put_event(struct rmt_deal *deal, const struct rmt_event *event)
{
	g_autoptr(GString) value = g_string_new(NULL);
	char key[KEY];

	write_event(event, value);
	rmt_deal_put(deal, TABLE, key_of(event, key), rmt_span(value->str, value->len));
}

bool rmt_event_known(struct rmt_store *store, const struct rmt_event *event,
		     bool *known_r, GError **err)
{
	g_autoptr(GBytes) value = NULL;
	char key[KEY];

	if (!rmt_deal_read(store, TABLE, key_of(event, key), &value, err))
		return false;
	*known_r = value != NULL;
	return true;
}

/* --- reading ----------------------------------------------------------------------- */

struct of {
	const char *recipient;
	char key[KEY];
	GPtrArray *events;
};

static void free_event(gpointer event)
{
	rmt_event_free(event);
}

static bool collect(void *context, struct rmt_span key, struct rmt_span value)
{
	struct of *of = context;
	struct rmt_event *event;

	if (key.len != KEY || memcmp(key.p, of->key, 8) != 0)
		return false;
	event = rmt_event_read(value);
	if (event != NULL && strcmp(event->recipient, of->recipient) == 0)
		g_ptr_array_add(of->events, event);
	else
		rmt_event_free(event);
	return true;
}

bool rmt_events_of(struct rmt_store *store, const char *recipient, GPtrArray **events_r,
		   GError **err)
{
	struct of of = { .recipient = recipient };

	of.events = g_ptr_array_new_with_free_func(free_event);
	put_recipient(recipient, of.key);
	if (!rmt_store_walk(store, TABLE, rmt_span(of.key, KEY), collect, &of, err)) {
		g_ptr_array_unref(of.events);
		return false;
	}
	*events_r = of.events;
	return true;
}

struct walk {
	struct rmt_store *store;
	rmt_events_each *each;
	void *context;
	int64_t before;
	uint64_t removed;
	GError *err;
};

static bool visit(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	g_autoptr(rmt_event) event = rmt_event_read(value);

	(void)key;
	return event == NULL || walk->each(walk->context, event);
}

bool rmt_events_walk(struct rmt_store *store, rmt_events_each *each, void *context,
		     GError **err)
{
	struct walk walk = { .each = each, .context = context };

	return rmt_store_walk(store, TABLE, rmt_span(NULL, 0), visit, &walk, err);
}

static bool expire_row(void *context, struct rmt_span key, struct rmt_span value)
{
	struct walk *walk = context;
	struct rmt_store_change change = { .table = TABLE, .key = key, .remove = true };
	g_autoptr(rmt_event) event = rmt_event_read(value);

	if (event == NULL || event->at >= walk->before)
		return true;
	walk->removed++;
	return rmt_store_commit_batch(walk->store, &change, 1, false, &walk->err);
}

bool rmt_events_expire(struct rmt_store *store, int64_t before, uint64_t *removed_r,
		       GError **err)
{
	struct walk walk = { .store = store, .before = before };
	bool ok = rmt_store_walk(store, TABLE, rmt_span(NULL, 0), expire_row, &walk, err);

	*removed_r = walk.removed;
	if (walk.err == NULL)
		return ok;
	g_propagate_error(err, walk.err);
	return false;
}
