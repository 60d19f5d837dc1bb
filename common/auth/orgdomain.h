/* SPDX-License-Identifier: MIT */
/* orgdomain.h - which domain answers for a name.
 *
 * RFC 9989 finds it by walking up the tree of DMARC records, RFC 7489 by a list
 * of public suffixes. Receivers do either, so both are at hand. Names are lower
 * case A-labels.
 */
#ifndef RMT_ORGDOMAIN_H
#define RMT_ORGDOMAIN_H

#include "common/auth/dmarc_record.h"

enum { RMT_WALK_MAX = 8 }; /* questions a walk may ask: RFC 9989, 4.10 */

/* The names a walk visits, the longest first: the name itself, then its parents,
 * beginning with the one of 7 labels where there are more. Returns how many. */
size_t rmt_walk_names(struct rmt_span name, struct rmt_span names_r[RMT_WALK_MAX]);

/* What a walk found at one of its names. */
struct rmt_walk_step {
	struct rmt_span name;
	const struct rmt_dmarc_record *record; /* NULL: none, or several */
};

/* Whether the walk ends with this record. */
static inline bool rmt_walk_ends(const struct rmt_dmarc_record *record)
{
	return record != NULL && record->psd != RMT_DMARC_PSD_UNKNOWN;
}

/* The organisational domain of steps[0].name: RFC 9989, 4.10.2. */
struct rmt_span rmt_walk_org(const struct rmt_walk_step *steps, size_t count);

/* --- the older view ------------------------------------------------------------- */

struct rmt_psl;

/* The newest list on this machine; NULL when there is none at all. */
struct rmt_psl *rmt_psl_open(void);
void rmt_psl_close(struct rmt_psl *psl);
typedef struct rmt_psl rmt_psl; /* for g_autoptr(rmt_psl) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_psl, rmt_psl_close)

/* Public suffix and one label more; a public suffix answers for itself. */
struct rmt_span rmt_psl_org(const struct rmt_psl *psl, struct rmt_span name);

bool rmt_psl_is_suffix(const struct rmt_psl *psl, struct rmt_span name);

/* When the list was made: Unix seconds, 0 when it does not say. */
int64_t rmt_psl_date(const struct rmt_psl *psl);

#endif
