/* SPDX-License-Identifier: MIT */
/* policy_load - asks a policy server as fast as it answers.
 *
 * Each connection has one request in flight, as smtpd has: 742 octets, the 31
 * attributes of Postfix 3.7, digits patched in place. Prints one line of
 * name=value; with -p, also the CPU time of that process per request.
 */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
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

static const char usage[] =
	"usage: policy_load [OPTION ...] PATH\n"
	"  -c N   connections (1)\n"
	"  -u N   users: distinct SASL users and senders (1000)\n"
	"  -d N   domains the users are spread over (1000)\n"
	"  -r N   recipients of a message: RCPT N times; with -m then DATA and\n"
	"         END-OF-MESSAGE (1)\n"
	"  -m     whole messages, not RCPT alone\n"
	"  -i     one instance per connection for all time, not one per message\n"
	"  -w S   seconds before it is measured (0.5)\n"
	"  -s S   seconds measured (2)\n"
	"  -1     each user once, then the end: fills the table\n"
	"  -b     asks for answers over and over and never sleeps, so that the server\n"
	"         has nobody to wake\n"
	"  -p PID the server, for its CPU time\n";

enum { REQUEST_MAX = 1024, ANSWER_MAX = 1024, EVENTS = 256, DIGITS = 8 };
enum { BUCKETS = 40000, BUCKET_NS = 500 };

static const char template[] = "request=smtpd_access_policy\n"
			       "protocol_state=RCPT\n"
			       "protocol_name=ESMTP\n"
			       "client_address=192.0.2.110\n"
			       "client_name=client-110.customers.example.net\n"
			       "client_port=40110\n"
			       "reverse_client_name=client-110.customers.example.net\n"
			       "server_address=192.0.2.25\n"
			       "server_port=587\n"
			       "helo_name=client-110.example.net\n"
			       "sender=u@@@@@@@@@d########.example.com\n"
			       "recipient=r%%%%%%%%@example.org\n"
			       "recipient_count=00\n"
			       "queue_id=\n"
			       "instance=3f2a.66f0c1.$$$$$$$$.0\n"
			       "size=20480\n"
			       "etrn_domain=\n"
			       "stress=\n"
			       "sasl_method=PLAIN\n"
			       "sasl_username=u@@@@@@@@\n"
			       "sasl_sender=\n"
			       "ccert_subject=\n"
			       "ccert_issuer=\n"
			       "ccert_fingerprint=\n"
			       "ccert_pubkey_fingerprint=\n"
			       "encryption_protocol=TLSv1.3\n"
			       "encryption_cipher=TLS_AES_256_GCM_SHA384\n"
			       "encryption_keysize=256\n"
			       "policy_context=submission\n"
			       "compatibility_level=3.6\n"
			       "mail_version=3.7.11\n\n";

struct options {
	const char *path;
	unsigned connections, recipients;
	uint64_t users, domains;
	bool whole, same_instance, once, busy;
	double warm_secs, secs;
	int pid;
};

struct places {
	size_t sender, sender_domain, user, recipient, instance;
};

struct client {
	int fd;
	unsigned step; /* 0..recipients-1: RCPT; then DATA, END-OF-MESSAGE */
	int64_t sent_ns;
	char request[REQUEST_MAX];
};

struct load {
	struct options options;
	struct places places;
	struct client *clients;
	int epoll;
	uint64_t messages, recipients, answers, refused;
	bool measuring, full;
	int64_t slowest_ns;
	uint32_t histogram[BUCKETS + 1];
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put_digits(char *at, uint64_t n)
{
	int i;

	for (i = DIGITS - 1; i >= 0; i--, n /= 10)
		at[i] = (char)('0' + n % 10);
}

/* Steps through all users in an order caches do not foresee. */
static uint64_t next_user(const struct load *load)
{
	return load->messages * 2654435761u % load->options.users;
}

static void begin_message(struct load *load, struct client *client)
{
	const uint64_t user = next_user(load);
	char *request = client->request;

	put_digits(request + load->places.sender, user);
	put_digits(request + load->places.sender_domain, user % load->options.domains);
	put_digits(request + load->places.user, user);
	if (!load->options.same_instance)
		put_digits(request + load->places.instance, load->messages);
	load->messages++;
	load->full = load->options.once && load->messages >= load->options.users;
	client->step = 0;
}

/* Lines of other stages differ in length: written anew, for -m only. */
static size_t stage_request(const struct load *load, const struct client *client,
			    char out[REQUEST_MAX])
{
	const char *from = client->request + strlen("request=smtpd_access_policy\n"
						    "protocol_state=RCPT\n");
	const bool end = client->step > load->options.recipients;
	char *count;
	int n;

	n = snprintf(out, REQUEST_MAX,
		     "request=smtpd_access_policy\nprotocol_state=%s\n%s",
		     end ? "END-OF-MESSAGE" : "DATA", from);
	count = strstr(out, "recipient_count=") + strlen("recipient_count=");
	count[0] = (char)('0' + load->options.recipients / 10 % 10);
	count[1] = (char)('0' + load->options.recipients % 10);
	return (size_t)n;
}

static void ask(struct load *load, struct client *client)
{
	char other[REQUEST_MAX];
	const char *bytes = client->request;
	size_t len = sizeof(template) - 1;

	if (client->step >= load->options.recipients + (load->options.whole ? 2 : 0))
		begin_message(load, client);
	if (client->step < load->options.recipients) {
		put_digits(client->request + load->places.recipient,
			   load->recipients++ % 100000000);
	} else {
		len = stage_request(load, client, other);
		bytes = other;
	}
	client->step++;
	client->sent_ns = now_ns();
	if (send(client->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) {
		fprintf(stderr, "policy_load: send: %s\n", strerror(errno));
		exit(1);
	}
}

static void take_answer(struct load *load, struct client *client)
{
	char answer[ANSWER_MAX];
	ssize_t n = recv(client->fd, answer, sizeof(answer), 0);
	const int64_t took_ns = now_ns() - client->sent_ns;

	if (n < 2 || answer[n - 1] != '\n' || answer[n - 2] != '\n') {
		fprintf(stderr, "policy_load: no answer: %s\n",
			n < 0 ? strerror(errno) : "connection closed");
		exit(1);
	}
	if (load->measuring) {
		load->answers++;
		load->refused += strncmp(answer, "action=DUNNO\n", 13) != 0;
		load->histogram[MIN(took_ns / BUCKET_NS, BUCKETS)]++;
		load->slowest_ns = MAX(load->slowest_ns, took_ns);
	}
}

static void run_until(struct load *load, int64_t end_ns)
{
	struct epoll_event events[EVENTS];
	int i, n;

	while (now_ns() < end_ns && !load->full) {
		n = epoll_wait(load->epoll, events, EVENTS, load->options.busy ? 0 : 100);
		for (i = 0; i < n; i++) {
			take_answer(load, events[i].data.ptr);
			ask(load, events[i].data.ptr);
		}
	}
}

static bool connect_client(struct load *load, struct client *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	g_strlcpy(address.sun_path, load->options.path, sizeof(address.sun_path));
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(client->request, template, sizeof(template));
	client->step = UINT16_MAX;
	return client->fd >= 0 &&
	       connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	       epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->fd, &event) == 0;
}

/* Nanoseconds on a processor, all threads. */
static uint64_t cpu_ns(int pid)
{
	g_autofree char *tasks = g_strdup_printf("/proc/%d/task", pid);
	g_autoptr(GDir) dir = pid > 0 ? g_dir_open(tasks, 0, NULL) : NULL;
	const char *task;
	uint64_t sum = 0;

	while (dir != NULL && (task = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_strdup_printf("%s/%s/schedstat", tasks, task);
		g_autofree char *text = NULL;

		if (g_file_get_contents(path, &text, NULL, NULL))
			sum += strtoull(text, NULL, 10);
	}
	return sum;
}

static double quantile_us(const struct load *load, double q)
{
	uint64_t wanted = (uint64_t)(q * (double)load->answers), seen = 0;
	size_t i;

	for (i = 0; i < BUCKETS && seen + load->histogram[i] <= wanted; i++)
		seen += load->histogram[i];
	return (double)i * BUCKET_NS / 1000;
}

static void measure(struct load *load)
{
	int64_t began;
	uint64_t cpu;
	double secs;

	if (!load->options.once)
		run_until(load, now_ns() + (int64_t)(load->options.warm_secs * 1e9));
	load->measuring = true;
	cpu = cpu_ns(load->options.pid);
	began = now_ns();
	run_until(load, load->options.once ? INT64_MAX
					   : began + (int64_t)(load->options.secs * 1e9));
	secs = (double)(now_ns() - began) / 1e9;
	cpu = cpu_ns(load->options.pid) - cpu;
	printf("connections=%u users=%" PRIu64 " requests=%" PRIu64 " refused=%" PRIu64
	       " per_sec=%.0f p50_us=%.1f p99_us=%.1f max_us=%.1f cpu_us=%.3f\n",
	       load->options.connections, load->options.users, load->answers,
	       load->refused, (double)load->answers / secs, quantile_us(load, 0.5),
	       quantile_us(load, 0.99), (double)load->slowest_ns / 1000,
	       load->answers > 0 ? (double)cpu / 1000 / (double)load->answers : 0);
}

static size_t place_of(const char *mark)
{
	return (size_t)(strstr(template, mark) - template);
}

static bool read_options(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){ .connections = 1,
				     .recipients = 1,
				     .users = 1000,
				     .domains = 1000,
				     .warm_secs = 0.5,
				     .secs = 2 };
	while ((option = getopt(argc, argv, "c:u:d:r:miw:s:1bp:")) != -1) {
		switch (option) {
		case 'c':
			options->connections = (unsigned)atoi(optarg);
			break;
		case 'u':
			options->users = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			options->domains = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			options->recipients = (unsigned)atoi(optarg);
			break;
		case 'm':
			options->whole = true;
			break;
		case 'i':
			options->same_instance = true;
			break;
		case 'w':
			options->warm_secs = atof(optarg);
			break;
		case 's':
			options->secs = atof(optarg);
			break;
		case '1':
			options->once = true;
			break;
		case 'b':
			options->busy = true;
			break;
		case 'p':
			options->pid = atoi(optarg);
			break;
		default:
			return false;
		}
	}
	options->path = argv[optind];
	return optind == argc - 1 && options->connections > 0 && options->users > 0 &&
	       options->domains > 0 && options->recipients > 0;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 20000, 20000 };
	struct load *load = g_new0(struct load, 1);
	unsigned i;

	if (!read_options(&load->options, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	load->places = (struct places){ .sender = place_of("=u@@@@") + 2,
					.sender_domain = place_of("########"),
					.user = place_of("sasl_username=u") + 15,
					.recipient = place_of("%%%%%%%%"),
					.instance = place_of("$$$$$$$$") };
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->clients = g_new0(struct client, load->options.connections);
	for (i = 0; i < load->options.connections; i++)
		if (!connect_client(load, &load->clients[i])) {
			fprintf(stderr, "policy_load: %s: %s\n", load->options.path,
				strerror(errno));
			return 1;
		}
	for (i = 0; i < load->options.connections; i++)
		ask(load, &load->clients[i]);
	measure(load);
	g_free(load->clients);
	g_free(load);
	return 0;
}
