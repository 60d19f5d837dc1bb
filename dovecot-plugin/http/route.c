/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/http/route.h"

#include <ctype.h>

static bool is_token(struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.p[i]))
			return false;
	return text.len > 0;
}

enum rmt_route rmt_route_find(struct rmt_span target, struct rmt_span *token_r)
{
	struct rmt_span path = target, query, before, token, last = { "", 0 };

	rmt_span_split(target, '?', &path, &query);
	if (!rmt_span_split_last(path, '/', &before, &token) || !is_token(token))
		return RMT_ROUTE_NONE;
	rmt_span_split_last(before, '/', &path, &last);
	*token_r = token;
	return rmt_span_eq(last, RMT_SPAN("r")) ? RMT_ROUTE_RECEIPT
						: RMT_ROUTE_UNSUBSCRIBE;
}

enum rmt_method rmt_method_of(const char *name)
{
	if (strcmp(name, "GET") == 0)
		return RMT_METHOD_GET;
	if (strcmp(name, "HEAD") == 0)
		return RMT_METHOD_HEAD;
	return strcmp(name, "POST") == 0 ? RMT_METHOD_POST : RMT_METHOD_OTHER;
}
