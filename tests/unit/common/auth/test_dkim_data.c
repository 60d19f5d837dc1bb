/* SPDX-License-Identifier: MIT */
/* Messages signed by another implementation, and RFC 8463's own: each with the
 * result it must have, with and without libopendkim's agreement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/auth/dkim_opendkim.h"
#include "common/auth/zone.h"

#define FOLDER "tests/data/dkim/"

enum { NOW = 1800000000, MESSAGES_MIN = 35 };

static char *read_file(const char *name, const char *end)
{
	g_autofree char *path = g_strconcat(FOLDER, name, end, NULL);
	char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		fail_msg("%s: cannot be read (run in the top folder)", path);
	return text;
}

static char *read_message(const char *name, gsize *len_r)
{
	g_autofree char *path = g_strconcat(FOLDER, name, ".eml", NULL);
	char *text = NULL;

	if (!g_file_get_contents(path, &text, len_r, NULL))
		fail_msg("%s: cannot be read", path);
	return text;
}

static char *results_of(const struct rmt_dkim *dkim)
{
	const struct rmt_dkim_signature *signature;
	GString *out = g_string_new(NULL);
	size_t i;

	for (i = 0; (signature = rmt_dkim_get(dkim, i)) != NULL; i++) {
		const char *word = rmt_dkim_reason_word(signature->reason);

		g_string_append_printf(out, "%.*s %.*s %s %s\n",
				       RMT_SPAN_ARGS(signature->domain),
				       RMT_SPAN_ARGS(signature->selector),
				       rmt_dkim_result_name(signature->result),
				       word[0] != '\0' ? word : "-");
	}
	return g_string_free(out, FALSE);
}

static bool check_one(const char *name, struct rmt_zone *zone, struct rmt_dkim_keys *keys,
		      struct rmt_dkim_second *second)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	g_autofree char *want = read_file(name, ".want"), *got = NULL, *message = NULL;
	g_autoptr(rmt_dkim) dkim = NULL;
	gsize len;

	settings.second = second;
	dkim = rmt_dkim_new(&settings, keys);
	message = read_message(name, &len);
	rmt_dkim_message(dkim, rmt_span(message, len));
	rmt_zone_run(zone, rmt_dkim_asker(dkim));
	rmt_dkim_finish(dkim, NOW);
	got = results_of(dkim);
	if (strcmp(got, want) == 0)
		return true;
	print_error("%s:\n%snot\n%s", name, got, want);
	return false;
}

static void check_all(struct rmt_dkim_second *second, const char *without)
{
	struct rmt_dkim_keys *keys = rmt_dkim_keys_new(16);
	struct rmt_zone *zone = rmt_zone_new();
	GDir *folder = g_dir_open(FOLDER, 0, NULL);
	unsigned right = 0, wrong = 0;
	const char *file;

	assert_non_null(folder);
	assert_true(rmt_zone_add_file(zone, FOLDER "zone", NULL));
	while ((file = g_dir_read_name(folder)) != NULL) {
		g_autofree char *name =
			g_strndup(file, strlen(file) - MIN(strlen(file), 4));

		if (!g_str_has_suffix(file, ".eml") ||
		    (without != NULL && strstr(file, without) != NULL))
			continue;
		if (check_one(name, zone, keys, second))
			right++;
		else
			wrong++;
	}
	g_dir_close(folder);
	rmt_zone_free(zone);
	rmt_dkim_keys_free(keys);
	assert_int_equal(wrong, 0);
	assert_true(right >= MESSAGES_MIN - 1);
}

static void messages_signed_elsewhere_have_their_results(void **state)
{
	(void)state;
	check_all(NULL, NULL);
}

/* But for the body without a last line end: libopendkim leaves out the CRLF
 * that RFC 6376, 3.4.4 adds. */
static void libopendkim_agrees_with_all_of_them(void **state)
{
	struct rmt_dkim_second *second = rmt_dkim_opendkim_new();

	(void)state;
	assert_non_null(second);
	check_all(second, "body-no-end-relaxed");
	rmt_dkim_opendkim_free(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_signed_elsewhere_have_their_results),
		cmocka_unit_test(libopendkim_agrees_with_all_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
