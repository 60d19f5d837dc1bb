/* SPDX-License-Identifier: MIT */
/* Receipts a second, from the plugin's job to the mail server's answer: claim,
 * job and audit line committed durably, composed, submitted over loopback to a
 * server of a few lines that takes all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/log.h"
#include "tests/unit/dovecot-plugin/agent/agent_fixture.h"

static void be_quiet(void *context, enum rmt_log_level level, const char *line)
{
	(void)context, (void)level, (void)line;
}

static void submit_jobs(struct agent_fixture *fixture, unsigned count)
{
	g_autofree char *header = g_strdup(HEADER);
	char *id = strstr(header, "m1@example");
	unsigned i;

	/* "m1@example.net": nine octets before ".net" make the number. */
	for (i = 0; i < count; i++) {
		char number[16];

		g_snprintf(number, sizeof(number), "m%08u@", i);
		memcpy(id, number, 10);
		fixture_shown(fixture, header);
	}
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 2000;
	struct agent_fixture *fixture = g_new0(struct agent_fixture, 1);
	g_autofree char *directory = g_dir_make_tmp("remite-bench-XXXXXX", NULL);
	g_autofree char *uri = g_strdup_printf("lmdb:%s/records", directory);
	g_autofree char *lock = g_strdup_printf("%s/records-lock", directory);
	double start, taken, sent;

	rmt_log_init("bench", RMT_LOG_ERROR, be_quiet, NULL);
	signal(SIGPIPE, SIG_IGN);
	smtp_sink_start(&fixture->sink);
	fixture->now_us = NOW * G_USEC_PER_SEC;
	fixture->rows = g_string_new(NULL);
	fixture_run(fixture, uri,
		    fixture_config(fixture->sink.port,
				   "receipts: { policy = \"organization\" prompt = false "
				   "user_limit = \"1000000/day\" target_limit = "
				   "\"1000000/hour\" sender_limit = \"1000000/hour\" }"));
	start = (double)g_get_monotonic_time() / 1e6;
	submit_jobs(fixture, count);
	taken = (double)g_get_monotonic_time() / 1e6;
	while (sink_count(&fixture->sink) < count) {
		rmt_agent_turn(fixture->agent);
		g_usleep(1000);
	}
	sent = (double)g_get_monotonic_time() / 1e6;
	printf("agent: %u receipts, jobs taken %.0f/s, taken and sent %.0f/s\n", count,
	       count / (taken - start), count / (sent - start));
	fixture_free(fixture);
	unlink(uri + strlen("lmdb:"));
	unlink(lock);
	rmdir(directory);
	return 0;
}
