/* SPDX-License-Identifier: MIT */
#include "common/rules/record.h"

enum { STRING_MAX = 255 };

char *rmt_record_txt(const char *name, struct rmt_span text)
{
	GString *out = g_string_new(NULL);
	size_t i;

	g_string_printf(out, "%s. TXT \"", name);
	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (i > 0 && i % STRING_MAX == 0)
			g_string_append(out, "\" \"");
		if (c < ' ' || c > '~')
			g_string_append_printf(out, "\\%03u", c);
		else if (c == '"' || c == '\\')
			g_string_append_printf(out, "\\%c", c);
		else
			g_string_append_c(out, (char)c);
	}
	g_string_append_c(out, '"');
	return g_string_free(out, FALSE);
}

char *rmt_record(const char *name, const char *type, const char *format, ...)
{
	g_autofree char *data = NULL;
	va_list args;

	va_start(args, format);
	data = g_strdup_vprintf(format, args);
	va_end(args);
	return g_strdup_printf("%s. %s %s", name, type, data);
}

static bool is_last(const char *word)
{
	const char *name = strchr("+-~?", word[0]) != NULL ? word + 1 : word;

	return g_ascii_strcasecmp(name, "all") == 0 ||
	       g_ascii_strncasecmp(word, "redirect=", 9) == 0;
}

static bool append_missing(const struct rmt_facts *facts, GString *out)
{
	bool any = false;
	guint i;

	for (i = 0; i < facts->egress->len; i++) {
		const struct rmt_egress_facts *egress = facts->egress->pdata[i];

		if (rmt_spf_result(egress->spf)->result == RMT_SPF_PASS)
			continue;
		g_string_append_printf(out, " %s:%s", egress->ip.is_v6 ? "ip6" : "ip4",
				       egress->address);
		any = true;
	}
	return any;
}

char *rmt_record_spf(const struct rmt_facts *facts)
{
	g_autoptr(GString) text = g_string_new("v=spf1");
	g_auto(GStrv) words = NULL;
	bool added = false;
	size_t i;

	words = g_strsplit(facts->survey.text->str, " ", -1);
	for (i = words[0] != NULL; words[0] != NULL && words[i] != NULL; i++) {
		if (*words[i] == '\0')
			continue;
		if (!added && is_last(words[i]))
			added = append_missing(facts, text);
		g_string_append_printf(text, " %s", words[i]);
	}
	added = added || append_missing(facts, text);
	if (facts->survey.records == 0)
		g_string_append(text, " -all");
	if (!added)
		return NULL;
	return rmt_record_txt(facts->mail_from_domain, rmt_span(text->str, text->len));
}
