/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "buffer.h"
#include "istream.h"
#include "mail-user.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-mail.h"
#include "doveadm-print.h"

#include <time.h>

#include "dovecot-plugin/doveadm/receipts.h"
#include "dovecot-plugin/doveadm/talk.h"
#include "dovecot-plugin/message.h"
#include "dovecot-plugin/settings.h"

static void converse(struct talk *talk, struct rmt_wire_out *out)
{
	rmt_talk(talk, out);
	if (talk->error != NULL) {
		i_error("%s", talk->error);
		doveadm_exit_code = EX_TEMPFAIL;
	}
}

/* VERSION and the head of the job. False: the command line lacks something. */
static bool begin(struct talk *talk, struct doveadm_cmd_context *cctx,
		  struct rmt_wire_out *out, const char *kind, bool needs_id)
{
	const char *user, *id = NULL;

	talk->socket = rmt_talk_socket(cctx);
	if (!doveadm_cmd_param_str(cctx, "user", &user)) {
		i_error("say whose: -u USER");
		doveadm_exit_code = EX_USAGE;
		return FALSE;
	}
	if (needs_id && !doveadm_cmd_param_str(cctx, "message-id", &id)) {
		i_error("say which: the Message-ID, as 'receipts pending' shows it");
		doveadm_exit_code = EX_USAGE;
		return FALSE;
	}
	rmt_wire_version(out, "doveadm");
	rmt_wire_begin(out, "JOB", 1, kind);
	rmt_wire_add(out, "user", user);
	rmt_wire_add(out, "id", id);
	return TRUE;
}

/* --- pending --- */

static void show_pending(const struct rmt_wire_record *record)
{
	time_t until = (time_t)rmt_wire_get_number(record, "until");
	struct tm tm;
	char when[32];

	gmtime_r(&until, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	doveadm_print(rmt_wire_get(record, "id"));
	doveadm_print(rmt_wire_get(record, "target"));
	doveadm_print(when);
	doveadm_print(rmt_wire_get(record, "rule"));
	doveadm_print(rmt_wire_get(record, "subject"));
}

static void cmd_pending(struct doveadm_cmd_context *cctx)
{
	struct talk talk = { .row = show_pending };
	struct rmt_wire_out out = { 0 };

	if (!begin(&talk, cctx, &out, "query", FALSE))
		return;
	rmt_wire_add(&out, "what", "pending");
	rmt_wire_end(&out, NULL, 0);
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("message-id");
	doveadm_print_header_simple("receipt-to");
	doveadm_print_header_simple("answer-by");
	doveadm_print_header_simple("reason");
	doveadm_print_header("subject", "subject", DOVEADM_PRINT_HEADER_FLAG_EXPAND);
	converse(&talk, &out);
}

/* --- approve, deny --- */

static void choose(struct doveadm_cmd_context *cctx, const char *choice)
{
	struct talk talk = { .row = NULL };
	struct rmt_wire_out out = { 0 };

	if (!begin(&talk, cctx, &out, "choice", TRUE))
		return;
	rmt_wire_add(&out, "choice", choice);
	rmt_wire_end(&out, NULL, 0);
	converse(&talk, &out);
	if (talk.error != NULL)
		return;
	doveadm_print_init(DOVEADM_PRINT_TYPE_FLOW);
	doveadm_print_header_simple("state");
	doveadm_print(talk.state != NULL ? talk.state : "");
}

static void cmd_approve(struct doveadm_cmd_context *cctx)
{
	choose(cctx, "approve");
}

static void cmd_deny(struct doveadm_cmd_context *cctx)
{
	choose(cctx, "deny");
}

/* --- explain --- */

/* A command on mail: addresses, groups and language are those of the userdb. */
struct explain {
	struct doveadm_mail_cmd_context ctx;
	const char *socket;
};

static void show_explanation(const struct rmt_wire_record *record)
{
	doveadm_print(rmt_wire_get(record, "verdict"));
	doveadm_print(rmt_wire_get(record, "reason"));
	doveadm_print(rmt_wire_get(record, "text"));
	doveadm_print(rmt_wire_get(record, "target"));
	doveadm_print(rmt_wire_get(record, "state"));
}

/* The message on standard input, as far as its header may reach. */
static bool read_header(struct istream *input, buffer_t *header)
{
	const unsigned char *data;
	size_t size;

	while (header->used < RMT_WIRE_HEADER_MAX &&
	       i_stream_read_more(input, &data, &size) > 0) {
		size = I_MIN(size, RMT_WIRE_HEADER_MAX - header->used);
		buffer_append(header, data, size);
		i_stream_skip(input, size);
	}
	return input->stream_errno == 0;
}

static void write_query(struct rmt_wire_out *out, const struct mail_user *user,
			const struct rmt_settings *set, const buffer_t *header)
{
	rmt_wire_version(out, "doveadm");
	rmt_wire_begin(out, "JOB", 1, "query");
	rmt_wire_add(out, "user", user->username);
	rmt_wire_add(out, "what", "explain");
	rmt_message_add_user(out, set, "doveadm");
	rmt_wire_add_number(out, "received", (uint64_t)time(NULL));
	rmt_wire_end(out, header->data, header->used);
}

static int run_explain(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	struct explain *explain = container_of(ctx, struct explain, ctx);
	struct talk talk = { .socket = explain->socket, .row = show_explanation };
	buffer_t *header = t_buffer_create(4096);
	struct rmt_wire_out out = { 0 };
	struct rmt_settings set;
	const char *error;

	if (rmt_settings_read(user, &set, &error) < 0) {
		talk.error = error;
	} else if (!read_header(ctx->cmd_input, header)) {
		talk.error = t_strdup_printf("the message cannot be read: %s",
					     i_stream_get_error(ctx->cmd_input));
	} else {
		write_query(&out, user, &set, header);
		rmt_talk(&talk, &out);
	}
	if (talk.error == NULL)
		return 0;
	i_error("%s", talk.error);
	doveadm_mail_failed_error(ctx, MAIL_ERROR_TEMP);
	return -1;
}

RMT_MAIL_CMD_INIT(init_explain, ctx)
{
	struct explain *explain = container_of(ctx, struct explain, ctx);

	explain->socket = p_strdup(ctx->pool, rmt_talk_socket(ctx->cctx));
	doveadm_mail_get_input(ctx);
	doveadm_print_header_simple("verdict");
	doveadm_print_header_simple("reason");
	doveadm_print_header_simple("because");
	doveadm_print_header_simple("receipt-to");
	doveadm_print_header_simple("state");
}

static struct doveadm_mail_cmd_context *new_explain(void)
{
	struct explain *explain = doveadm_mail_cmd_alloc(struct explain);

	explain->ctx.v.init = init_explain;
	explain->ctx.v.run = run_explain;
	rmt_mail_cmd_own_options(&explain->ctx);
	doveadm_print_init(DOVEADM_PRINT_TYPE_FLOW);
	return &explain->ctx;
}

/* clang-format off */
#define ON_USER(command, callback, help)						\
	{ .name = "remite receipts " command, .cmd = callback,				\
	  .usage = "-u <user> [-s <agent socket>]" help,				\
	  DOVEADM_CMD_PARAMS_START							\
	  DOVEADM_CMD_PARAM('s', "socket", CMD_PARAM_STR, 0)				\
	  DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0)				\
	  DOVEADM_CMD_PARAM('\0', "message-id", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)	\
	  DOVEADM_CMD_PARAMS_END }

static struct doveadm_cmd_ver2 commands[] = {
	ON_USER("pending", cmd_pending, ""),
	ON_USER("approve", cmd_approve, " <message-id>"),
	ON_USER("deny", cmd_deny, " <message-id>"),
	{ .name = "remite receipts explain", .mail_cmd = new_explain,
	  .usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		  "[-s <agent socket>] (message on standard input)",
	  DOVEADM_CMD_PARAMS_START
	  DOVEADM_CMD_MAIL_COMMON
	  DOVEADM_CMD_PARAM('s', "socket", CMD_PARAM_STR, 0)
	  DOVEADM_CMD_PARAMS_END },
};
/* clang-format on */

void rmt_doveadm_receipts_register(void)
{
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(commands); i++)
		doveadm_cmd_register_ver2(&commands[i]);
}
