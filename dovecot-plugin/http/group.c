/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/http/group.h"

#include <jansson.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/when.h"
#include "common/store/audit.h"
#include "common/store/jobs.h"
#include "common/store/suppress_deal.h"

enum { COMMIT_MAX = 512, WEBHOOK_DAYS = 3, DAY = 86400 };

struct waiting {
	struct rmt_suppression *entry; /* own */
	char *stream, *by, *lists;     /* own */
	bool take_back, webhook;
	rmt_group_answered *answered;
	void *context;
};

struct rmt_group {
	struct rmt_store *store; /* foreign */
	GPtrArray *waiting;      /* own; struct waiting */
};

static void free_waiting(void *data)
{
	struct waiting *one = data;

	rmt_suppression_free(one->entry);
	g_free(one->stream);
	g_free(one->by);
	g_free(one->lists);
	g_free(one);
}

struct rmt_group *rmt_group_new(struct rmt_store *store)
{
	struct rmt_group *group = g_new0(struct rmt_group, 1);

	group->store = store;
	group->waiting = g_ptr_array_new_with_free_func(free_waiting);
	return group;
}

static void answer(GPtrArray *answered, bool ok)
{
	guint i;

	for (i = 0; i < answered->len; i++) {
		struct waiting *one = answered->pdata[i];

		one->answered(one->context, ok);
	}
}

void rmt_group_free(struct rmt_group *group)
{
	if (group == NULL)
		return;
	answer(group->waiting, false);
	g_ptr_array_unref(group->waiting);
	g_free(group);
}

void rmt_group_add(struct rmt_group *group, const struct rmt_wish *wish,
		   rmt_group_answered *answered, void *context)
{
	struct waiting *one = g_new0(struct waiting, 1);

	one->entry = g_memdup2(&wish->entry, sizeof(wish->entry));
	one->entry->scope = g_strdup(wish->entry.scope);
	one->entry->address = g_strdup(wish->entry.address);
	one->entry->reason = g_strdup(wish->entry.reason);
	one->entry->source = g_strdup(wish->entry.source);
	one->entry->note = g_strdup(wish->entry.note);
	one->stream = g_strdup(wish->stream);
	one->by = g_strdup(wish->by);
	one->lists = g_strdup(wish->lists);
	one->take_back = wish->take_back;
	one->webhook = wish->webhook;
	one->answered = answered;
	one->context = context;
	g_ptr_array_add(group->waiting, one);
}

bool rmt_group_waits(const struct rmt_group *group)
{
	return group->waiting->len > 0;
}

/* --- what is written -------------------------------------------------------------- */

static const char *event_of(const struct waiting *one)
{
	return one->take_back ? "resubscribed" : "unsubscribed";
}

static char *payload_of(const struct waiting *one)
{
	char when[RMT_WHEN_SIZE];
	g_auto(GStrv) ids = g_strsplit(one->lists, " ", -1);
	json_t *lists = json_array(), *root;
	char *text, *copy;
	size_t i;

	for (i = 0; ids[i] != NULL; i++)
		if (*ids[i] != '\0')
			json_array_append_new(lists, json_string(ids[i]));
	root = json_pack("{s:s,s:s,s:s,s:s,s:o,s:s}", "event", event_of(one), "stream",
			 one->stream, "address", one->entry->address, "scope",
			 one->entry->scope, "lists", lists, "at",
			 rmt_when_format(one->entry->since, when));
	text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
	copy = g_strdup(text != NULL ? text : "{}");
	free(text);
	json_decref(root);
	return copy;
}

/* Said twice before it was told, it is told once: the id is what it is about. */
static void put_webhook(struct rmt_deal *deal, const struct waiting *one)
{
	g_autofree char *payload = payload_of(one);
	g_autofree char *key = g_strdup_printf("%s %s %s %s", event_of(one), one->stream,
					       one->entry->scope, one->entry->address);
	g_autofree char *id = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
	const struct rmt_job job = {
		.kind = (char *)"webhook",
		.id = id,
		.since = one->entry->since,
		.next = one->entry->since,
		.until = one->entry->since + WEBHOOK_DAYS * DAY,
		.payload = rmt_span_of(payload),
	};

	rmt_deal_put_job(deal, &job);
}

static void put_audit(struct rmt_deal *deal, const struct waiting *one)
{
	const struct rmt_audit line = {
		.at_us = g_get_real_time(),
		.event = (char *)event_of(one),
		.user = one->entry->address,
		.target = one->stream,
		.rule = (char *)"unsubscribe",
		.by = one->by,
		.note = one->lists,
	};

	rmt_deal_put_audit(deal, &line);
}

static struct rmt_deal *make_deal(GPtrArray *batch)
{
	struct rmt_deal *deal = rmt_deal_new();
	struct rmt_suppress_deal parts;
	guint i;

	rmt_suppress_deal_begin(&parts, deal);
	for (i = 0; i < batch->len; i++) {
		const struct waiting *one = batch->pdata[i];

		if (one->take_back)
			rmt_suppress_deal_retract(&parts, one->entry->scope,
						  one->entry->address,
						  one->entry->reason);
		else
			rmt_suppress_deal_put(&parts, one->entry);
		put_audit(deal, one);
		if (one->webhook)
			put_webhook(deal, one);
	}
	rmt_suppress_deal_end(&parts);
	return deal;
}

static void log_one(const struct waiting *one)
{
	g_autoptr(GString) line = g_string_new(event_of(one));

	g_string_append_printf(line, " stream=%s scope=%s by=%s address=<", one->stream,
			       one->entry->scope, one->by);
	rmt_log_printable(line, rmt_span_of(one->entry->address), 256);
	g_string_append_c(line, '>');
	if (*one->lists != '\0') {
		g_string_append(line, " lists=\"");
		rmt_log_printable(line, rmt_span_of(one->lists), 256);
		g_string_append_c(line, '"');
	}
	rmt_log(RMT_LOG_INFO, "%s", line->str);
}

/* Those that came first; the others wait for the next commit. */
static GPtrArray *take_batch(struct rmt_group *group)
{
	GPtrArray *batch = g_ptr_array_new_with_free_func(free_waiting);
	const guint count = MIN(group->waiting->len, (guint)COMMIT_MAX);
	guint i;

	for (i = 0; i < count; i++)
		g_ptr_array_add(batch, group->waiting->pdata[i]);
	g_ptr_array_set_free_func(group->waiting, NULL);
	if (count > 0)
		g_ptr_array_remove_range(group->waiting, 0, count);
	g_ptr_array_set_free_func(group->waiting, free_waiting);
	return batch;
}

void rmt_group_commit(struct rmt_group *group)
{
	g_autoptr(GPtrArray) batch = take_batch(group);
	g_autoptr(rmt_deal) deal = NULL;
	g_autoptr(GError) err = NULL;
	bool ok;
	guint i;

	if (batch->len == 0)
		return;
	deal = make_deal(batch);
	ok = rmt_deal_commit(group->store, deal, NULL, &err);
	if (!ok)
		rmt_log(RMT_LOG_ERROR, "%u unsubscribes could not be kept: %s",
			batch->len, err->message);
	answer(batch, ok);
	for (i = 0; ok && i < batch->len; i++)
		log_one(batch->pdata[i]);
}
