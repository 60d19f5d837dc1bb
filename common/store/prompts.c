/* SPDX-License-Identifier: MIT */
/* Table "prompts": user, NUL, the claim's key -> version (1), id, target, subject,
 * rule (strings), since, until, notified (numbers), payload (string). */
#include <string.h>

#include "common/store/pack.h"
#include "common/store/prompts.h"
#include "common/store/store_backend.h"
#include "common/store/user_rows.h"

#define PROMPTS_TABLE "prompts"

enum { PROMPT_VERSION = 1 };

void rmt_prompt_free(struct rmt_prompt *prompt)
{
	if (prompt == NULL)
		return;
	g_free(prompt->user);
	g_free(prompt->id);
	g_free(prompt->target);
	g_free(prompt->subject);
	g_free(prompt->rule);
	g_free((char *)prompt->payload.p);
	g_free(prompt);
}

static GString *key_of(const char *user, const char *id)
{
	char key[RMT_CLAIM_KEY];

	return rmt_user_key(user, rmt_claim_key(user, id, key));
}

void rmt_deal_put_prompt(struct rmt_deal *deal, const struct rmt_prompt *prompt)
{
	g_autoptr(GString) key = key_of(prompt->user, prompt->id);
	g_autoptr(GString) value = g_string_new(NULL);

	rmt_pack_number(value, PROMPT_VERSION);
	rmt_pack_string(value, rmt_span_of(prompt->id));
	rmt_pack_string(value, rmt_span_of(prompt->target));
	rmt_pack_string(value, rmt_span_of(prompt->subject));
	rmt_pack_string(value, rmt_span_of(prompt->rule));
	rmt_pack_number(value, (uint64_t)MAX(prompt->since, 0));
	rmt_pack_number(value, (uint64_t)MAX(prompt->until, 0));
	rmt_pack_number(value, (uint64_t)MAX(prompt->notified, 0));
	rmt_pack_string(value, prompt->payload);
	rmt_deal_put(deal, PROMPTS_TABLE, rmt_string_span(key), rmt_string_span(value));
}

void rmt_deal_remove_prompt(struct rmt_deal *deal, const char *user, const char *id)
{
	g_autoptr(GString) key = key_of(user, id);

	rmt_deal_remove(deal, PROMPTS_TABLE, rmt_string_span(key));
}

static bool is_there(void *context, struct rmt_span stored)
{
	(void)context;
	return stored.p != NULL;
}

void rmt_deal_if_prompt(struct rmt_deal *deal, const char *user, const char *id)
{
	g_autoptr(GString) key = key_of(user, id);

	rmt_deal_if(deal, PROMPTS_TABLE, rmt_string_span(key), is_there, NULL);
}

static char *unpack_text(struct rmt_unpack *in)
{
	struct rmt_span text = rmt_unpack_string(in);

	return g_strndup(text.p != NULL ? text.p : "", text.len);
}

struct rmt_prompt *rmt_prompt_read(struct rmt_span key, struct rmt_span value)
{
	g_autoptr(rmt_prompt) prompt = g_new0(struct rmt_prompt, 1);
	struct rmt_unpack in = { value, false };
	struct rmt_span user, rest;

	if (rmt_unpack_number(&in) != PROMPT_VERSION ||
	    !rmt_user_key_split(key, &user, &rest))
		return NULL;
	prompt->user = g_strndup(user.p, user.len);
	prompt->id = unpack_text(&in);
	prompt->target = unpack_text(&in);
	prompt->subject = unpack_text(&in);
	prompt->rule = unpack_text(&in);
	prompt->since = (int64_t)rmt_unpack_number(&in);
	prompt->until = (int64_t)rmt_unpack_number(&in);
	prompt->notified = (int64_t)rmt_unpack_number(&in);
	rest = rmt_unpack_string(&in);
	if (rest.len > 0)
		prompt->payload = rmt_span(g_memdup2(rest.p, rest.len), rest.len);
	return in.damaged ? NULL : g_steal_pointer(&prompt);
}

bool rmt_prompt_get(struct rmt_store *store, const char *user, const char *id,
		    struct rmt_prompt **prompt_r, GError **err)
{
	char key[RMT_CLAIM_KEY];

	return rmt_prompt_get_by_key(store, user, rmt_claim_key(user, id, key), prompt_r,
				     err);
}

bool rmt_prompt_get_by_key(struct rmt_store *store, const char *user,
			   struct rmt_span claim, struct rmt_prompt **prompt_r,
			   GError **err)
{
	g_autoptr(GString) key = rmt_user_key(user, claim);
	g_autoptr(GBytes) value = NULL;
	struct rmt_prompt *prompt = NULL;
	gsize size;
	const char *p;

	if (!rmt_deal_read(store, PROMPTS_TABLE, rmt_string_span(key), &value, err))
		return false;
	if (value != NULL) {
		p = g_bytes_get_data(value, &size);
		prompt = rmt_prompt_read(rmt_string_span(key), rmt_span(p, size));
		if (prompt == NULL)
			return rmt_store_refused(PROMPTS_TABLE, err);
	}
	*prompt_r = prompt;
	return true;
}

struct walk {
	rmt_prompts_each *each;
	void *context;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	g_autoptr(rmt_prompt) prompt = rmt_prompt_read(key, value);

	if (prompt != NULL)
		return walk->each(walk->context, prompt);
	rmt_user_row_damaged("prompts");
	return true;
}

bool rmt_prompts_walk(struct rmt_store *store, const char *user, rmt_prompts_each *each,
		      void *context, GError **err)
{
	struct walk walk = { each, context };

	return rmt_user_rows_walk(store, PROMPTS_TABLE, user, walk_entry, &walk, err);
}

bool rmt_prompts_erase(struct rmt_store *store, const char *user, uint64_t *erased_r,
		       GError **err)
{
	*erased_r = 0;
	return rmt_user_rows_remove(store, PROMPTS_TABLE, user, erased_r, err) &&
	       rmt_user_rows_remove(store, "preferences", user, erased_r, err);
}
