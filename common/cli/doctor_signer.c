/* SPDX-License-Identifier: MIT */
/* doctor_signer.c - does the signer cover what RFC 8058, 4, wants covered? Of opendkim's
 * own choice is List-Unsubscribe, but not List-Unsubscribe-Post, which is younger. */
#include <string.h>

#include "common/cli/doctor.h"

#define OPENDKIM_CONF "/etc/opendkim.conf"

static bool offers_one_click(const struct rmt_config *config)
{
	guint i;

	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = config->streams->pdata[i];

		if (rmt_has_unsubscribe(stream) ||
		    stream->rules[RMT_RULES_UNSUBSCRIBE] > RMT_LEVEL_OFF)
			return true;
	}
	return false;
}

/* The value of a line "NAME value"; the last one counts. Own; NULL: there is none. */
static char *value_of(const char *text, const char *name)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	const size_t len = strlen(name);
	char *value = NULL;
	size_t i;

	for (i = 0; lines[i] != NULL; i++) {
		const char *line = g_strchug(lines[i]);

		if (g_ascii_strncasecmp(line, name, len) != 0 ||
		    !g_ascii_isspace(line[len]))
			continue;
		g_free(value);
		value = g_strstrip(g_strndup(line + len, strcspn(line + len, "#")));
	}
	return value;
}

/* A list in a file or a database: not followed. */
static bool is_elsewhere(const char *list)
{
	return list[0] == '/' ||
	       (strchr(list, ':') != NULL && !g_str_has_prefix(list, "csl:"));
}

/* opendkim.conf(5), OmitHeaders: with "*" the list is a change of the usual one. */
static bool signs(const char *list, const char *field, bool usual)
{
	const bool csl = list != NULL && g_str_has_prefix(list, "csl:");
	g_auto(GStrv) words =
		g_strsplit(list != NULL ? list + (csl ? 4 : 0) : "*", ",", -1);
	bool added = false, removed = false, changes = false;
	size_t i;

	for (i = 0; words[i] != NULL; i++) {
		const char *word = g_strstrip(words[i]);
		const bool minus = word[0] == '-';

		changes = changes || strcmp(word, "*") == 0;
		if (word[0] == '+' || minus)
			word++;
		if (g_ascii_strcasecmp(word, field) != 0)
			continue;
		added = added || !minus;
		removed = removed || minus;
	}
	return changes ? added || (usual && !removed) : added;
}

void rmt_doctor_signer_text(struct rmt_doctor *d, const char *opendkim_conf)
{
	g_autofree char *list = value_of(opendkim_conf, "SignHeaders");
	const bool link = signs(list, "List-Unsubscribe", true);
	const bool post = signs(list, "List-Unsubscribe-Post", false);

	if (!offers_one_click(d->config) || (list != NULL && is_elsewhere(list)) ||
	    (link && post))
		return;
	rmt_find(&d->findings, RMT_SEVERITY_WARNING, OPENDKIM_CONF ": SignHeaders",
		 "SignHeaders *,+List-Unsubscribe,+List-Unsubscribe-Post",
		 "opendkim does not sign %s: without that nobody offers one-click "
		 "unsubscribe (RFC 8058, 4; rule R13)",
		 link   ? "List-Unsubscribe-Post"
		 : post ? "List-Unsubscribe"
			: "List-Unsubscribe and List-Unsubscribe-Post");
}

void rmt_doctor_signer(struct rmt_doctor *d)
{
	g_autofree char *text = NULL;

	if (g_file_get_contents(OPENDKIM_CONF, &text, NULL, NULL))
		rmt_doctor_signer_text(d, text);
}
