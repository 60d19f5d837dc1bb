/* SPDX-License-Identifier: MIT */
/* What an MX writes on top of a message, and what it takes away. Pitfall 19. Signed
 * messages: live/test_inbound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>

#include "common/unsubscribe/proof.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

struct house {
	struct rmt_milter milter;
	struct rmt_in_force *in_force;
	struct rmt_session *session;
	struct rmt_milter_message message;
};

/* fields: name, value, ... up to NULL. */
static void run(struct house *house, const char *const *fields, bool complete)
{
	g_autoptr(GPtrArray) complaints = NULL;

	*house = (struct house){ .milter = { .place = RMT_PLACE_INBOUND } };
	rmt_milter_set_config(
		&house->milter,
		rmt_config_read_text("t.conf", "mode = \"enforce\"\n", &complaints));
	house->in_force = rmt_milter_in_force(&house->milter);
	house->session = rmt_session_new();
	house->session->keeps_signatures = false;
	rmt_session_begin(house->session, "<b@sender.test>");
	rmt_session_recipient(house->session, "<ann@example.net>");
	for (; *fields != NULL; fields += 2)
		rmt_session_header(house->session, NULL, fields[0], fields[1], false);
	rmt_session_end_of_header(house->session, NULL);
	rmt_message_begin(&house->message, &house->milter, house->in_force,
			  house->session);
	house->message.header_complete = complete;
	rmt_step_proof.run(&house->message, NULL);
}

static void end(struct house *house)
{
	rmt_message_finish(&house->message);
	rmt_session_free(house->session);
	rmt_in_force_unref(house->in_force);
	rmt_in_force_unref(house->milter.in_force);
}

static bool removes(const struct house *house, const char *name, int nth)
{
	guint i;

	for (i = 0; i < house->message.edits->len; i++) {
		const struct rmt_edit *edit = house->message.edits->pdata[i];

		if (edit->kind == RMT_EDIT_CHANGE && edit->value == NULL &&
		    edit->nth == nth && g_ascii_strcasecmp(edit->name, name) == 0)
			return true;
	}
	return false;
}

static const char *inserted(const struct house *house)
{
	guint i;

	for (i = 0; i < house->message.edits->len; i++) {
		const struct rmt_edit *edit = house->message.edits->pdata[i];

		if (edit->kind == RMT_EDIT_INSERT &&
		    strcmp(edit->name, RMT_PROOF_FIELD) == 0)
			return edit->value;
	}
	return NULL;
}

static void inventions_under_our_names_go(void **state)
{
	static const char *const fields[] = { "X-Remite-Unsubscribe",
					      "v=1; d=a; u=<x>",
					      "x-remite-unsubscribe",
					      "again",
					      "X-REMITE-Anything",
					      "else",
					      "X-Remite",
					      "no prefix of ours",
					      "X-Remites-Friend",
					      "nor this",
					      NULL };
	struct house house;

	(void)state;
	run(&house, fields, true);
	assert_true(removes(&house, "X-Remite-Unsubscribe", 1));
	assert_true(removes(&house, "X-Remite-Unsubscribe", 2));
	assert_true(removes(&house, "X-Remite-Anything", 1));
	assert_int_equal(house.message.edits->len, 3);
	assert_non_null(strstr(house.message.notes->str, " removed=3"));
	end(&house);
}

/* Postfix counts what is left: the last one goes first. */
static void of_several_the_last_goes_first(void **state)
{
	static const char *const fields[] = { "X-Remite-A", "1", "X-Remite-A", "2",
					      NULL };
	struct house house;

	(void)state;
	run(&house, fields, true);
	assert_int_equal(((struct rmt_edit *)house.message.edits->pdata[0])->nth, 2);
	assert_int_equal(((struct rmt_edit *)house.message.edits->pdata[1])->nth, 1);
	end(&house);
}

static void a_header_beyond_bounds_gets_a_proof_of_nothing(void **state)
{
	static const char *const fields[] = { "Subject", "long", NULL };
	struct rmt_proof proof;
	struct house house;

	(void)state;
	run(&house, fields, false);
	assert_string_equal(inserted(&house), "none");
	assert_false(rmt_proof_read(rmt_span_of(inserted(&house)), &proof));
	end(&house);
}

static void nothing_is_written_for_what_is_no_list(void **state)
{
	static const char *const fields[] = { "Subject", "hello", NULL };
	struct house house;

	(void)state;
	run(&house, fields, true);
	assert_int_equal(house.message.edits->len, 0);
	end(&house);
}

static void only_lists_need_their_bodies_sent(void **state)
{
	static const struct {
		const char *header;
		unsigned want;
	} cases[] = {
		{ "Subject: x\r\n", RMT_WANTS_NOTHING },
		{ "", RMT_WANTS_NOTHING },
		{ "List-Unsubscribe-Post: x\r\n", RMT_WANTS_NOTHING },
		{ "Subject: x\r\nlist-unsubscribe: <https://a.test/>\r\n",
		  RMT_WANTS_SIGNATURES },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(rmt_step_proof.needs(rmt_span_of(cases[i].header), NULL),
				 cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inventions_under_our_names_go),
		cmocka_unit_test(of_several_the_last_goes_first),
		cmocka_unit_test(a_header_beyond_bounds_gets_a_proof_of_nothing),
		cmocka_unit_test(nothing_is_written_for_what_is_no_list),
		cmocka_unit_test(only_lists_need_their_bodies_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
