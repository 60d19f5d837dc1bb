/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/clock.h"
#include "common/cli/restrictions.h"
#include "common/cli/setup_milter.h"
#include "common/cli/setup_service.h"

enum { CONTENT_SECS_MIN = 20 };

static const char *const lists[] = { "smtpd_milters", "non_smtpd_milters" };

/* --- reading ------------------------------------------------------------------------ */

static struct rmt_span without_braces(struct rmt_span word)
{
	if (word.len >= 2 && word.p[0] == '{' && word.p[word.len - 1] == '}')
		return rmt_span_trim(rmt_span(word.p + 1, word.len - 2));
	return word;
}

/* "$name", "${name}", "$(name)": the name. Own; NULL where the word is none of them. */
static char *parameter_of(struct rmt_span word)
{
	struct rmt_span inside;

	if (word.len < 2 || word.p[0] != '$')
		return NULL;
	inside = rmt_span_from(word, 1);
	if (inside.len > 2 && (inside.p[0] == '{' || inside.p[0] == '('))
		inside = rmt_span(inside.p + 1, inside.len - 2);
	return g_strndup(inside.p, inside.len);
}

/* What a parameter stands for, or the word itself. */
static struct rmt_span looked_up(const struct rmt_postfix *pf, struct rmt_span word)
{
	g_autofree char *name = parameter_of(word);
	const char *value = name != NULL ? rmt_postfix_get(pf, NULL, name) : "";

	return *value != '\0' ? rmt_span_of(value) : word;
}

static bool is_socket(const struct rmt_postfix *pf, struct rmt_span endpoint,
		      const char *setting)
{
	g_autofree char *wanted = NULL, *written = NULL;

	if (setting == NULL)
		return false;
	wanted = rmt_policy_endpoint(pf, rmt_span_of(setting), false);
	written = rmt_policy_endpoint(pf, endpoint, false);
	return strcmp(wanted, written) == 0;
}

static void read_option(struct rmt_span word, struct rmt_milter_entry *entry)
{
	struct {
		const char *name;
		struct rmt_span *value;
	} options[] = {
		{ "default_action", &entry->default_action },
		{ "connect_timeout", &entry->connect_timeout },
		{ "command_timeout", &entry->command_timeout },
		{ "content_timeout", &entry->content_timeout },
	};
	struct rmt_span name, value;
	size_t i;

	if (!rmt_span_split(word, '=', &name, &value))
		return;
	for (i = 0; i < G_N_ELEMENTS(options); i++)
		if (rmt_span_eq(rmt_span_trim(name), rmt_span_of(options[i].name)))
			*options[i].value = rmt_span_trim(value);
}

void rmt_milter_entry_read(const struct rmt_config *config, const struct rmt_postfix *pf,
			   struct rmt_span word, struct rmt_milter_entry *entry_r)
{
	struct rmt_span rest = without_braces(looked_up(pf, word)), one;

	*entry_r = (struct rmt_milter_entry){ RMT_MILTER_NOT_OURS };
	if (!rmt_postfix_word(&rest, &one))
		return;
	entry_r->endpoint = one;
	while (rmt_postfix_word(&rest, &one))
		read_option(one, entry_r);
	if (is_socket(pf, entry_r->endpoint, config->milter.before))
		entry_r->place = RMT_MILTER_BEFORE;
	else if (is_socket(pf, entry_r->endpoint, config->milter.after))
		entry_r->place = RMT_MILTER_AFTER;
}

/* "non_smtpd_milters = $smtpd_milters", as most instructions for signers have it: what
 * the other list gets, this one has. */
static bool is_other_list(struct rmt_span word)
{
	g_autofree char *name = parameter_of(word);

	return name != NULL &&
	       (strcmp(name, lists[0]) == 0 || strcmp(name, lists[1]) == 0);
}

static enum rmt_milter_place place_of(const struct rmt_config *config,
				      const struct rmt_postfix *pf, struct rmt_span word)
{
	struct rmt_milter_entry entry;

	if (is_other_list(word))
		return RMT_MILTER_NOT_OURS;
	if (rmt_span_eq(word, RMT_SPAN("$" RMT_SETUP_MILTER_BEFORE)))
		return RMT_MILTER_BEFORE;
	if (rmt_span_eq(word, RMT_SPAN("$" RMT_SETUP_MILTER_AFTER)))
		return RMT_MILTER_AFTER;
	rmt_milter_entry_read(config, pf, word, &entry);
	return entry.place;
}

static bool names_ours(const struct rmt_config *config, const struct rmt_postfix *pf,
		       const char *value)
{
	struct rmt_span rest = rmt_span_of(value), word;

	while (rmt_postfix_word(&rest, &word))
		if (place_of(config, pf, word) != RMT_MILTER_NOT_OURS)
			return true;
	return false;
}

bool rmt_setup_has_milter(const struct rmt_config *config, const struct rmt_postfix *pf)
{
	size_t i;
	guint k;

	for (i = 0; i < G_N_ELEMENTS(lists); i++)
		if (names_ours(config, pf, rmt_postfix_get(pf, NULL, lists[i])))
			return true;
	for (k = 0; k < pf->services->len; k++)
		if (names_ours(config, pf,
			       rmt_postfix_get(pf, g_ptr_array_index(pf->services, k),
					       lists[0])))
			return true;
	return false;
}

/* --- the lists -----------------------------------------------------------------------
 */

static void append(GString *out, const char *separator, struct rmt_span word)
{
	g_string_append_printf(out, "%s%.*s", out->len > 0 ? separator : "",
			       RMT_SPAN_ARGS(word));
}

static bool names_other_list(const char *raw)
{
	struct rmt_span rest = rmt_span_of(raw), word;

	while (rmt_postfix_word(&rest, &word))
		if (is_other_list(word))
			return true;
	return false;
}

char *rmt_setup_milter_list(const struct rmt_config *config, const struct rmt_postfix *pf,
			    const char *raw, const char *separator)
{
	GString *out = g_string_new(NULL);
	struct rmt_span rest = rmt_span_of(raw), word;
	const bool has_them = names_other_list(raw);

	if (config->milter.before != NULL && !has_them)
		append(out, separator, RMT_SPAN("$" RMT_SETUP_MILTER_BEFORE));
	while (rmt_postfix_word(&rest, &word))
		if (place_of(config, pf, word) == RMT_MILTER_NOT_OURS)
			append(out, separator, word);
	if (config->milter.after != NULL && !has_them)
		append(out, separator, RMT_SPAN("$" RMT_SETUP_MILTER_AFTER));
	return g_string_free(out, FALSE);
}

/* Nothing is amiss with the list as it is written, whatever its blanks. */
static bool is_in_order(const struct rmt_config *config, const struct rmt_postfix *pf,
			const char *raw, const char *wanted)
{
	struct rmt_span rest = rmt_span_of(raw), word, should, one;

	should = rmt_span_of(wanted);
	while (rmt_postfix_word(&should, &one)) {
		const enum rmt_milter_place place = place_of(config, pf, one);

		if (!rmt_postfix_word(&rest, &word) ||
		    place_of(config, pf, word) != place ||
		    (place == RMT_MILTER_NOT_OURS && !rmt_span_eq(word, one)))
			return false;
	}
	return !rmt_postfix_word(&rest, &word);
}

static void plan_entry(struct rmt_setup_plan *plan, const struct rmt_config *config,
		       const struct rmt_postfix *pf, const char *parameter,
		       const char *socket)
{
	g_autofree char *endpoint = NULL, *value = NULL;
	const uint64_t deadline_secs = config->milter.deadline_ns / RMT_NS_PER_SEC;

	if (socket == NULL)
		return;
	/* cleanup(8) speaks with milters from the queue directory. */
	endpoint = rmt_setup_reachable(pf, socket, true);
	if (endpoint == NULL) {
		rmt_setup_note(plan,
			       "%s: a chrooted smtpd cannot reach it: choose a socket "
			       "below %s or an inet: address",
			       socket, rmt_postfix_get(pf, NULL, "queue_directory"));
		return;
	}
	value = g_strdup_printf(
		"{ %s, default_action=accept, connect_timeout=2s, command_timeout=5s, "
		"content_timeout=%" G_GUINT64_FORMAT "s }",
		endpoint, (guint64)MAX(CONTENT_SECS_MIN, 10 + 2 * deadline_secs));
	if (strcmp(rmt_postfix_get_raw(pf, NULL, parameter), value) != 0)
		rmt_setup_add_edit(plan, RMT_SETUP_MAIN, g_strdup(parameter),
				   g_steal_pointer(&value));
}

static void plan_main(struct rmt_setup_plan *plan, const struct rmt_config *config,
		      const struct rmt_postfix *pf, const char *name)
{
	const char *raw = rmt_postfix_get_raw(pf, NULL, name);
	g_autofree char *wanted = rmt_setup_milter_list(config, pf, raw, ", ");

	if (!is_in_order(config, pf, raw, wanted))
		rmt_setup_add_edit(plan, RMT_SETUP_MAIN, g_strdup(name),
				   g_steal_pointer(&wanted));
}

/* The return port of a filter takes mail that was judged on its way in. */
static void plan_service(struct rmt_setup_plan *plan, const struct rmt_config *config,
			 const struct rmt_postfix *pf,
			 const struct rmt_postfix_service *service)
{
	const char *raw = rmt_postfix_get_raw(pf, service, lists[0]);
	g_autofree char *wanted = rmt_setup_milter_list(config, pf, raw, ",");

	if (!rmt_postfix_overrides(service, lists[0]) ||
	    is_in_order(config, pf, raw, wanted))
		return;
	if (strpbrk(wanted, " \t") != NULL)
		rmt_setup_note(plan,
			       "master.cf: %s/%s: postconf -P writes no value with "
			       "blanks: write '-o { %s = %s }' there yourself",
			       service->name, service->type, lists[0], wanted);
	else
		rmt_setup_add_edit(plan, RMT_SETUP_OPTION,
				   g_strdup_printf("%s/%s/%s", service->name,
						   service->type, lists[0]),
				   g_steal_pointer(&wanted));
}

void rmt_setup_plan_milter(struct rmt_setup_plan *plan, const struct rmt_config *config,
			   const struct rmt_postfix *pf)
{
	size_t i;
	guint k;

	plan_entry(plan, config, pf, RMT_SETUP_MILTER_BEFORE, config->milter.before);
	plan_entry(plan, config, pf, RMT_SETUP_MILTER_AFTER, config->milter.after);
	for (i = 0; i < G_N_ELEMENTS(lists); i++)
		plan_main(plan, config, pf, lists[i]);
	for (k = 0; k < pf->services->len; k++) {
		const struct rmt_postfix_service *service =
			g_ptr_array_index(pf->services, k);

		if (rmt_postfix_is_smtpd(service) &&
		    !rmt_postfix_is_reinjection(pf, service))
			plan_service(plan, config, pf, service);
	}
}
