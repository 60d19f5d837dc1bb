/* SPDX-License-Identifier: MIT */
/* section_require.c - what a stream requires of its senders: `require`, `dkim`,
 * `binding`; and `dns`, by which it is found out. */
#include "common/config/error.h"
#include "common/config/reader.h"

enum { BOUND_USERS_MAX = 10 * 1000 * 1000 };

static const char *const names[RMT_REQUIRE_COUNT] = {
	[RMT_REQUIRE_SPF] = "spf",         [RMT_REQUIRE_SPF_RECORD] = "spf-record",
	[RMT_REQUIRE_DKIM] = "dkim",       [RMT_REQUIRE_DMARC] = "dmarc",
	[RMT_REQUIRE_PTR] = "ptr",         [RMT_REQUIRE_FREE_MAIL] = "free-mail",
	[RMT_REQUIRE_EXISTS] = "exists",   [RMT_REQUIRE_REPLY] = "can-reply",
	[RMT_REQUIRE_SCRIPTS] = "scripts",
};

/* Those remite-milter judges: the same as a level in `rules`. */
static const struct {
	const char *name, *setting;
	enum rmt_rule_group group;
} of_messages[] = {
	{ "aligned", "align", RMT_RULES_ALIGN },
	{ "one-click", "unsubscribe", RMT_RULES_UNSUBSCRIBE },
};

const char *rmt_requirement_name(enum rmt_requirement requirement)
{
	return names[requirement];
}

/* "spf", "spf=log": the part behind '=' is the level, reject unless said. */
static bool split_level(struct rmt_span text, struct rmt_span *name_r, int *level_r)
{
	static const enum rmt_level levels[] = { RMT_LEVEL_OFF, RMT_LEVEL_LOG,
						 RMT_LEVEL_DEFER, RMT_LEVEL_REJECT };
	struct rmt_span word;
	size_t i;

	*level_r = RMT_LEVEL_REJECT;
	if (!rmt_span_split(text, '=', name_r, &word)) {
		*name_r = text;
		return true;
	}
	for (i = 0; i < G_N_ELEMENTS(levels); i++)
		if (rmt_span_eq(word, rmt_span_of(rmt_level_name(levels[i])))) {
			*level_r = (int)levels[i];
			return true;
		}
	return false;
}

static int find_requirement(struct rmt_span name)
{
	int i;

	for (i = 0; i < RMT_REQUIRE_COUNT; i++)
		if (rmt_span_eq(name, rmt_span_of(names[i])))
			return i;
	return -1;
}

static int find_of_message(struct rmt_span name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(of_messages); i++)
		if (rmt_span_eq(name, rmt_span_of(of_messages[i].name)))
			return (int)i;
	return -1;
}

bool rmt_check_requirement(struct rmt_span text, GError **err)
{
	struct rmt_span name;
	int level;

	if (split_level(text, &name, &level) &&
	    (find_requirement(name) >= 0 || find_of_message(name) >= 0))
		return true;
	g_set_error(err, RMT_CONFIG_ERROR, 0,
		    "'%.*s' is nothing to require (write \"spf\", \"spf-record\", "
		    "\"dkim\", \"dmarc\", \"ptr\", \"free-mail\", \"exists\", "
		    "\"can-reply\", \"scripts\", \"aligned\", \"one-click\", or one of "
		    "them with =off, =log, =defer, =reject)",
		    RMT_SPAN_ARGS(text));
	return false;
}

bool rmt_check_dns_server(struct rmt_span text, GError **err)
{
	struct rmt_span address = text, port;
	bool ok = true;
	size_t i;

	if (rmt_span_split(text, '@', &address, &port)) {
		for (i = 0; i < port.len; i++)
			ok = ok && g_ascii_isdigit(port.p[i]);
		ok = ok && port.len > 0 && port.len <= 5;
	}
	if (ok && rmt_check_ip(address, NULL))
		return true;
	g_set_error(err, RMT_CONFIG_ERROR, 0,
		    "'%.*s' is no name server (write \"192.0.2.53\" or \"::1@5353\")",
		    RMT_SPAN_ARGS(text));
	return false;
}

/* --- require ----------------------------------------------------------------------- */

/* What is said in rules itself counts before what is said here. */
static void require_of_message(struct rmt_stream *stream, int at, int level,
			       const config_setting_t *group)
{
	if (rmt_member(rmt_member(group, "rules"), of_messages[at].setting) == NULL)
		stream->rules[of_messages[at].group] = level;
}

void rmt_set_require(struct rmt_stream_draft *draft, const config_setting_t *group)
{
	struct rmt_stream *stream = &draft->stream;
	struct rmt_span name;
	char **one;
	int level, at;

	for (one = draft->require; one != NULL && *one != NULL; one++) {
		split_level(rmt_span_of(*one), &name, &level);
		at = find_requirement(name);
		if (at >= 0)
			stream->require[at] = level;
		else
			require_of_message(stream, find_of_message(name), level, group);
	}
	for (at = 0; at < RMT_REQUIRE_COUNT; at++)
	stream->requires = stream->requires || stream->require[at] > 0;
	stream->gated = stream->requires || stream->binding.level > RMT_LEVEL_OFF;
	g_strfreev(draft->require);
}

void rmt_check_require(struct rmt_reading *reading, const struct rmt_stream *stream,
		       const config_setting_t *group)
{
	const config_setting_t *place = rmt_member_place(group, "require");

	if (stream->egress == NULL && (stream->require[RMT_REQUIRE_SPF] > RMT_LEVEL_OFF ||
				       stream->require[RMT_REQUIRE_PTR] > RMT_LEVEL_OFF))
		rmt_complain(reading, place,
			     "require: 'spf' and 'ptr' are about the addresses mail "
			     "leaves from (write egress = \"NAME\", a group in egress)");
	if (stream->require[RMT_REQUIRE_DKIM] > RMT_LEVEL_OFF &&
	    stream->dkim.selectors == NULL && !stream->dkim.learn)
		rmt_complain(reading, place,
			     "require: 'dkim' needs to know under which name the key is "
			     "published (write dkim: { selectors = [\"s2026\"] }, or "
			     "learn = true where remite-milter sees the stream)");
}

/* --- binding ----------------------------------------------------------------------- */

void *rmt_begin_binding(struct rmt_reading *reading, void *parent, const char *name,
			const config_setting_t *group)
{
	struct rmt_stream_draft *draft = parent;

	(void)reading, (void)name, (void)group;
	return &draft->stream.binding;
}

void *rmt_begin_dkim(struct rmt_reading *reading, void *parent, const char *name,
		     const config_setting_t *group)
{
	struct rmt_stream_draft *draft = parent;

	(void)reading, (void)name, (void)group;
	return &draft->stream.dkim;
}

struct users {
	GHashTable *table; /* user -> GPtrArray of domains */
};

static bool add_domain(GPtrArray *domains, struct rmt_span domain, GError **err)
{
	char folded[RMT_DOMAIN_MAX + 1];

	if (!rmt_check_domain(domain, err))
		return false;
	rmt_domain_fold(domain, folded);
	g_ptr_array_add(domains, g_strdup(folded));
	return true;
}

/* "USER DOMAIN ..." */
static bool add_user(void *context, struct rmt_span line, GError **err)
{
	struct users *users = context;
	g_autofree char *text = g_strndup(line.p, line.len);
	g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
	GPtrArray *domains;
	size_t i;

	if (words[0] == NULL || *words[0] == '\0' || words[1] == NULL) {
		g_set_error(err, RMT_CONFIG_ERROR, 0,
			    "'%s' names no domain (write \"USER DOMAIN ...\")", text);
		return false;
	}
	if (g_hash_table_size(users->table) >= BOUND_USERS_MAX) {
		g_set_error(err, RMT_CONFIG_ERROR, 0, "more than %d users",
			    BOUND_USERS_MAX);
		return false;
	}
	domains = g_hash_table_lookup(users->table, words[0]);
	if (domains == NULL) {
		domains = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(users->table, g_strdup(words[0]), domains);
	}
	for (i = 1; words[i] != NULL; i++)
		if (*words[i] != '\0' && !add_domain(domains, rmt_span_of(words[i]), err))
			return false;
	return true;
}

static bool add_user_or_file(void *context, struct rmt_span value, GError **err)
{
	g_autofree char *path = NULL;

	if (!rmt_span_starts(value, RMT_SPAN("file:")))
		return add_user(context, value, err);
	path = g_strndup(value.p + 5, value.len - 5);
	return rmt_list_read_file(path, add_user, context, err);
}

void rmt_end_binding(struct rmt_reading *reading, void *parent, void *object,
		     const config_setting_t *group)
{
	struct rmt_binding *binding = object;
	const config_setting_t *setting = rmt_member(group, "users");
	struct users users;

	(void)parent;
	if (setting == NULL)
		return;
	users.table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					    (GDestroyNotify)g_ptr_array_unref);
	rmt_read_strings(reading, setting, add_user_or_file, &users);
	binding->users = users.table;
}

/* --- dns --------------------------------------------------------------------------- */

void *rmt_begin_dns(struct rmt_reading *reading, void *parent, const char *name,
		    const config_setting_t *group)
{
	(void)parent, (void)name, (void)group;
	return &reading->config->dns;
}
