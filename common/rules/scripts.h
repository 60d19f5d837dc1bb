/* SPDX-License-Identifier: MIT */
/* scripts.h - labels that mix alphabets to look like another (UTS #39, 5.2). */
#ifndef RMT_SCRIPTS_H
#define RMT_SCRIPTS_H

#include <stdbool.h>

#include "common/base/span.h"

/* Whether every label of the UTF-8 text is "highly restrictive": one script, or
 * Latin with the scripts of Japanese, Korean or Bopomofo. Characters of no script
 * (digits, hyphen, combining marks) fit anywhere. Script extensions are not looked
 * at, nor whole labels that look like another one. Text that is no UTF-8: false. */
bool rmt_scripts_ok(struct rmt_span text);

#endif
