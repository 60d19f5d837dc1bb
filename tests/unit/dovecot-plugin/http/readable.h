/* SPDX-License-Identifier: MIT */
/* readable.h - waits until a descriptor can be read. */
#ifndef RMT_TEST_READABLE_H
#define RMT_TEST_READABLE_H

#include <poll.h>

static inline void wait_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, 30 * 1000), 1);
}

#endif
