/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/restrictions.h"
#include "common/cli/sender_map.h"
#include "common/cli/setup_plan.h"

#define SENDER_MAPS "sender_dependent_default_transport_maps"
#define OPTIONS     "timeout=3s, try_limit=1, default_action=DUNNO"

const char *const rmt_stage_names[RMT_STAGES] = { "RCPT", "DATA", "END-OF-MESSAGE" };
const char *const rmt_stage_parameters[RMT_STAGES] = {
	"smtpd_recipient_restrictions",
	"smtpd_data_restrictions",
	"smtpd_end_of_data_restrictions",
};

struct planner {
	const struct rmt_config *config;
	const struct rmt_postfix *pf;
	struct rmt_setup_plan *plan;
};

void rmt_setup_add_edit(struct rmt_setup_plan *plan, enum rmt_setup_kind kind, char *name,
			char *value)
{
	struct rmt_setup_edit *edit = g_new0(struct rmt_setup_edit, 1);

	edit->kind = kind;
	edit->name = name;
	edit->value = value;
	g_ptr_array_add(plan->edits, edit);
}

static void add_edit(struct planner *p, enum rmt_setup_kind kind, char *name, char *value)
{
	rmt_setup_add_edit(p->plan, kind, name, value);
}

void rmt_setup_note(struct rmt_setup_plan *plan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(plan->notes, g_strdup_vprintf(format, args));
	va_end(args);
}

static void note(struct planner *p, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void note(struct planner *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(p->plan->notes, g_strdup_vprintf(format, args));
	va_end(args);
}

/* --- the policy service --------------------------------------------------------- */

bool rmt_setup_is_policyd(const struct rmt_config *config, const struct rmt_postfix *pf,
			  struct rmt_span service_text, bool chrooted)
{
	struct rmt_policy_service service;
	g_autofree char *wanted = NULL;
	size_t i;

	rmt_policy_service_read(service_text, &service);
	wanted = rmt_policy_endpoint(pf, service.endpoint, chrooted);
	for (i = 0; config->policyd.listen != NULL && config->policyd.listen[i] != NULL;
	     i++) {
		g_autofree char *listen = rmt_policy_endpoint(
			pf, rmt_span_of(config->policyd.listen[i]), false);

		if (strcmp(listen, wanted) == 0)
			return true;
	}
	return false;
}

static bool any_smtpd_chrooted(const struct rmt_postfix *pf)
{
	guint i;

	for (i = 0; i < pf->services->len; i++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(pf->services, i);

		if (rmt_postfix_is_smtpd(service) && rmt_postfix_is_chrooted(pf, service))
			return true;
	}
	return false;
}

/* Below the queue directory the path is written relative to it: smtpd runs there,
 * in a chroot or not. */
static char *reachable_unix(const struct rmt_postfix *pf, const char *listen,
			    bool chrooted)
{
	g_autofree char *endpoint = rmt_policy_endpoint(pf, rmt_span_of(listen), false);
	g_autofree char *queue = g_strconcat(
		"unix:", rmt_postfix_get(pf, NULL, "queue_directory"), "/", NULL);

	if (g_str_has_prefix(endpoint, queue))
		return g_strconcat("unix:", endpoint + strlen(queue), NULL);
	return chrooted ? NULL : g_strdup(endpoint);
}

char *rmt_setup_reachable(const struct rmt_postfix *pf, const char *listen, bool chrooted)
{
	return g_str_has_prefix(listen, "unix:") ? reachable_unix(pf, listen, chrooted)
						 : g_strdup(listen);
}

char *rmt_setup_service_text(const struct rmt_config *config,
			     const struct rmt_postfix *pf)
{
	bool chrooted = any_smtpd_chrooted(pf);
	char **listen = config->policyd.listen;
	g_autofree char *endpoint = NULL;
	size_t i;

	for (i = 0; endpoint == NULL && listen != NULL && listen[i] != NULL; i++)
		if (g_str_has_prefix(listen[i], "unix:"))
			endpoint = reachable_unix(pf, listen[i], chrooted);
	for (i = 0; endpoint == NULL && listen != NULL && listen[i] != NULL; i++)
		if (g_str_has_prefix(listen[i], "inet:"))
			endpoint = g_strdup(listen[i]);
	return endpoint != NULL ? g_strdup_printf("{ %s, " OPTIONS " }", endpoint) : NULL;
}

/* --- lists ---------------------------------------------------------------------- */

/* "$name", "${name}", "$(name)": what it stands for; other words stand for themselves. */
static const char *word_value(const struct rmt_postfix *pf, struct rmt_span word)
{
	g_autofree char *name = NULL;

	if (word.len < 2 || word.p[0] != '$')
		return NULL;
	word = rmt_span_from(word, 1);
	if (word.len > 2 && (word.p[0] == '{' || word.p[0] == '('))
		word = rmt_span(word.p + 1, word.len - 2);
	name = g_strndup(word.p, word.len);
	return rmt_postfix_get(pf, NULL, name);
}

static bool may_end_list(const struct rmt_postfix *pf, struct rmt_span word)
{
	const char *value = word_value(pf, word);
	g_autofree char *text =
		value != NULL ? g_strdup(value) : g_strndup(word.p, word.len);
	g_autoptr(GArray) list = rmt_restrictions_read(pf, text);
	guint i;

	for (i = 0; i < list->len; i++) {
		enum rmt_effect effect =
			g_array_index(list, struct rmt_restriction, i).effect;

		if (effect == RMT_EFFECT_PERMITS || effect == RMT_EFFECT_ENDS)
			return true;
	}
	return false;
}

/* Words that are somebody's argument must not be taken for restrictions. */
static bool is_argument(struct rmt_span before)
{
	return rmt_span_starts(before, RMT_SPAN("check_")) ||
	       rmt_span_starts(before, RMT_SPAN("reject_rbl")) ||
	       rmt_span_starts(before, RMT_SPAN("reject_rhsbl")) ||
	       rmt_span_eq(before, RMT_SPAN("sleep"));
}

char *rmt_setup_insert(const struct rmt_postfix *pf, const char *raw, const char *word,
		       const char *separator)
{
	GString *out = g_string_new(NULL);
	struct rmt_span rest = rmt_span_of(raw), token, before = { NULL, 0 };
	bool done = false;

	while (rmt_postfix_word(&rest, &token)) {
		if (!done && !is_argument(before) && may_end_list(pf, token)) {
			g_string_append_printf(out, "%s%s", out->len > 0 ? separator : "",
					       word);
			done = true;
		}
		if (out->len > 0)
			g_string_append(out, is_argument(before) ? " " : separator);
		g_string_append_len(out, token.p, (gssize)token.len);
		before = token;
	}
	if (!done)
		g_string_append_printf(out, "%s%s", out->len > 0 ? separator : "", word);
	return g_string_free(out, FALSE);
}

/* "$remite_policy", or another parameter that is policyd's entry and nothing else. */
static bool stands_for_policyd(const struct rmt_config *config,
			       const struct rmt_postfix *pf, struct rmt_span word)
{
	const char *value = word_value(pf, word);
	g_autoptr(GArray) list = rmt_restrictions_read(pf, value);
	struct rmt_restriction *item = (struct rmt_restriction *)list->data;

	return list->len == 1 && item->effect == RMT_EFFECT_POLICY &&
	       rmt_setup_is_policyd(config, pf, item->argument, false);
}

static void append_word(GString *out, const char *separator, struct rmt_span word)
{
	g_string_append_printf(out, "%s%.*s", out->len > 0 ? separator : "",
			       RMT_SPAN_ARGS(word));
}

char *rmt_setup_move(const struct rmt_config *config, const struct rmt_postfix *pf,
		     const char *raw, const char *separator)
{
	g_autoptr(GString) others = g_string_new(NULL);
	g_autofree char *entry = NULL;
	struct rmt_span rest = rmt_span_of(raw), word, before = { NULL, 0 };

	while (rmt_postfix_word(&rest, &word)) {
		struct rmt_span ahead = rest, next = { NULL, 0 };
		bool asks = rmt_span_eq(word, RMT_SPAN("check_policy_service")) &&
			    rmt_postfix_word(&ahead, &next);

		if (entry == NULL && asks &&
		    rmt_setup_is_policyd(config, pf, next, false)) {
			entry = g_strndup(word.p, (size_t)(next.p + next.len - word.p));
			rest = ahead;
		} else if (entry == NULL && stands_for_policyd(config, pf, word)) {
			entry = g_strndup(word.p, word.len);
		} else {
			append_word(others, is_argument(before) ? " " : separator, word);
		}
		before = word;
	}
	return entry != NULL ? rmt_setup_insert(pf, others->str, entry, separator) : NULL;
}

/* The text of the list's entry for policyd; len 0: none. */
static struct rmt_span entry_of(const struct planner *p,
				const struct rmt_postfix_service *service,
				const char *name)
{
	bool chrooted = service != NULL ? rmt_postfix_is_chrooted(p->pf, service)
					: any_smtpd_chrooted(p->pf);
	g_autoptr(GArray) list =
		rmt_restrictions_read(p->pf, rmt_postfix_get(p->pf, service, name));
	guint i;

	for (i = 0; i < list->len; i++) {
		struct rmt_restriction *item =
			&g_array_index(list, struct rmt_restriction, i);

		if (item->effect == RMT_EFFECT_POLICY &&
		    (rmt_setup_is_policyd(p->config, p->pf, item->argument, false) ||
		     rmt_setup_is_policyd(p->config, p->pf, item->argument, chrooted)))
			return item->argument;
	}
	return rmt_span(NULL, 0);
}

/* The text that the lists have already, so that a new entry is the same. */
static char *present_text(const struct planner *p)
{
	size_t stage;
	guint i;

	for (stage = 0; stage < RMT_STAGES; stage++) {
		const char *name = rmt_stage_parameters[stage];
		struct rmt_span text = entry_of(p, NULL, name);

		for (i = 0; text.len == 0 && i < p->pf->services->len; i++)
			text = entry_of(p, g_ptr_array_index(p->pf->services, i), name);
		if (text.len > 0)
			return g_strndup(text.p, text.len);
	}
	return NULL;
}

/* Postfix's programs tell about parameters that nobody uses, not about this one's
 * value: it is looked up wherever it stands. */
static void plan_parameter(struct planner *p, const char *text)
{
	g_autofree char *value = g_strconcat("check_policy_service ", text, NULL);

	if (strcmp(rmt_postfix_get_raw(p->pf, NULL, RMT_SETUP_PARAMETER), value) != 0)
		add_edit(p, RMT_SETUP_MAIN, g_strdup(RMT_SETUP_PARAMETER),
			 g_steal_pointer(&value));
}

static bool is_inherited(const struct rmt_postfix *pf, const char *name)
{
	guint i;

	for (i = 0; i < pf->services->len; i++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(pf->services, i);

		if (rmt_postfix_is_smtpd(service) &&
		    !rmt_postfix_is_reinjection(pf, service) &&
		    !rmt_postfix_overrides(service, name))
			return true;
	}
	return false;
}

static bool plan_main_list(struct planner *p, const char *name)
{
	if (!is_inherited(p->pf, name) || entry_of(p, NULL, name).len > 0)
		return false;
	add_edit(p, RMT_SETUP_MAIN, g_strdup(name),
		 rmt_setup_insert(p->pf, rmt_postfix_get_raw(p->pf, NULL, name),
				  "$" RMT_SETUP_PARAMETER, ", "));
	return true;
}

static bool has_blank(const char *text)
{
	return strpbrk(text, " \t") != NULL;
}

static bool plan_option_list(struct planner *p, const struct rmt_postfix_service *service,
			     const char *name)
{
	g_autofree char *value = NULL;

	if (!rmt_postfix_overrides(service, name) || entry_of(p, service, name).len > 0)
		return false;
	value = rmt_setup_insert(p->pf, rmt_postfix_get_raw(p->pf, service, name),
				 "$" RMT_SETUP_PARAMETER, ",");
	if (has_blank(value)) {
		note(p,
		     "master.cf: %s/%s: postconf -P writes no value with blanks: write "
		     "'-o { %s = %s }' there yourself",
		     service->name, service->type, name, value);
		return false;
	}
	add_edit(p, RMT_SETUP_OPTION,
		 g_strdup_printf("%s/%s/%s", service->name, service->type, name),
		 g_steal_pointer(&value));
	return true;
}

static bool main_asks(const struct planner *p, const char *name)
{
	return is_inherited(p->pf, name) || entry_of(p, NULL, name).len > 0;
}

/* What main.cf asks must not be asked a second time on the way back. */
static void plan_reinjection(struct planner *p, const struct rmt_postfix_service *service,
			     const char *name)
{
	if (entry_of(p, service, name).len > 0 && rmt_postfix_overrides(service, name)) {
		note(p,
		     "master.cf: %s/%s takes mail back from a filter and asks policyd "
		     "again: take the entry out of its %s",
		     service->name, service->type, name);
		return;
	}
	if (rmt_postfix_overrides(service, name) || !main_asks(p, name))
		return;
	/* An smtpd with both lists empty refuses to start. */
	if (strcmp(name, rmt_stage_parameters[RMT_STAGE_RCPT]) == 0 &&
	    *rmt_postfix_get(p->pf, service, "smtpd_relay_restrictions") == '\0') {
		note(p,
		     "master.cf: %s/%s takes mail back from a filter: give it its own "
		     "-o %s=permit_mynetworks,reject",
		     service->name, service->type, name);
		return;
	}
	add_edit(p, RMT_SETUP_OPTION,
		 g_strdup_printf("%s/%s/%s", service->name, service->type, name),
		 g_strdup(""));
}

static bool plan_service_lists(struct planner *p,
			       const struct rmt_postfix_service *service)
{
	bool any = false;
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++) {
		const char *name = rmt_stage_parameters[stage];

		if (rmt_postfix_is_reinjection(p->pf, service))
			plan_reinjection(p, service, name);
		else
			any |= plan_option_list(p, service, name);
	}
	return any;
}

static void plan_lists(struct planner *p, const char *text)
{
	bool any = false;
	size_t stage;
	guint i, first = p->plan->edits->len;

	plan_parameter(p, text);
	for (stage = 0; stage < RMT_STAGES; stage++)
		any |= plan_main_list(p, rmt_stage_parameters[stage]);
	for (i = 0; i < p->pf->services->len; i++) {
		struct rmt_postfix_service *service =
			g_ptr_array_index(p->pf->services, i);

		if (rmt_postfix_is_smtpd(service))
			any |= plan_service_lists(p, service);
	}
	/* Lists written by hand that lack nothing need no parameter. */
	if (!any && p->plan->edits->len > first &&
	    strcmp(rmt_postfix_get_raw(p->pf, NULL, RMT_SETUP_PARAMETER), "") == 0)
		g_ptr_array_remove_index(p->plan->edits, first);
}

static void plan_policy(struct planner *p)
{
	g_autofree char *present = present_text(p);
	g_autofree char *text = rmt_setup_service_text(p->config, p->pf);

	if (present != NULL && present[0] == '{') {
		g_free(text);
		text = g_steal_pointer(&present);
	}
	if (text == NULL)
		note(p,
		     "policyd.listen names no address that every smtpd can reach: smtpd "
		     "runs in a chroot (master.cf, column chroot), so add a socket below "
		     "%s or an inet: address",
		     rmt_postfix_get(p->pf, NULL, "queue_directory"));
	else
		plan_lists(p, text);
}

/* --- egresses ------------------------------------------------------------------- */

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

static void warn_of_many(struct planner *p, const struct rmt_egress *egress,
			 unsigned count, const char *first)
{
	if (count > 1)
		note(p,
		     "egress '%s': a transport of Postfix sends from one address of a "
		     "family; of %u only %s is used (make an egress for each other)",
		     egress->name, count, first);
}

/* "name=value" strings that the service needs. */
static GPtrArray *egress_options(struct planner *p, const struct rmt_egress *egress)
{
	GPtrArray *options = g_ptr_array_new_with_free_func(g_free);
	unsigned v4_count, v6_count;
	const char *v4 = first_address(egress, false, &v4_count);
	const char *v6 = first_address(egress, true, &v6_count);

	warn_of_many(p, egress, v4_count, v4);
	warn_of_many(p, egress, v6_count, v6);
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

static void plan_new_service(struct planner *p, const char *name, GPtrArray *options)
{
	const struct rmt_postfix_service *model = rmt_postfix_find(p->pf, "smtp", "unix");
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
	add_edit(p, RMT_SETUP_SERVICE, g_strdup_printf("%s/unix", name),
		 g_string_free(line, FALSE));
}

static void plan_old_service(struct planner *p, const struct rmt_postfix_service *service,
			     GPtrArray *options)
{
	guint i;

	for (i = 0; i < options->len; i++) {
		g_auto(GStrv) pair = g_strsplit(options->pdata[i], "=", 2);
		const char *present = g_hash_table_lookup(service->expanded, pair[0]);

		if (present == NULL || strcmp(present, pair[1]) != 0)
			add_edit(p, RMT_SETUP_OPTION,
				 g_strdup_printf("%s/%s/%s", service->name, service->type,
						 pair[0]),
				 g_strdup(pair[1]));
	}
}

static void plan_egress(struct planner *p, const struct rmt_egress *egress)
{
	g_autofree char *name = rmt_egress_service(egress);
	g_autoptr(GPtrArray) options = egress_options(p, egress);
	const struct rmt_postfix_service *service = rmt_postfix_find(p->pf, name, "unix");

	if (strcmp(name, "smtp") == 0 || strcmp(name, "relay") == 0) {
		note(p,
		     "egress '%s': its transport '%s' is Postfix's own, which other mail "
		     "uses too: left alone (name one of its own, like smtp-%s:)",
		     egress->name, name, egress->name);
		return;
	}
	if (service == NULL)
		plan_new_service(p, name, options);
	else if (g_str_has_suffix(service->command, "smtp"))
		plan_old_service(p, service, options);
	else
		note(p, "egress '%s': the service '%s' runs %s, not smtp: left alone",
		     egress->name, name, service->command);
}

static void add_file(struct planner *p, const char *name, GString *text)
{
	struct rmt_setup_file *file = g_new0(struct rmt_setup_file, 1);

	file->name = g_strdup(name);
	file->text = g_string_new_len(text->str, (gssize)text->len);
	g_ptr_array_add(p->plan->files, file);
}

/* Ours come last: a table the administrator wrote is asked first. */
static void plan_sender_maps(struct planner *p)
{
	static const char *const tables[] = {
		"texthash:$config_directory/" RMT_SETUP_EXACT,
		"regexp:$config_directory/" RMT_SETUP_PATTERNS,
	};
	const char *raw = rmt_postfix_get_raw(p->pf, NULL, SENDER_MAPS);
	g_autoptr(GString) value = g_string_new(raw);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(tables); i++)
		if (strstr(raw, tables[i]) == NULL)
			g_string_append_printf(value, "%s%s", value->len > 0 ? ", " : "",
					       tables[i]);
	if (strcmp(raw, value->str) == 0)
		return;
	if (*raw != '\0')
		note(p,
		     "main.cf: " SENDER_MAPS ": your own tables stay and answer first");
	add_edit(p, RMT_SETUP_MAIN, g_strdup(SENDER_MAPS), g_strdup(value->str));
}

static void plan_egresses(struct planner *p)
{
	g_autoptr(rmt_sender_map) map = rmt_sender_map_new(p->config);
	guint i;

	for (i = 0; i < p->config->egresses->len; i++)
		plan_egress(p, g_ptr_array_index(p->config->egresses, i));
	for (i = 0; i < map->notes->len; i++)
		g_ptr_array_add(p->plan->notes, g_strdup(map->notes->pdata[i]));
	if (!map->is_needed)
		return;
	add_file(p, RMT_SETUP_EXACT, map->exact);
	add_file(p, RMT_SETUP_PATTERNS, map->patterns);
	plan_sender_maps(p);
}

/* --- the plan ------------------------------------------------------------------- */

static void edit_free(struct rmt_setup_edit *edit)
{
	g_free(edit->name);
	g_free(edit->value);
	g_free(edit);
}

static void file_free(struct rmt_setup_file *file)
{
	g_free(file->name);
	g_string_free(file->text, TRUE);
	g_free(file);
}

void rmt_setup_plan_init(struct rmt_setup_plan *plan)
{
	plan->edits = g_ptr_array_new_with_free_func((GDestroyNotify)edit_free);
	plan->files = g_ptr_array_new_with_free_func((GDestroyNotify)file_free);
	plan->notes = g_ptr_array_new_with_free_func(g_free);
}

void rmt_setup_plan_finish(struct rmt_setup_plan *plan)
{
	g_ptr_array_unref(plan->edits);
	g_ptr_array_unref(plan->files);
	g_ptr_array_unref(plan->notes);
}

struct rmt_setup_plan *rmt_setup_plan_new(const struct rmt_config *config,
					  const struct rmt_postfix *pf)
{
	struct rmt_setup_plan *plan = g_new0(struct rmt_setup_plan, 1);
	struct planner p = { config, pf, plan };

	rmt_setup_plan_init(plan);
	plan_egresses(&p);
	plan_policy(&p);
	if (strcmp(rmt_postfix_get(pf, NULL, "smtpd_policy_service_request_limit"),
		   "0") != 0)
		add_edit(&p, RMT_SETUP_MAIN,
			 g_strdup("smtpd_policy_service_request_limit"), g_strdup("0"));
	return plan;
}

void rmt_setup_plan_free(struct rmt_setup_plan *plan)
{
	if (plan == NULL)
		return;
	rmt_setup_plan_finish(plan);
	g_free(plan);
}

char *rmt_setup_edit_command(const struct rmt_postfix *pf,
			     const struct rmt_setup_edit *edit)
{
	static const char *const options[] = { "-e", "-P", "-M" };
	g_autofree char *assignment = g_strdup_printf("%s=%s", edit->name, edit->value);
	g_autofree char *quoted = g_shell_quote(assignment);
	bool is_default = strcmp(pf->dir, RMT_POSTFIX_DIR) == 0;
	g_autofree char *dir = is_default ? NULL : g_shell_quote(pf->dir);

	return g_strdup_printf("postconf%s%s %s %s", is_default ? "" : " -c ",
			       is_default ? "" : dir, options[edit->kind], quoted);
}
