/* SPDX-License-Identifier: MIT */
/* bench_verp [COUNT]: return paths of random recipients, made and read again; every
 * one must come back, or be in the short form with its token. Times are CPU times of
 * one core. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/token/verp.h"

enum { BATCH = 4096, NOW = 1795312800, AGE = 60 * 86400 };

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static guint64 state = 88172645463325252u;

static unsigned roll(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 11) % below);
}

/* One of twenty has what needs the short form: quotes, UTF-8, odd marks. */
static size_t recipient(char *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789._-+='";
	static const char odd[] = "\" !%/#\xc3\xa9";
	unsigned local = roll(20) == 0 ? 64 : 1 + roll(24), domain = 4 + roll(20), i;
	bool strange = roll(20) == 0;
	size_t n = 0;

	for (i = 0; i < local; i++)
		out[n++] = strange && roll(4) == 0 ? odd[roll(sizeof(odd) - 1)]
						   : plain[roll(sizeof(plain) - 1)];
	out[n++] = '@';
	for (i = 0; i < domain; i++)
		out[n++] = plain[roll(36)];
	memcpy(out + n, ".example", 8);
	return n + 8;
}

struct one {
	char recipient[128];
	size_t len;
	struct rmt_verp_made made;
};

struct sums {
	double make, read;
	guint64 count, is_short, wrong, long_;
};

static void run(const struct rmt_verp_ring *ring, const struct rmt_verp_form *form,
		struct one *batch, struct sums *sums)
{
	static const struct rmt_span ids[] = { { "news", 4 }, { "k3f9q2ab", 8 } };
	struct rmt_verp_parts parts;
	enum rmt_verp_result result;
	double t0 = now_s(), t1;
	size_t i;

	for (i = 0; i < BATCH; i++)
		if (!rmt_verp_make(ring, form, ids,
				   rmt_span(batch[i].recipient, batch[i].len), NOW,
				   &batch[i].made, NULL))
			abort();
	t1 = now_s();
	sums->make += t1 - t0;
	for (i = 0; i < BATCH; i++) {
		result = rmt_verp_read(ring, form, rmt_span_of(batch[i].made.address),
				       NOW, AGE, &parts);
		if (batch[i].made.is_short)
			sums->wrong += result != RMT_VERP_SHORT ||
				       strcmp(parts.token, batch[i].made.token) != 0;
		else
			sums->wrong +=
				result != RMT_VERP_PROVEN ||
				!rmt_span_eq(parts.recipient,
					     rmt_span(batch[i].recipient, batch[i].len));
		sums->is_short += batch[i].made.is_short;
		sums->long_ += strcspn(batch[i].made.address, "@") > RMT_VERP_LOCAL_MAX;
	}
	sums->read += now_s() - t1;
	sums->count += BATCH;
}

int main(int argc, char **argv)
{
	guint64 count = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : 1000000;
	struct rmt_verp_ring *ring = rmt_verp_ring_new();
	struct one *batch = g_new0(struct one, BATCH);
	struct sums sums = { 0 };
	struct rmt_verp_form form;
	size_t i;

	rmt_verp_ring_add(ring, 1, (const unsigned char *)"0123456789abcdef", 16);
	if (!rmt_verp_form(RMT_SPAN("bounces@bounces.example.com"), 2, &form, NULL))
		return 1;
	while (sums.count < count) {
		for (i = 0; i < BATCH; i++)
			batch[i].len = recipient(batch[i].recipient);
		run(ring, &form, batch, &sums);
	}
	printf("return paths: %" G_GUINT64_FORMAT " recipients, %" G_GUINT64_FORMAT
	       " not come back, %" G_GUINT64_FORMAT
	       " over 64 octets, short form %.1f %%; "
	       "make %.2f M/s, read %.2f M/s\n",
	       sums.count, sums.wrong, sums.long_,
	       100 * (double)sums.is_short / (double)sums.count,
	       (double)sums.count / sums.make / 1e6,
	       (double)sums.count / sums.read / 1e6);
	g_free(batch);
	rmt_verp_ring_free(ring);
	return sums.wrong + sums.long_ > 0;
}
