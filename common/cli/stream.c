/* SPDX-License-Identifier: MIT */
/* stream.c - `remite stream`: pauses, and ends them. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/when.h"
#include "common/cli/records.h"
#include "common/feedback/judge.h"
#include "common/feedback/rates.h"
#include "common/store/stream_state.h"

static const struct rmt_command *const command = &rmt_command_stream;

struct pause_options {
	char *reason, *until, *by; /* own */
};

static void free_pause_options(struct pause_options *options)
{
	g_free(options->reason);
	g_free(options->until);
	g_free(options->by);
}

static int pause_stream(struct rmt_cli_records *records, const char *name,
			const struct pause_options *options)
{
	g_autofree char *by =
		options->by != NULL ? g_strdup(options->by) : rmt_cli_login_name();
	char when[RMT_WHEN_SIZE];
	int64_t until = 0;
	GError *err = NULL;

	if (!rmt_cli_when(command, "--until", options->until, records->now, &until))
		return RMT_EXIT_USAGE;
	if (until != 0 && until <= records->now)
		return rmt_cli_fail(RMT_EXIT_USAGE, command, "--until: %s is over",
				    rmt_when_format(until, when));
	if (!rmt_cli_stream_known(records, name))
		return RMT_EXIT_NO;
	if (!rmt_stream_pause(records->store, name, options->reason, by, records->now,
			      until, &err))
		return rmt_cli_trouble(command, err);
	printf("%s: paused until %s\n", name,
	       until != 0 ? rmt_when_format(until, when) : "resumed");
	return RMT_EXIT_OK;
}

static int run_pause(const struct rmt_cli *cli, int argc, char **argv)
{
	struct pause_options options = { NULL };
	const GOptionEntry entries[] = {
		{ "reason", 0, 0, G_OPTION_ARG_FILENAME, &options.reason, NULL, NULL },
		{ "until", 0, 0, G_OPTION_ARG_FILENAME, &options.until, NULL, NULL },
		{ "by", 0, 0, G_OPTION_ARG_FILENAME, &options.by, NULL, NULL },
		{ NULL },
	};
	struct rmt_cli_records records;
	g_auto(GStrv) args = NULL;
	int count, status = RMT_EXIT_USAGE;

	if (rmt_cli_options(command, entries, argc, argv, &count, &args)) {
		if (count != 2)
			rmt_cli_usage(command, RMT_EXIT_USAGE);
		else if (!rmt_cli_records_open(&records, cli, command, false))
			status = RMT_EXIT_TROUBLE;
		else {
			status = pause_stream(&records, args[1], &options);
			rmt_cli_records_close(&records);
		}
	}
	free_pause_options(&options);
	return status;
}

static int resume_stream(struct rmt_cli_records *records, const char *name)
{
	bool was_paused;
	GError *err = NULL;

	/* What paused it counts no more. */
	if (!rmt_rates_arm(records->store, name, records->now, &err) ||
	    !rmt_judge_forget(records->store, name, &err) ||
	    !rmt_stream_resume(records->store, name, &was_paused, &err))
		return rmt_cli_trouble(command, err);
	if (was_paused) {
		printf("%s: resumed\n", name);
		return RMT_EXIT_OK;
	}
	/* A stream no longer configured can be resumed, so only now. */
	if (rmt_cli_stream_known(records, name))
		printf("%s: was not paused\n", name);
	return RMT_EXIT_NO;
}

static int run_resume(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_cli_records records;
	int status;

	if (argc != 2 || argv[1][0] == '-')
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, false))
		return RMT_EXIT_TROUBLE;
	status = resume_stream(&records, argv[1]);
	rmt_cli_records_close(&records);
	return status;
}

/* --- list --- */

struct list {
	const struct rmt_cli_records *records;
	json_t *array; /* own; NULL: in words */
};

static json_t *json_when(int64_t when)
{
	char text[RMT_WHEN_SIZE];

	return when != 0 ? json_string(rmt_when_format(when, text)) : json_null();
}

/* Strings in records may be no UTF-8; jansson takes nothing else. */
static json_t *json_text(const char *text)
{
	g_autofree char *valid = text != NULL ? g_utf8_make_valid(text, -1) : NULL;

	return valid != NULL ? json_string(valid) : json_null();
}

static void list_json(struct list *list, const char *name, bool configured,
		      const struct rmt_stream_state *state)
{
	json_array_append_new(
		list->array,
		json_pack("{so sb sb so so so so}", "stream", json_text(name),
			  "configured", configured, "paused",
			  rmt_stream_is_paused(state, list->records->now), "reason",
			  json_text(state->reason), "by", json_text(state->by), "since",
			  json_when(state->since), "until", json_when(state->until)));
}

static void list_words(const struct list *list, const char *name, bool configured,
		       const struct rmt_stream_state *state)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char when[RMT_WHEN_SIZE];

	printf("%-20s ", rmt_cli_printable(text, name));
	if (!rmt_stream_is_paused(state, list->records->now)) {
		puts(state->paused ? "runs (a pause is over)" : "runs");
		return;
	}
	printf("paused since %s", rmt_when_format(state->since, when));
	if (state->until != 0)
		printf(" until %s", rmt_when_format(state->until, when));
	if (state->by != NULL)
		printf(" by %s", rmt_cli_printable(text, state->by));
	if (state->reason != NULL)
		printf(": %s", rmt_cli_printable(text, state->reason));
	puts(configured ? "" : " (not configured)");
}

static void list_one(struct list *list, const char *name, bool configured,
		     const struct rmt_stream_state *state)
{
	if (list->array != NULL)
		list_json(list, name, configured, state);
	else
		list_words(list, name, configured, state);
}

static bool list_configured(struct list *list, GError **err)
{
	const GPtrArray *streams = list->records->config->streams;
	guint i;

	for (i = 0; i < streams->len; i++) {
		const struct rmt_stream *stream = streams->pdata[i];
		struct rmt_stream_state state;

		if (!rmt_stream_state_get(list->records->store, stream->name, &state,
					  err))
			return false;
		list_one(list, stream->name, true, &state);
		rmt_stream_state_clear(&state);
	}
	return true;
}

static bool list_other(void *context, const char *name,
		       const struct rmt_stream_state *state)
{
	struct list *list = context;

	if (rmt_config_stream(list->records->config, name) == NULL)
		list_one(list, name, false, state);
	return true;
}

static int list_all(struct list *list)
{
	GError *err = NULL;

	if (!list_configured(list, &err) ||
	    !rmt_stream_state_walk(list->records->store, list_other, list, &err))
		return rmt_cli_trouble(command, err);
	if (list->array != NULL) {
		json_dumpf(list->array, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	return rmt_cli_flush(command) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

static int run_list(const struct rmt_cli *cli, int argc, char **argv)
{
	bool as_json = argc == 2 && strcmp(argv[1], "--json") == 0;
	struct rmt_cli_records records;
	struct list list = { &records, NULL };
	int status;

	if (argc > 1 && !as_json)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	list.array = as_json ? json_array() : NULL;
	status = list_all(&list);
	json_decref(list.array);
	rmt_cli_records_close(&records);
	return status;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	static const struct rmt_cli_part parts[] = {
		{ "pause", run_pause },
		{ "resume", run_resume },
		{ "list", run_list },
		{ NULL, NULL },
	};

	return rmt_cli_run_part(command, parts, cli, argc, argv);
}

const struct rmt_command rmt_command_stream = {
	.name = "stream",
	.summary = "pause a stream, resume it, list them",
	.usage = "usage: remite stream pause NAME [--reason TEXT] [--until TIME] [--by "
		 "WHO]\n"
		 "       remite stream resume NAME\n"
		 "       remite stream list [--json]\n"
		 "\n"
		 "Mail of a paused stream is deferred, with the reason; no other stream "
		 "is\n"
		 "touched. remite-policyd sees it at once; it is durable when the "
		 "command\n"
		 "returns.\n"
		 "\n"
		 "  --reason TEXT  what senders are told\n"
		 "  --until TIME   2026-12-31, 2026-12-31T10:00:00Z, +2h; else until "
		 "resumed\n"
		 "  --by WHO       who pauses it; default: the login name\n"
		 "\n"
		 "Exit status 1: no such stream, or it was not paused.\n",
	.run = run,
};
