/* SPDX-License-Identifier: MIT */
/* recipient.h - whose mail it is: a user's addresses, and which of them a message
 * was for (M21, M22, pitfall 4).
 */
#ifndef RMT_RECEIPTS_RECIPIENT_H
#define RMT_RECEIPTS_RECIPIENT_H

#include "common/config/list.h"
#include "common/receipts/request.h"

struct rmt_receipt_user {
	char *name;            /* own; as it logs in */
	GPtrArray *mailboxes;  /* own; struct rmt_mailbox; the first one is the usual */
	struct rmt_list *list; /* own; all addresses, patterns too, folded */
	bool known;    /* somebody said which addresses are the user's; else they are
			  guessed and nothing goes out unasked */
	char **groups; /* own; NULL-ended; or NULL */
	const struct rmt_fold *fold; /* foreign; or NULL */
};

/* addresses: "bob@example.com", or "*@bob.example" for all of a domain; NULL or
 * empty: the name, if it is an address. groups and fold may be NULL; fold must
 * outlive the user. What is no address is left out; bad_r (or NULL) tells how many.
 * Own: rmt_receipt_user_free. */
struct rmt_receipt_user *rmt_receipt_user_new(const char *name,
					      const char *const *addresses,
					      const char *const *groups,
					      const struct rmt_fold *fold,
					      unsigned *bad_r);
void rmt_receipt_user_free(struct rmt_receipt_user *user);
typedef struct rmt_receipt_user rmt_receipt_user; /* for g_autoptr() */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_receipt_user, rmt_receipt_user_free)

/* Is it one of the user's? Folded as the configuration says (pitfall 4: plus). */
bool rmt_receipt_user_has(const struct rmt_receipt_user *user,
			  const struct rmt_mailbox *mailbox);

/* The first address that can be written where there is no SMTPUTF8. NULL: none can.
 * Lives as long as the user. */
const struct rmt_mailbox *rmt_receipt_user_ascii(const struct rmt_receipt_user *user);

/* How a message came to the user. */
enum rmt_recipient_way {
	RMT_RECIPIENT_NAMED,  /* an address of the user stands in To or Cc */
	RMT_RECIPIENT_HIDDEN, /* delivered to an address of the user, but named nowhere:
				 Bcc */
	RMT_RECIPIENT_GROUP,  /* delivered to another address first: an alias, a group */
	RMT_RECIPIENT_UNSAID, /* none of it is known */
};

struct rmt_receipt_recipient {
	enum rmt_recipient_way way;
	const struct rmt_mailbox *final; /* foreign, of the request, the user or envelope;
					    NULL: nobody knows */
	const struct rmt_mailbox *original; /* for Original-Recipient; NULL: not known */
};

/* envelope: the recipient of the delivery, NULL where it is not known. */
void rmt_receipt_recipient_find(const struct rmt_receipt_request *request,
				const struct rmt_receipt_user *user,
				const struct rmt_mailbox *envelope,
				struct rmt_receipt_recipient *recipient_r);

const char *rmt_recipient_way_name(enum rmt_recipient_way way); /* "named", ... */

#endif
