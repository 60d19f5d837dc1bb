/* SPDX-License-Identifier: MIT */
/* addr.h - mail addresses as keys.
 *
 * Two spellings of one mailbox must be one key, and two mailboxes never: what
 * is folded is what the administrator configured (settings `fold`), besides
 * the ASCII case of both parts and the domain's A-label (RFC 5890), which are
 * always folded.
 */
#ifndef RMT_ADDR_H
#define RMT_ADDR_H

#include <stdbool.h>

#include "common/base/span.h"

enum {
	RMT_ADDR_MAX = 512,   /* octets of a key made here; longer input is cut by hashing
				 its tail */
	RMT_DOMAIN_MAX = 255, /* RFC 1035, 2.3.4 */
};

struct rmt_fold; /* compiled `fold` settings, below */

/* An address as a key. The spans look into text. Null sender: all empty. */
struct rmt_addr {
	struct rmt_span whole;  /* "local@domain" or "local" */
	struct rmt_span local;  /* folded */
	struct rmt_span domain; /* A-label, lower case; without a final dot */
	char text[RMT_ADDR_MAX + 1];
};

/* Folds what smtpd names (unquoted, perhaps raw UTF-8, perhaps without a
 * domain; split at the last '@'), and what milters, reports and people do, where
 * "a..b"@example.org is quoted. A domain that is no valid U-label is only
 * lower-cased. fold may be NULL. Unquoted ASCII takes no allocation. */
void rmt_addr_fold(const struct rmt_fold *fold, struct rmt_span address,
		   struct rmt_addr *addr_r);

/* The same for a domain alone; out holds RMT_DOMAIN_MAX + 1 octets. */
struct rmt_span rmt_domain_fold(struct rmt_span domain, char *out);

/* True where domain is parent or below it; both folded. */
bool rmt_domain_within(struct rmt_span domain, struct rmt_span parent);

/* What the local part of some domains means. */
struct rmt_fold *rmt_fold_new(void);
void rmt_fold_free(struct rmt_fold *fold);

/* Domains in this list: cut the local part at the first of these delimiters
 * (Postfix's recipient_delimiter; empty: nothing is cut) and drop dots where
 * asked. The first group that holds a domain wins. Takes the list. */
struct rmt_list;
void rmt_fold_add(struct rmt_fold *fold, struct rmt_list *domains, const char *delimiters,
		  bool ignore_dots);

#endif
