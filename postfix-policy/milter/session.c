/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/session.h"

#include <string.h>

enum {
	WORD_MAX = 1024,   /* octets kept of what a client or Postfix names */
	KEEP_SIZE = 65536, /* a larger buffer is not kept for the next message */
};

struct rmt_session *rmt_session_new(void)
{
	struct rmt_session *session = g_new0(struct rmt_session, 1);

	session->header = g_string_sized_new(4096);
	session->body = g_string_new(NULL);
	session->recipients = g_ptr_array_new_with_free_func(g_free);
	session->complete = true;
	session->keeps_signatures = true;
	return session;
}

void rmt_session_forget(struct rmt_session *session)
{
	g_clear_pointer(&session->queue_id, g_free);
	g_clear_pointer(&session->sender, g_free);
	g_clear_pointer(&session->sasl_user, g_free);
	g_clear_pointer(&session->dkim, rmt_dkim_free);
	if (session->header->allocated_len > KEEP_SIZE) {
		g_string_free(session->header, TRUE);
		session->header = g_string_sized_new(4096);
	}
	g_string_truncate(session->header, 0);
	g_string_truncate(session->body, 0);
	g_ptr_array_set_size(session->recipients, 0);
	session->recipient_count = 0;
	g_clear_pointer(&session->orcpt, g_free);
	session->header_octets = session->field_count = session->body_octets = 0;
	session->complete = true;
	session->smtputf8 = false;
	session->ended = session->signed_ = session->verified = false;
	session->keeps_body = session->keeps_size = false;
}

void rmt_session_free(struct rmt_session *session)
{
	if (session == NULL)
		return;
	rmt_session_forget(session);
	g_string_free(session->header, TRUE);
	g_string_free(session->body, TRUE);
	g_ptr_array_unref(session->recipients);
	g_free(session->client_address);
	g_free(session->client_name);
	g_free(session->helo);
	g_free(session->cert_subject);
	g_free(session->cert_issuer);
	g_free(session);
}

void rmt_session_set(char **field, const char *value)
{
	g_free(*field);
	*field = value != NULL ? g_strndup(value, WORD_MAX) : NULL;
}

static char *without_brackets(const char *address)
{
	size_t len = strlen(address);

	if (len >= 2 && address[0] == '<' && address[len - 1] == '>') {
		address++;
		len -= 2;
	}
	return g_strndup(address, MIN(len, WORD_MAX));
}

void rmt_session_begin(struct rmt_session *session, const char *sender)
{
	rmt_session_forget(session);
	session->sender = without_brackets(sender);
}

void rmt_session_recipient(struct rmt_session *session, const char *recipient)
{
	session->recipient_count++;
	g_clear_pointer(&session->orcpt, g_free);
	if (session->recipients->len < RMT_SESSION_RECIPIENTS_MAX)
		g_ptr_array_add(session->recipients, without_brackets(recipient));
}

void rmt_session_recipient_parameter(struct rmt_session *session, const char *parameter)
{
	if (g_ascii_strncasecmp(parameter, "ORCPT=", 6) == 0)
		rmt_session_set(&session->orcpt, parameter + 6);
}

/* Folds come as LF or CRLF; in the message they were CRLF. */
static void append_value(GString *out, const char *value)
{
	const char *lf;

	while ((lf = strchr(value, '\n')) != NULL) {
		size_t len = (size_t)(lf - value);

		if (len > 0 && value[len - 1] == '\r')
			len--;
		g_string_append_len(out, value, (gssize)len);
		g_string_append(out, "\r\n");
		value = lf + 1;
	}
	g_string_append(out, value);
}

static struct rmt_dkim *dkim_of(struct rmt_session *session, struct rmt_dkim_keys *keys)
{
	if (session->dkim == NULL)
		session->dkim = rmt_dkim_new(&RMT_DKIM_SETTINGS_DEFAULT, keys);
	return session->dkim;
}

void rmt_session_header(struct rmt_session *session, struct rmt_dkim_keys *keys,
			const char *name, const char *value, bool has_blank)
{
	const size_t start = session->header->len;
	const size_t octets = strlen(name) + strlen(value) + 4;

	session->field_count++;
	session->header_octets += octets;
	if (!session->complete)
		return;
	if (start + octets > RMT_SESSION_HEADER_MAX ||
	    session->field_count > RMT_SESSION_FIELDS_MAX) {
		session->complete = false;
		return;
	}
	g_string_append(session->header, name);
	g_string_append(session->header, has_blank ? ":" : ": ");
	append_value(session->header, value);
	if (session->keeps_signatures)
		rmt_dkim_header(dkim_of(session, keys),
				rmt_span(session->header->str + start,
					 session->header->len - start));
	g_string_append(session->header, "\r\n");
	if (g_ascii_strcasecmp(name, "DKIM-Signature") == 0)
		session->signed_ = true;
}

/* Signatures of a message whose header is not known whole prove nothing. */
void rmt_session_end_of_header(struct rmt_session *session, struct rmt_dkim_keys *keys)
{
	if (!session->complete || !session->keeps_signatures)
		session->signed_ = false;
	if (session->keeps_signatures)
		rmt_dkim_end_of_headers(dkim_of(session, keys));
	session->ended = true;
}

void rmt_session_body(struct rmt_session *session, struct rmt_span piece)
{
	const size_t room = RMT_SESSION_BODY_MAX - session->body->len;

	session->body_octets += piece.len;
	if (session->keeps_body)
		g_string_append_len(session->body, piece.p, (gssize)MIN(piece.len, room));
	if (session->signed_ && session->ended)
		rmt_dkim_body(session->dkim, piece);
}

void rmt_session_facts(const struct rmt_session *session, struct rmt_facts *facts_r)
{
	*facts_r = (struct rmt_facts){
		.stage = RMT_STAGE_END_OF_MESSAGE,
		.queue_id = rmt_span_of(session->queue_id),
		.sender = rmt_span_of(session->sender),
		.sasl_user = rmt_span_of(session->sasl_user),
		.client_address = rmt_span_of(session->client_address),
		.client_name = rmt_span_of(session->client_name),
		.helo = rmt_span_of(session->helo),
		.cert_subject = rmt_span_of(session->cert_subject),
		.cert_issuer = rmt_span_of(session->cert_issuer),
		.header = rmt_span(session->header->str, session->header->len),
		.recipient_count = session->recipient_count,
		.size = session->header_octets + session->body_octets,
	};
}
