/* SPDX-License-Identifier: MIT */
/* course.h - what is done next about leaving a list: pure decisions.
 *
 *	POST (at most `tries`, with time between them) -> a message to the mailto
 *	address, if there is one -> that was it
 *
 * Who refused will refuse again: no more POSTs then. A POST that nobody answered may
 * have been taken, so "failed" is said only where it cannot have been (RFC 9979, 6.2).
 */
#ifndef RMT_COURSE_H
#define RMT_COURSE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum rmt_course {
	RMT_COURSE_POST,   /* at `at` */
	RMT_COURSE_MAIL,   /* now, or at `at` */
	RMT_COURSE_DONE,   /* keyword $unsubscribed */
	RMT_COURSE_UNSURE, /* over; it may have been taken */
	RMT_COURSE_FAILED, /* over; it was not */
};

struct rmt_course_facts {
	bool has_url, has_mailto;
	bool done;         /* the last POST was answered with 2xx */
	bool open;         /* it failed in a way that may pass */
	bool unsure;       /* one of them may have been taken */
	unsigned posts;    /* made so far */
	unsigned attempts; /* to make one: DNS or connection may have failed */
	unsigned tries;    /* of either at most */
	int64_t now, retry_after_secs;
};

/* at_r: when, Unix seconds. */
enum rmt_course rmt_course_next(const struct rmt_course_facts *facts, int64_t *at_r);

/* Why the user is asked once more before anything is sent. */
enum rmt_course_ask {
	RMT_ASK_NOT,
	RMT_ASK_MANY, /* pitfall 25: a client's rule, or "select all" */
	RMT_ASK_SPAM, /* pitfall 22: an answer tells spammers that somebody is there */
};
const char *rmt_course_ask_word(enum rmt_course_ask ask); /* "many", stable */

struct rmt_course_asking {
	uint64_t at_once; /* messages in the user's one action */
	uint64_t of_late; /* of this user within ten minutes */
	uint64_t many;    /* so many of either are asked about */
	bool spam;        /* in Junk, or a filter says so */
	bool confirmed;   /* the user was asked, and said yes */
};
enum rmt_course_ask rmt_course_ask(const struct rmt_course_asking *asking);

#endif
