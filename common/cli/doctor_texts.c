/* SPDX-License-Identifier: MIT */
/* doctor_texts.c - what policyd is asked by: one text at every stage, and a second
 * question at DATA where it adds two fields. */
#include "common/cli/smtpd_list.h"
#include "common/cli/setup_service.h"

/* --- the second question at DATA ------------------------------------------------ */

/* What setup would write, else the entry to paste. */
static char *second_remedy(const struct rmt_doctor *d, const struct rmt_smtpd_list *list)
{
	char *remedy = rmt_doctor_remedy(d, list->service, list->parameter);
	g_autofree char *text = NULL;

	if (remedy != NULL)
		return remedy;
	text = rmt_setup_second_text(rmt_smtpd_list_item(list, list->ours)->argument);
	return g_strconcat("check_policy_service ", text, NULL);
}

/* Between both questions nothing may let mail pass. */
static void check_between(struct rmt_doctor *d, const struct rmt_smtpd_list *list,
			  guint second, const char *place)
{
	guint i;

	for (i = list->ours + 1; i < second; i++) {
		const struct rmt_restriction *item = rmt_smtpd_list_item(list, i);
		g_autofree char *remedy = NULL;

		if (item->effect != RMT_EFFECT_PERMITS && item->effect != RMT_EFFECT_ENDS)
			continue;
		remedy = rmt_doctor_moved_line(d, list);
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, remedy,
			 "'%.*s' comes before the question with "
			 "policy_context=one-click: mail that it lets pass leaves "
			 "without List-Unsubscribe-Post",
			 RMT_SPAN_ARGS(item->name));
		return;
	}
}

static void check_second(struct rmt_doctor *d, GHashTable *said,
			 const struct rmt_smtpd_list *list)
{
	g_autofree char *place = rmt_smtpd_list_place(list), *remedy = NULL;
	guint i;

	if (!rmt_smtpd_list_asks(list) || !g_hash_table_add(said, g_strdup(place)))
		return;
	for (i = 0; i < list->items->len; i++)
		if (rmt_smtpd_is_second_question(d, rmt_smtpd_list_item(list, i)))
			break;
	if (i == list->ours) {
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, NULL,
			 "the question with policy_context=one-click comes first, or "
			 "alone: put the one without it in front");
	} else if (i == list->items->len) {
		remedy = second_remedy(d, list);
		rmt_find(
			&d->findings, RMT_SEVERITY_ERROR, place, remedy,
			"policyd is asked once, and an answer holds one field: mail "
			"leaves with List-Unsubscribe and without "
			"List-Unsubscribe-Post, which is no one-click (ask again, behind "
			"the first, or let remite-milter add both: add = \"milter\")");
	} else {
		check_between(d, list, i, place);
	}
}

void rmt_doctor_one_click(struct rmt_doctor *d)
{
	g_autoptr(GHashTable) said =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	guint i;

	for (i = 0; rmt_setup_asks_twice(d->config) && i < d->pf->services->len; i++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(d->pf->services, i);
		struct rmt_smtpd_list list;

		if (!rmt_postfix_is_smtpd(service) ||
		    rmt_postfix_is_reinjection(d->pf, service))
			continue;
		rmt_smtpd_list_read(d, &list, service,
				    rmt_stage_parameters[RMT_STAGE_DATA]);
		check_second(d, said, &list);
		rmt_smtpd_list_finish(&list);
	}
}

/* --- one text ------------------------------------------------------------------- */

static void compare_text(struct rmt_doctor *d, GHashTable *said,
			 const struct rmt_smtpd_list *list,
			 const struct rmt_smtpd_list *first)
{
	struct rmt_span text = rmt_smtpd_list_item(list, list->ours)->argument;
	struct rmt_span wanted = rmt_smtpd_list_item(first, first->ours)->argument;
	g_autofree char *place = rmt_smtpd_list_place(list),
			*other = rmt_smtpd_list_place(first);
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
	struct rmt_smtpd_list lists[RMT_STAGES];
	const struct rmt_smtpd_list *first = NULL;
	size_t stage;

	for (stage = 0; stage < RMT_STAGES; stage++)
		rmt_smtpd_list_read(d, &lists[stage], service,
				    rmt_stage_parameters[stage]);
	for (stage = 0; stage < RMT_STAGES; stage++) {
		if (!rmt_smtpd_list_asks(&lists[stage]))
			continue;
		if (first == NULL)
			first = &lists[stage];
		compare_text(d, said, &lists[stage], first);
	}
	for (stage = 0; stage < RMT_STAGES; stage++)
		rmt_smtpd_list_finish(&lists[stage]);
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
