/* SPDX-License-Identifier: MIT */
/* The steps about a message's domains (R17, R18) and about who left (R15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "common/store/suppress.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

#define DAY (24 * 3600)

static const char zone[] = "good.test        SOA ns.good.test\n"
			   "good.test        MX  10 mx.good.test\n"
			   "mx.good.test     A   192.0.2.1\n"
			   "news.good.test   A   192.0.2.1\n"
			   "null.test        SOA ns.null.test\n"
			   "null.test        MX  0 .\n"
			   "nowhere.test     SOA ns.nowhere.test\n"
			   "nozone.test      A   192.0.2.1\n"
			   "slow.test        ANY TIMEOUT\n"
			   "bounces.test     SOA ns.bounces.test\n"
			   "bounces.test     MX  5 mx.good.test\n";

struct house {
	char *folder; /* own */
	struct rmt_milter milter;
	void *domains;
	int64_t now;
};

static void open_names(struct house *house)
{
	const struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;
	g_autofree char *path = g_build_filename(house->folder, "zone", NULL);

	assert_true(g_file_set_contents(path, zone, -1, NULL));
	assert_true(rmt_names_open(&house->milter.names, path, &settings, NULL));
	g_unlink(path);
}

static void configure(struct house *house)
{
	g_autofree char *text = g_strdup_printf(
		"mode = \"enforce\"\nstate = \"%s\"\n"
		"streams: {\n"
		" news: { senders = [\"*@news.good.test\"] class = \"bulk\"\n"
		"  suppress = [\"dead\"] rules: { unsubscribe = \"reject\" } }\n"
		" off: { senders = [\"*@off.test\"] rules: { domains = \"off\" } }\n"
		" all: { rules: { domains = \"reject\" } } }\n",
		house->folder);
	GPtrArray *complaints;
	struct rmt_config *config = rmt_config_read_text("t.conf", text, &complaints);

	if (config == NULL)
		fail_msg("%s", (char *)complaints->pdata[0]);
	rmt_milter_set_config(&house->milter, config);
	g_ptr_array_unref(complaints);
}

static int start(void **state)
{
	static struct house houses[8], *next = houses; /* a step is never closed */
	struct house *house = next++;

	house->folder = g_dir_make_tmp("domains-XXXXXX", NULL);
	house->now = g_get_real_time() / G_USEC_PER_SEC;
	house->milter.place = RMT_PLACE_AFTER;
	g_mutex_init(&house->milter.lock);
	house->milter.keys = rmt_dkim_keys_new(4);
	configure(house);
	open_names(house);
	assert_true(rmt_step_domains.open(&house->milter, &house->domains, NULL));
	*state = house;
	return 0;
}

static int stop(void **state)
{
	struct house *house = *state;
	g_autofree char *records = g_strdup_printf("%s/records", house->folder);
	g_autofree char *lock = g_strconcat(records, "-lock", NULL);

	rmt_names_close(&house->milter.names);
	rmt_store_close(&house->milter.records);
	rmt_dkim_keys_free(house->milter.keys);
	g_unlink(records);
	g_unlink(lock);
	g_rmdir(house->folder);
	return 0;
}

struct mail {
	const char *sender, *from, *reply_to, *recipient;
};

/* "R17 reject From: ...", a line each; what is open behind. Own. */
static char *outcome_of(const struct rmt_milter_message *message)
{
	GString *out = g_string_new(NULL);
	size_t i;

	for (i = 0; i < message->outcome.count; i++)
		g_string_append_printf(out, "%s %s %s\n", message->outcome.found[i].rule,
				       rmt_level_name(message->outcome.found[i].level),
				       message->outcome.found[i].text);
	if (message->outcome.open != NULL)
		g_string_append_printf(out, "open=%s\n", message->outcome.open);
	return g_string_free(out, FALSE);
}

static char *run(struct house *house, const struct rmt_step *step, void *step_state,
		 const struct mail *mail, const char *leaves_from)
{
	g_autoptr(rmt_session) session = rmt_session_new();
	struct rmt_in_force *in_force = rmt_milter_in_force(&house->milter);
	struct rmt_milter_message message;
	char *out;

	session->keeps_signatures = true;
	rmt_session_begin(session, mail->sender);
	rmt_session_recipient(session, mail->recipient != NULL ? mail->recipient
							       : "<bob@far.test>");
	rmt_session_header(session, house->milter.keys, "From", mail->from, false);
	if (mail->reply_to != NULL)
		rmt_session_header(session, house->milter.keys, "Reply-To",
				   mail->reply_to, false);
	rmt_session_end_of_header(session, house->milter.keys);
	rmt_message_begin(&message, &house->milter, in_force, session);
	if (leaves_from != NULL)
		rmt_message_set_sender(&message, leaves_from, NULL);
	step->run(&message, step_state);
	out = outcome_of(&message);
	rmt_message_finish(&message);
	rmt_in_force_unref(in_force);
	return out;
}

static void domains_must_exist_and_take_mail(void **state)
{
	static const struct {
		struct mail mail;
		const char *want; /* "": nothing is found */
	} rows[] = {
		{ { "<a@good.test>", "a@good.test" }, "" },
		{ { "<a@GOOD.test>", "Ann <a@Good.Test>" }, "" },
		{ { "<a@news.good.test>", "a@news.good.test" }, "" },
		{ { "<>", "daemon@good.test" }, "" },
		{ { "<a@good.test>", "a@nowhere.test", "a@good.test" }, "" },
		{ { "<a@good.test>", "a@gone.test", "a@good.test" },
		  "R17 reject From: gone.test does not exist in DNS\n" },
		{ { "<a@gone.test>", "a@good.test" },
		  "R17 reject the return path: gone.test does not exist in DNS\n" },
		{ { "<a@null.test>", "a@good.test" },
		  "R17 reject the return path: null.test refuses all mail (null MX), so "
		  "its own is refused, too\n" },
		{ { "<a@nozone.test>", "a@good.test" },
		  "R17 reject the return path: nozone.test has no SOA record, nor "
		  "has any name above\n" },
		{ { "<a@good.test>", "a@nowhere.test" },
		  "R18 reject From: nowhere.test has neither MX nor address\n" },
		{ { "<a@good.test>", "a@good.test", "Ann <a@nowhere.test>" },
		  "R18 reject Reply-To: nowhere.test has neither MX nor address\n" },
		{ { "<a@good.test>", "a@good.test", "a@null.test" },
		  "R18 reject Reply-To: null.test takes no mail (null MX)\n" },
		{ { "<a@gone.test>", "a@gone.test" },
		  "R17 reject From: gone.test does not exist in DNS\n"
		  "R18 reject From: gone.test has neither MX nor address\n" },
		{ { "<a@slow.test>", "a@good.test" }, "open=dns\n" },
		{ { "<a@good.test>", "a@good.test", "a@slow.test" }, "open=dns\n" },
		/* Several, or nonsense: From's counts. */
		{ { "<a@good.test>", "a@good.test", "a@gone.test, b@gone.test" }, "" },
		{ { "<a@good.test>", "a@good.test", "nobody" }, "" },
		{ { "<a@off.test>", "a@gone.test" }, "" },
		{ { "<a@good.test>", "nobody" }, "" },
		{ { "<a@[192.0.2.1]>", "a@good.test" }, "" },
	};
	struct house *house = *state;
	size_t i, twice;

	/* The second time from what is known. */
	for (twice = 0; twice < 2; twice++)
		for (i = 0; i < G_N_ELEMENTS(rows); i++) {
			g_autofree char *got = run(house, &rmt_step_domains,
						   house->domains, &rows[i].mail, NULL);

			if (strcmp(got, rows[i].want) != 0)
				fail_msg("%s, %s:\n%swanted:\n%s", rows[i].mail.sender,
					 rows[i].mail.from, got, rows[i].want);
		}
}

static void what_is_known_is_not_asked_for_again(void **state)
{
	static const struct mail good = { "<a@good.test>", "a@good.test" };
	static const struct mail slow = { "<a@good.test>", "a@slow.test" };
	const struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;
	struct house *house = *state;
	struct rmt_names *names = house->milter.names;
	g_autofree char *first =
		run(house, &rmt_step_domains, house->domains, &good, NULL);
	g_autofree char *second = NULL, *unknown = NULL, *still = NULL;

	unknown = run(house, &rmt_step_domains, house->domains, &slow, NULL);
	/* Others' answers from here on. */
	assert_true(rmt_names_open(&house->milter.names, "/dev/null", &settings, NULL));
	second = run(house, &rmt_step_domains, house->domains, &good, NULL);
	still = run(house, &rmt_step_domains, house->domains, &slow, NULL);
	rmt_names_close(&house->milter.names);
	house->milter.names = names;
	assert_string_equal(first, "");
	assert_string_equal(second, "");
	assert_string_equal(unknown, "open=dns\n");
	assert_string_equal(still, "open=dns\n");
}

static void the_return_path_that_leaves_is_judged(void **state)
{
	static const struct mail mail = { "<a@good.test>", "a@good.test" };
	struct house *house = *state;
	g_autofree char *bad =
		run(house, &rmt_step_domains, house->domains, &mail, "b+tag@gone.test");
	g_autofree char *good = run(house, &rmt_step_domains, house->domains, &mail,
				    "b+tag@bounces.test");

	assert_string_equal(
		bad, "R17 reject the return path: gone.test does not exist in DNS\n");
	assert_string_equal(good, "");
}

static void forwarded_mail_and_notices_are_only_told_of(void **state)
{
	static const struct mail mails[] = {
		{ "<SRS0=HH=TT=d.test=a@gone.test>", "a@good.test" },
		{ "<>", "a@gone.test", "a@good.test" },
	};
	struct house *house = *state;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(mails); i++) {
		g_autofree char *got =
			run(house, &rmt_step_domains, house->domains, &mails[i], NULL);

		if (!g_str_has_prefix(got, "R17 log "))
			fail_msg("%s: %s", mails[i].sender, got);
	}
}

/* --- R15 ------------------------------------------------------------------------ */

static void suppress(struct house *house, const char *scope, const char *address,
		     const char *reason, int64_t since)
{
	g_autofree char *uri = g_strdup_printf("lmdb:%s/records", house->folder);
	struct rmt_suppression entry = { .scope = (char *)scope,
					 .address = (char *)address,
					 .reason = (char *)reason,
					 .source = (char *)"test",
					 .note = (char *)"",
					 .since = since };

	if (house->milter.records == NULL)
		assert_true(rmt_store_open(&house->milter.records, uri, false, NULL));
	assert_true(rmt_suppress_add(house->milter.records, &entry, NULL));
}

static void who_left_days_ago_is_not_to_be_mailed(void **state)
{
	static const struct {
		const char *recipient;
		bool broken;
	} rows[] = {
		{ "<late@far.test>", true },  { "<Late@Far.Test>", true },
		{ "<class@far.test>", true }, { "<all@far.test>", true },
		{ "<soon@far.test>", false }, { "<other@far.test>", false },
		{ "<dead@far.test>", false }, { "<nobody@far.test>", false },
	};
	struct house *house = *state;
	const int64_t old = house->now - 3 * DAY;
	size_t i;

	suppress(house, "stream:news", "late@far.test", "unsubscribe", old);
	suppress(house, "class:bulk", "class@far.test", "unsubscribe", old);
	suppress(house, "all", "all@far.test", "unsubscribe", old);
	suppress(house, "stream:news", "soon@far.test", "unsubscribe", house->now - DAY);
	suppress(house, "stream:other", "other@far.test", "unsubscribe", old);
	suppress(house, "stream:news", "dead@far.test", "dead", old);
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct mail mail = { "<a@news.good.test>", "a@good.test", NULL,
					   rows[i].recipient };
		g_autofree char *got = run(house, &rmt_step_left, NULL, &mail, NULL);

		if (rows[i].broken != g_str_has_prefix(got, "R15 log recipients: 1 "))
			fail_msg("%s: %s", rows[i].recipient, got);
	}
}

static void streams_without_rules_about_it_look_nothing_up(void **state)
{
	static const struct mail mail = { "<a@good.test>", "a@good.test", NULL,
					  "<late@far.test>" };
	struct house *house = *state;
	g_autofree char *got = NULL;

	suppress(house, "all", "late@far.test", "unsubscribe", house->now - 3 * DAY);
	got = run(house, &rmt_step_left, NULL, &mail, NULL);
	assert_string_equal(got, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(domains_must_exist_and_take_mail, start,
						stop),
		cmocka_unit_test_setup_teardown(what_is_known_is_not_asked_for_again,
						start, stop),
		cmocka_unit_test_setup_teardown(the_return_path_that_leaves_is_judged,
						start, stop),
		cmocka_unit_test_setup_teardown(
			forwarded_mail_and_notices_are_only_told_of, start, stop),
		cmocka_unit_test_setup_teardown(who_left_days_ago_is_not_to_be_mailed,
						start, stop),
		cmocka_unit_test_setup_teardown(
			streams_without_rules_about_it_look_nothing_up, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
