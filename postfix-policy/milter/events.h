/* SPDX-License-Identifier: MIT */
/* events.h - libmilter's events, one short function each: they fill a session,
 * and its message is judged at the end (end.h). */
#ifndef RMT_MILTER_EVENTS_H
#define RMT_MILTER_EVENTS_H

#include <stdbool.h>

#include "postfix-policy/milter/milter.h"

/* Before smfi_main(). milter: foreign, for the process's life, since libmilter
 * hands no context to a connection's first event. False: libmilter refuses. */
bool rmt_events_register(struct rmt_milter *milter);

#endif
