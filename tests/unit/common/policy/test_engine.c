/* SPDX-License-Identifier: MIT */
/* The decision about requests: what is answered, and what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "common/policy/engine.h"
#include "common/token/token.h"

/* --- a world of its own per test --- */

struct world {
	struct rmt_counters *counters;
	struct rmt_store *store;
	struct rmt_engine *engine;
	struct rmt_now now;
	struct rmt_decision got;
	char rule[RMT_RULE_MAX], stream[64];
};

static struct rmt_config *config_of(const char *text)
{
	GPtrArray *complaints = NULL;
	g_autofree char *path = NULL;
	struct rmt_config *config;
	int fd = g_file_open_tmp("remite-test-XXXXXX", &path, NULL);
	guint i;

	assert_true(fd >= 0);
	close(fd);
	assert_true(g_file_set_contents(path, text, -1, NULL));
	config = rmt_config_read(path, &complaints);
	for (i = 0; complaints != NULL && config == NULL && i < complaints->len; i++)
		print_error("%s\n", (char *)complaints->pdata[i]);
	if (complaints != NULL)
		g_ptr_array_unref(complaints);
	g_unlink(path);
	assert_non_null(config);
	return config;
}

static void begin(struct world *world, const char *text)
{
	struct rmt_counters_options options = { .wall_secs = 1800000000 };
	struct rmt_config *config = config_of(text);

	*world = (struct world){ 0 };
	assert_true(rmt_counters_open(&world->counters, &options, NULL));
	assert_true(rmt_store_open(&world->store, "mem:", false, NULL));
	world->now.line_ns = rmt_counters_line(world->counters, 0);
	world->now.wall_secs = 1800000000;
	world->engine = rmt_engine_new(config, world->counters, world->store);
	rmt_config_unref(config);
	rmt_engine_tick(world->engine, &world->now);
}

static void end(struct world *world)
{
	rmt_engine_free(world->engine);
	rmt_store_close(&world->store);
	rmt_counters_close(&world->counters);
}

static void pass_secs(struct world *world, int64_t secs)
{
	world->now.line_ns += secs * RMT_NS_PER_SEC;
	world->now.wall_secs += secs;
	rmt_engine_tick(world->engine, &world->now);
}

static enum rmt_action ask(struct world *world, struct rmt_facts facts,
			   unsigned connection)
{
	struct rmt_work *work = g_new0(struct rmt_work, 1);

	rmt_engine_tick(world->engine, &world->now);
	rmt_engine_prepare(world->engine, &facts, connection, 1, work);
	rmt_engine_decide(world->engine, work, &world->now, &world->got);
	g_strlcpy(world->stream, work->stream != NULL ? work->stream->name : "",
		  sizeof(world->stream));
	g_free(work);
	return world->got.action;
}

static struct rmt_facts facts_of(enum rmt_stage stage, const char *instance,
				 const char *sender, const char *recipient)
{
	return (struct rmt_facts){
		.stage = stage,
		.instance = rmt_span_of(instance),
		.sender = rmt_span_of(sender),
		.recipient = rmt_span_of(recipient),
		.client_address = RMT_SPAN("192.0.2.7"),
	};
}

static enum rmt_action rcpt(struct world *world, const char *instance, const char *sender,
			    const char *recipient)
{
	return ask(world, facts_of(RMT_STAGE_RCPT, instance, sender, recipient), 1);
}

static enum rmt_action at_count(struct world *world, enum rmt_stage stage,
				const char *instance, const char *sender, uint64_t count)
{
	struct rmt_facts facts = facts_of(stage, instance, sender, "");

	facts.recipient_count = count;
	facts.size = 1000;
	return ask(world, facts, 1);
}

static enum rmt_action eom(struct world *world, const char *instance, const char *sender,
			   uint64_t count)
{
	return at_count(world, RMT_STAGE_END_OF_MESSAGE, instance, sender, count);
}

/* How many more recipients of new messages pass. */
static int room(struct world *world, const char *sender)
{
	char recipient[32];
	int n = 0;

	for (;; n++) {
		g_snprintf(recipient, sizeof(recipient), "room%d@x.example", n);
		if (rcpt(world, "room", sender, recipient) != RMT_ACTION_DUNNO)
			break;
		assert_true(n < 1000);
	}
	rmt_engine_closed(world->engine, 1, &world->now);
	return n;
}

#define STREAMS(mode, limit)                                                             \
	"mode = \"" mode "\"\norganization = [\"own.example\"]\n"                        \
	"streams: { news: { senders = [\"*@news.example\"]\n class = \"bulk\"\n"         \
	"limits: { day: { " limit " } } } }\n"
#define ENFORCE(limit) STREAMS("enforce", limit)

#define SENDER "a@news.example"

/* --- the tests --- */

static void a_quota_lets_so_many_recipients_pass_and_no_more(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"3/day\" action = \"defer\""));
	assert_int_equal(rcpt(&w, "i1", SENDER, "r1@x.example"), RMT_ACTION_DUNNO);
	assert_string_equal(w.stream, "news");
	assert_int_equal(rcpt(&w, "i1", SENDER, "r2@x.example"), RMT_ACTION_DUNNO);
	assert_int_equal(rcpt(&w, "i1", SENDER, "r3@x.example"), RMT_ACTION_DUNNO);
	assert_int_equal(rcpt(&w, "i1", SENDER, "r4@x.example"), RMT_ACTION_DEFER);
	assert_string_equal(w.got.rule_name, "limit:day");
	assert_string_equal(w.got.key, "news");
	assert_true(g_str_has_prefix(w.got.text, "4.7.1 Limit day of stream news"));
	assert_int_equal(eom(&w, "i1", SENDER, 3), RMT_ACTION_DUNNO);
	assert_int_equal(room(&w, SENDER), 0);
	end(&w);
}

static void a_repeated_question_counts_once(void **state)
{
	struct world w;
	int i;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"3/day\""));
	for (i = 0; i < 10; i++)
		assert_int_equal(rcpt(&w, "i1", SENDER, "same@x.example"),
				 RMT_ACTION_DUNNO);
	assert_int_equal(eom(&w, "i1", SENDER, 1), RMT_ACTION_DUNNO);
	assert_int_equal(room(&w, SENDER), 2);
	end(&w);
}

static void what_is_aborted_is_given_back_whole(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"3/day\""));
	/* the server does ask at END-OF-MESSAGE */
	assert_int_equal(rcpt(&w, "i0", SENDER, "r@x.example"), RMT_ACTION_DUNNO);
	assert_int_equal(eom(&w, "i0", SENDER, 1), RMT_ACTION_DUNNO);
	assert_int_equal(room(&w, SENDER), 2);
	rcpt(&w, "i1", SENDER, "r1@x.example");
	rcpt(&w, "i1", SENDER, "r2@x.example");
	/* another instance on the same connection: i1 was aborted */
	assert_int_equal(rcpt(&w, "i2", SENDER, "r3@x.example"), RMT_ACTION_DUNNO);
	rmt_engine_closed(w.engine, 1, &w.now);
	assert_int_equal(room(&w, SENDER), 2);
	/* no request for the time-out */
	ask(&w, facts_of(RMT_STAGE_RCPT, "i3", SENDER, "r4@x.example"), 2);
	assert_int_equal(room(&w, SENDER), 1);
	pass_secs(&w, 61);
	assert_int_equal(room(&w, SENDER), 2);
	end(&w);
}

static void recipients_refused_later_are_not_charged(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"5/day\""));
	rcpt(&w, "i1", SENDER, "r1@x.example");
	rcpt(&w, "i1", SENDER, "r2@x.example");
	rcpt(&w, "i1", SENDER, "r3@x.example");
	assert_int_equal(at_count(&w, RMT_STAGE_DATA, "i1", SENDER, 2), RMT_ACTION_DUNNO);
	assert_int_equal(eom(&w, "i1", SENDER, 2), RMT_ACTION_DUNNO);
	assert_int_equal(room(&w, SENDER), 3);
	end(&w);
}

static void duplicates_known_by_the_count_are_charged(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"5/day\""));
	rcpt(&w, "i1", SENDER, "r1@x.example");
	assert_int_equal(eom(&w, "i1", SENDER, 2), RMT_ACTION_DUNNO);
	assert_int_equal(room(&w, SENDER), 3);
	end(&w);
}

static void the_last_stage_alone_charges_the_count(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"5/day\""));
	assert_int_equal(eom(&w, "i1", SENDER, 3), RMT_ACTION_DUNNO);
	assert_int_equal(eom(&w, "i2", SENDER, 3), RMT_ACTION_DEFER);
	assert_int_equal(eom(&w, "i3", SENDER, 2), RMT_ACTION_DUNNO);
	assert_int_equal(room(&w, SENDER), 0);
	end(&w);
}

static void mail_to_own_domains_and_null_senders_are_not_charged(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"2/day\""));
	rcpt(&w, "i1", SENDER, "colleague@own.example");
	rcpt(&w, "i1", SENDER, "r@x.example");
	assert_int_equal(eom(&w, "i1", SENDER, 2), RMT_ACTION_DUNNO);
	assert_int_equal(room(&w, SENDER), 1);
	end(&w);
}

static void vrfy_and_an_empty_instance_are_never_charged(void **state)
{
	struct world w;
	int i;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"2/day\""));
	for (i = 0; i < 5; i++) {
		ask(&w, facts_of(RMT_STAGE_VRFY, "", SENDER, "r@x.example"), 1);
		rcpt(&w, "", SENDER, "r@x.example");
	}
	assert_int_equal(room(&w, SENDER), 2);
	end(&w);
}

static void messages_are_counted_once_however_many_recipients(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"sender\" quota = \"2/day\" of = \"messages\""));
	rcpt(&w, "i1", SENDER, "r1@x.example");
	rcpt(&w, "i1", SENDER, "r2@x.example");
	eom(&w, "i1", SENDER, 2);
	rcpt(&w, "i2", SENDER, "r1@x.example");
	eom(&w, "i2", SENDER, 1);
	assert_int_equal(rcpt(&w, "i3", SENDER, "r1@x.example"), RMT_ACTION_DEFER);
	assert_int_equal(rcpt(&w, "i4", "b@news.example", "r1@x.example"),
			 RMT_ACTION_DUNNO);
	end(&w);
}

static void a_rate_refills_with_time(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" rate = \"60/minute\" burst = 2"));
	rcpt(&w, "i1", SENDER, "r1@x.example");
	rcpt(&w, "i1", SENDER, "r2@x.example");
	assert_int_equal(rcpt(&w, "i1", SENDER, "r3@x.example"), RMT_ACTION_DEFER);
	eom(&w, "i1", SENDER, 2);
	pass_secs(&w, 1);
	assert_int_equal(room(&w, SENDER), 1);
	pass_secs(&w, 10);
	assert_int_equal(room(&w, SENDER), 2);
	end(&w);
}

static void report_mode_says_and_changes_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w, STREAMS("report",
			  "per = \"stream\" quota = \"1/day\" action = \"reject\""));
	assert_int_equal(rcpt(&w, "i1", SENDER, "r1@x.example"), RMT_ACTION_DUNNO);
	assert_int_equal(w.got.would, RMT_ACTION_DUNNO);
	assert_int_equal(rcpt(&w, "i1", SENDER, "r2@x.example"), RMT_ACTION_DUNNO);
	assert_int_equal(w.got.would, RMT_ACTION_REJECT);
	assert_string_equal(w.got.rule_name, "limit:day");
	end(&w);
}

static void a_report_limit_passes_and_says_so(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"1/day\" action = \"report\""));
	rcpt(&w, "i1", SENDER, "r1@x.example");
	assert_int_equal(rcpt(&w, "i1", SENDER, "r2@x.example"), RMT_ACTION_DUNNO);
	assert_int_equal(w.got.would, RMT_ACTION_REPORT);
	assert_int_equal(w.got.would_limits, 1);
	end(&w);
}

static void suppress(struct world *w, const char *scope, const char *address)
{
	struct rmt_suppression entry = {
		.scope = (char *)scope,
		.address = (char *)address,
		.reason = (char *)"complaint",
		.source = (char *)"test",
		.note = (char *)"",
		.since = 1799990000,
	};
	g_autoptr(GError) err = NULL;

	assert_true(rmt_suppress_add(w->store, &entry, &err));
}

static void a_suppressed_recipient_is_refused_in_its_scope_alone(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"9/day\""));
	suppress(&w, "class:bulk", "gone@x.example");
	suppress(&w, "stream:elsewhere", "here@x.example");
	assert_int_equal(rcpt(&w, "i1", SENDER, "Gone@X.example"), RMT_ACTION_REJECT);
	assert_string_equal(w.got.rule_name, "suppressed:complaint");
	assert_string_equal(w.got.text,
			    "5.7.1 <gone@x.example> must not be mailed by stream news: "
			    "complaint since 2027-01-15");
	assert_int_equal(rcpt(&w, "i1", SENDER, "here@x.example"), RMT_ACTION_DUNNO);
	assert_int_equal(rcpt(&w, "i2", "a@else.example", "gone@x.example"),
			 RMT_ACTION_DUNNO);
	suppress(&w, "all", "gone@x.example");
	assert_int_equal(rcpt(&w, "i3", "a@else.example", "gone@x.example"),
			 RMT_ACTION_REJECT);
	end(&w);
}

static void a_paused_stream_is_deferred_and_no_other(void **state)
{
	g_autoptr(GError) err = NULL;
	struct world w;
	bool was;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"9/day\""));
	assert_true(rmt_stream_pause(w.store, "news", "complaints 0.4 %", "ann",
				     1800000000, 0, &err));
	assert_int_equal(rcpt(&w, "i1", SENDER, "r@x.example"), RMT_ACTION_DEFER);
	assert_string_equal(w.got.text,
			    "4.7.1 Mail of stream news is paused: complaints 0.4 %");
	assert_int_equal(rcpt(&w, "i2", "a@else.example", "r@x.example"),
			 RMT_ACTION_DUNNO);
	assert_true(rmt_stream_resume(w.store, "news", &was, &err));
	assert_true(was);
	assert_int_equal(rcpt(&w, "i3", SENDER, "r@x.example"), RMT_ACTION_DUNNO);
	end(&w);
}

static void a_message_ends_under_the_settings_it_began_with(void **state)
{
	struct rmt_config *tight =
		config_of(ENFORCE("per = \"stream\" quota = \"1/day\""));
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"5/day\""));
	rcpt(&w, "i1", SENDER, "r1@x.example");
	rmt_engine_set_config(w.engine, tight);
	rmt_config_unref(tight);
	assert_int_equal(rcpt(&w, "i1", SENDER, "r2@x.example"), RMT_ACTION_DUNNO);
	ask(&w, facts_of(RMT_STAGE_RCPT, "i2", SENDER, "r3@x.example"), 2);
	assert_int_equal(w.got.action, RMT_ACTION_DEFER);
	assert_int_equal(eom(&w, "i1", SENDER, 2), RMT_ACTION_DUNNO);
	end(&w);
}

/* A thread compiles; what it did not see yet must hold all the same. */
static void a_pause_that_comes_while_settings_are_compiled_holds(void **state)
{
	struct rmt_config *later =
		config_of(ENFORCE("per = \"stream\" quota = \"5/day\""));
	struct rmt_generation *generation;
	g_autoptr(GError) err = NULL;
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"9/day\""));
	rmt_generation_free(rmt_engine_compile(w.engine, later)); /* and not adopted */
	generation = rmt_engine_compile(w.engine, later);
	rmt_config_unref(later);
	assert_true(rmt_stream_pause(w.store, "news", "complaints", "ann", 1800000000, 0,
				     &err));
	assert_int_equal(rcpt(&w, "i1", SENDER, "r@x.example"), RMT_ACTION_DEFER);
	rmt_engine_adopt(w.engine, generation);
	assert_int_equal(rcpt(&w, "i2", SENDER, "r@x.example"), RMT_ACTION_DEFER);
	end(&w);
}

static void explain_tells_every_step_and_changes_nothing(void **state)
{
	struct rmt_facts facts;
	struct world w;
	int i;

	(void)state;
	begin(&w, ENFORCE("per = \"stream\" quota = \"1/day\""));
	facts = facts_of(RMT_STAGE_RCPT, "i9", SENDER, "r@x.example");
	for (i = 0; i < 3; i++) {
		g_autoptr(GString) steps = g_string_new(NULL);

		rmt_engine_explain(w.engine, &facts, &w.now, steps, &w.got);
		assert_non_null(strstr(steps->str, "stream news: yes"));
		assert_non_null(strstr(steps->str, "limit news/day: key news, 0 of 1"));
		assert_int_equal(w.got.action, RMT_ACTION_DUNNO);
	}
	assert_int_equal(room(&w, SENDER), 1);
	end(&w);
}

/* Such as "remite explain --alone", which asks no DNS. */
static void explain_says_that_a_binding_is_not_judged_here(void **state)
{
	struct rmt_facts facts = facts_of(RMT_STAGE_RCPT, "i9", SENDER, "r@x.example");
	g_autoptr(GString) steps = g_string_new(NULL);
	struct world w;

	(void)state;
	facts.sasl_user = RMT_SPAN("ann@other.example");
	begin(&w, "mode = \"enforce\"\nstreams: { news: { senders = \"*@news.example\" "
		  "binding: { level = \"reject\" } } }");
	rmt_engine_explain(w.engine, &facts, &w.now, steps, &w.got);
	assert_non_null(strstr(steps->str, "require, binding: not asked of DNS here"));
	end(&w);
}

static void placeholders_are_filled_in(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ENFORCE("per = \"sender\" quota = \"1/day\" action = \"reject\" "
			  "text = \"5.7.9 {sender}: {count}/{max} per {period} to "
			  "{recipient}\""));
	rcpt(&w, "i1", SENDER, "r1@x.example");
	assert_int_equal(rcpt(&w, "i1", SENDER, "r2@x.example"), RMT_ACTION_REJECT);
	assert_string_equal(w.got.text,
			    "5.7.9 a@news.example: 1/1 per day to r2@x.example");
	end(&w);
}

static void a_counter_is_found_again_by_what_the_user_calls_it(void **state)
{
	struct rmt_facts facts = facts_of(RMT_STAGE_RCPT, "i1", SENDER, "r@x.example");
	const struct rmt_stream *stream;
	struct rmt_usage usage;
	struct world w;
	uint64_t key;

	(void)state;
	begin(&w, ENFORCE("per = \"sasl_user+recipient_domain\" quota = \"5/day\""));
	facts.sasl_user = RMT_SPAN("ann+home");
	assert_int_equal(ask(&w, facts, 1), RMT_ACTION_DUNNO);
	stream = rmt_config_stream(rmt_engine_config(w.engine), "news");
	assert_true(rmt_engine_key(w.engine, stream, stream->limits->pdata[0],
				   RMT_SPAN("ann+home+x.example"), &key));
	rmt_counters_fits(w.counters, key,
			  &((struct rmt_limit *)stream->limits->pdata[0])->amount, 1,
			  w.now.line_ns, &usage);
	assert_int_equal(usage.used, 1);
	assert_false(rmt_engine_key(w.engine, stream, stream->limits->pdata[0],
				    RMT_SPAN("ann"), &key));
	end(&w);
}

/* --- the gate ----------------------------------------------------------------- */

struct fake_gate {
	struct rmt_gate gate;
	struct rmt_gate_answer answer;
	unsigned asked;
};

static void fake_ask(struct rmt_gate *gate, const struct rmt_stream *stream,
		     const struct rmt_addr *sender, const struct rmt_facts *facts,
		     struct rmt_gate_answer *answer_r)
{
	struct fake_gate *fake = (struct fake_gate *)gate;

	(void)facts;
	assert_string_equal(stream->name, "news");
	assert_true(rmt_span_eq(sender->domain, RMT_SPAN("n.example")));
	fake->asked++;
	*answer_r = fake->answer;
}

static const char gated[] =
	"mode = \"%s\"\n"
	"streams: { news: { sender_domains = [\"n.example\", \"<>\"]"
	" require = [\"dmarc\"]"
	" limits: { all: { per = \"stream\" quota = \"100/day\" } } } }\n";

static void what_a_domain_lacks_is_answered_by_its_level(void **state)
{
	static const struct {
		enum rmt_gate_state known;
		enum rmt_level level;
		enum rmt_action enforce, would;
		const char *rule, *text;
	} rows[] = {
		{ RMT_GATE_OPEN, RMT_LEVEL_OFF, RMT_ACTION_DUNNO, RMT_ACTION_DUNNO,
		  "pass", "" },
		{ RMT_GATE_SHUT, RMT_LEVEL_LOG, RMT_ACTION_DUNNO, RMT_ACTION_REPORT, "R5",
		  "5.7.40 It has no policy (rule R5)" },
		{ RMT_GATE_SHUT, RMT_LEVEL_DEFER, RMT_ACTION_DEFER, RMT_ACTION_DEFER,
		  "R5", "4.7.40 It has no policy (rule R5)" },
		{ RMT_GATE_SHUT, RMT_LEVEL_REJECT, RMT_ACTION_REJECT, RMT_ACTION_REJECT,
		  "R5", "5.7.40 It has no policy (rule R5)" },
		/* DNS did not answer: never for good. */
		{ RMT_GATE_UNKNOWN, RMT_LEVEL_LOG, RMT_ACTION_DUNNO, RMT_ACTION_DUNNO,
		  "pass", "" },
		{ RMT_GATE_UNKNOWN, RMT_LEVEL_DEFER, RMT_ACTION_DEFER, RMT_ACTION_DEFER,
		  "R5", "4.7.40 It has no policy (rule R5)" },
		{ RMT_GATE_UNKNOWN, RMT_LEVEL_REJECT, RMT_ACTION_DEFER, RMT_ACTION_DEFER,
		  "R5", "4.7.40 It has no policy (rule R5)" },
	};
	static const char *const modes[] = { "enforce", "report" };
	size_t i, mode;

	(void)state;
	for (mode = 0; mode < G_N_ELEMENTS(modes); mode++)
		for (i = 0; i < G_N_ELEMENTS(rows); i++) {
			g_autofree char *text = g_strdup_printf(gated, modes[mode]);
			struct fake_gate fake = { { fake_ask, NULL } };
			struct world world;

			fake.answer =
				(struct rmt_gate_answer){ rows[i].known, rows[i].level,
							  "R5", "7.40",
							  "It has no policy" };
			begin(&world, text);
			rmt_engine_set_gate(world.engine, &fake.gate);
			rcpt(&world, "1", "a@N.example", "b@example.org");
			assert_int_equal(fake.asked, 1);
			assert_int_equal(world.got.action,
					 mode == 0 ? rows[i].enforce : RMT_ACTION_DUNNO);
			assert_int_equal(world.got.would, rows[i].would);
			assert_string_equal(world.got.rule_name, rows[i].rule);
			assert_string_equal(world.got.text, rows[i].text);
			assert_int_equal(world.got.unknown != NULL,
					 rows[i].known == RMT_GATE_UNKNOWN);
			end(&world);
		}
}

static void the_null_sender_is_never_asked_for_a_domain(void **state)
{
	g_autofree char *text = g_strdup_printf(gated, "enforce");
	struct fake_gate fake = { { fake_ask, NULL } };
	struct world world;

	(void)state;
	begin(&world, text);
	rmt_engine_set_gate(world.engine, &fake.gate);
	assert_int_equal(rcpt(&world, "1", "", "b@example.org"), RMT_ACTION_DUNNO);
	assert_int_equal(fake.asked, 0);
	end(&world);
}

/* --- unsubscribe links --- */

#define SECRET "0123012301230123012301230123012301230123012301230123012301230123"

static const char with_links[] =
	"mode = \"enforce\"\n"
	"streams: { news: { senders = [\"*@news.test\"]  policy_contexts = [\"bulk\"]\n"
	"  unsubscribe: { https = \"https://m.test/u/\" } } }\n";

static void begin_with_links(struct world *world)
{
	g_autoptr(rmt_keys) keys = rmt_keys_parse(
		"ring", RMT_SPAN("remite-keys 1\na 2026-12-31 " SECRET "\n"), NULL);

	begin(world, with_links);
	rmt_engine_set_sealer(world->engine,
			      rmt_sealer_new(keys, RMT_PURPOSE_UNSUBSCRIBE, 0));
}

static const char *field_at(struct world *world, enum rmt_stage stage,
			    const char *recipient, uint64_t count, const char *context)
{
	struct rmt_facts facts = facts_of(stage, "i1", "a@news.test", recipient);

	facts.recipient_count = count;
	facts.policy_context = rmt_span_of(context);
	ask(world, facts, 1);
	return world->got.prepend;
}

static void one_recipient_gets_a_link_at_data_and_only_there(void **state)
{
	struct world w;

	(void)state;
	begin_with_links(&w);
	assert_string_equal(field_at(&w, RMT_STAGE_RCPT, "b@x.test", 0, "bulk"), "");
	assert_true(g_str_has_prefix(field_at(&w, RMT_STAGE_DATA, "b@x.test", 1, "bulk"),
				     "List-Unsubscribe: <https://m.test/u/a"));
	assert_string_equal(field_at(&w, RMT_STAGE_DATA, "b@x.test", 1, "bulk/one-click"),
			    "List-Unsubscribe-Post: List-Unsubscribe=One-Click");
	assert_string_equal(field_at(&w, RMT_STAGE_END_OF_MESSAGE, "b@x.test", 1, "bulk"),
			    "");
	end(&w);
}

static void the_second_question_counts_nothing(void **state)
{
	struct world w;

	(void)state;
	begin_with_links(&w);
	field_at(&w, RMT_STAGE_RCPT, "b@x.test", 0, "bulk/one-click");
	assert_int_equal(w.got.action, RMT_ACTION_DUNNO);
	assert_null(w.got.stream);
	assert_false(w.got.counted);
	end(&w);
}

static void several_recipients_are_refused_with_the_reason(void **state)
{
	struct world w;

	(void)state;
	begin_with_links(&w);
	assert_string_equal(field_at(&w, RMT_STAGE_DATA, "", 2, "bulk"), "");
	assert_int_equal(w.got.action, RMT_ACTION_REJECT);
	assert_string_equal(w.got.rule_name, "several-recipients");
	assert_string_equal(field_at(&w, RMT_STAGE_DATA, "", 2, "bulk/one-click"), "");
	end(&w);
}

static void a_sender_that_xverp_would_make_too_long_is_refused_singly(void **state)
{
	static const char streams[] =
		"mode = \"enforce\"\nkeys = \"/nowhere\"\nstreams: { news: { senders = "
		"[\"*@news.example\"] "
		"return_path: { address = \"b@bounces.example\" id = \"n\" %s } } }";
	static const struct {
		const char *setting, *recipient;
		enum rmt_action want;
	} rows[] = {
		{ "xverp = true", "ann@example.org", RMT_ACTION_DUNNO },
		{ "xverp = true", "a.rather.long.name.of.somebody@mail.example.org",
		  RMT_ACTION_REJECT },
		{ "xverp = false", "a.rather.long.name.of.somebody@mail.example.org",
		  RMT_ACTION_DUNNO },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = NULL;
		struct world w;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		text = g_strdup_printf(streams, rows[i].setting);
#pragma GCC diagnostic pop
		begin(&w, text);
		assert_int_equal(rcpt(&w, "1", "x@news.example", rows[i].recipient),
				 rows[i].want);
		if (rows[i].want == RMT_ACTION_REJECT)
			assert_string_equal(w.got.rule_name, "return-path");
		end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quota_lets_so_many_recipients_pass_and_no_more),
		cmocka_unit_test(a_repeated_question_counts_once),
		cmocka_unit_test(what_is_aborted_is_given_back_whole),
		cmocka_unit_test(recipients_refused_later_are_not_charged),
		cmocka_unit_test(duplicates_known_by_the_count_are_charged),
		cmocka_unit_test(the_last_stage_alone_charges_the_count),
		cmocka_unit_test(mail_to_own_domains_and_null_senders_are_not_charged),
		cmocka_unit_test(vrfy_and_an_empty_instance_are_never_charged),
		cmocka_unit_test(messages_are_counted_once_however_many_recipients),
		cmocka_unit_test(a_rate_refills_with_time),
		cmocka_unit_test(report_mode_says_and_changes_nothing),
		cmocka_unit_test(a_report_limit_passes_and_says_so),
		cmocka_unit_test(a_suppressed_recipient_is_refused_in_its_scope_alone),
		cmocka_unit_test(a_paused_stream_is_deferred_and_no_other),
		cmocka_unit_test(a_message_ends_under_the_settings_it_began_with),
		cmocka_unit_test(a_pause_that_comes_while_settings_are_compiled_holds),
		cmocka_unit_test(what_a_domain_lacks_is_answered_by_its_level),
		cmocka_unit_test(the_null_sender_is_never_asked_for_a_domain),
		cmocka_unit_test(
			a_sender_that_xverp_would_make_too_long_is_refused_singly),
		cmocka_unit_test(explain_tells_every_step_and_changes_nothing),
		cmocka_unit_test(explain_says_that_a_binding_is_not_judged_here),
		cmocka_unit_test(placeholders_are_filled_in),
		cmocka_unit_test(a_counter_is_found_again_by_what_the_user_calls_it),
		cmocka_unit_test(one_recipient_gets_a_link_at_data_and_only_there),
		cmocka_unit_test(the_second_question_counts_nothing),
		cmocka_unit_test(several_recipients_are_refused_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
