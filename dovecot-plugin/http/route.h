/* SPDX-License-Identifier: MIT */
/* route.h - what a request's path asks for.
 *
 *	.../r/TOKEN		about a receipt
 *	.../anything/TOKEN	an unsubscribe link
 *
 * What stands before does not matter: a reverse proxy may add or take away.
 */
#ifndef RMT_HTTP_ROUTE_H
#define RMT_HTTP_ROUTE_H

#include <stdbool.h>

#include "common/base/span.h"

enum rmt_route { RMT_ROUTE_NONE, RMT_ROUTE_UNSUBSCRIBE, RMT_ROUTE_RECEIPT };

enum rmt_method { RMT_METHOD_GET, RMT_METHOD_HEAD, RMT_METHOD_POST, RMT_METHOD_OTHER };

/* target: path and query, as the request line has them. token_r is not judged, only
 * of the letters a token has. */
enum rmt_route rmt_route_find(struct rmt_span target, struct rmt_span *token_r);

enum rmt_method rmt_method_of(const char *name);

#endif
