/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/usage.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "common/base/version.h"

static void help(const char *program, const char *what)
{
	printf("usage: %s [--help | --version]\n"
	       "\n"
	       "%s\n"
	       "Dovecot starts it, as a service: 'remite setup dovecot' writes that.\n"
	       "\n"
	       "  -h, --help, --version\n"
	       "\n"
	       "The configuration is what REMITE_CONFIG names, else "
	       "/etc/remite/remite.conf.\n"
	       "Manual: %s(8), remite-dovecot(7).\n",
	       program, what, program);
}

bool rmt_usage_answer(int argc, char **argv, const char *program, const char *what)
{
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		help(program, what);
		return true;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		g_autofree char *version = rmt_version_text(program);

		puts(version);
		return true;
	}
	return false;
}
