/* SPDX-License-Identifier: MIT */
/* from.h - who a message says it is from, read strictly.
 *
 * RFC 9989 and every receiver's alignment rule start at the one address of the
 * one From field; attacks start where two programs read two addresses. Two
 * readings that share no code must agree: our own of RFC 5322's grammar, and
 * GMime's, which is as lenient as receivers are. A third look makes sure that
 * who decodes encoded-words first does not find an address of his own.
 *
 *	struct rmt_from from;
 *	if (!rmt_from_read(header_section, &from))
 *		refuse: "550 5.7.1 From: %s (octet %zu)", from.reason, from.offset
 *	else
 *		align from.domain
 */
#ifndef RMT_FROM_H
#define RMT_FROM_H

#include "common/base/span.h"

enum {
	RMT_FROM_LOCAL_MAX = 64, /* RFC 5321, 4.5.3.1.1 */
	RMT_FROM_DOMAIN_MAX = 255,
	RMT_FROM_VALUE_MAX = 8192,         /* octets of the field's value */
	RMT_FROM_LINE_MAX = 998,           /* RFC 5322, 2.1.1 */
	RMT_FROM_SECTION_MAX = 1024 * 1024 /* octets of a header section that are read */
};

enum rmt_from_result {
	RMT_FROM_OK,
	RMT_FROM_MISSING,  /* no From field */
	RMT_FROM_REPEATED, /* more than one; a stray CR counts as a line end here */
	RMT_FROM_NONE,     /* a field without address */
	RMT_FROM_SEVERAL,  /* more than one address */
	RMT_FROM_GROUP,    /* RFC 6854: nobody to align with */
	RMT_FROM_SYNTAX,   /* not RFC 5322's current grammar where it matters */
	RMT_FROM_ENCODED,  /* encoded-word in the address, or one that hides another */
	RMT_FROM_BROKEN, /* the section before it is read in several ways: NUL, stray CR,
			    a line that is no field */
	RMT_FROM_TOO_LONG, /* field, line, local part, domain or section */
	RMT_FROM_DISAGREE, /* GMime reads something else */
};

/* Nothing wrong with the address, but worth knowing (rules R11, R20). */
enum rmt_from_flag {
	RMT_FROM_FLAG_OBSOLETE = 1 << 0,     /* dot in an unquoted name (RFC 5322, 4.1) */
	RMT_FROM_FLAG_UTF8_NAME = 1 << 1,    /* raw UTF-8 outside the address */
	RMT_FROM_FLAG_UTF8_ADDRESS = 1 << 2, /* RFC 6532: needs SMTPUTF8 */
	RMT_FROM_FLAG_ENCODED_IN_QUOTES = 1 << 3, /* RFC 2047, 5 (3) forbids */
	RMT_FROM_FLAG_NAME_IS_ADDRESS =
		1 << 4, /* the name or a comment shows another address */
};

struct rmt_from {
	enum rmt_from_result result;
	size_t offset; /* in the section: of the offending octet; else of the field */
	const char *reason; /* static text; "" when OK */
	unsigned flags;
	/* Only when OK. As written: look-alikes and A- or U-labels stay as they are. */
	char address[RMT_FROM_LOCAL_MAX + RMT_FROM_DOMAIN_MAX + 2];
	char domain[RMT_FROM_DOMAIN_MAX + 1]; /* ASCII letters in lower case */
};

/* section: header fields with their line ends (CRLF, or LF throughout); what
 * follows an empty line is not looked at. True when OK. */
bool rmt_from_read(struct rmt_span section, struct rmt_from *from_r);

/* "several addresses", ...: stable, for logs and JSON ("repeated", "group", ...). */
const char *rmt_from_result_name(enum rmt_from_result result);

/* The first Reply-To of a header section, held to the same. False: there is none with one
 * address. */
bool rmt_reply_to_read(struct rmt_span section, struct rmt_from *reply_to_r);

#endif
