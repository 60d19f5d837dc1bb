/* SPDX-License-Identifier: MIT */
/* spf_explain.c - the publisher's sentence for a fail: whatever goes wrong, there is
 * none (RFC 7208, 6.2). */
#include "common/auth/spf_private.h"

void rmt_spf_locate_explanation(struct rmt_spf *spf)
{
	struct rmt_spf_part part = rmt_spf_top(spf)->record.explanation;

	if (part.uses_ptr && !spf->validated_known)
		rmt_spf_ask_client_names(spf);
	else if (rmt_spf_name_target(spf, part))
		rmt_spf_ask(spf, RMT_SPF_WANT_EXPLANATION, RMT_DNS_TXT, spf->name);
	else
		rmt_spf_finish(spf);
}

void rmt_spf_got_explanation(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	bool uses_ptr;

	if (answer->count != 1 ||
	    !rmt_spf_macro_ok(answer->records[0].data, RMT_SPF_EXPLANATION, &uses_ptr)) {
		rmt_spf_finish(spf);
		return;
	}
	g_string_truncate(spf->texts, 0);
	g_string_append_len(spf->texts, answer->records[0].data.p,
			    (gssize)answer->records[0].data.len);
	spf->phase = RMT_SPF_EXPANDING_EXPLANATION;
	if (uses_ptr && !spf->validated_known)
		rmt_spf_ask_client_names(spf);
}

static bool is_ascii(const GString *text)
{
	size_t i;

	for (i = 0; i < text->len; i++)
		if ((unsigned char)text->str[i] >= 0x80 || text->str[i] == '\0')
			return false;
	return true;
}

void rmt_spf_expand_explanation(struct rmt_spf *spf)
{
	rmt_spf_expand_here(spf, rmt_spf_span(spf->texts), RMT_SPF_EXPLANATION,
			    spf->explanation);
	if (!is_ascii(spf->explanation))
		g_string_truncate(spf->explanation, 0);
	rmt_spf_finish(spf);
}
