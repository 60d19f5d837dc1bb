/* SPDX-License-Identifier: MIT */
/* What a BIMI record points to. Certificates: tests/data/bimi, made with OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/auth/bimi.h"

#define ROOT  "<svg version=\"1.2\" baseProfile=\"tiny-ps\" viewBox=\"0 0 64 64\">"
#define TITLE "<title>Example</title>"

static void only_what_stands_still_and_by_itself_is_a_logo(void **state)
{
	static const struct {
		const char *svg, *want; /* NULL: it is one */
	} rows[] = {
		{ ROOT TITLE "<rect/></svg>", NULL },
		{ "<?xml version=\"1.0\"?><!-- a comment -->" ROOT TITLE "</svg>", NULL },
		{ ROOT TITLE "<use xlink:href=\"#a\"/><rect fill=\"url(#b)\"/></svg>",
		  NULL },
		{ "<svg version=\"1.2\" baseProfile=\"tiny-ps\" "
		  "viewBox=\"0,0,1.5,1.5\">" TITLE "</svg>",
		  NULL },
		{ "<html/>", "the root is <html>" },
		{ "<svg baseProfile=\"tiny-ps\" viewBox=\"0 0 1 1\"/>", "version" },
		{ "<svg version=\"1.2\" viewBox=\"0 0 1 1\"/>", "baseProfile" },
		{ "<svg version=\"1.2\" baseProfile=\"tiny-ps\"/>", "viewBox" },
		{ "<svg version=\"1.2\" baseProfile=\"tiny-ps\" viewBox=\"0 0 2 1\"/>",
		  "viewBox" },
		{ "<svg version=\"1.2\" baseProfile=\"tiny-ps\" viewBox=\"0 0 1\"/>",
		  "viewBox" },
		{ "<svg version=\"1.2\" baseProfile=\"tiny-ps\" x=\"1\" viewBox=\"0 0 1 "
		  "1\"/>",
		  "neither x nor y" },
		{ ROOT "</svg>", "<title>" },
		{ ROOT "<title> </title></svg>", "<title>" },
		{ ROOT "<g><title>deep</title></g></svg>", "<title>" },
		{ ROOT TITLE "<script>x</script></svg>", "<script>" },
		{ ROOT TITLE "<g><animate/></g></svg>", "<animate>" },
		{ ROOT TITLE "<image/></svg>", "<image>" },
		{ ROOT TITLE "<use href=\"https://x.example/a.svg\"/></svg>", "outside" },
		{ ROOT TITLE "<rect style=\"fill:url(http://x.example)\"/></svg>",
		  "outside" },
		{ ROOT TITLE "<rect onclick=\"x()\"/></svg>", "runs" },
		{ "<!DOCTYPE svg [<!ENTITY a \"b\">]>" ROOT TITLE "</svg>",
		  "document type" },
		{ ROOT TITLE "&unknown;</svg>", "unknown" },
		{ ROOT TITLE, "" },
		{ "", "" },
	};
	g_autofree char *large = g_strnfill(RMT_BIMI_SVG_MAX + 1, 'x');
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) err = NULL;
		const bool ok = rmt_bimi_svg_check(rmt_span_of(rows[i].svg), &err);

		if (ok != (rows[i].want == NULL) ||
		    (!ok && strstr(err->message, rows[i].want) == NULL))
			fail_msg("%s: %s", rows[i].svg, ok ? "passes" : err->message);
	}
	assert_false(rmt_bimi_svg_check(rmt_span_of(large), NULL));
}

static char *read_file(const char *name, gsize *len_r)
{
	g_autofree char *path = g_build_filename("tests/data/bimi", name, NULL);
	char *text = NULL;

	if (!g_file_get_contents(path, &text, len_r, NULL))
		fail_msg("%s is missing (tests run in the project's directory)", path);
	return text;
}

enum { NOW = 1800000000 };

static void a_mark_certificate_is_for_the_domain_and_its_logo(void **state)
{
	static const struct {
		const char *file, *domain, *org, *logo;
		int64_t now;
		const char *want; /* NULL: it is good */
	} rows[] = {
		{ "mark.pem", "example.com", "example.com", "logo.svg", NOW, NULL },
		{ "mark.pem", "news.example.com", "example.com", "logo.svg", NOW, NULL },
		{ "mark.pem", "example.com", "", NULL, NOW, NULL },
		{ "mark.pem", "example.org", "example.org", NULL, NOW, "not for" },
		{ "mark.pem", "example.com", "", NULL, 1000, "not valid" },
		{ "mark.pem", "example.com", "", NULL, INT64_C(9000000000), "not valid" },
		{ "mark.pem", "example.com", "", "mark.pem", NOW, "another logo" },
		{ "plain.pem", "example.com", "", NULL, NOW, "no mark certificate" },
		{ "unordered.pem", "example.com", "", NULL, NOW, "in order" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		gsize len = 0, logo_len = 0;
		g_autofree char *pem = read_file(rows[i].file, &len);
		g_autofree char *logo =
			rows[i].logo != NULL ? read_file(rows[i].logo, &logo_len) : NULL;
		g_autoptr(GError) err = NULL;
		struct rmt_bimi_mark mark;
		bool ok;

		assert_true(
			rmt_bimi_mark_read(rmt_span(pem, len), rows[i].now, &mark, NULL));
		ok = rmt_bimi_mark_check(&mark, rmt_span_of(rows[i].domain),
					 rmt_span_of(rows[i].org),
					 rmt_span(logo, logo_len), &err);
		if (ok != (rows[i].want == NULL) ||
		    (!ok && strstr(err->message, rows[i].want) == NULL))
			fail_msg("row %zu: %s", i, ok ? "passes" : err->message);
		if (strcmp(rows[i].file, "mark.pem") == 0)
			assert_string_equal(mark.mark_type, "Registered Mark");
		rmt_bimi_mark_clear(&mark);
	}
}

static void what_is_no_certificate_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "text",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	};
	struct rmt_bimi_mark mark;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(texts); i++)
		assert_false(rmt_bimi_mark_read(rmt_span_of(texts[i]), NOW, &mark, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_stands_still_and_by_itself_is_a_logo),
		cmocka_unit_test(a_mark_certificate_is_for_the_domain_and_its_logo),
		cmocka_unit_test(what_is_no_certificate_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
