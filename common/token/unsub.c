/* SPDX-License-Identifier: MIT */
/* unsub.c - the content of a token: version, then strings as in store/pack.h, each
 * behind its length in one octet or two: stream, recipient, list ids. */
#include "common/token/unsub.h"

#include <string.h>

enum { VERSION = 1, LOCAL_MAX = 64, LINE_MAX_OCTETS = 998, WORDS_MAX = 16 };

G_STATIC_ASSERT(1 + 1 + RMT_UNSUB_STREAM_MAX + 2 + RMT_UNSUB_ADDRESS_MAX +
			RMT_UNSUB_LISTS_MAX + RMT_UNSUB_LIST_MAX <=
		RMT_TOKEN_PLAIN_MAX);

/* --- content --- */

/* Seven bits an octet, the low ones first. */
static void put(GString *out, struct rmt_span string)
{
	size_t len = string.len;

	for (; len > 0x7f; len >>= 7)
		g_string_append_c(out, (char)(len | 0x80));
	g_string_append_c(out, (char)len);
	g_string_append_len(out, string.p, (gssize)string.len);
}

static bool take(struct rmt_span *rest, struct rmt_span *string_r)
{
	size_t len = 0, i;
	unsigned octet;

	for (i = 0; i < 2 && i < rest->len; i++) {
		octet = (unsigned char)rest->p[i];
		len |= (size_t)(octet & 0x7f) << (7 * i);
		if (octet <= 0x7f)
			break;
	}
	if (i == 2 || i == rest->len || len > rest->len - i - 1)
		return false;
	*string_r = rmt_span(rest->p + i + 1, len);
	*rest = rmt_span_from(*rest, i + 1 + len);
	return true;
}

static bool check(const char *what, struct rmt_span string, size_t max, GError **err)
{
	const char *why = NULL;
	size_t i;

	if (string.len == 0)
		why = "is missing";
	else if (string.len > max)
		why = "is too long";
	for (i = 0; why == NULL && i < string.len; i++)
		if ((unsigned char)string.p[i] < ' ' || string.p[i] == '\x7f')
			why = "holds a control character";
	if (why == NULL)
		return true;
	g_set_error(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_OTHER,
		    "no unsubscribe link: the %s %s", what, why);
	return false;
}

static bool check_lists(const struct rmt_unsub *unsub, GError **err)
{
	size_t i, total = 0;

	g_assert(unsub->list_count <= RMT_UNSUB_LISTS_MAX);
	for (i = 0; i < unsub->list_count; i++) {
		total += unsub->lists[i].len;
		if (!check("list id", unsub->lists[i], RMT_UNSUB_LIST_MAX, err))
			return false;
	}
	if (total <= RMT_UNSUB_LIST_MAX)
		return true;
	g_set_error(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_OTHER,
		    "no unsubscribe link: the list ids are too long");
	return false;
}

void rmt_unsub_set_lists(struct rmt_unsub *unsub, char *const *lists)
{
	unsub->list_count = 0;
	for (; lists != NULL && *lists != NULL; lists++)
		unsub->lists[unsub->list_count++] = rmt_span_of(*lists);
}

char *rmt_unsub_lists_text(const struct rmt_unsub *unsub)
{
	GString *lists = g_string_new(NULL);
	size_t i;

	for (i = 0; i < unsub->list_count; i++)
		g_string_append_printf(lists, "%s%.*s", i > 0 ? " " : "",
				       RMT_SPAN_ARGS(unsub->lists[i]));
	return g_string_free(lists, FALSE);
}

bool rmt_unsub_token_make(struct rmt_sealer *sealer, const struct rmt_unsub *unsub,
			  GString *out, GError **err)
{
	char bytes[RMT_TOKEN_PLAIN_MAX + 1];
	GString plain = { bytes, 0, sizeof(bytes) }; /* never grows: see the assertion */
	size_t i;

	if (!check("stream", unsub->stream, RMT_UNSUB_STREAM_MAX, err) ||
	    !check("recipient", unsub->recipient, RMT_UNSUB_ADDRESS_MAX, err) ||
	    !check_lists(unsub, err))
		return false;
	g_string_append_c(&plain, VERSION);
	put(&plain, unsub->stream);
	put(&plain, unsub->recipient);
	for (i = 0; i < unsub->list_count; i++)
		put(&plain, unsub->lists[i]);
	rmt_token_seal(sealer, rmt_span(plain.str, plain.len), out);
	return true;
}

static bool read_content(struct rmt_span rest, struct rmt_unsub *unsub_r)
{
	struct rmt_unsub unsub = { .list_count = 0 };

	if (rest.len == 0 || rest.p[0] != VERSION)
		return false;
	rest = rmt_span_from(rest, 1);
	if (!take(&rest, &unsub.stream) || !take(&rest, &unsub.recipient))
		return false;
	while (rest.len > 0 && unsub.list_count < RMT_UNSUB_LISTS_MAX)
		if (!take(&rest, &unsub.lists[unsub.list_count++]))
			return false;
	if (rest.len > 0)
		return false;
	*unsub_r = unsub;
	return true;
}

enum rmt_token_result rmt_unsub_token_open(struct rmt_sealer *sealer,
					   struct rmt_span text, GString *buffer,
					   struct rmt_unsub *unsub_r)
{
	enum rmt_token_result result = rmt_token_open(sealer, text, buffer);

	if (result != RMT_TOKEN_OK)
		return result;
	/* Sealed by us, yet of a form we do not know: a newer program's. */
	return read_content(rmt_span(buffer->str, buffer->len), unsub_r)
		       ? RMT_TOKEN_OK
		       : RMT_TOKEN_MALFORMED;
}

/* --- mail to the stream's address --- */

/* Behind "unsubscribe+", if that is how the address begins. */
static bool behind_plus(struct rmt_span mailto, struct rmt_span address,
			struct rmt_span *token_r)
{
	struct rmt_span wanted, local, domain;

	if (!rmt_span_split_last(mailto, '@', &wanted, &domain) ||
	    !rmt_span_split_last(address, '@', &local, &domain))
		return false;
	if (local.len <= wanted.len + 1 || local.p[wanted.len] != '+' ||
	    !rmt_span_eq_nocase(rmt_span(local.p, wanted.len), wanted))
		return false;
	*token_r = rmt_span_from(local, wanted.len + 1);
	return true;
}

static struct rmt_span next_word(struct rmt_span *rest)
{
	struct rmt_span word;

	*rest = rmt_span_trim(*rest);
	word = rmt_span(rest->p, 0);
	while (word.len < rest->len && strchr(" \t\r\n", rest->p[word.len]) == NULL)
		word.len++;
	*rest = rmt_span_from(*rest, word.len);
	return word;
}

enum rmt_token_result rmt_unsub_mail_open(struct rmt_sealer *sealer,
					  struct rmt_span mailto, struct rmt_span address,
					  struct rmt_span subject, GString *buffer,
					  struct rmt_unsub *unsub_r)
{
	enum rmt_token_result result = RMT_TOKEN_MALFORMED;
	struct rmt_span word;
	unsigned words;

	if (behind_plus(mailto, address, &word))
		return rmt_unsub_token_open(sealer, word, buffer, unsub_r);
	for (words = 0; words < WORDS_MAX; words++) {
		word = next_word(&subject);
		if (word.len == 0)
			break;
		if (word.len < RMT_TOKEN_LETTERS(1))
			continue;
		result = rmt_unsub_token_open(sealer, word, buffer, unsub_r);
		if (result == RMT_TOKEN_OK)
			break;
	}
	return result;
}

/* --- links --- */

void rmt_unsub_url(struct rmt_span base, struct rmt_span token, GString *out)
{
	g_string_append_len(out, base.p, (gssize)base.len);
	g_string_append_len(out, token.p, (gssize)token.len);
}

void rmt_unsub_mailto(struct rmt_span address, struct rmt_span token, GString *out)
{
	struct rmt_span local, domain;

	if (!rmt_span_split_last(address, '@', &local, &domain))
		g_assert_not_reached(); /* the configuration has checked it */
	if (local.len + 1 + token.len <= LOCAL_MAX)
		g_string_append_printf(out, "mailto:%.*s+%.*s@%.*s", RMT_SPAN_ARGS(local),
				       RMT_SPAN_ARGS(token), RMT_SPAN_ARGS(domain));
	else
		g_string_append_printf(out, "mailto:%.*s?subject=unsubscribe%%20%.*s",
				       RMT_SPAN_ARGS(address), RMT_SPAN_ARGS(token));
}

void rmt_unsub_header(struct rmt_span https, struct rmt_span mailto,
		      struct rmt_span token, GString *out)
{
	const size_t before = out->len, name = strlen("List-Unsubscribe: ");
	size_t https_end;

	if (https.len > 0) {
		g_string_append_c(out, '<');
		rmt_unsub_url(https, token, out);
		g_string_append_c(out, '>');
	}
	https_end = out->len;
	if (mailto.len == 0)
		return;
	g_string_append(out, https.len > 0 ? ", <" : "<");
	rmt_unsub_mailto(mailto, token, out);
	g_string_append_c(out, '>');
	if (https.len > 0 && out->len - before + name > LINE_MAX_OCTETS)
		g_string_truncate(out, https_end);
}
