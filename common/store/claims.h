/* SPDX-License-Identifier: MIT */
/* claims.h - the one row that gives the right to answer a message's request.
 *
 * A row stands for a user and a message: its Message-ID, or a hash of its header
 * where it has none; rmt_claim_id() makes the id of either. Who takes the row from
 * one state into the next has won, and what he brings along (the job that sends, the
 * prompt, the line in the audit trail) is committed with it or not at all. Of two who
 * try at the same time, in whatever process, one wins; kill -9 leaves before or after.
 * Keywords in mailboxes only mirror the row.
 *
 *	struct rmt_claim_step step = {
 *		.user = "ann@example.net", .id = id, .to = RMT_CLAIM_APPROVED,
 *		.from = RMT_CLAIM_IN(RMT_CLAIM_NONE) | RMT_CLAIM_IN(RMT_CLAIM_DELIVERED),
 *		.now = now, .until = now + 400 * DAY, .rule = "...", .by = "policy",
 *	};
 *	rmt_deal_put_job(deal, &job);
 *	switch (rmt_claim_take(store, &step, deal, &row, &err)) ...
 */
#ifndef RMT_CLAIMS_H
#define RMT_CLAIMS_H

#include "common/store/deal.h"

enum rmt_claim_state {
	RMT_CLAIM_NONE,      /* no row */
	RMT_CLAIM_DELIVERED, /* a request was delivered here; not displayed yet */
	RMT_CLAIM_ASKED,     /* the user is being asked */
	RMT_CLAIM_APPROVED,  /* a job sends the receipt */
	RMT_CLAIM_SENDING,   /* the last octet is on its way: whether it was taken is
				not known until the next state */
	RMT_CLAIM_SENT,      /* final, as all that follow */
	RMT_CLAIM_DENIED,    /* nothing was and will be sent: policy, user or time */
	RMT_CLAIM_CLIENT,    /* the user's own program sent one */
	RMT_CLAIM_FAILED,    /* approved, but it could not be submitted */
	RMT_CLAIM_STATES
};
#define RMT_CLAIM_IN(state) (1u << (state))
const char *rmt_claim_state_name(enum rmt_claim_state state); /* "asked", ... */

enum {
	RMT_CLAIM_USER_MAX = 255,
	RMT_CLAIM_ID_MAX = 998, /* RFC 5322, 2.1.1: no Message-ID is longer */
	RMT_CLAIM_KEY = 16,     /* octets */
};

struct rmt_claim {
	enum rmt_claim_state state;
	int64_t since, changed, until; /* Unix seconds; until: may be forgotten then */
	char *user, *id;               /* own; "" once erased */
	char *target;    /* own; address the receipt goes to; "" not known */
	char *recipient; /* own; envelope recipient the message came for; "" not known */
	char *rule;      /* own; id of the reason that decided; "" */
	char *by;        /* own; who decided: "policy", "keyword", "link", ...; "" */
	char *receipt;   /* own; the receipt's Message-ID, without <>; "" */
	unsigned passed; /* times the receipt came by at submission */
};
void rmt_claim_free(struct rmt_claim *claim);
typedef struct rmt_claim rmt_claim; /* for g_autoptr(rmt_claim) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_claim, rmt_claim_free)

/* What stands for the message: message_id (of a field, of an MDN, or the key of
 * common/receipts/request.h) without angle brackets, comments and blanks. Empty:
 * nothing is left, and the message has no claim. */
void rmt_claim_id(struct rmt_span message_id, GString *id_r);

/* The row's key, which others may use for what belongs to it. */
struct rmt_span rmt_claim_key(const char *user, const char *id, char key[RMT_CLAIM_KEY]);

/* NULL in *claim_r: no row. Own. */
bool rmt_claim_get(struct rmt_store *store, const char *user, const char *id,
		   struct rmt_claim **claim_r, GError **err);

struct rmt_claim_step {
	const char *user, *id;
	unsigned from; /* RMT_CLAIM_IN() of every state it may be taken from */
	enum rmt_claim_state to;
	int64_t now, until;
	/* Written into the row; NULL: as it was. */
	const char *target, *recipient, *rule, *by, *receipt;
	/* The receipt was sent to its end and not taken: it may come by once more. */
	bool not_passed;
};

enum rmt_claim_result {
	RMT_CLAIM_TAKEN,   /* durable, and all of the deal */
	RMT_CLAIM_REFUSED, /* the row is in another state; nothing was changed */
	RMT_CLAIM_TROUBLE, /* the store refuses: *err; nothing was changed */
};

/* deal (may be NULL): what is done with it; foreign, used up. Its conditions
 * count as well. row_r (may be NULL): the row as it is now; NULL in it where
 * there is none; own; not with TROUBLE. */
enum rmt_claim_result rmt_claim_take(struct rmt_store *store,
				     const struct rmt_claim_step *step,
				     struct rmt_deal *deal, struct rmt_claim **row_r,
				     GError **err);

/* At submission: a message with the Message-ID of a receipt of ours comes by. */
enum rmt_claim_passage {
	RMT_CLAIM_FIRST_TIME,    /* let it go; durable that it went */
	RMT_CLAIM_AGAIN,         /* it went before: must not go again */
	RMT_CLAIM_UNKNOWN,       /* no receipt of ours has this id, or not any more */
	RMT_CLAIM_NOT_KNOWN_NOW, /* the store refuses: *err */
};
enum rmt_claim_passage rmt_claim_pass(struct rmt_store *store, const char *receipt,
				      int64_t now, GError **err);

/* Every row, in no particular order, until each returns false. each may be slow,
 * and may write to the store. What cannot be read is skipped and logged. */
typedef bool rmt_claims_each(void *context, const struct rmt_claim *claim);
bool rmt_claims_walk(struct rmt_store *store, rmt_claims_each *each, void *context,
		     GError **err);

/* Removes rows whose time has come. */
bool rmt_claims_expire(struct rmt_store *store, int64_t now, uint64_t *removed_r,
		       GError **err);

/* Of one user: names, addresses and ids go; that a message was answered stays, so
 * that it is not answered again. */
bool rmt_claims_erase(struct rmt_store *store, const char *user, uint64_t *erased_r,
		      GError **err);

/* A stored row: for tests and fuzzers. NULL: damaged or of a newer program. Own. */
struct rmt_claim *rmt_claim_read(struct rmt_span value);

#endif
