/* SPDX-License-Identifier: MIT */
/* What errands leave in the store. */
#include <string.h>

#include "common/base/log.h"
#include "common/store/pack.h"
#include "dovecot-plugin/agent/leave.h"

enum { LIFE_SECS = 3 * 24 * 3600 /* an errand that could not be run ends */ };

void rmt_leave_trouble(GError **err)
{
	if (*err != NULL)
		rmt_log(RMT_LOG_ERROR, "unsubscribe: %s", (*err)->message);
	g_clear_error(err);
}

/* Beside the receipt's answer for the same message. */
void rmt_leave_put_answer(const struct rmt_errand *errand, const char *fields,
			  int64_t now_us, struct rmt_deal *deal)
{
	g_autofree char *id = g_strconcat("unsubscribe ", errand->id, NULL);

	rmt_case_put_answer(errand->subject, id, fields, now_us, deal);
}

void rmt_leave_put_left(const struct rmt_agent *agent, const struct rmt_errand *errand,
			enum rmt_left_state state, const char *by, const char *note,
			struct rmt_deal *deal)
{
	const int64_t now = rmt_agent_now(agent);
	const bool by_mail = strcmp(by, "mailto") == 0;
	g_autoptr(rmt_left) before = NULL;
	const struct rmt_left left = {
		.address = *errand->address != '\0' ? errand->address
						    : errand->subject->user,
		.list = errand->list,
		.user = errand->subject->user,
		.host = by_mail ? errand->mailto : errand->host,
		.by = (char *)by,
		.note = (char *)note,
		.state = state,
		.since = now,
		.changed = now,
		.posts = errand->posts,
	};
	struct rmt_left row = left;

	if (rmt_left_get(agent->store, left.address, left.list, &before, NULL) &&
	    before != NULL) {
		row.since = before->since;
		row.still = before->still;
		row.still_at = before->still_at;
	}
	rmt_deal_put_left(deal, &row);
}

void rmt_leave_put_errand(const struct rmt_errand *errand, int64_t since, int64_t next,
			  const char *note, struct rmt_deal *deal)
{
	g_autofree char *id = rmt_case_job_id(errand->subject->user, errand->id);
	g_autoptr(GString) payload = g_string_new(NULL);
	struct rmt_job stored = { .kind = (char *)RMT_ERRAND_KIND,
				  .id = id,
				  .attempts = errand->attempts,
				  .since = since,
				  .next = next,
				  .until = since + LIFE_SECS,
				  .note = (char *)note };

	rmt_errand_pack(errand, payload);
	stored.payload = rmt_span(payload->str, payload->len);
	rmt_deal_put_job(deal, &stored);
}
