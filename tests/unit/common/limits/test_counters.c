/* SPDX-License-Identifier: MIT */
/* Counters in memory and on disk. To be killed is played by copying the
 * directory under a running process: what write(2) took is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/limits/counters_log.h"
#include "common/limits/counters_snapshot.h"
#include "common/limits/reserve.h"

#define SEC  INT64_C(1000000000)
#define WALL INT64_C(1700000000)
#define T0   (WALL * SEC)

static const struct rmt_amount rate = { false, 100, 60 * (uint64_t)SEC, 100 };
static const struct rmt_amount quota = { true, 1000, 86400 * (uint64_t)SEC, 0 };

/* --- log lines: what a test provokes it asks for ----------------------------------- */

static GString *lines;

static void take_line(void *context, enum rmt_log_level level, const char *line)
{
	(void)context;
	g_string_append_printf(lines, "%s%s\n", level == RMT_LOG_ERROR ? "error: " : "",
			       line);
}

static void expect_line(const char *part)
{
	if (strstr(lines->str, part) == NULL)
		fail_msg("no log line has '%s': %s", part, lines->str);
	g_string_truncate(lines, 0);
}

static void expect_silence(void)
{
	assert_string_equal(lines->str, "");
}

/* --- directories -------------------------------------------------------------------- */

static char *new_directory(void)
{
	/* in memory where there is such a place: synchronising is for benchmarks */
	char *path = g_strdup(g_access("/dev/shm", W_OK) == 0 ? "/dev/shm/remite-XXXXXX"
							      : "/tmp/remite-XXXXXX");

	assert_non_null(g_mkdtemp(path));
	return path;
}

static void remove_directory(char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		g_unlink(file);
	}
	g_clear_pointer(&dir, g_dir_close);
	g_rmdir(path);
	g_free(path);
}

static char *read_whole(const char *path, const char *name, gsize *len_r)
{
	g_autofree char *file = g_build_filename(path, name, NULL);
	char *bytes = NULL;

	assert_true(g_file_get_contents(file, &bytes, len_r, NULL));
	return bytes;
}

static void write_whole(const char *path, const char *name, const char *bytes, gsize len)
{
	g_autofree char *file = g_build_filename(path, name, NULL);
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	fclose(out);
}

static gint compare_strings(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is there: names and which files they are. */
static char *signature(const char *path)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;
	struct stat status;

	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		if (stat(file, &status) == 0)
			g_ptr_array_add(names,
					g_strdup_printf("%s=%lu", name,
							(unsigned long)status.st_ino));
	}
	g_dir_close(dir);
	g_ptr_array_sort(names, compare_strings);
	g_ptr_array_add(names, NULL);
	return g_strjoinv(" ", (char **)names->pdata);
}

static char *copy_once(const char *path)
{
	char *copy = new_directory();
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		g_autofree char *bytes = NULL;
		gsize len;

		if (g_file_get_contents(file, &bytes, &len,
					NULL)) /* or it is gone by now */
			write_whole(copy, name, bytes, len);
	}
	g_dir_close(dir);
	return copy;
}

/* All of one moment: again, when a snapshot's thread was at work meanwhile. */
static char *killed_copy(const char *path)
{
	for (;;) {
		g_autofree char *before = signature(path);
		char *copy = copy_once(path);
		g_autofree char *after = signature(path);

		if (strcmp(before, after) == 0)
			return copy;
		remove_directory(copy);
	}
}

static bool has_file(const char *path, const char *name)
{
	g_autofree char *file = g_build_filename(path, name, NULL);

	return g_file_test(file, G_FILE_TEST_EXISTS);
}

/* Whether the log's last frames are in a file of their own until they are drained. */
static bool with_tail;

static struct rmt_counters *open_at(const char *path, size_t log_max)
{
	g_autofree char *tail =
		with_tail && path != NULL ? g_build_filename(path, "tail", NULL) : NULL;
	struct rmt_counters_options options = { .directory = path,
						.tail = tail,
						.wall_secs = WALL,
						.monotonic_ns = 5 * SEC,
						.boot_id = "one",
						.log_max = log_max,
						.ends = rmt_reserve_ends };
	struct rmt_counters *counters = NULL;
	GError *err = NULL;

	if (!rmt_counters_open(&counters, &options, &err))
		fail_msg("%s", err->message);
	return counters;
}

static uint64_t used(struct rmt_counters *counters, uint64_t key,
		     const struct rmt_amount *amount, int64_t at)
{
	struct rmt_usage usage;

	rmt_counters_fits(counters, key, amount, 0, at, &usage);
	return usage.used;
}

static uint64_t key_of(struct rmt_counters *counters, unsigned n)
{
	return rmt_counters_hash(counters, &n, sizeof(n));
}

/* --- in memory -------------------------------------------------------------------- */

static void many_keys_are_told_apart_and_cost_little(void **state)
{
	enum { KEYS = 200000 };
	struct rmt_counters *counters = open_at(NULL, 0);
	struct rmt_counters_stats stats;
	unsigned i;

	(void)state;
	for (i = 0; i < KEYS; i++)
		rmt_counters_charge(counters, key_of(counters, i), &rate, 1 + i % 7, T0);
	for (i = 0; i < KEYS; i++)
		assert_int_equal(used(counters, key_of(counters, i), &rate, T0),
				 1 + i % 7);
	assert_int_equal(used(counters, key_of(counters, KEYS), &rate, T0), 0);
	rmt_counters_stats(counters, &stats);
	assert_int_equal(stats.rates, KEYS);
	assert_in_range(stats.table_bytes, KEYS * 16, KEYS * 28);
	rmt_counters_close(&counters);
	assert_null(counters);
}

static void what_has_drained_is_swept_and_its_names_too(void **state)
{
	enum { KEYS = 50000 };
	struct rmt_counters *counters = open_at(NULL, 0);
	struct rmt_counters_stats stats;
	char name[32];
	unsigned i;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		snprintf(name, sizeof(name), "user%u@example.org", i);
		rmt_counters_charge(counters, key_of(counters, i),
				    i % 10 == 0 ? &quota : &rate, 5, T0);
		rmt_counters_name(counters, key_of(counters, i), RMT_SPAN("s/l"),
				  rmt_span_of(name));
	}
	for (i = 0; i < 5000; i++)
		rmt_counters_tick(counters, T0 + 60 * SEC + i * RMT_NS_PER_MS);
	rmt_counters_stats(counters, &stats);
	assert_int_equal(stats.rates + stats.quotas, KEYS / 10);
	assert_int_equal(stats.names, KEYS / 10);
	assert_int_equal(used(counters, key_of(counters, 10), &quota, T0 + 120 * SEC), 5);
	for (i = 0; i < 5000; i++)
		rmt_counters_tick(counters, T0 + 90000 * SEC + i * RMT_NS_PER_MS);
	rmt_counters_stats(counters, &stats);
	assert_int_equal(stats.rates + stats.quotas + stats.names, 0);
	rmt_counters_close(&counters);
}

/* Who sends again is the same counter still: nothing is looked for among the names. */
static void what_has_drained_keeps_its_slot_for_half_a_minute(void **state)
{
	enum { KEYS = 5000 };
	struct rmt_counters *counters = open_at(NULL, 0);
	struct rmt_counters_stats stats;
	const int64_t drained = T0 + 10 * SEC;
	unsigned i;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		rmt_counters_charge(counters, key_of(counters, i), &rate, 1, T0);
		rmt_counters_name(counters, key_of(counters, i), RMT_SPAN("s/l"),
				  RMT_SPAN("ann"));
	}
	rmt_counters_nameless(counters);
	for (i = 0; i < 1000; i++)
		rmt_counters_tick(counters, drained + i * RMT_NS_PER_MS);
	rmt_counters_stats(counters, &stats);
	assert_int_equal(stats.rates, KEYS);
	assert_int_equal(used(counters, key_of(counters, 7), &rate, drained + SEC), 0);
	for (i = 0; i < KEYS; i++)
		rmt_counters_charge(counters, key_of(counters, i), &rate, 1,
				    drained + 20 * SEC);
	assert_false(rmt_counters_nameless(counters));
	for (i = 0; i < 1000; i++)
		rmt_counters_tick(counters, drained + 60 * SEC + i * RMT_NS_PER_MS);
	rmt_counters_stats(counters, &stats);
	assert_int_equal(stats.rates + stats.names, 0);
	rmt_counters_close(&counters);
}

static void holding_keeps_a_counter_alive_and_is_undone_exactly(void **state)
{
	struct rmt_counters *counters = open_at(NULL, 0);
	struct rmt_counters_stats stats;
	uint64_t key = key_of(counters, 1);
	unsigned i;

	(void)state;
	rmt_counters_hold(counters, key, 60);
	rmt_counters_hold(counters, key, 40);
	assert_false(rmt_counters_fits(counters, key, &rate, 1, T0, NULL));
	for (i = 0; i < 2000; i++)
		rmt_counters_tick(counters, T0 + 1000 * SEC + i * RMT_NS_PER_MS);
	assert_int_equal(used(counters, key, &rate, T0 + 2000 * SEC), 100);
	rmt_counters_unhold(counters, key, 70);
	assert_int_equal(used(counters, key, &rate, T0 + 2000 * SEC), 30);
	rmt_counters_unhold(counters, key, 300);
	rmt_counters_unhold(counters, key, 1);
	assert_int_equal(used(counters, key, &rate, T0 + 2000 * SEC), 0);
	rmt_counters_stats(counters, &stats);
	assert_int_equal(stats.held_keys, 0);
	rmt_counters_close(&counters);
}

static void count_name(void *context, uint64_t key, struct rmt_span limit_id,
		       struct rmt_span value)
{
	GHashTable *seen = context;

	(void)key;
	g_hash_table_add(seen, g_strdup_printf("%.*s %.*s", RMT_SPAN_ARGS(limit_id),
					       RMT_SPAN_ARGS(value)));
}

static void names_are_walked_in_steps(void **state)
{
	struct rmt_counters *counters = open_at(NULL, 0);
	g_autoptr(GHashTable) seen =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	uint64_t cursor = 0, key;
	unsigned i, steps = 1;
	char name[32];

	(void)state;
	for (i = 0; i < 1000; i++) {
		key = key_of(counters, i);
		snprintf(name, sizeof(name), "user%u", i);
		assert_false(rmt_counters_is_named(counters, key));
		rmt_counters_name(counters, key,
				  i % 2 != 0 ? RMT_SPAN("odd/day") : RMT_SPAN("even/day"),
				  rmt_span_of(name));
		rmt_counters_name(counters, key, RMT_SPAN("x"), RMT_SPAN("again"));
		assert_true(rmt_counters_is_named(counters, key));
	}
	while (rmt_counters_walk(counters, &cursor, 64, count_name, seen))
		steps++;
	assert_int_equal(g_hash_table_size(seen), 1000);
	assert_true(g_hash_table_contains(seen, "odd/day user999"));
	assert_in_range(steps, 15, 17);
	rmt_counters_close(&counters);
}

static void reset_forgets_what_is_committed_and_not_what_is_held(void **state)
{
	struct rmt_counters *counters = open_at(NULL, 0);
	uint64_t a = key_of(counters, 1), b = key_of(counters, 2);

	(void)state;
	rmt_counters_charge(counters, a, &rate, 7, T0);
	rmt_counters_hold(counters, a, 2);
	rmt_counters_charge(counters, b, &quota, 7, T0);
	assert_true(rmt_counters_reset(counters, a));
	assert_true(rmt_counters_reset(counters, b));
	assert_false(rmt_counters_reset(counters, a));
	assert_false(rmt_counters_reset(counters, key_of(counters, 3)));
	assert_int_equal(used(counters, a, &rate, T0), 2);
	assert_int_equal(used(counters, b, &quota, T0), 0);
	rmt_counters_close(&counters);
}

static void a_limit_made_another_kind_starts_again(void **state)
{
	struct rmt_counters *counters = open_at(NULL, 0);
	uint64_t key = key_of(counters, 1);

	(void)state;
	rmt_counters_charge(counters, key, &rate, 7, T0);
	assert_int_equal(used(counters, key, &quota, T0), 0);
	rmt_counters_charge(counters, key, &quota, 3, T0);
	assert_int_equal(used(counters, key, &quota, T0), 3);
	assert_int_equal(used(counters, key, &rate, T0), 0);
	rmt_counters_refund(counters, key, &rate, 3, T0);
	rmt_counters_refund(counters, key, &quota, 2, T0);
	assert_int_equal(used(counters, key, &quota, T0), 1);
	rmt_counters_charge(counters, key, &rate, 9, T0);
	assert_int_equal(used(counters, key, &rate, T0), 9);
	rmt_counters_close(&counters);
}

/* --- on disk ------------------------------------------------------------------------ */

enum { TRAFFIC_KEYS = 500 };

/* Random charges, refunds, resets and names on TRAFFIC_KEYS keys. */
static void traffic(struct rmt_counters *counters, GRand *random, unsigned n, int64_t *at)
{
	unsigned i, k;
	uint64_t key;
	char name[32];

	for (i = 0; i < n; i++) {
		const struct rmt_amount *amount;

		k = (unsigned)g_rand_int_range(random, 0, TRAFFIC_KEYS);
		key = key_of(counters, k);
		amount = k % 3 == 0 ? &quota : &rate;
		*at += g_rand_int_range(random, 0, 20000000);
		if (g_rand_int_range(random, 0, 10) == 0)
			rmt_counters_refund(counters, key, amount, 2, *at);
		else if (g_rand_int_range(random, 0, 50) == 0)
			rmt_counters_reset(counters, key);
		else
			rmt_counters_charge(counters, key, amount,
					    (uint64_t)g_rand_int_range(random, 1, 5),
					    *at);
		if (!rmt_counters_is_named(counters, key)) {
			snprintf(name, sizeof(name), "user%u", k);
			rmt_counters_name(counters, key, RMT_SPAN("s/day"),
					  rmt_span_of(name));
		}
	}
}

static void assert_same(struct rmt_counters *a, struct rmt_counters *b, int64_t at)
{
	unsigned i;

	for (i = 0; i < TRAFFIC_KEYS; i++) {
		uint64_t key = key_of(a, i);
		const struct rmt_amount *amount = i % 3 == 0 ? &quota : &rate;
		struct rmt_usage x, y;

		assert_int_equal(key, key_of(b, i));
		rmt_counters_fits(a, key, amount, 1, at, &x);
		rmt_counters_fits(b, key, amount, 1, at, &y);
		assert_int_equal(x.used, y.used);
		assert_int_equal(x.retry_ns, y.retry_ns);
		/* a name without a counter goes some time, here or there */
		if (rmt_counters_is_named(a, key))
			assert_true(rmt_counters_is_named(b, key));
	}
}

static void killed_and_started_again_every_count_is_there(void **state)
{
	char *path = new_directory(), *copy;
	struct rmt_counters *counters = open_at(path, 0), *again;
	g_autoptr(GRand) random = g_rand_new_with_seed(1);
	int64_t at = T0;
	unsigned i;

	(void)state;
	for (i = 0; i < 30; i++) {
		traffic(counters, random, 200, &at);
		assert_true(rmt_counters_write(counters));
	}
	copy = killed_copy(path);
	again = open_at(copy, 0);
	assert_same(counters, again, at);
	/* what was gathered and not written was not answered for either */
	traffic(counters, random, 1, &at);
	rmt_counters_close(&again);
	rmt_counters_close(&counters);
	again = open_at(copy, 0); /* and once more, now from two logs */
	traffic(again, random, 50, &at);
	rmt_counters_close(&again);
	counters = open_at(copy, 0);
	again = open_at(path, 0);
	assert_true(used(counters, key_of(counters, 1), &rate, at) <= 100000);
	rmt_counters_close(&counters);
	rmt_counters_close(&again);
	remove_directory(path);
	remove_directory(copy);
	expect_silence();
}

/* The log cut at each octet of its last frames: all before the cut counts. */
static void a_log_cut_anywhere_gives_all_whole_frames(void **state)
{
	enum { FRAMES = 6 };
	char *path = new_directory();
	struct rmt_counters *counters = open_at(path, 0);
	uint64_t key = key_of(counters, 1), other = key_of(counters, 2);
	gsize ends[FRAMES + 1], len, i;
	g_autofree char *bytes = NULL;
	unsigned frame;
	struct rmt_counters_stats stats;

	(void)state;
	rmt_counters_stats(counters, &stats);
	ends[0] = stats.log_bytes;
	for (frame = 1; frame <= FRAMES; frame++) {
		rmt_counters_charge(counters, key, &rate, 1, T0);
		rmt_counters_charge(counters, other, &quota, 1, T0);
		rmt_counters_write(counters);
		rmt_counters_stats(counters, &stats);
		ends[frame] = stats.log_bytes;
	}
	rmt_counters_close(&counters);
	bytes = read_whole(path, "log.1", &len);
	assert_int_equal(len, ends[FRAMES]);
	for (i = ends[FRAMES - 2]; i <= len; i++) {
		char *copy = killed_copy(path);
		uint64_t want = i == len                ? FRAMES
				: i >= ends[FRAMES - 1] ? FRAMES - 1
							: FRAMES - 2;

		write_whole(copy, "log.1", bytes, i);
		counters = open_at(copy, 0);
		assert_int_equal(used(counters, key, &rate, T0), want);
		assert_int_equal(used(counters, other, &quota, T0), want);
		rmt_counters_close(&counters);
		if (i == ends[want])
			expect_silence();
		else
			expect_line("cut off");
		counters = open_at(copy, 0); /* cut for good */
		assert_int_equal(used(counters, key, &rate, T0), want);
		rmt_counters_close(&counters);
		expect_silence();
		remove_directory(copy);
	}
	remove_directory(path);
}

/* Ticks until the snapshot that is due is done. */
static void finish_snapshot(struct rmt_counters *counters, uint64_t want, int64_t *at)
{
	struct rmt_counters_stats stats;
	unsigned i;

	for (i = 0; i < 10000; i++) {
		rmt_counters_stats(counters, &stats);
		if (stats.snapshots >= want)
			return;
		*at += RMT_NS_PER_MS;
		rmt_counters_tick(counters, *at);
		g_usleep(1000);
	}
	fail_msg("no snapshot: %s",
		 stats.last_error != NULL ? stats.last_error : "no error");
}

/* So many keys are charged, half a megabyte of log in all. */
static void charge_keys(struct rmt_counters *counters, unsigned keys, int64_t at)
{
	struct rmt_counters_stats stats;
	uint64_t key;
	unsigned i = 0;

	do {
		key = key_of(counters, i++ % keys);
		rmt_counters_charge(counters, key, &rate, 1, at);
		if (!rmt_counters_is_named(counters, key))
			rmt_counters_name(counters, key, RMT_SPAN("s/l"),
					  RMT_SPAN("who"));
		rmt_counters_write(counters);
		rmt_counters_stats(counters, &stats);
	} while (stats.log_bytes < 500000);
}

/* A restart has to make them, which takes as long as reading more log does. */
static void new_names_bring_the_next_snapshot_forward(void **state)
{
	char *path = new_directory();
	struct rmt_counters *counters = open_at(path, 1000000);
	struct rmt_counters_stats stats;
	int64_t at = T0;

	(void)state;
	charge_keys(counters, 1000, at);
	rmt_counters_tick(counters, at);
	assert_false(has_file(path, "snapshot.new") || has_file(path, "snapshot"));
	rmt_counters_close(&counters);
	remove_directory(path);

	path = new_directory();
	counters = open_at(path, 1000000);
	charge_keys(counters, 1000000, at);
	rmt_counters_tick(counters, at);
	finish_snapshot(counters, 1, &at);
	rmt_counters_stats(counters, &stats);
	assert_true(stats.names > 4000);
	rmt_counters_close(&counters);

	counters = open_at(path, 1000000); /* they are old names now */
	charge_keys(counters, 1000, at);
	rmt_counters_tick(counters, at);
	assert_false(has_file(path, "snapshot.new"));
	rmt_counters_close(&counters);
	remove_directory(path);
	expect_silence();
}

static void snapshots_under_traffic_lose_nothing(void **state)
{
	char *path = new_directory(), *copy;
	struct rmt_counters *counters = open_at(path, 20000), *again;
	g_autoptr(GRand) random = g_rand_new_with_seed(2);
	struct rmt_counters_stats stats = { 0 };
	int64_t at = T0;
	unsigned i;

	(void)state;
	for (i = 0; i < 20000 && stats.snapshots < 12; i++) {
		traffic(counters, random, 50, &at);
		assert_true(rmt_counters_write(counters));
		rmt_counters_tick(counters, at);
		rmt_counters_stats(counters, &stats);
		if (i % 25 > 0)
			continue;
		copy = killed_copy(path); /* at any point of a snapshot's making */
		again = open_at(copy, 20000);
		assert_same(counters, again, at);
		rmt_counters_close(&again);
		remove_directory(copy);
	}
	assert_true(stats.snapshots >= 12);
	rmt_counters_close(&counters);
	remove_directory(path);
	expect_silence();
}

static void a_larger_table_comes_back_from_its_snapshot(void **state)
{
	enum { KEYS = 60000 };
	char *path = new_directory();
	struct rmt_counters *counters = open_at(path, 1000);
	g_autoptr(GHashTable) seen =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct rmt_counters_stats stats;
	uint64_t cursor = 0;
	int64_t at = T0;
	unsigned i;
	char name[32];

	(void)state;
	for (i = 0; i < KEYS; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		rmt_counters_charge(counters, key_of(counters, i),
				    i % 100 == 0 ? &quota : &rate, 1 + i % 50, at);
		rmt_counters_name(counters, key_of(counters, i), RMT_SPAN("s/l"),
				  rmt_span_of(name));
	}
	rmt_counters_hold(counters, key_of(counters, 5),
			  3); /* nobody's: gone with the process */
	finish_snapshot(counters, 1, &at);
	rmt_counters_close(&counters);
	assert_false(has_file(path, "log.1"));
	counters = open_at(path, 0);
	rmt_counters_stats(counters, &stats);
	assert_int_equal(stats.names, KEYS);
	assert_int_equal(stats.rates + stats.quotas, KEYS);
	assert_int_equal(stats.quotas, KEYS / 100);
	for (i = 0; i < KEYS; i++)
		assert_int_equal(used(counters, key_of(counters, i),
				      i % 100 == 0 ? &quota : &rate, T0),
				 1 + i % 50);
	assert_true(rmt_counters_is_named(counters, key_of(counters, 77)));
	while (rmt_counters_walk(counters, &cursor, 1000, count_name, seen))
		;
	assert_int_equal(g_hash_table_size(seen), KEYS);
	assert_true(g_hash_table_contains(seen, "s/l user59999"));
	finish_snapshot(counters, 0, &at);
	rmt_counters_close(&counters);
	remove_directory(path);
	expect_silence();
}

/* Shards grow in large steps while a log is read. */
static void what_a_log_of_new_keys_took_too_much_is_given_back(void **state)
{
	enum { KEYS = 87000 };
	char *path = new_directory(), *copy;
	struct rmt_counters *counters = open_at(path, 0);
	struct rmt_counters_stats stats;
	unsigned i;

	(void)state;
	for (i = 0; i < KEYS; i++)
		rmt_counters_charge(counters, key_of(counters, i), &rate, 50, T0);
	rmt_counters_write(counters);
	copy = killed_copy(path);
	rmt_counters_close(&counters);
	remove_directory(path);
	counters = open_at(copy, 0);
	for (i = 1; i <= 2000; i++)
		rmt_counters_tick(counters, T0 + i * SEC / 1000);
	rmt_counters_stats(counters, &stats);
	assert_int_equal(stats.rates, KEYS);
	assert_in_range(stats.table_bytes, KEYS * 16, KEYS * 27);
	assert_int_equal(used(counters, key_of(counters, KEYS - 1), &rate, T0), 47);
	rmt_counters_close(&counters);
	remove_directory(copy);
}

static void a_changed_period_survives_a_restart(void **state)
{
	char *path = new_directory();
	struct rmt_counters *counters = open_at(path, 0);
	struct rmt_amount week = { true, 1000, 7 * 86400 * (uint64_t)SEC, 0 };
	uint64_t key = key_of(counters, 1);

	(void)state;
	rmt_counters_charge(counters, key, &quota, 5, T0);
	rmt_counters_charge(counters, key, &quota, 7, T0 + 40000 * SEC);
	rmt_counters_charge(counters, key, &week, 1, T0 + 40000 * SEC);
	rmt_counters_close(&counters);
	counters = open_at(path, 0);
	assert_int_equal(used(counters, key, &week, T0 + 40000 * SEC), 13);
	rmt_counters_close(&counters);
	remove_directory(path);
}

/* --- damage --------------------------------------------------------------------------
 */

/* A directory with a snapshot and two logs, key 1 charged in each. */
static char *damaged_directory(uint64_t *key_r)
{
	char *path = new_directory();
	struct rmt_counters *counters = open_at(path, 1);
	int64_t at = T0;

	*key_r = key_of(counters, 1);
	rmt_counters_charge(counters, *key_r, &quota, 1, at);
	finish_snapshot(counters, 1, &at);
	rmt_counters_close(&counters);
	counters = open_at(path, 0);
	rmt_counters_charge(counters, *key_r, &quota, 1, at);
	rmt_counters_write(counters);
	rmt_counters_fits(counters, *key_r, &quota, 1, at + 60 * SEC, NULL);
	rmt_counters_charge(counters, *key_r, &quota, 1, at + 60 * SEC);
	rmt_counters_close(&counters);
	return path;
}

static void what_cannot_be_read_is_moved_aside_and_counting_starts_empty(void **state)
{
	static const struct {
		const char *file;
		gsize at;
		const char *says;
	} cases[] = {
		{ "snapshot", 0, "snapshot is broken" },
		{ "snapshot", 8, "snapshot is of a newer version" },
		{ "snapshot", 20, "snapshot is broken" },
		{ "snapshot", 200, "snapshot is broken" },
		{ "log.3", 0, "log.3 is broken" },
		{ "log.3", 8, "log.3 is of a newer version" },
		{ "log.3", 40, "log.3 is broken" },
		{ "log.3", sizeof(struct rmt_segment) + 30, "log.3 is broken" },
	};
	uint64_t key;
	gsize i, len;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *path = damaged_directory(&key);
		g_autofree char *bytes = read_whole(path, cases[i].file, &len);
		g_autofree char *aside = g_strconcat(cases[i].file, ".broken-1", NULL);
		struct rmt_counters *counters;

		assert_true(len > cases[i].at);
		bytes[cases[i].at] ^= 0x42;
		write_whole(path, cases[i].file, bytes, len);
		counters = open_at(path, 0);
		expect_line(cases[i].says);
		assert_true(has_file(path, aside));
		assert_int_equal(used(counters, key, &quota, T0 + 60 * SEC), 0);
		rmt_counters_charge(counters, key, &quota, 9, T0 + 60 * SEC);
		assert_true(rmt_counters_write(counters));
		rmt_counters_close(&counters);
		counters = open_at(path, 0);
		expect_silence();
		assert_int_equal(used(counters, key, &quota, T0 + 60 * SEC), 9);
		rmt_counters_close(&counters);
		remove_directory(path);
	}
}

static void a_whole_directory_reads_as_it_was(void **state)
{
	uint64_t key;
	char *path = damaged_directory(&key);
	struct rmt_counters *counters = open_at(path, 0);

	(void)state;
	assert_int_equal(used(counters, key, &quota, T0 + 61 * SEC), 3);
	rmt_counters_close(&counters);
	remove_directory(path);
	expect_silence();
}

static void a_snapshot_cut_short_is_broken(void **state)
{
	uint64_t key;
	char *path = damaged_directory(&key);
	struct rmt_counters *counters;
	g_autofree char *bytes = NULL;
	gsize len;

	(void)state;
	bytes = read_whole(path, "snapshot", &len);
	write_whole(path, "snapshot", bytes, len - 1);
	counters = open_at(path, 0);
	assert_int_equal(used(counters, key, &quota, T0 + 61 * SEC), 3 - 3 * (len > 0));
	rmt_counters_close(&counters);
	expect_line("snapshot is broken");
	remove_directory(path);
}

/* The slot after the key's, or the one before it: one of the two is free. */
static char *free_slot_beside(char *bytes, gsize len, uint64_t key)
{
	static const char free_key[sizeof(key)];
	char *slot = memmem(bytes, len, &key, sizeof(key));

	assert_non_null(slot);
	slot += memcmp(slot + 16, free_key, sizeof(key)) == 0 ? 16 : -16;
	assert_memory_equal(slot, free_key, sizeof(key));
	return slot;
}

static void what_stands_in_a_free_slot_of_a_snapshot_is_nothing(void **state)
{
	const uint64_t ring =
		UINT64_C(1) << 61 | 1 << 30; /* there is none of this number */
	uint64_t key;
	char *path = damaged_directory(&key);
	struct rmt_counters *counters;
	g_autofree char *bytes = NULL;
	unsigned i;
	gsize len;

	(void)state;
	bytes = read_whole(path, "snapshot", &len);
	memcpy(free_slot_beside(bytes, len, key) + sizeof(key), &ring, sizeof(ring));
	rmt_snapshot_mend(bytes, len);
	write_whole(path, "snapshot", bytes, len);
	counters = open_at(path, 0);
	for (i = 0; i < 1000; i++) /* all shards are swept */
		rmt_counters_tick(counters, T0 + 61 * SEC + i * RMT_NS_PER_MS);
	assert_int_equal(used(counters, key, &quota, T0 + 62 * SEC), 3);
	rmt_counters_close(&counters);
	remove_directory(path);
	expect_silence();
}

static void a_lost_seed_makes_the_counts_useless_and_says_so(void **state)
{
	uint64_t key;
	char *path = damaged_directory(&key);
	g_autofree char *seed = g_build_filename(path, "seed", NULL);
	struct rmt_counters *counters;

	(void)state;
	g_unlink(seed);
	counters = open_at(path, 0);
	expect_line("snapshot is broken");
	assert_int_not_equal(key_of(counters, 1), key);
	assert_true(has_file(path, "seed"));
	rmt_counters_close(&counters);
	remove_directory(path);
}

static void a_second_process_is_told_who_has_the_directory(void **state)
{
	char *path = new_directory();
	struct rmt_counters *counters = open_at(path, 0), *second = NULL;
	struct rmt_counters_options options = { .directory = path, .wall_secs = WALL };
	g_autofree char *pid = g_strdup_printf("in use by process %d;", (int)getpid());
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_false(rmt_counters_open(&second, &options, &err));
	assert_null(second);
	assert_non_null(strstr(err->message, pid));
	rmt_counters_close(&counters);
	counters = open_at(path, 0);
	rmt_counters_close(&counters);
	remove_directory(path);
}

static void a_directory_that_cannot_be_made_is_an_error(void **state)
{
	struct rmt_counters_options options = { .directory = "/proc/none/such",
						.wall_secs = WALL };
	struct rmt_counters *counters = NULL;
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_false(rmt_counters_open(&counters, &options, &err));
	assert_non_null(strstr(err->message, "/proc/none/such"));
}

/* --- clocks --------------------------------------------------------------------------
 */

static int64_t line_after(const char *path, int64_t wall, int64_t monotonic,
			  const char *boot, int64_t live)
{
	struct rmt_counters_options options = { .directory = path,
						.wall_secs = wall,
						.monotonic_ns = monotonic,
						.boot_id = boot };
	struct rmt_counters *counters = NULL;
	int64_t line;

	assert_true(rmt_counters_open(&counters, &options, NULL));
	line = rmt_counters_line(counters, monotonic);
	rmt_counters_charge(counters, 1, &rate, 1, line + live);
	rmt_counters_close(&counters);
	return line;
}

static void the_time_line_follows_what_can_be_trusted(void **state)
{
	char *path = new_directory();

	(void)state;
	/* made: the wall clock is believed; lives 10 s */
	assert_int_equal(line_after(path, WALL, 100 * SEC, "one", 10 * SEC), T0);
	/* same boot, 30 s later; a wall clock a year ahead has no say */
	assert_int_equal(line_after(path, WALL + 31536000, 130 * SEC, "one", 0),
			 T0 + 30 * SEC);
	/* a monotonic clock gone back (another machine's boot id cloned): never back */
	assert_int_equal(line_after(path, WALL, 1 * SEC, "one", 5 * SEC), T0 + 30 * SEC);
	/* rebooted: the wall's difference since */
	assert_int_equal(line_after(path, WALL + 100, 2 * SEC, "two", 0),
			 T0 + 35 * SEC + 95 * SEC);
	/* rebooted with a wall clock gone back a day: stands still, never back */
	assert_int_equal(line_after(path, WALL - 86400, 2 * SEC, "three", 0),
			 T0 + 130 * SEC);
	remove_directory(path);
}

static void the_line_goes_on_with_the_monotonic_clock_alone(void **state)
{
	struct rmt_counters *counters = open_at(NULL, 0);

	(void)state;
	assert_int_equal(rmt_counters_line(counters, 5 * SEC), T0);
	assert_int_equal(rmt_counters_line(counters, 7 * SEC), T0 + 2 * SEC);
	rmt_counters_tick(counters, T0 + 2 * SEC);
	assert_int_equal(rmt_counters_line(counters, 6 * SEC), T0 + 2 * SEC);
	rmt_counters_close(&counters);
}

/* --- trouble ---------------------------------------------------------------------------
 */

static void write_some(struct rmt_counters *counters, uint64_t key, int64_t at,
		       unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		rmt_counters_charge(counters, key, &quota, 1, at);
		rmt_counters_write(counters);
	}
}

/* What waits in memory finds no room when the thread drains it, and the tick hears. */
static void wait_for_trouble(struct rmt_counters *counters, int64_t at)
{
	unsigned i;

	for (i = 0; i < 5000 && rmt_counters_write(counters); i++) {
		g_usleep(1000);
		rmt_counters_tick(counters, at);
	}
	assert_false(rmt_counters_write(counters));
}

/* Full is played by a limit on the size of files: write says EFBIG. */
static void a_full_disk_is_counted_on_in_memory_and_caught_up_later(void **state)
{
	char *path = new_directory(), *copy;
	struct rmt_counters *counters = open_at(path, 0), *again;
	uint64_t key = key_of(counters, 1);
	struct rmt_counters_stats stats;
	struct rlimit old, small;
	int64_t at = T0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){ 1500, old.rlim_max };
	write_some(counters, key, at, 5);
	setrlimit(RLIMIT_FSIZE, &small);
	write_some(counters, key, at, 100);
	wait_for_trouble(counters, at);
	expect_line("error: counters: ");
	rmt_counters_stats(counters, &stats);
	assert_non_null(strstr(stats.last_error, "File too large"));
	assert_true(stats.write_errors > 0);
	assert_int_equal(used(counters, key, &quota, at), 105);
	at += 2 * SEC; /* still full: tries again, complains no second time */
	rmt_counters_tick(counters, at);
	write_some(counters, key, at, 100);
	at += 2 * SEC;
	rmt_counters_tick(counters, at);
	expect_silence();
	setrlimit(RLIMIT_FSIZE, &old);
	at += 2 * SEC;
	finish_snapshot(counters, 1, &at);
	expect_line("takes records again");
	assert_true(rmt_counters_write(counters));
	copy = killed_copy(path);
	again = open_at(copy, 0);
	assert_int_equal(used(again, key, &quota, at), 205);
	rmt_counters_stats(counters, &stats);
	assert_null(stats.last_error);
	rmt_counters_close(&again);
	rmt_counters_close(&counters);
	remove_directory(copy);
	remove_directory(path);
	expect_silence();
}

static void on_a_tiny_or_read_only_file_system_mail_goes_on(void **state)
{
	char *path = new_directory();
	struct rmt_counters *counters;
	g_autofree char *full = g_build_filename(path, "filler", NULL);
	uint64_t key;
	int64_t at = T0;
	struct rmt_counters_stats stats;

	(void)state;
	if (geteuid() != 0 || mount("tmpfs", path, "tmpfs", 0, "size=64k") != 0) {
		remove_directory(path);
		print_message("needs a tmpfs, so the right to mount: not run\n");
		skip();
	}
	counters = open_at(path, 0);
	key = key_of(counters, 1);
	write_some(counters, key, at, 2000);
	assert_false(rmt_counters_write(counters));
	rmt_counters_stats(counters, &stats);
	assert_non_null(strstr(stats.last_error, "No space left"));
	rmt_counters_close(&counters);
	expect_line("No space left");
	assert_int_equal(
		mount("tmpfs", path, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=64k"), 0);
	counters = open_at(path, 0);
	assert_int_equal(key, key_of(counters, 1));
	assert_true(used(counters, key, &quota, at) > 100); /* what fitted */
	write_some(counters, key, at, 5);
	assert_false(rmt_counters_write(counters));
	expect_line("Read-only file system");
	rmt_counters_close(&counters);
	assert_int_equal(umount(path), 0);
	remove_directory(path);
}

/* --- reservations and the log
 * ----------------------------------------------------------- */

static const struct rmt_amount units = { true, 100000, 3600 * (uint64_t)SEC, 0 };

static struct rmt_share share_of(struct rmt_counters *counters, unsigned n,
				 enum rmt_unit unit, bool per_recipient)
{
	return (struct rmt_share){ key_of(counters, n), &units, unit, per_recipient,
				   false };
}

static void ask(struct rmt_reservations *all, struct rmt_counters *counters, uint64_t id,
		unsigned rcpt, int64_t at)
{
	struct rmt_message m = {
		.id = id, .envelope = id + 1, .connection = 1, .size = 100, .line_ns = at
	};
	struct rmt_share shares[] = { share_of(counters, 1, RMT_UNIT_RECIPIENTS, false),
				      share_of(counters, 2, RMT_UNIT_MESSAGES, false),
				      share_of(counters, 3, RMT_UNIT_BYTES, false),
				      share_of(counters, 10 + rcpt % 3,
					       RMT_UNIT_RECIPIENTS, true) };
	uint64_t would;
	size_t where;

	assert_int_equal(rmt_reserve(all, &m, key_of(counters, 1000 + rcpt), shares, 4,
				     false, &where, NULL, &would),
			 RMT_RESERVED);
}

static void assert_same_held(struct rmt_counters *a, struct rmt_counters *b, int64_t at)
{
	unsigned i;

	for (i = 1; i < 14; i++)
		assert_int_equal(used(a, key_of(a, i), &units, at),
				 used(b, key_of(b, i), &units, at));
}

static uint64_t id_of(unsigned n)
{
	return (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Random messages in all states; killed at each step, the copy knows the same
 * and ends the same way. */
static void random_messages_survive(unsigned stages)
{
	enum { STEPS = 400 };
	char *path = new_directory(), *copy;
	struct rmt_counters *counters = open_at(path, 3000), *again;
	struct rmt_reservations *all = rmt_reservations_new(counters, 60 * (uint64_t)SEC),
				*others;
	g_autoptr(GRand) random = g_rand_new_with_seed(4);
	struct rmt_counters_stats stats;
	int64_t at = T0;
	unsigned step, n;

	rmt_reservations_set_stages(all, stages);
	for (step = 0; step < STEPS; step++) {
		struct rmt_message m = { .id = id_of((unsigned)g_rand_int_range(random, 0,
										8)) };
		struct rmt_commit commit = {
			.recipient_count = (uint64_t)g_rand_int_range(random, 0, 4)
		};

		at += SEC;
		m.line_ns = at;
		m.envelope = m.id + 1;
		switch (g_rand_int_range(random, 0, step < 100 ? 8 : 10)) {
		case 0:
			rmt_reserve_release(all, m.id);
			break;
		case 1:
			rmt_reserve_instance(all, 1, m.id, at);
			break;
		case 8:
			rmt_reserve_confirm(all, &m, &commit);
			break;
		case 9:
			rmt_reserve_commit(all, &m, &commit);
			break;
		default:
			ask(all, counters, m.id, (unsigned)g_rand_int_range(random, 0, 6),
			    at);
		}
		rmt_reservations_expire(all, at);
		assert_true(rmt_counters_write(counters));
		rmt_counters_tick(counters, at);
		if (step % 3 != 0)
			continue;
		copy = killed_copy(path);
		again = open_at(copy, 0);
		others = rmt_reservations_new(again, 60 * (uint64_t)SEC);
		rmt_reservations_set_stages(others, stages);
		assert_int_equal(rmt_reservations_open(all),
				 rmt_reservations_open(others));
		assert_int_equal(rmt_reservations_stages_seen(all),
				 rmt_reservations_stages_seen(others));
		assert_same_held(counters, again, at);
		for (n = 0; n < 8; n++)
			assert_int_equal(rmt_reserve_began(all, id_of(n)),
					 rmt_reserve_began(others, id_of(n)));
		/* all of them end: nothing is left over */
		if (step % 15 == 0) {
			rmt_reservations_expire(others, at + 1000 * SEC);
			assert_int_equal(rmt_reservations_open(others), 0);
			rmt_counters_stats(again, &stats);
			assert_int_equal(stats.held_keys, 0);
		}
		rmt_reservations_free(others);
		rmt_counters_close(&again);
		remove_directory(copy);
	}
	rmt_counters_stats(counters, &stats);
	assert_true(stats.snapshots > 2);
	rmt_reservations_free(all);
	rmt_counters_close(&counters);
	remove_directory(path);
	expect_silence();
}

static void open_reservations_survive_with_all_they_hold(void **state)
{
	(void)state;
	random_messages_survive(0);
}

/* And of a server that asks later all the same. */
static void what_is_taken_at_rcpt_survives(void **state)
{
	(void)state;
	random_messages_survive(1 << 2);
}

static void a_commit_after_a_restart_charges_what_was_held(void **state)
{
	char *path = new_directory();
	struct rmt_counters *counters = open_at(path, 0);
	struct rmt_reservations *all = rmt_reservations_new(counters, 60 * (uint64_t)SEC);
	struct rmt_message m = { .id = id_of(1),
				 .envelope = id_of(1) + 1,
				 .line_ns = T0 + SEC };
	struct rmt_commit commit = { .recipient_count = 2 };

	(void)state;
	ask(all, counters, m.id, 0, T0);
	ask(all, counters, m.id, 1, T0);
	rmt_counters_write(counters);
	rmt_reservations_free(all);
	rmt_counters_close(&counters);
	counters = open_at(path, 0);
	all = rmt_reservations_new(counters, 60 * (uint64_t)SEC);
	assert_int_equal(rmt_reserve_commit(all, &m, &commit), RMT_COMMITTED);
	assert_int_equal(commit.reserved, 2);
	assert_int_equal(used(counters, key_of(counters, 1), &units, T0), 2);
	assert_int_equal(used(counters, key_of(counters, 2), &units, T0), 1);
	assert_int_equal(used(counters, key_of(counters, 3), &units, T0), 100);
	assert_int_equal(used(counters, key_of(counters, 11), &units, T0), 1);
	rmt_reservations_free(all);
	rmt_counters_close(&counters);
	remove_directory(path);
}

/* Octets that DATA writes of a message with two recipients, of whom so many are left. */
static uint64_t written_at_data(unsigned stages, uint64_t left)
{
	char *path = new_directory();
	struct rmt_counters *counters = open_at(path, 0);
	struct rmt_reservations *all = rmt_reservations_new(counters, 60 * (uint64_t)SEC);
	struct rmt_message m = { .id = id_of(1),
				 .envelope = id_of(1) + 1,
				 .line_ns = T0 };
	struct rmt_commit commit = { .recipient_count = left };
	struct rmt_counters_stats before, after;

	rmt_reservations_set_stages(all, stages);
	/* that the server asks at DATA is learned, and written, once */
	rmt_reserve_confirm(all, &(struct rmt_message){ .id = id_of(2) }, &commit);
	ask(all, counters, m.id, 0, T0);
	ask(all, counters, m.id, 1, T0);
	rmt_counters_write(counters);
	rmt_counters_stats(counters, &before);
	assert_int_equal(rmt_reserve_confirm(all, &m, &commit), RMT_COMMITTED);
	rmt_counters_write(counters);
	rmt_counters_stats(counters, &after);
	rmt_reservations_free(all);
	rmt_counters_close(&counters);
	remove_directory(path);
	return after.log_bytes - before.log_bytes;
}

static void what_the_last_stage_will_tell_again_is_not_written(void **state)
{
	enum { RCPT = 1 << 2, DATA = 1 << 3, END = 1 << 4 };

	(void)state;
	assert_int_equal(written_at_data(RCPT | DATA | END, 2), 0);
	assert_true(written_at_data(RCPT | DATA | END, 1) > 0);
	assert_true(written_at_data(RCPT | DATA, 2) > 0);
	assert_true(written_at_data(0, 2) > 0); /* not known yet */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_keys_are_told_apart_and_cost_little),
		cmocka_unit_test(what_has_drained_is_swept_and_its_names_too),
		cmocka_unit_test(what_has_drained_keeps_its_slot_for_half_a_minute),
		cmocka_unit_test(holding_keeps_a_counter_alive_and_is_undone_exactly),
		cmocka_unit_test(names_are_walked_in_steps),
		cmocka_unit_test(reset_forgets_what_is_committed_and_not_what_is_held),
		cmocka_unit_test(a_limit_made_another_kind_starts_again),
		cmocka_unit_test(killed_and_started_again_every_count_is_there),
		cmocka_unit_test(a_log_cut_anywhere_gives_all_whole_frames),
		cmocka_unit_test(new_names_bring_the_next_snapshot_forward),
		cmocka_unit_test(snapshots_under_traffic_lose_nothing),
		cmocka_unit_test(a_larger_table_comes_back_from_its_snapshot),
		cmocka_unit_test(what_a_log_of_new_keys_took_too_much_is_given_back),
		cmocka_unit_test(a_changed_period_survives_a_restart),
		cmocka_unit_test(
			what_cannot_be_read_is_moved_aside_and_counting_starts_empty),
		cmocka_unit_test(a_whole_directory_reads_as_it_was),
		cmocka_unit_test(a_snapshot_cut_short_is_broken),
		cmocka_unit_test(what_stands_in_a_free_slot_of_a_snapshot_is_nothing),
		cmocka_unit_test(a_lost_seed_makes_the_counts_useless_and_says_so),
		cmocka_unit_test(a_second_process_is_told_who_has_the_directory),
		cmocka_unit_test(a_directory_that_cannot_be_made_is_an_error),
		cmocka_unit_test(the_time_line_follows_what_can_be_trusted),
		cmocka_unit_test(the_line_goes_on_with_the_monotonic_clock_alone),
		cmocka_unit_test(a_full_disk_is_counted_on_in_memory_and_caught_up_later),
		cmocka_unit_test(on_a_tiny_or_read_only_file_system_mail_goes_on),
		cmocka_unit_test(open_reservations_survive_with_all_they_hold),
		cmocka_unit_test(what_is_taken_at_rcpt_survives),
		cmocka_unit_test(a_commit_after_a_restart_charges_what_was_held),
		cmocka_unit_test(what_the_last_stage_will_tell_again_is_not_written),
	};
	int failed;

	lines = g_string_new(NULL);
	rmt_log_init("test", RMT_LOG_INFO, take_line, NULL);
	failed = cmocka_run_group_tests_name("each frame is written at once", tests, NULL,
					     NULL);
	with_tail = true;
	failed += cmocka_run_group_tests_name("frames wait in memory", tests, NULL, NULL);
	g_string_free(lines, true);
	return failed;
}
