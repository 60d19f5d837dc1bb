/* SPDX-License-Identifier: MIT */
#include "common/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

/* The one writable static below the hosts: set once, before threads. */
static struct {
	const char *program;
	enum rmt_log_level level;
	rmt_log_sink sink;
	void *context;
} log_state = { "remite", RMT_LOG_INFO, NULL, NULL };

static const char *const level_names[] = { "debug", "info", "warning", "error" };
static const int level_syslog[] = { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR };

void rmt_log_init(const char *program, enum rmt_log_level level, rmt_log_sink sink,
		  void *context)
{
	log_state.program = program;
	log_state.level = level;
	log_state.sink = sink;
	log_state.context = context;
}

void rmt_log_to_syslog(void *context, enum rmt_log_level level, const char *line)
{
	(void)context;
	syslog(LOG_MAIL | level_syslog[level], "%s", line);
}

bool rmt_log_enabled(enum rmt_log_level level)
{
	return level >= log_state.level;
}

void rmt_log(enum rmt_log_level level, const char *format, ...)
{
	g_autofree char *line = NULL;
	va_list args;

	if (!rmt_log_enabled(level))
		return;
	va_start(args, format);
	line = g_strdup_vprintf(format, args);
	va_end(args);
	rmt_log_line(level, line);
}

void rmt_log_line(enum rmt_log_level level, const char *line)
{
	if (!rmt_log_enabled(level))
		return;
	if (log_state.sink != NULL)
		log_state.sink(log_state.context, level, line);
	else
		fprintf(stderr, "%s: %s: %s\n", log_state.program, level_names[level],
			line);
}

/* To standard error all go at once. */
static void print_lines(enum rmt_log_level level, const GString *lines)
{
	g_autoptr(GString) out = g_string_sized_new(lines->len * 2);
	struct rmt_span line, rest = rmt_span(lines->str, lines->len);

	while (rmt_span_split(rest, '\n', &line, &rest)) {
		g_string_append(out, log_state.program);
		g_string_append(out, ": ");
		g_string_append(out, level_names[level]);
		g_string_append(out, ": ");
		g_string_append_len(out, line.p, (gssize)line.len + 1);
	}
	fwrite(out->str, out->len, 1, stderr);
}

static void pass_lines(enum rmt_log_level level, GString *lines)
{
	char *line = lines->str, *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		log_state.sink(log_state.context, level, line);
	}
}

void rmt_log_lines(enum rmt_log_level level, GString *lines)
{
	if (lines->len > 0 && rmt_log_enabled(level)) {
		if (log_state.sink == NULL)
			print_lines(level, lines);
		else
			pass_lines(level, lines);
	}
	g_string_truncate(lines, 0);
}

/* Octets of the valid, printable UTF-8 character at p, or 0. */
static size_t printable_at(const char *p, size_t left)
{
	gunichar c = g_utf8_get_char_validated(p, (gssize)left);

	if (c == (gunichar)-1 || c == (gunichar)-2 || !g_unichar_isprint(c))
		return 0;
	return c == '"' || c == '\\' ? 0 : (size_t)(g_utf8_next_char(p) - p);
}

/* Nearly all text is of such characters alone. */
static size_t plain_run(const char *p, size_t left)
{
	size_t n = 0;

	while (n < left && p[n] >= ' ' && p[n] < 0x7f && p[n] != '"' && p[n] != '\\')
		n++;
	return n;
}

void rmt_log_printable(GString *out, struct rmt_span text, size_t max)
{
	size_t i = plain_run(text.p, MIN(text.len, max)), n;
	gsize start = out->len;

	g_string_append_len(out, text.p, (gssize)i);
	while (i < text.len && out->len - start < max) {
		n = printable_at(text.p + i, text.len - i);
		if (n > 0)
			g_string_append_len(out, text.p + i, (gssize)n);
		else
			g_string_append_printf(out, "\\x%02x", (unsigned char)text.p[i]);
		i += n > 0 ? n : 1;
	}
	if (i < text.len)
		g_string_append(out, "...");
}
