/* SPDX-License-Identifier: MIT */
/* spf.c - check_host() of RFC 7208 as a state machine: how it starts, runs and ends. */
#include "common/auth/spf.h"
#include "common/auth/spf_private.h"
#include "common/base/log.h"
#include "common/message/addr.h"

enum { SHOWN_MAX = 80 }; /* octets of a stranger's text in a sentence */

const struct rmt_spf_limits rmt_spf_limits_default = { 10, 2, 10, 10 };

/* --- limits, and the end -------------------------------------------------------- */

void rmt_spf_append(GString *string, struct rmt_span text)
{
	if (string->allocated_len - string->len <= text.len || text.len == 0) {
		g_string_append_len(string, text.p, (gssize)text.len);
		return;
	}
	memcpy(string->str + string->len, text.p, text.len);
	string->len += text.len;
	string->str[string->len] = '\0';
}

void rmt_spf_finish(struct rmt_spf *spf)
{
	spf->phase = RMT_SPF_DONE;
	spf->result.explanation = rmt_spf_span(spf->explanation);
	spf->result.problem = rmt_spf_span(spf->problem);
	spf->result.term = rmt_spf_span(spf->term_text);
}

void rmt_spf_show_term(struct rmt_spf *spf, const struct rmt_spf_frame *frame)
{
	const struct rmt_spf_term *term;

	if (spf->term_text->len > 0 || frame->term >= frame->terms_end)
		return;
	term = &g_array_index(spf->terms, struct rmt_spf_term, frame->term);
	rmt_spf_append(spf->term_text,
		       rmt_spf_part(rmt_spf_text_of(spf, frame), term->text));
}

void rmt_spf_fail_with(struct rmt_spf *spf, enum rmt_spf_verdict verdict,
		       struct rmt_span where, const char *sentence)
{
	spf->result.result = verdict;
	rmt_log_printable(spf->problem, where, SHOWN_MAX);
	g_string_append_printf(spf->problem, ": %s", sentence);
	if (spf->depth > 0)
		rmt_spf_show_term(spf, &spf->frames[spf->depth - 1]);
	rmt_spf_finish(spf);
}

void rmt_spf_fail_at_term(struct rmt_spf *spf, enum rmt_spf_verdict verdict,
			  const char *sentence)
{
	rmt_spf_show_term(spf, rmt_spf_top(spf));
	rmt_spf_fail_with(spf, verdict, rmt_spf_domain_of(rmt_spf_top(spf)), sentence);
}

bool rmt_spf_count_lookup(struct rmt_spf *spf)
{
	if (++spf->result.lookups <= spf->limits.lookups)
		return true;
	rmt_spf_fail_at_term(spf, RMT_SPF_PERMERROR,
			     "too many terms ask DNS (RFC 7208, 4.6.4)");
	return false;
}

/* An answer for a term: false when it was the end. */
bool rmt_spf_count_answer(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (spf->phase != RMT_SPF_EVALUATING || !rmt_dns_void(answer->status))
		return true;
	if (++spf->result.voids <= spf->limits.voids)
		return true;
	rmt_spf_fail_at_term(spf, RMT_SPF_PERMERROR,
			     "too many lookups find nothing (RFC 7208, 4.6.4)");
	return false;
}

/* --- the machine ---------------------------------------------------------------- */

static void run(struct rmt_spf *spf)
{
	while (!spf->asker.waits && spf->phase != RMT_SPF_DONE) {
		struct rmt_spf_frame *frame = rmt_spf_top(spf);

		if (spf->phase == RMT_SPF_LOCATING_EXPLANATION)
			rmt_spf_locate_explanation(spf);
		else if (spf->phase == RMT_SPF_EXPANDING_EXPLANATION)
			rmt_spf_expand_explanation(spf);
		else if (frame->term == frame->terms_end)
			rmt_spf_end_of_record(spf);
		else
			rmt_spf_evaluate(spf, frame);
	}
}

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	static rmt_spf_got *const got[] = {
		[RMT_SPF_WANT_RECORD] = rmt_spf_got_record,
		[RMT_SPF_WANT_ADDRESS] = rmt_spf_got_address,
		[RMT_SPF_WANT_EXISTS] = rmt_spf_got_exists,
		[RMT_SPF_WANT_MX] = rmt_spf_got_mx,
		[RMT_SPF_WANT_MX_HOST] = rmt_spf_got_mx_host,
		[RMT_SPF_WANT_PTR] = rmt_spf_got_client_names,
		[RMT_SPF_WANT_PTR_HOST] = rmt_spf_got_client_name,
		[RMT_SPF_WANT_EXPLANATION] = rmt_spf_got_explanation,
	};
	struct rmt_spf *spf = RMT_ASKER_OWNER(asker, struct rmt_spf, asker);

	spf->result.ttl_secs = MIN(spf->result.ttl_secs, answer->ttl_secs);
	got[spf->wanted](spf, answer);
	run(spf);
}

/* --- for callers ---------------------------------------------------------------- */

struct rmt_spf *rmt_spf_new(void)
{
	struct rmt_spf *spf = g_new0(struct rmt_spf, 1);

	spf->asker.answered = answered;
	spf->sender = g_string_new(NULL);
	spf->helo = g_string_new(NULL);
	spf->receiver = g_string_new(NULL);
	spf->texts = g_string_sized_new(512);
	spf->terms = g_array_new(FALSE, FALSE, sizeof(struct rmt_spf_term));
	spf->scratch = g_string_new(NULL);
	spf->hosts.bytes = g_string_new(NULL);
	spf->validated.bytes = g_string_new(NULL);
	spf->explanation = g_string_new(NULL);
	spf->problem = g_string_new(NULL);
	spf->term_text = g_string_new(NULL);
	return spf;
}

void rmt_spf_free(struct rmt_spf *spf)
{
	if (spf == NULL)
		return;
	g_string_free(spf->sender, TRUE);
	g_string_free(spf->helo, TRUE);
	g_string_free(spf->receiver, TRUE);
	g_string_free(spf->texts, TRUE);
	g_array_free(spf->terms, TRUE);
	g_string_free(spf->scratch, TRUE);
	g_string_free(spf->hosts.bytes, TRUE);
	g_string_free(spf->validated.bytes, TRUE);
	g_string_free(spf->explanation, TRUE);
	g_string_free(spf->problem, TRUE);
	g_string_free(spf->term_text, TRUE);
	g_free(spf);
}

static void set(GString *string, struct rmt_span value)
{
	rmt_spf_clear(string);
	rmt_spf_append(string, value);
}

/* Appends domain, U-labels as A-labels (RFC 7208, 4.3); ASCII stays as it is. */
static void append_domain(GString *string, struct rmt_span domain)
{
	char folded[RMT_DOMAIN_MAX + 1];
	size_t i;

	for (i = 0; i < domain.len && (unsigned char)domain.p[i] < 0x80; i++)
		;
	if (i < domain.len)
		domain = rmt_domain_fold(domain, folded);
	rmt_spf_append(string, domain);
}

/* RFC 7208, 2.4 and 4.3: the null sender is postmaster at the HELO name, and a
 * missing local part is postmaster too. */
static void set_sender(struct rmt_spf *spf, const struct rmt_spf_query *query)
{
	struct rmt_span local = RMT_SPAN("postmaster"), domain = query->helo, before;

	if (query->mail_from.len > 0 &&
	    !rmt_span_split_last(query->mail_from, '@', &before, &domain)) {
		before.len = 0;
		domain = query->mail_from;
	} else if (query->mail_from.len > 0 && before.len > 0) {
		local = before;
	}
	set(spf->sender, local);
	spf->local_len = local.len;
	rmt_spf_append(spf->sender, RMT_SPAN("@"));
	append_domain(spf->sender, domain);
}

static void reset(struct rmt_spf *spf)
{
	spf->asker.waits = false;
	spf->result = (struct rmt_spf_result){ .ttl_secs = UINT32_MAX };
	spf->phase = RMT_SPF_EVALUATING;
	spf->depth = 0;
	spf->validated_known = false;
	rmt_spf_clear(spf->texts);
	g_array_set_size(spf->terms, 0);
	rmt_spf_names_clear(&spf->validated);
	rmt_spf_clear(spf->explanation);
	rmt_spf_clear(spf->problem);
	rmt_spf_clear(spf->term_text);
	spf->frames[0].redirected = false;
	spf->frames[0].text_at = 0;
	spf->frames[0].terms_at = 0;
}

struct rmt_asker *rmt_spf_start(struct rmt_spf *spf, const struct rmt_spf_query *query)
{
	struct rmt_span domain;

	reset(spf);
	spf->limits = query->limits != NULL ? *query->limits : rmt_spf_limits_default;
	spf->ip = query->ip;
	spf->now = query->now;
	rmt_spf_clear(spf->helo);
	append_domain(spf->helo, query->helo);
	set(spf->receiver, query->receiver);
	set_sender(spf, query);
	domain = rmt_span_from(rmt_spf_span(spf->sender), spf->local_len + 1);
	spf->result.domain = domain;
	if (domain.len > 0 && domain.p[domain.len - 1] == '.')
		domain.len--;
	spf->name = domain;
	rmt_spf_open_frame(spf);
	return &spf->asker;
}

const struct rmt_spf_result *rmt_spf_result(const struct rmt_spf *spf)
{
	return &spf->result;
}

static const char *const verdict_names[] = { "none",     "neutral",   "pass",     "fail",
					     "softfail", "temperror", "permerror" };

const char *rmt_spf_verdict_name(enum rmt_spf_verdict verdict)
{
	return verdict_names[verdict];
}

bool rmt_spf_verdict_parse(struct rmt_span word, enum rmt_spf_verdict *verdict_r)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(verdict_names); i++)
		if (rmt_span_eq_nocase(word, rmt_span_of(verdict_names[i]))) {
			*verdict_r = (enum rmt_spf_verdict)i;
			return true;
		}
	return false;
}
