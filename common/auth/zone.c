/* SPDX-License-Identifier: MIT */
/* zone.c - a text in place of DNS. */
#include <arpa/inet.h>
#include <string.h>

#include "common/auth/zone.h"

enum {
	ALIASES_MAX = 16,
	TTL_SECS = 3600, /* of lines that give none */
	TEXT_MAX = 64 * 1024 * 1024,
};

/* What a name has of one type. */
struct set {
	enum rmt_dns_type type;
	enum rmt_dns_status status; /* of a line without a record */
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
	return zone;
}

void rmt_zone_free(struct rmt_zone *zone)
{
	if (zone == NULL)
		return;
	g_hash_table_unref(zone->nodes);
	g_string_chunk_free(zone->bytes);
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

/* --- one line as it is written ---------------------------------------------- */

static bool wrong(GError **err, const char *sentence)
{
	g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, sentence);
	return false;
}

static struct rmt_span next_word(struct rmt_span *rest)
{
	struct rmt_span word;
	size_t i = 0;

	while (rest->len > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t'))
		*rest = rmt_span_from(*rest, 1);
	while (i < rest->len && rest->p[i] != ' ' && rest->p[i] != '\t')
		i++;
	word = rmt_span(rest->p, i);
	*rest = rmt_span_from(*rest, i);
	return word;
}

static bool parse_number(struct rmt_span word, uint32_t max, uint32_t *number_r)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < word.len && g_ascii_isdigit(word.p[i]) && number <= max; i++)
		number = number * 10 + (uint64_t)(word.p[i] - '0');
	if (word.len == 0 || i < word.len || number > max)
		return false;
	*number_r = (uint32_t)number;
	return true;
}

/* What a backslash at p[0] stands for; returns octets read, 0 for a mistake. */
static size_t read_escape(struct rmt_span text, char *octet_r)
{
	int value;

	if (text.len < 2)
		return 0;
	if (!g_ascii_isdigit(text.p[1])) {
		*octet_r = text.p[1];
		return 2;
	}
	if (text.len < 4 || !g_ascii_isdigit(text.p[2]) || !g_ascii_isdigit(text.p[3]))
		return 0;
	value = (text.p[1] - '0') * 100 + (text.p[2] - '0') * 10 + (text.p[3] - '0');
	if (value > 255)
		return 0;
	*octet_r = (char)value;
	return 4;
}

/* Appends text to out with its escapes undone. */
static bool unescape(struct rmt_span text, GString *out, GError **err)
{
	while (text.len > 0) {
		char octet = text.p[0];
		size_t step = octet != '\\' ? 1 : read_escape(text, &octet);

		if (step == 0)
			return wrong(err, "a backslash must be followed by three digits "
					  "up to 255, or by a character");
		g_string_append_c(out, octet);
		text = rmt_span_from(text, step);
	}
	return true;
}

static bool parse_name(struct rmt_span word, GString *out, GError **err)
{
	size_t i;

	for (i = 0; i + 1 < word.len; i++) {
		char octet = '\0';

		if (word.p[i] != '\\')
			continue;
		if (read_escape(rmt_span_from(word, i), &octet) > 0 && octet == '.')
			return wrong(err, "a dot within a label is not supported");
		i++;
	}
	g_string_truncate(out, 0);
	if (!unescape(word, out, err))
		return false;
	if (out->len > 0 && out->str[out->len - 1] == '.')
		g_string_truncate(out, out->len - 1);
	if (out->len > 0 && !rmt_dns_name_ok(rmt_span(out->str, out->len)))
		return wrong(err, "not a name: labels have 1 to 63 octets, names at "
				  "most 253");
	return word.len > 0 || wrong(err, "a name is missing");
}

/* One quoted string; rest is left behind its closing quote. */
static bool parse_quoted(struct rmt_span *rest, GString *out, GError **err)
{
	size_t i = 1;

	while (i < rest->len && rest->p[i] != '"')
		i += rest->p[i] == '\\' ? 2 : 1;
	if (i >= rest->len)
		return wrong(err, "a string has no closing quote");
	if (!unescape(rmt_span(rest->p + 1, i - 1), out, err))
		return false;
	*rest = rmt_span_from(*rest, i + 1);
	return true;
}

static bool parse_txt(struct rmt_span rest, GString *out, GError **err)
{
	if (rest.len == 0 || rest.p[0] != '"')
		return unescape(rest, out, err);
	while (rest.len > 0 && rest.p[0] == '"') {
		if (!parse_quoted(&rest, out, err))
			return false;
		rest = rmt_span_trim(rest);
	}
	return rest.len == 0 || rest.p[0] == ';' ||
	       wrong(err, "text behind a quoted string: quote all of it");
}

static bool parse_address(int family, struct rmt_span rest, GString *out, GError **err)
{
	char text[INET6_ADDRSTRLEN], address[16];

	if (rest.len < sizeof(text)) {
		memcpy(text, rest.p, rest.len);
		text[rest.len] = '\0';
		if (strlen(text) == rest.len && inet_pton(family, text, address) == 1) {
			g_string_append_len(out, address, family == AF_INET ? 4 : 16);
			return true;
		}
	}
	return wrong(err,
		     family == AF_INET ? "not an IPv4 address" : "not an IPv6 address");
}

static bool parse_mx(struct rmt_span rest, struct rmt_dns_record *record, GString *out,
		     GError **err)
{
	uint32_t preference;

	if (!parse_number(next_word(&rest), UINT16_MAX, &preference))
		return wrong(err, "MX is a number up to 65535 and a name");
	record->preference = (uint16_t)preference;
	return parse_name(rmt_span_trim(rest), out, err);
}

/* RFC 3597, 5: \# LENGTH HEX... */
static bool parse_generic(struct rmt_span rest, GString *out, GError **err)
{
	struct rmt_span word = next_word(&rest);
	size_t i, digits = 0;
	uint32_t length;
	int high = 0;

	if (!rmt_span_eq(word, RMT_SPAN("\\#")))
		return wrong(err, "this type is written as \\# LENGTH HEX");
	if (!parse_number(next_word(&rest), UINT16_MAX, &length))
		return wrong(err, "\\# LENGTH is a number up to 65535");
	for (i = 0; i < rest.len; i++) {
		int value = g_ascii_xdigit_value(rest.p[i]);

		if (value < 0 && (rest.p[i] == ' ' || rest.p[i] == '\t'))
			continue;
		if (value < 0)
			return wrong(err, "not a hexadecimal digit behind \\#");
		if (digits++ % 2 == 0)
			high = value;
		else
			g_string_append_c(out, (char)(high << 4 | value));
	}
	return (digits % 2 == 0 && length == out->len) ||
	       wrong(err, "\\# LENGTH does not fit the octets behind it");
}

static bool parse_data(enum rmt_dns_type type, struct rmt_span rest,
		       struct rmt_dns_record *record, GString *out, GError **err)
{
	g_string_truncate(out, 0);
	switch ((int)type) {
	case RMT_DNS_TXT:
	case RMT_DNS_SPF:
		return parse_txt(rest, out, err);
	case RMT_DNS_A:
		return parse_address(AF_INET, rest, out, err);
	case RMT_DNS_AAAA:
		return parse_address(AF_INET6, rest, out, err);
	case RMT_DNS_MX:
		return parse_mx(rest, record, out, err);
	case RMT_DNS_CNAME:
	case RMT_DNS_NS:
	case RMT_DNS_PTR:
		return parse_name(rest, out, err);
	case RMT_DNS_SOA:
		return parse_name(next_word(&rest), out, err);
	default:
		return parse_generic(rest, out, err);
	}
}

static bool parse_status(struct rmt_span rest, enum rmt_dns_status *status_r)
{
	static const struct {
		const char *word;
		enum rmt_dns_status status;
	} words[] = {
		{ "TIMEOUT", RMT_DNS_TIMEOUT },
		{ "SERVFAIL", RMT_DNS_SERVFAIL },
		{ "NXDOMAIN", RMT_DNS_NXDOMAIN },
		{ "NODATA", RMT_DNS_NODATA },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(words); i++)
		if (rmt_span_eq(rest, rmt_span_of(words[i].word))) {
			*status_r = words[i].status;
			return true;
		}
	*status_r = RMT_DNS_FOUND;
	return false;
}

/* "300", "IN": TTL and class, in any order, or neither. */
static enum rmt_dns_type parse_type(struct rmt_span *rest, uint32_t *ttl_secs_r)
{
	int i;

	*ttl_secs_r = TTL_SECS;
	for (i = 0; i < 3; i++) {
		struct rmt_span word = next_word(rest);

		if (rmt_span_eq_nocase(word, RMT_SPAN("IN")))
			continue;
		if (!parse_number(word, INT32_MAX, ttl_secs_r))
			return rmt_dns_type_parse(word);
	}
	return 0;
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

static void add_record(struct rmt_zone *zone, struct rmt_span name,
		       enum rmt_dns_type type, uint32_t ttl_secs,
		       enum rmt_dns_status status, struct rmt_dns_record record)
{
	struct set *set = make_set(make_node(zone, name), type);

	set->ttl_secs = MIN(set->ttl_secs, ttl_secs);
	if (status != RMT_DNS_FOUND) {
		set->status = status;
		return;
	}
	record.data = keep(zone, record.data);
	g_array_append_val(set->records, record);
}

bool rmt_zone_add(struct rmt_zone *zone, struct rmt_span line, GError **err)
{
	g_autoptr(GString) name = g_string_new(NULL), data = g_string_new(NULL);
	struct rmt_dns_record record = { .preference = 0 };
	struct rmt_span rest = rmt_span_trim(line);
	enum rmt_dns_status status;
	enum rmt_dns_type type;
	uint32_t ttl_secs;

	if (rest.len == 0 || rest.p[0] == ';' || rest.p[0] == '#')
		return true;
	if (!parse_name(next_word(&rest), name, err))
		return false;
	type = parse_type(&rest, &ttl_secs);
	if (type == 0)
		return wrong(err, "no type: a line reads 'name TYPE data', TYPE one of "
				  "A AAAA CNAME MX NS PTR SOA TXT TLSA CAA ANY TYPEnnn");
	rest = rmt_span_trim(rest);
	if (!parse_status(rest, &status)) {
		if (type == RMT_DNS_ANY)
			return wrong(err, "ANY takes TIMEOUT, SERVFAIL, NXDOMAIN or "
					  "NODATA");
		if (!parse_data(type, rest, &record, data, err))
			return false;
		record.data = rmt_span(data->str, data->len);
	}
	add_record(zone, rmt_span(name->str, name->len), type, ttl_secs, status, record);
	return true;
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

const struct rmt_dns_answer *rmt_zone_look_up(struct rmt_zone *zone,
					      const struct rmt_dns_question *question)
{
	struct rmt_span name = question->name;
	int i;

	zone->answer = (struct rmt_dns_answer){ .ttl_secs = UINT32_MAX };
	for (i = 0; i < ALIASES_MAX; i++) {
		const struct node *node = find_node(zone, name);

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
