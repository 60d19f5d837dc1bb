/* SPDX-License-Identifier: MIT */
#include "common/rules/lookup.h"

static void free_value(gpointer value)
{
	g_string_free(value, TRUE);
}

static void answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	struct rmt_lookup *lookup = RMT_ASKER_OWNER(asker, struct rmt_lookup, asker);
	size_t i;

	lookup->status = answer->status;
	lookup->alias = answer->canonical.len > 0;
	lookup->secure = answer->secure;
	lookup->bogus = answer->bogus;
	lookup->ttl_secs = answer->ttl_secs;
	for (i = 0; i < MIN(answer->count, RMT_LOOKUP_VALUES_MAX); i++)
		g_ptr_array_add(lookup->values,
				g_string_new_len(answer->records[i].data.p,
						 (gssize)answer->records[i].data.len));
}

void rmt_lookup_start(struct rmt_lookup *lookup, enum rmt_dns_type type,
		      const char *format, ...)
{
	g_autofree char *name = NULL;
	va_list args;

	va_start(args, format);
	name = g_strdup_vprintf(format, args);
	va_end(args);
	*lookup = (struct rmt_lookup){ .type = type, .status = RMT_DNS_TIMEOUT };
	lookup->name = g_ascii_strdown(name, -1);
	lookup->values = g_ptr_array_new_with_free_func(free_value);
	lookup->asker.answered = answered;
	if (rmt_dns_name_ok(rmt_span_of(lookup->name)))
		rmt_dns_ask(&lookup->asker, type, rmt_span_of(lookup->name));
	else
		lookup->status = RMT_DNS_NXDOMAIN;
}

void rmt_lookup_clear(struct rmt_lookup *lookup)
{
	g_clear_pointer(&lookup->name, g_free);
	g_clear_pointer(&lookup->values, g_ptr_array_unref);
}

struct rmt_lookup *rmt_lookup_new(void)
{
	return g_new0(struct rmt_lookup, 1);
}

void rmt_lookup_free(struct rmt_lookup *lookup)
{
	rmt_lookup_clear(lookup);
	g_free(lookup);
}

void rmt_lookup_least_ttl(const struct rmt_lookup *lookup, uint32_t *ttl)
{
	if (rmt_lookup_started(lookup))
		*ttl = rmt_dns_failed(lookup->status) ? 0 : MIN(*ttl, lookup->ttl_secs);
}

size_t rmt_lookup_count(const struct rmt_lookup *lookup)
{
	return lookup->values != NULL ? lookup->values->len : 0;
}

struct rmt_span rmt_lookup_value(const struct rmt_lookup *lookup, size_t i)
{
	const GString *value = g_ptr_array_index(lookup->values, i);

	return rmt_span(value->str, value->len);
}

struct rmt_dns_answer rmt_lookup_answer(const struct rmt_lookup *lookup,
					struct rmt_dns_record *records)
{
	struct rmt_dns_answer answer = { .status = lookup->status, .records = records };

	for (; answer.count < rmt_lookup_count(lookup); answer.count++)
		records[answer.count] =
			(struct rmt_dns_record){ rmt_lookup_value(lookup, answer.count),
						 0 };
	return answer;
}
