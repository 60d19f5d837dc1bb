/* SPDX-License-Identifier: MIT */
/* large.h - memory in tens of megabytes, in large pages where the system has them.
 *
 * Touched for the first time page by page, such memory costs more than all that is
 * then done in it. */
#ifndef RMT_LARGE_H
#define RMT_LARGE_H

#include <stddef.h>

/* Zeroed, from the start of a page if it is large; never NULL. */
void *rmt_large_new(size_t size);
/* size: as it was asked for. Takes NULL. */
void rmt_large_free(void *memory, size_t size);

#endif
