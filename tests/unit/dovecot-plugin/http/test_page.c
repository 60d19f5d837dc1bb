/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dovecot-plugin/http/page.h"

static void the_best_language_of_ours_is_chosen(void **state)
{
	static const struct {
		const char *accept, *want;
	} cases[] = {
		{ "", "en" },
		{ "es", "es" },
		{ "es-MX,es;q=0.9,en;q=0.8", "es" },
		{ "en-GB,en;q=0.9,es;q=0.8", "en" },
		{ "de,fr;q=0.9", "en" },
		{ "de, es;q=0.1", "es" },
		{ "en;q=0.5,es;q=0.7", "es" },
		{ "en;q=0,es;q=0.001", "es" },
		{ "ES", "es" },
		{ "est", "en" },
		{ "es;q=x", "en" },
		{ "es;q=2", "en" },
		{ ";;;,,,q=", "en" },
		{ "*", "en" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		if (strcmp(rmt_language_tag(
				   rmt_language_of(rmt_span_of(cases[i].accept))),
			   cases[i].want) != 0)
			fail_msg("%s: not %s", cases[i].accept, cases[i].want);
}

static GString *write_page(enum rmt_page_kind kind, enum rmt_language language)
{
	const struct rmt_page page = {
		.kind = kind,
		.title = "A<b>&\"'",
		.logo = "<script>",
		.undo = "token",
		.target = kind == RMT_PAGE_RECEIPT_ASK ? "x@y\"><img>" : NULL,
		.subject = kind == RMT_PAGE_RECEIPT_ASK ? "<h1>" : NULL,
	};
	GString *out = g_string_new(NULL);

	rmt_page_write(&page, language, out);
	return out;
}

static void every_page_is_whole_in_every_language_and_escapes_strangers(void **state)
{
	int kind, language;

	(void)state;
	for (kind = 0; kind < RMT_PAGE_KINDS; kind++)
		for (language = 0; language < RMT_LANGUAGES; language++) {
			g_autoptr(GString) page = write_page(kind, language);

			assert_true(g_str_has_prefix(page->str, "<!DOCTYPE html>"));
			assert_true(g_str_has_suffix(page->str, "</html>\n"));
			assert_true(g_utf8_validate(page->str, -1, NULL));
			assert_non_null(strstr(page->str, "<h1>"));
			assert_null(strstr(page->str, "{}"));
			assert_null(strstr(page->str, "<script>"));
			assert_null(strstr(page->str, "A<b>"));
			assert_null(strstr(page->str, "<img>"));
			assert_null(strstr(page->str, "http"));
		}
}

static void only_pages_that_ask_have_a_form(void **state)
{
	int kind;

	(void)state;
	for (kind = 0; kind < RMT_PAGE_KINDS; kind++) {
		g_autoptr(GString) page = write_page(kind, RMT_ENGLISH);
		const bool asks = kind == RMT_PAGE_ASK || kind == RMT_PAGE_DONE ||
				  kind == RMT_PAGE_RECEIPT_ASK;

		assert_int_equal(strstr(page->str, "<form method=\"post\">") != NULL,
				 asks);
	}
}

/* A style that the policy does not name is not shown at all. */
static void the_policy_names_the_style(void **state)
{
	g_autoptr(GString) page = write_page(RMT_PAGE_ASK, RMT_ENGLISH);
	const char *begin = strstr(page->str, "<style>") + strlen("<style>");
	const char *end = strstr(begin, "</style>");
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree char *base64 = NULL, *want = NULL;
	guint8 digest[32];
	gsize len = sizeof(digest);

	(void)state;
	g_checksum_update(sum, (const guchar *)begin, end - begin);
	g_checksum_get_digest(sum, digest, &len);
	base64 = g_base64_encode(digest, len);
	want = g_strdup_printf("style-src 'sha256-%s'", base64);
	assert_non_null(strstr(rmt_page_headers()[1], want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_language_of_ours_is_chosen),
		cmocka_unit_test(
			every_page_is_whole_in_every_language_and_escapes_strangers),
		cmocka_unit_test(only_pages_that_ask_have_a_form),
		cmocka_unit_test(the_policy_names_the_style),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
