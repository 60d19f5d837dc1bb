/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/agent/errand.h"

#include "common/store/pack.h"

enum { ERRAND_VERSION = 1, TEXTS = 9 };

/* In the order in which they are packed. */
static void list_texts(struct rmt_errand *errand, char **texts_r[TEXTS])
{
	char **const texts[TEXTS] = { &errand->id,        &errand->address,
				      &errand->url,       &errand->host,
				      &errand->mailto,    &errand->mail_subject,
				      &errand->mail_body, &errand->list,
				      &errand->way };

	memcpy(texts_r, texts, sizeof(texts));
}

void rmt_errand_free(struct rmt_errand *errand)
{
	char **texts[TEXTS];
	size_t i;

	if (errand == NULL)
		return;
	list_texts(errand, texts);
	for (i = 0; i < TEXTS; i++)
		g_free(*texts[i]);
	rmt_case_free(errand->subject);
	g_free(errand->message);
	g_free(errand);
}

void rmt_errand_set(char **text, const char *value)
{
	g_free(*text);
	*text = g_strdup(value != NULL ? value : "");
}

struct rmt_errand *rmt_errand_new(struct rmt_case *subject, const char *id)
{
	struct rmt_errand *errand = g_new0(struct rmt_errand, 1);
	char **texts[TEXTS];
	size_t i;

	list_texts(errand, texts);
	for (i = 0; i < TEXTS; i++)
		*texts[i] = g_strdup("");
	errand->subject = subject;
	rmt_errand_set(&errand->id, id);
	return errand;
}

void rmt_errand_pack(const struct rmt_errand *errand, GString *out)
{
	g_autoptr(GString) subject = g_string_new(NULL);
	char **texts[TEXTS];
	size_t i;

	rmt_case_pack(errand->subject, subject);
	list_texts((struct rmt_errand *)errand, texts);
	rmt_pack_number(out, ERRAND_VERSION);
	rmt_pack_number(out, (uint64_t)errand->stage);
	rmt_pack_number(out, errand->posts);
	rmt_pack_number(out, errand->attempts);
	rmt_pack_number(out, errand->unsure);
	rmt_pack_string(out, rmt_span(subject->str, subject->len));
	for (i = 0; i < TEXTS; i++)
		rmt_pack_string(out, rmt_span_of(*texts[i]));
	rmt_pack_string(out, rmt_span(errand->message, errand->message_len));
}

static char *unpack_text(struct rmt_unpack *in)
{
	const struct rmt_span text = rmt_unpack_string(in);

	return g_strndup(text.p != NULL ? text.p : "", text.len);
}

struct rmt_errand *rmt_errand_unpack(struct rmt_span packed)
{
	g_autoptr(rmt_errand) errand = g_new0(struct rmt_errand, 1);
	struct rmt_unpack in = { packed, false };
	struct rmt_span message;
	char **texts[TEXTS];
	uint64_t stage;
	size_t i;

	list_texts(errand, texts);
	if (rmt_unpack_number(&in) != ERRAND_VERSION)
		return NULL;
	stage = rmt_unpack_number(&in);
	errand->posts = (unsigned)rmt_unpack_number(&in);
	errand->attempts = (unsigned)rmt_unpack_number(&in);
	errand->unsure = rmt_unpack_number(&in) != 0;
	errand->subject = rmt_case_unpack(rmt_unpack_string(&in));
	for (i = 0; i < TEXTS; i++)
		*texts[i] = unpack_text(&in);
	message = rmt_unpack_string(&in);
	if (in.damaged || stage >= RMT_ERRAND_STAGES || errand->subject == NULL)
		return NULL;
	errand->stage = (enum rmt_errand_stage)stage;
	errand->message = message.len > 0 ? g_memdup2(message.p, message.len) : NULL;
	errand->message_len = message.len;
	return g_steal_pointer(&errand);
}
