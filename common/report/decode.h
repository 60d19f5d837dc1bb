/* SPDX-License-Identifier: MIT */
/* decode.h - transfer encodings and character sets, as far as reports need them.
 *
 * By GMime. What is damaged is decoded as far as it goes.
 */
#ifndef RMT_REPORT_DECODE_H
#define RMT_REPORT_DECODE_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

/* "base64", "quoted-printable" or "x-uuencode" into out; false: the text is not
 * encoded, and out is as it was. */
bool rmt_decode_transfer(GString *out, const char *encoding, struct rmt_span text);

/* To UTF-8, at most max octets of out; where the named character set ("": none)
 * does not fit, octet by octet. */
void rmt_decode_charset(GString *out, struct rmt_span text, const char *charset,
			size_t max);

/* A field's text with its encoded words (RFC 2047) as people read them. */
void rmt_decode_words(GString *out, struct rmt_span text);

#endif
