/* SPDX-License-Identifier: MIT */
/* step_house.h - what a milter step is run with: a configuration with one stream and a
 * key ring, and a message's session.
 *
 *	struct step_house house;
 *
 *	house_begin(&house, RMT_PLACE_BEFORE, "unsubscribe: { ... }", true);
 *	rmt_session_begin(house.session, sender); ...
 *	house_message(&house);
 *	rmt_step_NAME.run(&house.message, step);
 *	house_end(&house);
 */
#ifndef RMT_TEST_STEP_HOUSE_H
#define RMT_TEST_STEP_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>

#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"
#include "tests/unit/config.h"
#include "tests/unit/ring.h"

struct step_house {
	struct test_ring ring;
	struct rmt_milter milter;
	struct rmt_in_force *in_force;
	struct rmt_session *session;
	struct rmt_milter_message message;
};

/* settings: of the stream news. Without a ring the setting names one all the same. */
static inline void house_begin(struct step_house *house, enum rmt_place place,
			       const char *settings, bool with_ring)
{
	g_autofree char *text = NULL;

	*house = (struct step_house){ .milter = { .place = place } };
	test_ring_make(&house->ring, 1);
	if (!with_ring)
		g_unlink(house->ring.path);
	text = g_strdup_printf("mode = \"enforce\"\nkeys = \"%s\"\nstreams: { news: { "
			       "senders = [\"*@news.example\"] %s } }\n",
			       house->ring.path, settings);
	rmt_milter_set_config(&house->milter, test_config(text));
	house->in_force = rmt_milter_in_force(&house->milter);
	house->session = rmt_session_new();
	house->session->keeps_signatures = false;
}

/* The session's header is complete. */
static inline void house_message(struct step_house *house)
{
	rmt_session_end_of_header(house->session, NULL);
	rmt_message_begin(&house->message, &house->milter, house->in_force,
			  house->session);
}

static inline void house_end(struct step_house *house)
{
	rmt_message_finish(&house->message);
	rmt_session_free(house->session);
	rmt_in_force_unref(house->in_force);
	rmt_in_force_unref(house->milter.in_force);
	rmt_store_close(&house->milter.records);
	test_ring_clear(&house->ring);
}

#endif
