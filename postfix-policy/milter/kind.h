/* SPDX-License-Identifier: MIT */
/* kind.h - what sort of message it is: not every one can be aligned. */
#ifndef RMT_MILTER_KIND_H
#define RMT_MILTER_KIND_H

#include "common/base/span.h"

enum rmt_kind {
	RMT_KIND_DIRECT,
	RMT_KIND_NOTICE,   /* null sender, DSN, MDN: never refused for alignment */
	RMT_KIND_INDIRECT, /* forwarded, or of a list: only logged */
};
const char *rmt_kind_name(enum rmt_kind kind); /* "direct", ... */

/* What the header says of it. */
struct rmt_kind_signs {
	bool report;  /* multipart/report: a DSN (RFC 3464) or an MDN (RFC 8098) */
	bool resent;  /* Resent-From or another field of RFC 5322, 3.6.6 */
	bool list_id; /* RFC 2919 */
};
void rmt_kind_look(struct rmt_span section, struct rmt_kind_signs *signs_r);

/* sender: of the envelope, empty for the null sender. foreign_signature: another
 * organisation's signature holds; a List-Id alone would be too easily written. */
enum rmt_kind rmt_kind_of(const struct rmt_kind_signs *signs, struct rmt_span sender,
			  bool foreign_signature);

#endif
