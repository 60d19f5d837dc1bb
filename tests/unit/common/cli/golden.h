/* SPDX-License-Identifier: MIT */
/* golden.h - zones that begin with a command, and what it says beside them:
 * NAME.zone, NAME.want, NAME.json. To write the latter anew after a change that is
 * meant: REMITE_WRITE_WANT=1 before the test, and read the diff. */
#ifndef RMT_TEST_GOLDEN_H
#define RMT_TEST_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/cli/cli.h"

#define COMMAND "; remite "

typedef int golden_run(const struct rmt_cli *cli, int argc, char **argv, GString *out);

/* Own. line: with COMMAND in front. */
static inline char *golden_output(golden_run *run, const char *zone, const char *line,
				  bool json, int *status_r)
{
	g_autofree char *words =
		g_strdup_printf("%s --now 1795400000 --dns-file %s%s",
				line + strlen(COMMAND), zone, json ? " --json" : "");
	g_auto(GStrv) argv = g_strsplit(words, " ", -1);
	struct rmt_cli cli = { .config_file = "tests/data/check/empty.conf" };
	GString *out = g_string_new(NULL);

	*status_r = run(&cli, (int)g_strv_length(argv), argv, out);
	return g_string_free(out, FALSE);
}

static inline void golden_compare(const char *file, const char *got)
{
	g_autofree char *want = NULL;

	if (getenv("REMITE_WRITE_WANT") != NULL)
		assert_true(g_file_set_contents(file, got, -1, NULL));
	assert_true(g_file_get_contents(file, &want, NULL, NULL));
	if (strcmp(got, want) != 0)
		fail_msg("%s differs from:\n%s", file, got);
}

static inline void golden_zone(golden_run *run, const char *folder, const char *name)
{
	g_autofree char *zone = g_strdup_printf("%s/%s.zone", folder, name);
	g_autofree char *want = g_strdup_printf("%s/%s.want", folder, name);
	g_autofree char *want_json = g_strdup_printf("%s/%s.json", folder, name);
	g_autofree char *text = NULL, *got = NULL, *with_status = NULL, *json = NULL;
	int status, status_json;

	assert_true(g_file_get_contents(zone, &text, NULL, NULL));
	assert_true(g_str_has_prefix(text, COMMAND));
	*strchrnul(text, '\n') = '\0';
	got = golden_output(run, zone, text, false, &status);
	with_status = g_strdup_printf("%s\nexit status %d\n", got, status);
	golden_compare(want, with_status);
	json = golden_output(run, zone, text, true, &status_json);
	golden_compare(want_json, json);
	assert_int_equal(status, status_json);
}

/* All zones of the folder; returns how many. */
static inline unsigned golden_folder(golden_run *run, const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	unsigned count = 0;
	const char *file;

	assert_non_null(dir);
	while ((file = g_dir_read_name(dir)) != NULL) {
		g_autofree char *name = NULL;

		if (!g_str_has_suffix(file, ".zone"))
			continue;
		name = g_strndup(file, strlen(file) - strlen(".zone"));
		golden_zone(run, folder, name);
		count++;
	}
	return count;
}

#endif
