/* SPDX-License-Identifier: MIT */
/* receipts.h - `doveadm remite receipts ...`. */
#ifndef RMT_DOVEADM_RECEIPTS_H
#define RMT_DOVEADM_RECEIPTS_H

void rmt_doveadm_receipts_register(void);

#endif
