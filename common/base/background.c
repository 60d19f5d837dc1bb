/* SPDX-License-Identifier: MIT */
#include "common/base/background.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLICE_NS = 100000 };

/* struct sched_attr of sched_setattr(2): older C libraries do not have it, newer ones
 * and the kernel's header have it twice. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns; /* the slice; 0: the system's */
	uint64_t deadline_ns, period_ns;
};

static void ask_for(int nice, uint64_t slice_ns)
{
	const struct attributes attributes = { .size = sizeof(attributes),
					       .policy = SCHED_OTHER,
					       .nice = nice,
					       .runtime_ns = slice_ns };

	if (syscall(SYS_sched_setattr, 0, &attributes, 0) != 0)
		errno = 0; /* then it stays as it is */
}

void rmt_background(void)
{
	/* On Linux a priority is a thread's own, and 0 is the caller. */
	setpriority(PRIO_PROCESS, 0, 19);
	ask_for(19, 0);
}

void rmt_foreground(void)
{
	if (sched_getscheduler(0) != SCHED_OTHER)
		return;
	ask_for(getpriority(PRIO_PROCESS, 0), SLICE_NS);
}
