/* SPDX-License-Identifier: MIT */
/* optional.h - what BIMI, MTA-STS and TLS-RPT have in common: one text record, which
 * nobody must have, that begins with its version and is a list of tags. */
#ifndef RMT_OPTIONAL_H
#define RMT_OPTIONAL_H

#include "common/auth/dkim_tag.h"
#include "common/rules/lookup.h"
#include "common/rules/rules.h"

/* True: there is one record, and its tags are read. Else a finding was added. */
bool rmt_optional_read(const struct rmt_lookup *txt, struct rmt_span version,
		       enum rmt_rule_number number, struct rmt_rule_findings *findings,
		       struct rmt_tags *tags_r);

/* A broken rule, at the record's name. */
void rmt_optional_broken(struct rmt_rule_findings *findings, enum rmt_rule_number number,
			 const struct rmt_lookup *txt, const char *problem);

bool rmt_is_https(struct rmt_span url);

#endif
