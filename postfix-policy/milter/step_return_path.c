/* SPDX-License-Identifier: MIT */
/* step_return_path.c - the envelope sender that says which message came back, and
 * the row that remembers it: mail of streams that have a setting return_path.
 *
 * The sender is not signed, so this stands behind the signer; and in front of the steps
 * that judge, since SPF is asked about the sender that leaves. A message for one
 * recipient gets a return path for him alone; one for several (and any where Postfix
 * appends the recipients, XVERP) a return path of the message.
 *
 * Without keys, or where the records cannot be written, mail goes on as it came.
 */
#include <ctype.h>
#include <string.h>

#include "common/base/log.h"
#include "common/feedback/provider.h"
#include "common/feedback/rates.h"
#include "common/feedback/mailed.h"
#include "common/message/header.h"
#include "common/token/keys.h"
#include "common/token/verp.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/records.h"
#include "postfix-policy/milter/step.h"

enum { RING_AGE_US = 60 * G_USEC_PER_SEC };

struct state {
	struct rmt_milter *milter;
	GMutex lock;
	struct rmt_verp_ring *ring; /* own; under lock; or NULL */
	int64_t read_us;            /* when it was read; under lock */
};

static bool opens(struct rmt_milter *milter, void **state_r, GError **err)
{
	struct state *state = g_new0(struct state, 1);

	(void)err;
	g_mutex_init(&state->lock);
	state->milter = milter;
	*state_r = state;
	return true;
}

static bool has_own(const struct rmt_milter_message *message)
{
	const struct rmt_return_setting *path = &message->stream->return_path;

	return path->address != NULL && !path->keep && message->sender[0] != '\0' &&
	       message->recipient_count > 0;
}

/* --- making ------------------------------------------------------------------------ */

/* Keys are rotated while we run. */
static void renew_ring(struct state *state, const char *path, int64_t now)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(rmt_keys) keys = NULL;

	if (g_get_monotonic_time() - state->read_us < RING_AGE_US && state->read_us != 0)
		return;
	state->read_us = g_get_monotonic_time();
	keys = rmt_keys_read(path, &err);
	if (keys == NULL) {
		rmt_log(RMT_LOG_ERROR, "return paths are not made: %s", err->message);
		return;
	}
	rmt_verp_ring_free(state->ring);
	state->ring = rmt_verp_ring_new();
	rmt_verp_ring_take(state->ring, keys, now);
}

static bool make_with_ring(struct state *state, const struct rmt_milter_message *message,
			   const struct rmt_verp_form *form, const struct rmt_span *ids,
			   struct rmt_span recipient, struct rmt_verp_made *made,
			   GError **err)
{
	bool ok = false;

	g_mutex_lock(&state->lock);
	renew_ring(state, message->config->keys, message->now);
	if (state->ring != NULL)
		ok = rmt_verp_make(state->ring, form, ids, recipient, message->now, made,
				   err);
	else
		g_set_error_literal(err, g_quark_from_static_string("remite-return"), 0,
				    "there are no keys");
	g_mutex_unlock(&state->lock);
	return ok;
}

static void strip_angles(const struct rmt_milter_message *message, const char *name,
			 GString *out)
{
	struct rmt_header_field field;
	struct rmt_span value;

	g_string_truncate(out, 0);
	if (!rmt_message_field(message, name, 1, &field))
		return;
	value = rmt_span_trim(field.value);
	if (value.len > 2 && value.p[0] == '<' && value.p[value.len - 1] == '>')
		value = rmt_span(value.p + 1, value.len - 2);
	g_string_append_len(out, value.p, (gssize)MIN(value.len, 998));
}

/* "Weekly news <weekly.news.example.com>" -> "weekly"; "none" without a list. */
static void list_id(const struct rmt_milter_message *message,
		    char out[RMT_VERP_ID_MAX + 1])
{
	struct rmt_header_field field;
	const char *p = NULL, *end;
	size_t n = 0;

	if (rmt_message_field(message, "List-Id", 1, &field))
		p = memrchr(field.value.p, '<', field.value.len);
	end = p != NULL ? field.value.p + field.value.len : NULL;
	for (p = p != NULL ? p + 1 : NULL; p != end && n < RMT_VERP_ID_MAX; p++) {
		char c = g_ascii_tolower(*p);

		if (!g_ascii_isalnum(c) && c != '-' && c != '_')
			break;
		out[n++] = c;
	}
	out[n] = '\0';
	if (n == 0)
		g_strlcpy(out, "none", RMT_VERP_ID_MAX + 1);
}

struct kept {
	struct rmt_mailed *sent; /* own */
	char *recipient;         /* own; folded; of a single one */
};

static void free_kept(struct kept *kept)
{
	rmt_mailed_free(kept->sent);
	g_free(kept->recipient);
	g_free(kept);
}

static struct kept *new_kept(const struct rmt_milter_message *message)
{
	struct kept *kept = g_new0(struct kept, 1);
	g_autoptr(GString) id = g_string_new(NULL);
	char list[RMT_VERP_ID_MAX + 1];
	struct rmt_addr folded;
	uint64_t hash;
	guint i;

	strip_angles(message, "Message-ID", id);
	list_id(message, list);
	kept->sent = rmt_mailed_new();
	kept->sent->at = message->now;
	kept->sent->stream = g_strdup(message->stream->name);
	kept->sent->list = g_strdup(list);
	kept->sent->message_id = g_strdup(id->str);
	kept->sent->queue_id = g_strdup(message->queue_id);
	kept->sent->sender = g_strdup(message->sender);
	rmt_mailed_key(message->queue_id, id->str, message->now, kept->sent->key);
	for (i = 0; i < message->recipients->len; i++) {
		rmt_addr_fold(message->config->fold,
			      rmt_span_of(message->recipients->pdata[i]), &folded);
		hash = rmt_mailed_hash(folded.whole);
		g_array_append_val(kept->sent->recipients, hash);
		if (message->recipients->len == 1)
			kept->recipient = g_strndup(folded.whole.p, folded.whole.len);
	}
	return kept;
}

static unsigned fill_ids(const struct rmt_return_setting *path, const struct kept *kept,
			 struct rmt_span ids[RMT_VERP_IDS_MAX])
{
	ids[0] = rmt_span_of(path->id);
	if (path->ids == 3)
		ids[1] = rmt_span_of(kept->sent->list);
	if (path->ids >= 2)
		ids[path->ids - 1] = rmt_span_of(kept->sent->key);
	return path->ids;
}

static bool make(struct state *state, struct rmt_milter_message *message,
		 const struct kept *kept, struct rmt_verp_made *made, GError **err)
{
	const struct rmt_return_setting *path = &message->stream->return_path;
	struct rmt_span ids[RMT_VERP_IDS_MAX];
	struct rmt_verp_form form;
	bool single = message->recipient_count == 1 && !path->xverp;

	return rmt_verp_form(rmt_span_of(path->address), fill_ids(path, kept, ids), &form,
			     err) &&
	       make_with_ring(state, message, &form, ids,
			      rmt_span_of(single ? kept->recipient : NULL), made, err);
}

static void run(struct rmt_milter_message *message, void *data)
{
	g_autofree struct rmt_verp_made *made = g_new0(struct rmt_verp_made, 1);
	g_autofree char *arguments = NULL;
	g_autoptr(GError) err = NULL;
	struct kept *kept;

	if (!has_own(message))
		return;
	kept = new_kept(message);
	if (!make(data, message, kept, made, &err)) {
		rmt_message_note(message, "return_path", "none (%s)", err->message);
		free_kept(kept);
		return;
	}
	arguments = g_strdup_printf("RET=HDRS ENVID=%s.%s",
				    message->stream->return_path.id, kept->sent->key);
	rmt_message_set_sender(message, made->address, arguments);
	rmt_message_note(message, "message", "%s", kept->sent->key);
	free_kept(kept);
}

/* --- remembering ------------------------------------------------------------------- */

static struct rmt_rates_change *change_for(GArray *changes, const char *stream,
					   const char *provider, int64_t now)
{
	struct rmt_rates_change key, *change;
	guint i;

	rmt_rates_change(&key, stream, provider, now);
	for (i = 0; i < changes->len; i++) {
		change = &g_array_index(changes, struct rmt_rates_change, i);
		if (change->key_len == key.key_len &&
		    memcmp(change->key, key.key, key.key_len) == 0)
			return change;
	}
	g_array_append_val(changes, key);
	return &g_array_index(changes, struct rmt_rates_change, changes->len - 1);
}

/* One row a provider; there are few. */
static GArray *count_recipients(const struct rmt_milter_message *message)
{
	GArray *changes = g_array_new(FALSE, TRUE, sizeof(struct rmt_rates_change));
	struct rmt_rates_change *change;
	char domain[RMT_DOMAIN_MAX + 1];
	const char *at;
	guint i;

	for (i = 0; i < message->recipients->len; i++) {
		at = strrchr(message->recipients->pdata[i], '@');
		rmt_domain_fold(rmt_span_of(at != NULL ? at + 1 : ""), domain);
		change = change_for(changes, message->stream->name,
				    rmt_feedback_provider(rmt_span_of(domain)),
				    message->now);
		change->delta[RMT_RATE_SENT]++;
		change->delta[RMT_RATE_ARMED_SENT]++;
	}
	return changes;
}

/* "...+h+<token>@...": true where it is the short form. */
static bool take_token(const char *sender, char token[RMT_VERP_TOKEN + 1])
{
	const char *mark = strstr(sender, "+h+");

	if (mark == NULL || strcspn(mark + 3, "@") != RMT_VERP_TOKEN)
		return false;
	g_strlcpy(token, mark + 3, RMT_VERP_TOKEN + 1);
	return true;
}

static bool remember(struct rmt_store *store, const struct rmt_milter_message *message,
		     const struct kept *kept, const char *sender, GError **err)
{
	GArray *counts = count_recipients(message);
	GArray *changes = g_array_new(FALSE, TRUE, sizeof(struct rmt_store_change));
	char token[RMT_VERP_TOKEN + 1];
	struct rmt_mailed_short one = { token, rmt_span_of(kept->recipient) };
	bool is_short = kept->recipient != NULL && take_token(sender, token), ok;
	guint i;

	for (i = 0; i < counts->len; i++) {
		struct rmt_store_change change = rmt_rates_store_change(
			&g_array_index(counts, struct rmt_rates_change, i));

		g_array_append_val(changes, change);
	}
	ok = rmt_mailed_put(store, kept->sent, &one, is_short, (void *)changes->data,
			    changes->len, err);
	g_array_unref(changes);
	g_array_unref(counts);
	return ok;
}

static void settled(struct rmt_milter_message *message, void *data)
{
	const char *sender = rmt_message_leaves_from(message);
	struct state *state = data;
	g_autoptr(GError) err = NULL;
	struct rmt_store *store;
	struct kept *kept;

	if (sender == message->sender || !has_own(message) ||
	    !rmt_message_passes(message))
		return;
	kept = new_kept(message);
	store = rmt_milter_records(state->milter, &err);
	if (store == NULL || !remember(store, message, kept, sender, &err))
		rmt_log(RMT_LOG_ERROR,
			"%s: what it is for was not written down, its bounces will be a "
			"stranger's: %s",
			message->queue_id, err->message);
	free_kept(kept);
}

const struct rmt_step rmt_step_return_path = {
	.name = "return path",
	.places = 1 << RMT_PLACE_AFTER,
	.open = opens,
	.run = run,
	.settled = settled,
};
