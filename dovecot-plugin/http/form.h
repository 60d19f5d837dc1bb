/* SPDX-License-Identifier: MIT */
/* form.h - the body of a POST: application/x-www-form-urlencoded or
 * multipart/form-data, as browsers and RFC 8058's clients send it.
 *
 *	if (!rmt_form_is(content_type))
 *		415
 *	if (rmt_form_get(content_type, body, "List-Unsubscribe", value) &&
 *	    strcmp(value->str, "One-Click") == 0)
 *		...
 */
#ifndef RMT_HTTP_FORM_H
#define RMT_HTTP_FORM_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

enum { RMT_FORM_PARTS_MAX = 32, RMT_FORM_BOUNDARY_MAX = 70 /* RFC 2046, 5.1.1 */ };

/* Whether the type is one of the two; none at all is taken as the first. */
bool rmt_form_is(struct rmt_span content_type);

/* The first field of this name, decoded; of the first RMT_FORM_PARTS_MAX fields.
 * False: there is none, and value_r is empty. */
bool rmt_form_get(struct rmt_span content_type, struct rmt_span body, const char *name,
		  GString *value_r);

#endif
