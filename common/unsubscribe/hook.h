/* SPDX-License-Identifier: MIT */
/* hook.h - telling the list software: a POST of JSON, signed.
 *
 *	POST /hook HTTP/1.1
 *	Content-Type: application/json
 *	X-Remite-Signature: t=1795321652,v1=HEX
 *
 * HEX is HMAC-SHA-256 over "1795321652.", then the body, with the secret that both
 * sides have. Who takes it compares in constant time, and refuses an old t.
 */
#ifndef RMT_HOOK_H
#define RMT_HOOK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

/* The value of the field; own. now: Unix seconds. */
char *rmt_hook_signature(struct rmt_span secret, struct rmt_span body, int64_t now);

/* The secret: the file's first line. It must be closed to all but owner and group. */
bool rmt_hook_secret(const char *path, GString *secret_r, GError **err);

/* Blocks, for timeout_ms at most. True: 2xx. Else why_r says what came; gone_r: there
 * is no point in trying again (410). Redirects are not followed. */
bool rmt_hook_post(const char *url, struct rmt_span secret, struct rmt_span body,
		   int64_t now, long timeout_ms, GString *why_r, bool *gone_r);

#endif
