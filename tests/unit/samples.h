/* SPDX-License-Identifier: MIT */
/* samples.h - a folder of pairs: NAME.eml, a message, and NAME.want, what it is read as.
 *
 * Each is read with LF and with CRLF, from a copy without NUL behind it, so that an
 * over-read shows. WRITE_WANT=1 writes the .want of those that have none. */
#ifndef RMT_TEST_SAMPLES_H
#define RMT_TEST_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "common/base/span.h"

/* What the message is read as. Own. */
typedef char *samples_describe(struct rmt_span message);

static inline void samples_check_one(const char *folder, const char *name, bool crlf,
				     samples_describe *describe)
{
	g_autofree char *eml = g_strdup_printf("%s/%s.eml", folder, name);
	g_autofree char *want_file = g_strdup_printf("%s/%s.want", folder, name);
	g_autofree char *text = NULL, *want = NULL, *got = NULL, *copy = NULL;
	g_autoptr(GString) message = NULL;
	gsize len;

	assert_true(g_file_get_contents(eml, &text, &len, NULL));
	message = g_string_new_len(text, (gssize)len);
	if (crlf)
		g_string_replace(message, "\n", "\r\n", 0);
	copy = g_memdup2(message->str, message->len);
	got = describe(rmt_span(copy, message->len));
	if (g_getenv("WRITE_WANT") != NULL && !g_file_test(want_file, G_FILE_TEST_EXISTS))
		g_file_set_contents(want_file, got, -1, NULL);
	if (!g_file_get_contents(want_file, &want, NULL, NULL))
		fail_msg("%s is missing; it is read as\n%s", want_file, got);
	if (strcmp(got, want) != 0)
		fail_msg("%s%s: wanted\n%sgot\n%s", name, crlf ? " (CRLF)" : "", want,
			 got);
}

static inline void samples_check(const char *folder, samples_describe *describe,
				 unsigned at_least)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *file;
	unsigned count = 0;

	assert_non_null(dir);
	while ((file = g_dir_read_name(dir)) != NULL) {
		g_autofree char *name = NULL;

		if (!g_str_has_suffix(file, ".eml"))
			continue;
		name = g_strndup(file, strlen(file) - 4);
		samples_check_one(folder, name, false, describe);
		samples_check_one(folder, name, true, describe);
		count++;
	}
	g_dir_close(dir);
	assert_true(count >= at_least);
}

#endif
