/* SPDX-License-Identifier: MIT */
/* mailto.h - a mailto: URI as the one message it asks for (RFC 6068).
 *
 * A stranger wrote it, and we send what it says in the user's name: so one
 * recipient, Subject and Body alone (RFC 6068, 4: others are unsafe), nothing that
 * could become a field of the header, and little of it.
 *
 *	if (rmt_mailto_read(uri, &mailto) == RMT_MAILTO_OK)
 *		send(mailto.to, mailto.subject, mailto.body);
 *	rmt_mailto_clear(&mailto);
 */
#ifndef RMT_MAILTO_H
#define RMT_MAILTO_H

#include <glib.h>

#include "common/base/span.h"

enum {
	RMT_MAILTO_ADDRESS_MAX = 320, /* octets, decoded */
	RMT_MAILTO_SUBJECT_MAX = 512,
	RMT_MAILTO_BODY_MAX = 2048,
};

enum rmt_mailto_result {
	RMT_MAILTO_OK,
	RMT_MAILTO_SCHEME,       /* not mailto: */
	RMT_MAILTO_ENCODING,     /* "%" without two digits, NUL, no UTF-8 */
	RMT_MAILTO_NO_RECIPIENT, /* none at all */
	RMT_MAILTO_RECIPIENTS,   /* more than one, in the path, to= or cc= */
	RMT_MAILTO_ADDRESS,      /* no address that SMTP would take, or to a bare IP */
	RMT_MAILTO_CONTROL,      /* line end or control character in Subject, ... */
	RMT_MAILTO_TOO_LONG,
	RMT_MAILTO_COUNT,
};
const char *rmt_mailto_word(enum rmt_mailto_result result); /* "recipients", stable */

struct rmt_mailto {
	char *to;      /* own; "local@domain" */
	char *subject; /* own; UTF-8, one line, perhaps "" */
	char *body;    /* own; UTF-8, lines end with LF, perhaps "" */
};

/* On anything but OK the members are NULL. Fields other than to, cc, subject and
 * body are left out (bcc, from, in-reply-to, ...), "+" stays "+". */
enum rmt_mailto_result rmt_mailto_read(struct rmt_span uri, struct rmt_mailto *mailto_r);
void rmt_mailto_clear(struct rmt_mailto *mailto);

/* Whether a local part is one that people and programs of a site hold for its
 * services (RFC 2142, root, "-request"): a list at home must be told from those. */
bool rmt_mailto_is_role(struct rmt_span address);

#endif
