/* SPDX-License-Identifier: MIT */
#include "common/cli/cf_text.h"
#include "tests/unit/common/cli/recorded.h"

static void our_edits_go_and_those_of_others_stay(void **state)
{
	static const struct {
		const char *what;
		enum rmt_cf_kind kind;
		const char *before, *after, *current, *want; /* want NULL: refused */
	} cases[] = {
		{ "untouched since", RMT_CF_MAIN, "a = 1", "a = 1\nb = 2\n",
		  "a = 1\nb = 2\n", "a = 1" },
		{ "appended behind ours", RMT_CF_MAIN, "a = 1\n", "a = 1\nb = 2\n",
		  "a = 1\nb = 2\nc = 3\n", "a = 1\nc = 3\n" },
		{ "others changed theirs", RMT_CF_MAIN, "a = 1\n", "a = 1\nb = 2\n",
		  "# new\na = 9\n\nb = 2\n", "# new\na = 9\n\n" },
		{ "a list gets its lines back", RMT_CF_MAIN, "l = x,\n  y\nz = 1\n",
		  "l = x, ours, y\nz = 1\n", "z = 2\nl = x, ours, y\n",
		  "z = 2\nl = x,\n  y\n" },
		{ "ours was changed", RMT_CF_MAIN, "l = x\n", "l = x, ours\n",
		  "l = x, ours, more\n", NULL },
		{ "ours was taken out by hand", RMT_CF_MAIN, "l = x\n", "l = x, ours\n",
		  "l = x\nm = 1\n", "l = x\nm = 1\n" },
		{ "the whole list is gone", RMT_CF_MAIN, "l = x\n", "l = x, ours\n",
		  "m = 1\n", NULL },
		{ "what we added is gone", RMT_CF_MAIN, "a = 1\n", "a = 1\nb = 2\n",
		  "a = 2\n", "a = 2\n" },
		{ "ours is there twice", RMT_CF_MAIN, "a = 1\n", "a = 1\nb = 2\n",
		  "b = 2\na = 1\nb = 2\n", NULL },
		{ "a service with options", RMT_CF_MASTER, "smtp inet n - y - - smtpd\n",
		  "smtp inet n - y - - smtpd\nsmtp-bulk unix - - y - - smtp\n    -o "
		  "a=b\n",
		  "smtp inet n - y - - smtpd\n  -o x=y\n"
		  "smtp-bulk unix - - y - - smtp\n    -o a=b\n# end\n",
		  "smtp inet n - y - - smtpd\n  -o x=y\n# end\n" },
		{ "comments between options are part of it", RMT_CF_MASTER,
		  "25 inet n - n - - smtpd\n",
		  "25 inet n - n - - smtpd\n  -o a=\n# why\n  -o b=\n",
		  "26 inet n - n - - smtpd\n25 inet n - n - - smtpd\n  -o a=\n# why\n  "
		  "-o b=\n",
		  "26 inet n - n - - smtpd\n25 inet n - n - - smtpd\n" },
		{ "inet and unix of one name are two", RMT_CF_MASTER,
		  "smtp inet n - n - - smtpd\n",
		  "smtp inet n - n - - smtpd\nsmtp unix n - n - - smtp\n",
		  "smtp unix n - n - - smtp\nsmtp inet n - n - - smtpd -v\n",
		  "smtp inet n - n - - smtpd -v\n" },
		{ "an empty file", RMT_CF_MAIN, "", "a = 1\n", "a = 1\n# mine\n",
		  "# mine\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) out = g_string_new("kept:");
		g_autoptr(GError) err = NULL;
		bool ok = rmt_cf_revert(cases[i].kind, rmt_span_of(cases[i].before),
					rmt_span_of(cases[i].after),
					rmt_span_of(cases[i].current), out, &err);

		if (ok != (cases[i].want != NULL) ||
		    strcmp(out->str + 5, ok ? cases[i].want : "") != 0)
			fail_msg("%s: %s", cases[i].what, out->str);
		assert_int_equal(ok, err == NULL);
	}
}

static void the_entry_in_the_way_is_named(void **state)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_false(rmt_cf_revert(RMT_CF_MASTER, RMT_SPAN(""),
				   RMT_SPAN("b unix - - - - - smtp\n"),
				   RMT_SPAN("b unix - - - - - lmtp\n"), out, &err));
	assert_string_equal(err->message,
			    "master.cf: 'b/unix' was changed since: take our change out "
			    "by hand, or put "
			    "the entry back as 'remite setup postfix --apply' left it");
}

static void what_was_added_is_found_and_who_names_it(void **state)
{
	static const char text[] = "# $ours in a comment\na = 1\nl = x,\n  $ours\n";
	g_autoptr(GPtrArray) added = rmt_cf_added(RMT_CF_MAIN, RMT_SPAN("a = 1\n"),
						  RMT_SPAN("ours = 2\na = 3\n"));
	g_autofree char *user = rmt_cf_user_of(RMT_CF_MAIN, RMT_SPAN(text), "$ours");
	g_autofree char *nobody =
		rmt_cf_user_of(RMT_CF_MAIN, RMT_SPAN("# $ours\na = 1\n"), "$ours");

	(void)state;
	assert_int_equal(added->len, 1);
	assert_string_equal(added->pdata[0], "ours");
	assert_string_equal(user, "l");
	assert_null(nobody);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_edits_go_and_those_of_others_stay),
		cmocka_unit_test(the_entry_in_the_way_is_named),
		cmocka_unit_test(what_was_added_is_found_and_who_names_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
