/* SPDX-License-Identifier: MIT */
#include "common/store/wish.h"

#include <jansson.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/when.h"
#include "common/store/audit.h"
#include "common/store/jobs.h"

enum {
	WEBHOOK_DAYS = 3,
	DAY = 86400,
	LINE_LONG = 512, /* octets of a log line that is long enough */
};

char *rmt_wish_scope(const struct rmt_stream *stream, const char *name)
{
	if (stream != NULL && stream->unsubscribe.scope == RMT_SCOPE_ALL)
		return g_strdup("all");
	if (stream != NULL && stream->unsubscribe.scope == RMT_SCOPE_CLASS)
		return g_strdup_printf("class:%s", stream->class);
	return g_strdup_printf("stream:%s", name);
}

static const char *event_of(const struct rmt_wish *wish)
{
	return wish->take_back ? "resubscribed" : "unsubscribed";
}

/* --- the list software ------------------------------------------------------------ */

static bool is_listed(struct rmt_store *store, const struct rmt_suppression *wanted)
{
	g_autoptr(GPtrArray) entries = NULL;
	bool listed = false;
	guint i;

	if (!rmt_suppress_find(store, wanted->address, &entries, NULL))
		return false;
	for (i = 0; i < entries->len; i++) {
		const struct rmt_suppression *entry = entries->pdata[i];

		listed |= strcmp(entry->scope, wanted->scope) == 0 &&
			  strcmp(entry->reason, wanted->reason) == 0;
	}
	return listed;
}

bool rmt_wish_is_news(struct rmt_store *store, const struct rmt_stream *stream,
		      const struct rmt_wish *wish)
{
	return stream != NULL && stream->unsubscribe.webhook != NULL &&
	       is_listed(store, &wish->entry) == wish->take_back;
}

static char *payload_of(const struct rmt_wish *wish)
{
	char when[RMT_WHEN_SIZE];
	g_auto(GStrv) ids = g_strsplit(wish->lists, " ", -1);
	json_t *lists = json_array(), *root;
	char *text, *copy;
	size_t i;

	for (i = 0; ids[i] != NULL; i++)
		if (*ids[i] != '\0')
			json_array_append_new(lists, json_string(ids[i]));
	root = json_pack("{s:s,s:s,s:s,s:s,s:o,s:s}", "event", event_of(wish), "stream",
			 wish->stream, "address", wish->entry.address, "scope",
			 wish->entry.scope, "lists", lists, "at",
			 rmt_when_format(wish->entry.since, when));
	text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
	copy = g_strdup(text != NULL ? text : "{}");
	free(text);
	json_decref(root);
	return copy;
}

/* Said twice before it was told, it is told once: the id is what it is about. */
static void put_webhook(struct rmt_deal *deal, const struct rmt_wish *wish)
{
	g_autofree char *payload = payload_of(wish);
	g_autofree char *key =
		g_strdup_printf("%s %s %s %s", event_of(wish), wish->stream,
				wish->entry.scope, wish->entry.address);
	g_autofree char *id = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
	const struct rmt_job job = {
		.kind = (char *)"webhook",
		.id = id,
		.since = wish->entry.since,
		.next = wish->entry.since,
		.until = wish->entry.since + WEBHOOK_DAYS * DAY,
		.payload = rmt_span_of(payload),
	};

	rmt_deal_put_job(deal, &job);
}

/* --- the rest --------------------------------------------------------------------- */

static void put_audit(struct rmt_deal *deal, const struct rmt_wish *wish, int64_t now_us)
{
	const struct rmt_audit line = {
		.at_us = now_us,
		.event = (char *)event_of(wish),
		.user = wish->entry.address,
		.target = (char *)wish->stream,
		.rule = (char *)"unsubscribe",
		.by = (char *)wish->by,
		.note = (char *)wish->lists,
	};

	rmt_deal_put_audit(deal, &line);
}

const bool *rmt_wish_put(struct rmt_suppress_deal *parts, const struct rmt_wish *wish,
			 int64_t now_us)
{
	const bool *changed =
		wish->take_back ? rmt_suppress_deal_retract(parts, wish->entry.scope,
							    wish->entry.address,
							    wish->entry.reason)
				: rmt_suppress_deal_put(parts, &wish->entry);

	put_audit(parts->deal, wish, now_us);
	if (wish->webhook)
		put_webhook(parts->deal, wish);
	return changed;
}

static bool is_alike(const struct rmt_wish *a, const struct rmt_wish *b)
{
	return a->take_back == b->take_back && strcmp(a->stream, b->stream) == 0 &&
	       strcmp(a->entry.scope, b->entry.scope) == 0 && strcmp(a->by, b->by) == 0 &&
	       strcmp(a->lists, b->lists) == 0;
}

static void append_quoted(GString *line, const char *before, const char *text, char after)
{
	g_string_append(line, before);
	rmt_log_printable(line, rmt_span_of(text), 256);
	g_string_append_c(line, after);
}

/* Returns how many of them the line tells of. */
static size_t log_alike(const struct rmt_wish *const wishes[], size_t count)
{
	const struct rmt_wish *first = wishes[0];
	g_autoptr(GString) line = g_string_new(event_of(first));
	size_t i = 0;

	g_string_append_printf(line, " stream=%s scope=%s by=%s", first->stream,
			       first->entry.scope, first->by);
	do
		append_quoted(line, " address=<", wishes[i++]->entry.address, '>');
	while (i < count && line->len < LINE_LONG && is_alike(first, wishes[i]));
	if (*first->lists != '\0')
		append_quoted(line, " lists=\"", first->lists, '"');
	rmt_log(RMT_LOG_INFO, "%s", line->str);
	return i;
}

void rmt_wish_log(const struct rmt_wish *const wishes[], size_t count)
{
	size_t done = 0;

	while (done < count)
		done += log_alike(wishes + done, count - done);
}
