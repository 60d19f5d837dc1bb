/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "istream.h"
#include "module-context.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/delivery.h"
#include "dovecot-plugin/mailbox.h"
#include "dovecot-plugin/opened.h"
#include "dovecot-plugin/preference.h"
#include "dovecot-plugin/saved.h"
#include "dovecot-plugin/transaction.h"
#include "dovecot-plugin/user.h"

struct box_context {
	union mailbox_module_context module_ctx;
	struct rmt_user *user; /* foreign */
	bool looked_at;        /* since the client opened it */
};

static MODULE_CONTEXT_DEFINE_INIT(box_module, &mail_storage_module_register);

static struct box_context *context_of(struct mailbox *box)
{
	return MODULE_CONTEXT(box, box_module);
}

static struct mailbox_vfuncs *super_of(struct mailbox *box)
{
	return &context_of(box)->module_ctx.super;
}

bool rmt_mailbox_is_ours(struct mailbox *box)
{
	return context_of(box) != NULL;
}

static int box_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox *box = ctx->transaction->box;
	struct rmt_user *user = context_of(box)->user;
	int ret;

	if ((ctx->transaction->flags & MAILBOX_TRANSACTION_FLAG_NO_NOTIFY) != 0)
		return super_of(box)->copy(ctx, mail);
	if (user->service == RMT_SERVICE_DELIVERY) {
		rmt_delivery_mark(user, ctx, mail);
		return super_of(box)->copy(ctx, mail);
	}
	rmt_copy_mark(user, ctx, mail);
	ret = super_of(box)->copy(ctx, mail);
	if (ret == 0)
		rmt_copied(user, ctx->transaction, mail, ctx->moving);
	return ret;
}

static int box_save_begin(struct mail_save_context *ctx, struct istream *input)
{
	struct mailbox *box = ctx->transaction->box;
	struct rmt_user *user = context_of(box)->user;

	/* What copy() does by way of saving has been looked at. */
	if (!ctx->copying_or_moving && user->service == RMT_SERVICE_IMAP &&
	    (ctx->transaction->flags & MAILBOX_TRANSACTION_FLAG_NO_NOTIFY) == 0)
		rmt_append_mark(user, ctx);
	return super_of(box)->save_begin(ctx, input);
}

static int box_commit(struct mailbox_transaction_context *t,
		      struct mail_transaction_commit_changes *changes_r)
{
	return rmt_transaction_commit(t, changes_r, super_of(t->box)->transaction_commit);
}

static void box_rollback(struct mailbox_transaction_context *t)
{
	struct mailbox *box = t->box;

	rmt_transaction_rollback(t);
	super_of(box)->transaction_rollback(t);
}

static int box_sync_deinit(struct mailbox_sync_context *ctx,
			   struct mailbox_sync_status *status_r)
{
	struct mailbox *box = ctx->box;
	struct box_context *ours = context_of(box);
	int ret = ours->module_ctx.super.sync_deinit(ctx, status_r);

	if (ret == 0 && !ours->looked_at && rmt_opened_by_client(box)) {
		ours->looked_at = TRUE;
		rmt_opened_look(ours->user, box);
	}
	return ret;
}

/* As a string, since a stream can be read only once. */
static const char *attribute_text(const struct mail_attribute_value *value)
{
	const unsigned char *data;
	size_t size;

	if (value->value_stream == NULL)
		return value->value != NULL ? value->value : "";
	while (i_stream_read(value->value_stream) > 0)
		;
	data = i_stream_get_data(value->value_stream, &size);
	return t_strndup(data, size);
}

static int box_attribute_set(struct mailbox_transaction_context *t,
			     enum mail_attribute_type type, const char *key,
			     const struct mail_attribute_value *value)
{
	struct mail_attribute_value copy = *value;
	const char *text;

	if ((t->flags & MAILBOX_TRANSACTION_FLAG_NO_NOTIFY) != 0 ||
	    !rmt_preference_is_key(key))
		return super_of(t->box)->attribute_set(t, type, key, value);
	text = attribute_text(value);
	copy.value_stream = NULL;
	copy.value = *text != '\0' ? text : NULL;
	if (super_of(t->box)->attribute_set(t, type, key, &copy) < 0)
		return -1;
	rmt_gather_preference(t, text);
	return 0;
}

/* Own mail only (pitfall 3); behind a virtual mailbox the real one is ours. */
static struct rmt_user *user_of(struct mailbox *box)
{
	struct mail_namespace *ns = mailbox_list_get_namespace(box->list);

	if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
	    strcmp(box->storage->name, "virtual") == 0)
		return NULL;
	return rmt_user(box->storage->user);
}

void rmt_mailbox_allocated(struct mailbox *box)
{
	struct mailbox_vfuncs *v = box->vlast;
	struct rmt_user *user = user_of(box);
	struct box_context *ours;

	if (user == NULL)
		return;
	ours = p_new(box->pool, struct box_context, 1);
	ours->module_ctx.super = *v;
	ours->user = user;
	box->vlast = &ours->module_ctx.super;
	v->copy = box_copy;
	v->save_begin = box_save_begin;
	v->transaction_commit = box_commit;
	v->transaction_rollback = box_rollback;
	v->sync_deinit = box_sync_deinit;
	v->attribute_set = box_attribute_set;
	MODULE_CONTEXT_SET(box, box_module, ours);
}
