/* SPDX-License-Identifier: MIT */
/* remite reload */
#include <stdio.h>

#include "common/cli/cli.h"
#include "common/cli/control_client.h"

static int reload(const struct rmt_cli *cli, int argc, char **argv);

const struct rmt_command rmt_command_reload = {
	"reload",
	"make policyd read its configuration again",
	"usage: remite reload\n"
	"\n"
	"Returns when the new configuration is in force, or was refused: then the old\n"
	"one stays, and what is wrong is printed. No connection and no counter is lost.\n"
	"\n"
	"The control socket is taken from the configuration: where the new one names\n"
	"another socket, send SIGHUP to remite-policyd instead.\n",
	reload,
};

static int reload(const struct rmt_cli *cli, int argc, char **argv)
{
	rmt_config *config;
	g_autoptr(GError) err = NULL;
	json_t *answer, *complaint;
	bool in_force;
	size_t i;

	(void)argv;
	if (argc != 1)
		return rmt_cli_usage(&rmt_command_reload, RMT_EXIT_USAGE);
	config = rmt_cli_config(cli);
	if (config == NULL)
		return RMT_EXIT_TROUBLE;
	answer = rmt_control_ask(config->policyd.control,
				 json_pack("{s:s}", "command", "reload"), NULL, NULL,
				 &err);
	rmt_config_unref(config);
	if (answer == NULL)
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_reload, "%s",
				    err->message);
	json_array_foreach(json_object_get(answer, "complaints"), i, complaint)
		fprintf(stderr, "%s\n", json_string_value(complaint));
	in_force = json_is_true(json_object_get(answer, "in_force"));
	json_decref(answer);
	if (!in_force)
		return rmt_cli_fail(RMT_EXIT_NO, &rmt_command_reload,
				    "refused; the configuration in force stays");
	puts("the configuration is in force");
	return RMT_EXIT_OK;
}
