/* SPDX-License-Identifier: MIT */
/* Values as words, for logs, commands and tables. */
#include "common/receipts/policy.h"
#include "common/receipts/request.h"

static void append_bits(unsigned bits, const char *const *names, size_t count,
			GString *out)
{
	const gsize before = out->len;
	size_t i;

	for (i = 0; i < count; i++)
		if (bits & (1u << i))
			g_string_append_printf(out, "%s%s", out->len > before ? "," : "",
					       names[i]);
	if (out->len == before)
		g_string_append_c(out, '-');
}

void rmt_request_kind_names(unsigned kind, GString *out)
{
	static const char *const names[] = { "list", "bulk",    "auto", "suppress", "mdn",
					     "dsn",  "partial", "spam", "encrypted" };

	append_bits(kind, names, G_N_ELEMENTS(names), out);
}

void rmt_request_flaw_names(unsigned flaws, GString *out)
{
	static const char *const names[] = { "repeated", "group",    "syntax",
					     "long",     "required", "options" };

	append_bits(flaws, names, G_N_ELEMENTS(names), out);
}

const char *rmt_return_path_name(enum rmt_return_path return_path)
{
	static const char *const names[] = { "none", "null", "several", "other", "same" };

	return names[return_path];
}

const char *rmt_receipt_verdict_name(enum rmt_receipt_verdict verdict)
{
	static const char *const names[] = { "nothing", "ask", "send" };

	return names[verdict];
}

const char *rmt_receipt_policy_name(enum rmt_receipt_policy policy)
{
	static const char *const names[] = { "none", "organization", "anyone" };

	return names[policy];
}

/* Position of the word; -1: it is none of them. */
static int find(struct rmt_span name, const char *const *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (rmt_span_eq(name, rmt_span_of(names[i])))
			return (int)i;
	return -1;
}

bool rmt_receipt_preference_parse(struct rmt_span name,
				  enum rmt_receipt_preference *preference_r)
{
	static const char *const names[] = { "unset", "never", "ask", "always" };
	int at = find(name, names, G_N_ELEMENTS(names));

	if (at >= 0)
		*preference_r = (enum rmt_receipt_preference)at;
	return at >= 0;
}

bool rmt_receipt_answer_parse(struct rmt_span name, enum rmt_receipt_answer *answer_r)
{
	static const char *const names[] = { "none", "yes", "no", "expired" };
	int at = find(name, names, G_N_ELEMENTS(names));

	if (at >= 0)
		*answer_r = (enum rmt_receipt_answer)at;
	return at >= 0;
}

bool rmt_receipt_place_parse(struct rmt_span name, unsigned *bit_r)
{
	static const char *const names[] = { "junk",      "trash",    "own-copy",
					     "shared",    "delegate", "pop3",
					     "read-only", "imported", "mdn-sent" };
	int at = find(name, names, G_N_ELEMENTS(names));

	if (at >= 0)
		*bit_r = 1u << at;
	return at >= 0;
}
