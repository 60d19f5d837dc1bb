/* SPDX-License-Identifier: MIT */
/* dwell.h - the rule "strict": a message is displayed when no other one's text is
 * read for a while after it. */
#ifndef RMT_DWELL_H
#define RMT_DWELL_H

#include <stdint.h>

struct rmt_dwell;
struct rmt_user;

enum { RMT_DWELL_MSECS = 5000 };

/* Reported, and marked, after the while. Another one that waited is forgotten. */
void rmt_dwell_start(struct rmt_user *user, const char *box, uint32_t uidvalidity,
		     uint32_t uid);
/* Another message's text was read. */
void rmt_dwell_other(struct rmt_user *user, const char *box, uint32_t uid);
/* Sets the pointer to NULL; takes NULL. */
void rmt_dwell_deinit(struct rmt_dwell **dwell);

#endif
