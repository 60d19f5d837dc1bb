/* SPDX-License-Identifier: MIT */
/* policy_echo - the physical limit of the policy protocol on this machine: one
 * thread, epoll, looks for the end of a request and answers DUNNO. What
 * policyd is measured against.
 *
 *	policy_echo PATH		listens on a UNIX socket
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EVENTS = 128, REQUEST_SIZE = 4096 };

static const char answer[] = "action=DUNNO\n\n";

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4096) < 0)
		return -1;
	return fd;
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		perror("policy_echo: epoll_ctl");
}

static void take_connections(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(epoll, fd);
}

/* Requests come whole, as smtpd writes them: half a one is not waited for. */
static void answer_one(int fd)
{
	char request[REQUEST_SIZE];
	ssize_t n = recv(fd, request, sizeof(request), 0);

	if (n < 2 || memcmp(request + n - 2, "\n\n", 2) != 0) {
		close(fd);
		return;
	}
	if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct rlimit files = { 20000, 20000 };
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener, i, n;

	if (argc != 2) {
		fputs("usage: policy_echo PATH\n", stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	listener = listen_at(argv[1]);
	if (listener < 0) {
		fprintf(stderr, "policy_echo: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	watch(epoll, listener);
	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				take_connections(epoll, listener);
			else
				answer_one(events[i].data.fd);
		}
	}
}
