/* SPDX-License-Identifier: MIT */
/* bench_engine - the decision alone: one RCPT request against four rates of user,
 * domain and client, each naming a new instance on its connection, so that the
 * reservation before is committed and a new one made; 16 requests a turn. Times are
 * of the whole process, the making of the requests left out.
 *
 *	bench_engine [-n REQUESTS] [-u USERS] [-d DIRECTORY]
 *		-d: with a log on the disk, in this (new) directory
 *
 * On a machine that others use, count instructions instead:
 *
 *	valgrind --tool=callgrind --toggle-collect=rmt_engine_prepare \
 *		--toggle-collect=rmt_engine_decide build/bench/bench_engine -n 60000
 *
 * and divide what it collected by the requests it says it made.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/policy/engine.h"

enum { BATCH = 16, ROUNDS = 3, TURN_NS = BATCH * 3000 };

static const char settings[] =
	"mode = \"enforce\"\n"
	"policyd: { log_passed = false }\n"
	"streams: { default: { limits: {\n"
	" hour: { per = \"sasl_user\" rate = \"1000/hour\" burst = 1000000000 }\n"
	" day: { per = \"sasl_user\" rate = \"5000/day\" burst = 1000000000 }\n"
	" domain: { per = \"sender_domain\" rate = \"1000/hour\" burst = 1000000000 }\n"
	" client: { per = \"client\" rate = \"10000/hour\" burst = 1000000000 } } } }\n";

struct request {
	char user[32], instance[32], sender[64], recipient[64];
	struct rmt_facts facts;
	struct rmt_work work;
};

struct load {
	long requests, users;
	const char *directory;
	struct rmt_counters *counters;
	struct rmt_engine *engine;
	uint64_t seed;
	struct rmt_now now;
	struct request batch[BATCH];
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * RMT_NS_PER_SEC + t.tv_nsec;
}

static uint64_t next_random(struct load *load)
{
	load->seed ^= load->seed << 13;
	load->seed ^= load->seed >> 7;
	return load->seed ^= load->seed << 17;
}

static struct rmt_span print(char *out, size_t size, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static struct rmt_span print(char *out, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(out, size, format, args);
	va_end(args);
	return rmt_span(out, (size_t)len);
}

static void make_request(struct load *load, struct request *request, uint64_t number)
{
	const uint64_t random = next_random(load), id = random % (uint64_t)load->users;
	struct rmt_facts *facts = &request->facts;

	*facts = (struct rmt_facts){ .stage = RMT_STAGE_RCPT };
	facts->client_address = RMT_SPAN("192.0.2.77");
	facts->sasl_user =
		print(request->user, sizeof(request->user), "user%" PRIu64, id);
	facts->instance = print(request->instance, sizeof(request->instance),
				"1a2b.%" PRIx64 ".%" PRIx64, number, random);
	facts->sender = print(request->sender, sizeof(request->sender),
			      "user%" PRIu64 "@d%" PRIu64 ".example.com", id, id % 100);
	facts->recipient = print(request->recipient, sizeof(request->recipient),
				 "rcpt%" PRIx64 ".%" PRIx64 "@example.net",
				 random & 0xffffff, number);
}

static void turn(struct load *load)
{
	struct rmt_decision decision;
	unsigned i;

	rmt_engine_tick(load->engine, &load->now);
	for (i = 0; i < BATCH; i++)
		rmt_engine_prepare(load->engine, &load->batch[i].facts, i + 1, 1,
				   &load->batch[i].work);
	for (i = 0; i < BATCH; i++) {
		rmt_engine_decide(load->engine, &load->batch[i].work, &load->now,
				  &decision);
		if (decision.action != RMT_ACTION_DUNNO)
			abort(); /* these limits are for all */
	}
	rmt_counters_write(load->counters);
}

static void run_round(struct load *load)
{
	int64_t spent = 0, start;
	long done;
	unsigned i;

	for (done = 0; done < load->requests; done += BATCH) {
		for (i = 0; i < BATCH; i++)
			make_request(load, &load->batch[i], (uint64_t)done + i);
		start = now_ns();
		load->now.line_ns += TURN_NS;
		turn(load);
		spent += now_ns() - start;
	}
	printf("%ld requests, %ld users: %.0f ns a request\n", done, load->users,
	       (double)spent / (double)done);
}

static bool read_options(struct load *load, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "n:u:d:")) != -1) {
		if (option == 'n')
			load->requests = atol(optarg);
		else if (option == 'u')
			load->users = atol(optarg);
		else if (option == 'd')
			load->directory = optarg;
		else
			return false;
	}
	return load->requests > 0 && load->users > 0;
}

static struct rmt_config *read_settings(void)
{
	char path[] = "/tmp/bench-engine-XXXXXX";
	g_autoptr(GPtrArray) problems = NULL;
	struct rmt_config *config = NULL;
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, settings, strlen(settings)) != (ssize_t)strlen(settings))
		return NULL;
	close(fd);
	config = rmt_config_read(path, &problems);
	unlink(path);
	if (config == NULL)
		fprintf(stderr, "%s\n", (const char *)problems->pdata[0]);
	return config;
}

static bool begin(struct load *load, struct rmt_config *config)
{
	const struct rmt_counters_options options = {
		.directory = load->directory,
		.wall_secs = (int64_t)time(NULL),
		.monotonic_ns = now_ns(),
		.boot_id = "bench",
	};
	g_autoptr(GError) err = NULL;

	if (!rmt_counters_open(&load->counters, &options, &err)) {
		fprintf(stderr, "%s\n", err->message);
		return false;
	}
	load->now.wall_secs = options.wall_secs;
	load->now.line_ns = rmt_counters_line(load->counters, options.monotonic_ns);
	load->engine = rmt_engine_new(config, load->counters, NULL);
	return true;
}

int main(int argc, char **argv)
{
	static struct load load = { .requests = 1000000,
				    .users = 1000,
				    .seed = UINT64_C(88172645463325252) };
	struct rmt_config *config;
	int round;

	if (!read_options(&load, argc, argv)) {
		fputs("usage: bench_engine [-n REQUESTS] [-u USERS] [-d DIRECTORY]\n",
		      stderr);
		return 2;
	}
	config = read_settings();
	if (config == NULL || !begin(&load, config))
		return 1;
	for (round = 0; round < ROUNDS; round++)
		run_round(&load);
	rmt_engine_free(load.engine);
	rmt_counters_close(&load.counters);
	rmt_config_unref(config);
	return 0;
}
