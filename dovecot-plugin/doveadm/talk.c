/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "net.h"
#include "write-full.h"
#include "doveadm.h"
#include "doveadm-cmd.h"

#include <unistd.h>

#include "dovecot-plugin/doveadm/talk.h"

enum { PATIENCE_SECS = 30 };

const char *rmt_talk_socket(struct doveadm_cmd_context *cctx)
{
	const char *path;

	if (doveadm_cmd_param_str(cctx, "socket", &path))
		return path;
	return t_strconcat(doveadm_settings->base_dir, "/" RMT_WIRE_SOCKET, NULL);
}

static void handle(struct talk *talk, const struct rmt_wire_record *record)
{
	const char *reason;

	if (strcmp(record->type, "ROW") == 0 && talk->row != NULL) {
		talk->row(record);
	} else if (strcmp(record->type, "ACK") == 0) {
		talk->done = TRUE;
		talk->state = t_strdup(rmt_wire_get(record, "state"));
	} else if (strcmp(record->type, "NAK") == 0) {
		reason = rmt_wire_get(record, "reason");
		talk->done = TRUE;
		talk->error = t_strdup(reason != NULL ? reason : "refused");
	}
}

static void listen_to(struct talk *talk, int fd)
{
	struct rmt_wire_in *in = rmt_wire_in_create();
	struct rmt_wire_record record;
	enum rmt_wire_result result = RMT_WIRE_MORE;
	char chunk[16384];
	ssize_t got;

	alarm(PATIENCE_SECS);
	while (!talk->done && result != RMT_WIRE_BAD &&
	       (got = read(fd, chunk, sizeof(chunk))) > 0) {
		rmt_wire_in_feed(in, chunk, (size_t)got);
		while ((result = rmt_wire_in_next(in, &record)) == RMT_WIRE_RECORD)
			handle(talk, &record);
	}
	alarm(0);
	if (!talk->done)
		talk->error = "remite-agent ended the connection without an answer (its "
			      "log tells why)";
	rmt_wire_in_destroy(&in);
}

void rmt_talk(struct talk *talk, struct rmt_wire_out *out)
{
	int fd = net_connect_unix(talk->socket);

	if (fd < 0) {
		talk->error = t_strdup_printf("%s: %m (is Dovecot running, with the "
					      "service remite-agent?)",
					      talk->socket);
	} else {
		net_set_nonblock(fd, FALSE);
		if (write_full(fd, out->data, out->len) < 0)
			talk->error = t_strdup_printf("%s: %m", talk->socket);
		else
			listen_to(talk, fd);
		i_close_fd(&fd);
	}
	rmt_wire_out_free(out);
}
