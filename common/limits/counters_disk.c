/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_disk_private.h"

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
#include "common/limits/counters_tail.h"

enum {
	LOG_SOON = 8 << 20,         /* worth a snapshot when the last is a minute old, */
	LOG_MAX_DEFAULT = 64 << 20, /* and in any case */
	LOG_MAX_QUARTERS = 3,       /* or so many of the last snapshot */
	LOGS_MAX = 16,              /* restarts make many small ones */
	NEW_NAME = 128, /* octets of log take as long to read as one new name */
	GATHERED_MAX = 1 << 20,
};
#define SNAPSHOT_REST_NS  (60 * (int64_t)RMT_NS_PER_SEC)
#define RETRY_EVERY_NS    ((int64_t)RMT_NS_PER_SEC)
#define COMPLAIN_EVERY_NS (60 * (int64_t)RMT_NS_PER_SEC)

/* --- opening ----------------------------------------------------------------------- */

struct seed_file {
	unsigned char secret[RMT_SECRET_SIZE];
	uint64_t checksum;
};

static bool load_seed(struct rmt_disk *disk)
{
	g_auto(rmt_read) bytes = { 0 };
	struct seed_file seed;

	if (!rmt_disk_read_file(disk->directory_fd, "seed", &bytes) ||
	    bytes.len != sizeof(seed))
		return false;
	memcpy(&seed, bytes.start, sizeof(seed));
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
	g_auto(rmt_read) pid = { 0 };

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
	rmt_disk_read_file(disk->directory_fd, "lock", &pid);
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
		    "counters: '%s' is in use by process %s; stop that one first",
		    disk->directory, pid.len > 0 ? g_strstrip(pid.start) : "?");
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
	rmt_kept_init(&disk->records, options->ends);
	rmt_kept_init(&disk->list, options->ends);
	if (!open_directory(disk, err)) {
		rmt_disk_close(disk);
		return NULL;
	}
	disk->seed_stored = load_seed(disk);
	disk->seed_check = XXH3_64bits(counters->secret, sizeof(counters->secret));
	disk->tail = rmt_tail_open(options->tail);
	rmt_tail_recover(disk->tail, disk->directory_fd, disk->seed_check);
	rmt_disk_load(disk);
	set_line(disk, options);
	disk->wal = rmt_wal_new(disk->directory_fd, disk->tail);
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
	if (disk->wal != NULL)
		rmt_disk_take_changes(disk);
	rmt_wal_free(disk->wal, disk->counters->line_last);
	if (disk->names->fd >= 0)
		close(disk->names->fd);
	if (disk->lock_fd >= 0)
		close(disk->lock_fd);
	if (disk->directory_fd >= 0)
		close(disk->directory_fd);
	rmt_kept_finish(&disk->records);
	rmt_kept_finish(&disk->list);
	g_free(disk->names);
	g_free(disk->directory);
	g_free(disk->last_error);
	g_free(disk);
}

void rmt_disk_attach(struct rmt_disk *disk)
{
	const struct rmt_counters_client *client = &disk->counters->client;

	rmt_kept_each(&disk->records, client->replay, client->context);
	rmt_kept_clear(&disk->records);
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

void *rmt_disk_room(struct rmt_disk *disk, enum rmt_log_type type, size_t len)
{
	if (rmt_wal_gathered(disk->wal) > GATHERED_MAX)
		rmt_disk_write(disk);
	return rmt_wal_room(disk->wal, type, len);
}

void rmt_disk_take_changes(struct rmt_disk *disk)
{
	struct rmt_changes *changes = &disk->counters->changes;

	if (changes->count > 0)
		rmt_wal_add(disk->wal, RMT_LOG_RATE, changes->pairs,
			    changes->count * sizeof(changes->pairs[0]), NULL, 0);
	changes->count = 0;
}

bool rmt_disk_write(struct rmt_disk *disk)
{
	rmt_disk_take_changes(disk);
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
					    disk->tail, disk->oldest_log, &head);
	if (disk->snapshot == NULL)
		trouble(disk, "snapshot", errno);
	else
		disk->want_snapshot = false;
	disk->snapshot_names = rmt_names_known(&disk->counters->names);
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
	return MAX((uint64_t)LOG_MAX_DEFAULT,
		   LOG_MAX_QUARTERS * (disk->snapshot_bytes / 4));
}

static size_t new_names(const struct rmt_disk *disk)
{
	size_t names = rmt_names_known(&disk->counters->names);

	return names > disk->snapshot_names ? names - disk->snapshot_names : 0;
}

static bool snapshot_is_due(const struct rmt_disk *disk)
{
	uint64_t octets = disk->earlier_bytes + rmt_wal_written(disk->wal);

	return disk->want_snapshot ||
	       (octets > LOG_SOON &&
		disk->counters->line_last - disk->snapshot_ns > SNAPSHOT_REST_NS) ||
	       octets + NEW_NAME * (uint64_t)new_names(disk) > log_max(disk) ||
	       disk->next_log - disk->oldest_log > LOGS_MAX;
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
	bool rested;

	look_after_the_thread(disk);
	rested = disk->counters->line_last - disk->tried_ns >= RETRY_EVERY_NS;
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
