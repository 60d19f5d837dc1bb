/* SPDX-License-Identifier: MIT */
/* aggregate.h - DMARC aggregate reports (RFC 9990, RFC 7489 appendix C): who sends as
 * us, aligned or not, as the receivers saw it.
 *
 * Input is a stranger's: XML, gzip or zip, unpacked to at most AGGREGATE_OCTETS_MAX
 * whatever it claims, and read without entities or anything from outside.
 */
#ifndef RMT_FEEDBACK_AGGREGATE_H
#define RMT_FEEDBACK_AGGREGATE_H

#include "common/store/store.h"

enum {
	RMT_AGGREGATE_OCTETS_MAX = 32 * 1024 * 1024, /* unpacked */
	RMT_AGGREGATE_ROWS_MAX = 100000,
	RMT_AGGREGATE_RATIO_MAX = 300, /* of the packed octets; XML is about 20 */
};

/* Counts by source address and domain in From. */
struct rmt_aggregate_row {
	char *source, *domain;       /* own */
	uint64_t aligned, unaligned; /* by SPF or DKIM; by neither */
};

struct rmt_aggregate {
	char *reporter, *id; /* own */
	int64_t begin, end;  /* Unix seconds */
	GPtrArray *rows;     /* own; struct rmt_aggregate_row, one for each record */
	bool cut;
};
void rmt_aggregate_free(struct rmt_aggregate *aggregate);

/* The text of what may be packed; own: g_string_free. NULL: it is broken, too long,
 * or packs too well. */
GString *rmt_aggregate_unpack(struct rmt_span octets, GError **err);
/* NULL: no report. */
struct rmt_aggregate *rmt_aggregate_read(struct rmt_span xml, GError **err);

/* A report that was read, as take() does. */
bool rmt_aggregate_put(struct rmt_store *store, struct rmt_aggregate *report, int64_t now,
		       unsigned *rows_r, GError **err);
/* aggregate_mail.c: the first report that a mail carries. rows_r 0: it has none. Who may
 * write to us may fill a table with them: at most RMT_AGGREGATE_KEPT are kept. */
enum { RMT_AGGREGATE_KEPT = 10000, RMT_AGGREGATE_MAILED_ROWS = 5000 };
bool rmt_aggregate_take_mail(struct rmt_store *store, struct rmt_span message,
			     int64_t now, unsigned *rows_r, GError **err);
uint64_t rmt_aggregate_count(struct rmt_store *store);

/* Durable when it returns; a report that came before counts once (reporter, id). */
bool rmt_aggregate_take(struct rmt_store *store, struct rmt_span octets, int64_t now,
			unsigned *rows_r, GError **err);

/* Sums since a time, the largest first; own: g_ptr_array_unref. */
bool rmt_aggregate_sums(struct rmt_store *store, int64_t since, GPtrArray **rows_r,
			GError **err);
bool rmt_aggregate_expire(struct rmt_store *store, int64_t before, uint64_t *removed_r,
			  GError **err);

#endif
