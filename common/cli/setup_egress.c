/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/sender_map.h"
#include "common/cli/setup_plan.h"

#define SENDER_MAPS "sender_dependent_default_transport_maps"

static void want(GPtrArray *options, const char *name, const char *value)
{
	g_ptr_array_add(options, g_strconcat(name, "=", value, NULL));
}

static const char *first_address(const struct rmt_egress *egress, bool ipv6,
				 unsigned *count_r)
{
	const char *first = NULL;
	size_t i;

	*count_r = 0;
	for (i = 0; egress->addresses != NULL && egress->addresses[i] != NULL; i++) {
		if ((strchr(egress->addresses[i], ':') != NULL) != ipv6)
			continue;
		if ((*count_r)++ == 0)
			first = egress->addresses[i];
	}
	return first;
}

static void warn_of_many(struct rmt_setup_plan *plan, const struct rmt_egress *egress,
			 unsigned count, const char *first)
{
	if (count > 1)
		rmt_setup_note(
			plan,
			"egress '%s': a transport of Postfix sends from one address of a "
			"family; of %u only %s is used (make an egress for each other)",
			egress->name, count, first);
}

/* "name=value" strings that the service needs. */
static GPtrArray *egress_options(struct rmt_setup_plan *plan,
				 const struct rmt_egress *egress)
{
	GPtrArray *options = g_ptr_array_new_with_free_func(g_free);
	unsigned v4_count, v6_count;
	const char *v4 = first_address(egress, false, &v4_count);
	const char *v6 = first_address(egress, true, &v6_count);

	warn_of_many(plan, egress, v4_count, v4);
	warn_of_many(plan, egress, v6_count, v6);
	if (v4 != NULL)
		want(options, "smtp_bind_address", v4);
	if (v6 != NULL)
		want(options, "smtp_bind_address6", v6);
	/* Without these, Postfix would send from another address rather than wait. */
	if (v4 != NULL || v6 != NULL)
		want(options, "smtp_bind_address_enforce", "yes");
	if ((v4 == NULL) != (v6 == NULL))
		want(options, "inet_protocols", v4 != NULL ? "ipv4" : "ipv6");
	if (egress->helo != NULL)
		want(options, "smtp_helo_name", egress->helo);
	return options;
}

static void plan_new_service(struct rmt_setup_plan *plan, const struct rmt_postfix *pf,
			     const char *name, GPtrArray *options)
{
	const struct rmt_postfix_service *model = rmt_postfix_find(pf, "smtp", "unix");
	GString *line = g_string_new(name);
	guint i;

	g_string_append(line, " unix");
	for (i = 0; i < G_N_ELEMENTS(model->fields); i++)
		g_string_append_printf(line, " %s",
				       model != NULL ? model->fields[i] : "-");
	g_string_append(line, " smtp");
	if (model != NULL && *model->arguments != '\0')
		g_string_append_printf(line, " %s", model->arguments);
	for (i = 0; i < options->len; i++)
		g_string_append_printf(line, " -o %s", (char *)options->pdata[i]);
	g_string_append(line, " -o syslog_name=postfix/$service_name");
	rmt_setup_add_edit(plan, RMT_SETUP_SERVICE, g_strdup_printf("%s/unix", name),
			   g_string_free(line, FALSE));
}

static void plan_old_service(struct rmt_setup_plan *plan,
			     const struct rmt_postfix_service *service,
			     GPtrArray *options)
{
	guint i;

	for (i = 0; i < options->len; i++) {
		g_auto(GStrv) pair = g_strsplit(options->pdata[i], "=", 2);
		const char *present = g_hash_table_lookup(service->expanded, pair[0]);

		if (present == NULL || strcmp(present, pair[1]) != 0)
			rmt_setup_add_edit(plan, RMT_SETUP_OPTION,
					   g_strdup_printf("%s/%s/%s", service->name,
							   service->type, pair[0]),
					   g_strdup(pair[1]));
	}
}

static void plan_egress(struct rmt_setup_plan *plan, const struct rmt_postfix *pf,
			const struct rmt_egress *egress)
{
	g_autofree char *name = rmt_egress_service(egress);
	g_autoptr(GPtrArray) options = egress_options(plan, egress);
	const struct rmt_postfix_service *service = rmt_postfix_find(pf, name, "unix");

	if (strcmp(name, "smtp") == 0 || strcmp(name, "relay") == 0) {
		rmt_setup_note(
			plan,
			"egress '%s': its transport '%s' is Postfix's own, which other "
			"mail "
			"uses too: left alone (name one of its own, like smtp-%s:)",
			egress->name, name, egress->name);
		return;
	}
	if (service == NULL)
		plan_new_service(plan, pf, name, options);
	else if (g_str_has_suffix(service->command, "smtp"))
		plan_old_service(plan, service, options);
	else
		rmt_setup_note(
			plan,
			"egress '%s': the service '%s' runs %s, not smtp: left alone",
			egress->name, name, service->command);
}

static void add_file(struct rmt_setup_plan *plan, const char *name, GString *text)
{
	struct rmt_setup_file *file = g_new0(struct rmt_setup_file, 1);

	file->name = g_strdup(name);
	file->text = g_string_new_len(text->str, (gssize)text->len);
	g_ptr_array_add(plan->files, file);
}

/* Ours come last: a table the administrator wrote is asked first. */
static void plan_sender_maps(struct rmt_setup_plan *plan, const struct rmt_postfix *pf)
{
	static const char *const tables[] = {
		"texthash:$config_directory/" RMT_SETUP_EXACT,
		"regexp:$config_directory/" RMT_SETUP_PATTERNS,
	};
	const char *raw = rmt_postfix_get_raw(pf, NULL, SENDER_MAPS);
	g_autoptr(GString) value = g_string_new(raw);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(tables); i++)
		if (strstr(raw, tables[i]) == NULL)
			g_string_append_printf(value, "%s%s", value->len > 0 ? ", " : "",
					       tables[i]);
	if (strcmp(raw, value->str) == 0)
		return;
	if (*raw != '\0')
		rmt_setup_note(plan, "main.cf: " SENDER_MAPS
				     ": your own tables stay and answer first");
	rmt_setup_add_edit(plan, RMT_SETUP_MAIN, g_strdup(SENDER_MAPS),
			   g_strdup(value->str));
}

void rmt_setup_plan_egresses(struct rmt_setup_plan *plan, const struct rmt_config *config,
			     const struct rmt_postfix *pf)
{
	g_autoptr(rmt_sender_map) map = rmt_sender_map_new(config);
	guint i;

	for (i = 0; i < config->egresses->len; i++)
		plan_egress(plan, pf, g_ptr_array_index(config->egresses, i));
	for (i = 0; i < map->notes->len; i++)
		g_ptr_array_add(plan->notes, g_strdup(map->notes->pdata[i]));
	if (!map->is_needed)
		return;
	add_file(plan, RMT_SETUP_EXACT, map->exact);
	add_file(plan, RMT_SETUP_PATTERNS, map->patterns);
	plan_sender_maps(plan, pf);
}
