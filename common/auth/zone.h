/* SPDX-License-Identifier: MIT */
/* zone.h - a text in place of DNS: `--dns-file`, a case's "zone", tests.
 *
 *	; comment
 *	example.com          TXT  "v=spf1 " "ip4:192.0.2.1 -all"
 *	example.com 300 IN   MX   10 mail.example.com.
 *	mail.example.com     A    192.0.2.1
 *	www.example.com      CNAME example.com
 *	*.wild.example.com   A    192.0.2.9
 *	odd\000name.example  TXT  "quote \" and octet \255"
 *	_25._tcp.mail.example.com TLSA 3 1 1 8d02...
 *	example.com          CAA  0 issue "ca.example"
 *	slow.example.com     TXT  TIMEOUT       (also SERVFAIL, NXDOMAIN, NODATA)
 *	dead.example.com     ANY  TIMEOUT       (every type that has no line)
 *	fake.example.com     MX   BOGUS         (SERVFAIL, as it does not validate)
 *	example.com          SECURE             (answers there and below validate)
 *
 * One record a line, names absolute with or without the final dot, TTL and
 * class may be left out. TXT is one or more quoted strings; without quotes the
 * rest of the line is one string. Behind all else a ; begins a comment. Types without
 * a syntax of their own here are written as RFC 3597 says: \# 3 abcdef. SRV, DNSKEY,
 * RRSIG and the like, as `dig` shows them, only make the name exist.
 *
 * A name that is in no line, nor above one, is RMT_DNS_NXDOMAIN; a parent of
 * others is RMT_DNS_NODATA; aliases are followed, a loop of them is
 * RMT_DNS_SERVFAIL, as resolvers answer.
 */
#ifndef RMT_ZONE_H
#define RMT_ZONE_H

#include "common/auth/dns.h"

struct rmt_zone;

struct rmt_zone *rmt_zone_new(void);
void rmt_zone_free(struct rmt_zone *zone);
typedef struct rmt_zone rmt_zone; /* for g_autoptr(rmt_zone) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_zone, rmt_zone_free)

/* One line; blank lines and comments add nothing. A line with a mistake leaves
 * the zone as it was, and the sentence says what is wrong with it. */
bool rmt_zone_add(struct rmt_zone *zone, struct rmt_span line, GError **err);

/* All lines of a text, or a file; err says "FILE:LINE: ...". At most 64 MB. */
bool rmt_zone_add_text(struct rmt_zone *zone, const char *file, struct rmt_span text,
		       GError **err);
bool rmt_zone_add_file(struct rmt_zone *zone, const char *file, GError **err);

/* A line says SECURE. */
bool rmt_zone_has_secure(const struct rmt_zone *zone);

/* Answers from what was added so far; valid until the next rmt_zone_add() or
 * look-up. Never NULL. */
const struct rmt_dns_answer *rmt_zone_look_up(struct rmt_zone *zone,
					      const struct rmt_dns_question *question);

/* Answers until the asker is done. */
void rmt_zone_run(struct rmt_zone *zone, struct rmt_asker *asker);

#endif
