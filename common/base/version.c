/* SPDX-License-Identifier: MIT */
#include "common/base/version.h"

#include <glib.h>

/* The Makefile says. No date: the same source gives the same octets. */
#ifndef RMT_BUILT_WITH
#define RMT_BUILT_WITH "what nobody wrote down"
#endif

#ifdef __clang__
#define COMPILER "clang"
#else
#define COMPILER "gcc"
#endif

char *rmt_version_text(const char *program)
{
	return g_strdup_printf("%s %s\nbuilt with " COMPILER " %s, %s", program,
			       RMT_VERSION, __VERSION__, RMT_BUILT_WITH);
}
