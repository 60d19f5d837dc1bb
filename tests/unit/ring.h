/* SPDX-License-Identifier: MIT */
/* ring.h - a key ring in a file, in a folder of the test's own. Behind cmocka.h. */
#ifndef RMT_TEST_RING_H
#define RMT_TEST_RING_H

#include <glib/gstdio.h>

#include "common/token/keys.h"

struct test_ring {
	char *folder, *path; /* own */
	struct rmt_keys *keys;
};

/* One key, that makes from `since` on. */
static inline void test_ring_make(struct test_ring *ring, int64_t since)
{
	ring->folder = g_dir_make_tmp("remite-ring-XXXXXX", NULL);
	ring->path = g_build_filename(ring->folder, "ring", NULL);
	ring->keys = g_new0(struct rmt_keys, 1);
	assert_true(rmt_keys_add(ring->keys, since, NULL));
	assert_true(rmt_keys_write(ring->path, ring->keys, (unsigned)-1, NULL));
}

/* What else the test put into the folder is away by now. */
static inline void test_ring_clear(struct test_ring *ring)
{
	rmt_keys_free(ring->keys);
	g_unlink(ring->path);
	assert_int_equal(g_rmdir(ring->folder), 0);
	g_free(ring->path);
	g_free(ring->folder);
}

#endif
