/* SPDX-License-Identifier: MIT */
#include "common/cli/doveconf.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/run.h"

/* --- reading ------------------------------------------------------------------------ */

static char *join(const GPtrArray *blocks, const char *name)
{
	if (blocks->len == 0)
		return g_strdup(name);
	return g_strdup_printf("%s/%s", (char *)blocks->pdata[blocks->len - 1], name);
}

static void open_block(GHashTable *settings, GPtrArray *blocks, char *line)
{
	line[strlen(line) - 1] = '\0';
	g_ptr_array_add(blocks, join(blocks, g_strstrip(line)));
	g_hash_table_replace(settings, g_strdup(blocks->pdata[blocks->len - 1]),
			     g_strdup(""));
}

/* doveconf quotes what begins or ends with a blank: " quota remite". */
static char *unquoted(char *value)
{
	size_t length = strlen(g_strstrip(value));

	if (length >= 2 && value[0] == '"' && value[length - 1] == '"')
		return g_strndup(value + 1, length - 2);
	return g_strdup(value);
}

static void read_line(GHashTable *settings, GPtrArray *blocks, char *line)
{
	char *equals;

	g_strstrip(line);
	if (line[0] == '#' || line[0] == '\0')
		return;
	if (strcmp(line, "}") == 0) {
		if (blocks->len > 0)
			g_ptr_array_remove_index(blocks, blocks->len - 1);
		return;
	}
	if (g_str_has_suffix(line, "{")) {
		open_block(settings, blocks, line);
		return;
	}
	equals = strchr(line, '=');
	if (equals == NULL)
		return;
	*equals = '\0';
	g_hash_table_replace(settings, join(blocks, g_strstrip(line)),
			     unquoted(equals + 1));
}

/* "# 2.4.1 (7d8c0e5759): /etc/dovecot/dovecot.conf" */
static bool is_24(const char *text)
{
	unsigned long major, minor;
	char *end;

	if (strncmp(text, "# ", 2) != 0)
		return false;
	major = strtoul(text + 2, &end, 10);
	if (*end != '.')
		return false;
	minor = strtoul(end + 1, NULL, 10);
	return major > 2 || (major == 2 && minor >= 4);
}

struct rmt_doveconf *rmt_doveconf_parse(const char *text)
{
	struct rmt_doveconf *conf = g_new0(struct rmt_doveconf, 1);
	g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	size_t i;

	conf->settings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	conf->is_24 = is_24(text);
	for (i = 0; lines[i] != NULL; i++)
		read_line(conf->settings, blocks, lines[i]);
	return conf;
}

void rmt_doveconf_free(struct rmt_doveconf *conf)
{
	if (conf == NULL)
		return;
	g_hash_table_unref(conf->settings);
	g_free(conf);
}

static bool run(const char *file, const char *option, const char *name, GString *out,
		GError **err)
{
	const char *argv[] = { "doveconf", "-c", file, option, name, NULL };

	return rmt_run_well(argv, out, "doveconf fails and says nothing", err);
}

struct rmt_doveconf *rmt_doveconf_read(const char *file, GError **err)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (!run(file, "-n", NULL, out, err))
		return NULL;
	return rmt_doveconf_parse(out->str);
}

bool rmt_doveconf_ask(const char *file, const char *name, GString *value_r, GError **err)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (!run(file, "-h", name, out, err))
		return false;
	g_string_assign(value_r, g_strstrip(out->str));
	return true;
}

/* --- asking ------------------------------------------------------------------------- */

const char *rmt_doveconf_get(const struct rmt_doveconf *conf, const char *name)
{
	const char *value = g_hash_table_lookup(conf->settings, name);

	return value != NULL ? value : "";
}

bool rmt_doveconf_has(const struct rmt_doveconf *conf, const char *name)
{
	return g_hash_table_contains(conf->settings, name);
}

const char *rmt_doveconf_ours(const struct rmt_doveconf *conf, const char *name)
{
	g_autofree char *in_plugin = g_strdup_printf("plugin/%s", name);
	const char *value = g_hash_table_lookup(conf->settings, in_plugin);

	return value != NULL ? value : rmt_doveconf_get(conf, name);
}

static bool has_word(const char *list, const char *word)
{
	g_auto(GStrv) words = g_strsplit_set(list, " \t", -1);

	return g_strv_contains((const char *const *)words, word);
}

static bool has_inside(const struct rmt_doveconf *conf, const char *block)
{
	g_autofree char *prefix = g_strconcat(block, "/", NULL);
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, conf->settings);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		if (g_str_has_prefix(key, prefix))
			return true;
	return false;
}

/* A protocol's own list replaces the global one, an empty one, too. 2.4 knows blocks
 * as well, which add to what is there. */
bool rmt_doveconf_loads(const struct rmt_doveconf *conf, const char *protocol,
			const char *plugin)
{
	g_autofree char *own = g_strdup_printf("protocol %s/mail_plugins", protocol);
	g_autofree char *own_word = g_strdup_printf("%s/%s", own, plugin);
	g_autofree char *word = g_strdup_printf("mail_plugins/%s", plugin);

	if (rmt_doveconf_has(conf, own_word))
		return strcmp(rmt_doveconf_get(conf, own_word), "yes") == 0;
	if (rmt_doveconf_has(conf, own) && !has_inside(conf, own))
		return has_word(rmt_doveconf_get(conf, own), plugin);
	return has_word(rmt_doveconf_get(conf, "mail_plugins"), plugin) ||
	       strcmp(rmt_doveconf_get(conf, word), "yes") == 0;
}

const char *rmt_doveconf_delivery(const struct rmt_doveconf *conf)
{
	bool has_lmtp = !rmt_doveconf_has(conf, "protocols") ||
			has_word(rmt_doveconf_get(conf, "protocols"), "lmtp") ||
			strcmp(rmt_doveconf_get(conf, "protocols/lmtp"), "yes") == 0;

	return has_lmtp ? "lmtp" : "lda";
}

/* --- whose mail it is --------------------------------------------------------------- */

static char *account_name(const char *id, bool group)
{
	char *end;
	unsigned long number = strtoul(id, &end, 10);
	const struct passwd *user;
	const struct group *found;

	if (*id == '\0')
		return NULL;
	if (*end != '\0')
		return g_strdup(id);
	user = group ? NULL : getpwuid((uid_t)number);
	found = group ? getgrgid((gid_t)number) : NULL;
	if (user != NULL)
		return g_strdup(user->pw_name);
	return g_strdup(found != NULL ? found->gr_name : id);
}

/* "uid=vmail gid=vmail home=..." of 2.3. */
static char *from_args(const char *args, const char *prefix)
{
	g_auto(GStrv) words = g_strsplit_set(args, " \t", -1);
	size_t i;

	for (i = 0; words[i] != NULL; i++)
		if (g_str_has_prefix(words[i], prefix))
			return g_strdup(words[i] + strlen(prefix));
	return NULL;
}

static bool ends_with_one_of(const char *text, const char *const *ends)
{
	for (; *ends != NULL; ends++)
		if (g_str_has_suffix(text, *ends))
			return true;
	return false;
}

/* In any userdb; what stands for those without a field of their own is meant, too. */
static char *from_userdb(const struct rmt_doveconf *conf, bool group)
{
	static const char *const lists[] = { "/args", "/default_fields",
					     "/override_fields", NULL };
	static const char *const uids[] = { "/fields/uid", "/fields/uid:default", NULL };
	static const char *const gids[] = { "/fields/gid", "/fields/gid:default", NULL };
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, conf->settings);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		char *found = NULL;

		if (!g_str_has_prefix(key, "userdb"))
			continue;
		if (ends_with_one_of(key, lists))
			found = from_args(value, group ? "gid=" : "uid=");
		else if (ends_with_one_of(key, group ? gids : uids))
			found = g_strdup(value);
		if (found != NULL)
			return found;
	}
	return NULL;
}

char *rmt_doveconf_mail_account(const struct rmt_doveconf *conf, bool group)
{
	g_autofree char *id =
		g_strdup(rmt_doveconf_get(conf, group ? "mail_gid" : "mail_uid"));

	if (*id == '\0') {
		g_free(id);
		id = from_userdb(conf, group);
	}
	return id != NULL ? account_name(id, group) : NULL;
}
