/* SPDX-License-Identifier: MIT */
/* agent.h - remite-agent without Dovecot: what it knows, and the table of kinds.
 *
 * Two sorts of work: a job that came over the wire is taken (committed, in the
 * main thread, at once) or refused; a stored job (common/store/jobs.h) whose time
 * has come is run in a worker thread, which may take its time and must end it
 * with rmt_job_done(), rmt_job_again() or rmt_job_give_up(). A new kind is a file
 * and a row in kinds.c.
 */
#ifndef RMT_AGENT_H
#define RMT_AGENT_H

#include "common/config/config.h"
#include "common/receipts/template.h"
#include "common/store/claims.h"
#include "common/store/jobs.h"
#include "common/token/token.h"
#include "dovecot-plugin/agent/submit.h"
#include "dovecot-plugin/wire.h"

enum { RMT_AGENT_DAY = 24 * 3600 };

struct rmt_rates;
struct rmt_queue;

struct rmt_agent {
	struct rmt_config *config;       /* own */
	struct rmt_store *store;         /* own */
	struct rmt_templates *templates; /* own */
	struct rmt_keys *keys;           /* own; NULL: no ring, so no links */
	struct rmt_rates *rates;         /* own; of the main thread */
	struct rmt_queue *queue;         /* own */
	char *host;                      /* own; right side of Message-IDs */
	unsigned char secret[32];        /* of Message-IDs */
	/* The host's. wake: from any thread, have rmt_agent_turn() called. */
	int64_t (*now_us)(void *context);
	void (*wake)(void *context);
	/* For tests: a place where the process might be killed. NULL in production. */
	void (*fault)(void *context, const char *place);
	void *context; /* foreign */
};

/* config, store: taken over, also on failure. Templates and key ring are read, the
 * rates are counted from the audit trail. */
bool rmt_agent_new(struct rmt_agent **agent_r, struct rmt_config *config,
		   struct rmt_store *store, GError **err);
/* Ends the workers: waits for those at work. Takes NULL. */
void rmt_agent_free(struct rmt_agent *agent);

/* Once the host's functions are set. For who takes jobs: counts the rates. */
bool rmt_agent_start(struct rmt_agent *agent, GError **err);
/* For who does stored jobs: starts the workers; what was left is taken up. One
 * process at a time (sender.h). */
void rmt_agent_start_queue(struct rmt_agent *agent);

/* Hands what is due to the workers, if it has any. Returns when it wants to be called
 * again, Unix seconds (INT64_MAX: when woken, or something was added to the store). */
int64_t rmt_agent_turn(struct rmt_agent *agent);

static inline int64_t rmt_agent_now_us(const struct rmt_agent *agent)
{
	return agent->now_us(agent->context);
}
static inline int64_t rmt_agent_now(const struct rmt_agent *agent)
{
	return rmt_agent_now_us(agent) / G_USEC_PER_SEC;
}
static inline void rmt_agent_fault(const struct rmt_agent *agent, const char *place)
{
	if (agent->fault != NULL)
		agent->fault(agent->context, place);
}

/* --- what comes over the wire --- */

enum rmt_taken {
	RMT_TAKEN_ACK,   /* committed */
	RMT_TAKEN_NAK,   /* never will be: reason says why */
	RMT_TAKEN_LATER, /* the store refuses, which was logged, or it is too early: no
			    answer, so that it comes again */
};

struct rmt_agent_job {
	const struct rmt_wire_record *record; /* foreign */
	const char *user;                     /* foreign; may be spoken for */
	const char *role;                     /* foreign; "mail", "doveadm", "http" */
	struct rmt_wire_out *rows; /* foreign; records to send before the answer */
	GString *reason;           /* foreign; of a refusal */
	GPtrArray *fields; /* foreign; of the ACK: names and values in turn, own */
};
void rmt_agent_ack_field(const struct rmt_agent_job *job, const char *name,
			 const char *value);
/* Sets the reason. Returns RMT_TAKEN_NAK. */
enum rmt_taken rmt_agent_refuse(const struct rmt_agent_job *job, const char *format, ...)
	G_GNUC_PRINTF(2, 3);
/* Logs the error, which is freed. Returns RMT_TAKEN_LATER. */
enum rmt_taken rmt_agent_trouble(const char *what, GError *err);

enum rmt_taken rmt_agent_take(struct rmt_agent *agent, const struct rmt_agent_job *job);

/* --- what is run --- */

struct rmt_agent_worker {
	struct rmt_submission *submission; /* own; of this thread */
};

struct rmt_agent_kind {
	const char *name;
	enum rmt_taken (*take)(struct rmt_agent *agent, const struct rmt_agent_job *job);
	void (*run)(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		    const struct rmt_job *job);
};
extern const struct rmt_agent_kind rmt_agent_kinds[]; /* up to one without name */
const struct rmt_agent_kind *rmt_agent_kind(const char *name);

#endif
