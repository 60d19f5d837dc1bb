/* SPDX-License-Identifier: MIT */
/* bench_counters - the counters alone: P5 (flat, hot as fast as cold), P6 (octets
 * a tracked rate), P7 (restart with 3 M limits).
 *
 * The load of P5 is the standard load's: each request names a new instance on
 * its connection, so the reservation before is released and a new one made,
 * against two limits of the user, one of the domain, one of the client; 16
 * requests a turn, prefetched, then one write. Times of P5 are this thread's CPU time.
 *
 *	bench_counters [-q] [-d DIRECTORY] [-p NUMBERS]
 *		-q: up to 1 M keys only; -p 57: P5 and P7 alone
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/limits/large.h"
#include "common/limits/reserve.h"

enum { BATCH = 16, SHARES = 4, DOMAINS = 1000, CLIENTS = 256, CONNECTIONS = 16 };
enum { MILLION = 1000000, USERS_PER_SEC = 200000 };
/* What the echo server needs a request on the machine of the reference, in ns:
 * P5 is said of whole requests. */
static const double request_ns = 2500;

static const struct rmt_amount hour = { false, 1000000, UINT64_C(3600000000000),
					1000000 };
static const struct rmt_amount day = { false, 9000000, UINT64_C(86400000000000),
				       9000000 };

static const char *directory = "/tmp/remite-bench-counters";
static int64_t line;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static double rss_mb(void)
{
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (file != NULL)
		fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static void clean(void)
{
	g_autofree char *command = g_strdup_printf("rm -rf '%s'", directory);

	if (system(command) != 0)
		exit(1);
}

static struct rmt_counters *start(bool on_disk)
{
	struct rmt_counters_options options = { .directory = on_disk ? directory : NULL,
						.wall_secs = 1700000000,
						.monotonic_ns = now_ns(),
						.boot_id = "bench",
						.ends = rmt_reserve_ends };
	struct rmt_counters *counters;
	GError *err = NULL;

	if (!rmt_counters_open(&counters, &options, &err)) {
		fprintf(stderr, "%s\n", err->message);
		exit(1);
	}
	line = rmt_counters_line(counters, options.monotonic_ns);
	return counters;
}

static uint64_t key_of(const struct rmt_counters *counters, char kind, uint64_t n)
{
	char name[16] = { kind };

	memcpy(name + 8, &n, sizeof(n));
	return rmt_counters_hash(counters, name, sizeof(name));
}

/* 900,000 of an hour's million are not drained for 54 minutes. */
/* No policyd is asked faster; the thread that writes a snapshot has its time, too. */
static void keep_pace(int64_t begin, uint64_t user)
{
	while (now_ns() < begin + (int64_t)(user * 1000000000 / USERS_PER_SEC))
		g_usleep(50);
}

static void charge_all_users(struct rmt_counters *counters, uint64_t users, bool named,
			     uint64_t n, bool paced)
{
	int64_t begin = now_ns();
	char name[40];
	uint64_t i;
	size_t len;

	for (i = 0; i < users; i++) {
		const uint64_t keys[2] = { key_of(counters, 'h', i),
					   key_of(counters, 'd', i) };

		rmt_counters_charge(counters, keys[0], &hour, n, line);
		rmt_counters_charge(counters, keys[1], &day, n, line);
		if (named) {
			len = (size_t)snprintf(name, sizeof(name),
					       "user%07" PRIu64 "@example.org", i);
			rmt_counters_name(counters, keys[0], RMT_SPAN("bulk/hour"),
					  rmt_span(name, len));
			rmt_counters_name(counters, keys[1], RMT_SPAN("bulk/day"),
					  rmt_span(name, len));
		}
		if (i % 64 == 0) {
			rmt_counters_write(counters);
			rmt_counters_tick(counters, line);
			if (paced)
				keep_pace(begin, i);
		}
	}
	rmt_counters_write(counters);
}

static void fill_shares(const struct rmt_counters *counters, struct rmt_share *shares,
			uint64_t user)
{
	const uint64_t keys[SHARES] = { key_of(counters, 'h', user),
					key_of(counters, 'd', user),
					key_of(counters, 'D', user % DOMAINS),
					key_of(counters, 'c', user % CLIENTS) };
	unsigned i;

	for (i = 0; i < SHARES; i++) {
		shares[i] = (struct rmt_share){ keys[i], i == 0 ? &hour : &day,
						RMT_UNIT_RECIPIENTS, false, false };
		rmt_counters_prefetch(counters, keys[i]);
	}
}

struct load {
	struct rmt_counters *counters;
	struct rmt_reservations *reservations;
	uint64_t users; /* 1: always the same */
	uint64_t next_id;
	uint64_t random;
};

static uint64_t next_random(struct load *load)
{
	load->random ^= load->random << 13;
	load->random ^= load->random >> 7;
	load->random ^= load->random << 17;
	return load->random;
}

static void request(struct load *load, unsigned connection,
		    const struct rmt_share *shares)
{
	struct rmt_message message = { .id = ++load->next_id *
					     UINT64_C(0x9e3779b97f4a7c15),
				       .envelope = 1,
				       .connection = connection,
				       .line_ns = line };
	struct rmt_usage usage;
	uint64_t would;
	size_t at;

	rmt_reserve_instance(load->reservations, connection, message.id, line);
	if (rmt_reserve(load->reservations, &message, load->next_id, shares, SHARES,
			false, &at, &usage, &would) != RMT_RESERVED)
		exit(2);
}

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* CPU ns per request, of this thread, its four keys' hashes included. */
static double run(struct load *load, unsigned turns)
{
	struct rmt_share shares[BATCH][SHARES];
	int64_t begin = cpu_ns();
	unsigned i, turn;

	for (turn = 0; turn < turns; turn++) {
		for (i = 0; i < BATCH; i++)
			fill_shares(load->counters, shares[i],
				    next_random(load) % load->users);
		for (i = 0; i < BATCH; i++)
			request(load, i % CONNECTIONS, shares[i]);
		rmt_counters_write(load->counters);
		line += 40000;
		rmt_counters_tick(load->counters, line);
	}
	return (double)(cpu_ns() - begin) / (double)turns / BATCH;
}

static double best_of(struct load *load, unsigned rounds, unsigned turns)
{
	double best = run(load, turns), next;

	while (rounds-- > 1) {
		next = run(load, turns);
		best = MIN(best, next);
	}
	return best;
}

static double at_keys(uint64_t keys, bool hot)
{
	struct load load = { .users = hot ? 1 : keys / 2, .random = 88172645463325252 };
	double ns;

	clean();
	load.counters = start(true);
	load.reservations = rmt_reservations_new(load.counters, UINT64_C(60000000000));
	rmt_reservations_set_stages(load.reservations, 1 << 2 | 1 << 3 | 1 << 4);
	charge_all_users(load.counters, keys / 2, false, 1, false);
	if (hot) /* ten million hits today */
		rmt_counters_charge(load.counters, key_of(load.counters, 'd', 0), &day,
				    5000000, line);
	run(&load, 5000);
	ns = best_of(&load, 5, 10000);
	rmt_reservations_free(load.reservations);
	rmt_counters_close(&load.counters);
	return ns;
}

static void p5(bool quick)
{
	double small = at_keys(1000, false), million = at_keys(MILLION, false);
	double hot = at_keys(MILLION, true), cold = million;
	double large = quick ? 0 : at_keys(10 * MILLION, false);

	printf("P5 reserve_ns keys=1k:%.0f keys=1M:%.0f", small, million);
	if (!quick)
		printf(" keys=10M:%.0f", large);
	printf(" loss_1M=%.1f%% goal<=15%%",
	       100 * (million - small) / (request_ns + small));
	if (!quick)
		printf(" loss_10M=%.1f%% goal<=25%%",
		       100 * (large - small) / (request_ns + small));
	printf(" (of a request of %.0f ns and this)\n", request_ns);
	printf("P5 hot_ns=%.0f cold_ns=%.0f hot_slower=%.1f%% goal<=2%%\n", hot, cold,
	       100 * (hot - cold) / (request_ns + cold));
}

static void p6(bool quick)
{
	struct rmt_counters *counters;
	struct rmt_counters_stats stats;
	double before, worst = 0, ratio, worst_from = 100000;
	uint64_t i, most = quick ? MILLION : 10 * MILLION, at_worst = 0;

	before = rss_mb();
	clean();
	counters = start(true);
	printf("P6 idle_rss_mb=%.1f with_counters=%.1f goal<=8\n", before, rss_mb());
	rmt_counters_close(&counters);
	counters = start(false);
	before = rss_mb();
	for (i = 1; i <= most; i++) {
		rmt_counters_charge(counters, key_of(counters, 'h', i), &hour, 1, line);
		if (i % 10000 != 0)
			continue;
		rmt_counters_stats(counters, &stats);
		ratio = (double)stats.table_bytes / (double)i;
		if (i >= worst_from && ratio > worst) {
			worst = ratio;
			at_worst = i;
		}
		if (i == MILLION || i == 3 * MILLION || i == most)
			printf("P6 rates=%" PRIu64
			       " table=%.1f rss=%.1f octets_each goal<=24\n",
			       i, ratio, (rss_mb() - before) * 1048576 / (double)i);
	}
	printf("P6 worst=%.1f octets_each at %" PRIu64 " (from 100 k on) goal<=24\n",
	       worst, at_worst);
	rmt_counters_close(&counters);
}

static void named_memory(uint64_t users)
{
	struct rmt_counters *counters = start(false);
	struct rmt_counters_stats stats;

	charge_all_users(counters, users, true, 1, false);
	rmt_counters_stats(counters, &stats);
	printf("P6 named rates=%" PRIu64 " octets_each=%.1f goal<=96\n", stats.rates,
	       (double)(stats.table_bytes + stats.name_bytes) / (double)stats.rates);
	rmt_counters_close(&counters);
}

/* Until the log is as short as after a snapshot of all there is. */
static void take_snapshot(struct load *load)
{
	struct rmt_counters_stats stats;
	uint64_t first, taken;
	unsigned secs = 0; /* since the last: the next may begin after a minute */

	rmt_counters_stats(load->counters, &stats);
	first = taken = stats.snapshots;
	do {
		run(load, 1);
		line += secs++ < 65 ? INT64_C(1000000000) : 0;
		rmt_counters_tick(load->counters, line);
		g_usleep(500);
		rmt_counters_stats(load->counters, &stats);
		if (stats.snapshots != taken)
			secs = 0;
		taken = stats.snapshots;
	} while (taken == first || stats.log_bytes > 8 << 20);
}

/* Octets of log that bring the next snapshot where all names are old. */
static double longest_log(void)
{
	g_autofree char *path = g_build_filename(directory, "snapshot", NULL);
	struct stat status = { 0 };

	if (stat(path, &status) != 0)
		status.st_size = 0;
	return MAX(0.75 * (double)status.st_size, 64 << 20);
}

/* Fills, takes a snapshot or not, fills the log up to `part` of what brings the next, is
 * killed. */
static void live_and_die(uint64_t users, bool snapshot, double part)
{
	struct load load = { .users = users, .random = 1234567 };
	struct rmt_counters_stats stats;

	load.counters = start(true);
	load.reservations = rmt_reservations_new(load.counters, UINT64_C(60000000000));
	rmt_reservations_set_stages(load.reservations, 1 << 2);
	charge_all_users(load.counters, users, true, 900000, true);
	if (snapshot) /* a quiet minute */
		take_snapshot(&load);
	do {
		run(&load, 1000);
		rmt_counters_stats(load.counters, &stats);
	} while ((double)stats.log_bytes < part * longest_log());
	raise(SIGKILL);
}

/* The process that was killed had its memory a moment ago. A guest whose host takes back
 * what is free pays for each page anew, up to 2.6 ms a megabyte: that is not ours. */
static double fetch_memory(void)
{
	enum { SIZE = 512 << 20 };
	int64_t begin = now_ns();
	char *memory = rmt_large_new(SIZE);

	memset(memory, 1, SIZE);
	rmt_large_free(memory, SIZE);
	return (double)(now_ns() - begin) / 1e6;
}

static void p7(bool quick, bool snapshot, double part)
{
	uint64_t users = quick ? 150000 : 3 * MILLION / 2;
	struct load load = { .users = users, .random = 42 };
	struct rmt_share shares[SHARES];
	struct rmt_counters_stats stats;
	int64_t begin, cpu;
	double memory_ms;
	pid_t child;

	clean();
	fflush(stdout);
	child = fork();
	if (child == 0)
		live_and_die(users, snapshot, part);
	waitpid(child, NULL, 0);
	memory_ms = fetch_memory();
	begin = now_ns();
	cpu = cpu_ns();
	load.counters = start(true);
	load.reservations = rmt_reservations_new(load.counters, UINT64_C(60000000000));
	fill_shares(load.counters, shares, 7);
	request(&load, 1, shares);
	rmt_counters_write(load.counters);
	begin = now_ns() - begin;
	cpu = cpu_ns() - cpu;
	rmt_counters_stats(load.counters, &stats);
	printf("P7 %s limits=%" PRIu64 " names=%" PRIu64 " log=%.0fMB "
	       "first_decision_ms=%.0f cpu_ms=%.0f goal<=200 (512 MB of memory: %.0f "
	       "ms)\n",
	       !snapshot   ? "while_all_are_new"
	       : part == 0 ? "soon_after_a_snapshot"
			   : "long_after_a_snapshot",
	       stats.rates, stats.names, (double)stats.log_bytes / 1048576,
	       (double)begin / 1e6, (double)cpu / 1e6, memory_ms);
	rmt_reservations_free(load.reservations);
	rmt_counters_close(&load.counters);
}

int main(int argc, char **argv)
{
	const char *which = "567";
	bool quick = false;
	int option;

	while ((option = getopt(argc, argv, "qd:p:")) != -1) {
		if (option == 'q')
			quick = true;
		else if (option == 'd')
			directory = optarg;
		else if (option == 'p')
			which = optarg;
		else
			return 2;
	}
	if (strchr(which, '6') != NULL) {
		p6(quick);
		named_memory(quick ? 150000 : 3 * MILLION / 2);
	}
	if (strchr(which, '5') != NULL)
		p5(quick);
	if (strchr(which, '7') != NULL) {
		p7(quick, true, 0);
		p7(quick, true, 0.9);
		p7(quick, false, 0.9);
	}
	clean();
	return 0;
}
