/* SPDX-License-Identifier: MIT */
#include "common/report/words.h"

enum {
	NONE = 0,
	SAYS = 0x8000, /* of an edge: a phrase ends at its node */
	NODES_MAX = SAYS,
	SYMBOLS_MAX = 255,
};

struct rmt_words {
	GPtrArray *phrases; /* own; char *, by number */
	GHashTable *index;  /* phrase -> number + 1 */
	guint8 symbol[256]; /* of an octet; 0: in no phrase */
	unsigned symbols, nodes;
	guint16 *next;   /* own; node * symbols + symbol -> node, with SAYS */
	guint16 *phrase; /* own; by node: number + 1 of the one that ends there */
	guint16 *suffix; /* own; by node: nearest suffix where one ends */
};

struct rmt_words *rmt_words_new(void)
{
	struct rmt_words *words = g_new0(struct rmt_words, 1);

	words->phrases = g_ptr_array_new_with_free_func(g_free);
	words->index = g_hash_table_new(g_str_hash, g_str_equal);
	words->symbols = 1;
	return words;
}

void rmt_words_free(struct rmt_words *words)
{
	if (words == NULL)
		return;
	g_hash_table_unref(words->index);
	g_ptr_array_unref(words->phrases);
	g_free(words->next);
	g_free(words->phrase);
	g_free(words->suffix);
	g_free(words);
}

static void number_octets(struct rmt_words *words, const char *text)
{
	for (; *text != '\0'; text++) {
		guchar octet = (guchar)*text;

		if (words->symbol[octet] != 0)
			continue;
		g_assert(words->symbols < SYMBOLS_MAX);
		words->symbol[octet] = (guint8)words->symbols++;
		words->symbol[(guchar)g_ascii_toupper(*text)] = words->symbol[octet];
	}
}

unsigned rmt_words_add(struct rmt_words *words, struct rmt_span phrase)
{
	char *text = g_strndup(phrase.p, phrase.len);
	gpointer known = g_hash_table_lookup(words->index, text);

	g_assert(phrase.len > 0 && words->next == NULL);
	if (known != NULL) {
		g_free(text);
		return GPOINTER_TO_UINT(known) - 1;
	}
	number_octets(words, text);
	g_ptr_array_add(words->phrases, text);
	g_hash_table_insert(words->index, text, GUINT_TO_POINTER(words->phrases->len));
	return words->phrases->len - 1;
}

size_t rmt_words_length(const struct rmt_words *words, unsigned phrase)
{
	return strlen(words->phrases->pdata[phrase]);
}

/* --- compiling --------------------------------------------------------------------- */

static guint16 *edge(const struct rmt_words *words, unsigned node, unsigned symbol)
{
	return &words->next[node * words->symbols + symbol];
}

static void plant(struct rmt_words *words, unsigned number)
{
	const char *p = words->phrases->pdata[number];
	unsigned node = 0;

	for (; *p != '\0'; p++) {
		guint16 *to = edge(words, node, words->symbol[(guchar)*p]);

		if (*to == NONE)
			*to = (guint16)words->nodes++;
		node = *to;
	}
	words->phrase[node] = (guint16)(number + 1);
}

/* Breadth first: a node's missing edges are those of its longest proper suffix. */
static void link_suffixes(struct rmt_words *words)
{
	g_autofree guint16 *fail = g_new0(guint16, words->nodes);
	g_autofree guint16 *queue = g_new0(guint16, words->nodes);
	unsigned head = 0, tail = 0, node, child, s;

	for (s = 1; s < words->symbols; s++)
		if (*edge(words, 0, s) != NONE)
			queue[tail++] = *edge(words, 0, s);
	while (head < tail) {
		node = queue[head++];
		words->suffix[node] = words->phrase[fail[node]] != 0
					      ? fail[node]
					      : words->suffix[fail[node]];
		for (s = 1; s < words->symbols; s++) {
			child = *edge(words, node, s);
			if (child == NONE) {
				*edge(words, node, s) = *edge(words, fail[node], s);
				continue;
			}
			fail[child] = *edge(words, fail[node], s);
			queue[tail++] = (guint16)child;
		}
	}
}

/* So that the search looks at a node only where there is something to see. */
static void mark_edges(struct rmt_words *words)
{
	size_t i, count = (size_t)words->nodes * words->symbols;

	for (i = 0; i < count; i++) {
		unsigned node = words->next[i];

		if (words->phrase[node] != 0 || words->suffix[node] != 0)
			words->next[i] |= SAYS;
	}
}

void rmt_words_link(struct rmt_words *words)
{
	size_t octets = 1;
	unsigned i;

	for (i = 0; i < words->phrases->len; i++)
		octets += rmt_words_length(words, i);
	words->next = g_new0(guint16, octets * words->symbols);
	words->phrase = g_new0(guint16, octets);
	words->suffix = g_new0(guint16, octets);
	words->nodes = 1;
	for (i = 0; i < words->phrases->len; i++)
		plant(words, i);
	g_assert(words->nodes < NODES_MAX);
	link_suffixes(words);
	mark_edges(words);
}

/* --- searching --------------------------------------------------------------------- */

static bool tell(const struct rmt_words *words, unsigned node, size_t end,
		 rmt_words_hit *hit, void *context)
{
	for (; node != 0; node = words->suffix[node])
		if (words->phrase[node] != 0 &&
		    !hit(context, words->phrase[node] - 1u, end))
			return false;
	return true;
}

void rmt_words_find(const struct rmt_words *words, struct rmt_span text,
		    rmt_words_hit *hit, void *context)
{
	const guint16 *next = words->next;
	unsigned stride = words->symbols, to = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		to = next[(to & ~(unsigned)SAYS) * stride +
			  words->symbol[(guchar)text.p[i]]];
		if ((to & SAYS) != 0 &&
		    !tell(words, to & ~(unsigned)SAYS, i + 1, hit, context))
			return;
	}
}
