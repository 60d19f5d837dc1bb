/* SPDX-License-Identifier: MIT */
/* spf_bench - SPF evaluations a second with the answers at hand (a zone in
 * memory). One line of name=value per kind of record, by CPU time; "typical" is a mix
 * with 2.7 lookups each, the TXT of the domain included.
 *
 *	spf_bench [SECONDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/auth/spf.h"
#include "common/auth/zone.h"

static const char zone_text[] =
	"one.example TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
	"two.example TXT \"v=spf1 mx a include:_spf.big.example ~all\"\n"
	"two.example A 198.51.100.1\n"
	"two.example MX 10 mail.two.example\n"
	"mail.two.example A 192.0.2.7\n"
	"three.example TXT \"v=spf1 include:_spf.big.example include:esp.example -all\"\n"
	"_spf.big.example TXT \"v=spf1 include:_n1.big.example include:_n2.big.example "
	"~all\"\n"
	"_n1.big.example TXT \"v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/25 "
	"ip6:2001:db8:1::/48 ip6:2001:db8:2::/48 ~all\"\n"
	"_n2.big.example TXT \"v=spf1 ip4:192.0.2.0/25 ip4:203.0.113.128/25 ~all\"\n"
	"esp.example TXT \"v=spf1 ip4:192.0.2.128/26 ~all\"\n"
	"five.example TXT \"v=spf1 a:a.five.example a:b.five.example a:c.five.example "
	"a:d.five.example a:e.five.example -all\"\n"
	"a.five.example A 198.51.100.1\n"
	"b.five.example A 198.51.100.2\n"
	"c.five.example A 198.51.100.3\n"
	"d.five.example A 198.51.100.4\n"
	"e.five.example A 198.51.100.5\n"
	"macro.example TXT \"v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all\"\n"
	"7.2.0.192.in-addr._spf.macro.example A 127.0.0.2\n";

static const struct {
	const char *name;
	const char *senders[4];
} kinds[] = {
	{ "ip4", { "ann@one.example" } },
	{ "typical",
	  { "ann@one.example", "ann@two.example", "ann@three.example",
	    "ann@one.example" } },
	{ "nested_includes", { "ann@three.example" } },
	{ "five_lookups_to_fail", { "ann@five.example" } },
	{ "macro", { "ann@macro.example" } },
};

static unsigned long count_answers;

static void run(struct rmt_zone *zone, struct rmt_asker *asker)
{
	while (asker->waits) {
		count_answers++;
		rmt_dns_resume(asker, rmt_zone_look_up(zone, &asker->question));
	}
}

static void measure(struct rmt_zone *zone, size_t kind, double seconds)
{
	g_autoptr(rmt_spf) spf = rmt_spf_new();
	struct rmt_spf_query query = { .helo = RMT_SPAN("mail.two.example") };
	clock_t begin = clock();
	double took;
	unsigned long done = 0;

	rmt_ip_parse(RMT_SPAN("192.0.2.7"), &query.ip);
	count_answers = 0;
	do {
		int i;

		for (i = 0; i < 4000; i++) {
			const char *sender = kinds[kind].senders[i % 4];

			query.mail_from = rmt_span_of(
				sender != NULL ? sender : kinds[kind].senders[0]);
			run(zone, rmt_spf_start(spf, &query));
			done++;
		}
		took = (double)(clock() - begin) / CLOCKS_PER_SEC;
	} while (took < seconds);
	printf("spf_%s_per_second=%.0f answers_each=%.2f\n", kinds[kind].name,
	       (double)done / took, (double)count_answers / (double)done);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	g_autoptr(rmt_zone) zone = rmt_zone_new();
	g_autoptr(GError) err = NULL;
	size_t i;

	if (!rmt_zone_add_text(zone, "zone", rmt_span_of(zone_text), &err)) {
		fprintf(stderr, "%s\n", err->message);
		return 1;
	}
	for (i = 0; i < G_N_ELEMENTS(kinds); i++)
		measure(zone, i, seconds);
	return 0;
}
