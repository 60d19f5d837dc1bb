/* SPDX-License-Identifier: MIT */
/* spf.c - `remite spf`, and the verb of `remite batch`. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/auth/spf.h"
#include "common/base/log.h"
#include "common/cli/batch.h"
#include "common/cli/cli.h"

bool rmt_batch_spf(struct rmt_batch_case *c, GError **err)
{
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	struct rmt_spf_query query = { .now = 0 };
	const struct rmt_spf_result *result;
	struct rmt_span ip;

	if (!rmt_batch_string(c, "ip", NULL, &ip, err) ||
	    !rmt_batch_string(c, "helo", "", &query.helo, err) ||
	    !rmt_batch_string(c, "mail_from", "", &query.mail_from, err) ||
	    !rmt_batch_string(c, "receiver", "", &query.receiver, err) ||
	    !rmt_batch_integer(c, "now", time(NULL), &query.now, err))
		return false;
	if (!rmt_ip_parse(ip, &query.ip)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "'ip' is not an IPv4 or IPv6 address");
		return false;
	}
	if (!rmt_batch_ask(c, rmt_spf_start(spf, &query), err))
		return false;
	result = rmt_spf_result(spf);
	rmt_batch_put(c, "result", rmt_span_of(rmt_spf_verdict_name(result->result)));
	rmt_batch_put(c, "explanation", result->explanation);
	return true;
}
