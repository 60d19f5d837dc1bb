/* SPDX-License-Identifier: MIT */
/* The tree written back in the file's own syntax, with the defaults; and the
 * table as text. Files that a list names are named, not copied. */
#include "common/config/reader.h"

static void indent(GString *out, int depth)
{
	int i;

	for (i = 0; i < depth; i++)
		g_string_append_c(out, '\t');
}

static void append_string(GString *out, const char *text)
{
	const char *p;

	g_string_append_c(out, '"');
	for (p = text; *p != '\0'; p++)
		if (*p == '"' || *p == '\\')
			g_string_append_printf(out, "\\%c", *p);
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			g_string_append_printf(out, "\\x%02x", (unsigned)*p);
		else
			g_string_append_c(out, *p);
	g_string_append_c(out, '"');
}

static void append_value(GString *out, const config_setting_t *setting)
{
	int i;

	if (setting->type == CONFIG_TYPE_STRING) {
		append_string(out, config_setting_get_string(setting));
		return;
	}
	if (!config_setting_is_aggregate(setting)) {
		rmt_scalar_text(setting, out);
		return;
	}
	g_string_append_c(out, '[');
	for (i = 0; i < config_setting_length(setting); i++) {
		if (i > 0)
			g_string_append(out, ", ");
		append_value(out, config_setting_get_elem(setting, (unsigned)i));
	}
	g_string_append_c(out, ']');
}

static void dump_settings(const struct rmt_section *section,
			  const config_setting_t *group, GString *out, int depth)
{
	const struct rmt_setting *row;
	const config_setting_t *setting;

	for (row = section->settings; row->name != NULL; row++) {
		setting = group != NULL ? config_setting_get_member(group, row->name)
					: NULL;
		if (setting == NULL && row->standard == NULL)
			continue;
		indent(out, depth);
		g_string_append_printf(out, "%s = ", row->name);
		if (setting != NULL)
			append_value(out, setting);
		else
			g_string_append(out, row->standard);
		g_string_append_c(out, '\n');
	}
}

static void dump_group(const struct rmt_section *section, const config_setting_t *group,
		       GString *out, int depth);

static void dump_named(const struct rmt_section *section, const char *name,
		       const config_setting_t *group, GString *out, int depth)
{
	indent(out, depth);
	g_string_append_printf(out, "%s: {\n", name);
	dump_group(section, group, out, depth + 1);
	indent(out, depth);
	g_string_append(out, "}\n");
}

static void dump_many(const struct rmt_section *section, const config_setting_t *groups,
		      GString *out, int depth)
{
	const config_setting_t *group;
	int i;

	indent(out, depth);
	g_string_append_printf(out, "%s: {\n", section->name);
	for (i = 0; i < config_setting_length(groups); i++) {
		group = config_setting_get_elem(groups, (unsigned)i);
		dump_named(section, group->name, group, out, depth + 1);
	}
	indent(out, depth);
	g_string_append(out, "}\n");
}

static void dump_group(const struct rmt_section *section, const config_setting_t *group,
		       GString *out, int depth)
{
	const struct rmt_section *inner;
	const config_setting_t *inside;
	size_t i;

	dump_settings(section, group, out, depth);
	for (i = 0; section->sections[i] != NULL; i++) {
		inner = section->sections[i];
		inside = group != NULL ? config_setting_get_member(group, inner->name)
				       : NULL;
		if (inside != NULL && inside->type == CONFIG_TYPE_STRING) {
			indent(out, depth);
			g_string_append_printf(out, "%s = \"%s\"\n", inner->name,
					       inner->word);
		} else if (!inner->many)
			dump_named(inner, inner->name, inside, out, depth);
		else if (inside != NULL)
			dump_many(inner, inside, out, depth);
	}
}

void rmt_dump_tree(const config_setting_t *root, GString *out)
{
	dump_group(&rmt_section_root, root, out, 0);
}

static void append_type(GString *out, const struct rmt_setting *row)
{
	static const char *const kinds[] = {
		[RMT_LIST_WORDS] = "words",         [RMT_LIST_NOCASE] = "names",
		[RMT_LIST_ADDRESSES] = "addresses", [RMT_LIST_DOMAINS] = "domains",
		[RMT_LIST_NETWORKS] = "networks",
	};
	const struct rmt_choice *choice;

	if (row->type == &rmt_type_list) {
		g_string_append_printf(out, "list of %s", kinds[row->kind]);
		return;
	}
	if (row->choices == NULL) {
		g_string_append(out, row->type->name);
		return;
	}
	for (choice = row->choices; choice->name != NULL; choice++)
		g_string_append_printf(out, "%s%s", choice > row->choices ? "|" : "",
				       choice->name);
}

static void list_section(const struct rmt_section *section, const char *prefix,
			 GString *out)
{
	const struct rmt_setting *row;
	size_t i;

	for (row = section->settings; row->name != NULL; row++) {
		if (row->type == NULL)
			continue;
		g_string_append_printf(out, "%s%s\t", prefix, row->name);
		append_type(out, row);
		g_string_append_printf(out, "\t%s\t%s\n",
				       row->standard != NULL ? row->standard
							     : row->otherwise,
				       row->help);
	}
	for (i = 0; section->sections[i] != NULL; i++) {
		const struct rmt_section *inner = section->sections[i];
		g_autofree char *path = g_strdup_printf("%s%s.%s", prefix, inner->name,
							inner->many ? "NAME." : "");

		list_section(inner, path, out);
	}
}

void rmt_settings_list(GString *out)
{
	list_section(&rmt_section_root, "", out);
}
