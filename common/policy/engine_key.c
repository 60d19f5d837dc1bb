/* SPDX-License-Identifier: MIT */
/* engine_key.c - which counters a request concerns. */
#include "common/policy/engine_private.h"

#include <string.h>

/* What stands for a part of the key in this message; p NULL: it has none. */
static struct rmt_span part_value(const struct rmt_work *work, unsigned part)
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
 * name: a limit that changes its key, unit or window begins anew. */
uint64_t rmt_key_hash(const struct rmt_counters *counters, const struct rmt_limit *limit,
		      const struct rmt_amount *amount, struct rmt_span text)
{
	char name[RMT_KEY_TEXT_MAX + 256];
	uint64_t window = amount->is_quota ? amount->period_ns : 0;
	size_t id_len = strnlen(limit->id, 240), len = 0;

	name[len++] = (char)limit->per;
	name[len++] = (char)limit->of;
	memcpy(name + len, &window, sizeof(window));
	len += sizeof(window);
	memcpy(name + len, limit->id, id_len);
	len += id_len;
	name[len++] = '\0';
	memcpy(name + len, text.p, text.len);
	return rmt_counters_hash(counters, name, len + text.len);
}

const char *rmt_work_not_charged(const struct rmt_work *work)
{
	const struct rmt_config *config = work->config;

	if (work->sender.whole.len == 0 && !config->charge_null_sender)
		return "the null sender is not charged (charge_null_sender)";
	if (work->recipient.whole.len > 0 && !config->charge_own_domains &&
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

static void add_share(const struct rmt_engine *engine, struct rmt_work *work,
		      const struct rmt_limit *limit)
{
	char buffer[RMT_KEY_TEXT_MAX];
	struct rmt_span text = rmt_key_text(work, limit, buffer);
	const struct rmt_amount *amount;
	struct rmt_share *share = &work->shares[work->share_count];

	amount = text.p != NULL ? rmt_key_amount(limit, text) : NULL;
	if (amount == NULL)
		return;
	share->key = rmt_key_hash(engine->counters, limit, amount, text);
	share->amount = amount;
	share->unit = limit->of;
	share->per_recipient = (limit->per & RMT_PER_OF_RECIPIENT) != 0 ||
			       limit->recipient_domains != NULL;
	share->report = limit->action == RMT_ACTION_REPORT ||
			work->stream->mode == RMT_MODE_REPORT;
	work->share_limits[work->share_count++] = limit;
	rmt_counters_prefetch(engine->counters, share->key);
}

void rmt_work_shares(const struct rmt_engine *engine, struct rmt_work *work)
{
	const GPtrArray *limits = work->stream->limits;
	guint i;

	work->share_count = 0;
	if (limits->len == 0 || rmt_work_not_charged(work) != NULL)
		return;
	for (i = 0; i < limits->len && work->share_count < RMT_ENGINE_SHARES_MAX; i++) {
		const struct rmt_limit *limit = limits->pdata[i];

		if (rmt_limit_not_concerned(limit, work) == NULL)
			add_share(engine, work, limit);
	}
}

bool rmt_engine_key(struct rmt_engine *engine, const struct rmt_stream *stream,
		    const struct rmt_limit *limit, struct rmt_span value, uint64_t *key_r)
{
	struct rmt_amount const *amount;

	if (limit->per == RMT_PER_STREAM)
		value = rmt_span_of(stream->name);
	if (value.len == 0 || value.len >= RMT_KEY_TEXT_MAX)
		return false;
	amount = rmt_key_amount(limit, value);
	*key_r = rmt_key_hash(engine->counters, limit,
			      amount != NULL ? amount : &limit->amount, value);
	return true;
}
