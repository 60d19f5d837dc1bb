/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/unsubscribe/serve.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/message/header.h"

enum { CHUNK = 64 * 1024, DESCRIPTORS = 64 };

struct serving {
	int fd;
	struct rmt_leave *leave;         /* foreign */
	const struct rmt_config *config; /* foreign */
	unsigned job_max_secs;
	bool greeted;
};

static bool write_all(int fd, const struct rmt_wire_out *out)
{
	size_t done = 0;

	while (done < out->len) {
		const ssize_t wrote = write(fd, out->data + done, out->len - done);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return false;
		done += (size_t)wrote;
	}
	return true;
}

static bool send_out(struct serving *serving, struct rmt_wire_out *out)
{
	const bool ok = write_all(serving->fd, out);

	rmt_wire_out_free(out);
	return ok;
}

/* --- the jobs -------------------------------------------------------------------- */

/* What is wrong with the best that was offered; NULL: nothing. */
static const char *what_is_wrong(const struct rmt_leave_way *way)
{
	if (way->url != NULL)
		return NULL;
	if (way->target != RMT_TARGET_OK)
		return rmt_target_word(way->target);
	if (way->mailto_is != RMT_MAILTO_OK)
		return rmt_mailto_word(way->mailto_is);
	if (way->covered.one_click != RMT_ONE_CLICK_OK)
		return rmt_one_click_word(way->covered.one_click);
	return NULL;
}

static void look(struct serving *serving, const struct rmt_wire_record *record,
		 struct rmt_wire_out *out)
{
	const struct rmt_span message =
		rmt_span((const char *)record->body, record->body_len);
	const char *const *own =
		(const char *const *)serving->config->unsubscribing.own_hosts;
	struct rmt_span header, body;
	struct rmt_leave_way way;
	struct rmt_proof proof;
	bool has_proof;

	rmt_header_split(message, &header, &body);
	/* Nobody vouches for records where no hosts are named. */
	has_proof = own != NULL && rmt_proof_find(header, own, &proof);
	rmt_leave_look(serving->leave, message, has_proof ? &proof : NULL,
		       g_get_real_time() / G_USEC_PER_SEC, &way);
	rmt_wire_begin(out, "ACK", record->id, NULL);
	rmt_wire_add(out, "result",
		     way.by_record ? "record" : rmt_covered_word(way.covered.result));
	rmt_wire_add(out, "by", way.by_record ? "record" : "signature");
	rmt_wire_add(out, "url", way.url);
	rmt_wire_add(out, "host", way.host);
	rmt_wire_add(out, "mailto", way.mailto.to);
	rmt_wire_add(out, "subject", way.mailto.subject);
	rmt_wire_add(out, "text", way.mailto.body);
	rmt_wire_add(out, "list", way.list_id);
	rmt_wire_add(out, "domain", way.domain);
	rmt_wire_add(out, "why", what_is_wrong(&way));
	rmt_wire_end(out, NULL, 0);
	rmt_leave_way_clear(&way);
}

static void post(struct serving *serving, const struct rmt_wire_record *record,
		 struct rmt_wire_out *out)
{
	const char *url = rmt_wire_get(record, "url");
	const uint64_t posts = rmt_wire_get_number(record, "posts");
	g_autoptr(GString) text = g_string_new(NULL);
	struct rmt_leave_posted posted;

	rmt_leave_post(serving->leave, url != NULL ? url : "", (unsigned)MIN(posts, 2),
		       &posted);
	rmt_log_printable(text, rmt_span_of(posted.last.text), 200);
	rmt_wire_begin(out, "ACK", record->id, NULL);
	rmt_wire_add(out, "outcome",
		     posted.resolved || posted.last.outcome == RMT_POST_FORBIDDEN
			     ? rmt_post_word(posted.last.outcome)
			     : "dns");
	rmt_wire_add_number(out, "status", (uint64_t)MAX(posted.last.status, 0));
	rmt_wire_add_number(out, "posts", posted.posts);
	rmt_wire_add_number(out, "open", rmt_post_is_open(posted.last.outcome));
	rmt_wire_add(out, "address", posted.last.address);
	rmt_wire_add(out, "text", text->str);
	rmt_wire_end(out, NULL, 0);
}

static void refuse(const struct rmt_wire_record *record, struct rmt_wire_out *out)
{
	rmt_wire_begin(out, "NAK", record->id, NULL);
	rmt_wire_add(out, "reason", "this worker knows no such job");
	rmt_wire_end(out, NULL, 0);
}

static bool do_job(struct serving *serving, const struct rmt_wire_record *record)
{
	struct rmt_wire_out out = { 0 };

	alarm(serving->job_max_secs);
	if (strcmp(record->kind, "look") == 0 && record->body != NULL)
		look(serving, record, &out);
	else if (strcmp(record->kind, "post") == 0)
		post(serving, record, &out);
	else
		refuse(record, &out);
	alarm(0);
	return send_out(serving, &out);
}

/* --- the connection ---------------------------------------------------------------- */

static bool greet(struct serving *serving, const struct rmt_wire_record *record)
{
	struct rmt_wire_out out = { 0 };

	if (strcmp(record->type, "VERSION") != 0 ||
	    strcmp(record->kind, RMT_WIRE_SERVICE) != 0 ||
	    record->major != RMT_WIRE_MAJOR)
		return false;
	serving->greeted = true;
	rmt_wire_version(&out, NULL);
	return send_out(serving, &out);
}

static bool handle(struct serving *serving, struct rmt_wire_in *in)
{
	struct rmt_wire_record record;
	enum rmt_wire_result result;

	while ((result = rmt_wire_in_next(in, &record)) == RMT_WIRE_RECORD) {
		if (!serving->greeted) {
			if (!greet(serving, &record))
				return false;
		} else if (strcmp(record.type, "JOB") == 0 && !do_job(serving, &record)) {
			return false;
		}
	}
	return result == RMT_WIRE_MORE;
}

void rmt_unsubscribe_serve(int fd, struct rmt_leave *leave,
			   const struct rmt_config *config, unsigned job_max_secs)
{
	struct serving serving = { fd, leave, config, job_max_secs, false };
	struct rmt_wire_in *in = rmt_wire_in_create();
	g_autofree char *chunk = g_malloc(CHUNK);
	bool good = true;

	while (good) {
		const ssize_t got = read(fd, chunk, CHUNK);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		rmt_wire_in_feed(in, chunk, (size_t)got);
		good = handle(&serving, in);
	}
	rmt_wire_in_destroy(&in);
}

static void limit(int resource, rlim_t value)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)resource, &now) != 0)
		return;
	now.rlim_max = now.rlim_cur = MIN(now.rlim_max, value);
	setrlimit((__rlimit_resource_t)resource, &now);
}

void rmt_unsubscribe_harden(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, DESCRIPTORS);
}
