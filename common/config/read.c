/* SPDX-License-Identifier: MIT */
/* Walks libconfig's tree along the rows of settings.c. */
#include "common/base/log.h"
#include "common/base/similar.h"
#include "common/config/reader.h"

enum { COMPLAINTS_MAX = 200 };

/* --- complaints ------------------------------------------------------------------ */

struct complaint {
	char *text; /* own */
	char *file; /* own */
	unsigned line;
	guint order;
};

static void complaint_free(void *data)
{
	struct complaint *complaint = data;

	g_free(complaint->text);
	g_free(complaint->file);
	g_free(complaint);
}

/* By file and line, warnings about a line as they came. */
static gint compare_complaints(gconstpointer a, gconstpointer b)
{
	const struct complaint *x = *(struct complaint *const *)a;
	const struct complaint *y = *(struct complaint *const *)b;
	int files = strcmp(x->file, y->file);

	if (files != 0)
		return files;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct rmt_place rmt_setting_place(const struct rmt_reading *reading,
				   const config_setting_t *setting)
{
	struct rmt_place file = { reading->file, 0 };

	return setting == NULL || setting->line == 0
		       ? file
		       : rmt_source_place(&reading->source, setting->line);
}

static void append_complaint(struct rmt_reading *reading, struct rmt_place place,
			     const char *text)
{
	struct complaint *complaint;

	if (reading->complaints->len > COMPLAINTS_MAX)
		return;
	complaint = g_new0(struct complaint, 1);
	complaint->file = g_strdup(place.file);
	complaint->line = place.line;
	complaint->order = reading->complaints->len;
	if (complaint->order == COMPLAINTS_MAX)
		complaint->text = g_strdup_printf("%s: and more", reading->file);
	else if (place.line > 0)
		complaint->text =
			g_strdup_printf("%s:%u: %s", place.file, place.line, text);
	else
		complaint->text = g_strdup_printf("%s: %s", place.file, text);
	g_ptr_array_add(reading->complaints, complaint);
}

/* "limit 'day': " for a setting in streams.x.limits.day. */
static void append_place(GString *out, const config_setting_t *setting)
{
	static const struct {
		const char *group, *word;
	} words[] = { { "limits", "limit" },
		      { "streams", "stream" },
		      { "egress", "egress" },
		      { "units", "unit" },
		      { "fold", "fold" } };
	const config_setting_t *s;
	size_t i;

	for (s = setting; s != NULL && s->parent != NULL; s = s->parent) {
		if (s != setting && (g_strcmp0(s->name, "policyd") == 0 ||
				     g_strcmp0(s->name, "milter") == 0 ||
				     g_strcmp0(s->name, "dns") == 0 ||
				     g_strcmp0(s->name, "receipts") == 0 ||
				     g_strcmp0(s->name, "unsubscribing") == 0 ||

				     g_strcmp0(s->name, "submission") == 0 ||
				     g_strcmp0(s->name, "agent") == 0 ||
				     g_strcmp0(s->name, "prompts") == 0 ||
				     g_strcmp0(s->name, "http") == 0)) {
			g_string_append_printf(out, "%s: ", s->name);
			return;
		}
		for (i = 0; s->name != NULL && i < G_N_ELEMENTS(words); i++)
			if (s->type == CONFIG_TYPE_GROUP &&
			    g_strcmp0(s->parent->name, words[i].group) == 0) {
				g_string_append_printf(out, "%s '%s': ", words[i].word,
						       s->name);
				return;
			}
	}
}

static void complain_at(struct rmt_reading *reading, const config_setting_t *setting,
			const char *kind, const char *text)
{
	g_autoptr(GString) out = g_string_new(kind);

	append_place(out, setting);
	g_string_append(out, text);
	append_complaint(reading, rmt_setting_place(reading, setting), out->str);
}

void rmt_complain(struct rmt_reading *reading, const config_setting_t *setting,
		  const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	complain_at(reading, setting, "", text);
	reading->failed = true;
}

void rmt_warn(struct rmt_reading *reading, const config_setting_t *setting,
	      const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	complain_at(reading, setting, "warning: ", text);
}

void rmt_complain_of(struct rmt_reading *reading, const config_setting_t *setting,
		     GError *error)
{
	const config_setting_t *named = setting;

	while (named->name == NULL && named->parent != NULL)
		named = named->parent;
	/* A rate is known by its sentence. */
	if (g_strcmp0(named->name, "rate") == 0 || g_strcmp0(named->name, "quota") == 0)
		rmt_complain(reading, setting, "%s", error->message);
	else
		rmt_complain(reading, setting, "%s: %s", named->name, error->message);
	g_error_free(error);
}

static GPtrArray *finish_complaints(struct rmt_reading *reading)
{
	GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
	struct complaint *complaint;
	guint i;

	g_ptr_array_sort(reading->complaints, compare_complaints);
	for (i = 0; i < reading->complaints->len; i++) {
		complaint = g_ptr_array_index(reading->complaints, i);
		g_ptr_array_add(texts, g_steal_pointer(&complaint->text));
	}
	return texts;
}

/* --- unknown settings ------------------------------------------------------------- */

/* NULL: nothing is near enough. */
static const char *similar_name(const struct rmt_section *section, const char *name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	size_t i;

	for (i = 0; section->settings[i].name != NULL; i++)
		if (section->settings[i].type != NULL)
			g_ptr_array_add(names, (gpointer)section->settings[i].name);
	for (i = 0; section->sections[i] != NULL; i++)
		g_ptr_array_add(names, (gpointer)section->sections[i]->name);
	g_ptr_array_add(names, NULL);
	return rmt_similar(name, (const char *const *)names->pdata);
}

char *rmt_section_unknown(const struct rmt_section *section, const char *name)
{
	const struct rmt_setting *row = rmt_section_setting(section, name);
	const char *similar = similar_name(section, name);

	if (row != NULL)
		return g_strdup_printf("'%s' is no setting any more: %s", name,
				       row->help);
	if (similar != NULL)
		return g_strdup_printf("unknown setting '%s' (did you mean '%s'?)", name,
				       similar);
	return g_strdup_printf("unknown setting '%s'", name);
}

static void check_names(struct rmt_reading *reading, const struct rmt_section *section,
			const config_setting_t *group)
{
	const struct rmt_setting *row;
	const config_setting_t *child;
	int i;

	for (i = 0; i < config_setting_length(group); i++) {
		child = config_setting_get_elem(group, (unsigned)i);
		row = rmt_section_setting(section, child->name);
		if ((row == NULL || row->type == NULL) &&
		    rmt_section_inside(section, child->name) == NULL) {
			g_autofree char *text = rmt_section_unknown(section, child->name);

			rmt_complain(reading, child, "%s", text);
		}
	}
}

/* --- the walk --------------------------------------------------------------------- */

static void standards_free(void *data)
{
	config_destroy(data);
	g_free(data);
}

/* The defaults of a section as a tree of their own, so that they are read by
 * the same functions as what the file says. */
static const config_setting_t *standards_of(struct rmt_reading *reading,
					    const struct rmt_section *section)
{
	config_t *tree = g_hash_table_lookup(reading->standards, section);
	g_autoptr(GString) text = NULL;
	size_t i;

	if (tree != NULL)
		return config_root_setting(tree);
	text = g_string_new(NULL);
	for (i = 0; section->settings[i].name != NULL; i++)
		if (section->settings[i].standard != NULL)
			g_string_append_printf(text, "%s = %s;\n",
					       section->settings[i].name,
					       section->settings[i].standard);
	tree = g_new0(config_t, 1);
	config_init(tree);
	if (config_read_string(tree, text->str) != CONFIG_TRUE)
		g_error("settings: a default is wrong: %s", text->str);
	g_hash_table_insert(reading->standards, (void *)section, tree);
	return config_root_setting(tree);
}

static void read_settings(struct rmt_reading *reading, const struct rmt_section *section,
			  const config_setting_t *group, void *object)
{
	const config_setting_t *standards = standards_of(reading, section), *setting;
	const struct rmt_setting *row;

	for (row = section->settings; row->name != NULL; row++) {
		if (row->type == NULL || row->type->read == NULL)
			continue;
		setting = group != NULL ? config_setting_get_member(group, row->name)
					: NULL;
		if (setting == NULL)
			setting = config_setting_get_member(standards, row->name);
		if (setting != NULL)
			row->type->read(reading, row, setting,
					(char *)object + row->offset);
	}
}

static void read_sections(struct rmt_reading *reading, const struct rmt_section *section,
			  const config_setting_t *group, void *object);

/* "return_path = "keep"": a word where a group may stand. */
static bool is_word(const struct rmt_section *section, const config_setting_t *setting)
{
	const char *text = config_setting_get_string(setting);

	return section->word != NULL && text != NULL && strcmp(text, section->word) == 0;
}

/* group NULL: all defaults. */
static void read_group(struct rmt_reading *reading, const struct rmt_section *section,
		       const config_setting_t *group, void *parent, const char *name)
{
	void *object;

	if (group != NULL && is_word(section, group)) {
		object = section->begin(reading, parent, name, NULL);
		*(bool *)((char *)object + section->word_offset) = true;
		group = NULL;
	} else {
		object = section->begin(reading, parent, name, group);
	}
	if (group != NULL)
		check_names(reading, section, group);
	read_settings(reading, section, group, object);
	read_sections(reading, section, group, object);
	if (section->end != NULL)
		section->end(reading, parent, object, group);
}

static bool check_is_group(struct rmt_reading *reading, const config_setting_t *setting)
{
	if (setting->type == CONFIG_TYPE_GROUP)
		return true;
	rmt_complain(reading, setting, "'%s' must be a group (write %s: { ... })",
		     setting->name, setting->name);
	return false;
}

static void read_many(struct rmt_reading *reading, const struct rmt_section *section,
		      const config_setting_t *groups, void *parent)
{
	const config_setting_t *group;
	int i;

	for (i = 0; i < config_setting_length(groups); i++) {
		group = config_setting_get_elem(groups, (unsigned)i);
		if (!rmt_check_word(rmt_span_of(group->name), NULL))
			rmt_complain(reading, group,
				     "is no name (letters, digits, '-' and '_', at most "
				     "63)");
		if (check_is_group(reading, group))
			read_group(reading, section, group, parent, group->name);
	}
}

static void read_sections(struct rmt_reading *reading, const struct rmt_section *section,
			  const config_setting_t *group, void *object)
{
	const config_setting_t *inner;
	const char *name;
	size_t i;

	for (i = 0; section->sections[i] != NULL; i++) {
		name = section->sections[i]->name;
		inner = group != NULL ? config_setting_get_member(group, name) : NULL;
		if (inner != NULL && !is_word(section->sections[i], inner) &&
		    !check_is_group(reading, inner))
			inner = NULL;
		if (!section->sections[i]->many)
			read_group(reading, section->sections[i], inner, object, name);
		else if (inner != NULL)
			read_many(reading, section->sections[i], inner, object);
	}
}

/* --- the file --------------------------------------------------------------------- */

static bool read_source(struct rmt_reading *reading, const char *text)
{
	g_autoptr(GError) why = NULL;
	struct rmt_place place;

	if (text != NULL
		    ? rmt_source_set(&reading->source, reading->file, text, &place, &why)
		    : rmt_source_read(&reading->source, reading->file, &place, &why))
		return true;
	append_complaint(reading, place, why->message);
	reading->failed = true;
	return false;
}

static bool parse(struct rmt_reading *reading, config_t *tree)
{
	g_autofree char *text = NULL;
	int line;

	if (config_read_string(tree, reading->source.text->str) == CONFIG_TRUE)
		return true;
	line = config_error_line(tree);
	text = g_strdup_printf(
		"%s (or in the line before; remite.conf(5) tells the syntax)",
		config_error_text(tree));
	append_complaint(reading,
			 rmt_source_place(&reading->source, (unsigned)MAX(line, 1)),
			 text);
	reading->failed = true;
	return false;
}

static struct rmt_config *new_config(const char *file)
{
	struct rmt_config *config = g_new0(struct rmt_config, 1);

	config->refs = 1;
	config->file = g_strdup(file);
	config->fold = rmt_fold_new();
	config->egresses =
		g_ptr_array_new_with_free_func((GDestroyNotify)rmt_egress_free);
	config->streams = g_ptr_array_new_with_free_func((GDestroyNotify)rmt_stream_free);
	return config;
}

static void read_tree(struct rmt_reading *reading, const config_t *tree)
{
	g_autoptr(GString) dump = g_string_new(NULL);
	const config_setting_t *root = config_root_setting(tree);

	read_group(reading, &rmt_section_root, root, NULL, "");
	if (!reading->failed)
		rmt_dump_tree(root, dump);
	reading->config->dump = g_string_free(g_steal_pointer(&dump), FALSE);
}

static struct rmt_config *finish(struct rmt_reading *reading, GPtrArray **complaints_r)
{
	*complaints_r = finish_complaints(reading);
	g_ptr_array_unref(reading->complaints);
	g_hash_table_unref(reading->standards);
	rmt_source_clear(&reading->source);
	if (reading->failed)
		g_clear_pointer(&reading->config, rmt_config_unref);
	return reading->config;
}

static void begin(struct rmt_reading *reading, const char *path, const char *text)
{
	config_t tree;

	*reading = (struct rmt_reading){
		.file = path != NULL ? path : "built-in default",
		.complaints = g_ptr_array_new_with_free_func(complaint_free),
		.standards = g_hash_table_new_full(NULL, NULL, NULL, standards_free),
	};
	reading->config = new_config(reading->file);
	rmt_source_init(&reading->source);
	config_init(&tree);
	if (read_source(reading, text) && parse(reading, &tree))
		read_tree(reading, &tree);
	config_destroy(&tree);
}

struct rmt_config *rmt_config_read(const char *path, GPtrArray **complaints_r)
{
	struct rmt_reading reading;

	begin(&reading, path, path == NULL ? "" : NULL);
	return finish(&reading, complaints_r);
}

struct rmt_config *rmt_config_read_text(const char *name, const char *text,
					GPtrArray **complaints_r)
{
	struct rmt_reading reading;

	begin(&reading, name, text);
	return finish(&reading, complaints_r);
}

static char *default_control(void)
{
	g_autoptr(GPtrArray) complaints = NULL;
	g_autoptr(rmt_config) config = rmt_config_read(NULL, &complaints);

	return g_strdup(config->policyd.control);
}

char *rmt_config_read_control(const char *path, bool *whole_r, GPtrArray **complaints_r)
{
	struct rmt_reading reading;
	struct rmt_config *config;
	char *control;

	begin(&reading, path, path == NULL ? "" : NULL);
	control = g_strdup(reading.config->policyd.control);
	config = finish(&reading, complaints_r);
	*whole_r = config != NULL;
	rmt_config_unref(config);
	return control != NULL ? control : default_control();
}
