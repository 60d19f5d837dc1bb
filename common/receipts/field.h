/* SPDX-License-Identifier: MIT */
/* field.h - header fields as they are sent: folded, encoded, CRLF. Exact to the
 * octet, so not left to a library that folds otherwise from version to version.
 */
#ifndef RMT_RECEIPTS_FIELD_H
#define RMT_RECEIPTS_FIELD_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* "Name: text\r\n". text: one line of UTF-8; folded at 76, in encoded-words
 * (RFC 2047) where it is not ASCII or would be taken for one. */
void rmt_field_text(GString *out, const char *name, const char *text);

/* "Name: =?utf-8?...?= <address>\r\n"; name_of NULL or "": "<address>" alone. */
void rmt_field_mailbox(GString *out, const char *name, const char *name_of,
		       const char *address);

/* "Name: Sat, 21 Nov 2026 10:00:00 +0000\r\n" */
void rmt_field_date(GString *out, const char *name, int64_t when);

#endif
