/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/receipts/mdn.h"
#include "common/store/audit.h"
#include "common/store/pack.h"
#include "dovecot-plugin/agent/rates.h"
#include "dovecot-plugin/agent/receipt.h"

enum { ORDER_VERSION = 1 };

#define UNDECIDED                                                                        \
	(RMT_CLAIM_IN(RMT_CLAIM_NONE) | RMT_CLAIM_IN(RMT_CLAIM_DELIVERED) |              \
	 RMT_CLAIM_IN(RMT_CLAIM_ASKED))

/* --- gathering --- */

static char *fold(const struct rmt_config *config, const char *address)
{
	struct rmt_addr addr;

	rmt_addr_fold(config->fold, rmt_span_of(address), &addr);
	return g_strndup(addr.whole.p, addr.whole.len);
}

static const char *first_target(const struct rmt_receipt_request *request)
{
	const struct rmt_mailbox *mailbox;

	if (request->targets->len == 0)
		return "";
	mailbox = g_ptr_array_index(request->targets, 0);
	return mailbox->address;
}

/* Theirs stand in the same order. */
static enum rmt_receipt_preference preference_of(enum rmt_choice choice)
{
	return (enum rmt_receipt_preference)choice;
}

/* For an address or its domain. */
static bool read_preference(const struct rmt_matter *matter, const char *address,
			    enum rmt_choice *choice_r, GError **err)
{
	struct rmt_store *store = matter->agent->store;
	const char *user = matter->subject->user;
	g_autofree char *sender = fold(matter->agent->config, address);
	const char *at = strrchr(sender, '@');

	return rmt_preference_get(store, user, sender, choice_r, err) &&
	       (*choice_r != RMT_CHOICE_NONE || at == NULL ||
		rmt_preference_get(store, user, at, choice_r, err));
}

/* Of several who ask, one "never" is enough. */
static bool read_preferences(struct rmt_matter *matter, GError **err)
{
	const GPtrArray *targets = matter->request->targets;
	enum rmt_choice everybody, one = RMT_CHOICE_NONE, next;
	guint i;

	if (!rmt_preference_get(matter->agent->store, matter->subject->user, "",
				&everybody, err))
		return false;
	for (i = 0; i < targets->len; i++) {
		const struct rmt_mailbox *mailbox = g_ptr_array_index(targets, i);

		if (!read_preference(matter, mailbox->address, &next, err))
			return false;
		if (i == 0 || next == RMT_CHOICE_NEVER)
			one = next;
	}
	matter->facts.preference = preference_of(everybody);
	matter->facts.sender_preference = preference_of(one);
	return true;
}

static uint64_t count_of(const struct rmt_matter *matter, char kind, const char *name,
			 const struct rmt_amount *limit)
{
	return rmt_rates_count(matter->agent->rates, kind, name,
			       (int64_t)(limit->period_ns / RMT_NS_PER_SEC),
			       matter->facts.now);
}

static void read_counts(struct rmt_matter *matter)
{
	const struct rmt_receipts_config *settings = &matter->agent->config->receipts;
	struct rmt_receipt_counts *counts = &matter->facts.counts;
	const struct rmt_mailbox *mailbox;
	uint64_t count;
	guint i;

	counts->user =
		count_of(matter, 'u', matter->subject->user, &settings->user_limit);
	for (i = 0; i < matter->request->targets->len; i++) {
		mailbox = g_ptr_array_index(matter->request->targets, i);
		count = count_of(matter, 't', mailbox->address, &settings->target_limit);
		counts->target = MAX(counts->target, count);
	}
	if (matter->request->from != NULL)
		counts->sender = count_of(matter, 's', matter->request->from->address,
					  &settings->sender_limit);
}

static const char *recipient_of(const struct rmt_matter *matter)
{
	if (*matter->subject->recipient != '\0')
		return matter->subject->recipient;
	return matter->row != NULL ? matter->row->recipient : "";
}

static void read_facts(struct rmt_matter *matter)
{
	matter->envelope = rmt_mailbox_read(rmt_span_of(recipient_of(matter)));
	matter->facts.request = matter->request;
	matter->facts.user = matter->user;
	matter->facts.envelope = matter->envelope;
	matter->facts.event = RMT_RECEIPT_DISPLAYED;
	matter->facts.place = rmt_case_places(matter->subject);
	matter->facts.received_at = matter->subject->received;
	matter->facts.now = matter->now_us / G_USEC_PER_SEC;
}

bool rmt_matter_open_row(struct rmt_agent *agent, const struct rmt_case *subject,
			 struct rmt_matter *matter, GError **err)
{
	memset(matter, 0, sizeof(*matter));
	matter->agent = agent;
	matter->subject = subject;
	matter->now_us = rmt_agent_now_us(agent);
	matter->id = g_string_new(NULL);
	matter->request = rmt_case_request(subject, agent->config);
	matter->user = rmt_case_user(subject, agent->config);
	rmt_case_id(matter->request, matter->id);
	matter->target = rmt_receipt_request_targets(matter->request);
	matter->sender = fold(agent->config, first_target(matter->request));
	if (matter->id->len > 0 && !rmt_claim_get(agent->store, subject->user,
						  matter->id->str, &matter->row, err))
		return false;
	read_facts(matter);
	return true;
}

bool rmt_matter_open(struct rmt_agent *agent, const struct rmt_case *subject,
		     struct rmt_matter *matter, GError **err)
{
	if (!rmt_matter_open_row(agent, subject, matter, err))
		return false;
	read_counts(matter);
	return read_preferences(matter, err);
}

void rmt_matter_clear(struct rmt_matter *matter)
{
	g_clear_pointer(&matter->request, rmt_receipt_request_free);
	g_clear_pointer(&matter->user, rmt_receipt_user_free);
	g_clear_pointer(&matter->envelope, rmt_mailbox_free);
	g_clear_pointer(&matter->row, rmt_claim_free);
	if (matter->id != NULL)
		g_string_free(matter->id, TRUE);
	matter->id = NULL;
	g_clear_pointer(&matter->target, g_free);
	g_clear_pointer(&matter->sender, g_free);
}

enum rmt_claim_state rmt_matter_state(const struct rmt_matter *matter)
{
	return matter->row != NULL ? matter->row->state : RMT_CLAIM_NONE;
}

void rmt_matter_decide(struct rmt_matter *matter, enum rmt_receipt_answer answer)
{
	matter->facts.answer = answer;
	matter->facts.claimed = rmt_matter_state(matter) > RMT_CLAIM_ASKED;
	rmt_receipt_decide(matter->agent->config, &matter->facts, &matter->decision);
}

/* --- steps --- */

static void put_audit(const struct rmt_matter *matter, const char *event, const char *by,
		      const char *rule, const char *receipt, struct rmt_deal *deal)
{
	const struct rmt_audit line = {
		.at_us = matter->now_us,
		.event = (char *)event,
		.user = matter->subject->user,
		.id = matter->id->str,
		.target = matter->target,
		.rule = (char *)rule,
		.by = (char *)by,
		.receipt = (char *)receipt,
	};

	rmt_deal_put_audit(deal, &line);
}

static void say(const struct rmt_matter *matter, const char *event, const char *by,
		const char *rule)
{
	g_autoptr(GString) user = g_string_new(NULL), id = g_string_new(NULL),
			   target = g_string_new(NULL);

	rmt_log_printable(user, rmt_span_of(matter->subject->user), 100);
	rmt_log_printable(id, rmt_span_of(matter->id->str), 200);
	rmt_log_printable(target, rmt_span_of(matter->target), 200);
	rmt_log(RMT_LOG_INFO, "receipt %s user=<%s> id=<%s> to=<%s> by=%s reason=%s",
		event, user->str, id->str, target->str, by, rule);
}

static struct rmt_claim_step step_of(const struct rmt_matter *matter,
				     enum rmt_claim_state to, const char *by,
				     const char *rule)
{
	int64_t now = matter->now_us / G_USEC_PER_SEC;
	uint64_t kept_ns = matter->agent->config->agent.claims_kept_ns;

	return (struct rmt_claim_step){
		.user = matter->subject->user,
		.id = matter->id->str,
		.from = UNDECIDED,
		.to = to,
		.now = now,
		.until = now + (int64_t)(kept_ns / RMT_NS_PER_SEC),
		.target = matter->target,
		.recipient = recipient_of(matter),
		.rule = rule,
		.by = by,
	};
}

/* What a decision ends: the question, and the mark in the mailbox. */
static void put_end_of_question(const struct rmt_matter *matter, struct rmt_deal *deal)
{
	const struct rmt_case *subject = matter->subject;
	g_autofree char *job = rmt_case_job_id(subject->user, matter->id->str);

	rmt_deal_remove_prompt(deal, subject->user, matter->id->str);
	rmt_deal_remove_job(deal, "prompt", job);
	rmt_deal_remove_job(deal, "prompt-end", job);
	rmt_case_put_answer(subject, matter->id->str, RMT_ANSWER_DECIDED, matter->now_us,
			    deal);
}

static enum rmt_claim_result take(struct rmt_matter *matter,
				  const struct rmt_claim_step *step,
				  struct rmt_deal *deal, const char *event, GError **err)
{
	struct rmt_claim *row = NULL;
	enum rmt_claim_result result;

	rmt_agent_fault(matter->agent, "before-claim");
	result = rmt_claim_take(matter->agent->store, step, deal, &row, err);
	rmt_agent_fault(matter->agent, "after-claim");
	if (result == RMT_CLAIM_TROUBLE)
		return result;
	rmt_claim_free(matter->row);
	matter->row = row;
	if (result == RMT_CLAIM_TAKEN) {
		say(matter, event, step->by, step->rule);
		matter->agent->wake(matter->agent->context);
	}
	return result;
}

static void note_rates(const struct rmt_matter *matter)
{
	struct rmt_rates *rates = matter->agent->rates;
	int64_t now = matter->now_us / G_USEC_PER_SEC;
	const struct rmt_mailbox *mailbox;
	guint i;

	rmt_rates_add(rates, 'u', matter->subject->user, now);
	for (i = 0; i < matter->request->targets->len; i++) {
		mailbox = g_ptr_array_index(matter->request->targets, i);
		rmt_rates_add(rates, 't', mailbox->address, now);
	}
	if (matter->request->from != NULL)
		rmt_rates_add(rates, 's', matter->request->from->address, now);
}

/* With <>, as the field has it. */
static GString *receipt_id(const struct rmt_matter *matter)
{
	const struct rmt_agent *agent = matter->agent;
	GString *out = g_string_new(NULL);

	rmt_mdn_message_id(rmt_span((const char *)agent->secret, sizeof(agent->secret)),
			   matter->subject->user, matter->request->key, agent->host, out);
	return out;
}

static void put_order(const struct rmt_matter *matter, char *receipt,
		      struct rmt_deal *deal)
{
	const struct rmt_case *subject = matter->subject;
	struct rmt_receipt_order order = {
		.by_user = matter->decision.by_user,
		.event = matter->facts.event,
		.at = matter->now_us / G_USEC_PER_SEC,
		.receipt = receipt,
		.subject = (struct rmt_case *)subject,
	};
	g_autofree char *id = rmt_case_job_id(subject->user, matter->id->str);
	g_autoptr(GString) payload = g_string_new(NULL);
	struct rmt_job job = {
		.kind = (char *)"receipt", .id = id, .since = order.at, .next = order.at
	};

	job.until = order.at +
		    (int64_t)(matter->agent->config->agent.give_up_ns / RMT_NS_PER_SEC);
	rmt_receipt_order_pack(&order, payload);
	job.payload = rmt_span(payload->str, payload->len);
	rmt_deal_put_job(deal, &job);
}

enum rmt_claim_result rmt_matter_approve(struct rmt_matter *matter, const char *by,
					 GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	g_autoptr(GString) receipt = receipt_id(matter), bare = g_string_new(NULL);
	struct rmt_claim_step step =
		step_of(matter, RMT_CLAIM_APPROVED, by, matter->decision.reason->id);
	enum rmt_claim_result result;

	rmt_claim_id(rmt_span(receipt->str, receipt->len), bare);
	step.receipt = bare->str;
	put_order(matter, bare->str, deal);
	put_end_of_question(matter, deal);
	put_audit(matter, "approved", by, step.rule, bare->str, deal);
	result = take(matter, &step, deal, "approved", err);
	if (result == RMT_CLAIM_TAKEN)
		note_rates(matter);
	return result;
}

#define YES_KEPT "user-yes"

bool rmt_matter_has_yes(const struct rmt_matter *matter)
{
	return rmt_matter_state(matter) == RMT_CLAIM_DELIVERED &&
	       strcmp(matter->row->rule, YES_KEPT) == 0;
}

enum rmt_claim_result rmt_matter_keep_yes(struct rmt_matter *matter, const char *by,
					  GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	struct rmt_claim_step step = step_of(matter, RMT_CLAIM_DELIVERED, by, YES_KEPT);

	step.from = RMT_CLAIM_IN(RMT_CLAIM_NONE) | RMT_CLAIM_IN(RMT_CLAIM_DELIVERED);
	put_audit(matter, "consented", by, YES_KEPT, NULL, deal);
	return take(matter, &step, deal, "consented", err);
}

enum rmt_claim_result rmt_matter_deny(struct rmt_matter *matter, const char *by,
				      const char *rule, GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	g_autofree char *job = rmt_case_job_id(matter->subject->user, matter->id->str);
	struct rmt_claim_step step = step_of(matter, RMT_CLAIM_DENIED, by, rule);

	/* Who changes his mind in time is heard (pitfall 12). */
	if (strcmp(by, "policy") != 0)
		step.from |= RMT_CLAIM_IN(RMT_CLAIM_APPROVED);
	rmt_deal_remove_job(deal, "receipt", job);
	put_end_of_question(matter, deal);
	put_audit(matter, "denied", by, rule, NULL, deal);
	return take(matter, &step, deal, "denied", err);
}

static void put_prompt(const struct rmt_matter *matter, int64_t until,
		       struct rmt_deal *deal)
{
	g_autoptr(GString) payload = g_string_new(NULL);
	struct rmt_prompt prompt = {
		.user = matter->subject->user,
		.id = matter->id->str,
		.target = matter->target,
		.subject = matter->request->subject,
		.rule = (char *)matter->decision.reason->id,
		.since = matter->now_us / G_USEC_PER_SEC,
		.until = until,
	};

	rmt_case_pack(matter->subject, payload);
	prompt.payload = rmt_span(payload->str, payload->len);
	rmt_deal_put_prompt(deal, &prompt);
}

/* What tells the user, and what ends it. Neither needs more than the prompt. */
static void put_prompt_jobs(const struct rmt_matter *matter, int64_t until,
			    struct rmt_deal *deal)
{
	g_autofree char *id = rmt_case_job_id(matter->subject->user, matter->id->str);
	int64_t now = matter->now_us / G_USEC_PER_SEC;
	struct rmt_job job = { .kind = (char *)"prompt-end",
			       .id = id,
			       .since = now,
			       .next = until,
			       .until = INT64_MAX };

	job.payload = rmt_span(matter->id->str, matter->id->len);
	rmt_deal_put_job(deal, &job);
	if (matter->agent->config->prompts.mail == RMT_PROMPT_OFF)
		return;
	job.kind = (char *)"prompt";
	job.next = now;
	job.until = until;
	rmt_deal_put_job(deal, &job);
}

enum rmt_claim_result rmt_matter_ask(struct rmt_matter *matter, GError **err)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	const char *rule = matter->decision.reason->id;
	struct rmt_claim_step step = step_of(matter, RMT_CLAIM_ASKED, "policy", rule);
	int64_t until = step.now + (int64_t)(matter->agent->config->prompts.expire_ns /
					     RMT_NS_PER_SEC);

	step.from = RMT_CLAIM_IN(RMT_CLAIM_NONE) | RMT_CLAIM_IN(RMT_CLAIM_DELIVERED);
	put_prompt(matter, until, deal);
	put_prompt_jobs(matter, until, deal);
	put_audit(matter, "asked", "policy", rule, NULL, deal);
	return take(matter, &step, deal, "asked", err);
}

/* --- orders --- */

void rmt_receipt_order_pack(const struct rmt_receipt_order *order, GString *out)
{
	g_autoptr(GString) subject = g_string_new(NULL);

	rmt_case_pack(order->subject, subject);
	rmt_pack_number(out, ORDER_VERSION);
	rmt_pack_number(out, order->by_user);
	rmt_pack_number(out, (uint64_t)order->event);
	rmt_pack_number(out, (uint64_t)MAX(order->at, 0));
	rmt_pack_string(out, rmt_span_of(order->receipt));
	rmt_pack_string(out, rmt_span(subject->str, subject->len));
}

bool rmt_receipt_order_unpack(struct rmt_span packed, struct rmt_receipt_order *order_r)
{
	struct rmt_unpack in = { packed, false };
	struct rmt_span receipt, subject;
	uint64_t event;

	if (rmt_unpack_number(&in) != ORDER_VERSION)
		return false;
	order_r->by_user = rmt_unpack_number(&in) != 0;
	event = rmt_unpack_number(&in);
	order_r->event = (enum rmt_receipt_event)event;
	order_r->at = (int64_t)rmt_unpack_number(&in);
	receipt = rmt_unpack_string(&in);
	subject = rmt_unpack_string(&in);
	if (in.damaged || event > RMT_RECEIPT_DELETED || receipt.len == 0 ||
	    memchr(receipt.p, '\0', receipt.len) != NULL)
		return false;
	order_r->subject = rmt_case_unpack(subject);
	if (order_r->subject == NULL)
		return false;
	order_r->receipt = g_strndup(receipt.p, receipt.len);
	return true;
}

void rmt_receipt_order_clear(struct rmt_receipt_order *order)
{
	g_clear_pointer(&order->subject, rmt_case_free);
	g_clear_pointer(&order->receipt, g_free);
}
