/* SPDX-License-Identifier: MIT */
/* unsubscribe_link.c - `remite unsubscribe link`: for applications that bring their
 * own fields, and for trying things out. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/cli/records.h"
#include "common/cli/unsubscribe.h"
#include "common/token/unsub.h"

static const struct rmt_command *const command = &rmt_command_unsubscribe;

struct link {
	char **lists; /* own */
	gboolean mailto, fields;
};

static const struct rmt_stream *find_stream(const struct rmt_config *config,
					    const char *name)
{
	const struct rmt_cli_records records = { .command = command,
						 .config = (struct rmt_config *)config };
	const struct rmt_stream *stream = rmt_config_stream(config, name);

	if (stream == NULL)
		rmt_cli_stream_known(&records, name);
	else if (!rmt_has_unsubscribe(stream))
		rmt_cli_fail(RMT_EXIT_NO, command,
			     "stream '%s' has no links (write unsubscribe: { https = "
			     "\"https://mail.example.com/u/\" })",
			     name);
	return stream != NULL && rmt_has_unsubscribe(stream) ? stream : NULL;
}

static void print_link(const struct rmt_stream *stream, const struct link *link,
		       struct rmt_span token)
{
	const struct rmt_span https = rmt_span_of(stream->unsubscribe.https);
	const struct rmt_span mailto = rmt_span_of(stream->unsubscribe.mailto);
	g_autoptr(GString) out = g_string_new(NULL);

	if (link->fields) {
		rmt_unsub_header(https, mailto, token, out);
		printf("List-Unsubscribe: %s\n", out->str);
		if (https.len > 0)
			puts("List-Unsubscribe-Post: " RMT_UNSUB_POST_VALUE);
		return;
	}
	if (link->mailto || https.len == 0)
		rmt_unsub_mailto(mailto, token, out);
	else
		rmt_unsub_url(https, token, out);
	puts(out->str);
}

static int make_one(struct rmt_sealer *sealer, const struct rmt_stream *stream,
		    struct rmt_span address, const struct link *link)
{
	struct rmt_unsub unsub = { .stream = rmt_span_of(stream->name),
				   .recipient = address };
	g_autoptr(GString) token = g_string_new(NULL);
	g_autoptr(GError) err = NULL;

	rmt_unsub_set_lists(&unsub, link->lists != NULL ? link->lists
							: stream->unsubscribe.lists);
	if (!rmt_unsub_token_make(sealer, &unsub, token, &err))
		return rmt_cli_fail(RMT_EXIT_NO, command, "%s", err->message);
	print_link(stream, link, rmt_span(token->str, token->len));
	return RMT_EXIT_OK;
}

/* An address a line, a link a line. */
static int make_all(struct rmt_sealer *sealer, const struct rmt_stream *stream,
		    const struct link *link)
{
	int status = RMT_EXIT_OK, one;
	char line[1024];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		const struct rmt_span address = rmt_span_trim(rmt_span_of(line));

		one = address.len > 0 ? make_one(sealer, stream, address, link)
				      : RMT_EXIT_OK;
		status = MAX(status, one);
	}
	return status;
}

static int make_links(const struct rmt_config *config, const struct rmt_stream *stream,
		      const char *address, const struct link *link)
{
	g_autoptr(rmt_sealer) sealer = NULL;
	g_autoptr(rmt_keys) keys = NULL;
	GError *err = NULL;
	int status;

	keys = rmt_keys_read(config->keys, &err);
	if (keys == NULL)
		return rmt_cli_trouble(command, err);
	sealer = rmt_sealer_new(keys, RMT_PURPOSE_UNSUBSCRIBE, time(NULL));
	status = strcmp(address, "-") == 0
			 ? make_all(sealer, stream, link)
			 : make_one(sealer, stream, rmt_span_of(address), link);
	return rmt_cli_flush(command) ? status : RMT_EXIT_TROUBLE;
}

static int check_and_make(const struct rmt_cli *cli, char **args, const struct link *link)
{
	g_autoptr(rmt_config) config = rmt_cli_config(cli);
	const struct rmt_stream *stream;

	if (config == NULL)
		return RMT_EXIT_TROUBLE;
	stream = find_stream(config, args[0]);
	if (stream == NULL)
		return RMT_EXIT_NO;
	if (link->mailto && stream->unsubscribe.mailto == NULL)
		return rmt_cli_fail(RMT_EXIT_NO, command,
				    "stream '%s' has no mailto form", stream->name);
	if (link->lists != NULL && g_strv_length(link->lists) > RMT_UNSUB_LISTS_MAX)
		return rmt_cli_fail(RMT_EXIT_USAGE, command, "at most %d lists",
				    RMT_UNSUB_LISTS_MAX);
	return make_links(config, stream, args[1], link);
}

int rmt_unsubscribe_run_link(const struct rmt_cli *cli, int argc, char **argv)
{
	struct link link = { NULL };
	const GOptionEntry rows[] = {
		{ "list", 0, 0, G_OPTION_ARG_STRING_ARRAY, &link.lists, NULL, NULL },
		{ "mailto", 0, 0, G_OPTION_ARG_NONE, &link.mailto, NULL, NULL },
		{ "fields", 0, 0, G_OPTION_ARG_NONE, &link.fields, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	int count, status = RMT_EXIT_USAGE;

	if (rmt_cli_options(command, rows, argc, argv, &count, &args))
		status = count == 3 ? check_and_make(cli, args + 1, &link)
				    : rmt_cli_usage(command, RMT_EXIT_USAGE);
	g_strfreev(link.lists);
	return status;
}
