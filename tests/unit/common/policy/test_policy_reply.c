/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/policy/policy_reply.h"

static void actions_are_said_in_words_of_access_5(void **state)
{
	static const struct {
		enum rmt_action action;
		const char *text, *filter;
		enum rmt_stage stage;
		const char *want;
	} cases[] = {
		{ RMT_ACTION_DUNNO, "", NULL, RMT_STAGE_RCPT, "DUNNO" },
		{ RMT_ACTION_REPORT, "", NULL, RMT_STAGE_RCPT, "DUNNO" },
		{ RMT_ACTION_DEFER, "4.7.1 later", NULL, RMT_STAGE_RCPT,
		  "DEFER_IF_PERMIT 4.7.1 later" },
		{ RMT_ACTION_DEFER, "", NULL, RMT_STAGE_RCPT,
		  "DEFER_IF_PERMIT 4.7.1 Try again later" },
		{ RMT_ACTION_REJECT, "5.7.1 no", NULL, RMT_STAGE_RCPT,
		  "REJECT 5.7.1 no" },
		{ RMT_ACTION_HOLD, "look", NULL, RMT_STAGE_DATA, "HOLD look" },
		{ RMT_ACTION_DISCARD, "gone", NULL, RMT_STAGE_DATA, "DISCARD gone" },
		{ RMT_ACTION_DUNNO, "", "smtp-bulk:", RMT_STAGE_DATA,
		  "FILTER smtp-bulk:" },
		{ RMT_ACTION_DUNNO, "", "smtp-bulk:", RMT_STAGE_RCPT, "DUNNO" },
		{ RMT_ACTION_REJECT, "5.7.1 no", "smtp-bulk:", RMT_STAGE_DATA,
		  "REJECT 5.7.1 no" },
	};
	char out[RMT_POLICY_REPLY_MAX], want[RMT_POLICY_REPLY_MAX];
	size_t i, len;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_decision decision = { .action = cases[i].action,
						 .filter = cases[i].filter };

		g_strlcpy(decision.text, cases[i].text, sizeof(decision.text));
		g_snprintf(want, sizeof(want), "action=%s\n\n", cases[i].want);
		len = rmt_policy_reply(&decision, cases[i].stage, out);
		assert_string_equal(out, want);
		assert_int_equal(len, strlen(want));
	}
}

static void the_longest_text_still_ends_the_answer(void **state)
{
	struct rmt_decision decision = { .action = RMT_ACTION_DEFER };
	char out[RMT_POLICY_REPLY_MAX];
	size_t len;

	(void)state;
	memset(decision.text, 'x', sizeof(decision.text) - 1);
	len = rmt_policy_reply(&decision, RMT_STAGE_RCPT, out);
	assert_int_equal(len, strlen(out));
	assert_string_equal(out + len - 3, "x\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_are_said_in_words_of_access_5),
		cmocka_unit_test(the_longest_text_still_ends_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
