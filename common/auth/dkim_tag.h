/* SPDX-License-Identifier: MIT */
/* dkim_tag.h - tag lists (RFC 6376, 3.2), as in signatures and key records.
 *
 *	struct rmt_tags tags;
 *	if (!rmt_tags_parse(text, &tags)) ...	// whole list is invalid
 *	value = rmt_tag(&tags, "d");		// value->p is NULL where there is none
 */
#ifndef RMT_DKIM_TAG_H
#define RMT_DKIM_TAG_H

#include <glib.h>

#include "common/base/span.h"

enum { RMT_TAGS_MAX = 64 };

struct rmt_tag {
	struct rmt_span name;
	struct rmt_span value; /* without blanks around; folding within is kept */
	struct rmt_span hole;  /* all between "=" and ";": what is cut out of b= */
};

struct rmt_tags {
	size_t count;
	struct rmt_tag tags[RMT_TAGS_MAX];
};

/* All spans look into text. False: syntax, a tag twice, or over RMT_TAGS_MAX.
 * Octets over 127 are allowed in values (RFC 8616). */
bool rmt_tags_parse(struct rmt_span text, struct rmt_tags *tags_r);

/* NULL: no such tag. Names are compared with case. */
const struct rmt_tag *rmt_tag_find(const struct rmt_tags *tags, const char *name);

/* Its value; p is NULL where there is no such tag. */
struct rmt_span rmt_tag(const struct rmt_tags *tags, const char *name);

/* Next of a colon-separated list, without blanks around; false at the end.
 * *rest starts as the whole value. */
bool rmt_tag_list_next(struct rmt_span *rest, struct rmt_span *item_r);

/* True where item is in the list, without regard to case. */
bool rmt_tag_list_has(struct rmt_span list, const char *item);

/* Base64 with folding (RFC 6376, 2.10), own. NULL: no base64, or empty. */
GByteArray *rmt_tag_base64(struct rmt_span value);

#endif
