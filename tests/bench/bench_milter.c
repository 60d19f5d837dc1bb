/* SPDX-License-Identifier: MIT */
/* bench_milter.c - messages that remite-milter judges in a second: 10 kB, with a
 * valid rsa2048 signature, over as many connections as asked.
 *
 *	bench_milter PROGRAM [SECONDS [CONNECTIONS]]
 *	bench_milter PROGRAM hostile	how long the worst messages take
 *
 * It starts PROGRAM (build/remite-milter) with a configuration and a zone of its
 * own, and speaks the milter protocol as Postfix does: no answers but to the body
 * and the end. Every answer is looked at; one that is not as it should be ends it.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/auth/dkim.h"
#include "tests/lib/dkim_signer.h"

enum { BODY_OCTETS = 10240, CONNECTIONS_MAX = 256 };

/* Offered to the milter: libmilter's mfdef.h tells the bits. */
enum { VERSION = 6, ACTIONS = 0x1ff, STEPS = 0x1fffff };

static char place[] = "/tmp/rmtbXXXXXX";
static char *socket_path;
static pid_t child;

static void die(const char *what)
{
	fprintf(stderr, "bench_milter: %s\n", what);
	if (child > 0)
		kill(child, SIGKILL);
	exit(1);
}

/* --- the protocol ------------------------------------------------------------------ */

static void put(GString *out, char command, const void *data, size_t len)
{
	uint32_t size = htonl((uint32_t)len + 1);

	g_string_append_len(out, (const char *)&size, 4);
	g_string_append_c(out, command);
	g_string_append_len(out, data, (gssize)len);
}

static void put_strings(GString *out, char command, const char *first, const char *second)
{
	g_autoptr(GString) data = g_string_new(NULL);

	g_string_append_len(data, first, (gssize)strlen(first) + 1);
	if (second != NULL)
		g_string_append_len(data, second, (gssize)strlen(second) + 1);
	put(out, command, data->str, data->len);
}

static void flush(int fd, GString *out)
{
	size_t done = 0;
	ssize_t n;

	while (done < out->len) {
		n = write(fd, out->str + done, out->len - done);
		if (n <= 0)
			die("cannot write to the milter");
		done += (size_t)n;
	}
	g_string_truncate(out, 0);
}

static void read_exactly(int fd, void *buffer, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, (char *)buffer + done, len - done);
		if (n <= 0)
			die("the milter hung up");
		done += (size_t)n;
	}
}

/* The answer's letter. */
static char take(int fd)
{
	char data[4096];
	uint32_t size;

	read_exactly(fd, &size, 4);
	size = ntohl(size);
	if (size == 0 || size > sizeof(data))
		die("an answer of a strange size");
	read_exactly(fd, data, size);
	return data[0];
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_session(void)
{
	const uint32_t offer[] = { htonl(VERSION), htonl(ACTIONS), htonl(STEPS) };
	static const char client[] = "client.test\0"
				     "4"
				     "\0\x19"
				     "192.0.2.9";
	g_autoptr(GString) out = g_string_new(NULL);
	int fd = connect_to(socket_path);

	if (fd < 0)
		die("cannot connect");
	put(out, 'O', offer, sizeof(offer));
	flush(fd, out);
	if (take(fd) != 'O')
		die("no negotiation");
	put(out, 'C', client, sizeof(client));
	put_strings(out, 'H', "client.test", NULL);
	flush(fd, out);
	return fd;
}

static void put_headers(GString *out, const char *message, struct rmt_span *body_r)
{
	struct rmt_header_reader reader = rmt_header_read(rmt_span_of(message));
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field)) {
		g_autofree char *name = g_strndup(field.name.p, field.name.len);
		g_autoptr(GString) value =
			g_string_new_len(field.value.p, (gssize)field.value.len);

		g_string_replace(value, "\r\n", "\n", 0);
		put_strings(out, 'L', name, value->str);
	}
	*body_r = rmt_span_from(reader.message, reader.at);
}

/* All up to the body, as Postfix says it in one go. */
static GString *make_head(const char *message, struct rmt_span *body_r)
{
	GString *out = g_string_new(NULL);

	put_strings(out, 'M', "<news@x.test>", NULL);
	put_strings(out, 'R', "<bob@y.test>", NULL);
	put_headers(out, message, body_r);
	put(out, 'N', "", 0);
	return out;
}

/* The last answer's letter; end_us_r: when its message had been sent. */
static char send_message(int fd, const GString *head, struct rmt_span body,
			 int64_t *end_us_r)
{
	g_autoptr(GString) out = g_string_new_len(head->str, (gssize)head->len);
	char answer;

	put(out, 'B', body.p, body.len);
	flush(fd, out);
	answer = take(fd);
	if (answer != 'c' && answer != 's')
		return answer;
	put_strings(out, 'D', "Ei", "4Zk3pQ1");
	put(out, 'E', "", 0);
	*end_us_r = g_get_monotonic_time();
	flush(fd, out);
	return take(fd);
}

/* --- the milter ------------------------------------------------------------------------
 */

static void write_file(const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(place, name, NULL);

	if (!g_file_set_contents(path, text, -1, NULL))
		die("cannot write a file");
}

static void start_milter(char *program, const char *public_key)
{
	g_autofree char *config = g_build_filename(place, "remite.conf", NULL);
	g_autofree char *zone = g_build_filename(place, "zone", NULL);
	g_autofree char *settings =
		g_strdup_printf("mode = \"enforce\"\n"
				"milter: { after = \"unix:%s\" socket_group = \"root\" "
				"log_passed = false }\n"
				"egress: { e: { addresses = \"192.0.2.20\" } }\n"
				"streams: { s: { senders = \"*\" egress = \"e\" rules: { "
				"bulk = \"off\" } } }\n",
				socket_path);
	g_autofree char *records = g_strdup_printf(
		"x.test TXT \"v=spf1 a:mx.x.test ip4:198.51.100.0/24 -all\"\n"
		"mx.x.test A 192.0.2.20\n"
		"_dmarc.x.test TXT \"v=DMARC1; p=reject\"\n"
		"s._domainkey.x.test TXT \"v=DKIM1; p=%s\"\n",
		public_key);
	int fd, tries = 0;

	write_file("remite.conf", settings);
	write_file("zone", records);
	child = fork();
	if (child == 0) {
		execl(program, program, "-F", "-c", config, "--dns-file", zone, NULL);
		_exit(127);
	}
	while ((fd = connect_to(socket_path)) < 0 && tries++ < 500)
		g_usleep(10000);
	if (fd < 0)
		die("the milter does not answer");
	close(fd);
}

static void stop_milter(void)
{
	g_autofree char *config = g_build_filename(place, "remite.conf", NULL);
	g_autofree char *zone = g_build_filename(place, "zone", NULL);

	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	unlink(config);
	unlink(zone);
	unlink(socket_path);
	rmdir(place);
}

/* --- how many
 * ----------------------------------------------------------------------------- */

struct load {
	const char *message;
	int64_t until_us;
	gint messages;
};

static gpointer send_until(gpointer data)
{
	struct load *load = data;
	struct rmt_span body;
	g_autoptr(GString) head = make_head(load->message, &body);
	int fd = open_session();
	int64_t end_us;

	while (g_get_monotonic_time() < load->until_us) {
		if (send_message(fd, head, body, &end_us) != 'c')
			die("a good message is refused");
		g_atomic_int_inc(&load->messages);
	}
	close(fd);
	return NULL;
}

static void measure(const char *message, double seconds, int connections)
{
	struct load load = { .message = message,
			     .until_us =
				     g_get_monotonic_time() + (int64_t)(seconds * 1e6) };
	GThread *threads[CONNECTIONS_MAX];
	int i;

	for (i = 0; i < connections; i++)
		threads[i] = g_thread_new("load", send_until, &load);
	for (i = 0; i < connections; i++)
		g_thread_join(threads[i]);
	printf("milter: %.0f messages/s (10 kB, rsa2048, %d connections)\n",
	       load.messages / seconds, connections);
}

/* --- how long
 * ------------------------------------------------------------------------------- */

static void time_one(const char *what, const char *repeated, size_t octets, size_t fields)
{
	g_autoptr(GString) head = g_string_new(NULL);
	const int64_t start_us = g_get_monotonic_time();
	g_autofree char *value = NULL;
	int fd = open_session();
	int64_t end_us = 0;
	char answer;
	size_t i;

	put_strings(head, 'M', "<news@x.test>", NULL);
	put_strings(head, 'R', "<bob@y.test>", NULL);
	put_strings(head, 'L', "From", " news@x.test");
	value = g_strnfill(octets, 'x');
	memcpy(value, "v=1; a=rsa-sha256; d=x.test; s=s; h=from; bh=AAAA; b=AAAA;x=",
	       MIN(octets, 60));
	for (i = 0; i < fields; i++)
		put_strings(head, 'L', repeated, value);
	put(head, 'N', "", 0);
	answer = send_message(fd, head, RMT_SPAN("Hello\r\n"), &end_us);
	printf("milter: %-26s answered '%c', read in %.0f ms, judged in %.0f ms\n", what,
	       answer, (double)(end_us - start_us) / 1000,
	       (double)(g_get_monotonic_time() - end_us) / 1000);
	close(fd);
}

static void time_the_worst(void)
{
	time_one("10 MB in 170 fields", "X", 60000, 170);
	time_one("a million fields", "X", 1, 1000000);
	time_one("250,000 fields of nothing", "X", 0, 250000);
	time_one("a million signatures", "DKIM-Signature", 60, 1000000);
	time_one("9,000 signatures", "DKIM-Signature", 100, 9000);
	time_one("9,000 fields", "X", 100, 9000);
	time_one("9,000 From", "From", 100, 9000);
	time_one("100,000 From", "From", 1, 100000);
	time_one("one MB of From", "From", 60000, 16);
}

int main(int argc, char **argv)
{
	EVP_PKEY *key = signer_key("RSA", 2048);
	g_autofree char *public_key = signer_public(key), *message = NULL;
	g_autoptr(GString) plain =
		g_string_new("From: News <news@x.test>\r\nTo: bob@y.test\r\n"
			     "Subject: news of the week\r\n"
			     "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
			     "Message-ID: <1@x.test>\r\nMIME-Version: 1.0\r\n"
			     "Content-Type: text/plain\r\nX-Mailer: m\r\n\r\n");

	if (argc < 2 || mkdtemp(place) == NULL)
		die("usage: bench_milter PROGRAM [SECONDS [CONNECTIONS] | hostile]");
	socket_path = g_build_filename(place, "s", NULL);
	while (plain->len < BODY_OCTETS)
		g_string_append(plain,
				"The quick brown fox jumps over the lazy dog.\r\n");
	message = signer_sign(
		key,
		"v=1; a=rsa-sha256; c=relaxed/relaxed; d=x.test; s=s;\r\n"
		"\th=from:to:subject:date:message-id:mime-version:content-type",
		plain->str);
	start_milter(argv[1], public_key);
	if (argc > 2 && strcmp(argv[2], "hostile") == 0)
		time_the_worst();
	else
		measure(message, argc > 2 ? g_ascii_strtod(argv[2], NULL) : 3,
			argc > 3 ? CLAMP(atoi(argv[3]), 1, CONNECTIONS_MAX) : 8);
	stop_milter();
	EVP_PKEY_free(key);
	g_free(socket_path);
	return 0;
}
