/* SPDX-License-Identifier: MIT */
/* Any value: counts agree, texts hold no blank, and a list written from what was
 * read is read as the same. */
#include <glib.h>
#include <stdint.h>

#include "common/unsubscribe/list_unsubscribe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GString *write_list(const struct rmt_list_unsubscribe *list)
{
	GString *out = g_string_new(NULL);
	size_t i;

	for (i = 0; i < list->count; i++) {
		g_string_append(out, i > 0 ? ", <" : "<");
		g_string_append_len(out, list->uris[i].text.p,
				    (gssize)list->uris[i].text.len);
		g_string_append_c(out, '>');
	}
	return out;
}

static void check_same(const struct rmt_list_unsubscribe *list)
{
	g_autoptr(GString) text = write_list(list);
	struct rmt_list_unsubscribe again;
	size_t i;

	rmt_list_unsubscribe_read(rmt_span(text->str, text->len), &again);
	g_assert(again.count == list->count && !again.cut);
	for (i = 0; i < list->count; i++)
		g_assert(rmt_span_eq(again.uris[i].text, list->uris[i].text));
	rmt_list_unsubscribe_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_span value = rmt_span((const char *)data, size);
	g_autoptr(GString) id = g_string_new(NULL);
	struct rmt_list_unsubscribe list;
	size_t i, k;

	rmt_list_unsubscribe_read(value, &list);
	g_assert(list.count <= list.seen && list.count <= RMT_LIST_URIS_MAX);
	g_assert(list.https_count + list.http_count <= list.seen);
	for (i = 0; i < list.count; i++)
		for (k = 0; k < list.uris[i].text.len; k++)
			g_assert(strchr(" \t\r\n>", list.uris[i].text.p[k]) == NULL ||
				 list.uris[i].text.p[k] == '\0');
	g_assert(rmt_one_click_text(rmt_one_click_judge(&list, value)) != NULL);
	check_same(&list);
	rmt_list_unsubscribe_clear(&list);
	if (rmt_list_id_read(value, id))
		g_assert(id->len > 2 && id->len <= RMT_LIST_ID_MAX);
	return 0;
}
