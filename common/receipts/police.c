/* SPDX-License-Identifier: MIT */
#include "common/receipts/police.h"

#include "common/receipts/part.h"

struct view {
	const struct rmt_config *config;
	const struct rmt_police_facts *facts;
	struct rmt_receipt_terms terms;
};

/* --- what stops it -------------------------------------------------------- */

static bool policy_none(const struct view *v)
{
	return v->terms.policy == RMT_RECEIPTS_NONE;
}

static bool addresses_unknown(const struct view *v)
{
	return !v->facts->user->known;
}

static bool from_foreign(const struct view *v)
{
	return v->facts->from == NULL ||
	       !rmt_receipt_user_has(v->facts->user, v->facts->from);
}

static bool final_foreign(const struct view *v)
{
	const char *final = v->facts->mdn->final_recipient;
	g_autoptr(rmt_mailbox) mailbox =
		final != NULL ? rmt_mailbox_read(rmt_span_of(final)) : NULL;

	return mailbox != NULL && !rmt_receipt_user_has(v->facts->user, mailbox);
}

static bool outside(const struct view *v)
{
	guint i;

	for (i = 0; i < v->facts->recipients->len; i++) {
		g_autoptr(rmt_mailbox) target = rmt_mailbox_read(
			rmt_span_of(g_ptr_array_index(v->facts->recipients, i)));

		if (target == NULL || !rmt_receipt_may_tell(v->config, &v->terms, target))
			return true;
	}
	return v->facts->recipients->len == 0;
}

static bool user_never(const struct view *v)
{
	return v->facts->preference == RMT_PREFERENCE_NEVER;
}

static bool deleted_unwanted(const struct view *v)
{
	return v->facts->mdn->disposition == RMT_MDN_DELETED && !v->terms.deleted;
}

/* The client itself says that nobody was asked. */
static bool unasked(const struct view *v)
{
	const bool asks = v->terms.policy == RMT_RECEIPTS_ANYONE || v->terms.prompt;

	return asks && v->facts->mdn->sending == RMT_MDN_MODE_AUTOMATIC;
}

static bool no_message(const struct view *v)
{
	return v->facts->mdn->original_message_id == NULL;
}

static const struct {
	bool (*holds)(const struct view *v);
	struct rmt_receipt_reason reason;
} rows[] = {
	{ policy_none, { "policy-none", "G01", "the policy is none" } },
	{ addresses_unknown,
	  { "addresses-unknown", "P04 M21", "the user's addresses are not known" } },
	{ from_foreign,
	  { "from-not-own", "M21 P03", "From is no address of the user's" } },
	{ final_foreign,
	  { "final-not-own", "M22 P04", "Final-Recipient is no address of the user's" } },
	{ outside,
	  { "outside-organization", "G02 P15 P16",
	    "it goes to somebody who is neither in own_domains nor in allow" } },
	{ user_never, { "user-never", "M09", "the user never sends receipts there" } },
	{ deleted_unwanted,
	  { "deleted-unread", "P07",
	    "the policy does not tell of mail deleted unread" } },
	{ unasked, { "unasked", "G02 G03", "it says that the user was not asked" } },
	{ no_message, { "message-unknown", "M22", "it does not say of which message" } },
};

const struct rmt_receipt_reason rmt_police_claimed = {
	"claimed", "M01 P01 P02", "a receipt for this message was sent already"
};
const struct rmt_receipt_reason rmt_police_again = {
	"again", "M01 P01", "this receipt of ours went out already"
};
const struct rmt_receipt_reason rmt_police_other_target = {
	"other-target", "M21", "it goes to somebody who did not ask"
};

const struct rmt_receipt_reason *rmt_police_judge(const struct rmt_config *config,
						  const struct rmt_police_facts *facts)
{
	struct view v = { config, facts, { 0 } };
	size_t i;

	rmt_receipt_terms_of(config, facts->user, &v.terms);
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].holds(&v))
			return &rows[i].reason;
	return NULL;
}

const struct rmt_receipt_reason *rmt_police_reason_at(size_t index)
{
	static const struct rmt_receipt_reason *const others[] = {
		&rmt_police_claimed, &rmt_police_again, &rmt_police_other_target, NULL
	};

	if (index < G_N_ELEMENTS(rows))
		return &rows[index].reason;
	index -= G_N_ELEMENTS(rows);
	return index < G_N_ELEMENTS(others) ? others[index] : NULL;
}

/* --- headers ----------------------------------------------------------------- */

bool rmt_police_is_request(struct rmt_span field_name)
{
	static const char *const names[] = {
		"Disposition-Notification-To",
		"Disposition-Notification-Options",
		"Return-Receipt-To",
		"X-Confirm-Reading-To",
		"Read-Receipt-To",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (rmt_span_eq_nocase(field_name, rmt_span_of(names[i])))
			return true;
	return false;
}

/* These containers and texts are never the outside of a receipt. */
bool rmt_police_may_be_receipt(struct rmt_span header)
{
	static const char *const others[] = { "alternative", "related", "encrypted",
					      "form-data" };
	struct rmt_part part;
	bool may = true;
	size_t i;

	rmt_part_read(&part, header);
	if (strcmp(part.type.type, "multipart") == 0)
		for (i = 0; i < G_N_ELEMENTS(others); i++)
			may &= strcmp(part.type.subtype, others[i]) != 0;
	else if (strcmp(part.type.type, "text") == 0)
		may = strcmp(part.type.subtype, "plain") == 0;
	rmt_part_clear(&part);
	return may;
}
