/* SPDX-License-Identifier: MIT */
/* resolver_events_base.h - for resolver.c alone: what libunbound is given. */
#ifndef RMT_RESOLVER_EVENTS_BASE_H
#define RMT_RESOLVER_EVENTS_BASE_H

#include "common/auth/resolver_events.h"

struct ub_event_base;

struct ub_event_base *rmt_resolver_events_base(struct rmt_resolver_events *events);

#endif
