/* SPDX-License-Identifier: MIT */
#include "common/report/classify.h"
#include "common/report/words.h"

enum {
	GAP_MAX = 60, /* octets that '*' stands for */
	PIECES_MAX = 8192,
	NONE = 0,
};

static const struct rmt_report_rule rows[] = {
#define RULE(id, weight, class, code, host, pattern)                                     \
	{ id, pattern, host, code, RMT_CLASS_##class, weight },
#include "common/report/rules.inc"
#undef RULE
};

/* A piece of a pattern between two '*'. What many patterns begin with is one piece
 * for all of them. */
struct piece {
	guint16 row;       /* of the last piece of a pattern */
	guint16 before;    /* the piece that must have come before; NONE */
	guint16 next_same; /* another piece of the same words; NONE */
	guint16 len;
	bool last;
};

struct rmt_rules {
	struct rmt_words *words;         /* own */
	guint16 piece_of[PIECES_MAX];    /* by number of a phrase: its first piece */
	struct piece pieces[PIECES_MAX]; /* from 1 */
	unsigned piece_count;
	GArray *bare; /* own; guint16: rows that fit by their code alone */
};

/* --- compiling --------------------------------------------------------------------- */

/* The piece of the same words in the same place, or a new one. */
static unsigned add_piece(struct rmt_rules *rules, struct rmt_span text, unsigned before,
			  bool last, size_t row)
{
	unsigned phrase = rmt_words_add(rules->words, text), i;
	struct piece *piece;

	for (i = rules->piece_of[phrase]; i != NONE && !last;
	     i = rules->pieces[i].next_same)
		if (rules->pieces[i].before == before && !rules->pieces[i].last)
			return i;
	g_assert(rules->piece_count + 1 < PIECES_MAX);
	piece = &rules->pieces[++rules->piece_count];
	*piece = (struct piece){ (guint16)row, (guint16)before, rules->piece_of[phrase],
				 (guint16)text.len, last };
	rules->piece_of[phrase] = (guint16)rules->piece_count;
	return rules->piece_count;
}

static void add_pattern(struct rmt_rules *rules, size_t row)
{
	struct rmt_span rest = rmt_span_of(rows[row].pattern), piece, after;
	unsigned before = NONE;

	while (rmt_span_split(rest, '*', &piece, &after)) {
		before = add_piece(rules, piece, before, false, row);
		rest = after;
	}
	add_piece(rules, rest, before, true, row);
}

struct rmt_rules *rmt_rules_new(void)
{
	struct rmt_rules *rules = g_new0(struct rmt_rules, 1);
	guint16 i;

	G_STATIC_ASSERT(G_N_ELEMENTS(rows) < G_MAXUINT16);
	rules->words = rmt_words_new();
	rules->bare = g_array_new(FALSE, FALSE, sizeof(guint16));
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].pattern != NULL)
			add_pattern(rules, i);
		else
			g_array_append_val(rules->bare, i);
	rmt_words_link(rules->words);
	return rules;
}

void rmt_rules_free(struct rmt_rules *rules)
{
	if (rules == NULL)
		return;
	rmt_words_free(rules->words);
	g_array_unref(rules->bare);
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

/* "5.7.60*": more of the same number; else the number, its class or its chapter. */
static bool begins(const char *value, const char *code)
{
	size_t len = strlen(code);

	if (code[len - 1] == '*')
		return strncmp(value, code, len - 1) == 0 && value[len - 1] != '\0';
	return strncmp(value, code, len) == 0 &&
	       (len == 1 || code[len - 1] == '.' || value[len] == '.' ||
		value[len] == '\0');
}

static bool code_fits(const struct rmt_report_rule *row, const struct rmt_question *q)
{
	return row->code == NULL || begins(q->status, row->code) ||
	       begins(q->reply, row->code);
}

static bool host_fits(const struct rmt_report_rule *row, const struct rmt_question *q)
{
	return row->host == NULL ||
	       (q->host.len > 0 &&
		memmem(q->host.p, q->host.len, row->host, strlen(row->host)) != NULL);
}

/* "Recipient address rejected. User letters not found in ...": what one sentence names
 * is not what the next one misses. */
static bool crosses_sentence(const struct run *run, size_t start, size_t end)
{
	static const char *const ends[] = { ". ", "; ", "。" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(ends); i++)
		if (memmem(run->question->text.p + start, end - start, ends[i],
			   strlen(ends[i])) != NULL)
			return true;
	return false;
}

static bool is_dead(const struct rmt_report_rule *rule)
{
	return rule->class == RMT_CLASS_DEAD_ADDRESS ||
	       rule->class == RMT_CLASS_DEAD_DOMAIN;
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

	if (piece->before != NONE) {
		size_t before = run->ended[piece->before];

		if (before == 0 || start < before || start - before > GAP_MAX)
			return;
		if (piece->last && is_dead(&rows[piece->row]) &&
		    crosses_sentence(run, before, start))
			return;
		began = run->began[piece->before];
	}
	if (piece->last) {
		offer(run, piece->row, began, end);
	} else {
		run->ended[index] = (guint32)end;
		run->began[index] = (guint32)began;
	}
}

static bool hit_phrase(void *context, unsigned phrase, size_t end)
{
	struct run *run = context;
	unsigned index;

	for (index = run->rules->piece_of[phrase]; index != NONE;
	     index = run->rules->pieces[index].next_same)
		hit(run, index, end);
	return true;
}

void rmt_rules_ask(const struct rmt_rules *rules, const struct rmt_question *question,
		   struct rmt_verdict *verdict_r)
{
	struct run run; /* large: only what is used is cleared */
	guint i;

	run.rules = rules;
	run.question = question;
	run.best = verdict_r;
	*verdict_r = (struct rmt_verdict){ NULL, 0, 0 };
	memset(run.ended, 0, (rules->piece_count + 1) * sizeof(run.ended[0]));
	rmt_words_find(rules->words, question->text, hit_phrase, &run);
	for (i = 0; i < rules->bare->len && !question->words_only; i++)
		offer(&run, g_array_index(rules->bare, guint16, i), 0, 0);
}
