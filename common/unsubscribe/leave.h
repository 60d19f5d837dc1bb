/* SPDX-License-Identifier: MIT */
/* leave.h - leaving a list, from the message to the endpoint's answer: verify, find
 * the way out, resolve its host, POST. Blocks; one message at a time.
 *
 *	rmt_leave_open(&leave, config, zone_file, &err);
 *	rmt_leave_look(leave, message, record, now, &way);
 *	if (way.url != NULL)
 *		rmt_leave_post(leave, way.url, &posted);
 *	rmt_leave_way_clear(&way);
 *	rmt_leave_close(leave);
 */
#ifndef RMT_LEAVE_H
#define RMT_LEAVE_H

#include "common/config/config.h"
#include "common/unsubscribe/covered.h"
#include "common/unsubscribe/mailto.h"
#include "common/unsubscribe/post.h"
#include "common/unsubscribe/proof.h"

struct rmt_leave;

/* config: foreign. dns_file: a zone in place of DNS, or NULL. Opens no files later. */
bool rmt_leave_open(struct rmt_leave **leave_r, const struct rmt_config *config,
		    const char *dns_file, GError **err);
void rmt_leave_close(struct rmt_leave *leave);

/* The ways out a message offers. Strings are own; NULL: not that way. */
struct rmt_leave_way {
	struct rmt_covered covered;       /* what the signatures said */
	bool by_record;                   /* the record of delivery speaks, not they */
	char *url, *host;                 /* url: as the target is written */
	struct rmt_mailto mailto;         /* to NULL: none */
	char *list_id, *domain;           /* domain: of the signature */
	enum rmt_target_result target;    /* why there is no url, where one was offered */
	enum rmt_mailto_result mailto_is; /* and no mailto */
};

/* record: of delivery, where it may be believed (proof.h); else NULL. It is used
 * where the signatures cannot be verified any more, and not where they are wrong. */
void rmt_leave_look(struct rmt_leave *leave, struct rmt_span message,
		    const struct rmt_proof *record, int64_t now,
		    struct rmt_leave_way *way_r);
void rmt_leave_way_clear(struct rmt_leave_way *way);

struct rmt_leave_posted {
	struct rmt_post_result last;
	unsigned posts; /* requests that were made, at most posts_max */
	bool resolved;  /* else DNS had no addresses: last.outcome is CONNECT */
};

/* Multipart first; urlencoded where the endpoint may have stumbled over that. */
void rmt_leave_post(struct rmt_leave *leave, const char *url, unsigned posts_max,
		    struct rmt_leave_posted *posted_r);

#endif
