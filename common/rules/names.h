/* SPDX-License-Identifier: MIT */
/* names.h - what the name of a domain or host alone tells. */
#ifndef RMT_RULES_NAMES_H
#define RMT_RULES_NAMES_H

#include <stdbool.h>

#include "common/auth/ip.h"

/* A domain whose mailboxes are given to the public: only its owner's hosts may send
 * for it (R8). Subdomains are not. Lower case. */
bool rmt_is_free_mail(struct rmt_span domain);

/* A reverse name as networks give to customers: it holds the address's own numbers,
 * or a word for a line that is dialled (R9: Yahoo, and many others). */
bool rmt_is_generic_name(struct rmt_span name, const struct rmt_ip *ip);

#endif
