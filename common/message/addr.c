/* SPDX-License-Identifier: MIT */
#include "common/message/addr.h"

#include <glib.h>
#include <idn2.h>

#include "common/config/list.h"

enum { TAIL_DIGITS = 32 }; /* of SHA-256, in place of what is too long */

struct fold_group {
	struct rmt_list *domains; /* own */
	bool is_delimiter[256];
	bool ignore_dots;
};

struct rmt_fold {
	GArray *groups; /* struct fold_group */
};

/* Eight octets at once: 0x20 is set where an octet is 'A' to 'Z'. */
static uint64_t lower_word(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = 0x80 * ones;
	uint64_t seven = word & ~high;
	uint64_t from_a = seven + (0x80 - 'A') * ones;
	uint64_t past_z = seven + (0x7f - 'Z') * ones;

	return word | (((from_a ^ past_z) & ~word & high) >> 2);
}

/* Writes s in lower case; true if all of it is ASCII. */
static bool lower(char *out, struct rmt_span s)
{
	uint64_t word, seen = 0;
	size_t i;

	for (i = 0; i + sizeof(word) <= s.len; i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		seen |= word;
		word = lower_word(word);
		memcpy(out + i, &word, sizeof(word));
	}
	if (i < s.len && s.len >= sizeof(word)) { /* the last word, over the one before */
		i = s.len - sizeof(word);
		memcpy(&word, s.p + i, sizeof(word));
		seen |= word;
		word = lower_word(word);
		memcpy(out + i, &word, sizeof(word));
		i = s.len;
	}
	for (; i < s.len; i++) {
		seen |= (unsigned char)s.p[i];
		out[i] = g_ascii_tolower(s.p[i]);
	}
	return (seen & UINT64_C(0x8080808080808080)) == 0;
}

/* Writes at most max octets of s in lower case. A longer one keeps its head;
 * the rest is told apart by its hash, since two mailboxes are never one key. */
static size_t lower_cut(char *out, size_t max, struct rmt_span s, bool *ascii_r)
{
	g_autofree char *whole = NULL;
	g_autofree char *digest = NULL;
	size_t keep = max - TAIL_DIGITS;

	if (s.len <= max) {
		*ascii_r = lower(out, s);
		return s.len;
	}
	whole = g_malloc(s.len);
	*ascii_r = lower(whole, s);
	digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)whole + keep,
					     s.len - keep);
	memcpy(out, whole, keep);
	memcpy(out + keep, digest, TAIL_DIGITS);
	return max;
}

static struct rmt_span without_final_dots(struct rmt_span domain)
{
	while (domain.len > 0 && domain.p[domain.len - 1] == '.')
		domain.len--;
	return domain;
}

/* The A-label form of a domain that is not ASCII, or false: it is none. */
static bool to_a_label(struct rmt_span domain, char *out, size_t *len_r)
{
	g_autofree char *input = NULL;
	uint8_t *result = NULL;
	struct rmt_span found;
	bool ascii;

	if (domain.len > 4 * RMT_DOMAIN_MAX || memchr(domain.p, '\0', domain.len) != NULL)
		return false;
	input = g_strndup(domain.p, domain.len);
	if (idn2_lookup_u8((const uint8_t *)input, &result,
			   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	found = without_final_dots(rmt_span_of((const char *)result));
	if (found.len <= RMT_DOMAIN_MAX)
		*len_r = lower_cut(out, RMT_DOMAIN_MAX, found, &ascii);
	idn2_free(result);
	return found.len <= RMT_DOMAIN_MAX;
}

struct rmt_span rmt_domain_fold(struct rmt_span domain, char *out)
{
	size_t len;
	bool ascii;

	domain = without_final_dots(domain);
	len = lower_cut(out, RMT_DOMAIN_MAX, domain, &ascii);
	if (G_UNLIKELY(!ascii))
		to_a_label(domain, out, &len);
	out[len] = '\0';
	return rmt_span(out, len);
}

bool rmt_domain_within(struct rmt_span domain, struct rmt_span parent)
{
	if (parent.len == 0 || domain.len < parent.len)
		return false;
	if (memcmp(domain.p + domain.len - parent.len, parent.p, parent.len) != 0)
		return false;
	return domain.len == parent.len || domain.p[domain.len - parent.len - 1] == '.';
}

struct rmt_fold *rmt_fold_new(void)
{
	struct rmt_fold *fold = g_new0(struct rmt_fold, 1);

	fold->groups = g_array_new(FALSE, FALSE, sizeof(struct fold_group));
	return fold;
}

void rmt_fold_free(struct rmt_fold *fold)
{
	struct fold_group *group;
	guint i;

	if (fold == NULL)
		return;
	for (i = 0; i < fold->groups->len; i++) {
		group = &g_array_index(fold->groups, struct fold_group, i);
		rmt_list_free(group->domains);
	}
	g_array_free(fold->groups, TRUE);
	g_free(fold);
}

void rmt_fold_add(struct rmt_fold *fold, struct rmt_list *domains, const char *delimiters,
		  bool ignore_dots)
{
	struct fold_group group = { .domains = domains, .ignore_dots = ignore_dots };
	const char *p;

	for (p = delimiters; p != NULL && *p != '\0'; p++)
		group.is_delimiter[(unsigned char)*p] = true;
	g_array_append_val(fold->groups, group);
}

static const struct fold_group *group_of(const struct rmt_fold *fold,
					 struct rmt_span domain)
{
	const struct fold_group *group;
	guint i;

	for (i = 0; fold != NULL && i < fold->groups->len; i++) {
		group = &g_array_index(fold->groups, struct fold_group, i);
		if (rmt_list_has(group->domains, domain))
			return group;
	}
	return NULL;
}

/* Postfix never splits these (owner_request_special; split_addr.c). */
static bool is_special(const struct fold_group *group, struct rmt_span local)
{
	if (rmt_span_eq(local, RMT_SPAN("mailer-daemon")) ||
	    rmt_span_eq(local, RMT_SPAN("double-bounce")))
		return true;
	return group->is_delimiter['-'] &&
	       (rmt_span_starts(local, RMT_SPAN("owner-")) ||
		rmt_span_ends_nocase(local, RMT_SPAN("-request")));
}

/* At the first delimiter, unless nothing would be left. */
static size_t cut_extension(const struct fold_group *group, struct rmt_span local)
{
	size_t i = 0;

	while (i < local.len && !group->is_delimiter[(unsigned char)local.p[i]])
		i++;
	return i == 0 || i == local.len || is_special(group, local) ? local.len : i;
}

static size_t drop_dots(char *text, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		if (text[i] != '.')
			text[n++] = text[i];
	return n > 0 ? n : len;
}

static size_t fold_local(const struct fold_group *group, char *text, size_t len)
{
	len = cut_extension(group, rmt_span(text, len));
	return group->ignore_dots ? drop_dots(text, len) : len;
}

/* The local part with what its domain says of it. It is folded at full length:
 * a long extension must not become part of the key. */
static size_t put_local(const struct rmt_fold *fold, struct rmt_span local,
			struct rmt_span domain, char *out, size_t max)
{
	const struct fold_group *group = group_of(fold, domain);
	g_autofree char *whole = NULL;
	size_t len;
	bool ascii;

	if (group == NULL || local.len <= max) {
		len = lower_cut(out, max, local, &ascii);
		return group != NULL ? fold_local(group, out, len) : len;
	}
	whole = g_malloc(local.len);
	lower(whole, local);
	len = fold_local(group, whole, local.len);
	return lower_cut(out, max, rmt_span(whole, len), &ascii);
}

static void set_spans(struct rmt_addr *addr, size_t at, size_t domain_len)
{
	char *text = addr->text;

	addr->local = rmt_span(text, at);
	addr->domain = rmt_span(text + at + (domain_len > 0 ? 1 : 0), domain_len);
	addr->whole = rmt_span(text, domain_len > 0 ? at + 1 + domain_len : at);
	text[addr->whole.len] = '\0';
}

/* Nearly every address: ASCII and not too long, so folded in its place. */
static bool fold_plain(const struct rmt_fold *fold, struct rmt_span address,
		       struct rmt_addr *addr)
{
	const struct fold_group *group;
	struct rmt_span domain;
	size_t local, kept;
	const char *at;

	if (address.len > RMT_DOMAIN_MAX || rmt_span_starts(address, RMT_SPAN("\"")) ||
	    !lower(addr->text, address))
		return false;
	at = address.len > 0 ? memrchr(addr->text, '@', address.len) : NULL;
	local = at != NULL ? (size_t)(at - addr->text) : address.len;
	domain = without_final_dots(
		rmt_span_from(rmt_span(addr->text, address.len), local + 1));
	group = group_of(fold, domain);
	kept = group != NULL ? fold_local(group, addr->text, local) : local;
	if (kept < local)
		memmove(addr->text + kept, addr->text + local, domain.len + 1);
	set_spans(addr, kept, domain.len);
	return true;
}

/* What a quoted-string stands for (RFC 5321, 4.1.2), as smtpd writes it; out holds
 * local.len octets. Another local part as it is, and one that would look quoted again:
 * who is folded twice is to be the same. */
static struct rmt_span unquote(struct rmt_span local, char *out)
{
	size_t i, n = 0;

	if (local.len < 3 || local.p[0] != '"' || local.p[local.len - 1] != '"')
		return local;
	for (i = 1; i + 1 < local.len; i++) {
		if (local.p[i] == '"')
			return local;
		if (local.p[i] == '\\' && ++i + 1 == local.len)
			return local;
		out[n++] = local.p[i];
	}
	return n > 0 && out[0] == '"' ? local : rmt_span(out, n);
}

void rmt_addr_fold(const struct rmt_fold *fold, struct rmt_span address,
		   struct rmt_addr *addr_r)
{
	struct rmt_span local = address, domain = { NULL, 0 };
	char domain_text[RMT_DOMAIN_MAX + 1];
	g_autofree char *unquoted = NULL;
	size_t at;

	if (fold_plain(fold, address, addr_r))
		return;
	if (rmt_span_split_last(address, '@', &local, &domain))
		domain = rmt_domain_fold(domain, domain_text);
	if (rmt_span_starts(local, RMT_SPAN("\""))) {
		unquoted = g_malloc(local.len);
		local = unquote(local, unquoted);
	}
	at = put_local(fold, local, domain, addr_r->text, RMT_ADDR_MAX - 1 - domain.len);
	if (domain.len > 0) {
		addr_r->text[at] = '@';
		memcpy(addr_r->text + at + 1, domain.p, domain.len);
	}
	set_spans(addr_r, at, domain.len);
}
