/* SPDX-License-Identifier: MIT */
/* dns_packet.c - an answer as it comes from a resolver. */
#include "common/auth/dns_packet.h"

enum {
	HEADER_SIZE = 12,
	POINTERS_MAX = 128,
	ALIASES_MAX = 16,
	RCODE_NXDOMAIN = 3,
	CLASS_IN = 1,
};

struct cursor {
	struct rmt_span message;
	size_t at;
};

struct name {
	char text[RMT_DNS_NAME_MAX];
	size_t len;
	bool has_dot; /* within a label: cannot be written */
};

struct record {
	struct name owner;
	uint16_t type, class;
	uint32_t ttl_secs;
	size_t data_at, data_len; /* in the message */
};

void rmt_dns_packet_init(struct rmt_dns_packet *packet)
{
	packet->records = g_array_new(FALSE, FALSE, sizeof(struct rmt_dns_record));
	packet->bytes = g_string_new(NULL);
	packet->answer = (struct rmt_dns_answer){ .status = RMT_DNS_SERVFAIL };
}

void rmt_dns_packet_finish(struct rmt_dns_packet *packet)
{
	g_array_unref(packet->records);
	g_string_free(packet->bytes, TRUE);
}

static bool read_number(struct cursor *cursor, size_t size, uint32_t *number_r)
{
	uint32_t number = 0;

	if (cursor->message.len - cursor->at < size)
		return false;
	while (size-- > 0)
		number = number << 8 | (unsigned char)cursor->message.p[cursor->at++];
	*number_r = number;
	return true;
}

static bool add_label(struct name *name, struct rmt_span label)
{
	if (name->len + label.len + (name->len > 0) > sizeof(name->text))
		return false;
	if (name->len > 0)
		name->text[name->len++] = '.';
	memcpy(name->text + name->len, label.p, label.len);
	name->len += label.len;
	name->has_dot = name->has_dot || memchr(label.p, '.', label.len) != NULL;
	return true;
}

/* Moves the cursor behind the name, not to where pointers lead. */
static bool read_name(struct cursor *cursor, struct name *name_r)
{
	struct rmt_span message = cursor->message;
	size_t at = cursor->at, jumps = 0;

	name_r->len = 0;
	name_r->has_dot = false;
	while (at < message.len) {
		size_t length = (unsigned char)message.p[at++];

		if (length < 64 && jumps == 0)
			cursor->at = at + length;
		if (length == 0)
			return true;
		if (length >= 64) {
			if (length < 192 || at >= message.len || ++jumps > POINTERS_MAX)
				return false;
			if (jumps == 1)
				cursor->at = at + 1;
			at = (length & 63) << 8 | (unsigned char)message.p[at];
			continue;
		}
		if (message.len - at < length ||
		    !add_label(name_r, rmt_span(message.p + at, length)))
			return false;
		at += length;
	}
	return false;
}

static bool read_record(struct cursor *cursor, struct record *record_r)
{
	uint32_t type, class, length;

	if (!read_name(cursor, &record_r->owner) || !read_number(cursor, 2, &type) ||
	    !read_number(cursor, 2, &class) ||
	    !read_number(cursor, 4, &record_r->ttl_secs) ||
	    !read_number(cursor, 2, &length) || cursor->message.len - cursor->at < length)
		return false;
	record_r->type = (uint16_t)type;
	record_r->class = (uint16_t) class;
	record_r->data_at = cursor->at;
	record_r->data_len = length;
	cursor->at += length;
	return true;
}

/* A cursor that ends with the record's data, for all but compressed names. */
static bool append_name(struct rmt_dns_packet *packet, struct rmt_span message, size_t at)
{
	struct cursor cursor = { message, at };
	struct name name;

	if (!read_name(&cursor, &name) || name.has_dot)
		return false;
	g_string_append_len(packet->bytes, name.text, (gssize)name.len);
	return true;
}

static bool append_strings(struct rmt_dns_packet *packet, struct rmt_span data)
{
	while (data.len > 0) {
		size_t length = (unsigned char)data.p[0];

		if (length + 1 > data.len)
			return false;
		g_string_append_len(packet->bytes, data.p + 1, (gssize)length);
		data = rmt_span_from(data, length + 1);
	}
	return true;
}

static bool append_data(struct rmt_dns_packet *packet, struct rmt_span message,
			const struct record *record, uint16_t *preference_r)
{
	struct rmt_span data = rmt_span(message.p + record->data_at, record->data_len);

	switch (record->type) {
	case RMT_DNS_TXT:
	case RMT_DNS_SPF:
		return append_strings(packet, data);
	case RMT_DNS_CNAME:
	case RMT_DNS_NS:
	case RMT_DNS_PTR:
	case RMT_DNS_SOA:
		return append_name(packet, message, record->data_at);
	case RMT_DNS_MX:
		if (data.len < 3)
			return false;
		*preference_r = (uint16_t)((unsigned char)data.p[0] << 8 |
					   (unsigned char)data.p[1]);
		return append_name(packet, message, record->data_at + 2);
	case RMT_DNS_A:
	case RMT_DNS_AAAA:
		if (data.len != (record->type == RMT_DNS_A ? 4 : 16))
			return false;
		break;
	}
	g_string_append_len(packet->bytes, data.p, (gssize)data.len);
	return true;
}

/* Keeps the offset in place of the pointer until all are read. */
static void keep_record(struct rmt_dns_packet *packet, struct rmt_span message,
			const struct record *record)
{
	struct rmt_dns_record kept = { .preference = 0 };
	size_t at = packet->bytes->len;

	if (!append_data(packet, message, record, &kept.preference)) {
		g_string_truncate(packet->bytes, at);
		return;
	}
	kept.data.len = packet->bytes->len - at;
	g_array_append_val(packet->records, kept);
	packet->answer.ttl_secs = MIN(packet->answer.ttl_secs, record->ttl_secs);
}

static bool owns(const struct record *record, const struct name *name)
{
	return record->class == CLASS_IN &&
	       rmt_span_eq_nocase(rmt_span(record->owner.text, record->owner.len),
				  rmt_span(name->text, name->len));
}

/* One pass over the answers for name. alias_r->len > 0: an alias led there. */
static bool collect(struct rmt_dns_packet *packet, struct cursor answers, uint32_t count,
		    enum rmt_dns_type type, const struct name *name, struct name *alias_r)
{
	alias_r->len = 0;
	while (count-- > 0) {
		struct record record;
		struct cursor data = answers;

		if (!read_record(&answers, &record))
			return false;
		if (!owns(&record, name))
			continue;
		if (record.type == (uint16_t)type) {
			keep_record(packet, answers.message, &record);
		} else if (record.type == RMT_DNS_CNAME) {
			data.at = record.data_at;
			if (!read_name(&data, alias_r))
				return false;
			packet->answer.ttl_secs =
				MIN(packet->answer.ttl_secs, record.ttl_secs);
		}
	}
	return true;
}

static bool follow(struct rmt_dns_packet *packet, struct cursor answers, uint32_t count,
		   enum rmt_dns_type type, struct name *name)
{
	int i;

	for (i = 0; i < ALIASES_MAX; i++) {
		struct name alias;

		if (!collect(packet, answers, count, type, name, &alias))
			return false;
		if (packet->records->len > 0 || alias.len == 0)
			return true;
		*name = alias;
	}
	return false;
}

/* RFC 2308, 5: the least of the SOA's own and its last number. */
static uint32_t negative_ttl(struct cursor cursor, uint32_t skip, uint32_t count)
{
	struct record record;
	uint32_t minimum;

	while (skip-- > 0)
		if (!read_record(&cursor, &record))
			return 0;
	while (count-- > 0 && read_record(&cursor, &record)) {
		struct cursor last = { cursor.message, cursor.at - 4 };

		if (record.type == RMT_DNS_SOA && record.data_len >= 22 &&
		    read_number(&last, 4, &minimum))
			return MIN(record.ttl_secs, minimum);
	}
	return 0;
}

/* The canonical name goes behind the data, and pointers are set at last. */
static void point_to_bytes(struct rmt_dns_packet *packet, const struct name *name,
			   bool is_alias)
{
	size_t at = 0;
	guint i;

	if (is_alias)
		g_string_append_len(packet->bytes, name->text, (gssize)name->len);
	for (i = 0; i < packet->records->len; i++) {
		struct rmt_dns_record *record =
			&g_array_index(packet->records, struct rmt_dns_record, i);

		record->data.p = packet->bytes->str + at;
		at += record->data.len;
	}
	if (is_alias)
		packet->answer.canonical = rmt_span(packet->bytes->str + at, name->len);
	packet->answer.count = packet->records->len;
	packet->answer.records = (const void *)packet->records->data;
}

static bool read_message(struct rmt_dns_packet *packet, struct rmt_span message,
			 enum rmt_dns_type type)
{
	struct cursor cursor = { message, 2 };
	uint32_t flags, questions, answers, authorities, more;
	struct name asked, name;
	enum rmt_dns_status empty;

	if (!read_number(&cursor, 2, &flags) || !read_number(&cursor, 2, &questions) ||
	    !read_number(&cursor, 2, &answers) ||
	    !read_number(&cursor, 2, &authorities) || !read_number(&cursor, 2, &more) ||
	    questions != 1 || !read_name(&cursor, &asked) ||
	    !read_number(&cursor, 4, &more))
		return false;
	if ((flags & 15) != 0 && (flags & 15) != RCODE_NXDOMAIN)
		return false;
	empty = (flags & 15) == RCODE_NXDOMAIN ? RMT_DNS_NXDOMAIN : RMT_DNS_NODATA;
	name = asked;
	if (!follow(packet, cursor, answers, type, &name))
		return false;
	packet->answer.status = packet->records->len > 0 ? RMT_DNS_FOUND : empty;
	if (packet->records->len == 0)
		packet->answer.ttl_secs = negative_ttl(cursor, answers, authorities);
	point_to_bytes(packet, &name,
		       name.len != asked.len || memcmp(name.text, asked.text, name.len));
	return true;
}

void rmt_dns_packet_read(struct rmt_dns_packet *packet, struct rmt_span message,
			 enum rmt_dns_type type)
{
	g_array_set_size(packet->records, 0);
	g_string_truncate(packet->bytes, 0);
	packet->answer = (struct rmt_dns_answer){ .ttl_secs = UINT32_MAX };
	if (message.len < HEADER_SIZE || !read_message(packet, message, type))
		packet->answer = (struct rmt_dns_answer){ .status = RMT_DNS_SERVFAIL };
}
