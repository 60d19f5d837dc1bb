/* SPDX-License-Identifier: MIT */
/* spf.c - check_host() of RFC 7208 as a state machine. */
#include "common/auth/spf.h"
#include "common/auth/spf_macro.h"
#include "common/auth/spf_record.h"
#include "common/base/log.h"
#include "common/message/addr.h"

enum {
	FRAMES_MAX = 16, /* nested includes; the limit of lookups is reached before */
	MX_MAX = 255,    /* whatever the limit says */
	SHOWN_MAX = 80,  /* octets of a stranger's text in a sentence */
};

const struct rmt_spf_limits rmt_spf_limits_default = { 10, 2, 10, 10 };

enum waiting_for {
	WANT_RECORD,
	WANT_ADDRESS,
	WANT_EXISTS,
	WANT_MX,
	WANT_MX_HOST,
	WANT_PTR,
	WANT_PTR_HOST,
	WANT_EXPLANATION,
};

enum phase {
	EVALUATING,
	LOCATING_EXPLANATION,
	EXPANDING_EXPLANATION,
	DONE,
};

/* One check_host(): the query's own, and one for each include above us. */
struct frame {
	char domain[RMT_DNS_NAME_MAX];
	size_t domain_len;
	size_t text_at;        /* of its record in texts */
	guint term, terms_end; /* in terms */
	guint terms_at;
	struct rmt_spf_record record;
	bool entered;    /* the current term has been counted */
	bool redirected; /* the record is no longer the first one */
};

/* Names one after another, an octet of length before each. */
struct names {
	GString *bytes; /* own */
	size_t at;
};

struct rmt_spf {
	struct rmt_asker asker;
	struct rmt_spf_result result;
	struct rmt_spf_limits limits;
	struct rmt_ip ip;
	int64_t now;
	GString *sender, *helo, *receiver; /* own */
	size_t local_len;                  /* in sender */
	enum phase phase;
	enum waiting_for waiting_for;
	unsigned depth;
	struct frame frames[FRAMES_MAX];
	GString *texts;         /* own; records of the frames */
	GArray *terms;          /* own; struct rmt_spf_term of the frames */
	struct rmt_span name;   /* of the question: in texts, a frame, or scratch */
	GString *scratch;       /* own */
	struct names hosts;     /* of an mx, or of the client before validation */
	struct names validated; /* the client's names (RFC 7208, 5.5) */
	bool validated_known;
	GString *explanation, *problem, *term_text; /* own; shown in result */
};

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer);

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

/* --- small things ----------------------------------------------------------------- */

/* g_string_append_len() for what fits already: evaluations copy little, often. */
static void append(GString *string, struct rmt_span text)
{
	if (string->allocated_len - string->len <= text.len || text.len == 0) {
		g_string_append_len(string, text.p, (gssize)text.len);
		return;
	}
	memcpy(string->str + string->len, text.p, text.len);
	string->len += text.len;
	string->str[string->len] = '\0';
}

static void clear(GString *string)
{
	string->len = 0;
	string->str[0] = '\0';
}

static void names_clear(struct names *names)
{
	clear(names->bytes);
	names->at = 0;
}

static void names_add(struct names *names, struct rmt_span name)
{
	g_string_append_c(names->bytes, (char)name.len);
	g_string_append_len(names->bytes, name.p, (gssize)name.len);
}

static bool names_next(struct names *names, struct rmt_span *name_r)
{
	if (names->at >= names->bytes->len)
		return false;
	*name_r = rmt_span(names->bytes->str + names->at + 1,
			   (unsigned char)names->bytes->str[names->at]);
	names->at += 1 + name_r->len;
	return true;
}

static struct frame *top(struct rmt_spf *spf)
{
	return &spf->frames[spf->depth];
}

static struct rmt_span domain_of(const struct frame *frame)
{
	return rmt_span(frame->domain, frame->domain_len);
}

static const char *text_of(const struct rmt_spf *spf, const struct frame *frame)
{
	return spf->texts->str + frame->text_at;
}

static struct rmt_span span_of(const GString *string)
{
	return rmt_span(string->str, string->len);
}

static void finish(struct rmt_spf *spf)
{
	spf->phase = DONE;
	spf->result.explanation = span_of(spf->explanation);
	spf->result.problem = span_of(spf->problem);
	spf->result.term = span_of(spf->term_text);
}

static void show_term(struct rmt_spf *spf, const struct frame *frame)
{
	const struct rmt_spf_term *term;

	if (spf->term_text->len > 0 || frame->term >= frame->terms_end)
		return;
	term = &g_array_index(spf->terms, struct rmt_spf_term, frame->term);
	append(spf->term_text, rmt_spf_part(text_of(spf, frame), term->text));
}

/* The end with an error, for the whole query: RFC 7208, 5.2. */
static void fail_with(struct rmt_spf *spf, enum rmt_spf_verdict verdict,
		      struct rmt_span where, const char *sentence)
{
	spf->result.result = verdict;
	rmt_log_printable(spf->problem, where, SHOWN_MAX);
	g_string_append_printf(spf->problem, ": %s", sentence);
	if (spf->depth > 0)
		show_term(spf, &spf->frames[spf->depth - 1]);
	finish(spf);
}

static void fail_at_term(struct rmt_spf *spf, enum rmt_spf_verdict verdict,
			 const char *sentence)
{
	show_term(spf, top(spf));
	fail_with(spf, verdict, domain_of(top(spf)), sentence);
}

/* One more term that asks. False: too many, and that was the end. */
static bool count_lookup(struct rmt_spf *spf)
{
	if (++spf->result.lookups <= spf->limits.lookups)
		return true;
	fail_at_term(spf, RMT_SPF_PERMERROR, "too many terms ask DNS (RFC 7208, 4.6.4)");
	return false;
}

/* An answer for a term: false when it was the end. */
static bool count_answer(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (spf->phase != EVALUATING || !rmt_dns_void(answer->status))
		return true;
	if (++spf->result.voids <= spf->limits.voids)
		return true;
	fail_at_term(spf, RMT_SPF_PERMERROR,
		     "too many lookups find nothing (RFC 7208, 4.6.4)");
	return false;
}

static void ask(struct rmt_spf *spf, enum waiting_for want, enum rmt_dns_type type,
		struct rmt_span name)
{
	spf->waiting_for = want;
	rmt_dns_ask(&spf->asker, type, name);
}

static void ask_address(struct rmt_spf *spf, enum waiting_for want, struct rmt_span name)
{
	ask(spf, want, spf->ip.is_v6 ? RMT_DNS_AAAA : RMT_DNS_A, name);
}

static bool has_client(const struct rmt_spf *spf, const struct rmt_dns_answer *answer,
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

/* --- the client's names: ptr and %{p} ------------------------------------------------
 */

static void ask_client_names(struct rmt_spf *spf)
{
	g_string_truncate(spf->scratch, 0);
	rmt_ip_format_reverse(&spf->ip, spf->scratch);
	ask(spf, WANT_PTR, RMT_DNS_PTR, span_of(spf->scratch));
}

static void validate_next(struct rmt_spf *spf)
{
	struct rmt_span name;

	if (names_next(&spf->hosts, &name))
		ask_address(spf, WANT_PTR_HOST, name);
	else
		spf->validated_known = true;
}

/* A failure here means no names, not an error: RFC 7208, 5.5. */
static void got_client_names(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	size_t i;

	names_clear(&spf->hosts);
	if (!count_answer(spf, answer))
		return;
	for (i = 0; i < answer->count && i < spf->limits.ptr; i++)
		if (rmt_dns_name_ok(answer->records[i].data))
			names_add(&spf->hosts, answer->records[i].data);
	validate_next(spf);
}

static void got_client_name(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (!count_answer(spf, answer))
		return;
	if (has_client(spf, answer, spf->ip.is_v6 ? 128 : 32))
		names_add(&spf->validated, spf->asker.question.name);
	validate_next(spf);
}

/* Domain itself, else a name below it, else any: RFC 7208, 7.3. */
static struct rmt_span best_client_name(struct rmt_spf *spf, struct rmt_span domain)
{
	struct rmt_span name, best = RMT_SPAN("unknown");
	int rank = 0;

	spf->validated.at = 0;
	while (names_next(&spf->validated, &name)) {
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

/* --- terms ----------------------------------------------------------------------------
 */

static void expand(struct rmt_spf *spf, struct rmt_span text, enum rmt_spf_text where,
		   GString *out)
{
	struct rmt_span domain = domain_of(top(spf)), sender = span_of(spf->sender);
	struct rmt_spf_values values = {
		.sender = sender,
		.local = rmt_span(sender.p, spf->local_len),
		.origin = rmt_span_from(sender, spf->local_len + 1),
		.domain = domain,
		.ptr = best_client_name(spf, domain),
		.helo = span_of(spf->helo),
		.receiver = span_of(spf->receiver),
		.ip = &spf->ip,
		.now = spf->now,
	};

	rmt_spf_expand(text, where, &values, out);
}

/* Sets spf->name, good until the next answer. False: it is no name. */
static bool name_target(struct rmt_spf *spf, struct rmt_spf_part part)
{
	const struct frame *frame = top(spf);
	struct rmt_span text =
		part.len > 0 ? rmt_spf_part(text_of(spf, frame), part) : domain_of(frame);

	if (part.has_macro || text.len > RMT_DNS_NAME_MAX) {
		expand(spf, text, RMT_SPF_DOMAIN_SPEC, spf->scratch);
		text = span_of(spf->scratch);
	} else if (text.p[text.len - 1] == '.') {
		text.len--;
	}
	spf->name = text;
	return rmt_dns_name_ok(text);
}

static void next_term(struct rmt_spf *spf)
{
	top(spf)->term++;
	top(spf)->entered = false;
}

/* Asks for the record of spf->name in the top frame. */
static void open_frame(struct rmt_spf *spf)
{
	struct frame *frame = top(spf);
	struct rmt_span name = spf->name;

	if (!rmt_dns_name_ok(name) || memchr(name.p, '.', name.len) == NULL) {
		if (spf->depth > 0 || frame->redirected)
			fail_with(spf, RMT_SPF_PERMERROR, name, "not a domain name");
		else
			finish(spf); /* "none": RFC 7208, 4.3 */
		return;
	}
	memcpy(frame->domain, name.p, name.len);
	frame->domain_len = name.len;
	frame->entered = false;
	frame->term = frame->terms_end = frame->terms_at;
	ask(spf, WANT_RECORD, RMT_DNS_TXT, domain_of(frame));
}

static void include(struct rmt_spf *spf)
{
	struct frame *frame;

	if (spf->depth + 1 == FRAMES_MAX) {
		fail_at_term(spf, RMT_SPF_PERMERROR, "includes are nested too deeply");
		return;
	}
	spf->depth++;
	frame = top(spf);
	frame->redirected = false;
	frame->text_at = spf->texts->len;
	frame->terms_at = spf->terms->len;
	open_frame(spf);
}

static void redirect(struct rmt_spf *spf)
{
	struct frame *frame = top(spf);

	if (!count_lookup(spf))
		return;
	name_target(spf, frame->record.redirect);
	g_string_truncate(spf->texts, frame->text_at);
	g_array_set_size(spf->terms, frame->terms_at);
	frame->redirected = true;
	open_frame(spf);
}

static void got_record(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	struct frame *frame = top(spf);
	struct rmt_span text = { NULL, 0 }, wrong;
	size_t found = rmt_spf_select(answer, &text);

	if (rmt_dns_failed(answer->status))
		fail_with(spf, RMT_SPF_TEMPERROR, domain_of(frame),
			  rmt_dns_status_text(answer->status));
	else if (found > 1)
		fail_with(spf, RMT_SPF_PERMERROR, domain_of(frame),
			  "more than one SPF record (RFC 7208, 4.5)");
	else if (found == 0 && spf->depth == 0 && !frame->redirected)
		finish(spf); /* none */
	else if (found == 0)
		fail_with(spf, RMT_SPF_PERMERROR, domain_of(frame), "has no SPF record");
	if (found != 1 || spf->phase == DONE)
		return;
	append(spf->texts, text);
	text.p = text_of(spf, frame);
	if (rmt_spf_record_parse(text, &frame->record, spf->terms, &wrong)) {
		frame->terms_end = spf->terms->len;
		return;
	}
	append(spf->term_text, wrong);
	fail_with(spf, RMT_SPF_PERMERROR, domain_of(frame), "syntax error in its record");
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
	struct frame *frame = top(spf);

	if (spf->depth == 0) {
		spf->result.result = verdict;
		if (verdict == RMT_SPF_FAIL && frame->record.explanation.len > 0)
			spf->phase = LOCATING_EXPLANATION;
		else
			finish(spf);
		return;
	}
	g_string_truncate(spf->texts, frame->text_at);
	g_array_set_size(spf->terms, frame->terms_at);
	spf->depth--;
}

static void match(struct rmt_spf *spf)
{
	for (;;) {
		struct frame *frame = top(spf);
		const struct rmt_spf_term *term =
			&g_array_index(spf->terms, struct rmt_spf_term, frame->term);
		enum rmt_spf_verdict verdict = verdict_of(term->qualifier);

		if (spf->depth == 0)
			show_term(spf, frame);
		close_frame(spf, verdict);
		if (spf->phase != EVALUATING)
			return;
		if (verdict != RMT_SPF_PASS)
			break;
	}
	next_term(spf);
}

static void end_of_record(struct rmt_spf *spf)
{
	const struct frame *frame = top(spf);

	if (frame->record.redirect.len > 0) {
		if (frame->record.redirect.uses_ptr && !spf->validated_known)
			ask_client_names(spf);
		else
			redirect(spf);
		return;
	}
	close_frame(spf, RMT_SPF_NEUTRAL);
	if (spf->phase == EVALUATING)
		next_term(spf);
}

static void match_if(struct rmt_spf *spf, bool matches)
{
	if (matches)
		match(spf);
	else
		next_term(spf);
}

static bool has_validated_below(struct rmt_spf *spf, struct rmt_span domain)
{
	struct rmt_span name;

	spf->validated.at = 0;
	while (names_next(&spf->validated, &name))
		if (rmt_dns_below_or_same(name, domain))
			return true;
	return false;
}

/* A term with a target name; the lookup has been counted. */
static void evaluate_target(struct rmt_spf *spf, const struct rmt_spf_term *term)
{
	bool ok = name_target(spf, term->domain);

	if (term->mechanism == RMT_SPF_INCLUDE)
		include(spf);
	else if (!ok) /* no such name can exist */
		next_term(spf);
	else if (term->mechanism == RMT_SPF_PTR)
		match_if(spf, has_validated_below(spf, spf->name));
	else if (term->mechanism == RMT_SPF_A)
		ask_address(spf, WANT_ADDRESS, spf->name);
	else if (term->mechanism == RMT_SPF_MX)
		ask(spf, WANT_MX, RMT_DNS_MX, spf->name);
	else
		ask(spf, WANT_EXISTS, RMT_DNS_A, spf->name);
}

static void evaluate(struct rmt_spf *spf, struct frame *frame)
{
	const struct rmt_spf_term *term =
		&g_array_index(spf->terms, struct rmt_spf_term, frame->term);

	switch (term->mechanism) {
	case RMT_SPF_ALL:
		match(spf);
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
	if (!frame->entered && !count_lookup(spf))
		return;
	frame->entered = true;
	if ((term->mechanism == RMT_SPF_PTR || term->domain.uses_ptr) &&
	    !spf->validated_known)
		ask_client_names(spf); /* and come here again */
	else
		evaluate_target(spf, term);
}

/* --- answers
 * ----------------------------------------------------------------------------- */

/* False: the answer was the end. */
static bool take_answer(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (rmt_dns_failed(answer->status)) {
		fail_at_term(spf, RMT_SPF_TEMPERROR, rmt_dns_status_text(answer->status));
		return false;
	}
	return count_answer(spf, answer);
}

static unsigned prefix_bits(const struct rmt_spf *spf)
{
	const struct frame *frame = &spf->frames[spf->depth];
	const struct rmt_spf_term *term =
		&g_array_index(spf->terms, struct rmt_spf_term, frame->term);

	return spf->ip.is_v6 ? term->prefix6 : term->prefix4;
}

static void got_address(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (take_answer(spf, answer))
		match_if(spf, has_client(spf, answer, prefix_bits(spf)));
}

static void got_exists(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (take_answer(spf, answer))
		match_if(spf, answer->count > 0);
}

static void try_next_mx(struct rmt_spf *spf)
{
	struct rmt_span name;

	if (names_next(&spf->hosts, &name))
		ask_address(spf, WANT_MX_HOST, name);
	else
		next_term(spf);
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

static void got_mx(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	struct rmt_span name;
	uint32_t after = 0;

	if (!take_answer(spf, answer))
		return;
	if (answer->count > MIN(spf->limits.mx, MX_MAX)) {
		fail_at_term(spf, RMT_SPF_PERMERROR,
			     "too many MX records (RFC 7208, 4.6.4)");
		return;
	}
	names_clear(&spf->hosts);
	while (next_mx(answer, &name, &after))
		if (rmt_dns_name_ok(name)) /* not a null MX */
			names_add(&spf->hosts, name);
	try_next_mx(spf);
}

static void got_mx_host(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	if (!take_answer(spf, answer))
		return;
	if (has_client(spf, answer, prefix_bits(spf)))
		match(spf);
	else
		try_next_mx(spf);
}

/* --- the explanation: whatever goes wrong, there is none (RFC 7208, 6.2)
 * ------------------ */

static void locate_explanation(struct rmt_spf *spf)
{
	struct rmt_spf_part part = top(spf)->record.explanation;

	if (part.uses_ptr && !spf->validated_known)
		ask_client_names(spf);
	else if (name_target(spf, part))
		ask(spf, WANT_EXPLANATION, RMT_DNS_TXT, spf->name);
	else
		finish(spf);
}

static void got_explanation(struct rmt_spf *spf, const struct rmt_dns_answer *answer)
{
	bool uses_ptr;

	if (answer->count != 1 ||
	    !rmt_spf_macro_ok(answer->records[0].data, RMT_SPF_EXPLANATION, &uses_ptr)) {
		finish(spf);
		return;
	}
	g_string_truncate(spf->texts, 0);
	g_string_append_len(spf->texts, answer->records[0].data.p,
			    (gssize)answer->records[0].data.len);
	spf->phase = EXPANDING_EXPLANATION;
	if (uses_ptr && !spf->validated_known)
		ask_client_names(spf);
}

static bool is_ascii(const GString *text)
{
	size_t i;

	for (i = 0; i < text->len; i++)
		if ((unsigned char)text->str[i] >= 0x80 || text->str[i] == '\0')
			return false;
	return true;
}

static void expand_explanation(struct rmt_spf *spf)
{
	expand(spf, span_of(spf->texts), RMT_SPF_EXPLANATION, spf->explanation);
	if (!is_ascii(spf->explanation))
		g_string_truncate(spf->explanation, 0);
	finish(spf);
}

/* --- the machine
 * ---------------------------------------------------------------------------- */

static void run(struct rmt_spf *spf)
{
	while (!spf->asker.waits && spf->phase != DONE) {
		struct frame *frame = top(spf);

		if (spf->phase == LOCATING_EXPLANATION)
			locate_explanation(spf);
		else if (spf->phase == EXPANDING_EXPLANATION)
			expand_explanation(spf);
		else if (frame->term == frame->terms_end)
			end_of_record(spf);
		else
			evaluate(spf, frame);
	}
}

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	static void (*const got[])(struct rmt_spf *, const struct rmt_dns_answer *) = {
		[WANT_RECORD] = got_record,        [WANT_ADDRESS] = got_address,
		[WANT_EXISTS] = got_exists,        [WANT_MX] = got_mx,
		[WANT_MX_HOST] = got_mx_host,      [WANT_PTR] = got_client_names,
		[WANT_PTR_HOST] = got_client_name, [WANT_EXPLANATION] = got_explanation,
	};
	struct rmt_spf *spf = RMT_ASKER_OWNER(asker, struct rmt_spf, asker);

	spf->result.ttl_secs = MIN(spf->result.ttl_secs, answer->ttl_secs);
	got[spf->waiting_for](spf, answer);
	run(spf);
}

static void set(GString *string, struct rmt_span value)
{
	clear(string);
	append(string, value);
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
	append(string, domain);
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
	append(spf->sender, RMT_SPAN("@"));
	append_domain(spf->sender, domain);
}

static void reset(struct rmt_spf *spf)
{
	spf->asker.waits = false;
	spf->result = (struct rmt_spf_result){ .ttl_secs = UINT32_MAX };
	spf->phase = EVALUATING;
	spf->depth = 0;
	spf->validated_known = false;
	clear(spf->texts);
	g_array_set_size(spf->terms, 0);
	names_clear(&spf->validated);
	clear(spf->explanation);
	clear(spf->problem);
	clear(spf->term_text);
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
	clear(spf->helo);
	append_domain(spf->helo, query->helo);
	set(spf->receiver, query->receiver);
	set_sender(spf, query);
	domain = rmt_span_from(span_of(spf->sender), spf->local_len + 1);
	spf->result.domain = domain;
	if (domain.len > 0 && domain.p[domain.len - 1] == '.')
		domain.len--;
	spf->name = domain;
	open_frame(spf);
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
