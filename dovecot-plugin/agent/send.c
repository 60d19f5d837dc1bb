/* SPDX-License-Identifier: MIT */
/* A receipt that was approved goes out.
 *
 * APPROVED: nothing was taken by the mail server, for sure. SENDING is committed
 * before the message's end is sent, SENT after the server's answer; both in step
 * with the job. Who finds SENDING after a crash is in doubt. remite-milter, if it
 * stands at the submission, counts each receipt in its claim: with it the doubt is
 * settled, and should one come by twice, the second is discarded there. Without
 * it, a receipt in doubt is not sent again: never a receipt too many. */
#include <string.h>

#include "common/base/log.h"
#include "common/receipts/mdn.h"
#include "common/store/audit.h"
#include "dovecot-plugin/agent/run.h"

#define AGENT_TABLE "agent"
#define COUNTED_KEY RMT_SPAN("receipts-counted")
#define WAS_COUNTED "taken: it was counted at submission"
#define IN_DOUBT    "broken off at its end: it may have been sent, so it is not sent again"

enum {
	FIRST_WAIT_SECS = 60,
	LAST_WAIT_SECS = 3600,
	/* What a sender was killed over may still be on its way through the mail server. */
	DOUBT_WAIT_SECS = 10,
};

/* One attempt. */
struct sending {
	struct rmt_agent *agent;
	const struct rmt_job *job;
	struct rmt_receipt_order order;      /* own */
	struct rmt_receipt_request *request; /* own */
	GString *id;                         /* own */
	bool marked;
};

static void clear(struct sending *sending)
{
	rmt_receipt_order_clear(&sending->order);
	g_clear_pointer(&sending->request, rmt_receipt_request_free);
	if (sending->id != NULL)
		g_string_free(sending->id, TRUE);
}

static void log_trouble(GError **err)
{
	if (*err != NULL)
		rmt_log(RMT_LOG_ERROR, "receipts: %s", (*err)->message);
	g_clear_error(err);
}

/* --- steps of the claim --- */

static struct rmt_claim_step step_of(const struct sending *sending, unsigned from,
				     enum rmt_claim_state to)
{
	int64_t now = rmt_agent_now(sending->agent);

	return (struct rmt_claim_step){
		.user = sending->order.subject->user,
		.id = sending->id->str,
		.from = from,
		.to = to,
		.now = now,
		.until = now + (int64_t)(sending->agent->config->agent.claims_kept_ns /
					 G_GUINT64_CONSTANT(1000000000)),
	};
}

/* Called when all but the end was sent. */
static bool mark(void *context)
{
	struct sending *sending = context;
	struct rmt_claim_step step =
		step_of(sending, RMT_CLAIM_IN(RMT_CLAIM_APPROVED), RMT_CLAIM_SENDING);
	g_autoptr(GError) err = NULL;

	rmt_agent_fault(sending->agent, "before-mark");
	sending->marked = rmt_claim_take(sending->agent->store, &step, NULL, NULL,
					 &err) == RMT_CLAIM_TAKEN;
	log_trouble(&err);
	rmt_agent_fault(sending->agent, "after-mark");
	return sending->marked;
}

static void put_audit(const struct sending *sending, const char *event, const char *note,
		      struct rmt_deal *deal)
{
	g_autofree char *target = rmt_receipt_request_targets(sending->request);
	struct rmt_audit line = {
		.at_us = rmt_agent_now_us(sending->agent),
		.event = (char *)event,
		.user = sending->order.subject->user,
		.id = sending->id->str,
		.target = target,
		.by = (char *)"agent",
		.receipt = sending->order.receipt,
		.note = (char *)note,
	};

	rmt_deal_put_audit(deal, &line);
}

/* The job is over, one way or another. */
static void finish(struct sending *sending, enum rmt_claim_state to, const char *note)
{
	struct rmt_claim_step step = step_of(
		sending,
		RMT_CLAIM_IN(RMT_CLAIM_APPROVED) | RMT_CLAIM_IN(RMT_CLAIM_SENDING), to);
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	g_autoptr(GError) err = NULL;

	rmt_deal_remove_job(deal, sending->job->kind, sending->job->id);
	put_audit(sending, rmt_claim_state_name(to), note, deal);
	rmt_agent_fault(sending->agent, "before-finish");
	/* Refused: the user's records were erased meanwhile; the job goes all the same.
	 */
	if (rmt_claim_take(sending->agent->store, &step, deal, NULL, &err) ==
	    RMT_CLAIM_REFUSED)
		rmt_job_done(sending->agent->store, sending->job, &err);
	log_trouble(&err);
	rmt_agent_fault(sending->agent, "after-finish");
	rmt_log(RMT_LOG_INFO, "receipt %s user=<%s> id=<%s> receipt=<%s> %s",
		rmt_claim_state_name(to), sending->order.subject->user, sending->id->str,
		sending->order.receipt, note);
}

static void fail(struct sending *sending, const char *note)
{
	rmt_log(RMT_LOG_WARNING,
		"a receipt of <%s> is given up: %s (remite receipts log tells which)",
		sending->order.subject->user, note);
	finish(sending, RMT_CLAIM_FAILED, note);
}

/* Back to APPROVED, in step with the job's next attempt. not_passed: this attempt may have
 * been counted, and was not taken for sure. Another count stays: it is of an attempt that
 * came by late. */
static void again(struct sending *sending, int64_t wait_secs, bool not_passed,
		  const char *note)
{
	const struct rmt_job *job = sending->job;
	struct rmt_claim_step step = step_of(sending,
					     RMT_CLAIM_IN(RMT_CLAIM_APPROVED) |
						     RMT_CLAIM_IN(RMT_CLAIM_SENDING),
					     RMT_CLAIM_APPROVED);
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	g_autoptr(GError) err = NULL;
	int64_t next = step.now + wait_secs;

	if (next >= job->until) {
		fail(sending, note);
		return;
	}
	step.not_passed = not_passed;
	rmt_agent_fault(sending->agent, "before-again");
	rmt_deal_put_job_again(deal, job, next, note);
	rmt_claim_take(sending->agent->store, &step, deal, NULL, &err);
	log_trouble(&err);
	rmt_log(RMT_LOG_INFO, "receipt waits user=<%s> id=<%s> attempt=%u secs=%d: %s",
		sending->order.subject->user, sending->id->str, job->attempts + 1,
		(int)wait_secs, note);
}

static int64_t back_off(const struct rmt_job *job)
{
	return rmt_job_back_off(job->attempts + 1, FIRST_WAIT_SECS, LAST_WAIT_SECS,
				g_random_int());
}

/* --- does a milter count what we submit? --- */

enum counted { COUNTED_UNKNOWN, COUNTED_NO, COUNTED_YES };

static enum counted ask_counted(struct rmt_store *store)
{
	g_autoptr(GBytes) value = NULL;
	gsize size = 0;
	const char *text;

	if (!rmt_deal_read(store, AGENT_TABLE, COUNTED_KEY, &value, NULL) ||
	    value == NULL)
		return COUNTED_UNKNOWN;
	text = g_bytes_get_data(value, &size);
	return size == 1 && text[0] == '1' ? COUNTED_YES : COUNTED_NO;
}

/* Learned from each receipt that went out well. */
static void learn(struct sending *sending)
{
	struct rmt_store *store = sending->agent->store;
	g_autoptr(rmt_claim) row = NULL;
	struct rmt_store_change change = { .table = AGENT_TABLE, .key = COUNTED_KEY };
	enum counted counted;

	if (!rmt_claim_get(store, sending->order.subject->user, sending->id->str, &row,
			   NULL) ||
	    row == NULL)
		return;
	counted = row->passed > 0 ? COUNTED_YES : COUNTED_NO;
	if (counted == ask_counted(store))
		return;
	change.value = counted == COUNTED_YES ? RMT_SPAN("1") : RMT_SPAN("0");
	rmt_store_commit(store, &change, 1, NULL, NULL);
}

/* Until another receipt has told whether there is a milter. */
static void put_off_doubt(struct sending *sending)
{
	const struct rmt_job *job = sending->job;
	int64_t next = rmt_agent_now(sending->agent) + back_off(job);
	g_autoptr(GError) err = NULL;

	if (next >= job->until)
		fail(sending, IN_DOUBT);
	else
		rmt_job_again(sending->agent->store, job, next,
			      "broken off at its end: waits until it is known whether "
			      "submission is counted",
			      &err);
	log_trouble(&err);
}

static void settle_uncounted(struct sending *sending, const struct rmt_claim *row)
{
	int64_t wait = row->changed + DOUBT_WAIT_SECS - rmt_agent_now(sending->agent);

	switch (ask_counted(sending->agent->store)) {
	case COUNTED_YES:
		again(sending, CLAMP(wait, 0, DOUBT_WAIT_SECS), false,
		      "broken off before it was counted at submission");
		break;
	case COUNTED_NO:
		fail(sending, IN_DOUBT);
		break;
	case COUNTED_UNKNOWN:
		put_off_doubt(sending);
		break;
	}
}

static void settle_doubt(struct sending *sending)
{
	g_autoptr(rmt_claim) row = NULL;
	g_autoptr(GError) err = NULL;

	if (!rmt_claim_get(sending->agent->store, sending->order.subject->user,
			   sending->id->str, &row, &err) ||
	    row == NULL)
		log_trouble(&err); /* still due */
	else if (row->passed > 0)
		finish(sending, RMT_CLAIM_SENT, WAS_COUNTED);
	else
		settle_uncounted(sending, row);
}

/* --- one attempt --- */

/* Own; NULL-ended. */
static char **recipients_of(const struct rmt_receipt_request *request)
{
	char **list = g_new0(char *, request->targets->len + 1);
	guint i;

	for (i = 0; i < request->targets->len; i++) {
		const struct rmt_mailbox *one = request->targets->pdata[i];

		list[i] = g_strdup(one->address);
	}
	return list;
}

static GString *write_with(const struct sending *sending, struct rmt_mdn_order *order,
			   GError **err)
{
	bool needs_utf8;
	GString *text;

	order->smtputf8 = false;
	text = rmt_mdn_write(order, sending->agent->templates, &needs_utf8, NULL);
	if (text != NULL)
		return text;
	order->smtputf8 = true;
	return rmt_mdn_write(order, sending->agent->templates, &needs_utf8, err);
}

/* NULL with a sentence. The same octets at every attempt. */
static GString *compose(const struct sending *sending, const struct rmt_claim *row,
			GError **err)
{
	const struct rmt_case *subject = sending->order.subject;
	g_autoptr(rmt_receipt_user) user = rmt_case_user(subject, sending->agent->config);
	const char *recipient =
		*subject->recipient != '\0' ? subject->recipient : row->recipient;
	g_autoptr(rmt_mailbox) envelope = rmt_mailbox_read(rmt_span_of(recipient));
	g_autofree char *message_id = g_strdup_printf("<%s>", sending->order.receipt);
	struct rmt_mdn_order order = {
		.request = sending->request,
		.name = subject->name,
		.ascii = rmt_receipt_user_ascii(user),
		.event = sending->order.event,
		.by_user = sending->order.by_user,
		.language = *subject->language != '\0' ? subject->language : NULL,
		.now = sending->order.at,
		.message_id = message_id,
		.settings = &sending->agent->config->receipts,
	};

	rmt_receipt_recipient_find(sending->request, user, envelope, &order.recipient);
	if (order.recipient.final != NULL && sending->request->targets->len > 0)
		return write_with(sending, &order, err);
	g_set_error(err, RMT_STORE_ERROR, RMT_STORE_ERROR_OTHER,
		    "it is not known which address of the user it is for "
		    "(remite_addresses)");
	return NULL;
}

static void judge(struct sending *sending, enum rmt_submitted result, const char *reply)
{
	switch (result) {
	case RMT_SUBMITTED_TAKEN:
		learn(sending);
		finish(sending, RMT_CLAIM_SENT, reply);
		break;
	case RMT_SUBMITTED_REFUSED:
		fail(sending, reply);
		break;
	case RMT_SUBMITTED_UNKNOWN:
		settle_doubt(sending);
		break;
	case RMT_SUBMITTED_LATER:
		again(sending, back_off(sending->job), sending->marked, reply);
		break;
	}
}

static void attempt(struct sending *sending, struct rmt_agent_worker *worker,
		    const struct rmt_claim *row)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(GString) text = compose(sending, row, &err);
	g_auto(GStrv) recipients = recipients_of(sending->request);
	g_autofree char *reply = NULL;
	struct rmt_mail mail = { .sender = "",
				 .recipients = (const char *const *)recipients,
				 .last = mark,
				 .context = sending };
	enum rmt_submitted result;

	if (text == NULL) {
		fail(sending, err->message);
		return;
	}
	mail.text = rmt_span(text->str, text->len);
	rmt_agent_fault(sending->agent, "before-submit");
	result = rmt_submit(worker->submission, &mail, &reply);
	rmt_agent_fault(sending->agent, "after-submit");
	judge(sending, result, reply);
}

static void go_on(struct sending *sending, struct rmt_agent_worker *worker)
{
	g_autoptr(rmt_claim) row = NULL;
	g_autoptr(GError) err = NULL;

	if (!rmt_claim_get(sending->agent->store, sending->order.subject->user,
			   sending->id->str, &row, &err)) {
		log_trouble(&err);
		return;
	}
	if (row != NULL && row->state == RMT_CLAIM_APPROVED && row->passed > 0)
		finish(sending, RMT_CLAIM_SENT, WAS_COUNTED);
	else if (row != NULL && row->state == RMT_CLAIM_APPROVED)
		attempt(sending, worker, row);
	else if (row != NULL && row->state == RMT_CLAIM_SENDING)
		settle_doubt(sending);
	else /* decided otherwise meanwhile */
		rmt_job_done(sending->agent->store, sending->job, &err);
	log_trouble(&err);
}

void rmt_run_receipt(struct rmt_agent *agent, struct rmt_agent_worker *worker,
		     const struct rmt_job *job)
{
	struct sending sending = { .agent = agent, .job = job };
	g_autoptr(GError) err = NULL;

	if (!rmt_receipt_order_unpack(job->payload, &sending.order)) {
		rmt_log(RMT_LOG_ERROR,
			"a receipt's job is damaged: given up (remite jobs list)");
		rmt_job_give_up(agent->store, job, "damaged", &err);
		log_trouble(&err);
		return;
	}
	sending.id = g_string_new(NULL);
	sending.request = rmt_case_request(sending.order.subject, agent->config);
	rmt_case_id(sending.request, sending.id);
	go_on(&sending, worker);
	clear(&sending);
}
