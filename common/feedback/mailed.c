/* SPDX-License-Identifier: MIT */
/* "sent": version (1), at, stream, list, message id, queue id, sender, then eight
 * octets a recipient. "sent-ids": 'i' and a hash of the Message-ID, or 'q' and the
 * queue id -> key. "returns": version (1), at, stream, message, recipient. */
#include <string.h>
#include <xxhash.h>

#include "common/feedback/mailed.h"
#include "common/store/deal.h"
#include "common/store/pack.h"

#define TABLE         "sent"
#define IDS_TABLE     "sent-ids"
#define RETURNS_TABLE "returns"

enum { VERSION = 1, QUEUE_ID_MAX = 64, INDEX_KEY_MAX = 1 + QUEUE_ID_MAX };

struct rmt_mailed *rmt_mailed_new(void)
{
	struct rmt_mailed *sent = g_new0(struct rmt_mailed, 1);

	sent->recipients = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	return sent;
}

void rmt_mailed_free(struct rmt_mailed *sent)
{
	if (sent == NULL)
		return;
	g_free(sent->stream);
	g_free(sent->list);
	g_free(sent->message_id);
	g_free(sent->queue_id);
	g_free(sent->sender);
	g_array_unref(sent->recipients);
	g_free(sent);
}

void rmt_return_clear(struct rmt_return *ret)
{
	g_free(ret->stream);
	g_free(ret->message);
	g_free(ret->recipient);
	*ret = (struct rmt_return){ NULL };
}

void rmt_mailed_key(const char *queue_id, const char *message_id, int64_t now,
		    char key[RMT_MAILED_KEY + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t hash = XXH3_64bits_withSeed(message_id, strlen(message_id),
					     XXH3_64bits(queue_id, strlen(queue_id)) ^
						     (uint64_t)now);
	int i;

	for (i = 0; i < RMT_MAILED_KEY; i++, hash >>= 5)
		key[i] = letters[hash & 31];
	key[RMT_MAILED_KEY] = '\0';
}

uint64_t rmt_mailed_hash(struct rmt_span recipient)
{
	return XXH3_64bits(recipient.p, recipient.len);
}

bool rmt_mailed_has(const struct rmt_mailed *sent, struct rmt_span recipient)
{
	uint64_t hash = rmt_mailed_hash(recipient);
	guint i;

	for (i = 0; i < sent->recipients->len; i++)
		if (g_array_index(sent->recipients, uint64_t, i) == hash)
			return true;
	return false;
}

/* --- writing ----------------------------------------------------------------------- */

static struct rmt_span index_key(char kind, const char *id, char out[INDEX_KEY_MAX])
{
	size_t len = strlen(id);
	uint64_t hash;

	out[0] = kind;
	if (kind == 'i') {
		hash = XXH3_64bits(id, len);
		memcpy(out + 1, &hash, sizeof(hash));
		return rmt_span(out, 1 + sizeof(hash));
	}
	len = MIN(len, QUEUE_ID_MAX);
	memcpy(out + 1, id, len);
	return rmt_span(out, 1 + len);
}

static void pack_text(GString *out, const char *text)
{
	rmt_pack_string(out, rmt_span_of(text));
}

static GString *pack_sent(const struct rmt_mailed *sent)
{
	GString *out = g_string_sized_new(256 + sent->recipients->len * 8);

	rmt_pack_number(out, VERSION);
	rmt_pack_number(out, (uint64_t)MAX(sent->at, 0));
	pack_text(out, sent->stream);
	pack_text(out, sent->list);
	pack_text(out, sent->message_id);
	pack_text(out, sent->queue_id);
	pack_text(out, sent->sender);
	g_string_append_len(out, sent->recipients->data,
			    (gssize)(sent->recipients->len * sizeof(uint64_t)));
	return out;
}

static GString *pack_return(const struct rmt_mailed *sent, struct rmt_span recipient)
{
	GString *out = g_string_new(NULL);

	rmt_pack_number(out, VERSION);
	rmt_pack_number(out, (uint64_t)MAX(sent->at, 0));
	pack_text(out, sent->stream);
	pack_text(out, sent->key);
	rmt_pack_string(out, recipient);
	return out;
}

struct batch {
	GArray *changes;    /* struct rmt_store_change */
	GPtrArray *strings; /* own; GString: their values */
};

static void free_string(gpointer string)
{
	g_string_free(string, TRUE);
}

static void put(struct batch *batch, const char *table, struct rmt_span key,
		GString *value)
{
	struct rmt_store_change change = { .table = table,
					   .key = key,
					   .value = rmt_span(value->str, value->len) };

	g_ptr_array_add(batch->strings, value);
	g_array_append_val(batch->changes, change);
}

bool rmt_mailed_put(struct rmt_store *store, const struct rmt_mailed *sent,
		    const struct rmt_mailed_short *shorts, size_t short_count,
		    const struct rmt_store_change *counts, size_t count, GError **err)
{
	struct batch batch = { g_array_new(FALSE, TRUE, sizeof(struct rmt_store_change)),
			       g_ptr_array_new_with_free_func(free_string) };
	char by_id[INDEX_KEY_MAX], by_queue[INDEX_KEY_MAX];
	size_t i;
	bool ok;

	put(&batch, TABLE, rmt_span_of(sent->key), pack_sent(sent));
	if (sent->message_id != NULL && sent->message_id[0] != '\0')
		put(&batch, IDS_TABLE, index_key('i', sent->message_id, by_id),
		    g_string_new(sent->key));
	if (sent->queue_id != NULL && sent->queue_id[0] != '\0')
		put(&batch, IDS_TABLE, index_key('q', sent->queue_id, by_queue),
		    g_string_new(sent->key));
	for (i = 0; i < short_count; i++)
		put(&batch, RETURNS_TABLE, rmt_span_of(shorts[i].token),
		    pack_return(sent, shorts[i].recipient));
	if (count > 0)
		g_array_append_vals(batch.changes, counts, (guint)count);
	ok = rmt_store_commit_batch(store, (void *)batch.changes->data,
				    batch.changes->len, false, err);
	g_array_unref(batch.changes);
	g_ptr_array_unref(batch.strings);
	return ok;
}

/* --- reading ----------------------------------------------------------------------- */

static char *unpack_text(struct rmt_unpack *in)
{
	struct rmt_span text = rmt_unpack_string(in);

	return g_strndup(text.p != NULL ? text.p : "", text.len);
}

struct rmt_mailed *rmt_mailed_read(struct rmt_span value)
{
	struct rmt_unpack in = { value, false };
	g_autoptr(rmt_mailed) sent = rmt_mailed_new();

	if (rmt_unpack_number(&in) != VERSION)
		return NULL;
	sent->at = (int64_t)rmt_unpack_number(&in);
	sent->stream = unpack_text(&in);
	sent->list = unpack_text(&in);
	sent->message_id = unpack_text(&in);
	sent->queue_id = unpack_text(&in);
	sent->sender = unpack_text(&in);
	if (in.damaged || in.rest.len % sizeof(uint64_t) != 0)
		return NULL;
	if (in.rest.len > 0)
		g_array_append_vals(sent->recipients, in.rest.p,
				    (guint)(in.rest.len / sizeof(uint64_t)));
	return g_steal_pointer(&sent);
}

bool rmt_return_read(struct rmt_span value, struct rmt_return *ret_r)
{
	struct rmt_unpack in = { value, false };
	struct rmt_return ret = { NULL };

	*ret_r = ret;
	if (rmt_unpack_number(&in) != VERSION)
		return false;
	ret.at = (int64_t)rmt_unpack_number(&in);
	ret.stream = unpack_text(&in);
	ret.message = unpack_text(&in);
	ret.recipient = unpack_text(&in);
	if (in.damaged) {
		rmt_return_clear(&ret);
		return false;
	}
	*ret_r = ret;
	return true;
}

static bool damaged(const char *table, GError **err)
{
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED,
		    "table '%s': a row is damaged or of a newer program", table);
	return false;
}

static struct rmt_span span_of_bytes(GBytes *bytes)
{
	gsize len;
	const char *p = g_bytes_get_data(bytes, &len);

	return rmt_span(p, len);
}

bool rmt_mailed_get(struct rmt_store *store, const char *key, struct rmt_mailed **sent_r,
		    GError **err)
{
	g_autoptr(GBytes) value = NULL;

	*sent_r = NULL;
	if (key[0] == '\0')
		return true;
	if (!rmt_deal_read(store, TABLE, rmt_span_of(key), &value, err))
		return false;
	if (value == NULL)
		return true;
	*sent_r = rmt_mailed_read(span_of_bytes(value));
	if (*sent_r == NULL)
		return damaged(TABLE, err);
	g_strlcpy((*sent_r)->key, key, sizeof((*sent_r)->key));
	return true;
}

static bool get_by(struct rmt_store *store, char kind, const char *id,
		   struct rmt_mailed **sent_r, GError **err)
{
	char key[INDEX_KEY_MAX], found[RMT_MAILED_KEY + 1] = "";
	g_autoptr(GBytes) value = NULL;

	*sent_r = NULL;
	if (id == NULL || id[0] == '\0')
		return true;
	if (!rmt_deal_read(store, IDS_TABLE, index_key(kind, id, key), &value, err))
		return false;
	if (value == NULL || g_bytes_get_size(value) != RMT_MAILED_KEY)
		return true;
	memcpy(found, g_bytes_get_data(value, NULL), RMT_MAILED_KEY);
	return rmt_mailed_get(store, found, sent_r, err);
}

bool rmt_mailed_by_message_id(struct rmt_store *store, const char *message_id,
			      struct rmt_mailed **sent_r, GError **err)
{
	if (!get_by(store, 'i', message_id, sent_r, err))
		return false;
	/* Another message with this hash. */
	if (*sent_r != NULL && strcmp((*sent_r)->message_id, message_id) != 0)
		g_clear_pointer(sent_r, rmt_mailed_free);
	return true;
}

bool rmt_mailed_by_queue_id(struct rmt_store *store, const char *queue_id,
			    struct rmt_mailed **sent_r, GError **err)
{
	return get_by(store, 'q', queue_id, sent_r, err);
}

bool rmt_return_get(struct rmt_store *store, const char *token, bool *found_r,
		    struct rmt_return *ret_r, GError **err)
{
	g_autoptr(GBytes) value = NULL;

	*found_r = false;
	*ret_r = (struct rmt_return){ NULL };
	if (!rmt_deal_read(store, RETURNS_TABLE, rmt_span_of(token), &value, err))
		return false;
	if (value == NULL)
		return true;
	*found_r = rmt_return_read(span_of_bytes(value), ret_r);
	return *found_r || damaged(RETURNS_TABLE, err);
}

/* --- forgetting -------------------------------------------------------------------- */

struct expire {
	struct rmt_store *store;
	int64_t before;
	const char *table;
	uint64_t removed;
	GError *err;
};

static bool drop(struct expire *expire, const char *table, struct rmt_span key)
{
	struct rmt_store_change change = { .table = table, .key = key, .remove = true };

	return rmt_store_commit_batch(expire->store, &change, 1, false, &expire->err);
}

static bool expire_sent(void *context, struct rmt_span key, struct rmt_span value)
{
	struct expire *expire = context;
	g_autoptr(rmt_mailed) sent = rmt_mailed_read(value);
	char by_id[INDEX_KEY_MAX], by_queue[INDEX_KEY_MAX];

	if (sent != NULL && sent->at >= expire->before)
		return true;
	expire->removed++;
	if (sent != NULL && sent->message_id[0] != '\0' &&
	    !drop(expire, IDS_TABLE, index_key('i', sent->message_id, by_id)))
		return false;
	if (sent != NULL && sent->queue_id[0] != '\0' &&
	    !drop(expire, IDS_TABLE, index_key('q', sent->queue_id, by_queue)))
		return false;
	return drop(expire, TABLE, key);
}

static bool expire_return(void *context, struct rmt_span key, struct rmt_span value)
{
	struct expire *expire = context;
	struct rmt_return ret;
	bool keep = rmt_return_read(value, &ret) && ret.at >= expire->before;

	rmt_return_clear(&ret);
	if (keep)
		return true;
	expire->removed++;
	return drop(expire, RETURNS_TABLE, key);
}

bool rmt_mailed_expire(struct rmt_store *store, int64_t before, uint64_t *removed_r,
		       GError **err)
{
	struct expire expire = { .store = store, .before = before };
	bool ok = rmt_store_walk(store, TABLE, rmt_span(NULL, 0), expire_sent, &expire,
				 err) &&
		  rmt_store_walk(store, RETURNS_TABLE, rmt_span(NULL, 0), expire_return,
				 &expire, err);

	*removed_r = expire.removed;
	if (expire.err == NULL)
		return ok;
	g_propagate_error(err, expire.err);
	return false;
}
