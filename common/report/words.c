/* SPDX-License-Identifier: MIT */
#include "common/report/words.h"

enum {
	NONE = 0, /* the root, too: no edge leads there */
	NODES_MAX = G_MAXUINT16,
};

/* A node of the tree; its edges are a list, mostly of one. A table of all edges
 * would be searched faster, but takes longer to make than most programs that read
 * one message live. */
struct node {
	guint16 child, sibling; /* the first child; the next of the same parent */
	guint16 fail;           /* of the longest proper suffix */
	guint16 suffix;         /* nearest suffix where a phrase ends */
	guint16 phrase;         /* number + 1 of the one that ends here */
	guchar octet;           /* that leads here */
	bool says;              /* a phrase ends here, or at a suffix */
};

struct rmt_words {
	GPtrArray *phrases; /* own; char *, by number */
	GHashTable *index;  /* phrase -> number + 1 */
	struct node *nodes; /* own; the root is 0 */
	unsigned count;
	guint16 root[256]; /* by octet of any case */
	guchar lower[256];
};

struct rmt_words *rmt_words_new(void)
{
	struct rmt_words *words = g_new0(struct rmt_words, 1);

	words->phrases = g_ptr_array_new_with_free_func(g_free);
	words->index = g_hash_table_new(g_str_hash, g_str_equal);
	return words;
}

void rmt_words_free(struct rmt_words *words)
{
	if (words == NULL)
		return;
	g_hash_table_unref(words->index);
	g_ptr_array_unref(words->phrases);
	g_free(words->nodes);
	g_free(words);
}

unsigned rmt_words_add(struct rmt_words *words, struct rmt_span phrase)
{
	char *text = g_strndup(phrase.p, phrase.len);
	gpointer known = g_hash_table_lookup(words->index, text);

	g_assert(phrase.len > 0 && words->nodes == NULL);
	if (known != NULL) {
		g_free(text);
		return GPOINTER_TO_UINT(known) - 1;
	}
	g_ptr_array_add(words->phrases, text);
	g_hash_table_insert(words->index, text, GUINT_TO_POINTER(words->phrases->len));
	return words->phrases->len - 1;
}

size_t rmt_words_length(const struct rmt_words *words, unsigned phrase)
{
	return strlen(words->phrases->pdata[phrase]);
}

/* --- compiling --------------------------------------------------------------------- */

static unsigned child_of(const struct rmt_words *words, unsigned node, guchar octet)
{
	unsigned child = words->nodes[node].child;

	while (child != NONE && words->nodes[child].octet != octet)
		child = words->nodes[child].sibling;
	return child;
}

static unsigned add_child(struct rmt_words *words, unsigned parent, guchar octet)
{
	unsigned node = words->count++;

	g_assert(node < NODES_MAX);
	words->nodes[node].octet = octet;
	words->nodes[node].sibling = words->nodes[parent].child;
	words->nodes[parent].child = (guint16)node;
	return node;
}

static void plant(struct rmt_words *words, unsigned number)
{
	const char *p = words->phrases->pdata[number];
	unsigned node = 0, child;

	for (; *p != '\0'; p++, node = child) {
		child = child_of(words, node, (guchar)*p);
		if (child == NONE)
			child = add_child(words, node, (guchar)*p);
	}
	words->nodes[node].phrase = (guint16)(number + 1);
}

/* Where an octet leads from a node: along the suffixes, if it has no such edge. */
static unsigned step(const struct rmt_words *words, unsigned node, guchar octet)
{
	unsigned child;

	while (node != 0) {
		child = child_of(words, node, octet);
		if (child != NONE)
			return child;
		node = words->nodes[node].fail;
	}
	return words->root[octet];
}

static void link_node(struct rmt_words *words, unsigned parent, unsigned number)
{
	struct node *node = &words->nodes[number];
	const struct node *fail;

	node->fail = parent == 0 ? 0
				 : (guint16)step(words, words->nodes[parent].fail,
						 node->octet);
	fail = &words->nodes[node->fail];
	node->suffix = fail->phrase != 0 ? node->fail : fail->suffix;
	node->says = node->phrase != 0 || node->suffix != 0;
}

/* Breadth first: a suffix is shorter, so it is there already. */
static void link_suffixes(struct rmt_words *words)
{
	g_autofree guint16 *queue = g_new0(guint16, words->count);
	unsigned head = 0, tail = 1, child;

	while (head < tail) {
		unsigned parent = queue[head++];

		for (child = words->nodes[parent].child; child != NONE;
		     child = words->nodes[child].sibling) {
			link_node(words, parent, child);
			queue[tail++] = (guint16)child;
		}
	}
}

static void fill_root(struct rmt_words *words)
{
	unsigned octet;

	for (octet = 0; octet < 256; octet++) {
		words->lower[octet] = (guchar)g_ascii_tolower((char)octet);
		words->root[octet] = (guint16)child_of(words, 0, words->lower[octet]);
	}
}

void rmt_words_link(struct rmt_words *words)
{
	size_t octets = 1;
	unsigned i;

	for (i = 0; i < words->phrases->len; i++)
		octets += rmt_words_length(words, i);
	words->nodes = g_new0(struct node, octets);
	words->count = 1;
	for (i = 0; i < words->phrases->len; i++)
		plant(words, i);
	fill_root(words);
	link_suffixes(words);
}

/* --- searching --------------------------------------------------------------------- */

static bool tell(const struct rmt_words *words, unsigned node, size_t end,
		 rmt_words_hit *hit, void *context)
{
	for (; node != 0; node = words->nodes[node].suffix)
		if (words->nodes[node].phrase != 0 &&
		    !hit(context, words->nodes[node].phrase - 1u, end))
			return false;
	return true;
}

void rmt_words_find(const struct rmt_words *words, struct rmt_span text,
		    rmt_words_hit *hit, void *context)
{
	unsigned node = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		node = step(words, node, words->lower[(guchar)text.p[i]]);
		if (words->nodes[node].says && !tell(words, node, i + 1, hit, context))
			return;
	}
}
