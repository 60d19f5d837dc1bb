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

/* --- terms ----------------------------------------------------------------- */

static bool in_groups(const struct rmt_list *list, char *const *groups)
{
	for (; groups != NULL && *groups != NULL; groups++)
		if (rmt_list_has(list, rmt_span_of(*groups)))
			return true;
	return false;
}

static bool in_domains(const struct rmt_list *list, const struct rmt_receipt_user *user)
{
	const struct rmt_mailbox *usual;
	struct rmt_addr name;

	if (list == NULL)
		return false;
	rmt_addr_fold(NULL, rmt_span_of(user->name), &name);
	if (name.domain.len > 0)
		return rmt_list_has(list, name.domain);
	if (user->mailboxes->len == 0)
		return false;
	usual = g_ptr_array_index(user->mailboxes, 0);
	return rmt_list_has(list, rmt_span_of(usual->domain));
}

static bool holds(const struct rmt_receipt_unit *unit,
		  const struct rmt_receipt_user *user)
{
	return rmt_list_has(unit->users, rmt_span_of(user->name)) ||
	       in_groups(unit->groups, user->groups) || in_domains(unit->domains, user);
}

/* Takes what this level says and none before it said. */
static void inherit(struct rmt_receipt_rules *sum, const struct rmt_receipt_rules *from)
{
	if (!sum->has_policy && from->has_policy)
		sum->policy = from->policy;
	if (!sum->has_prompt && from->has_prompt)
		sum->prompt = from->prompt;
	if (!sum->has_deleted && from->has_deleted)
		sum->deleted = from->deleted;
	if (sum->allow == NULL)
		sum->allow = from->allow;
	sum->has_policy |= from->has_policy;
	sum->has_prompt |= from->has_prompt;
	sum->has_deleted |= from->has_deleted;
}

void rmt_receipt_terms_of(const struct rmt_config *config,
			  const struct rmt_receipt_user *user,
			  struct rmt_receipt_terms *terms_r)
{
	const struct rmt_receipts_config *receipts = &config->receipts;
	struct rmt_receipt_rules sum = { false };
	const char *name = NULL;
	guint i;

	for (i = 0; i < receipts->units->len; i++) {
		const struct rmt_receipt_unit *unit =
			g_ptr_array_index(receipts->units, i);

		if (!holds(unit, user))
			continue;
		if (!sum.has_policy && unit->rules.has_policy)
			name = unit->name;
		inherit(&sum, &unit->rules);
	}
	inherit(&sum, &receipts->rules);
	*terms_r = (struct rmt_receipt_terms){ sum.policy, sum.allow, sum.prompt,
					       sum.deleted, name };
}

static bool in_organization(const struct rmt_config *config,
			    const struct rmt_receipt_terms *terms,
			    const struct rmt_mailbox *target)
{
	g_autofree char *plain = NULL;
	struct rmt_addr folded;

	if (rmt_list_has(config->own_domains, rmt_span_of(target->domain)))
		return true;
	plain = g_strconcat(target->local, "@", target->domain, NULL);
	rmt_addr_fold(config->fold, rmt_span_of(plain), &folded);
	return rmt_list_has(terms->allow, folded.whole);
}

bool rmt_receipt_may_tell(const struct rmt_config *config,
			  const struct rmt_receipt_terms *terms,
			  const struct rmt_mailbox *target)
{
	if (terms->policy == RMT_RECEIPTS_ORGANIZATION)
		return in_organization(config, terms, target);
	return terms->policy == RMT_RECEIPTS_ANYONE;
}

/* --- what forbids ---------------------------------------------------------- */

static bool not_asked(const struct view *v)
{
	return !v->request->asked;
}

static bool claimed(const struct view *v)
{
	return v->facts->claimed;
}

#define PLACE(name, bit)                                                                 \
	static bool name(const struct view *v)                                           \
	{                                                                                \
		return (v->facts->place & (bit)) != 0;                                   \
	}
PLACE(mdn_sent, RMT_PLACE_MDN_SENT)
PLACE(own_copy, RMT_PLACE_OWN_COPY)
PLACE(shared, RMT_PLACE_SHARED)
PLACE(delegate, RMT_PLACE_DELEGATE)
PLACE(pop3, RMT_PLACE_POP3)
PLACE(read_only, RMT_PLACE_READ_ONLY)
PLACE(imported, RMT_PLACE_IMPORTED)

#define KIND(name, bit)                                                                  \
	static bool name(const struct view *v)                                           \
	{                                                                                \
		return (v->request->kind & (bit)) != 0;                                  \
	}
KIND(is_receipt, RMT_REQUEST_MDN)
KIND(is_report, RMT_REQUEST_DSN)
KIND(is_partial, RMT_REQUEST_PARTIAL)
KIND(is_auto, RMT_REQUEST_AUTO)
KIND(is_suppressed, RMT_REQUEST_SUPPRESS)
KIND(is_list, RMT_REQUEST_LIST)
KIND(is_bulk, RMT_REQUEST_BULK)

#define FLAW(name, bit)                                                                  \
	static bool name(const struct view *v)                                           \
	{                                                                                \
		return (v->request->flaws & (bit)) != 0;                                 \
	}
FLAW(too_many, RMT_REQUEST_LONG)
FLAW(required, RMT_REQUEST_REQUIRED)
FLAW(options_bad, RMT_REQUEST_OPTIONS_BAD)
FLAW(repeated, RMT_REQUEST_REPEATED)
FLAW(malformed, RMT_REQUEST_GROUP | RMT_REQUEST_SYNTAX)

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

static bool junk(const struct view *v)
{
	return (v->facts->place & RMT_PLACE_JUNK) != 0 ||
	       (v->request->kind & RMT_REQUEST_SPAM) != 0;
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

struct row {
	enum rmt_receipt_verdict verdict;
	bool (*holds)(const struct view *v);
	struct rmt_receipt_reason reason;
};

#define NOTHING RMT_RECEIPT_NOTHING
#define ASK     RMT_RECEIPT_ASK
#define SEND    RMT_RECEIPT_SEND

/* clang-format off */
static const struct row rows[] = {
	{ NOTHING, not_asked, { "not-asked", "M10", "the message asks for no receipt" } },
	{ NOTHING, claimed,
	  { "claimed", "M01 P01 P02", "a receipt for this message was sent already" } },
	{ NOTHING, mdn_sent,
	  { "mdn-sent", "K01 P10", "$MDNSent was set by somebody else" } },
	{ NOTHING, own_copy,
	  { "own-copy", "K01 K06", "it is a draft, or a copy of what was sent" } },
	{ NOTHING, is_receipt, { "is-receipt", "M02 P06", "it is a receipt itself" } },
	{ NOTHING, is_report, { "is-report", "M02 P06", "it is a delivery report" } },
	{ NOTHING, null_return_path,
	  { "null-return-path", "A01 P06", "its return path is empty, as of bounces" } },
	{ NOTHING, is_auto, { "automatic-mail", "A01 P06", "it was sent by a program" } },
	{ NOTHING, is_suppressed,
	  { "suppressed", "A03", "X-Auto-Response-Suppress forbids receipts" } },
	{ NOTHING, is_list, { "list", "M13 P05", "it is mail of a list" } },
	{ NOTHING, is_bulk, { "bulk", "P05", "it is bulk mail" } },
	{ NOTHING, is_partial, { "partial", "M12", "it is a fragment of a message" } },
	{ NOTHING, too_many,
	  { "targets-too-many", "P06", "the request is longer than any that is meant" } },
	{ NOTHING, unreadable,
	  { "unreadable", "M07", "no address can be read from the request" } },
	{ NOTHING, required,
	  { "option-required", "M08", "the request requires an option nobody knows" } },
	{ NOTHING, options_bad,
	  { "options-unreadable", "M08", "the options of the request cannot be read" } },
	{ NOTHING, other_domain,
	  { "other-domain", "P05", "who asks is not in the domain of From" } },
	{ NOTHING, own_address, { "own-address", "P06", "the user asks himself" } },
	{ NOTHING, junk, { "junk", "P07", "it is, or was, taken for junk" } },
	{ NOTHING, trash, { "trash", "P07", "it lies in the trash" } },
	{ NOTHING, shared, { "shared", "P03", "the mailbox is shared" } },
	{ NOTHING, delegate,
	  { "delegate", "P03", "somebody else reads in the user's place" } },
	{ NOTHING, pop3,
	  { "pop3", "P08", "it was fetched by POP3, which displays nothing" } },
	{ NOTHING, read_only,
	  { "read-only", "K04", "the mailbox cannot remember that a receipt was sent" } },
	{ NOTHING, imported, { "imported", "P11", "it was not delivered here" } },
	{ NOTHING, too_old, { "too-old", "P11", "it is older than max_age" } },
	{ NOTHING, group,
	  { "group-alias", "P04", "it came by an alias that is not the user's" } },
	{ NOTHING, no_recipient,
	  { "no-recipient", "M21 P04", "nobody knows which address it was for" } },
	{ NOTHING, policy_none, { "policy-none", "G01", "the policy is none" } },
	{ NOTHING, outside,
	  { "outside-organization", "G02 P15 P16", "who asks is neither in own_domains nor in allow" } },
	{ NOTHING, deleted_unwanted,
	  { "deleted-unread", "P07", "the policy does not tell of mail deleted unread" } },
	{ NOTHING, user_never,
	  { "user-never", "M09", "the user never sends receipts there" } },
	{ NOTHING, answered_no, { "answered-no", "M03 P12", "the user said no" } },
	{ NOTHING, unanswered,
	  { "unanswered", "M03 P13", "the user did not answer in time" } },
	{ NOTHING, user_limit,
	  { "user-limit", "P06", "the user's receipts reach user_limit" } },
	{ NOTHING, target_limit,
	  { "target-limit", "P06", "the receipts to who asks reach target_limit" } },
	{ NOTHING, sender_limit,
	  { "sender-limit", "P06", "the receipts for this sender reach sender_limit" } },
	/* What follows demands asking, and it was done. */
	{ SEND, approved, { "approved", "M03 M24", "the user said yes" } },
	{ ASK, repeated, { "request-repeated", "M07", "the message asks twice" } },
	{ ASK, malformed,
	  { "request-malformed", "M07", "the request is no list of mailboxes" } },
	{ ASK, several_targets,
	  { "several-targets", "M04", "it asks for a receipt to several addresses" } },
	{ ASK, no_return_path,
	  { "return-path-missing", "M04 P14", "there is no return path to compare with" } },
	{ ASK, several_return_paths,
	  { "return-paths-several", "M06 P14", "there are several return paths" } },
	{ ASK, other_return_path,
	  { "return-path-other", "M03 M05 P14", "who asks is not the return path" } },
	{ ASK, addresses_unknown,
	  { "addresses-unknown", "P04 M21", "the user's addresses are not known" } },
	{ ASK, not_named,
	  { "not-named", "P04", "the user's address is neither in To nor in Cc" } },
	{ ASK, unauthentic, { "unauthentic", "M14", "nothing proves who sent it" } },
	{ ASK, user_asks, { "user-ask", "M09", "the user wants to be asked" } },
	{ ASK, policy_anyone, { "policy-anyone", "G03", "the policy asks each time" } },
	{ ASK, policy_prompt, { "policy-prompt", "G02", "the policy asks each time" } },
	{ SEND, user_always,
	  { "user-always", "M09 M24", "the user always sends receipts there" } },
	{ SEND, automatic,
	  { "automatic", "G02 M24", "the policy sends without asking" } },
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
	for (i = 0; !rows[i].holds(&v); i++)
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
