/* SPDX-License-Identifier: MIT */
/* doctor_postfix.c - what each smtpd does, the settings beside the lists, and what can be
 * counted so. */
#include <string.h>

#include "common/cli/smtpd_list.h"

/* --- every smtpd ---------------------------------------------------------------- */

/* Bits of enum rmt_stage. */
static unsigned stages_of(const struct rmt_doctor *d,
			  const struct rmt_postfix_service *service)
{
	unsigned stages = 0;
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++) {
		struct rmt_smtpd_list list;

		rmt_smtpd_list_read(d, &list, service, rmt_stage_parameters[stage]);
		if (rmt_smtpd_list_asks(&list))
			stages |= 1u << stage;
		rmt_smtpd_list_finish(&list);
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
		line = rmt_doctor_setting_line(
			d, service, rmt_stage_parameters[stage],
			stage == RMT_STAGE_RCPT ? "permit_mynetworks,reject" : "");
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
	remedy = rmt_doctor_setting_line(d, NULL, parameter, value);
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
		struct rmt_smtpd_list list;
		g_autofree char *place = NULL;

		rmt_smtpd_list_read(d, &list, NULL, names[i]);
		place = rmt_smtpd_list_place(&list);
		if (rmt_smtpd_list_asks(&list))
			rmt_find(&d->findings, RMT_SEVERITY_NOTE, place, NULL,
				 "asks policyd too, once more for every recipient: "
				 "counted "
				 "once all the same; smtpd_recipient_restrictions is "
				 "enough");
		rmt_smtpd_list_finish(&list);
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

/* postmulti(1): each instance has lists of its own. */
static void name_instances(struct rmt_doctor *d)
{
	const char *dirs = rmt_postfix_get(d->pf, NULL, "multi_instance_directories");
	struct rmt_span rest = rmt_span_of(dirs), dir;

	while (rmt_postfix_word(&rest, &dir)) {
		g_autofree char *remedy = g_strdup_printf("remite doctor --postfix %.*s",
							  RMT_SPAN_ARGS(dir));

		rmt_find(&d->findings, RMT_SEVERITY_NOTE,
			 "main.cf: multi_instance_directories", remedy,
			 "another instance of Postfix, with lists of its own");
	}
}

void rmt_doctor_unseen(struct rmt_doctor *d)
{
	name_instances(d);
	if (rmt_postfix_find(d->pf, "pickup", "unix") != NULL ||
	    rmt_postfix_find(d->pf, "pickup", "fifo") != NULL)
		rmt_find(
			&d->findings, RMT_SEVERITY_NOTE, "master.cf: pickup", NULL,
			"mail by sendmail(1), from cron or PHP, passes no smtpd: whether "
			"there is any cannot be seen here, and policyd never counts it");
}
