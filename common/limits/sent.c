/* SPDX-License-Identifier: MIT */
#include "common/limits/sent.h"

struct rmt_sent {
	GHashTable *by_queue; /* foreign struct rmt_sent_message, by its first field */
	GQueue order;         /* their links, oldest first */
	size_t room;          /* of all */
	int64_t keep_ns;
};

struct rmt_sent *rmt_sent_new(int64_t keep_ns)
{
	struct rmt_sent *sent = g_new0(struct rmt_sent, 1);

	sent->by_queue = g_hash_table_new(g_int64_hash, g_int64_equal);
	sent->keep_ns = keep_ns;
	g_queue_init(&sent->order);
	return sent;
}

void rmt_sent_forget(struct rmt_sent *sent, struct rmt_sent_message *message)
{
	g_hash_table_remove(sent->by_queue, &message->queue);
	g_queue_unlink(&sent->order, &message->link);
	sent->room -= message->room;
	g_free(message);
}

static struct rmt_sent_message *oldest(const struct rmt_sent *sent)
{
	return sent->order.head != NULL ? sent->order.head->data : NULL;
}

void rmt_sent_free(struct rmt_sent *sent)
{
	if (sent == NULL)
		return;
	while (oldest(sent) != NULL)
		rmt_sent_forget(sent, oldest(sent));
	g_hash_table_unref(sent->by_queue);
	g_free(sent);
}

static void make_room(struct rmt_sent *sent, size_t room, int64_t line_ns)
{
	struct rmt_sent_message *message;

	while ((message = oldest(sent)) != NULL &&
	       (line_ns - message->at_ns > sent->keep_ns ||
		sent->order.length >= RMT_SENT_MESSAGES_MAX ||
		sent->room + room > RMT_SENT_CHARGES_MAX))
		rmt_sent_forget(sent, message);
}

struct rmt_sent_message *rmt_sent_find(const struct rmt_sent *sent, uint64_t queue)
{
	return g_hash_table_lookup(sent->by_queue, &queue);
}

struct rmt_sent_message *rmt_sent_add(struct rmt_sent *sent, uint64_t queue,
				      const char *stream, size_t room, int64_t line_ns)
{
	struct rmt_sent_message *message = rmt_sent_find(sent, queue);

	if (message != NULL)
		rmt_sent_forget(sent, message);
	make_room(sent, room, line_ns);
	message = g_malloc(sizeof(*message) + room * sizeof(message->charges[0]));
	*message = (struct rmt_sent_message){
		.queue = queue, .at_ns = line_ns, .stream = stream, .room = room
	};
	message->link.data = message;
	sent->room += room;
	g_hash_table_insert(sent->by_queue, &message->queue, message);
	g_queue_push_tail_link(&sent->order, &message->link);
	return message;
}
