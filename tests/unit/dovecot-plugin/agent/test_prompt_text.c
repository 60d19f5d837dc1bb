/* SPDX-License-Identifier: MIT */
/* What users are asked, as they see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <string.h>

#include "dovecot-plugin/agent/prompt_text.h"

#define FOLDER "common/receipts/templates"

static const struct rmt_prompt first = { .user = (char *)"bob@example.net",
					 .id = (char *)"1@x",
					 .target = (char *)"alice@example.net",
					 .subject = (char *)"lunch",
					 .until = INT64_C(1790000000) };
static const struct rmt_prompt second = { .user = (char *)"bob@example.net",
					  .id = (char *)"2@x",
					  .target = (char *)"eve@example.org",
					  .subject = (char *)"hi {link}\nFrom: you",
					  .until = INT64_C(1790000000) };

struct text {
	char *head, *body; /* own */
};

static void text_clear(struct text *text)
{
	g_free(text->head);
	g_free(text->body);
}

static struct text write_letter(const char *folder, const char *language,
				const struct rmt_prompt_question *questions, size_t count)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(rmt_templates) templates = rmt_templates_read(folder, &err);
	const struct rmt_prompt_letter letter = { .from = "remite@example.net",
						  .to = "bob@example.net",
						  .message_id = "p1@example.net",
						  .language = language,
						  .now = INT64_C(1789990000),
						  .questions = questions,
						  .count = count };
	g_autoptr(GString) all = NULL;
	struct text text;
	const char *body;
	gsize len;

	if (templates == NULL)
		fail_msg("%s", err->message);
	all = rmt_prompt_write(templates, &letter);
	body = strstr(all->str, "\r\n\r\n") + 4;
	text.head = g_strndup(all->str, (size_t)(body - all->str));
	text.body = (char *)g_base64_decode(body, &len);
	text.body = g_realloc(text.body, len + 1);
	text.body[len] = '\0';
	return text;
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in '%s'", part, text);
}

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	for (text = strstr(text, part); text != NULL; text = strstr(text + 1, part))
		count++;
	return count;
}

static void one_message_is_asked_about_with_its_link(void **state)
{
	const struct rmt_prompt_question one = { &first, "https://x.example/r/abc" };
	struct text text = write_letter(FOLDER, NULL, &one, 1);

	(void)state;
	assert_has(text.head,
		   "Subject: alice@example.net asks for a read receipt: lunch");
	assert_has(text.head, "Content-Language: en\r\n");
	assert_has(text.head, "Auto-Submitted: auto-generated\r\n");
	assert_null(strstr(text.head, "Disposition-Notification-To"));
	assert_has(text.body, "Receipt to: alice@example.net\n");
	assert_has(text.body, "this page: https://x.example/r/abc\n");
	assert_has(text.body, "$MDNApprove");
	assert_int_equal(count_of(text.body, "{"), 0);
	text_clear(&text);
}

static void without_a_link_nothing_is_said_of_a_page(void **state)
{
	const struct rmt_prompt_question one = { &first, NULL };
	struct text text = write_letter(FOLDER, "en", &one, 1);

	(void)state;
	assert_null(strstr(text.body, "page"));
	assert_has(text.body, "Answer by:");
	text_clear(&text);
}

static void several_messages_are_listed_in_one(void **state)
{
	const struct rmt_prompt_question both[] = { { &first, "https://x.example/r/1" },
						    { &second, NULL } };
	struct text text = write_letter(FOLDER, "en-gb", both, 2);

	(void)state;
	assert_has(text.head, "Subject: Requests for read receipts that wait for you");
	assert_int_equal(count_of(text.body, "Receipt to:"), 2);
	assert_int_equal(count_of(text.body, "this page:"), 1);
	assert_int_equal(count_of(text.body, "$MDNApprove"), 1);
	assert_has(text.body, "eve@example.org");
	text_clear(&text);
}

static void P17_a_strangers_subject_makes_no_line_and_is_no_placeholder(void **state)
{
	const struct rmt_prompt_question one = { &second, "https://x.example/r/2" };
	struct text text = write_letter(FOLDER, "en", &one, 1);

	(void)state;
	assert_null(strstr(text.head, "\nFrom: you"));
	assert_has(text.body, "Message:    hi {link}?From: you\n");
	assert_int_equal(count_of(text.body, "https://x.example/r/2"), 1);
	text_clear(&text);
}

static void spanish_is_a_file(void **state)
{
	const struct rmt_prompt_question one = { &first, NULL };
	struct text text = write_letter(FOLDER, "es-MX", &one, 1);

	(void)state;
	assert_has(text.head, "Content-Language: es\r\n");
	assert_has(text.body, "Acuse para: alice@example.net\n");
	text_clear(&text);
}

static void an_administrators_text_is_used(void **state)
{
	const struct rmt_prompt_question one = { &first, "https://x.example/r/abc" };
	g_autofree char *folder = g_dir_make_tmp("prompts-XXXXXX", NULL);
	g_autofree char *file = g_build_filename(folder, "en.prompt", NULL);
	struct text text;

	(void)state;
	g_file_set_contents(file, "Subject: ACME: {sender}\n\nAsk Joe about {subject}",
			    -1, NULL);
	text = write_letter(folder, "en", &one, 1);
	assert_has(text.head, "Subject: ACME: alice@example.net");
	assert_string_equal(text.body, "Ask Joe about lunch");
	text_clear(&text);
	g_unlink(file);
	g_rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_is_asked_about_with_its_link),
		cmocka_unit_test(without_a_link_nothing_is_said_of_a_page),
		cmocka_unit_test(several_messages_are_listed_in_one),
		cmocka_unit_test(
			P17_a_strangers_subject_makes_no_line_and_is_no_placeholder),
		cmocka_unit_test(spanish_is_a_file),
		cmocka_unit_test(an_administrators_text_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
