/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "array.h"
#include "mail-storage-private.h"

#include "dovecot-plugin/keywords.h"
#include "dovecot-plugin/wire.h"

const char *const rmt_keywords_ours[] = { RMT_KEYWORD_PENDING,  RMT_KEYWORD_SHOWN,
					  RMT_KEYWORD_FETCHED,  RMT_KEYWORD_UNTOLD,
					  RMT_KEYWORD_FEEDBACK, RMT_KEYWORD_ASKED,
					  RMT_KEYWORD_LEAVING,  NULL };

static bool has_index(const struct mail_keywords *keywords, unsigned int idx)
{
	unsigned int i;

	for (i = 0; keywords != NULL && i < keywords->count; i++)
		if (keywords->idx[i] == idx)
			return TRUE;
	return FALSE;
}

bool rmt_keywords_has(struct mailbox *box, const struct mail_keywords *keywords,
		      const char *name)
{
	unsigned int idx;

	return mail_index_keyword_lookup(box->index, name, &idx) &&
	       has_index(keywords, idx);
}

/* Straight from the index: mail_get_keyword_indexes() keeps a list with the mail,
 * which costs more than the rest of what we do at a FETCH. */
static bool index_has(struct mail *mail, unsigned int idx)
{
	ARRAY_TYPE(keyword_indexes) list;
	const unsigned int *pos;

	t_array_init(&list, 8);
	mail_index_lookup_keywords(mail->transaction->view, mail->seq, &list);
	array_foreach(&list, pos)
	{
		if (*pos == idx)
			return TRUE;
	}
	return FALSE;
}

bool rmt_mail_has_keyword(struct mail *mail, const char *name)
{
	unsigned int idx;
	bool has;

	/* Most mailboxes never had it. */
	if (!mail_index_keyword_lookup(mail->box->index, name, &idx))
		return FALSE;
	T_BEGIN
	{
		has = index_has(mail, idx);
	}
	T_END;
	return has;
}

/* `list` without those of `names` */
static void leave_out(struct mailbox *box, ARRAY_TYPE(keyword_indexes) * list,
		      const char *const *names)
{
	unsigned int idx, i;

	for (; *names != NULL; names++) {
		if (!mail_index_keyword_lookup(box->index, *names, &idx))
			continue;
		for (i = array_count(list); i > 0; i--)
			if (*array_idx(list, i - 1) == idx)
				array_delete(list, i - 1, 1);
	}
}

static void fill(ARRAY_TYPE(keyword_indexes) * list, const struct mail_keywords *keywords)
{
	t_array_init(list, 8);
	if (keywords != NULL)
		array_append(list, keywords->idx, keywords->count);
}

static void keep_what_is_set(struct mail *mail, ARRAY_TYPE(keyword_indexes) * list,
			     const char *const *names)
{
	unsigned int idx;

	for (; *names != NULL; names++) {
		if (!rmt_mail_has_keyword(mail, *names))
			continue;
		mail_index_keyword_lookup_or_create(mail->box->index, *names, &idx);
		array_push_back(list, &idx);
	}
}

struct mail_keywords *rmt_keywords_veto(struct mail *mail, enum modify_type type,
					const struct mail_keywords *keywords,
					bool protects_sent)
{
	static const char *const sent[] = { RMT_KEYWORD_MDN_SENT, NULL };
	ARRAY_TYPE(keyword_indexes) list;

	fill(&list, keywords);
	leave_out(mail->box, &list, rmt_keywords_ours);
	if (type != MODIFY_ADD && protects_sent)
		leave_out(mail->box, &list, type == MODIFY_REMOVE ? sent : sent + 1);
	if (type == MODIFY_REPLACE) {
		keep_what_is_set(mail, &list, rmt_keywords_ours);
		if (protects_sent &&
		    !rmt_keywords_has(mail->box, keywords, RMT_KEYWORD_MDN_SENT))
			keep_what_is_set(mail, &list, sent);
	}
	return mailbox_keywords_create_from_indexes(mail->box, &list);
}

static void replace_list(struct mail_save_context *ctx,
			 const ARRAY_TYPE(keyword_indexes) * list)
{
	struct mail_keywords *old = ctx->data.keywords;

	ctx->data.keywords = array_count(list) == 0
				     ? NULL
				     : mailbox_keywords_create_from_indexes(
					       ctx->transaction->box, list);
	if (old != NULL)
		mailbox_keywords_unref(&old);
}

void rmt_save_add(struct mail_save_context *ctx, const char *const *names)
{
	struct mailbox *box = ctx->transaction->box;
	ARRAY_TYPE(keyword_indexes) list;
	unsigned int idx;

	T_BEGIN
	{
		fill(&list, ctx->data.keywords);
		leave_out(box, &list, names);
		for (; *names != NULL; names++) {
			mail_index_keyword_lookup_or_create(box->index, *names, &idx);
			array_push_back(&list, &idx);
		}
		replace_list(ctx, &list);
	}
	T_END;
}

void rmt_save_remove(struct mail_save_context *ctx, const char *const *names)
{
	ARRAY_TYPE(keyword_indexes) list;

	if (ctx->data.keywords == NULL)
		return;
	T_BEGIN
	{
		fill(&list, ctx->data.keywords);
		leave_out(ctx->transaction->box, &list, names);
		if (array_count(&list) != ctx->data.keywords->count)
			replace_list(ctx, &list);
	}
	T_END;
}
