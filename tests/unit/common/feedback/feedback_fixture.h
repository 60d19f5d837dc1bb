/* SPDX-License-Identifier: MIT */
/* feedback_fixture.h - feedback with a key ring and records in memory. Behind cmocka.h.
 */
#ifndef RMT_TEST_FEEDBACK_FIXTURE_H
#define RMT_TEST_FEEDBACK_FIXTURE_H

#include "common/feedback/feedback.h"
#include "tests/unit/config.h"
#include "tests/unit/ring.h"

struct fixture {
	struct test_ring ring;
	struct rmt_store *store;
	struct rmt_feedback *feedback;
};

/* streams: all of the configuration but its keys. */
static inline struct fixture *fixture_new(const char *streams, int64_t now)
{
	struct fixture *f = g_new0(struct fixture, 1);
	g_autofree char *text = NULL;
	struct rmt_config *config;

	test_ring_make(&f->ring, 1);
	text = g_strconcat("keys = \"", f->ring.path, "\"\n", streams, NULL);
	config = test_config(text);
	assert_true(rmt_store_open(&f->store, "mem:", false, NULL));
	f->feedback = rmt_feedback_new(config, f->store, now);
	assert_null(f->feedback->key_trouble);
	rmt_config_unref(config);
	return f;
}

static inline void fixture_free(struct fixture *f)
{
	rmt_feedback_free(f->feedback);
	rmt_store_close(&f->store);
	test_ring_clear(&f->ring);
	g_free(f);
}

#endif
