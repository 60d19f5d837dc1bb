/* SPDX-License-Identifier: MIT */
/* bench_bounce FILE...: messages a second on one core, and the slowest ones, each
 * with eight mutations (two truncations, two line deletions, two line swaps, twice
 * 0.5 % of random octets) read once. Times are CPU times. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/report/report.h"

enum { ROUNDS = 5, MUTATIONS = 8 };

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double read_one(const struct rmt_report_reader *reader, const GString *message)
{
	double before = now_ms();

	rmt_report_free(rmt_report_read(reader, rmt_span(message->str, message->len)));
	return now_ms() - before;
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_times(const char *what, GArray *times)
{
	double sum = 0;
	guint i;

	for (i = 0; i < times->len; i++)
		sum += g_array_index(times, double, i);
	qsort(times->data, times->len, sizeof(double), by_time);
	printf("%s: %u messages, %.0f/s, p50 %.3f ms, p99 %.3f ms, max %.3f ms\n", what,
	       times->len, times->len / sum * 1e3,
	       g_array_index(times, double, times->len / 2),
	       g_array_index(times, double, times->len * 99 / 100),
	       g_array_index(times, double, times->len - 1));
}

static void delete_line(GRand *rand, GString *text)
{
	gsize at = (gsize)g_rand_int_range(rand, 0, (gint32)text->len);
	const char *end = memchr(text->str + at, '\n', text->len - at);

	g_string_erase(text, (gssize)at,
		       end != NULL ? end - (text->str + at) + 1
				   : (gssize)(text->len - at));
}

static void swap_lines(GRand *rand, GString *text)
{
	g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
	gint32 count = (gint32)g_strv_length(lines);
	gint32 a = g_rand_int_range(rand, 0, count), b = g_rand_int_range(rand, 0, count);
	g_autofree char *joined = NULL;
	char *kept = lines[a];

	lines[a] = lines[b];
	lines[b] = kept;
	joined = g_strjoinv("\n", lines);
	g_string_assign(text, joined);
}

static void scatter(GRand *rand, GString *text)
{
	gsize i, count = text->len / 200 + 1;

	for (i = 0; i < count; i++)
		text->str[g_rand_int_range(rand, 0, (gint32)text->len)] =
			(char)g_rand_int_range(rand, 0, 256);
}

static GString *mutate(GRand *rand, const GString *message, int kind)
{
	GString *text = g_string_new_len(message->str, (gssize)message->len);

	if (text->len < 2)
		return text;
	if (kind < 2)
		g_string_truncate(text,
				  (gsize)g_rand_int_range(rand, 1, (gint32)text->len));
	else if (kind < 4)
		delete_line(rand, text);
	else if (kind < 6)
		swap_lines(rand, text);
	else
		scatter(rand, text);
	return text;
}

static void measure_mutations(const struct rmt_report_reader *reader,
			      const GString *message, GRand *rand, GArray *times)
{
	int kind;

	for (kind = 0; kind < MUTATIONS; kind++) {
		GString *mutant = mutate(rand, message, kind);
		double took = read_one(reader, mutant);

		g_array_append_val(times, took);
		g_string_free(mutant, TRUE);
	}
}

int main(int argc, char **argv)
{
	struct rmt_report_reader *reader = rmt_report_reader_new();
	GArray *plain = g_array_new(FALSE, FALSE, sizeof(double));
	GArray *mutated = g_array_new(FALSE, FALSE, sizeof(double));
	GRand *rand = g_rand_new_with_seed(3464);
	int i, round;

	if (argc < 2) {
		fputs("usage: bench_bounce MESSAGE...\n", stderr);
		return 2;
	}
	for (i = 1; i < argc; i++) {
		GString *message;
		char *text;
		gsize len;

		if (!g_file_get_contents(argv[i], &text, &len, NULL))
			continue;
		message = g_string_new_len(text, (gssize)len);
		for (round = 0; round <= ROUNDS; round++) {
			double took = read_one(reader, message);

			if (round > 0)
				g_array_append_val(plain, took);
		}
		measure_mutations(reader, message, rand, mutated);
		g_string_free(message, TRUE);
		g_free(text);
	}
	if (plain->len > 0) {
		print_times("as they are", plain);
		print_times("mutated", mutated);
	}
	g_rand_free(rand);
	g_array_free(plain, TRUE);
	g_array_free(mutated, TRUE);
	rmt_report_reader_free(reader);
	return 0;
}
