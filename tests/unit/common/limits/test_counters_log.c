/* SPDX-License-Identifier: MIT */
/* The log as it is written: files, frames, the zeros behind them. What is read of it
 * after a kill is with the counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits/counters_log.h"
#include "common/limits/counters_tail.h"

#define T0 INT64_C(1700000000000000000)

enum { RECORD = 1000, STEP = 64 << 10 };

static const struct rmt_anchor anchor = { .line_ns = T0, .wall_secs = T0 / 1000000000 };

struct place {
	char *path;
	int fd;
	struct rmt_wal *wal;
};

static void begin(struct place *place)
{
	place->path = g_strdup("/tmp/remite-log-XXXXXX");
	assert_non_null(g_mkdtemp(place->path));
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	place->wal = rmt_wal_new(place->fd, rmt_tail_open(NULL));
	assert_true(rmt_wal_begin(place->wal, 1, 7, &anchor));
}

static void end(struct place *place)
{
	rmt_wal_free(place->wal, T0);
	unlinkat(place->fd, "log.1", 0);
	close(place->fd);
	g_rmdir(place->path);
	g_free(place->path);
}

static size_t length_of(const struct place *place)
{
	struct stat status;

	assert_int_equal(fstatat(place->fd, "log.1", &status, 0), 0);
	return (size_t)status.st_size;
}

static bool write_record(struct place *place, unsigned number)
{
	char record[RECORD];

	memset(record, 'a' + (int)(number % 26), sizeof(record));
	rmt_wal_add(place->wal, RMT_LOG_NAME, record, sizeof(record), NULL, 0);
	return rmt_wal_flush(place->wal, T0 + number);
}

static void count_record(void *context, int64_t line_ns, enum rmt_log_type type,
			 const char *record, size_t len)
{
	unsigned *count = context;

	assert_int_equal(line_ns, T0 + *count);
	assert_int_equal(type, RMT_LOG_NAME);
	assert_int_equal(len, RECORD);
	assert_int_equal(record[0], 'a' + (int)(*count % 26));
	assert_int_equal(record[RECORD - 1], record[0]);
	(*count)++;
}

static unsigned records_in(const struct place *place, enum rmt_log_result *result_r)
{
	g_autofree char *path = g_build_filename(place->path, "log.1", NULL);
	g_autofree char *bytes = NULL;
	struct rmt_log_reading reading;
	unsigned count = 0;
	gsize len;

	assert_true(g_file_get_contents(path, &bytes, &len, NULL));
	*result_r = rmt_log_read(bytes, len, NULL, count_record, &count, &reading);
	return count;
}

/* A frame that fits into the zeros changes the file's octets and not its length. */
static void a_file_grows_by_zeros_that_frames_take_their_part_of(void **state)
{
	struct place place;
	enum rmt_log_result result;
	unsigned i;

	(void)state;
	begin(&place);
	for (i = 0; i < 500; i++) {
		assert_true(write_record(&place, i));
		assert_int_equal(length_of(&place) % STEP, 0);
		assert_in_range(length_of(&place), rmt_wal_written(place.wal),
				rmt_wal_written(place.wal) + STEP);
	}
	assert_int_equal(records_in(&place, &result), 500);
	assert_int_equal(result, RMT_LOG_WHOLE);
	assert_int_equal(rmt_wal_sync_error(place.wal), 0);
	end(&place);
}

static void a_frame_larger_than_the_step_has_zeros_behind_it_too(void **state)
{
	struct place place;
	char record[RECORD];
	unsigned i;

	(void)state;
	begin(&place);
	for (i = 0; i < 300; i++) {
		memset(record, 'a' + (int)(i % 26), sizeof(record));
		rmt_wal_add(place.wal, RMT_LOG_NAME, record, sizeof(record), NULL, 0);
	}
	assert_true(rmt_wal_gathered(place.wal) > 2 * STEP);
	assert_true(rmt_wal_flush(place.wal, T0));
	assert_int_equal(length_of(&place) % STEP, 0);
	assert_int_equal(length_of(&place) / STEP, rmt_wal_written(place.wal) / STEP + 1);
	end(&place);
}

static void a_log_that_is_ended_is_as_long_as_what_it_holds(void **state)
{
	struct place place;
	enum rmt_log_result result;
	uint64_t written;

	(void)state;
	begin(&place);
	assert_true(write_record(&place, 0));
	written = rmt_wal_written(place.wal);
	assert_true(length_of(&place) > written);
	rmt_wal_free(place.wal, T0);
	place.wal = NULL;
	assert_int_equal(length_of(&place), written);
	assert_int_equal(records_in(&place, &result), 1);
	assert_int_equal(result, RMT_LOG_WHOLE);
	end(&place);
}

/* The disk takes all frames it has room for, to the last one; the first that finds none
 * is the first that fails. */
static void zeros_that_find_no_room_are_no_trouble(void **state)
{
	struct rlimit old, small = { 10000, 10000 };
	struct place place;
	enum rmt_log_result result;
	unsigned i = 0;

	(void)state;
	begin(&place);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	while (i < 20 && write_record(&place, i))
		i++;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_in_range(10000 - rmt_wal_written(place.wal), 0, RECORD + 40);
	assert_int_equal(records_in(&place, &result), i);
	assert_int_equal(result, RMT_LOG_TORN);
	/* there is room again: that part of a frame is written over */
	assert_true(write_record(&place, i));
	assert_int_equal(records_in(&place, &result), i + 1);
	assert_int_equal(result, RMT_LOG_WHOLE);
	end(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_grows_by_zeros_that_frames_take_their_part_of),
		cmocka_unit_test(a_frame_larger_than_the_step_has_zeros_behind_it_too),
		cmocka_unit_test(a_log_that_is_ended_is_as_long_as_what_it_holds),
		cmocka_unit_test(zeros_that_find_no_room_are_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
