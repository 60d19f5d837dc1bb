/* SPDX-License-Identifier: MIT */
/* receipts_batch.c - verbs of `remite batch`: a request decided, a receipt read. */
#include "common/cli/batch.h"
#include "common/cli/receipts_case.h"

static bool wrong(GError **err, const char *text)
{
	g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, text);
	return false;
}

/* "message": the text itself; else "file". */
static bool read_message(const struct rmt_batch_case *c, GString *message, GError **err)
{
	g_autofree char *name = NULL, *text = NULL;
	struct rmt_span value;
	gsize len;

	if (json_object_get(c->in, "message") != NULL) {
		if (!rmt_batch_string(c, "message", NULL, &value, err))
			return false;
		g_string_append_len(message, value.p, (gssize)value.len);
		return true;
	}
	if (!rmt_batch_string(c, "file", NULL, &value, err))
		return false;
	name = g_strndup(value.p, value.len);
	if (!g_file_get_contents(name, &text, &len, err))
		return false;
	g_string_append_len(message, text, (gssize)len);
	return true;
}

static void put(struct rmt_batch_case *c, const char *key, const char *value)
{
	json_object_set_new(c->out, key,
			    value != NULL ? rmt_batch_text(rmt_span_of(value))
					  : json_null());
}

static void put_names(struct rmt_batch_case *c, const char *key, unsigned bits,
		      void (*names)(unsigned bits, GString *out))
{
	g_autoptr(GString) text = g_string_new(NULL);

	names(bits, text);
	put(c, key, text->str);
}

/* --- mdn -------------------------------------------------------------------- */

bool rmt_batch_mdn(struct rmt_batch_case *c, GError **err)
{
	g_autoptr(GString) message = g_string_new(NULL);
	g_autoptr(rmt_mdn) mdn = NULL;

	if (!read_message(c, message, err))
		return false;
	mdn = rmt_mdn_read(rmt_span(message->str, message->len));
	put(c, "form", rmt_mdn_form_name(mdn->form));
	if (mdn->form == RMT_MDN_NONE)
		return true;
	put(c, "disposition", rmt_mdn_disposition_name(mdn->disposition));
	put(c, "action_mode", rmt_mdn_mode_name(mdn->action));
	put(c, "sending_mode", rmt_mdn_mode_name(mdn->sending));
	put(c, "modifiers", mdn->modifiers);
	put(c, "final_recipient", mdn->final_recipient);
	put(c, "original_recipient", mdn->original_recipient);
	put(c, "original_message_id", mdn->original_message_id);
	put(c, "reporting_ua", mdn->reporting_ua);
	put(c, "gateway", mdn->gateway);
	put(c, "errors", mdn->error);
	put_names(c, "flaws", mdn->flaws, rmt_mdn_flaw_names);
	return true;
}

/* --- receipt ------------------------------------------------------------------- */

/* The case's own configuration, or the built-in default. NULL: said so. */
static struct rmt_config *config_of(const struct rmt_batch_case *c, GError **err)
{
	g_autofree char *text = NULL;
	struct rmt_config *config;
	GPtrArray *complaints;
	struct rmt_span value;

	if (!rmt_batch_string(c, "config", "", &value, err))
		return NULL;
	text = g_strndup(value.p, value.len);
	config = rmt_config_read_text("config", text, &complaints);
	if (config == NULL)
		wrong(err, g_ptr_array_index(complaints, 0));
	g_ptr_array_unref(complaints);
	return config;
}

static bool set_value(struct rmt_receipts_case *r, const char *name, const json_t *value,
		      GError **err)
{
	g_autofree char *number = NULL;
	size_t i;

	if (json_is_array(value)) {
		for (i = 0; i < json_array_size(value); i++)
			if (!set_value(r, name, json_array_get(value, i), err))
				return false;
		return true;
	}
	if (json_is_integer(value))
		number = g_strdup_printf("%" JSON_INTEGER_FORMAT,
					 json_integer_value(value));
	else if (json_is_boolean(value))
		number = g_strdup(json_is_true(value) ? "true" : "false");
	else if (!json_is_string(value))
		return wrong(err, "a fact is neither text, number nor truth value");
	return rmt_receipts_case_set(r, name,
				     number != NULL ? rmt_span_of(number)
						    : rmt_span(json_string_value(value),
							       json_string_length(value)),
				     err);
}

static bool set_facts(const struct rmt_batch_case *c, struct rmt_receipts_case *r,
		      GError **err)
{
	const json_t *facts = json_object_get(c->in, "facts"), *value;
	const char *name;

	if (facts != NULL && !json_is_object(facts))
		return wrong(err, "'facts' is not an object");
	json_object_foreach((json_t *)facts, name, value)
	{
		if (!set_value(r, name, value, err))
			return false;
	}
	return true;
}

static json_t *addresses(const GPtrArray *mailboxes)
{
	json_t *out = json_array();
	guint i;

	for (i = 0; i < mailboxes->len; i++) {
		const struct rmt_mailbox *mailbox = g_ptr_array_index(mailboxes, i);

		json_array_append_new(out, rmt_batch_text(rmt_span_of(mailbox->address)));
	}
	return out;
}

static void put_decision(struct rmt_batch_case *c, const struct rmt_receipts_case *r)
{
	const struct rmt_receipt_decision *decision = &r->decision;
	const struct rmt_mailbox *final = decision->recipient.final;

	put(c, "verdict", rmt_receipt_verdict_name(decision->verdict));
	put(c, "reason", decision->reason->id);
	put(c, "because", decision->because != NULL ? decision->because->id : NULL);
	put(c, "ids", decision->reason->ids);
	json_object_set_new(c->out, "targets", addresses(r->request->targets));
	put_names(c, "flaws", r->request->flaws, rmt_request_flaw_names);
	put_names(c, "kind", r->request->kind, rmt_request_kind_names);
	put(c, "return_path", rmt_return_path_name(r->request->return_path));
	put(c, "final_recipient", final != NULL ? final->address : NULL);
	put(c, "key", r->request->key);
}

static void put_mdn(struct rmt_batch_case *c, const struct rmt_receipts_case *r)
{
	g_autoptr(GString) mdn = rmt_receipts_case_mdn(r, NULL);

	if (mdn != NULL)
		rmt_batch_put(c, "mdn", rmt_span(mdn->str, mdn->len));
	else
		put(c, "mdn", NULL);
}

static bool decide(struct rmt_batch_case *c, struct rmt_receipts_case *r,
		   const struct rmt_config *config, GError **err)
{
	g_autoptr(GString) message = g_string_new(NULL);

	if (!set_facts(c, r, err) || !read_message(c, message, err))
		return false;
	rmt_receipts_case_decide(r, config, rmt_span(message->str, message->len));
	put_decision(c, r);
	if (r->decision.verdict == RMT_RECEIPT_SEND ||
	    json_is_true(json_object_get(c->in, "mdn")))
		put_mdn(c, r);
	return true;
}

bool rmt_batch_receipt(struct rmt_batch_case *c, GError **err)
{
	g_autoptr(rmt_config) config = config_of(c, err);
	struct rmt_receipts_case r;
	bool ok;

	if (config == NULL)
		return false;
	rmt_receipts_case_init(&r, g_get_real_time() / G_USEC_PER_SEC);
	ok = decide(c, &r, config, err);
	rmt_receipts_case_clear(&r);
	return ok;
}
