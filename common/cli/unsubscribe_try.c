/* SPDX-License-Identifier: MIT */
/* unsubscribe_try.c - `remite unsubscribe try`: what would be done about a message, and
 * why; with --post it is done, from here. */
#include <stdio.h>
#include <string.h>

#include "common/cli/unsubscribe.h"
#include "common/message/header.h"
#include "common/unsubscribe/leave.h"

static const struct rmt_command *const command = &rmt_command_unsubscribe;

enum { MESSAGE_MAX = 64 * 1024 * 1024, CHUNK = 64 * 1024 };

static GString *read_message(const char *name)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
	g_autofree char *chunk = g_malloc(CHUNK);
	GString *text = g_string_new(NULL);
	size_t got;

	while (file != NULL && text->len < MESSAGE_MAX &&
	       (got = fread(chunk, 1, CHUNK, file)) > 0)
		g_string_append_len(text, chunk, (gssize)got);
	if (file == NULL || ferror(file)) {
		rmt_cli_fail(RMT_EXIT_TROUBLE, command, "%s: cannot be read", name);
		g_string_free(text, TRUE);
		text = NULL;
	}
	if (file != NULL && file != stdin)
		fclose(file);
	return text;
}

static void print_text(const char *name, const char *text)
{
	g_autoptr(GString) printable = g_string_new(NULL);

	if (text != NULL && *text != '\0')
		printf("%-9s %s\n", name, rmt_cli_printable(printable, text));
}

static void print_way(const struct rmt_leave_way *way)
{
	printf("%-9s %s\n", "verdict",
	       way->by_record ? "the proof of delivery counts: the signature cannot be "
				"verified any more"
			      : rmt_covered_text(way->covered.result));
	if (!way->by_record && way->covered.one_click != RMT_ONE_CLICK_OK &&
	    way->covered.result <= RMT_COVERED_NOTHING)
		print_text("one-click", rmt_one_click_text(way->covered.one_click));
	print_text("signer", way->domain);
	print_text("list", way->list_id);
	print_text("url", way->url);
	if (way->target != RMT_TARGET_OK)
		print_text("url", rmt_target_text(way->target));
	print_text("mailto", way->mailto.to);
	print_text("subject", way->mailto.subject);
	if (way->mailto_is != RMT_MAILTO_OK)
		print_text("mailto", rmt_mailto_word(way->mailto_is));
}

static int post(struct rmt_leave *leave, const struct rmt_leave_way *way)
{
	struct rmt_leave_posted posted;

	if (way->url == NULL)
		return rmt_cli_fail(RMT_EXIT_NO, command, "there is nothing to POST to");
	rmt_leave_post(leave, way->url, 2, &posted);
	printf("%-9s %s", "answer",
	       posted.resolved ? rmt_post_word(posted.last.outcome)
			       : "the name has no address");
	if (posted.last.status > 0)
		printf(", status %ld", posted.last.status);
	printf(", %u POSTs\n", posted.posts);
	print_text("address", posted.last.address);
	print_text("trouble", posted.last.text);
	return posted.last.outcome == RMT_POST_DONE ? RMT_EXIT_OK : RMT_EXIT_NO;
}

static int look(struct rmt_leave *leave, const struct rmt_config *config,
		struct rmt_span message, bool posts)
{
	const char *const *own = (const char *const *)config->unsubscribing.own_hosts;
	struct rmt_span header, body;
	struct rmt_leave_way way;
	struct rmt_proof proof;
	int status;

	rmt_header_split(message, &header, &body);
	rmt_leave_look(leave, message,
		       own != NULL && rmt_proof_find(header, own, &proof) ? &proof : NULL,
		       g_get_real_time() / G_USEC_PER_SEC, &way);
	print_way(&way);
	status = way.url != NULL || way.mailto.to != NULL ? RMT_EXIT_OK : RMT_EXIT_NO;
	if (posts)
		status = post(leave, &way);
	rmt_leave_way_clear(&way);
	return status;
}

static int try_message(const struct rmt_cli *cli, const char *file, const char *dns_file,
		       bool posts)
{
	g_autoptr(rmt_config) config = rmt_cli_config(cli);
	struct rmt_leave *leave;
	GString *message;
	GError *err = NULL;
	int status = RMT_EXIT_TROUBLE;

	if (config == NULL)
		return RMT_EXIT_TROUBLE;
	if (!rmt_post_init() || !rmt_leave_open(&leave, config, dns_file, &err))
		return err != NULL ? rmt_cli_trouble(command, err) : RMT_EXIT_TROUBLE;
	message = read_message(file);
	if (message != NULL) {
		status = look(leave, config, rmt_span(message->str, message->len), posts);
		g_string_free(message, TRUE);
	}
	rmt_leave_close(leave);
	return status;
}

int rmt_unsubscribe_run_try(const struct rmt_cli *cli, int argc, char **argv)
{
	g_autofree char *dns_file = NULL;
	gboolean posts = FALSE;
	const GOptionEntry rows[] = {
		{ "post", 0, 0, G_OPTION_ARG_NONE, &posts, NULL, NULL },
		{ "dns-file", 0, 0, G_OPTION_ARG_FILENAME, &dns_file, NULL, NULL },
		{ NULL },
	};
	g_auto(GStrv) args = NULL;
	int count;

	if (!rmt_cli_options(command, rows, argc, argv, &count, &args))
		return RMT_EXIT_USAGE;
	if (count != 2)
		return rmt_cli_usage(command, RMT_EXIT_USAGE);
	return try_message(cli, args[1], dns_file, posts);
}
