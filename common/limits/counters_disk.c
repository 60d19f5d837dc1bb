/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/log.h"
#include "common/limits/counters_snapshot.h"

enum {
	LOG_SOON = 8 << 20,         /* worth a snapshot when the last is a minute old, */
	LOG_MAX_DEFAULT = 64 << 20, /* and in any case */
	LOG_MAX_SNAPSHOTS = 1,      /* or so many times the last snapshot */
	LOGS_MAX = 16,              /* restarts make many small ones */
	GATHERED_MAX = 1 << 20,
};
#define SNAPSHOT_REST_NS  (60 * (int64_t)RMT_NS_PER_SEC)
#define RETRY_EVERY_NS    ((int64_t)RMT_NS_PER_SEC)
#define COMPLAIN_EVERY_NS (60 * (int64_t)RMT_NS_PER_SEC)

struct rmt_disk {
	struct rmt_counters *counters; /* foreign */
	int directory_fd, lock_fd;     /* own */
	char *directory;               /* own; for messages */
	struct rmt_wal *wal;
	struct rmt_snapshot *snapshot; /* being taken; or NULL */
	struct rmt_snapshot_names *names;
	uint64_t seed_check;
	bool seed_stored;
	struct rmt_anchor anchor;
	/* Logs: the oldest there, the next to be made, octets of those before the
	 * current. */
	uint64_t oldest_log, next_log, earlier_bytes;
	uint64_t log_max_option, snapshot_bytes;
	/* What the last process knew of the time line. */
	bool line_known;
	struct rmt_anchor last_anchor;
	int64_t last_line;
	/* Read for the client: since its last whole list, and a list in the making. */
	GByteArray *records, *list;
	bool in_list;
	/* Trouble. */
	bool down;
	bool want_snapshot;
	int64_t tried_ns, complained_ns, snapshot_ns;
	bool complained;
	char *last_error;
	uint64_t snapshots, write_errors, sync_errors;
};

/* --- reading records ------------------------------------------------------------- */

static bool apply_rates(struct rmt_counters *counters, const char *record, size_t len)
{
	uint64_t words[2];
	bool sensible = len > 0 && len % sizeof(words) == 0;
	size_t at;

	for (at = 0; sensible && at < len; at += sizeof(words)) {
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

static void keep_record(GByteArray *into, const char *record, size_t len)
{
	uint32_t size = (uint32_t)len;

	g_byte_array_append(into, (const guint8 *)&size, sizeof(size));
	g_byte_array_append(into, (const guint8 *)record, size);
}

static void end_list(struct rmt_disk *disk)
{
	GByteArray *swap = disk->records;

	if (!disk->in_list)
		return;
	disk->records = disk->list;
	disk->list = swap;
	g_byte_array_set_size(disk->list, 0);
	disk->in_list = false;
}

/* Every record of rates and quotas begins with its key, and rates come in pairs. */
static void look_ahead(void *context, int64_t line_ns, enum rmt_log_type type,
		       const char *record, size_t len)
{
	const struct rmt_disk *disk = context;
	const size_t pair = 2 * sizeof(uint64_t);
	size_t at, end = type == RMT_LOG_RATE ? len : type == RMT_LOG_QUOTA ? pair : 0;
	uint64_t key;

	(void)line_ns;
	for (at = 0; at + pair <= MIN(end, len); at += pair) {
		memcpy(&key, record + at, sizeof(key));
		rmt_counters_prefetch(disk->counters, key);
	}
}

static void apply(void *context, int64_t line_ns, enum rmt_log_type type,
		  const char *record, size_t len)
{
	struct rmt_disk *disk = context;

	disk->counters->line_last = MAX(disk->counters->line_last, line_ns);
	if (type == RMT_LOG_CLIENT) {
		keep_record(disk->in_list ? disk->list : disk->records, record, len);
	} else if (type == RMT_LOG_CLIENT_BEGIN) {
		g_byte_array_set_size(disk->list, 0);
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

static bool read_file(int directory_fd, const char *name, char **bytes_r, size_t *len_r)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat status;
	size_t done = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	*bytes_r = g_malloc((size_t)status.st_size + 1);
	while (n > 0 && done < (size_t)status.st_size) {
		n = pread(fd, *bytes_r + done, (size_t)status.st_size - done,
			  (off_t)done);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			done += (size_t)n;
	}
	close(fd);
	*len_r = done;
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

static enum rmt_log_result read_log(struct rmt_disk *disk, uint64_t number)
{
	g_autofree char *bytes = NULL;
	struct rmt_log_reading reading;
	enum rmt_log_result result;
	char name[32];
	size_t len;

	snprintf(name, sizeof(name), "log.%" G_GUINT64_FORMAT, number);
	if (!read_file(disk->directory_fd, name, &bytes, &len))
		return RMT_LOG_BROKEN;
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
	g_byte_array_set_size(disk->records, 0);
	disk->in_list = false;
	disk->earlier_bytes = disk->snapshot_bytes = 0;
}

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

static void read_all(struct rmt_disk *disk)
{
	g_autoptr(GArray) logs = list_logs(disk->directory_fd);
	char name[32] = "snapshot";
	uint64_t first_log;
	enum rmt_log_result result = read_snapshot(disk, &first_log);

	if (result == RMT_LOG_WHOLE)
		result = read_logs(disk, logs, first_log, name, sizeof(name));
	if (result != RMT_LOG_WHOLE)
		start_empty(disk, logs, name, result);
	disk->next_log =
		logs->len > 0 ? g_array_index(logs, uint64_t, logs->len - 1) + 1 : 1;
	disk->next_log = MAX(disk->next_log, first_log);
	disk->oldest_log =
		logs->len > 0 ? g_array_index(logs, uint64_t, 0) : disk->next_log;
	disk->oldest_log = MAX(disk->oldest_log, first_log);
}

/* --- opening ----------------------------------------------------------------------- */

struct seed_file {
	unsigned char secret[RMT_SECRET_SIZE];
	uint64_t checksum;
};

static bool load_seed(struct rmt_disk *disk)
{
	g_autofree char *bytes = NULL;
	struct seed_file seed;
	size_t len;

	if (!read_file(disk->directory_fd, "seed", &bytes, &len) || len != sizeof(seed))
		return false;
	memcpy(&seed, bytes, sizeof(seed));
	if (seed.checksum != XXH3_64bits(seed.secret, sizeof(seed.secret)))
		return false;
	memcpy(disk->counters->secret, seed.secret, sizeof(seed.secret));
	return true;
}

static bool store_seed(struct rmt_disk *disk)
{
	struct seed_file seed;
	bool stored;
	int fd = openat(disk->directory_fd, "seed.new",
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	memcpy(seed.secret, disk->counters->secret, sizeof(seed.secret));
	seed.checksum = XXH3_64bits(seed.secret, sizeof(seed.secret));
	errno = ENOSPC; /* of a short write */
	stored = write(fd, &seed, sizeof(seed)) == sizeof(seed) && fsync(fd) == 0 &&
		 renameat(disk->directory_fd, "seed.new", disk->directory_fd, "seed") ==
			 0 &&
		 fsync(disk->directory_fd) == 0;
	close(fd);
	return stored;
}

static int64_t begin_line(const struct rmt_disk *disk,
			  const struct rmt_counters_options *options)
{
	const struct rmt_anchor *last = &disk->last_anchor;
	int64_t line, last_wall;

	if (!disk->line_known)
		return options->wall_secs * RMT_NS_PER_SEC;
	if (options->boot_id != NULL &&
	    strncmp(options->boot_id, last->boot_id, sizeof(last->boot_id) - 1) == 0) {
		line = last->line_ns + MAX(options->monotonic_ns - last->monotonic_ns, 0);
	} else {
		last_wall = last->wall_secs +
			    (disk->last_line - last->line_ns) / RMT_NS_PER_SEC;
		line = disk->last_line +
		       MAX(options->wall_secs - last_wall, 0) * RMT_NS_PER_SEC;
	}
	return MAX(line, disk->last_line);
}

static void set_line(struct rmt_disk *disk, const struct rmt_counters_options *options)
{
	struct rmt_counters *counters = disk->counters;

	counters->line_start = counters->line_last = begin_line(disk, options);
	counters->monotonic_start = options->monotonic_ns;
	disk->anchor.line_ns = counters->line_start;
	disk->anchor.monotonic_ns = options->monotonic_ns;
	disk->anchor.wall_secs = options->wall_secs;
	g_strlcpy(disk->anchor.boot_id, options->boot_id != NULL ? options->boot_id : "",
		  sizeof(disk->anchor.boot_id));
}

static bool fail(GError **err, const char *directory, const char *what,
		 const char *remedy)
{
	g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
		    "counters: %s '%s': %s%s", what, directory, g_strerror(errno),
		    remedy);
	return false;
}

static void write_pid(int fd)
{
	char pid[32];
	int len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

	/* Only for the message of who comes second. */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)len, 0) < 0)
		errno = 0;
}

/* On a read-only disk the directory itself is locked: both kinds exclude a
 * second process of their own kind. */
static bool lock(struct rmt_disk *disk, GError **err)
{
	g_autofree char *pid = NULL;
	size_t len = 0;

	disk->lock_fd =
		openat(disk->directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (disk->lock_fd < 0)
		disk->lock_fd = openat(disk->directory_fd, ".", O_RDONLY | O_CLOEXEC);
	if (disk->lock_fd < 0)
		return fail(err, disk->directory, "cannot lock", "");
	if (flock(disk->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		write_pid(disk->lock_fd);
		return true;
	}
	if (!read_file(disk->directory_fd, "lock", &pid, &len))
		pid = g_strdup("?");
	else
		pid[len] = '\0';
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
		    "counters: '%s' is in use by process %s; stop that one first",
		    disk->directory, g_strstrip(pid));
	return false;
}

static bool open_directory(struct rmt_disk *disk, GError **err)
{
	if (mkdir(disk->directory, 0750) != 0 && errno != EEXIST && errno != EROFS)
		return fail(err, disk->directory, "cannot make",
			    "; make its parent directory");
	disk->directory_fd = open(disk->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (disk->directory_fd < 0)
		return fail(err, disk->directory, "cannot open", "");
	return lock(disk, err);
}

static void trouble(struct rmt_disk *disk, const char *what, int error)
{
	int64_t now = disk->counters->line_last;

	g_free(disk->last_error);
	disk->last_error = g_strdup_printf("%s: %s", what, g_strerror(error));
	if (disk->complained && now - disk->complained_ns < COMPLAIN_EVERY_NS)
		return;
	disk->complained = true;
	disk->complained_ns = now;
	rmt_log(RMT_LOG_ERROR,
		"counters: %s/%s; counting goes on in memory, and is lost if this "
		"process ends "
		"before the disk takes it again",
		disk->directory, disk->last_error);
}

static void go_down(struct rmt_disk *disk, const char *what, int error)
{
	disk->down = true;
	disk->tried_ns = disk->counters->line_last;
	disk->write_errors++;
	rmt_wal_stop(disk->wal);
	trouble(disk, what, error);
}

/* The client's list at the head of a log. */
static void write_list(struct rmt_disk *disk)
{
	const struct rmt_counters_client *client = &disk->counters->client;

	if (client->snapshot == NULL)
		return;
	rmt_wal_add(disk->wal, RMT_LOG_CLIENT_BEGIN, NULL, 0, NULL, 0);
	client->snapshot(client->context);
	rmt_disk_add(disk, RMT_LOG_CLIENT_END, NULL, 0, NULL, 0);
}

static bool begin_log(struct rmt_disk *disk)
{
	if (!disk->seed_stored && !store_seed(disk)) {
		go_down(disk, "seed", errno);
		return false;
	}
	disk->seed_stored = true;
	disk->earlier_bytes += rmt_wal_written(disk->wal);
	if (!rmt_wal_begin(disk->wal, disk->next_log, disk->seed_check, &disk->anchor)) {
		go_down(disk, "log", errno);
		return false;
	}
	disk->next_log++;
	return true;
}

struct rmt_disk *rmt_disk_open(struct rmt_counters *counters,
			       const struct rmt_counters_options *options, GError **err)
{
	struct rmt_disk *disk = g_new0(struct rmt_disk, 1);

	disk->counters = counters;
	disk->directory = g_strdup(options->directory);
	disk->directory_fd = disk->lock_fd = -1;
	disk->log_max_option = options->log_max;
	disk->names = g_new0(struct rmt_snapshot_names, 1);
	disk->names->fd = -1;
	disk->records = g_byte_array_new();
	disk->list = g_byte_array_new();
	if (!open_directory(disk, err)) {
		rmt_disk_close(disk);
		return NULL;
	}
	disk->seed_stored = load_seed(disk);
	disk->seed_check = XXH3_64bits(counters->secret, sizeof(counters->secret));
	read_all(disk);
	set_line(disk, options);
	disk->wal = rmt_wal_new(disk->directory_fd);
	begin_log(disk);
	return disk;
}

void rmt_disk_close(struct rmt_disk *disk)
{
	uint64_t bytes;

	if (disk == NULL)
		return;
	if (disk->snapshot != NULL)
		rmt_snapshot_free(disk->snapshot, &bytes);
	rmt_wal_free(disk->wal, disk->counters->line_last);
	if (disk->names->fd >= 0)
		close(disk->names->fd);
	if (disk->lock_fd >= 0)
		close(disk->lock_fd);
	if (disk->directory_fd >= 0)
		close(disk->directory_fd);
	g_byte_array_unref(disk->records);
	g_byte_array_unref(disk->list);
	g_free(disk->names);
	g_free(disk->directory);
	g_free(disk->last_error);
	g_free(disk);
}

static void each_record(const GByteArray *records,
			void (*call)(void *context, const void *record, size_t len),
			void *context)
{
	uint32_t size;
	guint at;

	for (at = 0; at < records->len; at += (guint)sizeof(size) + size) {
		memcpy(&size, records->data + at, sizeof(size));
		call(context, records->data + at + sizeof(size), size);
	}
}

void rmt_disk_attach(struct rmt_disk *disk)
{
	const struct rmt_counters_client *client = &disk->counters->client;

	if (client->foresee != NULL)
		each_record(disk->records, client->foresee, client->context);
	each_record(disk->records, client->replay, client->context);
	g_byte_array_unref(disk->records);
	disk->records = g_byte_array_new();
	write_list(disk);
	rmt_disk_write(disk);
}

/* --- going on ------------------------------------------------------------------------
 */

void rmt_disk_add(struct rmt_disk *disk, enum rmt_log_type type, const void *a,
		  size_t a_len, const void *b, size_t b_len)
{
	if (rmt_wal_add(disk->wal, type, a, a_len, b, b_len) > GATHERED_MAX)
		rmt_disk_write(disk);
}

void rmt_disk_add_rate(struct rmt_disk *disk, const uint64_t pair[2])
{
	if (rmt_wal_add_rate(disk->wal, pair) > GATHERED_MAX)
		rmt_disk_write(disk);
}

bool rmt_disk_write(struct rmt_disk *disk)
{
	if (disk->down)
		return false;
	if (rmt_wal_flush(disk->wal, disk->counters->line_last))
		return true;
	go_down(disk, "log", errno);
	return false;
}

static void begin_snapshot(struct rmt_disk *disk)
{
	struct rmt_snapshot_head head = { .seed_check = disk->seed_check,
					  .anchor = disk->anchor,
					  .line_ns = disk->counters->line_last };

	disk->tried_ns = disk->counters->line_last;
	rmt_disk_write(disk);
	if (!begin_log(disk))
		return;
	write_list(disk);
	if (!rmt_disk_write(disk))
		return;
	head.first_log = rmt_wal_number(disk->wal);
	disk->snapshot = rmt_snapshot_begin(disk->directory_fd, rmt_wal_dup(disk->wal),
					    disk->oldest_log, &head);
	if (disk->snapshot == NULL)
		trouble(disk, "snapshot", errno);
	else
		disk->want_snapshot = false;
}

static void end_snapshot(struct rmt_disk *disk)
{
	uint64_t bytes;
	int error = rmt_snapshot_free(disk->snapshot, &bytes);

	disk->snapshot = NULL;
	if (error != 0) {
		disk->write_errors++;
		disk->want_snapshot = true;
		trouble(disk, "snapshot", error);
		return;
	}
	disk->snapshots++;
	disk->snapshot_ns = disk->counters->line_last;
	disk->snapshot_bytes = bytes;
	disk->earlier_bytes = 0;
	disk->oldest_log = rmt_wal_number(disk->wal);
	if (disk->last_error != NULL)
		rmt_log(RMT_LOG_INFO, "counters: %s takes records again",
			disk->directory);
	g_clear_pointer(&disk->last_error, g_free);
	disk->complained = false;
}

static uint64_t log_max(const struct rmt_disk *disk)
{
	if (disk->log_max_option > 0)
		return disk->log_max_option;
	return MAX((uint64_t)LOG_MAX_DEFAULT, LOG_MAX_SNAPSHOTS * disk->snapshot_bytes);
}

static bool snapshot_is_due(const struct rmt_disk *disk)
{
	uint64_t octets = disk->earlier_bytes + rmt_wal_written(disk->wal);

	return disk->want_snapshot ||
	       (octets > LOG_SOON &&
		disk->counters->line_last - disk->snapshot_ns > SNAPSHOT_REST_NS) ||
	       octets > log_max(disk) || disk->next_log - disk->oldest_log > LOGS_MAX;
}

static void look_after_the_thread(struct rmt_disk *disk)
{
	int error = rmt_wal_sync_error(disk->wal);

	if (error == 0)
		return;
	/* After a failed fdatasync nobody knows what the disk has. */
	disk->sync_errors++;
	go_down(disk, "log", error);
}

void rmt_disk_tick(struct rmt_disk *disk)
{
	bool rested = disk->counters->line_last - disk->tried_ns >= RETRY_EVERY_NS;

	look_after_the_thread(disk);
	if (disk->down && !rested)
		return;
	if (disk->snapshot != NULL) {
		if (disk->down || rmt_snapshot_step(disk->snapshot, disk->counters) !=
					  RMT_SNAPSHOT_RUNS)
			end_snapshot(disk);
		return;
	}
	if (disk->down) {
		disk->down = false;
		disk->want_snapshot = true;
		begin_snapshot(disk);
	} else if (snapshot_is_due(disk) && (rested || disk->last_error == NULL)) {
		begin_snapshot(disk);
	}
}

void rmt_disk_stats(const struct rmt_disk *disk, struct rmt_counters_stats *stats_r)
{
	stats_r->log_bytes = disk->earlier_bytes + rmt_wal_written(disk->wal);
	stats_r->snapshots = disk->snapshots;
	stats_r->write_errors = disk->write_errors;
	stats_r->sync_errors = disk->sync_errors;
	stats_r->last_error = disk->last_error;
}
