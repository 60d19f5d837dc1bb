/* SPDX-License-Identifier: MIT */
/* spf_terms.c - the mechanisms of RFC 7208, 5, and the answers they wait for. */
#include "common/auth/spf_private.h"

enum { MX_MAX = 255 }; /* whatever the limit says */

void rmt_spf_expand_here(struct rmt_spf *spf, struct rmt_span text,
			 enum rmt_spf_text where, GString *out)
{
	struct rmt_span domain = rmt_spf_domain_of(rmt_spf_top(spf)),
			sender = rmt_spf_span(spf->sender);
	struct rmt_spf_values values = {
		.sender = sender,
		.local = rmt_span(sender.p, spf->local_len),
		.origin = rmt_span_from(sender, spf->local_len + 1),
		.domain = domain,
		.ptr = rmt_spf_best_client_name(spf, domain),
		.helo = rmt_spf_span(spf->helo),
		.receiver = rmt_spf_span(spf->receiver),
		.ip = &spf->ip,
		.now = spf->now,
	};

	rmt_spf_expand(text, where, &values, out);
}

bool rmt_spf_name_target(struct rmt_spf *spf, struct rmt_spf_part part)
{
	const struct rmt_spf_frame *frame = rmt_spf_top(spf);
	struct rmt_span text = part.len > 0
				       ? rmt_spf_part(rmt_spf_text_of(spf, frame), part)
				       : rmt_spf_domain_of(frame);

	if (part.has_macro || text.len > RMT_DNS_NAME_MAX) {
		rmt_spf_expand_here(spf, text, RMT_SPF_DOMAIN_SPEC, spf->scratch);
		text = rmt_spf_span(spf->scratch);
	} else if (text.p[text.len - 1] == '.') {
		text.len--;
	}
	spf->name = text;
	return rmt_dns_name_ok(text);
}

void rmt_spf_ask_address(struct rmt_spf *spf, enum rmt_spf_wanted wanted,
			 struct rmt_span name)
{
	rmt_spf_ask(spf, wanted, spf->ip.is_v6 ? RMT_DNS_AAAA : RMT_DNS_A, name);
}

bool rmt_spf_has_client(const struct rmt_spf *spf, const struct rmt_dns_answer *answer,
			unsigned prefix_bits)
{
	size_t i, size = spf->ip.is_v6 ? 16 : 4;

	for (i = 0; i < answer->count; i++) {
		struct rmt_span data = answer->records[i].data;

		if (data.len == size &&
		    rmt_ip_match((const uint8_t *)data.p, spf->ip.octets, prefix_bits))
			return true;
	}
	return false;
}

static void match_if(struct rmt_spf *spf, bool matches)
{
	if (matches)
		rmt_spf_match(spf);
	else
		rmt_spf_next_term(spf);
}

/* A term with a target name; the lookup has been counted. */
static void evaluate_target(struct rmt_spf *spf, const struct rmt_spf_term *term)
{
	bool ok = rmt_spf_name_target(spf, term->domain);

	if (term->mechanism == RMT_SPF_INCLUDE)
		rmt_spf_include(spf);
	else if (!ok) /* no such name can exist */
		rmt_spf_next_term(spf);
	else if (term->mechanism == RMT_SPF_PTR)
		match_if(spf, rmt_spf_client_below(spf, spf->name));
	else if (term->mechanism == RMT_SPF_A)
		rmt_spf_ask_address(spf, RMT_SPF_WANT_ADDRESS, spf->name);
	else if (term->mechanism == RMT_SPF_MX)
		rmt_spf_ask(spf, RMT_SPF_WANT_MX, RMT_DNS_MX, spf->name);
	else
		rmt_spf_ask(spf, RMT_SPF_WANT_EXISTS, RMT_DNS_A, spf->name);
}

void rmt_spf_evaluate(struct rmt_spf *spf, struct rmt_spf_frame *frame)
{
	const struct rmt_spf_term *term =
		&g_array_index(spf->terms, struct rmt_spf_term, frame->term);

	switch (term->mechanism) {
	case RMT_SPF_ALL:
		rmt_spf_match(spf);
		return;
	case RMT_SPF_IP4:
		match_if(spf,
			 !spf->ip.is_v6 && rmt_ip_match(term->address, spf->ip.octets,
							term->prefix4));
		return;
	case RMT_SPF_IP6:
		match_if(spf, spf->ip.is_v6 && rmt_ip_match(term->address, spf->ip.octets,
							    term->prefix6));
		return;
	default:
		break;
	}
	if (!frame->entered && !rmt_spf_count_lookup(spf))
		return;
	frame->entered = true;
	if ((term->mechanism == RMT_SPF_PTR || term->domain.uses_ptr) &&
	    !spf->validated_known)
		rmt_spf_ask_client_names(spf); /* and come here again */
	else
		evaluate_target(spf, term);
}

/* False: the answer was the end. */
static bool take_answer(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (rmt_dns_failed(answer->status)) {
		rmt_spf_fail_at_term(spf, RMT_SPF_TEMPERROR,
				     rmt_dns_status_text(answer->status));
		return false;
	}
	return rmt_spf_count_answer(spf, answer);
}

static unsigned prefix_bits(const struct rmt_spf *spf)
{
	const struct rmt_spf_frame *frame = &spf->frames[spf->depth];
	const struct rmt_spf_term *term =
		&g_array_index(spf->terms, struct rmt_spf_term, frame->term);

	return spf->ip.is_v6 ? term->prefix6 : term->prefix4;
}

void rmt_spf_got_address(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (take_answer(spf, answer))
		match_if(spf, rmt_spf_has_client(spf, answer, prefix_bits(spf)));
}

void rmt_spf_got_exists(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (take_answer(spf, answer))
		match_if(spf, answer->count > 0);
}

static void try_next_mx(struct rmt_spf *spf)
{
	struct rmt_span name;

	if (rmt_spf_names_next(&spf->hosts, &name))
		rmt_spf_ask_address(spf, RMT_SPF_WANT_MX_HOST, name);
	else
		rmt_spf_next_term(spf);
}

/* "In order of MX preference" (5.4): the first that ranks at *after or behind it,
 * which is moved on. False: none is left. */
static bool next_mx(const struct rmt_dns_answer *answer, struct rmt_span *name_r,
		    uint32_t *after)
{
	const struct rmt_dns_record *best = NULL;
	uint32_t best_rank = UINT32_MAX;
	size_t i;

	for (i = 0; i < answer->count; i++) {
		uint32_t rank =
			(uint32_t)answer->records[i].preference << 8 | (uint32_t)i;

		if (rank >= *after && rank < best_rank) {
			best = &answer->records[i];
			best_rank = rank;
		}
	}
	if (best == NULL)
		return false;
	*name_r = best->data;
	*after = best_rank + 1;
	return true;
}

void rmt_spf_got_mx(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	struct rmt_span name;
	uint32_t after = 0;

	if (!take_answer(spf, answer))
		return;
	if (answer->count > MIN(spf->limits.mx, MX_MAX)) {
		rmt_spf_fail_at_term(spf, RMT_SPF_PERMERROR,
				     "too many MX records (RFC 7208, 4.6.4)");
		return;
	}
	rmt_spf_names_clear(&spf->hosts);
	while (next_mx(answer, &name, &after))
		if (rmt_dns_name_ok(name)) /* not a null MX */
			rmt_spf_names_add(&spf->hosts, name);
	try_next_mx(spf);
}

void rmt_spf_got_mx_host(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (!take_answer(spf, answer))
		return;
	if (rmt_spf_has_client(spf, answer, prefix_bits(spf)))
		rmt_spf_match(spf);
	else
		try_next_mx(spf);
}
