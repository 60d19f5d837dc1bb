/* SPDX-License-Identifier: MIT */
/* doctor_postfix.c - does every smtpd ask policyd, everywhere, once, in the right place?
 */
#include <stdlib.h>
#include <string.h>

#include "common/cli/doctor.h"
#include "common/cli/restrictions.h"

/* A list as one smtpd sees it. */
struct list {
	const struct rmt_postfix_service *service; /* foreign; NULL: main.cf's own */
	const char *parameter;
	GArray *items; /* own; struct rmt_restriction */
	guint ours;    /* index of policyd's entry; items->len: none */
};

static bool is_ours(const struct rmt_doctor *d, const struct rmt_restriction *item,
		    bool chrooted)
{
	return item->effect == RMT_EFFECT_POLICY &&
	       (rmt_setup_is_policyd(d->config, d->pf, item->argument, chrooted) ||
		rmt_setup_is_policyd(d->config, d->pf, item->argument, false));
}

static void list_read(const struct rmt_doctor *d, struct list *list,
		      const struct rmt_postfix_service *service, const char *parameter)
{
	bool chrooted = service != NULL && rmt_postfix_is_chrooted(d->pf, service);

	list->service = rmt_postfix_overrides(service, parameter) ? service : NULL;
	list->parameter = parameter;
	list->items =
		rmt_restrictions_read(d->pf, rmt_postfix_get(d->pf, service, parameter));
	for (list->ours = 0; list->ours < list->items->len; list->ours++)
		if (is_ours(d,
			    &g_array_index(list->items, struct rmt_restriction,
					   list->ours),
			    chrooted))
			return;
}

static void list_finish(struct list *list)
{
	g_array_unref(list->items);
}

static const struct rmt_restriction *item_at(const struct list *list, guint i)
{
	return &g_array_index(list->items, struct rmt_restriction, i);
}

static bool list_asks(const struct list *list)
{
	return list->ours < list->items->len;
}

static char *list_place(const struct list *list)
{
	if (list->service == NULL)
		return g_strdup_printf("main.cf: %s", list->parameter);
	return g_strdup_printf("master.cf: %s/%s: %s", list->service->name,
			       list->service->type, list->parameter);
}

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

static char *edit_lines(const struct rmt_doctor *d, const struct rmt_setup_edit *edit)
{
	const struct rmt_setup_edit *first = find_edit(d, RMT_SETUP_PARAMETER);
	g_autofree char *command = rmt_setup_edit_command(d->pf, edit);
	g_autofree char *before = NULL;

	if (first == NULL || strstr(edit->value, "$" RMT_SETUP_PARAMETER) == NULL)
		return g_steal_pointer(&command);
	before = rmt_setup_edit_command(d->pf, first);
	return g_strconcat(before, "\n", command, NULL);
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

/* A setting as a line to paste; master.cf takes blanks only by hand. */
static char *setting_line(const struct rmt_doctor *d,
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

static char *moved_line(const struct rmt_doctor *d, const struct list *list)
{
	const char *raw = rmt_postfix_get_raw(d->pf, list->service, list->parameter);
	g_autofree char *value =
		rmt_setup_move(d->config, d->pf, raw, list->service != NULL ? "," : ", ");

	return value != NULL ? setting_line(d, list->service, list->parameter, value)
			     : NULL;
}

/* --- position ------------------------------------------------------------------- */

static void check_before(struct rmt_doctor *d, const struct list *list, const char *place)
{
	guint i;

	for (i = 0; i < list->ours; i++) {
		const struct rmt_restriction *item = item_at(list, i);
		g_autofree char *remedy = NULL;

		if (item->effect != RMT_EFFECT_PERMITS && item->effect != RMT_EFFECT_ENDS)
			continue;
		remedy = moved_line(d, list);
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

/* What policyd is asked a second time at DATA, for the second field of RFC 8058. */
static bool is_second_question(const struct rmt_doctor *d,
			       const struct rmt_restriction *item)
{
	struct rmt_policy_service service;

	if (!is_ours(d, item, true))
		return false;
	rmt_policy_service_read(item->argument, &service);
	return rmt_span_eq(service.policy_context, RMT_SPAN("one-click")) ||
	       rmt_span_ends_nocase(service.policy_context, RMT_SPAN("/one-click"));
}

static bool may_refuse(const struct rmt_restriction *item)
{
	return !item->warn_only &&
	       (item->effect == RMT_EFFECT_REJECTS || item->effect == RMT_EFFECT_MAPS ||
		item->effect == RMT_EFFECT_POLICY);
}

static void check_after(struct rmt_doctor *d, const struct list *list, const char *place)
{
	guint i;

	for (i = list->ours + 1; i < list->items->len; i++) {
		const struct rmt_restriction *item = item_at(list, i);
		g_autofree char *remedy = NULL;

		if (item->effect == RMT_EFFECT_PERMITS || item->effect == RMT_EFFECT_ENDS)
			return;
		if (!may_refuse(item) || is_second_question(d, item))
			continue;
		remedy = moved_line(d, list);
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

static void check_options(struct rmt_doctor *d, const struct list *list,
			  const char *place)
{
	struct rmt_policy_service s;
	g_autofree char *remedy = NULL;

	rmt_policy_service_read(item_at(list, list->ours)->argument, &s);
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
			 const struct list *list)
{
	struct rmt_span argument = item_at(list, list->ours)->argument;
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

static void check_list(struct rmt_doctor *d, const struct list *list, size_t stage)
{
	g_autofree char *place = list_place(list);
	g_autofree char *remedy = NULL;

	if (list_asks(list)) {
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
		struct list list;

		list_read(d, &list, service, rmt_stage_parameters[stage]);
		if (list.service != NULL || !main_done[stage])
			check_list(d, &list, stage);
		if (list_asks(&list))
			check_chroot(d, service, &list);
		main_done[stage] |= list.service == NULL;
		list_finish(&list);
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

/* --- the second question at DATA ------------------------------------------------ */

static bool adds_at_data(const struct rmt_config *config)
{
	guint i;

	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = config->streams->pdata[i];

		if (stream->unsubscribe.https != NULL &&
		    stream->unsubscribe.add == RMT_UNSUBSCRIBE_BY_POLICYD)
			return true;
	}
	return false;
}

/* The same service with a context of its own, so with a connection of its own. */
static char *second_entry(const struct list *list)
{
	struct rmt_policy_service s;

	rmt_policy_service_read(item_at(list, list->ours)->argument, &s);
	return g_strdup_printf("check_policy_service { %.*s, timeout=3s, try_limit=1, "
			       "default_action=DUNNO, policy_context=%.*s%sone-click }",
			       RMT_SPAN_ARGS(s.endpoint), RMT_SPAN_ARGS(s.policy_context),
			       s.policy_context.len > 0 ? "/" : "");
}

static void check_second(struct rmt_doctor *d, GHashTable *said, const struct list *list)
{
	g_autofree char *place = list_place(list), *remedy = NULL;
	guint i;

	if (!list_asks(list) || !g_hash_table_add(said, g_strdup(place)))
		return;
	for (i = 0; i < list->items->len; i++)
		if (is_second_question(d, item_at(list, i)))
			break;
	if (i == list->ours) {
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, NULL,
			 "the question with policy_context=one-click comes first, or "
			 "alone: put the one without it in front");
	} else if (i == list->items->len) {
		remedy = second_entry(list);
		rmt_find(
			&d->findings, RMT_SEVERITY_ERROR, place, remedy,
			"policyd is asked once, and an answer holds one field: mail "
			"leaves with List-Unsubscribe and without "
			"List-Unsubscribe-Post, which is no one-click (ask again, behind "
			"the first, or let remite-milter add both: add = \"milter\")");
	}
}

void rmt_doctor_one_click(struct rmt_doctor *d)
{
	g_autoptr(GHashTable) said =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	guint i;

	for (i = 0; adds_at_data(d->config) && i < d->pf->services->len; i++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(d->pf->services, i);
		struct list list;

		if (!rmt_postfix_is_smtpd(service) ||
		    rmt_postfix_is_reinjection(d->pf, service))
			continue;
		list_read(d, &list, service, rmt_stage_parameters[RMT_STAGE_DATA]);
		check_second(d, said, &list);
		list_finish(&list);
	}
}

/* --- one text ------------------------------------------------------------------- */

static void compare_text(struct rmt_doctor *d, GHashTable *said, const struct list *list,
			 const struct list *first)
{
	struct rmt_span text = item_at(list, list->ours)->argument;
	struct rmt_span wanted = item_at(first, first->ours)->argument;
	g_autofree char *place = list_place(list), *other = list_place(first);
	g_autofree char *remedy = NULL;

	if (rmt_span_eq(text, wanted) || !g_hash_table_add(said, g_strdup(place)))
		return;
	remedy = g_strdup_printf("check_policy_service %.*s", RMT_SPAN_ARGS(wanted));
	rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, remedy,
		 "the service text is not, letter by letter, that of '%s': Postfix opens "
		 "another connection, and a message's requests come apart",
		 other);
}

static void compare_service(struct rmt_doctor *d, GHashTable *said,
			    const struct rmt_postfix_service *service)
{
	struct list lists[RMT_STAGES];
	const struct list *first = NULL;
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++)
		list_read(d, &lists[stage], service, rmt_stage_parameters[stage]);
	for (stage = 0; stage < RMT_STAGES; stage++) {
		if (!list_asks(&lists[stage]))
			continue;
		if (first == NULL)
			first = &lists[stage];
		compare_text(d, said, &lists[stage], first);
	}
	for (stage = 0; stage < RMT_STAGES; stage++)
		list_finish(&lists[stage]);
}

void rmt_doctor_texts(struct rmt_doctor *d)
{
	g_autoptr(GHashTable) said =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	guint i;

	for (i = 0; i < d->pf->services->len; i++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(d->pf->services, i);

		if (rmt_postfix_is_smtpd(service))
			compare_service(d, said, service);
	}
}

/* --- every smtpd ---------------------------------------------------------------- */

/* Bits of enum rmt_stage. */
static unsigned stages_of(const struct rmt_doctor *d,
			  const struct rmt_postfix_service *service)
{
	unsigned stages = 0;
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++) {
		struct list list;

		list_read(d, &list, service, rmt_stage_parameters[stage]);
		if (list_asks(&list))
			stages |= 1u << stage;
		list_finish(&list);
	}
	return stages;
}

static char *stage_words(unsigned stages)
{
	GString *out = g_string_new(NULL);
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++)
		if (stages & (1u << stage))
			g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "",
					       rmt_stage_names[stage]);
	return g_string_free(out, FALSE);
}

static char *quiet_lines(const struct rmt_doctor *d,
			 const struct rmt_postfix_service *service, unsigned stages)
{
	GString *out = g_string_new(NULL);
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++) {
		g_autofree char *line = NULL;

		if (!(stages & (1u << stage)))
			continue;
		line = setting_line(d, service, rmt_stage_parameters[stage],
				    stage == RMT_STAGE_RCPT ? "permit_mynetworks,reject"
							    : "");
		g_string_append_printf(out, "%s%s", out->len > 0 ? "\n" : "", line);
	}
	return g_string_free(out, FALSE);
}

static void report_reinjection(struct rmt_doctor *d,
			       const struct rmt_postfix_service *service,
			       const char *place, unsigned stages)
{
	g_autofree char *words = stage_words(stages), *remedy = NULL;

	if (stages == 0) {
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, place, NULL,
			 "takes mail back from a filter; does not ask again, as it "
			 "should");
		return;
	}
	remedy = quiet_lines(d, service, stages);
	rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, remedy,
		 "takes mail back from a filter and asks again at %s: every message is "
		 "counted twice",
		 words);
}

static void report_service(struct rmt_doctor *d,
			   const struct rmt_postfix_service *service)
{
	g_autofree char *place =
		g_strdup_printf("master.cf: %s/%s", service->name, service->type);
	unsigned stages = stages_of(d, service);
	g_autofree char *words = stage_words(stages);

	if (service->twice != NULL)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, place, NULL,
			 "'-o %s' is given twice: the last one holds", service->twice);
	if (rmt_postfix_is_reinjection(d->pf, service))
		report_reinjection(d, service, place, stages);
	else if (stages == 0)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, place, NULL, "does not ask");
	else
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, place, NULL, "asks at %s",
			 words);
}

void rmt_doctor_services(struct rmt_doctor *d)
{
	guint i;

	for (i = 0; i < d->pf->services->len; i++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(d->pf->services, i);

		if (rmt_postfix_is_smtpd(service))
			report_service(d, service);
	}
}

/* --- settings beside the lists -------------------------------------------------- */

static void want_setting(struct rmt_doctor *d, const char *parameter, const char *value,
			 const char *why)
{
	const char *present = rmt_postfix_get(d->pf, NULL, parameter);
	g_autofree char *place = NULL, *remedy = NULL;

	if (*present == '\0' || strcmp(present, value) == 0)
		return;
	place = g_strdup_printf("main.cf: %s", parameter);
	remedy = setting_line(d, NULL, parameter, value);
	rmt_find(&d->findings, RMT_SEVERITY_WARNING, place, remedy, "is '%s': %s",
		 present, why);
}

/* Lists that come earlier, where policyd would be asked once more per recipient. */
static void check_other_lists(struct rmt_doctor *d)
{
	static const char *const names[] = { "smtpd_client_restrictions",
					     "smtpd_helo_restrictions",
					     "smtpd_sender_restrictions",
					     "smtpd_relay_restrictions" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		struct list list;
		g_autofree char *place = NULL;

		list_read(d, &list, NULL, names[i]);
		place = list_place(&list);
		if (list_asks(&list))
			rmt_find(&d->findings, RMT_SEVERITY_NOTE, place, NULL,
				 "asks policyd too, once more for every recipient: "
				 "counted "
				 "once all the same; smtpd_recipient_restrictions is "
				 "enough");
		list_finish(&list);
	}
}

void rmt_doctor_settings(struct rmt_doctor *d)
{
	guint i;

	want_setting(d, "smtpd_policy_service_request_limit", "0",
		     "Postfix opens a new connection in the middle of a message, whose "
		     "requests come apart");
	want_setting(d, "smtpd_delay_reject", "yes",
		     "lists before RCPT are looked at without a recipient");
	if (*rmt_postfix_get(d->pf, NULL, "smtpd_relay_restrictions") != '\0')
		want_setting(d, "smtpd_relay_before_recipient_restrictions", "yes",
			     "policyd is asked for recipients that "
			     "smtpd_relay_restrictions then refuses");
	for (i = 0; i < d->pf->main_twice->len; i++)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, "main.cf", NULL,
			 "%s is given twice: the last one holds",
			 (char *)d->pf->main_twice->pdata[i]);
	check_other_lists(d);
}

/* --- what can be counted -------------------------------------------------------- */

/* Stages that every smtpd which asks at all asks at, and policyd is told to expect. */
static unsigned common_stages(const struct rmt_doctor *d)
{
	unsigned stages = (1u << RMT_STAGES) - 1, any = 0;
	guint i;
	size_t stage;

	for (i = 0; i < d->pf->services->len; i++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(d->pf->services, i);
		unsigned own = rmt_postfix_is_smtpd(service) &&
					       !rmt_postfix_is_reinjection(d->pf, service)
				       ? stages_of(d, service)
				       : 0;

		any |= own;
		if (own != 0)
			stages &= own;
	}
	for (stage = 0; d->config->policyd.stages != NULL && stage < RMT_STAGES; stage++)
		if (!g_strv_contains((const char *const *)d->config->policyd.stages,
				     rmt_stage_names[stage]))
			stages &= ~(1u << stage);
	return any != 0 ? stages : 0;
}

static const char *trouble_of(const struct rmt_limit *limit, unsigned stages)
{
	bool rcpt = stages & (1u << RMT_STAGE_RCPT),
	     data = stages & (1u << RMT_STAGE_DATA), end = stages & (1u << RMT_STAGE_END);

	if (limit->of == RMT_UNIT_BYTES && !end)
		return "counts bytes, which Postfix tells only at END-OF-MESSAGE: "
		       "nothing "
		       "is counted";
	if (!data && !end)
		return "without DATA or END-OF-MESSAGE, what is aborted or refused after "
		       "RCPT "
		       "counts as sent";
	if ((limit->per & RMT_PER_OF_RECIPIENT) && !rcpt)
		return "counts by recipient, whom Postfix names only at RCPT: nothing is "
		       "counted for messages to several";
	return NULL;
}

static void check_limit(struct rmt_doctor *d, const struct rmt_limit *limit,
			unsigned stages)
{
	const char *trouble = trouble_of(limit, stages);
	g_autofree char *place = NULL;

	if (trouble == NULL)
		return;
	place = g_strdup_printf("%s:%u: limit '%s'",
				d->config->file != NULL ? d->config->file : "remite.conf",
				limit->line, limit->id);
	rmt_find(&d->findings, RMT_SEVERITY_WARNING, place, NULL, "%s", trouble);
}

void rmt_doctor_limits(struct rmt_doctor *d)
{
	unsigned stages = common_stages(d);
	guint i, j;

	if (stages == 0) {
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, "main.cf", NULL,
			 "policyd is asked nowhere, or at no stage by all smtpds: no "
			 "limit "
			 "counts everything");
		return;
	}
	for (i = 0; i < d->config->streams->len; i++) {
		const struct rmt_stream *stream =
			g_ptr_array_index(d->config->streams, i);

		for (j = 0; stream->limits != NULL && j < stream->limits->len; j++)
			check_limit(d, g_ptr_array_index(stream->limits, j), stages);
	}
}

void rmt_doctor_unseen(struct rmt_doctor *d)
{
	if (rmt_postfix_find(d->pf, "pickup", "unix") != NULL ||
	    rmt_postfix_find(d->pf, "pickup", "fifo") != NULL)
		rmt_find(
			&d->findings, RMT_SEVERITY_NOTE, "master.cf: pickup", NULL,
			"mail by sendmail(1), from cron or PHP, passes no smtpd: whether "
			"there is any cannot be seen here, and policyd never counts it");
}
