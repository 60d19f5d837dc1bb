/* SPDX-License-Identifier: MIT */
/* audit.h - what was decided about receipts: who asked, by which rule, when, and
 * what was sent. Written in the same commit as what it tells of.
 *
 *	struct rmt_audit line = { .at_us = now_us, .user = user, .id = id,
 *				  .event = "sent", .rule = "...", ... };
 *	rmt_deal_put_audit(deal, &line);
 */
#ifndef RMT_AUDIT_H
#define RMT_AUDIT_H

#include "common/store/deal.h"

struct rmt_audit {
	int64_t at_us;   /* Unix time, microseconds */
	char *event;     /* own; a word: delivered, asked, approved, denied, sent,
			    client, discarded, failed, erased */
	char *user, *id; /* own; "" not known. id: the message's, as in its claim */
	char *target;    /* own; who asked, where the receipt goes */
	char *rule;      /* own; id of the reason */
	char *by;        /* own; policy, keyword, link, command, ... */
	char *receipt;   /* own; Message-ID of what was sent */
	char *note;      /* own */
};
void rmt_audit_free(struct rmt_audit *line);
typedef struct rmt_audit rmt_audit; /* for g_autoptr(rmt_audit) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_audit, rmt_audit_free)

/* NULL texts are stored as "". */
void rmt_deal_put_audit(struct rmt_deal *deal, const struct rmt_audit *line);
/* By itself. Durable when it returns. */
bool rmt_audit_add(struct rmt_store *store, const struct rmt_audit *line, GError **err);

/* In the order of time, from since_us on, until each returns false. */
typedef bool rmt_audit_each(void *context, const struct rmt_audit *line);
bool rmt_audit_walk(struct rmt_store *store, int64_t since_us, rmt_audit_each *each,
		    void *context, GError **err);

/* Removes what is older than before_us, and (user not NULL) of this user alone. */
bool rmt_audit_erase(struct rmt_store *store, const char *user, int64_t before_us,
		     uint64_t *erased_r, GError **err);

#endif
