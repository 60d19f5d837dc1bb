/* SPDX-License-Identifier: MIT */
/* return_path.c - `remite return-path`: makes one, or says what one means. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/when.h"
#include "common/cli/records.h"
#include "common/feedback/feedback.h"
#include "common/feedback/mailed.h"

static const struct rmt_command *const command = &rmt_command_return_path;

static const struct rmt_stream *find_stream(const struct rmt_cli_records *records,
					    const char *name)
{
	const struct rmt_stream *stream;

	if (!rmt_cli_stream_known(records, name))
		return NULL;
	stream = rmt_config_stream(records->config, name);
	if (stream->return_path.address != NULL)
		return stream;
	rmt_cli_fail(RMT_EXIT_NO, command,
		     "stream '%s' has no return_path (write return_path: { address = "
		     "\"bounces@bounces.example.com\" })",
		     name);
	return NULL;
}

static unsigned fill_ids(const struct rmt_stream *stream, const char *message,
			 const char *list, struct rmt_span ids[RMT_VERP_IDS_MAX])
{
	unsigned count = stream->return_path.ids;

	ids[0] = rmt_span_of(stream->return_path.id);
	if (count == 3)
		ids[1] = rmt_span_of(list);
	if (count >= 2)
		ids[count - 1] = rmt_span_of(message);
	return count;
}

static int make(struct rmt_cli_records *records, struct rmt_feedback *feedback,
		const char *stream_name, const char *recipient, const char *message,
		const char *list)
{
	const struct rmt_stream *stream = find_stream(records, stream_name);
	struct rmt_span ids[RMT_VERP_IDS_MAX];
	struct rmt_verp_form form;
	struct rmt_verp_made made;
	struct rmt_addr folded;
	g_autoptr(GError) err = NULL;

	if (stream == NULL)
		return RMT_EXIT_NO;
	if (*recipient == '\0')
		rmt_addr_fold(NULL, rmt_span("", 0), &folded);
	else if (!rmt_cli_mailbox(records, recipient, &folded))
		return RMT_EXIT_USAGE;
	if (!rmt_verp_form(rmt_span_of(stream->return_path.address),
			   fill_ids(stream, message, list, ids), &form, &err) ||
	    !rmt_verp_make(feedback->ring, &form, ids, folded.whole, records->now, &made,
			   &err))
		return rmt_cli_fail(RMT_EXIT_TROUBLE, command, "%s", err->message);
	puts(made.address);
	if (made.is_short)
		fprintf(stderr,
			"remite return-path: the short form: only what remite-milter "
			"makes is in the table\n");
	return RMT_EXIT_OK;
}

static void print_parts(const struct rmt_verp_parts *parts, unsigned ids)
{
	char when[RMT_WHEN_SIZE];
	unsigned i;

	for (i = 0; i < ids && parts->ids[i].len > 0; i++)
		printf("  id %u       %.*s\n", i + 1, RMT_SPAN_ARGS(parts->ids[i]));
	if (parts->recipient.len > 0)
		printf("  recipient  %.*s\n", RMT_SPAN_ARGS(parts->recipient));
	if (parts->made != 0)
		printf("  made       %s\n", rmt_when_format(parts->made, when));
	if (parts->token[0] != '\0')
		printf("  token      %s\n", parts->token);
}

static int print_short(struct rmt_cli_records *records,
		       const struct rmt_verp_parts *parts)
{
	struct rmt_return ret;
	GError *err = NULL;
	bool found;

	if (!rmt_return_get(records->store, parts->token, &found, &ret, &err))
		return rmt_cli_trouble(command, err);
	if (!found)
		puts("  not in the table: forged, or forgotten");
	else
		printf("  stream     %s\n  message    %s\n  recipient  %s\n", ret.stream,
		       ret.message, ret.recipient);
	rmt_return_clear(&ret);
	return found ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int read_one(struct rmt_cli_records *records, struct rmt_feedback *feedback,
		    const char *address)
{
	const GPtrArray *streams = records->config->streams;
	enum rmt_verp_result best = RMT_VERP_FOREIGN;
	struct rmt_verp_parts parts, best_parts = { .token = "" };
	unsigned best_ids = 0;
	guint i;

	for (i = 0; i < streams->len; i++) {
		const struct rmt_stream *stream = g_ptr_array_index(streams, i);
		const struct rmt_return_setting *path = &stream->return_path;
		struct rmt_verp_form form;
		enum rmt_verp_result result;

		if (path->address == NULL ||
		    !rmt_verp_form(rmt_span_of(path->address), path->ids, &form, NULL))
			continue;
		result = rmt_verp_read(feedback->ring, &form, rmt_span_of(address),
				       records->now,
				       (int64_t)(path->age_ns / RMT_NS_PER_SEC), &parts);
		if (result <= best)
			continue;
		best = result;
		best_ids = path->ids;
		/* Its spans look into its own text. */
		rmt_verp_read(feedback->ring, &form, rmt_span_of(address), records->now,
			      (int64_t)(path->age_ns / RMT_NS_PER_SEC), &best_parts);
	}
	puts(rmt_verp_result_name(best));
	print_parts(&best_parts, best_ids);
	if (best == RMT_VERP_SHORT)
		return print_short(records, &best_parts);
	return best >= RMT_VERP_MESSAGE ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int run_make(struct rmt_cli_records *records, struct rmt_feedback *feedback,
		    int argc, char **argv)
{
	char *message = NULL, *list = NULL;
	const GOptionEntry entries[] = {
		{ "message", 0, 0, G_OPTION_ARG_FILENAME, &message, NULL, NULL },
		{ "list", 0, 0, G_OPTION_ARG_FILENAME, &list, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	int count, status = RMT_EXIT_USAGE;

	if (rmt_cli_options(command, entries, argc, argv, &count, &args)) {
		if (count != 2 && count != 3)
			rmt_cli_usage(command, RMT_EXIT_USAGE);
		else
			status = make(records, feedback, args[1],
				      count == 3 ? args[2] : "",
				      message != NULL ? message : "none",
				      list != NULL ? list : "none");
	}
	g_free(message);
	g_free(list);
	return status;
}

static int run(const struct rmt_cli *cli, int argc, char **argv)
{
	struct rmt_cli_records records;
	struct rmt_feedback *feedback;
	int status;

	if (argc < 3 || (strcmp(argv[1], "make") != 0 && strcmp(argv[1], "read") != 0) ||
	    (strcmp(argv[1], "read") == 0 && argc != 3))
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	if (!rmt_cli_records_open(&records, cli, command, true))
		return RMT_EXIT_TROUBLE;
	feedback = rmt_feedback_new(records.config, records.store, records.now);
	if (feedback->key_trouble != NULL)
		status = rmt_cli_fail(RMT_EXIT_TROUBLE, command, "%s",
				      feedback->key_trouble);
	else if (strcmp(argv[1], "make") == 0)
		status = run_make(&records, feedback, argc - 1, argv + 1);
	else
		status = read_one(&records, feedback, argv[2]);
	rmt_feedback_free(feedback);
	rmt_cli_records_close(&records);
	return status;
}

const struct rmt_command rmt_command_return_path = {
	.name = "return-path",
	.summary = "make a return path, or say what one means",
	.usage = "usage: remite return-path make STREAM [RECIPIENT] [--message ID] "
		 "[--list "
		 "ID]\n"
		 "       remite return-path read ADDRESS\n"
		 "\n"
		 "make prints the envelope sender for mail of a stream: for one "
		 "recipient, or\n"
		 "without one for the whole message.\n"
		 "read says whether an address was made here, for whom and when; also "
		 "where\n"
		 "it is wrapped in SRS or BATV. The first line is the result: proven,\n"
		 "message, short, expired, forged, bare or foreign.\n"
		 "\n"
		 "Exit status 1: not ours, or no longer.\n",
	.run = run,
};
