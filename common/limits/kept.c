/* SPDX-License-Identifier: MIT */
#include "common/limits/kept.h"

#include <string.h>

enum { LAST_BITS = 4, LAST_SLACK = 100, TIDY_FROM = 256 << 10 };

struct head {
	uint64_t about;  /* 0: nothing that ends */
	uint64_t before; /* place + 1 of the record before about the same; 0: none */
	uint32_t len;
	uint32_t is_forgotten;
};

void rmt_kept_init(struct rmt_kept *kept, rmt_counters_ends *ends)
{
	*kept = (struct rmt_kept){ .ends = ends, .records = g_byte_array_new() };
	rmt_table_init(&kept->last, LAST_BITS, LAST_SLACK);
}

void rmt_kept_finish(struct rmt_kept *kept)
{
	g_byte_array_unref(kept->records);
	rmt_table_finish(&kept->last);
}

void rmt_kept_clear(struct rmt_kept *kept)
{
	g_byte_array_set_size(kept->records, 0);
	rmt_table_finish(&kept->last);
	rmt_table_init(&kept->last, LAST_BITS, LAST_SLACK);
	kept->forgotten = 0;
}

static struct head head_at(const struct rmt_kept *kept, size_t place)
{
	struct head head;

	memcpy(&head, kept->records->data + place, sizeof(head));
	return head;
}

static void forget(struct rmt_kept *kept, uint64_t about)
{
	struct rmt_slot *last = rmt_table_find(&kept->last, about);
	uint64_t place, before;

	for (place = last != NULL ? last->value : 0; place != 0; place = before) {
		struct head head = head_at(kept, place - 1);

		head.is_forgotten = 1;
		memcpy(kept->records->data + place - 1, &head, sizeof(head));
		kept->forgotten += sizeof(head) + head.len;
		before = head.before;
	}
	if (last != NULL)
		rmt_table_remove(&kept->last, last);
}

static void append(struct rmt_kept *kept, uint64_t about, const void *record, size_t len)
{
	struct head head = { .about = about, .len = (uint32_t)len };
	struct rmt_slot *last = about != 0 ? rmt_table_put(&kept->last, about, 0) : NULL;

	if (last != NULL) {
		head.before = last->value;
		last->value = kept->records->len + 1;
	}
	g_byte_array_append(kept->records, (const guint8 *)&head, sizeof(head));
	g_byte_array_append(kept->records, record, (guint)len);
}

/* What is left of them, in a new array. */
static void tidy(struct rmt_kept *kept)
{
	struct rmt_kept all = *kept;
	struct head head;
	size_t at;

	rmt_kept_init(kept, all.ends);
	for (at = 0; at < all.records->len; at += sizeof(head) + head.len) {
		head = head_at(&all, at);
		if (!head.is_forgotten)
			append(kept, head.about, all.records->data + at + sizeof(head),
			       head.len);
	}
	rmt_kept_finish(&all);
}

void rmt_kept_add(struct rmt_kept *kept, const void *record, size_t len)
{
	uint64_t about = 0;

	if (kept->ends != NULL && kept->ends(record, len, &about) && about != 0) {
		forget(kept, about);
		if (kept->forgotten > TIDY_FROM &&
		    kept->forgotten > kept->records->len / 2)
			tidy(kept);
		return;
	}
	append(kept, about, record, len);
}

void rmt_kept_each(const struct rmt_kept *kept,
		   void (*call)(void *context, const void *record, size_t len),
		   void *context)
{
	struct head head;
	size_t at;

	for (at = 0; at < kept->records->len; at += sizeof(head) + head.len) {
		head = head_at(kept, at);
		if (!head.is_forgotten)
			call(context, kept->records->data + at + sizeof(head), head.len);
	}
}
