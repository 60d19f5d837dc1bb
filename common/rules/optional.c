/* SPDX-License-Identifier: MIT */
#include "common/rules/optional.h"

/* Texts that begin with the version; text_r is the last of them. */
static size_t select_version(const struct rmt_lookup *txt, struct rmt_span version,
			     struct rmt_span *text_r)
{
	size_t i, found = 0;

	for (i = 0; i < rmt_lookup_count(txt); i++)
		if (rmt_span_starts(rmt_lookup_value(txt, i), version)) {
			*text_r = rmt_lookup_value(txt, i);
			found++;
		}
	return found;
}

bool rmt_optional_read(const struct rmt_lookup *txt, struct rmt_span version,
		       enum rmt_rule_number number, struct rmt_rule_findings *findings,
		       struct rmt_tags *tags_r)
{
	struct rmt_span text = { NULL, 0 };
	size_t count = select_version(txt, version, &text);

	if (rmt_dns_failed(txt->status))
		rmt_rule_add(findings, number, RMT_RULE_UNKNOWN, txt->name,
			     "DNS did not answer");
	else if (count == 0)
		rmt_rule_add(findings, number, RMT_RULE_HOLDS, txt->name,
			     "no record; it is optional");
	else if (count > 1)
		rmt_rule_add(findings, number, RMT_RULE_BROKEN, txt->name,
			     "there is more than one record, so none counts");
	else if (!rmt_tags_parse(text, tags_r))
		rmt_rule_add(findings, number, RMT_RULE_BROKEN, txt->name,
			     "the record cannot be read");
	else
		return true;
	return false;
}

void rmt_optional_broken(struct rmt_rule_findings *findings, enum rmt_rule_number number,
			 const struct rmt_lookup *txt, const char *problem)
{
	rmt_rule_add(findings, number, RMT_RULE_BROKEN, txt->name, "%s", problem);
}

bool rmt_is_https(struct rmt_span url)
{
	return url.len > 8 && strncasecmp(url.p, "https://", 8) == 0;
}
