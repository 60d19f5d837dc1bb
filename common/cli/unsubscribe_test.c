/* SPDX-License-Identifier: MIT */
/* unsubscribe_test.c - `remite unsubscribe test URL`: anybody's endpoint, as people
 * who run one want to know it. Nothing else ever asks it. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/cli/unsubscribe.h"
#include "common/unsubscribe/endpoint.h"

static const struct rmt_command *const command = &rmt_command_unsubscribe;

enum { TIMEOUT_SECS = 20 };

static void print_text(const GPtrArray *findings)
{
	guint i;

	for (i = 0; i < findings->len; i++) {
		const struct rmt_endpoint_finding *finding = findings->pdata[i];

		printf("%s %s: %s\n", finding->fault ? "fault" : "advice", finding->id,
		       finding->text);
	}
	if (findings->len == 0)
		puts("good: one-click unsubscribe works as RFC 8058 asks");
}

static void print_json(const GPtrArray *findings)
{
	json_t *all = json_array();
	guint i;

	for (i = 0; i < findings->len; i++) {
		const struct rmt_endpoint_finding *finding = findings->pdata[i];

		json_array_append_new(all, json_pack("{s:b,s:s,s:s}", "fault",
						     finding->fault, "id", finding->id,
						     "text", finding->text));
	}
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

static int check(const char *url, const char *ca_file, int seconds, bool json)
{
	const struct rmt_endpoint_settings settings = { ca_file, seconds * 1000L };
	g_autoptr(GPtrArray) findings = rmt_endpoint_check(&settings, url);
	int status = RMT_EXIT_OK;
	guint i;

	if (json)
		print_json(findings);
	else
		print_text(findings);
	for (i = 0; i < findings->len; i++)
		if (((const struct rmt_endpoint_finding *)findings->pdata[i])->fault)
			status = RMT_EXIT_NO;
	return rmt_cli_flush(command) ? status : RMT_EXIT_TROUBLE;
}

int rmt_unsubscribe_run_test(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autofree char *ca_file = NULL;
	gboolean json = FALSE;
	int seconds = TIMEOUT_SECS, count;
	const GOptionEntry rows[] = {
		{ "ca", 0, 0, G_OPTION_ARG_FILENAME, &ca_file, NULL, NULL },
		{ "timeout", 0, 0, G_OPTION_ARG_INT, &seconds, NULL, NULL },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;

	(void)cli;
	if (!rmt_cli_options(command, rows, argc, argv, &count, &args))
		return RMT_EXIT_USAGE;
	if (count != 2 || seconds < 1 || seconds > 300)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	return check(args[1], ca_file, seconds, json);
}
