/* SPDX-License-Identifier: MIT */
/* Any text as a token, a tag, and a mail's address and subject: never past the end,
 * and ours only where it is, letter by letter, what the sealer makes of its content
 * (one of the seeds is); and any content sealed comes back. */
#include <stdlib.h>
#include <string.h>

#include "common/token/unsub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEX(d) d d d d d d d d d d d d d d d d

static struct rmt_sealer *sealer(void)
{
	static struct rmt_sealer *one;
	struct rmt_keys *keys;

	if (one != NULL)
		return one;
	keys = rmt_keys_parse(
		"ring", RMT_SPAN("remite-keys 1\na 2026-12-31 " HEX("0123") "\n"), NULL);
	one = rmt_sealer_new(keys, RMT_PURPOSE_UNSUBSCRIBE, 0);
	rmt_keys_free(keys);
	return one;
}

/* Nobody guesses 16 octets. */
static void must_be_made_here(struct rmt_span text, const GString *plain)
{
	g_autoptr(GString) again = g_string_new(NULL);

	rmt_token_seal(sealer(), rmt_span(plain->str, plain->len), again);
	if (!rmt_span_eq_nocase(text, rmt_span(again->str, again->len)))
		abort();
}

static void must_be_within(const GString *buffer, struct rmt_span part)
{
	if (part.p < buffer->str || part.p + part.len > buffer->str + buffer->len)
		abort();
}

static void read_as_text(struct rmt_span text)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	struct rmt_span address = text, subject = { NULL, 0 };
	struct rmt_unsub unsub;

	if (rmt_token_open(sealer(), text, buffer) == RMT_TOKEN_OK)
		must_be_made_here(text, buffer);
	if (rmt_unsub_token_open(sealer(), text, buffer, &unsub) == RMT_TOKEN_OK)
		must_be_made_here(text, buffer);
	if (rmt_tag_check(sealer(), text, 16, text) == RMT_TOKEN_OK)
		abort();
	rmt_span_split(text, '\n', &address, &subject);
	if (rmt_unsub_mail_open(sealer(), RMT_SPAN("u@b.example.com"), address, subject,
				buffer, &unsub) != RMT_TOKEN_OK)
		return;
	must_be_within(buffer, unsub.stream);
	must_be_within(buffer, unsub.recipient);
}

static void seal_and_open(struct rmt_span plain)
{
	g_autoptr(GString) token = g_string_new(NULL);
	g_autoptr(GString) buffer = g_string_new(NULL);
	struct rmt_unsub unsub;

	if (plain.len == 0 || plain.len > RMT_TOKEN_PLAIN_MAX)
		return;
	rmt_token_seal(sealer(), plain, token);
	if (rmt_token_open(sealer(), rmt_span(token->str, token->len), buffer) !=
		    RMT_TOKEN_OK ||
	    !rmt_span_eq(rmt_span(buffer->str, buffer->len), plain))
		abort();
	if (rmt_unsub_token_open(sealer(), rmt_span(token->str, token->len), buffer,
				 &unsub) == RMT_TOKEN_OK &&
	    unsub.list_count > RMT_UNSUB_LISTS_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rmt_span input = { (const char *)data, size };

	read_as_text(input);
	seal_and_open(input);
	return 0;
}
