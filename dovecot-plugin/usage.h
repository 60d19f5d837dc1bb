/* SPDX-License-Identifier: MIT */
/* usage.h - what a service program says to who starts it by hand. */
#ifndef RMT_USAGE_H
#define RMT_USAGE_H

#include <stdbool.h>

/* "--help", "-h" and "--version" as the only argument are answered on standard output:
 * true, and the program ends with 0. Before master_service_init(), which knows neither
 * and wants Dovecot's environment. what: a line or two about it. */
bool rmt_usage_answer(int argc, char **argv, const char *program, const char *what);

#endif
