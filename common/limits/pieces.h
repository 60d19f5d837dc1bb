/* SPDX-License-Identifier: MIT */
/* pieces.h - octets that are added one after another and read by where they are.
 *
 * They lie in pieces of large memory: what is there does not move, and growing touches
 * no page twice. */
#ifndef RMT_PIECES_H
#define RMT_PIECES_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

enum { RMT_PIECE = 4 << 20 };

struct rmt_pieces {
	GPtrArray *all; /* own; of RMT_PIECE octets */
	size_t used;    /* of the last one */
};

void rmt_pieces_init(struct rmt_pieces *pieces);
void rmt_pieces_finish(struct rmt_pieces *pieces); /* a zeroed one, too */

/* Room for len octets (RMT_PIECE at most) and, in place_r, where it is; NULL: what has
 * a place is full. */
char *rmt_pieces_add(struct rmt_pieces *pieces, size_t len, uint32_t *place_r);

/* What begins there; left_r: how many octets the piece has from there on. */
const char *rmt_pieces_at(const struct rmt_pieces *pieces, uint32_t place,
			  size_t *left_r);

#endif
