/* SPDX-License-Identifier: MIT */
/* remite explain < request */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cli/cli.h"
#include "common/cli/control_client.h"
#include "common/policy/engine.h"
#include "common/policy/policy_reply.h"
#include "common/policy/policy_request.h"

static int explain(const struct rmt_cli *cli, int argc, char **argv);

const struct rmt_command rmt_command_explain = {
	"explain",
	"say what a request would be answered, and every step to it",
	"usage: remite explain [--alone] < REQUEST\n"
	"\n"
	"Reads a request of Postfix's policy protocol: lines NAME=VALUE, as the file of\n"
	"policyd.record has them; request=, protocol_state= (RCPT) and the empty line "
	"may\n"
	"be left out. Changes nothing.\n"
	"\n"
	"A running policyd answers with its counters. If none does, or with --alone, "
	"the\n"
	"configuration is read here, and every counter is empty.\n",
	explain,
};

enum { INPUT_MAX = 16 << 20 };

/* --- the request --- */

static bool read_input(GString *text)
{
	char bytes[65536];
	size_t n;

	while ((n = fread(bytes, 1, sizeof(bytes), stdin)) > 0) {
		g_string_append_len(text, bytes, (gssize)n);
		if (text->len > INPUT_MAX)
			return false;
	}
	return ferror(stdin) == 0;
}

static bool has_name(const GString *text, const char *name)
{
	g_autofree char *inside = g_strdup_printf("\n%s=", name);

	return g_str_has_prefix(text->str, inside + 1) ||
	       strstr(text->str, inside) != NULL;
}

/* What is typed by hand need not be complete. */
static void complete(GString *text)
{
	if (!has_name(text, "protocol_state"))
		g_string_prepend(text, "protocol_state=RCPT\n");
	if (!has_name(text, "request"))
		g_string_prepend(text, "request=smtpd_access_policy\n");
	if (text->str[text->len - 1] != '\n')
		g_string_append_c(text, '\n');
	g_string_append_c(text, '\n'); /* one more does no harm */
}

static bool parse(const GString *text, struct rmt_policy_request *request)
{
	rmt_policy_request_init(request);
	if (rmt_policy_request_read(request, text->str, text->len, INPUT_MAX + 64) ==
	    RMT_REQUEST_DONE)
		return true;
	rmt_cli_fail(RMT_EXIT_USAGE, &rmt_command_explain,
		     "this is no policy request: %s",
		     request->broken != NULL ? request->broken : "it does not end");
	return false;
}

/* --- by policyd --- */

/* NULL: policyd is away. */
static json_t *ask_policyd(const struct rmt_config *config, const GString *text,
			   GError **err)
{
	g_autofree char *encoded = g_base64_encode((const guchar *)text->str, text->len);

	return rmt_control_ask(
		config->policyd.control,
		json_pack("{s:s,s:s}", "command", "explain", "request", encoded), NULL,
		NULL, err);
}

static void print_answer(const json_t *answer)
{
	fputs(json_string_value(json_object_get(answer, "steps")), stdout);
	printf("action=%s\n", json_string_value(json_object_get(answer, "action")));
}

/* --- alone --- */

/* Suppressions and pauses where the state can be read; else without. */
static struct rmt_store *open_records(const struct rmt_config *config)
{
	g_autofree char *path = g_build_filename(config->state, "records", NULL);
	g_autofree char *uri = g_strconcat("lmdb:", path, NULL);
	struct rmt_store *store = NULL;
	g_autoptr(GError) err = NULL;

	if (access(path, F_OK) != 0) {
		printf("records: none at %s: no suppressions, no pauses\n", path);
		return NULL;
	}
	if (!rmt_store_open(&store, uri, true, &err))
		printf("records: %s: taken as empty\n", err->message);
	return store;
}

static void explain_with(struct rmt_config *config, struct rmt_counters *counters,
			 const struct rmt_policy_request *request)
{
	struct rmt_store *store = open_records(config);
	struct rmt_engine *engine = rmt_engine_new(config, counters, store);
	g_autoptr(GString) steps = g_string_new(NULL);
	char action[RMT_POLICY_REPLY_MAX];
	struct rmt_decision decision;
	struct rmt_now now = { rmt_counters_line(counters, 0), (int64_t)time(NULL) };

	rmt_engine_tick(engine, &now);
	rmt_engine_explain(engine, &request->facts, &now, steps, &decision);
	rmt_policy_action(&decision, request->facts.stage, action);
	printf("%saction=%s\n", steps->str, action);
	rmt_engine_free(engine);
	rmt_store_close(&store);
}

static int explain_alone(struct rmt_config *config,
			 const struct rmt_policy_request *request)
{
	const struct rmt_counters_options options = { .wall_secs = (int64_t)time(NULL),
						      .boot_id = "" };
	struct rmt_counters *counters = NULL;
	g_autoptr(GError) err = NULL;

	if (!rmt_counters_open(&counters, &options, &err))
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_explain, "%s",
				    err->message);
	explain_with(config, counters, request);
	rmt_counters_close(&counters);
	return RMT_EXIT_OK;
}

static int explain_request(struct rmt_config *config, const GString *text, bool alone)
{
	struct rmt_policy_request request;
	g_autoptr(GError) err = NULL;
	json_t *answer = NULL;

	if (!parse(text, &request))
		return RMT_EXIT_USAGE;
	if (!alone)
		answer = ask_policyd(config, text, &err);
	if (answer != NULL) {
		print_answer(answer);
		json_decref(answer);
		return RMT_EXIT_OK;
	}
	if (!alone && !g_error_matches(err, RMT_CONTROL_ERROR, RMT_CONTROL_AWAY))
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_explain, "%s",
				    err->message);
	printf("counters: %s: taken as empty\n", alone ? "--alone" : err->message);
	return explain_alone(config, &request);
}

static int explain(const struct rmt_cli *cli, int argc, char **argv)
{
	const bool alone = argc == 2 && strcmp(argv[1], "--alone") == 0;
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_config *config;
	int status;

	if (argc > 1 && !alone)
		return rmt_cli_usage(&rmt_command_explain, RMT_EXIT_USAGE);
	if (!read_input(text) || text->len == 0)
		return rmt_cli_fail(RMT_EXIT_USAGE, &rmt_command_explain,
				    "standard input holds no request");
	complete(text);
	config = rmt_cli_config(cli);
	if (config == NULL)
		return RMT_EXIT_TROUBLE;
	status = explain_request(config, text, alone);
	rmt_config_unref(config);
	return status;
}
