/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "buffer.h"
#include "istream.h"
#include "message-size.h"
#include "mail-storage-private.h"

#include "dovecot-plugin/message.h"
#include "dovecot-plugin/settings.h"
#include "dovecot-plugin/wire.h"

/* --- fields --- */

static const char *mode_name(enum rmt_receipts mode)
{
	static const char *const names[] = { "off", "client", "report", "server",
					     "none" };

	return names[mode];
}

void rmt_message_add_place(struct rmt_wire_out *out, struct mailbox *box, uint32_t uid)
{
	struct mailbox_status status;

	mailbox_get_open_status(box, STATUS_UIDVALIDITY, &status);
	rmt_wire_add(out, "box", mailbox_get_vname(box));
	rmt_wire_add_number(out, "uidvalidity", status.uidvalidity);
	rmt_wire_add_number(out, "uid", uid);
}

void rmt_message_add_user(struct rmt_wire_out *out, const struct rmt_settings *set,
			  const char *service)
{
	rmt_wire_add(out, "addresses", set->addresses);
	rmt_wire_add(out, "name", set->name);
	rmt_wire_add(out, "groups", set->groups);
	rmt_wire_add(out, "language", set->language);
	rmt_wire_add(out, "mode", mode_name(set->receipts));
	rmt_wire_add(out, "service", service);
}

bool rmt_message_asks(struct mail *mail)
{
	const char *value;

	return mail_get_first_header(mail, "Disposition-Notification-To", &value) > 0;
}

const char *rmt_message_id(struct mail *mail)
{
	const char *value;

	if (mail_get_first_header(mail, "Message-ID", &value) <= 0)
		return NULL;
	value = t_str_trim(value, " \t\r\n");
	return *value != '\0' ? value : NULL;
}

void rmt_message_add(struct rmt_wire_out *out, struct mail *mail)
{
	const char *guid;
	time_t received;

	rmt_wire_add(out, "msgid", rmt_message_id(mail));
	if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0 && *guid != '\0')
		rmt_wire_add(out, "guid", guid);
	if (mail_get_received_date(mail, &received) == 0 && received > 0)
		rmt_wire_add_number(out, "received", (uint64_t)received);
}

/* --- the body --- */

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

bool rmt_message_end(struct rmt_wire_out *out, struct mail *mail, bool whole)
{
	buffer_t *body = buffer_create_dynamic(default_pool, 4096);
	bool cut = FALSE;
	bool good = read_message(mail, whole, body, &cut);

	if (good) {
		if (cut)
			rmt_wire_add(out, "truncated", "yes");
		rmt_wire_end(out, body->data, body->used);
	}
	buffer_free(&body);
	return good;
}
