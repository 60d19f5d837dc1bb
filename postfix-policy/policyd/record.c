/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

struct rmt_record {
	int fd;
	char *path;       /* own */
	GString *waiting; /* own */
	bool failing;
};

struct rmt_record *rmt_record_open(const char *path, GError **err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	struct rmt_record *record;

	if (fd < 0) {
		g_set_error(err, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
			    "policyd.record: cannot append to %s: %s", path,
			    g_strerror(errno));
		return NULL;
	}
	record = g_new0(struct rmt_record, 1);
	record->fd = fd;
	record->path = g_strdup(path);
	record->waiting = g_string_new(NULL);
	return record;
}

void rmt_record_close(struct rmt_record *record)
{
	if (record == NULL)
		return;
	close(record->fd);
	g_free(record->path);
	g_string_free(record->waiting, TRUE);
	g_free(record);
}

const char *rmt_record_path(const struct rmt_record *record)
{
	return record->path;
}

/* Without the empty line at the end, "\n" or "\r\n". */
static struct rmt_span lines_of(struct rmt_span request)
{
	if (request.len > 0)
		request.len--;
	if (request.len > 0 && request.p[request.len - 1] == '\r')
		request.len--;
	return request;
}

void rmt_record_add(struct rmt_record *record, struct rmt_span request, int64_t wall_ns,
		    struct rmt_span action)
{
	const struct rmt_span lines = lines_of(request);

	g_string_append_len(record->waiting, lines.p, (gssize)lines.len);
	g_string_append_printf(record->waiting,
			       "remite_time=%" PRId64 ".%09" PRId64
			       "\nremite_action=%.*s\n\n",
			       wall_ns / RMT_NS_PER_SEC, wall_ns % RMT_NS_PER_SEC,
			       RMT_SPAN_ARGS(action));
}

/* One write: O_APPEND keeps requests whole. What the disk refuses is dropped; a
 * part that got in is taken back, so that the file stays readable. */
static bool append(struct rmt_record *record)
{
	ssize_t n = write(record->fd, record->waiting->str, record->waiting->len);
	off_t end;

	if (n == (ssize_t)record->waiting->len)
		return true;
	if (n > 0) {
		end = lseek(record->fd, 0, SEEK_END);
		if (end >= n && ftruncate(record->fd, end - n) == 0)
			errno = ENOSPC;
	}
	return false;
}

bool rmt_record_write(struct rmt_record *record)
{
	bool written;

	if (record->waiting->len == 0)
		return true;
	written = append(record);
	if (!written && !record->failing)
		rmt_log(RMT_LOG_ERROR,
			"policyd.record: %s: %s; requests are answered and not recorded",
			record->path, g_strerror(errno));
	if (written && record->failing)
		rmt_log(RMT_LOG_INFO, "policyd.record: %s: recording again",
			record->path);
	record->failing = !written;
	g_string_truncate(record->waiting, 0);
	return written;
}
