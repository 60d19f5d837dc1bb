/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits/counters_sync.h"

static int new_file(void)
{
	g_autofree char *path = g_strdup("/tmp/remite-sync-XXXXXX");
	int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static unsigned char octet_at(uint64_t offset)
{
	return (unsigned char)(1 + offset % 251);
}

static uint64_t write_some(struct rmt_sync *sync, int fd, uint64_t offset, size_t len)
{
	g_autofree unsigned char *bytes = g_malloc(len);
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = octet_at(offset + i);
	rmt_sync_writing(sync, offset + len);
	assert_int_equal(pwrite(fd, bytes, len, (off_t)offset), len);
	rmt_sync_dirty(sync, offset + len);
	return offset + len;
}

static void assert_all_there(int fd, uint64_t len)
{
	unsigned char bytes[65536];
	uint64_t at, i;
	ssize_t n;

	for (at = 0; at < len; at += (uint64_t)n) {
		n = pread(fd, bytes, MIN(sizeof(bytes), len - at), (off_t)at);
		assert_true(n > 0);
		for (i = 0; i < (uint64_t)n; i++)
			assert_int_equal(bytes[i], octet_at(at + i));
	}
}

/* Pauses make the log a slow one, whose room is of zeros; what follows at once writes
 * as far as those zeros reach, and beyond, while they are being written. */
static void zeros_never_go_over_what_was_written(void **state)
{
	struct rmt_sync *sync = rmt_sync_start();
	int fd = new_file(), own = dup(fd), round, i;
	uint64_t offset = 0;

	(void)state;
	rmt_sync_switch(sync, fd, 0, -1);
	for (round = 0; round < 4; round++) {
		offset = write_some(sync, own, offset, 100 + (size_t)round * 1000);
		for (i = 0; i < 200; i++)
			offset = write_some(sync, own, offset, 3000 + (size_t)i * 10);
		g_usleep(550000);
	}
	assert_all_there(own, offset);
	rmt_sync_truncate(sync, offset);
	rmt_sync_stop(sync);
	assert_all_there(own, offset);
	assert_int_equal(lseek(own, 0, SEEK_END), offset);
	close(own);
}

/* The head of a log stands there before the thread has the file. */
static void what_stood_in_the_file_stays(void **state)
{
	struct rmt_sync *sync = rmt_sync_start();
	int fd = new_file(), own = dup(fd);
	unsigned char head[100];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(head); i++)
		head[i] = octet_at(i);
	assert_int_equal(pwrite(own, head, sizeof(head), 0), sizeof(head));
	rmt_sync_switch(sync, fd, sizeof(head), -1);
	write_some(sync, own, sizeof(head), 1000);
	rmt_sync_stop(sync);
	assert_all_there(own, sizeof(head) + 1000);
	close(own);
}

static void a_slow_log_has_its_room_on_the_disk_before_it_is_needed(void **state)
{
	struct rmt_sync *sync = rmt_sync_start();
	int fd = new_file(), own = dup(fd);
	struct stat status;
	unsigned i;

	(void)state;
	rmt_sync_switch(sync, fd, 0, -1);
	write_some(sync, own, 0, 100);
	g_usleep(600000);
	write_some(sync, own, 100, 100);
	for (i = 0; i < 10000; i++) {
		assert_int_equal(fstat(own, &status), 0);
		if (status.st_size >= 256 << 10)
			break;
		g_usleep(10000);
	}
	assert_true(status.st_size >= 256 << 10);
	assert_true(status.st_size < 1 << 20);
	assert_all_there(own, 200);
	assert_int_equal(rmt_sync_error(sync), 0);
	rmt_sync_stop(sync);
	close(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeros_never_go_over_what_was_written),
		cmocka_unit_test(what_stood_in_the_file_stays),
		cmocka_unit_test(a_slow_log_has_its_room_on_the_disk_before_it_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
