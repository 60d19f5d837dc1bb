/* SPDX-License-Identifier: MIT */
/* setup_service.h - policyd as Postfix's restrictions name it. */
#ifndef RMT_SETUP_SERVICE_H
#define RMT_SETUP_SERVICE_H

#include "common/cli/postconf.h"
#include "common/config/config.h"

/* Whether an smtpd runs in a chroot. */
bool rmt_setup_any_chrooted(const struct rmt_postfix *pf);

/* "unix:remite/policy" for a socket below the queue directory, else as it is written;
 * NULL where a chrooted program cannot reach it. Own: g_free. */
char *rmt_setup_reachable(const struct rmt_postfix *pf, const char *listen,
			  bool chrooted);

/* True where the service text names an address that policyd listens at. */
bool rmt_setup_is_policyd(const struct rmt_config *config, const struct rmt_postfix *pf,
			  struct rmt_span service_text, bool chrooted);

/* "{ unix:remite/policy, timeout=3s, try_limit=1, default_action=DUNNO }", with an
 * address every smtpd can reach; NULL if there is none. Own: g_free. */
char *rmt_setup_service_text(const struct rmt_config *config,
			     const struct rmt_postfix *pf);

/* Whether a stream has policyd add the fields of one-click unsubscribe. */
bool rmt_setup_asks_twice(const struct rmt_config *config);
/* Whether the service text asks for the second field. */
bool rmt_setup_is_second(struct rmt_span service_text);
/* The text that asks for it at the same address. Own: g_free. */
char *rmt_setup_second_text(struct rmt_span first);

#endif
