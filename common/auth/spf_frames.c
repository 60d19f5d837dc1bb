/* SPDX-License-Identifier: MIT */
/* spf_frames.c - a record and what nests it: include, redirect, match, end. */
#include "common/auth/spf_private.h"

void rmt_spf_open_frame(struct rmt_spf *spf)
{
	struct rmt_spf_frame *frame = rmt_spf_top(spf);
	struct rmt_span name = spf->name;

	if (!rmt_dns_name_ok(name) || memchr(name.p, '.', name.len) == NULL) {
		if (spf->depth > 0 || frame->redirected)
			rmt_spf_fail_with(spf, RMT_SPF_PERMERROR, name,
					  "not a domain name");
		else
			rmt_spf_finish(spf); /* "none": RFC 7208, 4.3 */
		return;
	}
	memcpy(frame->domain, name.p, name.len);
	frame->domain_len = name.len;
	frame->entered = false;
	frame->term = frame->terms_end = frame->terms_at;
	rmt_spf_ask(spf, RMT_SPF_WANT_RECORD, RMT_DNS_TXT, rmt_spf_domain_of(frame));
}

void rmt_spf_include(struct rmt_spf *spf)
{
	struct rmt_spf_frame *frame;

	if (spf->depth + 1 == RMT_SPF_FRAMES_MAX) {
		rmt_spf_fail_at_term(spf, RMT_SPF_PERMERROR,
				     "includes are nested too deeply");
		return;
	}
	spf->depth++;
	frame = rmt_spf_top(spf);
	frame->redirected = false;
	frame->text_at = spf->texts->len;
	frame->terms_at = spf->terms->len;
	rmt_spf_open_frame(spf);
}

static void redirect(struct rmt_spf *spf)
{
	struct rmt_spf_frame *frame = rmt_spf_top(spf);

	if (!rmt_spf_count_lookup(spf))
		return;
	rmt_spf_name_target(spf, frame->record.redirect);
	g_string_truncate(spf->texts, frame->text_at);
	g_array_set_size(spf->terms, frame->terms_at);
	frame->redirected = true;
	rmt_spf_open_frame(spf);
}

void rmt_spf_got_record(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	struct rmt_spf_frame *frame = rmt_spf_top(spf);
	struct rmt_span text = { NULL, 0 }, wrong;
	size_t found = rmt_spf_select(answer, &text);

	if (rmt_dns_failed(answer->status))
		rmt_spf_fail_with(spf, RMT_SPF_TEMPERROR, rmt_spf_domain_of(frame),
				  rmt_dns_status_text(answer->status));
	else if (found > 1)
		rmt_spf_fail_with(spf, RMT_SPF_PERMERROR, rmt_spf_domain_of(frame),
				  "more than one SPF record (RFC 7208, 4.5)");
	else if (found == 0 && spf->depth == 0 && !frame->redirected)
		rmt_spf_finish(spf); /* none */
	else if (found == 0)
		rmt_spf_fail_with(spf, RMT_SPF_PERMERROR, rmt_spf_domain_of(frame),
				  "has no SPF record");
	if (found != 1 || spf->phase == RMT_SPF_DONE)
		return;
	rmt_spf_append(spf->texts, text);
	text.p = rmt_spf_text_of(spf, frame);
	if (rmt_spf_record_parse(text, &frame->record, spf->terms, &wrong)) {
		frame->terms_end = spf->terms->len;
		return;
	}
	rmt_spf_append(spf->term_text, wrong);
	rmt_spf_fail_with(spf, RMT_SPF_PERMERROR, rmt_spf_domain_of(frame),
			  "syntax error in its record");
}

static enum rmt_spf_verdict verdict_of(char qualifier)
{
	switch (qualifier) {
	case '-':
		return RMT_SPF_FAIL;
	case '~':
		return RMT_SPF_SOFTFAIL;
	case '?':
		return RMT_SPF_NEUTRAL;
	default:
		return RMT_SPF_PASS;
	}
}

/* The top check_host() is over. */
static void close_frame(struct rmt_spf *spf, enum rmt_spf_verdict verdict)
{
	struct rmt_spf_frame *frame = rmt_spf_top(spf);

	if (spf->depth == 0) {
		spf->result.result = verdict;
		if (verdict == RMT_SPF_FAIL && frame->record.explanation.len > 0)
			spf->phase = RMT_SPF_LOCATING_EXPLANATION;
		else
			rmt_spf_finish(spf);
		return;
	}
	g_string_truncate(spf->texts, frame->text_at);
	g_array_set_size(spf->terms, frame->terms_at);
	spf->depth--;
}

void rmt_spf_match(struct rmt_spf *spf)
{
	for (;;) {
		struct rmt_spf_frame *frame = rmt_spf_top(spf);
		const struct rmt_spf_term *term =
			&g_array_index(spf->terms, struct rmt_spf_term, frame->term);
		enum rmt_spf_verdict verdict = verdict_of(term->qualifier);

		if (spf->depth == 0)
			rmt_spf_show_term(spf, frame);
		close_frame(spf, verdict);
		if (spf->phase != RMT_SPF_EVALUATING)
			return;
		if (verdict != RMT_SPF_PASS)
			break;
	}
	rmt_spf_next_term(spf);
}

void rmt_spf_end_of_record(struct rmt_spf *spf)
{
	const struct rmt_spf_frame *frame = rmt_spf_top(spf);

	if (frame->record.redirect.len > 0) {
		if (frame->record.redirect.uses_ptr && !spf->validated_known)
			rmt_spf_ask_client_names(spf);
		else
			redirect(spf);
		return;
	}
	close_frame(spf, RMT_SPF_NEUTRAL);
	if (spf->phase == RMT_SPF_EVALUATING)
		rmt_spf_next_term(spf);
}
