/* SPDX-License-Identifier: MIT */
#include "common/cli/receipts_case.h"

#include <stddef.h>

#include "common/base/when.h"

void rmt_receipts_case_init(struct rmt_receipts_case *c, int64_t now)
{
	*c = (struct rmt_receipts_case){ .facts = { .now = now } };
	c->addresses = g_ptr_array_new_with_free_func(g_free);
	c->groups = g_ptr_array_new_with_free_func(g_free);
}

void rmt_receipts_case_clear(struct rmt_receipts_case *c)
{
	rmt_receipt_request_free(c->request);
	rmt_receipt_user_free(c->owner);
	rmt_mailbox_free(c->envelope);
	g_ptr_array_unref(c->addresses);
	g_ptr_array_unref(c->groups);
	g_free(c->user);
	g_free(c->name);
	g_free(c->language);
}

/* --- setting -------------------------------------------------------------- */

static bool wrong(GError **err, const char *name, const char *what)
{
	g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "'%s' %s", name, what);
	return false;
}

typedef bool setter(struct rmt_receipts_case *c, struct rmt_span value, size_t offset,
		    GError **err);

static bool set_string(struct rmt_receipts_case *c, struct rmt_span value, size_t offset,
		       GError **err)
{
	char **field = (char **)(void *)((char *)c + offset);

	(void)err;
	g_free(*field);
	*field = g_strndup(value.p, value.len);
	return true;
}

static bool add_string(struct rmt_receipts_case *c, struct rmt_span value, size_t offset,
		       GError **err)
{
	GPtrArray *array = *(GPtrArray **)(void *)((char *)c + offset);

	(void)err;
	g_ptr_array_add(array, g_strndup(value.p, value.len));
	return true;
}

static bool set_true(struct rmt_receipts_case *c, struct rmt_span value, size_t offset,
		     GError **err)
{
	(void)err;
	*(bool *)((char *)c + offset) = !rmt_span_eq(value, RMT_SPAN("false"));
	return true;
}

static bool set_envelope(struct rmt_receipts_case *c, struct rmt_span value,
			 size_t offset, GError **err)
{
	(void)offset;
	rmt_mailbox_free(c->envelope);
	c->envelope = rmt_mailbox_read(value);
	return c->envelope != NULL || wrong(err, "envelope", "is no address");
}

static bool set_preference(struct rmt_receipts_case *c, struct rmt_span value,
			   size_t offset, GError **err)
{
	return rmt_receipt_preference_parse(
		       value,
		       (enum rmt_receipt_preference *)(void *)((char *)c + offset)) ||
	       wrong(err, "preference", "is one of unset, never, ask, always");
}

static bool set_answer(struct rmt_receipts_case *c, struct rmt_span value, size_t offset,
		       GError **err)
{
	(void)offset;
	return rmt_receipt_answer_parse(value, &c->facts.answer) ||
	       wrong(err, "answer", "is one of none, yes, no, expired");
}

static bool add_place(struct rmt_receipts_case *c, struct rmt_span value, size_t offset,
		      GError **err)
{
	unsigned bit;

	(void)offset;
	if (!rmt_receipt_place_parse(value, &bit))
		return wrong(err, "place",
			     "is one of junk, trash, own-copy, shared, delegate, pop3, "
			     "read-only, imported, mdn-sent");
	c->facts.place |= bit;
	return true;
}

static bool set_event(struct rmt_receipts_case *c, struct rmt_span value, size_t offset,
		      GError **err)
{
	const bool deleted = rmt_span_eq(value, RMT_SPAN("deleted"));

	(void)offset;
	c->facts.event = deleted ? RMT_RECEIPT_DELETED : RMT_RECEIPT_DISPLAYED;
	return deleted || rmt_span_eq(value, RMT_SPAN("displayed")) ||
	       wrong(err, "event", "is one of displayed, deleted");
}

/* Digits alone are Unix seconds. */
static bool set_when(struct rmt_receipts_case *c, struct rmt_span value, size_t offset,
		     GError **err)
{
	int64_t *field = (int64_t *)(void *)((char *)c + offset);
	g_autofree char *text = g_strndup(value.p, value.len);
	gint64 seconds;

	if (!g_ascii_string_to_signed(text, 10, 0, G_MAXINT64 / 2, &seconds, NULL))
		return rmt_when_parse(value, c->facts.now, field, err);
	*field = seconds;
	return true;
}

static bool set_count(struct rmt_receipts_case *c, struct rmt_span value, size_t offset,
		      GError **err)
{
	g_autofree char *text = g_strndup(value.p, value.len);
	guint64 count;

	if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &count, err))
		return false;
	*(uint64_t *)(void *)((char *)c + offset) = count;
	return true;
}

#define F(member) offsetof(struct rmt_receipts_case, member)
static const struct {
	const char *name;
	setter *set;
	size_t offset;
} rows[] = {
	{ "user", set_string, F(user) },
	{ "address", add_string, F(addresses) },
	{ "group", add_string, F(groups) },
	{ "envelope", set_envelope, 0 },
	{ "name", set_string, F(name) },
	{ "language", set_string, F(language) },
	{ "preference", set_preference, F(facts.preference) },
	{ "sender-preference", set_preference, F(facts.sender_preference) },
	{ "answer", set_answer, 0 },
	{ "place", add_place, 0 },
	{ "event", set_event, 0 },
	{ "received", set_when, F(facts.received_at) },
	{ "now", set_when, F(facts.now) },
	{ "claimed", set_true, F(facts.claimed) },
	{ "cannot-ask", set_true, F(facts.cannot_ask) },
	{ "smtputf8", set_true, F(smtputf8) },
	{ "count-user", set_count, F(facts.counts.user) },
	{ "count-target", set_count, F(facts.counts.target) },
	{ "count-sender", set_count, F(facts.counts.sender) },
};
#undef F

bool rmt_receipts_case_set(struct rmt_receipts_case *c, const char *name,
			   struct rmt_span value, GError **err)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].set(c, value, rows[i].offset, err);
	return wrong(err, name, "is nothing known of a message");
}

/* --- deciding --------------------------------------------------------------- */

static const char *const *addresses_of(struct rmt_receipts_case *c,
				       const struct rmt_config *config)
{
	if (c->addresses->len == 0)
		return rmt_config_addresses(config, c->user);
	g_ptr_array_add(c->addresses, NULL);
	return (const char *const *)c->addresses->pdata;
}

void rmt_receipts_case_decide(struct rmt_receipts_case *c,
			      const struct rmt_config *config, struct rmt_span message)
{
	const struct rmt_request_reading with = {
		(const char *const *)config->receipts.authserv_ids
	};

	if (c->user == NULL)
		c->user = g_strdup("");
	c->config = config;
	c->request = rmt_receipt_request_read(message, &with);
	g_ptr_array_add(c->groups, NULL);
	c->owner = rmt_receipt_user_new(c->user, addresses_of(c, config),
					(const char *const *)c->groups->pdata,
					config->fold, NULL);
	c->facts.request = c->request;
	c->facts.user = c->owner;
	c->facts.envelope = c->envelope;
	rmt_receipt_decide(config, &c->facts, &c->decision);
}

GString *rmt_receipts_case_mdn(const struct rmt_receipts_case *c, GError **err)
{
	g_autoptr(rmt_templates) templates =
		rmt_templates_read(c->config->receipts.templates, err);
	g_autoptr(GString) id = g_string_new(NULL);
	const struct rmt_mailbox *final = c->decision.recipient.final;
	struct rmt_mdn_order order = {
		.request = c->request,
		.recipient = c->decision.recipient,
		.name = c->name,
		.ascii = rmt_receipt_user_ascii(c->owner),
		.event = c->facts.event,
		.by_user = c->decision.by_user,
		.language = c->language,
		.now = c->facts.now,
		.smtputf8 = c->smtputf8,
		.settings = &c->config->receipts,
	};
	bool utf8;

	if (templates == NULL)
		return NULL;
	rmt_mdn_message_id(RMT_SPAN("only for trial runs"), c->user, c->request->key,
			   final != NULL ? final->domain : "localhost", id);
	order.message_id = id->str;
	return rmt_mdn_write(&order, templates, &utf8, err);
}
