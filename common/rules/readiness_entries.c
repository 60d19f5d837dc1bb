/* SPDX-License-Identifier: MIT */
/* readiness_entries.c - domains in a table, and in a list by when they were last asked
 * for. */
#include "common/rules/readiness_private.h"

#include "common/message/addr.h"

enum { TOUCH_US = 1000000 };

/* Eight octets at a time; seeded, for strangers choose the names. */
static guint hash_entry(gconstpointer pointer)
{
	const struct rmt_ready_entry *entry = pointer;
	uint64_t hash = entry->seed ^ entry->len, word;
	size_t at;

	for (at = 0; at < entry->len; at += sizeof(word)) {
		word = 0;
		memcpy(&word, entry->domain + at, MIN(sizeof(word), entry->len - at));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return (guint)(hash ^ hash >> 32);
}

static gboolean equal_entries(gconstpointer a, gconstpointer b)
{
	const struct rmt_ready_entry *one = a, *other = b;

	return one->len == other->len &&
	       memcmp(one->domain, other->domain, one->len) == 0;
}

static void unlink_entry(struct rmt_readiness *readiness, struct rmt_ready_entry *entry)
{
	if (entry->newer != NULL)
		entry->newer->older = entry->older;
	else
		readiness->newest = entry->older;
	if (entry->older != NULL)
		entry->older->newer = entry->newer;
	else
		readiness->oldest = entry->newer;
	entry->newer = entry->older = NULL;
}

static void link_newest(struct rmt_readiness *readiness, struct rmt_ready_entry *entry)
{
	entry->older = readiness->newest;
	entry->newer = NULL;
	if (readiness->newest != NULL)
		readiness->newest->newer = entry;
	else
		readiness->oldest = entry;
	readiness->newest = entry;
}

void rmt_ready_clear_texts(struct rmt_ready_entry *entry)
{
	size_t i;

	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		g_clear_pointer(&entry->known->texts[i], g_free);
}

/* One in flight is freed when its job comes back. */
static void free_entry(gpointer pointer)
{
	struct rmt_ready_entry *entry = pointer;
	struct rmt_readiness *readiness = entry->question->readiness;

	unlink_entry(readiness, entry);
	readiness->stats.domains--;
	if (entry->waiting)
		g_queue_remove(&readiness->waiting, entry);
	entry->waiting = false;
	rmt_ready_clear_texts(entry);
	g_free(entry->known->org);
	g_clear_pointer(&entry->known, g_free);
	if (entry->in_flight)
		entry->orphan = true;
	else
		g_free(entry);
}

void rmt_ready_drop_oldest(struct rmt_readiness *readiness)
{
	struct rmt_ready_entry *entry = readiness->oldest;

	g_hash_table_remove(entry->question->entries, entry);
}

struct rmt_ready_entry *rmt_ready_entry_add(struct rmt_ready_question *question,
					    struct rmt_span domain)
{
	struct rmt_readiness *readiness = question->readiness;
	struct rmt_ready_entry *entry = g_malloc0(sizeof(*entry) + domain.len + 1);

	if (readiness->stats.domains >= readiness->config->dns.domains_max)
		rmt_ready_drop_oldest(readiness);
	entry->question = question;
	entry->unknown = question->wanted;
	entry->known = g_new0(struct rmt_ready_known, 1);
	entry->seed = readiness->seed;
	entry->len = (uint32_t)domain.len;
	memcpy(entry->domain, domain.p, domain.len);
	g_hash_table_add(question->entries, entry);
	link_newest(readiness, entry);
	readiness->stats.domains++;
	return entry;
}

struct rmt_ready_entry *rmt_ready_entry_find(const struct rmt_ready_question *question,
					     struct rmt_span domain)
{
	union {
		struct rmt_ready_entry entry;
		char bytes[sizeof(struct rmt_ready_entry) + RMT_DOMAIN_MAX + 1];
	} probe;

	probe.entry.seed = question->readiness->seed;
	probe.entry.len = (uint32_t)domain.len;
	memcpy(probe.entry.domain, domain.p, domain.len);
	return g_hash_table_lookup(question->entries, &probe.entry);
}

GHashTable *rmt_ready_entries_new(void)
{
	return g_hash_table_new_full(hash_entry, equal_entries, free_entry, NULL);
}

void rmt_ready_entry_touch(struct rmt_ready_entry *entry, int64_t now_us)
{
	if (now_us - entry->touched_us < TOUCH_US)
		return;
	entry->touched_us = now_us;
	unlink_entry(entry->question->readiness, entry);
	link_newest(entry->question->readiness, entry);
}
