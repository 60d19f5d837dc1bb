/* SPDX-License-Identifier: MIT */
#include "common/policy/classify.h"

#include <glib.h>

#include "common/policy/header_match.h"
#define XXH_INLINE_ALL /* keys are short: a call costs as much as the hash */
#include <xxhash.h>

enum {
	INDEX_FROM = 4,            /* streams: fewer are tried one by one */
	INDEX_VALUES_MAX = 100000, /* of a list: a longer one is tried itself */
};

/* Conditions whose exact values an index can hold. */
enum indexed { BY_SENDER, BY_SENDER_DOMAIN, BY_SASL_USER, BY_CONTEXT, BY_COUNT };

/* Hashes alone: a stream found by a collision fails its conditions. */
struct entry {
	uint64_t hash; /* of kind and value */
	uint32_t stream;
	uint32_t kind;
};

struct rmt_classifier {
	const struct rmt_config *config; /* foreign */
	GArray *entries;                 /* struct entry, by hash, then stream */
	uint32_t *slots; /* own; place in entries + 1 of a hash's first; 0: free */
	size_t slot_mask;
	bool used[BY_COUNT];  /* kinds that occur */
	bool below[BY_COUNT]; /* kinds with values such as ".example.com" */
	uint32_t *linear;     /* own; streams that are not in the index, ascending */
	size_t linear_count;
};

/* --- one stream -------------------------------------------------------------------- */

static bool has_cert(const struct rmt_list *certs, const struct rmt_facts *facts)
{
	return rmt_list_has(certs, facts->cert_fingerprint) ||
	       rmt_list_has(certs, facts->cert_pubkey_fingerprint) ||
	       rmt_list_has(certs, facts->cert_subject);
}

const char *rmt_classify_why_not(const struct rmt_stream *stream,
				 const struct rmt_facts *facts,
				 const struct rmt_addr *sender)
{
	if (stream->senders != NULL && !rmt_list_has(stream->senders, sender->whole))
		return "senders";
	if (stream->sender_domains != NULL &&
	    !rmt_list_has(stream->sender_domains, sender->domain))
		return "sender_domains";
	if (stream->sasl_users != NULL &&
	    !rmt_list_has(stream->sasl_users, facts->sasl_user))
		return "sasl_users";
	if (stream->clients != NULL &&
	    !rmt_list_has(stream->clients, facts->client_address))
		return "clients";
	if (stream->client_certs != NULL && !has_cert(stream->client_certs, facts))
		return "client_certs";
	if (stream->helo != NULL && !rmt_list_has(stream->helo, facts->helo))
		return "helo";
	if (stream->policy_contexts != NULL &&
	    !rmt_list_has(stream->policy_contexts, facts->policy_context))
		return "policy_contexts";
	if (stream->headers != NULL && !rmt_headers_match(stream->headers, facts->header))
		return "header";
	return NULL;
}

/* --- building the index ------------------------------------------------------------- */

static const struct rmt_list *list_of(const struct rmt_stream *stream, enum indexed kind)
{
	switch (kind) {
	case BY_SENDER:
		return stream->senders;
	case BY_SENDER_DOMAIN:
		return stream->sender_domains;
	case BY_SASL_USER:
		return stream->sasl_users;
	case BY_CONTEXT:
		return stream->policy_contexts;
	default:
		return NULL;
	}
}

static uint64_t hash_of(enum indexed kind, struct rmt_span value)
{
	return XXH3_64bits_withSeed(value.p, value.len, kind);
}

static const struct rmt_stream *stream_at(const struct rmt_classifier *classifier,
					  size_t i)
{
	return g_ptr_array_index(classifier->config->streams, i);
}

struct building {
	struct rmt_classifier *classifier;
	uint32_t stream;
	enum indexed kind;
};

static void add_value(void *context, struct rmt_span value)
{
	struct building *building = context;
	struct entry entry = { hash_of(building->kind, value), building->stream,
			       building->kind };

	g_array_append_val(building->classifier->entries, entry);
	building->classifier->used[building->kind] = true;
	if (value.len > 0 && value.p[0] == '.')
		building->classifier->below[building->kind] = true;
}

static bool is_indexable(const struct rmt_list *list)
{
	return list != NULL && rmt_list_count(list) <= INDEX_VALUES_MAX;
}

static void count_value(void *context, struct rmt_span value)
{
	(void)context, (void)value;
}

static gint compare_entries(gconstpointer a, gconstpointer b)
{
	const struct entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->stream < y->stream ? -1 : x->stream > y->stream;
}

/* Every exact value of every kind, of streams where that kind has no other. */
static void gather_entries(struct rmt_classifier *classifier)
{
	struct building building = { classifier, 0, BY_SENDER };
	const struct rmt_list *list;
	unsigned kind;

	for (; building.stream < classifier->config->streams->len; building.stream++)
		for (kind = 0; kind < BY_COUNT; kind++) {
			list = list_of(stream_at(classifier, building.stream), kind);
			building.kind = kind;
			if (is_indexable(list) &&
			    rmt_list_exact(list, count_value, NULL) == 0)
				rmt_list_exact(list, add_value, &building);
		}
	g_array_sort(classifier->entries, compare_entries);
}

/* For each stream and kind: how many streams share its most shared value. */
static uint32_t *measure_crowds(const struct rmt_classifier *classifier)
{
	uint32_t *crowds = g_new0(uint32_t, classifier->config->streams->len * BY_COUNT);
	const struct entry *entries = (const struct entry *)classifier->entries->data;
	guint first, next, i, n = classifier->entries->len;
	uint32_t *crowd;

	for (first = 0; first < n; first = next) {
		for (next = first; next < n && entries[next].hash == entries[first].hash;)
			next++;
		for (i = first; i < next; i++) {
			crowd = &crowds[entries[i].stream * BY_COUNT + entries[i].kind];
			*crowd = MAX(*crowd, next - first);
		}
	}
	return crowds;
}

/* The kind that tells this stream best from others; BY_COUNT: none. */
static enum indexed best_kind(const uint32_t *crowds)
{
	enum indexed best = BY_COUNT;
	unsigned kind;

	for (kind = 0; kind < BY_COUNT; kind++)
		if (crowds[kind] > 0 && (best == BY_COUNT || crowds[kind] < crowds[best]))
			best = kind;
	return best;
}

/* Keeps of each stream the entries of its best kind; without one it is tried
 * for every message. */
static void choose_entries(struct rmt_classifier *classifier)
{
	g_autofree uint32_t *crowds = measure_crowds(classifier);
	struct entry *entries = (struct entry *)classifier->entries->data;
	guint i, kept = 0;

	for (i = 0; i < classifier->entries->len; i++)
		if (best_kind(crowds + entries[i].stream * BY_COUNT) == entries[i].kind)
			entries[kept++] = entries[i];
	g_array_set_size(classifier->entries, kept);
	for (i = 0; i < classifier->config->streams->len; i++)
		if (best_kind(crowds + i * BY_COUNT) == BY_COUNT)
			classifier->linear[classifier->linear_count++] = i;
}

static void make_slots(struct rmt_classifier *classifier)
{
	const struct entry *entries = (const struct entry *)classifier->entries->data;
	size_t size = 8, at;
	guint i;

	while (size < 2 * (size_t)classifier->entries->len)
		size *= 2;
	classifier->slots = g_new0(uint32_t, size);
	classifier->slot_mask = size - 1;
	for (i = 0; i < classifier->entries->len; i++) {
		if (i > 0 && entries[i].hash == entries[i - 1].hash)
			continue;
		at = entries[i].hash & classifier->slot_mask;
		while (classifier->slots[at] != 0)
			at = (at + 1) & classifier->slot_mask;
		classifier->slots[at] = i + 1;
	}
}

struct rmt_classifier *rmt_classifier_new(const struct rmt_config *config)
{
	struct rmt_classifier *classifier = g_new0(struct rmt_classifier, 1);

	classifier->config = config;
	classifier->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
	classifier->linear = g_new0(uint32_t, config->streams->len);
	if (config->streams->len > INDEX_FROM)
		gather_entries(classifier);
	choose_entries(classifier);
	make_slots(classifier);
	return classifier;
}

void rmt_classifier_free(struct rmt_classifier *classifier)
{
	if (classifier == NULL)
		return;
	g_array_free(classifier->entries, TRUE);
	g_free(classifier->slots);
	g_free(classifier->linear);
	g_free(classifier);
}

/* --- looking up --------------------------------------------------------------------- */

struct search {
	const struct rmt_classifier *classifier;
	const struct rmt_facts *facts;
	const struct rmt_addr *sender;
	uint32_t best; /* the first stream found so far */
};

/* False: a stream before this one is found already, or this one is the first. */
static bool try_stream(struct search *search, uint32_t stream)
{
	if (stream >= search->best)
		return false;
	if (rmt_classify_why_not(stream_at(search->classifier, stream), search->facts,
				 search->sender) != NULL)
		return true;
	search->best = stream;
	return false;
}

static void try_value(struct search *search, enum indexed kind, struct rmt_span value)
{
	const struct rmt_classifier *classifier = search->classifier;
	const struct entry *entries = (const struct entry *)classifier->entries->data;
	uint64_t hash = hash_of(kind, value);
	size_t at = hash & classifier->slot_mask;
	guint i;

	while ((i = classifier->slots[at]) != 0 && entries[i - 1].hash != hash)
		at = (at + 1) & classifier->slot_mask;
	if (i == 0)
		return;
	for (i--; i < classifier->entries->len && entries[i].hash == hash; i++)
		if (!try_stream(search, entries[i].stream))
			return;
}

static void try_below(struct search *search, enum indexed kind, struct rmt_span domain)
{
	size_t i;

	for (i = 1; search->classifier->below[kind] && i < domain.len; i++)
		if (domain.p[i] == '.')
			try_value(search, kind, rmt_span_from(domain, i));
}

static void try_sender(struct search *search)
{
	const struct rmt_addr *sender = search->sender;

	try_value(search, BY_SENDER, sender->whole);
	if (sender->domain.len > 0)
		try_value(search, BY_SENDER,
			  rmt_span_from(sender->whole, sender->local.len));
	try_below(search, BY_SENDER, sender->domain);
}

static void try_index(struct search *search)
{
	const bool *used = search->classifier->used;

	if (used[BY_SENDER])
		try_sender(search);
	if (used[BY_SENDER_DOMAIN]) {
		try_value(search, BY_SENDER_DOMAIN, search->sender->domain);
		try_below(search, BY_SENDER_DOMAIN, search->sender->domain);
	}
	if (used[BY_SASL_USER])
		try_value(search, BY_SASL_USER, search->facts->sasl_user);
	if (used[BY_CONTEXT])
		try_value(search, BY_CONTEXT, search->facts->policy_context);
}

const struct rmt_stream *rmt_classify(const struct rmt_classifier *classifier,
				      const struct rmt_facts *facts,
				      const struct rmt_addr *sender)
{
	/* The last one takes what no other does. */
	struct search search = { classifier, facts, sender,
				 classifier->config->streams->len - 1 };
	size_t i;

	if (classifier->entries->len > 0)
		try_index(&search);
	for (i = 0; i < classifier->linear_count; i++)
		if (!try_stream(&search, classifier->linear[i]))
			break;
	return stream_at(classifier, search.best);
}
