/* SPDX-License-Identifier: MIT */
/* dmarc_record.h - the text of a DMARC policy record.
 *
 * One reading serves RFC 9989 and RFC 7489: what one of them does not know it
 * does not look at. "v=DMARC1" must come first and in capitals; names and
 * values of the other tags are read in any case, unknown tags and tags that
 * make no sense are passed over, as both RFCs want it.
 */
#ifndef RMT_DMARC_RECORD_H
#define RMT_DMARC_RECORD_H

#include "common/auth/dns.h"

enum rmt_dmarc_policy {
	RMT_DMARC_UNSET,   /* no such tag */
	RMT_DMARC_INVALID, /* the tag has a value that is no policy */
	RMT_DMARC_NONE,
	RMT_DMARC_QUARANTINE,
	RMT_DMARC_REJECT,
};

enum rmt_dmarc_psd {
	RMT_DMARC_PSD_UNKNOWN, /* psd=u, or not said */
	RMT_DMARC_PSD_NO,      /* psd=n: an organisational domain */
	RMT_DMARC_PSD_YES,     /* psd=y: a public suffix */
};

struct rmt_dmarc_record {
	enum rmt_dmarc_policy p, sp, np;
	enum rmt_dmarc_psd psd;
	bool strict_dkim, strict_spf; /* adkim=s, aspf=s */
	bool testing;                 /* t=y */
	unsigned percent;             /* pct; 100 unless said; RFC 7489 only */
	bool has_rua;                 /* at least one usable address for reports */
	bool has_duplicate;           /* a tag twice: the whole record is void */
};

/* False: no DMARC record ("v=DMARC1" is not its first tag). */
bool rmt_dmarc_record_parse(struct rmt_span text, struct rmt_dmarc_record *record_r);

/* Cuts the next "name = value" off text, without blanks around them; name_r is empty
 * where there is no '='. False: none is left. */
bool rmt_dmarc_next_tag(struct rmt_span *text, struct rmt_span *name_r,
			struct rmt_span *value_r);

/* Where reports may go: a URI, of mailto: one with a domain. */
bool rmt_dmarc_uri_ok(struct rmt_span uri);

/* Domains of the mailto: addresses that reports are to go to, of rua and ruf; each once,
 * in the record's order, as they stand there. Returns how many, at most max. */
size_t rmt_dmarc_report_domains(struct rmt_span text, struct rmt_span *domains_r,
				size_t max);

/* Among the TXT records of a name those that are DMARC records: text_r is the
 * last of them. Only a name with one has a policy. */
size_t rmt_dmarc_select(const struct rmt_dns_answer *answer, struct rmt_span *text_r);

const char *rmt_dmarc_policy_name(enum rmt_dmarc_policy policy); /* "none", ... */

#endif
