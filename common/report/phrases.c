/* SPDX-License-Identifier: MIT */
#include "common/report/phrases.h"

static const struct {
	const char *words;
	unsigned kind; /* enum rmt_phrase; 0: of a command */
	enum rmt_command command;
} rows[] = {
#define PHRASE(kind, words)     { words, RMT_PHRASE_##kind, RMT_COMMAND_UNSAID },
#define COMMAND(command, words) { words, 0, RMT_COMMAND_##command },
#include "common/report/phrases.inc"
#undef PHRASE
#undef COMMAND
};

struct rmt_phrases {
	struct rmt_words *words;           /* own */
	guint8 kinds[G_N_ELEMENTS(rows)];  /* by number of the phrase */
	guint16 first[G_N_ELEMENTS(rows)]; /* by number: first row of a command + 1 */
};

struct rmt_phrases *rmt_phrases_new(void)
{
	struct rmt_phrases *phrases = g_new0(struct rmt_phrases, 1);
	guint16 i;

	phrases->words = rmt_words_new();
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		unsigned number =
			rmt_words_add(phrases->words, rmt_span_of(rows[i].words));

		phrases->kinds[number] |= (guint8)rows[i].kind;
		if (rows[i].kind == 0 && phrases->first[number] == 0)
			phrases->first[number] = (guint16)(i + 1);
	}
	rmt_words_link(phrases->words);
	return phrases;
}

void rmt_phrases_free(struct rmt_phrases *phrases)
{
	if (phrases == NULL)
		return;
	rmt_words_free(phrases->words);
	g_free(phrases);
}

struct search {
	const struct rmt_phrases *phrases;
	unsigned kind;
	bool found;
	guint16 command; /* row + 1 */
};

static bool see(void *context, unsigned number, size_t end)
{
	struct search *search = context;

	(void)end;
	search->found = (search->phrases->kinds[number] & search->kind) != 0;
	return !search->found;
}

bool rmt_phrases_has(const struct rmt_phrases *phrases, struct rmt_span text,
		     enum rmt_phrase kind)
{
	struct search search = { phrases, kind, false, 0 };

	rmt_words_find(phrases->words, text, see, &search);
	return search.found;
}

static bool see_command(void *context, unsigned number, size_t end)
{
	struct search *search = context;
	guint16 row = search->phrases->first[number];

	(void)end;
	if (row != 0 && (search->command == 0 || row < search->command))
		search->command = row;
	return true;
}

enum rmt_command rmt_phrases_command(const struct rmt_phrases *phrases,
				     struct rmt_span text)
{
	struct search search = { phrases, 0, false, 0 };

	rmt_words_find(phrases->words, text, see_command, &search);
	return search.command != 0 ? rows[search.command - 1].command
				   : RMT_COMMAND_UNSAID;
}
