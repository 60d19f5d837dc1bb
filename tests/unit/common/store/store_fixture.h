/* SPDX-License-Identifier: MIT */
/* store_fixture.h - a store for one test: "mem:" or LMDB in a directory of its own. */
#ifndef RMT_TEST_STORE_FIXTURE_H
#define RMT_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "common/store/store.h"

struct store_fixture {
	struct rmt_store *store;
	char *directory, *path, *uri; /* directory NULL: in memory */
};

static inline void fixture_open(struct store_fixture *fixture)
{
	GError *err = NULL;

	if (!rmt_store_open(&fixture->store, fixture->uri, false, &err))
		fail_msg("%s", err->message);
}

static inline int fixture_mem(void **state)
{
	struct store_fixture *fixture = g_new0(struct store_fixture, 1);

	fixture->uri = g_strdup("mem:");
	fixture_open(fixture);
	*state = fixture;
	return 0;
}

static inline int fixture_lmdb(void **state)
{
	struct store_fixture *fixture = g_new0(struct store_fixture, 1);

	fixture->directory = g_dir_make_tmp("remite-store-XXXXXX", NULL);
	fixture->path = g_build_filename(fixture->directory, "records", NULL);
	fixture->uri = g_strconcat("lmdb:", fixture->path, NULL);
	fixture_open(fixture);
	*state = fixture;
	return 0;
}

static inline int fixture_end(void **state)
{
	struct store_fixture *fixture = *state;

	rmt_store_close(&fixture->store);
	if (fixture->directory != NULL) {
		g_autofree char *lock = g_strconcat(fixture->path, "-lock", NULL);

		g_unlink(fixture->path);
		g_unlink(lock);
		g_rmdir(fixture->directory);
	}
	g_free(fixture->directory);
	g_free(fixture->path);
	g_free(fixture->uri);
	g_free(fixture);
	return 0;
}

#define ON_MEM(test)                                                                     \
	{                                                                                \
#test " (mem)", test, fixture_mem, fixture_end, NULL                     \
	}
#define ON_LMDB(test)                                                                    \
	{                                                                                \
#test " (lmdb)", test, fixture_lmdb, fixture_end, NULL                   \
	}
#define ON_BOTH(test) ON_MEM(test), ON_LMDB(test)

#define assert_ok(call, err)                                                             \
	do {                                                                             \
		if (!(call))                                                             \
			fail_msg("%s: %s", #call, (err) != NULL ? (err)->message : "");  \
	} while (0)

#endif
