/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "common/cli/cli.h"

static void print_complaints(const GPtrArray *complaints, FILE *out)
{
	guint i;

	for (i = 0; i < complaints->len; i++)
		fprintf(out, "%s\n", (const char *)g_ptr_array_index(complaints, i));
}

/* NULL: there is none, the built-in default holds. */
static const char *file_of(const struct rmt_cli *cli)
{
	if (cli->config_file != NULL)
		return cli->config_file;
	return access(RMT_CONFIG_DEFAULT_FILE, F_OK) == 0 ? RMT_CONFIG_DEFAULT_FILE
							  : NULL;
}

struct rmt_config *rmt_cli_config(const struct rmt_cli *cli)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read(file_of(cli), &complaints);

	print_complaints(complaints, stderr);
	return config;
}

char *rmt_cli_control(const struct rmt_cli *cli)
{
	const char *file = file_of(cli);
	g_autoptr(GPtrArray) complaints = NULL;
	bool whole;
	char *control = rmt_config_read_control(file, &whole, &complaints);

	print_complaints(complaints, stderr);
	if (!whole)
		fprintf(stderr,
			"remite: %s has errors; asking the policyd at %s, which goes by "
			"what it read before\n",
			file, control);
	return control;
}

static void print_summary(const struct rmt_config *config)
{
	const struct rmt_stream *stream;
	guint i, limits = 0;

	for (i = 0; i < config->streams->len; i++) {
		stream = g_ptr_array_index(config->streams, i);
		limits += stream->limits->len;
	}
	printf("%s: ok, %u stream%s, %u limit%s, %s mode\n", config->file,
	       config->streams->len, config->streams->len == 1 ? "" : "s", limits,
	       limits == 1 ? "" : "s",
	       config->mode == RMT_MODE_ENFORCE ? "enforce" : "report");
}

static int check(const char *file, bool dump)
{
	g_autoptr(GPtrArray) complaints = NULL;
	g_autoptr(rmt_config) config = rmt_config_read(file, &complaints);
	g_autoptr(GString) text = NULL;

	print_complaints(complaints, dump ? stderr : stdout);
	if (config == NULL)
		return RMT_EXIT_NO;
	if (!dump) {
		print_summary(config);
		return RMT_EXIT_OK;
	}
	text = g_string_new(NULL);
	rmt_config_dump(config, text);
	fputs(text->str, stdout);
	return RMT_EXIT_OK;
}

static int print_settings(void)
{
	g_autoptr(GString) text = g_string_new(NULL);

	rmt_settings_list(text);
	fputs(text->str, stdout);
	return RMT_EXIT_OK;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	const char *file = NULL;
	bool dump = false;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--settings") == 0)
			return print_settings();
		if (strcmp(argv[i], "--dump") == 0)
			dump = true;
		else if (argv[i][0] != '-' && file == NULL)
			file = argv[i];
		else
			return rmt_cli_usage(&rmt_command_check_config, RMT_EXIT_USAGE);
	}
	return check(file != NULL ? file : file_of(cli), dump);
}

const struct rmt_command rmt_command_check_config = {
	.name = "check-config",
	.summary = "read the configuration and say all that is wrong with it",
	.usage = "usage: remite check-config [FILE] [--dump | --settings]\n"
		 "\n"
		 "Reads FILE, else the file of -c, else " RMT_CONFIG_DEFAULT_FILE
		 ", with all\n"
		 "the files it names, and prints every complaint with file and line.\n"
		 "Exit status 0: good; 1: it is not.\n"
		 "\n"
		 "  --dump      print it as it was read, with all defaults\n"
		 "  --settings  print every setting: name, type, default, meaning\n",
	.run = run,
};
