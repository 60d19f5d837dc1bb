/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "module-context.h"
#include "mail-user.h"

#include "dovecot-plugin/user.h"

static MODULE_CONTEXT_DEFINE_INIT(user_module, &mail_user_module_register);

struct user_context {
	union mail_user_module_context module_ctx;
	struct remite_user remite;
};

struct remite_user *remite_user(struct mail_user *user)
{
	struct user_context *ctx = MODULE_CONTEXT(user, user_module);

	return ctx != NULL ? &ctx->remite : NULL;
}

void remite_user_created(struct mail_user *user)
{
	struct user_context *ctx;
	struct remite_settings set;
	const char *error;

	/* Owners of shared mailboxes come as users, too. */
	if (user->autocreated)
		return;
	if (remite_settings_read(user, &set, &error) < 0) {
		/* Mail goes on without us. */
		e_error(user->event, "remite: %s", error);
		return;
	}
	ctx = p_new(user->pool, struct user_context, 1);
	ctx->remite.user = user;
	ctx->remite.set = set;
	MODULE_CONTEXT_SET(user, user_module, ctx);
}
