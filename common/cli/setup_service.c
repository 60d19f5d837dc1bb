/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/restrictions.h"
#include "common/cli/setup_service.h"

#define OPTIONS "timeout=3s, try_limit=1, default_action=DUNNO"

bool rmt_setup_is_policyd(const struct rmt_config *config, const struct rmt_postfix *pf,
			  struct rmt_span service_text, bool chrooted)
{
	struct rmt_policy_service service;
	g_autofree char *wanted = NULL;
	size_t i;

	rmt_policy_service_read(service_text, &service);
	wanted = rmt_policy_endpoint(pf, service.endpoint, chrooted);
	for (i = 0; config->policyd.listen != NULL && config->policyd.listen[i] != NULL;
	     i++) {
		g_autofree char *listen = rmt_policy_endpoint(
			pf, rmt_span_of(config->policyd.listen[i]), false);

		if (strcmp(listen, wanted) == 0)
			return true;
	}
	return false;
}

bool rmt_setup_any_chrooted(const struct rmt_postfix *pf)
{
	guint i;

	for (i = 0; i < pf->services->len; i++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(pf->services, i);

		if (rmt_postfix_is_smtpd(service) && rmt_postfix_is_chrooted(pf, service))
			return true;
	}
	return false;
}

/* Below the queue directory the path is written relative to it: smtpd runs there,
 * in a chroot or not. */
static char *reachable_unix(const struct rmt_postfix *pf, const char *listen,
			    bool chrooted)
{
	g_autofree char *endpoint = rmt_policy_endpoint(pf, rmt_span_of(listen), false);
	g_autofree char *queue = g_strconcat(
		"unix:", rmt_postfix_get(pf, NULL, "queue_directory"), "/", NULL);

	if (g_str_has_prefix(endpoint, queue))
		return g_strconcat("unix:", endpoint + strlen(queue), NULL);
	return chrooted ? NULL : g_strdup(endpoint);
}

char *rmt_setup_reachable(const struct rmt_postfix *pf, const char *listen, bool chrooted)
{
	return g_str_has_prefix(listen, "unix:") ? reachable_unix(pf, listen, chrooted)
						 : g_strdup(listen);
}

char *rmt_setup_service_text(const struct rmt_config *config,
			     const struct rmt_postfix *pf)
{
	bool chrooted = rmt_setup_any_chrooted(pf);
	char **listen = config->policyd.listen;
	g_autofree char *endpoint = NULL;
	size_t i;

	for (i = 0; endpoint == NULL && listen != NULL && listen[i] != NULL; i++)
		if (g_str_has_prefix(listen[i], "unix:"))
			endpoint = reachable_unix(pf, listen[i], chrooted);
	for (i = 0; endpoint == NULL && listen != NULL && listen[i] != NULL; i++)
		if (g_str_has_prefix(listen[i], "inet:"))
			endpoint = g_strdup(listen[i]);
	return endpoint != NULL ? g_strdup_printf("{ %s, " OPTIONS " }", endpoint) : NULL;
}

bool rmt_setup_asks_twice(const struct rmt_config *config)
{
	guint i;

	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = config->streams->pdata[i];

		if (stream->unsubscribe.https != NULL &&
		    stream->unsubscribe.add == RMT_UNSUBSCRIBE_BY_POLICYD)
			return true;
	}
	return false;
}

bool rmt_setup_is_second(struct rmt_span service_text)
{
	struct rmt_policy_service service;

	rmt_policy_service_read(service_text, &service);
	return rmt_span_eq(service.policy_context, RMT_SPAN("one-click")) ||
	       rmt_span_ends_nocase(service.policy_context, RMT_SPAN("/one-click"));
}

char *rmt_setup_second_text(struct rmt_span first)
{
	struct rmt_policy_service service;

	rmt_policy_service_read(first, &service);
	return g_strdup_printf("{ %.*s, " OPTIONS ", policy_context=%.*s%sone-click }",
			       RMT_SPAN_ARGS(service.endpoint),
			       RMT_SPAN_ARGS(service.policy_context),
			       service.policy_context.len > 0 ? "/" : "");
}
