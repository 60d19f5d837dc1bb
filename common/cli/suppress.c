/* SPDX-License-Identifier: MIT */
/* suppress.c - `remite suppress`: what is small; list, export, import and why
 * have files of their own. */
#include <stdio.h>
#include <string.h>

#include "common/cli/suppress.h"

static const struct rmt_command *const command = &rmt_command_suppress;

/* --- options of add and import --- */

void rmt_suppress_options_clear(struct rmt_suppress_options *options)
{
	g_free(options->scope);
	g_free(options->reason);
	g_free(options->source);
	g_free(options->until);
	g_free(options->note);
}

void rmt_suppress_option_rows(struct rmt_suppress_options *options,
			      GOptionEntry rows[RMT_SUPPRESS_OPTIONS])
{
	const struct {
		const char *name;
		char **value;
	} options_of[RMT_SUPPRESS_OPTIONS] = {
		{ "scope", &options->scope },   { "reason", &options->reason },
		{ "source", &options->source }, { "until", &options->until },
		{ "note", &options->note },
	};
	size_t i;

	for (i = 0; i < RMT_SUPPRESS_OPTIONS; i++)
		rows[i] = (GOptionEntry){ .long_name = options_of[i].name,
					  .arg = G_OPTION_ARG_FILENAME,
					  .arg_data = options_of[i].value };
}

static bool scope_is_used(const struct rmt_config *config, const char *scope)
{
	guint i;

	if (strcmp(scope, "all") == 0)
		return true;
	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = config->streams->pdata[i];

		if (g_str_has_prefix(scope, "stream:") &&
		    strcmp(scope + strlen("stream:"), stream->name) == 0)
			return true;
		if (g_str_has_prefix(scope, "class:") &&
		    strcmp(scope + strlen("class:"), stream->class) == 0)
			return true;
	}
	return false;
}

static char *option_or(char *option, const char *otherwise)
{
	return option != NULL ? option : (char *)otherwise;
}

bool rmt_suppress_options_entry(const struct rmt_suppress_options *options,
				const struct rmt_cli_records *records, const char *source,
				struct rmt_suppression *entry_r)
{
	struct rmt_suppression entry = {
		.scope = option_or(options->scope, "all"),
		.address = (char *)"any@example.org",
		.reason = option_or(options->reason, "manual"),
		.source = option_or(options->source, source),
		.note = option_or(options->note, ""),
		.since = records->now,
	};
	g_autoptr(GError) err = NULL;

	if (!rmt_cli_when(command, "--until", options->until, records->now, &entry.until))
		return false;
	if (!rmt_suppress_check(&entry, &err)) {
		rmt_cli_fail(RMT_EXIT_USAGE, command, "%s", err->message);
		return false;
	}
	if (!scope_is_used(records->config, entry.scope))
		rmt_cli_fail(RMT_EXIT_OK, command,
			     "warning: no configured stream is in scope '%s'",
			     entry.scope);
	*entry_r = entry;
	return true;
}

/* --- add --- */

static bool add_one(struct rmt_cli_records *records, struct rmt_suppression entry,
		    const char *address, int *status_r)
{
	struct rmt_addr folded;
	GError *err = NULL;

	entry.address = folded.text;
	if (!rmt_suppress_fold(records->config->fold, rmt_span_of(address), &folded,
			       &err) ||
	    !rmt_suppress_check(&entry, &err)) {
		*status_r = rmt_cli_fail(RMT_EXIT_NO, command, "%s", err->message);
		g_clear_error(&err);
	} else if (!rmt_suppress_add(records->store, &entry, &err)) {
		*status_r = rmt_cli_trouble(command, err);
	}
	return *status_r != RMT_EXIT_TROUBLE;
}

/* Bad addresses are said and the others added: each is its own commit. */
static int add_all(struct rmt_cli_records *records,
		   const struct rmt_suppress_options *options, char **addresses)
{
	g_autofree char *login = rmt_cli_login_name();
	struct rmt_suppression entry;
	int status = RMT_EXIT_OK;

	if (!rmt_suppress_options_entry(options, records, login, &entry))
		return RMT_EXIT_USAGE;
	while (*addresses != NULL && add_one(records, entry, *addresses, &status))
		addresses++;
	return status;
}

static int run_add(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_suppress_options options = { NULL };
	GOptionEntry rows[RMT_SUPPRESS_OPTIONS + 1] = { { NULL } };
	struct rmt_cli_records records;
	g_auto(GStrv) args = NULL;
	int count, status = RMT_EXIT_USAGE;

	rmt_suppress_option_rows(&options, rows);
	if (rmt_cli_options(command, rows, argc, argv, &count, &args)) {
		if (count < 2)
			rmt_cli_usage(command, RMT_EXIT_USAGE);
		else if (!rmt_cli_records_open(&records, cli, command, false))
			status = RMT_EXIT_TROUBLE;
		else {
			status = add_all(&records, &options, args + 1);
			rmt_cli_records_close(&records);
		}
	}
	rmt_suppress_options_clear(&options);
	return status;
}

/* --- remove --- */

static int remove_one(struct rmt_cli_records *records, const char *scope,
		      const char *address)
{
	g_autofree char *folded_address = NULL;
	struct rmt_addr folded;
	size_t removed;
	GError *err = NULL;

	rmt_addr_fold(records->config->fold, rmt_span_of(address), &folded);
	folded_address = g_strndup(folded.whole.p, folded.whole.len);
	if (!rmt_suppress_remove(records->store, scope, folded_address, &removed, &err))
		return rmt_cli_trouble(command, err);
	if (removed > 0)
		return RMT_EXIT_OK;
	return rmt_cli_fail(RMT_EXIT_NO, command, "'%s' is not in the list%s%s",
			    folded_address, scope != NULL ? " with scope " : "",
			    scope != NULL ? scope : "");
}

static int remove_all(const struct rmt_cli *cli, const char *scope, char **addresses)
{
	struct rmt_cli_records records;
	g_autoptr(GError) err = NULL;
	int status = RMT_EXIT_OK, one;

	if (scope != NULL && !rmt_suppress_scope_check(scope, &err))
		return rmt_cli_fail(RMT_EXIT_USAGE, command, "%s", err->message);
	if (!rmt_cli_records_open(&records, cli, command, false))
		return RMT_EXIT_TROUBLE;
	for (; *addresses != NULL && status != RMT_EXIT_TROUBLE; addresses++) {
		one = remove_one(&records, scope, *addresses);
		status = MAX(status, one);
	}
	rmt_cli_records_close(&records);
	return status;
}

static int run_remove(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autofree char *scope = NULL;
	const GOptionEntry rows[] = {
		{ "scope", 0, 0, G_OPTION_ARG_FILENAME, &scope, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	int count;

	if (!rmt_cli_options(command, rows, argc, argv, &count, &args))
		return RMT_EXIT_USAGE;
	if (count < 2)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	return remove_all(cli, scope, args + 1);
}

/* --- expire --- */

static int run_expire(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_cli_records records;
	uint64_t removed;
	GError *err = NULL;
	int status = RMT_EXIT_OK;

	(void)argv;
	if (argc > 1)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, false))
		return RMT_EXIT_TROUBLE;
	if (rmt_suppress_expire(records.store, records.now, &removed, &err))
		printf("%" G_GUINT64_FORMAT " removed\n", removed);
	else
		status = rmt_cli_trouble(command, err);
	rmt_cli_records_close(&records);
	return status;
}

/* --- the command --- */

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	static const struct rmt_cli_part parts[] = {
		{ "add", run_add },
		{ "remove", run_remove },
		{ "list", rmt_suppress_run_list },
		{ "import", rmt_suppress_run_import },
		{ "export", rmt_suppress_run_export },
		{ "why", rmt_suppress_run_why },
		{ "expire", run_expire },
		{ NULL, NULL },
	};

	return rmt_cli_run_part(command, parts, cli, argc, argv);
}

const struct rmt_command rmt_command_suppress = {
	.name = "suppress",
	.summary = "addresses that streams must not mail",
	.usage = "usage: remite suppress add ADDRESS ... [OPTIONS]\n"
		 "       remite suppress remove ADDRESS ... [--scope SCOPE]\n"
		 "       remite suppress list [ADDRESS | @DOMAIN] [--scope SCOPE]\n"
		 "                            [--reason REASON] [--since TIME]\n"
		 "                            [--expired] [--json]\n"
		 "       remite suppress import [FILE ...] [OPTIONS] [--dry-run]\n"
		 "       remite suppress export [--scope SCOPE] [--reason REASON] "
		 "[--since TIME]\n"
		 "       remite suppress why ADDRESS\n"
		 "       remite suppress expire\n"
		 "\n"
		 "OPTIONS of add, and of import for lines that do not say:\n"
		 "  --scope SCOPE    all (default), stream:NAME or class:NAME\n"
		 "  --reason REASON  a word: dead, complaint, unsubscribe, manual "
		 "(default), "
		 "...\n"
		 "  --source TEXT    who says so\n"
		 "  --until TIME     2026-12-31, 2026-12-31T10:00:00Z, +30d; default: "
		 "never\n"
		 "  --note TEXT\n"
		 "\n"
		 "Lines of import and export:\n"
		 "  address[,reason[,scope[,until[,note[,source[,since]]]]]]\n"
		 "\n"
		 "remite-policyd sees a change at once; it is durable when the command\n"
		 "returns. Exit status 1: not in the list, a bad line, or (why) an entry "
		 "stands.\n",
	.run = run,
};
