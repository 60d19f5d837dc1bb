/* SPDX-License-Identifier: MIT */
/* Any text as a token, a tag, and a mail's address and subject: never ours, never
 * past the end; and any content sealed comes back. */
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
static void read_as_text(struct rmt_span text)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	struct rmt_span address = text, subject = { NULL, 0 };
	struct rmt_unsub unsub;

	if (rmt_token_open(sealer(), text, buffer) == RMT_TOKEN_OK ||
	    rmt_unsub_token_open(sealer(), text, buffer, &unsub) == RMT_TOKEN_OK ||
	    rmt_tag_check(sealer(), text, 16, text) == RMT_TOKEN_OK)
		abort();
	rmt_span_split(text, '\n', &address, &subject);
	if (rmt_unsub_mail_open(sealer(), RMT_SPAN("u@b.example.com"), address, subject,
				buffer, &unsub) == RMT_TOKEN_OK)
		abort();
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
