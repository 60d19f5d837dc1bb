/* SPDX-License-Identifier: MIT */
/* left.h - the lists that were left in users' names, and whether they keep sending.
 *
 * One row for an address and a list: what the user asked for, what came of it, and
 * how many messages came after. `remite unsubscribe log` lists it; remite-milter's
 * inbound socket looks there whether a list should have fallen silent.
 */
#ifndef RMT_LEFT_H
#define RMT_LEFT_H

#include "common/store/deal.h"

enum rmt_left_state {
	RMT_LEFT_ASKED,   /* the user is asked once more: many at once, or spam */
	RMT_LEFT_WAITING, /* asked for; not done yet */
	RMT_LEFT_DONE,    /* the list's server, or a mail server, took it */
	RMT_LEFT_FAILED,  /* it was not done, for certain */
	RMT_LEFT_UNSURE,  /* something was sent; nobody said that it was taken */
	RMT_LEFT_STATES
};
const char *rmt_left_state_name(enum rmt_left_state state); /* "asked", ... */

enum { RMT_LEFT_TEXT_MAX = 512 };

struct rmt_left {
	/* All own; "" where not known. */
	char *address; /* that is subscribed, in lower case; else the user's login name */
	char *list;    /* List-Id; else "host:..." of the URL, else "from:..." */
	char *user;    /* login name */
	char *host;    /* that was POSTed to, or mailed */
	char *by;      /* "post", "mailto" */
	char *note;    /* why, or what was answered; one line */
	enum rmt_left_state state;
	int64_t since, changed; /* Unix seconds: first asked for; last change of state */
	uint64_t posts;
	uint64_t still;   /* messages that came though it was DONE long before */
	int64_t still_at; /* the last of them; 0: none */
};
void rmt_left_free(struct rmt_left *left);
typedef struct rmt_left rmt_left; /* for g_autoptr(rmt_left) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_left, rmt_left_free)

/* NULL texts are stored as "", long ones cut. */
void rmt_deal_put_left(struct rmt_deal *deal, const struct rmt_left *left);

/* NULL in *left_r: no row. Own. */
bool rmt_left_get(struct rmt_store *store, const char *address, const char *list,
		  struct rmt_left **left_r, GError **err);

/* A message of the list came for address: counts it where the list was left for good
 * more than after_secs ago. still_r: how many such messages by now; 0: all is well.
 * Writes only then. */
bool rmt_left_message(struct rmt_store *store, const char *address, const char *list,
		      int64_t now, int64_t after_secs, uint64_t *still_r, GError **err);

/* Of one address or (NULL) of all, until each returns false. What cannot be read is
 * skipped and logged. */
typedef bool rmt_left_each(void *context, const struct rmt_left *left);
bool rmt_left_walk(struct rmt_store *store, const char *address, rmt_left_each *each,
		   void *context, GError **err);

/* Of one user (login name), or (NULL) of all, last changed before; removed_r: how
 * many. */
bool rmt_left_remove(struct rmt_store *store, const char *user, int64_t before,
		     uint64_t *removed_r, GError **err);

/* A stored row: for tests and fuzzers. NULL: damaged. Own. */
struct rmt_left *rmt_left_read(struct rmt_span key, struct rmt_span value);

#endif
