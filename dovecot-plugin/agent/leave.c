/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/unsubscribe/mailto.h"
#include "dovecot-plugin/agent/leave.h"
#include "dovecot-plugin/agent/leave_pace.h"
#include "dovecot-plugin/agent/leaver.h"

enum { FIRST_WAIT_SECS = 30, LAST_WAIT_SECS = 1800, PACE_WAIT_SECS = 61 };

static int64_t seconds(uint64_t ns)
{
	return (int64_t)(ns / RMT_NS_PER_SEC);
}

struct running {
	struct rmt_agent *agent;
	struct rmt_agent_worker *worker;
	const struct rmt_job *job;
	struct rmt_errand *errand;
};

static void finish(const struct running *running, enum rmt_left_state state,
		   const char *by, const char *note)
{
	const struct rmt_errand *errand = running->errand;
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	GError *err = NULL;

	rmt_leave_put_left(running->agent, errand, state, by, note, deal);
	rmt_leave_put_answer(
		errand,
		state == RMT_LEFT_DONE
			? "add=" RMT_KEYWORD_UNSUBSCRIBED RMT_LEAVE_OVER
			: "add=" RMT_KEYWORD_UNSUBSCRIBE_FAILED RMT_LEAVE_OVER,
		rmt_agent_now_us(running->agent), deal);
	rmt_deal_remove_job(deal, running->job->kind, running->job->id);
	if (!rmt_deal_commit(running->agent->store, deal, NULL, &err))
		rmt_leave_trouble(&err);
	else
		rmt_log(RMT_LOG_INFO,
			"unsubscribe %s user=<%s> list=%s by=%s host=%s posts=%u "
			"vouches=%s note=\"%s\"",
			rmt_left_state_name(state), errand->subject->user, errand->list,
			*by != '\0' ? by : "-", errand->host, errand->posts,
			*errand->way != '\0' ? errand->way : "-", note);
}

static void go_on_at(const struct running *running, int64_t next, const char *note)
{
	const struct rmt_errand *errand = running->errand;
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	GError *err = NULL;

	rmt_leave_put_left(running->agent, errand, RMT_LEFT_WAITING, "", note, deal);
	rmt_leave_put_errand(errand, running->job->since, next, note, deal);
	if (!rmt_deal_commit(running->agent->store, deal, NULL, &err))
		rmt_leave_trouble(&err);
}

/* Nobody there to ask, or no mail server: not the list's fault, so not counted. */
static void wait_for(const struct running *running, const char *whom)
{
	const struct rmt_job *job = running->job;
	const int64_t now = rmt_agent_now(running->agent);
	GError *err = NULL;

	if (now >= job->until) {
		finish(running,
		       running->errand->unsure ? RMT_LEFT_UNSURE : RMT_LEFT_FAILED, "",
		       whom);
		return;
	}
	rmt_log(RMT_LOG_WARNING, "unsubscribe waits user=<%s>: %s",
		running->errand->subject->user, whom);
	rmt_job_again(running->agent->store, job,
		      now + rmt_job_back_off(job->attempts, FIRST_WAIT_SECS,
					     LAST_WAIT_SECS, g_random_int()),
		      whom, &err);
	rmt_leave_trouble(&err);
}

static bool ask_worker(const struct running *running, struct rmt_wire_out *request,
		       struct rmt_leaver_answer *answer)
{
	const char *socket = running->agent->config->unsubscribing.worker;
	GError *err = NULL;

	if (rmt_leaver_ask(socket, request, answer, &err))
		return true;
	wait_for(running, err->message);
	g_clear_error(&err);
	rmt_leaver_answer_clear(answer);
	return false;
}

static struct rmt_course_facts course_facts(const struct running *running, bool done,
					    bool open)
{
	const struct rmt_errand *errand = running->errand;
	const struct rmt_unsubscribing *set = &running->agent->config->unsubscribing;

	return (struct rmt_course_facts){
		.has_url = *errand->url != '\0',
		.has_mailto = *errand->mailto != '\0',
		.done = done,
		.open = open,
		.unsure = errand->unsure,
		.posts = errand->posts,
		.attempts = errand->attempts,
		.tries = set->tries,
		.now = rmt_agent_now(running->agent),
		.retry_after_secs = seconds(set->retry_after_ns),
	};
}

/* By what facts so far the course goes. */
static void choose_course(const struct running *running, bool done, bool open,
			  const char *note)
{
	const struct rmt_course_facts facts = course_facts(running, done, open);
	struct rmt_errand *errand = running->errand;
	int64_t at;

	switch (rmt_course_next(&facts, &at)) {
	case RMT_COURSE_DONE:
		finish(running, RMT_LEFT_DONE, "post", note);
		break;
	case RMT_COURSE_POST:
		errand->stage = RMT_ERRAND_POST;
		go_on_at(running, at, note);
		break;
	case RMT_COURSE_MAIL:
		errand->stage = RMT_ERRAND_MAIL;
		go_on_at(running, at, note);
		break;
	case RMT_COURSE_UNSURE:
		finish(running, RMT_LEFT_UNSURE, "post", note);
		break;
	case RMT_COURSE_FAILED:
		finish(running, RMT_LEFT_FAILED, errand->posts > 0 ? "post" : "", note);
		break;
	}
}

static void take_way(struct rmt_errand *errand, const struct rmt_wire_record *answer)
{
	const char *list = rmt_wire_get(answer, "list");
	const char *host = rmt_wire_get(answer, "host");
	const char *domain = rmt_wire_get(answer, "domain");

	rmt_errand_set(&errand->url, rmt_wire_get(answer, "url"));
	rmt_errand_set(&errand->host, host);
	rmt_errand_set(&errand->mailto, rmt_wire_get(answer, "mailto"));
	rmt_errand_set(&errand->mail_subject, rmt_wire_get(answer, "subject"));
	rmt_errand_set(&errand->mail_body, rmt_wire_get(answer, "text"));
	rmt_errand_set(&errand->way, rmt_wire_get(answer, "by"));
	g_free(errand->list);
	if (list != NULL)
		errand->list = g_strdup(list);
	else if (host != NULL)
		errand->list = g_strconcat("host:", host, NULL);
	else
		errand->list = g_strconcat("from:", domain != NULL ? domain : "", NULL);
	g_clear_pointer(&errand->message, g_free);
	errand->message_len = 0;
}

/* Another message of a list that was just left: its URL is not needed any more. */
static bool is_left_already(const struct running *running)
{
	const struct rmt_errand *errand = running->errand;
	const struct rmt_unsubscribing *set = &running->agent->config->unsubscribing;
	const char *address =
		*errand->address != '\0' ? errand->address : errand->subject->user;
	g_autoptr(rmt_left) row = NULL;

	return strchr(errand->list, ':') == NULL &&
	       rmt_left_get(running->agent->store, address, errand->list, &row, NULL) &&
	       row != NULL && row->state == RMT_LEFT_DONE &&
	       rmt_agent_now(running->agent) - row->changed <
		       seconds(set->still_after_ns);
}

static void answer_again(const struct running *running)
{
	g_autoptr(rmt_deal) deal = rmt_deal_new();
	GError *err = NULL;

	rmt_leave_put_answer(running->errand,
			     "add=" RMT_KEYWORD_UNSUBSCRIBED RMT_LEAVE_OVER,
			     rmt_agent_now_us(running->agent), deal);
	rmt_deal_remove_job(deal, running->job->kind, running->job->id);
	if (!rmt_deal_commit(running->agent->store, deal, NULL, &err))
		rmt_leave_trouble(&err);
	rmt_log(RMT_LOG_INFO, "unsubscribe already user=<%s> list=%s",
		running->errand->subject->user, running->errand->list);
}

static void run_look(const struct running *running)
{
	struct rmt_errand *errand = running->errand;
	struct rmt_leaver_answer answer;
	struct rmt_wire_out request;
	g_autofree char *note = NULL;
	const char *result, *why;

	rmt_leaver_begin(&request, "look");
	rmt_wire_end(&request, errand->message, errand->message_len);
	if (!ask_worker(running, &request, &answer))
		return;
	take_way(errand, &answer.record);
	result = rmt_wire_get(&answer.record, "result");
	why = rmt_wire_get(&answer.record, "why");
	note = g_strdup(why != NULL ? why : result != NULL ? result : "");
	rmt_leaver_answer_clear(&answer);
	if (is_left_already(running))
		answer_again(running);
	else
		choose_course(running, false, false, note);
}

static void run_post(const struct running *running)
{
	struct rmt_errand *errand = running->errand;
	const struct rmt_unsubscribing *set = &running->agent->config->unsubscribing;
	const int64_t now = rmt_agent_now(running->agent);
	struct rmt_leaver_answer answer;
	struct rmt_wire_out request;
	g_autofree char *note = NULL, *outcome = NULL;
	bool open;

	if (!rmt_leave_pace(errand->host, set->per_host, now)) {
		go_on_at(running, now + PACE_WAIT_SECS, "host-busy");
		return;
	}
	rmt_leaver_begin(&request, "post");
	rmt_wire_add(&request, "url", errand->url);
	rmt_wire_add_number(&request, "posts", set->tries - errand->posts);
	rmt_wire_end(&request, NULL, 0);
	if (!ask_worker(running, &request, &answer))
		return;
	outcome = g_strdup(rmt_wire_get(&answer.record, "outcome"));
	note = g_strdup_printf("%s %s", outcome, rmt_wire_get(&answer.record, "status"));
	errand->attempts++;
	errand->posts += (unsigned)rmt_wire_get_number(&answer.record, "posts");
	errand->unsure = errand->unsure || g_strcmp0(outcome, "timeout") == 0 ||
			 g_strcmp0(outcome, "broken") == 0;
	open = rmt_wire_get_number(&answer.record, "open") != 0;
	rmt_leaver_answer_clear(&answer);
	choose_course(running, g_strcmp0(outcome, "done") == 0, open, note);
}

/* --- by mail --- */

/* Pitfall 23. NULL: nothing is against it. */
static const char *against_mail(const struct running *running)
{
	const struct rmt_errand *errand = running->errand;
	char folded[RMT_DOMAIN_MAX + 1];
	struct rmt_span local, domain;

	if (strchr(errand->address, '@') == NULL)
		return "it is not known which address is subscribed";
	if (!rmt_span_split_last(rmt_span_of(errand->mailto), '@', &local, &domain))
		return "no address";
	domain = rmt_domain_fold(domain, folded);
	if (rmt_list_has(running->agent->config->own_domains, domain) &&
	    rmt_mailto_is_role(local))
		return "the address is one of this site's services";
	return NULL;
}

static void run_mail(const struct running *running)
{
	const struct rmt_errand *errand = running->errand;
	const char *against = against_mail(running);
	const char *const to[] = { errand->mailto, NULL };
	g_autofree char *message_id = NULL, *reply = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_mail mail = { .sender = errand->address, .recipients = to };

	if (against != NULL) {
		finish(running, errand->unsure ? RMT_LEFT_UNSURE : RMT_LEFT_FAILED,
		       "mailto", against);
		return;
	}
	message_id = g_strdup_printf("%s.leave@%s", strrchr(running->job->id, ' ') + 1,
				     running->agent->host);
	rmt_leave_mail(errand, message_id, rmt_agent_now(running->agent), text);
	mail.text = rmt_span(text->str, text->len);
	switch (rmt_submit(running->worker->submission, &mail, &reply)) {
	case RMT_SUBMITTED_TAKEN:
		finish(running, RMT_LEFT_DONE, "mailto", reply);
		break;
	case RMT_SUBMITTED_LATER:
		wait_for(running, reply);
		break;
	case RMT_SUBMITTED_REFUSED:
		finish(running, errand->unsure ? RMT_LEFT_UNSURE : RMT_LEFT_FAILED,
		       "mailto", reply);
		break;
	case RMT_SUBMITTED_UNKNOWN:
		finish(running, RMT_LEFT_UNSURE, "mailto", reply);
		break;
	}
}

void rmt_run_unsubscribe(struct rmt_agent *agent, struct rmt_agent_worker *worker,
			 const struct rmt_job *job)
{
	g_autoptr(rmt_errand) errand = rmt_errand_unpack(job->payload);
	const struct running running = { agent, worker, job, errand };
	GError *err = NULL;

	if (errand == NULL) {
		rmt_job_give_up(agent->store, job, "cannot be read", &err);
		rmt_leave_trouble(&err);
		return;
	}
	switch (errand->stage) {
	case RMT_ERRAND_LOOK:
		run_look(&running);
		break;
	case RMT_ERRAND_POST:
		run_post(&running);
		break;
	default:
		run_mail(&running);
		break;
	}
}
