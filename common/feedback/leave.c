/* SPDX-License-Identifier: MIT */
/* A mail to a stream's mailto address: our own token says who leaves what. */
#include "common/feedback/leave.h"

#include "common/feedback/mailed.h"
#include "common/feedback/provider.h"
#include "common/message/header.h"
#include "common/report/decode.h"

#include <xxhash.h>

enum { SUBJECT_MAX = 4096 }; /* octets; a token has up to 900 */

/* Mail programs make encoded words (RFC 2047) of a word as long as a token. Own. */
static char *subject_of(struct rmt_span message)
{
	struct rmt_header_reader reader = rmt_header_read(message);
	struct rmt_header_field field;
	GString *text = g_string_new(NULL);

	while (rmt_header_next(&reader, &field)) {
		if (!rmt_span_eq_nocase(field.name, RMT_SPAN("Subject")))
			continue;
		rmt_decode_words(
			text, rmt_span(field.value.p, MIN(field.value.len, SUBJECT_MAX)));
		break;
	}
	return g_string_free(text, FALSE);
}

/* Who leaves, comes back, and leaves again is told apart by the mail itself. */
static char *key_of(struct rmt_span message)
{
	char key[RMT_MAILED_KEY + 1];
	g_autofree char *hash =
		g_strdup_printf("%016" G_GINT64_MODIFIER "x",
				(guint64)XXH3_64bits(message.p, message.len));

	rmt_mailed_key(hash, "", 0, key);
	return g_strdup(key);
}

static struct rmt_event *event_of(const struct rmt_feedback *f,
				  const struct rmt_feedback_item *item,
				  const struct rmt_unsub *unsub, int64_t now)
{
	struct rmt_event *event = g_new0(struct rmt_event, 1);
	struct rmt_addr folded;

	rmt_addr_fold(f->config->fold, unsub->recipient, &folded);
	event->at = now;
	event->recipient = g_strndup(folded.whole.p, folded.whole.len);
	event->stream = g_strndup(unsub->stream.p, unsub->stream.len);
	event->provider = g_strdup(rmt_feedback_provider(folded.domain));
	event->message = key_of(item->message);
	event->message_id = g_strdup("");
	event->queue_id = g_strdup(item->queue_id);
	event->class = RMT_CLASS_UNSUBSCRIBE;
	event->proof = RMT_PROOF_TAG;
	event->status = g_strdup("");
	event->reply = g_strdup("");
	event->rule = g_strdup("token");
	event->evidence = g_strdup("a mail with the token of List-Unsubscribe");
	event->source = g_strdup(item->source);
	event->effect = g_strdup("");
	event->lists = rmt_unsub_lists_text(unsub);
	return event;
}

struct rmt_event *rmt_feedback_leave(struct rmt_feedback *feedback,
				     const struct rmt_feedback_item *item, int64_t now)
{
	const GPtrArray *streams = feedback->config->streams;
	g_autofree char *subject = NULL;
	g_autoptr(GString) buffer = g_string_new(NULL);
	struct rmt_unsub unsub;
	guint i;

	if (feedback->sealer == NULL)
		return NULL;
	subject = subject_of(item->message);
	for (i = 0; i < streams->len; i++) {
		const struct rmt_stream *stream = g_ptr_array_index(streams, i);
		struct rmt_span mailto = rmt_span_of(stream->unsubscribe.mailto);

		if (mailto.len == 0 || rmt_unsub_mail_open(feedback->sealer, mailto,
							   rmt_span_of(item->recipient),
							   rmt_span_of(subject), buffer,
							   &unsub) != RMT_TOKEN_OK)
			continue;
		return event_of(feedback, item, &unsub, now);
	}
	return NULL;
}
