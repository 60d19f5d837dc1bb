/* SPDX-License-Identifier: MIT */
/* readiness.h - whether domains are ready to be sent from: what streams require
 * of them (`require`), kept and renewed in the background.
 *
 * Who asks gets what is known by now. A domain that is not known, or no longer
 * surely, is asked about: the host takes it from rmt_readiness_next(), answers
 * its askers and gives it back, as often as there are rounds.
 *
 *	rmt_readiness_get(readiness, stream, domain, now_us, &ready);
 *	...
 *	while (in_flight < max && (job = rmt_readiness_next(readiness)) != NULL)
 *		while ((askers = rmt_ready_job_askers(job, now)) != NULL)
 *			run all of askers until they are done
 *		rmt_readiness_done(readiness, job, now_us);
 *
 * What DNS does not answer is unknown and nothing is refused for it; what was
 * good before then stays good for a while (setting dns.stale for own domains).
 * Times are of a monotonic clock, in microseconds. One thread.
 */
#ifndef RMT_READINESS_H
#define RMT_READINESS_H

#include "common/config/config.h"

struct rmt_readiness;
struct rmt_ready_job;

enum rmt_ready_state {
	RMT_READY,         /* nothing is missing */
	RMT_READY_UNKNOWN, /* not known yet, or DNS did not answer */
	RMT_NOT_READY,
};

/* What stands against a domain, the gravest first. Spans look into the cache
 * until it is asked the next time. */
struct rmt_ready {
	enum rmt_ready_state state;
	enum rmt_level
		level;    /* the stream's for what is missing; of UNKNOWN: on_unknown */
	const char *rule; /* "R2"; static; NULL for READY */
	const char *code; /* enhanced status code without its class: "7.27" */
	const char *text; /* sentence for the sender, or NULL */
	bool stale;       /* from before DNS went silent */
};

struct rmt_readiness *rmt_readiness_new(void);
/* Jobs that were taken must have been given back. */
void rmt_readiness_free(struct rmt_readiness *readiness);

/* Takes a reference. What is known stays where the streams ask the same. */
void rmt_readiness_configure(struct rmt_readiness *readiness, struct rmt_config *config);

/* The selectors that sign for a domain as was seen, for streams with dkim.learn;
 * NULL-ended, g_strfreev, or NULL. context: foreign. */
typedef char **rmt_readiness_selectors(void *context, struct rmt_span domain);
void rmt_readiness_learns(struct rmt_readiness *readiness,
			  rmt_readiness_selectors *selectors, void *context);

/* domain: folded. stream may be of a configuration before. */
void rmt_readiness_get(struct rmt_readiness *readiness, const struct rmt_stream *stream,
		       struct rmt_span domain, int64_t now_us, struct rmt_ready *ready_r);

/* The same in words, a line for each requirement; asks for nothing. */
void rmt_readiness_explain(struct rmt_readiness *readiness,
			   const struct rmt_stream *stream, struct rmt_span domain,
			   int64_t now_us, struct rmt_ready *ready_r, GString *out);

/* The organisational domain by RFC 9989's walk, asked for as above. False: not known
 * yet. org_r is good until the next call. */
bool rmt_readiness_org(struct rmt_readiness *readiness, struct rmt_span domain,
		       int64_t now_us, struct rmt_span *org_r);

/* The next domain to ask about; NULL: none. Whoever takes it gives it back. */
struct rmt_ready_job *rmt_readiness_next(struct rmt_readiness *readiness);

/* The next round of struct rmt_asker, the job's own; NULL: it is done. now: Unix
 * seconds. */
GPtrArray *rmt_ready_job_askers(struct rmt_ready_job *job, int64_t now);

/* Takes over what it found; frees the job. */
void rmt_readiness_done(struct rmt_readiness *readiness, struct rmt_ready_job *job,
			int64_t now_us);

/* Gives it back unfinished. */
void rmt_readiness_drop(struct rmt_readiness *readiness, struct rmt_ready_job *job);

struct rmt_readiness_stats {
	size_t domains, waiting; /* known of; to be asked about */
	uint64_t refreshes;      /* jobs that ended */
	uint64_t failures;       /* of them, those DNS did not answer all of */
	uint64_t dropped;        /* not asked about: too many wait */
	uint64_t ready, unknown, not_ready, stale; /* answers given */
};
void rmt_readiness_stats(const struct rmt_readiness *readiness,
			 struct rmt_readiness_stats *stats_r);

#endif
