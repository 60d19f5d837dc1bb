/* SPDX-License-Identifier: MIT */
/* trust.h - whether a header of ours was written by us: it stands above the first
 * Received of another host. The milter on the MX takes out what strangers wrote
 * under our names; without it remite_trust_headers must stay off. */
#ifndef RMT_TRUST_H
#define RMT_TRUST_H

#include <stdbool.h>

struct mail;

/* X-Remite-Unsubscribe: our MX found a signed way to unsubscribe by one click. */
bool rmt_trust_unsubscribe(struct mail *mail);

#endif
