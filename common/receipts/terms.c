/* SPDX-License-Identifier: MIT */
/* Whose policy holds for a user, and whom it lets be told. */
#include "common/receipts/policy.h"

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
