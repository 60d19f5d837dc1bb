/* SPDX-License-Identifier: MIT */
/* Table "left": address, NUL, list -> version (1), state, since, changed, posts, still,
 * still_at (numbers), list, user, host, by, note (strings). */
#include "common/store/left.h"
#include "common/store/pack.h"
#include "common/store/store_backend.h"
#include "common/store/user_rows.h"

#define LEFT_TABLE "left"

enum { LEFT_VERSION = 1 };

const char *rmt_left_state_name(enum rmt_left_state state)
{
	static const char *const names[RMT_LEFT_STATES] = {
		[RMT_LEFT_ASKED] = "asked",   [RMT_LEFT_WAITING] = "waiting",
		[RMT_LEFT_DONE] = "done",     [RMT_LEFT_FAILED] = "failed",
		[RMT_LEFT_UNSURE] = "unsure",
	};

	return names[state];
}

void rmt_left_free(struct rmt_left *left)
{
	if (left == NULL)
		return;
	g_free(left->address);
	g_free(left->list);
	g_free(left->user);
	g_free(left->host);
	g_free(left->by);
	g_free(left->note);
	g_free(left);
}

/* --- rows ------------------------------------------------------------------------- */

static struct rmt_span cut(const char *text)
{
	struct rmt_span span = rmt_span_of(text);

	span.len = MIN(span.len, RMT_LEFT_TEXT_MAX);
	return span;
}

static void pack(const struct rmt_left *left, GString *out)
{
	const uint64_t numbers[] = { LEFT_VERSION,
				     (uint64_t)left->state,
				     (uint64_t)MAX(left->since, 0),
				     (uint64_t)MAX(left->changed, 0),
				     left->posts,
				     left->still,
				     (uint64_t)MAX(left->still_at, 0) };
	const char *const texts[] = { left->list, left->user, left->host, left->by,
				      left->note };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(numbers); i++)
		rmt_pack_number(out, numbers[i]);
	for (i = 0; i < G_N_ELEMENTS(texts); i++)
		rmt_pack_string(out, cut(texts[i]));
}

static char *unpack_text(struct rmt_unpack *in)
{
	const struct rmt_span text = rmt_unpack_string(in);

	return g_strndup(text.p != NULL ? text.p : "", text.len);
}

struct rmt_left *rmt_left_read(struct rmt_span key, struct rmt_span value)
{
	g_autoptr(rmt_left) left = g_new0(struct rmt_left, 1);
	struct rmt_unpack in = { value, false };
	struct rmt_span address, rest;
	uint64_t state;

	if (!rmt_user_key_split(key, &address, &rest) ||
	    rmt_unpack_number(&in) != LEFT_VERSION)
		return NULL;
	state = rmt_unpack_number(&in);
	left->since = (int64_t)rmt_unpack_number(&in);
	left->changed = (int64_t)rmt_unpack_number(&in);
	left->posts = rmt_unpack_number(&in);
	left->still = rmt_unpack_number(&in);
	left->still_at = (int64_t)rmt_unpack_number(&in);
	left->address = g_strndup(address.p, address.len);
	left->list = unpack_text(&in);
	left->user = unpack_text(&in);
	left->host = unpack_text(&in);
	left->by = unpack_text(&in);
	left->note = unpack_text(&in);
	if (in.damaged || state >= RMT_LEFT_STATES)
		return NULL;
	left->state = (enum rmt_left_state)state;
	return g_steal_pointer(&left);
}

static GString *key_of(const char *address, const char *list)
{
	g_autofree char *lower = g_ascii_strdown(address, (gssize)cut(address).len);

	return rmt_user_key(lower, cut(list));
}

void rmt_deal_put_left(struct rmt_deal *deal, const struct rmt_left *left)
{
	g_autoptr(GString) key = key_of(left->address, left->list);
	g_autoptr(GString) value = g_string_new(NULL);

	pack(left, value);
	rmt_deal_put(deal, LEFT_TABLE, rmt_string_span(key), rmt_string_span(value));
}

bool rmt_left_get(struct rmt_store *store, const char *address, const char *list,
		  struct rmt_left **left_r, GError **err)
{
	g_autoptr(GString) key = key_of(address, list);
	g_autoptr(GBytes) value = NULL;
	gsize size;
	const char *p;

	*left_r = NULL;
	if (!rmt_deal_read(store, LEFT_TABLE, rmt_string_span(key), &value, err))
		return false;
	if (value == NULL)
		return true;
	p = g_bytes_get_data(value, &size);
	*left_r = rmt_left_read(rmt_string_span(key), rmt_span(p, size));
	return *left_r != NULL || rmt_store_refused(LEFT_TABLE, err);
}

/* --- still sending ----------------------------------------------------------------- */

struct count {
	struct rmt_span key;
	int64_t now;
	uint64_t still;
};

static enum rmt_store_verdict count_one(void *context, struct rmt_span old,
					GString *value_r)
{
	struct count *count = context;
	g_autoptr(rmt_left) left = NULL;

	if (old.p != NULL)
		left = rmt_left_read(count->key, old);
	if (left == NULL || left->state != RMT_LEFT_DONE)
		return RMT_STORE_KEEP;
	left->still_at = count->now;
	count->still = ++left->still;
	pack(left, value_r);
	return RMT_STORE_PUT;
}

bool rmt_left_message(struct rmt_store *store, const char *address, const char *list,
		      int64_t now, int64_t after_secs, uint64_t *still_r, GError **err)
{
	g_autoptr(GString) key = key_of(address, list);
	g_autoptr(rmt_deal) deal = NULL;
	g_autoptr(rmt_left) left = NULL;
	struct count count = { rmt_string_span(key), now, 0 };

	*still_r = 0;
	if (!rmt_left_get(store, address, list, &left, err))
		return false;
	if (left == NULL || left->state != RMT_LEFT_DONE ||
	    now - left->changed < after_secs)
		return true;
	deal = rmt_deal_new();
	rmt_deal_change(deal, LEFT_TABLE, count.key, count_one, &count);
	if (!rmt_deal_commit(store, deal, NULL, err))
		return false;
	*still_r = count.still;
	return true;
}

/* --- all of them -------------------------------------------------------------------- */

struct walk {
	rmt_left_each *each;
	void *context;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	g_autoptr(rmt_left) left = rmt_left_read(key, value);

	if (left != NULL)
		return walk->each(walk->context, left);
	rmt_user_row_damaged(LEFT_TABLE);
	return true;
}

bool rmt_left_walk(struct rmt_store *store, const char *address, rmt_left_each *each,
		   void *context, GError **err)
{
	g_autofree char *lower = address != NULL ? g_ascii_strdown(address, -1) : NULL;
	struct walk walk = { each, context };

	return rmt_user_rows_walk(store, LEFT_TABLE, lower, walk_entry, &walk, err);
}

struct removal {
	struct rmt_store *store;
	const char *user;
	int64_t before;
	uint64_t removed;
	GError *err;
};

static bool remove_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	struct removal *removal = context;
	g_autoptr(rmt_left) left = rmt_left_read(key, value);
	const struct rmt_store_change change = { .table = LEFT_TABLE,
						 .key = key,
						 .remove = true };

	if (left == NULL || left->changed >= removal->before ||
	    (removal->user != NULL && strcmp(left->user, removal->user) != 0))
		return true;
	if (!rmt_store_commit(removal->store, &change, 1, NULL, &removal->err))
		return false;
	removal->removed++;
	return true;
}

bool rmt_left_remove(struct rmt_store *store, const char *user, int64_t before,
		     uint64_t *removed_r, GError **err)
{
	struct removal removal = { store, user, before, 0, NULL };
	const bool walked = rmt_store_walk(store, LEFT_TABLE, rmt_span(NULL, 0),
					   remove_entry, &removal, err);

	*removed_r = removal.removed;
	if (!walked || removal.err == NULL)
		return walked;
	g_propagate_error(err, removal.err);
	return false;
}
