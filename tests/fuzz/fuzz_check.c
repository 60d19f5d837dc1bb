/* SPDX-License-Identifier: MIT */
/* A zone, and all the rules that DNS can judge of a domain in it; whatever the records
 * hold, each rule says something. Behind a line "---" comes an MTA-STS policy. */
#include <string.h>

#include "common/auth/zone.h"
#include "common/rules/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rmt_zone *read_zone(struct rmt_span text)
{
	struct rmt_zone *zone = rmt_zone_new();
	struct rmt_span line;

	while (rmt_span_split(text, '\n', &line, &text))
		rmt_zone_add(zone, line, NULL);
	return zone;
}

static void ask(struct rmt_facts *facts, struct rmt_zone *zone)
{
	GPtrArray *askers;
	guint i;

	while ((askers = rmt_facts_ask(facts)) != NULL)
		for (i = 0; i < askers->len; i++)
			rmt_zone_run(zone, askers->pdata[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *mark = memmem(data, size, "\n---\n", 5);
	const size_t zone_len = mark != NULL ? (size_t)(mark - (const char *)data) : size;
	struct rmt_facts_query query = { .domain = "x.example", .now = 1700000000 };
	struct rmt_zone *zone = read_zone(rmt_span((const char *)data, zone_len));
	struct rmt_ip ip = { .octets = { 192, 0, 2, 1 } };
	struct rmt_rule_findings findings;
	struct rmt_facts *facts;
	unsigned i;

	if (mark != NULL)
		query.mta_sts = rmt_span(mark + 5, size - zone_len - 5);
	query.can_verify = rmt_zone_has_secure(zone);
	facts = rmt_facts_new(&query);
	rmt_facts_add_egress(facts, &ip, "m.x.example");
	rmt_facts_add_selector(facts, "s");
	ask(facts, zone);
	rmt_facts_ttl(facts);
	rmt_rule_findings_init(&findings);
	rmt_rules_domain(facts, &findings);
	if (findings.list->len < RMT_RULE_END - RMT_R1)
		__builtin_trap();
	for (i = RMT_R1; i < RMT_RULE_END; i++)
		rmt_rule_sum(&findings, i, NULL);
	rmt_rule_findings_clear(&findings);
	rmt_facts_free(facts);
	rmt_zone_free(zone);
	return 0;
}
