/* SPDX-License-Identifier: MIT */
/* bench_dkim.c - messages verified in a second of one core, beside plain
 * libopendkim, in one run and by turns.
 *
 *	bench_dkim [SECONDS]	10 kB body, 10 fields, relaxed/relaxed
 *
 * A line for each kind of key: own/s, libopendkim/s, ratio.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <opendkim/dkim.h>

#include "common/auth/dkim.h"
#include "tests/lib/dkim_signer.h"

enum { BODY_OCTETS = 10240, TURNS = 5 };

struct bench {
	char *message, *record;
	struct rmt_span headers, body;
	struct rmt_dkim_keys *keys;
	DKIM_LIB *library;
};

/* Of this process's own time: others on the machine do not count. */
static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_dkim: %s\n", what);
	exit(1);
}

/* --- ours --------------------------------------------------------------------------- */

static void verify_own(const struct bench *bench)
{
	struct rmt_dkim_settings settings = RMT_DKIM_SETTINGS_DEFAULT;
	struct rmt_dns_record record = { .data = rmt_span_of(bench->record) };
	struct rmt_dns_answer answer = { .status = RMT_DNS_FOUND,
					 .count = 1,
					 .records = &record };
	struct rmt_dkim *dkim = rmt_dkim_new(&settings, bench->keys);
	struct rmt_header_reader reader = rmt_header_read(bench->headers);
	struct rmt_header_field field;

	while (rmt_header_next(&reader, &field))
		rmt_dkim_header(dkim, field.raw);
	rmt_dkim_end_of_headers(dkim);
	rmt_dns_resume(rmt_dkim_asker(dkim), &answer);
	rmt_dkim_body(dkim, bench->body);
	rmt_dkim_finish(dkim, 1700000000);
	if (rmt_dkim_get(dkim, 0)->result != RMT_DKIM_PASS)
		die("our verifier does not pass the message");
	rmt_dkim_free(dkim);
}

/* --- plain libopendkim ----------------------------------------------------------------
 */

static DKIM_CBSTAT give_key(DKIM *dkim, DKIM_SIGINFO *signature, u_char *buffer,
			    size_t size)
{
	const struct bench *bench = dkim_get_user_context(dkim);

	(void)signature;
	g_strlcpy((char *)buffer, bench->record, size);
	return DKIM_CBSTAT_CONTINUE;
}

static void verify_plain(const struct bench *bench)
{
	struct rmt_header_reader reader = rmt_header_read(bench->headers);
	struct rmt_header_field field;
	DKIM_STAT status;
	DKIM *dkim = dkim_verify(bench->library, (const u_char *)"bench", NULL, &status);

	dkim_set_user_context(dkim, (void *)bench);
	while (rmt_header_next(&reader, &field))
		dkim_header(dkim, (u_char *)field.raw.p, field.raw.len);
	dkim_eoh(dkim);
	dkim_body(dkim, (u_char *)bench->body.p, bench->body.len);
	if (dkim_eom(dkim, NULL) != DKIM_STAT_OK)
		die("libopendkim does not pass the message");
	dkim_free(dkim);
}

/* --- the race
 * --------------------------------------------------------------------------- */

/* Adds to count and time what fits into a turn. */
static void turn(void (*verify)(const struct bench *), const struct bench *bench,
		 double length, double *count, double *time)
{
	double start = seconds_now(), now;
	int i;

	do {
		for (i = 0; i < 20; i++)
			verify(bench);
		*count += 20;
		now = seconds_now();
	} while (now - start < length);
	*time += now - start;
}

static void race(const char *name, EVP_PKEY *key, double seconds)
{
	bool ed = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	g_autofree char *p = signer_public(key);
	g_autofree char *tags = g_strdup_printf(
		"v=1; a=%s; c=relaxed/relaxed; d=x.example; s=s;\r\n"
		"\th=from:to:subject:date:message-id:mime-version:content-type",
		ed ? "ed25519-sha256" : "rsa-sha256");
	g_autoptr(GString) plain =
		g_string_new("From: Ann <ann@x.example>\r\nTo: bob@y.example\r\n"
			     "Subject: news of the week\r\n"
			     "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
			     "Message-ID: <1@x.example>\r\nMIME-Version: 1.0\r\n"
			     "Content-Type: text/plain\r\nX-Mailer: m\r\n"
			     "X-A: b\r\n\r\n");
	struct bench bench = { .keys = rmt_dkim_keys_new(16),
			       .library = dkim_init(NULL, NULL) };
	double own = 0, own_time = 0, other = 0, other_time = 0;
	size_t i, head = plain->len;

	while (plain->len - head < BODY_OCTETS)
		g_string_append(plain, "The quick brown fox jumps over the lazy dog, "
				       "again and again.\r\n");
	bench.message = signer_sign(key, tags, plain->str);
	bench.record = g_strdup_printf("v=DKIM1; k=%s; p=%s", ed ? "ed25519" : "rsa", p);
	rmt_header_split(rmt_span_of(bench.message), &bench.headers, &bench.body);
	dkim_set_key_lookup(bench.library, give_key);
	for (i = 0; i < TURNS; i++) {
		turn(verify_own, &bench, seconds / TURNS / 2, &own, &own_time);
		turn(verify_plain, &bench, seconds / TURNS / 2, &other, &other_time);
	}
	printf("dkim verify %-8s own %7.0f/s  libopendkim %6.0f/s  ratio %.2f\n", name,
	       own / own_time, other / other_time, own / own_time / (other / other_time));
	dkim_close(bench.library);
	rmt_dkim_keys_free(bench.keys);
	g_free(bench.message);
	g_free(bench.record);
	EVP_PKEY_free(key);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? g_ascii_strtod(argv[1], NULL) : 3;

	race("rsa1024", signer_key("RSA", 1024), seconds);
	race("rsa2048", signer_key("RSA", 2048), seconds);
	race("rsa4096", signer_key("RSA", 4096), seconds);
	race("ed25519", signer_key("ED25519", 0), seconds);
	return 0;
}
