/* SPDX-License-Identifier: MIT */
/* What is known of senders' domains: asked once, kept, renewed, never waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/auth/zone.h"
#include "common/rules/readiness.h"
#include "tests/unit/config.h"

enum { SECOND = 1000000 };

#define RSA2048                                                                          \
	"p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAy4QqSQvcolZH6r9rFTmGK2mEBGN925K"  \
	"tCLbT+rQp9c6McJGszol8chY7cm24BN1N0L+gk3gDKOe0/eM+YB76KPW5UMhuyXE9iz4Z17IyMc+R"  \
	"YWj+o+gSlQpE+cy4CvOC3c2FbO65lT0UfEU+i+DtGmd/wX+kM/zGYj1cHqIisyvKZTF1bV65q11Ke"  \
	"p7xRQfCmzQgBrJ3P0njb1cONXxydnYOpmCg/X7A1JXs+4yfP94sSBPdSLWd4bAmY8q9NEm6hqbI9v"  \
	"mn23MESjVJrDu6hIfBJ7vts8fA8VLX7UY1OkLl31wzmR86bYZuClbZOPe8keyOJs42IkJAlUNVmiD"  \
	"nPwIDAQAB"

static const char records[] = "good.example TXT \"v=spf1 ip4:198.51.100.1 -all\"\n"
			      "_dmarc.good.example TXT \"v=DMARC1; p=none\"\n"
			      "bad.example TXT \"v=spf1 -all\"\n"
			      "_dmarc.bad.example A 192.0.2.1\n"
			      "bounces.example TXT \"v=spf1 ip4:198.51.100.1 -all\"\n"
			      "s1._domainkey.good.example TXT \"v=DKIM1; " RSA2048 "\"\n"
			      "x._domainkey.bounces.example TXT \"v=DKIM1; p=\"\n"
			      "s1._domainkey.bad.example TXT \"v=DKIM1; p=\"\n"
			      "half.example TXT SERVFAIL\n"
			      "_dmarc.half.example A 192.0.2.1\n";

static const char text[] =
	"organization = [\"good.example\"]\n"
	"dns: { domains = 16  negative_ttl_max = \"60s\"  stale = \"1d\" }\n"
	"egress: { out: { addresses = [\"198.51.100.1\"] } }\n"
	"streams: {\n"
	" strict: { senders = [\"<>\"] egress = \"out\" require = [\"spf\", \"dmarc\"] "
	"}\n"
	" mild: { senders = [\"<>\"] egress = \"out\" on_unknown = \"defer\"\n"
	"  require = [\"spf=log\", \"dmarc=defer\"] }\n"
	" names: { senders = [\"<>\"] require = [\"free-mail\"] }\n"
	" path: { senders = [\"<>\"] egress = \"out\" require = [\"spf\"]\n"
	"  return_path: { address = \"b@bounces.example\" } }\n"
	" badpath: { senders = [\"<>\"] egress = \"out\" require = [\"spf\"]\n"
	"  return_path: { address = \"b@bad.example\" } }\n"
	" key: { senders = [\"<>\"] require = [\"dkim\"] dkim: { learn = true } }\n"
	" none: { senders = [\"<>\"] } }\n";

struct world {
	struct rmt_config *config;
	struct rmt_readiness *readiness;
	struct rmt_zone *zone;
	unsigned jobs;
};

static struct rmt_zone *zone_of(const char *from)
{
	struct rmt_zone *zone = rmt_zone_new();

	assert_true(rmt_zone_add_text(zone, "zone", rmt_span_of(from), NULL));
	return zone;
}

static void begin(struct world *world)
{
	*world = (struct world){ test_config(text), rmt_readiness_new(),
				 zone_of(records) };
	rmt_readiness_configure(world->readiness, world->config);
}

static void end(struct world *world)
{
	rmt_readiness_free(world->readiness);
	rmt_config_unref(world->config);
	rmt_zone_free(world->zone);
}

/* All that waits, answered from the zone. */
static void ask_dns(struct world *world, int64_t now_us)
{
	struct rmt_ready_job *job;
	GPtrArray *askers;
	guint i;

	while ((job = rmt_readiness_next(world->readiness)) != NULL) {
		while ((askers = rmt_ready_job_askers(job, 1700000000)) != NULL)
			for (i = 0; i < askers->len; i++)
				rmt_zone_run(world->zone, askers->pdata[i]);
		rmt_readiness_done(world->readiness, job, now_us);
		world->jobs++;
	}
}

static struct rmt_ready get(struct world *world, const char *stream, const char *domain,
			    int64_t now_us)
{
	struct rmt_ready ready;

	rmt_readiness_get(world->readiness, rmt_config_stream(world->config, stream),
			  rmt_span_of(domain), now_us, &ready);
	return ready;
}

static void assert_ready(const struct rmt_ready *ready, enum rmt_ready_state state,
			 const char *rule, enum rmt_level level)
{
	assert_int_equal(ready->state, state);
	assert_int_equal(ready->rule != NULL, rule != NULL);
	if (rule == NULL)
		return;
	assert_string_equal(ready->rule, rule);
	assert_int_equal(ready->level, level);
}

static void at_first_sight_nothing_is_known_and_dns_is_asked_once(void **state)
{
	struct world world;
	struct rmt_ready ready;
	int i;

	(void)state;
	begin(&world);
	for (i = 0; i < 5; i++) {
		ready = get(&world, "strict", "good.example", SECOND);
		assert_ready(&ready, RMT_READY_UNKNOWN, "R2", RMT_LEVEL_LOG);
	}
	ask_dns(&world, SECOND);
	assert_int_equal(world.jobs, 1);
	ready = get(&world, "strict", "good.example", SECOND);
	assert_ready(&ready, RMT_READY, NULL, 0);
	end(&world);
}

static char **seen(void *context, struct rmt_span domain)
{
	const char *const selectors[] = { "s1", NULL };

	++*(unsigned *)context;
	return rmt_span_eq(domain, RMT_SPAN("bounces.example"))
		       ? NULL
		       : g_strdupv((char **)selectors);
}

static void keys_are_looked_for_where_signatures_were_seen(void **state)
{
	static const struct {
		const char *domain;
		enum rmt_ready_state want;
		const char *rule;
	} rows[] = {
		{ "good.example", RMT_READY, NULL },
		{ "bad.example", RMT_NOT_READY, "R4" },
		{ "bounces.example", RMT_READY_UNKNOWN, "R4" },
	};
	struct world world;
	struct rmt_ready ready;
	unsigned looks = 0;
	size_t i;

	(void)state;
	begin(&world);
	rmt_readiness_learns(world.readiness, seen, &looks);
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		get(&world, "key", rows[i].domain, SECOND);
		ask_dns(&world, SECOND);
		ready = get(&world, "key", rows[i].domain, SECOND);
		if (ready.state != rows[i].want)
			fail_msg("%s: %d %s", rows[i].domain, ready.state,
				 ready.text != NULL ? ready.text : "");
		assert_string_equal(ready.rule != NULL ? ready.rule : "",
				    rows[i].rule != NULL ? rows[i].rule : "");
	}
	assert_int_equal(looks, 3);
	get(&world, "strict", "good.example", SECOND);
	ask_dns(&world, SECOND);
	assert_int_equal(looks, 3);
	end(&world);
}

static void what_is_missing_is_told_by_the_gravest_level(void **state)
{
	static const struct {
		const char *stream, *domain;
		enum rmt_ready_state first, then;
		const char *rule;
		enum rmt_level level;
	} rows[] = {
		{ "strict", "good.example", RMT_READY_UNKNOWN, RMT_READY, NULL, 0 },
		{ "strict", "bad.example", RMT_READY_UNKNOWN, RMT_NOT_READY, "R2",
		  RMT_LEVEL_REJECT },
		{ "mild", "bad.example", RMT_READY_UNKNOWN, RMT_NOT_READY, "R5",
		  RMT_LEVEL_DEFER },
		{ "names", "gmail.com", RMT_READY_UNKNOWN, RMT_NOT_READY, "R8",
		  RMT_LEVEL_REJECT },
		{ "names", "good.example", RMT_READY_UNKNOWN, RMT_READY, NULL, 0 },
		{ "none", "bad.example", RMT_READY, RMT_READY, NULL, 0 },
		/* What leaves has the stream's return path. */
		{ "path", "bad.example", RMT_READY_UNKNOWN, RMT_READY, NULL, 0 },
		{ "badpath", "good.example", RMT_READY_UNKNOWN, RMT_NOT_READY, "R2",
		  RMT_LEVEL_REJECT },
		/* What is surely missing is, whatever DNS keeps back. */
		{ "strict", "half.example", RMT_READY_UNKNOWN, RMT_NOT_READY, "R5",
		  RMT_LEVEL_REJECT },
		{ "strict", "", RMT_READY, RMT_READY, NULL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rmt_ready ready;
		struct world world;

		begin(&world);
		ready = get(&world, rows[i].stream, rows[i].domain, SECOND);
		assert_int_equal(ready.state, rows[i].first);
		ask_dns(&world, SECOND);
		ready = get(&world, rows[i].stream, rows[i].domain, SECOND);
		assert_ready(&ready, rows[i].then, rows[i].rule, rows[i].level);
		end(&world);
	}
}

static void on_unknown_may_defer_but_never_more(void **state)
{
	struct world world;
	struct rmt_ready ready;

	(void)state;
	begin(&world);
	ready = get(&world, "mild", "good.example", SECOND);
	assert_ready(&ready, RMT_READY_UNKNOWN, "R5", RMT_LEVEL_DEFER);
	end(&world);
}

/* While DNS is down what was good stays good, a day for our own domain and an hour
 * for others; what was missing is unknown. */
static void old_answers_hold_for_a_while_without_dns(void **state)
{
	static const char silent[] = "good.example ANY TIMEOUT\nbad.example ANY TIMEOUT\n"
				     "_dmarc.good.example ANY TIMEOUT\n"
				     "_dmarc.bad.example ANY TIMEOUT\n"
				     "_dmarc.example ANY TIMEOUT\n"
				     "other.example ANY TIMEOUT\n"
				     "_dmarc.other.example ANY TIMEOUT\n";
	static const char more[] = "other.example TXT \"v=spf1 ip4:198.51.100.1 -all\"\n"
				   "_dmarc.other.example TXT \"v=DMARC1; p=none\"\n";
	static const struct {
		int64_t secs;
		enum rmt_ready_state good, other, bad;
	} rows[] = {
		{ 0, RMT_READY, RMT_READY, RMT_NOT_READY },
		{ 3590, RMT_READY, RMT_READY, RMT_READY_UNKNOWN },
		{ 3700, RMT_READY, RMT_READY_UNKNOWN, RMT_READY_UNKNOWN },
		{ 86000, RMT_READY, RMT_READY_UNKNOWN, RMT_READY_UNKNOWN },
		{ 87000, RMT_READY_UNKNOWN, RMT_READY_UNKNOWN, RMT_READY_UNKNOWN },
	};
	static const char *const domains[] = { "good.example", "other.example",
					       "bad.example" };
	struct world world;
	size_t i, k;

	(void)state;
	begin(&world);
	assert_true(rmt_zone_add_text(world.zone, "more", rmt_span_of(more), NULL));
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		const int64_t now_us = (rows[i].secs + 1) * SECOND;
		const enum rmt_ready_state want[] = { rows[i].good, rows[i].other,
						      rows[i].bad };

		for (k = 0; k < 3; k++)
			get(&world, "strict", domains[k], now_us);
		ask_dns(&world, now_us);
		for (k = 0; k < 3; k++)
			assert_int_equal(get(&world, "strict", domains[k], now_us).state,
					 want[k]);
		if (i == 0) {
			rmt_zone_free(world.zone);
			world.zone = zone_of(silent);
		}
	}
	end(&world);
}

static void what_failed_is_tried_again_and_less_and_less_often(void **state)
{
	static const int64_t asked_at[] = { 0, 15, 45, 105, 225, 465, 765, 1065 };
	struct world world;
	size_t next = 0;
	int64_t secs;

	(void)state;
	begin(&world);
	for (secs = 0; secs < 1100; secs++) {
		const unsigned before = world.jobs;

		get(&world, "mild", "half.example", secs * SECOND);
		ask_dns(&world, secs * SECOND);
		if (world.jobs > before) {
			assert_true(next < G_N_ELEMENTS(asked_at));
			assert_int_equal(secs, asked_at[next]);
			next++;
		}
	}
	assert_int_equal(next, G_N_ELEMENTS(asked_at));
	end(&world);
}

static void only_so_many_domains_are_remembered(void **state)
{
	struct rmt_readiness_stats stats;
	struct world world;
	int i;

	(void)state;
	begin(&world);
	get(&world, "strict", "good.example", SECOND);
	ask_dns(&world, SECOND);
	for (i = 0; i < 1000; i++) {
		g_autofree char *domain = g_strdup_printf("d%d.example", i);

		get(&world, "strict", domain, (3 + i) * (int64_t)SECOND);
		/* Often asked for, so never the oldest. */
		get(&world, "strict", "good.example", (3 + i) * (int64_t)SECOND);
	}
	rmt_readiness_stats(world.readiness, &stats);
	assert_int_equal(stats.domains, 16);
	assert_int_equal(get(&world, "strict", "good.example", 2000LL * SECOND).state,
			 RMT_READY);
	end(&world);
}

static void a_domain_forgotten_while_dns_is_asked_does_no_harm(void **state)
{
	struct rmt_ready_job *job;
	struct world world;
	int i;

	(void)state;
	begin(&world);
	get(&world, "strict", "good.example", SECOND);
	job = rmt_readiness_next(world.readiness);
	assert_non_null(rmt_ready_job_askers(job, 0));
	for (i = 0; i < 20; i++) {
		g_autofree char *domain = g_strdup_printf("d%d.example", i);

		get(&world, "strict", domain, SECOND);
	}
	assert_null(rmt_ready_job_askers(job, 0));
	rmt_readiness_done(world.readiness, job, SECOND);
	end(&world);
}

static void a_new_configuration_keeps_what_streams_still_ask(void **state)
{
	g_autofree char *other = g_strdup(text);
	struct rmt_config *config;
	struct world world;

	(void)state;
	begin(&world);
	get(&world, "strict", "good.example", SECOND);
	get(&world, "mild", "good.example", SECOND);
	ask_dns(&world, SECOND);
	/* The order of streams and their levels change, what mild asks does, too. */
	memcpy(strstr(other, "spf=log"), "spf=off", 7);
	config = test_config(other);
	rmt_readiness_configure(world.readiness, config);
	/* Also a stream of the configuration before is known, by its name. */
	assert_int_equal(get(&world, "strict", "good.example", SECOND).state, RMT_READY);
	assert_int_equal(get(&world, "mild", "good.example", SECOND).state,
			 RMT_READY_UNKNOWN);
	rmt_config_unref(config);
	end(&world);
}

static void every_requirement_is_explained(void **state)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct rmt_ready ready;
	struct world world;

	(void)state;
	begin(&world);
	rmt_readiness_explain(world.readiness, rmt_config_stream(world.config, "strict"),
			      RMT_SPAN("bad.example"), SECOND, &ready, out);
	assert_string_equal(out->str,
			    "require spf (R2): unknown: DNS has not answered yet\n"
			    "require dmarc (R5): unknown: DNS has not answered yet\n");
	get(&world, "strict", "bad.example", SECOND);
	ask_dns(&world, SECOND);
	g_string_truncate(out, 0);
	rmt_readiness_explain(world.readiness, rmt_config_stream(world.config, "strict"),
			      RMT_SPAN("bad.example"), 4 * SECOND, &ready, out);
	assert_string_equal(
		out->str, "require spf (R2): is missing: 198.51.100.1: SPF of "
			  "bad.example says fail -> reject\n"
			  "require dmarc (R5): is missing: _dmarc.bad.example: there is "
			  "no DMARC record -> reject\n"
			  "require: asked 3 s ago, again later\n");
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_first_sight_nothing_is_known_and_dns_is_asked_once),
		cmocka_unit_test(keys_are_looked_for_where_signatures_were_seen),
		cmocka_unit_test(what_is_missing_is_told_by_the_gravest_level),
		cmocka_unit_test(on_unknown_may_defer_but_never_more),
		cmocka_unit_test(old_answers_hold_for_a_while_without_dns),
		cmocka_unit_test(what_failed_is_tried_again_and_less_and_less_often),
		cmocka_unit_test(only_so_many_domains_are_remembered),
		cmocka_unit_test(a_domain_forgotten_while_dns_is_asked_does_no_harm),
		cmocka_unit_test(a_new_configuration_keeps_what_streams_still_ask),
		cmocka_unit_test(every_requirement_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
