/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/receipts/policy.h"
#include "common/store/answers.h"
#include "common/store/pack.h"
#include "dovecot-plugin/agent/case.h"

enum { CASE_VERSION = 1, ANSWER_KEPT_DAYS = 90 };

void rmt_case_free(struct rmt_case *subject)
{
	if (subject == NULL)
		return;
	g_free(subject->user);
	g_free(subject->name);
	g_free(subject->addresses);
	g_free(subject->groups);
	g_free(subject->language);
	g_free(subject->box);
	g_free(subject->guid);
	g_free(subject->msgid);
	g_free(subject->recipient);
	g_free(subject->places);
	g_free((char *)subject->header.p);
	g_free(subject);
}

static char *field(const struct rmt_wire_record *record, const char *name)
{
	const char *value = rmt_wire_get(record, name);

	return g_strdup(value != NULL ? value : "");
}

static struct rmt_span copy(struct rmt_span from)
{
	return rmt_span(from.len > 0 ? g_memdup2(from.p, from.len) : NULL, from.len);
}

struct rmt_case *rmt_case_of_record(const char *user,
				    const struct rmt_wire_record *record)
{
	struct rmt_case *subject = g_new0(struct rmt_case, 1);

	subject->user = g_strdup(user);
	subject->name = field(record, "name");
	subject->addresses = field(record, "addresses");
	subject->groups = field(record, "groups");
	subject->language = field(record, "language");
	subject->box = field(record, "box");
	subject->guid = field(record, "guid");
	subject->msgid = field(record, "msgid");
	subject->recipient = field(record, "rcpt");
	subject->places = field(record, "place");
	subject->uidvalidity = (uint32_t)rmt_wire_get_number(record, "uidvalidity");
	subject->uid = (uint32_t)rmt_wire_get_number(record, "uid");
	subject->received = (int64_t)rmt_wire_get_number(record, "received");
	subject->header = copy(rmt_span((const char *)record->body, record->body_len));
	return subject;
}

void rmt_case_pack(const struct rmt_case *subject, GString *out)
{
	const char *const texts[] = { subject->user,      subject->name,
				      subject->addresses, subject->groups,
				      subject->language,  subject->box,
				      subject->guid,      subject->msgid,
				      subject->recipient, subject->places };
	size_t i;

	rmt_pack_number(out, CASE_VERSION);
	for (i = 0; i < G_N_ELEMENTS(texts); i++)
		rmt_pack_string(out, rmt_span_of(texts[i]));
	rmt_pack_number(out, subject->uidvalidity);
	rmt_pack_number(out, subject->uid);
	rmt_pack_number(out, (uint64_t)MAX(subject->received, 0));
	rmt_pack_string(out, subject->header);
}

static char *unpack_text(struct rmt_unpack *in)
{
	struct rmt_span text = rmt_unpack_string(in);

	return g_strndup(text.p != NULL ? text.p : "", text.len);
}

struct rmt_case *rmt_case_unpack(struct rmt_span packed)
{
	g_autoptr(rmt_case) subject = g_new0(struct rmt_case, 1);
	char **const texts[] = { &subject->user,      &subject->name,
				 &subject->addresses, &subject->groups,
				 &subject->language,  &subject->box,
				 &subject->guid,      &subject->msgid,
				 &subject->recipient, &subject->places };
	struct rmt_unpack in = { packed, false };
	size_t i;

	if (rmt_unpack_number(&in) != CASE_VERSION)
		return NULL;
	for (i = 0; i < G_N_ELEMENTS(texts); i++)
		*texts[i] = unpack_text(&in);
	subject->uidvalidity = (uint32_t)rmt_unpack_number(&in);
	subject->uid = (uint32_t)rmt_unpack_number(&in);
	subject->received = (int64_t)rmt_unpack_number(&in);
	subject->header = copy(rmt_unpack_string(&in));
	return in.damaged ? NULL : g_steal_pointer(&subject);
}

/* Words between blanks and commas; NULL where there are none. Own. */
static char **words(const char *text)
{
	g_auto(GStrv) parts = g_strsplit_set(text, " ,\t", -1);
	GPtrArray *found = g_ptr_array_new();
	char **part;

	for (part = parts; *part != NULL; part++)
		if (**part != '\0')
			g_ptr_array_add(found, g_strdup(*part));
	if (found->len == 0) {
		g_ptr_array_free(found, TRUE);
		return NULL;
	}
	g_ptr_array_add(found, NULL);
	return (char **)g_ptr_array_free(found, FALSE);
}

struct rmt_receipt_user *rmt_case_user(const struct rmt_case *subject,
				       const struct rmt_config *config)
{
	g_auto(GStrv) addresses = words(subject->addresses);
	g_auto(GStrv) groups = words(subject->groups);
	const char *const *list = (const char *const *)addresses;

	if (list == NULL)
		list = rmt_config_addresses(config, subject->user);
	return rmt_receipt_user_new(subject->user, list, (const char *const *)groups,
				    config->fold, NULL);
}

struct rmt_receipt_request *rmt_case_request(const struct rmt_case *subject,
					     const struct rmt_config *config)
{
	const struct rmt_request_reading with = {
		(const char *const *)config->receipts.authserv_ids
	};

	return rmt_receipt_request_read(subject->header, &with);
}

unsigned rmt_case_places(const struct rmt_case *subject)
{
	g_auto(GStrv) names = words(subject->places);
	unsigned places = 0, bit;
	char **name;

	for (name = names; name != NULL && *name != NULL; name++)
		if (rmt_receipt_place_parse(rmt_span_of(*name), &bit))
			places |= bit;
	return places;
}

void rmt_case_id(const struct rmt_receipt_request *request, GString *id_r)
{
	rmt_claim_id(rmt_span_of(request->key), id_r);
}

char *rmt_case_job_id(const char *user, const char *id)
{
	char key[RMT_CLAIM_KEY];
	GString *out = g_string_new(user);
	size_t i;

	rmt_claim_key(user, id, key);
	g_string_append_c(out, ' ');
	for (i = 0; i < sizeof(key); i++)
		g_string_append_printf(out, "%02x", (unsigned char)key[i]);
	return g_string_free(out, FALSE);
}

/* A value that could not stand in a field is left out: the message is then found
 * by its other marks. */
static void append_field(GString *out, const char *name, const char *value)
{
	if (*value != '\0' && strpbrk(value, "\t\r\n\001") == NULL)
		g_string_append_printf(out, "%s=%s\t", name, value);
}

void rmt_case_put_answer(const struct rmt_case *subject, const char *id,
			 const char *fields, int64_t now_us, struct rmt_deal *deal)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_answer answer = {
		.user = subject->user,
		.id = (char *)id,
		.since = now_us / G_USEC_PER_SEC,
		.until = now_us / G_USEC_PER_SEC + ANSWER_KEPT_DAYS * RMT_AGENT_DAY,
		.number = (uint64_t)now_us,
	};

	append_field(text, "box", subject->box);
	append_field(text, "guid", subject->guid);
	append_field(text, "msgid", subject->msgid);
	g_string_append_printf(text, "uidvalidity=%u\tuid=%u\t%s", subject->uidvalidity,
			       subject->uid, fields);
	answer.fields = text->str;
	rmt_deal_put_answer(deal, &answer);
}
