/* SPDX-License-Identifier: MIT */
/* agent_link.h - questions to remite-agent over its socket (wire.h), without
 * waiting for the answers.
 *
 * All questions of the process share a connection, made with the first one and kept.
 * Where it ends before the answer, the agent was restarted: the question is asked
 * again. A repeat is harmless, since the agent's row decides.
 */
#ifndef RMT_HTTP_AGENT_LINK_H
#define RMT_HTTP_AGENT_LINK_H

struct rmt_site_ask;

enum rmt_agent_link_result {
	RMT_AGENT_LINK_TAKEN,
	RMT_AGENT_LINK_REFUSED, /* the agent says no: it was answered, or is over */
	RMT_AGENT_LINK_TROUBLE, /* not there, or silent; logged */
};

/* One question. */
struct rmt_agent_link;

/* answered is called once, later, unless the link is freed before. ask is copied. */
struct rmt_agent_link *rmt_agent_link_ask(const struct rmt_site_ask *ask,
					  void (*answered)(void *context,
							   enum rmt_agent_link_result),
					  void *context);
/* Takes NULL; sets the pointer to NULL. */
void rmt_agent_link_free(struct rmt_agent_link **link);

/* A field of the agent's row, or of its answer; NULL: there is none. */
const char *rmt_agent_link_get(const struct rmt_agent_link *link, const char *name);

/* Lets the connection go. Every link was freed. */
void rmt_agent_link_deinit(void);

#endif
