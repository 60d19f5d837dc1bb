/* SPDX-License-Identifier: MIT */
#include "common/limits/pieces.h"

#include <sys/mman.h>

#include "common/limits/large.h"

static void free_piece(gpointer piece)
{
	rmt_large_free(piece, RMT_PIECE);
}

void rmt_pieces_init(struct rmt_pieces *pieces)
{
	pieces->all = g_ptr_array_new_with_free_func(free_piece);
	pieces->used = 0;
}

void rmt_pieces_finish(struct rmt_pieces *pieces)
{
	g_clear_pointer(&pieces->all, g_ptr_array_unref);
}

/* Most never need a second one, and not two megabytes of the first. */
static void add_piece(struct rmt_pieces *pieces)
{
	char *piece = rmt_large_new(RMT_PIECE);

	if (pieces->all->len == 0)
		madvise(piece, RMT_PIECE, MADV_NOHUGEPAGE);
	g_ptr_array_add(pieces->all, piece);
}

char *rmt_pieces_add(struct rmt_pieces *pieces, size_t len, uint32_t *place_r)
{
	size_t used = pieces->used;

	g_assert(len <= RMT_PIECE);
	if (pieces->all->len == 0 || used + len > RMT_PIECE) {
		if (pieces->all->len == UINT32_MAX / RMT_PIECE)
			return NULL;
		add_piece(pieces);
		used = 0;
	}
	pieces->used = used + len;
	*place_r = (pieces->all->len - 1) * RMT_PIECE + (uint32_t)used;
	return (char *)pieces->all->pdata[pieces->all->len - 1] + used;
}

const char *rmt_pieces_at(const struct rmt_pieces *pieces, uint32_t place, size_t *left_r)
{
	*left_r = RMT_PIECE - place % RMT_PIECE;
	return (const char *)pieces->all->pdata[place / RMT_PIECE] + place % RMT_PIECE;
}
