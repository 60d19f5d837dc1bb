/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/limits/counters_log.h"

enum {
	ZEROS = 64 << 10,
	/* Several times what is counted in 5 ms, and small beside a processor's cache,
	 * since all of it is walked through. */
	SIZE = 256 << 10,
};

static const char magic[8] = "remitet";

/* At the beginning of the memory; the frames follow. */
struct head {
	char magic[8];
	uint64_t seed_check;
	uint64_t number, offset; /* of the log; where its first frame here belongs */
	_Atomic uint64_t len;    /* of the frames here; set when they are whole */
};

enum { ROOM = SIZE - sizeof(struct head) };

struct rmt_tail {
	pthread_mutex_t lock;     /* of the next four, while there is a memory */
	int fd;                   /* of the log, foreign; -1: none */
	uint64_t written, zeroed; /* of the log: frames to here, and zeros to there */
	uint64_t drained;         /* of the frames in memory */
	struct head *head;        /* NULL: none */
	char *frames;
	int memory_fd;
	char *path; /* own */
};

/* --- the log's file --------------------------------------------------------------- */

static bool write_all(int fd, const char *bytes, size_t len, uint64_t offset)
{
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, bytes, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

/* A file is made longer by zeros in one piece, of which the frames behind take their
 * part: then they find the kernel's memory of the file made, and large, and what brings
 * them to the disk changes no metadata. Where the zeros find no room the next frame will
 * say so. */
static bool write_with_zeros(struct rmt_tail *tail, const char *frames, size_t len)
{
	static char zeros[ZEROS];
	const uint64_t end = tail->written + len;
	const uint64_t to = (end + ZEROS) / ZEROS * ZEROS;
	const struct iovec parts[] = { { (void *)frames, len }, { zeros, to - end } };
	ssize_t n = pwritev(tail->fd, parts, G_N_ELEMENTS(parts), (off_t)tail->written);

	n = MAX(n, 0);
	tail->zeroed = tail->written + (uint64_t)n;
	if ((size_t)n >= len)
		return true;
	return write_all(tail->fd, frames + n, len - (size_t)n, tail->zeroed);
}

static bool write_frames(struct rmt_tail *tail, const char *frames, size_t len)
{
	const bool written = tail->written + len > tail->zeroed
				     ? write_with_zeros(tail, frames, len)
				     : write_all(tail->fd, frames, len, tail->written);

	if (written)
		tail->written += len;
	return written;
}

/* --- memory ----------------------------------------------------------------------- */

static struct head *map_memory(int fd)
{
	struct stat status;
	void *memory;
	int error;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &status) != 0)
		return NULL;
	/* No link: who held the lock has just removed it. */
	errno = EINVAL;
	if (!S_ISREG(status.st_mode) || status.st_nlink != 1 || status.st_size > SIZE)
		return NULL;
	/* Pages that are not there when they are written to end the process. */
	error = posix_fallocate(fd, 0, SIZE);
	errno = error;
	if (error != 0)
		return NULL;
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return memory != MAP_FAILED ? memory : NULL;
}

static bool open_memory(struct rmt_tail *tail, const char *path)
{
	int saved;

	tail->memory_fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (tail->memory_fd < 0)
		return false;
	tail->head = map_memory(tail->memory_fd);
	if (tail->head != NULL) {
		tail->frames = (char *)(tail->head + 1);
		tail->path = g_strdup(path);
		return true;
	}
	saved = errno;
	close(tail->memory_fd);
	tail->memory_fd = -1;
	errno = saved;
	return false;
}

struct rmt_tail *rmt_tail_open(const char *path)
{
	struct rmt_tail *tail = g_new0(struct rmt_tail, 1);

	pthread_mutex_init(&tail->lock, NULL);
	tail->fd = tail->memory_fd = -1;
	if (path != NULL && !open_memory(tail, path))
		rmt_log(RMT_LOG_WARNING,
			"counters: %s: %s; without this memory each record is written "
			"to the log at once, which costs more",
			path, g_strerror(errno));
	return tail;
}

void rmt_tail_free(struct rmt_tail *tail)
{
	if (tail->head != NULL) {
		if (atomic_load(&tail->head->len) == tail->drained)
			unlink(tail->path);
		munmap(tail->head, SIZE);
		close(tail->memory_fd);
	}
	pthread_mutex_destroy(&tail->lock);
	g_free(tail->path);
	g_free(tail);
}

/* Nothing is in memory; what follows belongs behind what the log has. A process may be
 * killed between any two of these lines: the length comes first. */
static void empty(struct rmt_tail *tail)
{
	atomic_store(&tail->head->len, 0);
	atomic_thread_fence(memory_order_seq_cst);
	tail->drained = 0;
	tail->head->offset = tail->written;
}

/* --- what a killed process left --------------------------------------------------- */

static bool write_left(const struct head *head, size_t len, int directory_fd)
{
	char name[32];
	struct stat status;
	bool written;
	int fd, saved;

	snprintf(name, sizeof(name), "log.%" G_GUINT64_FORMAT, head->number);
	fd = openat(directory_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT; /* a snapshot has taken its place */
	written = fstat(fd, &status) == 0 &&
		  ((uint64_t)status.st_size < head->offset || /* another's */
		   (write_all(fd, (const char *)(head + 1), len, head->offset) &&
		    fdatasync(fd) == 0));
	saved = errno;
	close(fd);
	errno = saved;
	return written;
}

void rmt_tail_recover(struct rmt_tail *tail, int directory_fd, uint64_t seed_check)
{
	const struct head *head = tail->head;
	uint64_t len;

	if (head == NULL || memcmp(head->magic, magic, sizeof(magic)) != 0 ||
	    head->seed_check != seed_check)
		return;
	len = MIN(atomic_load(&head->len), ROOM);
	len = rmt_log_whole_frames(tail->frames, len, head->number);
	if (len > 0 && !write_left(head, len, directory_fd))
		rmt_log(RMT_LOG_ERROR,
			"counters: what was counted last before the end of the process "
			"before cannot be written to log.%" G_GUINT64_FORMAT
			" and is lost: %s",
			head->number, g_strerror(errno));
}

/* --- frames ----------------------------------------------------------------------- */

void rmt_tail_begin(struct rmt_tail *tail, int fd, uint64_t number, uint64_t written,
		    uint64_t seed_check)
{
	pthread_mutex_lock(&tail->lock);
	tail->fd = fd;
	tail->written = tail->zeroed = written;
	if (tail->head != NULL) {
		empty(tail);
		tail->head->number = number;
		tail->head->seed_check = seed_check;
		memcpy(tail->head->magic, magic, sizeof(magic));
	}
	pthread_mutex_unlock(&tail->lock);
}

void rmt_tail_end(struct rmt_tail *tail)
{
	pthread_mutex_lock(&tail->lock);
	tail->fd = -1;
	pthread_mutex_unlock(&tail->lock);
}

static bool drain(struct rmt_tail *tail)
{
	const uint64_t len = atomic_load_explicit(&tail->head->len, memory_order_acquire);

	if (tail->fd < 0 || len == tail->drained)
		return true;
	if (!write_frames(tail, tail->frames + tail->drained, len - tail->drained))
		return false;
	tail->drained = len;
	return true;
}

bool rmt_tail_drain(struct rmt_tail *tail)
{
	bool drained;

	if (tail->head == NULL)
		return true;
	pthread_mutex_lock(&tail->lock);
	drained = drain(tail);
	pthread_mutex_unlock(&tail->lock);
	return drained;
}

static bool start_over(struct rmt_tail *tail)
{
	bool drained;

	pthread_mutex_lock(&tail->lock);
	drained = drain(tail);
	if (drained)
		empty(tail);
	pthread_mutex_unlock(&tail->lock);
	return drained;
}

/* A frame larger than the memory, which is empty. */
static bool write_past_memory(struct rmt_tail *tail, const char *frame, size_t len)
{
	bool written;

	pthread_mutex_lock(&tail->lock);
	written = write_frames(tail, frame, len);
	tail->head->offset = tail->written;
	pthread_mutex_unlock(&tail->lock);
	return written;
}

static uint64_t used(const struct rmt_tail *tail)
{
	return atomic_load_explicit(&tail->head->len, memory_order_relaxed);
}

bool rmt_tail_add(struct rmt_tail *tail, const char *frame, size_t len)
{
	if (tail->head == NULL)
		return write_frames(tail, frame, len);
	if (len > ROOM - used(tail) && !start_over(tail))
		return false;
	if (len > ROOM)
		return write_past_memory(tail, frame, len);
	memcpy(tail->frames + used(tail), frame, len);
	atomic_store_explicit(&tail->head->len, used(tail) + len, memory_order_release);
	return true;
}
