/* SPDX-License-Identifier: MIT */
/* setup_apply.h - carries a plan out on Postfix's files, and takes it back.
 *
 * Before the first edit, main.cf, master.cf and our tables are copied into
 * DIR/remite-backup-YYYYMMDDTHHMMSSZ (0700); afterwards, as NAME.after, so that
 * taking back knows our edits from those of others. Postfix is never reloaded.
 */
#ifndef RMT_SETUP_APPLY_H
#define RMT_SETUP_APPLY_H

#include "common/cli/setup_plan.h"

/* True where files on disk are as the plan has them and there is nothing to edit. */
bool rmt_setup_is_done(const struct rmt_setup_plan *plan, const struct rmt_postfix *pf);

/* Edits by postconf(1), then asks 'postfix check' and makes the plan again, which
 * must be empty. On failure everything is as before. *backup_r: own; where the
 * copies are. now: Unix seconds, for the name. */
bool rmt_setup_apply(const struct rmt_setup_plan *plan, const struct rmt_config *config,
		     const struct rmt_postfix *pf, gint64 now, char **backup_r,
		     GError **err);

/* Takes back every apply that was not yet taken back, newest first; all or nothing.
 * Edits of others stay; where that cannot be, the sentence says which entry is in
 * the way. *count_r: how many; 0 is no failure. */
bool rmt_setup_revert(const char *dir, unsigned *count_r, GError **err);

#endif
