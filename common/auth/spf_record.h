/* SPDX-License-Identifier: MIT */
/* spf_record.h - the text of an SPF record as terms (RFC 7208, 4.6 and 12).
 *
 * A record is read whole before any of it is evaluated: a mistake anywhere in
 * it makes all of it void (4.6).
 */
#ifndef RMT_SPF_RECORD_H
#define RMT_SPF_RECORD_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/auth/dns.h"

enum rmt_spf_mechanism {
	RMT_SPF_ALL,
	RMT_SPF_INCLUDE,
	RMT_SPF_A,
	RMT_SPF_MX,
	RMT_SPF_PTR,
	RMT_SPF_IP4,
	RMT_SPF_IP6,
	RMT_SPF_EXISTS,
};

/* Part of the record's text, by where it stands. */
struct rmt_spf_part {
	uint32_t at, len; /* len 0: not there */
	bool has_macro, uses_ptr;
};

struct rmt_spf_term {
	enum rmt_spf_mechanism mechanism;
	char qualifier;             /* one of + - ~ ? */
	uint8_t prefix4, prefix6;   /* bits */
	struct rmt_spf_part text;   /* the whole term, for reports */
	struct rmt_spf_part domain; /* domain-spec; not there: the current domain */
	uint8_t address[16];        /* IP4 (first four), IP6 */
};

struct rmt_spf_record {
	struct rmt_spf_part redirect, explanation;
};

/* "v=spf1", alone or with a blank behind it, in any case. */
bool rmt_spf_is_record(struct rmt_span text);

/* The one SPF record among the TXT records of a name; text_r is the answer's.
 * How many there are: no more than one is right (RFC 7208, 4.5). */
size_t rmt_spf_select(const struct rmt_dns_answer *answer, struct rmt_span *text_r);

/* Appends the terms to terms (struct rmt_spf_term). On a mistake: false, terms
 * as before, and *wrong_r is the offending part of the text. At most 1 MB. */
bool rmt_spf_record_parse(struct rmt_span text, struct rmt_spf_record *record_r,
			  GArray *terms, struct rmt_span *wrong_r);

static inline struct rmt_span rmt_spf_part(const char *text, struct rmt_spf_part part)
{
	return rmt_span(text + part.at, part.len);
}

#endif
