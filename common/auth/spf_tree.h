/* SPDX-License-Identifier: MIT */
/* spf_tree.h - what an SPF record costs at worst: every term that asks DNS, in
 * it and in all it includes or is redirected to, whether or not a given host
 * would come that far.
 *
 * A receiver stops at the first match, so the number on the path (spf.h) is
 * smaller for most hosts; but the hosts named last, and all that fail, see this
 * one. Above 10 they get permerror (RFC 7208, 4.6.4).
 */
#ifndef RMT_SPF_TREE_H
#define RMT_SPF_TREE_H

#include "common/auth/dns.h"

enum {
	RMT_SPF_TREE_LOOKUPS_MAX = 200, /* then it is given up: complete is false */
	RMT_SPF_TREE_DEPTH_MAX = 20,
};

/* One record of the tree. */
struct rmt_spf_tree_node {
	struct rmt_span domain;
	struct rmt_span term; /* of the record above that led here; empty at the root */
	unsigned depth;
	unsigned lookups;    /* terms of its own that ask */
	const char *problem; /* static sentence; NULL: the record is fine */
};

struct rmt_spf_tree_result {
	unsigned lookups; /* of the whole tree */
	bool complete;    /* false: DNS failed somewhere, or it is too large */
	size_t count;
	const struct rmt_spf_tree_node *nodes; /* as they are read, depth first */
};

struct rmt_spf_tree;

struct rmt_spf_tree *rmt_spf_tree_new(void);
void rmt_spf_tree_free(struct rmt_spf_tree *tree);
typedef struct rmt_spf_tree rmt_spf_tree; /* for g_autoptr(rmt_spf_tree) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_spf_tree, rmt_spf_tree_free)

/* Begins for the record of domain (folded). */
struct rmt_asker *rmt_spf_tree_start(struct rmt_spf_tree *tree, struct rmt_span domain);

/* Once the asker waits no more. Valid until the next start. */
const struct rmt_spf_tree_result *rmt_spf_tree_result(const struct rmt_spf_tree *tree);

#endif
