/* SPDX-License-Identifier: MIT */
/* receipts: what concerns several settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>

#include "common/config/config.h"

/* The first complaint, or "" where there is none. */
static char *complaint_of(const char *text)
{
	GPtrArray *complaints;
	struct rmt_config *config = rmt_config_read_text("t.conf", text, &complaints);
	char *out = g_strdup(complaints->len > 0 ? g_ptr_array_index(complaints, 0) : "");

	assert_true((config == NULL) == (out[0] != '\0'));
	g_ptr_array_unref(complaints);
	rmt_config_unref(config);
	return out;
}

static char *with_allow(unsigned count, unsigned length, bool google)
{
	GString *text = g_string_new("receipts: { policy = \"organization\"\n");
	unsigned i;

	g_string_append_printf(text, "google_compatible = %s\nallow = [",
			       google ? "true" : "false");
	for (i = 0; i < count; i++) {
		g_autofree char *local = g_strnfill(length - 10, 'a');

		g_string_append_printf(text, "%s\"%s%03u@x.test\"", i > 0 ? ", " : "",
				       local, i);
	}
	g_string_append(text, "] }\n");
	return g_string_free(text, FALSE);
}

static void G02_googles_bounds_hold_where_they_are_asked_for(void **state)
{
	static const struct {
		unsigned count, length;
		bool google;
		const char *want;
	} rows[] = {
		{ 100, 256, true, "" },
		{ 101, 30, true,
		  "allow: has 101 addresses, google_compatible takes 100" },
		{ 1, 257, true, "is no single address of at most 256 characters" },
		{ 101, 257, false, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text =
			with_allow(rows[i].count, rows[i].length, rows[i].google);
		g_autofree char *got = complaint_of(text);

		if (strstr(got, rows[i].want) == NULL ||
		    (rows[i].want[0] == '\0' && got[0] != '\0'))
			fail_msg("wanted '%s' in '%s'", rows[i].want, got);
	}
}

static void what_cannot_be_meant_is_told(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "receipts: { policy = \"all\" }",
		  "is none of the choices (write \"none\", \"organization\", "
		  "\"anyone\")" },
		{ "receipts: { units: { x: { policy = \"none\" } } }",
		  "unit 'x': has nobody" },
		{ "receipts: { user_limit = \"many\" }", "user_limit: " },
		{ "receipts: { reporting_ua = \"a;b\" }", "is no name of a product" },
		{ "receipts: { addresses = [\"bob\"] }", "'bob' names no user" },
		{ "receipts: { addresses = [\"bob: no address@\"] }", "" },
		{ "receipts: { allow = [\"*@x.test\"] google_compatible = true }",
		  "is no single address" },
		{ "receipts: { polic = \"none\" }", "(did you mean 'polic" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = complaint_of(rows[i].text);

		if (got[0] == '\0' || strstr(got, rows[i].want) == NULL)
			fail_msg("%s: wanted '%s' in '%s'", rows[i].text, rows[i].want,
				 got);
	}
}

static void check_addresses(const struct rmt_config *config, const char *login,
			    const char *want)
{
	const char *const *addresses = rmt_config_addresses(config, login);
	g_autofree char *got =
		addresses != NULL ? g_strjoinv(" ", (char **)addresses) : g_strdup("-");

	assert_string_equal(got, want);
}

static void M21_addresses_come_from_both_kinds_of_table(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("receipts-XXXXXX", NULL);
	g_autofree char *logins = g_build_filename(folder, "logins", NULL);
	g_autofree char *users = g_build_filename(folder, "users", NULL);
	g_autofree char *text = g_strdup_printf(
		"receipts: { addresses = [\"bob: bob@x.test, b@x.test\", \"file:%s\"]\n"
		"sender_logins = [\"file:%s\"] }",
		users, logins);
	g_autoptr(rmt_config) config = NULL;
	GPtrArray *complaints;

	(void)state;
	g_file_set_contents(users, "# users\neve: eve@x.test\n", -1, NULL);
	g_file_set_contents(logins,
			    "info@x.test  bob, eve\nbob@x.test bob\n@x.test admin\n", -1,
			    NULL);
	config = rmt_config_read_text("t.conf", text, &complaints);
	assert_non_null(config);
	g_ptr_array_unref(complaints);
	check_addresses(config, "bob", "bob@x.test b@x.test info@x.test");
	check_addresses(config, "eve", "eve@x.test info@x.test");
	check_addresses(config, "admin", "-");
	check_addresses(config, "nobody", "-");
	g_unlink(users);
	g_unlink(logins);
	g_rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(G02_googles_bounds_hold_where_they_are_asked_for),
		cmocka_unit_test(what_cannot_be_meant_is_told),
		cmocka_unit_test(M21_addresses_come_from_both_kinds_of_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
