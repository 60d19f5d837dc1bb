/* SPDX-License-Identifier: MIT */
/* batch.h - `remite batch`: a case a line, a result a line.
 *
 * A verb is a function and a row of the table in batch.c. It reads its
 * arguments, runs its evaluators and adds to the result:
 *
 *	bool rmt_batch_spf(struct rmt_batch_case *c, GError **err)
 *	{
 *		struct rmt_span helo;
 *
 *		if (!rmt_batch_string(c, "helo", "", &helo, err))
 *			return false;
 *		...
 *		if (!rmt_batch_ask(c, asker, err))
 *			return false;
 *		rmt_batch_put(c, "result", RMT_SPAN("pass"));
 *		return true;
 *	}
 *
 * A failure is told as {"id":...,"error":"..."}, whatever was added before.
 */
#ifndef RMT_BATCH_H
#define RMT_BATCH_H

#include <jansson.h>

#include "common/cli/dns.h"

struct rmt_batch_case {
	const json_t *in;      /* the object as read */
	json_t *out;           /* the result; "id" is in it already */
	struct rmt_zone *zone; /* the case's own, or NULL */
	struct rmt_cli_dns *dns;
};

typedef bool rmt_batch_verb(struct rmt_batch_case *c, GError **err);
rmt_batch_verb rmt_batch_spf, rmt_batch_dmarc, rmt_batch_dkim, rmt_batch_bounce,
	rmt_batch_receipt, rmt_batch_mdn;

/* An argument of the case. fallback NULL: it must be there. Strings may hold
 * any octet, \u0000 too. */
bool rmt_batch_string(const struct rmt_batch_case *c, const char *key,
		      const char *fallback, struct rmt_span *value_r, GError **err);
bool rmt_batch_integer(const struct rmt_batch_case *c, const char *key, int64_t fallback,
		       int64_t *value_r, GError **err);

/* The same for a member of any object; where: for the sentence. */
bool rmt_batch_member(const json_t *object, const char *where, const char *key,
		      const char *fallback, struct rmt_span *value_r, GError **err);

/* Runs the asker until it is done: with the case's zone, --dns-file, or DNS. */
bool rmt_batch_ask(struct rmt_batch_case *c, struct rmt_asker *asker, GError **err);

/* Adds a string to the result; octets that are no UTF-8 are shown as \xNN. */
void rmt_batch_put(struct rmt_batch_case *c, const char *key, struct rmt_span value);

/* A JSON string of any octets, as rmt_batch_put() has it. */
json_t *rmt_batch_text(struct rmt_span value);

#endif
