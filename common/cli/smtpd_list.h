/* SPDX-License-Identifier: MIT */
/* smtpd_list.h - a restriction list as one smtpd sees it, and where in it policyd is.
 *
 *	rmt_smtpd_list_read(doctor, &list, service, "smtpd_data_restrictions");
 *	if (rmt_smtpd_list_asks(&list))
 *		... rmt_smtpd_list_item(&list, list.ours) ...
 *	rmt_smtpd_list_finish(&list);
 */
#ifndef RMT_SMTPD_LIST_H
#define RMT_SMTPD_LIST_H

#include "common/cli/doctor.h"
#include "common/cli/restrictions.h"

struct rmt_smtpd_list {
	const struct rmt_postfix_service *service; /* foreign; NULL: main.cf's own */
	const char *parameter;                     /* foreign */
	GArray *items;                             /* own; struct rmt_restriction */
	guint ours; /* index of policyd's entry; items->len: none */
};

void rmt_smtpd_list_read(const struct rmt_doctor *doctor, struct rmt_smtpd_list *list,
			 const struct rmt_postfix_service *service,
			 const char *parameter);
void rmt_smtpd_list_finish(struct rmt_smtpd_list *list);

const struct rmt_restriction *rmt_smtpd_list_item(const struct rmt_smtpd_list *list,
						  guint i);
bool rmt_smtpd_list_asks(const struct rmt_smtpd_list *list);
/* "main.cf: PARAMETER" or "master.cf: SERVICE/TYPE: PARAMETER"; own: g_free. */
char *rmt_smtpd_list_place(const struct rmt_smtpd_list *list);

/* What policyd is asked a second time at DATA, for the second field of RFC 8058. */
bool rmt_smtpd_is_second_question(const struct rmt_doctor *doctor,
				  const struct rmt_restriction *item);

/* doctor_lists.c: the line that puts policyd in the right place; NULL where that is not
 * for us to write. Own: g_free. */
char *rmt_doctor_moved_line(const struct rmt_doctor *doctor,
			    const struct rmt_smtpd_list *list);

#endif
