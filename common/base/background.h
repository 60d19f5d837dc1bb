/* SPDX-License-Identifier: MIT */
/* background.h - threads nobody waits for, and the one that all do. */
#ifndef RMT_BACKGROUND_H
#define RMT_BACKGROUND_H

/* The calling thread gives way to all others from now on (nice 19): on a busy or
 * lone processor, reading a configuration must not hold up answers. Without effect
 * where the system does not let it. */
void rmt_background(void);

/* The calling thread, and those it makes from now on, are to run soon after they wake:
 * they ask for a short slice, so that Linux (from 6.12 on) does not let another thread
 * on the same processor finish its own first. Nothing is asked for where the process was
 * given another policy (chrt, CPUSchedulingPolicy=). */
void rmt_foreground(void);

#endif
