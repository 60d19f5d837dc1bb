/* SPDX-License-Identifier: MIT */
#include "common/auth/dkim_sig.h"
#include "common/auth/dkim_tag.h"

static bool domain_ok(struct rmt_span name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (!g_ascii_isalnum(name.p[i]) && strchr("-_.", name.p[i]) == NULL)
			return false;
	return rmt_dns_name_ok(name) && memchr(name.p, '\0', name.len) == NULL;
}

/* Up to max_digits digits; too much for 64 bits is the largest there is. */
static bool read_number(struct rmt_span text, size_t max_digits, uint64_t *number_r)
{
	uint64_t number = 0;
	size_t i;

	if (text.len == 0 || text.len > max_digits)
		return false;
	for (i = 0; i < text.len; i++) {
		if (!g_ascii_isdigit(text.p[i]))
			return false;
		if (number > (UINT64_MAX - 10) / 10)
			number = (UINT64_MAX - 10) / 10;
		number = number * 10 + (uint64_t)(text.p[i] - '0');
	}
	*number_r = number;
	return true;
}

static enum rmt_dkim_reason read_names(const struct rmt_tags *tags,
				       struct rmt_dkim_sig *sig)
{
	struct rmt_span domain = rmt_tag(tags, "d"), selector = rmt_tag(tags, "s");

	if (!domain_ok(domain) || !domain_ok(selector))
		return RMT_DKIM_DOMAIN;
	g_free(sig->domain);
	g_free(sig->selector);
	sig->domain = g_ascii_strdown(domain.p, (gssize)domain.len);
	sig->selector = g_ascii_strdown(selector.p, (gssize)selector.len);
	if (domain.len + selector.len + strlen("._domainkey.") > RMT_DNS_NAME_MAX)
		return RMT_DKIM_DOMAIN;
	return RMT_DKIM_OK;
}

/* RFC 6376, 2.11: =XX, and folding that does not count. */
static char *decode_identity(struct rmt_span text)
{
	g_autoptr(GString) out = g_string_new(NULL);
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c == '=') {
			int high = i + 2 < text.len ? g_ascii_xdigit_value(text.p[i + 1])
						    : -1;
			int low = i + 2 < text.len ? g_ascii_xdigit_value(text.p[i + 2])
						   : -1;

			if (high < 0 || low < 0 || (high | low) == 0)
				return NULL;
			c = (char)(high * 16 + low);
			i += 2;
		}
		g_string_append_c(out, c);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static enum rmt_dkim_reason read_identity(const struct rmt_tags *tags,
					  struct rmt_dkim_sig *sig)
{
	struct rmt_span local, domain, text = rmt_tag(tags, "i");

	g_free(sig->identity);
	if (text.p == NULL) {
		sig->identity = g_strconcat("@", sig->domain, NULL);
		return RMT_DKIM_OK;
	}
	sig->identity = decode_identity(text);
	if (sig->identity == NULL) {
		sig->identity = g_strdup("");
		return RMT_DKIM_SYNTAX;
	}
	if (!rmt_span_split_last(rmt_span_of(sig->identity), '@', &local, &domain) ||
	    !domain_ok(domain) ||
	    !rmt_dns_below_or_same(domain, rmt_span_of(sig->domain)))
		return RMT_DKIM_IDENTITY;
	return RMT_DKIM_OK;
}

static enum rmt_dkim_reason read_algorithm(const struct rmt_tags *tags,
					   struct rmt_dkim_sig *sig)
{
	sig->algorithm = rmt_tag(tags, "a");
	if (rmt_span_eq_nocase(sig->algorithm, RMT_SPAN("rsa-sha256")))
		sig->type = RMT_DKIM_RSA;
	else if (rmt_span_eq_nocase(sig->algorithm, RMT_SPAN("ed25519-sha256")))
		sig->type = RMT_DKIM_ED25519;
	else if (rmt_span_eq_nocase(sig->algorithm, RMT_SPAN("rsa-sha1")))
		return RMT_DKIM_SHA1;
	else
		return RMT_DKIM_ALGORITHM;
	return RMT_DKIM_OK;
}

static bool read_canon(struct rmt_span text, enum rmt_canon *canon_r)
{
	*canon_r = RMT_CANON_SIMPLE;
	if (rmt_span_eq_nocase(text, RMT_SPAN("relaxed")))
		*canon_r = RMT_CANON_RELAXED;
	else if (!rmt_span_eq_nocase(text, RMT_SPAN("simple")))
		return false;
	return true;
}

static enum rmt_dkim_reason read_canons(const struct rmt_tags *tags,
					struct rmt_dkim_sig *sig)
{
	struct rmt_span header = rmt_tag(tags, "c"), body = RMT_SPAN("simple");

	if (header.p == NULL)
		header = RMT_SPAN("simple");
	rmt_span_split(header, '/', &header, &body);
	if (!read_canon(header, &sig->header_canon) ||
	    !read_canon(body, &sig->body_canon))
		return RMT_DKIM_CANON;
	return RMT_DKIM_OK;
}

static enum rmt_dkim_reason read_numbers(const struct rmt_tags *tags,
					 struct rmt_dkim_sig *sig)
{
	struct rmt_span length = rmt_tag(tags, "l");
	struct rmt_span signed_at = rmt_tag(tags, "t"), expires = rmt_tag(tags, "x");
	uint64_t number;

	if (length.p != NULL && !read_number(length, 76, &sig->length))
		return RMT_DKIM_SYNTAX;
	if (signed_at.p != NULL) {
		if (!read_number(signed_at, 12, &number))
			return RMT_DKIM_SYNTAX;
		sig->signed_at = (int64_t)number;
	}
	if (expires.p != NULL) {
		if (!read_number(expires, 12, &number))
			return RMT_DKIM_SYNTAX;
		sig->expires = (int64_t)number;
		if (sig->signed_at >= sig->expires)
			return RMT_DKIM_TIMES;
	}
	return RMT_DKIM_OK;
}

static enum rmt_dkim_reason read_headers(const struct rmt_tags *tags,
					 struct rmt_dkim_sig *sig)
{
	struct rmt_span name, rest = rmt_tag(tags, "h");
	bool from = false;
	size_t i;

	sig->headers = rest;
	while (rmt_tag_list_next(&rest, &name)) {
		if (name.len == 0)
			return RMT_DKIM_SYNTAX;
		for (i = 0; i < name.len; i++)
			if (name.p[i] <= ' ' || name.p[i] > '~')
				return RMT_DKIM_SYNTAX;
		if (rmt_span_eq_nocase(name, RMT_SPAN("from")))
			from = true;
	}
	return from ? RMT_DKIM_OK : RMT_DKIM_FROM_UNSIGNED;
}

static enum rmt_dkim_reason read_octets(const struct rmt_tags *tags,
					struct rmt_dkim_sig *sig)
{
	struct rmt_span query = rmt_tag(tags, "q");

	sig->b = rmt_tag_base64(rmt_tag(tags, "b"));
	sig->bh = rmt_tag_base64(rmt_tag(tags, "bh"));
	if (sig->b == NULL || sig->bh == NULL || sig->bh->len != RMT_SHA256_OCTETS)
		return RMT_DKIM_SYNTAX;
	if (query.p != NULL && !rmt_tag_list_has(query, "dns/txt"))
		return RMT_DKIM_QUERY;
	return RMT_DKIM_OK;
}

static enum rmt_dkim_reason check_required(const struct rmt_tags *tags,
					   struct rmt_dkim_sig *sig)
{
	static const char *const required[] = { "v", "a", "b", "bh", "d", "h", "s" };
	size_t i;

	(void)sig;
	for (i = 0; i < G_N_ELEMENTS(required); i++)
		if (rmt_tag(tags, required[i]).len == 0)
			return RMT_DKIM_TAG_MISSING;
	return rmt_span_eq(rmt_tag(tags, "v"), RMT_SPAN("1")) ? RMT_DKIM_OK
							      : RMT_DKIM_VERSION;
}

enum rmt_dkim_reason rmt_dkim_sig_parse(struct rmt_span raw, struct rmt_dkim_sig *sig_r)
{
	static enum rmt_dkim_reason (*const steps[])(const struct rmt_tags *,
						     struct rmt_dkim_sig *) = {
		check_required, read_names,   read_algorithm, read_identity,
		read_canons,    read_numbers, read_headers,   read_octets,
	};
	struct rmt_span name, value;
	struct rmt_tags tags;
	enum rmt_dkim_reason first = RMT_DKIM_OK;
	size_t i;

	*sig_r = (struct rmt_dkim_sig){ .length = UINT64_MAX,
					.signed_at = -1,
					.expires = -1 };
	sig_r->domain = g_strdup("");
	sig_r->selector = g_strdup("");
	sig_r->identity = g_strdup("");
	if (raw.len > RMT_DKIM_FIELD_MAX || !rmt_span_split(raw, ':', &name, &value) ||
	    !rmt_tags_parse(value, &tags))
		return RMT_DKIM_SYNTAX;
	sig_r->b_text = rmt_tag(&tags, "b");
	if (rmt_tag_find(&tags, "b") != NULL)
		sig_r->hole = rmt_tag_find(&tags, "b")->hole;
	for (i = 0; i < G_N_ELEMENTS(steps); i++) {
		enum rmt_dkim_reason reason = steps[i](&tags, sig_r);

		if (first == RMT_DKIM_OK)
			first = reason;
	}
	return first;
}

void rmt_dkim_sig_clear(struct rmt_dkim_sig *sig)
{
	g_clear_pointer(&sig->domain, g_free);
	g_clear_pointer(&sig->selector, g_free);
	g_clear_pointer(&sig->identity, g_free);
	g_clear_pointer(&sig->b, g_byte_array_unref);
	g_clear_pointer(&sig->bh, g_byte_array_unref);
}

void rmt_dkim_sig_append(const struct rmt_dkim_sig *sig, struct rmt_span raw,
			 GString *out)
{
	size_t before = (size_t)(sig->hole.p - raw.p);
	g_autoptr(GString) cut = g_string_sized_new(raw.len);

	g_string_append_len(cut, raw.p, (gssize)before);
	g_string_append_len(cut, sig->hole.p + sig->hole.len,
			    (gssize)(raw.len - before - sig->hole.len));
	rmt_canon_field(out, sig->header_canon, rmt_span(cut->str, cut->len), false);
}
