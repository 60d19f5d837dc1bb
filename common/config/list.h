/* SPDX-License-Identifier: MIT */
/* list.h - a setting's list of values, compiled for look-up.
 *
 * The values of one list are ORed. Where a value reads "file:/path", the file
 * holds one value a line ('#' starts a comment, blank lines do not count) and
 * is read again with the configuration. Look-up cost does not grow with the
 * number of exact values.
 */
#ifndef RMT_LIST_H
#define RMT_LIST_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

enum rmt_list_kind {
	RMT_LIST_WORDS,	    /* compared as they are: SASL users, policy_context */
	RMT_LIST_NOCASE,    /* compared without ASCII case: HELO names, fingerprints */
	RMT_LIST_ADDRESSES, /* user@example.com, *@example.com, *@*.example.com, news-*@example.com, <> */
	RMT_LIST_DOMAINS,   /* example.com; .example.com (below it); *.example.com (the same) */
	RMT_LIST_NETWORKS,  /* 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 */
};

struct rmt_list;

struct rmt_list *rmt_list_new(enum rmt_list_kind kind);
void rmt_list_free(struct rmt_list *list);
typedef struct rmt_list rmt_list; /* for g_autoptr(rmt_list) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_list, rmt_list_free)

/* Adds one value; the sentence says what is wrong with it and what to write.
 * Addresses and domains are taken as keys (common/message/addr.h), so U-labels
 * and A-labels are one. */
bool rmt_list_add(struct rmt_list *list, struct rmt_span value, GError **err);

/* Adds every line of the file; err says FILE:LINE. At most 50 million lines. */
bool rmt_list_add_file(struct rmt_list *list, const char *path, GError **err);

size_t rmt_list_count(const struct rmt_list *list);

/* value: an address or domain as rmt_addr_* made it, an address literal for
 * networks, anything else as it came. False for a NULL list. */
bool rmt_list_has(const struct rmt_list *list, struct rmt_span value);

/* Calls each with every exact (non-pattern) value, as stored; returns how many
 * values are patterns, which only rmt_list_has() can try. For an index over
 * many lists. */
size_t rmt_list_exact(const struct rmt_list *list,
		      void (*each)(void *context, struct rmt_span value), void *context);

#endif
