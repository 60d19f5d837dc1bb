/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/course.h"

/* After the first attempt the setting's time, after the second twice that. */
static int64_t time_of_next(const struct rmt_course_facts *facts)
{
	return facts->attempts == 0
		       ? facts->now
		       : facts->now + facts->retry_after_secs *
					      ((int64_t)1 << (facts->attempts - 1));
}

static enum rmt_course without_post(const struct rmt_course_facts *facts)
{
	if (facts->has_mailto)
		return RMT_COURSE_MAIL;
	return facts->unsure ? RMT_COURSE_UNSURE : RMT_COURSE_FAILED;
}

enum rmt_course rmt_course_next(const struct rmt_course_facts *facts, int64_t *at_r)
{
	*at_r = facts->now;
	if (facts->done)
		return RMT_COURSE_DONE;
	if (!facts->has_url)
		return without_post(facts);
	if (facts->attempts == 0)
		return RMT_COURSE_POST;
	if (!facts->open || facts->posts >= facts->tries ||
	    facts->attempts >= facts->tries)
		return without_post(facts);
	*at_r = time_of_next(facts);
	return RMT_COURSE_POST;
}

enum rmt_course_ask rmt_course_ask(const struct rmt_course_asking *asking)
{
	if (asking->confirmed)
		return RMT_ASK_NOT;
	if (asking->spam)
		return RMT_ASK_SPAM;
	return asking->at_once >= asking->many || asking->of_late >= asking->many
		       ? RMT_ASK_MANY
		       : RMT_ASK_NOT;
}

const char *rmt_course_ask_word(enum rmt_course_ask ask)
{
	static const char *const words[] = { "not", "many", "spam" };

	return words[ask];
}
