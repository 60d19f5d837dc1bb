/* SPDX-License-Identifier: MIT */
/* A record and invented answers: SPF ends, within its limits, with a verdict.
 *
 * Input: lines. The first is the sender, the others are records of example.com
 * and of whatever is asked for, taken in turn; a short line is a failure. */
#include <glib.h>
#include <stdint.h>

#include "common/auth/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUESTIONS_MAX = 300 };

static struct rmt_span next_line(struct rmt_span *rest)
{
	struct rmt_span line = *rest;

	if (!rmt_span_split(*rest, '\n', &line, rest))
		rest->len = 0;
	return line;
}

static struct rmt_dns_answer answer_of(struct rmt_span line, enum rmt_dns_type type,
				       struct rmt_dns_record *records)
{
	struct rmt_dns_answer answer = { .ttl_secs = 60, .records = records };

	if (line.len < 2) {
		answer.status = line.len == 0 ? RMT_DNS_NXDOMAIN : RMT_DNS_TIMEOUT;
		return answer;
	}
	answer.count = 1 + (unsigned char)line.p[0] % 2;
	records[0].data = records[1].data = line;
	if (type == RMT_DNS_A || type == RMT_DNS_AAAA)
		records[0].data.len = MIN(line.len, type == RMT_DNS_A ? 4 : 16);
	return answer;
}

static void run(struct rmt_asker *asker, struct rmt_span rest)
{
	int asked = 0;

	while (asker->waits) {
		struct rmt_dns_record records[2] = { { .preference = 1 } };
		struct rmt_dns_answer answer;

		g_assert(rmt_dns_name_ok(asker->question.name));
		g_assert(++asked < QUESTIONS_MAX);
		answer = answer_of(next_line(&rest), asker->question.type, records);
		rmt_dns_resume(asker, &answer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const clients[] = { "192.0.2.1", "2001:db8::1" };
	/* A copy of its own, so that an over-read shows. */
	g_autofree char *copy = g_memdup2(data, size);
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	size_t i;

	for (i = 0; i < 2; i++) {
		struct rmt_span rest = rmt_span(copy, size);
		struct rmt_spf_query query = { .helo = RMT_SPAN("h.example.com") };
		const struct rmt_spf_result *result;

		query.mail_from = next_line(&rest);
		g_assert(rmt_ip_parse(rmt_span_of(clients[i]), &query.ip));
		run(rmt_spf_start(spf, &query), rest);
		result = rmt_spf_result(spf);
		g_assert(result->lookups <= 11 && result->voids <= 3);
		g_assert((result->problem.len > 0) ==
			 (result->result == RMT_SPF_TEMPERROR ||
			  result->result == RMT_SPF_PERMERROR));
		g_assert(result->explanation.len == 0 || result->result == RMT_SPF_FAIL);
	}
	return 0;
}
