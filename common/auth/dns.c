/* SPDX-License-Identifier: MIT */
/* dns.c - names, types and states of DNS in words. */
#include "common/auth/dns.h"

bool rmt_dns_name_ok(struct rmt_span name)
{
	size_t i, label = 0;

	if (name.len == 0 || name.len > RMT_DNS_NAME_MAX)
		return false;
	for (i = 0; i < name.len; i++) {
		if (name.p[i] != '.') {
			if (++label > RMT_DNS_LABEL_MAX)
				return false;
			continue;
		}
		if (label == 0)
			return false;
		label = 0;
	}
	return label > 0;
}

struct rmt_span rmt_dns_parent(struct rmt_span name)
{
	struct rmt_span label, rest;

	if (!rmt_span_split(name, '.', &label, &rest))
		return rmt_span(name.p, 0);
	return rest;
}

size_t rmt_dns_label_count(struct rmt_span name)
{
	size_t i, count = name.len > 0;

	for (i = 0; i < name.len; i++)
		count += name.p[i] == '.';
	return count;
}

bool rmt_dns_below_or_same(struct rmt_span name, struct rmt_span tail)
{
	if (!rmt_span_ends_nocase(name, tail))
		return false;
	return name.len == tail.len || tail.len == 0 ||
	       name.p[name.len - tail.len - 1] == '.';
}

static const struct {
	const char *name;
	enum rmt_dns_type type;
} types[] = {
	{ "A", RMT_DNS_A },     { "NS", RMT_DNS_NS },     { "CNAME", RMT_DNS_CNAME },
	{ "SOA", RMT_DNS_SOA }, { "PTR", RMT_DNS_PTR },   { "MX", RMT_DNS_MX },
	{ "TXT", RMT_DNS_TXT }, { "AAAA", RMT_DNS_AAAA }, { "TLSA", RMT_DNS_TLSA },
	{ "SPF", RMT_DNS_SPF }, { "ANY", RMT_DNS_ANY },   { "CAA", RMT_DNS_CAA },
	{ "DS", RMT_DNS_DS },
};

void rmt_dns_type_format(enum rmt_dns_type type, GString *out)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++)
		if (types[i].type == type) {
			g_string_append(out, types[i].name);
			return;
		}
	g_string_append_printf(out, "TYPE%u", (unsigned)type);
}

/* RFC 3597, 5: TYPE65 */
static enum rmt_dns_type parse_type_number(struct rmt_span digits)
{
	unsigned number = 0;
	size_t i;

	if (digits.len == 0 || digits.len > 5)
		return 0;
	for (i = 0; i < digits.len; i++) {
		if (!g_ascii_isdigit(digits.p[i]))
			return 0;
		number = number * 10 + (unsigned)(digits.p[i] - '0');
	}
	return number > 65535 ? 0 : (enum rmt_dns_type)number;
}

enum rmt_dns_type rmt_dns_type_parse(struct rmt_span name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++)
		if (rmt_span_eq_nocase(name, rmt_span_of(types[i].name)))
			return types[i].type;
	if (name.len > 4 && strncasecmp(name.p, "TYPE", 4) == 0)
		return parse_type_number(rmt_span_from(name, 4));
	return 0;
}

const char *rmt_dns_status_text(enum rmt_dns_status status)
{
	static const char *const texts[] = { "found", "no data", "no such name",
					     "server failure", "time-out" };

	return texts[status];
}
