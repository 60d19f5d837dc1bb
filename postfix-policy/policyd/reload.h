/* SPDX-License-Identifier: MIT */
/* reload.h - a new configuration while answers go on.
 *
 * It is read by a thread of its own, since large lists take seconds, and taken
 * over between two turns: all of it or nothing. What it replaces is freed by a
 * thread as well.
 */
#ifndef RMT_RELOAD_H
#define RMT_RELOAD_H

#include "postfix-policy/policyd/policyd.h"

struct rmt_reload;

struct rmt_reload *rmt_reload_new(struct rmt_policyd *policyd, GError **err);
void rmt_reload_free(struct rmt_reload *reload); /* waits for the thread */

/* Begins; asked while one is under way, another one follows it. */
void rmt_reload_begin(struct rmt_reload *reload);

/* How many have ended, and what the last one complained of (own by reload;
 * NULL: nothing). */
unsigned rmt_reload_ended(const struct rmt_reload *reload);

/* When the last one that ended began to read, of g_get_monotonic_time(); 0: none has. */
int64_t rmt_reload_began_us(const struct rmt_reload *reload);
bool rmt_reload_running(const struct rmt_reload *reload);
const GPtrArray *rmt_reload_complaints(const struct rmt_reload *reload);

/* Once a second: frees configurations nobody uses any more. */
void rmt_reload_sweep(struct rmt_reload *reload);

#endif
