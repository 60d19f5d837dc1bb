/* SPDX-License-Identifier: MIT */
/* A folded address folds to itself, and its parts are where they should be. */
#include <glib.h>
#include <stdint.h>

#include "common/config/list.h"
#include "common/message/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rmt_fold *make_fold(void)
{
	struct rmt_fold *fold = rmt_fold_new();
	struct rmt_list *list = rmt_list_new(RMT_LIST_DOMAINS);

	g_assert(rmt_list_add(list, RMT_SPAN("x.example"), NULL));
	rmt_fold_add(fold, list, "+-", true);
	return fold;
}

static void check(const struct rmt_fold *fold, struct rmt_span input)
{
	struct rmt_addr once, twice;

	rmt_addr_fold(fold, input, &once);
	g_assert(once.whole.len <= RMT_ADDR_MAX && once.domain.len <= RMT_DOMAIN_MAX);
	g_assert(once.text[once.whole.len] == '\0' && once.whole.p == once.text);
	g_assert(once.whole.len ==
		 once.local.len + once.domain.len + (once.domain.len > 0 ? 1 : 0));
	rmt_addr_fold(fold, once.whole, &twice);
	if (fold == NULL && once.domain.len > 0)
		g_assert(rmt_span_eq(once.whole, twice.whole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that an over-read shows. */
	g_autofree char *copy = g_memdup2(data, size);
	struct rmt_fold *fold = make_fold();

	check(NULL, rmt_span(copy, size));
	check(fold, rmt_span(copy, size));
	rmt_fold_free(fold);
	return 0;
}
