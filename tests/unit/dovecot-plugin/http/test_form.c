/* SPDX-License-Identifier: MIT */
/* E03: what unsubscribes, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dovecot-plugin/http/form.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART  "multipart/form-data; boundary=b"
#define PART(name, value)                                                                \
	"--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define LAST "--b--\r\n"

/* NULL: there is no such field. Both are copied, so that reading beyond shows. */
static char *field(const char *content_type, const char *body)
{
	g_autofree char *type_copy = g_memdup2(content_type, strlen(content_type));
	g_autofree char *body_copy = g_memdup2(body, strlen(body));
	GString *value = g_string_new("left over");

	if (rmt_form_get(rmt_span(type_copy, strlen(content_type)),
			 rmt_span(body_copy, strlen(body)), "key", value))
		return g_string_free(value, FALSE);
	assert_int_equal(value->len, 0);
	g_string_free(value, TRUE);
	return NULL;
}

static void a_field_is_found_in_either_form(void **state)
{
	static const struct {
		const char *type, *body, *want;
	} cases[] = {
		{ URLENCODED, "key=value", "value" },
		{ "", "key=value", "value" },
		{ "APPLICATION/X-WWW-FORM-URLENCODED ;charset=x", "a=b&key=value",
		  "value" },
		{ URLENCODED, "KEY=value&key=other", "value" },
		{ URLENCODED, "key=", "" },
		{ URLENCODED, "k%65y=a+b%26%3d%zz%4", "a b&=%zz%4" },
		{ URLENCODED, "key=a=b", "a=b" },
		{ URLENCODED, "key%00x=value", NULL },
		{ URLENCODED, "key", NULL },
		{ URLENCODED, "", NULL },
		{ URLENCODED, "&&&", NULL },
		{ URLENCODED, "xkey=value", NULL },
		{ MULTIPART, PART("key", "value") LAST, "value" },
		{ MULTIPART, PART("a", "b") PART("key", "value") LAST, "value" },
		{ "multipart/form-data; boundary=\"b\"", PART("key", "v") LAST, "v" },
		{ "multipart/form-data; x=y; boundary=b ; z=1", PART("key", "v") LAST,
		  "v" },
		{ MULTIPART, "junk\r\n" PART("key", "v") LAST "more", "v" },
		{ MULTIPART, PART("key", "a\r\n--c\r\nb") LAST, "a\r\n--c\r\nb" },
		{ MULTIPART, PART("key", "x --b y") LAST, "x --b y" },
		{ MULTIPART, PART("key", "") LAST, "" },
		{ MULTIPART, "--b\ncontent-disposition:form-data;name=key\n\nv\n--b--",
		  "v" },
		{ "multipart/form-data; boundary=\"a;b\"",
		  "--a;b\r\nContent-Disposition: form-data; name=key\r\n\r\nv\r\n--a;b--",
		  "v" },
		{ "multipart/form-data; boundary=\"\\b\"", PART("key", "v") LAST, "v" },
		{ "multipart/form-data; a=\"; boundary=no\"; boundary=b",
		  PART("key", "v") LAST, "v" },
		{ "multipart/form-data; boundary=b\"", PART("key", "v") LAST, "v" },
		{ "multipart/form-data; boundary=\"b\"",
		  "--b \t\r\n" PART("key", "v") LAST, "v" },
		{ MULTIPART, PART("a", "b\r\n--b2") PART("key", "v") LAST, "v" },
		{ MULTIPART, PART("key", "v\r\n--b2") LAST, "v\r\n--b2" },
		{ MULTIPART,
		  PART("a",
		       "\r\n--bb\r\nContent-Disposition: form-data; name=key\r\n\r\nv")
			  LAST,
		  NULL },
		{ MULTIPART,
		  "--b\r\nContent-Disposition: form-data;\r\n\tname=\"key\"\r\n"
		  "Content-Type: text/plain;\r\n charset=utf-8\r\n\r\nv\r\n" LAST,
		  "v" },
		{ MULTIPART,
		  "--b\r\nContent-Disposition: form-data; filename=\"; name=key\"\r\n\r\n"
		  "v\r\n" LAST,
		  NULL },
		{ MULTIPART, PART("other", "v") LAST, NULL },
		{ MULTIPART, PART("key", "cut"), NULL },
		{ MULTIPART, "--b\r\n\r\nno name\r\n" LAST, NULL },
		{ MULTIPART, LAST PART("key", "behind the end") LAST, NULL },
		{ MULTIPART, "", NULL },
		{ "multipart/form-data", PART("key", "v") LAST, NULL },
		{ "multipart/form-data; boundary=", PART("key", "v") LAST, NULL },
		{ "text/plain", "key=value", NULL },
		{ "application/json", "{\"key\":\"value\"}", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = field(cases[i].type, cases[i].body);

		if (g_strcmp0(got, cases[i].want) != 0)
			fail_msg("%s: %s: got %s", cases[i].type, cases[i].body, got);
	}
}

static void only_two_types_are_forms(void **state)
{
	(void)state;
	assert_true(rmt_form_is(RMT_SPAN("")));
	assert_true(rmt_form_is(RMT_SPAN(URLENCODED)));
	assert_true(rmt_form_is(RMT_SPAN("Multipart/Form-Data; boundary=x")));
	assert_false(rmt_form_is(RMT_SPAN("multipart/mixed; boundary=x")));
	assert_false(rmt_form_is(RMT_SPAN("text/plain")));
	assert_false(rmt_form_is(RMT_SPAN(URLENCODED "x")));
}

static void a_million_fields_are_not_looked_at(void **state)
{
	GString *body = g_string_new(NULL);
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		g_string_append(body, "a=b&");
	g_string_append(body, "key=value");
	assert_null(field(URLENCODED, body->str));
	g_string_free(body, TRUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_found_in_either_form),
		cmocka_unit_test(only_two_types_are_forms),
		cmocka_unit_test(a_million_fields_are_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
