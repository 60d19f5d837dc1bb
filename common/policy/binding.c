/* SPDX-License-Identifier: MIT */
#include "common/policy/binding.h"

#include <string.h>

enum { USER_MAX = 512 };

static bool same_by_suffixes(const struct rmt_psl *psl, struct rmt_span a,
			     struct rmt_span b)
{
	return psl != NULL && !rmt_psl_is_suffix(psl, a) && !rmt_psl_is_suffix(psl, b) &&
	       rmt_span_eq(rmt_psl_org(psl, a), rmt_psl_org(psl, b));
}

static enum rmt_bound same_by_walk(const struct rmt_org_view *view, struct rmt_span a,
				   struct rmt_span b)
{
	char text[RMT_DOMAIN_MAX + 1];
	struct rmt_span org, first;

	if (view->tree == NULL)
		return RMT_BOUND_ELSEWHERE;
	if (!view->tree(view->context, a, &org) || org.len > RMT_DOMAIN_MAX) {
		view->tree(view->context, b, &first); /* so that it is asked for, too */
		return RMT_BOUND_UNKNOWN;
	}
	memcpy(text, org.p, org.len);
	first = rmt_span(text, org.len);
	if (!view->tree(view->context, b, &org))
		return RMT_BOUND_UNKNOWN;
	return rmt_span_eq(first, org) ? RMT_BOUND_HERE : RMT_BOUND_ELSEWHERE;
}

static enum rmt_bound check_domain(const struct rmt_binding *binding,
				   const struct rmt_org_view *view, struct rmt_span own,
				   struct rmt_span domain)
{
	if (rmt_span_eq(own, domain))
		return RMT_BOUND_HERE;
	if (binding->align == RMT_ALIGN_STRICT)
		return RMT_BOUND_ELSEWHERE;
	if (same_by_suffixes(view->psl, own, domain))
		return RMT_BOUND_HERE;
	return same_by_walk(view, own, domain);
}

/* The best of all. */
static enum rmt_bound check_domains(const struct rmt_binding *binding,
				    const struct rmt_org_view *view, char *const *own,
				    size_t count, struct rmt_span domain)
{
	enum rmt_bound best = RMT_BOUND_ELSEWHERE, bound;
	size_t i;

	for (i = 0; i < count; i++) {
		bound = check_domain(binding, view, rmt_span_of(own[i]), domain);
		if (bound == RMT_BOUND_HERE)
			return bound;
		if (bound == RMT_BOUND_UNKNOWN)
			best = bound;
	}
	return best;
}

static const GPtrArray *listed(const struct rmt_binding *binding, struct rmt_span user)
{
	char key[USER_MAX + 1];

	if (binding->users == NULL || user.len > USER_MAX)
		return NULL;
	memcpy(key, user.p, user.len);
	key[user.len] = '\0';
	return g_hash_table_lookup(binding->users, key);
}

enum rmt_bound rmt_binding_check(const struct rmt_config *config,
				 const struct rmt_stream *stream,
				 const struct rmt_org_view *view, struct rmt_span user,
				 struct rmt_span domain)
{
	const struct rmt_binding *binding = &stream->binding;
	const GPtrArray *domains;
	struct rmt_span local, own;
	char folded[RMT_DOMAIN_MAX + 1];

	if (binding->level == RMT_LEVEL_OFF || user.len == 0)
		return RMT_BOUND_HERE;
	domains = listed(binding, user);
	if (domains != NULL)
		return check_domains(binding, view, (char *const *)domains->pdata,
				     domains->len, domain);
	if (rmt_span_split_last(user, '@', &local, &own) && own.len > 0)
		return check_domain(binding, view, rmt_domain_fold(own, folded), domain);
	if (config->organization[0] == NULL)
		return RMT_BOUND_HERE;
	return check_domains(binding, view, config->organization,
			     g_strv_length(config->organization), domain);
}
