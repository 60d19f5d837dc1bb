/* SPDX-License-Identifier: MIT */
/* when.h - moments as people write them; always UTC.
 *
 *	2026-12-31               its first second
 *	2026-12-31T10:00:00Z
 *	+30d, -12h               from now; s, m, h, d, w
 */
#ifndef RMT_WHEN_H
#define RMT_WHEN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

/* Unix seconds, 1970 to 9999. The sentence says what to write. */
bool rmt_when_parse(struct rmt_span text, int64_t now, int64_t *when_r, GError **err);

enum { RMT_WHEN_SIZE = sizeof("2026-12-31T10:00:00Z") };

/* The second form; what lies outside those years as the nearest within. Returns out. */
const char *rmt_when_format(int64_t when, char out[RMT_WHEN_SIZE]);

#endif
