/* SPDX-License-Identifier: MIT */
/* step_police.c - receipts that clients send on their own: within policy, in the
 * user's own name, and one per message, through the same row that remite-agent
 * claims; and requests that must not leave (docs/receipts.md). In front of the
 * signer, so that what is taken out was never signed.
 */
#include <string.h>

#include "common/base/log.h"
#include "common/receipts/police.h"
#include "common/store/audit.h"
#include "common/store/prompts.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/records.h"
#include "postfix-policy/milter/step.h"

enum { CLAIM_KEPT = 400 * 24 * 3600 /* seconds, as remite-agent keeps its own */ };

/* One message on its way through. */
struct passage {
	struct rmt_milter_message *message;
	struct rmt_store *store; /* foreign; NULL: policy alone decides */
	const struct rmt_mdn *mdn;
	struct rmt_receipt_user *user; /* own */
	struct rmt_mailbox *from;      /* own; or NULL */
	GString *id;                   /* own; of the message it answers; may be "" */
};

/* --- whose mail it is ----------------------------------------------------- */

static bool is_loopback(const char *address)
{
	return address != NULL &&
	       (g_str_has_prefix(address, "127.") || strcmp(address, "::1") == 0);
}

/* Mail from elsewhere is nobody's submission: it is not touched. */
static bool is_submission(const struct rmt_milter_message *message)
{
	return message->session->sasl_user != NULL || message->local ||
	       is_loopback(message->session->client_address);
}

static struct rmt_mailbox *read_from(const struct rmt_milter_message *message)
{
	struct rmt_header_field field, second;
	g_autoptr(rmt_mailboxes) read = NULL;

	if (!rmt_message_field(message, "From", 1, &field) ||
	    rmt_message_field(message, "From", 2, &second))
		return NULL;
	read = rmt_mailboxes_read(field.value);
	return read->flaws == 0 && read->list->len == 1
		       ? g_ptr_array_steal_index(read->list, 0)
		       : NULL;
}

/* Where nobody logged in, From alone can tell. */
static struct rmt_receipt_user *user_of(const struct rmt_milter_message *message,
					const struct rmt_mailbox *from)
{
	const char *login = message->session->sasl_user;
	const struct rmt_config *config = message->config;

	if (login == NULL)
		login = from != NULL ? from->address : "";
	return rmt_receipt_user_new(login, rmt_config_addresses(config, login), NULL,
				    config->fold, NULL);
}

/* --- requests --------------------------------------------------------------- */

static bool is_list_mail(struct rmt_span header)
{
	g_autoptr(rmt_receipt_request) request = rmt_receipt_request_read(header, NULL);

	return (request->kind & RMT_REQUEST_LIST) != 0;
}

static bool may_ask(const struct rmt_milter_message *message,
		    const struct rmt_receipt_user *user)
{
	struct rmt_receipt_terms terms;

	if (is_list_mail(message->header))
		return false;
	rmt_receipt_terms_of(message->config, user, &terms);
	return !message->config->receipts.configured || terms.policy != RMT_RECEIPTS_NONE;
}

static bool has_request(struct rmt_span header)
{
	struct rmt_header_reader reader = rmt_header_read(header);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field))
		if (rmt_police_is_request(field.name))
			return true;
	return false;
}

static int count_of(const GPtrArray *names, const char *name)
{
	int count = 0;
	guint i;

	for (i = 0; i < names->len; i++)
		count += g_ascii_strcasecmp(g_ptr_array_index(names, i), name) == 0;
	return count;
}

/* The last first, so that no number shifts. */
static void strip(struct rmt_milter_message *message)
{
	struct rmt_header_reader reader = rmt_header_read(message->header);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field))
		if (rmt_police_is_request(field.name))
			g_ptr_array_add(names, g_strndup(field.name.p, field.name.len));
	while (names->len > 0) {
		g_autofree char *name =
			g_strdup(g_ptr_array_index(names, names->len - 1));

		rmt_message_change_field(message, name, count_of(names, name), NULL);
		g_ptr_array_set_size(names, (gint)names->len - 1);
	}
	rmt_message_note(message, "receipt-request", "stripped");
}

/* --- a receipt ------------------------------------------------------------------ */

static void write_audit(const struct passage *p, const struct rmt_receipt_reason *reason)
{
	const GPtrArray *recipients = p->message->recipients;
	struct rmt_audit line = {
		.at_us = g_get_real_time(),
		.event = (char *)"discarded",
		.user = p->user->name,
		.id = p->id->str,
		.target = recipients->len > 0 ? g_ptr_array_index(recipients, 0) : NULL,
		.rule = (char *)reason->id,
		.by = (char *)"policy",
	};
	g_autoptr(GError) err = NULL;

	if (p->store != NULL && !rmt_audit_add(p->store, &line, &err))
		rmt_log(RMT_LOG_WARNING, "police: audit: %s", err->message);
}

static bool is_enforced(const struct rmt_milter_message *message)
{
	const enum rmt_mode mode =
		message->stream != NULL ? message->stream->mode : message->config->mode;

	return mode == RMT_MODE_ENFORCE &&
	       message->config->receipts.police != RMT_POLICE_OFF;
}

static enum rmt_claim_result take_claim(const struct passage *p, GError **err)
{
	const GPtrArray *recipients = p->message->recipients;
	const struct rmt_client_receipt receipt = {
		.user = p->user->name,
		.id = p->id->str,
		.target = recipients->len > 0 ? g_ptr_array_index(recipients, 0) : "",
		.rule = "client",
		.now_us = g_get_real_time(),
		.until = p->message->now + CLAIM_KEPT,
	};

	return rmt_claim_take_by_client(p->store, &receipt, NULL, err);
}

/* Where nothing is enforced it goes out, and remite-agent must not send another. */
static void stop(const struct passage *p, const struct rmt_receipt_reason *reason)
{
	struct rmt_milter_message *message = p->message;

	rmt_message_note(message, "receipt", "%s", reason->id);
	if (message->config->receipts.police == RMT_POLICE_DISCARD)
		rmt_message_discard(message, "receipts", "the receipt is not sent: %s",
				    reason->text);
	else if (message->config->receipts.police == RMT_POLICE_REFUSE)
		rmt_message_find(message, RMT_LEVEL_REJECT, "receipts", "7.1",
				 "The receipt is not sent: %s", reason->text);
	if (is_enforced(message))
		write_audit(p, reason);
	else if (p->store != NULL && p->id->len > 0)
		take_claim(p, NULL);
}

/* Whether there was one before cannot be known now: the client tries again. */
static void defer(const struct passage *p, const GError *err)
{
	rmt_log(RMT_LOG_ERROR, "police: records: %s", err->message);
	rmt_message_find(p->message, RMT_LEVEL_DEFER, "receipts", "3.0",
			 "Whether a receipt was sent before cannot be known now");
}

/* The empty sender (RFC 8098, 3), no request of its own, and the mark of what no
 * vacation program answers. */
static void let_go(const struct passage *p)
{
	struct rmt_milter_message *message = p->message;
	struct rmt_header_field field;

	rmt_message_note(message, "receipt", "passed");
	if (message->sender[0] != '\0')
		rmt_message_set_sender(message, "", NULL);
	if (has_request(message->header))
		strip(message);
	if (!rmt_message_field(message, "Auto-Submitted", 1, &field))
		rmt_message_add_field(message, "Auto-Submitted", "auto-replied");
}

/* Several targets stand in one text. */
static bool is_among(const char *targets, const GPtrArray *recipients)
{
	g_autoptr(rmt_mailboxes) read = rmt_mailboxes_read(rmt_span_of(targets));
	guint i, k;

	for (i = 0; i < recipients->len; i++) {
		g_autoptr(rmt_mailbox) one =
			rmt_mailbox_read(rmt_span_of(g_ptr_array_index(recipients, i)));
		bool found = false;

		for (k = 0; one != NULL && k < read->list->len; k++)
			found |= rmt_mailbox_same(one, g_ptr_array_index(read->list, k));
		if (!found)
			return false;
	}
	return true;
}

static bool target_is_wrong(const struct passage *p)
{
	g_autoptr(rmt_claim) claim = NULL;

	return rmt_claim_get(p->store, p->user->name, p->id->str, &claim, NULL) &&
	       claim != NULL && claim->target[0] != '\0' &&
	       !is_among(claim->target, p->message->recipients);
}

static void claim(const struct passage *p)
{
	g_autoptr(GError) err = NULL;

	if (p->store == NULL) {
		rmt_message_note(p->message, "open", "no-records");
		let_go(p);
		return;
	}
	if (target_is_wrong(p)) {
		stop(p, &rmt_police_other_target);
		return;
	}
	switch (take_claim(p, &err)) {
	case RMT_CLAIM_TAKEN:
		let_go(p);
		break;
	case RMT_CLAIM_REFUSED:
		stop(p, &rmt_police_claimed);
		break;
	case RMT_CLAIM_TROUBLE:
		defer(p, err);
		break;
	}
}

/* --- our own ---------------------------------------------------------------------- */

static char *message_id_of(const struct rmt_milter_message *message)
{
	struct rmt_header_field field;
	struct rmt_span id;

	if (!rmt_message_field(message, "Message-ID", 1, &field))
		return g_strdup("");
	id = rmt_span_trim(field.value);
	if (id.len > 2 && id.p[0] == '<' && id.p[id.len - 1] == '>')
		id = rmt_span(id.p + 1, id.len - 2);
	return g_strndup(id.p, id.len);
}

/* remite-agent's own receipts have an id that no one else can make. True: decided. */
static bool is_ours(const struct passage *p)
{
	g_autofree char *id = message_id_of(p->message);
	g_autoptr(GError) err = NULL;

	if (p->store == NULL || id[0] == '\0')
		return false;
	switch (rmt_claim_pass(p->store, id, p->message->now, &err)) {
	case RMT_CLAIM_FIRST_TIME:
		rmt_message_note(p->message, "receipt", "ours");
		return true;
	case RMT_CLAIM_AGAIN:
		stop(p, &rmt_police_again);
		return true;
	case RMT_CLAIM_NOT_KNOWN_NOW:
		defer(p, err);
		return true;
	case RMT_CLAIM_UNKNOWN:
		break;
	}
	return false;
}

/* --- all of it --------------------------------------------------------------- */

static enum rmt_receipt_preference preference_of(const struct passage *p)
{
	const GPtrArray *recipients = p->message->recipients;
	enum rmt_choice choice = RMT_CHOICE_NONE;
	struct rmt_addr folded;

	if (p->store == NULL || recipients->len == 0)
		return RMT_PREFERENCE_UNSET;
	rmt_addr_fold(p->message->config->fold,
		      rmt_span_of(g_ptr_array_index(recipients, 0)), &folded);
	if (!rmt_preference_find(p->store, p->user->name, folded.text, &choice, NULL))
		return RMT_PREFERENCE_UNSET;
	return choice == RMT_CHOICE_NEVER ? RMT_PREFERENCE_NEVER : RMT_PREFERENCE_UNSET;
}

static void judge(const struct passage *p)
{
	const struct rmt_police_facts facts = {
		.mdn = p->mdn,
		.user = p->user,
		.from = p->from,
		.recipients = p->message->recipients,
		.preference = preference_of(p),
	};
	const struct rmt_receipt_reason *reason;

	if (is_ours(p))
		return;
	reason = rmt_police_judge(p->message->config, &facts);
	if (reason != NULL)
		stop(p, reason);
	else
		claim(p);
}

static struct rmt_mdn *read_receipt(const struct rmt_milter_message *message)
{
	g_autoptr(GString) text =
		g_string_new_len(message->header.p, (gssize)message->header.len);

	g_string_append(text, "\r\n");
	g_string_append_len(text, message->body.p, (gssize)message->body.len);
	return rmt_mdn_read(rmt_span(text->str, text->len));
}

static void look(struct rmt_milter_message *message)
{
	const struct rmt_receipts_config *receipts = &message->config->receipts;
	g_autoptr(rmt_mdn) mdn = NULL;
	struct passage p = { .message = message };

	p.from = read_from(message);
	p.user = user_of(message, p.from);
	p.id = g_string_new(NULL);
	if (receipts->configured && rmt_police_may_be_receipt(message->header))
		mdn = read_receipt(message);
	if (mdn != NULL && mdn->form != RMT_MDN_NONE) {
		p.mdn = mdn;
		/* without them (another machine has them) policy alone decides */
		p.store = rmt_milter_records(message->milter, NULL);
		rmt_claim_id(rmt_span_of(mdn->original_message_id), p.id);
		judge(&p);
	} else if (receipts->strip_requests && has_request(message->header) &&
		   !may_ask(message, p.user)) {
		strip(message);
	}
	g_string_free(p.id, TRUE);
	rmt_receipt_user_free(p.user);
	rmt_mailbox_free(p.from);
}

static void run(struct rmt_milter_message *message, void *state)
{
	(void)state;
	if (is_submission(message) && rmt_message_level_so_far(message) < RMT_LEVEL_DEFER)
		look(message);
}

static unsigned needs(struct rmt_span header, void *state)
{
	struct rmt_in_force *in_force = rmt_milter_in_force(state);
	const bool configured = in_force->config->receipts.configured;

	rmt_in_force_unref(in_force);
	return configured && rmt_police_may_be_receipt(header) ? RMT_WANTS_BODY
							       : RMT_WANTS_NOTHING;
}

static bool start(struct rmt_milter *milter, void **state_r, GError **err)
{
	(void)err;
	*state_r = milter;
	return true;
}

const struct rmt_step rmt_step_police = {
	.name = "police",
	.places = 1 << RMT_PLACE_BEFORE,
	.wants = RMT_WANTS_BODY,
	.needs = needs,
	.open = start,
	.run = run,
};
