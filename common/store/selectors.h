/* SPDX-License-Identifier: MIT */
/* selectors.h - which DKIM selectors sign for a domain, as was seen.
 *
 * DNS does not list selectors. remite-milter, behind the signer, sees which ones hold;
 * whoever must find a domain's keys later asks here.
 */
#ifndef RMT_STORE_SELECTORS_H
#define RMT_STORE_SELECTORS_H

#include "common/store/store.h"

/* Who signed by no other for so long has changed it. */
enum { RMT_SELECTOR_DAYS = 30 };

/* A signature held. domain and selector: lower case, at most 253 octets, without
 * blanks; others are passed over. now: Unix seconds. Not waited for until it is on
 * the disk. */
bool rmt_selectors_note(struct rmt_store *store, struct rmt_span domain,
			struct rmt_span selector, int64_t now, GError **err);

/* Those seen within RMT_SELECTOR_DAYS, NULL-ended; g_strfreev. NULL: trouble. */
char **rmt_selectors_of(struct rmt_store *store, struct rmt_span domain, int64_t now,
			GError **err);

/* In order of domains, until each returns false. Damaged records are passed over. */
typedef bool rmt_selectors_each(void *context, const char *domain, const char *selector,
				int64_t seen);
bool rmt_selectors_walk(struct rmt_store *store, rmt_selectors_each *each, void *context,
			GError **err);

/* All of a domain. */
bool rmt_selectors_forget(struct rmt_store *store, const char *domain, size_t *count_r,
			  GError **err);

#endif
