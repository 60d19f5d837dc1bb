/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/message/addr.h"
#include "common/policy/bulk.h"

enum { ROWS_MAX = 20000, SENDERS_MAX = 50000, PROVIDERS = 4 };

static const char *const providers[PROVIDERS] = { "google", "yahoo", "microsoft",
						  "apple" };

/* Mailboxes whose provider says that it counts. State: 2026-11. */
static const struct {
	const char *domain;
	unsigned provider;
} mailboxes[] = {
	{ "gmail.com", 0 },    { "googlemail.com", 0 }, { "yahoo.com", 1 },
	{ "yahoo.co.uk", 1 },  { "yahoo.de", 1 },       { "yahoo.es", 1 },
	{ "yahoo.fr", 1 },     { "yahoo.it", 1 },       { "yahoo.ca", 1 },
	{ "yahoo.com.au", 1 }, { "yahoo.com.br", 1 },   { "yahoo.co.in", 1 },
	{ "ymail.com", 1 },    { "rocketmail.com", 1 }, { "aol.com", 1 },
	{ "aol.de", 1 },       { "aol.fr", 1 },         { "aim.com", 1 },
	{ "outlook.com", 2 },  { "outlook.de", 2 },     { "outlook.es", 2 },
	{ "outlook.fr", 2 },   { "hotmail.com", 2 },    { "hotmail.co.uk", 2 },
	{ "hotmail.de", 2 },   { "hotmail.es", 2 },     { "hotmail.fr", 2 },
	{ "hotmail.it", 2 },   { "live.com", 2 },       { "live.co.uk", 2 },
	{ "live.de", 2 },      { "live.fr", 2 },        { "live.nl", 2 },
	{ "msn.com", 2 },      { "icloud.com", 3 },     { "me.com", 3 },
	{ "mac.com", 3 },
};

/* A sender's domain, so that its organisation is found without the list. */
struct sender {
	struct rmt_bulk_row *rows[PROVIDERS]; /* foreign; NULL: not looked up yet */
	char domain[];
};

struct rmt_bulk {
	const struct rmt_psl *psl; /* foreign; or NULL */
	GHashTable *rows;          /* own; "org provider" -> struct rmt_bulk_row */
	GHashTable *senders;       /* own; domain -> struct sender */
};

static void free_row(gpointer data)
{
	struct rmt_bulk_row *row = data;

	g_free(row->org);
	g_free(row);
}

struct rmt_bulk *rmt_bulk_new(const struct rmt_psl *psl)
{
	struct rmt_bulk *bulk = g_new0(struct rmt_bulk, 1);

	bulk->psl = psl;
	bulk->rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_row);
	bulk->senders = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	return bulk;
}

void rmt_bulk_free(struct rmt_bulk *bulk)
{
	if (bulk == NULL)
		return;
	g_hash_table_unref(bulk->senders);
	g_hash_table_unref(bulk->rows);
	g_free(bulk);
}

/* -1: nobody's. By length and first letter nearly every other domain falls out. */
static int provider_of(struct rmt_span domain)
{
	size_t i;

	if (domain.len < 6 || domain.len > 14 || strchr("aghilmory", domain.p[0]) == NULL)
		return -1;
	for (i = 0; i < G_N_ELEMENTS(mailboxes); i++)
		if (mailboxes[i].domain[0] == domain.p[0] &&
		    rmt_span_eq(domain, rmt_span_of(mailboxes[i].domain)))
			return (int)mailboxes[i].provider;
	return -1;
}

const char *rmt_bulk_provider(struct rmt_span domain)
{
	int provider = provider_of(domain);

	return provider >= 0 ? providers[provider] : NULL;
}

/* --- rows --------------------------------------------------------------------------- */

struct oldest {
	const char *key;
	int64_t hour;
};

static void look_for_oldest(gpointer key, gpointer value, gpointer context)
{
	const struct rmt_bulk_row *row = value;
	struct oldest *oldest = context;

	if (row->count.since == 0 &&
	    (oldest->key == NULL || row->count.hour < oldest->hour))
		*oldest = (struct oldest){ key, row->count.hour };
}

/* Bulk senders stay; of the others who sent last longest ago goes. */
static void make_room(struct rmt_bulk *bulk)
{
	struct oldest oldest = { NULL, 0 };

	if (g_hash_table_size(bulk->rows) < ROWS_MAX)
		return;
	g_hash_table_foreach(bulk->rows, look_for_oldest, &oldest);
	if (oldest.key == NULL)
		return;
	g_hash_table_remove_all(bulk->senders);
	g_hash_table_remove(bulk->rows, oldest.key);
}

static struct rmt_bulk_row *row_of(struct rmt_bulk *bulk, struct rmt_span org,
				   const char *provider)
{
	g_autofree char *key = g_strdup_printf("%.*s %s", RMT_SPAN_ARGS(org), provider);
	struct rmt_bulk_row *row = g_hash_table_lookup(bulk->rows, key);

	if (row != NULL)
		return row;
	make_room(bulk);
	row = g_new0(struct rmt_bulk_row, 1);
	row->org = g_strndup(org.p, org.len);
	row->provider = provider;
	g_hash_table_insert(bulk->rows, g_steal_pointer(&key), row);
	return row;
}

static struct sender *sender_of(struct rmt_bulk *bulk, struct rmt_span domain)
{
	char key[RMT_DOMAIN_MAX + 1];
	struct sender *sender;

	memcpy(key, domain.p, domain.len);
	key[domain.len] = '\0';
	sender = g_hash_table_lookup(bulk->senders, key);
	if (sender != NULL)
		return sender;
	if (g_hash_table_size(bulk->senders) >= SENDERS_MAX)
		g_hash_table_remove_all(bulk->senders);
	sender = g_malloc0(sizeof(*sender) + domain.len + 1);
	memcpy(sender->domain, key, domain.len + 1);
	g_hash_table_insert(bulk->senders, sender->domain, sender);
	return sender;
}

unsigned rmt_bulk_add(struct rmt_bulk *bulk, struct rmt_span sender,
		      struct rmt_span recipient, int64_t now,
		      const struct rmt_bulk_row **row_r)
{
	const int provider = provider_of(recipient);
	struct rmt_bulk_row *row;

	if (provider < 0 || sender.len == 0 || sender.len > RMT_DOMAIN_MAX)
		return 0;
	row = sender_of(bulk, sender)->rows[provider];
	if (row == NULL) {
		struct rmt_span org =
			bulk->psl != NULL ? rmt_psl_org(bulk->psl, sender) : sender;

		row = row_of(bulk, org, providers[provider]);
		sender_of(bulk, sender)->rows[provider] = row;
	}
	row->changed = true;
	*row_r = row;
	return rmt_bulk_count_add(&row->count, 1, now);
}

/* --- records -------------------------------------------------------------------------
 */

static bool load_row(void *context, const char *org, const char *provider,
		     const struct rmt_bulk_count *count)
{
	struct rmt_bulk *bulk = context;
	size_t i;

	for (i = 0; i < PROVIDERS; i++)
		if (strcmp(providers[i], provider) == 0)
			row_of(bulk, rmt_span_of(org), providers[i])->count = *count;
	return true;
}

bool rmt_bulk_load(struct rmt_bulk *bulk, struct rmt_store *store, GError **err)
{
	return rmt_bulk_walk(store, load_row, bulk, err);
}

GPtrArray *rmt_bulk_take_changed(struct rmt_bulk *bulk)
{
	GPtrArray *changed = NULL;
	GHashTableIter rows;
	gpointer value;

	g_hash_table_iter_init(&rows, bulk->rows);
	while (g_hash_table_iter_next(&rows, NULL, &value)) {
		struct rmt_bulk_row *row = value, *copy;

		if (!row->changed)
			continue;
		row->changed = false;
		copy = g_memdup2(row, sizeof(*row));
		copy->org = g_strdup(row->org);
		if (changed == NULL)
			changed = g_ptr_array_new_with_free_func(free_row);
		g_ptr_array_add(changed, copy);
	}
	return changed;
}

bool rmt_bulk_commit(struct rmt_store *store, const GPtrArray *rows, GError **err)
{
	g_autoptr(GString) key = g_string_new(NULL);
	g_autoptr(GString) value = g_string_new(NULL);
	guint i;

	for (i = 0; i < rows->len; i++) {
		const struct rmt_bulk_row *row = rows->pdata[i];
		struct rmt_store_change change =
			rmt_bulk_change(row->org, row->provider, &row->count, key, value);

		if (!rmt_store_commit_batch(store, &change, 1, i + 1 == rows->len, err))
			return false;
	}
	return true;
}

bool rmt_bulk_drop(struct rmt_bulk *bulk, const char *org, const char *provider)
{
	g_autofree char *key = g_strdup_printf("%s %s", org, provider);

	g_hash_table_remove_all(bulk->senders);
	return g_hash_table_remove(bulk->rows, key);
}

void rmt_bulk_each_near(const struct rmt_bulk *bulk, int64_t now, rmt_bulk_tell *tell,
			void *context)
{
	GHashTableIter rows;
	gpointer value;

	g_hash_table_iter_init(&rows, bulk->rows);
	while (g_hash_table_iter_next(&rows, NULL, &value)) {
		const struct rmt_bulk_row *row = value;
		const uint64_t day = rmt_bulk_count_day(&row->count, now);

		if (row->count.since != 0 || day >= RMT_BULK_WARN)
			tell(context, row, day);
	}
}
