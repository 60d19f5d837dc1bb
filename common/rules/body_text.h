/* SPDX-License-Identifier: MIT */
/* body_text.h - the words of a message's text: its text parts, decoded, in lower case.
 *
 * For looking for words, not for showing: HTML stays HTML. A body that is cut short is
 * read as far as it goes.
 */
#ifndef RMT_BODY_TEXT_H
#define RMT_BODY_TEXT_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

enum rmt_body_text {
	RMT_BODY_TEXT,    /* there was some */
	RMT_BODY_NO_TEXT, /* other parts alone */
	RMT_BODY_CODED,   /* some is encoded in a way we do not know */
};

/* section: the message's header. Appends UTF-8, as far as the charset says truly. */
enum rmt_body_text rmt_body_text(struct rmt_span section, struct rmt_span body,
				 GString *out);

#endif
