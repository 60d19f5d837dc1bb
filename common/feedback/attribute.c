/* SPDX-License-Identifier: MIT */
#include "common/feedback/attribute.h"

#include "common/auth/authres.h"
#include "common/base/clock.h"
#include "common/message/header.h"
#include "common/report/text.h"

enum { CANDIDATES_MAX = 64, SCAN_MAX = 256 * 1024 };

void rmt_attribution_clear(struct rmt_attribution *who)
{
	g_free(who->message);
	g_free(who->recipient);
	rmt_mailed_free(who->sent);
	*who = (struct rmt_attribution){ .proof = RMT_PROOF_NONE };
}

/* --- return paths ------------------------------------------------------------------ */

static const struct rmt_stream *stream_of_id(const struct rmt_config *config,
					     const char *address, struct rmt_span id)
{
	const struct rmt_stream *stream;
	guint i;

	for (i = 0; i < config->streams->len; i++) {
		stream = g_ptr_array_index(config->streams, i);
		if (g_strcmp0(stream->return_path.address, address) == 0 &&
		    rmt_span_eq(id, rmt_span_of(stream->return_path.id)))
			return stream;
	}
	return NULL;
}

static void keep(struct rmt_attribution *who, const struct rmt_stream *stream,
		 const struct rmt_return_setting *path,
		 const struct rmt_verp_parts *parts)
{
	struct rmt_span message = { "", 0 };

	if (path->ids >= 2)
		message = parts->ids[path->ids - 1];
	who->stream = stream;
	g_free(who->message);
	who->message = g_strndup(message.p, message.len);
	g_free(who->recipient);
	who->recipient = g_strndup(parts->recipient.p != NULL ? parts->recipient.p : "",
				   parts->recipient.len);
	who->sent_at = parts->made;
}

static bool take_short(struct rmt_feedback *f, struct rmt_attribution *who,
		       const struct rmt_stream *stream,
		       const struct rmt_verp_parts *parts, GError **err)
{
	struct rmt_return ret;
	bool found;

	if (!rmt_return_get(f->store, parts->token, &found, &ret, err))
		return false;
	if (found && strcmp(ret.stream, stream->name) == 0) {
		who->proof = RMT_PROOF_TAG;
		who->stream = stream;
		g_free(who->message);
		who->message = g_steal_pointer(&ret.message);
		g_free(who->recipient);
		who->recipient = g_steal_pointer(&ret.recipient);
		who->sent_at = ret.at;
	}
	rmt_return_clear(&ret);
	return true;
}

static int rank(enum rmt_verp_result result)
{
	static const int ranks[] = {
		[RMT_VERP_FOREIGN] = 0, [RMT_VERP_FORGED] = 1,  [RMT_VERP_EXPIRED] = 2,
		[RMT_VERP_BARE] = 3,    [RMT_VERP_MESSAGE] = 4, [RMT_VERP_SHORT] = 5,
		[RMT_VERP_PROVEN] = 6
	};

	return ranks[result];
}

/* One address against one root. */
static bool try_path(struct rmt_feedback *f, struct rmt_attribution *who,
		     const struct rmt_stream *stream, struct rmt_span address,
		     int64_t now, enum rmt_verp_result *best, GError **err)
{
	const struct rmt_return_setting *path = &stream->return_path;
	g_autofree struct rmt_verp_parts *parts = g_new(struct rmt_verp_parts, 1);
	struct rmt_verp_form form;
	enum rmt_verp_result result;

	if (!rmt_verp_form(rmt_span_of(path->address), path->ids, &form, NULL))
		return true;
	result = rmt_verp_read(f->ring, &form, address, now,
			       (int64_t)(path->age_ns / RMT_NS_PER_SEC), parts);
	if (rank(result) <= rank(*best))
		return true;
	/* Ours, but of which stream? */
	if (result >= RMT_VERP_MESSAGE) {
		stream = stream_of_id(f->config, path->address, parts->ids[0]);
		if (stream == NULL)
			return true;
	}
	*best = result;
	if (result == RMT_VERP_SHORT)
		return take_short(f, who, stream, parts, err);
	if (result < RMT_VERP_MESSAGE)
		return true;
	keep(who, stream, path, parts);
	who->proof = result == RMT_VERP_PROVEN ? RMT_PROOF_TAG : RMT_PROOF_JOURNAL;
	return true;
}

static bool try_address(struct rmt_feedback *f, struct rmt_attribution *who,
			struct rmt_span address, int64_t now, enum rmt_verp_result *best,
			GError **err)
{
	const GPtrArray *streams = f->config->streams;
	guint i;

	for (i = 0; i < streams->len && *best != RMT_VERP_PROVEN; i++) {
		const struct rmt_stream *stream = g_ptr_array_index(streams, i);

		if (stream->return_path.address != NULL &&
		    !try_path(f, who, stream, address, now, best, err))
			return false;
	}
	return true;
}

static bool is_edge(char c)
{
	return g_ascii_isspace(c) || (c != '\0' && strchr("<>()[],;:\"", c) != NULL);
}

/* Words with an '@' that a '+' stands before: Return-Path of what is returned,
 * X-Postfix-Sender, Original-Mail-From, or wherever else a reporter keeps it. */
static bool scan(struct rmt_feedback *f, struct rmt_attribution *who,
		 struct rmt_span text, int64_t now, enum rmt_verp_result *best,
		 GError **err)
{
	unsigned tried = 0;
	size_t i, start, end;

	text.len = MIN(text.len, SCAN_MAX);
	for (i = 0; i < text.len && tried < CANDIDATES_MAX; i++) {
		if (text.p[i] != '@')
			continue;
		for (start = i;
		     start > 0 && i - start < 300 && !is_edge(text.p[start - 1]); start--)
			;
		for (end = i; end < text.len && end - i < 300 && !is_edge(text.p[end]);
		     end++)
			;
		if (memchr(text.p + start, '+', i - start) == NULL)
			continue;
		tried++;
		if (!try_address(f, who, rmt_span(text.p + start, end - start), now, best,
				 err))
			return false;
		if (*best == RMT_VERP_PROVEN)
			return true;
	}
	return true;
}

/* --- other traces ------------------------------------------------------------------ */

static void take_sent(struct rmt_feedback *f, struct rmt_attribution *who,
		      struct rmt_mailed *sent, enum rmt_proof proof)
{
	const struct rmt_stream *stream = rmt_config_stream(f->config, sent->stream);

	if (stream == NULL) {
		rmt_mailed_free(sent);
		return;
	}
	who->proof = proof;
	who->stream = stream;
	g_free(who->message);
	who->message = g_strdup(sent->key);
	who->sent_at = sent->at;
	rmt_mailed_free(who->sent);
	who->sent = sent;
}

/* "news.k3f9q2ab": what remite-milter writes into ENVID. */
static bool by_envelope_id(struct rmt_feedback *f, const struct rmt_report *report,
			   struct rmt_mailed **sent_r, GError **err)
{
	const char *dot =
		report->envelope_id != NULL ? strrchr(report->envelope_id, '.') : NULL;

	*sent_r = NULL;
	if (dot == NULL || strlen(dot + 1) != RMT_MAILED_KEY)
		return true;
	return rmt_mailed_get(f->store, dot + 1, sent_r, err);
}

static bool by_ids(struct rmt_feedback *f, struct rmt_attribution *who,
		   const struct rmt_report *report, enum rmt_proof proof, GError **err)
{
	struct rmt_mailed *sent;

	if (!by_envelope_id(f, report, &sent, err))
		return false;
	if (sent == NULL &&
	    !rmt_mailed_by_message_id(f->store, report->message_id, &sent, err))
		return false;
	if (sent != NULL)
		take_sent(f, who, sent, proof);
	return true;
}

static bool has_domain(struct rmt_span value, const char *domain)
{
	g_autofree char *d = g_strdup_printf("header.d=%s", domain);
	g_autofree char *i = g_strdup_printf("header.i=@%s", domain);
	gssize at = rmt_text_find(value, d);
	size_t behind;

	if (at >= 0) {
		behind = (size_t)at + strlen(d);
	} else {
		at = rmt_text_find(value, i);
		if (at < 0)
			return false;
		behind = (size_t)at + strlen(i);
	}
	return behind >= value.len || (!g_ascii_isalnum(value.p[behind]) &&
				       value.p[behind] != '.' && value.p[behind] != '-');
}

bool rmt_attribute_signed(const struct rmt_feedback_config *config,
			  struct rmt_span message)
{
	struct rmt_header_reader reader = rmt_header_read(message);
	struct rmt_header_field field;
	struct rmt_span result, rest;
	char **domain;

	if (config->authserv_id == NULL)
		return false;
	while (rmt_header_next(&reader, &field)) {
		if (!rmt_span_eq_nocase(field.name, RMT_SPAN(RMT_AUTHRES_FIELD)) ||
		    rmt_authres_owner(field.value, config->authserv_id) !=
			    RMT_AUTHRES_OURS)
			continue;
		/* The topmost is the one our server wrote; each result is for itself. */
		rest = field.value;
		while (rest.len > 0) {
			if (!rmt_span_split(rest, ';', &result, &rest)) {
				result = rest;
				rest.len = 0;
			}
			if (rmt_text_find(result, "dkim=pass") < 0)
				continue;
			for (domain = config->loops; domain != NULL && *domain != NULL;
			     domain++)
				if (has_domain(result, *domain))
					return true;
		}
		return false;
	}
	return false;
}

/* --- all together ------------------------------------------------------------------ */

static bool fill_sent(struct rmt_feedback *f, struct rmt_attribution *who, GError **err)
{
	if (who->sent != NULL || who->message == NULL || who->message[0] == '\0')
		return true;
	if (!rmt_mailed_get(f->store, who->message, &who->sent, err))
		return false;
	if (who->sent != NULL)
		who->sent_at = who->sent->at;
	return true;
}

static bool is_complaint(const struct rmt_report *report)
{
	return report->kind == RMT_REPORT_COMPLAINT;
}

bool rmt_attribute(struct rmt_feedback *feedback, const struct rmt_feedback_item *item,
		   const struct rmt_report *report, int64_t now,
		   struct rmt_attribution *who, GError **err)
{
	enum rmt_verp_result best = RMT_VERP_FOREIGN;

	*who = (struct rmt_attribution){ .proof = RMT_PROOF_NONE,
					 .message = g_strdup(""),
					 .recipient = g_strdup("") };
	if (!try_address(feedback, who, rmt_span_of(item->recipient), now, &best, err))
		goto failed;
	who->result = best;
	if (best < RMT_VERP_MESSAGE &&
	    (!scan(feedback, who, item->message, now, &best, err) ||
	     (report->original != NULL && best < RMT_VERP_MESSAGE &&
	      !scan(feedback, who, rmt_span_of(report->original), now, &best, err))))
		goto failed;
	/* The bare root: what stood behind it was cut off on the way. */
	if (who->proof == RMT_PROOF_NONE && best == RMT_VERP_BARE &&
	    !by_ids(feedback, who, report, RMT_PROOF_JOURNAL, err))
		goto failed;
	if (who->proof == RMT_PROOF_NONE && is_complaint(report) &&
	    rmt_attribute_signed(&feedback->config->feedback, item->message) &&
	    !by_ids(feedback, who, report, RMT_PROOF_SIGNATURE, err))
		goto failed;
	if (fill_sent(feedback, who, err))
		return true;
failed:
	rmt_attribution_clear(who);
	return false;
}
