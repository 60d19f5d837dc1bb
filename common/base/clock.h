/* SPDX-License-Identifier: MIT */
/* clock.h - time as an argument: nobody below the hosts asks the system.
 *
 * Counters live on their own time line: nanoseconds since the epoch as it was
 * believed when the state was made, going on with the monotonic clock alone.
 * A wall clock that jumps neither opens nor closes a limit. Expiries that
 * people write down (suppressions, pauses) are Unix seconds of the wall clock.
 */
#ifndef RMT_CLOCK_H
#define RMT_CLOCK_H

#include <stdint.h>

enum { RMT_NS_PER_SEC = 1000000000, RMT_NS_PER_MS = 1000000 };

struct rmt_now {
	int64_t line_ns;   /* counters' time line */
	int64_t wall_secs; /* Unix time */
};

#endif
