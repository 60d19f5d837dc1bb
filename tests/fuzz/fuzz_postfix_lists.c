/* SPDX-License-Identifier: MIT */
/* Whatever Postfix's files hold: the reading ends, and a list that was given an
 * entry has all its words and that one, in the same order. The input is cut at NUL:
 * main.cf's settings, master.cf's lines, options, a list. */
#include <stdlib.h>
#include <string.h>

#include "common/cli/cf_text.h"
#include "common/cli/restrictions.h"
#include "common/cli/setup_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rmt_span take_part(struct rmt_span *rest)
{
	struct rmt_span part = *rest;

	if (!rmt_span_split(*rest, '\0', &part, rest))
		*rest = rmt_span(NULL, 0);
	return part;
}

/* A brace that is never closed swallows what comes behind it. */
static bool is_closed(const char *list)
{
	size_t depth = 0;

	for (; *list != '\0'; list++) {
		if (*list == '{')
			depth++;
		else if (*list == '}' && depth > 0)
			depth--;
	}
	return depth == 0;
}

static void check_insert(const struct rmt_postfix *pf, const char *list)
{
	g_autofree char *with = rmt_setup_insert(pf, list, "OURS", ", ");
	struct rmt_span a = rmt_span_of(list), b = rmt_span_of(with), word, other;
	bool seen = false;

	if (strstr(list, "OURS") != NULL)
		return; /* the fuzzer learned our word */
	while (rmt_postfix_word(&b, &other)) {
		if (!seen && rmt_span_eq(other, RMT_SPAN("OURS"))) {
			seen = true;
			continue;
		}
		if (!rmt_postfix_word(&a, &word) || !rmt_span_eq(word, other))
			abort();
	}
	if (!seen || rmt_postfix_word(&a, &word))
		abort();
}

static void check_revert(struct rmt_span before, struct rmt_span after)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (!rmt_cf_revert(RMT_CF_MAIN, before, after, after, out, NULL) ||
	    !rmt_span_eq(rmt_span(out->str, out->len), before))
		abort();
	g_string_truncate(out, 0);
	rmt_cf_revert(RMT_CF_MASTER, before, after, before, out, NULL);
	g_string_truncate(out, 0);
	rmt_cf_revert(RMT_CF_MAIN, RMT_SPAN("a = 1\n"), before, after, out, NULL);
}

static void check_services(const struct rmt_postfix *pf, const char *list)
{
	guint i;

	for (i = 0; i < pf->services->len; i++) {
		struct rmt_postfix_service *service = g_ptr_array_index(pf->services, i);

		rmt_postfix_is_reinjection(pf, service);
		rmt_postfix_is_chrooted(pf, service);
		if (rmt_postfix_find(pf, service->name, service->type) == NULL)
			abort();
		rmt_postfix_get(pf, service, list);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_span rest = rmt_span((const char *)data, size);
	struct rmt_postfix_texts texts = { 0 };
	struct rmt_policy_service policy;
	struct rmt_span list;
	guint i;

	texts.main_raw = texts.main_expanded = texts.main_cf = take_part(&rest);
	texts.services = take_part(&rest);
	texts.options = take_part(&rest);
	list = take_part(&rest);
	{
		g_autoptr(rmt_postfix) pf = rmt_postfix_parse("/etc/postfix", &texts);
		g_autofree char *text = g_strndup(list.len > 0 ? list.p : "", list.len);
		g_autoptr(GArray) items = rmt_restrictions_read(pf, text);

		for (i = 0; i < items->len; i++) {
			struct rmt_span argument =
				g_array_index(items, struct rmt_restriction, i).argument;
			g_autofree char *endpoint = NULL;

			rmt_policy_service_read(argument, &policy);
			endpoint = rmt_policy_endpoint(pf, policy.endpoint, i & 1);
		}
		if (is_closed(text))
			check_insert(pf, text);
		check_services(pf, text);
		check_revert(texts.main_raw, texts.services);
	}
	return 0;
}
