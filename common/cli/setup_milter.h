/* SPDX-License-Identifier: MIT */
/* setup_milter.h - remite-milter among Postfix's milters: pure, from texts to edits.
 *
 *	remite_milter_after = { unix:remite/after, default_action=accept, ... }
 *	smtpd_milters = $remite_milter_before, inet:localhost:8891, $remite_milter_after
 *
 * Milters run in this order, each over what the one before left: what is to be
 * signed comes before the signer, what is to be judged behind it.
 */
#ifndef RMT_SETUP_MILTER_H
#define RMT_SETUP_MILTER_H

#include "common/cli/setup_plan.h"

enum rmt_milter_place { RMT_MILTER_NOT_OURS, RMT_MILTER_BEFORE, RMT_MILTER_AFTER };

#define RMT_SETUP_MILTER_BEFORE "remite_milter_before"
#define RMT_SETUP_MILTER_AFTER  "remite_milter_after"

/* One word of smtpd_milters: "{ unix:remite/after, default_action=accept }". Spans look
 * into the word; empty: not given. */
struct rmt_milter_entry {
	enum rmt_milter_place place;
	struct rmt_span endpoint, default_action;
	struct rmt_span connect_timeout, command_timeout, content_timeout;
};
void rmt_milter_entry_read(const struct rmt_config *config, const struct rmt_postfix *pf,
			   struct rmt_span word, struct rmt_milter_entry *entry_r);

/* The value the list should have; own: g_free. raw: as written. */
char *rmt_setup_milter_list(const struct rmt_config *config, const struct rmt_postfix *pf,
			    const char *raw, const char *separator);

/* Some list of Postfix's names a socket of remite-milter. */
bool rmt_setup_has_milter(const struct rmt_config *config, const struct rmt_postfix *pf);

/* Adds to the plan what the milters lack. */
void rmt_setup_plan_milter(struct rmt_setup_plan *plan, const struct rmt_config *config,
			   const struct rmt_postfix *pf);

#endif
