/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/config/config.h"

static char *joined(GPtrArray *complaints)
{
	GString *all = g_string_new(NULL);
	guint i;

	for (i = 0; i < complaints->len; i++)
		g_string_append_printf(all, "%s\n",
				       (const char *)g_ptr_array_index(complaints, i));
	return g_string_free(all, FALSE);
}

static struct rmt_config *read_good(const char *text)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read_text("t.conf", text, &complaints);
	g_autofree char *all = joined(complaints);

	assert_string_equal(all, "");
	assert_non_null(config);
	return config;
}

static void assert_complaints(const char *text, const char *want)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read_text("t.conf", text, &complaints);
	g_autofree char *all = joined(complaints);

	assert_string_equal(all, want);
	assert_null(config);
}

static void without_a_file_it_reports_and_limits_nothing(void **state)
{
	g_autoptr(GPtrArray) complaints = NULL;
	g_autoptr(rmt_config) config = rmt_config_read(NULL, &complaints);
	const struct rmt_stream *stream;

	(void)state;
	assert_non_null(config);
	assert_int_equal(complaints->len, 0);
	assert_int_equal(config->mode, RMT_MODE_REPORT);
	assert_string_equal(config->state, "/var/lib/remite");
	assert_string_equal(config->policyd.listen[0],
			    "unix:/var/spool/postfix/remite/policy");
	assert_null(config->policyd.listen[1]);
	assert_int_equal(config->policyd.socket_mode, 0660);
	assert_string_equal(config->policyd.control, "/run/remite/policyd.ctl");
	assert_int_equal(config->policyd.trouble_action, RMT_ACTION_DUNNO);
	assert_int_equal(config->policyd.reserve_timeout_ns, 60LL * RMT_NS_PER_SEC);
	assert_int_equal(config->policyd.max_connections, 10000);
	assert_int_equal(config->policyd.max_request, 65536);
	assert_null(config->policyd.stages);
	assert_true(config->policyd.log_passed);
	assert_int_equal(config->streams->len, 1);
	stream = rmt_config_stream(config, "default");
	assert_non_null(stream);
	assert_int_equal(stream->limits->len, 0);
	assert_null(stream->suppress);
	assert_int_equal(stream->suppress_action, RMT_ACTION_REJECT);
}

static const char full[] =
	"organization = [\"Example.com\", \"m\xc3\xbcnchen.example\"]\n"
	"mode = \"enforce\"\n"
	"policyd: { listen = \"inet:127.0.0.1:10031\" socket_mode = \"0666\"\n"
	"	max_request = \"128k\" stages = [\"RCPT\"] }\n"
	"fold: { ours: { domains = \"example.com\" delimiter = \"+\" } }\n"
	"egress: { bulk: { addresses = [\"192.0.2.20\"] transport = \"smtp-bulk:\" } }\n"
	"streams: {\n"
	"	news: {\n"
	"		senders = \"*@news.example.com\"\n"
	"		sasl_users = [\"newsletter\"]\n"
	"		class = \"promotional\" mode = \"report\"\n"
	"		egress = \"bulk\" egress_by_filter = true\n"
	"		suppress = [] suppress_action = \"defer\"\n"
	"		limits: {\n"
	"			day: { per = \"stream\" quota = \"200k/day\" }\n"
	"			provider: { per = \"sender+recipient_domain\"\n"
	"				rate = \"1000/minute\" burst = 2000 of = "
	"\"messages\"\n"
	"				action = \"reject\" text = \"5.7.1 {limit}: "
	"{retry}\"\n"
	"				overrides = [\"Ann+x@example.com+B.example "
	"5/12h\",\n"
	"					\"bob@example.com+c.example none\"] }\n"
	"		}\n"
	"	}\n"
	"	default: { limits: { u: { per = \"client\" quota = \"5M/30d\" of = "
	"\"bytes\"\n"
	"		exempt = \"192.0.2.0/24\" action = \"hold\" } } }\n"
	"}\n";

static void every_part_of_a_stream_is_read(void **state)
{
	g_autoptr(rmt_config) config = read_good(full);
	const struct rmt_stream *news = rmt_config_stream(config, "news");

	(void)state;
	assert_string_equal(config->organization[0], "example.com");
	assert_string_equal(config->organization[1], "xn--mnchen-3ya.example");
	assert_true(rmt_list_has(config->own_domains, RMT_SPAN("example.com")));
	assert_int_equal(config->policyd.max_request, 131072);
	assert_int_equal(config->streams->len, 2);
	assert_int_equal(news->index, 0);
	assert_string_equal(news->class, "promotional");
	assert_int_equal(news->mode, RMT_MODE_REPORT);
	assert_string_equal(news->egress->transport, "smtp-bulk:");
	assert_true(news->egress_by_filter);
	assert_non_null(news->suppress);
	assert_null(news->suppress[0]);
	assert_int_equal(news->suppress_action, RMT_ACTION_DEFER);
	assert_true(rmt_list_has(news->senders, RMT_SPAN("a@news.example.com")));
	assert_true(rmt_list_has(news->sasl_users, RMT_SPAN("newsletter")));
	assert_null(news->clients);
	assert_int_equal(rmt_config_stream(config, "default")->mode, RMT_MODE_ENFORCE);
	assert_null(rmt_config_stream(config, "nobody"));
}

static void every_part_of_a_limit_is_read(void **state)
{
	g_autoptr(rmt_config) config = read_good(full);
	const struct rmt_stream *news = rmt_config_stream(config, "news");
	const struct rmt_limit *day = g_ptr_array_index(news->limits, 0);
	const struct rmt_limit *provider = g_ptr_array_index(news->limits, 1);
	const struct rmt_amount *override;

	(void)state;
	assert_string_equal(day->id, "news/day");
	assert_int_equal(day->line, 15);
	assert_int_equal(day->per, RMT_PER_STREAM);
	assert_int_equal(day->of, RMT_UNIT_RECIPIENTS);
	assert_int_equal(day->action, RMT_ACTION_DEFER);
	assert_true(day->amount.is_quota);
	assert_int_equal(day->amount.count, 200000);
	assert_int_equal(day->amount.period_ns, 86400LL * RMT_NS_PER_SEC);
	assert_null(day->overrides);
	assert_int_equal(provider->per, RMT_PER_SENDER | RMT_PER_RECIPIENT_DOMAIN);
	assert_int_equal(provider->of, RMT_UNIT_MESSAGES);
	assert_int_equal(provider->amount.burst, 2000);
	assert_string_equal(provider->text, "5.7.1 {limit}: {retry}");
	override = g_hash_table_lookup(provider->overrides, "ann@example.com+b.example");
	assert_non_null(override);
	assert_int_equal(override->count, 5);
	assert_int_equal(override->period_ns, 43200LL * RMT_NS_PER_SEC);
	assert_int_equal(override->burst, 2000);
	assert_true(
		rmt_list_has(provider->exempt, RMT_SPAN("bob@example.com+c.example")));
}

static void all_complaints_come_in_one_run(void **state)
{
	(void)state;
	assert_complaints(
		"stroe = \"x\"\n"
		"mode = \"enforced\"\n"
		"policyd: { reserve_timeout = \"7x\"\n"
		"	listen = [\"unix:rel\"] }\n"
		"streams: { news: { require = [\"spf\"]\n"
		"	limits: {\n"
		"		day: { per = \"stream\" quota = \"20k/dya\" }\n"
		"		none: { per = \"user\" }\n"
		"	} } }\n",
		"t.conf:1: unknown setting 'stroe' (did you mean 'state'?)\n"
		"t.conf:2: mode: 'enforced' is none of the choices (write \"report\", "
		"\"enforce\")\n"
		"t.conf:3: policyd: reserve_timeout: '7x' is not a duration (write 30s, "
		"10m, 12h, 7d)\n"
		"t.conf:4: policyd: listen: 'rel' is no absolute path\n"
		"t.conf:5: stream 'news': setting 'require' is not in this version\n"
		"t.conf:7: limit 'day': '20k/dya' is not a quota (write 200/minute, "
		"5000/day)\n"
		"t.conf:8: limit 'none': per: 'user' is nothing to count by (write "
		"stream, sasl_user, sender, sender_domain, client, recipient, "
		"recipient_domain; '+' joins them)\n"
		"t.conf:8: limit 'none': needs exactly one of 'rate' and 'quota'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_it_reports_and_limits_nothing),
		cmocka_unit_test(every_part_of_a_stream_is_read),
		cmocka_unit_test(every_part_of_a_limit_is_read),
		cmocka_unit_test(all_complaints_come_in_one_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
