/* SPDX-License-Identifier: MIT */
/* A header section, a body behind it, and the rules about them. */
#include "common/message/header.h"
#include "common/rules/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const rules[])(const struct rmt_header_facts *header,
				     struct rmt_rule_findings *findings) = {
		rmt_rule_format,           rmt_rule_header_sizes, rmt_rule_one_click,
		rmt_rule_unsubscribe_link, rmt_rule_feedback_id,  rmt_rule_from_scripts,
		rmt_rule_deceptive,
	};
	const struct rmt_span message = rmt_span((const char *)data, size);
	struct rmt_header_facts header = { .complete = true, .smtputf8 = size % 2 == 0 };
	struct rmt_rule_findings findings;
	struct rmt_from from;
	size_t i, least;

	rmt_header_split(message, &header.section, &header.text);
	header.octets = header.section.len;
	rmt_from_read(header.section, &from);
	header.from = &from;
	rmt_rule_findings_init(&findings);
	for (i = 0; i < G_N_ELEMENTS(rules); i++)
		rules[i](&header, &findings);
	/* Each says something; but that From is wrong is told by others (R11). */
	least = G_N_ELEMENTS(rules) - (from.result != RMT_FROM_OK);
	if (findings.list->len < least || findings.list->len > 64)
		__builtin_trap();
	rmt_rule_findings_clear(&findings);
	return 0;
}
