/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/restrictions.h"
#include "common/cli/setup_list.h"
#include "common/cli/setup_plan.h"
#include "common/cli/setup_service.h"

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
	bool uses_first, uses_second; /* an edit names the parameter */
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

void rmt_setup_note(struct rmt_setup_plan *plan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(plan->notes, g_strdup_vprintf(format, args));
	va_end(args);
}

/* The text of the list's entry for policyd, the first one or that of the second
 * question; len 0: none. */
static struct rmt_span find_entry(const struct planner *p,
				  const struct rmt_postfix_service *service,
				  const char *name, bool second)
{
	bool chrooted = service != NULL ? rmt_postfix_is_chrooted(p->pf, service)
					: rmt_setup_any_chrooted(p->pf);
	g_autoptr(GArray) list =
		rmt_restrictions_read(p->pf, rmt_postfix_get(p->pf, service, name));
	guint i;

	for (i = 0; i < list->len; i++) {
		struct rmt_restriction *item =
			&g_array_index(list, struct rmt_restriction, i);

		if (item->effect == RMT_EFFECT_POLICY &&
		    (!second || rmt_setup_is_second(item->argument)) &&
		    (rmt_setup_is_policyd(p->config, p->pf, item->argument, false) ||
		     rmt_setup_is_policyd(p->config, p->pf, item->argument, chrooted)))
			return item->argument;
	}
	return rmt_span(NULL, 0);
}

static struct rmt_span entry_of(const struct planner *p,
				const struct rmt_postfix_service *service,
				const char *name)
{
	return find_entry(p, service, name, false);
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
 * value: it is looked up wherever it stands. Lists written by hand that lack nothing
 * need none. at: before the edits that name it. */
static void plan_parameter(struct planner *p, guint at, const char *name,
			   const char *text, bool is_used)
{
	const char *present = rmt_postfix_get_raw(p->pf, NULL, name);
	g_autofree char *value = g_strconcat("check_policy_service ", text, NULL);

	if ((!is_used && *present == '\0') || strcmp(present, value) == 0)
		return;
	rmt_setup_add_edit(p->plan, RMT_SETUP_MAIN, g_strdup(name),
			   g_steal_pointer(&value));
	g_ptr_array_insert(
		p->plan->edits, (gint)at,
		g_ptr_array_steal_index(p->plan->edits, p->plan->edits->len - 1));
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

enum lack { LACKS_NOTHING, LACKS_ALL, LACKS_SECOND };

static enum lack lack_of(const struct planner *p,
			 const struct rmt_postfix_service *service, const char *name)
{
	const bool at_data = strcmp(name, rmt_stage_parameters[RMT_STAGE_DATA]) == 0;

	if (entry_of(p, service, name).len == 0)
		return LACKS_ALL;
	return at_data && rmt_setup_asks_twice(p->config) &&
			       find_entry(p, service, name, true).len == 0
		       ? LACKS_SECOND
		       : LACKS_NOTHING;
}

/* The list with what it lacks; NULL: the entry to put it behind does not show. */
static char *complete(struct planner *p, const char *raw, const char *name,
		      enum lack lack, const char *separator)
{
	const bool second = strcmp(name, rmt_stage_parameters[RMT_STAGE_DATA]) == 0 &&
			    rmt_setup_asks_twice(p->config);
	g_autofree char *word = NULL;

	if (lack == LACKS_SECOND) {
		word = rmt_setup_insert_behind(p->config, p->pf, raw,
					       "$" RMT_SETUP_SECOND, separator);
		p->uses_second |= word != NULL;
		return g_steal_pointer(&word);
	}
	word = g_strconcat("$" RMT_SETUP_PARAMETER, second ? separator : "",
			   second ? "$" RMT_SETUP_SECOND : "", NULL);
	p->uses_first = true;
	p->uses_second |= second;
	return rmt_setup_insert(p->pf, raw, word, separator);
}

static void note_hidden(struct planner *p, const struct rmt_postfix_service *service,
			const char *name)
{
	g_autofree char *place = service != NULL
					 ? g_strdup_printf("master.cf: %s/%s",
							   service->name, service->type)
					 : g_strdup("main.cf");

	rmt_setup_note(p->plan,
		       "%s: %s asks policyd from within a parameter or class of yours: "
		       "ask again "
		       "behind it there, with policy_context=one-click",
		       place, name);
}

static void plan_main_list(struct planner *p, const char *name)
{
	const enum lack lack = lack_of(p, NULL, name);
	char *value;

	if (!is_inherited(p->pf, name) || lack == LACKS_NOTHING)
		return;
	value = complete(p, rmt_postfix_get_raw(p->pf, NULL, name), name, lack, ", ");
	if (value != NULL)
		rmt_setup_add_edit(p->plan, RMT_SETUP_MAIN, g_strdup(name), value);
	else
		note_hidden(p, NULL, name);
}

static bool has_blank(const char *text)
{
	return strpbrk(text, " \t") != NULL;
}

static void plan_option_list(struct planner *p, const struct rmt_postfix_service *service,
			     const char *name)
{
	const enum lack lack = lack_of(p, service, name);
	g_autofree char *value = NULL;

	if (!rmt_postfix_overrides(service, name) || lack == LACKS_NOTHING)
		return;
	value = complete(p, rmt_postfix_get_raw(p->pf, service, name), name, lack, ",");
	if (value == NULL) {
		note_hidden(p, service, name);
	} else if (has_blank(value)) {
		rmt_setup_note(p->plan,
			       "master.cf: %s/%s: postconf -P writes no value with "
			       "blanks: write "
			       "'-o { %s = %s }' there yourself",
			       service->name, service->type, name, value);
	} else {
		rmt_setup_add_edit(
			p->plan, RMT_SETUP_OPTION,
			g_strdup_printf("%s/%s/%s", service->name, service->type, name),
			g_steal_pointer(&value));
	}
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
		rmt_setup_note(
			p->plan,
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
		rmt_setup_note(
			p->plan,
			"master.cf: %s/%s takes mail back from a filter: give it its own "
			"-o %s=permit_mynetworks,reject",
			service->name, service->type, name);
		return;
	}
	rmt_setup_add_edit(
		p->plan, RMT_SETUP_OPTION,
		g_strdup_printf("%s/%s/%s", service->name, service->type, name),
		g_strdup(""));
}

static void plan_service_lists(struct planner *p,
			       const struct rmt_postfix_service *service)
{
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++) {
		const char *name = rmt_stage_parameters[stage];

		if (rmt_postfix_is_reinjection(p->pf, service))
			plan_reinjection(p, service, name);
		else
			plan_option_list(p, service, name);
	}
}

static void plan_lists(struct planner *p, const char *text)
{
	g_autofree char *second = rmt_setup_second_text(rmt_span_of(text));
	guint i, first = p->plan->edits->len;
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++)
		plan_main_list(p, rmt_stage_parameters[stage]);
	for (i = 0; i < p->pf->services->len; i++) {
		struct rmt_postfix_service *service =
			g_ptr_array_index(p->pf->services, i);

		if (rmt_postfix_is_smtpd(service))
			plan_service_lists(p, service);
	}
	plan_parameter(p, first, RMT_SETUP_SECOND, second, p->uses_second);
	plan_parameter(p, first, RMT_SETUP_PARAMETER, text, p->uses_first);
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
		rmt_setup_note(p->plan,
			       "policyd.listen names no address that every smtpd can "
			       "reach: smtpd "
			       "runs in a chroot (master.cf, column chroot), so add a "
			       "socket below "
			       "%s or an inet: address",
			       rmt_postfix_get(p->pf, NULL, "queue_directory"));
	else
		plan_lists(p, text);
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
	struct planner p = { .config = config, .pf = pf, .plan = plan };

	rmt_setup_plan_init(plan);
	rmt_setup_plan_egresses(plan, config, pf);
	plan_policy(&p);
	if (strcmp(rmt_postfix_get(pf, NULL, "smtpd_policy_service_request_limit"),
		   "0") != 0)
		rmt_setup_add_edit(plan, RMT_SETUP_MAIN,
				   g_strdup("smtpd_policy_service_request_limit"),
				   g_strdup("0"));
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
