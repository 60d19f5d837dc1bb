/* SPDX-License-Identifier: MIT */
/* The log's last frames in memory: when they reach the file, and what is left of them
 * when the process is killed, here by a real SIGKILL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/limits/counters_log.h"
#include "common/limits/counters_tail.h"

#define T0 INT64_C(1700000000000000000)

enum { RECORD = 1000, SEED = 7, MEMORY = 256 << 10, LARGE = 300 << 10 };

static const struct rmt_anchor anchor = { .line_ns = T0, .wall_secs = T0 / 1000000000 };

static GString *lines;

static void take_line(void *context, enum rmt_log_level level, const char *line)
{
	(void)context;
	(void)level;
	g_string_append_printf(lines, "%s\n", line);
}

static void expect_line(const char *part)
{
	if (strstr(lines->str, part) == NULL)
		fail_msg("no log line has '%s': %s", part, lines->str);
	g_string_truncate(lines, 0);
}

struct place {
	char *path, *tail;
	int fd;
	struct rmt_wal *wal;
};

/* Of one log, whose tail is where the file of that name is; NULL: nowhere. */
static void open_log(struct place *place, const char *tail)
{
	g_autofree char *path =
		tail != NULL ? g_build_filename(place->path, tail, NULL) : NULL;

	place->wal = rmt_wal_new(place->fd, rmt_tail_open(path));
	assert_true(rmt_wal_begin(place->wal, 1, SEED, &anchor));
}

static void begin(struct place *place)
{
	*place = (struct place){ .path = g_strdup("/tmp/remite-tail-XXXXXX") };
	assert_non_null(g_mkdtemp(place->path));
	place->tail = g_build_filename(place->path, "tail", NULL);
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void end(struct place *place)
{
	rmt_wal_free(place->wal, T0);
	unlinkat(place->fd, "log.1", 0);
	unlinkat(place->fd, "log.2", 0);
	unlinkat(place->fd, "tail", 0);
	close(place->fd);
	assert_int_equal(g_rmdir(place->path), 0);
	g_free(place->path);
	g_free(place->tail);
	assert_string_equal(lines->str, "");
}

static bool write_record(struct rmt_wal *wal, unsigned number, size_t len)
{
	g_autofree char *record = g_malloc(len);

	memset(record, 'a' + (int)(number % 26), len);
	rmt_wal_add(wal, RMT_LOG_NAME, record, len, NULL, 0);
	return rmt_wal_flush(wal, T0 + number);
}

static void count_record(void *context, int64_t line_ns, enum rmt_log_type type,
			 const char *record, size_t len)
{
	unsigned *count = context;

	assert_int_equal(line_ns, T0 + *count);
	assert_int_equal(type, RMT_LOG_NAME);
	assert_int_equal(record[0], 'a' + (int)(*count % 26));
	assert_int_equal(record[len - 1], record[0]);
	(*count)++;
}

/* In their order, each whole, nothing behind them. */
static unsigned records_of(const struct place *place, const char *name)
{
	g_autofree char *path = g_build_filename(place->path, name, NULL);
	g_autofree char *bytes = NULL;
	struct rmt_log_reading reading;
	unsigned count = 0;
	gsize len;

	assert_true(g_file_get_contents(path, &bytes, &len, NULL));
	assert_int_equal(rmt_log_read(bytes, len, NULL, count_record, &count, &reading),
			 RMT_LOG_WHOLE);
	return count;
}

static bool is_there(const struct place *place, const char *name)
{
	return faccessat(place->fd, name, F_OK, 0) == 0;
}

/* A process that writes so many records, large ones first, and is killed before its
 * thread wakes. */
static void be_killed_after(const struct place *place, unsigned large, unsigned records)
{
	pid_t child = fork();
	struct place own = *place;
	unsigned i;
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		open_log(&own, "tail");
		for (i = 0; i < large + records; i++)
			if (!write_record(own.wal, i, i < large ? LARGE : RECORD))
				_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void recover(const struct place *place, uint64_t seed_check)
{
	struct rmt_tail *tail = rmt_tail_open(place->tail);

	rmt_tail_recover(tail, place->fd, seed_check);
	rmt_tail_free(tail);
}

/* --- on the way ---------------------------------------------------------------------- */

static void without_a_memory_a_frame_is_in_the_file_at_once(void **state)
{
	struct place place;
	unsigned i;

	(void)state;
	begin(&place);
	open_log(&place, NULL);
	for (i = 0; i < 10; i++) {
		assert_true(write_record(place.wal, i, RECORD));
		assert_int_equal(records_of(&place, "log.1"), i + 1);
	}
	assert_false(is_there(&place, "tail"));
	end(&place);
}

static void the_thread_brings_frames_to_the_file(void **state)
{
	struct place place;
	unsigned i;

	(void)state;
	begin(&place);
	open_log(&place, "tail");
	assert_true(write_record(place.wal, 0, RECORD));
	for (i = 0; i < 5000 && records_of(&place, "log.1") == 0; i++)
		g_usleep(1000);
	assert_int_equal(records_of(&place, "log.1"), 1);
	end(&place);
}

static void more_than_the_memory_holds_is_written_in_order(void **state)
{
	enum { RECORDS = 3 * MEMORY / RECORD };
	struct place place;
	unsigned i;

	(void)state;
	begin(&place);
	open_log(&place, "tail");
	for (i = 0; i < RECORDS; i++)
		assert_true(write_record(place.wal, i, i % 5 == 0 ? 3 : RECORD));
	assert_true(write_record(place.wal, i++, LARGE));
	assert_true(write_record(place.wal, i++, LARGE));
	assert_true(write_record(place.wal, i++, RECORD));
	rmt_wal_free(place.wal, T0);
	place.wal = NULL;
	assert_int_equal(records_of(&place, "log.1"), i);
	assert_false(is_there(&place, "tail"));
	end(&place);
}

static void the_next_log_begins_when_the_last_has_all(void **state)
{
	struct place place;

	(void)state;
	begin(&place);
	open_log(&place, "tail");
	assert_true(write_record(place.wal, 0, RECORD));
	assert_true(write_record(place.wal, 1, RECORD));
	assert_true(rmt_wal_begin(place.wal, 2, SEED, &anchor));
	assert_int_equal(records_of(&place, "log.1"), 2);
	assert_true(write_record(place.wal, 0, RECORD));
	rmt_wal_free(place.wal, T0);
	place.wal = NULL;
	assert_int_equal(records_of(&place, "log.1"), 2);
	assert_int_equal(records_of(&place, "log.2"), 1);
	end(&place);
}

/* --- killed ---------------------------------------------------------------------------- */

static void what_a_killed_process_wrote_is_recovered(void **state)
{
	const unsigned counts[] = {
		0, 1, 2, 100, MEMORY / RECORD - 10, MEMORY / RECORD + 10, 1000
	};
	struct place place;
	size_t i;

	(void)state;
	begin(&place);
	for (i = 0; i < G_N_ELEMENTS(counts); i++) {
		be_killed_after(&place, 0, counts[i]);
		recover(&place, SEED);
		assert_int_equal(records_of(&place, "log.1"), counts[i]);
		recover(&place, SEED); /* killed while it recovered */
		assert_int_equal(records_of(&place, "log.1"), counts[i]);
	}
	end(&place);
}

static void a_frame_past_the_memory_is_never_lost(void **state)
{
	struct place place;

	(void)state;
	begin(&place);
	be_killed_after(&place, 3, 2);
	recover(&place, SEED);
	assert_int_equal(records_of(&place, "log.1"), 5);
	end(&place);
}

/* What the memory held of its last process is no part of the log after. */
static void frames_of_before_do_not_come_back(void **state)
{
	struct place place;

	(void)state;
	begin(&place);
	be_killed_after(&place, 0, 50);
	recover(&place, SEED);
	be_killed_after(&place, 0, 2);
	recover(&place, SEED);
	assert_int_equal(records_of(&place, "log.1"), 2);
	end(&place);
}

static void what_another_directory_left_is_not_taken(void **state)
{
	struct place place;

	(void)state;
	begin(&place);
	be_killed_after(&place, 0, 5);
	recover(&place, SEED + 1);
	assert_int_equal(records_of(&place, "log.1"), 0);
	/* a log that is not there, or too short to be the one */
	unlinkat(place.fd, "log.1", 0);
	recover(&place, SEED);
	assert_false(is_there(&place, "log.1"));
	close(openat(place.fd, "log.1", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	recover(&place, SEED);
	assert_int_equal(faccessat(place.fd, "log.1", F_OK, 0), 0);
	open_log(&place, NULL);
	end(&place);
}

static void flip(const struct place *place, size_t at)
{
	int fd = open(place->tail, O_RDWR | O_CLOEXEC);
	char octet;

	assert_int_equal(pread(fd, &octet, 1, (off_t)at), 1);
	octet = (char)~octet;
	assert_int_equal(pwrite(fd, &octet, 1, (off_t)at), 1);
	close(fd);
}

static void of_a_damaged_memory_the_whole_frames_count(void **state)
{
	enum { HEAD = 40, FRAME = 1032 };
	struct place place;
	size_t at;

	(void)state;
	begin(&place);
	for (at = 0; at < HEAD + 3 * FRAME; at += at < HEAD ? 1 : 129) {
		be_killed_after(&place, 0, 3);
		flip(&place, at);
		recover(&place, SEED);
		if (at >= HEAD)
			assert_int_equal(records_of(&place, "log.1"),
					 (at - HEAD) / FRAME);
		else
			records_of(&place, "log.1");
		g_string_truncate(lines, 0); /* a log of that number cannot be opened */
	}
	end(&place);
}

/* --- trouble ------------------------------------------------------------------------- */

static void a_second_user_of_the_memory_does_without(void **state)
{
	struct place place, other;

	(void)state;
	begin(&place);
	open_log(&place, "tail");
	begin(&other);
	g_free(other.tail);
	other.tail = g_strdup(place.tail);
	other.wal = rmt_wal_new(other.fd, rmt_tail_open(other.tail));
	expect_line("Resource temporarily unavailable; without this memory");
	assert_true(rmt_wal_begin(other.wal, 1, SEED, &anchor));
	assert_true(write_record(other.wal, 0, RECORD));
	assert_int_equal(records_of(&other, "log.1"), 1);
	end(&other);
	assert_true(is_there(&place, "tail"));
	end(&place);
}

static void what_is_no_such_file_is_not_touched(void **state)
{
	struct place place;

	(void)state;
	begin(&place);
	assert_int_equal(symlinkat("elsewhere", place.fd, "tail"), 0);
	open_log(&place, "tail");
	expect_line("Too many levels of symbolic links; without this memory");
	assert_false(is_there(&place, "elsewhere"));
	rmt_wal_free(place.wal, T0);
	unlinkat(place.fd, "tail", 0);
	assert_int_equal(linkat(place.fd, "log.1", place.fd, "tail", 0), 0);
	open_log(&place, "tail");
	expect_line("Invalid argument; without this memory");
	rmt_wal_free(place.wal, T0);
	unlinkat(place.fd, "tail", 0);
	assert_int_equal(mkfifoat(place.fd, "tail", 0600), 0);
	open_log(&place, "tail");
	expect_line("Invalid argument; without this memory");
	assert_true(write_record(place.wal, 0, RECORD));
	assert_int_equal(records_of(&place, "log.1"), 1);
	end(&place);
}

static struct rlimit limit_files_to(rlim_t octets)
{
	struct rlimit old, small;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ octets, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	return old;
}

/* The memory takes frames while the disk does not; it is told, and when there is room
 * again all of them are there. */
static void on_a_full_disk_frames_stay_in_memory(void **state)
{
	enum { RECORDS = MEMORY / RECORD + 50 };
	struct place place;
	struct rlimit old;
	unsigned i, taken = 0;
	int error = 0;

	(void)state;
	begin(&place);
	open_log(&place, "tail");
	old = limit_files_to(5000);
	while (taken < RECORDS && write_record(place.wal, taken, RECORD))
		taken++;
	assert_in_range(taken, MEMORY / RECORD - 20, MEMORY / RECORD);
	assert_int_equal(errno, EFBIG);
	for (i = 0; i < 5000 && error == 0; i++) {
		g_usleep(1000);
		error = rmt_wal_sync_error(place.wal);
	}
	assert_int_equal(error, EFBIG);
	assert_false(rmt_wal_begin(place.wal, 2, SEED, &anchor));
	assert_int_equal(errno, EFBIG);
	rmt_wal_free(place.wal, T0);
	place.wal = NULL;
	assert_true(is_there(&place, "tail"));
	recover(&place, SEED);
	expect_line("cannot be written to log.1 and is lost: File too large");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	recover(&place, SEED);
	assert_int_equal(records_of(&place, "log.1"), taken);
	end(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_memory_a_frame_is_in_the_file_at_once),
		cmocka_unit_test(the_thread_brings_frames_to_the_file),
		cmocka_unit_test(more_than_the_memory_holds_is_written_in_order),
		cmocka_unit_test(the_next_log_begins_when_the_last_has_all),
		cmocka_unit_test(what_a_killed_process_wrote_is_recovered),
		cmocka_unit_test(a_frame_past_the_memory_is_never_lost),
		cmocka_unit_test(frames_of_before_do_not_come_back),
		cmocka_unit_test(what_another_directory_left_is_not_taken),
		cmocka_unit_test(of_a_damaged_memory_the_whole_frames_count),
		cmocka_unit_test(a_second_user_of_the_memory_does_without),
		cmocka_unit_test(what_is_no_such_file_is_not_touched),
		cmocka_unit_test(on_a_full_disk_frames_stay_in_memory),
	};
	int failed;

	lines = g_string_new(NULL);
	rmt_log_init("test", RMT_LOG_INFO, take_line, NULL);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	g_string_free(lines, true);
	return failed;
}
