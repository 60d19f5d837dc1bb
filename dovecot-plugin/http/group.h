/* SPDX-License-Identifier: MIT */
/* group.h - unsubscribes of one turn of the loop, in one durable commit.
 *
 * Whoever is told 200 is on the list already, after any crash: answers go out when
 * the commit has returned, and not before.
 *
 *	rmt_group_add(group, &wish, answered, context);	(as requests come in)
 *	...
 *	rmt_group_commit(group);			(once a turn: calls answered)
 */
#ifndef RMT_HTTP_GROUP_H
#define RMT_HTTP_GROUP_H

#include "common/store/wish.h"

/* ok: it is on the disk. */
typedef void rmt_group_answered(void *context, bool ok);

struct rmt_group;
struct rmt_group *rmt_group_new(struct rmt_store *store /* foreign */);
/* Whoever still waits is answered with false. */
void rmt_group_free(struct rmt_group *group);

/* The wish is copied. */
void rmt_group_add(struct rmt_group *group, const struct rmt_wish *wish,
		   rmt_group_answered *answered, void *context);
bool rmt_group_waits(const struct rmt_group *group);

/* All that waits, up to a bound; call again while rmt_group_waits(). */
void rmt_group_commit(struct rmt_group *group);

#endif
