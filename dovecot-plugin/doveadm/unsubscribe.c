/* SPDX-License-Identifier: MIT */
/* `doveadm remite unsubscribe -u ann mailbox INBOX subject offers`: for a user, what
 * the keyword $Unsubscribe does. As with the keyword, many messages at once are asked
 * about first; --yes is the answer. */
#include "dovecot-plugin/compat.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-search.h"
#include "mail-storage.h"
#include "mail-user.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-mail.h"
#include "doveadm-mail-iter.h"
#include "doveadm-mailbox-list-iter.h"
#include "doveadm-print.h"

#include "dovecot-plugin/doveadm/talk.h"
#include "dovecot-plugin/doveadm/unsubscribe.h"
#include "dovecot-plugin/message.h"
#include "dovecot-plugin/settings.h"

struct command {
	struct doveadm_mail_cmd_context ctx;
	const char *socket;
	bool yes;
	/* Of the user at hand. */
	struct rmt_settings set;
	unsigned int count; /* messages that are meant */
	void (*each)(struct command *command, struct mail *mail);
};

/* --- one message --- */

static void write_job(struct command *command, struct mail *mail,
		      struct rmt_wire_out *out)
{
	rmt_wire_version(out, "doveadm");
	rmt_wire_begin(out, "JOB", 1, "unsubscribe");
	rmt_wire_add(out, "user", command->ctx.cur_mail_user->username);
	rmt_message_add_place(out, mail->box, mail->uid);
	rmt_message_add_user(out, &command->set, "doveadm");
	rmt_message_add(out, mail);
	rmt_wire_add_number(out, "count", command->count);
	if (command->yes)
		rmt_wire_add(out, "confirmed", "yes");
}

static void mark(struct mail *mail, enum modify_type type)
{
	static const char *const names[] = { RMT_KEYWORD_LEAVING, NULL };
	struct mail_keywords *keywords = mailbox_keywords_create_valid(mail->box, names);

	mail_update_keywords(mail, type, keywords);
	mailbox_keywords_unref(&keywords);
}

static void hand_over(struct command *command, struct mail *mail)
{
	const bool whole = command->count < RMT_WIRE_MANY || command->yes;
	struct talk talk = { .socket = command->socket };
	struct rmt_wire_out out = { 0 };

	write_job(command, mail, &out);
	if (rmt_message_end(&out, mail, whole)) {
		rmt_talk(&talk, &out);
	} else {
		talk.error = "the message cannot be read";
		rmt_wire_out_free(&out);
	}
	doveadm_print(mailbox_get_vname(mail->box));
	doveadm_print(dec2str(mail->uid));
	doveadm_print(talk.error == NULL ? "taken" : talk.error);
	if (talk.error != NULL) {
		command->ctx.exit_code = EX_TEMPFAIL;
		mark(mail, MODIFY_REMOVE);
	}
}

/* The user's next session sees by the mark that an answer will come. */
static void count_it(struct command *command, struct mail *mail)
{
	command->count++;
	mark(mail, MODIFY_ADD);
}

/* --- all that are meant --- */

static int in_mailbox(struct command *command, const struct mailbox_info *info)
{
	struct doveadm_mail_iter *iter;
	struct mail *mail;

	if (doveadm_mail_iter_init(&command->ctx, info, command->ctx.search_args, 0, NULL,
				   0, &iter) < 0)
		return -1;
	while (doveadm_mail_iter_next(iter, &mail)) {
		T_BEGIN
		{
			command->each(command, mail);
		}
		T_END;
	}
	return doveadm_mail_iter_deinit_sync(&iter);
}

static int in_all(struct command *command, struct mail_user *user)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_NO_AUTO_BOXES | MAILBOX_LIST_ITER_RETURN_NO_FLAGS;
	struct doveadm_mailbox_list_iter *iter = doveadm_mailbox_list_iter_init(
		&command->ctx, user, command->ctx.search_args, flags);
	const struct mailbox_info *info;
	int ret = 0;

	while ((info = doveadm_mailbox_list_iter_next(iter)) != NULL) {
		T_BEGIN
		{
			if (info->ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
			    in_mailbox(command, info) < 0)
				ret = -1;
		}
		T_END;
	}
	if (doveadm_mailbox_list_iter_deinit(&iter) < 0)
		ret = -1;
	return ret;
}

static bool may(struct command *command, struct mail_user *user)
{
	const char *error;

	if (rmt_settings_read(user, &command->set, &error) < 0) {
		i_error("%s", error);
		doveadm_mail_failed_error(&command->ctx, MAIL_ERROR_TEMP);
		return FALSE;
	}
	if (command->set.unsubscribe)
		return TRUE;
	i_error("%s: lists are not left for this user (remite_unsubscribe = yes)",
		user->username);
	doveadm_mail_failed_error(&command->ctx, MAIL_ERROR_NOTPOSSIBLE);
	return FALSE;
}

static int run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	struct command *command = container_of(ctx, struct command, ctx);

	if (!may(command, user))
		return -1;
	command->count = 0;
	command->each = count_it;
	if (in_all(command, user) < 0)
		return -1;
	command->each = hand_over;
	return in_all(command, user);
}

/* --- the command --- */

RMT_MAIL_CMD_INIT(init, ctx)
{
	struct command *command = container_of(ctx, struct command, ctx);
	const char *const *query;

	if (!doveadm_cmd_param_array(ctx->cctx, "query", &query))
		i_fatal_status(EX_USAGE, "say which messages: mailbox INBOX uid 12");
	ctx->search_args = doveadm_mail_build_search_args(query);
	command->socket = p_strdup(ctx->pool, rmt_talk_socket(ctx->cctx));
	if (!doveadm_cmd_param_bool(ctx->cctx, "yes", &command->yes))
		command->yes = FALSE;
	doveadm_print_header_simple("mailbox");
	doveadm_print_header_simple("uid");
	doveadm_print_header("result", "result", DOVEADM_PRINT_HEADER_FLAG_EXPAND);
}

static struct doveadm_mail_cmd_context *new_command(void)
{
	struct command *command = doveadm_mail_cmd_alloc(struct command);

	command->ctx.v.init = init;
	command->ctx.v.run = run;
	rmt_mail_cmd_own_options(&command->ctx);
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &command->ctx;
}

/* clang-format off */
static struct doveadm_cmd_ver2 unsubscribe = {
	.name = "remite unsubscribe",
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-s <agent socket>] [-y] <search query>",
	.mail_cmd = new_command,
	DOVEADM_CMD_PARAMS_START
	DOVEADM_CMD_MAIL_COMMON
	DOVEADM_CMD_PARAM('s', "socket", CMD_PARAM_STR, 0)
	DOVEADM_CMD_PARAM('y', "yes", CMD_PARAM_BOOL, 0)
	DOVEADM_CMD_PARAM('\0', "query", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
	DOVEADM_CMD_PARAMS_END
};
/* clang-format on */

void rmt_doveadm_unsubscribe_register(void)
{
	doveadm_cmd_register_ver2(&unsubscribe);
}
