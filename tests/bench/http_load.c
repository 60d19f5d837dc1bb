/* SPDX-License-Identifier: MIT */
/* http_load - unsubscribes as fast as it is answered, over TLS connections kept open; or
 * looks at pages.
 *
 * Each connection has one request in flight. With -k its client then asks a policy server
 * at RCPT about the address until it refuses, and what is measured is the time from the
 * POST to that refusal. Prints one line of name=value, the stages beside the whole:
 * `late` is what this program itself was late with, until it wrote a POST that was due;
 * `answer` until it had read the 200, `verdict` until it had read the refusal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/base/background.h"

static const char usage[] =
	"usage: http_load [OPTION ...] PORT <LINES\n"
	"  LINES  ADDRESS PATH, one a line: each is posted to once\n"
	"  -c N   connections, each with one POST in flight (100)\n"
	"  -g     looks (GET) in place of POST\n"
	"  -i N   connections beside them that never say anything (0)\n"
	"  -w S   seconds before it is measured (0.5)\n"
	"  -s S   seconds measured (2)\n"
	"  -r N   POSTs a second, of all clients together, at even distances; a client\n"
	"         that is busy is late, and what is measured counts from when it was "
	"due\n"
	"  -f A   sender named to the policy server (list@news.example.test)\n"
	"  -k P   UNIX socket of a policy server: POST to refusal is measured\n";

enum { REQUEST_MAX = 2048, ANSWER_MAX = 16384, EVENTS = 256 };

enum stage { WHOLE, LATE, ANSWER, VERDICT, STAGES };

struct options {
	int port;
	unsigned connections, idle;
	double warm_secs, secs, rate; /* rate 0: as fast as they are answered */
	const char *policy, *sender;
	bool look;
};

struct client {
	SSL *ssl;            /* own */
	int policy;          /* own; -1: none */
	bool asking;         /* the policy server is asked, not the HTTP one */
	const char *address; /* foreign; of the request in flight */
	bool free;           /* nothing is in flight */
	int64_t due_ns, sent_ns, told_ns; /* due, written, answered 200 */
	size_t got;                       /* octets of the answer */
	char answer[ANSWER_MAX + 1];
};

struct load {
	struct options options;
	SSL_CTX *tls;
	char **lines; /* own */
	char **next;  /* of lines; *next NULL: used up */
	int epoll;
	bool measuring;
	uint64_t refused, asked; /* answers that are no 200; questions of policy */
	GArray *times[STAGES];   /* own; int64_t, ns; of what was measured */
	struct client *clients, *idle;
	int64_t due_ns; /* of the next POST, with a rate */
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static G_GNUC_NORETURN void die(const char *what, const char *why)
{
	fprintf(stderr, "http_load: %s: %s\n", what, why);
	exit(1);
}

static G_GNUC_NORETURN void die_tls(const char *what)
{
	char why[256];

	ERR_error_string_n(ERR_get_error(), why, sizeof(why));
	die(what, why);
}

/* --- the request ------------------------------------------------------------------ */

static const char act[] = "POST %s HTTP/1.1\r\n"
			  "Host: mail.example.test\r\n"
			  "Content-Type: application/x-www-form-urlencoded\r\n"
			  "Content-Length: 26\r\n\r\n"
			  "List-Unsubscribe=One-Click";
static const char look[] = "GET %s HTTP/1.1\r\n"
			   "Host: mail.example.test\r\n\r\n";

/* due_ns: when it ought to be sent, which may be a while ago. */
static void post(struct load *load, struct client *client, int64_t due_ns)
{
	char request[REQUEST_MAX];
	const char *path;
	int len;

	client->address = *load->next++;
	path = client->address + strlen(client->address) + 1;
	len = snprintf(request, sizeof(request), load->options.look ? look : act, path);
	client->got = 0;
	client->asking = client->free = false;
	client->due_ns = due_ns;
	client->sent_ns = now_ns();
	if (len >= REQUEST_MAX || SSL_write(client->ssl, request, len) != len)
		die_tls("POST");
}

static void ask(struct load *load, struct client *client)
{
	char request[REQUEST_MAX];
	int len = snprintf(request, sizeof(request),
			   "request=smtpd_access_policy\nprotocol_state=RCPT\n"
			   "client_address=192.0.2.1\ninstance=1.%" PRIu64 "\n"
			   "sender=%s\nrecipient=%s\n\n",
			   load->asked++, load->options.sender, client->address);

	client->asking = true;
	if (len >= REQUEST_MAX ||
	    send(client->policy, request, (size_t)len, MSG_NOSIGNAL) != len)
		die("policy server", strerror(errno));
}

/* What is due by now, as far as a client is free for it. */
static void post_due(struct load *load)
{
	const int64_t now = now_ns(), step_ns = (int64_t)(1e9 / load->options.rate);
	unsigned i;

	for (i = 0; i < load->options.connections && load->due_ns <= now; i++) {
		if (!load->clients[i].free || *load->next == NULL)
			continue;
		post(load, &load->clients[i], load->due_ns);
		load->due_ns += step_ns;
	}
}

/* What the client does next; nothing where all lines are used up. */
static void go_on(struct load *load, struct client *client)
{
	const int64_t now = now_ns();
	const int64_t took_ns[STAGES] = { now - client->due_ns,
					  client->sent_ns - client->due_ns,
					  client->told_ns - client->sent_ns,
					  now - client->told_ns };
	unsigned stage;

	for (stage = 0; load->measuring && stage < STAGES; stage++)
		g_array_append_val(load->times[stage], took_ns[stage]);
	client->free = true;
	if (load->options.rate <= 0 && *load->next != NULL)
		post(load, client, now);
}

/* --- the answer ------------------------------------------------------------------- */

/* Whether the answer is whole: its length stands in its head. */
static bool is_whole(const struct client *client)
{
	const char *head_end = strstr(client->answer, "\r\n\r\n");
	const char *length = strcasestr(client->answer, "\r\nContent-Length:");

	if (head_end == NULL)
		return false;
	if (length == NULL || length > head_end)
		die("answer", "it has no Content-Length");
	return client->got >=
	       (size_t)(head_end + 4 - client->answer) +
		       strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
}

static void take_answer(struct load *load, struct client *client)
{
	int got, why;

	while ((got = SSL_read(client->ssl, client->answer + client->got,
			       (int)(ANSWER_MAX - client->got))) > 0) {
		client->got += (size_t)got;
		client->answer[client->got] = '\0';
		if (!is_whole(client))
			continue;
		if (strncmp(client->answer, "HTTP/1.1 200 ", 13) != 0)
			load->refused++;
		client->told_ns = now_ns();
		if (client->policy >= 0)
			ask(load, client);
		else
			go_on(load, client);
		return;
	}
	why = SSL_get_error(client->ssl, got);
	if (why == SSL_ERROR_ZERO_RETURN)
		die("answer", "the connection was closed");
	if (why != SSL_ERROR_WANT_READ)
		die_tls("answer");
}

static void take_verdict(struct load *load, struct client *client)
{
	char answer[ANSWER_MAX];
	ssize_t got = recv(client->policy, answer, sizeof(answer) - 1, 0);

	if (got < 2 || answer[got - 1] != '\n' || answer[got - 2] != '\n')
		die("policy server",
		    got < 0 ? strerror(errno) : "the connection was closed");
	answer[got] = '\0';
	if (strstr(answer, "DUNNO") != NULL)
		ask(load, client); /* not yet */
	else
		go_on(load, client);
}

/* --- connections ------------------------------------------------------------------ */

static SSL *connect_tls(struct load *load)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)load->options.port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	SSL *ssl = SSL_new(load->tls);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("connect", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1)
		die_tls("TLS");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return ssl;
}

static int connect_policy(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die(path, strerror(errno));
	return fd;
}

static void watch(const struct load *load, int fd, struct client *client)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll", strerror(errno));
}

static void start_clients(struct load *load)
{
	struct client *client;
	unsigned i;

	load->idle = g_new0(struct client, load->options.idle);
	for (i = 0; i < load->options.idle; i++)
		load->idle[i].ssl = connect_tls(load);
	load->clients = g_new0(struct client, load->options.connections);
	for (i = 0; i < load->options.connections; i++) {
		client = &load->clients[i];
		client->ssl = connect_tls(load);
		watch(load, SSL_get_fd(client->ssl), client);
		client->policy = -1;
		if (load->options.policy == NULL)
			continue;
		client->policy = connect_policy(load->options.policy);
		watch(load, client->policy, client);
	}
	load->due_ns = now_ns();
	for (i = 0; i < load->options.connections && *load->next != NULL; i++) {
		load->clients[i].free = true;
		if (load->options.rate <= 0)
			post(load, &load->clients[i], load->due_ns);
	}
}

/* --- the measurement -------------------------------------------------------------- */

static void run_until(struct load *load, int64_t end_ns)
{
	struct epoll_event events[EVENTS];
	int i, n;

	while (now_ns() < end_ns && *load->next != NULL) {
		n = epoll_wait(load->epoll, events, EVENTS,
			       load->options.rate > 0 ? 1 : 100);
		for (i = 0; i < n && *load->next != NULL; i++) {
			struct client *client = events[i].data.ptr;

			if (client->asking)
				take_verdict(load, client);
			else
				take_answer(load, client);
		}
		if (load->options.rate > 0)
			post_due(load);
	}
}

static int by_size(const void *a, const void *b)
{
	const int64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static double quantile_ms(const GArray *times, double q)
{
	const guint at = MIN((guint)(q * times->len), times->len - 1);

	return times->len == 0 ? 0 : (double)g_array_index(times, int64_t, at) / 1e6;
}

static unsigned count_closed(const struct load *load)
{
	unsigned i, closed = 0;
	char octet;

	for (i = 0; i < load->options.idle; i++)
		closed += recv(SSL_get_fd(load->idle[i].ssl), &octet, 1, MSG_PEEK) == 0;
	return closed;
}

static void print(struct load *load, double secs)
{
	static const char *const names[STAGES] = { "", "late_", "answer_", "verdict_" };
	const guint count = load->times[WHOLE]->len;
	unsigned i;

	printf("connections=%u idle=%u idle_closed=%u posts=%u refused=%" PRIu64
	       " asked=%" PRIu64 " seconds=%.2f per_sec=%.0f",
	       load->options.connections, load->options.idle, count_closed(load), count,
	       load->refused, load->asked, secs, (double)count / secs);
	for (i = 0; i < STAGES; i++) {
		g_array_sort(load->times[i], by_size);
		printf(" %sp50_ms=%.2f %sp99_ms=%.2f %smax_ms=%.2f", names[i],
		       quantile_ms(load->times[i], 0.5), names[i],
		       quantile_ms(load->times[i], 0.99), names[i],
		       quantile_ms(load->times[i], 1));
	}
	putchar('\n');
}

static void measure(struct load *load)
{
	int64_t began;

	run_until(load, now_ns() + (int64_t)(load->options.warm_secs * 1e9));
	load->measuring = true;
	began = now_ns();
	run_until(load, began + (int64_t)(load->options.secs * 1e9));
	print(load, (double)(now_ns() - began) / 1e9);
	if (*load->next == NULL)
		fprintf(stderr, "http_load: all lines are used up\n");
}

/* "ADDRESS PATH" becomes "ADDRESS\0PATH". */
static void read_lines(struct load *load)
{
	GPtrArray *lines = g_ptr_array_new();
	char *line = NULL, *blank;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		blank = strchr(line, ' ');
		if (blank == NULL)
			die(line, "write ADDRESS PATH");
		g_ptr_array_add(lines, g_memdup2(line, (gsize)len + 1));
		*strchr(g_ptr_array_index(lines, lines->len - 1), ' ') = '\0';
	}
	free(line);
	g_ptr_array_add(lines, NULL);
	load->lines = (char **)g_ptr_array_free(lines, FALSE);
	load->next = load->lines;
}

static bool read_options(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){ .connections = 100,
				     .warm_secs = 0.5,
				     .secs = 2,
				     .sender = "list@news.example.test" };
	while ((option = getopt(argc, argv, "c:gi:w:s:r:f:k:")) != -1) {
		if (option == 'c')
			options->connections = (unsigned)atoi(optarg);
		else if (option == 'g')
			options->look = true;
		else if (option == 'i')
			options->idle = (unsigned)atoi(optarg);
		else if (option == 'w')
			options->warm_secs = atof(optarg);
		else if (option == 's')
			options->secs = atof(optarg);
		else if (option == 'r')
			options->rate = atof(optarg);
		else if (option == 'f')
			options->sender = optarg;
		else if (option == 'k')
			options->policy = optarg;
		else
			return false;
	}
	options->port = optind == argc - 1 ? atoi(argv[optind]) : 0;
	return options->port > 0 && options->connections > 0;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 20000, 20000 };
	struct load *load = g_new0(struct load, 1);
	unsigned stage;

	if (!read_options(&load->options, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	rmt_foreground(); /* it stands for other machines */
	read_lines(load);
	load->tls =
		SSL_CTX_new(TLS_client_method()); /* on loopback nobody is in between */
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (stage = 0; stage < STAGES; stage++)
		load->times[stage] = g_array_new(FALSE, FALSE, sizeof(int64_t));
	start_clients(load);
	measure(load);
	return 0;
}
