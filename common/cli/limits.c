/* SPDX-License-Identifier: MIT */
/* remite limits list|reset */
#include <stdio.h>
#include <string.h>

#include "common/cli/control_client.h"
#include "common/cli/records.h"

static const struct rmt_command *const command = &rmt_command_limits;

struct printing {
	bool json;
	uint64_t rows;
};

static void print_row(void *context, json_t *row)
{
	struct printing *printing = context;
	json_int_t retry = json_integer_value(json_object_get(row, "retry_secs"));

	printing->rows++;
	if (printing->json) {
		rmt_cli_json_line(json_incref(row));
		return;
	}
	printf("%s\t%s\t%" JSON_INTEGER_FORMAT "\tof %" JSON_INTEGER_FORMAT " %s",
	       json_string_value(json_object_get(row, "limit")),
	       json_string_value(json_object_get(row, "value")),
	       json_integer_value(json_object_get(row, "used")),
	       json_integer_value(json_object_get(row, "of")),
	       json_string_value(json_object_get(row, "unit")));
	if (retry > 0)
		printf("\tfull: one more in %" JSON_INTEGER_FORMAT " s", retry);
	putchar('\n');
}

/* Consumes request, which is NULL where an argument is no UTF-8. NULL: said so. */
static json_t *ask(const struct rmt_cli *cli, json_t *request, rmt_control_row *each,
		   void *context, int *status_r)
{
	g_autofree char *control = NULL;
	g_autoptr(GError) err = NULL;
	json_t *answer;

	if (request == NULL) {
		*status_r =
			rmt_cli_fail(RMT_EXIT_USAGE, command, "an argument is no UTF-8");
		return NULL;
	}
	*status_r = RMT_EXIT_TROUBLE;
	control = rmt_cli_control(cli);
	answer = rmt_control_ask(control, request, each, context, &err);
	if (answer != NULL)
		*status_r = RMT_EXIT_OK;
	else if (g_error_matches(err, RMT_CONTROL_ERROR, RMT_CONTROL_REFUSED))
		*status_r = rmt_cli_fail(RMT_EXIT_NO, command, "%s", err->message);
	else
		rmt_cli_fail(RMT_EXIT_TROUBLE, command, "%s", err->message);
	return answer;
}

static int list(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autofree char *limit = NULL, *contains = NULL;
	gint most = 0;
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, NULL, NULL },
		{ "limit", 0, 0, G_OPTION_ARG_FILENAME, &limit, NULL, NULL },
		{ "contains", 0, 0, G_OPTION_ARG_FILENAME, &contains, NULL, NULL },
		{ "most", 0, 0, G_OPTION_ARG_INT, &most, NULL, NULL },
		{ NULL },
	};
	struct printing printing = { false, 0 };
	g_auto(GStrv) args = NULL;
	json_t *answer;
	int count, status;

	if (!rmt_cli_options(command, entries, argc, argv, &count, &args))
		return RMT_EXIT_USAGE;
	if (count != 1)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	printing.json = json;
	answer = ask(cli,
		     json_pack("{s:s,s:s*,s:s*,s:o*}", "command", "limits-list", "limit",
			       limit, "contains", contains, "most",
			       most > 0 ? json_integer(most) : NULL),
		     print_row, &printing, &status);
	json_decref(answer);
	if (answer != NULL && printing.rows == 0 && !json)
		fputs("nothing is counted\n", stderr);
	return status;
}

static int reset(const struct rmt_cli *cli, int argc, char **argv)
{
	const bool all = argc == 3 && strcmp(argv[2], "--all") == 0;
	json_t *answer;
	json_int_t count;
	int status;

	if (argc != 3)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	answer = ask(cli,
		     all ? json_pack("{s:s,s:s,s:b}", "command", "limits-reset", "limit",
				     argv[1], "all", 1)
			 : json_pack("{s:s,s:s,s:s}", "command", "limits-reset", "limit",
				     argv[1], "value", argv[2]),
		     NULL, NULL, &status);
	if (answer == NULL)
		return status;
	count = json_integer_value(json_object_get(answer, "reset"));
	json_decref(answer);
	printf("%" JSON_INTEGER_FORMAT " reset\n", count);
	return count > 0 ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	static const struct rmt_cli_part parts[] = {
		{ "list", list },
		{ "reset", reset },
		{ NULL, NULL },
	};

	return rmt_cli_run_part(command, parts, cli, argc, argv);
}

const struct rmt_command rmt_command_limits = {
	.name = "limits",
	.summary = "list or reset what limits have counted",
	.usage = "usage: remite limits list [--json] [--limit STREAM/LIMIT]\n"
		 "                          [--contains TEXT] [--most N]\n"
		 "       remite limits reset STREAM/LIMIT VALUE\n"
		 "       remite limits reset STREAM/LIMIT --all\n"
		 "\n"
		 "list prints every counter in use: limit, key, used, of how many, and\n"
		 "when one more fits. reset forgets what is committed; what messages\n"
		 "under way hold stays. Keys joined by '+' are written in the order of\n"
		 "list.\n",
	.run = run,
};
