/* SPDX-License-Identifier: MIT */
/* doctor_dovecot.c - the mail plugin and the agent, as doveconf(1) prints them
 * (remite-dovecot(7)), against remite.conf. Nothing where there is no Dovecot. */
#include <string.h>

#include "common/cli/doctor.h"

#define SERVICE "service remite-agent"

/* --- reading doveconf -n ----------------------------------------------------------- */

/* The name within the innermost block. Own. */
static char *join(const GPtrArray *blocks, const char *name)
{
	if (blocks->len == 0)
		return g_strdup(name);
	return g_strdup_printf("%s/%s", (char *)blocks->pdata[blocks->len - 1], name);
}

/* "service remite-agent/user" -> "remite": blocks joined by '/'. */
static void read_line(GHashTable *settings, GPtrArray *blocks, char *line)
{
	g_autofree char *path = NULL;
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
		line[strlen(line) - 1] = '\0';
		path = join(blocks, g_strstrip(line));
		g_ptr_array_add(blocks, g_steal_pointer(&path));
		g_hash_table_replace(settings, g_strdup(blocks->pdata[blocks->len - 1]),
				     g_strdup(""));
		return;
	}
	equals = strchr(line, '=');
	if (equals == NULL)
		return;
	*equals = '\0';
	g_strstrip(line);
	path = join(blocks, line);
	g_hash_table_replace(settings, g_steal_pointer(&path),
			     g_strdup(g_strstrip(equals + 1)));
}

static GHashTable *read_doveconf(const char *text)
{
	GHashTable *settings =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	size_t i;

	for (i = 0; lines[i] != NULL; i++)
		read_line(settings, blocks, lines[i]);
	return settings;
}

static const char *get(GHashTable *settings, const char *name)
{
	const char *value = g_hash_table_lookup(settings, name);

	return value != NULL ? value : "";
}

/* A setting of ours: in 2.3 within plugin { }. */
static const char *get_ours(GHashTable *settings, const char *name)
{
	g_autofree char *in_plugin = g_strdup_printf("plugin/%s", name);
	const char *value = g_hash_table_lookup(settings, in_plugin);

	return value != NULL ? value : get(settings, name);
}

static bool has_word(const char *list, const char *word)
{
	g_auto(GStrv) words = g_strsplit_set(list, " \t", -1);

	return g_strv_contains((const char *const *)words, word);
}

/* For all or for a protocol; 2.3 has a list, 2.4 a block. */
static bool is_loaded(GHashTable *settings)
{
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, settings);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		if (g_str_has_suffix(key, "mail_plugins") && has_word(value, "remite"))
			return true;
		if (g_str_has_suffix(key, "mail_plugins/remite") &&
		    strcmp(value, "yes") == 0)
			return true;
	}
	return false;
}

/* --- judging ------------------------------------------------------------------------ */

static void judge_mode(struct rmt_doctor *doctor, GHashTable *settings)
{
	const struct rmt_receipts_config *receipts = &doctor->config->receipts;
	const char *mode = get_ours(settings, "remite_receipts");
	bool none = receipts->rules.policy == RMT_RECEIPTS_NONE;

	if (!receipts->configured) {
		if (strcmp(mode, "server") == 0 || strcmp(mode, "none") == 0)
			rmt_find(&doctor->findings, RMT_SEVERITY_WARNING,
				 "remite_receipts", NULL,
				 "Dovecot says '%s', but remite.conf has no "
				 "receipts.policy",
				 mode);
		return;
	}
	if (none && strcmp(mode, "server") == 0)
		rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, "remite_receipts",
			 "remite_receipts = none",
			 "Dovecot takes requests over, but receipts.policy is none");
	if (!none && receipts->units->len == 0 && strcmp(mode, "none") == 0)
		rmt_find(
			&doctor->findings, RMT_SEVERITY_WARNING, "remite_receipts",
			"remite_receipts = server",
			"Dovecot silences all requests, but receipts.policy allows them");
}

static void judge_service(struct rmt_doctor *doctor, GHashTable *settings)
{
	const char *user = get(settings, SERVICE "/user");

	if (g_hash_table_lookup(settings, SERVICE) == NULL) {
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, SERVICE,
			 "(see packaging/examples and remite-dovecot(7))",
			 "the mail plugin is loaded, but no agent takes its jobs");
		return;
	}
	if (*user == '\0' || strcmp(user, "root") == 0)
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, SERVICE, "user = remite",
			 "the agent does not start as root");
	if (strcmp(get(settings, SERVICE "/process_min_avail"), "1") != 0)
		rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, SERVICE,
			 "process_min_avail = 1",
			 "ends when nobody speaks to it: receipts wait till somebody "
			 "does");
	if (strcmp(get(settings, SERVICE "/process_limit"), "1") != 0)
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, SERVICE,
			 "process_limit = 1", "may run twice");
	if (*get(settings, SERVICE "/vsz_limit") == '\0')
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, SERVICE, "vsz_limit = 4G",
			 "the default vsz_limit is smaller than the map of the records");
}

void rmt_doctor_dovecot_text(struct rmt_doctor *doctor, const char *doveconf)
{
	g_autoptr(GHashTable) settings = read_doveconf(doveconf);

	if (is_loaded(settings)) {
		judge_mode(doctor, settings);
		judge_service(doctor, settings);
	} else if (*get_ours(settings, "remite_receipts") != '\0') {
		rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, "mail_plugins",
			 "mail_plugins = $mail_plugins remite",
			 "remite_receipts is set, but the mail plugin is not loaded");
	}
}

void rmt_doctor_dovecot(struct rmt_doctor *doctor)
{
	const char *argv[] = { "doveconf", "-n", NULL };
	g_autoptr(GString) out = g_string_new(NULL);
	int status;

	if (rmt_run(argv, out, NULL, &status, NULL) && status == 0)
		rmt_doctor_dovecot_text(doctor, out->str);
}
