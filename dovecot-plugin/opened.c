/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "array.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/marks.h"
#include "dovecot-plugin/opened.h"
#include "dovecot-plugin/report.h"
#include "dovecot-plugin/user.h"

enum { NEWEST = 2000 };

/* Positions in bits. */
enum { PENDING, SHOWN, APPROVE, DENY, ALWAYS, ASKED, LEAVING, WORDS };

static const char *const words[WORDS] = {
	[PENDING] = RMT_KEYWORD_PENDING, [SHOWN] = RMT_KEYWORD_SHOWN,
	[APPROVE] = RMT_KEYWORD_APPROVE, [DENY] = RMT_KEYWORD_DENY,
	[ALWAYS] = RMT_KEYWORD_ALWAYS,   [ASKED] = RMT_KEYWORD_ASKED,
	[LEAVING] = RMT_KEYWORD_LEAVING,
};

enum { HAS_CHOICE = 1 << APPROVE | 1 << DENY | 1 << ALWAYS };

struct look {
	struct rmt_user *user;
	struct mailbox *box;
	unsigned int idx[WORDS];
	unsigned int known; /* bits: words this mailbox ever had */
	uint32_t uidvalidity;
	ARRAY(uint32_t) unsubscribe;
	bool pending;
};

/* imap alone sets it, with SELECT and when it comes out of hibernation. */
bool rmt_opened_by_client(struct mailbox *box)
{
	return (box->flags & MAILBOX_FLAG_DROP_RECENT) != 0 &&
	       !mailbox_is_readonly(box) &&
	       strcmp(box->storage->user->service, "imap") == 0;
}

static unsigned int bits_of(struct look *look, uint32_t seq,
			    ARRAY_TYPE(keyword_indexes) * list)
{
	const unsigned int *idx;
	unsigned int bits = 0, i;

	mail_index_lookup_keywords(look->box->view, seq, list);
	array_foreach(list, idx)
	{
		for (i = 0; i < WORDS; i++)
			if ((look->known & (1u << i)) != 0 && look->idx[i] == *idx)
				bits |= 1u << i;
	}
	return bits;
}

static void again(struct look *look, uint32_t uid, const char *kind, unsigned int count)
{
	struct rmt_change change = {
		.box = mailbox_get_vname(look->box),
		.uidvalidity = look->uidvalidity,
		.uid = uid,
		.job = kind,
		.count = count,
	};

	if (rmt_agent_first_time(look->user->agent, kind, change.box, uid))
		rmt_marks_change(look->user->marks, &change);
}

static void look_at(struct look *look, uint32_t seq, unsigned int bits)
{
	/* What was marked before waits until it counts again. */
	const bool reports = look->user->set.receipts == RMT_RECEIPTS_REPORT;
	uint32_t uid;

	mail_index_lookup_uid(look->box->view, seq, &uid);
	if ((bits & (1u << PENDING | 1u << SHOWN)) != 0) {
		look->pending = TRUE;
		if ((bits & 1u << SHOWN) != 0 && !reports)
			again(look, uid, "shown", 1);
		if ((bits & HAS_CHOICE) != 0)
			again(look, uid, "choice", 1);
	}
	if ((bits & 1u << LEAVING) != 0)
		look->pending = TRUE;
	if ((bits & 1u << ASKED) != 0 && look->user->set.unsubscribe)
		array_push_back(&look->unsubscribe, &uid);
}

static void look_through(struct look *look)
{
	uint32_t seq = mail_index_view_get_messages_count(look->box->view);
	uint32_t last = seq > NEWEST ? seq - NEWEST : 0;
	ARRAY_TYPE(keyword_indexes) list;
	const uint32_t *uid;
	unsigned int bits;

	t_array_init(&list, 16);
	t_array_init(&look->unsubscribe, 4);
	for (; seq > last; seq--) {
		bits = bits_of(look, seq, &list);
		if (bits != 0)
			look_at(look, seq, bits);
	}
	array_foreach(&look->unsubscribe, uid)
	{
		again(look, *uid, "unsubscribe", array_count(&look->unsubscribe));
	}
}

void rmt_opened_look(struct rmt_user *user, struct mailbox *box)
{
	struct look look = { .user = user, .box = box };
	struct mailbox_status status;
	unsigned int i;

	i_free(user->selected);
	user->selected = i_strdup(mailbox_get_vname(box));
	for (i = 0; i < WORDS; i++)
		if (mail_index_keyword_lookup(box->index, words[i], &look.idx[i]))
			look.known |= 1u << i;
	if (look.known == 0)
		return;
	mailbox_get_open_status(box, STATUS_UIDVALIDITY, &status);
	look.uidvalidity = status.uidvalidity;
	T_BEGIN
	{
		look_through(&look);
	}
	T_END;
	if (look.pending)
		rmt_agent_want_answers(user->agent);
}
