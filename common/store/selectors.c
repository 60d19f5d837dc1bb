/* SPDX-License-Identifier: MIT */
/* Table "selectors": domain, blank, selector -> version (1), when it was last seen. */
#include <string.h>

#include "common/store/pack.h"
#include "common/store/selectors.h"

#define SELECTORS_TABLE "selectors"
enum { SELECTORS_VERSION = 1, NAME_MAX_OCTETS = 253, DAY = 86400 };

static bool is_name(struct rmt_span name)
{
	return name.len > 0 && name.len <= NAME_MAX_OCTETS &&
	       memchr(name.p, ' ', name.len) == NULL;
}

bool rmt_selectors_note(struct rmt_store *store, struct rmt_span domain,
			struct rmt_span selector, int64_t now, GError **err)
{
	g_autoptr(GString) key = g_string_new(NULL), value = g_string_new(NULL);
	struct rmt_store_change change = { .table = SELECTORS_TABLE };

	if (!is_name(domain) || !is_name(selector))
		return true;
	g_string_printf(key, "%.*s %.*s", RMT_SPAN_ARGS(domain), RMT_SPAN_ARGS(selector));
	rmt_pack_number(value, SELECTORS_VERSION);
	rmt_pack_number(value, (uint64_t)MAX(now, 0));
	change.key = rmt_span(key->str, key->len);
	change.value = rmt_span(value->str, value->len);
	return rmt_store_commit_batch(store, &change, 1, false, err);
}

static bool read_row(struct rmt_span key, struct rmt_span value,
		     struct rmt_span *domain_r, struct rmt_span *selector_r,
		     int64_t *seen_r)
{
	struct rmt_unpack in = { value, false };

	if (rmt_unpack_number(&in) != SELECTORS_VERSION)
		return false;
	*seen_r = (int64_t)(rmt_unpack_number(&in) & INT64_MAX);
	return !in.damaged && rmt_span_split(key, ' ', domain_r, selector_r);
}

/* --- of one domain ---------------------------------------------------------------- */

struct gathering {
	struct rmt_span domain;
	int64_t since;
	GPtrArray *found; /* own */
};

static bool gather(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct gathering *gathering = context;
	struct rmt_span domain, selector;
	int64_t seen;

	if (!rmt_span_starts(key, gathering->domain))
		return false;
	if (read_row(key, value, &domain, &selector, &seen) &&
	    rmt_span_eq(domain, gathering->domain) && seen >= gathering->since)
		g_ptr_array_add(gathering->found, g_strndup(selector.p, selector.len));
	return true;
}

char **rmt_selectors_of(struct rmt_store *store, struct rmt_span domain, int64_t now,
			GError **err)
{
	g_autoptr(GString) from = g_string_new(NULL);
	struct gathering gathering = { .domain = domain,
				       .since = now - RMT_SELECTOR_DAYS * DAY,
				       .found = g_ptr_array_new_with_free_func(g_free) };
	bool ok;

	g_string_printf(from, "%.*s ", RMT_SPAN_ARGS(domain));
	ok = rmt_store_walk(store, SELECTORS_TABLE, rmt_span(from->str, from->len),
			    gather, &gathering, err);
	g_ptr_array_add(gathering.found, NULL);
	if (ok)
		return (char **)g_ptr_array_free(gathering.found, FALSE);
	g_ptr_array_unref(gathering.found);
	return NULL;
}

/* --- of all ----------------------------------------------------------------------- */

struct walk {
	rmt_selectors_each *each;
	void *context;
};

static bool walk_row(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	g_autofree char *domain_text = NULL, *selector_text = NULL;
	struct rmt_span domain, selector;
	int64_t seen;

	if (!read_row(key, value, &domain, &selector, &seen))
		return true;
	domain_text = g_strndup(domain.p, domain.len);
	selector_text = g_strndup(selector.p, selector.len);
	return walk->each(walk->context, domain_text, selector_text, seen);
}

bool rmt_selectors_walk(struct rmt_store *store, rmt_selectors_each *each, void *context,
			GError **err)
{
	struct walk walk = { each, context };

	return rmt_store_walk(store, SELECTORS_TABLE, rmt_span(NULL, 0), walk_row, &walk,
			      err);
}

bool rmt_selectors_forget(struct rmt_store *store, const char *domain, size_t *count_r,
			  GError **err)
{
	g_auto(GStrv) selectors =
		rmt_selectors_of(store, rmt_span_of(domain), INT64_C(0), err);
	size_t i, removed;

	*count_r = 0;
	for (i = 0; selectors != NULL && selectors[i] != NULL; i++) {
		g_autofree char *key = g_strdup_printf("%s %s", domain, selectors[i]);
		const struct rmt_store_change change = { .table = SELECTORS_TABLE,
							 .key = rmt_span_of(key),
							 .remove = true };

		if (!rmt_store_commit(store, &change, 1, &removed, err))
			return false;
		*count_r += removed;
	}
	return selectors != NULL;
}
