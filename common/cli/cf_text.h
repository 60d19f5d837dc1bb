/* SPDX-License-Identifier: MIT */
/* cf_text.h - main.cf and master.cf as texts of entries, to take changes back.
 *
 * An entry is a line that does not begin with a blank or '#', with the lines that
 * continue it. Its key is the parameter's name, or "name/type" of a service.
 *
 *	before --(our edits)--> after --(foreign edits)--> current
 *
 * rmt_cf_revert() makes of current what it would be without our edits, octet for
 * octet; what others wrote since is kept.
 */
#ifndef RMT_CF_TEXT_H
#define RMT_CF_TEXT_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

enum rmt_cf_kind { RMT_CF_MAIN, RMT_CF_MASTER };

/* False, and out as it was, where an entry of ours was edited since or is there
 * twice: the sentence names it. */
bool rmt_cf_revert(enum rmt_cf_kind kind, struct rmt_span before, struct rmt_span after,
		   struct rmt_span current, GString *out, GError **err);

/* Keys that after has and before has not. Own: g_ptr_array_unref. */
GPtrArray *rmt_cf_added(enum rmt_cf_kind kind, struct rmt_span before,
			struct rmt_span after);

/* The key of the first entry that holds the text; NULL: none. Own: g_free. */
char *rmt_cf_user_of(enum rmt_cf_kind kind, struct rmt_span text, const char *needle);

#endif
