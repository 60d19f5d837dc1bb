/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>

#include "common/receipts/template.h"

#define FOLDER "common/receipts/templates"

static void there_are_twenty_languages_for_both_events(void **state)
{
	g_autoptr(rmt_templates) templates = rmt_templates_read(FOLDER, NULL);
	g_autoptr(GPtrArray) displayed = NULL, deleted = NULL;

	(void)state;
	assert_non_null(templates);
	displayed = rmt_templates_languages(templates, "displayed");
	deleted = rmt_templates_languages(templates, "deleted");
	assert_true(displayed->len >= 20);
	assert_int_equal(displayed->len, deleted->len);
}

static void every_text_says_who_what_and_when(void **state)
{
	g_autoptr(rmt_templates) templates = rmt_templates_read(FOLDER, NULL);
	static const char *const events[] = { "displayed", "deleted" };
	static const char *const wanted[] = { "{recipient}", "{subject}", "{sent}",
					      "{shown}" };
	guint i, k, m;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(events); i++) {
		g_autoptr(GPtrArray) languages =
			rmt_templates_languages(templates, events[i]);

		for (k = 0; k < languages->len; k++) {
			const struct rmt_template *t = rmt_template_choose(
				templates, events[i], NULL,
				g_ptr_array_index(languages, k), NULL);

			assert_non_null(strstr(t->subject, "{subject}"));
			for (m = 0; m < G_N_ELEMENTS(wanted); m++)
				if (strstr(t->body, wanted[m]) == NULL)
					fail_msg("%s.%s lacks %s", t->language, events[i],
						 wanted[m]);
		}
	}
}

static void every_question_says_who_asks_about_what_and_where_to_answer(void **state)
{
	g_autoptr(rmt_templates) templates = rmt_templates_read(FOLDER, NULL);
	static const char *const events[] = { "prompt", "digest" };
	static const char *const wanted[] = { "{sender}",  "{subject}",   "{until}",
					      "{link}",    "$MDNApprove", "$MDNDeny",
					      "$MDNAlways" };
	static const char *const languages[] = { "en", "es" };
	size_t i, k, m;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(events); i++)
		for (k = 0; k < G_N_ELEMENTS(languages); k++) {
			const struct rmt_template *t = rmt_template_choose(
				templates, events[i], NULL, languages[k], NULL);

			assert_string_equal(t->language, languages[k]);
			for (m = 0; m < G_N_ELEMENTS(wanted); m++)
				if (strstr(t->body, wanted[m]) == NULL)
					fail_msg("%s.%s lacks %s", t->language, events[i],
						 wanted[m]);
		}
}

static void built_in_english_is_that_of_the_files(void **state)
{
	g_autoptr(rmt_templates) alone = rmt_templates_read(NULL, NULL);
	g_autoptr(rmt_templates) files = rmt_templates_read(FOLDER, NULL);
	static const char *const events[] = { "displayed", "deleted", "prompt",
					      "digest" };
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(events); i++) {
		const struct rmt_template *a =
			rmt_template_choose(alone, events[i], NULL, NULL, "en");
		const struct rmt_template *b =
			rmt_template_choose(files, events[i], NULL, NULL, "en");

		assert_string_equal(a->body, b->body);
		assert_string_equal(a->subject, b->subject);
	}
}

static void the_message_chooses_the_language_then_the_user_then_the_setting(void **state)
{
	static const char *const brazilian[] = { "pt-br", NULL };
	static const char *const mexican[] = { "xx", "es-mx", NULL };
	static const char *const unknown[] = { "tlh", NULL };
	static const struct {
		const char *const *message;
		const char *user, *standard, *want;
	} rows[] = {
		{ brazilian, "de", "fr", "pt-br" }, { mexican, "de", "fr", "es" },
		{ unknown, "de", "fr", "de" },      { NULL, "DE-AT", "fr", "de" },
		{ NULL, "tlh", "fr", "fr" },        { NULL, NULL, "fr", "fr" },
		{ NULL, NULL, NULL, "en" },         { unknown, "tlh", "tlh", "en" },
		{ NULL, "pt_BR", "fr", "pt-br" },   { NULL, "es_MX.UTF-8", "fr", "es" },
	};
	g_autoptr(rmt_templates) templates = rmt_templates_read(FOLDER, NULL);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_string_equal(rmt_template_choose(templates, "displayed",
							rows[i].message, rows[i].user,
							rows[i].standard)
					    ->language,
				    rows[i].want);
}

static void a_value_is_never_looked_at_again(void **state)
{
	static const struct rmt_template_value values[] = { { "subject", "{sent} {x" },
							    { "sent", "no" },
							    { NULL, NULL } };
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	rmt_template_fill("a {subject} {other} {", values, out);
	assert_string_equal(out->str, "a {sent} {x {other} {");
}

static void a_wrong_file_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "Subject: s\n\nbody {who}\n", ":3: unknown placeholder" },
		{ "Subject: s\n\nbody {link}\n", ":3: unknown placeholder (there are "
						 "{subject} {sent} " },
		{ "Subject: s\n\nbody {subject} {sent}{}\n", ":3: unknown placeholder" },
		{ "Subject: s\n\nbody {shown\n", ":3: unknown placeholder" },
		{ "# note\nbody\n", ":2: must begin with 'Subject: '" },
		{ "Subject: s\nbody\n", ":2: must be an empty line" },
		{ "Subject: s\n\n", ":2: must be an empty line" },
		{ "Subject: \xff\n\nbody\n", ":1: is not UTF-8" },
		{ "Subject: s\r\n\r\nbody\r\n", ":1: is not UTF-8 with LF" },
	};
	g_autofree char *folder = g_dir_make_tmp("templates-XXXXXX", NULL);
	g_autofree char *file = g_build_filename(folder, "fr.displayed", NULL);
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) err = NULL;

		g_file_set_contents(file, rows[i].text, -1, NULL);
		assert_null(rmt_templates_read(folder, &err));
		if (strstr(err->message, rows[i].want) == NULL)
			fail_msg("wanted '%s' in '%s'", rows[i].want, err->message);
	}
	g_unlink(file);
	g_rmdir(folder);
}

static void an_administrators_text_wins_and_other_files_are_left_alone(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("templates-XXXXXX", NULL);
	g_autofree char *file = g_build_filename(folder, "en.displayed", NULL);
	g_autofree char *note = g_build_filename(folder, "README", NULL);
	g_autoptr(rmt_templates) templates = NULL;

	(void)state;
	g_file_set_contents(file, "Subject: ours\n\nbody\n", -1, NULL);
	g_file_set_contents(note, "anything", -1, NULL);
	templates = rmt_templates_read(folder, NULL);
	assert_non_null(templates);
	assert_string_equal(
		rmt_template_choose(templates, "displayed", NULL, NULL, NULL)->subject,
		"ours");
	g_unlink(file);
	g_unlink(note);
	g_rmdir(folder);
	assert_null(rmt_templates_read(folder, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_twenty_languages_for_both_events),
		cmocka_unit_test(every_text_says_who_what_and_when),
		cmocka_unit_test(
			every_question_says_who_asks_about_what_and_where_to_answer),
		cmocka_unit_test(built_in_english_is_that_of_the_files),
		cmocka_unit_test(
			the_message_chooses_the_language_then_the_user_then_the_setting),
		cmocka_unit_test(a_value_is_never_looked_at_again),
		cmocka_unit_test(a_wrong_file_is_told_with_its_line),
		cmocka_unit_test(
			an_administrators_text_wins_and_other_files_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
