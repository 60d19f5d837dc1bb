/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/auth/dns_packet.h"

#define HEADER(rcode, answers, authorities)                                              \
	"\0\1\x81" rcode "\0\1\0" answers "\0" authorities "\0\0"
#define QUESTION(type) "\7example\3com\0\0" type "\0\1"
#define OWNER          "\xc0\x0c" /* the question's name */
#define TTL(octet)     "\0\0\0" octet
#define SOA                                                                              \
	OWNER "\0\6\0\1\0\0\1\0\0\x1b"                                                   \
	      "\2ns" OWNER "\xc0\x0c\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\x3c"

static const struct {
	const char *name;
	struct rmt_span packet;
	enum rmt_dns_type type;
	enum rmt_dns_status want;
	uint32_t ttl_secs;
	const char *data; /* of the first record; NULL: not looked at */
} cases[] = {
	{ "address",
	  RMT_SPAN(HEADER("\x80", "\1", "\0") QUESTION("\1") OWNER
		   "\0\1\0\1" TTL("\x3c") "\0\4\1\2\3\4"),
	  RMT_DNS_A, RMT_DNS_FOUND, 60, "\1\2\3\4" },
	{ "strings are joined",
	  RMT_SPAN(HEADER("\x80", "\1", "\0") QUESTION("\x10") OWNER
		   "\0\x10\0\1" TTL("\7") "\0\6\2ab\2cd"),
	  RMT_DNS_TXT, RMT_DNS_FOUND, 7, "abcd" },
	{ "MX with a compressed name",
	  RMT_SPAN(HEADER("\x80", "\1", "\0") QUESTION("\xf") OWNER
		   "\0\xf\0\1" TTL("\7") "\0\7\0\5\2mx" OWNER),
	  RMT_DNS_MX, RMT_DNS_FOUND, 7, "mx.example.com" },
	{ "alias",
	  RMT_SPAN(HEADER("\x80", "\2", "\0") QUESTION("\1") OWNER
		   "\0\5\0\1" TTL("\x9") "\0\4\1h\xc0\x0c"
					 "\1h\xc0\x0c\0\1\0\1" TTL("\7") "\0\4\1\2\3\4"),
	  RMT_DNS_A, RMT_DNS_FOUND, 7, "\1\2\3\4" },
	{ "alias to itself",
	  RMT_SPAN(HEADER("\x80", "\1", "\0") QUESTION("\1") OWNER
		   "\0\5\0\1" TTL("\x9") "\0\2\xc0\x0c"),
	  RMT_DNS_A, RMT_DNS_SERVFAIL, 0, NULL },
	{ "another name's record",
	  RMT_SPAN(HEADER("\x80", "\1", "\0")
			   QUESTION("\1") "\1x\0\0\1\0\1" TTL("\x3c") "\0\4\1\2\3\4"),
	  RMT_DNS_A, RMT_DNS_NODATA, 0, NULL },
	{ "no such name, with its time to live",
	  RMT_SPAN(HEADER("\x83", "\0", "\1") QUESTION("\1") SOA), RMT_DNS_A,
	  RMT_DNS_NXDOMAIN, 60, NULL },
	{ "nothing of the type", RMT_SPAN(HEADER("\x80", "\0", "\1") QUESTION("\1") SOA),
	  RMT_DNS_A, RMT_DNS_NODATA, 60, NULL },
	{ "server failure", RMT_SPAN(HEADER("\x82", "\0", "\0") QUESTION("\1")),
	  RMT_DNS_A, RMT_DNS_SERVFAIL, 0, NULL },
	{ "refused", RMT_SPAN(HEADER("\x85", "\0", "\0") QUESTION("\1")), RMT_DNS_A,
	  RMT_DNS_SERVFAIL, 0, NULL },
	{ "an address of three octets is left out",
	  RMT_SPAN(HEADER("\x80", "\1", "\0") QUESTION("\1") OWNER
		   "\0\1\0\1" TTL("\x3c") "\0\3\1\2\3"),
	  RMT_DNS_A, RMT_DNS_NODATA, 0, NULL },
	{ "a label with a dot is left out",
	  RMT_SPAN(HEADER("\x80", "\1", "\0") QUESTION("\xc") OWNER
		   "\0\xc\0\1" TTL("\x3c") "\0\5\3a.b\0"),
	  RMT_DNS_PTR, RMT_DNS_NODATA, 0, NULL },
	{ "a string longer than its record",
	  RMT_SPAN(HEADER("\x80", "\1", "\0") QUESTION("\x10") OWNER
		   "\0\x10\0\1" TTL("\7") "\0\3\7ab"),
	  RMT_DNS_TXT, RMT_DNS_NODATA, 0, NULL },
	{ "a name that points to itself",
	  RMT_SPAN(HEADER("\x80", "\1", "\0") QUESTION("\1") "\xc0\x1d\0\1\0\1"),
	  RMT_DNS_A, RMT_DNS_SERVFAIL, 0, NULL },
	{ "fewer records than told",
	  RMT_SPAN(HEADER("\x80", "\3", "\0") QUESTION("\1") OWNER
		   "\0\1\0\1" TTL("\x3c") "\0\4\1\2\3\4"),
	  RMT_DNS_A, RMT_DNS_SERVFAIL, 0, NULL },
	{ "cut within a record",
	  RMT_SPAN(HEADER("\x80", "\1", "\0") QUESTION("\1") OWNER
		   "\0\1\0\1" TTL("\x3c") "\0\4\1"),
	  RMT_DNS_A, RMT_DNS_SERVFAIL, 0, NULL },
	{ "a header alone", RMT_SPAN(HEADER("\x80", "\0", "\0")), RMT_DNS_A,
	  RMT_DNS_SERVFAIL, 0, NULL },
	{ "nothing", { NULL, 0 }, RMT_DNS_A, RMT_DNS_SERVFAIL, 0, NULL },
};

static void answers_are_read_and_lies_are_failures(void **state)
{
	struct rmt_dns_packet packet;
	size_t i;

	(void)state;
	rmt_dns_packet_init(&packet);
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		/* A copy of its own, so that an over-read shows. */
		g_autofree char *copy = g_memdup2(cases[i].packet.p, cases[i].packet.len);
		const struct rmt_dns_answer *answer = &packet.answer;

		rmt_dns_packet_read(&packet, rmt_span(copy, cases[i].packet.len),
				    cases[i].type);
		if (answer->status != cases[i].want)
			fail_msg("%s: %s", cases[i].name,
				 rmt_dns_status_text(answer->status));
		assert_int_equal(answer->ttl_secs, cases[i].ttl_secs);
		if (cases[i].data != NULL)
			assert_true(rmt_span_eq(answer->records[0].data,
						rmt_span_of(cases[i].data)));
	}
	rmt_dns_packet_finish(&packet);
}

static void an_alias_is_told(void **state)
{
	struct rmt_dns_packet packet;

	(void)state;
	rmt_dns_packet_init(&packet);
	rmt_dns_packet_read(&packet, cases[3].packet, RMT_DNS_A);
	assert_true(rmt_span_eq(packet.answer.canonical, RMT_SPAN("h.example.com")));
	rmt_dns_packet_read(&packet, cases[0].packet, RMT_DNS_A);
	assert_int_equal(packet.answer.canonical.len, 0);
	rmt_dns_packet_finish(&packet);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read_and_lies_are_failures),
		cmocka_unit_test(an_alias_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
