/* SPDX-License-Identifier: MIT */
/* The section of a limit: what its settings say together. */
#include "common/base/log.h"
#include "common/config/error.h"
#include "common/config/reader.h"

enum {
	LIMITS_MAX = 64, /* of a stream: bits of a word in the engine */
	OVERRIDES_MAX = 10000000,
};

void *rmt_begin_limit(struct rmt_reading *reading, void *parent, const char *name,
		      const config_setting_t *group)
{
	struct rmt_limit_draft *draft = g_new0(struct rmt_limit_draft, 1);
	const struct rmt_stream_draft *stream = parent;

	draft->limit.name = g_strdup(name);
	draft->limit.id = g_strdup_printf("%s/%s", stream->stream.name, name);
	draft->limit.line =
		(uint16_t)MIN(rmt_setting_place(reading, group).line, UINT16_MAX);
	return draft;
}

/* What Postfix does not ask about at the end of a message has no size. */
static void warn_of_stages(struct rmt_reading *reading, struct rmt_limit_draft *draft,
			   const config_setting_t *group)
{
	char *const *stages = reading->config->policyd.stages;

	if (draft->limit.of == RMT_UNIT_BYTES && stages != NULL &&
	    !g_strv_contains((const char *const *)stages, "END-OF-MESSAGE"))
		rmt_warn(reading, group,
			 "counts bytes, which are known at END-OF-MESSAGE alone, and "
			 "policyd.stages does not name it");
}

static void check_per(struct rmt_reading *reading, struct rmt_limit_draft *draft,
		      const config_setting_t *group)
{
	(void)draft;
	if (rmt_member(group, "per") == NULL)
		rmt_complain(reading, group, "has no 'per' (write per = \"stream\")");
}

static void read_amount(struct rmt_reading *reading, struct rmt_limit_draft *draft,
			const config_setting_t *group)
{
	const config_setting_t *rate = rmt_member(group, "rate");
	const config_setting_t *quota = rmt_member(group, "quota");
	g_autoptr(GString) text = g_string_new(NULL);
	GError *why = NULL;

	if ((rate == NULL) == (quota == NULL)) {
		rmt_complain(reading, quota != NULL ? quota : group,
			     "needs exactly one of 'rate' and 'quota'");
		return;
	}
	rmt_scalar_text(rate != NULL ? rate : quota, text);
	if (!rmt_parse_amount(rmt_span(text->str, text->len), quota != NULL,
			      &draft->limit.amount, &why))
		rmt_complain_of(reading, rate != NULL ? rate : quota, why);
}

static void check_burst(struct rmt_reading *reading, struct rmt_limit_draft *draft,
			const config_setting_t *group)
{
	if (draft->burst == 0)
		return;
	if (rmt_member(group, "quota") != NULL)
		rmt_complain(reading, rmt_member_place(group, "burst"),
			     "burst: belongs to a rate, and this is a quota");
	else
		draft->limit.amount.burst = draft->burst;
}

/* Postfix holds and discards the message for all its recipients. */
static void check_whole_message_action(struct rmt_reading *reading,
				       struct rmt_limit_draft *draft,
				       const config_setting_t *group)
{
	const struct rmt_limit *limit = &draft->limit;
	const config_setting_t *place = rmt_member_place(group, "action");
	const char *name = rmt_action_name(limit->action);

	if (limit->action != RMT_ACTION_HOLD && limit->action != RMT_ACTION_DISCARD)
		return;
	if ((limit->per & RMT_PER_OF_RECIPIENT) || limit->recipient_domains != NULL)
		rmt_complain(reading, place,
			     "action: '%s' takes the whole message, so a limit that "
			     "depends on the recipient cannot have it (write \"defer\" "
			     "or \"reject\")",
			     name);
	if (limit->action == RMT_ACTION_DISCARD && !draft->allow_discard)
		rmt_complain(reading, place,
			     "action: 'discard' loses mail (write allow_discard = true "
			     "if that is meant)");
}

static void read_text(struct rmt_reading *reading, struct rmt_limit_draft *draft,
		      const config_setting_t *group)
{
	const config_setting_t *setting = rmt_member(group, "text");
	GError *why = NULL;
	const char *text;

	if (setting == NULL)
		return;
	text = config_setting_get_string(setting);
	if (text == NULL)
		rmt_complain(reading, setting, "text: must be a string in quotes");
	else if (!rmt_check_reply_text(rmt_span_of(text), draft->limit.action, &why))
		rmt_complain_of(reading, setting, why);
	else
		draft->limit.text = g_strdup(text);
	if (draft->limit.action == RMT_ACTION_REPORT)
		rmt_warn(reading, setting, "text: is never seen with action 'report'");
}

static enum rmt_list_kind kind_of_key(unsigned per)
{
	switch (per) {
	case RMT_PER_SENDER:
	case RMT_PER_RECIPIENT:
		return RMT_LIST_ADDRESSES;
	case RMT_PER_SENDER_DOMAIN:
	case RMT_PER_RECIPIENT_DOMAIN:
		return RMT_LIST_DOMAINS;
	case RMT_PER_CLIENT:
		return RMT_LIST_NETWORKS;
	default:
		return RMT_LIST_WORDS;
	}
}

struct key_values {
	struct rmt_reading *reading; /* foreign */
	struct rmt_limit *limit;     /* foreign */
	GHashTable *amounts;         /* amount as text -> its struct, made once */
	uint64_t burst;              /* as set for the limit; 0: not */
};

static struct rmt_list *exempt_of(struct key_values *values)
{
	if (values->limit->exempt == NULL)
		values->limit->exempt = rmt_list_new(kind_of_key(values->limit->per));
	return values->limit->exempt;
}

/* A joined key's value is folded part by part and then a word. */
static bool exempt_value(void *context, struct rmt_span value, GError **err)
{
	struct key_values *values = context;
	g_autoptr(GString) key = NULL;

	if (__builtin_popcount(values->limit->per) == 1 ||
	    memchr(value.p, '*', value.len) != NULL)
		return rmt_list_add(exempt_of(values), value, err);
	key = g_string_new(NULL);
	return rmt_key_value(values->limit->per, value, values->reading->config->fold,
			     key, err) &&
	       rmt_list_add(exempt_of(values), rmt_span(key->str, key->len), err);
}

/* Calls each for the value, or for the lines of the file it names. */
static bool value_or_file(struct key_values *values, struct rmt_span value,
			  rmt_list_line *each, GError **err)
{
	g_autofree char *path = NULL;

	if (!rmt_span_starts(value, RMT_SPAN("file:")))
		return each(values, value, err);
	path = g_strndup(value.p + 5, value.len - 5);
	return rmt_list_read_file(path, each, values, err);
}

static bool read_exempt_value(void *context, struct rmt_span value, GError **err)
{
	return value_or_file(context, value, exempt_value, err);
}

/* The struct for this text: a million lines name few different amounts. */
static struct rmt_amount *amount_of(struct key_values *values, struct rmt_span text,
				    GError **err)
{
	g_autofree char *copy = g_strndup(text.p, text.len);
	struct rmt_amount *amount = g_hash_table_lookup(values->amounts, copy);
	struct rmt_amount parsed;

	if (amount != NULL)
		return amount;
	if (!rmt_parse_amount(text, values->limit->amount.is_quota, &parsed, err))
		return NULL;
	if (values->burst > 0 && !parsed.is_quota)
		parsed.burst = values->burst;
	amount = g_memdup2(&parsed, sizeof(parsed));
	g_ptr_array_add(values->limit->override_amounts, amount);
	g_hash_table_insert(values->amounts, g_steal_pointer(&copy), amount);
	return amount;
}

static bool add_override(struct key_values *values, const char *key,
			 struct rmt_amount *amount, GError **err)
{
	struct rmt_limit *limit = values->limit;

	if (g_hash_table_contains(limit->overrides, key)) {
		g_set_error(err, RMT_CONFIG_ERROR, 0, "'%s' has two amounts", key);
		return false;
	}
	if (g_hash_table_size(limit->overrides) >= OVERRIDES_MAX) {
		g_set_error(err, RMT_CONFIG_ERROR, 0, "more than %d overrides",
			    OVERRIDES_MAX);
		return false;
	}
	g_hash_table_insert(limit->overrides,
			    g_string_chunk_insert(limit->override_keys, key), amount);
	return true;
}

static bool split_override(struct rmt_span value, struct rmt_span *key_r,
			   struct rmt_span *amount_r, GError **err)
{
	size_t i = value.len;

	while (i > 0 && value.p[i - 1] != ' ' && value.p[i - 1] != '\t')
		i--;
	*amount_r = rmt_span_from(value, i);
	*key_r = rmt_span_trim(rmt_span(value.p, i));
	if (key_r->len > 0)
		return true;
	g_set_error(err, RMT_CONFIG_ERROR, 0,
		    "'%.*s' is not a key and an amount (write \"ann@example.org "
		    "5000/day\", or \"ann@example.org none\" for no limit)",
		    (int)MIN(value.len, 80), value.p);
	return false;
}

static bool override_value(void *context, struct rmt_span value, GError **err)
{
	struct key_values *values = context;
	g_autoptr(GString) key = g_string_new(NULL);
	struct rmt_span key_text, amount_text;
	struct rmt_amount *amount;

	if (!split_override(value, &key_text, &amount_text, err))
		return false;
	if (rmt_span_eq(amount_text, RMT_SPAN("none")))
		return exempt_value(values, key_text, err);
	amount = amount_of(values, amount_text, err);
	return amount != NULL &&
	       rmt_key_value(values->limit->per, key_text, values->reading->config->fold,
			     key, err) &&
	       add_override(values, key->str, amount, err);
}

static bool read_override_value(void *context, struct rmt_span value, GError **err)
{
	return value_or_file(context, value, override_value, err);
}

/* exempt and overrides: what they hold depends on the key. */
static void read_key_values(struct rmt_reading *reading, struct rmt_limit_draft *draft,
			    const config_setting_t *group)
{
	const config_setting_t *exempt = rmt_member(group, "exempt");
	const config_setting_t *overrides = rmt_member(group, "overrides");
	struct rmt_limit *limit = &draft->limit;
	struct key_values values = { reading, limit, NULL, draft->burst };

	if (limit->per == 0 || (exempt == NULL && overrides == NULL))
		return;
	rmt_list_set_fold(exempt_of(&values), reading->config->fold);
	if (exempt != NULL)
		rmt_read_strings(reading, exempt, read_exempt_value, &values);
	if (overrides != NULL && limit->amount.count > 0) {
		values.amounts =
			g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		limit->overrides = g_hash_table_new(g_str_hash, g_str_equal);
		limit->override_keys = g_string_chunk_new(4096);
		limit->override_amounts = g_ptr_array_new_with_free_func(g_free);
		rmt_read_strings(reading, overrides, read_override_value, &values);
		g_hash_table_unref(values.amounts);
	}
	rmt_list_set_fold(limit->exempt, NULL);
}

void rmt_end_limit(struct rmt_reading *reading, void *parent, void *object,
		   const config_setting_t *group)
{
	static void (*const steps[])(struct rmt_reading *, struct rmt_limit_draft *,
				     const config_setting_t *) = {
		check_per, read_amount,     check_burst,    check_whole_message_action,
		read_text, read_key_values, warn_of_stages,
	};
	struct rmt_stream_draft *stream = parent;
	struct rmt_limit_draft *draft = object;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(steps); i++)
		steps[i](reading, draft, group);
	if (stream->stream.limits->len == LIMITS_MAX)
		rmt_complain(reading, group, "is one limit too many: at most %d a stream",
			     LIMITS_MAX);
	g_ptr_array_add(stream->stream.limits,
			g_memdup2(&draft->limit, sizeof(draft->limit)));
	g_free(draft);
}
