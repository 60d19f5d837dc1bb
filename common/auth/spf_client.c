/* SPDX-License-Identifier: MIT */
/* spf_client.c - the client's names: ptr and %{p} (RFC 7208, 5.5). */
#include "common/auth/spf_private.h"

void rmt_spf_ask_client_names(struct rmt_spf *spf)
{
	g_string_truncate(spf->scratch, 0);
	rmt_ip_format_reverse(&spf->ip, spf->scratch);
	rmt_spf_ask(spf, RMT_SPF_WANT_PTR, RMT_DNS_PTR, rmt_spf_span(spf->scratch));
}

static void validate_next(struct rmt_spf *spf)
{
	struct rmt_span name;

	if (rmt_spf_names_next(&spf->hosts, &name))
		rmt_spf_ask_address(spf, RMT_SPF_WANT_PTR_HOST, name);
	else
		spf->validated_known = true;
}

/* A failure here means no names, not an error: RFC 7208, 5.5. */
void rmt_spf_got_client_names(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	size_t i;

	rmt_spf_names_clear(&spf->hosts);
	if (!rmt_spf_count_answer(spf, answer))
		return;
	for (i = 0; i < answer->count && i < spf->limits.ptr; i++)
		if (rmt_dns_name_ok(answer->records[i].data))
			rmt_spf_names_add(&spf->hosts, answer->records[i].data);
	validate_next(spf);
}

void rmt_spf_got_client_name(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (!rmt_spf_count_answer(spf, answer))
		return;
	if (rmt_spf_has_client(spf, answer, spf->ip.is_v6 ? 128 : 32))
		rmt_spf_names_add(&spf->validated, spf->asker.question.name);
	validate_next(spf);
}

struct rmt_span rmt_spf_best_client_name(struct rmt_spf *spf, struct rmt_span domain)
{
	struct rmt_span name, best = RMT_SPAN("unknown");
	int rank = 0;

	spf->validated.at = 0;
	while (rmt_spf_names_next(&spf->validated, &name)) {
		int fits = rmt_span_eq_nocase(name, domain)      ? 3
			   : rmt_dns_below_or_same(name, domain) ? 2
								 : 1;

		if (fits > rank) {
			rank = fits;
			best = name;
		}
	}
	return best;
}

bool rmt_spf_client_below(struct rmt_spf *spf, struct rmt_span domain)
{
	struct rmt_span name;

	spf->validated.at = 0;
	while (rmt_spf_names_next(&spf->validated, &name))
		if (rmt_dns_below_or_same(name, domain))
			return true;
	return false;
}
