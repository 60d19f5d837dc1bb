/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/config/list.h"
#include "common/message/addr.h"

/* values: separated by blanks. */
static struct rmt_list *make_list(enum rmt_list_kind kind, const char *values)
{
	g_auto(GStrv) all = g_strsplit(values, " ", -1);
	struct rmt_list *list = rmt_list_new(kind);
	GError *why = NULL;
	char **one;

	for (one = all; *one != NULL; one++)
		if (!rmt_list_add(list, rmt_span_of(*one), &why))
			fail_msg("%s", why->message);
	return list;
}

/* Looks up a copy without NUL, so that an over-read shows. */
static bool has(const struct rmt_list *list, const char *value)
{
	g_autofree char *copy = g_memdup2(value, strlen(value));

	return rmt_list_has(list, rmt_span(copy, strlen(value)));
}

static void lists_hold_what_they_name(void **state)
{
	static const struct {
		enum rmt_list_kind kind;
		const char *values, *in, *out;
	} cases[] = {
		{ RMT_LIST_WORDS, "ann bob", "ann bob", "Ann an annn" },
		{ RMT_LIST_WORDS, "app-* *-bot", "app- app-1 x-bot", "ap x-bots" },
		{ RMT_LIST_NOCASE, "Mail.Example *.App.example",
		  "MAIL.example w1.app.EXAMPLE", "app.example mail.example.org" },
		{ RMT_LIST_DOMAINS, "Example.com", "example.com", "a.example.com com" },
		{ RMT_LIST_DOMAINS, ".example.com *.example.org",
		  "a.example.com a.b.example.org",
		  "example.com example.org xexample.com" },
		{ RMT_LIST_DOMAINS, "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example",
		  "munchen.example" },
		{ RMT_LIST_DOMAINS, "mail*.example.com",
		  "mail1.example.com mail.example.com", "amail.example.com" },
		{ RMT_LIST_ADDRESSES, "Ann@Example.org *@x.example root",
		  "ann@example.org a@x.example root @x.example",
		  "bob@example.org a@y.x.example root@example.org x.example" },
		{ RMT_LIST_ADDRESSES, "*@*.x.example *@.y.example",
		  "a@b.x.example a@c.d.y.example", "a@x.example a@y.example .x.example" },
		{ RMT_LIST_ADDRESSES, "news-*@x.example",
		  "news-@x.example news-1@x.example", "news@x.example news-1@y.example" },
		{ RMT_LIST_ADDRESSES, "b*@*.M\xc3\xbcnchen.example",
		  "b1@a.xn--mnchen-3ya.example", "b1@xn--mnchen-3ya.example" },
		{ RMT_LIST_ADDRESSES, "<>", "<>", "a@x.example" },
		{ RMT_LIST_ADDRESSES, "*", "a@x.example root", "<>" },
		{ RMT_LIST_NETWORKS, "192.0.2.1 198.51.100.0/24 2001:db8::/33 0.0.0.0/32",
		  "192.0.2.1 ::ffff:192.0.2.1 198.51.100.255 2001:db8:7fff::1",
		  "192.0.2.2 198.51.101.0 2001:db8:8000::1 ::1 unknown 192.0.2" },
		{ RMT_LIST_NETWORKS, "0.0.0.0/0", "203.0.113.9", "2001:db8::1" },
		{ RMT_LIST_NETWORKS, "::/0", "203.0.113.9 2001:db8::1", "unknown" },
		{ RMT_LIST_NETWORKS, "198.51.100.4/30", "198.51.100.7",
		  "198.51.100.8 198.51.100.3" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(rmt_list) list = make_list(cases[i].kind, cases[i].values);
		g_auto(GStrv) in = g_strsplit(cases[i].in, " ", -1);
		g_auto(GStrv) out = g_strsplit(cases[i].out, " ", -1);
		char **one;

		for (one = in; *one != NULL; one++)
			if (!has(list, *one))
				fail_msg("%s: lacks '%s'", cases[i].values, *one);
		for (one = out; *one != NULL; one++)
			if (has(list, *one))
				fail_msg("%s: has '%s'", cases[i].values, *one);
	}
}

static void an_empty_value_is_the_null_sender_alone(void **state)
{
	g_autoptr(rmt_list) words = make_list(RMT_LIST_WORDS, "*");
	g_autoptr(rmt_list) any = make_list(RMT_LIST_ADDRESSES, "*");
	g_autoptr(rmt_list) null = make_list(RMT_LIST_ADDRESSES, "<>");

	(void)state;
	assert_false(rmt_list_has(words, rmt_span(NULL, 0)));
	assert_false(rmt_list_has(any, rmt_span(NULL, 0)));
	assert_true(rmt_list_has(null, rmt_span(NULL, 0)));
	assert_false(rmt_list_has(NULL, RMT_SPAN("x")));
}

static void wrong_values_are_refused_with_a_remedy(void **state)
{
	static const struct {
		enum rmt_list_kind kind;
		const char *value, *want;
	} cases[] = {
		{ RMT_LIST_WORDS, "", "'' is empty" },
		{ RMT_LIST_WORDS, "a\tb", "'a\\x09b' holds control characters" },
		{ RMT_LIST_ADDRESSES, "", "'' is empty (the null sender is <>)" },
		{ RMT_LIST_ADDRESSES, "example.com",
		  "'example.com' is no address (write *@example.com)" },
		{ RMT_LIST_ADDRESSES, "@example.com",
		  "'@example.com' has no local part (write *@example.com)" },
		{ RMT_LIST_ADDRESSES, "ann@",
		  "'ann@' names no domain (write example.com)" },
		{ RMT_LIST_ADDRESSES, "*@", "'*@' names no domain (write example.com)" },
		{ RMT_LIST_ADDRESSES, "ann@exa mple.org",
		  "'ann@exa mple.org' holds a blank (write addresses one by one, "
		  "[\"a@example.com\", \"b@example.com\"])" },
		{ RMT_LIST_ADDRESSES, "ann@a,b",
		  "'ann@a,b' is no domain: it holds a ','" },
		{ RMT_LIST_DOMAINS, "ann@example.org",
		  "'ann@example.org' is an address where a domain is wanted" },
		{ RMT_LIST_DOMAINS, "a\xff.example",
		  "'a\\xff.example' is no valid domain in UTF-8" },
		{ RMT_LIST_DOMAINS, ".", "'.' names no domain (write example.com)" },
		{ RMT_LIST_NETWORKS, "192.0.2.0/24/1",
		  "'192.0.2.0/24/1' is no network (write 192.0.2.1, 192.0.2.0/24 or "
		  "2001:db8::/32)" },
		{ RMT_LIST_NETWORKS, "192.0.2.0/33",
		  "'192.0.2.0/33' is no network (write 192.0.2.1, 192.0.2.0/24 or "
		  "2001:db8::/32)" },
		{ RMT_LIST_NETWORKS, "192.0.2.1/24",
		  "'192.0.2.1/24' has bits beyond its prefix (write 192.0.2.0/24)" },
		{ RMT_LIST_NETWORKS, "2001:db8::1/32",
		  "'2001:db8::1/32' has bits beyond its prefix (write 2001:db8::/32)" },
		{ RMT_LIST_NETWORKS, "host.example",
		  "'host.example' is no network (write 192.0.2.1, 192.0.2.0/24 or "
		  "2001:db8::/32)" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(rmt_list) list = rmt_list_new(cases[i].kind);
		g_autoptr(GError) why = NULL;

		assert_false(rmt_list_add(list, rmt_span_of(cases[i].value), &why));
		assert_string_equal(why->message, cases[i].want);
		assert_int_equal(rmt_list_count(list), 0);
	}
}

static struct rmt_fold *fold_of(const char *domain)
{
	struct rmt_fold *fold = rmt_fold_new();

	rmt_fold_add(fold, make_list(RMT_LIST_DOMAINS, domain), "+", true);
	return fold;
}

static void addresses_are_folded_as_those_looked_up(void **state)
{
	g_autoptr(rmt_list) list = rmt_list_new(RMT_LIST_ADDRESSES);
	struct rmt_fold *fold = fold_of("x.example");
	g_autoptr(GError) why = NULL;
	struct rmt_addr addr;

	(void)state;
	rmt_list_set_fold(list, fold);
	assert_true(rmt_list_add(list, RMT_SPAN("a.b+c@x.example"), NULL));
	rmt_addr_fold(fold, RMT_SPAN("AB+d@x.example"), &addr);
	assert_true(rmt_list_has(list, addr.whole));
	assert_false(rmt_list_add(list, RMT_SPAN("news+*@x.example"), &why));
	assert_string_equal(why->message,
			    "'news+*@x.example' never matches, since 'fold' changes such "
			    "addresses (write news@x.example)");
	rmt_fold_free(fold);
}

/* A file of this text; the caller unlinks and frees. */
static char *make_file(const char *text)
{
	char *path = NULL;
	int fd = g_file_open_tmp("remite-list-XXXXXX", &path, NULL);

	assert_true(fd >= 0);
	close(fd);
	assert_true(g_file_set_contents(path, text, -1, NULL));
	return path;
}

static void a_file_holds_one_value_a_line(void **state)
{
	g_autofree char *path =
		make_file("# senders\n\n  ann@x.example  # a colleague\r\n"
			  "a#b@x.example\n*@y.example");
	g_autofree char *value = g_strdup_printf("file:%s", path);
	g_autoptr(rmt_list) list = rmt_list_new(RMT_LIST_ADDRESSES);

	(void)state;
	assert_true(rmt_list_add(list, rmt_span_of(value), NULL));
	assert_int_equal(rmt_list_count(list), 3);
	assert_true(has(list, "ann@x.example"));
	assert_true(has(list, "a#b@x.example"));
	assert_true(has(list, "q@y.example"));
	unlink(path);
}

static void a_wrong_line_is_named_and_the_others_counted(void **state)
{
	g_autofree char *path =
		make_file("ann@x.example\nx.example\ny.example\nfile:/z.z\n");
	g_autofree char *want = g_strdup_printf("%s:2: 'x.example' is no address (write "
						"*@x.example); 2 more lines of this "
						"file are wrong",
						path);
	g_autoptr(rmt_list) list = rmt_list_new(RMT_LIST_ADDRESSES);
	g_autoptr(GError) why = NULL;

	(void)state;
	assert_false(rmt_list_add_file(list, path, &why));
	assert_string_equal(why->message, want);
	unlink(path);
}

static void a_file_must_be_there_and_absolute(void **state)
{
	g_autoptr(rmt_list) list = rmt_list_new(RMT_LIST_WORDS);
	g_autoptr(GError) missing = NULL, relative = NULL, directory = NULL;

	(void)state;
	assert_false(rmt_list_add_file(list, "/nonexistent/list", &missing));
	assert_string_equal(missing->message,
			    "cannot open /nonexistent/list: No such file or directory");
	assert_false(rmt_list_add(list, RMT_SPAN("file:list"), &relative));
	assert_string_equal(relative->message,
			    "'file:list' names no absolute path (write "
			    "file:/etc/remite/...)");
	assert_false(rmt_list_add_file(list, "/tmp", &directory));
	assert_string_equal(directory->message, "cannot read /tmp: Is a directory");
}

static void collect(void *context, struct rmt_span value)
{
	g_string_append_printf(context, "%.*s|", RMT_SPAN_ARGS(value));
}

static void an_index_gets_exact_values_as_stored(void **state)
{
	g_autoptr(rmt_list) list = make_list(
		RMT_LIST_ADDRESSES, "Ann@x.example *@y.example *@*.z.example <>");
	g_autoptr(rmt_list) mixed = make_list(RMT_LIST_WORDS, "a b* c*d");
	g_autoptr(rmt_list) networks = make_list(RMT_LIST_NETWORKS, "192.0.2.1");
	g_autoptr(GString) out = g_string_new(NULL);

	(void)state;
	assert_int_equal(rmt_list_exact(list, collect, out), 0);
	assert_string_equal(out->str, "ann@x.example|@y.example|.z.example||");
	assert_int_equal(rmt_list_exact(mixed, collect, out), 2);
	assert_int_equal(rmt_list_exact(networks, collect, out), 1);
}

/* The matcher must not take time that grows as a power with the stars. */
static void many_stars_end_soon(void **state)
{
	g_autofree char *a = g_strnfill(4000, 'a');
	g_autoptr(rmt_list) list =
		make_list(RMT_LIST_WORDS, "*a*a*a*a*a*a*a*a*a*a*a*a*b");

	(void)state;
	assert_false(has(list, a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_hold_what_they_name),
		cmocka_unit_test(an_empty_value_is_the_null_sender_alone),
		cmocka_unit_test(wrong_values_are_refused_with_a_remedy),
		cmocka_unit_test(addresses_are_folded_as_those_looked_up),
		cmocka_unit_test(a_file_holds_one_value_a_line),
		cmocka_unit_test(a_wrong_line_is_named_and_the_others_counted),
		cmocka_unit_test(a_file_must_be_there_and_absolute),
		cmocka_unit_test(an_index_gets_exact_values_as_stored),
		cmocka_unit_test(many_stars_end_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
