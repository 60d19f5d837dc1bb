/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "buffer.h"
#include "ioloop.h"
#include "istream.h"
#include "message-size.h"
#include "mail-storage-private.h"
#include "mail-user.h"

#include "dovecot-plugin/agent_client.h"
#include "dovecot-plugin/job.h"
#include "dovecot-plugin/user.h"

static const char *mode_name(enum rmt_receipts mode)
{
	static const char *const names[] = { "off", "client", "server", "none" };

	return names[mode];
}

static const char *trimmed_header(struct mail *mail, const char *name)
{
	const char *value;

	if (mail_get_first_header(mail, name, &value) <= 0)
		return NULL;
	value = t_str_trim(value, " \t\r\n");
	return *value != '\0' ? value : NULL;
}

static void add_message(struct rmt_job *job, struct mail *mail)
{
	const char *guid;
	time_t received;

	rmt_wire_add(&job->out, "msgid", trimmed_header(mail, "Message-ID"));
	if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0 && *guid != '\0')
		rmt_wire_add(&job->out, "guid", guid);
	if (mail_get_received_date(mail, &received) == 0 && received > 0)
		rmt_wire_add_number(&job->out, "received", (uint64_t)received);
}

static struct rmt_job *job_at(struct rmt_user *user, const char *kind,
			      struct mailbox *box, uint32_t uid)
{
	struct rmt_job *job = rmt_agent_job(user->agent, kind);
	struct mailbox_status status;

	mailbox_get_open_status(box, STATUS_UIDVALIDITY, &status);
	job->box = i_strdup(mailbox_get_vname(box));
	job->uidvalidity = status.uidvalidity;
	job->uid = uid;
	rmt_wire_add(&job->out, "box", job->box);
	rmt_wire_add_number(&job->out, "uidvalidity", job->uidvalidity);
	rmt_wire_add_number(&job->out, "uid", uid);
	rmt_wire_add(&job->out, "addresses", user->set.addresses);
	rmt_wire_add(&job->out, "name", user->set.name);
	rmt_wire_add(&job->out, "mode", mode_name(user->set.receipts));
	rmt_wire_add(&job->out, "service", user->user->service);
	return job;
}

struct rmt_job *rmt_job_about(struct rmt_user *user, const char *kind, struct mail *mail)
{
	struct rmt_job *job = job_at(user, kind, mail->box, mail->uid);

	add_message(job, mail);
	return job;
}

struct rmt_job *rmt_job_arriving(struct rmt_user *user, const char *kind,
				 struct mailbox *box, struct mail *mail)
{
	struct rmt_job *job = job_at(user, kind, box, 0);

	rmt_wire_add(&job->out, "msgid", trimmed_header(mail, "Message-ID"));
	rmt_wire_add_number(&job->out, "received", (uint64_t)ioloop_time);
	return job;
}

/* Up to max octets; false where the stream fails. */
static bool read_stream(struct istream *input, buffer_t *out, size_t max, bool *cut_r)
{
	const unsigned char *data;
	size_t size;
	ssize_t got;

	i_stream_seek(input, 0);
	*cut_r = FALSE;
	while ((got = i_stream_read_more(input, &data, &size)) > 0) {
		if (size > max - out->used) {
			*cut_r = TRUE;
			size = max - out->used;
		}
		buffer_append(out, data, size);
		if (*cut_r)
			return TRUE;
		i_stream_skip(input, size);
	}
	return input->stream_errno == 0;
}

/* A stream of the header may go on with the text: its size tells. */
static bool read_header(struct mail *mail, buffer_t *out, bool *cut_r)
{
	struct message_size size;
	struct istream *input;

	if (mail_get_hdr_stream_because(mail, &size, "remite", &input) < 0 ||
	    !read_stream(input, out,
			 I_MIN(size.physical_size, (uoff_t)RMT_WIRE_HEADER_MAX), cut_r))
		return FALSE;
	*cut_r = size.physical_size > RMT_WIRE_HEADER_MAX;
	return TRUE;
}

static bool read_message(struct mail *mail, bool whole, buffer_t *out, bool *cut_r)
{
	struct istream *input;

	if (!whole)
		return read_header(mail, out, cut_r);
	return mail_get_stream_because(mail, NULL, NULL, "remite", &input) == 0 &&
	       read_stream(input, out, RMT_WIRE_BODY_MAX, cut_r);
}

bool rmt_job_end(struct rmt_job **job, struct mail *mail, bool whole)
{
	buffer_t *body = buffer_create_dynamic(default_pool, 4096);
	bool cut = FALSE;
	bool good = read_message(mail, whole, body, &cut);

	if (good) {
		if (cut)
			rmt_wire_add(&(*job)->out, "truncated", "yes");
		rmt_wire_end(&(*job)->out, body->data, body->used);
	} else {
		rmt_job_free(job);
	}
	buffer_free(&body);
	return good;
}
