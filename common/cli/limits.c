/* SPDX-License-Identifier: MIT */
/* remite limits list|reset */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/cli.h"
#include "common/cli/control_client.h"

static int limits(const struct rmt_cli *cli, int argc, char **argv);

const struct rmt_command rmt_command_limits = {
	"limits",
	"list or reset what limits have counted",
	"usage: remite limits list [--json] [--limit STREAM/LIMIT] [--contains TEXT]\n"
	"                          [--most N]\n"
	"       remite limits reset STREAM/LIMIT VALUE\n"
	"       remite limits reset STREAM/LIMIT --all\n"
	"\n"
	"list prints every counter in use: limit, key, used, of how many, and when one\n"
	"more fits. reset forgets what is committed; what messages under way hold "
	"stays.\n"
	"Keys joined by '+' are written in the order of list.\n",
	limits,
};

struct printing {
	bool json;
	uint64_t rows;
};

static void print_row(void *context, json_t *row)
{
	struct printing *printing = context;
	g_autofree char *text = NULL;
	json_int_t retry = json_integer_value(json_object_get(row, "retry_secs"));

	printing->rows++;
	if (printing->json) {
		text = json_dumps(row, JSON_COMPACT | JSON_PRESERVE_ORDER);
		puts(text);
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

static json_t *ask(const struct rmt_cli *cli, json_t *request, rmt_control_row *each,
		   void *context, int *status_r)
{
	struct rmt_config *config = rmt_cli_config(cli);
	g_autoptr(GError) err = NULL;
	json_t *answer;

	*status_r = RMT_EXIT_TROUBLE;
	if (config == NULL) {
		json_decref(request);
		return NULL;
	}
	answer = rmt_control_ask(config->policyd.control, request, each, context, &err);
	rmt_config_unref(config);
	if (answer != NULL)
		*status_r = RMT_EXIT_OK;
	else if (g_error_matches(err, RMT_CONTROL_ERROR, RMT_CONTROL_REFUSED))
		*status_r = rmt_cli_fail(RMT_EXIT_NO, &rmt_command_limits, "%s",
					 err->message);
	else
		rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_limits, "%s", err->message);
	return answer;
}

static int list(const struct rmt_cli *cli, int argc, char **argv)
{
	json_t *request = json_pack("{s:s}", "command", "limits-list"), *answer;
	struct printing printing = { false, 0 };
	int i, status;

	for (i = 2; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(name, "--json") == 0) {
			printing.json = true;
			continue;
		}
		if (value != NULL && strcmp(name, "--limit") == 0)
			json_object_set_new(request, "limit", json_string(value));
		else if (value != NULL && strcmp(name, "--contains") == 0)
			json_object_set_new(request, "contains", json_string(value));
		else if (value != NULL && strcmp(name, "--most") == 0)
			json_object_set_new(request, "most",
					    json_integer(strtoll(value, NULL, 10)));
		else
			break;
		i++;
	}
	if (i < argc) {
		json_decref(request);
		return rmt_cli_usage(&rmt_command_limits, RMT_EXIT_USAGE);
	}
	answer = ask(cli, request, print_row, &printing, &status);
	json_decref(answer);
	if (answer != NULL && printing.rows == 0 && !printing.json)
		fputs("nothing is counted\n", stderr);
	return status;
}

static int reset(const struct rmt_cli *cli, int argc, char **argv)
{
	const bool all = argc == 4 && strcmp(argv[3], "--all") == 0;
	json_t *request, *answer;
	json_int_t count;
	int status;

	if (argc != 4)
		return rmt_cli_usage(&rmt_command_limits, RMT_EXIT_USAGE);
	request = json_pack("{s:s,s:s}", "command", "limits-reset", "limit", argv[2]);
	if (request == NULL)
		return rmt_cli_fail(RMT_EXIT_USAGE, &rmt_command_limits,
				    "'%s' is no UTF-8", argv[2]);
	if (all)
		json_object_set_new(request, "all", json_true());
	else
		json_object_set_new(request, "value", json_string(argv[3]));
	answer = ask(cli, request, NULL, NULL, &status);
	if (answer == NULL)
		return status;
	count = json_integer_value(json_object_get(answer, "reset"));
	json_decref(answer);
	printf("%" JSON_INTEGER_FORMAT " reset\n", count);
	return count > 0 ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int limits(const struct rmt_cli *cli, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return list(cli, argc, argv);
	if (argc > 1 && strcmp(argv[1], "reset") == 0)
		return reset(cli, argc, argv);
	return rmt_cli_usage(&rmt_command_limits, RMT_EXIT_USAGE);
}
