/* SPDX-License-Identifier: MIT */
/* The load of receipts.py: says jobs to remite-agent as mail plugins do, and is the
 * mail server that takes what comes of them.
 *
 *	bench_agent CLIENTS COUNT
 *
 * Prints its SMTP port; then the path of the agent's socket is read from standard
 * input. Each client says a job and waits for its acknowledgement. Prints receipts a
 * second, from the first job to the last receipt taken, and how long jobs waited. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "dovecot-plugin/wire.h"
#include "tests/unit/dovecot-plugin/agent/smtp_sink.h"

enum { PATIENCE_SECS = 120 };

struct client {
	const char *path;
	unsigned number, count;
	int fd;
	struct rmt_wire_in *in;
	GArray *waits; /* own; double, ms */
};

static double now(void)
{
	return (double)g_get_monotonic_time() / 1e6;
}

static void give_up(const char *what)
{
	fprintf(stderr, "bench_agent: %s: %s\n", what, g_strerror(errno));
	exit(1);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		give_up(path);
	return fd;
}

static void say(struct client *client, struct rmt_wire_out *out)
{
	if (write(client->fd, out->data, out->len) != (ssize_t)out->len)
		give_up("write");
	rmt_wire_out_free(out);
}

/* Until a record of that type and number came. */
static void wait_for(struct client *client, const char *type, uint64_t id)
{
	struct rmt_wire_record record;
	char octets[16 * 1024];
	ssize_t got;

	while (true) {
		while (rmt_wire_in_next(client->in, &record) == RMT_WIRE_RECORD)
			if (strcmp(record.type, type) == 0 && record.id == id)
				return;
		got = read(client->fd, octets, sizeof(octets));
		if (got <= 0)
			give_up("the agent hung up");
		rmt_wire_in_feed(client->in, octets, (size_t)got);
	}
}

static char *header_of(const struct client *client, unsigned n)
{
	return g_strdup_printf(
		"Return-Path: <alice@example.net>\r\nDelivered-To: u%u@example.net\r\n"
		"From: Alice <alice@example.net>\r\nTo: u%u@example.net\r\n"
		"Subject: a message of the usual kind\r\n"
		"Date: Mon, 21 Sep 2026 10:00:00 +0000\r\n"
		"Message-ID: <%u.%u@example.net>\r\n"
		"Disposition-Notification-To: alice@example.net\r\n\r\n",
		client->number, client->number, client->number, n);
}

static void show_one(struct client *client, unsigned n)
{
	g_autofree char *user = g_strdup_printf("u%u@example.net", client->number);
	g_autofree char *header = header_of(client, n);
	struct rmt_wire_out out = { 0 };

	rmt_wire_begin(&out, "JOB", n, "shown");
	rmt_wire_add(&out, "user", user);
	rmt_wire_add(&out, "addresses", user);
	rmt_wire_add(&out, "box", "INBOX");
	rmt_wire_add_number(&out, "uidvalidity", 1);
	rmt_wire_add_number(&out, "uid", n);
	rmt_wire_add_number(&out, "received", (uint64_t)time(NULL));
	rmt_wire_add(&out, "how", "fetched");
	rmt_wire_end(&out, header, strlen(header));
	say(client, &out);
	wait_for(client, "ACK", n);
}

static void *be_client(void *data)
{
	struct client *client = data;
	struct rmt_wire_out out = { 0 };
	unsigned n;

	client->fd = connect_to(client->path);
	client->in = rmt_wire_in_create();
	rmt_wire_version(&out, "mail");
	say(client, &out);
	for (n = 1; n <= client->count; n++) {
		double since = now(), wait;

		show_one(client, n);
		wait = (now() - since) * 1e3;
		g_array_append_val(client->waits, wait);
	}
	close(client->fd);
	rmt_wire_in_destroy(&client->in);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static guint taken(struct smtp_sink *sink)
{
	guint count;

	g_mutex_lock(&sink->lock);
	count = sink->mails->len;
	g_mutex_unlock(&sink->lock);
	return count;
}

/* The jobs of all clients are acknowledged when it returns. */
static GArray *run_clients(const char *path, unsigned clients, unsigned each)
{
	g_autofree struct client *all = g_new0(struct client, clients);
	g_autofree GThread **threads = g_new0(GThread *, clients);
	GArray *waits = g_array_new(FALSE, FALSE, sizeof(double));
	unsigned i;

	for (i = 0; i < clients; i++) {
		all[i] = (struct client){ .path = path, .number = i, .count = each };
		all[i].waits = g_array_new(FALSE, FALSE, sizeof(double));
		threads[i] = g_thread_new("client", be_client, &all[i]);
	}
	for (i = 0; i < clients; i++) {
		g_thread_join(threads[i]);
		g_array_append_vals(waits, all[i].waits->data, all[i].waits->len);
		g_array_unref(all[i].waits);
	}
	g_array_sort(waits, compare);
	return waits;
}

int main(int argc, char **argv)
{
	unsigned clients = argc > 1 ? (unsigned)atoi(argv[1]) : 50;
	unsigned each = (argc > 2 ? (unsigned)atoi(argv[2]) : 2000) / MAX(clients, 1);
	struct smtp_sink sink = { 0 };
	g_autoptr(GArray) waits = NULL;
	char path[200] = "";
	double start, acknowledged;

	smtp_sink_start(&sink);
	printf("%u\n", sink.port);
	fflush(stdout);
	if (fgets(path, sizeof(path), stdin) == NULL || clients == 0 || each == 0)
		return 1;
	path[strcspn(path, "\n")] = '\0';
	start = now();
	waits = run_clients(path, clients, each);
	acknowledged = now() - start;
	while (taken(&sink) < waits->len && now() - start < PATIENCE_SECS)
		g_usleep(1000);
	printf("%u of %u receipts, %u clients: %.0f receipts/s (jobs %.0f/s; "
	       "acknowledged p50 %.1f ms, p99 %.1f ms)\n",
	       taken(&sink), waits->len, clients, taken(&sink) / (now() - start),
	       waits->len / acknowledged, g_array_index(waits, double, waits->len / 2),
	       g_array_index(waits, double, waits->len * 99 / 100));
	return taken(&sink) == waits->len ? 0 : 1;
}
