/* SPDX-License-Identifier: MIT */
/* dmarc_record.c - the text of a DMARC policy record. */
#include "common/auth/dmarc_record.h"

enum { TAGS_MAX = 64 }; /* seen for duplicates; a record with more is void */

static struct rmt_span trim_blanks(struct rmt_span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = rmt_span_from(s, 1);
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool rmt_dmarc_next_tag(struct rmt_span *text, struct rmt_span *name_r,
			struct rmt_span *value_r)
{
	struct rmt_span tag = *text;

	if (text->len == 0)
		return false;
	if (!rmt_span_split(*text, ';', &tag, text))
		text->len = 0;
	*name_r = rmt_span(NULL, 0);
	if (!rmt_span_split(tag, '=', name_r, value_r))
		*value_r = tag;
	*name_r = trim_blanks(*name_r);
	*value_r = trim_blanks(*value_r);
	return true;
}

static enum rmt_dmarc_policy parse_policy(struct rmt_span value)
{
	enum rmt_dmarc_policy policy;

	for (policy = RMT_DMARC_NONE; policy <= RMT_DMARC_REJECT; policy++)
		if (rmt_span_eq_nocase(value, rmt_span_of(rmt_dmarc_policy_name(policy))))
			return policy;
	return RMT_DMARC_INVALID;
}

static bool is(struct rmt_span value, const char *word)
{
	return rmt_span_eq_nocase(value, rmt_span_of(word));
}

static unsigned parse_percent(struct rmt_span value)
{
	unsigned percent = 0;
	size_t i;

	for (i = 0; i < value.len && i < 4; i++) {
		if (!g_ascii_isdigit(value.p[i]))
			return 100;
		percent = percent * 10 + (unsigned)(value.p[i] - '0');
	}
	return value.len == 0 || percent > 100 ? 100 : percent;
}

/* RFC 3986 in short: a scheme, and printable ASCII behind the colon. */
bool rmt_dmarc_uri_ok(struct rmt_span uri)
{
	struct rmt_span scheme, rest, local, domain;
	size_t i;

	if (!rmt_span_split(uri, ':', &scheme, &rest) || scheme.len == 0 ||
	    rest.len == 0 || !g_ascii_isalpha(scheme.p[0]))
		return false;
	for (i = 0; i < scheme.len; i++)
		if (!g_ascii_isalnum(scheme.p[i]) && strchr("+-.", scheme.p[i]) == NULL)
			return false;
	for (i = 0; i < rest.len; i++)
		if (!g_ascii_isgraph(rest.p[i]))
			return false;
	if (!is(scheme, "mailto"))
		return true;
	return rmt_span_split_last(rest, '@', &local, &domain) && local.len > 0 &&
	       domain.len > 0 && domain.p[0] != '!';
}

static bool has_uri(struct rmt_span list)
{
	while (list.len > 0) {
		struct rmt_span uri = list;

		if (!rmt_span_split(list, ',', &uri, &list))
			list.len = 0;
		if (rmt_dmarc_uri_ok(trim_blanks(uri)))
			return true;
	}
	return false;
}

static void take_tag(struct rmt_dmarc_record *record, struct rmt_span name,
		     struct rmt_span value)
{
	if (is(name, "p"))
		record->p = parse_policy(value);
	else if (is(name, "sp"))
		record->sp = parse_policy(value);
	else if (is(name, "np"))
		record->np = parse_policy(value);
	else if (is(name, "adkim"))
		record->strict_dkim = is(value, "s");
	else if (is(name, "aspf"))
		record->strict_spf = is(value, "s");
	else if (is(name, "t"))
		record->testing = is(value, "y");
	else if (is(name, "psd"))
		record->psd = is(value, "y")   ? RMT_DMARC_PSD_YES
			      : is(value, "n") ? RMT_DMARC_PSD_NO
					       : RMT_DMARC_PSD_UNKNOWN;
	else if (is(name, "pct"))
		record->percent = parse_percent(value);
	else if (is(name, "rua"))
		record->has_rua = has_uri(value);
}

/* RFC 6376, 3.2: a tag twice makes the whole list void. */
static bool is_new(struct rmt_span *seen, size_t *count, struct rmt_span name)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (rmt_span_eq_nocase(seen[i], name))
			return false;
	if (*count == TAGS_MAX)
		return false;
	seen[(*count)++] = name;
	return true;
}

bool rmt_dmarc_record_parse(struct rmt_span text, struct rmt_dmarc_record *record_r)
{
	struct rmt_span seen[TAGS_MAX], name, value;
	struct rmt_dmarc_record record = { .percent = 100 };
	size_t count = 0;

	/* Not even a blank may stand before it. */
	if (text.len == 0 || (text.p[0] != 'v' && text.p[0] != 'V') ||
	    !rmt_dmarc_next_tag(&text, &name, &value) || name.len != 1 ||
	    !rmt_span_eq(value, RMT_SPAN("DMARC1")))
		return false;
	seen[count++] = name;
	while (rmt_dmarc_next_tag(&text, &name, &value)) {
		if (name.len == 0)
			continue;
		if (!is_new(seen, &count, name))
			record.has_duplicate = true;
		take_tag(&record, name, value);
	}
	*record_r = record;
	return true;
}

/* RFC 7489, 6.3: "!10m" behind the address limits the size; RFC 9990 ignores it. */
static struct rmt_span report_domain(struct rmt_span uri)
{
	struct rmt_span scheme, address, local, domain, size;

	if (!rmt_dmarc_uri_ok(uri) || !rmt_span_split(uri, ':', &scheme, &address) ||
	    !is(scheme, "mailto") || !rmt_span_split_last(address, '@', &local, &domain))
		return rmt_span(NULL, 0);
	rmt_span_split(domain, '!', &domain, &size);
	rmt_span_split(domain, '?', &domain, &size);
	return domain;
}

static size_t add_domain(struct rmt_span domain, struct rmt_span *domains, size_t count,
			 size_t max)
{
	size_t i;

	if (domain.len == 0 || count == max)
		return count;
	for (i = 0; i < count; i++)
		if (rmt_span_eq_nocase(domains[i], domain))
			return count;
	domains[count] = domain;
	return count + 1;
}

size_t rmt_dmarc_report_domains(struct rmt_span text, struct rmt_span *domains_r,
				size_t max)
{
	struct rmt_span name, value;
	size_t count = 0;

	while (rmt_dmarc_next_tag(&text, &name, &value)) {
		if (!is(name, "rua") && !is(name, "ruf"))
			continue;
		while (value.len > 0) {
			struct rmt_span uri = value;

			if (!rmt_span_split(value, ',', &uri, &value))
				value.len = 0;
			count = add_domain(report_domain(trim_blanks(uri)), domains_r,
					   count, max);
		}
	}
	return count;
}

size_t rmt_dmarc_select(const struct rmt_dns_answer *answer, struct rmt_span *text_r)
{
	struct rmt_dmarc_record record;
	size_t i, found = 0;

	for (i = 0; i < answer->count; i++)
		if (rmt_dmarc_record_parse(answer->records[i].data, &record)) {
			*text_r = answer->records[i].data;
			found++;
		}
	return found;
}

const char *rmt_dmarc_policy_name(enum rmt_dmarc_policy policy)
{
	static const char *const names[] = { "none", "none", "none", "quarantine",
					     "reject" };

	return names[policy];
}
