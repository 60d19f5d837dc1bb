/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/smtpd_list.h"
#include "common/cli/setup_service.h"

static bool is_policyd(const struct rmt_doctor *d, const struct rmt_restriction *item,
		       bool chrooted)
{
	return item->effect == RMT_EFFECT_POLICY &&
	       (rmt_setup_is_policyd(d->config, d->pf, item->argument, chrooted) ||
		rmt_setup_is_policyd(d->config, d->pf, item->argument, false));
}

void rmt_smtpd_list_read(const struct rmt_doctor *d, struct rmt_smtpd_list *list,
			 const struct rmt_postfix_service *service, const char *parameter)
{
	bool chrooted = service != NULL && rmt_postfix_is_chrooted(d->pf, service);

	list->service = rmt_postfix_overrides(service, parameter) ? service : NULL;
	list->parameter = parameter;
	list->items =
		rmt_restrictions_read(d->pf, rmt_postfix_get(d->pf, service, parameter));
	for (list->ours = 0; list->ours < list->items->len; list->ours++)
		if (is_policyd(d,
			       &g_array_index(list->items, struct rmt_restriction,
					      list->ours),
			       chrooted))
			return;
}

void rmt_smtpd_list_finish(struct rmt_smtpd_list *list)
{
	g_array_unref(list->items);
}

const struct rmt_restriction *rmt_smtpd_list_item(const struct rmt_smtpd_list *list,
						  guint i)
{
	return &g_array_index(list->items, struct rmt_restriction, i);
}

bool rmt_smtpd_list_asks(const struct rmt_smtpd_list *list)
{
	return list->ours < list->items->len;
}

char *rmt_smtpd_list_place(const struct rmt_smtpd_list *list)
{
	if (list->service == NULL)
		return g_strdup_printf("main.cf: %s", list->parameter);
	return g_strdup_printf("master.cf: %s/%s: %s", list->service->name,
			       list->service->type, list->parameter);
}

bool rmt_smtpd_is_second_question(const struct rmt_doctor *d,
				  const struct rmt_restriction *item)
{
	return is_policyd(d, item, true) && rmt_setup_is_second(item->argument);
}
