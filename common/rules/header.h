/* SPDX-License-Identifier: MIT */
/* header.h - the rules that a message's header alone can break, and a look at its
 * text: R11 (but From itself, which from.h reads), R12, R13, R14, R16's mark, R19 of
 * the domain in From, R20. Facts in, findings out.
 *
 * Each function adds what is broken, or one finding that the rule holds.
 */
#ifndef RMT_HEADER_RULES_H
#define RMT_HEADER_RULES_H

#include "common/message/from.h"
#include "common/rules/rules.h"
#include "common/unsubscribe/covered.h"

/* What Gmail takes (support.google.com/a/answer/14016360, 2026-07); Yahoo names no
 * numbers. Octets behind the colon, but for the name's. */
enum {
	RMT_HEADER_TOTAL_MAX = 500 * 1024,
	RMT_HEADER_COUNT_MAX = 5000,
	RMT_HEADER_VALUE_MAX = 32 * 1024, /* not of To, Cc and References */
	RMT_HEADER_SUBJECT_MAX = 998,
	RMT_HEADER_MESSAGE_ID_MAX = 500,
	RMT_HEADER_NAME_MAX = 1024,
};

struct rmt_header_facts {
	struct rmt_span section; /* fields with their line ends */
	bool complete;           /* section has all of them */
	size_t octets, count;    /* of all fields, in section or not */
	bool smtputf8;           /* raw UTF-8 was announced (RFC 6532) */
	const struct rmt_from *from;
	const struct rmt_covered *unsubscribe; /* of the signatures; NULL: not verified */
	struct rmt_span text; /* the body's beginning, as it stands; p NULL: not known */
};

/* RFC 5322, 3.6: Date and Message-ID are there and can be read, what may stand once
 * stands once; 2.1, 2.2: every line is a field, of printable ASCII and at most 998
 * octets; RFC 2047, 5: no encoded-word where none may be. */
void rmt_rule_format(const struct rmt_header_facts *header,
		     struct rmt_rule_findings *findings); /* R11 */
void rmt_rule_header_sizes(const struct rmt_header_facts *header,
			   struct rmt_rule_findings *findings); /* R12 */

/* For bulk mail alone. */
void rmt_rule_one_click(const struct rmt_header_facts *header,
			struct rmt_rule_findings *findings); /* R13 */
void rmt_rule_unsubscribe_link(const struct rmt_header_facts *header,
			       struct rmt_rule_findings *findings); /* R14 */
void rmt_rule_feedback_id(const struct rmt_header_facts *header,
			  struct rmt_rule_findings *findings); /* R16 */

void rmt_rule_from_scripts(const struct rmt_header_facts *header,
			   struct rmt_rule_findings *findings); /* R19 */
void rmt_rule_deceptive(const struct rmt_header_facts *header,
			struct rmt_rule_findings *findings); /* R20 */

/* --- shared by their files ---------------------------------------------------------- */

/* The first field of this name; false: there is none. */
struct rmt_header_field;
bool rmt_header_first(const struct rmt_header_facts *header, const char *name,
		      struct rmt_header_field *field_r);

/* date-time of RFC 5322, 3.3, with the zones of 4.3; comments at its end. */
bool rmt_is_date(struct rmt_span value);

/* "<left@right>" without blanks (3.6.4). */
bool rmt_is_message_id(struct rmt_span value);

/* "=?charset?q?text?=" anywhere in it. */
bool rmt_has_encoded_word(struct rmt_span value);

#endif
