/* SPDX-License-Identifier: MIT */
#include "common/config/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/span.h"
#include "common/config/error.h"

enum {
	DEPTH_MAX = 10,
	TEXT_MAX = 64 << 20, /* octets; long lists stand in files of their own */
};

void rmt_source_init(struct rmt_source *source)
{
	source->text = g_string_new(NULL);
	source->places = g_array_new(FALSE, FALSE, sizeof(struct rmt_place));
	source->files = g_ptr_array_new_with_free_func(g_free);
}

void rmt_source_clear(struct rmt_source *source)
{
	g_string_free(source->text, TRUE);
	g_array_free(source->places, TRUE);
	g_ptr_array_free(source->files, TRUE);
}

static const char *keep_name(struct rmt_source *source, const char *path)
{
	char *name = g_strdup(path);

	g_ptr_array_add(source->files, name);
	return name;
}

static void append_line(struct rmt_source *source, struct rmt_place place,
			struct rmt_span line)
{
	g_string_append_len(source->text, line.p, (gssize)line.len);
	g_string_append_c(source->text, '\n');
	g_array_append_val(source->places, place);
}

static bool next_line(struct rmt_span *rest, struct rmt_span *line_r)
{
	if (rest->len == 0)
		return false;
	if (!rmt_span_split(*rest, '\n', line_r, rest)) {
		*line_r = *rest;
		rest->len = 0;
	}
	return true;
}

static bool is_include(struct rmt_span line)
{
	return rmt_span_starts(rmt_span_trim(line), RMT_SPAN("@include"));
}

/* The name in `@include "NAME"`. */
static bool included_name(struct rmt_span line, struct rmt_span *name_r)
{
	struct rmt_span before, rest;

	line = rmt_span_from(rmt_span_trim(line), strlen("@include"));
	return rmt_span_split(rmt_span_trim(line), '"', &before, &rest) &&
	       before.len == 0 && rmt_span_split(rest, '"', name_r, &rest);
}

static bool fail(GError **err, const char *text, int number)
{
	g_set_error(err, RMT_CONFIG_ERROR, 0, "%s%s", text,
		    number != 0 ? g_strerror(number) : "");
	return false;
}

static bool read_file(const char *path, char **text_r, size_t *len_r, GError **err)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	bool is_directory;

	if (file == NULL)
		return fail(err, "cannot open it: ", errno);
	is_directory = fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode);
	fclose(file);
	if (is_directory)
		return fail(err, "cannot read it: it is a directory", 0);
	if (!g_file_get_contents(path, text_r, len_r, err))
		return false;
	if (memchr(*text_r, '\0', *len_r) == NULL)
		return true;
	g_clear_pointer(text_r, g_free);
	return fail(err, "is no text: it holds a NUL", 0);
}

static bool append_file(struct rmt_source *source, const char *path, int depth,
			struct rmt_place *place, GError **err);

static bool append_included(struct rmt_source *source, struct rmt_span line, int depth,
			    struct rmt_place *place, GError **err)
{
	g_autofree char *directory = g_path_get_dirname(place->file);
	g_autofree char *file = NULL;
	g_autofree char *path = NULL;
	struct rmt_place inner = *place;
	struct rmt_span name;

	if (!included_name(line, &name))
		return fail(err,
			    "@include wants a file name (write @include \"more.conf\")",
			    0);
	file = g_strndup(name.p, name.len);
	if (depth == DEPTH_MAX)
		return fail(err, "@include: files include each other too deeply", 0);
	path = g_path_is_absolute(file) ? g_strdup(file)
					: g_build_filename(directory, file, NULL);
	if (append_file(source, path, depth + 1, &inner, err))
		return true;
	/* What is wrong with the file as a whole is said of the include. */
	if (inner.line == 0)
		g_prefix_error(err, "@include \"%s\": ", file);
	else
		*place = inner;
	return false;
}

static bool append_file(struct rmt_source *source, const char *path, int depth,
			struct rmt_place *place, GError **err)
{
	g_autofree char *text = NULL;
	struct rmt_span rest = { NULL, 0 }, line;
	bool ok = true;

	place->file = keep_name(source, path);
	place->line = 0;
	if (!read_file(path, &text, &rest.len, err))
		return false;
	rest.p = text;
	if (source->text->len + rest.len > TEXT_MAX)
		return fail(err, "is too long", 0);
	while (ok && next_line(&rest, &line)) {
		place->line++;
		if (is_include(line))
			ok = append_included(source, line, depth, place, err);
		else
			append_line(source, *place, line);
	}
	return ok;
}

bool rmt_source_read(struct rmt_source *source, const char *path,
		     struct rmt_place *place_r, GError **err)
{
	return append_file(source, path, 0, place_r, err);
}

bool rmt_source_set(struct rmt_source *source, const char *name, const char *text,
		    struct rmt_place *place_r, GError **err)
{
	struct rmt_span rest = rmt_span_of(text), line;

	place_r->file = keep_name(source, name);
	place_r->line = 0;
	while (next_line(&rest, &line)) {
		place_r->line++;
		if (is_include(line))
			return fail(err, "@include: there are no files here", 0);
		append_line(source, *place_r, line);
	}
	return true;
}

struct rmt_place rmt_source_place(const struct rmt_source *source, unsigned line)
{
	static const struct rmt_place nowhere = { "", 0 };
	guint count = source->places->len;

	if (count == 0)
		return source->files->len > 0
			       ? (struct rmt_place){ source->files->pdata[0], 0 }
			       : nowhere;
	return g_array_index(source->places, struct rmt_place, CLAMP(line, 1, count) - 1);
}
