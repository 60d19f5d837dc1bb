/* SPDX-License-Identifier: MIT */
#include "common/receipts/recipient.h"

#include "common/message/addr.h"

/* --- a user ---------------------------------------------------------------- */

static bool add_address(struct rmt_receipt_user *user, const char *address)
{
	struct rmt_mailbox *mailbox;

	/* A name alone would be taken for a list that nobody is in. */
	if (strchr(address, '@') == NULL ||
	    !rmt_list_add(user->list, rmt_span_of(address), NULL))
		return false;
	if (strchr(address, '*') != NULL)
		return true; /* nobody's usual address */
	mailbox = rmt_mailbox_read(rmt_span_of(address));
	if (mailbox == NULL)
		return false;
	g_ptr_array_add(user->mailboxes, mailbox);
	return true;
}

static unsigned add_addresses(struct rmt_receipt_user *user, const char *const *addresses)
{
	unsigned bad = 0;

	for (; *addresses != NULL; addresses++)
		bad += !add_address(user, *addresses);
	return bad;
}

struct rmt_receipt_user *rmt_receipt_user_new(const char *name,
					      const char *const *addresses,
					      const char *const *groups,
					      const struct rmt_fold *fold,
					      unsigned *bad_r)
{
	struct rmt_receipt_user *user = g_new0(struct rmt_receipt_user, 1);
	unsigned bad = 0;

	user->name = g_strdup(name);
	user->groups = g_strdupv((char **)groups);
	user->fold = fold;
	user->mailboxes =
		g_ptr_array_new_with_free_func((GDestroyNotify)rmt_mailbox_free);
	user->list = rmt_list_new(RMT_LIST_ADDRESSES);
	rmt_list_set_fold(user->list, fold);
	if (addresses != NULL && addresses[0] != NULL)
		bad = add_addresses(user, addresses);
	else if (strchr(name, '@') != NULL && strchr(name, '*') == NULL)
		bad = !add_address(user, name);
	rmt_list_set_fold(user->list, NULL);
	user->known = rmt_list_count(user->list) > 0;
	if (bad_r != NULL)
		*bad_r = bad;
	return user;
}

void rmt_receipt_user_free(struct rmt_receipt_user *user)
{
	if (user == NULL)
		return;
	g_free(user->name);
	g_strfreev(user->groups);
	g_ptr_array_unref(user->mailboxes);
	rmt_list_free(user->list);
	g_free(user);
}

bool rmt_receipt_user_has(const struct rmt_receipt_user *user,
			  const struct rmt_mailbox *mailbox)
{
	g_autofree char *plain = g_strconcat(mailbox->local, "@", mailbox->domain, NULL);
	struct rmt_addr folded;

	rmt_addr_fold(user->fold, rmt_span_of(plain), &folded);
	return rmt_list_has(user->list, folded.whole);
}

const struct rmt_mailbox *rmt_receipt_user_ascii(const struct rmt_receipt_user *user)
{
	guint i;

	for (i = 0; i < user->mailboxes->len; i++)
		if (!rmt_mailbox_needs_utf8(g_ptr_array_index(user->mailboxes, i)))
			return g_ptr_array_index(user->mailboxes, i);
	return NULL;
}

/* --- a message ------------------------------------------------------------- */

const char *rmt_recipient_way_name(enum rmt_recipient_way way)
{
	static const char *const names[] = { "named", "hidden", "group", "unsaid" };

	return names[way];
}

static const struct rmt_mailbox *first_own(const struct rmt_receipt_user *user,
					   const GPtrArray *mailboxes)
{
	guint i;

	for (i = 0; i < mailboxes->len; i++)
		if (rmt_receipt_user_has(user, g_ptr_array_index(mailboxes, i)))
			return g_ptr_array_index(mailboxes, i);
	return NULL;
}

static bool has_foreign(const struct rmt_receipt_user *user, const GPtrArray *mailboxes)
{
	guint i;

	for (i = 0; i < mailboxes->len; i++)
		if (!rmt_receipt_user_has(user, g_ptr_array_index(mailboxes, i)))
			return true;
	return false;
}

/* What delivery knows beats what the sender wrote. */
static const struct rmt_mailbox *find_final(const struct rmt_receipt_request *request,
					    const struct rmt_receipt_user *user,
					    const struct rmt_mailbox *envelope)
{
	const struct rmt_mailbox *found = NULL;

	if (envelope != NULL && (!user->known || rmt_receipt_user_has(user, envelope)))
		return envelope;
	if (!user->known)
		return request->delivered->len > 0
			       ? g_ptr_array_index(request->delivered, 0)
			       : NULL;
	found = first_own(user, request->delivered);
	if (found == NULL)
		found = first_own(user, request->seen->list);
	if (found == NULL && user->mailboxes->len > 0)
		found = g_ptr_array_index(user->mailboxes, 0);
	return found;
}

static enum rmt_recipient_way find_way(const struct rmt_receipt_request *request,
				       const struct rmt_receipt_user *user,
				       const struct rmt_mailbox *envelope)
{
	const struct rmt_mailbox *original = request->original_recipient;

	if (!user->known)
		return RMT_RECIPIENT_UNSAID;
	if (first_own(user, request->seen->list) != NULL)
		return RMT_RECIPIENT_NAMED;
	if ((envelope != NULL && !rmt_receipt_user_has(user, envelope)) ||
	    (original != NULL && !rmt_receipt_user_has(user, original)) ||
	    has_foreign(user, request->delivered))
		return RMT_RECIPIENT_GROUP;
	return envelope != NULL || request->delivered->len > 0 ? RMT_RECIPIENT_HIDDEN
							       : RMT_RECIPIENT_UNSAID;
}

void rmt_receipt_recipient_find(const struct rmt_receipt_request *request,
				const struct rmt_receipt_user *user,
				const struct rmt_mailbox *envelope,
				struct rmt_receipt_recipient *recipient_r)
{
	recipient_r->way = find_way(request, user, envelope);
	recipient_r->final = find_final(request, user, envelope);
	recipient_r->original = request->original_recipient;
}
