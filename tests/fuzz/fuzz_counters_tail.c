/* SPDX-License-Identifier: MIT */
/* fuzz_counters_tail - what a killed process left in memory may be anything.
 *
 * The input is the file of the log's tail. It is recovered, with the seed its head
 * names, to a log of the number there, and once more with its frames' checksums put
 * right. What the log then has behind the room left for frames is zeros, and before it
 * nothing has changed. A second recovery changes nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/limits/counters_log.h"
#include "common/limits/counters_tail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 40, LOG = 4096 };

static char directory[] = "/tmp/remite-fuzz-XXXXXX", path[sizeof(directory) + 5];

static void no_log(void *context, enum rmt_log_level level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
}

static void leave(void)
{
	rmdir(directory);
}

static int make_directory(void)
{
	rmt_log_init("fuzz", RMT_LOG_ERROR, no_log, NULL);
	if (mkdtemp(directory) == NULL || atexit(leave) != 0)
		abort();
	snprintf(path, sizeof(path), "%s/tail", directory);
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* As little as a log that a process has just begun: ones, to see what is written. */
static void make_log(int directory_fd, const char *name)
{
	char bytes[LOG];
	int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	memset(bytes, 1, sizeof(bytes));
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		abort();
	close(fd);
}

static size_t read_log(int directory_fd, const char *name, char **bytes_r)
{
	int fd = openat(directory_fd, name, O_RDONLY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0)
		abort();
	*bytes_r = g_malloc((gsize)status.st_size + 1);
	if (read(fd, *bytes_r, (size_t)status.st_size) != status.st_size)
		abort();
	close(fd);
	return (size_t)status.st_size;
}

static void recover(int directory_fd, const char *bytes, size_t size, uint64_t seed_check)
{
	struct rmt_tail *tail;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	close(fd);
	tail = rmt_tail_open(path);
	rmt_tail_recover(tail, directory_fd, seed_check);
	rmt_tail_free(tail);
	unlink(path);
}

/* Only whole frames were written, where the head says. */
static void check(const char *log, size_t len, uint64_t number, uint64_t offset)
{
	size_t i;

	for (i = 0; i < MIN(len, LOG); i++)
		if (i == offset)
			break;
		else if (log[i] != 1)
			abort();
	if (len > LOG &&
	    rmt_log_whole_frames(log + offset, len - offset, number) != len - offset)
		abort();
}

static void recover_twice(int directory_fd, const char *bytes, size_t size)
{
	g_autofree char *first = NULL, *second = NULL;
	uint64_t head[5]; /* magic, seed, number, offset, length */
	char name[32];
	size_t len;

	memcpy(head, bytes, sizeof(head));
	snprintf(name, sizeof(name), "log.%" G_GUINT64_FORMAT, head[2]);
	make_log(directory_fd, name);
	recover(directory_fd, bytes, size, head[1]);
	len = read_log(directory_fd, name, &first);
	check(first, len, head[2], head[3]);
	recover(directory_fd, bytes, size, head[1]);
	if (read_log(directory_fd, name, &second) != len ||
	    memcmp(first, second, len) != 0)
		abort();
	unlinkat(directory_fd, name, 0);
}

/* The frames as those of a segment, whose checksums can be put right. */
static void mend(char *bytes, size_t size)
{
	struct rmt_segment segment = { .size = sizeof(segment) };
	const size_t len = sizeof(segment) + size - HEAD;
	g_autofree char *log = g_malloc(len);

	memcpy(&segment.number, bytes + 16, sizeof(segment.number));
	memcpy(log, &segment, sizeof(segment));
	memcpy(log + sizeof(segment), bytes + HEAD, size - HEAD);
	rmt_log_mend(log, len);
	memcpy(bytes + HEAD, log + sizeof(segment), size - HEAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int directory_fd = -1;
	g_autofree char *bytes = NULL;

	if (directory_fd < 0)
		directory_fd = make_directory();
	if (size < HEAD || size > 256 << 10)
		return 0;
	bytes = g_memdup2(data, size);
	recover_twice(directory_fd, bytes, size);
	mend(bytes, size);
	recover_twice(directory_fd, bytes, size);
	return 0;
}
