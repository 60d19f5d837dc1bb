/* SPDX-License-Identifier: MIT */
/* opened.h - a client has opened a mailbox: what earlier sessions left to be done.
 * Nothing is done where no message ever had a request. */
#ifndef RMT_OPENED_H
#define RMT_OPENED_H

#include <stdbool.h>

struct mailbox;
struct rmt_user;

/* SELECT, not EXAMINE, STATUS or the target of a COPY. */
bool rmt_opened_by_client(struct mailbox *box);

/* At the newest 2000 messages, by the index alone. What is older is told again when
 * it is read again. */
void rmt_opened_look(struct rmt_user *user, struct mailbox *box);

#endif
