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
	RMT_LIST_WORDS,     /* compared as they are: SASL users, policy_context */
	RMT_LIST_NOCASE,    /* compared without ASCII case: HELO names, fingerprints */
	RMT_LIST_ADDRESSES, /* user@example.com, *@example.com, *@*.example.com,
			       news-*@example.com, <> */
	RMT_LIST_DOMAINS,   /* example.com; .example.com (below it); *.example.com (the
			       same) */
	RMT_LIST_NETWORKS,  /* 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 */
};

struct rmt_list;

struct rmt_list *rmt_list_new(enum rmt_list_kind kind);
void rmt_list_free(struct rmt_list *list);
typedef struct rmt_list rmt_list; /* for g_autoptr(rmt_list) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_list, rmt_list_free)

/* Addresses added from now on are folded with these settings as well, as the
 * addresses looked up are. fold is foreign and used by rmt_list_add*() alone. */
struct rmt_fold;
void rmt_list_set_fold(struct rmt_list *list, const struct rmt_fold *fold);

/* Adds one value, or with "file:/path" those in the file; the sentence says
 * what is wrong with it and what to write. Addresses and domains are taken as
 * keys (common/message/addr.h), so U-labels and A-labels are one. */
bool rmt_list_add(struct rmt_list *list, struct rmt_span value, GError **err);

/* Adds every line of the file that is a value; err says FILE:LINE of the first
 * that is none, and how many more there are. At most 50 million lines. */
bool rmt_list_add_file(struct rmt_list *list, const char *path, GError **err);

/* The lines of such a file, trimmed and without comments, for what is no list;
 * each returns false with a sentence where a line is wrong. */
typedef bool rmt_list_line(void *context, struct rmt_span line, GError **err);
bool rmt_list_read_file(const char *path, rmt_list_line *each, void *context,
			GError **err);

size_t rmt_list_count(const struct rmt_list *list);

/* value: an address or domain as rmt_addr_* made it, an address literal for
 * networks, anything else as it came. An empty value and "<>" are in a list of
 * addresses or domains that names "<>", and in no other. False for a NULL list. */
bool rmt_list_has(const struct rmt_list *list, struct rmt_span value);

/* Calls each with every value that can be looked up, as stored: what was added,
 * folded; "@example.com" for *@example.com; ".example.com" for what is below it;
 * "" for <>. Returns how many values cannot (patterns, networks), which only
 * rmt_list_has() can try. For an index over many lists. */
size_t rmt_list_exact(const struct rmt_list *list,
		      void (*each)(void *context, struct rmt_span value), void *context);

/* Calls each with every value that holds a '*' beyond those forms: for tables of
 * other programs (Postfix's). */
void rmt_list_patterns(const struct rmt_list *list,
		       void (*each)(void *context, struct rmt_span value), void *context);

#endif
