/* SPDX-License-Identifier: MIT */
/* similar.h - "did you mean": what somebody may have wanted to write. */
#ifndef RMT_SIMILAR_H
#define RMT_SIMILAR_H

/* The candidate (NULL-terminated list; foreign) nearest to name, with letters
 * left out, added, changed or swapped; NULL: none is near enough. */
const char *rmt_similar(const char *name, const char *const *candidates);

#endif
