/* SPDX-License-Identifier: MIT */
/* links.h - what makes the unsubscribe links of remite-policyd's streams. */
#ifndef RMT_POLICYD_LINKS_H
#define RMT_POLICYD_LINKS_H

#include "postfix-policy/policyd/policyd.h"

/* Reads the key ring anew, where a stream needs one. Without a ring, mail goes on
 * without links, and the log says so as an error. */
void rmt_policyd_read_links(struct rmt_policyd *policyd, const struct rmt_config *config);

#endif
