/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/covered.h"

#include "common/message/addr.h"
#include "common/message/header.h"

static const struct {
	const char *word, *text;
} results[RMT_COVERED_COUNT] = {
	[RMT_COVERED_ONE_CLICK] = { "one-click", "one click unsubscribes" },
	[RMT_COVERED_MAILTO] = { "mailto", "a message unsubscribes" },
	[RMT_COVERED_NOTHING] = { "nothing", "the signed fields offer no way we take" },
	[RMT_COVERED_REPEATED] = { "repeated", "a signed field is there twice" },
	[RMT_COVERED_UNCOVERED] = { "uncovered", "no signature covers List-Unsubscribe" },
	[RMT_COVERED_UNALIGNED] = { "unaligned", "only others than From's organisation "
						 "signed it" },
	[RMT_COVERED_TESTING] = { "testing", "the signer's key is for tests (t=y)" },
	[RMT_COVERED_INVALID] = { "invalid", "no signature holds" },
	[RMT_COVERED_UNKNOWN] = { "unknown", "the signer's key cannot be had" },
	[RMT_COVERED_UNSIGNED] = { "unsigned", "the message is not signed" },
	[RMT_COVERED_NO_FROM] = { "no-from", "From names nobody" },
};

const char *rmt_covered_word(enum rmt_covered_result result)
{
	return results[result].word;
}

const char *rmt_covered_text(enum rmt_covered_result result)
{
	return results[result].text;
}

void rmt_covered_clear(struct rmt_covered *covered)
{
	g_clear_pointer(&covered->url, g_free);
	g_clear_pointer(&covered->mailto, g_free);
	g_clear_pointer(&covered->list_id, g_free);
	g_clear_pointer(&covered->domain, g_free);
	g_clear_pointer(&covered->selector, g_free);
}

/* --- the fields of one signature --------------------------------------------------- */

struct signed_value {
	struct rmt_span value; /* p NULL: not covered */
	bool repeated;         /* more than one instance is covered */
};

static struct signed_value find_signed(const struct rmt_dkim_signature *signature,
				       struct rmt_span name)
{
	struct signed_value found = { { NULL, 0 }, false };
	struct rmt_header_field field;
	size_t i;

	for (i = 0; i < signature->field_count; i++) {
		const struct rmt_dkim_signed_field *one = &signature->fields[i];
		struct rmt_header_reader reader = rmt_header_read(one->raw);

		if (!rmt_span_eq_nocase(one->name, name) || one->raw.p == NULL ||
		    !rmt_header_next(&reader, &field))
			continue;
		found.repeated = found.value.p != NULL;
		if (!found.repeated)
			found.value = field.value;
	}
	return found;
}

/* Kept, logged and put into a header: nothing but what URIs are made of. */
static char *printable_copy(struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == '<' ||
		    text.p[i] == '>')
			return NULL;
	return text.len > 0 ? g_strndup(text.p, text.len) : NULL;
}

static char *copy_first(const struct rmt_list_unsubscribe *list,
			enum rmt_list_uri_kind kind)
{
	const struct rmt_list_uri *uri = rmt_list_unsubscribe_first(list, kind);

	return uri != NULL ? printable_copy(uri->text) : NULL;
}

static char *read_list_id(const struct rmt_dkim_signature *signature)
{
	const struct signed_value id = find_signed(signature, RMT_SPAN("List-Id"));
	GString *text;
	bool ok;

	if (id.value.p == NULL || id.repeated)
		return NULL;
	text = g_string_new(NULL);
	ok = rmt_list_id_read(id.value, text);
	return g_string_free(text, !ok);
}

static void read_values(struct rmt_span list_value, struct rmt_span post,
			struct rmt_covered *covered)
{
	struct rmt_list_unsubscribe list;

	rmt_list_unsubscribe_read(list_value, &list);
	covered->one_click = rmt_one_click_judge(&list, post);
	covered->mailto = copy_first(&list, RMT_LIST_URI_MAILTO);
	if (covered->one_click == RMT_ONE_CLICK_OK)
		covered->url = copy_first(&list, RMT_LIST_URI_HTTPS);
	rmt_list_unsubscribe_clear(&list);
	if (covered->url != NULL)
		covered->result = RMT_COVERED_ONE_CLICK;
	else if (covered->mailto != NULL)
		covered->result = RMT_COVERED_MAILTO;
	else
		covered->result = RMT_COVERED_NOTHING;
}

static void read_signature(const struct rmt_dkim_signature *signature,
			   struct rmt_covered *covered)
{
	const struct signed_value list =
		find_signed(signature, RMT_SPAN("List-Unsubscribe"));
	const struct signed_value post =
		find_signed(signature, RMT_SPAN("List-Unsubscribe-Post"));

	*covered = (struct rmt_covered){ .result = RMT_COVERED_UNCOVERED };
	if (list.value.p == NULL)
		return;
	if (list.repeated || post.repeated) {
		covered->result = RMT_COVERED_REPEATED;
		return;
	}
	read_values(list.value, post.value, covered);
	covered->list_id = read_list_id(signature);
	covered->domain = g_strndup(signature->domain.p, signature->domain.len);
	covered->selector = g_strndup(signature->selector.p, signature->selector.len);
}

/* --- which signature ------------------------------------------------------------- */

static bool is_aligned(const struct rmt_covered_query *query, struct rmt_span domain)
{
	char folded[RMT_DOMAIN_MAX + 1];
	const struct rmt_span from = rmt_domain_fold(query->from, folded);

	if (!query->aligned || rmt_span_eq(domain, from))
		return true;
	if (query->psl == NULL)
		return rmt_domain_within(from, domain) || rmt_domain_within(domain, from);
	return rmt_span_eq(rmt_psl_org(query->psl, domain),
			   rmt_psl_org(query->psl, from)) &&
	       !rmt_psl_is_suffix(query->psl, domain);
}

/* A key that is gone says nothing of what it once signed. */
static bool may_have_been_good(const struct rmt_dkim_signature *signature)
{
	switch (signature->reason) {
	case RMT_DKIM_DNS:
	case RMT_DKIM_KEY_MISSING:
	case RMT_DKIM_KEY_REVOKED:
	case RMT_DKIM_EXPIRED:
		return true;
	default:
		return false;
	}
}

static void judge_signature(const struct rmt_covered_query *query,
			    const struct rmt_dkim_signature *signature,
			    struct rmt_covered *covered)
{
	*covered = (struct rmt_covered){ .result = RMT_COVERED_INVALID };
	if (signature->result != RMT_DKIM_PASS) {
		if (may_have_been_good(signature))
			covered->result = RMT_COVERED_UNKNOWN;
	} else if (signature->testing) {
		covered->result = RMT_COVERED_TESTING;
	} else if (!is_aligned(query, signature->domain)) {
		covered->result = RMT_COVERED_UNALIGNED;
	} else {
		read_signature(signature, covered);
	}
}

/* UNKNOWN goes before what is certainly no good: a record of delivery may help. */
static bool is_better(enum rmt_covered_result a, enum rmt_covered_result b)
{
	if (a == RMT_COVERED_UNKNOWN && b > RMT_COVERED_REPEATED)
		return b != RMT_COVERED_UNKNOWN;
	if (b == RMT_COVERED_UNKNOWN && a > RMT_COVERED_REPEATED)
		return false;
	return a < b;
}

void rmt_covered_read(const struct rmt_covered_query *query,
		      struct rmt_covered *covered_r)
{
	const struct rmt_dkim_signature *signature;
	size_t i;

	*covered_r = (struct rmt_covered){ .result = RMT_COVERED_UNSIGNED };
	if (query->from.len == 0) {
		covered_r->result = RMT_COVERED_NO_FROM;
		return;
	}
	for (i = 0; (signature = rmt_dkim_get(query->dkim, i)) != NULL; i++) {
		struct rmt_covered one;

		judge_signature(query, signature, &one);
		if (is_better(one.result, covered_r->result)) {
			rmt_covered_clear(covered_r);
			*covered_r = one;
		} else {
			rmt_covered_clear(&one);
		}
	}
}
