/* SPDX-License-Identifier: MIT */
/* remite status */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cli/cli.h"
#include "common/cli/control_client.h"

static int status(const struct rmt_cli *cli, int argc, char **argv);

const struct rmt_command rmt_command_status = {
	"status",
	"what policyd does: streams, decisions, limits nearest to full",
	"usage: remite status [--json] [--watch [SECONDS]] [--nearest N]\n"
	"\n"
	"--json      as policyd says it\n"
	"--watch     again every 2 (or so many) seconds, until interrupted\n"
	"--nearest   how many counters, the fullest first (10; 0: none, which spares a\n"
	"            look at every counter)\n",
	status,
};

struct options {
	bool json, watch;
	int secs, nearest;
};

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "-";
}

static json_int_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void print_time(const char *before, json_int_t secs)
{
	time_t t = (time_t)secs;
	struct tm tm;
	char text[32];

	if (localtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		printf("%s%s", before, text);
}

static void print_head(const json_t *answer)
{
	const json_t *requests = json_object_get(answer, "requests");
	json_t *stage;
	size_t i;

	printf("remite-policyd %s, pid %" JSON_INTEGER_FORMAT, text_of(answer, "version"),
	       number_of(answer, "pid"));
	print_time(", since ", number_of(answer, "started"));
	printf("\n%s, %s mode", text_of(answer, "config"), text_of(answer, "mode"));
	print_time(", read ", number_of(answer, "config_loaded"));
	if (!json_is_true(json_object_get(answer, "reload_ok")))
		printf("; the last reload was refused (see the log)");
	printf("\nconnections %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	       "; requests: RCPT %" JSON_INTEGER_FORMAT ", DATA %" JSON_INTEGER_FORMAT
	       ", END-OF-MESSAGE %" JSON_INTEGER_FORMAT "\n",
	       number_of(answer, "connections"), number_of(answer, "connections_max"),
	       number_of(requests, "RCPT"), number_of(requests, "DATA"),
	       number_of(requests, "END-OF-MESSAGE"));
	printf("Postfix asks at:");
	json_array_foreach(json_object_get(answer, "stages_seen"), i, stage)
		printf(" %s", json_string_value(stage));
	puts(i == 0 ? " nothing seen yet" : "");
}

static void print_tables(const json_t *answer)
{
	const json_t *tables = json_object_get(answer, "tables");

	printf("rates %" JSON_INTEGER_FORMAT ", quotas %" JSON_INTEGER_FORMAT
	       ", messages under way %" JSON_INTEGER_FORMAT
	       ", suppressions %" JSON_INTEGER_FORMAT "%s\n",
	       number_of(tables, "rates"), number_of(tables, "quotas"),
	       number_of(tables, "reservations"), number_of(tables, "suppressions"),
	       json_is_true(json_object_get(tables, "suppressions_complete"))
		       ? ""
		       : " (index not built yet)");
	if (json_is_string(json_object_get(tables, "last_error")))
		printf("counters on disk: %s\n", text_of(tables, "last_error"));
}

/* Decisions of one stream, in report mode beside what they would have been. */
static void print_decisions(const json_t *answer, const char *stream)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(answer, "decisions"), i, row)
	{
		if (strcmp(text_of(row, "stream"), stream) != 0)
			continue;
		printf("  %10" JSON_INTEGER_FORMAT "  %s%s by %s\n",
		       number_of(row, "count"),
		       json_is_true(json_object_get(row, "would")) ? "would " : "",
		       text_of(row, "action"), text_of(row, "rule"));
	}
}

/* "complaints 3 of 4000, 0.08 % (0.03 to 0.22)", or that nobody told. */
static void print_tally(const char *name, const json_t *tally)
{
	if (!json_is_object(tally)) {
		printf("; %s: no data", name);
		return;
	}
	printf("; %s %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	       ", %.2f %% (%.2f to %.2f)",
	       name, number_of(tally, "count"), number_of(tally, "of"),
	       100 * json_real_value(json_object_get(tally, "share")),
	       100 * json_real_value(json_object_get(tally, "low")),
	       100 * json_real_value(json_object_get(tally, "high")));
}

/* What came back of one stream, all providers and each. */
static void print_feedback(const json_t *answer, const char *stream)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(answer, "feedback"), i, row)
	{
		const char *provider = text_of(row, "provider");

		if (strcmp(text_of(row, "stream"), stream) != 0)
			continue;
		printf("  %s%s: %" JSON_INTEGER_FORMAT " recipients",
		       provider[0] != '\0' ? "at " : "in 30 days", provider,
		       number_of(row, "sent"));
		print_tally("complaints", json_object_get(row, "complaints"));
		print_tally("dead", json_object_get(row, "dead"));
		puts("");
	}
}

static void print_streams(const json_t *answer)
{
	json_t *stream, *pause;
	size_t i;

	json_array_foreach(json_object_get(answer, "streams"), i, stream)
	{
		pause = json_object_get(stream, "paused");
		printf("\nstream %s, %s, %" JSON_INTEGER_FORMAT " limit%s\n",
		       text_of(stream, "name"), text_of(stream, "mode"),
		       number_of(stream, "limits"),
		       number_of(stream, "limits") == 1 ? "" : "s");
		if (json_is_object(pause)) {
			print_time("  PAUSED since ", number_of(pause, "since"));
			if (number_of(pause, "until") > 0)
				print_time(" until ", number_of(pause, "until"));
			printf(" by %s: %s\n", text_of(pause, "by"),
			       text_of(pause, "reason"));
		}
		print_decisions(answer, text_of(stream, "name"));
		print_feedback(answer, text_of(stream, "name"));
	}
}

static void print_senders(const json_t *answer)
{
	const json_t *senders = json_object_get(answer, "senders");
	json_t *row;
	size_t i;

	if (number_of(senders, "domains") > 0)
		printf("\nsenders: %" JSON_INTEGER_FORMAT
		       " domains known, %" JSON_INTEGER_FORMAT
		       " being looked up; answers: %" JSON_INTEGER_FORMAT
		       " ready, %" JSON_INTEGER_FORMAT " not, %" JSON_INTEGER_FORMAT
		       " unknown\n",
		       number_of(senders, "domains"), number_of(senders, "waiting"),
		       number_of(senders, "ready"), number_of(senders, "not_ready"),
		       number_of(senders, "unknown"));
	json_array_foreach(json_object_get(answer, "bulk"), i, row)
	{
		printf("%s at %s: %" JSON_INTEGER_FORMAT " recipients today",
		       text_of(row, "organization"), text_of(row, "provider"),
		       number_of(row, "day"));
		if (number_of(row, "since") > 0)
			print_time(", bulk sender since ", number_of(row, "since"));
		puts("");
	}
}

static void print_nearest(const json_t *answer)
{
	const json_t *nearest = json_object_get(answer, "nearest");
	json_t *row;
	size_t i;

	if (json_array_size(nearest) > 0)
		puts("\nlimits nearest to full");
	json_array_foreach(nearest, i, row) printf(
		"  %5.1f%%  %s  %s  %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
		" %s\n",
		100 * json_real_value(json_object_get(row, "share")),
		text_of(row, "limit"), text_of(row, "value"), number_of(row, "used"),
		number_of(row, "of"), text_of(row, "unit"));
}

static void print_status(const json_t *answer, const struct options *options)
{
	g_autofree char *text = NULL;

	if (options->json) {
		text = json_dumps(answer, JSON_COMPACT | JSON_PRESERVE_ORDER);
		puts(text);
		return;
	}
	if (options->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	print_head(answer);
	print_tables(answer);
	print_streams(answer);
	print_senders(answer);
	print_nearest(answer);
	if (options->watch && !isatty(STDOUT_FILENO))
		puts("--");
}

static int show(const char *control, const struct options *options)
{
	g_autoptr(GError) err = NULL;
	json_t *answer = rmt_control_ask(
		control,
		json_pack("{s:s,s:i}", "command", "status", "nearest", options->nearest),
		NULL, NULL, &err);

	if (answer == NULL)
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_status, "%s",
				    err->message);
	print_status(answer, options);
	fflush(stdout);
	json_decref(answer);
	return RMT_EXIT_OK;
}

static bool is_number(const char *text)
{
	return text != NULL && text[0] >= '0' && text[0] <= '9';
}

static bool read_options(struct options *options, int argc, char **argv)
{
	int i;

	*options = (struct options){ false, false, 2, 10 };
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			options->json = true;
		} else if (strcmp(argv[i], "--watch") == 0) {
			options->watch = true;
			if (is_number(argv[i + 1]))
				options->secs = MAX(atoi(argv[++i]), 1);
		} else if (strcmp(argv[i], "--nearest") == 0 && is_number(argv[i + 1])) {
			options->nearest = atoi(argv[++i]);
		} else {
			return false;
		}
	}
	return true;
}

/* Watching goes on while policyd is away: it may just be restarting. */
static int status(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autofree char *control = NULL;
	struct options options;
	int result;

	if (!read_options(&options, argc, argv))
		return rmt_cli_usage(&rmt_command_status, RMT_EXIT_USAGE);
	control = rmt_cli_control(cli);
	while ((result = show(control, &options), options.watch))
		sleep((unsigned)options.secs);
	return result;
}
