/* SPDX-License-Identifier: MIT */
#include "common/limits/counters_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/limits/counters_sync.h"
#include "common/limits/counters_tail.h"

static const char segment_magic[8] = "remitel";

enum {
	AHEAD = 12,               /* records */
	FRAME_MAGIC = 0x46544d52, /* "RMTF" */
	ALIGN = 8,
	LEN_BITS = 24,
	ROOM_FIRST = 4096,
	ROOM_KEPT = 1 << 20,
};

struct frame {
	uint32_t magic, len; /* of the records, padded */
	int64_t line_ns;
	uint64_t checksum;
};

/* --- reading ------------------------------------------------------------------- */

static uint64_t frame_checksum(const struct frame *frame, const void *records,
			       uint64_t segment)
{
	uint64_t seed = ((uint64_t)frame->line_ns ^ frame->len) +
			segment * UINT64_C(0x9e3779b97f4a7c15);

	return XXH3_64bits_withSeed(records, frame->len, seed);
}

static uint64_t segment_checksum(const struct rmt_segment *segment)
{
	return XXH3_64bits(segment, offsetof(struct rmt_segment, checksum));
}

static bool frame_at(const char *bytes, size_t len, size_t offset, uint64_t segment,
		     struct frame *frame_r)
{
	if (len - offset < sizeof(*frame_r))
		return false;
	memcpy(frame_r, bytes + offset, sizeof(*frame_r));
	offset += sizeof(*frame_r);
	return frame_r->magic == FRAME_MAGIC && frame_r->len % ALIGN == 0 &&
	       frame_r->len <= len - offset &&
	       frame_r->checksum == frame_checksum(frame_r, bytes + offset, segment);
}

struct record {
	enum rmt_log_type type;
	const char *bytes;
	size_t len;
};

static bool next_record(const char *records, size_t len, size_t *offset,
			struct record *record_r)
{
	uint32_t head;

	if (len - *offset < sizeof(head))
		return false;
	memcpy(&head, records + *offset, sizeof(head));
	record_r->type = head >> LEN_BITS;
	record_r->bytes = records + *offset + sizeof(head);
	record_r->len = head & ((1U << LEN_BITS) - 1);
	if (head == 0 || record_r->len > len - *offset - sizeof(head))
		return false;
	*offset += sizeof(head) + record_r->len;
	return true;
}

/* What each() needs from memory is on its way AHEAD records before. */
static void read_records(const char *records, size_t len, int64_t line_ns,
			 rmt_log_each *ahead, rmt_log_each *each, void *context)
{
	size_t offset = 0, next = 0;
	unsigned lead = 0;
	struct record record, later;

	while (next_record(records, len, &offset, &record)) {
		for (; ahead != NULL && lead < AHEAD &&
		       next_record(records, len, &next, &later);
		     lead++)
			ahead(context, line_ns, later.type, later.bytes, later.len);
		lead -= lead > 0;
		each(context, line_ns, record.type, record.bytes, record.len);
	}
}

/* Whatever a damaged frame says its time is. */
static bool is_later_by(int64_t line_ns, int64_t than_ns, int64_t by_ns)
{
	return than_ns <= INT64_MAX - by_ns && line_ns > than_ns + by_ns;
}

/* What stands behind the last whole frame. */
static enum rmt_log_result judge_rest(const char *bytes, size_t len,
				      const struct rmt_log_reading *reading)
{
	enum rmt_log_result result = RMT_LOG_WHOLE;
	struct frame frame;
	uint64_t word;
	size_t i;

	for (i = reading->good; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		if (word == 0)
			continue;
		result = RMT_LOG_TORN;
		if ((uint32_t)word == FRAME_MAGIC &&
		    frame_at(bytes, len, i, reading->segment.number, &frame) &&
		    is_later_by(frame.line_ns, reading->line_ns, RMT_LOG_LOSS_NS))
			return RMT_LOG_BROKEN;
	}
	return i < len && bytes[i] != 0 ? RMT_LOG_TORN : result;
}

static enum rmt_log_result read_segment(const char *bytes, size_t len,
					struct rmt_segment *segment_r)
{
	static const struct rmt_segment none;

	*segment_r = none;
	memcpy(segment_r, bytes, MIN(len, sizeof(*segment_r)));
	if (len < sizeof(*segment_r))
		return RMT_LOG_TORN; /* the process ended while it made the file */
	if (memcmp(segment_r, &none, sizeof(none)) == 0)
		return RMT_LOG_TORN;
	if (memcmp(segment_r->magic, segment_magic, sizeof(segment_magic)) != 0)
		return RMT_LOG_BROKEN;
	if (segment_r->version < 1 || segment_r->version > RMT_LOG_VERSION)
		return RMT_LOG_NEWER;
	if (segment_r->checksum != segment_checksum(segment_r))
		return RMT_LOG_BROKEN;
	return RMT_LOG_WHOLE;
}

enum rmt_log_result rmt_log_read(const char *bytes, size_t len, rmt_log_each *ahead,
				 rmt_log_each *each, void *context,
				 struct rmt_log_reading *reading_r)
{
	enum rmt_log_result result = read_segment(bytes, len, &reading_r->segment);
	struct frame frame;

	reading_r->good = 0;
	reading_r->line_ns = reading_r->segment.anchor.line_ns;
	if (result != RMT_LOG_WHOLE)
		return result;
	reading_r->good = sizeof(struct rmt_segment);
	while (frame_at(bytes, len, reading_r->good, reading_r->segment.number, &frame)) {
		reading_r->good += sizeof(frame);
		read_records(bytes + reading_r->good, frame.len, frame.line_ns, ahead,
			     each, context);
		reading_r->good += frame.len;
		reading_r->line_ns = MAX(reading_r->line_ns, frame.line_ns);
	}
	return judge_rest(bytes, len, reading_r);
}

size_t rmt_log_whole_frames(const char *bytes, size_t len, uint64_t number)
{
	struct frame frame;
	size_t good = 0;

	while (frame_at(bytes, len, good, number, &frame))
		good += sizeof(frame) + frame.len;
	return good;
}

void rmt_log_mend(char *bytes, size_t len)
{
	struct rmt_segment segment;
	struct frame frame;
	size_t at = sizeof(segment);

	if (len < sizeof(segment))
		return;
	memcpy(&segment, bytes, sizeof(segment));
	segment.checksum = segment_checksum(&segment);
	memcpy(bytes, &segment, sizeof(segment));
	while (len - at >= sizeof(frame)) {
		memcpy(&frame, bytes + at, sizeof(frame));
		at += sizeof(frame);
		if (frame.len > len - at)
			return;
		frame.checksum = frame_checksum(&frame, bytes + at, segment.number);
		memcpy(bytes + at - sizeof(frame), &frame, sizeof(frame));
		at += frame.len;
	}
}

/* --- writing ------------------------------------------------------------------- */

struct rmt_wal {
	int directory_fd; /* foreign */
	int fd;           /* the thread's to close, once given; -1: stopped */
	uint64_t number, offset;
	char *buffer; /* own; a frame in the making: its head's room first */
	size_t len, room;
	struct rmt_tail *tail;
	struct rmt_sync *sync;
};

struct rmt_wal *rmt_wal_new(int directory_fd, struct rmt_tail *tail)
{
	struct rmt_wal *wal = g_new0(struct rmt_wal, 1);

	wal->directory_fd = directory_fd;
	wal->fd = -1;
	wal->room = ROOM_FIRST;
	wal->buffer = g_malloc(wal->room);
	wal->len = sizeof(struct frame);
	wal->tail = tail;
	wal->sync = rmt_sync_start(tail);
	return wal;
}

void rmt_wal_free(struct rmt_wal *wal, int64_t line_ns)
{
	if (wal == NULL)
		return;
	if (wal->fd >= 0 && rmt_wal_flush(wal, line_ns))
		rmt_sync_truncate(wal->sync, wal->offset);
	rmt_sync_stop(wal->sync);
	rmt_tail_free(wal->tail);
	g_free(wal->buffer);
	g_free(wal);
}

static bool write_segment(int fd, uint64_t number, uint64_t seed_check,
			  const struct rmt_anchor *anchor)
{
	struct rmt_segment segment = { .version = RMT_LOG_VERSION,
				       .size = sizeof(segment),
				       .number = number,
				       .seed_check = seed_check,
				       .anchor = *anchor };

	memcpy(segment.magic, segment_magic, sizeof(segment_magic));
	segment.checksum = segment_checksum(&segment);
	errno = ENOSPC; /* of a short write */
	return pwrite(fd, &segment, sizeof(segment), 0) == sizeof(segment);
}

bool rmt_wal_begin(struct rmt_wal *wal, uint64_t number, uint64_t seed_check,
		   const struct rmt_anchor *anchor)
{
	char name[32];
	int fd, saved;

	if (!rmt_tail_drain(wal->tail)) {
		saved = errno;
		rmt_wal_stop(wal);
		errno = saved;
		return false;
	}
	rmt_wal_stop(wal);
	snprintf(name, sizeof(name), "log.%" G_GUINT64_FORMAT, number);
	fd = openat(wal->directory_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0640);
	if (fd < 0)
		return false;
	if (!write_segment(fd, number, seed_check, anchor)) {
		saved = errno;
		unlinkat(wal->directory_fd, name, 0);
		close(fd);
		errno = saved;
		return false;
	}
	wal->fd = fd;
	wal->number = number;
	wal->offset = sizeof(struct rmt_segment);
	rmt_tail_begin(wal->tail, fd, number, wal->offset, seed_check);
	rmt_sync_switch(wal->sync, fd, wal->directory_fd);
	return true;
}

static void empty_buffer(struct rmt_wal *wal)
{
	wal->len = sizeof(struct frame);
}

void rmt_wal_stop(struct rmt_wal *wal)
{
	empty_buffer(wal);
	rmt_tail_end(wal->tail);
	if (wal->fd >= 0)
		rmt_sync_switch(wal->sync, -1, -1);
	wal->fd = -1;
}

bool rmt_wal_is_open(const struct rmt_wal *wal)
{
	return wal->fd >= 0;
}

static void make_room(struct rmt_wal *wal, size_t more)
{
	if (wal->len + more <= wal->room)
		return;
	wal->room = MAX(wal->room * 2, wal->len + more);
	wal->buffer = g_realloc(wal->buffer, wal->room);
}

void *rmt_wal_room(struct rmt_wal *wal, enum rmt_log_type type, size_t len)
{
	const uint32_t head = (uint32_t)type << LEN_BITS | (uint32_t)len;
	char *at;

	if (wal->fd < 0)
		return NULL;
	g_assert(len <= RMT_LOG_RECORD_MAX);
	make_room(wal, sizeof(head) + len + ALIGN);
	at = wal->buffer + wal->len;
	memcpy(at, &head, sizeof(head));
	wal->len += sizeof(head) + len;
	return at + sizeof(head);
}

size_t rmt_wal_add(struct rmt_wal *wal, enum rmt_log_type type, const void *a,
		   size_t a_len, const void *b, size_t b_len)
{
	char *at = rmt_wal_room(wal, type, a_len + b_len);

	if (at == NULL)
		return 0;
	if (a_len > 0)
		memcpy(at, a, a_len);
	if (b_len > 0)
		memcpy(at + a_len, b, b_len);
	return rmt_wal_gathered(wal);
}

size_t rmt_wal_gathered(const struct rmt_wal *wal)
{
	return wal->len - sizeof(struct frame);
}

uint64_t rmt_wal_written(const struct rmt_wal *wal)
{
	return wal->fd >= 0 ? wal->offset : 0;
}

uint64_t rmt_wal_number(const struct rmt_wal *wal)
{
	return wal->number;
}

int rmt_wal_dup(const struct rmt_wal *wal)
{
	return wal->fd >= 0 ? fcntl(wal->fd, F_DUPFD_CLOEXEC, 0) : -1;
}

static void close_frame(struct rmt_wal *wal, int64_t line_ns)
{
	size_t padding = (ALIGN - wal->len % ALIGN) % ALIGN;
	struct frame frame = { .magic = FRAME_MAGIC, .line_ns = line_ns };

	memset(wal->buffer + wal->len, 0, padding);
	wal->len += padding;
	frame.len = (uint32_t)(wal->len - sizeof(frame));
	frame.checksum = frame_checksum(&frame, wal->buffer + sizeof(frame), wal->number);
	memcpy(wal->buffer, &frame, sizeof(frame));
}

bool rmt_wal_flush(struct rmt_wal *wal, int64_t line_ns)
{
	bool written;

	if (wal->fd < 0 || rmt_wal_gathered(wal) == 0)
		return true;
	close_frame(wal, line_ns);
	written = rmt_tail_add(wal->tail, wal->buffer, wal->len);
	if (written) {
		wal->offset += wal->len;
		rmt_sync_dirty(wal->sync);
	}
	empty_buffer(wal);
	if (wal->room > ROOM_KEPT) {
		wal->room = ROOM_FIRST;
		wal->buffer = g_realloc(wal->buffer, wal->room);
	}
	return written;
}

int rmt_wal_sync_error(struct rmt_wal *wal)
{
	return rmt_sync_error(wal->sync);
}
