/* SPDX-License-Identifier: MIT */
/* suppress_import.c - `remite suppress import`: millions of lines. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cli/suppress.h"
#include "common/store/suppress_line.h"

static const struct rmt_command *const command = &rmt_command_suppress;

enum { NAMED_MAX = 10, READ_OCTETS = 1 << 18 };

struct run {
	struct rmt_suppress_import *import; /* own; NULL: dry run */
	struct rmt_suppress_line_reader reader;
	const char *file; /* foreign; for messages */
	uint64_t line, good, bad;
};

static void say_bad(struct run *run, const GError *err)
{
	if (run->bad++ < NAMED_MAX)
		fprintf(stderr, "%s:%" G_GUINT64_FORMAT ": %s\n", run->file, run->line,
			err->message);
}

/* False: the store refuses; *err says why. */
static bool take_line(struct run *run, struct rmt_span line, GError **err)
{
	g_autoptr(GError) wrong = NULL;

	run->line++;
	switch (rmt_suppress_line_read(&run->reader, line, &wrong)) {
	case RMT_SUPPRESS_LINE_NOTHING:
		return true;
	case RMT_SUPPRESS_LINE_BAD:
		say_bad(run, wrong);
		return true;
	case RMT_SUPPRESS_LINE_ENTRY:
		break;
	}
	run->good++;
	return run->import == NULL ||
	       rmt_suppress_import_add(run->import, &run->reader.entry, err);
}

/* Takes the whole lines; what is left of the last one moves to the front. */
static bool take_lines(struct run *run, GString *buffer, GError **err)
{
	struct rmt_span rest = rmt_span(buffer->str, buffer->len), line, after;

	while (rmt_span_split(rest, '\n', &line, &after)) {
		if (!take_line(run, line, err))
			return false;
		rest = after;
	}
	g_string_erase(buffer, 0, (gssize)(buffer->len - rest.len));
	return true;
}

/* A line without end must not fill the memory: its middle is left out, which
 * keeps it too long to be taken. */
static void cut_overlong(GString *buffer)
{
	if (buffer->len > 2 * RMT_SUPPRESS_LINE_MAX)
		g_string_truncate(buffer, 2 * RMT_SUPPRESS_LINE_MAX);
}

static bool take_stream(struct run *run, FILE *in, GError **err)
{
	g_autoptr(GString) buffer = g_string_new(NULL);
	g_autofree char *block = g_malloc(READ_OCTETS);
	size_t n;

	run->line = 0;
	while ((n = fread(block, 1, READ_OCTETS, in)) > 0) {
		g_string_append_len(buffer, block, (gssize)n);
		if (!take_lines(run, buffer, err))
			return false;
		cut_overlong(buffer);
	}
	if (ferror(in)) {
		g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s",
			    run->file, strerror(errno));
		return false;
	}
	return buffer->len == 0 ||
	       take_line(run, rmt_span(buffer->str, buffer->len), err);
}

static bool take_file(struct run *run, const char *path, GError **err)
{
	FILE *in;
	bool ok;

	if (strcmp(path, "-") == 0) {
		run->file = "standard input";
		return take_stream(run, stdin, err);
	}
	run->file = path;
	in = fopen(path, "re");
	if (in == NULL) {
		g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s",
			    path, strerror(errno));
		return false;
	}
	ok = take_stream(run, in, err);
	fclose(in);
	return ok;
}

static bool take_files(struct run *run, char **files, GError **err)
{
	if (*files == NULL)
		return take_file(run, "-", err);
	for (; *files != NULL; files++)
		if (!take_file(run, *files, err))
			return false;
	return true;
}

static void print_result(const struct run *run, uint64_t added, uint64_t replaced)
{
	if (run->bad > NAMED_MAX)
		fprintf(stderr, "and %" G_GUINT64_FORMAT " more bad lines\n",
			run->bad - NAMED_MAX);
	if (run->import == NULL)
		printf("%" G_GUINT64_FORMAT " good", run->good);
	else
		printf("%" G_GUINT64_FORMAT " added, %" G_GUINT64_FORMAT " replaced",
		       added - replaced, replaced);
	printf(", %" G_GUINT64_FORMAT " bad\n", run->bad);
}

/* What was read before trouble came stands: it is written all the same. */
static int finish(struct run *run, bool ok, GError *err)
{
	uint64_t added = 0, replaced = 0;
	GError *last = NULL;

	if (!ok && err->domain == RMT_STORE_ERROR) {
		rmt_suppress_import_free(run->import);
		return rmt_cli_trouble(command, err);
	}
	if (run->import != NULL &&
	    !rmt_suppress_import_end(run->import, &added, &replaced, &last)) {
		g_clear_error(&err);
		return rmt_cli_trouble(command, last);
	}
	print_result(run, added, replaced);
	if (!ok)
		return rmt_cli_trouble(command, err);
	return run->bad > 0 ? RMT_EXIT_NO : RMT_EXIT_OK;
}

static int import_all(struct rmt_cli_records *records,
		      const struct rmt_suppress_options *options, char **files)
{
	g_autofree char *source =
		g_strdup_printf("import %s", files[0] != NULL ? files[0] : "-");
	g_autofree struct run *run = g_new0(struct run, 1);
	struct rmt_suppression defaults;
	GError *err = NULL;
	bool ok;

	if (!rmt_suppress_options_entry(options, records, source, &defaults))
		return RMT_EXIT_USAGE;
	run->reader.defaults = &defaults;
	run->reader.fold = records->config->fold;
	run->reader.now = records->now;
	if (!options->dry_run)
		run->import = rmt_suppress_import_begin(records->store);
	ok = take_files(run, files, &err);
	return finish(run, ok, err);
}

int rmt_suppress_run_import(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_suppress_options options = { NULL };
	GOptionEntry rows[RMT_SUPPRESS_OPTIONS + 2] = { { NULL } };
	struct rmt_cli_records records;
	g_auto(GStrv) args = NULL;
	int count, status = RMT_EXIT_USAGE;

	rmt_suppress_option_rows(&options, rows);
	rows[RMT_SUPPRESS_OPTIONS] = (GOptionEntry){ .long_name = "dry-run",
						     .arg = G_OPTION_ARG_NONE,
						     .arg_data = &options.dry_run };
	if (rmt_cli_options(command, rows, argc, argv, &count, &args)) {
		if (!rmt_cli_records_open(&records, cli, command, options.dry_run))
			status = RMT_EXIT_TROUBLE;
		else {
			status = import_all(&records, &options, args + 1);
			rmt_cli_records_close(&records);
		}
	}
	rmt_suppress_options_clear(&options);
	return status;
}
