/* SPDX-License-Identifier: MIT */
#include "common/base/failure.h"
#include "common/auth/mta_sts.h"

#include "common/auth/dns.h"

enum { MX_MAX = 1000 };

static const char *const modes[] = { "none", "testing", "enforce" };

/* Of a field that comes twice the first counts (RFC 8461, 3.2), but for mx. */
enum field { VERSION = 1 << 0, MODE = 1 << 1, MAX_AGE = 1 << 2, MX = 1 << 3 };

static enum field field_of(struct rmt_span name)
{
	static const struct {
		const char *name;
		enum field field;
	} fields[] = { { "version", VERSION },
		       { "mode", MODE },
		       { "max_age", MAX_AGE },
		       { "mx", MX } };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(fields); i++)
		if (rmt_span_eq(name, rmt_span_of(fields[i].name)))
			return fields[i].field;
	return 0;
}

static bool take_mode(struct rmt_sts_policy *policy, struct rmt_span value, GError **err)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(modes); i++)
		if (rmt_span_eq(value, rmt_span_of(modes[i]))) {
			policy->mode = (enum rmt_sts_mode)i;
			return true;
		}
	return rmt_wrong(err, "mode is '%.*s', none of enforce, testing, none",
			 RMT_SPAN_ARGS(value));
}

static bool take_age(struct rmt_sts_policy *policy, struct rmt_span value, GError **err)
{
	uint64_t age = 0;
	size_t i;

	for (i = 0; i < value.len && i < 10 && g_ascii_isdigit(value.p[i]); i++)
		age = age * 10 + (uint64_t)(value.p[i] - '0');
	if (value.len == 0 || i < value.len || age > RMT_STS_AGE_MAX)
		return rmt_wrong(err, "max_age is '%.*s', not seconds up to %d",
				 RMT_SPAN_ARGS(value), RMT_STS_AGE_MAX);
	policy->max_age_secs = (uint32_t)age;
	return true;
}

static bool take_mx(struct rmt_sts_policy *policy, struct rmt_span value, GError **err)
{
	struct rmt_span name = value;

	if (rmt_span_starts(name, RMT_SPAN("*.")))
		name = rmt_span_from(name, 2);
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	if (!rmt_dns_name_ok(name) || memchr(name.p, '*', name.len) != NULL ||
	    rmt_dns_label_count(name) < 2)
		return rmt_wrong(err, "mx is '%.*s', no host and no '*.' with a domain",
				 RMT_SPAN_ARGS(value));
	if (policy->mx->len >= MX_MAX)
		return rmt_wrong(err, "it has over %d lines mx", MX_MAX);
	g_ptr_array_add(policy->mx,
			g_ascii_strdown(value.p, (gssize)(name.p + name.len - value.p)));
	return true;
}

static bool take_line(struct rmt_sts_policy *policy, struct rmt_span line, unsigned *seen,
		      GError **err)
{
	struct rmt_span name, value;
	enum field field;
	bool again;

	if (!rmt_span_split(line, ':', &name, &value))
		return rmt_wrong(err, "the line '%.*s' has no colon",
				 (int)MIN(line.len, (size_t)60), line.p);
	value = rmt_span_trim(value);
	field = field_of(rmt_span_trim(name));
	again = (*seen & field) != 0;
	*seen |= field;
	if (field == MX)
		return take_mx(policy, value, err);
	if (again)
		return true;
	if (field == VERSION && !rmt_span_eq(value, RMT_SPAN("STSv1")))
		return rmt_wrong(err, "version is not STSv1");
	if (field == MODE)
		return take_mode(policy, value, err);
	return field != MAX_AGE || take_age(policy, value, err);
}

static bool read_lines(struct rmt_span text, struct rmt_sts_policy *policy, GError **err)
{
	struct rmt_span line;
	unsigned seen = 0;

	while (text.len > 0) {
		line = text;
		if (!rmt_span_split(text, '\n', &line, &text))
			text.len = 0;
		line = rmt_span_trim(line);
		if (line.len > 0 && !take_line(policy, line, &seen, err))
			return false;
	}
	if ((seen & VERSION) == 0)
		return rmt_wrong(err, "the line 'version: STSv1' is missing");
	if ((seen & MODE) == 0)
		return rmt_wrong(err, "the line 'mode: ...' is missing");
	if ((seen & MAX_AGE) == 0)
		return rmt_wrong(err, "the line 'max_age: ...' is missing");
	if (policy->mode != RMT_STS_NONE && policy->mx->len == 0)
		return rmt_wrong(err, "it lists no mx, so mail to the domain would stop");
	return true;
}

bool rmt_sts_policy_read(struct rmt_span text, struct rmt_sts_policy *policy_r,
			 GError **err)
{
	*policy_r =
		(struct rmt_sts_policy){ .mx = g_ptr_array_new_with_free_func(g_free) };
	if (text.len > RMT_STS_POLICY_MAX)
		return rmt_wrong(err, "it is over %d octets", RMT_STS_POLICY_MAX);
	if (memchr(text.p, '\0', text.len) != NULL)
		return rmt_wrong(err, "it has a NUL in it");
	return read_lines(text, policy_r, err);
}

void rmt_sts_policy_clear(struct rmt_sts_policy *policy)
{
	g_clear_pointer(&policy->mx, g_ptr_array_unref);
}

bool rmt_sts_policy_allows(const struct rmt_sts_policy *policy, struct rmt_span host)
{
	struct rmt_span first, rest;
	guint i;

	for (i = 0; i < policy->mx->len; i++) {
		struct rmt_span pattern = rmt_span_of(policy->mx->pdata[i]);

		if (rmt_span_eq_nocase(pattern, host))
			return true;
		if (rmt_span_starts(pattern, RMT_SPAN("*.")) &&
		    rmt_span_split(host, '.', &first, &rest) &&
		    rmt_span_eq_nocase(rmt_span_from(pattern, 2), rest))
			return true;
	}
	return false;
}

const char *rmt_sts_mode_name(enum rmt_sts_mode mode)
{
	return modes[mode];
}
