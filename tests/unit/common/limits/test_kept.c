/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/limits/kept.h"

/* A record is text: a letter it is about ('-': nothing), and what it says; '.' ends. */
static bool ends(const void *record, size_t len, uint64_t *about_r)
{
	const char *text = record;

	if (text[0] != '-')
		*about_r = (uint64_t)text[0] * UINT64_C(0x9e3779b97f4a7c15);
	return len > 1 && text[1] == '.';
}

static void append(void *context, const void *record, size_t len)
{
	g_string_append_len(context, record, (gssize)len);
	g_string_append_c(context, ' ');
}

static void assert_kept(const struct rmt_kept *kept, const char *want)
{
	g_autoptr(GString) got = g_string_new(NULL);

	rmt_kept_each(kept, append, got);
	assert_string_equal(got->str, want);
}

static void add_all(struct rmt_kept *kept, const char *words)
{
	g_auto(GStrv) list = g_strsplit(words, " ", -1);
	guint i;

	for (i = 0; list[i] != NULL; i++)
		rmt_kept_add(kept, list[i], strlen(list[i]));
}

static void what_has_ended_is_forgotten_and_the_rest_keeps_its_order(void **state)
{
	static const struct {
		const char *said, *want;
	} cases[] = {
		{ "a1 b1 a2 b2", "a1 b1 a2 b2 " },
		{ "a1 b1 a2 a. b2", "b1 b2 " },
		{ "a1 a. a2", "a2 " }, /* begun anew */
		{ "a1 a. a2 a.", "" },
		{ "a. a1", "a1 " }, /* an end of what was before this log */
		{ "-1 a1 -2 a. -3", "-1 -2 -3 " },
		{ "-. a1", "-. a1 " }, /* about nothing: ends nothing */
	};
	struct rmt_kept kept;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		rmt_kept_init(&kept, ends);
		add_all(&kept, cases[i].said);
		assert_kept(&kept, cases[i].want);
		rmt_kept_finish(&kept);
	}
}

static void who_cannot_tell_ends_gets_everything(void **state)
{
	struct rmt_kept kept;

	(void)state;
	rmt_kept_init(&kept, NULL);
	add_all(&kept, "a1 a. b1 b.");
	assert_kept(&kept, "a1 a. b1 b. ");
	rmt_kept_clear(&kept);
	assert_kept(&kept, "");
	rmt_kept_finish(&kept);
}

/* What stays open from the beginning to the end is there, too. */
static void a_long_log_of_what_has_ended_takes_little_room(void **state)
{
	struct rmt_kept kept;
	char text[200];
	unsigned i, largest = 0;

	(void)state;
	rmt_kept_init(&kept, ends);
	add_all(&kept, "A1");
	for (i = 0; i < 100000; i++) {
		memset(text, 'x', sizeof(text));
		text[0] = (char)('a' + i % 20);
		rmt_kept_add(&kept, text, sizeof(text));
		text[0] = (char)('a' + (i + 7) % 20);
		text[1] = '.';
		rmt_kept_add(&kept, text, 2);
		largest = MAX(largest, kept.records->len);
	}
	for (i = 0; i < 20; i++)
		rmt_kept_add(&kept, (char[]){ (char)('a' + i), '.' }, 2);
	add_all(&kept, "A2");
	assert_kept(&kept, "A1 A2 ");
	assert_true(largest < 1 << 20);
	rmt_kept_finish(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_has_ended_is_forgotten_and_the_rest_keeps_its_order),
		cmocka_unit_test(who_cannot_tell_ends_gets_everything),
		cmocka_unit_test(a_long_log_of_what_has_ended_takes_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
