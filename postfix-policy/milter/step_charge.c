/* SPDX-License-Identifier: MIT */
/* step_charge.c - what policyd counts, said to it where it could not know: which
 * stream a field of the header chose, mail from sendmail(1), and what is not sent
 * after all. Limits, suppressions and pauses are then answered for the message as a
 * whole. Without policyd mail goes on. */
#include <string.h>

#include "common/base/log.h"
#include "postfix-policy/milter/milter.h"
#include "postfix-policy/milter/step.h"

static bool opens(struct rmt_milter *milter, void **state_r, GError **err)
{
	(void)err;
	*state_r = milter;
	return true;
}

static unsigned needs(struct rmt_span header, void *state)
{
	struct rmt_in_force *in_force = rmt_milter_in_force(state);
	const bool counts_octets = in_force->counts_octets;

	(void)header;
	rmt_in_force_unref(in_force);
	return counts_octets ? RMT_WANTS_SIZE : RMT_WANTS_NOTHING;
}

/* --- charging --------------------------------------------------------------------------
 */

static json_t *list(const GPtrArray *texts)
{
	json_t *array = json_array();
	guint i;

	for (i = 0; i < texts->len; i++)
		json_array_append_new(array, rmt_policyd_text(texts->pdata[i]));
	return array;
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* Where limits count octets, a body comes in full (needs). */
static json_int_t size_of(const struct rmt_milter_message *message)
{
	return (json_int_t)(message->header_octets + message->session->body_octets);
}

static json_t *make_request(const struct rmt_milter_message *message)
{
	return json_pack(
		"{s:s,s:s,s:o,s:s,s:o,s:o,s:o,s:I,s:o}", "command", "message", "do",
		"charge", "queue_id", rmt_policyd_text(message->queue_id), "stream",
		message->stream->name, "sender", rmt_policyd_text(message->sender),
		"sasl_user", rmt_policyd_text(or_empty(message->session->sasl_user)),
		"client_address",
		rmt_policyd_text(or_empty(message->session->client_address)), "size",
		size_of(message), "recipients", list(message->recipients));
}

static enum rmt_level level_of(const char *action)
{
	if (strcmp(action, "reject") == 0)
		return RMT_LEVEL_REJECT;
	if (strcmp(action, "report") == 0)
		return RMT_LEVEL_LOG;
	return strcmp(action, "dunno") == 0 ? RMT_LEVEL_OFF : RMT_LEVEL_DEFER;
}

/* "4.7.1 Limit day ...": code is what stands behind the first dot. */
static void split_text(const char *text, char code[8], const char **rest_r)
{
	const char *blank = strchr(text, ' ');

	g_strlcpy(code, "7.1", 8);
	*rest_r = text;
	if (blank == NULL || !g_ascii_isdigit(text[0]) || text[1] != '.')
		return;
	g_strlcpy(code, text + 2, MIN((size_t)(blank - text) - 1, 8));
	*rest_r = blank + 1;
}

/* Of action hold the message is held; discard would lose it without a word here, so it
 * waits like what is deferred. */
static void take_answer(struct rmt_milter_message *message, const json_t *answer)
{
	const char *would = json_string_value(json_object_get(answer, "would"));
	const char *rule = json_string_value(json_object_get(answer, "rule"));
	const char *text = json_string_value(json_object_get(answer, "text"));
	const char *rest;
	char code[8];

	if (would == NULL || rule == NULL || text == NULL)
		return;
	split_text(text, code, &rest);
	if (strcmp(would, "hold") == 0)
		rmt_message_hold(message, rule, "%s", rest);
	else
		rmt_message_find(message, level_of(would), rule, code, "%s",
				 rest[0] != '\0' ? rest : rule);
}

/* What it is charged to without us is right, unless the stream has a condition only we
 * can see, or policyd has not seen the message. */
static bool is_ours_to_charge(const struct rmt_milter_message *message)
{
	return message->local || message->stream->headers != NULL;
}

static bool will_be_refused(const struct rmt_milter_message *message)
{
	return rmt_message_level_so_far(message) >= RMT_LEVEL_DEFER &&
	       message->stream->mode == RMT_MODE_ENFORCE;
}

static void run(struct rmt_milter_message *message, void *state)
{
	g_autoptr(GError) err = NULL;
	json_t *answer;

	(void)state;
	if (!is_ours_to_charge(message) || will_be_refused(message) ||
	    message->queue_id[0] == '\0')
		return;
	answer = rmt_policyd_ask(message->milter->policyd, make_request(message), &err);
	if (answer != NULL)
		take_answer(message, answer);
	else
		rmt_message_note(message, "uncounted", "%s", err->message);
	json_decref(answer);
}

/* --- giving back
 * ------------------------------------------------------------------------- */

static void settled(struct rmt_milter_message *message, void *state)
{
	json_t *answer;

	(void)state;
	if (rmt_message_passes(message) || message->queue_id[0] == '\0')
		return;
	answer = rmt_policyd_ask(message->milter->policyd,
				 json_pack("{s:s,s:s,s:o}", "command", "message", "do",
					   "refuse", "queue_id",
					   rmt_policyd_text(message->queue_id)),
				 NULL);
	if (json_is_true(json_object_get(answer, "known")))
		rmt_message_note(message, "given-back", "yes");
	json_decref(answer);
}

const struct rmt_step rmt_step_charge = {
	.name = "charge",
	.places = 1 << RMT_PLACE_AFTER,
	.wants = RMT_WANTS_SIZE,
	.needs = needs,
	.open = opens,
	.run = run,
	.settled = settled,
};

/* What the steps in front of the signer refuse never comes to `after`. */

const struct rmt_step rmt_step_give_back = {
	.name = "give back",
	.places = 1 << RMT_PLACE_BEFORE,
	.settled = settled,
};
