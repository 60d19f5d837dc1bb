/* SPDX-License-Identifier: MIT */
/* What steps see of a message, and what becomes of what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "postfix-policy/milter/end.h"

static const char config_text[] =
	"streams: {\n"
	"  news: { header = \"X-Stream: news\" mode = \"enforce\" }\n"
	"  rest: { mode = \"report\" rules: { hygiene = \"reject\" } }\n"
	"}\n";

struct fixture {
	struct rmt_milter milter;
	struct rmt_session *session;
	struct rmt_in_force *in_force;
	struct rmt_milter_message message;
};

static void begin(struct fixture *fixture, enum rmt_place place, const char *sender,
		  const char *const *fields)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config =
		rmt_config_read_text("t.conf", config_text, &complaints);

	assert_non_null(config);
	*fixture = (struct fixture){ .milter = { .place = place } };
	rmt_milter_set_config(&fixture->milter, config);
	fixture->in_force = rmt_milter_in_force(&fixture->milter);
	fixture->session = rmt_session_new();
	fixture->session->keeps_signatures = false;
	rmt_session_begin(fixture->session, sender);
	rmt_session_recipient(fixture->session, "<bob@y.test>");
	rmt_session_recipient(fixture->session, "<carl@y.test>");
	for (; fields[0] != NULL; fields += 2)
		rmt_session_header(fixture->session, NULL, fields[0], fields[1], false);
	rmt_session_end_of_header(fixture->session, NULL);
	fixture->session->keeps_body = true;
	rmt_session_body(fixture->session, RMT_SPAN("Hello\r\n"));
	rmt_message_begin(&fixture->message, &fixture->milter, fixture->in_force,
			  fixture->session);
}

static void end(struct fixture *fixture)
{
	rmt_message_finish(&fixture->message);
	rmt_session_free(fixture->session);
	rmt_in_force_unref(fixture->in_force);
	rmt_in_force_unref(fixture->milter.in_force);
}

static const char *const plain[] = { "From",     "ann@x.test", "Received", "one",
				     "received", "two",        NULL };
static const char *const news[] = { "X-Stream", "news", NULL };

static void a_step_sees_envelope_header_and_body(void **state)
{
	struct rmt_header_field field;
	struct fixture fixture;

	(void)state;
	begin(&fixture, RMT_PLACE_BEFORE, "<ann@x.test>", plain);
	assert_string_equal(fixture.message.sender, "ann@x.test");
	assert_string_equal(fixture.message.queue_id, "");
	assert_int_equal(fixture.message.recipient_count, 2);
	assert_string_equal(fixture.message.recipients->pdata[1], "carl@y.test");
	assert_true(rmt_span_eq(fixture.message.body, RMT_SPAN("Hello\r\n")));
	assert_string_equal(fixture.message.stream->name, "rest");
	assert_true(rmt_message_field(&fixture.message, "RECEIVED", 2, &field));
	assert_true(rmt_span_eq(rmt_span_trim(field.value), RMT_SPAN("two")));
	assert_false(rmt_message_field(&fixture.message, "Received", 3, &field));
	assert_null(rmt_message_macro(&fixture.message, "i"));
	end(&fixture);
}

static void what_arrives_has_no_stream(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, RMT_PLACE_INBOUND, "<ann@x.test>", news);
	assert_null(fixture.message.stream);
	end(&fixture);
	begin(&fixture, RMT_PLACE_BEFORE, "<ann@x.test>", news);
	assert_string_equal(fixture.message.stream->name, "news");
	end(&fixture);
}

static void edits_are_made_where_mail_goes_on_and_not_in_report_mode(void **state)
{
	static const struct {
		const char *const *fields;
		enum rmt_level level;
		bool edited;
	} rows[] = {
		{ news, RMT_LEVEL_OFF, true },      { news, RMT_LEVEL_LOG, true },
		{ news, RMT_LEVEL_REJECT, false },  { plain, RMT_LEVEL_OFF, false },
		{ plain, RMT_LEVEL_REJECT, false },
	};
	struct fixture fixture;
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		begin(&fixture, RMT_PLACE_BEFORE, "<ann@x.test>", rows[i].fields);
		rmt_message_add_field(&fixture.message, "X-New", "a");
		rmt_message_change_field(&fixture.message, "Subject", 1, NULL);
		rmt_message_find(&fixture.message, rows[i].level, "R1", "7.1", "no");
		rmt_outcome_decide(&fixture.message.outcome,
				   fixture.message.stream->mode);
		assert_int_equal(rmt_end_edits(&fixture.message), rows[i].edited);
		assert_int_equal(rmt_message_level_so_far(&fixture.message),
				 rows[i].level);
		end(&fixture);
	}
}

static void a_held_message_passes_with_a_word(void **state)
{
	const struct rmt_edit *edit;
	struct fixture fixture;

	(void)state;
	begin(&fixture, RMT_PLACE_AFTER, "<ann@x.test>", news);
	rmt_message_hold(&fixture.message, "limit:day", "over %d", 5);
	rmt_outcome_decide(&fixture.message.outcome, RMT_MODE_ENFORCE);
	assert_true(rmt_message_passes(&fixture.message));
	assert_int_equal(fixture.message.outcome.level, RMT_LEVEL_LOG);
	edit = fixture.message.edits->pdata[0];
	assert_int_equal(edit->kind, RMT_EDIT_HOLD);
	assert_string_equal(edit->value, "over 5");
	end(&fixture);
}

static void notices_are_judged_less(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, RMT_PLACE_BEFORE, "<ann@x.test>", plain);
	assert_int_equal(rmt_message_level(&fixture.message, RMT_RULES_ALIGN),
			 RMT_LEVEL_REJECT);
	assert_int_equal(rmt_message_level(&fixture.message, RMT_RULES_HYGIENE),
			 RMT_LEVEL_REJECT);
	end(&fixture);
	begin(&fixture, RMT_PLACE_BEFORE, "<>", plain);
	assert_int_equal(rmt_message_level(&fixture.message, RMT_RULES_ALIGN),
			 RMT_LEVEL_LOG);
	assert_int_equal(rmt_message_kind(&fixture.message), RMT_KIND_NOTICE);
	end(&fixture);
}

static void what_strangers_wrote_is_printable_in_notes(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, RMT_PLACE_BEFORE, "<ann@x.test>", plain);
	rmt_message_note(&fixture.message, "a", "%s", "b\nc");
	assert_null(strchr(fixture.message.notes->str, '\n'));
	assert_true(g_str_has_prefix(fixture.message.notes->str, " a=b"));
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_sees_envelope_header_and_body),
		cmocka_unit_test(what_arrives_has_no_stream),
		cmocka_unit_test(
			edits_are_made_where_mail_goes_on_and_not_in_report_mode),
		cmocka_unit_test(a_held_message_passes_with_a_word),
		cmocka_unit_test(notices_are_judged_less),
		cmocka_unit_test(what_strangers_wrote_is_printable_in_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
