/* SPDX-License-Identifier: MIT */
/* recorded.h - what postconf of Postfix 3.7 prints for Debian's own configuration
 * (tests/data/postconf), with more lines where a test wants them. */
#ifndef RECORDED_H
#define RECORDED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cli/postconf.h"
#include "common/config/config.h"

/* Later lines replace earlier ones; NULL: nothing more. */
struct more {
	const char *main_raw, *main_expanded; /* expanded NULL: as raw */
	const char *services, *options, *main_cf;
};

static inline GString *recorded_text(const char *name, const char *more_text)
{
	g_autofree char *path = g_build_filename("tests/data/postconf", name, NULL);
	g_autofree char *text = NULL;
	GString *out;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		fail_msg("%s is missing (tests run in the project's directory)", path);
	out = g_string_new(text);
	g_string_append(out, more_text != NULL ? more_text : "");
	return out;
}

static inline struct rmt_span recorded_span(const GString *s)
{
	return rmt_span(s->str, s->len);
}

static inline struct rmt_postfix *recorded_postfix(struct more m)
{
	g_autoptr(GString) raw = recorded_text("main", m.main_raw);
	g_autoptr(GString) expanded = recorded_text(
		"main-x", m.main_expanded != NULL ? m.main_expanded : m.main_raw);
	g_autoptr(GString) services = recorded_text("services", m.services);
	g_autoptr(GString) options = recorded_text("options", m.options);
	struct rmt_postfix_texts texts = { recorded_span(raw), recorded_span(expanded),
					   recorded_span(services),
					   recorded_span(options),
					   rmt_span_of(m.main_cf) };

	return rmt_postfix_parse("/etc/postfix", &texts);
}

static inline struct rmt_config *recorded_config(const char *text)
{
	GPtrArray *complaints = NULL;
	struct rmt_config *config =
		rmt_config_read_text("remite.conf", text, &complaints);

	if (config == NULL)
		fail_msg("%s", (char *)complaints->pdata[0]);
	g_ptr_array_unref(complaints);
	return config;
}

#define OUR_TEXT "{ unix:remite/policy, timeout=3s, try_limit=1, default_action=DUNNO }"
#define OURS     "check_policy_service " OUR_TEXT

#endif
