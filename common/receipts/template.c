/* SPDX-License-Identifier: MIT */
#include "common/receipts/template.h"

#include <errno.h>

#include "common/config/error.h"

#ifndef RMT_DATADIR
#define RMT_DATADIR "/usr/local/share"
#endif

enum { FILE_SIZE_MAX = 64 * 1024 };

#define OF_RECEIPTS "{subject} {sent} {recipient} {sender} {shown}"
#define OF_PROMPTS  "{sender} {subject} {until} {link}"

/* English is in step with templates/en.*, so that there is always one: a test
 * compares. */
static const struct event {
	const char *name, *placeholders, *english;
} events[] = {
	{
		"displayed",
		OF_RECEIPTS,
#include "common/receipts/english_displayed.inc"
	},
	{
		"deleted",
		OF_RECEIPTS,
#include "common/receipts/english_deleted.inc"
	},
	{
		"prompt",
		OF_PROMPTS,
#include "common/receipts/english_prompt.inc"
	},
	{
		"digest",
		OF_PROMPTS,
#include "common/receipts/english_digest.inc"
	},
};

struct rmt_templates {
	GHashTable *by_name; /* own; "es.displayed" -> struct rmt_template */
};

static void free_template(void *data)
{
	struct rmt_template *template = data;

	g_free(template->language);
	g_free(template->subject);
	g_free(template->body);
	g_free(template);
}

void rmt_templates_free(struct rmt_templates *templates)
{
	if (templates == NULL)
		return;
	g_hash_table_unref(templates->by_name);
	g_free(templates);
}

/* --- one file -------------------------------------------------------------- */

static bool wrong(GError **err, const char *name, unsigned line, const char *text)
{
	g_set_error(err, RMT_CONFIG_ERROR, 0, "%s:%u: %s", name, line, text);
	return false;
}

/* "pt-br.displayed": what else lies in a folder is not ours, and has none. */
static const struct event *event_of(const char *key)
{
	size_t len = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-"), i;

	for (i = 0; len >= 2 && key[len] == '.' && i < G_N_ELEMENTS(events); i++)
		if (strcmp(key + len + 1, events[i].name) == 0)
			return &events[i];
	return NULL;
}

static bool is_placeholder(const struct event *event, const char *text, size_t len)
{
	return memmem(event->placeholders, strlen(event->placeholders), text, len) !=
	       NULL;
}

/* Line of the first '{' that begins no placeholder; 0: all are known. */
static unsigned find_unknown(const struct event *event, const char *text)
{
	unsigned line = 1;
	const char *p, *end;

	for (p = text; *p != '\0'; p++) {
		line += *p == '\n';
		if (*p != '{')
			continue;
		end = strchr(p, '}');
		if (end == NULL || !is_placeholder(event, p, (size_t)(end - p + 1)))
			return line;
	}
	return 0;
}

static bool check_text(const struct event *event, const char *name, const char *text,
		       GError **err)
{
	g_autofree char *why = NULL;
	unsigned unknown;

	if (!g_utf8_validate(text, -1, NULL) || strchr(text, '\r') != NULL)
		return wrong(err, name, 1, "is not UTF-8 with LF at the ends of lines");
	unknown = find_unknown(event, text);
	if (unknown == 0)
		return true;
	why = g_strdup_printf("unknown placeholder (there are %s)", event->placeholders);
	return wrong(err, name, unknown, why);
}

/* Comments, "Subject: ...", an empty line, the body. */
static bool parse(struct rmt_template *template, const char *name, const char *text,
		  GError **err)
{
	const char *p = text, *end;
	unsigned line = 1;

	for (; *p == '#' && strchr(p, '\n') != NULL; line++)
		p = strchr(p, '\n') + 1;
	end = strchr(p, '\n');
	if (!g_str_has_prefix(p, "Subject: ") || end == NULL)
		return wrong(err, name, line, "must begin with 'Subject: '");
	if (end[1] != '\n' || end[2] == '\0')
		return wrong(err, name, line + 1,
			     "must be an empty line with text behind it");
	template->subject = g_strndup(p + 9, (size_t)(end - p - 9));
	template->body = g_strdup(end + 2);
	return true;
}

static bool add(struct rmt_templates *templates, const char *key, const char *name,
		const char *text, GError **err)
{
	struct rmt_template *template = g_new0(struct rmt_template, 1);

	template->language = g_strndup(key, strcspn(key, "."));
	if (!check_text(event_of(key), name, text, err) ||
	    !parse(template, name, text, err)) {
		free_template(template);
		return false;
	}
	g_hash_table_replace(templates->by_name, g_strdup(key), template);
	return true;
}

/* --- a folder -------------------------------------------------------------- */

static bool read_one(struct rmt_templates *templates, const char *folder, const char *key,
		     GError **err)
{
	g_autofree char *path = g_build_filename(folder, key, NULL), *text = NULL;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, err))
		return false;
	if (len > FILE_SIZE_MAX || strlen(text) != len)
		return wrong(err, path, 1, "is no text of at most 64 kB");
	return add(templates, key, path, text, err);
}

static bool read_folder(struct rmt_templates *templates, const char *folder, GError **err)
{
	GDir *dir = g_dir_open(folder, 0, err);
	const char *key;
	bool ok = true;

	if (dir == NULL)
		return false;
	while (ok && (key = g_dir_read_name(dir)) != NULL)
		if (event_of(key) != NULL)
			ok = read_one(templates, folder, key, err);
	g_dir_close(dir);
	return ok;
}

struct rmt_templates *rmt_templates_read(const char *folder, GError **err)
{
	static const char installed[] = RMT_DATADIR "/remite/receipts";
	g_autoptr(rmt_templates) templates = g_new0(struct rmt_templates, 1);
	size_t i;

	templates->by_name =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_template);
	for (i = 0; i < G_N_ELEMENTS(events); i++) {
		g_autofree char *key = g_strconcat("en.", events[i].name, NULL);

		add(templates, key, "built-in", events[i].english, NULL);
	}
	if (g_file_test(installed, G_FILE_TEST_IS_DIR) &&
	    !read_folder(templates, installed, err))
		return NULL;
	if (folder != NULL && !read_folder(templates, folder, err))
		return NULL;
	return g_steal_pointer(&templates);
}

/* --- choosing -------------------------------------------------------------- */

/* "es-mx" first, then "es"; also of a locale, "es_MX", as directories have it. */
static const struct rmt_template *find(const struct rmt_templates *templates,
				       const char *event, const char *language)
{
	g_autofree char *tag =
		g_strdelimit(g_ascii_strdown(language, strcspn(language, ".")), "_", '-');
	const struct rmt_template *found = NULL;
	char *dash;

	do {
		g_autofree char *key = g_strconcat(tag, ".", event, NULL);

		found = g_hash_table_lookup(templates->by_name, key);
		dash = strrchr(tag, '-');
		if (dash != NULL)
			*dash = '\0';
	} while (found == NULL && dash != NULL);
	return found;
}

const struct rmt_template *rmt_template_choose(const struct rmt_templates *templates,
					       const char *event,
					       const char *const *message_languages,
					       const char *user_language,
					       const char *standard)
{
	const char *const others[] = { user_language, standard, "en" };
	const struct rmt_template *found = NULL;
	size_t i;

	for (i = 0; message_languages != NULL && message_languages[i] != NULL; i++) {
		found = find(templates, event, message_languages[i]);
		if (found != NULL)
			return found;
	}
	for (i = 0; found == NULL && i < G_N_ELEMENTS(others); i++)
		if (others[i] != NULL)
			found = find(templates, event, others[i]);
	return found;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *rmt_templates_languages(const struct rmt_templates *templates,
				   const char *event)
{
	GPtrArray *out = g_ptr_array_new();
	GHashTableIter it;
	void *key, *value;

	g_hash_table_iter_init(&it, templates->by_name);
	while (g_hash_table_iter_next(&it, &key, &value))
		if (strcmp(strchr(key, '.') + 1, event) == 0)
			g_ptr_array_add(out, ((struct rmt_template *)value)->language);
	g_ptr_array_sort(out, compare_names);
	return out;
}

/* --- filling in ------------------------------------------------------------ */

static const char *value_of(const struct rmt_template_value *values, const char *name,
			    size_t len)
{
	for (; values->name != NULL; values++)
		if (strlen(values->name) == len && strncmp(values->name, name, len) == 0)
			return values->value;
	return NULL;
}

/* One pass: what a value holds is never looked at again. */
void rmt_template_fill(const char *text, const struct rmt_template_value *values,
		       GString *out)
{
	const char *p, *end, *value;

	for (p = text; *p != '\0'; p++) {
		end = *p == '{' ? strchr(p, '}') : NULL;
		value = end != NULL ? value_of(values, p + 1, (size_t)(end - p - 1))
				    : NULL;
		if (value == NULL) {
			g_string_append_c(out, *p);
			continue;
		}
		g_string_append(out, value);
		p = end;
	}
}
