/* SPDX-License-Identifier: MIT */
#include "common/auth/zone_line.h"

#include <arpa/inet.h>
#include <string.h>

enum { TTL_SECS = 3600 }; /* of lines that give none */

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

static bool parse_hex(struct rmt_span digits, GString *out, GError **err)
{
	size_t i, count = 0;
	int high = 0;

	for (i = 0; i < digits.len; i++) {
		int value = g_ascii_xdigit_value(digits.p[i]);

		if (value < 0 && (digits.p[i] == ' ' || digits.p[i] == '\t'))
			continue;
		if (value < 0)
			return wrong(err, "not a hexadecimal digit");
		if (count++ % 2 == 0)
			high = value;
		else
			g_string_append_c(out, (char)(high << 4 | value));
	}
	return count % 2 == 0 || wrong(err, "an odd number of hexadecimal digits");
}

/* RFC 3597, 5: \# LENGTH HEX... */
static bool parse_generic(struct rmt_span rest, GString *out, GError **err)
{
	struct rmt_span word = next_word(&rest);
	uint32_t length;

	if (!rmt_span_eq(word, RMT_SPAN("\\#")))
		return wrong(err, "this type is written as \\# LENGTH HEX");
	if (!parse_number(next_word(&rest), UINT16_MAX, &length))
		return wrong(err, "\\# LENGTH is a number up to 65535");
	return parse_hex(rest, out, err) &&
	       (length == out->len ||
		wrong(err, "\\# LENGTH does not fit the octets behind it"));
}

/* "3 1 1 HEX": numbers of the given widths in octets, then the rest. */
static bool parse_digest(struct rmt_span rest, const unsigned widths[3], GString *out,
			 GError **err)
{
	uint32_t number;
	size_t i;

	for (i = 0; i < 3; i++) {
		if (!parse_number(next_word(&rest), widths[i] == 2 ? UINT16_MAX : 255,
				  &number))
			return wrong(err, "this type is three numbers and hexadecimal "
					  "digits");
		if (widths[i] == 2)
			g_string_append_c(out, (char)(number >> 8));
		g_string_append_c(out, (char)(number & 255));
	}
	return parse_hex(rest, out, err);
}

/* RFC 8659, 4.1.1: 0 issue "ca.example" */
static bool parse_caa(struct rmt_span rest, GString *out, GError **err)
{
	struct rmt_span tag;
	uint32_t flags;

	if (!parse_number(next_word(&rest), 255, &flags))
		return wrong(err, "CAA is a number, a word and a quoted string");
	tag = next_word(&rest);
	if (tag.len == 0 || tag.len > 255)
		return wrong(err, "CAA is a number, a word and a quoted string");
	g_string_append_c(out, (char)flags);
	g_string_append_c(out, (char)tag.len);
	g_string_append_len(out, tag.p, (gssize)tag.len);
	return parse_txt(rmt_span_trim(rest), out, err);
}

/* What is kept as it is on the wire may be written so; an address or a name may not, for
 * nobody checks it then. */
static bool is_generic(enum rmt_dns_type type, struct rmt_span rest)
{
	return (type == RMT_DNS_TLSA || type == RMT_DNS_DS || type == RMT_DNS_CAA) &&
	       rest.len >= 2 && rest.p[0] == '\\' && rest.p[1] == '#';
}

static bool parse_data(enum rmt_dns_type type, struct rmt_span rest,
		       struct rmt_dns_record *record, GString *out, GError **err)
{
	static const unsigned tlsa[] = { 1, 1, 1 }, ds[] = { 2, 1, 1 };

	g_string_truncate(out, 0);
	if (is_generic(type, rest))
		return parse_generic(rest, out, err);
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
	case RMT_DNS_TLSA:
		return parse_digest(rest, tlsa, out, err);
	case RMT_DNS_DS:
		return parse_digest(rest, ds, out, err);
	case RMT_DNS_CAA:
		return parse_caa(rest, out, err);
	default:
		return parse_generic(rest, out, err);
	}
}

static bool parse_status(struct rmt_zone_line *line, struct rmt_span rest)
{
	static const struct {
		const char *word;
		enum rmt_dns_status status;
		bool bogus;
	} words[] = {
		{ "TIMEOUT", RMT_DNS_TIMEOUT, false },
		{ "SERVFAIL", RMT_DNS_SERVFAIL, false },
		{ "BOGUS", RMT_DNS_SERVFAIL, true },
		{ "NXDOMAIN", RMT_DNS_NXDOMAIN, false },
		{ "NODATA", RMT_DNS_NODATA, false },
	};
	size_t i;

	line->status = RMT_DNS_FOUND;
	for (i = 0; i < G_N_ELEMENTS(words); i++)
		if (rmt_span_eq(rest, rmt_span_of(words[i].word))) {
			line->status = words[i].status;
			line->bogus = words[i].bogus;
			return true;
		}
	return false;
}

/* Types of zones as they are served, which nobody here asks for: the name exists. */
static bool is_of_no_use(struct rmt_span word)
{
	static const char *const types[] = {
		"SRV",   "RRSIG", "DNSKEY",     "NSEC", "NSEC3", "NSEC3PARAM", "CDS",
		"HTTPS", "SVCB",  "CDNSKEY",    "URI",  "LOC",   "HINFO",      "RP",
		"SSHFP", "NAPTR", "OPENPGPKEY", "CERT", "SMIMEA"
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++)
		if (rmt_span_eq_nocase(word, rmt_span_of(types[i])))
			return true;
	return false;
}

/* "300", "IN": TTL and class, in any order, or neither; then the type. */
static struct rmt_span read_type(struct rmt_span *rest, uint32_t *ttl_secs_r)
{
	struct rmt_span word = { NULL, 0 };
	int i;

	*ttl_secs_r = TTL_SECS;
	for (i = 0; i < 3; i++) {
		word = next_word(rest);
		if (!rmt_span_eq_nocase(word, RMT_SPAN("IN")) &&
		    !parse_number(word, INT32_MAX, ttl_secs_r))
			break;
	}
	return word;
}

/* Without the comment behind the data. A text without quotes may hold a ';'. */
static struct rmt_span without_comment(struct rmt_span rest)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < rest.len; i++) {
		if (rest.p[i] == '\\')
			i++;
		else if (rest.p[i] == '"')
			quoted = !quoted;
		else if (rest.p[i] == ';' && !quoted)
			break;
	}
	return rmt_span_trim(rmt_span(rest.p, MIN(i, rest.len)));
}

/* --- all of it ----------------------------------------------------------------- */

void rmt_zone_line_init(struct rmt_zone_line *line)
{
	*line = (struct rmt_zone_line){ .name = g_string_new(NULL),
					.data = g_string_new(NULL) };
}

void rmt_zone_line_finish(struct rmt_zone_line *line)
{
	g_string_free(line->name, TRUE);
	g_string_free(line->data, TRUE);
}

struct rmt_span rmt_zone_line_name(const struct rmt_zone_line *line)
{
	return rmt_span(line->name->str, line->name->len);
}

static bool read_record(struct rmt_zone_line *line, struct rmt_span rest, GError **err)
{
	struct rmt_span word = read_type(&rest, &line->ttl_secs);

	line->type = rmt_dns_type_parse(word);
	if (line->type == 0 && is_of_no_use(word)) {
		line->kind = RMT_ZONE_LINE_NAME;
		return true;
	}
	if (line->type == 0)
		return wrong(err,
			     "no type: a line reads 'name TYPE data', TYPE one of "
			     "A AAAA CNAME MX NS PTR SOA TXT TLSA CAA DS ANY TYPEnnn");
	rest = rmt_span_trim(rest);
	if (line->type != RMT_DNS_TXT && line->type != RMT_DNS_SPF)
		rest = without_comment(rest);
	if (parse_status(line, rest))
		return true;
	if (line->type == RMT_DNS_ANY)
		return wrong(err, "ANY takes TIMEOUT, SERVFAIL, BOGUS, NXDOMAIN or "
				  "NODATA");
	if (!parse_data(line->type, rest, &line->record, line->data, err))
		return false;
	line->record.data = rmt_span(line->data->str, line->data->len);
	return true;
}

static bool is_directive(struct rmt_span name)
{
	return rmt_span_eq(name, RMT_SPAN("@")) ||
	       rmt_span_eq(name, RMT_SPAN("$ORIGIN")) ||
	       rmt_span_eq(name, RMT_SPAN("$TTL")) ||
	       rmt_span_eq(name, RMT_SPAN("$INCLUDE"));
}

bool rmt_zone_line_read(struct rmt_zone_line *line, struct rmt_span text, GError **err)
{
	struct rmt_span rest = rmt_span_trim(text), name;

	line->kind = RMT_ZONE_LINE_EMPTY;
	line->record = (struct rmt_dns_record){ .preference = 0 };
	line->bogus = false;
	if (rest.len == 0 || rest.p[0] == ';' || rest.p[0] == '#')
		return true;
	name = next_word(&rest);
	if (is_directive(name))
		return wrong(err, "names are absolute here: $ORIGIN, $TTL, $INCLUDE and "
				  "@ are not read");
	if (!parse_name(name, line->name, err))
		return false;
	if (rmt_span_eq(rmt_span_trim(rest), RMT_SPAN("SECURE"))) {
		line->kind = RMT_ZONE_LINE_SECURE;
		return true;
	}
	line->kind = RMT_ZONE_LINE_RECORD;
	return read_record(line, rest, err);
}
