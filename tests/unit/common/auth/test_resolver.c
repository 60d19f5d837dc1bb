/* SPDX-License-Identifier: MIT */
/* The resolver against a name server of our own on loopback. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/auth/resolver.h"
#include "common/auth/spf.h"
#include "common/auth/zone.h"

static const char zone_text[] =
	"example.com A 192.0.2.1\n"
	"example.com A 192.0.2.2\n"
	"example.com TXT \"v=spf1 include:i.example.com -all\"\n"
	"i.example.com TXT \"v=spf1 a:h.example.com -all\"\n"
	"h.example.com A 192.0.2.7\n"
	"example.com 100000 MX 10 mail.example.com\n"
	"www.example.com CNAME example.com\n"
	"odd\\032\\255name.example.com A 192.0.2.9\n"
	"broken.example.com A SERVFAIL\n"
	"silent.example.com ANY TIMEOUT\n"
	"dead.example.com TXT \"v=spf1 include:s0.silent.example.com "
	"include:s1.silent.example.com include:s2.silent.example.com -all\"\n"
	"s0.silent.example.com ANY TIMEOUT\n"
	"s1.silent.example.com ANY TIMEOUT\n"
	"s2.silent.example.com ANY TIMEOUT\n";

/* --- a name server ------------------------------------------------------------------ */

struct server {
	int fd;
	char address[32]; /* 127.0.0.1@PORT */
	struct rmt_zone *zone;
	GThread *thread;
};

static void put(GString *out, unsigned number, int octets)
{
	while (octets-- > 0)
		g_string_append_c(out, (char)(number >> (8 * octets) & 255));
}

static void put_name(GString *out, struct rmt_span name)
{
	while (name.len > 0) {
		struct rmt_span label = name;

		if (!rmt_span_split(name, '.', &label, &name))
			name.len = 0;
		put(out, (unsigned)label.len, 1);
		g_string_append_len(out, label.p, (gssize)label.len);
	}
	put(out, 0, 1);
}

static void put_data(GString *out, enum rmt_dns_type type,
		     const struct rmt_dns_record *record)
{
	g_autoptr(GString) data = g_string_new(NULL);

	if (type == RMT_DNS_MX)
		put(data, record->preference, 2);
	if (type == RMT_DNS_TXT)
		put(data, (unsigned)record->data.len, 1);
	if (type == RMT_DNS_MX || type == RMT_DNS_PTR)
		put_name(data, record->data);
	else
		g_string_append_len(data, record->data.p, (gssize)record->data.len);
	put(out, (unsigned)data->len, 2);
	g_string_append_len(out, data->str, (gssize)data->len);
}

static void put_record(GString *out, struct rmt_span owner, enum rmt_dns_type type,
		       uint32_t ttl_secs)
{
	put_name(out, owner);
	put(out, (unsigned)type, 2);
	put(out, 1, 2);
	put(out, ttl_secs, 4);
}

static void put_soa(GString *out)
{
	put_record(out, RMT_SPAN("com"), RMT_DNS_SOA, 86400);
	put(out, 22, 2);
	put(out, 0, 2); /* two root names */
	put(out, 1, 4);
	put(out, 2, 4);
	put(out, 3, 4);
	put(out, 4, 4);
	put(out, 86400, 4);
}

/* The question's name, as text; returns where it ends. */
static size_t read_name(const unsigned char *packet, size_t length, GString *name)
{
	size_t at = 12;

	while (at < length && packet[at] != 0) {
		if (name->len > 0)
			g_string_append_c(name, '.');
		g_string_append_len(name, (const char *)packet + at + 1, packet[at]);
		at += 1 + packet[at];
	}
	return at + 5;
}

/* False: say nothing. */
static bool reply_to(struct rmt_zone *zone, const unsigned char *packet, size_t length,
		     GString *out)
{
	g_autoptr(GString) name = g_string_new(NULL);
	size_t end = read_name(packet, length, name), i;
	struct rmt_dns_question question = { (enum rmt_dns_type)(packet[end - 4] << 8 |
								 packet[end - 3]),
					     rmt_span(name->str, name->len) };
	const struct rmt_dns_answer *answer = rmt_zone_look_up(zone, &question);
	bool is_alias = answer->canonical.len > 0;
	unsigned rcode = answer->status == RMT_DNS_NXDOMAIN   ? 3
			 : answer->status == RMT_DNS_SERVFAIL ? 2
							      : 0;

	if (answer->status == RMT_DNS_TIMEOUT)
		return false;
	g_string_append_len(out, (const char *)packet, 2);
	put(out, 0x8180 | rcode, 2);
	put(out, 1, 2);
	put(out, (unsigned)answer->count + is_alias, 2);
	put(out, answer->count == 0, 2);
	put(out, 0, 2);
	g_string_append_len(out, (const char *)packet + 12, (gssize)(end - 12));
	if (is_alias) {
		put_record(out, question.name, RMT_DNS_CNAME, 60);
		put(out, (unsigned)answer->canonical.len + 2, 2);
		put_name(out, answer->canonical);
	}
	for (i = 0; i < answer->count; i++) {
		put_record(out, is_alias ? answer->canonical : question.name,
			   question.type, answer->ttl_secs);
		put_data(out, question.type, &answer->records[i]);
	}
	if (answer->count == 0)
		put_soa(out);
	return true;
}

static gpointer serve(gpointer context)
{
	struct server *server = context;

	for (;;) {
		unsigned char packet[1500];
		struct sockaddr_in peer;
		socklen_t size = sizeof(peer);
		ssize_t length = recvfrom(server->fd, packet, sizeof(packet), 0,
					  (struct sockaddr *)&peer, &size);
		g_autoptr(GString) out = g_string_new(NULL);

		if (length < 17)
			return NULL; /* told to stop */
		if (reply_to(server->zone, packet, (size_t)length, out))
			sendto(server->fd, out->str, out->len, 0,
			       (struct sockaddr *)&peer, size);
	}
}

static struct sockaddr_in address_of(int fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0)
		assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return address;
}

static int start_server(void **state)
{
	struct server *server = g_new0(struct server, 1);
	struct sockaddr_in address = address_of(-1);

	server->zone = rmt_zone_new();
	assert_true(
		rmt_zone_add_text(server->zone, "zone", rmt_span_of(zone_text), NULL));
	server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	address = address_of(server->fd);
	g_snprintf(server->address, sizeof(server->address), "127.0.0.1@%u",
		   ntohs(address.sin_port));
	server->thread = g_thread_new("dns", serve, server);
	*state = server;
	return 0;
}

static int stop_server(void **state)
{
	struct server *server = *state;
	struct sockaddr_in address = address_of(server->fd);

	sendto(server->fd, "", 1, 0, (struct sockaddr *)&address, sizeof(address));
	g_thread_join(server->thread);
	close(server->fd);
	rmt_zone_free(server->zone);
	g_free(server);
	return 0;
}

/* --- askers ---------------------------------------------------------------------------
 */

/* Asks once and remembers. */
struct probe {
	struct rmt_asker asker;
	bool answered;
	enum rmt_dns_status status;
	uint32_t ttl_secs;
	size_t count;
	char canonical[64];
	char data[64];
};

static void probe_answered(struct rmt_asker *asker, const struct rmt_dns_answer *answer)
{
	struct probe *probe = RMT_ASKER_OWNER(asker, struct probe, asker);

	assert_false(probe->answered);
	probe->answered = true;
	probe->status = answer->status;
	probe->ttl_secs = answer->ttl_secs;
	probe->count = answer->count;
	g_snprintf(probe->canonical, sizeof(probe->canonical), "%.*s",
		   RMT_SPAN_ARGS(answer->canonical));
	if (answer->count > 0)
		g_snprintf(probe->data, sizeof(probe->data), "%.*s",
			   RMT_SPAN_ARGS(answer->records[0].data));
}

static struct rmt_asker *probe(struct probe *probe, enum rmt_dns_type type,
			       const char *name)
{
	*probe = (struct probe){ .asker = { .answered = probe_answered } };
	rmt_dns_ask(&probe->asker, type, rmt_span_of(name));
	return &probe->asker;
}

static struct rmt_resolver *open_resolver(const struct server *server,
					  struct event_base *base)
{
	const char *const servers[] = { server->address, NULL };
	struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;
	struct rmt_resolver *resolver = NULL;
	g_autoptr(GError) err = NULL;

	settings.servers = servers;
	settings.event_base = base;
	if (!rmt_resolver_open(&resolver, &settings, &err))
		fail_msg("%s", err->message);
	return resolver;
}

static void answers_come_with_their_kind_and_capped_times(void **state)
{
	static const struct {
		const char *name;
		enum rmt_dns_type type;
		enum rmt_dns_status want;
		size_t count;
		uint32_t ttl_max;
		const char *canonical, *data;
	} cases[] = {
		{ "example.com", RMT_DNS_A, RMT_DNS_FOUND, 2, 3600, "", NULL },
		{ "EXAMPLE.com", RMT_DNS_A, RMT_DNS_FOUND, 2, 3600, "", NULL },
		{ "example.com", RMT_DNS_MX, RMT_DNS_FOUND, 1, 3600, "",
		  "mail.example.com" },
		{ "www.example.com", RMT_DNS_TXT, RMT_DNS_FOUND, 1, 60, "example.com",
		  "v=spf1 include:i.example.com -all" },
		{ "odd \377name.example.com", RMT_DNS_A, RMT_DNS_FOUND, 1, 3600, "",
		  NULL },
		{ "gone.example.com", RMT_DNS_A, RMT_DNS_NXDOMAIN, 0, 300, "", NULL },
		{ "example.com", RMT_DNS_AAAA, RMT_DNS_NODATA, 0, 300, "", NULL },
		{ "broken.example.com", RMT_DNS_A, RMT_DNS_SERVFAIL, 0, 300, "", NULL },
		{ "x..y", RMT_DNS_A, RMT_DNS_SERVFAIL, 0, 300, "", NULL },
	};
	struct rmt_resolver *resolver = open_resolver(*state, NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct probe got;
		struct rmt_asker *asker = probe(&got, cases[i].type, cases[i].name);

		rmt_resolver_run(resolver, &asker, 1, 10000);
		if (got.status != cases[i].want || got.count != cases[i].count)
			fail_msg("%s: %s", cases[i].name,
				 rmt_dns_status_text(got.status));
		assert_true(got.ttl_secs <= cases[i].ttl_max);
		assert_string_equal(got.canonical, cases[i].canonical);
		if (cases[i].data != NULL)
			assert_string_equal(got.data, cases[i].data);
	}
	rmt_resolver_close(&resolver);
}

static void an_evaluator_is_led_to_its_end(void **state)
{
	struct rmt_resolver *resolver = open_resolver(*state, NULL);
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	struct rmt_spf_query query = { .mail_from = RMT_SPAN("ann@example.com") };
	struct rmt_asker *asker;

	assert_true(rmt_ip_parse(RMT_SPAN("192.0.2.7"), &query.ip));
	asker = rmt_spf_start(spf, &query);
	rmt_resolver_run(resolver, &asker, 1, 10000);
	assert_int_equal(rmt_spf_result(spf)->result, RMT_SPF_PASS);
	rmt_resolver_close(&resolver);
}

/* Microseconds that it took. */
static int64_t ask_silent_servers(void **state)
{
	struct rmt_resolver *resolver = open_resolver(*state, NULL);
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	struct rmt_spf_query query = { .mail_from = RMT_SPAN("ann@dead.example.com") };
	int64_t begin = g_get_monotonic_time(), took;
	struct rmt_asker *asker = rmt_spf_start(spf, &query);
	struct probe probes[100];
	struct rmt_asker *askers[100];
	size_t i;

	rmt_resolver_run(resolver, &asker, 1, 300);
	assert_int_equal(rmt_spf_result(spf)->result, RMT_SPF_TEMPERROR);
	for (i = 0; i < G_N_ELEMENTS(askers); i++)
		askers[i] = probe(&probes[i], RMT_DNS_TXT, "silent.example.com");
	rmt_resolver_run(resolver, askers, G_N_ELEMENTS(askers), 300);
	for (i = 0; i < G_N_ELEMENTS(askers); i++)
		assert_int_equal(probes[i].status, RMT_DNS_TIMEOUT);
	took = g_get_monotonic_time() - begin;
	rmt_resolver_close(&resolver);
	return took;
}

/* 600 ms; one after the other is 30 s. A busy machine is quick once in five times. */
static void silent_servers_cost_one_deadline(void **state)
{
	int64_t least = INT64_MAX;
	int tries;

	for (tries = 0; tries < 5 && least >= 5 * G_USEC_PER_SEC; tries++)
		least = MIN(least, ask_silent_servers(state));
	assert_true(least < 5 * G_USEC_PER_SEC);
}

static void equal_questions_are_asked_once(void **state)
{
	struct rmt_resolver *resolver = open_resolver(*state, NULL);
	struct probe one, other, third;
	struct rmt_asker *askers[] = { probe(&one, RMT_DNS_A, "example.com"),
				       probe(&other, RMT_DNS_A, "Example.COM"),
				       probe(&third, RMT_DNS_MX, "example.com") };
	uint64_t asked, joined;

	rmt_resolver_run(resolver, askers, 3, 10000);
	rmt_resolver_stats(resolver, &asked, &joined);
	assert_int_equal(asked, 2);
	assert_int_equal(joined, 1);
	assert_int_equal(one.count + other.count, 4);
	rmt_resolver_close(&resolver);
}

static void hints_are_fetched_ahead(void **state)
{
	static const struct rmt_dns_question hints[] = { { RMT_DNS_MX,
							   { "example.com", 11 } } };
	struct rmt_resolver *resolver = open_resolver(*state, NULL);
	struct probe got;
	struct rmt_asker *asker = probe(&got, RMT_DNS_A, "example.com");
	uint64_t asked, joined;

	asker->hints = hints;
	asker->hint_count = 1;
	rmt_resolver_run(resolver, &asker, 1, 10000);
	rmt_resolver_stats(resolver, &asked, &joined);
	assert_int_equal(asked, 2);
	rmt_resolver_close(&resolver);
}

static void what_is_forgotten_is_not_answered(void **state)
{
	struct rmt_resolver *resolver = open_resolver(*state, NULL);
	struct probe dropped, kept;
	struct rmt_asker *asker;

	rmt_resolver_start(resolver, probe(&dropped, RMT_DNS_A, "silent.example.com"),
			   INT64_MAX, NULL, NULL);
	rmt_resolver_start(resolver, probe(&kept, RMT_DNS_TXT, "silent.example.com"),
			   INT64_MAX, NULL, NULL);
	rmt_resolver_forget(resolver, &dropped.asker);
	assert_int_equal(rmt_resolver_expire(resolver, g_get_monotonic_time()),
			 INT64_MAX);
	asker = probe(&kept, RMT_DNS_A, "example.com");
	rmt_resolver_forget(resolver, &kept.asker);
	rmt_resolver_run(resolver, &asker, 1, 10000);
	assert_false(dropped.answered);
	assert_int_equal(kept.status, RMT_DNS_FOUND);
	rmt_resolver_start(resolver, probe(&dropped, RMT_DNS_A, "silent.example.com"),
			   INT64_MAX, NULL, NULL);
	rmt_resolver_close(&resolver); /* with one still waiting */
	assert_false(dropped.answered);
}

static void a_wrong_server_is_told(void **state)
{
	static const char *const servers[] = { "nowhere", NULL };
	struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;
	struct rmt_resolver *resolver = NULL;
	g_autoptr(GError) err = NULL;

	(void)state;
	settings.servers = servers;
	assert_false(rmt_resolver_open(&resolver, &settings, &err));
	assert_non_null(strstr(err->message, "nowhere"));
	assert_null(resolver);
}

static void stop_loop(void *context, struct rmt_asker *asker)
{
	(void)asker;
	*(bool *)context = true;
}

/* With the libevent that libunbound has brought into the process. */
static void an_event_loop_needs_no_thread(void **state)
{
	struct event_base *(*new_base)(void) = NULL;
	int (*turn)(struct event_base *, int) = NULL;
	void (*free_base)(struct event_base *) = NULL;
	struct rmt_resolver *resolver;
	struct event_base *base;
	struct probe got;
	bool done = false;

	*(void **)&new_base = dlsym(RTLD_DEFAULT, "event_base_new");
	*(void **)&turn = dlsym(RTLD_DEFAULT, "event_base_loop");
	*(void **)&free_base = dlsym(RTLD_DEFAULT, "event_base_free");
	if (new_base == NULL || turn == NULL || free_base == NULL) {
		print_message("this libunbound is built without libevent\n");
		skip();
	}
	base = new_base();
	resolver = open_resolver(*state, base);
	assert_int_equal(rmt_resolver_fd(resolver), -1);
	rmt_resolver_start(resolver, probe(&got, RMT_DNS_A, "gone.example.com"),
			   g_get_monotonic_time() + 60 * G_USEC_PER_SEC, stop_loop,
			   &done);
	while (!done)
		turn(base, 1); /* EVLOOP_ONCE */
	assert_int_equal(got.status, RMT_DNS_NXDOMAIN);
	done = false;
	rmt_resolver_start(resolver, probe(&got, RMT_DNS_TXT, "www.example.com"),
			   g_get_monotonic_time() + 60 * G_USEC_PER_SEC, stop_loop,
			   &done);
	while (!done)
		turn(base, 1);
	assert_string_equal(got.data, "v=spf1 include:i.example.com -all");
	rmt_resolver_start(resolver, probe(&got, RMT_DNS_A, "silent.example.com"), 1000,
			   stop_loop, &done);
	rmt_resolver_expire(resolver, 2000);
	assert_int_equal(got.status, RMT_DNS_TIMEOUT);
	rmt_resolver_close(&resolver);
	free_base(base);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_with_their_kind_and_capped_times),
		cmocka_unit_test(an_evaluator_is_led_to_its_end),
		cmocka_unit_test(silent_servers_cost_one_deadline),
		cmocka_unit_test(equal_questions_are_asked_once),
		cmocka_unit_test(hints_are_fetched_ahead),
		cmocka_unit_test(what_is_forgotten_is_not_answered),
		cmocka_unit_test(a_wrong_server_is_told),
		cmocka_unit_test(an_event_loop_needs_no_thread),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
