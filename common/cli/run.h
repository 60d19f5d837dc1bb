/* SPDX-License-Identifier: MIT */
/* run.h - other programs, started directly, without a shell. */
#ifndef RMT_RUN_H
#define RMT_RUN_H

#include <glib.h>
#include <stdbool.h>

/* Runs argv[0] (looked for in PATH and /usr/sbin), standard input empty, and waits
 * at most 20 seconds. Each of out and errors may be NULL. False: it could not be
 * run or did not end; the exit status is in *status_r. */
bool rmt_run(const char *const *argv, GString *out, GString *errors, int *status_r,
	     GError **err);

/* The same of a program that ends with 0 when all is well. False: it did not; err has
 * what it said on standard error, or `silent` where it said nothing. */
bool rmt_run_well(const char *const *argv, GString *out, const char *silent,
		  GError **err);

#endif
