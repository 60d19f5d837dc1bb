/* SPDX-License-Identifier: MIT */
/* What the Authentication-Results of our own hosts say of the domain in From
 * (RFC 8601). That fields of strangers with our names are taken out at the border
 * is the border's duty (5); the milters that write them do it. */
#include "common/auth/authres.h"
#include "common/message/addr.h"
#include "common/receipts/mime.h"
#include "common/receipts/request_private.h"

enum { VALUE_MAX = 16 * 1024 };

struct findings {
	bool any, pass, dmarc_failed;
};

/* What stands in quotes must not look like a result. */
static void mask_quoted(GString *text)
{
	bool quoted = false;
	gsize i;

	for (i = 0; i < text->len; i++) {
		if (text->str[i] == '\\' && i + 1 < text->len) {
			text->str[i] = text->str[i + 1] = '_';
			i++;
		} else if (text->str[i] == '"') {
			quoted = !quoted;
		} else if (quoted && strchr(";= \t", text->str[i]) != NULL) {
			text->str[i] = '_';
		}
	}
}

/* Blanks around '=' do not count. */
static char *without_blanks_at_equals(const GString *text)
{
	GString *out = g_string_new(NULL);
	const char *p;

	for (p = text->str; *p != '\0'; p++) {
		if (*p == '=')
			while (out->len > 0 && g_ascii_isspace(out->str[out->len - 1]))
				g_string_truncate(out, out->len - 1);
		if (!g_ascii_isspace(*p) || out->len == 0 ||
		    out->str[out->len - 1] != '=')
			g_string_append_c(out, *p);
	}
	return g_string_free(out, FALSE);
}

/* The domain of a value: "ann@example.com", "@example.com", "example.com". */
static bool is_aligned(const char *value, const char *from)
{
	g_autofree char *bare = g_strdup(value);
	struct rmt_span domain, local, whole;
	char folded[RMT_DOMAIN_MAX + 1];

	g_strdelimit(bare, "\"", ' ');
	whole = rmt_span_trim(rmt_span_of(bare));
	if (!rmt_span_split_last(whole, '@', &local, &domain))
		domain = whole;
	domain = rmt_domain_fold(domain, folded);
	/* Relaxed, and not for what has no dot: that is no organisation. */
	return memchr(domain.p, '.', domain.len) != NULL &&
	       (rmt_domain_within(rmt_span_of(from), domain) ||
		rmt_domain_within(domain, rmt_span_of(from)));
}

/* Is one of these properties there, and of the domain in From? */
static bool property_aligned(char **words, const char *const *names, const char *from)
{
	size_t i, k;

	for (i = 1; words[i] != NULL; i++)
		for (k = 0; names[k] != NULL; k++)
			if (g_ascii_strncasecmp(words[i], names[k], strlen(names[k])) ==
				    0 &&
			    is_aligned(words[i] + strlen(names[k]), from))
				return true;
	return false;
}

static bool is_method(const char *word, const char *method)
{
	size_t len = strlen(method);

	return g_ascii_strncasecmp(word, method, len) == 0 &&
	       (word[len] == '=' || word[len] == '/');
}

static void read_method(char **words, const char *from, struct findings *found)
{
	static const char *const dkim[] = { "header.d=", "header.i=", NULL };
	static const char *const spf[] = { "smtp.mailfrom=", NULL };
	static const char *const dmarc[] = { "header.from=", NULL };
	const char *result = strchr(words[0], '=');
	bool pass;

	if (result == NULL)
		return;
	pass = g_ascii_strcasecmp(result + 1, "pass") == 0;
	found->any = true;
	if (is_method(words[0], "dmarc")) {
		found->dmarc_failed |= g_ascii_strcasecmp(result + 1, "fail") == 0;
		found->pass |=
			pass && from != NULL && property_aligned(words, dmarc, from);
	} else if (is_method(words[0], "dkim")) {
		found->pass |=
			pass && from != NULL && property_aligned(words, dkim, from);
	} else if (is_method(words[0], "spf")) {
		found->pass |= pass && from != NULL && property_aligned(words, spf, from);
	} else if (is_method(words[0], "auth")) {
		found->pass |= pass;
	}
}

static void read_value(struct rmt_span value, const char *from, struct findings *found)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *plain = NULL;
	g_auto(GStrv) parts = NULL;
	size_t i;

	rmt_mime_strip_comments(value, text);
	mask_quoted(text);
	plain = without_blanks_at_equals(text);
	parts = g_strsplit(plain, ";", 200);
	for (i = 1; parts[0] != NULL && parts[i] != NULL; i++) {
		g_auto(GStrv) words = NULL;

		words = g_strsplit_set(g_strstrip(parts[i]), " \t", 100);
		if (words[0] != NULL)
			read_method(words, from, found);
	}
}

static bool is_ours(struct rmt_span value, const char *const *ids)
{
	for (; *ids != NULL; ids++)
		if (rmt_authres_owner(value, *ids) == RMT_AUTHRES_OURS)
			return true;
	return false;
}

enum rmt_request_auth rmt_request_auth_read(struct rmt_span header,
					    const char *const *authserv_ids,
					    const char *from)
{
	struct rmt_header_reader reader = rmt_header_read(header);
	struct rmt_header_field field;
	struct findings found = { false, false, false };

	while (authserv_ids != NULL && rmt_header_next(&reader, &field))
		if (rmt_span_eq_nocase(field.name, RMT_SPAN(RMT_AUTHRES_FIELD)) &&
		    field.value.len <= VALUE_MAX && is_ours(field.value, authserv_ids))
			read_value(field.value, from, &found);
	if (!found.any)
		return RMT_REQUEST_AUTH_NONE;
	return found.pass && !found.dmarc_failed ? RMT_REQUEST_AUTH_PASS
						 : RMT_REQUEST_AUTH_FAIL;
}
