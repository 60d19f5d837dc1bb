/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/log.h"
#include "common/message/header.h"
#include "common/receipts/policy.h"
#include "dovecot-plugin/agent/leave.h"
#include "dovecot-plugin/agent/rates.h"

enum {
	MESSAGE_MAX = 900 * 1024, /* a stored job has 1 MiB */
	OF_LATE_SECS = 600,
	ASKED_SECS = 24 * 3600,
};

/* A row of its own tells that a message was asked about. */
static char *list_of_question(const char *id)
{
	return g_strconcat("message:", id, NULL);
}

static bool was_asked(struct rmt_agent *agent, const struct rmt_errand *errand)
{
	g_autofree char *list = list_of_question(errand->id);
	g_autoptr(rmt_left) row = NULL;
	GError *err = NULL;

	if (!rmt_left_get(agent->store, errand->subject->user, list, &row, &err))
		rmt_leave_trouble(&err);
	return row != NULL && row->state == RMT_LEFT_ASKED &&
	       rmt_agent_now(agent) - row->changed < ASKED_SECS;
}

static bool says_yes(struct rmt_span value)
{
	value = rmt_span_trim(value);
	return value.len >= 3 &&
	       rmt_span_eq_nocase(rmt_span(value.p, 3), RMT_SPAN("yes"));
}

/* Pitfall 22: where it lies, or what a filter wrote. */
static bool is_spam(const struct rmt_case *subject, struct rmt_span header)
{
	static const char *const names[] = { "X-Spam-Flag", "X-Spam-Status", "X-Spam" };
	struct rmt_header_reader reader = rmt_header_read(header);
	struct rmt_header_field field;
	size_t i;

	if ((rmt_case_places(subject) & RMT_PLACE_JUNK) != 0 ||
	    g_ascii_strcasecmp(subject->box, "Junk") == 0 ||
	    g_ascii_strcasecmp(subject->box, "Spam") == 0)
		return true;
	while (rmt_header_next(&reader, &field))
		for (i = 0; i < G_N_ELEMENTS(names); i++)
			if (rmt_span_eq_nocase(field.name, rmt_span_of(names[i])) &&
			    says_yes(field.value))
				return true;
	return false;
}

static enum rmt_course_ask ask_of(struct rmt_agent *agent,
				  const struct rmt_agent_job *job,
				  const struct rmt_errand *errand, struct rmt_span header)
{
	const char *confirmed = rmt_wire_get(job->record, "confirmed");
	const int64_t now = rmt_agent_now(agent);
	const struct rmt_course_asking asking = {
		.at_once = rmt_wire_get_number(job->record, "count"),
		.of_late = rmt_rates_count(agent->rates, 'n', errand->subject->user,
					   OF_LATE_SECS, now),
		.many = agent->config->unsubscribing.many,
		.spam = is_spam(errand->subject, header),
		.confirmed = g_strcmp0(confirmed, "yes") == 0 || was_asked(agent, errand),
	};

	rmt_rates_add(agent->rates, 'n', errand->subject->user, now);
	return rmt_course_ask(&asking);
}

static enum rmt_taken commit(struct rmt_agent *agent, struct rmt_deal *deal)
{
	GError *err = NULL;

	if (!rmt_deal_commit(agent->store, deal, NULL, &err))
		return rmt_agent_trouble("unsubscribe", err);
	return RMT_TAKEN_ACK;
}

static enum rmt_taken put_question(struct rmt_agent *agent, struct rmt_errand *errand,
				   enum rmt_course_ask ask)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	g_free(errand->list);
	errand->list = list_of_question(errand->id);
	rmt_leave_put_left(agent, errand, RMT_LEFT_ASKED, "", rmt_course_ask_word(ask),
			   deal);
	rmt_leave_put_answer(errand,
			     "add=" RMT_KEYWORD_UNSUBSCRIBE_CONFIRM
			     "\tremove=" RMT_KEYWORD_LEAVING,
			     rmt_agent_now_us(agent), deal);
	rmt_log(RMT_LOG_INFO, "unsubscribe asks user=<%s> id=<%s> reason=%s",
		errand->subject->user, errand->id, rmt_course_ask_word(ask));
	return commit(agent, deal);
}

/* Of many, the plugin sent the headers alone. */
static enum rmt_taken want_message(struct rmt_agent *agent,
				   const struct rmt_errand *errand)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	rmt_leave_put_answer(errand,
			     "want=unsubscribe\tremove=" RMT_KEYWORD_UNSUBSCRIBE_CONFIRM,
			     rmt_agent_now_us(agent), deal);
	return commit(agent, deal);
}

/* Whole, or as much of it as is kept: its header is what a proof stands in. */
static void keep_message(struct rmt_errand *errand, struct rmt_span message)
{
	struct rmt_span header, body;

	rmt_header_split(message, &header, &body);
	if (message.len > MESSAGE_MAX)
		message = header;
	if (message.len > MESSAGE_MAX)
		message.len = MESSAGE_MAX;
	errand->message = message.len > 0 ? g_memdup2(message.p, message.len) : NULL;
	errand->message_len = message.len;
}

static enum rmt_taken put_new_errand(struct rmt_agent *agent, struct rmt_errand *errand,
				     struct rmt_span message)
{
	const int64_t now = rmt_agent_now(agent);
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	keep_message(errand, message);
	rmt_leave_put_errand(errand, now, now, NULL, deal);
	return commit(agent, deal);
}

/* What stands for the message, and the address the list knows: its mailto needs it. */
static void find_names(struct rmt_agent *agent, const struct rmt_case *with_header,
		       GString *id_r, struct rmt_errand *errand)
{
	g_autoptr(rmt_receipt_user) user = rmt_case_user(with_header, agent->config);
	struct rmt_receipt_request *request =
		rmt_case_request(with_header, agent->config);
	struct rmt_receipt_recipient recipient;

	rmt_receipt_recipient_find(request, user, NULL, &recipient);
	if (recipient.final != NULL)
		rmt_errand_set(&errand->address, recipient.final->address);
	rmt_case_id(request, id_r);
	rmt_receipt_request_free(request);
}

/* Without the header, which it does not need any more. */
static struct rmt_errand *errand_of(struct rmt_agent *agent,
				    const struct rmt_agent_job *job,
				    struct rmt_span header)
{
	struct rmt_wire_record cut = *job->record;
	g_autoptr(GString) id = g_string_new(NULL);
	struct rmt_errand *errand;
	struct rmt_case *subject;

	cut.body_len = header.len;
	subject = rmt_case_of_record(job->user, &cut);
	errand = rmt_errand_new(subject, "");
	find_names(agent, subject, id, errand);
	rmt_errand_set(&errand->id, id->len > 0 ? id->str : subject->guid);
	g_free((char *)subject->header.p);
	subject->header = rmt_span(NULL, 0);
	return errand;
}

/* Report mode. */
static enum rmt_taken only_say(struct rmt_agent *agent, const struct rmt_errand *errand)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();

	rmt_leave_put_answer(errand, "remove=" RMT_KEYWORD_LEAVING,
			     rmt_agent_now_us(agent), deal);
	rmt_log(RMT_LOG_INFO, "unsubscribe would be done user=<%s> id=<%s>",
		errand->subject->user, errand->id);
	return commit(agent, deal);
}

enum rmt_taken rmt_take_unsubscribe(struct rmt_agent *agent,
				    const struct rmt_agent_job *job)
{
	const struct rmt_span message =
		rmt_span((const char *)job->record->body, job->record->body_len);
	const bool headers_alone =
		rmt_wire_get_number(job->record, "count") >= RMT_WIRE_MANY &&
		g_strcmp0(rmt_wire_get(job->record, "confirmed"), "yes") != 0;
	g_autoptr(rmt_errand) errand = NULL;
	struct rmt_span header, body;
	enum rmt_course_ask ask;

	if (message.len == 0)
		return rmt_agent_refuse(job, "unsubscribe: there is no message");
	rmt_header_split(message, &header, &body);
	errand = errand_of(agent, job, header);
	if (*errand->id == '\0')
		return rmt_agent_refuse(job, "unsubscribe: the message has no header");
	if (agent->config->mode != RMT_MODE_ENFORCE)
		return only_say(agent, errand);
	ask = ask_of(agent, job, errand, header);
	if (ask != RMT_ASK_NOT)
		return put_question(agent, errand, ask);
	return headers_alone ? want_message(agent, errand)
			     : put_new_errand(agent, errand, message);
}
