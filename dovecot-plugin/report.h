/* SPDX-License-Identifier: MIT */
/* report.h - what happened to a message, as a job. NULL where it cannot be read, or
 * there is nothing to tell of it. */
#ifndef RMT_REPORT_H
#define RMT_REPORT_H

struct mail;
struct rmt_job;
struct rmt_user;

/* kind: "shown", "choice" (as its keywords say), "unsubscribe" (one of count). */
struct rmt_job *rmt_report(struct rmt_user *user, const char *kind, struct mail *mail,
			   unsigned int count);
/* It is about to be. */
struct rmt_job *rmt_report_deleted(struct rmt_user *user, struct mail *mail);
/* choice: "approve", "deny", "always", "junk" */
struct rmt_job *rmt_report_choice(struct rmt_user *user, const char *choice,
				  struct mail *mail);
/* count: how many the user asked for at once. */
struct rmt_job *rmt_report_unsubscribe(struct rmt_user *user, struct mail *mail,
				       unsigned int count);
struct rmt_job *rmt_report_confirmed(struct rmt_user *user, struct mail *mail);

/* The choice that the message's keywords tell, or NULL. */
const char *rmt_choice_of(struct mail *mail);
/* The choice that a keyword means, or NULL. */
const char *rmt_choice_by_keyword(const char *keyword);

#define RMT_CHOICE_KEYWORDS                                                              \
	RMT_KEYWORD_APPROVE " " RMT_KEYWORD_DENY " " RMT_KEYWORD_ALWAYS

#endif
