/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "hash.h"
#include "ioloop.h"
#include "istream.h"
#include "llist.h"
#include "net.h"
#include "ostream.h"
#include "time-util.h"
#include "mail-user.h"

#include <poll.h>

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/marks.h"
#include "dovecot-plugin/user.h"

enum {
	RETRY_MIN_MSECS = 500,
	RETRY_MAX_MSECS = 60 * 1000,
	IDLE_MSECS = 5 * 60 * 1000,
	/* Of a session; what is beyond is sent by a later one. */
	JOBS_MAX = 500,
	OCTETS_MAX = 16 * 1024 * 1024,
};

struct rmt_agent {
	struct rmt_user *user; /* foreign */
	int fd;
	struct io *io;
	struct istream *input;
	struct ostream *output;
	struct rmt_wire_in *in;
	struct timeout *to_retry, *to_idle;
	unsigned int retry_msecs;
	struct rmt_job *jobs, *jobs_tail; /* unacknowledged, oldest first */
	unsigned int job_count;
	size_t octets;
	uint64_t last_id;
	/* "kind\tbox\tuid" of what this session has sent: no second time. */
	HASH_TABLE(char *, char *) known;
	bool warned, want_answers;
};

static void agent_connect(struct rmt_agent *agent);

struct rmt_agent *rmt_agent_init(struct rmt_user *user)
{
	struct rmt_agent *agent = i_new(struct rmt_agent, 1);

	agent->user = user;
	agent->fd = -1;
	agent->retry_msecs = RETRY_MIN_MSECS;
	hash_table_create(&agent->known, default_pool, 0, str_hash, strcmp);
	return agent;
}

void rmt_job_free(struct rmt_job **_job)
{
	struct rmt_job *job = *_job;

	*_job = NULL;
	rmt_wire_out_free(&job->out);
	i_free(job->box);
	i_free(job);
}

static void drop_job(struct rmt_agent *agent, struct rmt_job *job)
{
	DLLIST2_REMOVE(&agent->jobs, &agent->jobs_tail, job);
	agent->job_count--;
	agent->octets -= job->out.len;
	rmt_job_free(&job);
}

static void agent_disconnect(struct rmt_agent *agent)
{
	timeout_remove(&agent->to_idle);
	if (agent->fd == -1)
		return;
	io_remove(&agent->io);
	i_stream_destroy(&agent->input);
	o_stream_destroy(&agent->output);
	rmt_wire_in_destroy(&agent->in);
	i_close_fd(&agent->fd);
}

void rmt_agent_deinit(struct rmt_agent **_agent)
{
	struct rmt_agent *agent = *_agent;
	struct hash_iterate_context *iter;
	char *key, *value;

	*_agent = NULL;
	if (agent == NULL)
		return;
	agent_disconnect(agent);
	timeout_remove(&agent->to_retry);
	while (agent->jobs != NULL)
		drop_job(agent, agent->jobs);
	iter = hash_table_iterate_init(agent->known);
	while (hash_table_iterate(iter, agent->known, &key, &value))
		i_free(key);
	hash_table_iterate_deinit(&iter);
	hash_table_destroy(&agent->known);
	i_free(agent);
}

/* --- when the agent is away --- */

static void agent_retry(struct rmt_agent *agent)
{
	timeout_remove(&agent->to_retry);
	agent_connect(agent);
}

static void retry_later(struct rmt_agent *agent)
{
	if (agent->to_retry != NULL || (agent->jobs == NULL && !agent->want_answers))
		return;
	agent->to_retry = timeout_add_short(agent->retry_msecs, agent_retry, agent);
	agent->retry_msecs = I_MIN(agent->retry_msecs * 2, RETRY_MAX_MSECS);
}

static void agent_lost(struct rmt_agent *agent, const char *why)
{
	if (!agent->warned) {
		e_warning(agent->user->user->event, "remite: %s: %s: will try again",
			  agent->user->set.agent_socket, why);
		agent->warned = TRUE;
	}
	agent_disconnect(agent);
	retry_later(agent);
}

/* --- what the agent says --- */

static struct rmt_job *find_job(struct rmt_agent *agent, uint64_t id)
{
	struct rmt_job *job;

	for (job = agent->jobs; job != NULL; job = job->next)
		if (job->id == id)
			return job;
	return NULL;
}

static void handle_ack(struct rmt_agent *agent, const struct rmt_wire_record *record)
{
	struct rmt_job *job = find_job(agent, record->id);

	if (job == NULL)
		return;
	if (job->box != NULL && job->acked != NULL) {
		struct rmt_change change = {
			.box = job->box,
			.uidvalidity = job->uidvalidity,
			.uid = job->uid,
			.remove = job->acked,
		};

		rmt_marks_change(agent->user->marks, &change);
	}
	drop_job(agent, job);
}

/* The job stays undone, and its marks with it: an older agent, or a job it finds
 * wrong. The user's next session tries once more. */
static void handle_nak(struct rmt_agent *agent, const struct rmt_wire_record *record)
{
	struct rmt_job *job = find_job(agent, record->id);
	const char *reason = rmt_wire_get(record, "reason");

	if (job == NULL)
		return;
	e_warning(agent->user->user->event, "remite: the agent refused a job: %s",
		  reason != NULL ? reason : "no reason given");
	drop_job(agent, job);
}

static void handle_answer(struct rmt_agent *agent, const struct rmt_wire_record *record)
{
	const char *user = rmt_wire_get(record, "user");
	const char *want = rmt_wire_get(record, "want");
	struct rmt_change change = {
		.box = rmt_wire_get(record, "box"),
		.uidvalidity = (uint32_t)rmt_wire_get_number(record, "uidvalidity"),
		.uid = (uint32_t)rmt_wire_get_number(record, "uid"),
		.msgid = rmt_wire_get(record, "msgid"),
		.add = rmt_wire_get(record, "add"),
		.remove = rmt_wire_get(record, "remove"),
		.preference = rmt_wire_get(record, "preference"),
		.want_unsubscribe = want != NULL && strcmp(want, "unsubscribe") == 0,
		.answer = record->id,
	};

	if (user == NULL || strcmp(user, agent->user->user->username) != 0)
		rmt_agent_answered(agent, record->id, "another user's");
	else
		rmt_marks_change(agent->user->marks, &change);
}

static const char *handle_record(struct rmt_agent *agent,
				 const struct rmt_wire_record *record)
{
	if (strcmp(record->type, "VERSION") == 0)
		return record->major == RMT_WIRE_MAJOR ? NULL : "speaks another version";
	if (strcmp(record->type, "ACK") == 0)
		handle_ack(agent, record);
	else if (strcmp(record->type, "NAK") == 0)
		handle_nak(agent, record);
	else if (strcmp(record->type, "ANSWER") == 0)
		handle_answer(agent, record);
	return NULL;
}

static const char *handle_records(struct rmt_agent *agent)
{
	struct rmt_wire_record record;
	enum rmt_wire_result result;
	const char *error = NULL;

	while (error == NULL &&
	       (result = rmt_wire_in_next(agent->in, &record)) != RMT_WIRE_MORE)
		error = result == RMT_WIRE_BAD ? rmt_wire_in_error(agent->in)
					       : handle_record(agent, &record);
	return error;
}

static void agent_idle(struct rmt_agent *agent)
{
	if (agent->jobs != NULL) {
		timeout_reset(agent->to_idle);
		return;
	}
	agent->want_answers = FALSE;
	agent_disconnect(agent);
}

static void agent_input(struct rmt_agent *agent)
{
	const unsigned char *data;
	const char *error = NULL;
	size_t size;
	ssize_t got;

	timeout_reset(agent->to_idle);
	while (error == NULL &&
	       (got = i_stream_read_more(agent->input, &data, &size)) > 0) {
		rmt_wire_in_feed(agent->in, data, size);
		i_stream_skip(agent->input, size);
		error = handle_records(agent);
		if (error == NULL) {
			agent->warned = FALSE;
			agent->retry_msecs = RETRY_MIN_MSECS;
		}
	}
	if (error == NULL && got < 0)
		error = "connection closed";
	if (error != NULL)
		agent_lost(agent, error);
}

/* --- what we say --- */

static void send_out(struct rmt_agent *agent, const struct rmt_wire_out *out)
{
	o_stream_nsend(agent->output, out->data, out->len);
}

static void send_greeting(struct rmt_agent *agent)
{
	struct rmt_wire_out out = { 0 };

	rmt_wire_version(&out, "mail");
	if (agent->user->service == RMT_SERVICE_IMAP) {
		rmt_wire_begin(&out, "JOB", ++agent->last_id, "open");
		rmt_wire_add(&out, "user", agent->user->user->username);
		rmt_wire_end(&out, NULL, 0);
	}
	send_out(agent, &out);
	rmt_wire_out_free(&out);
}

/* "Once" is what it is called: they do not stay in the list. */
static void send_jobs(struct rmt_agent *agent)
{
	struct rmt_job *job, *next;

	for (job = agent->jobs; job != NULL; job = next) {
		next = job->next;
		send_out(agent, &job->out);
		if (job->once)
			drop_job(agent, job);
	}
}

static void agent_connect(struct rmt_agent *agent)
{
	const char *path = agent->user->set.agent_socket;
	int fd = net_connect_unix(path);

	if (fd < 0) {
		/* Only an administrator can end that. */
		agent_lost(agent, errno == EACCES
					  ? "Permission denied: its unix_listener keeps "
					    "mail processes out ('remite doctor' says "
					    "what to write)"
					  : t_strdup_printf("%m"));
		return;
	}
	net_set_nonblock(fd, TRUE);
	agent->fd = fd;
	agent->input = i_stream_create_fd(fd, 64 * 1024);
	agent->output = o_stream_create_fd(fd, SIZE_MAX);
	o_stream_set_no_error_handling(agent->output, TRUE);
	agent->in = rmt_wire_in_create();
	agent->io = io_add(fd, IO_READ, agent_input, agent);
	agent->to_idle = timeout_add(IDLE_MSECS, agent_idle, agent);
	o_stream_cork(agent->output);
	send_greeting(agent);
	send_jobs(agent);
	o_stream_uncork(agent->output);
}

struct rmt_job *rmt_agent_job(struct rmt_agent *agent, const char *kind)
{
	struct rmt_job *job = i_new(struct rmt_job, 1);

	job->id = ++agent->last_id;
	rmt_wire_begin(&job->out, "JOB", job->id, kind);
	rmt_wire_add(&job->out, "user", agent->user->user->username);
	return job;
}

void rmt_agent_send(struct rmt_agent *agent, struct rmt_job *job)
{
	if (agent->job_count >= JOBS_MAX || agent->octets + job->out.len > OCTETS_MAX) {
		rmt_job_free(&job);
		return;
	}
	DLLIST2_APPEND(&agent->jobs, &agent->jobs_tail, job);
	agent->job_count++;
	agent->octets += job->out.len;
	if (agent->fd == -1) {
		if (agent->to_retry == NULL)
			agent_connect(agent);
		return;
	}
	send_out(agent, &job->out);
	timeout_reset(agent->to_idle);
	if (job->once)
		drop_job(agent, job);
}

bool rmt_agent_can_hear(struct rmt_agent *agent)
{
	if (agent->fd == -1 && agent->to_retry == NULL)
		agent_connect(agent);
	return agent->fd != -1;
}

void rmt_agent_want_answers(struct rmt_agent *agent)
{
	agent->want_answers = TRUE;
	(void)rmt_agent_can_hear(agent);
}

void rmt_agent_answered(struct rmt_agent *agent, uint64_t id, const char *reason)
{
	struct rmt_wire_out out = { 0 };

	/* Without a connection the agent asks again. */
	if (agent->fd == -1)
		return;
	rmt_wire_begin(&out, reason == NULL ? "DONE" : "KEEP", id, NULL);
	rmt_wire_add(&out, "reason", reason);
	rmt_wire_end(&out, NULL, 0);
	send_out(agent, &out);
	rmt_wire_out_free(&out);
}

bool rmt_agent_first_time(struct rmt_agent *agent, const char *kind, const char *box,
			  uint32_t uid)
{
	char *key = i_strdup_printf("%s\t%u\t%s", kind, uid, box);

	if (hash_table_lookup(agent->known, key) != NULL) {
		i_free(key);
		return FALSE;
	}
	hash_table_insert(agent->known, key, key);
	return TRUE;
}

void rmt_agent_wait(struct rmt_agent *agent, unsigned int msecs)
{
	uint64_t end = i_microseconds() / 1000 + msecs;

	while (agent->jobs != NULL && agent->fd != -1) {
		uint64_t now = i_microseconds() / 1000;
		struct pollfd pfd = { .fd = agent->fd, .events = POLLIN };

		if (now >= end)
			return;
		if (o_stream_get_buffer_used_size(agent->output) > 0)
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, (int)(end - now)) < 0 && errno != EINTR)
			return;
		if ((pfd.revents & POLLOUT) != 0)
			(void)o_stream_flush(agent->output);
		if ((pfd.revents & (POLLIN | POLLHUP)) != 0)
			agent_input(agent);
	}
}
