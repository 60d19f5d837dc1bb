/* SPDX-License-Identifier: MIT */
/* The step with records: remite-agent's own receipts, and who asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>

#include "common/store/claims.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

#define DAY (24 * 3600)

struct house {
	char *folder, *records; /* own */
	struct rmt_milter milter;
	void *police;
	int64_t now;
};

static int start(void **state)
{
	static struct house houses[2], *next = houses; /* a step is never closed */
	struct house *house = next++;
	g_autofree char *text = NULL;
	GPtrArray *complaints;

	house->folder = g_dir_make_tmp("police-XXXXXX", NULL);
	house->records = g_strdup_printf("%s/records", house->folder);
	house->now = g_get_real_time() / G_USEC_PER_SEC;
	text = g_strdup_printf("mode = \"enforce\"\norganization = [\"example.com\"]\n"
			       "state = \"%s\"\nreceipts: { policy = \"organization\" "
			       "prompt = false "
			       "addresses = [\"bob: bob@example.com\"] }\n",
			       house->folder);
	g_mutex_init(&house->milter.lock);
	rmt_milter_set_config(&house->milter,
			      rmt_config_read_text("t.conf", text, &complaints));
	g_ptr_array_unref(complaints);
	assert_true(rmt_step_police.open(&house->milter, &house->police, NULL));
	*state = house;
	return 0;
}

static int stop(void **state)
{
	struct house *house = *state;
	g_autofree char *lock = g_strconcat(house->records, "-lock", NULL);

	g_unlink(house->records);
	g_unlink(lock);
	g_rmdir(house->folder);
	return 0;
}

static void put_claim(const struct house *house, enum rmt_claim_state to,
		      const char *target, const char *receipt)
{
	g_autofree char *uri = g_strdup_printf("lmdb:%s", house->records);
	g_autoptr(GString) id = g_string_new(NULL);
	struct rmt_store *store = NULL;
	struct rmt_claim_step step = { .user = "bob",
				       .from = RMT_CLAIM_IN(RMT_CLAIM_NONE),
				       .to = to,
				       .now = house->now,
				       .until = house->now + DAY,
				       .target = target,
				       .receipt = receipt };

	rmt_claim_id(RMT_SPAN("<m1@example.com>"), id);
	step.id = id->str;
	assert_true(rmt_store_open(&store, uri, false, NULL));
	assert_int_equal(rmt_claim_take(store, &step, NULL, NULL, NULL), RMT_CLAIM_TAKEN);
	rmt_store_close(&store);
}

/* What the step notes of a receipt that bob sends to the recipient. */
static char *passes(struct house *house, const char *message_id, const char *recipient)
{
	g_autoptr(rmt_session) session = rmt_session_new();
	struct rmt_in_force *in_force = rmt_milter_in_force(&house->milter);
	struct rmt_milter_message message;
	char *notes;

	session->keeps_signatures = false;
	rmt_session_begin(session, "<>");
	rmt_session_set(&session->sasl_user, "bob");
	rmt_session_recipient(session, recipient);
	rmt_session_header(session, NULL, "From", "bob@example.com", false);
	rmt_session_header(session, NULL, "Message-ID", message_id, false);
	rmt_session_header(session, NULL, "Content-Type",
			   "message/disposition-notification", false);
	rmt_session_end_of_header(session, NULL);
	session->keeps_body = true;
	rmt_session_body(session,
			 RMT_SPAN("Final-Recipient: rfc822;bob@example.com\r\n"
				  "Original-Message-ID: <m1@example.com>\r\n"
				  "Disposition: manual-action/MDN-sent-manually; "
				  "displayed\r\n"));
	rmt_message_begin(&message, &house->milter, in_force, session);
	rmt_step_police.run(&message, house->police);
	notes = g_strdup(message.notes->str);
	rmt_message_finish(&message);
	rmt_in_force_unref(in_force);
	return notes;
}

static void must_note(struct house *house, const char *id, const char *recipient,
		      const char *want)
{
	g_autofree char *notes = passes(house, id, recipient);

	if (strstr(notes, want) == NULL)
		fail_msg("wanted '%s' in '%s'", want, notes);
}

static void M01_our_own_receipt_passes_once(void **state)
{
	struct house *house = *state;

	put_claim(house, RMT_CLAIM_SENDING, "ann@example.com", "r1.receipt@example.com");
	must_note(house, "<r1.receipt@example.com>", "ann@example.com", " receipt=ours");
	must_note(house, "<r1.receipt@example.com>", "ann@example.com", " receipt=again");
	must_note(house, "<other@example.com>", "ann@example.com", " receipt=claimed");
}

static void M21_a_receipt_goes_to_who_asked(void **state)
{
	struct house *house = *state;

	put_claim(house, RMT_CLAIM_DELIVERED, "ann@example.com", NULL);
	must_note(house, "<a@example.com>", "amy@example.com", " receipt=other-target");
	must_note(house, "<b@example.com>", "ann@example.com", " receipt=passed");
	must_note(house, "<c@example.com>", "ann@example.com", " receipt=claimed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(M01_our_own_receipt_passes_once, start,
						stop),
		cmocka_unit_test_setup_teardown(M21_a_receipt_goes_to_who_asked, start,
						stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
