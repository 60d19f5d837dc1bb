/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "module-context.h"
#include "mail-user.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/dwell.h"
#include "dovecot-plugin/feedback.h"
#include "dovecot-plugin/marks.h"
#include "dovecot-plugin/user.h"

static MODULE_CONTEXT_DEFINE_INIT(user_module, &mail_user_module_register);

struct user_context {
	union mail_user_module_context module_ctx;
	struct rmt_user remite;
};

static struct user_context *context_of(struct mail_user *user)
{
	return MODULE_CONTEXT(user, user_module);
}

struct rmt_user *rmt_user(struct mail_user *user)
{
	struct user_context *ctx = context_of(user);

	return ctx != NULL ? &ctx->remite : NULL;
}

static bool find_service(const char *name, enum rmt_service *service_r)
{
	if (strcmp(name, "imap") == 0)
		*service_r = RMT_SERVICE_IMAP;
	else if (strcmp(name, "lmtp") == 0 || strcmp(name, "lda") == 0)
		*service_r = RMT_SERVICE_DELIVERY;
	else
		return FALSE;
	return TRUE;
}

/* Somebody else who logged in as this user (pitfall 3). */
static bool is_delegate(struct mail_user *user)
{
	const char *login = rmt_login_user(user);

	return login != NULL && strcmp(login, user->username) != 0;
}

static bool has_work(const struct rmt_settings *set)
{
	return set->receipts != RMT_RECEIPTS_OFF || set->unsubscribe || set->feedback ||
	       set->trust_headers;
}

/* What the agent has acknowledged is marked while all plugins are still there: at
 * deinit() a mailbox with quota could not be written to any more. */
static void user_deinit_pre(struct mail_user *user)
{
	struct user_context *ctx = context_of(user);

	rmt_feedback_finish(&ctx->remite);
	rmt_dwell_deinit(&ctx->remite.dwell);
	rmt_marks_flush(ctx->remite.marks);
	ctx->module_ctx.super.deinit_pre(user);
}

static void user_deinit(struct mail_user *user)
{
	struct user_context *ctx = context_of(user);
	struct rmt_user *remite = &ctx->remite;

	rmt_dwell_deinit(&remite->dwell);
	rmt_agent_deinit(&remite->agent);
	rmt_marks_deinit(&remite->marks);
	i_free(remite->selected);
	ctx->module_ctx.super.deinit(user);
}

static void work_for(struct mail_user *user, const struct rmt_settings *set,
		     enum rmt_service service)
{
	struct mail_user_vfuncs *v = user->vlast;
	struct user_context *ctx = p_new(user->pool, struct user_context, 1);

	ctx->module_ctx.super = *v;
	user->vlast = &ctx->module_ctx.super;
	v->deinit_pre = user_deinit_pre;
	v->deinit = user_deinit;
	ctx->remite.user = user;
	ctx->remite.set = *set;
	ctx->remite.service = service;
	ctx->remite.agent = rmt_agent_init(&ctx->remite);
	ctx->remite.marks = rmt_marks_init(&ctx->remite);
	MODULE_CONTEXT_SET(user, user_module, ctx);
}

void rmt_user_created(struct mail_user *user)
{
	struct rmt_settings set;
	enum rmt_service service;
	const char *error;

	if (user->autocreated || user->anonymous ||
	    !find_service(user->service, &service) || is_delegate(user))
		return;
	if (rmt_settings_read(user, &set, &error) < 0) {
		/* Mail goes on without us. */
		e_error(user->event, "remite: %s", error);
		return;
	}
	if (has_work(&set))
		work_for(user, &set, service);
}
