/* SPDX-License-Identifier: MIT */
/* followed.h - a sealer that sees a new key ring by itself, for long-lived programs.
 *
 * A ring is replaced by renaming (rmt_keys_write()); whoever asks looks at most once
 * a second whether the file is another one.
 */
#ifndef RMT_FOLLOWED_H
#define RMT_FOLLOWED_H

#include "common/token/token.h"

/* Of one thread. path is copied; nothing is read yet. */
struct rmt_followed;
struct rmt_followed *rmt_followed_new(const char *path, enum rmt_purpose purpose);
void rmt_followed_free(struct rmt_followed *followed);

/* The sealer as the file is now; foreign, good until the next call. NULL: there has
 * been no readable ring yet. A ring that cannot be read any more is logged once, and
 * the one before stays. err may be NULL. */
struct rmt_sealer *rmt_followed_get(struct rmt_followed *followed, int64_t now,
				    GError **err);

/* The same, looking now: for a token whose key is not known. */
struct rmt_sealer *rmt_followed_again(struct rmt_followed *followed, int64_t now);

#endif
