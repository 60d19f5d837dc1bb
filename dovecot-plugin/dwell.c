/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "ioloop.h"

#include "dovecot-plugin/dwell.h"
#include "dovecot-plugin/marks.h"
#include "dovecot-plugin/user.h"
#include "dovecot-plugin/wire.h"

struct rmt_dwell {
	struct rmt_user *user; /* foreign */
	struct timeout *to;
	char *box;
	uint32_t uidvalidity, uid;
};

static void dwelt(struct rmt_dwell *dwell)
{
	struct rmt_user *user = dwell->user;
	const bool reports = user->set.receipts == RMT_RECEIPTS_REPORT;
	struct rmt_change change = {
		.box = dwell->box,
		.uidvalidity = dwell->uidvalidity,
		.uid = dwell->uid,
		.job = "shown",
		.add = reports ? NULL : RMT_KEYWORD_SHOWN,
	};

	rmt_marks_change(user->marks, &change);
	rmt_dwell_deinit(&user->dwell);
}

void rmt_dwell_start(struct rmt_user *user, const char *box, uint32_t uidvalidity,
		     uint32_t uid)
{
	struct rmt_dwell *dwell;

	rmt_dwell_deinit(&user->dwell);
	dwell = i_new(struct rmt_dwell, 1);
	dwell->user = user;
	dwell->box = i_strdup(box);
	dwell->uidvalidity = uidvalidity;
	dwell->uid = uid;
	dwell->to = timeout_add(RMT_DWELL_MSECS, dwelt, dwell);
	user->dwell = dwell;
}

void rmt_dwell_other(struct rmt_user *user, const char *box, uint32_t uid)
{
	const struct rmt_dwell *dwell = user->dwell;

	if (dwell != NULL && (dwell->uid != uid || strcmp(dwell->box, box) != 0))
		rmt_dwell_deinit(&user->dwell);
}

void rmt_dwell_deinit(struct rmt_dwell **_dwell)
{
	struct rmt_dwell *dwell = *_dwell;

	*_dwell = NULL;
	if (dwell == NULL)
		return;
	timeout_remove(&dwell->to);
	i_free(dwell->box);
	i_free(dwell);
}
