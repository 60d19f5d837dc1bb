/* SPDX-License-Identifier: MIT */
/* feedback_main.c - remite-feedback: `remite feedback` for pipe(8) and nothing else.
 *
 * A bounce is obeyed as soon as this program has started, and `remite` needs most of
 * that time for libraries no bounce has a use for.
 */
#include <glib.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/version.h"
#include "common/cli/feedback.h"

static const char usage[] =
	"usage: remite-feedback [-c FILE] [--to RECIPIENT] [--from SENDER]\n"
	"                       [--queue-id ID] < MESSAGE\n"
	"       remite-feedback --help | --version\n";

static int tell(bool version)
{
	g_autofree char *text = rmt_version_text("remite-feedback");

	printf("%s%s", version ? text : usage, version ? "\n" : "");
	return EX_OK;
}

int main(int argc, char **argv)
{
	g_autofree char *config = NULL, *to = NULL, *sender = NULL, *queue_id = NULL;
	gboolean help = FALSE, version = FALSE;
	const GOptionEntry entries[] = {
		{ "help", 0, 0, G_OPTION_ARG_NONE, &help, NULL, NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &version, NULL, NULL },
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &config, NULL, NULL },
		{ "to", 0, 0, G_OPTION_ARG_FILENAME, &to, NULL, NULL },
		{ "from", 0, 0, G_OPTION_ARG_FILENAME, &sender, NULL, NULL },
		{ "queue-id", 0, 0, G_OPTION_ARG_FILENAME, &queue_id, NULL, NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	struct rmt_cli cli;

	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_add_main_entries(context, entries, NULL);
	/* The mail stays in the queue, and the log has the reason. */
	if (!g_option_context_parse(context, &argc, &argv, NULL) || argc != 1) {
		fputs(usage, stderr);
		return EX_TEMPFAIL;
	}
	if (help || version)
		return tell(version);
	rmt_log_init("remite-feedback", RMT_LOG_INFO,
		     isatty(STDERR_FILENO) || g_getenv("REMITE_LOG_STDERR") != NULL
			     ? NULL
			     : rmt_log_to_syslog,
		     NULL);
	cli = (struct rmt_cli){ .config_file = config };
	return rmt_feedback_run_pipe(&cli, to != NULL ? to : "",
				     sender != NULL ? sender : "",
				     queue_id != NULL ? queue_id : "");
}
