/* SPDX-License-Identifier: MIT */
/* bench_token.c - unsubscribe tokens made and opened in a second of one core.
 *
 *	bench_token [SECONDS]	stream of 11 letters, address of 24, one list id
 *
 * A line: make/s, open/s, and the letters of a token.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/token/unsub.h"

enum { ROUND = 1000 };

/* Of this process's own time: others on the machine do not count. */
static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct bench {
	struct rmt_sealer *sealer;
	GString *tokens[ROUND], *buffer;
};

static void make_round(struct bench *bench)
{
	char address[] = "firstname.0000@example.org";
	struct rmt_unsub unsub = { .stream = RMT_SPAN("promotional"),
				   .recipient = { address, sizeof(address) - 1 },
				   .list_count = 1,
				   .lists = { RMT_SPAN("weekly") } };
	int i;

	for (i = 0; i < ROUND; i++) {
		address[10] = (char)('0' + i / 100);
		address[11] = (char)('0' + i / 10 % 10);
		address[12] = (char)('0' + i % 10);
		g_string_truncate(bench->tokens[i], 0);
		if (!rmt_unsub_token_make(bench->sealer, &unsub, bench->tokens[i], NULL))
			abort();
	}
}

static void open_round(struct bench *bench)
{
	struct rmt_unsub unsub;
	int i;

	for (i = 0; i < ROUND; i++)
		if (rmt_unsub_token_open(
			    bench->sealer,
			    rmt_span(bench->tokens[i]->str, bench->tokens[i]->len),
			    bench->buffer, &unsub) != RMT_TOKEN_OK)
			abort();
}

static double per_second(struct bench *bench, void (*round)(struct bench *),
			 double seconds)
{
	const double since = seconds_now();
	double rounds = 0, passed;

	do {
		round(bench);
		rounds++;
		passed = seconds_now() - since;
	} while (passed < seconds);
	return rounds * ROUND / passed;
}

int main(int argc, char **argv)
{
	const double seconds = argc > 1 ? atof(argv[1]) : 1;
	g_autoptr(rmt_keys) keys = g_new0(struct rmt_keys, 1);
	struct bench bench = { .buffer = g_string_new(NULL) };
	double made;
	int i;

	if (!rmt_keys_add(keys, 0, NULL))
		return 1;
	bench.sealer = rmt_sealer_new(keys, RMT_PURPOSE_UNSUBSCRIBE, 0);
	for (i = 0; i < ROUND; i++)
		bench.tokens[i] = g_string_new(NULL);
	made = per_second(&bench, make_round, seconds);
	printf("make %.0f/s, open %.0f/s, %zu letters\n", made,
	       per_second(&bench, open_round, seconds), bench.tokens[0]->len);
	return 0;
}
