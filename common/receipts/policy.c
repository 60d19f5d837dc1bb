/* SPDX-License-Identifier: MIT */
#include "common/receipts/policy.h"

#include "common/base/clock.h"

/* All that the rows of the table look at. */
struct view {
	const struct rmt_config *config;
	const struct rmt_receipt_facts *facts;
	const struct rmt_receipt_request *request;
	struct rmt_receipt_terms terms;
	struct rmt_receipt_recipient recipient;
	enum rmt_receipt_preference preference; /* the one that counts */
};

/* --- what forbids ---------------------------------------------------------- */

static bool not_asked(const struct view *v)
{
	return !v->request->asked;
}

static bool claimed(const struct view *v)
{
	return v->facts->claimed;
}

static bool unreadable(const struct view *v)
{
	return v->request->targets->len == 0;
}

static bool null_return_path(const struct view *v)
{
	return v->request->return_path == RMT_RETURN_PATH_NULL;
}

static bool other_domain(const struct view *v)
{
	return v->request->other_domain;
}

static bool own_address(const struct view *v)
{
	const GPtrArray *targets = v->request->targets;
	guint i;

	for (i = 0; i < targets->len; i++)
		if (rmt_receipt_user_has(v->facts->user, g_ptr_array_index(targets, i)))
			return true;
	return false;
}

static bool trash(const struct view *v)
{
	return (v->facts->place & RMT_PLACE_TRASH) != 0 &&
	       v->facts->event == RMT_RECEIPT_DISPLAYED;
}

/* Without any date nobody can say that it is new. */
static bool too_old(const struct view *v)
{
	int64_t since =
		v->facts->received_at != 0 ? v->facts->received_at : v->request->sent_at;
	int64_t max = (int64_t)(v->config->receipts.max_age_ns / RMT_NS_PER_SEC);

	return since == 0 || v->facts->now - since > max;
}

static bool group(const struct view *v)
{
	return v->recipient.way == RMT_RECIPIENT_GROUP;
}

static bool no_recipient(const struct view *v)
{
	return v->recipient.final == NULL;
}

static bool policy_none(const struct view *v)
{
	return v->terms.policy == RMT_RECEIPTS_NONE;
}

static bool outside(const struct view *v)
{
	const GPtrArray *targets = v->request->targets;
	guint i;

	for (i = 0; i < targets->len; i++)
		if (!rmt_receipt_may_tell(v->config, &v->terms,
					  g_ptr_array_index(targets, i)))
			return true;
	return false;
}

static bool deleted_unwanted(const struct view *v)
{
	return v->facts->event == RMT_RECEIPT_DELETED && !v->terms.deleted;
}

/* Who approves this one knows what he said in general. */
static bool user_never(const struct view *v)
{
	return v->preference == RMT_PREFERENCE_NEVER &&
	       v->facts->answer != RMT_ANSWER_YES;
}

static bool answered_no(const struct view *v)
{
	return v->facts->answer == RMT_ANSWER_NO;
}

static bool unanswered(const struct view *v)
{
	return v->facts->answer == RMT_ANSWER_EXPIRED;
}

static bool user_limit(const struct view *v)
{
	return v->facts->counts.user >= v->config->receipts.user_limit.count;
}

static bool target_limit(const struct view *v)
{
	return v->facts->counts.target >= v->config->receipts.target_limit.count;
}

static bool sender_limit(const struct view *v)
{
	return v->facts->counts.sender >= v->config->receipts.sender_limit.count;
}

/* --- what demands asking --------------------------------------------------- */

static bool several_targets(const struct view *v)
{
	return v->request->targets->len > 1;
}

static bool no_return_path(const struct view *v)
{
	return v->request->return_path == RMT_RETURN_PATH_NONE;
}

static bool several_return_paths(const struct view *v)
{
	return v->request->return_path == RMT_RETURN_PATH_SEVERAL;
}

static bool other_return_path(const struct view *v)
{
	return v->request->return_path == RMT_RETURN_PATH_OTHER;
}

static bool addresses_unknown(const struct view *v)
{
	return !v->facts->user->known;
}

static bool not_named(const struct view *v)
{
	return v->recipient.way != RMT_RECIPIENT_NAMED;
}

static bool unauthentic(const struct view *v)
{
	return v->config->receipts.authserv_ids != NULL &&
	       v->request->auth != RMT_REQUEST_AUTH_PASS;
}

static bool user_asks(const struct view *v)
{
	return v->preference == RMT_PREFERENCE_ASK;
}

/* The user's "always" is consent given once; Google's policy asks each time. */
static bool always_counts(const struct view *v)
{
	return v->preference == RMT_PREFERENCE_ALWAYS &&
	       !v->config->receipts.google_compatible;
}

static bool policy_anyone(const struct view *v)
{
	return v->terms.policy == RMT_RECEIPTS_ANYONE && !always_counts(v);
}

static bool policy_prompt(const struct view *v)
{
	return v->terms.prompt && !always_counts(v);
}

/* --- what is left ---------------------------------------------------------- */

static bool approved(const struct view *v)
{
	return v->facts->answer == RMT_ANSWER_YES;
}

static bool user_always(const struct view *v)
{
	return v->preference == RMT_PREFERENCE_ALWAYS;
}

static bool automatic(const struct view *v)
{
	(void)v;
	return true;
}

/* --- the table ------------------------------------------------------------- */

/* Holds where the function says so, or the request or the place has one of the bits. */
struct row {
	enum rmt_receipt_verdict verdict;
	bool (*holds)(const struct view *v);
	unsigned place, kind, flaws;
	struct rmt_receipt_reason reason;
};

static bool holds(const struct row *row, const struct view *v)
{
	if (row->holds != NULL)
		return row->holds(v);
	return ((row->place & v->facts->place) | (row->kind & v->request->kind) |
		(row->flaws & v->request->flaws)) != 0;
}

#define NOTHING RMT_RECEIPT_NOTHING
#define ASK     RMT_RECEIPT_ASK
#define SEND    RMT_RECEIPT_SEND

/* clang-format off */
static const struct row rows[] = {
	{ NOTHING, .holds = not_asked,
	  .reason = { "not-asked", "M10", "the message asks for no receipt" } },
	{ NOTHING, .holds = claimed,
	  .reason = { "claimed", "M01 P01 P02", "a receipt for this message was sent already" } },
	{ NOTHING, .place = RMT_PLACE_MDN_SENT,
	  .reason = { "mdn-sent", "K01 P10", "$MDNSent was set by somebody else" } },
	{ NOTHING, .place = RMT_PLACE_OWN_COPY,
	  .reason = { "own-copy", "K01 K06", "it is a draft, or a copy of what was sent" } },
	{ NOTHING, .kind = RMT_REQUEST_MDN,
	  .reason = { "is-receipt", "M02 P06", "it is a receipt itself" } },
	{ NOTHING, .kind = RMT_REQUEST_DSN,
	  .reason = { "is-report", "M02 P06", "it is a delivery report" } },
	{ NOTHING, .holds = null_return_path,
	  .reason = { "null-return-path", "A01 P06", "its return path is empty, as of bounces" } },
	{ NOTHING, .kind = RMT_REQUEST_AUTO,
	  .reason = { "automatic-mail", "A01 P06", "it was sent by a program" } },
	{ NOTHING, .kind = RMT_REQUEST_SUPPRESS,
	  .reason = { "suppressed", "A03", "X-Auto-Response-Suppress forbids receipts" } },
	{ NOTHING, .kind = RMT_REQUEST_LIST,
	  .reason = { "list", "M13 P05", "it is mail of a list" } },
	{ NOTHING, .kind = RMT_REQUEST_BULK,
	  .reason = { "bulk", "P05", "it is bulk mail" } },
	{ NOTHING, .kind = RMT_REQUEST_PARTIAL,
	  .reason = { "partial", "M12", "it is a fragment of a message" } },
	{ NOTHING, .flaws = RMT_REQUEST_LONG,
	  .reason = { "targets-too-many", "P06", "the request is longer than any that is meant" } },
	{ NOTHING, .holds = unreadable,
	  .reason = { "unreadable", "M07", "no address can be read from the request" } },
	{ NOTHING, .flaws = RMT_REQUEST_REQUIRED,
	  .reason = { "option-required", "M08", "the request requires an option nobody knows" } },
	{ NOTHING, .flaws = RMT_REQUEST_OPTIONS_BAD,
	  .reason = { "options-unreadable", "M08", "the options of the request cannot be read" } },
	{ NOTHING, .holds = other_domain,
	  .reason = { "other-domain", "P05", "who asks is not in the domain of From" } },
	{ NOTHING, .holds = own_address,
	  .reason = { "own-address", "P06", "the user asks himself" } },
	{ NOTHING, .place = RMT_PLACE_JUNK, .kind = RMT_REQUEST_SPAM,
	  .reason = { "junk", "P07", "it is, or was, taken for junk" } },
	{ NOTHING, .holds = trash,
	  .reason = { "trash", "P07", "it lies in the trash" } },
	{ NOTHING, .place = RMT_PLACE_SHARED,
	  .reason = { "shared", "P03", "the mailbox is shared" } },
	{ NOTHING, .place = RMT_PLACE_DELEGATE,
	  .reason = { "delegate", "P03", "somebody else reads in the user's place" } },
	{ NOTHING, .place = RMT_PLACE_POP3,
	  .reason = { "pop3", "P08", "it was fetched by POP3, which displays nothing" } },
	{ NOTHING, .place = RMT_PLACE_READ_ONLY,
	  .reason = { "read-only", "K04", "the mailbox cannot remember that a receipt was sent" } },
	{ NOTHING, .place = RMT_PLACE_IMPORTED,
	  .reason = { "imported", "P11", "it was not delivered here" } },
	{ NOTHING, .holds = too_old,
	  .reason = { "too-old", "P11", "it is older than max_age" } },
	{ NOTHING, .holds = group,
	  .reason = { "group-alias", "P04", "it came by an alias that is not the user's" } },
	{ NOTHING, .holds = no_recipient,
	  .reason = { "no-recipient", "M21 P04", "nobody knows which address it was for" } },
	{ NOTHING, .holds = policy_none,
	  .reason = { "policy-none", "G01", "the policy is none" } },
	{ NOTHING, .holds = outside,
	  .reason = { "outside-organization", "G02 P15 P16", "who asks is neither in own_domains nor in allow" } },
	{ NOTHING, .holds = deleted_unwanted,
	  .reason = { "deleted-unread", "P07", "the policy does not tell of mail deleted unread" } },
	{ NOTHING, .holds = user_never,
	  .reason = { "user-never", "M09", "the user never sends receipts there" } },
	{ NOTHING, .holds = answered_no,
	  .reason = { "answered-no", "M03 P12", "the user said no" } },
	{ NOTHING, .holds = unanswered,
	  .reason = { "unanswered", "M03 P13", "the user did not answer in time" } },
	{ NOTHING, .holds = user_limit,
	  .reason = { "user-limit", "P06", "the user's receipts reach user_limit" } },
	{ NOTHING, .holds = target_limit,
	  .reason = { "target-limit", "P06", "the receipts to who asks reach target_limit" } },
	{ NOTHING, .holds = sender_limit,
	  .reason = { "sender-limit", "P06", "the receipts for this sender reach sender_limit" } },
	/* What follows demands asking, and it was done. */
	{ SEND, .holds = approved,
	  .reason = { "approved", "M03 M24", "the user said yes" } },
	{ ASK, .flaws = RMT_REQUEST_REPEATED,
	  .reason = { "request-repeated", "M07", "the message asks twice" } },
	{ ASK, .flaws = RMT_REQUEST_GROUP | RMT_REQUEST_SYNTAX,
	  .reason = { "request-malformed", "M07", "the request is no list of mailboxes" } },
	{ ASK, .holds = several_targets,
	  .reason = { "several-targets", "M04", "it asks for a receipt to several addresses" } },
	{ ASK, .holds = no_return_path,
	  .reason = { "return-path-missing", "M04 P14", "there is no return path to compare with" } },
	{ ASK, .holds = several_return_paths,
	  .reason = { "return-paths-several", "M06 P14", "there are several return paths" } },
	{ ASK, .holds = other_return_path,
	  .reason = { "return-path-other", "M03 M05 P14", "who asks is not the return path" } },
	{ ASK, .holds = addresses_unknown,
	  .reason = { "addresses-unknown", "P04 M21", "the user's addresses are not known" } },
	{ ASK, .holds = not_named,
	  .reason = { "not-named", "P04", "the user's address is neither in To nor in Cc" } },
	{ ASK, .holds = unauthentic,
	  .reason = { "unauthentic", "M14", "nothing proves who sent it" } },
	{ ASK, .holds = user_asks,
	  .reason = { "user-ask", "M09", "the user wants to be asked" } },
	{ ASK, .holds = policy_anyone,
	  .reason = { "policy-anyone", "G03", "the policy asks each time" } },
	{ ASK, .holds = policy_prompt,
	  .reason = { "policy-prompt", "G02", "the policy asks each time" } },
	{ SEND, .holds = user_always,
	  .reason = { "user-always", "M09 M24", "the user always sends receipts there" } },
	{ SEND, .holds = automatic,
	  .reason = { "automatic", "G02 M24", "the policy sends without asking" } },
};
/* clang-format on */

static const struct rmt_receipt_reason cannot_ask = {
	"cannot-ask", "M03 M04 M07", "the user would have to be asked, and cannot be"
};

const struct rmt_receipt_reason *rmt_receipt_reason_at(size_t index)
{
	if (index < G_N_ELEMENTS(rows))
		return &rows[index].reason;
	return index == G_N_ELEMENTS(rows) ? &cannot_ask : NULL;
}

/* What was said of the sender beats what was said in general. */
static enum rmt_receipt_preference preference_of(const struct rmt_receipt_facts *facts)
{
	return facts->sender_preference != RMT_PREFERENCE_UNSET ? facts->sender_preference
								: facts->preference;
}

void rmt_receipt_decide(const struct rmt_config *config,
			const struct rmt_receipt_facts *facts,
			struct rmt_receipt_decision *decision_r)
{
	struct view v = { .config = config,
			  .facts = facts,
			  .request = facts->request,
			  .preference = preference_of(facts) };
	size_t i;

	rmt_receipt_terms_of(config, facts->user, &v.terms);
	rmt_receipt_recipient_find(facts->request, facts->user, facts->envelope,
				   &v.recipient);
	for (i = 0; !holds(&rows[i], &v); i++)
		; /* the last one always holds */
	*decision_r = (struct rmt_receipt_decision){
		.verdict = rows[i].verdict,
		.reason = &rows[i].reason,
		.recipient = v.recipient,
		.unit = v.terms.unit,
		.by_user = rows[i].verdict == RMT_RECEIPT_SEND && approved(&v),
	};
	if (rows[i].verdict == RMT_RECEIPT_ASK && facts->cannot_ask) {
		decision_r->verdict = RMT_RECEIPT_NOTHING;
		decision_r->because = &rows[i].reason;
		decision_r->reason = &cannot_ask;
	}
}
