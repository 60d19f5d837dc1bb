/* SPDX-License-Identifier: MIT */
/* gmime.h - GMime's own state. */
#ifndef RMT_MESSAGE_GMIME_H
#define RMT_MESSAGE_GMIME_H

/* Makes it, once, whoever asks first: GMime does not guard that. */
void rmt_gmime_start(void);

#endif
