/* SPDX-License-Identifier: MIT */
/* leave_pace.h - how many POSTs went to a host within the minute, of all threads. */
#ifndef RMT_AGENT_LEAVE_PACE_H
#define RMT_AGENT_LEAVE_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Counts one, unless there were so many. now: Unix seconds. */
bool rmt_leave_pace(const char *host, unsigned per_minute, int64_t now);

#endif
