/* SPDX-License-Identifier: MIT */
/* setup_list.h - policyd's place in a list of restrictions, text in and text out. */
#ifndef RMT_SETUP_LIST_H
#define RMT_SETUP_LIST_H

#include "common/cli/postconf.h"
#include "common/config/config.h"

/* The list with word put where it belongs: before the first restriction that may
 * let a client's mail pass without the rest being looked at; at the end if there is
 * none. A parameter in word that raw names already is not named twice. raw: as
 * written, expanded by pf. Own: g_free. */
char *rmt_setup_insert(const struct rmt_postfix *pf, const char *raw, const char *word,
		       const char *separator);

/* The list with policyd's entries moved to that place; NULL where raw does not show
 * one (it is inside a parameter or class of the administrator's). Own: g_free. */
char *rmt_setup_move(const struct rmt_config *config, const struct rmt_postfix *pf,
		     const char *raw, const char *separator);

/* The list with word behind policyd's first entry; NULL as rmt_setup_move(). */
char *rmt_setup_insert_behind(const struct rmt_config *config,
			      const struct rmt_postfix *pf, const char *raw,
			      const char *word, const char *separator);

#endif
