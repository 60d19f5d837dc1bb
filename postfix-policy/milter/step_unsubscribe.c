/* SPDX-License-Identifier: MIT */
/* step_unsubscribe.c - the fields of RFC 8058 in front of the signer: for streams
 * whose `unsubscribe.add` is "milter", for mail of sendmail(1), which policyd has not
 * seen, and wherever an application brings fields of its own. Never two. */
#include <string.h>

#include "common/base/log.h"
#include "common/token/followed.h"
#include "common/token/unsub.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

#define FIELD      "List-Unsubscribe"
#define POST_FIELD "List-Unsubscribe-Post"

/* One of all connections. */
struct links {
	GMutex lock;
	char *path;                    /* own; under lock, as all below */
	struct rmt_followed *followed; /* own */
};

static bool open_links(struct rmt_milter *milter, void **state_r, GError **err)
{
	struct links *links = g_new0(struct links, 1);

	(void)milter, (void)err;
	g_mutex_init(&links->lock);
	*state_r = links;
	return true;
}

/* Under lock. */
static struct rmt_sealer *sealer_of(struct links *links,
				    const struct rmt_milter_message *message,
				    GError **err)
{
	if (g_strcmp0(links->path, message->config->keys) != 0) {
		rmt_followed_free(links->followed);
		g_free(links->path);
		links->path = g_strdup(message->config->keys);
		links->followed = rmt_followed_new(links->path, RMT_PURPOSE_UNSUBSCRIBE);
	}
	return rmt_followed_get(links->followed, message->now, err);
}

static bool make_token(struct links *links, const struct rmt_milter_message *message,
		       GString *token, GError **err)
{
	struct rmt_unsub unsub = {
		.stream = rmt_span_of(message->stream->name),
		.recipient = rmt_span_of(message->recipients->pdata[0]),
	};
	struct rmt_sealer *sealer;
	bool ok;

	rmt_unsub_set_lists(&unsub, message->stream->unsubscribe.lists);
	g_mutex_lock(&links->lock);
	sealer = sealer_of(links, message, err);
	ok = sealer != NULL && rmt_unsub_token_make(sealer, &unsub, token, err);
	g_mutex_unlock(&links->lock);
	return ok;
}

/* --- what is there ---------------------------------------------------------------- */

static bool holds(struct rmt_span value, const char *scheme, const char *text)
{
	g_autofree char *whole = g_strndup(value.p, value.len);
	g_autofree char *wanted = g_strconcat("<", scheme, text, NULL);

	return text != NULL && strstr(whole, wanted) != NULL;
}

/* A link of ours begins as the settings say; what is in its token does not matter:
 * only who may write to the stream can have put it there. */
static bool is_ours(const struct rmt_unsubscribe *settings, struct rmt_span value)
{
	return holds(value, "", settings->https) ||
	       holds(value, "mailto:", settings->mailto);
}

struct found {
	int count;       /* fields of the name */
	int keep;        /* the one that stays, from 1; 0: none */
	bool keeps_ours; /* it is one of ours */
	bool keeps_link; /* it has an https link */
};

/* Which field stays: of the application's the first, or of ours the first. */
static struct found look(const struct rmt_milter_message *message)
{
	const struct rmt_unsubscribe *settings = &message->stream->unsubscribe;
	struct rmt_header_field field;
	struct found found = { 0 };
	int ours = 0, other = 0;

	while (rmt_message_field(message, FIELD, found.count + 1, &field)) {
		found.count++;
		if (is_ours(settings, field.value))
			ours = ours > 0 ? ours : found.count;
		else
			other = other > 0 ? other : found.count;
	}
	found.keep = settings->own == RMT_OWN_KEEP && other > 0 ? other : ours;
	found.keeps_ours = found.keep > 0 && found.keep == ours;
	found.keeps_link = found.keep > 0 &&
			   rmt_message_field(message, FIELD, found.keep, &field) &&
			   holds(field.value, "https://", "");
	return found;
}

static int count_fields(const struct rmt_milter_message *message, const char *name)
{
	struct rmt_header_field field;
	int count = 0;

	while (rmt_message_field(message, name, count + 1, &field))
		count++;
	return count;
}

/* From the last on: Postfix counts what is still there. */
static void remove_but(struct rmt_milter_message *message, const char *name, int count,
		       int keep)
{
	for (; count > 0; count--)
		if (count != keep)
			rmt_message_change_field(message, name, count, NULL);
}

/* --- what is done ----------------------------------------------------------------- */

/* One field with the one value it can have, or none. */
static void set_post(struct rmt_milter_message *message, bool wanted)
{
	int count = count_fields(message, POST_FIELD), keep = wanted && count > 0;
	struct rmt_header_field field;

	remove_but(message, POST_FIELD, count, keep);
	if (!wanted)
		return;
	if (keep == 0)
		rmt_message_add_field(message, POST_FIELD, RMT_UNSUB_POST_VALUE);
	else if (rmt_message_field(message, POST_FIELD, 1, &field) &&
		 !rmt_span_eq(rmt_span_trim(field.value), RMT_SPAN(RMT_UNSUB_POST_VALUE)))
		rmt_message_change_field(message, POST_FIELD, 1, RMT_UNSUB_POST_VALUE);
}

/* "<https://...>,\n\t<mailto:...>" */
static void append_links(const struct rmt_milter_message *message, const GString *token,
			 GString *out)
{
	const struct rmt_unsubscribe *settings = &message->stream->unsubscribe;

	rmt_unsub_header(rmt_span_of(settings->https), rmt_span_of(settings->mailto),
			 rmt_span(token->str, token->len), out);
	g_string_replace(out, ">, <", ">,\n\t<", 1);
}

static void add_for_one(struct rmt_milter_message *message, struct links *links)
{
	g_autoptr(GString) token = g_string_new(NULL);
	g_autoptr(GString) value = g_string_new(NULL);
	g_autoptr(GError) err = NULL;

	if (!make_token(links, message, token, &err)) {
		rmt_log(RMT_LOG_ERROR,
			"stream '%s' goes out without an unsubscribe link: "
			"%s",
			message->stream->name, err->message);
		return;
	}
	append_links(message, token, value);
	rmt_message_add_field(message, FIELD, value->str);
	set_post(message, message->stream->unsubscribe.https != NULL);
}

static void add_for_several(struct rmt_milter_message *message)
{
	const struct rmt_unsubscribe *settings = &message->stream->unsubscribe;
	g_autofree char *value = NULL;

	set_post(message, false);
	if (settings->several == RMT_SEVERAL_REJECT) {
		rmt_message_find(
			message, RMT_LEVEL_REJECT, "several-recipients", "7.1",
			"mail of stream %s must be sent to each recipient "
			"apart, so that each gets an unsubscribe link of its own",
			message->stream->name);
		return;
	}
	value = g_strdup_printf("<mailto:%s?subject=unsubscribe>", settings->mailto);
	rmt_message_add_field(message, FIELD, value);
}

static void add(struct rmt_milter_message *message, struct links *links)
{
	if (message->recipient_count == 1 && message->recipients->len == 1)
		add_for_one(message, links);
	else
		add_for_several(message);
}

static void run(struct rmt_milter_message *message, void *state)
{
	const struct rmt_stream *stream = message->stream;
	struct found found;

	if (stream == NULL || !rmt_has_unsubscribe(stream) ||
	    stream->unsubscribe.add == RMT_UNSUBSCRIBE_BY_NOBODY ||
	    message->recipient_count == 0)
		return;
	found = look(message);
	remove_but(message, FIELD, found.count, found.keep);
	if (found.keeps_ours)
		set_post(message, found.keeps_link);
	else if (found.keep > 0)
		remove_but(message, POST_FIELD, count_fields(message, POST_FIELD), 1);
	else if (found.count > 0 || message->local ||
		 stream->unsubscribe.add == RMT_UNSUBSCRIBE_BY_MILTER)
		add(message, state);
}

const struct rmt_step rmt_step_unsubscribe = {
	.name = "unsubscribe",
	.places = 1 << RMT_PLACE_BEFORE,
	.open = open_links,
	.run = run,
};
