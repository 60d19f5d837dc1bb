/* SPDX-License-Identifier: MIT */
/* report.h - findings of rules on a page and in JSON: `remite check`, `predict`. */
#ifndef RMT_CLI_REPORT_H
#define RMT_CLI_REPORT_H

#include <jansson.h>

#include "common/rules/rules.h"

/* Broken ones by severity with what to publish, then what is not known, then what
 * was not judged. Sorted before. */
void rmt_report_findings(const struct rmt_rule_findings *findings, GString *out);
json_t *rmt_report_findings_json(const struct rmt_rule_findings *findings);

/* "R1 R5" */
void rmt_report_rules(uint64_t rules, GString *out);
json_t *rmt_report_rules_json(uint64_t rules);

/* {"verdict":"refuse","reply":"550...","rule":"R9","broken":[...],...} */
json_t *rmt_report_judgement_json(const struct rmt_judgement *judgement,
				  enum rmt_provider provider);

/* 1: something to mend (a warning or an error); 3: nothing found, but DNS did not
 * answer all; 0. */
int rmt_report_status(const struct rmt_rule_findings *findings);

/* "  label          text\n"; control characters are shown as \xNN. */
void rmt_report_line(GString *out, const char *label, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Own JSON text with a line end, to out. Takes the object. */
void rmt_report_json(json_t *object, GString *out);

#endif
