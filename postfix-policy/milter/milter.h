/* SPDX-License-Identifier: MIT */
/* milter.h - what all connections share. */
#ifndef RMT_MILTER_H
#define RMT_MILTER_H

#include "common/policy/classify.h"
#include "common/store/store.h"
#include "postfix-policy/milter/counts.h"
#include "postfix-policy/milter/names.h"
#include "postfix-policy/milter/policyd_client.h"
#include "postfix-policy/milter/step.h"

/* A configuration in force: a message ends under the one its end began with. */
struct rmt_in_force {
	gint refs;
	struct rmt_config *config;         /* own */
	struct rmt_classifier *classifier; /* own */
	bool needs_policyd; /* streams have conditions that policyd alone is told of */
	bool counts_octets; /* a limit is of bytes */
	bool reads_text;    /* a stream looks for links to unsubscribe */
};

struct rmt_milter {
	enum rmt_place place;        /* what this process serves */
	void *states[RMT_STEPS_MAX]; /* the steps'; by their row */
	const char *config_file;     /* foreign; NULL: built-in defaults */
	GMutex lock;
	struct rmt_in_force *in_force; /* own; under lock */
	int64_t read_us; /* of g_get_monotonic_time(): it was read from then on; under
			    lock */
	/* Of records.c, under lock: */
	struct rmt_store *records;  /* own; NULL: not opened */
	GError *records_trouble;    /* own; why not */
	int64_t records_again;      /* seconds of the monotonic clock: tried not before */
	struct rmt_names *names;    /* own */
	struct rmt_psl *psl;        /* own; or NULL */
	struct rmt_dkim_keys *keys; /* own */
	struct rmt_policyd_client *policyd; /* own; NULL on an MX */
	struct rmt_counts *counts;          /* shared by all processes */
	gint ending;                        /* messages that are being judged; atomic */
};

/* Takes the configuration. */
void rmt_milter_set_config(struct rmt_milter *milter, struct rmt_config *config);

struct rmt_in_force *rmt_milter_in_force(struct rmt_milter *milter); /* a reference */
void rmt_in_force_unref(struct rmt_in_force *in_force);

/* Reads the configuration again; what is wrong with it is logged, and the one in
 * force stays. */
void rmt_milter_reload(struct rmt_milter *milter);

/* The same, unless it was read since then anyway: `remite reload` tells policyd, which
 * tells us, and us. began_us: of g_get_monotonic_time(); 0: not known. */
void rmt_milter_reload_since(struct rmt_milter *milter, int64_t began_us);

/* "messages=12 pass=9 log=1 ...": what was, or would have been, done. */
void rmt_milter_log_counts(struct rmt_milter *milter);

#endif
