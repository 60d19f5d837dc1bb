/* SPDX-License-Identifier: MIT */
/* Table "answers": user, NUL, the claim's key -> version (1), number, id, fields
 * (strings), since, until (numbers). */
#include "common/store/answers.h"
#include "common/store/pack.h"
#include "common/store/user_rows.h"

#define ANSWERS_TABLE "answers"

enum { ANSWER_VERSION = 1 };

void rmt_answer_free(struct rmt_answer *answer)
{
	if (answer == NULL)
		return;
	g_free(answer->user);
	g_free(answer->id);
	g_free(answer->fields);
	g_free(answer);
}

static GString *key_of(const char *user, const char *id)
{
	char key[RMT_CLAIM_KEY];

	return rmt_user_key(user, rmt_claim_key(user, id, key));
}

void rmt_deal_put_answer(struct rmt_deal *deal, const struct rmt_answer *answer)
{
	g_autoptr(GString) key = key_of(answer->user, answer->id);
	g_autoptr(GString) value = g_string_new(NULL);

	rmt_pack_number(value, ANSWER_VERSION);
	rmt_pack_number(value, answer->number);
	rmt_pack_string(value, rmt_span_of(answer->id));
	rmt_pack_string(value, rmt_span_of(answer->fields));
	rmt_pack_number(value, (uint64_t)MAX(answer->since, 0));
	rmt_pack_number(value, (uint64_t)MAX(answer->until, 0));
	rmt_deal_put(deal, ANSWERS_TABLE, rmt_string_span(key), rmt_string_span(value));
}

/* context: the number. Damaged, it is of no use to anybody. */
static enum rmt_store_verdict remove_same(void *context, struct rmt_span old,
					  GString *value_r)
{
	const uint64_t *number = context;
	struct rmt_unpack in = { old, false };
	uint64_t version = rmt_unpack_number(&in), other = rmt_unpack_number(&in);

	(void)value_r;
	if (version == ANSWER_VERSION && !in.damaged && other != *number)
		return RMT_STORE_KEEP;
	return RMT_STORE_REMOVE;
}

bool rmt_answer_done(struct rmt_store *store, const char *user, const char *id,
		     uint64_t number, GError **err)
{
	g_autoptr(GString) key = key_of(user, id);
	struct rmt_store_change change = { .table = ANSWERS_TABLE,
					   .key = rmt_string_span(key),
					   .modify = remove_same,
					   .context = &number };

	return rmt_store_commit(store, &change, 1, NULL, err);
}

static char *unpack_text(struct rmt_unpack *in)
{
	struct rmt_span text = rmt_unpack_string(in);

	return g_strndup(text.p != NULL ? text.p : "", text.len);
}

static struct rmt_answer *read_row(struct rmt_span key, struct rmt_span value)
{
	g_autoptr(rmt_answer) answer = g_new0(struct rmt_answer, 1);
	struct rmt_unpack in = { value, false };
	struct rmt_span user, rest;

	if (rmt_unpack_number(&in) != ANSWER_VERSION ||
	    !rmt_user_key_split(key, &user, &rest))
		return NULL;
	answer->user = g_strndup(user.p, user.len);
	answer->number = rmt_unpack_number(&in);
	answer->id = unpack_text(&in);
	answer->fields = unpack_text(&in);
	answer->since = (int64_t)rmt_unpack_number(&in);
	answer->until = (int64_t)rmt_unpack_number(&in);
	return in.damaged ? NULL : g_steal_pointer(&answer);
}

struct walk {
	rmt_answers_each *each;
	void *context;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	g_autoptr(rmt_answer) answer = read_row(key, value);

	if (answer != NULL)
		return walk->each(walk->context, answer);
	rmt_user_row_damaged("answers");
	return true;
}

bool rmt_answers_walk(struct rmt_store *store, const char *user, rmt_answers_each *each,
		      void *context, GError **err)
{
	struct walk walk = { each, context };

	return rmt_user_rows_walk(store, ANSWERS_TABLE, user, walk_entry, &walk, err);
}

struct expiry {
	struct rmt_store *store;
	int64_t now;
	uint64_t removed;
	GError *err;
};

static bool expire_one(void *context, const struct rmt_answer *answer)
{
	struct expiry *expiry = context;

	if (answer->until > expiry->now)
		return true;
	expiry->removed++;
	return rmt_answer_done(expiry->store, answer->user, answer->id, answer->number,
			       &expiry->err);
}

bool rmt_answers_expire(struct rmt_store *store, int64_t now, uint64_t *removed_r,
			GError **err)
{
	struct expiry expiry = { .store = store, .now = now };

	if (!rmt_answers_walk(store, NULL, expire_one, &expiry, err))
		return false;
	if (expiry.err != NULL) {
		g_propagate_error(err, expiry.err);
		return false;
	}
	*removed_r = expiry.removed;
	return true;
}

bool rmt_answers_erase(struct rmt_store *store, const char *user, uint64_t *erased_r,
		       GError **err)
{
	*erased_r = 0;
	return rmt_user_rows_remove(store, ANSWERS_TABLE, user, erased_r, err);
}
