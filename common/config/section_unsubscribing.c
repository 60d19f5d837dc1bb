/* SPDX-License-Identifier: MIT */
/* What the section `unsubscribing` is read into: leaving lists in a user's name. */
#include "common/config/reader.h"

void *rmt_begin_unsubscribing(struct rmt_reading *reading, void *parent, const char *name,
			      const config_setting_t *group)
{
	(void)parent, (void)name, (void)group;
	return &reading->config->unsubscribing;
}

/* The message's sender chooses among these: the fewer, the better. */
bool rmt_check_port(struct rmt_span text, GError **err)
{
	unsigned port = 0;
	size_t i;

	for (i = 0; i < text.len && i < 6 && g_ascii_isdigit(text.p[i]); i++)
		port = port * 10 + (unsigned)(text.p[i] - '0');
	if (i > 0 && i == text.len && port > 0 && port <= 65535)
		return true;
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "'%.*s' is no port (write \"443\")", RMT_SPAN_ARGS(text));
	return false;
}

void rmt_unsubscribing_clear(struct rmt_unsubscribing *unsubscribing)
{
	rmt_list_free(unsubscribing->allow);
	rmt_list_free(unsubscribing->deny);
	g_strfreev(unsubscribing->ports);
	g_strfreev(unsubscribing->own_hosts);
	g_free(unsubscribing->ca_file);
	g_free(unsubscribing->worker);
}
