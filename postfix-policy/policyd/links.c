/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/links.h"

#include "common/base/log.h"
#include "common/token/token.h"

static const struct rmt_stream *any_with_links(const struct rmt_config *config)
{
	guint i;

	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = config->streams->pdata[i];

		if (rmt_has_unsubscribe(stream) &&
		    stream->unsubscribe.add == RMT_UNSUBSCRIBE_BY_POLICYD)
			return stream;
	}
	return NULL;
}

void rmt_policyd_read_links(struct rmt_policyd *policyd, const struct rmt_config *config)
{
	const struct rmt_stream *stream = any_with_links(config);
	struct rmt_sealer *sealer = NULL;
	g_autoptr(rmt_keys) keys = NULL;
	g_autoptr(GError) err = NULL;

	if (stream != NULL) {
		keys = rmt_keys_read(config->keys, &err);
		if (keys != NULL)
			sealer = rmt_sealer_new(keys, RMT_PURPOSE_UNSUBSCRIBE,
						g_get_real_time() / G_USEC_PER_SEC);
		else
			rmt_log(RMT_LOG_ERROR,
				"stream '%s' goes out without unsubscribe links: %s",
				stream->name, err->message);
	}
	rmt_engine_set_sealer(policyd->engine, sealer);
}
