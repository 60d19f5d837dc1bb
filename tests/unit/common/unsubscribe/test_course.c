/* SPDX-License-Identifier: MIT */
/* Ids U05, U07, pitfalls 22 and 25 of docs/unsubscribe.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/unsubscribe/course.h"

enum { NOW = 1000000, AFTER = 300 };

static void pitfall_22_three_posts_with_time_between_then_mail_then_over(void **state)
{
	static const struct {
		bool url, mailto, done, open, unsure;
		unsigned posts, attempts;
		enum rmt_course want;
		int64_t at;
	} cases[] = {
		{ true, true, false, false, false, 0, 0, RMT_COURSE_POST, NOW },
		{ true, true, true, false, false, 1, 1, RMT_COURSE_DONE, NOW },
		/* trouble that may pass */
		{ true, true, false, true, false, 1, 1, RMT_COURSE_POST, NOW + AFTER },
		{ true, true, false, true, true, 2, 2, RMT_COURSE_POST, NOW + 2 * AFTER },
		{ true, true, false, true, true, 3, 3, RMT_COURSE_MAIL, NOW },
		{ true, false, false, true, true, 3, 3, RMT_COURSE_UNSURE, NOW },
		{ true, false, false, true, false, 3, 3, RMT_COURSE_FAILED, NOW },
		/* two forms at once count as two */
		{ true, false, false, true, false, 3, 2, RMT_COURSE_FAILED, NOW },
		/* never connected */
		{ true, false, false, true, false, 0, 3, RMT_COURSE_FAILED, NOW },
		/* refused for good */
		{ true, true, false, false, false, 1, 1, RMT_COURSE_MAIL, NOW },
		{ true, false, false, false, false, 1, 1, RMT_COURSE_FAILED, NOW },
		{ true, false, false, false, true, 2, 2, RMT_COURSE_UNSURE, NOW },
		/* no way at all, or by mail alone */
		{ false, true, false, false, false, 0, 0, RMT_COURSE_MAIL, NOW },
		{ false, false, false, false, false, 0, 0, RMT_COURSE_FAILED, NOW },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct rmt_course_facts facts = {
			.has_url = cases[i].url,
			.has_mailto = cases[i].mailto,
			.done = cases[i].done,
			.open = cases[i].open,
			.unsure = cases[i].unsure,
			.posts = cases[i].posts,
			.attempts = cases[i].attempts,
			.tries = 3,
			.now = NOW,
			.retry_after_secs = AFTER,
		};
		int64_t at;

		if (rmt_course_next(&facts, &at) != cases[i].want || at != cases[i].at)
			fail_msg("case %zu", i);
	}
}

static void U05_the_user_is_asked_before_many_and_before_spam(void **state)
{
	static const struct {
		uint64_t at_once, of_late;
		bool spam, confirmed;
		enum rmt_course_ask want;
	} cases[] = {
		{ 1, 0, false, false, RMT_ASK_NOT },
		{ 19, 19, false, false, RMT_ASK_NOT },
		{ 20, 0, false, false, RMT_ASK_MANY }, /* pitfall 25 */
		{ 1, 20, false, false, RMT_ASK_MANY },
		{ 1, 0, true, false, RMT_ASK_SPAM }, /* pitfall 22 */
		{ 500, 500, true, true, RMT_ASK_NOT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct rmt_course_asking asking = {
			.at_once = cases[i].at_once,
			.of_late = cases[i].of_late,
			.many = 20,
			.spam = cases[i].spam,
			.confirmed = cases[i].confirmed,
		};

		assert_int_equal(rmt_course_ask(&asking), cases[i].want);
	}
	assert_string_equal(rmt_course_ask_word(RMT_ASK_SPAM), "spam");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			pitfall_22_three_posts_with_time_between_then_mail_then_over),
		cmocka_unit_test(U05_the_user_is_asked_before_many_and_before_spam),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
