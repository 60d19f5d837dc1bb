/* SPDX-License-Identifier: MIT */
/* background.h - threads nobody waits for. */
#ifndef RMT_BACKGROUND_H
#define RMT_BACKGROUND_H

/* The calling thread gives way to all others from now on (nice 19): on a busy or
 * lone processor, reading a configuration must not hold up answers. Without effect
 * where the system does not let it. */
void rmt_background(void);

#endif
