/* SPDX-License-Identifier: MIT */
#include "common/auth/dkim.h"
#include "common/auth/dkim_canon.h"
#include "common/auth/dkim_key.h"
#include "common/auth/dkim_second.h"
#include "common/auth/dkim_sig.h"
#include "common/auth/dkim_tag.h"
#include "common/message/header.h"

/* Fields of one name; used bottom-up by each signature (RFC 6376, 5.4.2). */
struct name {
	GArray *indices; /* of guint into rmt_dkim.fields, top-down */
	size_t left;     /* not yet used by the signature `user` */
	const void *user;
};

struct entry {
	struct rmt_dkim_signature public;
	struct rmt_dkim_sig sig;
	size_t field;   /* which field it is */
	GArray *fields; /* of struct rmt_dkim_signed_field */
	char *key_name; /* own; NULL: nothing is asked */
	bool answered;
	EVP_PKEY *key; /* own */
	char *record;  /* own; for the second verifier */
	size_t record_len;
	size_t body_number;
};

struct rmt_dkim {
	struct rmt_dkim_settings settings;
	struct rmt_dkim_keys *keys; /* foreign */
	struct rmt_asker asker;
	GString *octets;         /* all fields, one behind the other */
	GArray *ends;            /* of size_t: where each field ends in octets */
	struct rmt_span *fields; /* after the end of headers */
	GHashTable *names;       /* lower-case name -> struct name */
	GPtrArray *entries;      /* of struct entry, top-down */
	size_t signature_count, from_count;
	size_t asking;     /* entry whose key is asked for */
	GArray *questions; /* of struct rmt_dns_question: all of them, hints */
	struct rmt_canon_body *body;
	GString *body_copy; /* only for the second verifier */
	bool too_large, broken;
};

/* --- making and unmaking ------------------------------------------------------- */

static void name_free(gpointer data)
{
	struct name *name = data;

	g_array_unref(name->indices);
	g_free(name);
}

static void entry_free(gpointer data)
{
	struct entry *entry = data;

	rmt_dkim_sig_clear(&entry->sig);
	g_array_unref(entry->fields);
	EVP_PKEY_free(entry->key);
	g_free(entry->key_name);
	g_free(entry->record);
	g_free(entry);
}

static void key_answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer);

struct rmt_dkim *rmt_dkim_new(const struct rmt_dkim_settings *settings,
			      struct rmt_dkim_keys *keys)
{
	struct rmt_dkim *dkim = g_new0(struct rmt_dkim, 1);

	dkim->settings = *settings;
	dkim->keys = keys;
	dkim->asker.answered = key_answered;
	dkim->octets = g_string_sized_new(2048);
	dkim->ends = g_array_new(FALSE, FALSE, sizeof(size_t));
	dkim->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, name_free);
	dkim->entries = g_ptr_array_new_with_free_func(entry_free);
	dkim->questions = g_array_new(FALSE, FALSE, sizeof(struct rmt_dns_question));
	dkim->body = rmt_canon_body_new(rmt_dkim_keys_sha256(keys));
	if (settings->second != NULL)
		dkim->body_copy = g_string_new(NULL);
	return dkim;
}

void rmt_dkim_free(struct rmt_dkim *dkim)
{
	if (dkim == NULL)
		return;
	g_string_free(dkim->octets, TRUE);
	g_array_unref(dkim->ends);
	g_free(dkim->fields);
	g_hash_table_unref(dkim->names);
	g_ptr_array_unref(dkim->entries);
	g_array_unref(dkim->questions);
	rmt_canon_body_free(dkim->body);
	if (dkim->body_copy != NULL)
		g_string_free(dkim->body_copy, TRUE);
	g_free(dkim);
}

struct rmt_asker *rmt_dkim_asker(struct rmt_dkim *dkim)
{
	return &dkim->asker;
}

/* --- headers -------------------------------------------------------------------- */

void rmt_dkim_header(struct rmt_dkim *dkim, struct rmt_span raw)
{
	size_t end = dkim->octets->len + raw.len;

	if (dkim->too_large || end > dkim->settings.header_max) {
		dkim->too_large = true;
		return;
	}
	g_string_append_len(dkim->octets, raw.p, (gssize)raw.len);
	g_array_append_val(dkim->ends, end);
}

static struct rmt_span name_of(struct rmt_span raw)
{
	struct rmt_header_reader reader = rmt_header_read(raw);
	struct rmt_header_field field;

	return rmt_header_next(&reader, &field) ? field.name : rmt_span(NULL, 0);
}

static void index_field(struct rmt_dkim *dkim, guint number)
{
	struct rmt_span text = name_of(dkim->fields[number]);
	g_autofree char *lower =
		g_ascii_strdown(text.len > 0 ? text.p : "", (gssize)text.len);
	struct name *name = g_hash_table_lookup(dkim->names, lower);

	if (text.len == 0) {
		dkim->broken = true; /* readers differ on what follows */
		return;
	}
	if (name == NULL) {
		name = g_new0(struct name, 1);
		name->indices = g_array_new(FALSE, FALSE, sizeof(guint));
		g_hash_table_insert(dkim->names, g_steal_pointer(&lower), name);
	}
	g_array_append_val(name->indices, number);
}

static size_t count_named(struct rmt_dkim *dkim, const char *lower)
{
	const struct name *name = g_hash_table_lookup(dkim->names, lower);

	return name != NULL ? name->indices->len : 0;
}

/* Which instance each name of h= stands for (RFC 6376, 5.4.2). */
static void assign_fields(struct rmt_dkim *dkim, struct entry *entry)
{
	struct rmt_span text, rest = entry->sig.headers;

	while (rmt_tag_list_next(&rest, &text)) {
		struct rmt_dkim_signed_field field = { .name = text };
		g_autofree char *lower = g_ascii_strdown(text.p, (gssize)text.len);
		struct name *name = g_hash_table_lookup(dkim->names, lower);

		if (name != NULL && name->user != entry) {
			name->user = entry;
			name->left = name->indices->len;
		}
		if (name != NULL && name->left > 0) {
			field.index = g_array_index(name->indices, guint, --name->left);
			field.raw = dkim->fields[field.index];
		}
		g_array_append_val(entry->fields, field);
	}
	entry->public.fields = (const void *)entry->fields->data;
	entry->public.field_count = entry->fields->len;
}

static void show_signature(struct entry *entry)
{
	struct rmt_dkim_signature *public = &entry->public;

	public->domain = rmt_span_of(entry->sig.domain);
	public->selector = rmt_span_of(entry->sig.selector);
	public->identity = rmt_span_of(entry->sig.identity);
	public->algorithm = entry->sig.algorithm;
	public->b = entry->sig.b_text;
	public->signed_at = entry->sig.signed_at;
	public->expires = entry->sig.expires;
}

static void want_key_and_body(struct rmt_dkim *dkim, struct entry *entry)
{
	struct rmt_dns_question question = { .type = RMT_DNS_TXT };

	entry->body_number =
		rmt_canon_body_want(dkim->body, entry->sig.body_canon, entry->sig.length);
	entry->key_name = g_strdup_printf("%s._domainkey.%s", entry->sig.selector,
					  entry->sig.domain);
	question.name = rmt_span_of(entry->key_name);
	g_array_append_val(dkim->questions, question);
}

static void add_signature(struct rmt_dkim *dkim, guint field)
{
	bool evaluate = dkim->entries->len < dkim->settings.signatures_max;
	struct entry *entry = g_new0(struct entry, 1);

	entry->field = field;
	entry->fields = g_array_new(FALSE, FALSE, sizeof(struct rmt_dkim_signed_field));
	g_ptr_array_add(dkim->entries, entry);
	entry->public.reason = rmt_dkim_sig_parse(dkim->fields[field], &entry->sig);
	show_signature(entry);
	if (!evaluate)
		entry->public.reason = RMT_DKIM_NOT_EVALUATED;
	else
		assign_fields(dkim, entry);
	if (entry->public.reason == RMT_DKIM_OK && dkim->too_large)
		entry->public.reason = RMT_DKIM_TOO_LARGE;
	if (entry->public.reason == RMT_DKIM_OK && dkim->from_count == 0)
		entry->public.reason = RMT_DKIM_FROM_UNSIGNED;
	if (entry->public.reason == RMT_DKIM_OK)
		want_key_and_body(dkim, entry);
}

static void ask_next_key(struct rmt_dkim *dkim)
{
	const struct rmt_dns_question *all = (const void *)dkim->questions->data;
	const struct entry *entry;

	for (; dkim->asking < dkim->entries->len; dkim->asking++) {
		entry = g_ptr_array_index(dkim->entries, dkim->asking);
		if (entry->key_name == NULL)
			continue;
		rmt_dns_ask(&dkim->asker, RMT_DNS_TXT, rmt_span_of(entry->key_name));
		dkim->asker.hints = all;
		dkim->asker.hint_count = dkim->questions->len;
		return;
	}
}

void rmt_dkim_end_of_headers(struct rmt_dkim *dkim)
{
	const struct name *signatures;
	size_t start = 0;
	guint i, limit;

	dkim->fields = g_new(struct rmt_span, dkim->ends->len + 1);
	for (i = 0; i < dkim->ends->len; i++) {
		size_t end = g_array_index(dkim->ends, size_t, i);

		dkim->fields[i] = rmt_span(dkim->octets->str + start, end - start);
		start = end;
		index_field(dkim, i);
	}
	dkim->from_count = count_named(dkim, "from");
	signatures = g_hash_table_lookup(dkim->names, "dkim-signature");
	if (signatures == NULL)
		return;
	dkim->signature_count = signatures->indices->len;
	limit = MIN(signatures->indices->len,
		    dkim->settings.signatures_max + RMT_DKIM_LISTED_MAX);
	for (i = 0; i < limit; i++)
		add_signature(dkim, g_array_index(signatures->indices, guint, i));
	ask_next_key(dkim);
}

/* --- keys ----------------------------------------------------------------------- */

/* RFC 6376, 3.6.1, t=s. */
static bool identity_is_exact(const struct entry *entry)
{
	struct rmt_span local, domain;

	return rmt_span_split_last(entry->public.identity, '@', &local, &domain) &&
	       rmt_span_eq_nocase(domain, entry->public.domain);
}

static enum rmt_dkim_reason judge_key(const struct rmt_dkim *dkim, struct entry *entry)
{
	struct rmt_dkim_signature *public = &entry->public;

	if (entry->key == NULL)
		return RMT_DKIM_KEY_SYNTAX;
	if (entry->sig.type == RMT_DKIM_ED25519) {
		public->bits = 256;
		return RMT_DKIM_OK;
	}
	public->bits = (unsigned)EVP_PKEY_get_bits(entry->key);
	public->weak = public->bits < RMT_DKIM_BITS_GOOD;
	if (public->bits > RMT_DKIM_BITS_MAX)
		return RMT_DKIM_KEY_LARGE;
	return public->bits < dkim->settings.rsa_bits_min ? RMT_DKIM_KEY_SMALL
							  : RMT_DKIM_OK;
}

static enum rmt_dkim_reason take_record(struct rmt_dkim *dkim, struct entry *entry,
					const struct rmt_dns_answer *answer)
{
	struct rmt_dkim_record record;
	struct rmt_span text;
	enum rmt_dkim_reason reason = rmt_dkim_record_choose(answer, &text);

	if (reason != RMT_DKIM_OK)
		return reason;
	if (dkim->settings.second != NULL) {
		entry->record = g_memdup2(text.p, text.len);
		entry->record_len = text.len;
	}
	reason = rmt_dkim_record_parse(text, &record);
	entry->public.testing = record.testing;
	if (reason == RMT_DKIM_OK && record.type != entry->sig.type)
		reason = RMT_DKIM_KEY_TYPE;
	if (reason == RMT_DKIM_OK && record.exact && !identity_is_exact(entry))
		reason = RMT_DKIM_IDENTITY;
	if (reason == RMT_DKIM_OK) {
		entry->key = rmt_dkim_keys_get(dkim->keys, &record);
		reason = judge_key(dkim, entry);
	}
	rmt_dkim_record_clear(&record);
	return reason;
}

static void key_answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	struct rmt_dkim *dkim = RMT_ASKER_OWNER(asker, struct rmt_dkim, asker);
	struct entry *entry = g_ptr_array_index(dkim->entries, dkim->asking);

	entry->answered = true;
	entry->public.secure = answer->secure;
	entry->public.reason = take_record(dkim, entry, answer);
	dkim->asking++;
	ask_next_key(dkim);
}

/* --- body and verdict ----------------------------------------------------------- */

void rmt_dkim_body(struct rmt_dkim *dkim, struct rmt_span piece)
{
	rmt_canon_body_add(dkim->body, piece);
	if (dkim->body_copy != NULL)
		g_string_append_len(dkim->body_copy, piece.p, (gssize)piece.len);
}

static enum rmt_dkim_reason check_body(const struct rmt_dkim *dkim,
				       const struct entry *entry, uint64_t *total_r)
{
	const unsigned char *hash =
		rmt_canon_body_hash(dkim->body, entry->body_number, total_r);

	if (entry->sig.length != UINT64_MAX && *total_r < entry->sig.length)
		return RMT_DKIM_BODY_SHORT;
	return memcmp(hash, entry->sig.bh->data, RMT_SHA256_OCTETS) == 0
		       ? RMT_DKIM_OK
		       : RMT_DKIM_BODY_HASH;
}

static enum rmt_dkim_reason check_header(const struct rmt_dkim *dkim,
					 const struct entry *entry)
{
	g_autoptr(GString) data = g_string_sized_new(dkim->octets->len + 16);
	unsigned char digest[RMT_SHA256_OCTETS];
	size_t i;

	for (i = 0; i < entry->public.field_count; i++)
		if (entry->public.fields[i].raw.p != NULL)
			rmt_canon_field(data, entry->sig.header_canon,
					entry->public.fields[i].raw, true);
	rmt_dkim_sig_append(&entry->sig, dkim->fields[entry->field], data);
	EVP_Digest(data->str, data->len, digest, NULL, rmt_dkim_keys_sha256(dkim->keys),
		   NULL);
	return rmt_dkim_key_verify(dkim->keys, entry->key, entry->sig.type, digest,
				   entry->sig.b)
		       ? RMT_DKIM_OK
		       : RMT_DKIM_SIGNATURE;
}

static bool second_agrees(const struct rmt_dkim *dkim, const struct entry *entry)
{
	struct rmt_dkim_case which = {
		.fields = dkim->fields,
		.field_count = dkim->ends->len,
		.signature = entry->field,
		.body = rmt_span(dkim->body_copy->str, dkim->body_copy->len),
		.record = rmt_span(entry->record, entry->record_len),
	};

	return dkim->settings.second->ask(dkim->settings.second, &which) != RMT_DKIM_NO;
}

static enum rmt_dkim_reason judge(const struct rmt_dkim *dkim, const struct entry *entry,
				  int64_t now)
{
	enum rmt_dkim_reason reason = entry->public.reason;
	uint64_t total = 0;

	if (reason != RMT_DKIM_OK)
		return reason;
	if (!entry->answered)
		return RMT_DKIM_DNS;
	if (entry->sig.expires >= 0 && now > entry->sig.expires)
		return RMT_DKIM_EXPIRED;
	if (entry->sig.signed_at > now + dkim->settings.skew_secs)
		return RMT_DKIM_FUTURE;
	reason = check_body(dkim, entry, &total);
	if (reason == RMT_DKIM_OK)
		reason = check_header(dkim, entry);
	if (reason != RMT_DKIM_OK)
		return reason;
	if (entry->sig.length < total)
		return RMT_DKIM_BODY_TAIL;
	if (dkim->from_count > 1)
		return RMT_DKIM_FROM_REPEATED;
	if (dkim->broken)
		return RMT_DKIM_HEADER_BROKEN;
	if (dkim->settings.second != NULL && !second_agrees(dkim, entry))
		return RMT_DKIM_DISAGREE;
	return RMT_DKIM_OK;
}

void rmt_dkim_finish(struct rmt_dkim *dkim, int64_t now)
{
	guint i;

	dkim->asker.waits = false;
	rmt_canon_body_end(dkim->body);
	for (i = 0; i < dkim->entries->len; i++) {
		struct entry *entry = g_ptr_array_index(dkim->entries, i);

		entry->public.reason = judge(dkim, entry, now);
		entry->public.result = rmt_dkim_reason_result(entry->public.reason);
	}
}

const struct rmt_dkim_signature *rmt_dkim_get(const struct rmt_dkim *dkim, size_t i)
{
	const struct entry *entry;

	if (i >= dkim->entries->len)
		return NULL;
	entry = g_ptr_array_index(dkim->entries, i);
	return &entry->public;
}

bool rmt_dkim_holds_widely(const struct rmt_dkim_signature *signature)
{
	return signature->result == RMT_DKIM_PASS &&
	       rmt_span_starts(signature->algorithm, RMT_SPAN("rsa-"));
}

size_t rmt_dkim_signature_count(const struct rmt_dkim *dkim)
{
	return dkim->signature_count;
}

/* --- a message at once ---------------------------------------------------------- */

static char *with_crlf(struct rmt_span message, gsize *len_r)
{
	GString *out = g_string_sized_new(message.len + message.len / 32 + 16);
	size_t i;

	for (i = 0; i < message.len; i++) {
		if (message.p[i] == '\n' && (i == 0 || message.p[i - 1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, message.p[i]);
	}
	*len_r = out->len;
	return g_string_free(out, FALSE);
}

static bool ends_lines_with_lf(struct rmt_span message)
{
	const char *lf = message.len > 0 ? memchr(message.p, '\n', message.len) : NULL;

	return lf != NULL && (lf == message.p || lf[-1] != '\r');
}

void rmt_dkim_message(struct rmt_dkim *dkim, struct rmt_span message)
{
	g_autofree char *copy = NULL;
	struct rmt_header_reader reader;
	struct rmt_header_field field;

	if (ends_lines_with_lf(message)) {
		gsize len;

		copy = with_crlf(message, &len);
		message = rmt_span(copy, len);
	}
	reader = rmt_header_read(message);
	while (rmt_header_next(&reader, &field))
		rmt_dkim_header(dkim, field.raw);
	rmt_dkim_end_of_headers(dkim);
	rmt_dkim_body(dkim, rmt_span_from(message, reader.at));
}
