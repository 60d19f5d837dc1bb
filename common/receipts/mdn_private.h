/* SPDX-License-Identifier: MIT */
/* mdn_private.h - what the files mdn_*.c share; of no use elsewhere. */
#ifndef RMT_RECEIPTS_MDN_PRIVATE_H
#define RMT_RECEIPTS_MDN_PRIVATE_H

#include "common/receipts/mdn.h"

/* The fields of a notification, whatever state they are in. */
void rmt_mdn_fields(struct rmt_mdn *mdn, struct rmt_span text);

/* Is the text nothing but such fields, a Disposition among them? */
bool rmt_mdn_only_fields(struct rmt_span text);

#endif
