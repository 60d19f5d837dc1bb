/* SPDX-License-Identifier: MIT */
/* finding.h - what a check found: place, problem, and the line to paste. */
#ifndef RMT_FINDING_H
#define RMT_FINDING_H

#include <glib.h>

#include "common/base/severity.h"

struct rmt_finding {
	const char *check; /* foreign; the check's id */
	enum rmt_severity severity;
	char *place, *problem; /* own */
	char *remedy;          /* own; lines to paste, or NULL */
};

struct rmt_findings {
	GPtrArray *list;   /* own; struct rmt_finding */
	const char *check; /* foreign; the check that is running */
};

void rmt_findings_init(struct rmt_findings *findings);
void rmt_findings_finish(struct rmt_findings *findings);

/* place and remedy are copied; remedy may be NULL. */
void rmt_find(struct rmt_findings *findings, enum rmt_severity severity,
	      const char *place, const char *remedy, const char *format, ...)
	G_GNUC_PRINTF(5, 6);

/* How many are at least that severe. */
unsigned rmt_findings_count(const struct rmt_findings *findings,
			    enum rmt_severity severity);

#endif
