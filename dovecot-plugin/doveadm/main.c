/* SPDX-License-Identifier: MIT */
/* What doveadm loads: the commands that ask remite-agent. */
#include "dovecot-plugin/compat.h"
#include "module-dir.h"
#include "net.h"
#include "write-full.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-print.h"

#include <unistd.h>

#include "dovecot-plugin/doveadm/receipts.h"
#include "dovecot-plugin/doveadm/unsubscribe.h"
#include "dovecot-plugin/wire.h"

void doveadm_remite_plugin_init(struct module *module);
void doveadm_remite_plugin_deinit(void);

enum { PATIENCE_SECS = 10 };

/* The agent's first record, or why there is none. */
static const char *read_version(int fd, unsigned int *major_r)
{
	struct rmt_wire_in *in = rmt_wire_in_create();
	struct rmt_wire_record record;
	enum rmt_wire_result result = RMT_WIRE_MORE;
	char chunk[4096];
	ssize_t got;

	alarm(PATIENCE_SECS);
	while (result == RMT_WIRE_MORE && (got = read(fd, chunk, sizeof(chunk))) > 0) {
		rmt_wire_in_feed(in, chunk, (size_t)got);
		result = rmt_wire_in_next(in, &record);
	}
	alarm(0);
	if (result == RMT_WIRE_RECORD)
		*major_r = record.major;
	rmt_wire_in_destroy(&in);
	return result == RMT_WIRE_RECORD ? NULL : "remite-agent says nothing";
}

static const char *ask_version(const char *path, unsigned int *major_r)
{
	struct rmt_wire_out out = { 0 };
	const char *error = NULL;
	int fd = net_connect_unix(path);

	if (fd < 0)
		return t_strdup_printf("%s: %m (is Dovecot running, with the service "
				       "remite-agent?)",
				       path);
	rmt_wire_version(&out, "doveadm");
	if (write_full(fd, out.data, out.len) < 0)
		error = t_strdup_printf("%s: %m", path);
	rmt_wire_out_free(&out);
	net_set_nonblock(fd, FALSE);
	if (error == NULL)
		error = read_version(fd, major_r);
	i_close_fd(&fd);
	return error;
}

static void cmd_ping(struct doveadm_cmd_context *cctx)
{
	const char *path = NULL;
	const char *error;
	unsigned int major = 0;

	(void)doveadm_cmd_param_str(cctx, "socket", &path);
	if (path == NULL)
		path = t_strconcat(doveadm_settings->base_dir, "/" RMT_WIRE_SOCKET, NULL);
	error = ask_version(path, &major);
	if (error != NULL) {
		i_error("%s", error);
		doveadm_exit_code = EX_TEMPFAIL;
		return;
	}
	doveadm_print_init(DOVEADM_PRINT_TYPE_FLOW);
	doveadm_print_header_simple("protocol");
	doveadm_print(dec2str(major));
}

static struct doveadm_cmd_ver2 ping = { .name = "remite ping",
					.cmd = cmd_ping,
					.usage = "[-s <agent socket>]",
					DOVEADM_CMD_PARAMS_START /**/
						DOVEADM_CMD_PARAM('s', "socket",
								  CMD_PARAM_STR, 0) /**/
					DOVEADM_CMD_PARAMS_END };

RMT_EXPORT void doveadm_remite_plugin_init(struct module *module ATTR_UNUSED)
{
	doveadm_cmd_register_ver2(&ping);
	rmt_doveadm_receipts_register();
	rmt_doveadm_unsubscribe_register();
}

RMT_EXPORT void doveadm_remite_plugin_deinit(void)
{
}

RMT_EXPORT const char *doveadm_remite_plugin_version = DOVECOT_ABI_VERSION;
