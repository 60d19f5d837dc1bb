/* SPDX-License-Identifier: MIT */
/* doctor_milter.c - does mail pass remite-milter behind the signer, does it go on
 * without it, and does it leave as it was judged? */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/cli/doctor.h"
#include "common/cli/setup_milter.h"

/* A list of milters as one service has it. */
struct list {
	const struct rmt_postfix_service *service; /* NULL: main.cf's */
	const char *parameter, *value;
	bool has_before, has_after;
};

static char *place_of(const struct list *list)
{
	if (list->service == NULL)
		return g_strdup_printf("main.cf: %s", list->parameter);
	return g_strdup_printf("master.cf: %s/%s: %s", list->service->name,
			       list->service->type, list->parameter);
}

/* The commands that mend all of it. Own. */
static char *remedy_of(const struct rmt_doctor *d)
{
	struct rmt_setup_plan plan = { NULL };
	GString *out = g_string_new(NULL);
	guint i;

	rmt_setup_plan_init(&plan);
	rmt_setup_plan_milter(&plan, d->config, d->pf);
	for (i = 0; i < plan.edits->len; i++) {
		g_autofree char *line =
			rmt_setup_edit_command(d->pf, plan.edits->pdata[i]);

		g_string_append_printf(out, "%s%s", i > 0 ? "\n" : "", line);
	}
	rmt_setup_plan_finish(&plan);
	return g_string_free(out, FALSE);
}

static void find(struct rmt_doctor *d, enum rmt_severity severity,
		 const struct list *list, const char *problem)
{
	g_autofree char *place = place_of(list);
	g_autofree char *remedy = remedy_of(d);

	rmt_find(&d->findings, severity, place, *remedy != '\0' ? remedy : NULL, "%s",
		 problem);
}

/* --- order ---------------------------------------------------------------------------
 */

static void check_order(struct rmt_doctor *d, struct list *list)
{
	struct rmt_span rest = rmt_span_of(list->value), word;
	bool others = false, behind = false, late = false, twice = false;
	struct rmt_milter_entry entry;

	while (rmt_postfix_word(&rest, &word)) {
		rmt_milter_entry_read(d->config, d->pf, word, &entry);
		if (entry.place == RMT_MILTER_BEFORE) {
			list->has_before = true;
			late = late || others || list->has_after;
		} else if (entry.place == RMT_MILTER_AFTER) {
			twice = twice || list->has_after;
			list->has_after = true;
		} else {
			others = true;
			behind = behind || list->has_after;
		}
	}
	if (twice)
		find(d, RMT_SEVERITY_ERROR, list,
		     "remite-milter is asked twice: each message is counted twice");
	if (behind)
		find(d, RMT_SEVERITY_ERROR, list,
		     "a milter comes behind remite-milter's last socket: what it signs "
		     "or "
		     "changes is not judged");
	if (late)
		find(d, RMT_SEVERITY_ERROR, list,
		     "a milter comes in front of remite-milter's first socket: what that "
		     "one adds is not signed");
}

/* --- time-outs -----------------------------------------------------------------------
 */

/* "20s", "5m"; Postfix's default unit is the second. */
static uint64_t seconds_of(struct rmt_span text)
{
	g_autofree char *copy = g_strndup(text.p, text.len);
	char *unit;
	uint64_t n = strtoull(copy, &unit, 10);

	return n * (*unit == 'm' ? 60 : *unit == 'h' ? 3600 : *unit == 'd' ? 86400 : 1);
}

static uint64_t timeout_of(const struct rmt_doctor *d, struct rmt_span own,
			   const char *parameter, uint64_t standard)
{
	if (own.len == 0)
		own = rmt_span_of(rmt_postfix_get(d->pf, NULL, parameter));
	return own.len > 0 ? seconds_of(own) : standard;
}

static void check_entry(struct rmt_doctor *d, const struct list *list,
			const struct rmt_milter_entry *entry)
{
	const uint64_t deadline = d->config->milter.deadline_ns / RMT_NS_PER_SEC;
	struct rmt_span action = entry->default_action;

	if (action.len == 0)
		action = rmt_span_of(
			rmt_postfix_get(d->pf, NULL, "milter_default_action"));
	if (!rmt_span_eq(action, RMT_SPAN("accept")))
		find(d, RMT_SEVERITY_ERROR, list,
		     "without default_action=accept no mail passes while remite-milter "
		     "is away");
	if (timeout_of(d, entry->connect_timeout, "milter_connect_timeout", 30) > 10 ||
	    timeout_of(d, entry->command_timeout, "milter_command_timeout", 30) > 15)
		find(d, RMT_SEVERITY_WARNING, list,
		     "with Postfix's own time-outs (30 s) a remite-milter that hangs "
		     "holds up every session");
	if (timeout_of(d, entry->content_timeout, "milter_content_timeout", 300) <=
	    deadline)
		find(d, RMT_SEVERITY_WARNING, list,
		     "content_timeout is not longer than milter.deadline: slow DNS looks "
		     "like a milter that hangs");
}

static void check_entries(struct rmt_doctor *d, const struct list *list)
{
	struct rmt_span rest = rmt_span_of(list->value), word;
	struct rmt_milter_entry entry;

	while (rmt_postfix_word(&rest, &word)) {
		rmt_milter_entry_read(d->config, d->pf, word, &entry);
		if (entry.place != RMT_MILTER_NOT_OURS)
			check_entry(d, list, &entry);
	}
}

/* --- which mail passes it
 * ---------------------------------------------------------------
 */

static void check_list(struct rmt_doctor *d, struct list *list)
{
	check_order(d, list);
	check_entries(d, list);
	if (!list->has_after && d->config->milter.after != NULL)
		find(d, RMT_SEVERITY_WARNING, list,
		     strcmp(list->parameter, "smtpd_milters") == 0
			     ? "remite-milter is not asked here: this mail is not judged"
			     : "remite-milter is not asked here: mail from sendmail(1) "
			       "is neither judged nor limited");
	if (!list->has_before && d->config->milter.before != NULL)
		find(d, RMT_SEVERITY_WARNING, list,
		     "the socket before the signer (milter.before) is not asked");
}

static bool names_policyd(const struct rmt_doctor *d,
			  const struct rmt_postfix_service *service)
{
	return rmt_postfix_is_smtpd(service) &&
	       !rmt_postfix_is_reinjection(d->pf, service);
}

static void check_lists(struct rmt_doctor *d)
{
	struct list main_lists[] = { { NULL, "smtpd_milters" },
				     { NULL, "non_smtpd_milters" } };
	size_t i;
	guint k;

	for (i = 0; i < G_N_ELEMENTS(main_lists); i++) {
		main_lists[i].value =
			rmt_postfix_get(d->pf, NULL, main_lists[i].parameter);
		check_list(d, &main_lists[i]);
	}
	for (k = 0; k < d->pf->services->len; k++) {
		const struct rmt_postfix_service *service = d->pf->services->pdata[k];
		struct list list = { service, "smtpd_milters" };

		if (!names_policyd(d, service) ||
		    !rmt_postfix_overrides(service, "smtpd_milters"))
			continue;
		list.value = rmt_postfix_get(d->pf, service, "smtpd_milters");
		check_list(d, &list);
	}
}

/* --- rewrites on the way out
 * ------------------------------------------------------------
 */

static void check_rewrites(struct rmt_doctor *d)
{
	static const struct {
		const char *parameter, *problem;
	} rewrites[] = {
		{ "smtp_generic_maps", "rewrites addresses in signed fields" },
		{ "smtp_header_checks", "changes fields" },
		{ "smtp_mime_header_checks", "changes fields" },
		{ "smtp_nested_header_checks", "changes fields" },
		{ "smtp_body_checks", "changes the body" },
		{ "content_filter",
		  "hands mail to a filter, which may change what was signed" },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rewrites); i++) {
		const char *value = rmt_postfix_get(d->pf, NULL, rewrites[i].parameter);
		g_autofree char *place = NULL;

		if (*value == '\0')
			continue;
		place = g_strdup_printf("main.cf: %s", rewrites[i].parameter);
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, place, NULL,
			 "%s behind remite-milter: signatures that were judged good may "
			 "break",
			 rewrites[i].problem);
	}
}

void rmt_doctor_milter(struct rmt_doctor *d)
{
	const bool is_default = strcmp(d->pf->dir, RMT_POSTFIX_DIR) == 0;
	g_autofree char *remedy = g_strconcat("remite setup postfix --milter --apply",
					      is_default ? "" : " --postfix ",
					      is_default ? "" : d->pf->dir, NULL);

	if (!rmt_setup_has_milter(d->config, d->pf)) {
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, "main.cf: smtpd_milters",
			 remedy,
			 "remite-milter is not asked: messages are not judged, only "
			 "envelopes");
		return;
	}
	check_lists(d);
	check_rewrites(d);
}

/* --- TLS (R10)
 * --------------------------------------------------------------------------
 */

bool rmt_doctor_tls_level_ok(const char *level, const char *use_tls,
			     const char *enforce_tls)
{
	if (*level == '\0')
		return strcmp(use_tls, "yes") == 0 || strcmp(enforce_tls, "yes") == 0;
	return strcmp(level, "none") != 0;
}

static void check_tls(struct rmt_doctor *d, const struct rmt_postfix_service *service)
{
	g_autofree char *place = NULL, *remedy = NULL;

	if (rmt_doctor_tls_level_ok(
		    rmt_postfix_get(d->pf, service, "smtp_tls_security_level"),
		    rmt_postfix_get(d->pf, service, "smtp_use_tls"),
		    rmt_postfix_get(d->pf, service, "smtp_enforce_tls")))
		return;
	place = service == NULL
			? g_strdup("main.cf: smtp_tls_security_level")
			: g_strdup_printf("master.cf: %s/%s: smtp_tls_security_level",
					  service->name, service->type);
	remedy = rmt_doctor_setting_line(d, service, "smtp_tls_security_level", "may");
	rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, remedy,
		 "mail leaves without TLS: Google refuses it (rule R10)");
}

void rmt_doctor_tls(struct rmt_doctor *d)
{
	guint i;

	check_tls(d, NULL);
	for (i = 0; i < d->pf->services->len; i++) {
		const struct rmt_postfix_service *service = d->pf->services->pdata[i];

		if (g_str_has_suffix(service->command, "smtp") &&
		    rmt_postfix_overrides(service, "smtp_tls_security_level"))
			check_tls(d, service);
	}
}
