/* SPDX-License-Identifier: MIT */
#include "common/report/classify.h"

enum {
	GAP_MAX = 60, /* octets that '*' stands for */
	SYMBOLS_MAX = 128,
	PIECES_MAX = 4096,
	NONE = 0,
};

static const struct rmt_report_rule rows[] = {
#define RULE(id, weight, class, code, host, pattern)                                     \
	{ id, pattern, host, code, RMT_CLASS_##class, weight },
#include "common/report/rules.inc"
#undef RULE
};

/* A piece of a pattern between two '*'. */
struct piece {
	guint16 row;
	guint16 len;
	bool first, last;
	guint16 next_same; /* another piece that ends in the same node; NONE */
};

struct rmt_rules {
	guint8 symbol[256]; /* of an octet; 0: in no pattern */
	unsigned symbols;
	guint16 (*next)[SYMBOLS_MAX]; /* own; by node: where a symbol leads */
	guint16 *piece_at;            /* own; by node: first piece that ends there */
	guint16 *suffix;              /* own; by node: nearest suffix with pieces */
	unsigned nodes, nodes_max;
	struct piece pieces[PIECES_MAX]; /* from 1 */
	unsigned piece_count;
};

/* --- compiling --------------------------------------------------------------------- */

static void number_symbols(struct rmt_rules *rules)
{
	size_t i;
	const char *p;

	rules->symbols = 1;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		for (p = rows[i].pattern != NULL ? rows[i].pattern : ""; *p != '\0'; p++)
			if (*p != '*' && rules->symbol[(guchar)*p] == 0) {
				g_assert(rules->symbols < SYMBOLS_MAX);
				rules->symbol[(guchar)*p] = (guint8)rules->symbols++;
			}
}

static unsigned new_node(struct rmt_rules *rules)
{
	g_assert(rules->nodes < rules->nodes_max);
	return rules->nodes++;
}

static void add_piece(struct rmt_rules *rules, size_t row, struct rmt_span text,
		      bool first, bool last)
{
	struct piece *piece;
	unsigned node = 0, i;

	g_assert(text.len > 0 && rules->piece_count + 1 < PIECES_MAX);
	for (i = 0; i < text.len; i++) {
		guint8 symbol = rules->symbol[(guchar)text.p[i]];

		if (rules->next[node][symbol] == NONE)
			rules->next[node][symbol] = (guint16)new_node(rules);
		node = rules->next[node][symbol];
	}
	piece = &rules->pieces[++rules->piece_count];
	*piece = (struct piece){ (guint16)row, (guint16)text.len, first, last,
				 rules->piece_at[node] };
	rules->piece_at[node] = (guint16)rules->piece_count;
}

static void add_pattern(struct rmt_rules *rules, size_t row)
{
	struct rmt_span rest = rmt_span_of(rows[row].pattern), piece, after;
	bool first = true;

	while (rmt_span_split(rest, '*', &piece, &after)) {
		add_piece(rules, row, piece, first, false);
		first = false;
		rest = after;
	}
	add_piece(rules, row, rest, first, true);
}

/* Turns the tree into an automaton: breadth first, each node's missing edges are
 * those of its longest proper suffix. */
static void link_suffixes(struct rmt_rules *rules)
{
	g_autofree guint16 *fail = g_new0(guint16, rules->nodes);
	g_autofree guint16 *queue = g_new0(guint16, rules->nodes);
	unsigned head = 0, tail = 0, node, child, s;

	for (s = 1; s < rules->symbols; s++)
		if (rules->next[0][s] != NONE)
			queue[tail++] = rules->next[0][s];
	while (head < tail) {
		node = queue[head++];
		rules->suffix[node] = rules->piece_at[fail[node]] != NONE
					      ? fail[node]
					      : rules->suffix[fail[node]];
		for (s = 1; s < rules->symbols; s++) {
			child = rules->next[node][s];
			if (child == NONE) {
				rules->next[node][s] = rules->next[fail[node]][s];
				continue;
			}
			fail[child] = rules->next[fail[node]][s];
			queue[tail++] = (guint16)child;
		}
	}
}

static unsigned count_octets(void)
{
	size_t i;
	unsigned sum = 1;

	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		sum += rows[i].pattern != NULL ? (unsigned)strlen(rows[i].pattern) : 0;
	return sum;
}

struct rmt_rules *rmt_rules_new(void)
{
	struct rmt_rules *rules = g_new0(struct rmt_rules, 1);
	size_t i;

	rules->nodes_max = count_octets();
	g_assert(rules->nodes_max < G_MAXUINT16);
	rules->next = g_malloc0(rules->nodes_max * sizeof(*rules->next));
	rules->piece_at = g_new0(guint16, rules->nodes_max);
	rules->suffix = g_new0(guint16, rules->nodes_max);
	number_symbols(rules);
	new_node(rules);
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].pattern != NULL)
			add_pattern(rules, i);
	link_suffixes(rules);
	return rules;
}

void rmt_rules_free(struct rmt_rules *rules)
{
	if (rules == NULL)
		return;
	g_free(rules->next);
	g_free(rules->piece_at);
	g_free(rules->suffix);
	g_free(rules);
}

/* --- asking ------------------------------------------------------------------------ */

struct run {
	const struct rmt_rules *rules;
	const struct rmt_question *question;
	struct rmt_verdict *best;
	/* By piece: where it last ended, and where its row's first piece began. */
	guint32 ended[PIECES_MAX], began[PIECES_MAX];
};

static bool code_fits(const struct rmt_report_rule *row, const struct rmt_question *q)
{
	return row->code == NULL || g_str_has_prefix(q->status, row->code) ||
	       g_str_has_prefix(q->reply, row->code);
}

static bool host_fits(const struct rmt_report_rule *row, const struct rmt_question *q)
{
	return row->host == NULL ||
	       (q->host.len > 0 &&
		memmem(q->host.p, q->host.len, row->host, strlen(row->host)) != NULL);
}

static void offer(struct run *run, size_t row, size_t start, size_t end)
{
	const struct rmt_report_rule *rule = &rows[row];

	if (run->best->rule != NULL && run->best->rule->weight >= rule->weight)
		return;
	if (!code_fits(rule, run->question) || !host_fits(rule, run->question))
		return;
	*run->best = (struct rmt_verdict){ rule, start, end };
}

static void hit(struct run *run, unsigned index, size_t end)
{
	const struct piece *piece = &run->rules->pieces[index];
	size_t start = end - piece->len, began = start;

	if (!piece->first) {
		size_t before = run->ended[index - 1];

		if (before == 0 || start < before || start - before > GAP_MAX)
			return;
		began = run->began[index - 1];
	}
	run->ended[index] = (guint32)end;
	run->began[index] = (guint32)began;
	if (piece->last)
		offer(run, piece->row, began, end);
}

static void hit_node(struct run *run, unsigned node, size_t end)
{
	unsigned index;

	for (; node != 0; node = run->rules->suffix[node])
		for (index = run->rules->piece_at[node]; index != NONE;
		     index = run->rules->pieces[index].next_same)
			hit(run, index, end);
}

static void ask_phrases(struct run *run, struct rmt_span text)
{
	const struct rmt_rules *rules = run->rules;
	unsigned node = 0;
	size_t i;

	memset(run->ended, 0, (rules->piece_count + 1) * sizeof(run->ended[0]));
	for (i = 0; i < text.len; i++) {
		guint8 symbol = rules->symbol[(guchar)text.p[i]];

		node = symbol == 0 ? 0 : rules->next[node][symbol];
		if (rules->piece_at[node] != NONE || rules->suffix[node] != 0)
			hit_node(run, node, i + 1);
	}
}

void rmt_rules_ask(const struct rmt_rules *rules, const struct rmt_question *question,
		   struct rmt_verdict *verdict_r)
{
	struct run run; /* large: only what is used is cleared */
	size_t i;

	run.rules = rules;
	run.question = question;
	run.best = verdict_r;
	*verdict_r = (struct rmt_verdict){ NULL, 0, 0 };
	ask_phrases(&run, question->text);
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].pattern == NULL)
			offer(&run, i, 0, 0);
}
