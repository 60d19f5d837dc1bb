/* SPDX-License-Identifier: MIT */
/* bimi.h - what a BIMI record points to: the logo, and the certificate for it.
 *
 * Both are judged as files that lie here; nothing is fetched. State of
 * draft-brand-indicators-for-message-identification and of its SVG profile: 2026.
 */
#ifndef RMT_BIMI_H
#define RMT_BIMI_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

enum { RMT_BIMI_SVG_MAX = 32 * 1024 };

/* SVG Tiny Portable/Secure: version 1.2, baseProfile tiny-ps, a title, square, at most
 * 32 kB, and nothing in it that moves, runs or comes from elsewhere. False: the
 * sentence says what is wrong. */
bool rmt_bimi_svg_check(struct rmt_span svg, GError **err);

/* A mark certificate's leaf. */
struct rmt_bimi_mark {
	bool has_usage; /* extended key usage for BIMI */
	bool has_logo;  /* a logotype extension */
	bool in_order;  /* each certificate of the file is signed by the next */
	bool expired;
	int64_t not_after;  /* Unix seconds */
	char *mark_type;    /* own; "Registered Mark", ...; or NULL */
	GPtrArray *domains; /* own; DNS names it is for, lower case */
	GByteArray *logo;   /* own; the SVG inside; or NULL */
	unsigned certificate_count;
};

/* pem: the leaf, then those above it. now: Unix seconds. False: no certificate can be
 * read. */
bool rmt_bimi_mark_read(struct rmt_span pem, int64_t now, struct rmt_bimi_mark *mark_r,
			GError **err);
void rmt_bimi_mark_clear(struct rmt_bimi_mark *mark);

/* The certificate against the domain (folded; its organisation will do, too) and the
 * logo that is served: svg p NULL: not compared. False: the sentence says what is
 * wrong. */
bool rmt_bimi_mark_check(const struct rmt_bimi_mark *mark, struct rmt_span domain,
			 struct rmt_span org, struct rmt_span svg, GError **err);

/* The chain of pem ends in one of the certificates of roots (PEM, as many as there are)
 * and every part of it is valid at now. False: the sentence says what is wrong. */
bool rmt_bimi_mark_trusted(struct rmt_span pem, struct rmt_span roots, int64_t now,
			   GError **err);

#endif
