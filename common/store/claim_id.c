/* SPDX-License-Identifier: MIT */
/* What stands for a message: claims.h, rmt_claim_id(). */
#include "common/store/claims.h"

/* Comments (RFC 5322, 3.2.2) and blanks go; a quoted string stays as it is. */
static void append_bare(GString *out, struct rmt_span value)
{
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && (unsigned char)c > ' ' && c != '\x7f')
			g_string_append_c(out, c);
	}
}

void rmt_claim_id(struct rmt_span message_id, GString *id_r)
{
	g_autoptr(GString) bare = g_string_new(NULL);
	struct rmt_span before, after, id;

	append_bare(bare, message_id);
	id = rmt_span(bare->str, bare->len);
	if (rmt_span_split(id, '<', &before, &after) &&
	    rmt_span_split(after, '>', &before, &after))
		id = before;
	g_string_truncate(id_r, 0);
	g_string_append_len(id_r, id.p, (gssize)MIN(id.len, RMT_CLAIM_ID_MAX));
}
