/* SPDX-License-Identifier: MIT */
/* spf_private.h - what the files of SPF share.
 *
 *	spf.c          start, result, limits, and the machine's turns
 *	spf_frames.c   a record, and what nests: include, redirect, match, end
 *	spf_terms.c    the mechanisms, and the answers they wait for
 *	spf_client.c   the client's names: ptr and %{p}
 *	spf_explain.c  the publisher's sentence for a fail
 *
 * A turn either asks (rmt_spf_ask(); the machine stops until the answer is there),
 * moves to the next term, or ends the query.
 */
#ifndef RMT_SPF_PRIVATE_H
#define RMT_SPF_PRIVATE_H

#include "common/auth/spf.h"
#include "common/auth/spf_macro.h"
#include "common/auth/spf_record.h"

enum { RMT_SPF_FRAMES_MAX = 16 }; /* nested includes; lookups run out before */

enum rmt_spf_wanted {
	RMT_SPF_WANT_RECORD,
	RMT_SPF_WANT_ADDRESS,
	RMT_SPF_WANT_EXISTS,
	RMT_SPF_WANT_MX,
	RMT_SPF_WANT_MX_HOST,
	RMT_SPF_WANT_PTR,
	RMT_SPF_WANT_PTR_HOST,
	RMT_SPF_WANT_EXPLANATION,
};

enum rmt_spf_phase {
	RMT_SPF_EVALUATING,
	RMT_SPF_LOCATING_EXPLANATION,
	RMT_SPF_EXPANDING_EXPLANATION,
	RMT_SPF_DONE,
};

/* One check_host(): the query's own, and one for each include above us. */
struct rmt_spf_frame {
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
struct rmt_spf_names {
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
	enum rmt_spf_phase phase;
	enum rmt_spf_wanted wanted;
	unsigned depth;
	struct rmt_spf_frame frames[RMT_SPF_FRAMES_MAX];
	GString *texts;             /* own; records of the frames */
	GArray *terms;              /* own; struct rmt_spf_term of the frames */
	struct rmt_span name;       /* of the question: in texts, a frame, or scratch */
	GString *scratch;           /* own */
	struct rmt_spf_names hosts; /* of an mx, or of the client before validation */
	struct rmt_spf_names validated; /* the client's names (RFC 7208, 5.5) */
	bool validated_known;
	GString *explanation, *problem, *term_text; /* own; shown in result */
};

/* --- small things ------------------------------------------------------------- */

static inline void rmt_spf_clear(GString *string)
{
	string->len = 0;
	string->str[0] = '\0';
}

static inline struct rmt_span rmt_spf_span(const GString *string)
{
	return rmt_span(string->str, string->len);
}

static inline struct rmt_spf_frame *rmt_spf_top(struct rmt_spf *spf)
{
	return &spf->frames[spf->depth];
}

static inline struct rmt_span rmt_spf_domain_of(const struct rmt_spf_frame *frame)
{
	return rmt_span(frame->domain, frame->domain_len);
}

static inline const char *rmt_spf_text_of(const struct rmt_spf *spf,
					  const struct rmt_spf_frame *frame)
{
	return spf->texts->str + frame->text_at;
}

static inline void rmt_spf_next_term(struct rmt_spf *spf)
{
	rmt_spf_top(spf)->term++;
	rmt_spf_top(spf)->entered = false;
}

static inline void rmt_spf_ask(struct rmt_spf *spf, enum rmt_spf_wanted wanted,
			       enum rmt_dns_type type, struct rmt_span name)
{
	spf->wanted = wanted;
	rmt_dns_ask(&spf->asker, type, name);
}

static inline void rmt_spf_names_clear(struct rmt_spf_names *names)
{
	rmt_spf_clear(names->bytes);
	names->at = 0;
}

static inline void rmt_spf_names_add(struct rmt_spf_names *names, struct rmt_span name)
{
	g_string_append_c(names->bytes, (char)name.len);
	g_string_append_len(names->bytes, name.p, (gssize)name.len);
}

static inline bool rmt_spf_names_next(struct rmt_spf_names *names,
				      struct rmt_span *name_r)
{
	if (names->at >= names->bytes->len)
		return false;
	*name_r = rmt_span(names->bytes->str + names->at + 1,
			   (unsigned char)names->bytes->str[names->at]);
	names->at += 1 + name_r->len;
	return true;
}

/* --- spf.c: limits, and the end ------------------------------------------------ */

/* g_string_append_len() for what fits already: evaluations copy little, often. */
void rmt_spf_append(GString *string, struct rmt_span text);

/* The verdict stands in result. */
void rmt_spf_finish(struct rmt_spf *spf);

/* The frame's current term is the one that decided, unless one is named already. */
void rmt_spf_show_term(struct rmt_spf *spf, const struct rmt_spf_frame *frame);

/* The end with an error, for the whole query: RFC 7208, 5.2. */
void rmt_spf_fail_with(struct rmt_spf *spf, enum rmt_spf_verdict verdict,
		       struct rmt_span where, const char *sentence);
void rmt_spf_fail_at_term(struct rmt_spf *spf, enum rmt_spf_verdict verdict,
			  const char *sentence);

/* One more term that asks, one more answer for it. False: too many, and that was
 * the end. */
bool rmt_spf_count_lookup(struct rmt_spf *spf);
bool rmt_spf_count_answer(struct rmt_spf *spf, const struct rmt_dns_answer *answer);

typedef void rmt_spf_got(struct rmt_spf *spf, const struct rmt_dns_answer *answer);

/* --- spf_frames.c ---------------------------------------------------------------- */

/* Asks for the record of spf->name in the top frame. */
void rmt_spf_open_frame(struct rmt_spf *spf);
rmt_spf_got rmt_spf_got_record;
/* Of the name in spf->name, which need not be one. */
void rmt_spf_include(struct rmt_spf *spf);
/* The current term matches. */
void rmt_spf_match(struct rmt_spf *spf);
void rmt_spf_end_of_record(struct rmt_spf *spf);

/* --- spf_terms.c ----------------------------------------------------------------- */

void rmt_spf_evaluate(struct rmt_spf *spf, struct rmt_spf_frame *frame);
rmt_spf_got rmt_spf_got_address, rmt_spf_got_exists, rmt_spf_got_mx, rmt_spf_got_mx_host;

/* Sets spf->name, good until the next answer. False: it is no name. */
bool rmt_spf_name_target(struct rmt_spf *spf, struct rmt_spf_part part);
/* rmt_spf_expand() with what the query and the top frame say. */
void rmt_spf_expand_here(struct rmt_spf *spf, struct rmt_span text,
			 enum rmt_spf_text where, GString *out);
/* A or AAAA, as the client's own address is; then whether it is among them. */
void rmt_spf_ask_address(struct rmt_spf *spf, enum rmt_spf_wanted wanted,
			 struct rmt_span name);
bool rmt_spf_has_client(const struct rmt_spf *spf, const struct rmt_dns_answer *answer,
			unsigned prefix_bits);

/* --- spf_client.c ---------------------------------------------------------------- */

/* Until spf->validated_known. */
void rmt_spf_ask_client_names(struct rmt_spf *spf);
rmt_spf_got rmt_spf_got_client_names, rmt_spf_got_client_name;

/* For %{p}: domain itself, else a name below it, else any (RFC 7208, 7.3). */
struct rmt_span rmt_spf_best_client_name(struct rmt_spf *spf, struct rmt_span domain);
/* For ptr: a validated name is domain, or below it. */
bool rmt_spf_client_below(struct rmt_spf *spf, struct rmt_span domain);

/* --- spf_explain.c --------------------------------------------------------------- */

void rmt_spf_locate_explanation(struct rmt_spf *spf);
rmt_spf_got rmt_spf_got_explanation;
void rmt_spf_expand_explanation(struct rmt_spf *spf);

#endif
