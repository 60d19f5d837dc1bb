/* SPDX-License-Identifier: MIT */
/* remite-unsubscribe: Dovecot's service that leaves lists, for remite-agent alone.
 *
 *	remite-unsubscribe		started by Dovecot, as a user who owns nothing
 *	remite-unsubscribe --stdin	one connection on standard input: tests
 *
 * Environment: REMITE_CONFIG (else /etc/remite/remite.conf), REMITE_DNS_FILE: answers
 * in place of DNS, for tests. */
#include "dovecot-plugin/compat.h"
#include "fd-util.h"
#include "restrict-access.h"
#include "master-service.h"
#include "master-service-settings.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "dovecot-plugin/unsubscribe/serve.h"
#include "dovecot-plugin/usage.h"

/* DNS twice and two POSTs, and then some. */
enum { JOB_SPARE_SECS = 30 };

static struct rmt_config *config;
static struct rmt_leave *leave;

static const char *config_file(void)
{
	const char *file = getenv("REMITE_CONFIG");

	if (file != NULL)
		return file;
	return access(RMT_CONFIG_DEFAULT_FILE, F_OK) == 0 ? RMT_CONFIG_DEFAULT_FILE
							  : NULL;
}

static bool open_parts(void)
{
	GPtrArray *complaints = NULL;
	GError *err = NULL;
	unsigned int i;

	config = rmt_config_read(config_file(), &complaints);
	for (i = 0; config == NULL && i < complaints->len; i++)
		i_error("%s", (const char *)g_ptr_array_index(complaints, i));
	g_ptr_array_unref(complaints);
	if (config == NULL)
		return FALSE;
	if (rmt_post_init() &&
	    rmt_leave_open(&leave, config, getenv("REMITE_DNS_FILE"), &err))
		return TRUE;
	i_error("remite-unsubscribe: %s", err != NULL ? err->message : "libcurl");
	g_clear_error(&err);
	return FALSE;
}

static void close_parts(void)
{
	rmt_leave_close(leave);
	rmt_config_unref(config);
}

static void serve(int fd)
{
	const uint64_t post_secs = config->unsubscribing.timeout_ns / 1000000000;
	const uint64_t dns_secs = config->dns.deadline_ns / 1000000000;

	rmt_unsubscribe_serve(fd, leave, config,
			      (unsigned)(2 * (post_secs + dns_secs)) + JOB_SPARE_SECS);
}

/* One at a time: client_limit = 1. */
static void client_connected(struct master_service_connection *conn)
{
	master_service_client_connection_accept(conn);
	fd_set_nonblock(conn->fd, FALSE);
	serve(conn->fd);
	close(conn->fd);
	master_service_client_connection_destroyed(master_service);
}

static int serve_stdin(void)
{
	signal(SIGPIPE, SIG_IGN);
	lib_init();
	if (!open_parts())
		return 1;
	rmt_unsubscribe_harden();
	serve(STDIN_FILENO);
	close_parts();
	lib_deinit();
	return 0;
}

int main(int argc, char *argv[])
{
	const char *error;

	if (rmt_usage_answer(argc, argv, "remite-unsubscribe",
			     "Leaves mailing lists, for remite-agent alone."))
		return 0;
	if (argc == 2 && strcmp(argv[1], "--stdin") == 0)
		return serve_stdin();
	master_service = master_service_init("remite-unsubscribe",
					     MASTER_SERVICE_FLAG_UPDATE_PROCTITLE, &argc,
					     &argv, "");
	if (master_getopt(master_service) > 0)
		return FATAL_DEFAULT;
	if (rmt_read_service_settings(master_service, &error) < 0)
		i_fatal("remite-unsubscribe: %s", error);
	master_service_init_log(master_service);
	/* Without it the process stays root, whatever `user` says. */
	restrict_access_by_env(0, NULL);
	if (!open_parts())
		return FATAL_DEFAULT;
	rmt_unsubscribe_harden();
	master_service_init_finish(master_service);
	master_service_run(master_service, client_connected);
	close_parts();
	master_service_deinit(&master_service);
	return 0;
}
