/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/events.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <string.h>

#include "common/base/log.h"
#include "postfix-policy/milter/end.h"

#define FIELD "X-Remite-Rules"

/* Nothing is answered before the body: a message costs one round trip. */
enum {
	QUIET = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
		SMFIP_NR_HDR | SMFIP_NR_EOH,
	UNASKED = SMFIP_NODATA | SMFIP_NOUNKNOWN,
	EDITS = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGFROM | SMFIF_QUARANTINE,
};

static struct rmt_milter *shared;

/* A connection: the session and what was agreed on. */
struct connection {
	struct rmt_session *session; /* own */
	sfsistat go_on;              /* NOREPLY, or CONTINUE to an old MTA */
	bool has_blank, may_skip;
};

static struct connection *connection_of(SMFICTX *context)
{
	return smfi_getpriv(context);
}

/* An event without a connection cannot be; if it is, mail goes its way. */
static sfsistat in_trouble(const char *what)
{
	struct rmt_in_force *in_force = rmt_milter_in_force(shared);
	const bool defer = in_force->config->milter.trouble_action == RMT_ACTION_DEFER;

	rmt_log(RMT_LOG_ERROR, "trouble: %s", what);
	rmt_in_force_unref(in_force);
	return defer ? SMFIS_TEMPFAIL : SMFIS_ACCEPT;
}

/* --- a connection ---------------------------------------------------------------- */

static sfsistat negotiate(SMFICTX *context, unsigned long actions, unsigned long steps,
			  unsigned long x, unsigned long y, unsigned long *actions_r,
			  unsigned long *steps_r, unsigned long *x_r, unsigned long *y_r)
{
	struct connection *connection = g_new0(struct connection, 1);
	const bool quiet = (steps & QUIET) == QUIET;

	(void)x, (void)y;
	connection->session = rmt_session_new();
	connection->go_on = quiet ? SMFIS_NOREPLY : SMFIS_CONTINUE;
	connection->has_blank = (steps & SMFIP_HDR_LEADSPC) != 0;
	connection->may_skip = (steps & SMFIP_SKIP) != 0;
	connection->session->keeps_signatures =
		(rmt_steps_want(shared) & RMT_WANTS_SIGNATURES) != 0;
	*actions_r = actions & EDITS;
	*steps_r =
		steps & (UNASKED | SMFIP_HDR_LEADSPC | SMFIP_SKIP | (quiet ? QUIET : 0));
	*x_r = *y_r = 0;
	smfi_setpriv(context, connection);
	return SMFIS_CONTINUE;
}

/* For mail without an SMTP client Postfix's cleanup(8) plays one: localhost with
 * port 0. */
static bool is_local(const struct sockaddr *address)
{
	const struct sockaddr_in *in = (const void *)address;

	return address != NULL && address->sa_family == AF_INET && in->sin_port == 0 &&
	       in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
}

static void set_address(struct rmt_session *session, const struct sockaddr *address)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (address != NULL && address->sa_family == AF_INET)
		inet_ntop(AF_INET,
			  &((const struct sockaddr_in *)(const void *)address)->sin_addr,
			  text, sizeof(text));
	else if (address != NULL && address->sa_family == AF_INET6)
		inet_ntop(
			AF_INET6,
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
			text, sizeof(text));
	rmt_session_set(&session->client_address, text);
	session->local = is_local(address);
}

static sfsistat on_connect(SMFICTX *context, char *name, struct sockaddr *address)
{
	struct connection *connection = connection_of(context);

	if (connection == NULL)
		return in_trouble("a connection without negotiation");
	rmt_session_set(&connection->session->client_name, name);
	set_address(connection->session, address);
	return connection->go_on;
}

static sfsistat on_helo(SMFICTX *context, char *name)
{
	struct connection *connection = connection_of(context);

	if (connection == NULL)
		return in_trouble("HELO without a connection");
	rmt_session_set(&connection->session->helo, name);
	return connection->go_on;
}

static sfsistat on_close(SMFICTX *context)
{
	struct connection *connection = connection_of(context);

	if (connection == NULL)
		return SMFIS_CONTINUE;
	smfi_setpriv(context, NULL);
	rmt_session_free(connection->session);
	g_free(connection);
	return SMFIS_CONTINUE;
}

/* --- a message --------------------------------------------------------------------- */

static void set_macro(char **field, SMFICTX *context, const char *name)
{
	rmt_session_set(field, smfi_getsymval(context, (char *)name));
}

/* Behind the address stand ESMTP's arguments. */
static bool has_word(char **words, const char *word)
{
	for (words = words[0] != NULL ? words + 1 : words; *words != NULL; words++)
		if (g_ascii_strcasecmp(*words, word) == 0)
			return true;
	return false;
}

static sfsistat on_sender(SMFICTX *context, char **words)
{
	struct connection *connection = connection_of(context);
	struct rmt_session *session;

	if (connection == NULL)
		return in_trouble("MAIL without a connection");
	session = connection->session;
	rmt_session_begin(session, words[0] != NULL ? words[0] : "");
	session->smtputf8 = has_word(words, "SMTPUTF8");
	set_macro(&session->sasl_user, context, "{auth_authen}");
	set_macro(&session->cert_subject, context, "{cert_subject}");
	set_macro(&session->cert_issuer, context, "{cert_issuer}");
	return connection->go_on;
}

static sfsistat on_recipient(SMFICTX *context, char **words)
{
	struct connection *connection = connection_of(context);
	char **word;

	if (connection == NULL)
		return in_trouble("RCPT without a connection");
	rmt_session_recipient(connection->session, words[0] != NULL ? words[0] : "");
	for (word = words; *word != NULL; word++)
		if (word > words)
			rmt_session_recipient_parameter(connection->session, *word);
	return connection->go_on;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
	struct connection *connection = connection_of(context);

	if (connection == NULL)
		return in_trouble("a header without a connection");
	rmt_session_header(connection->session, shared->keys, name, value,
			   connection->has_blank);
	return connection->go_on;
}

static void end_header(struct rmt_session *session)
{
	const unsigned needs = rmt_steps_need(
		shared, rmt_span(session->header->str, session->header->len));

	rmt_session_end_of_header(session, shared->keys);
	session->keeps_body = (needs & RMT_WANTS_BODY) != 0;
	session->keeps_size = (needs & RMT_WANTS_SIZE) != 0;
	session->signed_ = session->signed_ && (needs & RMT_WANTS_SIGNATURES) != 0;
}

static sfsistat on_end_of_header(SMFICTX *context)
{
	struct connection *connection = connection_of(context);

	if (connection == NULL)
		return in_trouble("an end of header without a connection");
	end_header(connection->session);
	return connection->go_on;
}

static bool has_enough(const struct rmt_session *session)
{
	return !session->signed_ && !session->keeps_size &&
	       (!session->keeps_body || session->body->len == RMT_SESSION_BODY_MAX);
}

/* Whose body nobody wants to see need not send the rest. */
static sfsistat on_body(SMFICTX *context, unsigned char *octets, size_t len)
{
	struct connection *connection = connection_of(context);

	if (connection == NULL)
		return in_trouble("a body without a connection");
	rmt_session_body(connection->session, rmt_span((const char *)octets, len));
	if (has_enough(connection->session) && connection->may_skip)
		return SMFIS_SKIP;
	return SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *context)
{
	struct connection *connection = connection_of(context);

	if (connection != NULL)
		rmt_session_forget(connection->session);
	return SMFIS_CONTINUE;
}

/* In a reply, libmilter's readers take "%%" for '%'. */
static void double_percents(const char *text, GString *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '%')
			g_string_append_c(out, '%');
		g_string_append_c(out, *text);
	}
}

static sfsistat refuse(SMFICTX *context, const struct rmt_outcome *outcome)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_reply reply;

	rmt_outcome_reply(outcome, &reply);
	double_percents(reply.text, text);
	if (smfi_setreply(context, reply.code, reply.status, text->str) != MI_SUCCESS)
		rmt_log(RMT_LOG_WARNING, "libmilter does not take the reply '%s'",
			reply.text);
	return outcome->done == RMT_LEVEL_DEFER ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

/* As the MTA writes it: with all that stands behind the colon, or without. */
static char *value_of(const struct connection *connection, const char *value)
{
	return g_strconcat(connection->has_blank ? " " : "", value, NULL);
}

static bool edit(SMFICTX *context, const struct connection *connection,
		 const struct rmt_edit *edit)
{
	g_autofree char *value = edit->value != NULL && edit->kind <= RMT_EDIT_CHANGE
					 ? value_of(connection, edit->value)
					 : NULL;

	switch (edit->kind) {
	case RMT_EDIT_ADD:
		return smfi_addheader(context, edit->name, value) == MI_SUCCESS;
	case RMT_EDIT_INSERT:
		return smfi_insheader(context, 0, edit->name, value) == MI_SUCCESS;
	case RMT_EDIT_CHANGE:
		return smfi_chgheader(context, edit->name, edit->nth, value) ==
		       MI_SUCCESS;
	case RMT_EDIT_SENDER:
		value = g_strdup_printf("<%s>", edit->value);
		return smfi_chgfrom(context, value, edit->arguments) == MI_SUCCESS;
	case RMT_EDIT_HOLD:
		return smfi_quarantine(context, edit->value) == MI_SUCCESS;
	case RMT_EDIT_DISCARD: /* the answer, and no edit */
		return true;
	}
	return false;
}

/* RMT_LEVEL_HEADER. */
static void add_findings(SMFICTX *context, const struct connection *connection,
			 const struct rmt_outcome *outcome)
{
	g_autoptr(GString) field = g_string_new(NULL);
	g_autofree char *value = NULL;

	rmt_outcome_field(outcome, field);
	value = value_of(connection, field->str);
	if (smfi_addheader(context, (char *)FIELD, value) != MI_SUCCESS)
		rmt_log(RMT_LOG_WARNING, "the field " FIELD " could not be added");
}

/* An edit that fails leaves the message as it was: it goes on. */
static void edit_all(SMFICTX *context, const struct connection *connection,
		     const struct rmt_milter_message *message)
{
	guint i;

	for (i = 0; i < message->edits->len; i++) {
		const struct rmt_edit *one = message->edits->pdata[i];

		if (!edit(context, connection, one))
			rmt_log(RMT_LOG_WARNING, "%s: libmilter does not change %s",
				message->queue_id,
				one->name != NULL ? one->name : "the sender");
	}
}

static sfsistat answer(SMFICTX *context, const struct connection *connection,
		       const struct rmt_milter_message *message)
{
	if (!rmt_message_passes(message))
		return refuse(context, &message->outcome);
	if (rmt_end_discards(message))
		return SMFIS_DISCARD;
	if (message->outcome.done == RMT_LEVEL_HEADER)
		add_findings(context, connection, &message->outcome);
	if (rmt_end_edits(message))
		edit_all(context, connection, message);
	return SMFIS_CONTINUE;
}

static const char *ask_macro(void *context, const char *name)
{
	return smfi_getsymval(context, (char *)name);
}

static sfsistat end(SMFICTX *context, const struct connection *connection)
{
	struct rmt_in_force *in_force = rmt_milter_in_force(shared);
	struct rmt_milter_message message;
	sfsistat status;

	rmt_end_of_message(shared, in_force, connection->session, ask_macro, context,
			   &message);
	status = answer(context, connection, &message);
	rmt_message_finish(&message);
	rmt_in_force_unref(in_force);
	return status;
}

static sfsistat on_end_of_message(SMFICTX *context)
{
	struct connection *connection = connection_of(context);
	sfsistat status;

	if (connection == NULL || connection->session->sender == NULL)
		return in_trouble("an end of message without a beginning");
	set_macro(&connection->session->queue_id, context, "i");
	if (!connection->session->ended)
		end_header(connection->session);
	g_atomic_int_inc(&shared->ending);
	status = end(context, connection);
	g_atomic_int_add(&shared->ending, -1);
	rmt_session_forget(connection->session);
	return status;
}

bool rmt_events_register(struct rmt_milter *milter)
{
	struct smfiDesc events = {
		.xxfi_name = (char *)"remite-milter",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = EDITS,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_sender,
		.xxfi_envrcpt = on_recipient,
		.xxfi_header = on_header,
		.xxfi_eoh = on_end_of_header,
		.xxfi_body = on_body,
		.xxfi_eom = on_end_of_message,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = negotiate,
	};

	shared = milter;
	return smfi_register(events) == MI_SUCCESS;
}
