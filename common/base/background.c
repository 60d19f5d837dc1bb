/* SPDX-License-Identifier: MIT */
#include "common/base/background.h"

#include <sys/resource.h>

void rmt_background(void)
{
	/* On Linux a priority is a thread's own, and 0 is the caller. */
	setpriority(PRIO_PROCESS, 0, 19);
}
