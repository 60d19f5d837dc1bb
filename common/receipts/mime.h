/* SPDX-License-Identifier: MIT */
/* mime.h - the few things of GMime that receipts need, as plain values. */
#ifndef RMT_RECEIPTS_MIME_H
#define RMT_RECEIPTS_MIME_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

struct rmt_mime_type {
	char *type, *subtype; /* own; lower case; "" where unreadable */
	char *report_type;    /* own; lower case; or NULL */
	char *smime_type;     /* own; lower case; or NULL */
	char *boundary;       /* own; or NULL */
};
/* value: of Content-Type, folding included. Clear it afterwards. */
void rmt_mime_type_read(struct rmt_span value, struct rmt_mime_type *type_r);
void rmt_mime_type_clear(struct rmt_mime_type *type);

/* Encoded-words decoded; one line of printable UTF-8 without marks that turn the
 * direction of text; cut at max characters. Own. */
char *rmt_mime_decode(struct rmt_span value, size_t max);

/* The same cleaning for what is UTF-8 already. Own. */
char *rmt_mime_one_line(const char *text, size_t max);

/* A Date field as Unix seconds; 0: unreadable. */
int64_t rmt_mime_date(struct rmt_span value);

/* Appends the value without folding, blanks in a row as one. False where it holds
 * other control characters; nothing is appended then. */
bool rmt_mime_unfold(struct rmt_span value, GString *out);

/* Appends the value without comments and folding: of structured fields. */
void rmt_mime_strip_comments(struct rmt_span value, GString *out);

#endif
