/* SPDX-License-Identifier: MIT */
/* failure.h - a failure said in one go:
 *
 *	return ok || rmt_wrong(err, "'%s' is not a number", text);
 */
#ifndef RMT_FAILURE_H
#define RMT_FAILURE_H

#include <glib.h>
#include <stdbool.h>

/* Sets err (may be NULL) to the sentence. Always false. */
bool rmt_wrong(GError **err, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
