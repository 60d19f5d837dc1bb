/* SPDX-License-Identifier: MIT */
/* group.h - unsubscribes that come together, in one durable commit.
 *
 * Whoever is told 200 is on the list already, after any crash: answers go out when
 * the commit has returned, and not before. A thread waits for the disk, and for the
 * writers of other processes; the host's loop goes on meanwhile, and what comes in
 * is the next commit.
 *
 *	rmt_group_add(group, &wish, answered, context);	(as requests come in)
 *	rmt_group_start(group);				(once a turn)
 *	poll(rmt_group_fd(group)) -> rmt_group_finish(group)	(calls answered)
 */
#ifndef RMT_HTTP_GROUP_H
#define RMT_HTTP_GROUP_H

#include "common/feedback/leaving.h"

/* ok: it is on the disk. In the host's thread. */
typedef void rmt_group_answered(void *context, bool ok);

struct rmt_group;
struct rmt_group *rmt_group_new(struct rmt_store *store /* foreign */);
/* Waits for the commit under way; whoever is not in it is answered with false. */
void rmt_group_free(struct rmt_group *group);

/* The wish is copied; it counts against its stream (leaving.h). */
void rmt_group_add(struct rmt_group *group, const struct rmt_wish *wish,
		   rmt_group_answered *answered, void *context);

/* Commits all that waits, up to a bound; what is under way ends first. */
void rmt_group_start(struct rmt_group *group);

/* Readable when a commit has ended. */
int rmt_group_fd(const struct rmt_group *group);
/* Answers who was in it, and starts the next one. Nothing where none has ended. */
void rmt_group_finish(struct rmt_group *group);

/* A stream that somebody left since it was last taken, who counts; NULL: none. Own:
 * g_free. */
char *rmt_group_take_left(struct rmt_group *group);

#endif
