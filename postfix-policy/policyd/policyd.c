/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/policyd.h"

#include "common/base/log.h"

void rmt_policyd_time(struct rmt_policyd *policyd)
{
	policyd->monotonic_ns = rmt_boot_ns();
	policyd->now.line_ns =
		rmt_counters_line(policyd->counters, policyd->monotonic_ns);
	policyd->now.wall_secs = rmt_wall_ns() / RMT_NS_PER_SEC;
	if (policyd->sessions != NULL)
		rmt_sessions_time(policyd->sessions, &policyd->now,
				  policyd->monotonic_ns);
}

void rmt_policyd_configure_senders(struct rmt_policyd *policyd, struct rmt_config *config)
{
	g_autoptr(GError) err = NULL;

	if (!rmt_senders_configure(policyd->senders, config, &err))
		rmt_log(RMT_LOG_ERROR, "%s: what streams require stays unknown",
			err->message);
}

void rmt_policyd_metrics_state(struct rmt_policyd *policyd,
			       struct rmt_metrics_state *state_r)
{
	const struct rmt_suppress_index *suppressed =
		rmt_engine_suppress_index(policyd->engine);

	*state_r = (struct rmt_metrics_state){
		.connections = rmt_sessions_count(policyd->sessions),
		.max_connections = policyd->config->policyd.max_connections,
		.reservations =
			rmt_reservations_open(rmt_engine_reservations(policyd->engine)),
		.has_suppress = suppressed != NULL,
		.reload_ok = policyd->reload_ok,
		.config_loaded = policyd->config_loaded,
		.started = policyd->started,
	};
	rmt_counters_stats(policyd->counters, &state_r->counters);
	if (suppressed != NULL)
		rmt_suppress_index_stats(suppressed, &state_r->suppress_entries,
					 &state_r->suppress_bytes,
					 &state_r->suppress_complete);
}

void rmt_policyd_metrics_page(void *context, GString *out)
{
	struct rmt_policyd *policyd = context;
	g_autoptr(GPtrArray) shares = NULL;
	struct rmt_metrics_state state;

	rmt_policyd_metrics_state(policyd, &state);
	rmt_metrics_format(policyd->metrics, &state, out);
	rmt_senders_metrics(policyd->senders, out);
	shares = rmt_shares_keeper_rows(policyd->shares);
	rmt_shares_format(shares, out);
}
