/* SPDX-License-Identifier: MIT */
/* What a section's settings make, and what concerns several of them. */
#include "common/config/reader.h"

const config_setting_t *rmt_member(const config_setting_t *group, const char *name)
{
	return group != NULL ? config_setting_get_member(group, name) : NULL;
}

const config_setting_t *rmt_member_place(const config_setting_t *group, const char *name)
{
	const config_setting_t *setting = rmt_member(group, name);

	return setting != NULL ? setting : group;
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
			rmt_complain(reading, rmt_member_place(group, "listen"),
				     "listen: '%s' stands there twice", *one);
}

void *rmt_begin_milter(struct rmt_reading *reading, void *parent, const char *name,
		       const config_setting_t *group)
{
	(void)parent, (void)name, (void)group;
	return &reading->config->milter;
}

/* A host that only takes mail in has no signer, and nothing to judge behind it. */
void rmt_end_milter(struct rmt_reading *reading, void *parent, void *object,
		    const config_setting_t *group)
{
	struct rmt_milter_config *milter = object;

	(void)reading, (void)parent;
	if (milter->inbound != NULL && milter->before == NULL &&
	    rmt_member(group, "after") == NULL)
		g_clear_pointer(&milter->after, g_free);
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

/* The levels are fields of the stream itself. */
void *rmt_begin_rules(struct rmt_reading *reading, void *parent, const char *name,
		      const config_setting_t *group)
{
	(void)reading, (void)name, (void)group;
	return parent;
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
			rmt_complain(reading, rmt_member_place(group, "egress"),
				     "egress: there is no '%s' (write egress: { %s: { "
				     "addresses = [...] } })",
				     draft->egress, draft->egress);
	}
	if (stream->egress_by_filter &&
	    (stream->egress == NULL || stream->egress->transport == NULL))
		rmt_complain(reading, rmt_member_place(group, "egress_by_filter"),
			     "egress_by_filter: needs an egress that has a transport");
}

static bool has_condition(const struct rmt_stream *stream)
{
	return stream->senders != NULL || stream->sender_domains != NULL ||
	       stream->sasl_users != NULL || stream->clients != NULL ||
	       stream->client_certs != NULL || stream->helo != NULL ||
	       stream->policy_contexts != NULL || stream->headers != NULL;
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
	const config_setting_t *limits = rmt_member(group, "limits");
	const struct rmt_limit *limit, *first;
	guint i, k;

	for (i = 1; i < stream->limits->len && !reading->failed; i++)
		for (k = 0; k < i; k++) {
			limit = g_ptr_array_index(stream->limits, i);
			first = g_ptr_array_index(stream->limits, k);
			if (is_hidden_by(limit, first))
				rmt_warn(reading, rmt_member(limits, limit->name),
					 "can never decide: '%s' before it counts the "
					 "same "
					 "and is no wider",
					 first->name);
		}
}

/* A stream of bounces is the one whose limits seem to be there and count nothing. */
static void warn_of_null_sender(struct rmt_reading *reading,
				const struct rmt_stream *stream,
				const config_setting_t *group)
{
	if (stream->limits->len > 0 && !reading->config->charge_null_sender &&
	    stream->senders != NULL && rmt_list_has(stream->senders, rmt_span(NULL, 0)))
		rmt_warn(reading, rmt_member_place(group, "senders"),
			 "senders: mail from <> is not counted by the stream's limits "
			 "without charge_null_sender = true");
}

void rmt_end_stream(struct rmt_reading *reading, void *parent, void *object,
		    const config_setting_t *group)
{
	struct rmt_config *config = parent;
	struct rmt_stream_draft *draft = object;
	struct rmt_stream *stream;

	set_egress(reading, draft, group);
	rmt_set_require(draft, group);
	rmt_check_require(reading, &draft->stream, group);
	rmt_check_unsubscribe(reading, &draft->stream, group);
	check_place_of_default(reading, &draft->stream, group);
	warn_of_hidden_limits(reading, &draft->stream, group);
	warn_of_null_sender(reading, &draft->stream, group);
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

static void set_rules(int *rules)
{
	static const int standard[RMT_RULES_COUNT] = {
		[RMT_RULES_FROM] = RMT_LEVEL_REJECT,
		[RMT_RULES_HYGIENE] = RMT_LEVEL_LOG,
		[RMT_RULES_ALIGN] = RMT_LEVEL_REJECT,
		[RMT_RULES_BULK] = RMT_LEVEL_LOG,
		[RMT_RULES_UNSUBSCRIBE] = RMT_LEVEL_OFF,
		[RMT_RULES_SIZES] = RMT_LEVEL_LOG,
		[RMT_RULES_DOMAINS] = RMT_LEVEL_LOG,
	};

	memcpy(rules, standard, sizeof(standard));
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
	stream->on_unknown = RMT_LEVEL_LOG;
	stream->return_path.id = g_strdup("default");
	stream->pause.complaints = (struct rmt_pause_test){ 0.001, 0.003 };
	stream->pause.bounces = (struct rmt_pause_test){ 0.02, 0.05 };
	stream->pause.unsubscribes = (struct rmt_pause_test){ 0.005, 0.015 };
	set_rules(stream->rules);
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
