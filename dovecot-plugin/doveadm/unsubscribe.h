/* SPDX-License-Identifier: MIT */
/* unsubscribe.h - `doveadm remite unsubscribe`. */
#ifndef RMT_DOVEADM_UNSUBSCRIBE_H
#define RMT_DOVEADM_UNSUBSCRIBE_H

void rmt_doveadm_unsubscribe_register(void);

#endif
