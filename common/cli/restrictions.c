/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/restrictions.h"

#define CLASS_DEPTH_MAX 8
#define LIST_MAX        1000

/* Restrictions that refuse or permit and take an argument; those named check_* all do. */
static const char *const with_argument[] = {
	"reject_rbl_client",           "reject_rhsbl_client",    "reject_rhsbl_helo",
	"reject_rhsbl_sender",         "reject_rhsbl_recipient", "permit_dnswl_client",
	"reject_rhsbl_reverse_client", "permit_rhswl_client",    "sleep",
};

static const char *const always_end[] = { "permit", "reject", "defer" };

static bool is_one_of(struct rmt_span name, const char *const *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (rmt_span_eq_nocase(name, rmt_span_of(names[i])))
			return true;
	return false;
}

static bool starts_nocase(struct rmt_span s, const char *head)
{
	return s.len >= strlen(head) && g_ascii_strncasecmp(s.p, head, strlen(head)) == 0;
}

static bool takes_argument(struct rmt_span name)
{
	return starts_nocase(name, "check_") ||
	       is_one_of(name, with_argument, G_N_ELEMENTS(with_argument));
}

static enum rmt_effect effect_of(struct rmt_span name)
{
	if (rmt_span_eq_nocase(name, RMT_SPAN("check_policy_service")))
		return RMT_EFFECT_POLICY;
	if (is_one_of(name, always_end, G_N_ELEMENTS(always_end)))
		return RMT_EFFECT_ENDS;
	if (starts_nocase(name, "permit_"))
		return RMT_EFFECT_PERMITS;
	if (starts_nocase(name, "reject_") ||
	    rmt_span_eq_nocase(name, RMT_SPAN("defer_unauth_destination")))
		return RMT_EFFECT_REJECTS;
	/* A bare table stands for check_*_access in the older form. */
	if (starts_nocase(name, "check_") || memchr(name.p, ':', name.len) != NULL)
		return RMT_EFFECT_MAPS;
	return RMT_EFFECT_NONE;
}

static const char *class_value(const struct rmt_postfix *pf, struct rmt_span name)
{
	struct rmt_span rest =
		rmt_span_of(rmt_postfix_get(pf, NULL, "smtpd_restriction_classes"));
	struct rmt_span word;
	g_autofree char *key = g_strndup(name.p, name.len);

	while (rmt_postfix_word(&rest, &word))
		if (rmt_span_eq(word, name))
			return rmt_postfix_get(pf, NULL, key);
	return NULL;
}

static void read_list(const struct rmt_postfix *pf, struct rmt_span rest, GArray *list,
		      unsigned depth)
{
	struct rmt_restriction item;
	bool warn_only = false;
	const char *inner;

	while (list->len < LIST_MAX && rmt_postfix_word(&rest, &item.name)) {
		if (rmt_span_eq_nocase(item.name, RMT_SPAN("warn_if_reject"))) {
			warn_only = true;
			continue;
		}
		inner = depth < CLASS_DEPTH_MAX ? class_value(pf, item.name) : NULL;
		if (inner != NULL) {
			read_list(pf, rmt_span_of(inner), list, depth + 1);
			continue;
		}
		item.argument = rmt_span(NULL, 0);
		if (takes_argument(item.name))
			rmt_postfix_word(&rest, &item.argument);
		item.effect = effect_of(item.name);
		item.warn_only = warn_only;
		warn_only = false;
		g_array_append_val(list, item);
	}
}

GArray *rmt_restrictions_read(const struct rmt_postfix *pf, const char *value)
{
	GArray *list = g_array_new(FALSE, TRUE, sizeof(struct rmt_restriction));

	read_list(pf, rmt_span_of(value), list, 0);
	return list;
}

/* --- check_policy_service ------------------------------------------------------- */

static bool is_braced(struct rmt_span s)
{
	return s.len >= 2 && s.p[0] == '{' && s.p[s.len - 1] == '}';
}

static struct rmt_span without_braces(struct rmt_span s)
{
	return is_braced(s) ? rmt_span_trim(rmt_span(s.p + 1, s.len - 2)) : s;
}

static void take_policy_option(struct rmt_policy_service *service, struct rmt_span word)
{
	struct rmt_span name, value;

	if (!rmt_span_split(without_braces(word), '=', &name, &value))
		return;
	name = rmt_span_trim(name);
	value = rmt_span_trim(value);
	if (rmt_span_eq(name, RMT_SPAN("timeout")))
		service->timeout = value;
	else if (rmt_span_eq(name, RMT_SPAN("try_limit")))
		service->try_limit = value;
	else if (rmt_span_eq(name, RMT_SPAN("default_action")))
		service->default_action = value;
	else if (rmt_span_eq(name, RMT_SPAN("policy_context")))
		service->policy_context = value;
}

void rmt_policy_service_read(struct rmt_span text, struct rmt_policy_service *service_r)
{
	struct rmt_span rest = without_braces(text), word;

	*service_r =
		(struct rmt_policy_service){ .text = text, .braces = is_braced(text) };
	if (!service_r->braces) {
		service_r->endpoint = text;
		return;
	}
	rmt_postfix_word(&rest, &service_r->endpoint);
	while (rmt_postfix_word(&rest, &word))
		take_policy_option(service_r, word);
}

static char *unix_endpoint(const struct rmt_postfix *pf, struct rmt_span path,
			   bool chrooted)
{
	g_autofree char *text = g_strndup(path.p, path.len);
	const char *queue = rmt_postfix_get(pf, NULL, "queue_directory");
	g_autofree char *whole = NULL, *plain = NULL;

	if (chrooted || path.len == 0 || path.p[0] != '/')
		whole = g_build_filename("/", queue, text, NULL);
	plain = g_canonicalize_filename(whole != NULL ? whole : text, "/");
	return g_strconcat("unix:", plain, NULL);
}

static char *inet_endpoint(struct rmt_span address)
{
	struct rmt_span host = RMT_SPAN("127.0.0.1"), port = address;

	rmt_span_split_last(address, ':', &host, &port);
	if (host.len == 0 || rmt_span_eq_nocase(host, RMT_SPAN("localhost")))
		host = RMT_SPAN("127.0.0.1");
	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		host = rmt_span(host.p + 1, host.len - 2);
	return g_strdup_printf("inet:%.*s:%.*s", RMT_SPAN_ARGS(host),
			       RMT_SPAN_ARGS(port));
}

char *rmt_policy_endpoint(const struct rmt_postfix *pf, struct rmt_span endpoint,
			  bool chrooted)
{
	if (rmt_span_starts(endpoint, RMT_SPAN("unix:")))
		return unix_endpoint(pf, rmt_span_from(endpoint, 5), chrooted);
	if (rmt_span_starts(endpoint, RMT_SPAN("inet:")))
		return inet_endpoint(rmt_span_from(endpoint, 5));
	return g_strndup(endpoint.p, endpoint.len);
}
