/* SPDX-License-Identifier: MIT */
/* engine_key.c - which counters a request concerns. */
#include "common/policy/engine_private.h"

#include <string.h>

/* What stands for a part of the key in this message; p NULL: it has none. */
static inline G_ALWAYS_INLINE struct rmt_span part_value(const struct rmt_work *work,
							 unsigned part)
{
	static const struct rmt_span null_sender = { "<>", 2 };

	switch (part) {
	case RMT_PER_STREAM:
		return rmt_span_of(work->stream->name);
	case RMT_PER_SASL_USER:
		return work->facts.sasl_user;
	case RMT_PER_SENDER:
		return work->sender.whole.len > 0 ? work->sender.whole : null_sender;
	case RMT_PER_SENDER_DOMAIN:
		return work->sender.whole.len > 0 ? work->sender.domain : null_sender;
	case RMT_PER_CLIENT:
		return work->facts.client_address;
	case RMT_PER_RECIPIENT:
		return work->recipient.whole;
	case RMT_PER_RECIPIENT_DOMAIN:
		return work->recipient.domain;
	}
	return rmt_span(NULL, 0);
}

struct rmt_span rmt_key_text(const struct rmt_work *work, const struct rmt_limit *limit,
			     char out[RMT_KEY_TEXT_MAX])
{
	struct rmt_span value;
	size_t len = 0;
	unsigned part;

	for (part = 1; part < 1u << RMT_KEY_PARTS; part <<= 1) {
		if ((limit->per & part) == 0)
			continue;
		value = part_value(work, part);
		if (value.len == 0)
			return rmt_span(NULL, 0);
		if (len + value.len + 1 > RMT_KEY_TEXT_MAX)
			value.len = RMT_KEY_TEXT_MAX - len - 1;
		if (len > 0)
			out[len++] = '+';
		memcpy(out + len, value.p, value.len);
		len += value.len;
	}
	return rmt_span(out, len);
}

const struct rmt_amount *rmt_key_amount(const struct rmt_limit *limit,
					struct rmt_span text)
{
	const struct rmt_amount *own = NULL;
	char name[RMT_KEY_TEXT_MAX + 1];

	if (limit->exempt != NULL && rmt_list_has(limit->exempt, text))
		return NULL;
	if (limit->overrides == NULL)
		return &limit->amount;
	memcpy(name, text.p, text.len);
	name[text.len] = '\0';
	own = g_hash_table_lookup(limit->overrides, name);
	return own != NULL ? own : &limit->amount;
}

/* Everything that would make old numbers mean something else is part of the
 * seed: a limit that changes its key, unit or window begins anew. */
uint64_t rmt_key_seed(const struct rmt_counters *counters, const struct rmt_limit *limit,
		      const struct rmt_amount *amount)
{
	const uint64_t window = amount->is_quota ? amount->period_ns : 0;
	g_autofree char *name =
		g_strdup_printf("%u %d %" G_GUINT64_FORMAT " %s", limit->per,
				(int)limit->of, (guint64)window, limit->id);

	return rmt_counters_hash(counters, name, strlen(name));
}

/* False: the message lacks it. Inline where the part is known: then it is but a hash. */
static inline G_ALWAYS_INLINE bool learn_part(const struct rmt_engine *engine,
					      struct rmt_work *work, int bit)
{
	const unsigned part = 1u << bit;
	struct rmt_span value;

	if ((work->parts_missing & part) != 0)
		return false;
	value = part_value(work, part);
	if (value.len == 0) {
		work->parts_missing |= part;
		return false;
	}
	work->part_hashes[bit] = rmt_counters_hash(engine->counters, value.p, value.len);
	work->parts_known |= part;
	return true;
}

/* The hash of a part that was not looked at yet; 0: the message lacks it. */
static inline G_ALWAYS_INLINE uint64_t part_of(const struct rmt_engine *engine,
					       struct rmt_work *work, unsigned part)
{
	const int bit = __builtin_ctz(part);

	return learn_part(engine, work, bit) ? work->part_hashes[bit] : 0;
}

static bool learn_any(const struct rmt_engine *engine, struct rmt_work *work, int bit)
{
	return learn_part(engine, work, bit);
}

/* The hash of a part; 0: the message lacks it. */
static inline uint64_t part_hash(const struct rmt_engine *engine, struct rmt_work *work,
				 int bit)
{
	if ((work->parts_known >> bit & 1) == 0 && !learn_any(engine, work, bit))
		return 0;
	return work->part_hashes[bit];
}

/* The key of a limit for this message; 0: the message lacks a part of it. */
static uint64_t key_of(const struct rmt_engine *engine, struct rmt_work *work,
		       const struct rmt_limit *limit, uint64_t seed)
{
	uint64_t key = seed, hash;
	unsigned left;

	for (left = limit->per; left != 0; left &= left - 1) {
		hash = part_hash(engine, work, __builtin_ctz(left));
		if (hash == 0)
			return 0;
		key = rmt_key_mix(key, hash);
	}
	return key;
}

void rmt_work_begin_parts(const struct rmt_engine *engine, struct rmt_work *work)
{
	uint64_t hash;

	work->parts_known = work->parts_missing = 0;
	hash = rmt_key_mix(0, part_of(engine, work, RMT_PER_SENDER));
	hash = rmt_key_mix(hash, part_of(engine, work, RMT_PER_SASL_USER));
	work->message.envelope = rmt_key_mix(hash, part_of(engine, work, RMT_PER_CLIENT));
}

uint64_t rmt_work_recipient_hash(const struct rmt_engine *engine, struct rmt_work *work)
{
	if (work->recipient.whole.len == 0)
		return rmt_counters_hash(engine->counters, work->recipient.text, 0);
	return part_of(engine, work, RMT_PER_RECIPIENT);
}

const char *rmt_work_not_charged(const struct rmt_work *work)
{
	const struct rmt_config *config = work->generation->config;

	if (work->sender.whole.len == 0 && !config->charge_null_sender)
		return "the null sender is not charged (charge_null_sender)";
	if (!work->generation->charges_all && work->recipient.whole.len > 0 &&
	    rmt_list_has(config->own_domains, work->recipient.domain))
		return "mail to our own domains is not charged (charge_own_domains)";
	return NULL;
}

const char *rmt_limit_not_concerned(const struct rmt_limit *limit,
				    const struct rmt_work *work)
{
	if (limit->recipient_domains == NULL)
		return NULL;
	if (work->recipient.whole.len == 0)
		return "no recipient is named at this stage";
	return rmt_list_has(limit->recipient_domains, work->recipient.domain)
		       ? NULL
		       : "the recipient's domain is not in recipient_domains";
}

/* What the limit grants, where it differs by key value; NULL: exempt. */
static const struct rmt_amount *special_amount(const struct rmt_work *work,
					       const struct rmt_limit *limit)
{
	char buffer[RMT_KEY_TEXT_MAX];
	struct rmt_span text = rmt_key_text(work, limit, buffer);

	return text.p != NULL ? rmt_key_amount(limit, text) : NULL;
}

/* False: the limit does not concern the request. */
static bool look_closer(const struct rmt_engine *engine, const struct rmt_work *work,
			const struct rmt_limit *limit, struct rmt_share *share,
			uint64_t *seed)
{
	if (rmt_limit_not_concerned(limit, work) != NULL)
		return false;
	if (limit->overrides == NULL && limit->exempt == NULL)
		return true;
	share->amount = special_amount(work, limit);
	if (share->amount == NULL)
		return false;
	if (share->amount->is_quota &&
	    share->amount->period_ns != limit->amount.period_ns)
		*seed = rmt_key_seed(engine->counters, limit, share->amount);
	return true;
}

static void add_share(const struct rmt_engine *engine, struct rmt_work *work,
		      const struct rmt_limit *limit, const struct rmt_limit_plan *plan)
{
	struct rmt_share *share = &work->shares[work->share_count];
	uint64_t seed = plan->seed;

	*share = plan->share;
	if (plan->is_special && !look_closer(engine, work, limit, share, &seed))
		return;
	share->key = key_of(engine, work, limit, seed);
	if (share->key == 0)
		return;
	work->share_limits[work->share_count++] = limit;
	rmt_counters_prefetch(engine->counters, share->key);
}

void rmt_work_shares(const struct rmt_engine *engine, struct rmt_work *work)
{
	const GPtrArray *limits = work->stream->limits;
	const struct rmt_limit_plan *plans = work->generation->plans[work->stream->index];
	guint i;

	work->share_count = 0;
	if (limits->len == 0 || rmt_work_not_charged(work) != NULL)
		return;
	for (i = 0; i < limits->len && work->share_count < RMT_ENGINE_SHARES_MAX; i++)
		add_share(engine, work, limits->pdata[i], &plans[i]);
}

/* "ann@example.org+example.net" into its parts' hashes, from the right: what stands
 * on the left (users, addresses) may hold a '+' of its own. */
static bool hash_parts_of(const struct rmt_counters *counters, unsigned per,
			  struct rmt_span value, uint64_t hashes[RMT_KEY_PARTS])
{
	struct rmt_span part;
	int bit;

	for (bit = RMT_KEY_PARTS - 1; bit >= 0; bit--) {
		if ((per & 1u << bit) == 0)
			continue;
		part = value;
		if ((per & ((1u << bit) - 1)) != 0 &&
		    !rmt_span_split_last(value, '+', &value, &part))
			return false;
		if (part.len == 0)
			return false;
		hashes[bit] = rmt_counters_hash(counters, part.p, part.len);
	}
	return true;
}

bool rmt_engine_key(struct rmt_engine *engine, const struct rmt_stream *stream,
		    const struct rmt_limit *limit, struct rmt_span value, uint64_t *key_r)
{
	const struct rmt_amount *amount;
	uint64_t hashes[RMT_KEY_PARTS];
	unsigned left;

	if (limit->per == RMT_PER_STREAM)
		value = rmt_span_of(stream->name);
	if (value.len >= RMT_KEY_TEXT_MAX ||
	    !hash_parts_of(engine->counters, limit->per, value, hashes))
		return false;
	amount = rmt_key_amount(limit, value);
	*key_r = rmt_key_seed(engine->counters, limit,
			      amount != NULL ? amount : &limit->amount);
	for (left = limit->per; left != 0; left &= left - 1)
		*key_r = rmt_key_mix(*key_r, hashes[__builtin_ctz(left)]);
	return true;
}
