/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/config/config.h"
#include "common/config/reader.h"

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
	"	max_request = \"128k\" stages = [\"RCPT\", \"END-OF-MESSAGE\"] }\n"
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
		"streams: { news: { pause = [\"spf\"]\n"
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
		"t.conf:5: stream 'news': 'pause' must be a group (write pause: { ... "
		"})\n"
		"t.conf:7: limit 'day': '20k/dya' is not a quota (write 200/minute, "
		"5000/day)\n"
		"t.conf:8: limit 'none': per: 'user' is nothing to count by (write "
		"stream, sasl_user, sender, sender_domain, client, recipient, "
		"recipient_domain; '+' joins them)\n"
		"t.conf:8: limit 'none': needs exactly one of 'rate' and 'quota'\n");
}

/* One limit in one stream; what is said of it, without file, line and name. */
static char *said_of_limit(const char *limit, bool *good_r)
{
	g_autofree char *text = g_strdup_printf(
		"fold: { f: { domains = \"x.example\" delimiter = \"+\" } }\n"
		"streams: { s: { limits: { l: { %s } } } }\n",
		limit);
	g_autoptr(GPtrArray) complaints = NULL;
	g_autoptr(rmt_config) config = rmt_config_read_text("t", text, &complaints);
	GString *all = g_string_new(NULL);
	const char *line;
	guint i;

	for (i = 0; i < complaints->len; i++) {
		line = g_ptr_array_index(complaints, i);
		line += g_str_has_prefix(line, "t:2: limit 'l': ") ? 16 : 0;
		g_string_append_printf(all, "%s%s", i > 0 ? "\n" : "", line);
	}
	*good_r = config != NULL;
	return g_string_free(all, FALSE);
}

static void contradictions_of_a_limit_are_refused(void **state)
{
	static const struct {
		const char *limit, *want;
	} cases[] = {
		{ "rate = \"1/minute\"", "has no 'per' (write per = \"stream\")" },
		{ "per = \"stream\"", "needs exactly one of 'rate' and 'quota'" },
		{ "per = \"stream\" rate = \"1/day\" quota = \"1/day\"",
		  "needs exactly one of 'rate' and 'quota'" },
		{ "per = \"stream\" rate = 5",
		  "'5' is not a rate (write 200/minute, 5000/day)" },
		{ "per = \"stream\" quota = \"9/day\" burst = 3",
		  "burst: belongs to a rate, and this is a quota" },
		{ "per = \"stream\" rate = \"9/day\" burst = 0",
		  "burst: '0' is out of bounds (1 to 1000000000000000)" },
		{ "per = \"sender+recipient\" rate = \"9/day\" action = \"hold\"",
		  "action: 'hold' takes the whole message, so a limit that depends on "
		  "the "
		  "recipient cannot have it (write \"defer\" or \"reject\")" },
		{ "per = \"sender\" rate = \"9/day\" action = \"hold\" "
		  "recipient_domains = \"y.example\"",
		  "action: 'hold' takes the whole message, so a limit that depends on "
		  "the "
		  "recipient cannot have it (write \"defer\" or \"reject\")" },
		{ "per = \"sender\" rate = \"9/day\" action = \"discard\"",
		  "action: 'discard' loses mail (write allow_discard = true if that is "
		  "meant)" },
		{ "per = \"sender\" rate = \"9/day\" action = \"drop\"",
		  "action: 'drop' is none of the choices (write \"report\", \"defer\", "
		  "\"reject\", \"hold\", \"discard\")" },
		{ "per = \"sender\" rate = \"9/day\" text = \"5.7.1 no\"",
		  "text: '5.7.1 no' has a status code that does not fit action 'defer' "
		  "(write 4.x.x)" },
		{ "per = \"sender\" rate = \"9/day\" exempt = \"x.example\"",
		  "exempt: 'x.example' is no address (write *@x.example)" },
		{ "per = \"client\" rate = \"9/day\" overrides = \"192.0.2.300 1/day\"",
		  "overrides: '192.0.2.300' is no address (write 192.0.2.20 or "
		  "2001:db8::20)" },
		{ "per = \"sender\" rate = \"9/day\" overrides = [\"a@x.example\"]",
		  "overrides: 'a@x.example' is not a key and an amount (write "
		  "\"ann@example.org 5000/day\", or \"ann@example.org none\" for no "
		  "limit)" },
		{ "per = \"sender\" rate = \"9/day\" overrides = [\"a@x.example 9\"]",
		  "overrides: '9' is not a rate (write 200/minute, 5000/day)" },
		{ "per = \"sender\" rate = \"9/day\" overrides = [\"a@x.example 1/day\", "
		  "\"A+b@x.example 2/day\"]",
		  "overrides: 'a@x.example' has two amounts" },
		{ "per = \"sender+client\" rate = \"9/day\" overrides = [\"a@x.example "
		  "1/day\"]",
		  "overrides: 'a@x.example' has not the 2 values of the limit's key, "
		  "joined "
		  "by '+'" },
		{ "per = \"sender\" rate = \"9/day\" overrides = \"file:/nonexistent\"",
		  "overrides: cannot open /nonexistent: No such file or directory" },
		{ "per = \"sender\" rate = \"9/day\" brust = 3",
		  "unknown setting 'brust' (did you mean 'burst'?)" },
		{ "per = [\"sender\"] rate = \"9/day\"",
		  "per: 'a list or group' is not a string (write it in quotes)" },
	};
	bool good;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *said = said_of_limit(cases[i].limit, &good);

		assert_string_equal(said, cases[i].want);
		assert_false(good);
	}
}

static void warnings_leave_a_limit_in_force(void **state)
{
	bool good;
	g_autofree char *said =
		said_of_limit("per = \"sender\" rate = \"9/day\" text = \"x\" "
			      "action = \"report\"",
			      &good);

	(void)state;
	assert_true(good);
	assert_string_equal(said,
			    "t:2: warning: limit 'l': text: is never seen with action "
			    "'report'");
}

static void a_limit_that_another_hides_is_named(void **state)
{
	g_autoptr(GPtrArray) complaints = NULL;
	g_autoptr(rmt_config) config = rmt_config_read_text(
		"t",
		"streams: { s: { limits: {\n"
		"a: { per = \"sender\" quota = \"100/day\" }\n"
		"b: { per = \"sender\" quota = \"200/day\" }\n"
		"c: { per = \"sender\" quota = \"50/day\" }\n"
		"d: { per = \"sender\" quota = \"200/hour\" }\n"
		"e: { per = \"client\" quota = \"200/day\" } } } }\n",
		&complaints);

	(void)state;
	assert_non_null(config);
	assert_int_equal(complaints->len, 1);
	assert_string_equal(
		g_ptr_array_index(complaints, 0),
		"t:3: warning: limit 'b': can never decide: 'a' before it counts "
		"the same and is no wider");
}

static void limits_that_count_no_null_sender_are_named(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "s: {\nsenders = [\"<>\"] limits: { l: { per = \"stream\" rate = "
		  "\"9/day\" "
		  "} } }",
		  "t:2: warning: stream 's': senders: mail from <> is not counted by the "
		  "stream's limits without charge_null_sender = true" },
		{ "s: { senders = [\"*@example.com\"] limits: { l: { per = \"stream\" "
		  "rate = \"9/day\" } } }",
		  NULL },
		{ "s: { senders = [\"<>\"] }", NULL },
	};
	size_t i, charged;

	(void)state;
	for (i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) complaints = NULL;
		g_autoptr(rmt_config) config = NULL;
		g_autofree char *text = NULL;
		const char *want = cases[i / 2].want;

		charged = i % 2;
		text = g_strdup_printf("charge_null_sender = %s; streams: { %s }",
				       charged ? "true" : "false", cases[i / 2].text);
		config = rmt_config_read_text("t", text, &complaints);
		assert_non_null(config);
		if (want == NULL || charged) {
			assert_int_equal(complaints->len, 0);
		} else {
			assert_int_equal(complaints->len, 1);
			assert_string_equal(g_ptr_array_index(complaints, 0), want);
		}
	}
}

static void contradictions_of_streams_are_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "streams: { a: { }\nb: { senders = \"<>\" } }",
		  "t.conf:1: stream 'a': has no condition, so it takes all mail: it must "
		  "be "
		  "the last one\n" },
		{ "streams: { default: { senders = \"<>\" } }",
		  "t.conf:1: stream 'default': takes what no other stream takes, so it "
		  "can "
		  "have no conditions (give it another name)\n" },
		{ "streams: { a: { senders = [] } }",
		  "t.conf:1: stream 'a': senders: is empty, so nothing would match "
		  "(leave it "
		  "out, or name something)\n" },
		{ "streams: { a: { egress = \"bulk\" } }",
		  "t.conf:1: stream 'a': egress: there is no 'bulk' (write egress: { "
		  "bulk: { "
		  "addresses = [...] } })\n" },
		{ "streams: { a: { egress_by_filter = true } }",
		  "t.conf:1: stream 'a': egress_by_filter: needs an egress that has a "
		  "transport\n" },
		{ "streams: { a* = { } }",
		  "t.conf:1: stream 'a*': is no name (letters, digits, "
		  "'-' and '_', at most 63)\n" },
		{ "streams = \"x\"",
		  "t.conf:1: 'streams' must be a group (write streams: { "
		  "... })\n" },
		{ "egress: { a: { } }", "t.conf:1: egress 'a': has no 'addresses' (write "
					"addresses = [\"192.0.2.20\"])\n" },
		{ "fold: { a: { } }",
		  "t.conf:1: fold 'a': has no 'domains' (write domains = "
		  "[\"example.com\"])\n" },
		{ "policyd: { listen = [\"inet:h:1\", \"inet:h:1\"] }",
		  "t.conf:1: policyd: listen: 'inet:h:1' stands there twice\n" },
		{ "policyd: { socket_mode = 9 }",
		  "t.conf:1: policyd: socket_mode: '9' is not a file mode (write "
		  "\"0660\")\n" },
		{ "policyd: { max_request = \"1k\" }",
		  "t.conf:1: policyd: max_request: '1k' is out of bounds (4096 to "
		  "16777216)\n" },
		{ "mode = \"report\"\nmode = \"enforce\"",
		  "t.conf:2: duplicate setting name (or in the line before; "
		  "remite.conf(5) tells the syntax)\n" },
		{ "mode = ", "t.conf:1: syntax error (or in the line before; "
			     "remite.conf(5) tells the syntax)\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_complaints(cases[i].text, cases[i].want);
}

static void a_stream_without_conditions_is_the_default_by_any_name(void **state)
{
	g_autoptr(rmt_config) config =
		read_good("streams: { a: { senders = \"<>\" } rest: { } }");

	(void)state;
	assert_int_equal(config->streams->len, 2);
	assert_null(rmt_config_stream(config, "default"));
}

/* A directory with files, gone at the end of the test. */
struct place {
	char *dir, *main, *other;
};

static struct place make_place(const char *main_text, const char *other_text)
{
	struct place place = { g_dir_make_tmp("remite-conf-XXXXXX", NULL), NULL, NULL };

	place.main = g_build_filename(place.dir, "remite.conf", NULL);
	place.other = g_build_filename(place.dir, "more.conf", NULL);
	assert_true(g_file_set_contents(place.main, main_text, -1, NULL));
	assert_true(g_file_set_contents(place.other, other_text, -1, NULL));
	return place;
}

static void clear_place(struct place *place)
{
	unlink(place->main);
	unlink(place->other);
	rmdir(place->dir);
	g_free(place->dir);
	g_free(place->main);
	g_free(place->other);
}

static void an_included_file_stands_beside_and_is_named(void **state)
{
	struct place place = make_place("mode = \"enforce\"\n@include \"more.conf\"\n",
					"\nstate = \"relative\"\n");
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read(place.main, &complaints);
	g_autofree char *want = g_strdup_printf(
		"%s:2: state: 'relative' is no absolute path", place.other);

	(void)state;
	assert_null(config);
	assert_int_equal(complaints->len, 1);
	assert_string_equal(g_ptr_array_index(complaints, 0), want);
	clear_place(&place);
}

static void a_host_that_only_takes_mail_in_has_no_place_behind_the_signer(void **state)
{
#define AFTER "unix:/var/spool/postfix/remite/after"
	static const struct {
		const char *places, *after; /* NULL: none */
	} rows[] = {
		{ "", AFTER },
		{ "inbound = \"unix:/i\"", NULL },
		{ "inbound = \"unix:/i\" after = \"unix:/a\"", "unix:/a" },
		{ "inbound = \"unix:/i\" before = \"unix:/b\"", AFTER },
		{ "before = \"unix:/b\"", AFTER },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strdup_printf("milter: { %s }", rows[i].places);
		g_autoptr(rmt_config) config = read_good(text);

		if (g_strcmp0(config->milter.after, rows[i].after) != 0)
			fail_msg("%s: %s", rows[i].places, config->milter.after);
	}
}

static void rules_have_levels_in_every_stream(void **state)
{
	g_autoptr(rmt_config) config = read_good(
		"milter: { deadline = \"3s\" }\n"
		"streams: { a: { senders = \"<>\" rules: { align = \"defer\" } } }");
	const struct rmt_stream *a = rmt_config_stream(config, "a");
	const struct rmt_stream *rest = rmt_config_stream(config, "default");

	(void)state;
	assert_int_equal(config->milter.deadline_ns, 3000000000);
	assert_string_equal(config->milter.after, "unix:/var/spool/postfix/remite/after");
	assert_int_equal(a->rules[RMT_RULES_ALIGN], RMT_LEVEL_DEFER);
	assert_int_equal(a->rules[RMT_RULES_FROM], RMT_LEVEL_REJECT);
	assert_int_equal(a->rules[RMT_RULES_BULK], RMT_LEVEL_LOG);
	assert_int_equal(rest->rules[RMT_RULES_ALIGN], RMT_LEVEL_REJECT);
	assert_int_equal(rest->rules[RMT_RULES_BULK], RMT_LEVEL_LOG);
}

static void what_a_stream_requires_has_levels(void **state)
{
	static const char text[] =
		"organization = [\"example.com\"]\n"
		"dns: { servers = [\"192.0.2.53\", \"::1@5353\"] deadline = \"3s\" }\n"
		"egress: { out: { addresses = [\"192.0.2.1\"] } }\n"
		"streams: { news: { senders = [\"*@n.example\"] egress = \"out\"\n"
		" require = [\"spf\", \"ptr=log\", \"dkim=defer\", \"dmarc=off\",\n"
		"  \"aligned=log\", \"one-click\"]\n"
		" rules: { align = \"defer\" }\n"
		" on_unknown = \"defer\"\n"
		" dkim: { selectors = [\"s1\"] domain = \"example.com\" }\n"
		" binding: { level = \"reject\" align = \"strict\"\n"
		"  users = [\"ann example.com B\xc3\xbc"
		"cher.example\", \"ann n.example\"] } } }\n";
	GPtrArray *complaints = NULL;
	g_autoptr(rmt_config) config = rmt_config_read_text("t.conf", text, &complaints);
	const struct rmt_stream *news, *last;
	const GPtrArray *domains;

	(void)state;
	assert_non_null(config);
	g_ptr_array_unref(complaints);
	news = config->streams->pdata[0];
	last = config->streams->pdata[1];
	assert_int_equal(news->require[RMT_REQUIRE_SPF], RMT_LEVEL_REJECT);
	assert_int_equal(news->require[RMT_REQUIRE_PTR], RMT_LEVEL_LOG);
	assert_int_equal(news->require[RMT_REQUIRE_DKIM], RMT_LEVEL_DEFER);
	assert_int_equal(news->require[RMT_REQUIRE_DMARC], RMT_LEVEL_OFF);
	assert_int_equal(news->rules[RMT_RULES_ALIGN], RMT_LEVEL_DEFER);
	assert_int_equal(news->rules[RMT_RULES_UNSUBSCRIBE], RMT_LEVEL_REJECT);
	assert_int_equal(news->on_unknown, RMT_LEVEL_DEFER);
	assert_string_equal(news->dkim.selectors[0], "s1");
	assert_true(news->requires && news->gated);
	assert_false(last->requires || last->gated);
	assert_int_equal(last->on_unknown, RMT_LEVEL_LOG);
	domains = g_hash_table_lookup(news->binding.users, "ann");
	assert_int_equal(domains->len, 3);
	assert_string_equal(domains->pdata[1], "xn--bcher-kva.example");
	assert_string_equal(config->dns.servers[1], "::1@5353");
	assert_int_equal(config->dns.negative_ttl_max_ns, 300LL * RMT_NS_PER_SEC);
}

static void what_cannot_be_required_is_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "streams: { a: { require = [\"spv\"] } }",
		  "t.conf:1: stream 'a': require: 'spv' is nothing to require (write "
		  "\"spf\", \"spf-record\", \"dkim\", \"dmarc\", \"ptr\", "
		  "\"free-mail\", \"exists\", \"can-reply\", \"scripts\", \"aligned\", "
		  "\"one-click\", or one of them with =off, =log, =defer, =reject)\n" },
		{ "streams: { a: { require = [\"spf\"] } }",
		  "t.conf:1: stream 'a': require: 'spf' and 'ptr' are about the "
		  "addresses mail leaves from (write egress = \"NAME\", a group in "
		  "egress)\n" },
		{ "streams: { a: { require = [\"dkim\"] } }",
		  "t.conf:1: stream 'a': require: 'dkim' needs to know under which name "
		  "the key is published (write dkim: { selectors = [\"s2026\"] }, or "
		  "learn = true where remite-milter sees the stream)\n" },
		{ "streams: { a: { binding: { users = [\"ann\"] } } }",
		  "t.conf:1: stream 'a': users: 'ann' names no domain (write "
		  "\"USER DOMAIN ...\")\n" },
		{ "dns: { servers = [\"ns.example\"] }",
		  "t.conf:1: dns: servers: 'ns.example' is no name server (write "
		  "\"192.0.2.53\" or \"::1@5353\")\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_complaints(rows[i].text, rows[i].want);
}

static void a_file_that_cannot_be_read_is_a_complaint(void **state)
{
	g_autoptr(GPtrArray) missing = NULL, directory = NULL;

	(void)state;
	assert_null(rmt_config_read("/nonexistent/r.conf", &missing));
	assert_string_equal(
		g_ptr_array_index(missing, 0),
		"/nonexistent/r.conf: cannot open it: No such file or directory");
	assert_null(rmt_config_read("/tmp", &directory));
	assert_string_equal(g_ptr_array_index(directory, 0),
			    "/tmp: cannot read it: it is a directory");
}

/* What is asked where the file says this, and whether it is whole. */
static void assert_control(const char *text, const char *want, bool want_whole)
{
	char path[] = "/tmp/remite-control-XXXXXX";
	int fd = mkstemp(path);
	g_autoptr(GPtrArray) complaints = NULL;
	g_autofree char *control = NULL;
	bool whole;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	control = rmt_config_read_control(path, &whole, &complaints);
	unlink(path);
	assert_string_equal(control, want);
	assert_int_equal(whole, want_whole);
	assert_int_equal(complaints->len, want_whole ? 0 : 1);
}

static void policyd_is_found_by_a_file_with_errors(void **state)
{
	g_autoptr(GPtrArray) none = NULL, missing = NULL;
	g_autofree char *standard = NULL, *unread = NULL;
	bool whole;

	(void)state;
	standard = rmt_config_read_control(NULL, &whole, &none);
	assert_true(whole);
	unread = rmt_config_read_control("/nonexistent/r.conf", &whole, &missing);
	assert_false(whole);
	assert_string_equal(unread, standard);
	assert_control("policyd: { control = \"/run/x/ctl\" }", "/run/x/ctl", true);
	assert_control("policyd: { control = \"/run/x/ctl\" }\nmode = \"sleep\"",
		       "/run/x/ctl", false);
	assert_control("policyd: { control = 7 }", standard, false);
	assert_control("policyd: { control = \"/run/x/ctl\" ", standard, false);
}

static char *dump_of(const struct rmt_config *config)
{
	GString *out = g_string_new(NULL);

	rmt_config_dump(config, out);
	return g_string_free(out, FALSE);
}

static void a_dump_reads_as_the_same_configuration(void **state)
{
	g_autoptr(rmt_config) first = read_good(full);
	g_autofree char *text = dump_of(first);
	g_autoptr(rmt_config) second = read_good(text);
	g_autofree char *again = dump_of(second);

	(void)state;
	assert_non_null(strstr(text, "max_connections = 10000\n"));
	assert_non_null(strstr(text, "quota = \"200k/day\"\n"));
	assert_string_equal(text, again);
	assert_int_equal(second->streams->len, first->streams->len);
}

static void the_list_of_settings_has_four_columns_each(void **state)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_auto(GStrv) lines = NULL;
	char **line;

	(void)state;
	rmt_settings_list(out);
	assert_non_null(strstr(out->str, "policyd.reserve_timeout\tduration\t\"60s\"\t"));
	assert_non_null(strstr(out->str, "streams.NAME.limits.NAME.of\t"
					 "messages|recipients|bytes\t\"recipients\"\t"));
	lines = g_strsplit(out->str, "\n", -1);
	for (line = lines; **line != '\0'; line++) {
		g_auto(GStrv) columns = g_strsplit(*line, "\t", -1);

		assert_int_equal(g_strv_length(columns), 4);
		assert_true(columns[2][0] != '\0' && columns[3][0] != '\0');
	}
}

#define NEWS(text)                                                                       \
	"streams: { news: { senders = [\"*@x.test\"]  unsubscribe: { " text " } } }"
#define COMPLAINT "t.conf:1: stream 'news': "

static void unsubscribe_settings_are_read_with_their_defaults(void **state)
{
	struct rmt_config *config =
		read_good(NEWS("https = \"https://m.test/u/\"  lists = [\"weekly\"]"));
	const struct rmt_stream *stream = rmt_config_stream(config, "news");

	(void)state;
	assert_true(rmt_has_unsubscribe(stream));
	assert_string_equal(stream->unsubscribe.https, "https://m.test/u/");
	assert_int_equal(stream->unsubscribe.add, RMT_UNSUBSCRIBE_BY_POLICYD);
	assert_int_equal(stream->unsubscribe.own, RMT_OWN_REPLACE);
	assert_int_equal(stream->unsubscribe.several, RMT_SEVERAL_REJECT);
	assert_int_equal(stream->unsubscribe.scope, RMT_SCOPE_STREAM);
	assert_false(rmt_has_unsubscribe(rmt_config_stream(config, "default")));
	assert_int_equal(config->http.rate.count, 120);
	rmt_config_unref(config);
}

static void what_makes_no_links_is_told_with_what_to_write(void **state)
{
	static const char *const bases[] = {
		"http://m.test/u/",    "https://m.test/u",   "https:///u/",
		"https://m.test/?t=/", "https://m test/u/",  "https://u@m.test/u/",
		"https://m.test/%7f/", "https://.m.test/u/",
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(bases); i++) {
		g_autofree char *text = g_strdup_printf(NEWS("https = \"%s\""), bases[i]);
		g_autofree char *want = g_strdup_printf(
			COMPLAINT "https: '%s' is no base of links (write "
				  "https://mail.example.com/u/)\n",
			bases[i]);

		assert_complaints(text, want);
	}
	assert_complaints(NEWS("mailto = \"un subscribe@m.test\"  https = "
			       "\"https://m.test/\""),
			  COMPLAINT
			  "mailto: 'un subscribe@m.test' is no address for the "
			  "mailto form (write unsubscribe@bounces.example.com)\n");
	assert_complaints(NEWS("title = \"News\""),
			  COMPLAINT "unsubscribe: names no place to go to (write https = "
				    "\"https://mail.example.com/u/\")\n");
	assert_complaints(NEWS("several = \"mailto\"  https = \"https://m.test/\""),
			  COMPLAINT "several: 'mailto' needs the address (write mailto = "
				    "\"unsubscribe@bounces.example.com\")\n");
	assert_complaints(NEWS("webhook = \"http://h.test/\"  https = "
			       "\"https://m.test/\""),
			  COMPLAINT
			  "webhook: 'http://h.test/' is no webhook (write "
			  "https://lists.example.com/hook, or http://127.0.0.1:8000/hook "
			  "on this machine)\n");
	assert_complaints(NEWS("webhook = \"https://h.test/\"  https = "
			       "\"https://m.test/\""),
			  COMPLAINT "webhook: needs a file with the secret it is signed "
				    "with (write webhook_secret = "
				    "\"/etc/remite/webhook\")\n");
	assert_complaints(
		"http: { forwarded = \"X-Forwarded-For\" }",
		"t.conf:1: http: forwarded: is believed of nobody unless proxies "
		"are named (write proxies = [\"127.0.0.1\"])\n");
}

static void a_setting_of_an_earlier_version_says_what_to_write_now(void **state)
{
	static const struct rmt_setting settings[] = {
		{ "burst", &rmt_type_number },
		{ "slack", NULL, .help = "write burst" },
		{ NULL },
	};
	static const struct rmt_section *const none[] = { NULL };
	static const struct rmt_section section = { .settings = settings,
						    .sections = none };
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ "slack", "'slack' is no setting any more: write burst" },
		{ "brust", "unknown setting 'brust' (did you mean 'burst'?)" },
		{ "slakc", "unknown setting 'slakc'" },
		{ "colour", "unknown setting 'colour'" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = rmt_section_unknown(&section, cases[i].name);

		assert_string_equal(got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_it_reports_and_limits_nothing),
		cmocka_unit_test(a_setting_of_an_earlier_version_says_what_to_write_now),
		cmocka_unit_test(every_part_of_a_stream_is_read),
		cmocka_unit_test(every_part_of_a_limit_is_read),
		cmocka_unit_test(all_complaints_come_in_one_run),
		cmocka_unit_test(contradictions_of_a_limit_are_refused),
		cmocka_unit_test(warnings_leave_a_limit_in_force),
		cmocka_unit_test(a_limit_that_another_hides_is_named),
		cmocka_unit_test(limits_that_count_no_null_sender_are_named),
		cmocka_unit_test(contradictions_of_streams_are_refused),
		cmocka_unit_test(a_stream_without_conditions_is_the_default_by_any_name),
		cmocka_unit_test(an_included_file_stands_beside_and_is_named),
		cmocka_unit_test(
			a_host_that_only_takes_mail_in_has_no_place_behind_the_signer),
		cmocka_unit_test(rules_have_levels_in_every_stream),
		cmocka_unit_test(what_a_stream_requires_has_levels),
		cmocka_unit_test(what_cannot_be_required_is_refused),
		cmocka_unit_test(a_file_that_cannot_be_read_is_a_complaint),
		cmocka_unit_test(policyd_is_found_by_a_file_with_errors),
		cmocka_unit_test(a_dump_reads_as_the_same_configuration),
		cmocka_unit_test(the_list_of_settings_has_four_columns_each),
		cmocka_unit_test(unsubscribe_settings_are_read_with_their_defaults),
		cmocka_unit_test(what_makes_no_links_is_told_with_what_to_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
