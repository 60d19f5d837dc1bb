/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "buffer.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-print.h"

#include <time.h>
#include <unistd.h>

#include "dovecot-plugin/doveadm/receipts.h"
#include "dovecot-plugin/doveadm/talk.h"

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

static void show_explanation(const struct rmt_wire_record *record)
{
	doveadm_print(rmt_wire_get(record, "verdict"));
	doveadm_print(rmt_wire_get(record, "reason"));
	doveadm_print(rmt_wire_get(record, "text"));
	doveadm_print(rmt_wire_get(record, "target"));
	doveadm_print(rmt_wire_get(record, "state"));
}

/* The message on standard input, up to the end of its header. */
static void read_header(buffer_t *header)
{
	char chunk[4096];
	ssize_t got;

	while (header->used < RMT_WIRE_HEADER_MAX &&
	       (got = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
		buffer_append(header, chunk,
			      I_MIN((size_t)got, RMT_WIRE_HEADER_MAX - header->used));
}

static void cmd_explain(struct doveadm_cmd_context *cctx)
{
	struct talk talk = { .row = show_explanation };
	struct rmt_wire_out out = { 0 };
	buffer_t *header = t_buffer_create(4096);

	if (!begin(&talk, cctx, &out, "query", FALSE))
		return;
	read_header(header);
	rmt_wire_add(&out, "what", "explain");
	rmt_wire_add_number(&out, "received", (uint64_t)time(NULL));
	rmt_wire_end(&out, header->data, header->used);
	doveadm_print_init(DOVEADM_PRINT_TYPE_FLOW);
	doveadm_print_header_simple("verdict");
	doveadm_print_header_simple("reason");
	doveadm_print_header_simple("because");
	doveadm_print_header_simple("receipt-to");
	doveadm_print_header_simple("state");
	converse(&talk, &out);
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
	ON_USER("explain", cmd_explain, " (message on standard input)"),
};
/* clang-format on */

void rmt_doveadm_receipts_register(void)
{
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(commands); i++)
		doveadm_cmd_register_ver2(&commands[i]);
}
