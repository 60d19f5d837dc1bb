/* SPDX-License-Identifier: MIT */
/* header_match.h - a stream's condition `header`: does the message have a field? */
#ifndef RMT_HEADER_MATCH_H
#define RMT_HEADER_MATCH_H

#include "common/base/span.h"

enum { RMT_HEADER_MATCH_MAX = 64 * 1024 }; /* octets of a section that are looked at */

/* Any of the conditions holds: "Name: value" (ASCII case does not matter, '*'
 * stands for any characters, folds for the blank they hold), "Name" for any
 * value. conditions: up to NULL. An empty section has no fields. */
bool rmt_headers_match(char *const *conditions, struct rmt_span section);

#endif
