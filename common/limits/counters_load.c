/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/limits/counters_disk_private.h"

/* --- reading records ------------------------------------------------------------- */

enum { PAIR = 2 * sizeof(uint64_t), PAIRS_AHEAD = 8 };

static void look_at_pair(const struct rmt_counters *counters, const char *record,
			 size_t len, size_t at)
{
	uint64_t key;

	if (at + PAIR > len)
		return;
	memcpy(&key, record + at, sizeof(key));
	rmt_counters_prefetch(counters, key);
}

static bool apply_rates(struct rmt_counters *counters, const char *record, size_t len)
{
	uint64_t words[2];
	bool sensible = len > 0 && len % PAIR == 0;
	size_t at;

	for (at = 0; sensible && at < len; at += PAIR) {
		look_at_pair(counters, record, len, at + PAIRS_AHEAD * PAIR);
		memcpy(words, record + at, sizeof(words));
		sensible = rmt_counters_set_rate(counters, words[0], words[1]);
	}
	return sensible;
}

static bool apply_quota(struct rmt_counters *counters, const char *record, size_t len)
{
	uint64_t words[4];

	if (len != sizeof(words))
		return false;
	memcpy(words, record, len);
	return rmt_counters_set_quota(counters, words[0], words[1], words[2], words[3]);
}

static bool apply_name(struct rmt_counters *counters, const char *record, size_t len)
{
	uint64_t key;
	uint16_t limit_len;
	const size_t head = sizeof(key) + sizeof(limit_len);

	if (len < head)
		return false;
	memcpy(&key, record, sizeof(key));
	memcpy(&limit_len, record + sizeof(key), sizeof(limit_len));
	if (key == 0 || limit_len > len - head ||
	    memchr(record + head, '\0', limit_len) != NULL)
		return false;
	rmt_names_add_later(&counters->names, key, rmt_span(record + head, limit_len),
			    rmt_span(record + head + limit_len, len - head - limit_len));
	return true;
}

bool rmt_disk_apply(struct rmt_counters *counters, enum rmt_log_type type,
		    const char *record, size_t len)
{
	uint64_t key;

	switch (type) {
	case RMT_LOG_RATE:
		return apply_rates(counters, record, len);
	case RMT_LOG_QUOTA:
		return apply_quota(counters, record, len);
	case RMT_LOG_NAME:
		return apply_name(counters, record, len);
	case RMT_LOG_RESET:
		if (len != sizeof(key))
			return false;
		memcpy(&key, record, sizeof(key));
		if (key != 0)
			rmt_counters_reset(counters, key);
		return key != 0;
	default:
		return false;
	}
}

static void end_list(struct rmt_disk *disk)
{
	struct rmt_kept swap = disk->records;

	if (!disk->in_list)
		return;
	disk->records = disk->list;
	disk->list = swap;
	rmt_kept_clear(&disk->list);
	disk->in_list = false;
}

/* Every record of rates and quotas begins with its key; of rates there are pairs, of
 * which apply_rates() sees the later ones early enough. */
static void look_ahead(void *context, int64_t line_ns, enum rmt_log_type type,
		       const char *record, size_t len)
{
	const struct rmt_disk *disk = context;
	size_t at, end = type == RMT_LOG_RATE    ? PAIRS_AHEAD * PAIR
			 : type == RMT_LOG_QUOTA ? PAIR
						 : 0;

	(void)line_ns;
	for (at = 0; at < end; at += PAIR)
		look_at_pair(disk->counters, record, len, at);
}

static void apply(void *context, int64_t line_ns, enum rmt_log_type type,
		  const char *record, size_t len)
{
	struct rmt_disk *disk = context;

	disk->counters->line_last = MAX(disk->counters->line_last, line_ns);
	if (type == RMT_LOG_CLIENT) {
		rmt_kept_add(disk->in_list ? &disk->list : &disk->records, record, len);
	} else if (type == RMT_LOG_CLIENT_BEGIN) {
		rmt_kept_clear(&disk->list);
		disk->in_list = true;
	} else if (type == RMT_LOG_CLIENT_END) {
		end_list(disk);
	} else {
		rmt_disk_apply(disk->counters, type, record, len);
	}
}

/* --- reading files --------------------------------------------------------------- */

static void learn_line(struct rmt_disk *disk, const struct rmt_anchor *anchor,
		       int64_t line_ns)
{
	if (disk->line_known && line_ns < disk->last_line)
		return;
	disk->line_known = true;
	disk->last_anchor = *anchor;
	disk->last_anchor.boot_id[sizeof(anchor->boot_id) - 1] = '\0';
	disk->last_line = line_ns;
}

bool rmt_disk_read_file(int directory_fd, const char *name, struct rmt_read *bytes_r)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
	struct rmt_read bytes = { 0 };
	struct stat status;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	bytes.room = (size_t)status.st_size + 1; /* with an end for text */
	bytes.start = rmt_large_new(bytes.room);
	while (n > 0 && bytes.len < bytes.room - 1) {
		n = pread(fd, bytes.start + bytes.len, bytes.room - 1 - bytes.len,
			  (off_t)bytes.len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			bytes.len += (size_t)n;
	}
	close(fd);
	*bytes_r = bytes;
	return true;
}

static const char *const result_texts[] = { "whole", "torn", "of a newer version",
					    "broken" };

static void cut(struct rmt_disk *disk, const char *name, size_t good, size_t len)
{
	int fd;

	rmt_log(RMT_LOG_WARNING,
		"counters: %s/%s ends in the middle of a record; the last %zu octets are "
		"cut off",
		disk->directory, name, len - good);
	fd = openat(disk->directory_fd, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (ftruncate(fd, (off_t)good) == 0)
		fdatasync(fd);
	close(fd);
}

/* The record's end as far as it is not the zeros of room allocated ahead. */
static size_t without_zeros(const char *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == '\0')
		len--;
	return len;
}

static enum rmt_log_result apply_log(struct rmt_disk *disk, const char *name,
				     const char *bytes, size_t len)
{
	struct rmt_log_reading reading;
	enum rmt_log_result result;

	if (len == 0)
		return RMT_LOG_WHOLE; /* cut off to the last octet, once */
	disk->in_list = false;
	result = rmt_log_read(bytes, len, look_ahead, apply, disk, &reading);
	if (result == RMT_LOG_TORN)
		cut(disk, name, reading.good, without_zeros(bytes, len));
	if (reading.good > 0) {
		if (reading.segment.seed_check != disk->seed_check)
			return RMT_LOG_BROKEN;
		learn_line(disk, &reading.segment.anchor, reading.line_ns);
		disk->earlier_bytes += reading.good;
	}
	return result == RMT_LOG_TORN ? RMT_LOG_WHOLE : result;
}

/* A file as the kernel has it: memory of our own to copy it into costs more than reading
 * its records. NULL: an empty one, or a system or disk that does not let us; all pages
 * are fetched here, since one that fails later would end the process. */
static char *map_file(int directory_fd, const char *name, size_t *len_r)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *bytes = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		*len_r = (size_t)status.st_size;
		bytes = mmap(NULL, *len_r, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	close(fd);
	if (bytes == MAP_FAILED)
		return NULL;
	if (madvise(bytes, *len_r, MADV_POPULATE_READ) == 0)
		return bytes;
	munmap(bytes, *len_r);
	return NULL;
}

static enum rmt_log_result read_log(struct rmt_disk *disk, uint64_t number)
{
	g_auto(rmt_read) bytes = { 0 };
	enum rmt_log_result result;
	char name[32], *mapped;
	size_t len;

	snprintf(name, sizeof(name), "log.%" G_GUINT64_FORMAT, number);
	mapped = map_file(disk->directory_fd, name, &len);
	if (mapped != NULL) {
		result = apply_log(disk, name, mapped, len);
		munmap(mapped, len);
		return result;
	}
	if (!rmt_disk_read_file(disk->directory_fd, name, &bytes))
		return RMT_LOG_BROKEN;
	return apply_log(disk, name, bytes.start, bytes.len);
}

/* Numbers of the logs there, ascending. */
static gint compare_numbers(gconstpointer a, gconstpointer b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static GArray *list_logs(int directory_fd)
{
	GArray *numbers = g_array_new(false, false, sizeof(uint64_t));
	int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	uint64_t number;
	char *end;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "log.", 4) != 0 ||
		    !g_ascii_isdigit(entry->d_name[4]))
			continue;
		number = g_ascii_strtoull(entry->d_name + 4, &end, 10);
		if (*end == '\0' && number < UINT64_MAX / 2)
			g_array_append_val(numbers, number);
	}
	if (dir != NULL)
		closedir(dir);
	g_array_sort(numbers, compare_numbers);
	return numbers;
}

static enum rmt_log_result read_snapshot(struct rmt_disk *disk, uint64_t *first_log_r)
{
	int fd = openat(disk->directory_fd, "snapshot", O_RDONLY | O_CLOEXEC);
	struct rmt_snapshot_head head;
	enum rmt_log_result result;
	struct stat status;

	*first_log_r = 0;
	if (fd < 0)
		return errno == ENOENT ? RMT_LOG_WHOLE : RMT_LOG_BROKEN;
	result = rmt_snapshot_read(fd, disk->counters, disk->seed_check, disk->names,
				   &head);
	if (result == RMT_LOG_WHOLE) {
		*first_log_r = head.first_log;
		learn_line(disk, &head.anchor, head.line_ns);
		disk->snapshot_names = disk->counters->names.count;
	}
	if (fstat(fd, &status) == 0)
		disk->snapshot_bytes = (uint64_t)status.st_size;
	close(fd);
	return result;
}

/* The free name for a file to be moved aside. */
static void move_aside(struct rmt_disk *disk, const char *name)
{
	struct stat status;
	unsigned i;

	for (i = 1; i < 10000; i++) {
		g_autofree char *aside = g_strdup_printf("%s.broken-%u", name, i);

		if (fstatat(disk->directory_fd, aside, &status, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		if (renameat(disk->directory_fd, name, disk->directory_fd, aside) != 0)
			unlinkat(disk->directory_fd, name, 0);
		return;
	}
}

static void start_empty(struct rmt_disk *disk, const GArray *logs, const char *file,
			enum rmt_log_result result)
{
	char name[32];
	guint i;

	rmt_log(RMT_LOG_ERROR,
		"counters: %s/%s is %s: all counters start empty; what was there is kept "
		"as "
		"*.broken-N, to be removed by hand",
		disk->directory, file, result_texts[result]);
	move_aside(disk, "snapshot");
	for (i = 0; i < logs->len; i++) {
		snprintf(name, sizeof(name), "log.%" G_GUINT64_FORMAT,
			 g_array_index(logs, uint64_t, i));
		move_aside(disk, name);
	}
	rmt_counters_empty(disk->counters);
	rmt_kept_clear(&disk->records);
	disk->in_list = false;
	disk->earlier_bytes = disk->snapshot_bytes = disk->snapshot_names = 0;
}

/* A log of nothing but new limits would make each shard grow over and over by a little.
 * What has too much room in the end, the sweep makes smaller. */
enum { LOADING_SLACK = 100 };

static enum rmt_log_result read_logs(struct rmt_disk *disk, const GArray *logs,
				     uint64_t first_log, char *name, size_t size)
{
	enum rmt_log_result result = RMT_LOG_WHOLE;
	uint64_t number;
	guint i;

	for (i = 0; i < logs->len && result == RMT_LOG_WHOLE; i++) {
		number = g_array_index(logs, uint64_t, i);
		snprintf(name, size, "log.%" G_GUINT64_FORMAT, number);
		if (number < first_log)
			unlinkat(disk->directory_fd, name, 0);
		else
			result = read_log(disk, number);
	}
	return result;
}

void rmt_disk_load(struct rmt_disk *disk)
{
	g_autoptr(GArray) logs = list_logs(disk->directory_fd);
	char name[32] = "snapshot";
	const unsigned slack = disk->counters->slots.slack;
	uint64_t first_log;
	enum rmt_log_result result;

	rmt_names_put_off(&disk->counters->names);
	result = read_snapshot(disk, &first_log);
	if (result == RMT_LOG_WHOLE) {
		disk->counters->slots.slack = LOADING_SLACK;
		result = read_logs(disk, logs, first_log, name, sizeof(name));
		disk->counters->slots.slack = slack;
	}
	if (result != RMT_LOG_WHOLE)
		start_empty(disk, logs, name, result);
	disk->next_log =
		logs->len > 0 ? g_array_index(logs, uint64_t, logs->len - 1) + 1 : 1;
	disk->next_log = MAX(disk->next_log, first_log);
	disk->oldest_log =
		logs->len > 0 ? g_array_index(logs, uint64_t, 0) : disk->next_log;
	disk->oldest_log = MAX(disk->oldest_log, first_log);
}
