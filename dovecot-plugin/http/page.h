/* SPDX-License-Identifier: MIT */
/* page.h - the pages people see: plain HTML that works without scripts, is read by
 * screen readers and fits a telephone; English and Spanish.
 *
 *	struct rmt_page page = { .kind = RMT_PAGE_ASK, .title = "Example News" };
 *	rmt_page_write(&page, rmt_language_of(accept_language), out);
 */
#ifndef RMT_HTTP_PAGE_H
#define RMT_HTTP_PAGE_H

#include <glib.h>

#include "common/base/span.h"

enum rmt_page_kind {
	/* About an unsubscribe link. */
	RMT_PAGE_ASK,    /* one button */
	RMT_PAGE_DONE,   /* with a button to take it back */
	RMT_PAGE_UNDONE, /* subscribed again */
	RMT_PAGE_LATE,   /* too late to take it back here */
	/* About a receipt. */
	RMT_PAGE_RECEIPT_ASK,
	RMT_PAGE_RECEIPT_SENT, /* or will be */
	RMT_PAGE_RECEIPT_NOT,
	RMT_PAGE_RECEIPT_OVER, /* answered before, or expired */
	/* About neither. */
	RMT_PAGE_INVALID,  /* no link of ours */
	RMT_PAGE_REFUSED,  /* a request that is none of the form's */
	RMT_PAGE_TOO_MANY, /* requests */
	RMT_PAGE_TROUBLE,  /* our own */
	RMT_PAGE_KINDS,
};

struct rmt_page {
	enum rmt_page_kind kind;
	/* All foreign, UTF-8, or NULL. Escaped here. */
	const char *title;   /* what the stream is called */
	const char *logo;    /* text on top */
	const char *undo;    /* token of the button that takes it back */
	const char *target;  /* of a receipt: who asks */
	const char *subject; /* of a receipt: the message's */
};

enum rmt_language { RMT_ENGLISH, RMT_SPANISH, RMT_LANGUAGES };

/* By Accept-Language (RFC 9110, 12.5.4): the best of ours; English where none is. */
enum rmt_language rmt_language_of(struct rmt_span accept_language);
const char *rmt_language_tag(enum rmt_language language); /* "en" */

void rmt_page_write(const struct rmt_page *page, enum rmt_language language,
		    GString *out);

/* Names and values in turn, up to NULL: what every answer carries. The policy lets in
 * nothing but the page's own style. */
const char *const *rmt_page_headers(void);

#endif
