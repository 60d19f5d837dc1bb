/* SPDX-License-Identifier: MIT */
/* doctor_lists.c - policyd in the restriction lists: there, in the right place, and so
 * that mail goes on without it. */
#include <string.h>

#include "common/cli/smtpd_list.h"
#include "common/cli/setup_list.h"
#include "common/cli/setup_service.h"

/* --- remedies ------------------------------------------------------------------- */

static const struct rmt_setup_edit *find_edit(const struct rmt_doctor *d,
					      const char *name)
{
	guint i;

	for (i = 0; d->plan != NULL && i < d->plan->edits->len; i++) {
		const struct rmt_setup_edit *edit = g_ptr_array_index(d->plan->edits, i);

		if (strcmp(edit->name, name) == 0)
			return edit;
	}
	return NULL;
}

/* With the parameters that it names, where they are to be written, too. */
static char *edit_lines(const struct rmt_doctor *d, const struct rmt_setup_edit *edit)
{
	static const char *const names[] = { RMT_SETUP_PARAMETER, RMT_SETUP_SECOND };
	g_autoptr(GString) lines = g_string_new(NULL);
	g_autofree char *command = rmt_setup_edit_command(d->pf, edit);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		const struct rmt_setup_edit *named = find_edit(d, names[i]);
		g_autofree char *word = g_strconcat("$", names[i], NULL);
		g_autofree char *first = NULL;

		if (named == NULL || strstr(edit->value, word) == NULL)
			continue;
		first = rmt_setup_edit_command(d->pf, named);
		g_string_append_printf(lines, "%s\n", first);
	}
	g_string_append(lines, command);
	return g_string_free(g_steal_pointer(&lines), FALSE);
}

char *rmt_doctor_remedy(const struct rmt_doctor *d,
			const struct rmt_postfix_service *service, const char *parameter)
{
	g_autofree char *name = service == NULL
					? g_strdup(parameter)
					: g_strdup_printf("%s/%s/%s", service->name,
							  service->type, parameter);
	const struct rmt_setup_edit *edit = find_edit(d, name);

	return edit != NULL ? edit_lines(d, edit) : NULL;
}

char *rmt_doctor_setting_line(const struct rmt_doctor *d,
			      const struct rmt_postfix_service *service,
			      const char *parameter, const char *value)
{
	struct rmt_setup_edit edit = { RMT_SETUP_MAIN, (char *)parameter, (char *)value };
	g_autofree char *name = NULL;

	if (service == NULL)
		return rmt_setup_edit_command(d->pf, &edit);
	if (strpbrk(value, " \t") != NULL)
		return g_strdup_printf("-o { %s = %s }", parameter, value);
	name = g_strdup_printf("%s/%s/%s", service->name, service->type, parameter);
	edit.kind = RMT_SETUP_OPTION;
	edit.name = name;
	return rmt_setup_edit_command(d->pf, &edit);
}

char *rmt_doctor_moved_line(const struct rmt_doctor *d, const struct rmt_smtpd_list *list)
{
	const char *raw = rmt_postfix_get_raw(d->pf, list->service, list->parameter);
	g_autofree char *value =
		rmt_setup_move(d->config, d->pf, raw, list->service != NULL ? "," : ", ");

	return value != NULL
		       ? rmt_doctor_setting_line(d, list->service, list->parameter, value)
		       : NULL;
}

/* --- position ------------------------------------------------------------------- */

static void check_before(struct rmt_doctor *d, const struct rmt_smtpd_list *list,
			 const char *place)
{
	guint i;

	for (i = 0; i < list->ours; i++) {
		const struct rmt_restriction *item = rmt_smtpd_list_item(list, i);
		g_autofree char *remedy = NULL;

		if (item->effect != RMT_EFFECT_PERMITS && item->effect != RMT_EFFECT_ENDS)
			continue;
		remedy = rmt_doctor_moved_line(d, list);
		rmt_find(
			&d->findings, RMT_SEVERITY_ERROR, place, remedy,
			"'%.*s' comes before policyd and ends the list for %s: that mail "
			"is never counted",
			RMT_SPAN_ARGS(item->name),
			item->effect == RMT_EFFECT_ENDS ? "everybody"
							: "those it permits");
		return;
	}
}

static bool may_refuse(const struct rmt_restriction *item)
{
	return !item->warn_only &&
	       (item->effect == RMT_EFFECT_REJECTS || item->effect == RMT_EFFECT_MAPS ||
		item->effect == RMT_EFFECT_POLICY);
}

static void check_after(struct rmt_doctor *d, const struct rmt_smtpd_list *list,
			const char *place)
{
	guint i;

	for (i = list->ours + 1; i < list->items->len; i++) {
		const struct rmt_restriction *item = rmt_smtpd_list_item(list, i);
		g_autofree char *remedy = NULL;

		if (item->effect == RMT_EFFECT_PERMITS || item->effect == RMT_EFFECT_ENDS)
			return;
		if (!may_refuse(item) || rmt_smtpd_is_second_question(d, item))
			continue;
		remedy = rmt_doctor_moved_line(d, list);
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, place, remedy,
			 "'%.*s' comes after policyd: what it refuses is reserved first "
			 "and "
			 "given back only when the message is over",
			 RMT_SPAN_ARGS(item->name));
		return;
	}
}

/* --- the service's text --------------------------------------------------------- */

static bool option_is(const struct rmt_doctor *d, struct rmt_span value,
		      const char *fallback, const char *wanted)
{
	if (value.len == 0)
		value = rmt_span_of(rmt_postfix_get(d->pf, NULL, fallback));
	return rmt_span_eq_nocase(value, rmt_span_of(wanted));
}

static void check_options(struct rmt_doctor *d, const struct rmt_smtpd_list *list,
			  const char *place)
{
	struct rmt_policy_service s;
	g_autofree char *remedy = NULL;

	rmt_policy_service_read(rmt_smtpd_list_item(list, list->ours)->argument, &s);
	remedy = g_strdup_printf("check_policy_service { %.*s, timeout=3s, try_limit=1, "
				 "default_action=DUNNO }",
				 RMT_SPAN_ARGS(s.endpoint));
	if (!option_is(d, s.default_action, "smtpd_policy_service_default_action",
		       "DUNNO"))
		rmt_find(
			&d->findings, RMT_SEVERITY_ERROR, place, remedy,
			"%s: when policyd is away, all mail gets '%s'",
			s.braces ? "default_action is not DUNNO"
				 : "the form without braces takes no default_action",
			s.default_action.len > 0
				? "what it says"
				: rmt_postfix_get(d->pf, NULL,
						  "smtpd_policy_service_default_action"));
	if (!option_is(d, s.try_limit, "smtpd_policy_service_try_limit", "1"))
		rmt_find(
			&d->findings, RMT_SEVERITY_WARNING, place, remedy,
			"try_limit is not 1: when policyd is away, every recipient waits "
			"a second for the next try");
	if (s.timeout.len == 0 &&
	    option_is(d, s.timeout, "smtpd_policy_service_timeout", "100s"))
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, place, remedy,
			 "no timeout: a policyd that hangs holds every smtpd for 100 "
			 "seconds");
}

static void check_chroot(struct rmt_doctor *d, const struct rmt_postfix_service *service,
			 const struct rmt_smtpd_list *list)
{
	struct rmt_span argument = rmt_smtpd_list_item(list, list->ours)->argument;
	g_autofree char *text = NULL, *remedy = NULL, *place = NULL;

	if (!rmt_postfix_is_chrooted(d->pf, service) ||
	    rmt_setup_is_policyd(d->config, d->pf, argument, true))
		return;
	place = g_strdup_printf("master.cf: %s/%s", service->name, service->type);
	text = rmt_setup_service_text(d->config, d->pf);
	if (text != NULL)
		remedy = g_strconcat("check_policy_service ", text, NULL);
	rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, remedy,
		 "runs in a chroot and looks for '%.*s' below %s: the path must be "
		 "relative to the queue directory",
		 RMT_SPAN_ARGS(argument),
		 rmt_postfix_get(d->pf, NULL, "queue_directory"));
}

/* --- every list once ------------------------------------------------------------ */

static void check_list(struct rmt_doctor *d, const struct rmt_smtpd_list *list,
		       size_t stage)
{
	g_autofree char *place = rmt_smtpd_list_place(list);
	g_autofree char *remedy = NULL;

	if (rmt_smtpd_list_asks(list)) {
		check_before(d, list, place);
		check_after(d, list, place);
		check_options(d, list, place);
		return;
	}
	remedy = rmt_doctor_remedy(d, list->service, list->parameter);
	rmt_find(&d->findings,
		 stage == RMT_STAGE_RCPT ? RMT_SEVERITY_ERROR : RMT_SEVERITY_WARNING,
		 place, remedy, "policyd is not asked at %s", rmt_stage_names[stage]);
}

static void check_service_lists(struct rmt_doctor *d,
				const struct rmt_postfix_service *service,
				bool main_done[RMT_STAGES])
{
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++) {
		struct rmt_smtpd_list list;

		rmt_smtpd_list_read(d, &list, service, rmt_stage_parameters[stage]);
		if (list.service != NULL || !main_done[stage])
			check_list(d, &list, stage);
		if (rmt_smtpd_list_asks(&list))
			check_chroot(d, service, &list);
		main_done[stage] |= list.service == NULL;
		rmt_smtpd_list_finish(&list);
	}
}

void rmt_doctor_lists(struct rmt_doctor *d)
{
	bool main_done[RMT_STAGES] = { false };
	guint i, smtpds = 0;

	for (i = 0; i < d->pf->services->len; i++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(d->pf->services, i);

		if (!rmt_postfix_is_smtpd(service))
			continue;
		smtpds++;
		if (!rmt_postfix_is_reinjection(d->pf, service))
			check_service_lists(d, service, main_done);
	}
	if (smtpds == 0)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, "master.cf", NULL,
			 "no smtpd: nothing asks policyd");
}
