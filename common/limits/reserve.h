/* SPDX-License-Identifier: MIT */
/* reserve.h - what a message has reserved until it is known to be sent.
 *
 * A reservation is found by the hash of (peer, instance), in one table for all
 * connections. At RCPT a recipient's units are held; at DATA or
 * END-OF-MESSAGE they are committed with the real count and size; when the
 * message is known to be aborted, they are released. Open reservations are
 * logged through the counters and survive a restart.
 *
 * What a limit takes is derived from the reservation, per counter:
 *	messages: 1; recipients: those asked for; bytes: the size.
 * Counters that depend on the recipient (per_recipient) count the recipients
 * they were named with.
 *
 * Where the server asks at RCPT alone (told, or learned), units are committed there
 * at once; the reservation is still kept, so that a recipient asked for twice counts
 * once and what proves wrong can be given back.
 */
#ifndef RMT_RESERVE_H
#define RMT_RESERVE_H

#include "common/limits/counters.h"

struct rmt_reservations;

struct rmt_reservations *rmt_reservations_new(struct rmt_counters *counters /* foreign */,
					      uint64_t timeout_ns);
void rmt_reservations_free(struct rmt_reservations *reservations);

/* For rmt_counters_options: most reservations in a log have ended in it. */
bool rmt_reserve_ends(const void *record, size_t len, uint64_t *about_r);

void rmt_reservations_set_timeout(struct rmt_reservations *reservations,
				  uint64_t timeout_ns);

/* One limit that concerns a recipient: which counter, and how it counts. */
struct rmt_share {
	uint64_t key;
	const struct rmt_amount *amount; /* foreign; copied where kept */
	enum rmt_unit unit;
	bool per_recipient; /* the key depends on the recipient */
	bool report;        /* where it does not fit: pass, and do not add */
};

struct rmt_message {
	uint64_t id;       /* hash of peer and instance; never 0 */
	uint64_t envelope; /* hash of sender, user and client: another one under the same
			      id is another message */
	unsigned connection; /* who asks: releases name it */
	uint64_t size;       /* octets declared so far */
	uint64_t queue;      /* at the commit: hash of the queue id, under which what is
				charged is remembered; 0: it is not */
	const char *stream;  /* with queue: of g_intern_string() */
	int64_t line_ns;
};

enum rmt_reserve_result {
	RMT_RESERVED,         /* held, or held before: repeats change nothing */
	RMT_RESERVE_EXCEEDED, /* the share at *at_r does not fit; nothing was held */
};

/* When (line_ns) the reservation was begun; 0: there is none. */
int64_t rmt_reserve_began(const struct rmt_reservations *reservations, uint64_t id);

/* Reserves one recipient (hash of its folded address) against all shares, or
 * none. No shares: the recipient is only known of, so that recipient_count
 * can be told from what was reserved. would_r gets a bit for each report share that did
 * not fit (the first 64). usage_r is of the share at at_r, or of the fullest. dry: says
 * the same and changes nothing. A reservation whose envelope differs is released first.
 */
enum rmt_reserve_result rmt_reserve(struct rmt_reservations *reservations,
				    const struct rmt_message *message, uint64_t recipient,
				    const struct rmt_share *shares, size_t count,
				    bool dry, size_t *at_r, struct rmt_usage *usage_r,
				    uint64_t *would_r);

enum rmt_commit_result {
	RMT_COMMITTED,
	RMT_COMMIT_UNKNOWN, /* no such reservation: the caller decides and charges itself
			     */
};

struct rmt_commit {
	uint64_t recipient_count; /* as the server says; 0: not known, all stand */
	uint64_t recipient;       /* the one named, or 0 */
	uint64_t size;
	/* results */
	uint64_t reserved;       /* recipients that were held */
	bool candidates_charged; /* fewer accepted than asked, and nobody says which:
				    recipients' own counters keep all */
};

/* At DATA: gives back what the count shows to be refused, goes on holding. */
enum rmt_commit_result rmt_reserve_confirm(struct rmt_reservations *reservations,
					   const struct rmt_message *message,
					   struct rmt_commit *commit);

/* Commits and forgets. More recipients than are known of (duplicates, recipients
 * never asked for) are charged to the counters that do not depend on one. */
enum rmt_commit_result rmt_reserve_commit(struct rmt_reservations *reservations,
					  const struct rmt_message *message,
					  struct rmt_commit *commit);

/* The message is over without us (DISCARD, refused). False: unknown. */
bool rmt_reserve_release(struct rmt_reservations *reservations, uint64_t id);

/* What committed messages were charged is remembered from now on, or is not any
 * more, for who may still learn of them (sent.h). */
void rmt_reservations_remember(struct rmt_reservations *reservations, bool remember);
bool rmt_reservations_remembers(const struct rmt_reservations *reservations);

/* The stream (interned) that a committed message was charged to; NULL: not known. */
const char *rmt_reserve_sent_to(const struct rmt_reservations *reservations,
				uint64_t queue);

/* Gives back all that it was charged, once. False: not known, nothing was done. */
bool rmt_reserve_give_back(struct rmt_reservations *reservations, uint64_t queue,
			   int64_t line_ns);

/* A message whose recipients' shares are known all at once, so that each counter is
 * asked once: what it is to take, all or none, and remembered as a commit is. */
struct rmt_bill {
	uint64_t key;
	const struct rmt_amount *amount; /* foreign */
	uint64_t units;
	bool report; /* where it does not fit: pass, and do not add */
	bool fits;   /* result */
};
/* False: bills[*at_r] does not fit; nothing was charged. */
bool rmt_reserve_whole(struct rmt_reservations *reservations,
		       const struct rmt_message *message, struct rmt_bill *bills,
		       size_t count, size_t *at_r, struct rmt_usage *usage_r);

/* Charges a message that has no reservation, all or none; results as above. */
enum rmt_reserve_result rmt_reserve_direct(struct rmt_reservations *reservations,
					   const struct rmt_message *message,
					   uint64_t recipient_count,
					   const struct rmt_share *shares, size_t count,
					   bool dry, size_t *at_r,
					   struct rmt_usage *usage_r, uint64_t *would_r);

/* What becomes of a message that ended without its last stage: it was aborted,
 * or the server is not configured to ask there. stages: bits of 1 << enum
 * rmt_stage that the administrator named, 0: learned. Learned means: once the
 * server asked at END-OF-MESSAGE (DATA), a message without it was aborted; as
 * long as it never did at either and three messages in a row ended by another
 * instance, it is asked at RCPT alone, those three are committed after all, and
 * so is what follows; the first DATA or END-OF-MESSAGE ends that, and what is still known
 * of such messages is released. */
void rmt_reservations_set_stages(struct rmt_reservations *reservations, unsigned stages);
unsigned rmt_reservations_stages_seen(const struct rmt_reservations *reservations);

/* The connection names another instance now: what it took part in before ends
 * as said above. Cheap when nothing changed; call with every request. */
void rmt_reserve_instance(struct rmt_reservations *reservations, unsigned connection,
			  uint64_t id, int64_t line_ns);

/* The connection is closed: the same. (A close alone teaches nothing about stages.) */
void rmt_reserve_closed(struct rmt_reservations *reservations, unsigned connection,
			int64_t line_ns);

/* Releases what had no request for the time-out; returns how many. */
size_t rmt_reservations_expire(struct rmt_reservations *reservations, int64_t line_ns);

size_t rmt_reservations_open(const struct rmt_reservations *reservations);

#endif
