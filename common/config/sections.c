/* SPDX-License-Identifier: MIT */
/* What a section's settings make, and what concerns several of them. */
#include "common/base/log.h"
#include "common/config/error.h"
#include "common/config/reader.h"

enum {
	LIMITS_MAX = 64, /* of a stream: bits of a word in the engine */
	OVERRIDES_MAX = 10000000,
};

/* The setting's place; the group's where it is not set. */
static const config_setting_t *place_of(const config_setting_t *group, const char *name)
{
	const config_setting_t *setting =
		group != NULL ? config_setting_get_member(group, name) : NULL;

	return setting != NULL ? setting : group;
}

static const config_setting_t *setting_of(const config_setting_t *group, const char *name)
{
	return group != NULL ? config_setting_get_member(group, name) : NULL;
}

/* --- root, policyd, fold, egress ------------------------------------------------- */

void *rmt_begin_root(struct rmt_reading *reading, void *parent, const char *name,
		     const config_setting_t *group)
{
	(void)parent, (void)name, (void)group;
	return reading->config;
}

void *rmt_begin_policyd(struct rmt_reading *reading, void *parent, const char *name,
			const config_setting_t *group)
{
	(void)parent, (void)name, (void)group;
	return &reading->config->policyd;
}

void rmt_end_policyd(struct rmt_reading *reading, void *parent, void *object,
		     const config_setting_t *group)
{
	const struct rmt_policyd_config *policyd = object;
	char **one;

	(void)parent;
	for (one = policyd->listen; one != NULL && *one != NULL; one++)
		if (g_strv_contains((const char *const *)one + 1, *one))
			rmt_complain(reading, place_of(group, "listen"),
				     "listen: '%s' stands there twice", *one);
}

void *rmt_begin_fold(struct rmt_reading *reading, void *parent, const char *name,
		     const config_setting_t *group)
{
	(void)reading, (void)parent, (void)name, (void)group;
	return g_new0(struct rmt_fold_draft, 1);
}

void rmt_end_fold(struct rmt_reading *reading, void *parent, void *object,
		  const config_setting_t *group)
{
	struct rmt_fold_draft *draft = object;

	(void)parent;
	if (draft->domains != NULL)
		rmt_fold_add(reading->config->fold, draft->domains, draft->delimiter,
			     draft->ignore_dots);
	else
		rmt_complain(reading, group,
			     "has no 'domains' (write domains = [\"example.com\"])");
	g_free(draft->delimiter);
	g_free(draft);
}

void *rmt_begin_egress(struct rmt_reading *reading, void *parent, const char *name,
		       const config_setting_t *group)
{
	struct rmt_egress *egress = g_new0(struct rmt_egress, 1);

	(void)reading, (void)parent, (void)group;
	egress->name = g_strdup(name);
	return egress;
}

void rmt_end_egress(struct rmt_reading *reading, void *parent, void *object,
		    const config_setting_t *group)
{
	struct rmt_egress *egress = object;

	(void)parent;
	if (egress->addresses == NULL)
		rmt_complain(reading, group,
			     "has no 'addresses' (write addresses = [\"192.0.2.20\"])");
	g_ptr_array_add(reading->config->egresses, egress);
}

/* --- limits ------------------------------------------------------------------------ */

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
	if (setting_of(group, "per") == NULL)
		rmt_complain(reading, group, "has no 'per' (write per = \"stream\")");
	(void)draft;
}

static void read_amount(struct rmt_reading *reading, struct rmt_limit_draft *draft,
			const config_setting_t *group)
{
	const config_setting_t *rate = setting_of(group, "rate");
	const config_setting_t *quota = setting_of(group, "quota");
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
	if (setting_of(group, "quota") != NULL)
		rmt_complain(reading, place_of(group, "burst"),
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
	const config_setting_t *place = place_of(group, "action");
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
	const config_setting_t *setting = setting_of(group, "text");
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
	const config_setting_t *exempt = setting_of(group, "exempt");
	const config_setting_t *overrides = setting_of(group, "overrides");
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

/* --- streams ----------------------------------------------------------------------- */

void *rmt_begin_stream(struct rmt_reading *reading, void *parent, const char *name,
		       const config_setting_t *group)
{
	struct rmt_stream_draft *draft = g_new0(struct rmt_stream_draft, 1);

	(void)reading, (void)parent, (void)group;
	draft->mode = RMT_NOT_SET;
	draft->stream.name = g_strdup(name);
	draft->stream.limits =
		g_ptr_array_new_with_free_func((GDestroyNotify)rmt_limit_free);
	draft->stream.suppress_action = RMT_ACTION_REJECT;
	return draft;
}

static const struct rmt_egress *find_egress(const struct rmt_config *config,
					    const char *name)
{
	const struct rmt_egress *egress;
	guint i;

	for (i = 0; i < config->egresses->len; i++) {
		egress = g_ptr_array_index(config->egresses, i);
		if (strcmp(egress->name, name) == 0)
			return egress;
	}
	return NULL;
}

static void set_egress(struct rmt_reading *reading, struct rmt_stream_draft *draft,
		       const config_setting_t *group)
{
	struct rmt_stream *stream = &draft->stream;

	if (draft->egress != NULL) {
		stream->egress = find_egress(reading->config, draft->egress);
		if (stream->egress == NULL)
			rmt_complain(reading, place_of(group, "egress"),
				     "egress: there is no '%s' (write egress: { %s: { "
				     "addresses = [...] } })",
				     draft->egress, draft->egress);
	}
	if (stream->egress_by_filter &&
	    (stream->egress == NULL || stream->egress->transport == NULL))
		rmt_complain(reading, place_of(group, "egress_by_filter"),
			     "egress_by_filter: needs an egress that has a transport");
}

static bool has_condition(const struct rmt_stream *stream)
{
	return stream->senders != NULL || stream->sender_domains != NULL ||
	       stream->sasl_users != NULL || stream->clients != NULL ||
	       stream->client_certs != NULL || stream->helo != NULL ||
	       stream->policy_contexts != NULL;
}

static bool is_default(const struct rmt_stream *stream)
{
	return strcmp(stream->name, "default") == 0 || !has_condition(stream);
}

/* What follows a stream that takes everything is never reached. */
static void check_place_of_default(struct rmt_reading *reading,
				   const struct rmt_stream *stream,
				   const config_setting_t *group)
{
	const config_setting_t *streams = config_setting_parent(group);
	int last = config_setting_length(streams) - 1;

	if (!is_default(stream))
		return;
	if (has_condition(stream))
		rmt_complain(reading, group,
			     "takes what no other stream takes, so it can have no "
			     "conditions (give it another name)");
	else if (config_setting_index(group) != last)
		rmt_complain(
			reading, group,
			"has no condition, so it takes all mail: it must be the last "
			"one");
}

static bool is_plain(const struct rmt_limit *limit)
{
	return limit->exempt == NULL && limit->overrides == NULL &&
	       limit->recipient_domains == NULL;
}

/* Whatever fits into first fits into limit as well. */
static bool is_hidden_by(const struct rmt_limit *limit, const struct rmt_limit *first)
{
	const struct rmt_amount *a = &first->amount, *b = &limit->amount;

	return first->action != RMT_ACTION_REPORT && is_plain(first) && is_plain(limit) &&
	       first->per == limit->per && first->of == limit->of &&
	       a->is_quota == b->is_quota && a->period_ns == b->period_ns &&
	       a->count <= b->count && a->burst <= b->burst;
}

static void warn_of_hidden_limits(struct rmt_reading *reading,
				  const struct rmt_stream *stream,
				  const config_setting_t *group)
{
	const config_setting_t *limits = setting_of(group, "limits");
	const struct rmt_limit *limit, *first;
	guint i, k;

	for (i = 1; i < stream->limits->len && !reading->failed; i++)
		for (k = 0; k < i; k++) {
			limit = g_ptr_array_index(stream->limits, i);
			first = g_ptr_array_index(stream->limits, k);
			if (is_hidden_by(limit, first))
				rmt_warn(reading, setting_of(limits, limit->name),
					 "can never decide: '%s' before it counts the "
					 "same "
					 "and is no wider",
					 first->name);
		}
}

void rmt_end_stream(struct rmt_reading *reading, void *parent, void *object,
		    const config_setting_t *group)
{
	struct rmt_config *config = parent;
	struct rmt_stream_draft *draft = object;
	struct rmt_stream *stream;

	set_egress(reading, draft, group);
	check_place_of_default(reading, &draft->stream, group);
	warn_of_hidden_limits(reading, &draft->stream, group);
	stream = g_memdup2(&draft->stream, sizeof(draft->stream));
	stream->index = config->streams->len;
	/* Root's own settings are read before its streams. */
	stream->mode =
		draft->mode == RMT_NOT_SET ? config->mode : (enum rmt_mode)draft->mode;
	if (stream->class == NULL)
		stream->class = g_strdup(stream->name);
	g_ptr_array_add(config->streams, stream);
	g_free(draft->egress);
	g_free(draft);
}

/* --- when all is read -------------------------------------------------------------- */

static void fold_organization(struct rmt_config *config)
{
	char text[RMT_DOMAIN_MAX + 1];
	char **domain;

	if (config->organization == NULL)
		config->organization = g_new0(char *, 1);
	for (domain = config->organization; *domain != NULL; domain++) {
		rmt_domain_fold(rmt_span_of(*domain), text);
		g_free(*domain);
		*domain = g_strdup(text);
	}
}

static void fill_own_domains(struct rmt_config *config)
{
	char **domain;

	if (config->own_domains != NULL)
		return;
	config->own_domains = rmt_list_new(RMT_LIST_DOMAINS);
	for (domain = config->organization; *domain != NULL; domain++)
		rmt_list_add(config->own_domains, rmt_span_of(*domain), NULL);
}

static void append_default_stream(struct rmt_config *config)
{
	const struct rmt_stream *last = NULL;
	struct rmt_stream *stream;

	if (config->streams->len > 0)
		last = g_ptr_array_index(config->streams, config->streams->len - 1);
	if (last != NULL && is_default(last))
		return;
	stream = g_new0(struct rmt_stream, 1);
	stream->name = g_strdup("default");
	stream->class = g_strdup("default");
	stream->index = config->streams->len;
	stream->mode = config->mode;
	stream->limits = g_ptr_array_new_with_free_func((GDestroyNotify)rmt_limit_free);
	stream->suppress_action = RMT_ACTION_REJECT;
	g_ptr_array_add(config->streams, stream);
}

void rmt_end_root(struct rmt_reading *reading, void *parent, void *object,
		  const config_setting_t *group)
{
	struct rmt_config *config = object;

	(void)reading, (void)parent, (void)group;
	fold_organization(config);
	fill_own_domains(config);
	append_default_stream(config);
}
