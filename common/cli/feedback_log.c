/* SPDX-License-Identifier: MIT */
/* feedback_log.c - `remite feedback --log`: Postfix's log, from a file or from
 * systemd's journal, from where we were last time. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "common/base/log.h"
#include "common/cli/feedback.h"
#include "common/feedback/maillog.h"

static const struct rmt_command *const command = &rmt_command_feedback;

enum { LINES_A_COMMIT = 500, LINE_MAX_OCTETS = 16384, WAIT_US = 500000 };

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

struct source {
	const char *name; /* foreign */
	bool follow;
	struct rmt_feedback_cli *cli;      /* foreign */
	struct rmt_maillog_reader *reader; /* own */
	unsigned pending;                  /* lines since the commit */
	int64_t tend_at;
	unsigned tended;
};

/* What a running service does beside: waiting rows every hour, old ones every day. */
static bool tend(struct source *source, GError **err)
{
	int64_t now = time(NULL);
	uint64_t removed;
	unsigned count;

	if (now < source->tend_at)
		return true;
	if (!rmt_feedback_work_rest(source->cli->feedback, now, &count, err) ||
	    (source->tended % 24 == 0 &&
	     !rmt_feedback_expire(source->cli->feedback, now, &removed, err)))
		return false;
	source->tended++;
	source->tend_at = now + 3600;
	return true;
}

static bool commit(struct source *source, struct rmt_span mark, GError **err)
{
	source->pending = 0;
	return rmt_maillog_commit(source->reader, source->name, mark, err);
}

/* --- file -------------------------------------------------------------------------- */

struct mark {
	uint64_t inode, offset;
};

static bool read_mark(struct source *source, struct mark *mark_r, GError **err)
{
	g_autoptr(GBytes) bytes = NULL;

	*mark_r = (struct mark){ 0, 0 };
	if (!rmt_maillog_mark(source->cli->feedback, source->name, &bytes, err))
		return false;
	if (bytes != NULL && g_bytes_get_size(bytes) == sizeof(*mark_r))
		memcpy(mark_r, g_bytes_get_data(bytes, NULL), sizeof(*mark_r));
	return true;
}

static bool commit_at(struct source *source, FILE *file, uint64_t inode, GError **err)
{
	struct mark mark = { inode, (uint64_t)MAX(ftello(file), 0) };

	return commit(source, rmt_span((const char *)&mark, sizeof(mark)), err);
}

/* All whole lines there are; half a line at the end waits for the rest. */
static bool read_lines(struct source *source, FILE *file, uint64_t inode, GError **err)
{
	char line[LINE_MAX_OCTETS];
	off_t before = ftello(file);
	bool skipping = false;
	size_t len;

	while (!stopped && fgets(line, sizeof(line), file) != NULL) {
		len = strlen(line);
		if (len == 0 || line[len - 1] != '\n') {
			if (len + 1 < sizeof(line))
				break;
			skipping = true; /* no line of Postfix is as long */
			continue;
		}
		if (!skipping &&
		    !rmt_maillog_line(source->reader, rmt_span(line, len - 1), time(NULL),
				      err))
			return false;
		skipping = false;
		before = ftello(file);
		if (++source->pending >= LINES_A_COMMIT &&
		    !commit_at(source, file, inode, err))
			return false;
	}
	clearerr(file);
	fseeko(file, before, SEEK_SET);
	return source->pending == 0 || commit_at(source, file, inode, err);
}

static FILE *open_log(const char *name, uint64_t *inode_r, uint64_t *size_r, GError **err)
{
	FILE *file = fopen(name, "re");
	struct stat status;

	if (file == NULL || fstat(fileno(file), &status) != 0) {
		g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
			    "'%s' cannot be read: %s", name, g_strerror(errno));
		if (file != NULL)
			fclose(file);
		return NULL;
	}
	*inode_r = status.st_ino;
	*size_r = (uint64_t)status.st_size;
	return file;
}

/* The rest of a file that was rotated since: "mail.log.1". */
static bool read_rotated(struct source *source, const struct mark *mark, GError **err)
{
	g_autofree char *name = g_strdup_printf("%s.1", source->name);
	uint64_t inode, size;
	FILE *file = open_log(name, &inode, &size, NULL);
	bool ok = true;

	if (file == NULL)
		return true;
	if (inode == mark->inode && size > mark->offset) {
		fseeko(file, (off_t)mark->offset, SEEK_SET);
		ok = read_lines(source, file, inode, err);
	}
	fclose(file);
	return ok;
}

static bool is_same_file(const char *name, uint64_t inode)
{
	struct stat status;

	return stat(name, &status) != 0 || status.st_ino == inode;
}

static bool follow_file(struct source *source, FILE **file, uint64_t *inode, GError **err)
{
	uint64_t size;
	FILE *next;

	while (!stopped) {
		g_usleep(WAIT_US);
		if (!tend(source, err) || !read_lines(source, *file, *inode, err))
			return false;
		if (is_same_file(source->name, *inode))
			continue;
		next = open_log(source->name, inode, &size, NULL);
		if (next == NULL)
			continue;
		fclose(*file);
		*file = next;
	}
	return true;
}

static bool read_file(struct source *source, GError **err)
{
	struct mark mark;
	uint64_t inode, size;
	FILE *file;
	bool ok = true;

	if (!read_mark(source, &mark, err))
		return false;
	file = open_log(source->name, &inode, &size, err);
	if (file == NULL)
		return false;
	if (mark.inode != 0 && mark.inode != inode)
		ok = read_rotated(source, &mark, err);
	else if (mark.offset <= size)
		fseeko(file, (off_t)mark.offset, SEEK_SET);
	ok = ok && read_lines(source, file, inode, err);
	if (ok && source->follow)
		ok = follow_file(source, &file, &inode, err);
	fclose(file);
	return ok;
}

/* --- journal ----------------------------------------------------------------------- */

static bool fail_journal(int code, GError **err)
{
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "systemd's journal cannot be read: %s (is the user in group "
		    "systemd-journal?)",
		    g_strerror(-code));
	return false;
}

static bool commit_cursor(struct source *source, sd_journal *journal, GError **err)
{
	char *cursor = NULL;
	bool ok = true;

	if (source->pending > 0 && sd_journal_get_cursor(journal, &cursor) >= 0)
		ok = commit(source, rmt_span_of(cursor), err);
	free(cursor);
	return ok;
}

static bool read_entries(struct source *source, sd_journal *journal, GError **err)
{
	const void *data;
	size_t len;
	int more;

	while (!stopped && (more = sd_journal_next(journal)) > 0) {
		if (sd_journal_get_data(journal, "MESSAGE", &data, &len) >= 0 &&
		    len > 8) {
			/* The text alone; a blank stands for "postfix/smtp[7]: ". */
			g_autofree char *line = g_strdup_printf(" %.*s", (int)(len - 8),
								(const char *)data + 8);

			if (!rmt_maillog_line(source->reader, rmt_span_of(line),
					      time(NULL), err))
				return false;
		}
		if (++source->pending >= LINES_A_COMMIT &&
		    !commit_cursor(source, journal, err))
			return false;
	}
	return commit_cursor(source, journal, err);
}

static bool seek_journal(struct source *source, sd_journal *journal, GError **err)
{
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *cursor = NULL;
	gsize len;
	const char *p;

	if (!rmt_maillog_mark(source->cli->feedback, source->name, &bytes, err))
		return false;
	if (bytes == NULL) {
		sd_journal_seek_head(journal);
		return true;
	}
	p = g_bytes_get_data(bytes, &len);
	cursor = g_strndup(p, len);
	/* The entry of the cursor itself was read. */
	if (sd_journal_seek_cursor(journal, cursor) >= 0)
		sd_journal_next(journal);
	return true;
}

static bool read_journal(struct source *source, GError **err)
{
	sd_journal *journal;
	int code = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
	bool ok;

	if (code < 0)
		return fail_journal(code, err);
	sd_journal_add_match(journal, "SYSLOG_FACILITY=2", 0); /* mail */
	ok = seek_journal(source, journal, err) && read_entries(source, journal, err);
	while (ok && source->follow && !stopped) {
		sd_journal_wait(journal, WAIT_US);
		ok = tend(source, err) && read_entries(source, journal, err);
	}
	sd_journal_close(journal);
	return ok;
}

/* --- the command ------------------------------------------------------------------- */

int rmt_feedback_run_log(const struct rmt_cli *from, const char *name, bool follow)
{
	struct rmt_feedback_cli cli = { 0 };
	struct source source = { name, follow, &cli, NULL, 0, 0, 0 };
	GError *err = NULL;
	uint64_t lines, events;
	unsigned rest;
	bool ok;

	if (!rmt_feedback_cli_open(&cli, from))
		return RMT_EXIT_TROUBLE;
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	source.reader = rmt_maillog_reader_new(cli.feedback);
	ok = rmt_feedback_work_rest(cli.feedback, cli.records.now, &rest, &err) &&
	     (strcmp(name, "journal") == 0 ? read_journal(&source, &err)
					   : read_file(&source, &err));
	rmt_maillog_totals(source.reader, &lines, &events);
	rmt_maillog_reader_free(source.reader);
	rmt_feedback_cli_close(&cli);
	if (!ok)
		return rmt_cli_trouble(command, err);
	printf("%" G_GUINT64_FORMAT " deliveries of ours, %" G_GUINT64_FORMAT
	       " new events\n",
	       (guint64)lines, (guint64)events);
	return RMT_EXIT_OK;
}
