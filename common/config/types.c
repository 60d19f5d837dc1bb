/* SPDX-License-Identifier: MIT */
/* How each kind of value is read: text in, field out. */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/config/error.h"
#include "common/config/reader.h"

void rmt_scalar_text(const config_setting_t *setting, GString *out)
{
	switch (setting->type) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		g_string_append_printf(out, "%lld", config_setting_get_int64(setting));
		break;
	case CONFIG_TYPE_FLOAT:
		g_string_append_printf(out, "%g", config_setting_get_float(setting));
		break;
	case CONFIG_TYPE_BOOL:
		g_string_append(out, config_setting_get_bool(setting) ? "true" : "false");
		break;
	case CONFIG_TYPE_STRING:
		g_string_append(out, config_setting_get_string(setting));
		break;
	default:
		g_string_append(out, "a list or group");
		break;
	}
}

/* "'5' TEXT", with the setting's name before. */
static void complain_value(struct rmt_reading *reading, const config_setting_t *setting,
			   const char *text)
{
	g_autoptr(GString) value = g_string_new(NULL);
	g_autoptr(GString) shown = g_string_new(NULL);
	const config_setting_t *named = setting->name != NULL ? setting : setting->parent;

	rmt_scalar_text(setting, value);
	rmt_log_printable(shown, rmt_span(value->str, value->len), 80);
	rmt_complain(reading, setting, "%s: '%s' %s", named->name, shown->str, text);
}

static bool get_string(struct rmt_reading *reading, const config_setting_t *setting,
		       struct rmt_span *text_r)
{
	if (setting->type != CONFIG_TYPE_STRING) {
		complain_value(reading, setting, "is not a string (write it in quotes)");
		return false;
	}
	*text_r = rmt_span_of(config_setting_get_string(setting));
	return true;
}

void rmt_read_strings(struct rmt_reading *reading, const config_setting_t *setting,
		      rmt_each_string *each, void *context)
{
	bool many =
		setting->type == CONFIG_TYPE_ARRAY || setting->type == CONFIG_TYPE_LIST;
	int i, n = many ? config_setting_length(setting) : 1;

	for (i = 0; i < n; i++) {
		const config_setting_t *one =
			many ? config_setting_get_elem(setting, (unsigned)i) : setting;
		struct rmt_span text;
		GError *why = NULL;

		if (get_string(reading, one, &text) && !each(context, text, &why))
			rmt_complain_of(reading, one, why);
	}
}

static void read_bool(struct rmt_reading *reading, const struct rmt_setting *row,
		      const config_setting_t *setting, void *field)
{
	(void)row;
	if (setting->type != CONFIG_TYPE_BOOL)
		complain_value(reading, setting, "is neither true nor false");
	else
		*(bool *)field = config_setting_get_bool(setting) == CONFIG_TRUE;
}

static void complain_choice(struct rmt_reading *reading, const struct rmt_setting *row,
			    const config_setting_t *setting)
{
	g_autoptr(GString) text = g_string_new("is none of the choices (write ");
	const struct rmt_choice *choice;

	for (choice = row->choices; choice->name != NULL; choice++)
		g_string_append_printf(text, "%s\"%s\"",
				       choice > row->choices ? ", " : "", choice->name);
	g_string_append_c(text, ')');
	complain_value(reading, setting, text->str);
}

static void read_choice(struct rmt_reading *reading, const struct rmt_setting *row,
			const config_setting_t *setting, void *field)
{
	const struct rmt_choice *choice;
	const char *text = config_setting_get_string(setting);

	for (choice = row->choices; text != NULL && choice->name != NULL; choice++)
		if (strcmp(choice->name, text) == 0) {
			*(int *)field = choice->value;
			return;
		}
	complain_choice(reading, row, setting);
}

/* A number within the row's bounds; kilo as in rmt_parse_number(). */
static bool get_number(struct rmt_reading *reading, const struct rmt_setting *row,
		       const config_setting_t *setting, uint64_t kilo, uint64_t *n_r)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *bounds = NULL;

	rmt_scalar_text(setting, text);
	if (!rmt_parse_number(rmt_span(text->str, text->len), kilo, n_r)) {
		complain_value(reading, setting,
			       "is not a number (write 1000, or \"64k\")");
		return false;
	}
	if (*n_r >= row->min && *n_r <= row->max)
		return true;
	bounds = g_strdup_printf("is out of bounds (%" G_GUINT64_FORMAT
				 " to %" G_GUINT64_FORMAT ")",
				 (guint64)row->min, (guint64)row->max);
	complain_value(reading, setting, bounds);
	return false;
}

static void read_number(struct rmt_reading *reading, const struct rmt_setting *row,
			const config_setting_t *setting, void *field)
{
	uint64_t n;

	if (get_number(reading, row, setting, 1000, &n))
		*(uint64_t *)field = n;
}

static void read_small(struct rmt_reading *reading, const struct rmt_setting *row,
		       const config_setting_t *setting, void *field)
{
	uint64_t n;

	if (get_number(reading, row, setting, 1000, &n))
		*(unsigned *)field = (unsigned)n;
}

static void read_size(struct rmt_reading *reading, const struct rmt_setting *row,
		      const config_setting_t *setting, void *field)
{
	uint64_t n;

	if (get_number(reading, row, setting, 1024, &n))
		*(size_t *)field = (size_t)n;
}

static void read_share(struct rmt_reading *reading, const struct rmt_setting *row,
		       const config_setting_t *setting, void *field)
{
	g_autoptr(GString) text = g_string_new(NULL);
	GError *why = NULL;

	(void)row;
	rmt_scalar_text(setting, text);
	if (!rmt_parse_share(rmt_span(text->str, text->len), field, &why))
		rmt_complain_of(reading, setting, why);
}

/* The row's bounds are seconds. */
static void read_duration(struct rmt_reading *reading, const struct rmt_setting *row,
			  const config_setting_t *setting, void *field)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *bounds = NULL;
	GError *why = NULL;
	uint64_t ns;

	rmt_scalar_text(setting, text);
	if (!rmt_parse_duration(rmt_span(text->str, text->len), &ns, &why)) {
		rmt_complain_of(reading, setting, why);
		return;
	}
	if (ns / RMT_NS_PER_SEC < row->min || ns / RMT_NS_PER_SEC > row->max) {
		bounds = g_strdup_printf("is out of bounds (%" G_GUINT64_FORMAT
					 "s to %" G_GUINT64_FORMAT "s)",
					 (guint64)row->min, (guint64)row->max);
		complain_value(reading, setting, bounds);
	}
	*(uint64_t *)field = ns;
}

/* In quotes: libconfig would take 0660 for a decimal number. */
static void read_file_mode(struct rmt_reading *reading, const struct rmt_setting *row,
			   const config_setting_t *setting, void *field)
{
	const char *text = config_setting_get_string(setting);
	char *end = NULL;
	unsigned long mode = text != NULL ? strtoul(text, &end, 8) : 0;

	(void)row;
	if (text == NULL || end == text || *end != '\0' || mode > 0777)
		complain_value(reading, setting, "is not a file mode (write \"0660\")");
	else
		*(unsigned *)field = (unsigned)mode;
}

static void read_string(struct rmt_reading *reading, const struct rmt_setting *row,
			const config_setting_t *setting, void *field)
{
	struct rmt_span text;
	GError *why = NULL;

	if (!get_string(reading, setting, &text))
		return;
	if (row->check != NULL && !row->check(text, &why))
		rmt_complain_of(reading, setting, why);
	else
		*(char **)field = g_strdup(text.p);
}

struct gathering {
	GPtrArray *strings;
	rmt_value_check *check;
};

static bool gather(void *context, struct rmt_span text, GError **err)
{
	struct gathering *gathering = context;

	if (gathering->check != NULL && !gathering->check(text, err))
		return false;
	g_ptr_array_add(gathering->strings, g_strndup(text.p, text.len));
	return true;
}

static void read_strings(struct rmt_reading *reading, const struct rmt_setting *row,
			 const config_setting_t *setting, void *field)
{
	struct gathering gathering = { g_ptr_array_new(), row->check };

	rmt_read_strings(reading, setting, gather, &gathering);
	if (gathering.strings->len < row->min && !reading->failed)
		rmt_complain(reading, setting, "%s: is empty (leave it out)", row->name);
	g_ptr_array_add(gathering.strings, NULL);
	*(char ***)field = (char **)g_ptr_array_free(gathering.strings, FALSE);
}

static bool add_to_list(void *context, struct rmt_span text, GError **err)
{
	return rmt_list_add(context, text, err);
}

static void read_list(struct rmt_reading *reading, const struct rmt_setting *row,
		      const config_setting_t *setting, void *field)
{
	struct rmt_list *list = rmt_list_new(row->kind);

	rmt_list_set_fold(list, reading->config->fold);
	rmt_read_strings(reading, setting, add_to_list, list);
	rmt_list_set_fold(list, NULL);
	if (config_setting_is_aggregate(setting) && config_setting_length(setting) == 0 &&
	    row->min > 0)
		rmt_complain(reading, setting,
			     "%s: is empty, so nothing would match "
			     "(leave it out, or name something)",
			     row->name);
	*(struct rmt_list **)field = list;
}

static void read_per(struct rmt_reading *reading, const struct rmt_setting *row,
		     const config_setting_t *setting, void *field)
{
	struct rmt_span text;
	GError *why = NULL;

	(void)row;
	if (get_string(reading, setting, &text) && !rmt_parse_per(text, field, &why))
		rmt_complain_of(reading, setting, why);
}

const struct rmt_setting_type rmt_type_bool = { "true or false", read_bool };
const struct rmt_setting_type rmt_type_choice = { "word", read_choice };
const struct rmt_setting_type rmt_type_number = { "number", read_number };
const struct rmt_setting_type rmt_type_small = { "number", read_small };
const struct rmt_setting_type rmt_type_size = { "size", read_size };
const struct rmt_setting_type rmt_type_duration = { "duration", read_duration };
const struct rmt_setting_type rmt_type_share = { "share", read_share };
const struct rmt_setting_type rmt_type_file_mode = { "file mode", read_file_mode };
const struct rmt_setting_type rmt_type_string = { "string", read_string };
const struct rmt_setting_type rmt_type_strings = { "list of strings", read_strings };
const struct rmt_setting_type rmt_type_list = { "list", read_list };
const struct rmt_setting_type rmt_type_per = { "key", read_per };
const struct rmt_setting_type rmt_type_rate = { "rate", NULL };
const struct rmt_setting_type rmt_type_quota = { "quota", NULL };
const struct rmt_setting_type rmt_type_exempt = { "list of the key's values", NULL };
const struct rmt_setting_type rmt_type_overrides = { "list of key and amount", NULL };
const struct rmt_setting_type rmt_type_text = { "string", NULL };
const struct rmt_setting_type rmt_type_bound_users = { "list of user and domains", NULL };
