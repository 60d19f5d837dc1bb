/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/background.h"
#include "common/limits/counters_tail.h"

static const char head_magic[8] = "remiteS";

enum { CHUNK_MAGIC = 0x43544d52, SIZE_MAX_SLOTS = 1 << 27, LIMITS_LEN_MAX = 64 << 20 };

enum kind { SLOTS = 1, RINGS, NAMES, LIMITS, END };

struct chunk {
	uint32_t magic, kind;
	uint32_t number;     /* of the shard */
	uint32_t size, used; /* SLOTS: the array's; NAMES: used is how many */
	uint32_t zero;
	uint64_t len;
	uint64_t checksum; /* of the payload, seeded by all before */
};

static uint64_t chunk_seed(const struct chunk *chunk)
{
	return XXH3_64bits(chunk, offsetof(struct chunk, checksum));
}

static uint64_t head_checksum(const struct rmt_snapshot_head *head)
{
	return XXH3_64bits(head, offsetof(struct rmt_snapshot_head, checksum));
}

/* --- reading ------------------------------------------------------------------- */

struct reader {
	int fd; /* foreign */
	uint64_t offset, size;
	struct rmt_counters *counters;
	struct rmt_snapshot_names *names;
};

static bool read_all(int fd, void *buffer, size_t len, uint64_t offset)
{
	char *at = buffer;
	ssize_t n;

	while (len > 0) {
		n = pread(fd, at, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

static bool next_chunk(struct reader *reader, struct chunk *chunk_r)
{
	if (!read_all(reader->fd, chunk_r, sizeof(*chunk_r), reader->offset) ||
	    chunk_r->magic != CHUNK_MAGIC ||
	    chunk_r->len > reader->size - reader->offset - sizeof(*chunk_r))
		return false;
	reader->offset += sizeof(*chunk_r);
	return true;
}

static bool payload(struct reader *reader, const struct chunk *chunk, void *into)
{
	if (!read_all(reader->fd, into, chunk->len, reader->offset))
		return false;
	reader->offset += chunk->len;
	return chunk->checksum ==
	       XXH3_64bits_withSeed(into, chunk->len, chunk_seed(chunk));
}

/* The table walks an array until a free slot: one that lies about itself must
 * not get in. Returns the number of quotas, or UINT32_MAX. */
static uint32_t check_slots(const struct chunk *chunk, struct rmt_slot *slots)
{
	uint32_t i, used = 0, quotas = 0;

	for (i = 0; i < chunk->size; i++) {
		if (slots[i].key == 0) {
			slots[i].value = 0;
			continue;
		}
		if (slots[i].key >> (64 - RMT_SHARD_BITS) != chunk->number)
			return UINT32_MAX;
		used++;
		slots[i].value &= ~RMT_SLOT_STALE;
		quotas += (slots[i].value & RMT_SLOT_QUOTA) != 0;
	}
	return used == chunk->used && used < chunk->size ? quotas : UINT32_MAX;
}

static bool read_rings(struct reader *reader, uint32_t number, uint32_t count)
{
	const struct rmt_shard *shard = &reader->counters->slots.shards[number];
	struct rmt_quota *rings;
	struct chunk chunk;
	bool good;
	uint32_t i, ring = 0;

	if (!next_chunk(reader, &chunk) || chunk.kind != RINGS ||
	    chunk.number != number || chunk.len != (uint64_t)count * sizeof(*rings))
		return false;
	rings = g_malloc(chunk.len);
	good = payload(reader, &chunk, rings);
	for (i = 0; good && i < shard->size; i++)
		if (shard->slots[i].key != 0 &&
		    (shard->slots[i].value & RMT_SLOT_QUOTA) != 0)
			good = rmt_counters_adopt_quota(reader->counters,
							&shard->slots[i], &rings[ring++]);
	g_free(rings);
	return good;
}

static bool read_slots(struct reader *reader, const struct chunk *chunk)
{
	struct rmt_slot *slots;
	uint32_t quotas;

	if (chunk->number >= RMT_SHARDS || chunk->size == 0 ||
	    chunk->size > SIZE_MAX_SLOTS ||
	    chunk->len != (uint64_t)chunk->size * sizeof(struct rmt_slot) ||
	    reader->counters->slots.shards[chunk->number].size != 0)
		return false;
	slots = rmt_table_adopt(&reader->counters->slots, chunk->number, chunk->size,
				chunk->used);
	if (!payload(reader, chunk, slots))
		return false;
	quotas = check_slots(chunk, slots);
	return quotas == 0 ||
	       (quotas != UINT32_MAX && read_rings(reader, chunk->number, quotas));
}

static bool expect_names(struct reader *reader, const struct chunk *chunk)
{
	if (chunk->number >= RMT_SHARDS || chunk->used == 0 ||
	    chunk->len > UINT32_MAX / 2)
		return false;
	reader->names->places[chunk->number] =
		(struct rmt_snapshot_place){ reader->offset, chunk->checksum,
					     chunk_seed(chunk), chunk->len };
	rmt_names_expect(&reader->counters->names, chunk->number, chunk->used);
	reader->offset += chunk->len;
	return true;
}

static bool read_limits(struct reader *reader, const struct chunk *chunk)
{
	g_autofree char *text = NULL;
	struct rmt_span rest, name;

	if (chunk->len > LIMITS_LEN_MAX)
		return false;
	text = g_malloc(chunk->len + 1);
	if (!payload(reader, chunk, text))
		return false;
	rest = rmt_span(text, chunk->len);
	while (rmt_span_split(rest, '\0', &name, &rest))
		rmt_names_limit(&reader->counters->names, name);
	return true;
}

static bool read_chunks(struct reader *reader)
{
	struct chunk chunk;
	bool good = true;

	while (good && next_chunk(reader, &chunk)) {
		if (chunk.kind == SLOTS)
			good = read_slots(reader, &chunk);
		else if (chunk.kind == NAMES)
			good = expect_names(reader, &chunk);
		else if (chunk.kind == LIMITS)
			good = read_limits(reader, &chunk);
		else
			return chunk.kind == END;
	}
	return false;
}

static char *fetch_names(void *context, unsigned i, size_t *len_r)
{
	const struct rmt_snapshot_names *names = context;
	const struct rmt_snapshot_place *place = &names->places[i];
	char *records = g_malloc(place->len);

	if (read_all(names->fd, records, place->len, place->offset) &&
	    XXH3_64bits_withSeed(records, place->len, place->seed) == place->checksum) {
		*len_r = place->len;
		return records;
	}
	g_free(records); /* names are for listing: the counters do without */
	return NULL;
}

enum rmt_log_result rmt_snapshot_read(int fd, struct rmt_counters *counters,
				      uint64_t seed_check,
				      struct rmt_snapshot_names *names,
				      struct rmt_snapshot_head *head_r)
{
	struct reader reader = { fd, sizeof(*head_r), 0, counters, names };
	struct stat status;
	bool whole;

	if (!read_all(fd, head_r, sizeof(*head_r), 0) ||
	    memcmp(head_r->magic, head_magic, sizeof(head_magic)) != 0)
		return RMT_LOG_BROKEN;
	if (head_r->version != RMT_SNAPSHOT_VERSION)
		return RMT_LOG_NEWER;
	if (head_r->checksum != head_checksum(head_r) ||
	    head_r->seed_check != seed_check || head_r->shard_bits != RMT_SHARD_BITS)
		return RMT_LOG_BROKEN;
	if (fstat(fd, &status) != 0)
		return RMT_LOG_BROKEN;
	reader.size = (uint64_t)status.st_size;
	counters->line_last = head_r->line_ns;
	names->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	counters->names.fetch = fetch_names;
	counters->names.fetch_context = names;
	rmt_table_expect(&counters->slots, reader.size);
	whole = read_chunks(&reader);
	rmt_table_expect(&counters->slots, 0);
	return whole ? RMT_LOG_WHOLE : RMT_LOG_BROKEN;
}

void rmt_snapshot_mend(char *bytes, size_t len)
{
	struct rmt_snapshot_head head;
	struct chunk chunk;
	size_t at = sizeof(head);

	if (len < sizeof(head))
		return;
	memcpy(&head, bytes, sizeof(head));
	head.checksum = head_checksum(&head);
	memcpy(bytes, &head, sizeof(head));
	while (len - at >= sizeof(chunk)) {
		memcpy(&chunk, bytes + at, sizeof(chunk));
		at += sizeof(chunk);
		if (chunk.len > len - at)
			return;
		chunk.checksum =
			XXH3_64bits_withSeed(bytes + at, chunk.len, chunk_seed(&chunk));
		memcpy(bytes + at - sizeof(chunk), &chunk, sizeof(chunk));
		at += chunk.len;
	}
}

/* --- writing ------------------------------------------------------------------- */

struct rmt_snapshot {
	int directory_fd;      /* foreign */
	int fd, log_fd;        /* own */
	struct rmt_tail *tail; /* foreign */
	uint64_t oldest_log, first_log;
	unsigned shard;      /* the owner's: next to copy */
	bool copied;         /* the owner's: all of it */
	GByteArray *filling; /* own; the owner's */
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	GByteArray *handed; /* own; empty: the thread wants more */
	bool last, abandoned;
	bool finished;
	int error;
	uint64_t written;
};

static void add_chunk(GByteArray *out, struct chunk chunk, const void *bytes)
{
	chunk.magic = CHUNK_MAGIC;
	g_byte_array_append(out, (const guint8 *)&chunk, sizeof(chunk));
	if (chunk.len > 0 && bytes != NULL)
		g_byte_array_append(out, bytes, (guint)chunk.len);
}

static void add_rings(GByteArray *out, const struct rmt_counters *counters,
		      unsigned number)
{
	const struct rmt_shard *shard = &counters->slots.shards[number];
	gsize at = out->len;
	uint32_t i;
	uint64_t len;

	add_chunk(out, (struct chunk){ .kind = RINGS, .number = number }, NULL);
	for (i = 0; i < shard->size; i++)
		if (shard->slots[i].key != 0 &&
		    (shard->slots[i].value & RMT_SLOT_QUOTA) != 0)
			g_byte_array_append(
				out,
				(const guint8 *)rmt_quota_pool_get(
					&counters->quotas,
					shard->slots[i].value & RMT_SLOT_VALUE),
				sizeof(struct rmt_quota));
	len = out->len - at - sizeof(struct chunk);
	if (len == 0)
		g_byte_array_set_size(out, (guint)at);
	else
		memcpy(out->data + at + offsetof(struct chunk, len), &len, sizeof(len));
}

static void add_shard(GByteArray *out, const struct rmt_counters *counters,
		      unsigned number)
{
	const struct rmt_shard *shard = &counters->slots.shards[number];
	const struct rmt_names_shard *names =
		rmt_names_shard_at(&counters->names, number);

	if (shard->size > 0) {
		add_chunk(out,
			  (struct chunk){ .kind = SLOTS,
					  .number = number,
					  .size = shard->size,
					  .used = shard->used,
					  .len = shard->size * sizeof(struct rmt_slot) },
			  shard->slots);
		if (counters->quotas.used > 0)
			add_rings(out, counters, number);
	}
	if (names->count > 0)
		add_chunk(out,
			  (struct chunk){ .kind = NAMES,
					  .number = number,
					  .used = names->count,
					  .len = names->len },
			  names->records);
}

/* Last, when no shard copied can name a limit that is not in it. */
static void add_end(GByteArray *out, const struct rmt_counters *counters)
{
	g_autoptr(GByteArray) text = g_byte_array_new();
	const char *name;
	guint i;

	for (i = 0; i < counters->names.limits->len; i++) {
		name = counters->names.limits->pdata[i];
		g_byte_array_append(text, (const guint8 *)name, (guint)strlen(name) + 1);
	}
	add_chunk(out, (struct chunk){ .kind = LIMITS, .len = text->len }, text->data);
	add_chunk(out, (struct chunk){ .kind = END }, NULL);
}

static void fill(struct rmt_snapshot *snapshot, const struct rmt_counters *counters)
{
	while (snapshot->filling->len < RMT_SNAPSHOT_STEP && snapshot->shard < RMT_SHARDS)
		add_shard(snapshot->filling, counters, snapshot->shard++);
	if (snapshot->shard == RMT_SHARDS) {
		add_end(snapshot->filling, counters);
		snapshot->copied = true;
	}
}

static void make_checksums(GByteArray *bytes, gsize at)
{
	struct chunk chunk;

	for (; at < bytes->len; at += sizeof(chunk) + chunk.len) {
		memcpy(&chunk, bytes->data + at, sizeof(chunk));
		chunk.checksum = XXH3_64bits_withSeed(bytes->data + at + sizeof(chunk),
						      chunk.len, chunk_seed(&chunk));
		memcpy(bytes->data + at, &chunk, sizeof(chunk));
	}
}

static int write_bytes(struct rmt_snapshot *snapshot, const GByteArray *bytes)
{
	guint done = 0;
	ssize_t n;

	while (done < bytes->len) {
		n = pwrite(snapshot->fd, bytes->data + done, bytes->len - done,
			   (off_t)(snapshot->written + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : ENOSPC;
		done += (guint)n;
	}
	/* Begin to write now, or the last fdatasync stalls everybody's. */
	sync_file_range(snapshot->fd, (off_t)snapshot->written, bytes->len,
			SYNC_FILE_RANGE_WRITE);
	snapshot->written += bytes->len;
	return 0;
}

static bool sync_log(const struct rmt_snapshot *snapshot)
{
	return snapshot->log_fd < 0 ||
	       (rmt_tail_drain(snapshot->tail) && fdatasync(snapshot->log_fd) == 0);
}

static int put_in_place(struct rmt_snapshot *snapshot)
{
	char name[32];
	uint64_t i;

	if (fdatasync(snapshot->fd) != 0 || !sync_log(snapshot) ||
	    renameat(snapshot->directory_fd, "snapshot.new", snapshot->directory_fd,
		     "snapshot") != 0 ||
	    fsync(snapshot->directory_fd) != 0)
		return errno;
	for (i = snapshot->oldest_log; i < snapshot->first_log; i++) {
		snprintf(name, sizeof(name), "log.%" G_GUINT64_FORMAT, i);
		unlinkat(snapshot->directory_fd, name, 0);
	}
	return 0;
}

static void *run(void *context)
{
	struct rmt_snapshot *snapshot = context;
	GByteArray *bytes = g_byte_array_new(), *swap;
	bool last = false;
	int error = 0;

	rmt_background();
	pthread_mutex_lock(&snapshot->lock);
	while (!last && error == 0 && !snapshot->abandoned) {
		if (snapshot->handed->len == 0) {
			pthread_cond_wait(&snapshot->wake, &snapshot->lock);
			continue;
		}
		swap = snapshot->handed;
		snapshot->handed = bytes;
		bytes = swap;
		last = snapshot->last;
		pthread_mutex_unlock(&snapshot->lock);
		make_checksums(bytes, snapshot->written == 0
					      ? sizeof(struct rmt_snapshot_head)
					      : 0);
		error = write_bytes(snapshot, bytes);
		if (last && error == 0)
			error = put_in_place(snapshot);
		g_byte_array_set_size(bytes, 0);
		pthread_mutex_lock(&snapshot->lock);
	}
	snapshot->error = last || error != 0 ? error : ECANCELED;
	snapshot->finished = true;
	pthread_mutex_unlock(&snapshot->lock);
	g_byte_array_unref(bytes);
	return NULL;
}

static void destroy(struct rmt_snapshot *snapshot)
{
	close(snapshot->fd);
	if (snapshot->log_fd >= 0)
		close(snapshot->log_fd);
	g_byte_array_unref(snapshot->filling);
	g_byte_array_unref(snapshot->handed);
	pthread_mutex_destroy(&snapshot->lock);
	pthread_cond_destroy(&snapshot->wake);
	g_free(snapshot);
}

static struct rmt_snapshot_head finished_head(const struct rmt_snapshot_head *head)
{
	struct rmt_snapshot_head own = *head;

	memcpy(own.magic, head_magic, sizeof(head_magic));
	own.version = RMT_SNAPSHOT_VERSION;
	own.size = sizeof(own);
	own.shard_bits = RMT_SHARD_BITS;
	own.zero = 0;
	own.checksum = head_checksum(&own);
	return own;
}

static struct rmt_snapshot *create(int fd, const struct rmt_snapshot_head *head)
{
	struct rmt_snapshot *snapshot = g_new0(struct rmt_snapshot, 1);
	struct rmt_snapshot_head own = finished_head(head);

	snapshot->fd = fd;
	snapshot->first_log = head->first_log;
	snapshot->filling = g_byte_array_sized_new(2 * RMT_SNAPSHOT_STEP);
	snapshot->handed = g_byte_array_sized_new(2 * RMT_SNAPSHOT_STEP);
	g_byte_array_append(snapshot->filling, (const guint8 *)&own, sizeof(own));
	pthread_mutex_init(&snapshot->lock, NULL);
	pthread_cond_init(&snapshot->wake, NULL);
	return snapshot;
}

struct rmt_snapshot *rmt_snapshot_begin(int directory_fd, int log_fd,
					struct rmt_tail *tail, uint64_t oldest_log,
					const struct rmt_snapshot_head *head)
{
	struct rmt_snapshot *snapshot;
	int error, fd = openat(directory_fd, "snapshot.new",
			       O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	if (fd < 0) {
		if (log_fd >= 0)
			close(log_fd);
		return NULL;
	}
	snapshot = create(fd, head);
	snapshot->directory_fd = directory_fd;
	snapshot->log_fd = log_fd;
	snapshot->tail = tail;
	snapshot->oldest_log = oldest_log;
	error = pthread_create(&snapshot->thread, NULL, run, snapshot);
	if (error == 0)
		return snapshot;
	destroy(snapshot);
	errno = error;
	return NULL;
}

enum rmt_snapshot_state rmt_snapshot_step(struct rmt_snapshot *snapshot,
					  struct rmt_counters *counters)
{
	GByteArray *swap;
	bool wanted, finished;
	int error;

	pthread_mutex_lock(&snapshot->lock);
	wanted = snapshot->handed->len == 0 && !snapshot->last;
	finished = snapshot->finished;
	error = snapshot->error;
	pthread_mutex_unlock(&snapshot->lock);
	if (finished)
		return error == 0 ? RMT_SNAPSHOT_DONE : RMT_SNAPSHOT_FAILED;
	if (!wanted)
		return RMT_SNAPSHOT_RUNS;
	fill(snapshot, counters);
	pthread_mutex_lock(&snapshot->lock);
	swap = snapshot->handed;
	snapshot->handed = snapshot->filling;
	snapshot->filling = swap;
	snapshot->last = snapshot->copied;
	pthread_cond_signal(&snapshot->wake);
	pthread_mutex_unlock(&snapshot->lock);
	return RMT_SNAPSHOT_RUNS;
}

int rmt_snapshot_free(struct rmt_snapshot *snapshot, uint64_t *bytes_r)
{
	int error;

	pthread_mutex_lock(&snapshot->lock);
	snapshot->abandoned = true;
	pthread_cond_signal(&snapshot->wake);
	pthread_mutex_unlock(&snapshot->lock);
	pthread_join(snapshot->thread, NULL);
	error = snapshot->error;
	*bytes_r = snapshot->written;
	if (error != 0)
		unlinkat(snapshot->directory_fd, "snapshot.new", 0);
	destroy(snapshot);
	return error;
}
