/* SPDX-License-Identifier: MIT */
/* place.h - where on a message's way Postfix calls us. */
#ifndef RMT_MILTER_PLACE_H
#define RMT_MILTER_PLACE_H

#include "common/config/config.h"

enum rmt_place {
	RMT_PLACE_BEFORE,  /* in front of the signer */
	RMT_PLACE_AFTER,   /* behind it */
	RMT_PLACE_INBOUND, /* on an MX */
	RMT_PLACE_COUNT,
};

const char *rmt_place_name(enum rmt_place place); /* "before", ... */

/* "unix:/path" or "inet:host:port"; NULL: this place is not served. */
const char *rmt_place_socket(const struct rmt_milter_config *config,
			     enum rmt_place place);

#endif
