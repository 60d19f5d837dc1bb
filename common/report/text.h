/* SPDX-License-Identifier: MIT */
/* text.h - finding lines, addresses and codes in what mail systems write. */
#ifndef RMT_REPORT_TEXT_H
#define RMT_REPORT_TEXT_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

/* The next line without its end; false at the end of rest. */
bool rmt_text_line(struct rmt_span *rest, struct rmt_span *line_r);

/* Position of needle (lower case) in text of any ASCII case; -1: not there. */
gssize rmt_text_find(struct rmt_span text, const char *needle);

/* True where text begins with head, of any ASCII case. */
bool rmt_text_starts(struct rmt_span text, const char *head);

/* What a reader of HTML sees, block elements as lines. */
void rmt_text_from_html(GString *out, struct rmt_span html);

/* The address around the '@' at text.p[at]; false where none is. A quoted local
 * part is kept with its quotes. */
bool rmt_text_address(struct rmt_span text, size_t at, struct rmt_span *address_r);

/* The first address from *at on; *at is then behind it. */
bool rmt_text_next_address(struct rmt_span text, size_t *at, struct rmt_span *address_r);

enum { RMT_STATUS_FULL = 6 };
/* How much an RFC 3463 code says: 0 for "", more for a refusal than for success, more
 * for 5.3.0 than for 5.0.0, RMT_STATUS_FULL for 5.1.1. */
unsigned rmt_text_status_weight(const char *status);

/* Of the RFC 3463 codes there the one that says most, of equals the first, and none
 * below the line of a 5.3.0; false: none. */
bool rmt_text_status(struct rmt_span text, char status_r[12]);

/* An SMTP reply code: a refusal where a reply may begin, else a success there, else a
 * refusal anywhere before a blank; of equals the first. False: none. */
bool rmt_text_reply(struct rmt_span text, char reply_r[4]);

/* Lower case, one blank between words, no quotes, addresses as "@", links as
 * "://", continued reply lines joined: the form that rules are written in. */
void rmt_text_normal(GString *out, struct rmt_span text);

/* To lower case where a letter has one of as many octets: ASCII, Latin-1, Cyrillic. */
void rmt_text_lower(char *text, size_t len);

#endif
