/* SPDX-License-Identifier: MIT */
/* names.h - DNS for threads that wait.
 *
 * libmilter has a thread per connection; a resolver belongs to one. So one
 * thread holds the resolver, with one cache and one flight per question for all
 * of them, and the others hand it their askers and sleep until those are done:
 *
 *	rmt_names_run(names, askers, count, deadline_us);
 *
 * With a file in place of DNS nobody waits at all.
 */
#ifndef RMT_MILTER_NAMES_H
#define RMT_MILTER_NAMES_H

#include "common/auth/resolver.h"

struct rmt_names;

/* dns_file: a zone (zone.h) instead of DNS, or NULL. settings: foreign. */
bool rmt_names_open(struct rmt_names **names_r, const char *dns_file,
		    const struct rmt_resolver_settings *settings, GError **err);

/* Nobody may be in rmt_names_run() any more. Sets the pointer to NULL. */
void rmt_names_close(struct rmt_names **names);

/* Answers all askers at once and returns when every one is done: at the deadline
 * (microseconds of g_get_monotonic_time()) what is open gets RMT_DNS_TIMEOUT. Any
 * thread. Once it is past, nothing is asked. */
void rmt_names_run(struct rmt_names *names, struct rmt_asker *const *askers, size_t count,
		   int64_t deadline_us);

#endif
