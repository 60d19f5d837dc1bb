/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/report/words.h"

static bool note(void *context, unsigned phrase, size_t end)
{
	g_string_append_printf(context, "%u:%zu ", phrase, end);
	return true;
}

static bool note_first(void *context, unsigned phrase, size_t end)
{
	note(context, phrase, end);
	return false;
}

static struct rmt_words *words_of(const char *const *phrases)
{
	struct rmt_words *words = rmt_words_new();

	for (; *phrases != NULL; phrases++)
		rmt_words_add(words, rmt_span_of(*phrases));
	rmt_words_link(words);
	return words;
}

static void every_phrase_is_found_where_it_ends(void **state)
{
	static const char *const phrases[] = { "he", "she", "hers", "his", NULL };
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "ushers", "1:4 0:4 2:6 " },
		{ "USHERS", "1:4 0:4 2:6 " },
		{ "hhis", "3:4 " },
		{ "h e", "" },
		{ "", "" },
	};
	struct rmt_words *words = words_of(phrases);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		rmt_words_find(words, rmt_span_of(rows[i].text), note, out);
		assert_string_equal(out->str, rows[i].want);
	}
	rmt_words_free(words);
}

static void a_search_ends_when_it_is_told_to(void **state)
{
	static const char *const phrases[] = { "a", "b", NULL };
	struct rmt_words *words = words_of(phrases);
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	rmt_words_find(words, RMT_SPAN("xbab"), note_first, out);
	assert_string_equal(out->str, "1:2 ");
	rmt_words_free(words);
}

static void a_phrase_has_one_number(void **state)
{
	struct rmt_words *words = rmt_words_new();

	(void)state;
	assert_int_equal(rmt_words_add(words, RMT_SPAN("ящик")), 0);
	assert_int_equal(rmt_words_add(words, RMT_SPAN("full")), 1);
	assert_int_equal(rmt_words_add(words, RMT_SPAN("ящик")), 0);
	assert_int_equal(rmt_words_length(words, 0), 8);
	rmt_words_link(words);
	rmt_words_free(words);
}

/* What a plain search finds, for random texts of few letters. */
static void it_finds_what_a_plain_search_finds(void **state)
{
	static const char *const phrases[] = { "a",  "ab",   "bab", "abc", "bc",
					       "ca", "aaab", "cb",  NULL };
	struct rmt_words *words = words_of(phrases);
	GRand *rand = g_rand_new_with_seed(7);
	unsigned round;

	(void)state;
	for (round = 0; round < 2000; round++) {
		g_autoptr(GString) got = g_string_new(NULL), want = g_string_new(NULL);
		char text[24];
		size_t i, p;

		for (i = 0; i < sizeof(text) - 1; i++)
			text[i] = "abcx"[g_rand_int_range(rand, 0, 4)];
		text[i] = '\0';
		rmt_words_find(words, rmt_span(text, i), note, got);
		for (i = 1; i < sizeof(text); i++) {
			size_t len;

			for (len = 4; len > 0; len--)
				for (p = 0; phrases[p] != NULL; p++)
					if (strlen(phrases[p]) == len && len <= i &&
					    memcmp(text + i - len, phrases[p], len) == 0)
						note(want, (unsigned)p, i);
		}
		assert_string_equal(got->str, want->str);
	}
	g_rand_free(rand);
	rmt_words_free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_phrase_is_found_where_it_ends),
		cmocka_unit_test(a_search_ends_when_it_is_told_to),
		cmocka_unit_test(a_phrase_has_one_number),
		cmocka_unit_test(it_finds_what_a_plain_search_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
