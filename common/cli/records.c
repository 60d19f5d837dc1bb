/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/similar.h"
#include "common/base/when.h"
#include "common/cli/records.h"
#include "common/store/suppress.h"

int rmt_cli_trouble(const struct rmt_command *command, GError *err)
{
	rmt_cli_fail(RMT_EXIT_TROUBLE, command, "%s", err->message);
	g_error_free(err);
	return RMT_EXIT_TROUBLE;
}

bool rmt_cli_records_open(struct rmt_cli_records *records, const struct rmt_cli *cli,
			  const struct rmt_command *command, bool read_only)
{
	g_autofree char *uri = NULL;
	GError *err = NULL;

	*records = (struct rmt_cli_records){ .command = command, .now = time(NULL) };
	records->config = rmt_cli_config(cli);
	if (records->config == NULL)
		return false;
	uri = g_strdup_printf("lmdb:%s/records", records->config->state);
	if (rmt_store_open(&records->store, uri, read_only, &err))
		return true;
	rmt_cli_trouble(command, err);
	rmt_cli_records_close(records);
	return false;
}

bool rmt_cli_mailbox(const struct rmt_cli_records *records, const char *text,
		     struct rmt_addr *folded_r)
{
	g_autoptr(GError) err = NULL;

	if (rmt_suppress_fold(records->config->fold, rmt_span_of(text), folded_r, &err))
		return true;
	rmt_cli_fail(RMT_EXIT_USAGE, records->command, "%s", err->message);
	return false;
}

void rmt_cli_records_close(struct rmt_cli_records *records)
{
	rmt_store_close(&records->store);
	g_clear_pointer(&records->config, rmt_config_unref);
}

bool rmt_cli_options(const struct rmt_command *command, const GOptionEntry *options,
		     int argc, char **argv, int *argc_r, char ***argv_r)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) err = NULL;
	int i;

	*argv_r = g_new0(char *, argc + 1);
	for (i = 0; i < argc; i++)
		(*argv_r)[i] = g_strdup(argv[i]);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_add_main_entries(context, options, NULL);
	if (g_option_context_parse_strv(context, argv_r, &err)) {
		*argc_r = (int)g_strv_length(*argv_r);
		return true;
	}
	rmt_cli_fail(RMT_EXIT_USAGE, command, "%s (remite %s --help)", err->message,
		     command->name);
	g_clear_pointer(argv_r, g_strfreev);
	return false;
}

int rmt_cli_list(const struct rmt_command *command, const struct rmt_cli *cli, int argc,
		 char **argv, rmt_cli_walk *walk, const char *nothing)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, NULL, NULL },
		{ NULL },
	};
	struct rmt_cli_records records;
	struct rmt_cli_listing listing = { 0 };
	g_auto(GStrv) args = NULL;
	GError *err = NULL;
	int count;

	if (!rmt_cli_options(command, entries, argc, argv, &count, &args))
		return RMT_EXIT_USAGE;
	if (count != 1)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	listing.now = records.now;
	listing.json = json;
	walk(records.store, &listing, &err);
	rmt_cli_records_close(&records);
	if (err != NULL)
		return rmt_cli_trouble(command, err);
	if (listing.count == 0 && !json)
		puts(nothing);
	return rmt_cli_flush(command) ? RMT_EXIT_OK : RMT_EXIT_TROUBLE;
}

void rmt_cli_json_line(json_t *row)
{
	char *text = json_dumps(row, JSON_COMPACT | JSON_PRESERVE_ORDER);

	if (text != NULL)
		puts(text);
	free(text);
	json_decref(row);
}

bool rmt_cli_when(const struct rmt_command *command, const char *option, const char *text,
		  int64_t now, int64_t *when_r)
{
	g_autoptr(GError) err = NULL;

	if (text == NULL)
		return true;
	if (strcmp(text, "never") == 0) {
		*when_r = 0;
		return true;
	}
	if (rmt_when_parse(rmt_span_of(text), now, when_r, &err))
		return true;
	rmt_cli_fail(RMT_EXIT_USAGE, command, "%s: %s", option, err->message);
	return false;
}

char *rmt_cli_login_name(void)
{
	const char *sudo = g_getenv("SUDO_USER");
	const struct passwd *user = getpwuid(getuid());

	if (getuid() == 0 && sudo != NULL && *sudo != '\0')
		return g_strdup(sudo);
	return user != NULL ? g_strdup(user->pw_name)
			    : g_strdup_printf("uid %u", (unsigned)getuid());
}

bool rmt_cli_stream_known(const struct rmt_cli_records *records, const char *name)
{
	g_autofree const char **names = NULL;
	const char *similar;
	guint i;

	if (rmt_config_stream(records->config, name) != NULL)
		return true;
	names = g_new0(const char *, records->config->streams->len + 1);
	for (i = 0; i < records->config->streams->len; i++)
		names[i] =
			((struct rmt_stream *)records->config->streams->pdata[i])->name;
	similar = rmt_similar(name, names);
	if (similar != NULL)
		rmt_cli_fail(RMT_EXIT_NO, records->command,
			     "no stream '%s' (did you mean '%s'?)", name, similar);
	else
		rmt_cli_fail(RMT_EXIT_NO, records->command,
			     "no stream '%s' (remite stream list names them)", name);
	return false;
}

bool rmt_cli_flush(const struct rmt_command *command)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	rmt_cli_fail(RMT_EXIT_TROUBLE, command, "standard output: %s", strerror(errno));
	return false;
}

const char *rmt_cli_printable(GString *out, const char *text)
{
	g_string_truncate(out, 0);
	rmt_log_printable(out, rmt_span_of(text), 1000);
	return out->str;
}
