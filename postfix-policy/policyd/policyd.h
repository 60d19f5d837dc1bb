/* SPDX-License-Identifier: MIT */
/* policyd.h - the parts of remite-policyd, as main.c puts them together. */
#ifndef RMT_POLICYD_H
#define RMT_POLICYD_H

#include "common/policy/engine.h"
#include "postfix-policy/policyd/bulk_keeper.h"
#include "postfix-policy/policyd/loop.h"
#include "postfix-policy/policyd/metrics.h"
#include "postfix-policy/policyd/policy_session.h"
#include "postfix-policy/policyd/record.h"
#include "postfix-policy/policyd/senders.h"
#include "postfix-policy/policyd/shares_keeper.h"

struct rmt_policyd {
	const char *dns_file;      /* foreign; answers in place of DNS; or NULL */
	const char *config_file;   /* foreign; NULL: the built-in default */
	struct rmt_config *config; /* a reference; in force */
	struct rmt_loop *loop;     /* own, as all below */
	struct rmt_store *store;
	struct rmt_counters *counters;
	struct rmt_engine *engine;
	struct rmt_metrics *metrics;
	struct rmt_senders *senders;
	struct rmt_bulk_keeper *bulk;
	struct rmt_shares_keeper *shares;
	struct rmt_record *record; /* or NULL */
	struct rmt_sessions *sessions;
	struct rmt_sockets *sockets;
	struct rmt_metrics_http *http;
	struct rmt_control *control;
	struct rmt_reload *reload;

	/* As read at the wake-up. */
	struct rmt_now now;
	int64_t upkept_ns; /* line of the last upkeep */
	int64_t monotonic_ns;

	int64_t started, config_loaded; /* Unix seconds */
	bool reload_ok, stopping;
};

/* Reads the clocks for this turn. */
void rmt_policyd_time(struct rmt_policyd *policyd);

/* Without DNS nothing is refused, so what is wrong there is but logged. */
void rmt_policyd_configure_senders(struct rmt_policyd *policyd,
				   struct rmt_config *config);

void rmt_policyd_metrics_state(struct rmt_policyd *policyd,
			       struct rmt_metrics_state *state_r);

/* A rmt_metrics_page; context is the policyd. */
void rmt_policyd_metrics_page(void *context, GString *out);

#endif
