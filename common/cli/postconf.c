/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/postconf.h"
#include "common/cli/run.h"

#define SEPARATORS ", \t\r\n"

static bool is_separator(char c)
{
	return c != '\0' && strchr(SEPARATORS, c) != NULL;
}

bool rmt_postfix_word(struct rmt_span *rest, struct rmt_span *word_r)
{
	size_t i = 0, start, depth = 0;

	while (i < rest->len && is_separator(rest->p[i]))
		i++;
	start = i;
	for (; i < rest->len && (depth > 0 || !is_separator(rest->p[i])); i++) {
		if (rest->p[i] == '{')
			depth++;
		else if (rest->p[i] == '}' && depth > 0)
			depth--;
	}
	if (i == start)
		return false;
	*word_r = rmt_span(rest->p + start, i - start);
	*rest = rmt_span_from(*rest, i);
	return true;
}

static char *span_dup(struct rmt_span s)
{
	return s.len > 0 ? g_strndup(s.p, s.len) : g_strdup("");
}

static bool next_line(struct rmt_span *rest, struct rmt_span *line_r)
{
	if (rest->len == 0)
		return false;
	if (!rmt_span_split(*rest, '\n', line_r, rest)) {
		*line_r = *rest;
		*rest = rmt_span(NULL, 0);
	}
	return true;
}

/* "name = value"; the name without blanks. */
static bool split_setting(struct rmt_span line, struct rmt_span *name_r,
			  struct rmt_span *value_r)
{
	if (!rmt_span_split(line, '=', name_r, value_r))
		return false;
	*name_r = rmt_span_trim(*name_r);
	*value_r = rmt_span_trim(*value_r);
	return name_r->len > 0;
}

static GHashTable *new_settings(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static GHashTable *parse_settings(struct rmt_span text)
{
	GHashTable *settings = new_settings();
	struct rmt_span line, name, value;

	while (next_line(&text, &line))
		if (split_setting(line, &name, &value))
			g_hash_table_replace(settings, span_dup(name), span_dup(value));
	return settings;
}

/* --- master.cf ------------------------------------------------------------------ */

static void service_free(struct rmt_postfix_service *service)
{
	size_t i;

	g_free(service->name);
	g_free(service->type);
	for (i = 0; i < G_N_ELEMENTS(service->fields); i++)
		g_free(service->fields[i]);
	g_free(service->command);
	g_free(service->arguments);
	g_free(service->twice);
	g_hash_table_unref(service->raw);
	g_hash_table_unref(service->expanded);
	g_free(service);
}

/* "a=b", or "{ a = b }" as Postfix has it since 3.0. */
static void take_option(struct rmt_postfix_service *service, struct rmt_span word)
{
	struct rmt_span name, value;
	char *key;

	if (word.len >= 2 && word.p[0] == '{' && word.p[word.len - 1] == '}')
		word = rmt_span(word.p + 1, word.len - 2);
	if (!split_setting(word, &name, &value))
		return;
	key = span_dup(name);
	if (g_hash_table_contains(service->raw, key) && service->twice == NULL)
		service->twice = g_strdup(key);
	g_hash_table_replace(service->expanded, g_strdup(key), span_dup(value));
	g_hash_table_replace(service->raw, key, span_dup(value));
}

/* Words of a command line end at blanks; commas belong to the values. */
static bool next_argument(struct rmt_span *rest, struct rmt_span *word_r)
{
	size_t i = 0, depth = 0;

	*rest = rmt_span_trim(*rest);
	for (; i < rest->len && (depth > 0 || !g_ascii_isspace(rest->p[i])); i++) {
		if (i == 0 && rest->p[i] == '{')
			depth = 1;
		else if (depth > 0 && rest->p[i] == '{')
			depth++;
		else if (depth > 0 && rest->p[i] == '}')
			depth--;
	}
	*word_r = rmt_span(rest->p, i);
	*rest = rmt_span_from(*rest, i);
	return i > 0;
}

static void take_options(struct rmt_postfix_service *service, struct rmt_span arguments)
{
	struct rmt_span word;

	while (next_argument(&arguments, &word)) {
		if (rmt_span_eq(word, RMT_SPAN("-o"))) {
			if (next_argument(&arguments, &word))
				take_option(service, word);
		} else if (rmt_span_starts(word, RMT_SPAN("-o"))) {
			take_option(service, rmt_span_from(word, 2));
		}
	}
}

static struct rmt_postfix_service *parse_service(struct rmt_span line)
{
	struct rmt_postfix_service *service;
	struct rmt_span words[8];
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(words); i++)
		if (!next_argument(&line, &words[i]))
			return NULL;
	if (words[0].p[0] == '#')
		return NULL;
	service = g_new0(struct rmt_postfix_service, 1);
	service->name = span_dup(words[0]);
	service->type = span_dup(words[1]);
	for (i = 0; i < G_N_ELEMENTS(service->fields); i++)
		service->fields[i] = span_dup(words[2 + i]);
	service->command = span_dup(words[7]);
	service->arguments = span_dup(rmt_span_trim(line));
	service->raw = new_settings();
	service->expanded = new_settings();
	take_options(service, line);
	return service;
}

static void parse_services(struct rmt_postfix *pf, struct rmt_span text)
{
	struct rmt_span line;

	while (next_line(&text, &line)) {
		struct rmt_postfix_service *service = parse_service(line);

		if (service != NULL)
			g_ptr_array_add(pf->services, service);
	}
}

/* "submission/inet/smtpd_client_restrictions = value" */
static void take_expanded_option(struct rmt_postfix *pf, struct rmt_span line)
{
	struct rmt_span path, value, name, type;
	struct rmt_postfix_service *service;
	g_autofree char *name_text = NULL, *type_text = NULL;

	if (!split_setting(line, &path, &value) ||
	    !rmt_span_split(path, '/', &name, &path) ||
	    !rmt_span_split(path, '/', &type, &path))
		return;
	name_text = span_dup(name);
	type_text = span_dup(type);
	service = rmt_postfix_find(pf, name_text, type_text);
	if (service != NULL)
		g_hash_table_replace(service->expanded, span_dup(path), span_dup(value));
}

/* --- main.cf -------------------------------------------------------------------- */

static void note_twice(struct rmt_postfix *pf, GHashTable *lines, struct rmt_span name,
		       unsigned line_number)
{
	char *key = span_dup(name);
	unsigned first = GPOINTER_TO_UINT(g_hash_table_lookup(lines, key));

	if (first != 0)
		g_ptr_array_add(pf->main_twice, g_strdup_printf("%s (lines %u and %u)",
								key, first, line_number));
	g_hash_table_replace(lines, key, GUINT_TO_POINTER(line_number));
}

/* postconf(1) keeps the last of several entries and does not say so. */
static void find_twice(struct rmt_postfix *pf, struct rmt_span text)
{
	g_autoptr(GHashTable) lines =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct rmt_span line, name, value;
	unsigned number = 0;

	while (next_line(&text, &line)) {
		number++;
		if (line.len == 0 || line.p[0] == '#' || g_ascii_isspace(line.p[0]))
			continue;
		if (split_setting(line, &name, &value))
			note_twice(pf, lines, name, number);
	}
}

struct rmt_postfix *rmt_postfix_parse(const char *dir,
				      const struct rmt_postfix_texts *texts)
{
	struct rmt_postfix *pf = g_new0(struct rmt_postfix, 1);
	struct rmt_span options = texts->options, line;

	pf->dir = g_strdup(dir);
	pf->raw = parse_settings(texts->main_raw);
	pf->expanded = parse_settings(texts->main_expanded);
	pf->services = g_ptr_array_new_with_free_func((GDestroyNotify)service_free);
	pf->main_twice = g_ptr_array_new_with_free_func(g_free);
	parse_services(pf, texts->services);
	while (next_line(&options, &line))
		take_expanded_option(pf, line);
	find_twice(pf, texts->main_cf);
	return pf;
}

void rmt_postfix_free(struct rmt_postfix *pf)
{
	if (pf == NULL)
		return;
	g_free(pf->dir);
	g_hash_table_unref(pf->raw);
	g_hash_table_unref(pf->expanded);
	g_ptr_array_unref(pf->services);
	g_ptr_array_unref(pf->main_twice);
	g_free(pf);
}

/* --- questions ------------------------------------------------------------------ */

static const char *look_up(GHashTable *main_settings, GHashTable *options,
			   const char *name)
{
	const char *value = options != NULL ? g_hash_table_lookup(options, name) : NULL;

	if (value == NULL)
		value = g_hash_table_lookup(main_settings, name);
	return value != NULL ? value : "";
}

const char *rmt_postfix_get(const struct rmt_postfix *pf,
			    const struct rmt_postfix_service *service, const char *name)
{
	return look_up(pf->expanded, service != NULL ? service->expanded : NULL, name);
}

const char *rmt_postfix_get_raw(const struct rmt_postfix *pf,
				const struct rmt_postfix_service *service,
				const char *name)
{
	return look_up(pf->raw, service != NULL ? service->raw : NULL, name);
}

bool rmt_postfix_overrides(const struct rmt_postfix_service *service, const char *name)
{
	return service != NULL && g_hash_table_contains(service->raw, name);
}

struct rmt_postfix_service *rmt_postfix_find(const struct rmt_postfix *pf,
					     const char *name, const char *type)
{
	guint i;

	for (i = 0; i < pf->services->len; i++) {
		struct rmt_postfix_service *service = g_ptr_array_index(pf->services, i);

		if (strcmp(service->name, name) == 0 && strcmp(service->type, type) == 0)
			return service;
	}
	return NULL;
}

/* The default of the chroot column was "y" before Postfix 3.0. */
bool rmt_postfix_is_chrooted(const struct rmt_postfix *pf,
			     const struct rmt_postfix_service *service)
{
	if (strcmp(service->fields[2], "-") != 0)
		return service->fields[2][0] == 'y';
	return g_ascii_strtod(rmt_postfix_get(pf, NULL, "compatibility_level"), NULL) < 1;
}

bool rmt_postfix_is_smtpd(const struct rmt_postfix_service *service)
{
	const char *slash = strrchr(service->command, '/');

	return strcmp(slash != NULL ? slash + 1 : service->command, "smtpd") == 0;
}

static bool is_loopback(const struct rmt_postfix_service *service)
{
	return g_str_has_prefix(service->name, "127.") ||
	       g_str_has_prefix(service->name, "localhost:") ||
	       g_str_has_prefix(service->name, "[::1]:") ||
	       g_str_has_prefix(service->name, "::1:");
}

static bool turns_off(const struct rmt_postfix_service *service, const char *name)
{
	const char *value = g_hash_table_lookup(service->raw, name);

	return value != NULL && *value == '\0';
}

static bool takes_only_mynetworks(const struct rmt_postfix_service *service)
{
	const char *value =
		g_hash_table_lookup(service->expanded, "smtpd_recipient_restrictions");
	struct rmt_span rest = rmt_span_of(value), word;

	return value != NULL && rmt_postfix_word(&rest, &word) &&
	       rmt_span_eq(word, RMT_SPAN("permit_mynetworks")) &&
	       rmt_postfix_word(&rest, &word) && rmt_span_eq(word, RMT_SPAN("reject")) &&
	       !rmt_postfix_word(&rest, &word);
}

bool rmt_postfix_is_reinjection(const struct rmt_postfix *pf,
				const struct rmt_postfix_service *service)
{
	bool back = turns_off(service, "content_filter") ||
		    turns_off(service, "smtpd_proxy_filter");

	if (!rmt_postfix_is_smtpd(service))
		return false;
	if (!is_loopback(service))
		return back && *rmt_postfix_get(pf, NULL, "content_filter") != '\0';
	return back || takes_only_mynetworks(service) ||
	       strstr(rmt_postfix_get(pf, service, "receive_override_options"),
		      "no_header_body_checks") != NULL;
}

/* --- reading -------------------------------------------------------------------- */

static bool run_postconf(const char *dir, const char *a, const char *b, GString *out,
			 GError **err)
{
	const char *argv[] = { "postconf", "-c", dir, a, b, NULL };

	if (rmt_run_well(argv, out, "failed without a word", err))
		return true;
	g_prefix_error(err, "postconf -c %s: ", dir);
	return false;
}

static struct rmt_span span_of(const GString *s)
{
	return rmt_span(s->str, s->len);
}

struct rmt_postfix *rmt_postfix_read(const char *dir, GError **err)
{
	/* Postfix's programs take a relative -c for something else after a chdir. */
	g_autofree char *absolute = g_canonicalize_filename(dir, NULL);
	g_autofree char *path = g_build_filename(absolute, "main.cf", NULL);
	g_autofree char *main_cf = NULL;
	g_autoptr(GString) raw = g_string_new(NULL), expanded = g_string_new(NULL),
			   services = g_string_new(NULL), options = g_string_new(NULL);
	struct rmt_postfix_texts texts;
	gsize length;

	if (!g_file_get_contents(path, &main_cf, &length, err) ||
	    !run_postconf(absolute, NULL, NULL, raw, err) ||
	    !run_postconf(absolute, "-x", NULL, expanded, err) ||
	    !run_postconf(absolute, "-M", NULL, services, err) ||
	    !run_postconf(absolute, "-x", "-P", options, err))
		return NULL;
	texts = (struct rmt_postfix_texts){ span_of(raw), span_of(expanded),
					    span_of(services), span_of(options),
					    rmt_span(main_cf, length) };
	return rmt_postfix_parse(absolute, &texts);
}
