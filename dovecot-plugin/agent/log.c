/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"

#include <glib.h>

#include "common/base/log.h"
#include "dovecot-plugin/agent/log.h"

struct line {
	enum rmt_log_level level;
	char *text; /* own */
};

static GThread *main_thread;
static GAsyncQueue *lines;

static void say(enum rmt_log_level level, const char *text)
{
	switch (level) {
	case RMT_LOG_ERROR:
		i_error("%s", text);
		break;
	case RMT_LOG_WARNING:
		i_warning("%s", text);
		break;
	case RMT_LOG_INFO:
		i_info("%s", text);
		break;
	case RMT_LOG_DEBUG:
		i_debug("%s", text);
		break;
	}
}

static void log_line(void *context, enum rmt_log_level level, const char *text)
{
	struct line *line;

	(void)context;
	if (g_thread_self() == main_thread) {
		say(level, text);
		return;
	}
	line = g_new0(struct line, 1);
	line->level = level;
	line->text = g_strdup(text);
	g_async_queue_push(lines, line);
}

void rmt_agent_log_init(void)
{
	main_thread = g_thread_self();
	lines = g_async_queue_new();
	rmt_log_init("remite-agent", RMT_LOG_INFO, log_line, NULL);
}

void rmt_agent_log_flush(void)
{
	struct line *line;

	while ((line = g_async_queue_try_pop(lines)) != NULL) {
		say(line->level, line->text);
		g_free(line->text);
		g_free(line);
	}
}
