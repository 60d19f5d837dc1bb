/* SPDX-License-Identifier: MIT */
/* drop.h - mailboxes that are answers: a message dropped there is a choice, and
 * goes back to where it was. */
#ifndef RMT_DROP_H
#define RMT_DROP_H

struct mail;
struct mailbox;
struct rmt_change;
struct rmt_user;

/* "approve", "deny", "unsubscribe"; NULL for ordinary mailboxes. */
const char *rmt_drop_of(const struct rmt_user *user, struct mailbox *box);

/* mail, in the drop mailbox, goes to change->source; NULL: away. Where it was copied
 * from there, it takes the original's place: clients that know no MOVE copy, and then
 * expunge the original. Where that fails it stays. mark: a keyword it gets there, or
 * NULL. */
void rmt_drop_put_back(struct rmt_user *user, struct mail *mail,
		       const struct rmt_change *change, const char *mark);

#endif
