/* SPDX-License-Identifier: MIT */
/* The first octet chooses the kind, the lines are values, the last one is
 * looked up. What a list took, it has. */
#include <glib.h>
#include <stdint.h>

#include "common/config/list.h"
#include "common/message/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_has_it(const struct rmt_list *list, enum rmt_list_kind kind,
			 struct rmt_span value)
{
	char text[RMT_DOMAIN_MAX + 1];
	struct rmt_addr addr;

	if (memchr(value.p, '*', value.len) != NULL || value.p[0] == '.' ||
	    memchr(value.p, '/', value.len) != NULL)
		return;
	if (kind == RMT_LIST_ADDRESSES && !rmt_span_eq(value, RMT_SPAN("<>"))) {
		rmt_addr_fold(NULL, value, &addr);
		value = addr.whole;
	} else if (kind == RMT_LIST_DOMAINS) {
		value = rmt_domain_fold(value, text);
	}
	g_assert(rmt_list_has(list, value));
}

static void add_line(struct rmt_list *list, enum rmt_list_kind kind, struct rmt_span line)
{
	g_autoptr(GError) why = NULL;

	if (rmt_span_starts(line, RMT_SPAN("file:")))
		return;
	if (rmt_list_add(list, line, &why))
		check_has_it(list, kind, line);
	else
		g_assert(why != NULL && why->message[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum rmt_list_kind kind = size > 0 ? data[0] % (RMT_LIST_NETWORKS + 1) : 0;
	struct rmt_span rest = rmt_span((const char *)data, size), line;
	g_autoptr(rmt_list) list = rmt_list_new(kind);

	rest = rmt_span_from(rest, 1);
	while (rmt_span_split(rest, '\n', &line, &rest))
		add_line(list, kind, line);
	rmt_list_has(list, rest);
	return 0;
}
