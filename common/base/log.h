/* SPDX-License-Identifier: MIT */
/* log.h - one line per event, to a sink the host chooses.
 *
 * The library logs only what it does not also return. Text from strangers is
 * passed through rmt_log_printable() first.
 *
 *	rmt_log(RMT_LOG_WARNING, "counters: log is full: %s", strerror(errno));
 */
#ifndef RMT_LOG_H
#define RMT_LOG_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

enum rmt_log_level {
	RMT_LOG_DEBUG,   /* for who reads the code */
	RMT_LOG_INFO,    /* what was done, a stranger's bad mail included */
	RMT_LOG_WARNING, /* worth a look some day */
	RMT_LOG_ERROR,   /* for the administrator to act on */
};

typedef void (*rmt_log_sink)(void *context, enum rmt_log_level level, const char *line);

/* Before any thread is started. Without a sink, lines go to standard error as
 * "program: level: text". level: lines below it are dropped. */
void rmt_log_init(const char *program, enum rmt_log_level level, rmt_log_sink sink,
		  void *context);

/* The sink that writes to syslog(3), facility mail. */
void rmt_log_to_syslog(void *context, enum rmt_log_level level, const char *line);

bool rmt_log_enabled(enum rmt_log_level level);

void rmt_log(enum rmt_log_level level, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* A line that is whole already. */
void rmt_log_line(enum rmt_log_level level, const char *line);

/* Many of one level, each with its line end; empties them. */
void rmt_log_lines(enum rmt_log_level level, GString *lines);

/* Appends text with control characters, quotes, backslash and invalid UTF-8 as
 * \xNN, cut with "..." at about `max` octets. */
void rmt_log_printable(GString *out, struct rmt_span text, size_t max);

#endif
