/* SPDX-License-Identifier: MIT */
/* remite reload */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cli/cli.h"
#include "common/cli/control_client.h"

static int reload(const struct rmt_cli *cli, int argc, char **argv);

const struct rmt_command rmt_command_reload = {
	"reload",
	"make policyd and remite-milter read their configuration again",
	"usage: remite reload\n"
	"\n"
	"remite-milter is found by its UNIX socket and told by SIGUSR1; its log says "
	"how\n"
	"it went. As to policyd, returns when the new configuration is in force, or was\n"
	"refused: then the old one stays, and what is wrong is printed. No connection "
	"and\n"
	"no counter is lost.\n"
	"\n"
	"The control socket is taken from the configuration: where the new one names\n"
	"another socket, send SIGHUP to remite-policyd instead.\n",
	reload,
};

/* --- remite-milter ------------------------------------------------------------------ */

/* Who listens at the socket; 0: nobody. */
static pid_t listener_of(const char *setting)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);
	int fd;

	if (setting == NULL || !g_str_has_prefix(setting, "unix:") ||
	    strlen(setting + 5) >= sizeof(address.sun_path))
		return 0;
	strcpy(address.sun_path, setting + 5);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

/* "PID (NAME) STATE PARENT ..." of a remite-milter; 0: of another program. */
static pid_t parent_if_milter(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
	g_autofree char *text = NULL;
	const char *end;

	if (!g_file_get_contents(path, &text, NULL, NULL) ||
	    strstr(text, " (remite-milter) ") == NULL)
		return 0;
	end = strstr(text, ") ");
	return strlen(end) > 4 ? (pid_t)atoi(end + 4) : 0;
}

/* A process serves each socket; the one above them hands the signal on. */
static pid_t find_milter(const struct rmt_config *config)
{
	const char *const sockets[] = { config->milter.after, config->milter.before,
					config->milter.inbound };
	pid_t pid = 0, parent;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(sockets) && pid == 0; i++)
		pid = listener_of(sockets[i]);
	parent = pid != 0 ? parent_if_milter(pid) : 0;
	if (parent == 0)
		return 0;
	return parent_if_milter(parent) != 0 ? parent : pid;
}

static bool reload_milter(const struct rmt_config *config)
{
	const pid_t pid = find_milter(config);

	if (pid == 0)
		return true; /* away, or at an inet socket: nothing to tell */
	if (kill(pid, SIGUSR1) < 0) {
		fprintf(stderr, "remite reload: remite-milter, process %d: %s\n",
			(int)pid, g_strerror(errno));
		return false;
	}
	printf("remite-milter was told (process %d)\n", (int)pid);
	return true;
}

/* --- remite-policyd ----------------------------------------------------------------- */

static int reload_policyd(const struct rmt_config *config)
{
	g_autoptr(GError) err = NULL;
	json_t *answer, *complaint;
	bool in_force;
	size_t i;

	answer = rmt_control_ask(config->policyd.control,
				 json_pack("{s:s}", "command", "reload"), NULL, NULL,
				 &err);
	if (answer == NULL)
		return rmt_cli_fail(RMT_EXIT_TROUBLE, &rmt_command_reload, "%s",
				    err->message);
	json_array_foreach(json_object_get(answer, "complaints"), i, complaint)
		fprintf(stderr, "%s\n", json_string_value(complaint));
	in_force = json_is_true(json_object_get(answer, "in_force"));
	json_decref(answer);
	if (!in_force)
		return rmt_cli_fail(RMT_EXIT_NO, &rmt_command_reload,
				    "refused; the configuration in force stays");
	puts("the configuration is in force");
	return RMT_EXIT_OK;
}

static int reload(const struct rmt_cli *cli, int argc, char **argv)
{
	rmt_config *config;
	int status;

	(void)argv;
	if (argc != 1)
		return rmt_cli_usage(&rmt_command_reload, RMT_EXIT_USAGE);
	config = rmt_cli_config(cli);
	if (config == NULL)
		return RMT_EXIT_TROUBLE;
	status = reload_policyd(config);
	if (!reload_milter(config) && status == RMT_EXIT_OK)
		status = RMT_EXIT_TROUBLE;
	rmt_config_unref(config);
	return status;
}
