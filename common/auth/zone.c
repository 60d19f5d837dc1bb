/* SPDX-License-Identifier: MIT */
/* zone.c - a text in place of DNS. */
#include <string.h>

#include "common/auth/zone.h"
#include "common/auth/zone_line.h"

enum {
	ALIASES_MAX = 16,
	TEXT_MAX = 64 * 1024 * 1024,
};

/* What a name has of one type. */
struct set {
	enum rmt_dns_type type;
	enum rmt_dns_status status; /* of a line without a record */
	bool bogus;
	uint32_t ttl_secs;
	GArray *records; /* own; struct rmt_dns_record, whose data is zone's */
};

struct node {
	struct rmt_span name; /* zone's */
	GArray *sets;         /* own; struct set; NULL: only a parent of others */
};

struct rmt_zone {
	GHashTable *nodes;   /* own; struct node by its name */
	GStringChunk *bytes; /* own; names and data */
	GArray *secure;      /* own; struct rmt_span: names whose answers validate */
	bool has_wildcards;
	struct rmt_dns_answer answer;
};

/* Eight octets at a time. Setting bit 5 makes upper and lower case one (and
 * some other octets, too: it is only a hash). */
static guint hash_node(gconstpointer pointer)
{
	const struct node *node = pointer;
	uint64_t hash = node->name.len;
	size_t i;

	for (i = 0; i < node->name.len; i += 8) {
		uint64_t octets = 0;

		memcpy(&octets, node->name.p + i, MIN(node->name.len - i, 8));
		hash = (hash ^ (octets | 0x2020202020202020u)) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return (guint)hash;
}

static gboolean equal_nodes(gconstpointer a, gconstpointer b)
{
	const struct node *one = a, *other = b;

	return rmt_span_eq(one->name, other->name) ||
	       rmt_span_eq_nocase(one->name, other->name);
}

static void clear_set(gpointer pointer)
{
	struct set *set = pointer;

	g_array_unref(set->records);
}

static void free_node(gpointer pointer)
{
	struct node *node = pointer;

	if (node->sets != NULL)
		g_array_unref(node->sets);
	g_free(node);
}

struct rmt_zone *rmt_zone_new(void)
{
	struct rmt_zone *zone = g_new0(struct rmt_zone, 1);

	zone->nodes = g_hash_table_new_full(hash_node, equal_nodes, NULL, free_node);
	zone->bytes = g_string_chunk_new(256);
	zone->secure = g_array_new(FALSE, FALSE, sizeof(struct rmt_span));
	return zone;
}

void rmt_zone_free(struct rmt_zone *zone)
{
	if (zone == NULL)
		return;
	g_hash_table_unref(zone->nodes);
	g_string_chunk_free(zone->bytes);
	g_array_unref(zone->secure);
	g_free(zone);
}

static struct rmt_span keep(struct rmt_zone *zone, struct rmt_span bytes)
{
	if (bytes.len == 0)
		return rmt_span("", 0);
	return rmt_span(
		g_string_chunk_insert_len(zone->bytes, bytes.p, (gssize)bytes.len),
		bytes.len);
}

/* --- the zone ------------------------------------------------------------------ */

static struct node *find_node(struct rmt_zone *zone, struct rmt_span name)
{
	struct node key = { .name = name };

	return g_hash_table_lookup(zone->nodes, &key);
}

/* The name and all above it exist from now on (RFC 8020). */
static struct node *make_node(struct rmt_zone *zone, struct rmt_span name)
{
	struct node *node = find_node(zone, name);

	if (node != NULL)
		return node;
	node = g_new0(struct node, 1);
	node->name = keep(zone, name);
	g_hash_table_add(zone->nodes, node);
	while ((name = rmt_dns_parent(name)).len > 0 && find_node(zone, name) == NULL) {
		struct node *parent = g_new0(struct node, 1);

		parent->name = keep(zone, name);
		g_hash_table_add(zone->nodes, parent);
	}
	if (rmt_span_starts(node->name, RMT_SPAN("*.")))
		zone->has_wildcards = true;
	return node;
}

static struct set *find_set(const struct node *node, enum rmt_dns_type type)
{
	guint i;

	for (i = 0; node->sets != NULL && i < node->sets->len; i++) {
		struct set *set = &g_array_index(node->sets, struct set, i);

		if (set->type == type)
			return set;
	}
	return NULL;
}

static struct set *make_set(struct node *node, enum rmt_dns_type type)
{
	struct set set = { .type = type, .ttl_secs = UINT32_MAX };

	if (node->sets == NULL) {
		node->sets = g_array_new(FALSE, FALSE, sizeof(struct set));
		g_array_set_clear_func(node->sets, clear_set);
	}
	if (find_set(node, type) == NULL) {
		set.records = g_array_new(FALSE, FALSE, sizeof(struct rmt_dns_record));
		g_array_append_val(node->sets, set);
	}
	return find_set(node, type);
}

static void add_record(struct rmt_zone *zone, const struct rmt_zone_line *line)
{
	struct rmt_dns_record record = line->record;
	struct set *set = make_set(make_node(zone, rmt_zone_line_name(line)), line->type);

	set->ttl_secs = MIN(set->ttl_secs, line->ttl_secs);
	if (line->status != RMT_DNS_FOUND) {
		set->status = line->status;
		set->bogus = line->bogus;
		return;
	}
	record.data = keep(zone, record.data);
	g_array_append_val(set->records, record);
}

bool rmt_zone_add(struct rmt_zone *zone, struct rmt_span text, GError **err)
{
	struct rmt_zone_line line;
	struct rmt_span name;
	bool ok;

	rmt_zone_line_init(&line);
	ok = rmt_zone_line_read(&line, text, err);
	if (ok && line.kind == RMT_ZONE_LINE_RECORD) {
		add_record(zone, &line);
	} else if (ok && line.kind == RMT_ZONE_LINE_NAME) {
		make_node(zone, rmt_zone_line_name(&line));
	} else if (ok && line.kind == RMT_ZONE_LINE_SECURE) {
		name = keep(zone, rmt_zone_line_name(&line));
		g_array_append_val(zone->secure, name);
	}
	rmt_zone_line_finish(&line);
	return ok;
}

bool rmt_zone_add_text(struct rmt_zone *zone, const char *file, struct rmt_span text,
		       GError **err)
{
	unsigned number = 0;

	while (text.len > 0) {
		struct rmt_span line = text;

		number++;
		if (!rmt_span_split(text, '\n', &line, &text))
			text.len = 0;
		if (!rmt_zone_add(zone, line, err)) {
			g_prefix_error(err, "%s:%u: ", file, number);
			return false;
		}
	}
	return true;
}

bool rmt_zone_add_file(struct rmt_zone *zone, const char *file, GError **err)
{
	g_autofree char *text = NULL;
	gsize length;

	if (!g_file_get_contents(file, &text, &length, err))
		return false;
	if (length > TEXT_MAX) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "%s: larger than %d octets", file, TEXT_MAX);
		return false;
	}
	return rmt_zone_add_text(zone, file, rmt_span(text, length), err);
}

/* RFC 4592: the wildcard below the closest name that exists. */
static struct node *find_wildcard(struct rmt_zone *zone, struct rmt_span name)
{
	char wildcard[RMT_DNS_NAME_MAX + 2] = "*.";

	while (name.len > 0) {
		name = rmt_dns_parent(name);
		if (name.len > 0 && find_node(zone, name) == NULL)
			continue;
		if (name.len == 0 || name.len > RMT_DNS_NAME_MAX)
			return NULL;
		memcpy(wildcard + 2, name.p, name.len);
		return find_node(zone, rmt_span(wildcard, name.len + 2));
	}
	return NULL;
}

static const struct rmt_dns_answer *answer_with(struct rmt_zone *zone,
						enum rmt_dns_status status)
{
	zone->answer.status = status;
	zone->answer.count = 0;
	zone->answer.records = NULL;
	return &zone->answer;
}

static const struct rmt_dns_answer *answer_set(struct rmt_zone *zone,
					       const struct set *set)
{
	zone->answer.ttl_secs = MIN(zone->answer.ttl_secs, set->ttl_secs);
	zone->answer.bogus = set->bogus;
	if (set->records->len == 0)
		return answer_with(zone, set->status);
	zone->answer.status = RMT_DNS_FOUND;
	zone->answer.count = set->records->len;
	zone->answer.records = (const void *)set->records->data;
	return &zone->answer;
}

/* True: answered; false: an alias to go on with. */
static bool answer_at(struct rmt_zone *zone, const struct node *node,
		      enum rmt_dns_type type, struct rmt_span *name)
{
	const struct set *set = find_set(node, type), *alias;

	if (set == NULL && (alias = find_set(node, RMT_DNS_CNAME)) != NULL &&
	    alias->records->len > 0) {
		*name = g_array_index(alias->records, struct rmt_dns_record, 0).data;
		zone->answer.ttl_secs = MIN(zone->answer.ttl_secs, alias->ttl_secs);
		zone->answer.canonical = *name;
		return false;
	}
	if (set == NULL)
		set = find_set(node, RMT_DNS_ANY);
	if (set == NULL)
		answer_with(zone, RMT_DNS_NODATA);
	else
		answer_set(zone, set);
	return true;
}

bool rmt_zone_has_secure(const struct rmt_zone *zone)
{
	return zone->secure->len > 0;
}

/* Every alias on the way must validate, too. */
static bool is_secure(const struct rmt_zone *zone, struct rmt_span name)
{
	guint i;

	for (i = 0; i < zone->secure->len; i++)
		if (rmt_dns_below_or_same(
			    name, g_array_index(zone->secure, struct rmt_span, i)))
			return true;
	return false;
}

const struct rmt_dns_answer *rmt_zone_look_up(struct rmt_zone *zone,
					      const struct rmt_dns_question *question)
{
	struct rmt_span name = question->name;
	int i;

	zone->answer = (struct rmt_dns_answer){ .ttl_secs = UINT32_MAX, .secure = true };
	for (i = 0; i < ALIASES_MAX; i++) {
		const struct node *node = find_node(zone, name);

		zone->answer.secure = zone->answer.secure && is_secure(zone, name);
		if (node == NULL && zone->has_wildcards)
			node = find_wildcard(zone, name);
		if (node == NULL)
			return answer_with(zone, RMT_DNS_NXDOMAIN);
		if (answer_at(zone, node, question->type, &name))
			return &zone->answer;
	}
	return answer_with(zone, RMT_DNS_SERVFAIL);
}

void rmt_zone_run(struct rmt_zone *zone, struct rmt_asker *asker)
{
	while (asker->waits)
		rmt_dns_resume(asker, rmt_zone_look_up(zone, &asker->question));
}
