/* SPDX-License-Identifier: MIT */
/* bench_suppress [-n ADDRESSES] [-d DIRECTORY] - P13: the suppression list.
 *
 * Imports so many lines (default: 1 million) into an empty store and a tenth
 * of that into the full one, as `remite suppress import` does it; then looks
 * addresses up, and has another process add some while this one waits to see
 * them. Ends with lines "P13 WHAT: MEASURED (goal: ...)". DIRECTORY should be
 * on a disk, not in memory; default: where temporary files are.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/store/suppress_line.h"

enum { SAMPLE = 1 << 16, ADDS = 200, ADDRESS_SIZE = 48 };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what, const GError *err)
{
	fprintf(stderr, "bench_suppress: %s: %s\n", what,
		err != NULL ? err->message : "");
	exit(1);
}

/* Well mixed (splitmix64): addresses in no order. */
static uint64_t mix(uint64_t n)
{
	n *= UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

static void address_of(uint64_t n, char *out)
{
	uint64_t m = mix(n);

	g_snprintf(out, ADDRESS_SIZE, "user%" G_GUINT64_FORMAT "@mail%u.example.org",
		   m >> 24, (unsigned)(m & 1023));
}

static struct rmt_store *open_store(const char *uri, bool read_only)
{
	struct rmt_store *store = NULL;
	g_autoptr(GError) err = NULL;

	if (!rmt_store_open(&store, uri, read_only, &err))
		die("open", err);
	return store;
}

/* --- import --- */

static GString *make_lines(uint64_t from, uint64_t to)
{
	GString *lines = g_string_new(NULL);
	char address[ADDRESS_SIZE];
	uint64_t i;

	for (i = from; i < to; i++) {
		address_of(i, address);
		g_string_append_printf(lines, "%s,%s\n", address,
				       i % 3 == 0 ? "complaint" : "dead");
	}
	return lines;
}

static void take_lines(struct rmt_suppress_import *import,
		       struct rmt_suppress_line_reader *reader, const GString *lines)
{
	struct rmt_span rest = rmt_span(lines->str, lines->len), line;
	g_autoptr(GError) err = NULL;

	while (rmt_span_split(rest, '\n', &line, &rest)) {
		if (rmt_suppress_line_read(reader, line, &err) !=
			    RMT_SUPPRESS_LINE_ENTRY ||
		    !rmt_suppress_import_add(import, &reader->entry, &err))
			die("import", err);
	}
}

/* Lines a second, making the lines not counted. */
static double import_range(struct rmt_store *store, uint64_t from, uint64_t to)
{
	static const struct rmt_suppression defaults = {
		(char *)"all", NULL, (char *)"manual", (char *)"bench", (char *)"",
		1700000000,    0
	};
	static struct rmt_suppress_line_reader reader = { .defaults = &defaults,
							  .now = 1700000000 };
	struct rmt_suppress_import *import = rmt_suppress_import_begin(store);
	g_autoptr(GError) err = NULL;
	double taken = 0, start;
	uint64_t i, added, replaced;

	for (i = from; i < to; i += SAMPLE) {
		GString *lines = make_lines(i, MIN(i + SAMPLE, to));

		start = now_ns();
		take_lines(import, &reader, lines);
		taken += now_ns() - start;
		g_string_free(lines, TRUE);
	}
	start = now_ns();
	if (!rmt_suppress_import_end(import, &added, &replaced, &err))
		die("import", err);
	taken += now_ns() - start;
	if (added != to - from)
		die("import: entries are missing", NULL);
	return (double)added / (taken / 1e9);
}

/* --- look-ups --- */

static double wait_for_filter(struct rmt_suppress_index *index)
{
	double start = now_ns();
	uint64_t entries, bytes;
	bool complete = false;

	while (!complete) {
		rmt_suppress_index_follow(index);
		rmt_suppress_index_stats(index, &entries, &bytes, &complete);
		g_usleep(100);
	}
	return (now_ns() - start) / 1e6;
}

static enum rmt_store_status look_up(struct rmt_suppress_index *index,
				     const char *address)
{
	struct rmt_suppress_hit hit;

	rmt_suppress_index_follow(index);
	return rmt_suppress_look_up(index, rmt_span_of(address), "news", "news", NULL,
				    1700000001, &hit);
}

/* Nanoseconds each, over addresses spread over [from, to). */
static double time_look_ups(struct rmt_suppress_index *index, uint64_t from, uint64_t to,
			    enum rmt_store_status want)
{
	char(*addresses)[ADDRESS_SIZE] = g_malloc_n(SAMPLE, ADDRESS_SIZE);
	unsigned i, round, wrong = 0;
	double start, taken = 0;

	for (i = 0; i < SAMPLE; i++)
		address_of(from + mix(i + 1) % (to - from), addresses[i]);
	for (round = 0; round < 5; round++) {
		start = now_ns();
		for (i = 0; i < SAMPLE; i++)
			wrong += look_up(index, addresses[i]) != want;
		if (round > 0) /* the first warms up */
			taken += now_ns() - start;
	}
	g_free(addresses);
	if (wrong > 0)
		die("look-up: wrong answers", NULL);
	return taken / SAMPLE / 4;
}

/* --- from another process's add to this one's sight --- */

struct stamp {
	double begun, returned;
};

static void add_some(const char *uri, uint64_t from, int out)
{
	struct rmt_store *store = open_store(uri, false);
	char address[ADDRESS_SIZE];
	struct rmt_suppression entry = {
		(char *)"all", address, (char *)"dead", (char *)"", (char *)"",
		1700000000,    0
	};
	struct stamp stamp;
	unsigned i;

	for (i = 0; i < ADDS; i++) {
		address_of(from + i, address);
		stamp.begun = now_ns();
		if (!rmt_suppress_add(store, &entry, NULL))
			_exit(1);
		stamp.returned = now_ns();
		if (write(out, &stamp, sizeof(stamp)) != sizeof(stamp))
			_exit(1);
		g_usleep(1000);
	}
	_exit(0);
}

struct visible {
	double add_median, add_longest, late_longest; /* ms; late: after the return */
};

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void watch(struct rmt_suppress_index *index, uint64_t from, int in,
		  struct visible *visible)
{
	double adds[ADDS], seen;
	char address[ADDRESS_SIZE];
	struct stamp stamp;
	unsigned i;

	visible->late_longest = 0;
	for (i = 0; i < ADDS; i++) {
		address_of(from + i, address);
		while (look_up(index, address) != RMT_STORE_FOUND)
			;
		seen = now_ns();
		if (read(in, &stamp, sizeof(stamp)) != sizeof(stamp))
			die("the adding process failed", NULL);
		adds[i] = (stamp.returned - stamp.begun) / 1e6;
		visible->late_longest =
			MAX(visible->late_longest, (seen - stamp.returned) / 1e6);
	}
	qsort(adds, ADDS, sizeof(adds[0]), compare_doubles);
	visible->add_median = adds[ADDS / 2];
	visible->add_longest = adds[ADDS - 1];
}

/* The child is started before this process opens the store. */
static pid_t start_adder(const char *uri, uint64_t from, int *in_r, int *go_r)
{
	int stamps[2], go[2];
	pid_t pid;
	char byte;

	if (pipe(stamps) != 0 || pipe(go) != 0 || (pid = fork()) < 0)
		die("fork", NULL);
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		add_some(uri, from, stamps[1]);
	}
	close(stamps[1]);
	close(go[0]);
	*in_r = stamps[0];
	*go_r = go[1];
	return pid;
}

static void measure_reader(const char *uri, uint64_t count)
{
	uint64_t first_new = count * 4, entries, bytes;
	int in, go;
	pid_t pid = start_adder(uri, first_new, &in, &go);
	struct rmt_store *store = open_store(uri, true);
	struct rmt_suppress_index *index = rmt_suppress_index_new(store);
	struct visible visible;
	double filter_ms = wait_for_filter(index);
	bool complete;

	printf("P13 look-up, not in the list: %.0f ns (goal: 200)\n",
	       time_look_ups(index, count * 2, count * 4, RMT_STORE_MISSING));
	printf("P13 look-up, in the list: %.0f ns (goal: 1500)\n",
	       time_look_ups(index, 0, count, RMT_STORE_FOUND));
	rmt_suppress_index_stats(index, &entries, &bytes, &complete);
	printf("P13 memory of the index: %.1f MB for %" G_GUINT64_FORMAT
	       " addresses (goal: 20 for 10 M); built in %.0f ms, look-ups answered "
	       "meanwhile\n",
	       (double)bytes / 1e6, entries, filter_ms);
	if (write(go, "g", 1) != 1)
		die("the adding process is gone", NULL);
	watch(index, first_new, in, &visible);
	waitpid(pid, NULL, 0);
	printf("P13 add, durable: %.2f ms median, %.2f ms longest of %d (goal: 10)\n",
	       visible.add_median, visible.add_longest, ADDS);
	printf("P13 add, seen by another process after its return: %.3f ms at the latest "
	       "(goal: 10)\n",
	       MAX(visible.late_longest, 0));
	rmt_suppress_index_free(index);
	rmt_store_close(&store);
}

/* --- all --- */

/* How fast the disk is now, to read the rest by: 64 KB and fdatasync. */
static void measure_disk(const char *directory)
{
	g_autofree char *path = g_build_filename(directory, "disk", NULL);
	static char block[65536];
	double times[100], start;
	FILE *file = fopen(path, "we");
	unsigned i;

	for (i = 0; file != NULL && i < G_N_ELEMENTS(times); i++) {
		start = now_ns();
		if (fwrite(block, sizeof(block), 1, file) != 1 || fflush(file) != 0 ||
		    fdatasync(fileno(file)) != 0)
			die(path, NULL);
		times[i] = (now_ns() - start) / 1e6;
	}
	if (file == NULL)
		die(path, NULL);
	fclose(file);
	g_unlink(path);
	qsort(times, G_N_ELEMENTS(times), sizeof(times[0]), compare_doubles);
	printf("disk: 64 KB and fdatasync: %.2f ms median, %.2f ms longest of 100\n",
	       times[50], times[99]);
}

static void print_holds(struct rmt_store *store, struct rmt_store_stats *before)
{
	struct rmt_store_stats stats;

	rmt_store_stats(store, &stats);
	printf("P13 write lock: held %.2f ms at the longest, above 5 ms "
	       "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " times (goal: never)\n",
	       (double)stats.hold_max_ns / 1e6, stats.holds_long - before->holds_long,
	       stats.commits - before->commits);
	fflush(stdout);
	*before = stats;
}

static void measure_import(const char *uri, uint64_t count)
{
	struct rmt_store *store = open_store(uri, false);
	struct rmt_store_stats stats = { 0 };

	printf("P13 import of %" G_GUINT64_FORMAT
	       " lines into an empty store: %.0f lines/s (goal: 300000)\n",
	       count, import_range(store, 0, count));
	print_holds(store, &stats);
	printf("P13 on disk: %.0f octets an entry\n",
	       (double)stats.used_bytes / (double)count);
	printf("P13 import of %" G_GUINT64_FORMAT
	       " more lines into the full store: %.0f lines/s (goal: 300000)\n",
	       count / 10, import_range(store, count, count + count / 10));
	print_holds(store, &stats);
	rmt_store_close(&store);
}

static void clean_up(const char *directory, const char *path)
{
	g_autofree char *lock = g_strconcat(path, "-lock", NULL);

	g_unlink(path);
	g_unlink(lock);
	g_rmdir(directory);
}

int main(int argc, char **argv)
{
	const char *parent = g_get_tmp_dir();
	g_autofree char *directory = NULL, *path = NULL, *uri = NULL;
	uint64_t count = 1000000;
	int option;

	while ((option = getopt(argc, argv, "n:d:")) != -1) {
		if (option == 'n')
			count = strtoull(optarg, NULL, 10);
		else if (option == 'd')
			parent = optarg;
		else
			return 2;
	}
	directory = g_build_filename(parent, "remite-bench-XXXXXX", NULL);
	if (count < 100 || g_mkdtemp(directory) == NULL)
		die(parent, NULL);
	path = g_build_filename(directory, "records", NULL);
	uri = g_strconcat("lmdb:", path, NULL);
	measure_disk(directory);
	measure_import(uri, count);
	measure_reader(uri, count);
	clean_up(directory, path);
	return 0;
}
