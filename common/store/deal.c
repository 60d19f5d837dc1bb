/* SPDX-License-Identifier: MIT */
#include "common/store/deal.h"

struct item {
	struct rmt_deal *deal; /* foreign */
	const char *table;     /* foreign; one of the store's */
	GString *key, *value;  /* own */
	bool remove, off;      /* off: a condition that did not hold */
	uint64_t append_keep;  /* 0: no append */
	rmt_deal_look *look;
	rmt_deal_make *make;
	void *context; /* foreign */
};

struct rmt_deal {
	GPtrArray *items; /* own; struct item */
	guint conditions; /* of the items */
	GSList *owned;    /* own; struct owned */
};

struct owned {
	void *data;
	GDestroyNotify free_data;
};

static void free_owned(void *data)
{
	struct owned *owned = data;

	owned->free_data(owned->data);
	g_free(owned);
}

static void free_item(void *data)
{
	struct item *item = data;

	g_string_free(item->key, TRUE);
	g_string_free(item->value, TRUE);
	g_free(item);
}

struct rmt_deal *rmt_deal_new(void)
{
	struct rmt_deal *deal = g_new0(struct rmt_deal, 1);

	deal->items = g_ptr_array_new_with_free_func(free_item);
	return deal;
}

void rmt_deal_free(struct rmt_deal *deal)
{
	if (deal == NULL)
		return;
	g_ptr_array_unref(deal->items);
	g_slist_free_full(deal->owned, free_owned);
	g_free(deal);
}

static struct item *add(struct rmt_deal *deal, const char *table, struct rmt_span key)
{
	struct item *item = g_new0(struct item, 1);

	g_assert(key.len > 0 && key.len <= RMT_STORE_KEY_MAX);
	item->deal = deal;
	item->table = table;
	item->key = g_string_new_len(key.p, (gssize)key.len);
	item->value = g_string_new(NULL);
	g_ptr_array_add(deal->items, item);
	return item;
}

void rmt_deal_if(struct rmt_deal *deal, const char *table, struct rmt_span key,
		 rmt_deal_look *look, void *context)
{
	struct item *item = add(deal, table, key);

	item->look = look;
	item->context = context;
	deal->conditions++;
}

void rmt_deal_put(struct rmt_deal *deal, const char *table, struct rmt_span key,
		  struct rmt_span value)
{
	struct item *item = add(deal, table, key);

	g_string_append_len(item->value, value.p, (gssize)value.len);
}

void rmt_deal_remove(struct rmt_deal *deal, const char *table, struct rmt_span key)
{
	add(deal, table, key)->remove = true;
}

void rmt_deal_change(struct rmt_deal *deal, const char *table, struct rmt_span key,
		     rmt_deal_make *make, void *context)
{
	struct item *item = add(deal, table, key);

	item->make = make;
	item->context = context;
}

void rmt_deal_append(struct rmt_deal *deal, const char *table, struct rmt_span value,
		     uint64_t keep)
{
	struct item *item = add(deal, table, RMT_SPAN("+"));

	g_string_append_len(item->value, value.p, (gssize)value.len);
	item->append_keep = keep;
}

void *rmt_deal_own(struct rmt_deal *deal, void *data, GDestroyNotify free_data)
{
	struct owned *owned = g_new0(struct owned, 1);

	*owned = (struct owned){ data, free_data };
	deal->owned = g_slist_prepend(deal->owned, owned);
	return data;
}

static bool is_off(const struct rmt_deal *deal)
{
	const struct item *item;
	guint i;

	for (i = 0; deal->conditions > 0 && i < deal->items->len; i++) {
		item = g_ptr_array_index(deal->items, i);
		if (item->off)
			return true;
	}
	return false;
}

/* The modify function of every item. */
static enum rmt_store_verdict apply(void *context, struct rmt_span old, GString *value_r)
{
	struct item *item = context;

	if (item->look != NULL) {
		item->off = !item->look(item->context, old);
		return RMT_STORE_KEEP;
	}
	if (is_off(item->deal))
		return RMT_STORE_KEEP;
	if (item->make != NULL)
		return item->make(item->context, old, value_r);
	if (item->remove)
		return RMT_STORE_REMOVE;
	g_string_append_len(value_r, item->value->str, (gssize)item->value->len);
	return RMT_STORE_PUT;
}

static struct rmt_store_change change_of(struct item *item)
{
	if (item->append_keep > 0)
		return (struct rmt_store_change){
			.table = item->table,
			.value = rmt_span(item->value->str, item->value->len),
			.append_keep = item->append_keep,
		};
	return (struct rmt_store_change){
		.table = item->table,
		.key = rmt_span(item->key->str, item->key->len),
		.modify = apply,
		.context = item,
	};
}

/* Conditions, or what depends on them, in the order they were put in. */
static size_t gather(const struct rmt_deal *deal, bool conditions,
		     struct rmt_store_change *changes)
{
	struct item *item;
	size_t count = 0;
	guint i;

	for (i = 0; i < deal->items->len; i++) {
		item = g_ptr_array_index(deal->items, i);
		if ((item->look != NULL) == conditions)
			changes[count++] = change_of(item);
	}
	return count;
}

bool rmt_deal_commit(struct rmt_store *store, struct rmt_deal *deal, bool *done_r,
		     GError **err)
{
	g_autofree struct rmt_store_change *changes =
		g_new0(struct rmt_store_change, deal->items->len);
	size_t count = gather(deal, true, changes);

	gather(deal, false, changes + count);
	if (!rmt_store_commit(store, changes, deal->items->len, NULL, err))
		return false;
	if (done_r != NULL)
		*done_r = !is_off(deal);
	return true;
}

struct read {
	GBytes *value;
	GError *err;
};

static void got(void *context, enum rmt_store_status status, struct rmt_span value,
		const char *error)
{
	struct read *read = context;

	if (status == RMT_STORE_FAILED)
		g_set_error_literal(&read->err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
				    error);
	else if (status == RMT_STORE_FOUND)
		read->value = g_bytes_new(value.p, value.len);
}

bool rmt_deal_read(struct rmt_store *store, const char *table, struct rmt_span key,
		   GBytes **value_r, GError **err)
{
	struct read read = { NULL, NULL };

	rmt_store_get(store, table, key, got, &read);
	if (read.err != NULL) {
		g_propagate_error(err, read.err);
		return false;
	}
	*value_r = read.value;
	return true;
}
