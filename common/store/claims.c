/* SPDX-License-Identifier: MIT */
/* Table "claims": a hash of user and id (16 octets) -> version (1), state, since,
 * changed, until, passed (numbers), user, id, target, recipient, rule, by,
 * receipt (strings). Table "receipt-ids": a hash of the receipt's Message-ID ->
 * the key of its claim. */
#include <string.h>

#include "common/base/log.h"
#include "common/store/claims.h"
#include "common/store/pack.h"
#include "common/store/store_backend.h"

#define CLAIMS_TABLE   "claims"
#define RECEIPTS_TABLE "receipt-ids"

enum { CLAIM_VERSION = 1, SWEEP_BATCH = 128 };

const char *rmt_claim_state_name(enum rmt_claim_state state)
{
	static const char *const names[RMT_CLAIM_STATES] = {
		[RMT_CLAIM_NONE] = "none",       [RMT_CLAIM_DELIVERED] = "delivered",
		[RMT_CLAIM_ASKED] = "asked",     [RMT_CLAIM_APPROVED] = "approved",
		[RMT_CLAIM_SENDING] = "sending", [RMT_CLAIM_SENT] = "sent",
		[RMT_CLAIM_DENIED] = "denied",   [RMT_CLAIM_CLIENT] = "client",
		[RMT_CLAIM_FAILED] = "failed",
	};

	return state < RMT_CLAIM_STATES ? names[state] : "unknown";
}

void rmt_claim_free(struct rmt_claim *claim)
{
	if (claim == NULL)
		return;
	g_free(claim->user);
	g_free(claim->id);
	g_free(claim->target);
	g_free(claim->recipient);
	g_free(claim->rule);
	g_free(claim->by);
	g_free(claim->receipt);
	g_free(claim);
}

static struct rmt_span hash_of(struct rmt_span a, struct rmt_span b,
			       char key[RMT_CLAIM_KEY])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 digest[32];
	gsize size = sizeof(digest);

	g_checksum_update(sum, (const guchar *)a.p, (gssize)a.len);
	g_checksum_update(sum, (const guchar *)"", 1);
	g_checksum_update(sum, (const guchar *)b.p, (gssize)b.len);
	g_checksum_get_digest(sum, digest, &size);
	memcpy(key, digest, RMT_CLAIM_KEY);
	return rmt_span(key, RMT_CLAIM_KEY);
}

struct rmt_span rmt_claim_key(const char *user, const char *id, char key[RMT_CLAIM_KEY])
{
	return hash_of(rmt_span_of(user), rmt_span_of(id), key);
}

static struct rmt_span receipt_key(const char *receipt, char key[RMT_CLAIM_KEY])
{
	return hash_of(RMT_SPAN("receipt"), rmt_span_of(receipt), key);
}

/* --- rows as octets --- */

static char *unpack_text(struct rmt_unpack *in)
{
	struct rmt_span text = rmt_unpack_string(in);

	return g_strndup(text.p != NULL ? text.p : "", text.len);
}

struct rmt_claim *rmt_claim_read(struct rmt_span value)
{
	g_autoptr(rmt_claim) claim = g_new0(struct rmt_claim, 1);
	struct rmt_unpack in = { value, false };
	uint64_t state, passed;

	if (rmt_unpack_number(&in) != CLAIM_VERSION)
		return NULL;
	state = rmt_unpack_number(&in);
	claim->state = (enum rmt_claim_state)MIN(state, RMT_CLAIM_STATES);
	claim->since = (int64_t)rmt_unpack_number(&in);
	claim->changed = (int64_t)rmt_unpack_number(&in);
	claim->until = (int64_t)rmt_unpack_number(&in);
	passed = rmt_unpack_number(&in);
	claim->passed = (unsigned)MIN(passed, UINT32_MAX);
	claim->user = unpack_text(&in);
	claim->id = unpack_text(&in);
	claim->target = unpack_text(&in);
	claim->recipient = unpack_text(&in);
	claim->rule = unpack_text(&in);
	claim->by = unpack_text(&in);
	claim->receipt = unpack_text(&in);
	if (in.damaged || state == RMT_CLAIM_NONE || state >= RMT_CLAIM_STATES)
		return NULL;
	return g_steal_pointer(&claim);
}

static void pack(GString *value, const struct rmt_claim *claim)
{
	rmt_pack_number(value, CLAIM_VERSION);
	rmt_pack_number(value, (uint64_t)claim->state);
	rmt_pack_number(value, (uint64_t)MAX(claim->since, 0));
	rmt_pack_number(value, (uint64_t)MAX(claim->changed, 0));
	rmt_pack_number(value, (uint64_t)MAX(claim->until, 0));
	rmt_pack_number(value, claim->passed);
	rmt_pack_string(value, rmt_span_of(claim->user));
	rmt_pack_string(value, rmt_span_of(claim->id));
	rmt_pack_string(value, rmt_span_of(claim->target));
	rmt_pack_string(value, rmt_span_of(claim->recipient));
	rmt_pack_string(value, rmt_span_of(claim->rule));
	rmt_pack_string(value, rmt_span_of(claim->by));
	rmt_pack_string(value, rmt_span_of(claim->receipt));
}

static bool damaged(const char *user, GError **err)
{
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DAMAGED,
		    "a claim of '%s' is damaged or of a newer program: no receipt is "
		    "sent for it",
		    user);
	return false;
}

bool rmt_claim_get(struct rmt_store *store, const char *user, const char *id,
		   struct rmt_claim **claim_r, GError **err)
{
	char key[RMT_CLAIM_KEY];
	g_autoptr(GBytes) value = NULL;
	struct rmt_claim *claim = NULL;
	gsize size;
	const char *p;

	if (!rmt_deal_read(store, CLAIMS_TABLE, rmt_claim_key(user, id, key), &value,
			   err))
		return false;
	if (value != NULL) {
		p = g_bytes_get_data(value, &size);
		claim = rmt_claim_read(rmt_span(p, size));
		if (claim == NULL)
			return damaged(user, err);
	}
	*claim_r = claim;
	return true;
}

/* --- taking --- */

struct take {
	const struct rmt_claim_step *step;
	struct rmt_claim *row; /* own; as it was, then as it is; NULL: none */
	bool damaged;
};

static bool may_take(void *context, struct rmt_span stored)
{
	struct take *take = context;
	enum rmt_claim_state state = RMT_CLAIM_NONE;

	g_clear_pointer(&take->row, rmt_claim_free);
	if (stored.p != NULL) {
		take->row = rmt_claim_read(stored);
		take->damaged = take->row == NULL;
		if (take->damaged)
			return false;
		state = take->row->state;
	}
	return (take->step->from & RMT_CLAIM_IN(state)) != 0;
}

static void set_text(char **text, const char *to)
{
	if (to != NULL || *text == NULL) {
		g_free(*text);
		*text = g_strdup(to != NULL ? to : "");
	}
}

static enum rmt_store_verdict write_row(void *context, struct rmt_span old,
					GString *value_r)
{
	struct take *take = context;
	const struct rmt_claim_step *step = take->step;
	struct rmt_claim *row = take->row;

	(void)old;
	if (row == NULL) {
		row = take->row = g_new0(struct rmt_claim, 1);
		row->since = step->now;
	}
	row->state = step->to;
	row->changed = step->now;
	row->until = step->until;
	set_text(&row->user, step->user);
	set_text(&row->id, step->id);
	set_text(&row->target, step->target);
	set_text(&row->recipient, step->recipient);
	set_text(&row->rule, step->rule);
	set_text(&row->by, step->by);
	set_text(&row->receipt, step->receipt);
	if (step->not_passed && row->passed > 0)
		row->passed--;
	pack(value_r, row);
	return RMT_STORE_PUT;
}

static bool check_step(const struct rmt_claim_step *step, GError **err)
{
	if (*step->user != '\0' && strlen(step->user) <= RMT_CLAIM_USER_MAX &&
	    *step->id != '\0' && strlen(step->id) <= RMT_CLAIM_ID_MAX)
		return true;
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
		    "a claim needs a user of 1 to %d and a message id of 1 to %d octets",
		    RMT_CLAIM_USER_MAX, RMT_CLAIM_ID_MAX);
	return false;
}

static bool commit_take(struct rmt_store *store, struct take *take, struct rmt_deal *deal,
			bool *done_r, GError **err)
{
	const struct rmt_claim_step *step = take->step;
	char key[RMT_CLAIM_KEY], receipt[RMT_CLAIM_KEY];
	struct rmt_span row_key = rmt_claim_key(step->user, step->id, key);

	rmt_deal_if(deal, CLAIMS_TABLE, row_key, may_take, take);
	rmt_deal_change(deal, CLAIMS_TABLE, row_key, write_row, take);
	if (step->receipt != NULL)
		rmt_deal_put(deal, RECEIPTS_TABLE, receipt_key(step->receipt, receipt),
			     row_key);
	return rmt_deal_commit(store, deal, done_r, err);
}

enum rmt_claim_result rmt_claim_take(struct rmt_store *store,
				     const struct rmt_claim_step *step,
				     struct rmt_deal *deal, struct rmt_claim **row_r,
				     GError **err)
{
	g_autoptr(rmt_deal) alone = deal == NULL ? rmt_deal_new() : NULL;
	struct take take = { step, NULL, false };
	bool done = false;

	if (!check_step(step, err))
		return RMT_CLAIM_TROUBLE;
	if (!commit_take(store, &take, deal != NULL ? deal : alone, &done, err) ||
	    (take.damaged && !damaged(step->user, err))) {
		rmt_claim_free(take.row);
		return RMT_CLAIM_TROUBLE;
	}
	if (row_r != NULL)
		*row_r = g_steal_pointer(&take.row);
	rmt_claim_free(take.row);
	return done ? RMT_CLAIM_TAKEN : RMT_CLAIM_REFUSED;
}

/* --- a receipt of ours comes by --- */

struct pass {
	int64_t now;
	enum rmt_claim_passage passage;
	struct rmt_claim *row; /* own */
};

/* A receipt that was given up may still lie in a queue somewhere. */
static enum rmt_claim_passage judge_passage(const struct rmt_claim *row)
{
	if (row == NULL)
		return RMT_CLAIM_UNKNOWN;
	if (row->passed > 0)
		return RMT_CLAIM_AGAIN;
	return row->state == RMT_CLAIM_APPROVED || row->state == RMT_CLAIM_SENDING ||
			       row->state == RMT_CLAIM_SENT
		       ? RMT_CLAIM_FIRST_TIME
		       : RMT_CLAIM_UNKNOWN;
}

static bool may_pass(void *context, struct rmt_span stored)
{
	struct pass *pass = context;

	g_clear_pointer(&pass->row, rmt_claim_free);
	pass->row = stored.p != NULL ? rmt_claim_read(stored) : NULL;
	pass->passage = judge_passage(pass->row);
	return pass->row != NULL && pass->passage != RMT_CLAIM_UNKNOWN;
}

static enum rmt_store_verdict count_passage(void *context, struct rmt_span old,
					    GString *value_r)
{
	struct pass *pass = context;

	(void)old;
	pass->row->passed++;
	pack(value_r, pass->row);
	return RMT_STORE_PUT;
}

static enum rmt_claim_passage pass_claim(struct rmt_store *store, struct rmt_span key,
					 int64_t now, GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct pass pass = { now, RMT_CLAIM_UNKNOWN, NULL };

	rmt_deal_if(deal, CLAIMS_TABLE, key, may_pass, &pass);
	rmt_deal_change(deal, CLAIMS_TABLE, key, count_passage, &pass);
	if (!rmt_deal_commit(store, deal, NULL, err))
		pass.passage = RMT_CLAIM_NOT_KNOWN_NOW;
	rmt_claim_free(pass.row);
	return pass.passage;
}

enum rmt_claim_passage rmt_claim_pass(struct rmt_store *store, const char *receipt,
				      int64_t now, GError **err)
{
	char key[RMT_CLAIM_KEY];
	g_autoptr(GBytes) value = NULL;
	gsize size;
	const char *p;

	if (!rmt_deal_read(store, RECEIPTS_TABLE, receipt_key(receipt, key), &value, err))
		return RMT_CLAIM_NOT_KNOWN_NOW;
	if (value == NULL)
		return RMT_CLAIM_UNKNOWN;
	p = g_bytes_get_data(value, &size);
	if (size != RMT_CLAIM_KEY)
		return RMT_CLAIM_UNKNOWN;
	return pass_claim(store, rmt_span(p, size), now, err);
}

/* --- all --- */

struct walk {
	rmt_claims_each *each;
	void *context;
};

static bool walk_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	const struct walk *walk = context;
	g_autoptr(rmt_claim) claim = rmt_claim_read(value);

	(void)key;
	if (claim != NULL)
		return walk->each(walk->context, claim);
	rmt_log(RMT_LOG_ERROR, "a claim is damaged or of a newer program: skipped");
	return true;
}

bool rmt_claims_walk(struct rmt_store *store, rmt_claims_each *each, void *context,
		     GError **err)
{
	struct walk walk = { each, context };

	return rmt_store_walk(store, CLAIMS_TABLE, rmt_span(NULL, 0), walk_entry, &walk,
			      err);
}

/* Rows to be changed while they are walked over. */
struct sweep {
	struct rmt_store *store;
	rmt_deal_make *make;
	bool (*wants)(const struct sweep *sweep, const struct rmt_claim *claim);
	int64_t now;
	const char *user;
	struct rmt_deal *deal; /* own */
	unsigned pending;
	uint64_t done;
	GError *err;
};

static bool flush(struct sweep *sweep)
{
	bool good = sweep->pending == 0 ||
		    rmt_deal_commit(sweep->store, sweep->deal, NULL, &sweep->err);

	g_clear_pointer(&sweep->deal, rmt_deal_free);
	sweep->deal = rmt_deal_new();
	sweep->pending = 0;
	return good;
}

static bool sweep_entry(void *context, struct rmt_span key, struct rmt_span value)
{
	struct sweep *sweep = context;
	g_autoptr(rmt_claim) claim = rmt_claim_read(value);
	char receipt[RMT_CLAIM_KEY];

	if (claim == NULL || !sweep->wants(sweep, claim))
		return true;
	rmt_deal_change(sweep->deal, CLAIMS_TABLE, key, sweep->make, sweep);
	if (*claim->receipt != '\0')
		rmt_deal_remove(sweep->deal, RECEIPTS_TABLE,
				receipt_key(claim->receipt, receipt));
	return ++sweep->pending < SWEEP_BATCH || flush(sweep);
}

static bool sweep_all(struct sweep *sweep, uint64_t *done_r, GError **err)
{
	bool good;

	sweep->deal = rmt_deal_new();
	good = rmt_store_walk(sweep->store, CLAIMS_TABLE, rmt_span(NULL, 0), sweep_entry,
			      sweep, &sweep->err) &&
	       sweep->err == NULL && flush(sweep);
	rmt_deal_free(sweep->deal);
	if (!good)
		g_propagate_error(err, sweep->err);
	else
		*done_r = sweep->done;
	return good;
}

static bool is_over(const struct sweep *sweep, const struct rmt_claim *claim)
{
	return claim->until <= sweep->now;
}

/* Looked at again within the commit: it may have been taken meanwhile. */
static enum rmt_store_verdict remove_if_over(void *context, struct rmt_span old,
					     GString *value_r)
{
	struct sweep *sweep = context;
	g_autoptr(rmt_claim) claim = old.p != NULL ? rmt_claim_read(old) : NULL;

	(void)value_r;
	if (claim == NULL || !is_over(sweep, claim))
		return RMT_STORE_KEEP;
	sweep->done++;
	return RMT_STORE_REMOVE;
}

bool rmt_claims_expire(struct rmt_store *store, int64_t now, uint64_t *removed_r,
		       GError **err)
{
	struct sweep sweep = {
		.store = store, .make = remove_if_over, .wants = is_over, .now = now
	};

	return sweep_all(&sweep, removed_r, err);
}

static bool is_of_user(const struct sweep *sweep, const struct rmt_claim *claim)
{
	return strcmp(claim->user, sweep->user) == 0;
}

static void clear_text(char **text)
{
	g_free(*text);
	*text = g_strdup("");
}

/* What was not decided yet will never be. */
static enum rmt_store_verdict erase_row(void *context, struct rmt_span old,
					GString *value_r)
{
	struct sweep *sweep = context;
	g_autoptr(rmt_claim) claim = old.p != NULL ? rmt_claim_read(old) : NULL;

	if (claim == NULL)
		return RMT_STORE_KEEP;
	if (claim->state < RMT_CLAIM_SENDING)
		claim->state = RMT_CLAIM_DENIED;
	clear_text(&claim->user);
	clear_text(&claim->id);
	clear_text(&claim->target);
	clear_text(&claim->recipient);
	clear_text(&claim->by);
	clear_text(&claim->receipt);
	pack(value_r, claim);
	sweep->done++;
	return RMT_STORE_PUT;
}

bool rmt_claims_erase(struct rmt_store *store, const char *user, uint64_t *erased_r,
		      GError **err)
{
	struct sweep sweep = {
		.store = store, .make = erase_row, .wants = is_of_user, .user = user
	};

	return sweep_all(&sweep, erased_r, err);
}
