/* SPDX-License-Identifier: MIT */
/* Each rule that DNS alone can judge: a zone, and what the rule comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/auth/zone.h"
#include "common/rules/domain.h"
#include "tests/unit/common/rules/verdict.h"

#define RSA2048                                                                          \
	"p="                                                                             \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAy4QqSQvcolZH6r9rFTmGK2mEBGN925KtCL" \
	"bT+rQp9c6McJGszol8chY7cm24BN1N0L+gk3gDKOe0/"                                    \
	"eM+YB76KPW5UMhuyXE9iz4Z17IyMc+RYWj+o+gSlQpE+cy4CvOC3c2FbO65lT0UfEU+i+DtGmd/"    \
	"wX+kM/zGYj1cHqIisyvKZTF1bV65q11Kep7xRQfCmzQgBrJ3P0njb1cONXxydnYOpmCg/"          \
	"X7A1JXs+"                                                                       \
	"4yfP94sSBPdSLWd4bAmY8q9NEm6hqbI9vmn23MESjVJrDu6hIfBJ7vts8fA8VLX7UY1OkLl31wzmR8" \
	"6bYZuClbZOPe8keyOJs42IkJAlUNVmiDnPwIDAQAB"
#define RSA1024                                                                          \
	"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC1gZJq/"                                \
	"Fyo7mbkMZuBMXbb9GeETDs3Bddt5QfFRPeCkCIMlOHyNFFgsz+"                             \
	"WdqbSzH8zxVosy8mp1XQPFGQU5X9yIe4SEXOvw1EHWnul+"                                 \
	"ISn5Y0hbRyUThD74xJFfyxrcFsc15rf9KzIwQycwYLVBaOaenZ2DwcohQQYsJ51llxeQwIDAQAB"
#define RSA768                                                                           \
	"p=MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAKYRVJf9/"                                    \
	"ylArgcMITN5xSLmeAAQnZ57GIIX776pVAenc09+yVPhmZ/"                                 \
	"3WrpoxUK1TqjuK21hDLR8hgPdUYLG9rOP60XKpxlTwFinDqjkZwDXmlv7GZoqg33Dzijd20B/"      \
	"VQIDAQAB"
#define ED25519 "p=OFDdAegRXzgRaBJhXmnlrxEoumGaTRJp3dqfIVlIJWo="

/* Lines that many rows share. */
#define SPF(text)   "d.example TXT \"v=spf1 " text "\"\n"
#define FIVE        "ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ip4:192.0.2.4 ip4:192.0.2.5 "
#define DMARC(text) "_dmarc.d.example TXT \"" text "\"\n"
#define KEY(text)   "s._domainkey.d.example TXT \"" text "\"\n"
#define PTR(name)   "7.2.0.192.in-addr.arpa PTR " name "\n"
#define SOA         "d.example SOA ns.d.example\n"
#define ENFORCED    DMARC("v=DMARC1; p=reject")

/* want: the worst of the rule's findings, "holds", "unknown", "not-checked" or a
 * severity. egress: addresses with blanks between, always with HELO mail.d.example. */
struct row {
	const char *name, *zone, *egress, *selector;
	enum rmt_rule_number rule;
	const char *want;
	const char *domain; /* NULL: d.example */
};

static const struct row rows[] = {
	{ "SPF passes", SPF("ip4:192.0.2.7 -all"), "192.0.2.7", NULL, RMT_R1, "holds",
	  NULL },
	{ "SPF passes for all of them", SPF("ip4:192.0.2.0/24 -all"),
	  "192.0.2.7 192.0.2.8", NULL, RMT_R1, "holds", NULL },
	{ "SPF passes by an include",
	  SPF("include:i.example -all") "i.example TXT \"v=spf1 ip4:192.0.2.7\"\n",
	  "192.0.2.7", NULL, RMT_R1, "holds", NULL },
	{ "neither SPF nor key", SOA, "192.0.2.7", NULL, RMT_R1, "error", NULL },
	{ "SPF fails, and nothing lies below _domainkey", SPF("-all"), "192.0.2.7", NULL,
	  RMT_R1, "error", NULL },
	{ "SPF fails, and the key is revoked", SPF("-all") KEY("v=DKIM1; p="),
	  "192.0.2.7", "s", RMT_R1, "error", NULL },
	{ "SPF fails, but mail may be signed", SPF("-all") KEY("v=DKIM1; " RSA2048),
	  "192.0.2.7", "s", RMT_R1, "not-checked", NULL },
	{ "no address is known", SPF("ip4:192.0.2.7 -all"), NULL, NULL, RMT_R1,
	  "not-checked", NULL },
	{ "DNS is down", "d.example TXT TIMEOUT\n", "192.0.2.7", NULL, RMT_R1, "unknown",
	  NULL },

	{ "an address listed", SPF("ip4:192.0.2.7 -all"), "192.0.2.7", NULL, RMT_R2,
	  "holds", NULL },
	{ "an MX",
	  SPF("mx -all") "d.example MX 5 mx.d.example\nmx.d.example A 192.0.2.7\n",
	  "192.0.2.7", NULL, RMT_R2, "holds", NULL },
	{ "IPv6", SPF("ip6:2001:db8::/32 -all"), "2001:db8::7", NULL, RMT_R2, "holds",
	  NULL },
	{ "softfail is no pass", SPF("~all"), "192.0.2.7", NULL, RMT_R2, "error", NULL },
	{ "one address of two is missing", SPF("ip4:192.0.2.7 -all"),
	  "192.0.2.7 192.0.2.8", NULL, RMT_R2, "error", NULL },
	{ "no record", SOA, "192.0.2.7", NULL, RMT_R2, "error", NULL },
	{ "no record, no address named", SOA, NULL, NULL, RMT_R2, "error", NULL },
	{ "permerror", SPF("ip4:300.0.0.1 -all"), "192.0.2.7", NULL, RMT_R2, "error",
	  NULL },
	{ "two records", SPF("ip4:192.0.2.7") SPF("-all"), "192.0.2.7", NULL, RMT_R2,
	  "error", NULL },
	{ "DNS is down", "d.example TXT SERVFAIL\n", "192.0.2.7", NULL, RMT_R2, "unknown",
	  NULL },
	{ "DNS is down, no address named", "d.example TXT SERVFAIL\n", NULL, NULL, RMT_R2,
	  "unknown", NULL },
	{ "no address is known", SPF("ip4:192.0.2.7 -all"), NULL, NULL, RMT_R2,
	  "not-checked", NULL },
	{ "a parked domain", SPF("-all"), NULL, NULL, RMT_R2, "not-checked", NULL },

	{ "addresses alone", SPF("ip4:192.0.2.7 -all"), NULL, NULL, RMT_R3, "holds",
	  NULL },
	{ "a /16 is as wide as it may be", SPF("ip4:192.0.0.0/16 -all"), NULL, NULL,
	  RMT_R3, "holds", NULL },
	{ "redirect in place of all",
	  SPF("redirect=i.example") "i.example TXT \"v=spf1 -all\"\n", NULL, NULL, RMT_R3,
	  "holds", NULL },
	{ "+all", SPF("ip4:192.0.2.7 +all"), NULL, NULL, RMT_R3, "error", NULL },
	{ "all without a sign is +all", SPF("all"), NULL, NULL, RMT_R3, "error", NULL },
	{ "+all in what is included",
	  SPF("include:i.example -all") "i.example TXT \"v=spf1 +all\"\n", NULL, NULL,
	  RMT_R3, "error", NULL },
	{ "/0", SPF("ip4:0.0.0.0/0 -all"), NULL, NULL, RMT_R3, "error", NULL },
	{ "/0 behind a", SPF("a/0 -all") "d.example A 192.0.2.1\n", NULL, NULL, RMT_R3,
	  "error", NULL },
	{ "wider than /16", SPF("ip4:192.0.0.0/15 -all"), NULL, NULL, RMT_R3, "error",
	  NULL },
	{ "wider than /16, of a provider",
	  SPF("include:i.example -all") "i.example TXT \"v=spf1 ip4:192.0.0.0/14 "
					"-all\"\n",
	  NULL, NULL, RMT_R3, "note", NULL },
	{ "-ip4 of all lets nobody in", SPF("-ip4:0.0.0.0/0"), NULL, NULL, RMT_R3, "note",
	  NULL },
	{ "ptr", SPF("ptr -all"), NULL, NULL, RMT_R3, "error", NULL },
	{ "11 look-ups",
	  SPF("include:i0.example include:i1.example include:i2.example "
	      "include:i3.example include:i4.example include:i5.example "
	      "include:i6.example include:i7.example include:i8.example "
	      "include:i9.example include:i10.example -all") "i0.example TXT \"v=spf1 "
							     "ip4:198.51.100.0\"\n"
							     "i1.example TXT \"v=spf1 "
							     "ip4:198.51.100.1\"\n"
							     "i2.example TXT \"v=spf1 "
							     "ip4:198.51.100.2\"\n"
							     "i3.example TXT \"v=spf1 "
							     "ip4:198.51.100.3\"\n"
							     "i4.example TXT \"v=spf1 "
							     "ip4:198.51.100.4\"\n"
							     "i5.example TXT \"v=spf1 "
							     "ip4:198.51.100.5\"\n"
							     "i6.example TXT \"v=spf1 "
							     "ip4:198.51.100.6\"\n"
							     "i7.example TXT \"v=spf1 "
							     "ip4:198.51.100.7\"\n"
							     "i8.example TXT \"v=spf1 "
							     "ip4:198.51.100.8\"\n"
							     "i9.example TXT \"v=spf1 "
							     "ip4:198.51.100.9\"\n"
							     "i10.example TXT \"v=spf1 "
							     "ip4:198.51.100.10\"\n",
	  NULL, NULL, RMT_R3, "error", NULL },
	{ "two records", SPF("-all") SPF("~all"), NULL, NULL, RMT_R3, "error", NULL },
	{ "a typing error", SPF("ipv4:192.0.2.7 -all"), NULL, NULL, RMT_R3, "error",
	  NULL },
	{ "an include of nothing", SPF("include:i.example -all"), NULL, NULL, RMT_R3,
	  "error", NULL },
	{ "a circle",
	  SPF("include:i.example -all") "i.example TXT \"v=spf1 include:d.example "
					"-all\"\n",
	  NULL, NULL, RMT_R3, "error", NULL },
	{ "names that are not there",
	  SPF("a:x.d.example a:y.d.example a:z.d.example -all"), NULL, NULL, RMT_R3,
	  "warning", NULL },
	{ "an include that DNS does not answer",
	  SPF("include:i.example -all") "i.example TXT TIMEOUT\n", NULL, NULL, RMT_R3,
	  "unknown", NULL },
	{ "?all", SPF("ip4:192.0.2.7 ?all"), NULL, NULL, RMT_R3, "note", NULL },
	{ "no record", SOA, NULL, NULL, RMT_R3, "not-checked", NULL },
	{ "more than 450 octets", SPF(FIVE FIVE FIVE FIVE FIVE FIVE FIVE "-all"), NULL,
	  NULL, RMT_R3, "note", NULL },
	{ "less than 450", SPF(FIVE FIVE FIVE FIVE FIVE FIVE "-all"), NULL, NULL, RMT_R3,
	  "holds", NULL },
	{ "terms behind all", SPF("ip4:192.0.2.7 -all mx"), NULL, NULL, RMT_R3, "note",
	  NULL },
	{ "redirect beside all",
	  SPF("redirect=i.example -all") "i.example TXT \"v=spf1 -all\"\n", NULL, NULL,
	  RMT_R3, "note", NULL },
	{ "Sender ID beside it",
	  SPF("ip4:192.0.2.7 -all") "d.example TXT \"spf2.0/pra ip4:192.0.2.7 -all\"\n",
	  NULL, NULL, RMT_R3, "note", NULL },
	{ "no blank behind v=spf1", "d.example TXT \"v=spf1; ip4:192.0.2.7 -all\"\n",
	  NULL, NULL, RMT_R3, "note", NULL },
	{ "other texts beside it", SPF("-all") "d.example TXT \"site=1\"\n", NULL, NULL,
	  RMT_R3, "holds", NULL },

	{ "RSA 2048", KEY("v=DKIM1; " RSA2048), NULL, "s", RMT_R4, "holds", NULL },
	{ "without v= and k=", KEY(RSA2048), NULL, "s", RMT_R4, "holds", NULL },
	{ "Ed25519 beside RSA",
	  KEY("v=DKIM1; " RSA2048) "e._domainkey.d.example TXT \"v=DKIM1; "
				   "k=ed25519; " ED25519 "\"\n",
	  NULL, "s e", RMT_R4, "holds", NULL },
	{ "a usual selector",
	  "google._domainkey.d.example TXT \"v=DKIM1; " RSA2048 "\"\n", NULL, NULL,
	  RMT_R4, "holds", NULL },
	{ "an alias",
	  "s._domainkey.d.example CNAME k.esp.example\nk.esp.example TXT \"" RSA2048
	  "\"\n",
	  NULL, "s", RMT_R4, "holds", NULL },
	{ "RSA 1024", KEY("v=DKIM1; " RSA1024), NULL, "s", RMT_R4, "note", NULL },
	{ "RSA 768", KEY("v=DKIM1; " RSA768), NULL, "s", RMT_R4, "error", NULL },
	{ "Ed25519 alone", KEY("v=DKIM1; k=ed25519; " ED25519), NULL, "s", RMT_R4,
	  "error", NULL },
	{ "revoked", KEY("v=DKIM1; p="), NULL, "s", RMT_R4, "error", NULL },
	{ "revoked beside a good one",
	  KEY("v=DKIM1; p=") "t._domainkey.d.example TXT \"" RSA2048 "\"\n", NULL, "s t",
	  RMT_R4, "warning", NULL },
	{ "no key there", SOA, NULL, "s", RMT_R4, "error", NULL },
	{ "no base64", KEY("v=DKIM1; p=!!"), NULL, "s", RMT_R4, "error", NULL },
	{ "two keys at one name", KEY(RSA2048) KEY(RSA1024), NULL, "s", RMT_R4, "error",
	  NULL },
	{ "nothing below _domainkey", SOA, NULL, NULL, RMT_R4, "error", NULL },
	{ "a selector nobody knows", "q7._domainkey.d.example TXT \"" RSA2048 "\"\n",
	  NULL, NULL, RMT_R4, "not-checked", NULL },
	{ "a text for every name is no key", "*.d.example TXT \"hello\"\n", NULL, NULL,
	  RMT_R4, "not-checked", NULL },
	{ "DNS is down", KEY("x") "t._domainkey.d.example TXT TIMEOUT\n", NULL, "t",
	  RMT_R4, "unknown", NULL },

	{ "all that RFC 9989 knows",
	  DMARC("v=DMARC1; p=reject; sp=quarantine; np=reject; adkim=s; aspf=r; fo=1:d; "
		"psd=n; t=n; rua=mailto:d@d.example; ruf=mailto:d@d.example"),
	  NULL, NULL, RMT_R5, "holds", NULL },
	{ "pct", DMARC("v=DMARC1; p=reject; pct=50; rua=mailto:d@d.example"), NULL, NULL,
	  RMT_R5, "note", NULL },
	{ "an unknown tag", DMARC("v=DMARC1; p=reject; policy=x; rua=mailto:d@d.example"),
	  NULL, NULL, RMT_R5, "note", NULL },
	{ "no tag at all", DMARC("v=DMARC1; p=reject; hello; rua=mailto:d@d.example"),
	  NULL, NULL, RMT_R5, "note", NULL },
	{ "adkim=strict",
	  DMARC("v=DMARC1; p=reject; adkim=strict; rua=mailto:d@d.example"), NULL, NULL,
	  RMT_R5, "note", NULL },
	{ "fo=2", DMARC("v=DMARC1; p=reject; fo=1:2; rua=mailto:d@d.example"), NULL, NULL,
	  RMT_R5, "note", NULL },
	{ "p= behind others", DMARC("v=DMARC1; rua=mailto:d@d.example; p=reject"), NULL,
	  NULL, RMT_R5, "note", NULL },
	{ "sp=none below p=reject",
	  DMARC("v=DMARC1; p=reject; sp=none; rua=mailto:d@d.example"), NULL, NULL,
	  RMT_R5, "note", NULL },
	{ "three addresses",
	  DMARC("v=DMARC1; p=reject; rua=mailto:a@d.example,mailto:b@d.example,"
		"mailto:c@d.example"),
	  NULL, NULL, RMT_R5, "note", NULL },
	{ "a size limit", DMARC("v=DMARC1; p=reject; rua=mailto:d@d.example!10m"), NULL,
	  NULL, RMT_R5, "note", NULL },
	{ "an address without mailto:",
	  DMARC("v=DMARC1; p=reject; rua=mailto:d@d.example,d@d.example"), NULL, NULL,
	  RMT_R5, "note", NULL },
	{ "another text beside it",
	  DMARC("v=DMARC1; p=reject; rua=mailto:d@d.example") DMARC("v=spf1 -all"), NULL,
	  NULL, RMT_R5, "note", NULL },
	{ "one more at the domain itself",
	  DMARC("v=DMARC1; p=reject; rua=mailto:d@d.example") "d.example TXT "
							      "\"v=DMARC1; p=none\"\n",
	  NULL, NULL, RMT_R5, "note", NULL },
	{ "reject with reports", DMARC("v=DMARC1; p=reject; rua=mailto:d@d.example"),
	  NULL, NULL, RMT_R5, "holds", NULL },
	{ "quarantine with reports",
	  DMARC("v=DMARC1; p=quarantine; rua=mailto:d@d.example"), NULL, NULL, RMT_R5,
	  "holds", NULL },
	{ "of the organisation above",
	  "_dmarc.d.example TXT \"v=DMARC1; p=reject; rua=mailto:d@d.example\"\n"
	  "a.b.d.example A 192.0.2.1\n",
	  NULL, NULL, RMT_R5, "holds", "a.b.d.example" },
	{ "p=none is enough, and little",
	  DMARC("v=DMARC1; p=none; rua=mailto:d@d.example"), NULL, NULL, RMT_R5, "note",
	  NULL },
	{ "none", SOA, NULL, NULL, RMT_R5, "error", NULL },
	{ "two", DMARC("v=DMARC1; p=none") DMARC("v=DMARC1; p=reject"), NULL, NULL,
	  RMT_R5, "error", NULL },
	{ "small letters", DMARC("v=dmarc1; p=reject"), NULL, NULL, RMT_R5, "error",
	  NULL },
	{ "policy before version", DMARC("p=reject; v=DMARC1"), NULL, NULL, RMT_R5,
	  "error", NULL },
	{ "no policy in it", DMARC("v=DMARC1; adkim=s"), NULL, NULL, RMT_R5, "error",
	  NULL },
	{ "DNS is down", "_dmarc.d.example TXT TIMEOUT\n", NULL, NULL, RMT_R5, "unknown",
	  NULL },

	{ "d.example", SOA, NULL, NULL, RMT_R8, "holds", "d.example" },
	{ "mail.gmail.com", SOA, NULL, NULL, RMT_R8, "holds", "mail.gmail.com" },
	{ "notgmail.com", SOA, NULL, NULL, RMT_R8, "holds", "notgmail.com" },
	{ "gmail.com", SOA, NULL, NULL, RMT_R8, "error", "gmail.com" },
	{ "GMX.de", SOA, NULL, NULL, RMT_R8, "error", "GMX.de" },
	{ "yahoo.co.uk", SOA, NULL, NULL, RMT_R8, "error", "yahoo.co.uk" },
	{ "icloud.com", SOA, NULL, NULL, RMT_R8, "error", "icloud.com" },

	{ "there and back", PTR("mail.d.example") "mail.d.example A 192.0.2.7\n",
	  "192.0.2.7", NULL, RMT_R9, "holds", NULL },
	{ "one of two names leads back",
	  PTR("x.d.example") PTR("mail.d.example") "mail.d.example A 192.0.2.7\n",
	  "192.0.2.7", NULL, RMT_R9, "holds", NULL },
	{ "IPv6",
	  "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR "
	  "mail.d.example\nmail.d.example AAAA 2001:db8::7\n",
	  "2001:db8::7", NULL, RMT_R9, "holds", NULL },
	{ "no PTR", "mail.d.example A 192.0.2.7\n", "192.0.2.7", NULL, RMT_R9, "error",
	  NULL },
	{ "a name without address", PTR("mail.d.example"), "192.0.2.7", NULL, RMT_R9,
	  "error", NULL },
	{ "a name of another address",
	  PTR("mail.d.example") "mail.d.example A 192.0.2.99\n", "192.0.2.7", NULL,
	  RMT_R9, "error", NULL },
	{ "a name of a customer",
	  PTR("192-0-2-7.isp.example") "192-0-2-7.isp.example A "
				       "192.0.2.7\nmail.d.example A 192.0.2.7\n",
	  "192.0.2.7", NULL, RMT_R9, "warning", NULL },
	{ "a dialled line",
	  PTR("x7.dyn.isp.example") "x7.dyn.isp.example A 192.0.2.7\nmail.d.example A "
				    "192.0.2.7\n",
	  "192.0.2.7", NULL, RMT_R9, "warning", NULL },
	{ "a HELO name without address", PTR("m.d.example") "m.d.example A 192.0.2.7\n",
	  "192.0.2.7", NULL, RMT_R9, "warning", NULL },
	{ "DNS is down",
	  "7.2.0.192.in-addr.arpa PTR TIMEOUT\nmail.d.example A 192.0.2.7\n", "192.0.2.7",
	  NULL, RMT_R9, "unknown", NULL },
	{ "the way back is not known",
	  PTR("mail.d.example") "mail.d.example A SERVFAIL\n", "192.0.2.7", NULL, RMT_R9,
	  "unknown", NULL },
	{ "no address is known", SOA, NULL, NULL, RMT_R9, "not-checked", NULL },

	{ "a zone of its own", SOA "d.example MX 5 m.d.example\n", NULL, NULL, RMT_R17,
	  "holds", NULL },
	{ "a name in a zone", SOA "news.d.example A 192.0.2.1\n", NULL, NULL, RMT_R17,
	  "holds", "news.d.example" },
	{ "deep in a zone", SOA "a.b.news.d.example MX 1 d.example\n", NULL, NULL,
	  RMT_R17, "holds", "a.b.news.d.example" },
	{ "no such domain", "other.example A 192.0.2.1\n", NULL, NULL, RMT_R17, "error",
	  NULL },
	{ "null MX", SOA "d.example MX 0 .\n", NULL, NULL, RMT_R17, "error", NULL },
	{ "no zone", "d.example A 192.0.2.1\n", NULL, NULL, RMT_R17, "error", NULL },
	{ "DNS is down", "d.example ANY TIMEOUT\n", NULL, NULL, RMT_R17, "unknown",
	  NULL },

	{ "an MX", "d.example MX 5 m.d.example\nm.d.example A 192.0.2.1\n", NULL, NULL,
	  RMT_R18, "holds", NULL },
	{ "an MX by IPv6", "d.example MX 5 m.d.example\nm.d.example AAAA 2001:db8::1\n",
	  NULL, NULL, RMT_R18, "holds", NULL },
	{ "no MX but an address", "d.example A 192.0.2.1\n", NULL, NULL, RMT_R18, "holds",
	  NULL },
	{ "one host of two is there",
	  "d.example MX 5 m.d.example\nd.example MX 9 n.d.example\nn.d.example A "
	  "192.0.2.1\n",
	  NULL, NULL, RMT_R18, "holds", NULL },
	{ "null MX", "d.example MX 0 .\n", NULL, NULL, RMT_R18, "warning", NULL },
	{ "an MX that is not there", "d.example MX 5 m.d.example\n", NULL, NULL, RMT_R18,
	  "warning", NULL },
	{ "nothing", SOA, NULL, NULL, RMT_R18, "warning", NULL },
	{ "DNS is down", "d.example MX TIMEOUT\n", NULL, NULL, RMT_R18, "unknown", NULL },
	{ "the host is not known", "d.example MX 5 m.d.example\nm.d.example A TIMEOUT\n",
	  NULL, NULL, RMT_R18, "unknown", NULL },

	{ "ASCII", SOA, NULL, NULL, RMT_R19, "holds", "d.example" },
	{ "Latin with an umlaut", SOA, NULL, NULL, RMT_R19, "holds",
	  "xn--bcher-kva.example" },
	{ "Cyrillic", SOA, NULL, NULL, RMT_R19, "holds", "xn--e1afmkfd.xn--p1ai" },
	{ "Japanese", SOA, NULL, NULL, RMT_R19, "holds", "xn--wgv71a119e.example" },
	{ "Cyrillic a in a Latin word", SOA, NULL, NULL, RMT_R19, "error",
	  "xn--pypal-4ve.example" },
	{ "Cyrillic o, twice", SOA, NULL, NULL, RMT_R19, "error",
	  "xn--ggle-55da.example" },
	{ "no such label", SOA, NULL, NULL, RMT_R19, "error", "xn--a-zz9999.example" },

	{ "logo and certificate",
	  ENFORCED "default._bimi.d.example TXT \"v=BIMI1; l=https://d.example/l.svg; "
		   "a=https://d.example/m.pem\"\n",
	  NULL, NULL, RMT_R_BIMI, "holds", NULL },
	{ "of the organisation",
	  ENFORCED "default._bimi.d.example TXT \"v=BIMI1; l=https://d.example/l.svg; "
		   "a=https://d.example/m.pem\"\n",
	  NULL, NULL, RMT_R_BIMI, "holds", "news.d.example" },
	{ "no logo, as wanted",
	  ENFORCED "default._bimi.d.example TXT \"v=BIMI1; l=; a=\"\n", NULL, NULL,
	  RMT_R_BIMI, "holds", NULL },
	{ "none", ENFORCED, NULL, NULL, RMT_R_BIMI, "holds", NULL },
	{ "http",
	  ENFORCED "default._bimi.d.example TXT \"v=BIMI1; l=http://d.example/l.svg\"\n",
	  NULL, NULL, RMT_R_BIMI, "warning", NULL },
	{ "DMARC does not enforce",
	  DMARC("v=DMARC1; p=none") "default._bimi.d.example TXT \"v=BIMI1; "
				    "l=https://d.example/l.svg\"\n",
	  NULL, NULL, RMT_R_BIMI, "warning", NULL },
	{ "no certificate",
	  ENFORCED "default._bimi.d.example TXT \"v=BIMI1; l=https://d.example/l.svg\"\n",
	  NULL, NULL, RMT_R_BIMI, "warning", NULL },
	{ "two",
	  ENFORCED "default._bimi.d.example TXT \"v=BIMI1; l=\"\n"
		   "default._bimi.d.example TXT \"v=BIMI1; l=\"\n",
	  NULL, NULL, RMT_R_BIMI, "warning", NULL },

	{ "right", "_mta-sts.d.example TXT \"v=STSv1; id=20261101\"\n", NULL, NULL,
	  RMT_R_MTA_STS, "holds", NULL },
	{ "right, with an end", "_mta-sts.d.example TXT \"v=STSv1; id=a1;\"\n", NULL,
	  NULL, RMT_R_MTA_STS, "holds", NULL },
	{ "none", SOA, NULL, NULL, RMT_R_MTA_STS, "holds", NULL },
	{ "no id", "_mta-sts.d.example TXT \"v=STSv1;\"\n", NULL, NULL, RMT_R_MTA_STS,
	  "warning", NULL },
	{ "an id with hyphens", "_mta-sts.d.example TXT \"v=STSv1; id=2026-11-01\"\n",
	  NULL, NULL, RMT_R_MTA_STS, "warning", NULL },
	{ "two",
	  "_mta-sts.d.example TXT \"v=STSv1; id=1\"\n"
	  "_mta-sts.d.example TXT \"v=STSv1; id=2\"\n",
	  NULL, NULL, RMT_R_MTA_STS, "warning", NULL },
	{ "DNS is down", "_mta-sts.d.example TXT TIMEOUT\n", NULL, NULL, RMT_R_MTA_STS,
	  "unknown", NULL },

	{ "by mail", "_smtp._tls.d.example TXT \"v=TLSRPTv1; rua=mailto:t@d.example\"\n",
	  NULL, NULL, RMT_R_TLS_RPT, "holds", NULL },
	{ "by https", "_smtp._tls.d.example TXT \"v=TLSRPTv1;rua=https://d.example/t\"\n",
	  NULL, NULL, RMT_R_TLS_RPT, "holds", NULL },
	{ "both",
	  "_smtp._tls.d.example TXT \"v=TLSRPTv1; "
	  "rua=mailto:t@d.example,https://d.example/t\"\n",
	  NULL, NULL, RMT_R_TLS_RPT, "holds", NULL },
	{ "no address", "_smtp._tls.d.example TXT \"v=TLSRPTv1;\"\n", NULL, NULL,
	  RMT_R_TLS_RPT, "warning", NULL },
	{ "a bare address", "_smtp._tls.d.example TXT \"v=TLSRPTv1; rua=t@d.example\"\n",
	  NULL, NULL, RMT_R_TLS_RPT, "warning", NULL },
	{ "two",
	  "_smtp._tls.d.example TXT \"v=TLSRPTv1; rua=mailto:t@d.example\"\n"
	  "_smtp._tls.d.example TXT \"v=TLSRPTv1; rua=mailto:t@d.example\"\n",
	  NULL, NULL, RMT_R_TLS_RPT, "warning", NULL },

	{ "is not DNS to tell", SPF("ip4:192.0.2.7 -all") ENFORCED, "192.0.2.7", NULL,
	  RMT_R6, "not-checked", NULL },

	{ "is not DNS to tell", SPF("ip4:192.0.2.7 -all") ENFORCED, "192.0.2.7", NULL,
	  RMT_R10, "not-checked", NULL },

	{ "is not DNS to tell", SPF("ip4:192.0.2.7 -all") ENFORCED, "192.0.2.7", NULL,
	  RMT_R13, "not-checked", NULL },

	{ "is not DNS to tell", SPF("ip4:192.0.2.7 -all") ENFORCED, "192.0.2.7", NULL,
	  RMT_R16, "not-checked", NULL },
};

static struct rmt_facts *gather(const struct row *row, const struct rmt_psl *psl)
{
	struct rmt_facts_query query = { .domain = row->domain != NULL ? row->domain
								       : "d.example",
					 .psl = psl };
	struct rmt_facts *facts = rmt_facts_new(&query);
	g_auto(GStrv) egress =
		g_strsplit(row->egress != NULL ? row->egress : "", " ", -1);
	g_auto(GStrv) selectors =
		g_strsplit(row->selector != NULL ? row->selector : "", " ", -1);
	g_autoptr(rmt_zone) zone = rmt_zone_new();
	GPtrArray *askers;
	struct rmt_ip ip;
	guint i;

	for (i = 0; egress[i] != NULL && *egress[i] != '\0'; i++) {
		assert_true(rmt_ip_parse(rmt_span_of(egress[i]), &ip));
		rmt_facts_add_egress(facts, &ip, ip.is_v6 ? NULL : "mail.d.example");
	}
	for (i = 0; selectors[i] != NULL && *selectors[i] != '\0'; i++)
		rmt_facts_add_selector(facts, selectors[i]);
	assert_true(rmt_zone_add_text(zone, row->name, rmt_span_of(row->zone), NULL));
	while ((askers = rmt_facts_ask(facts)) != NULL)
		for (i = 0; i < askers->len; i++)
			rmt_zone_run(zone, askers->pdata[i]);
	return facts;
}

static void show(const struct row *row, const struct rmt_rule_findings *findings)
{
	guint i;

	for (i = 0; i < findings->list->len; i++) {
		const struct rmt_rule_finding *finding = findings->list->pdata[i];

		if (finding->rule->number == row->rule)
			print_message("%s %s: %s: %s\n", finding->rule->id,
				      rmt_rule_state_name(finding->state), finding->place,
				      finding->problem);
	}
}

static bool row_holds(const struct row *row, const struct rmt_psl *psl)
{
	g_autoptr(rmt_facts) facts = gather(row, psl);
	struct rmt_rule_findings findings;
	const char *got;
	bool ok;

	rmt_rule_findings_init(&findings);
	rmt_rules_domain(facts, &findings);
	got = verdict_of(&findings, row->rule);
	ok = strcmp(got, row->want) == 0;
	if (!ok) {
		print_error("%s, %s: %s, not %s\n", rmt_rule_get(row->rule)->id,
			    row->name, got, row->want);
		show(row, &findings);
	}
	rmt_rule_findings_clear(&findings);
	return ok;
}

static void every_zone_is_judged_as_its_row_says(void **state)
{
	g_autoptr(rmt_psl) psl = rmt_psl_open();
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		wrong += !row_holds(&rows[i], psl);
	assert_int_equal(wrong, 0);
}

static void every_rule_of_dns_has_three_rows_each_way(void **state)
{
	static const enum rmt_rule_number judged[] = {
		RMT_R1,     RMT_R2,        RMT_R3,        RMT_R4,  RMT_R5,
		RMT_R8,     RMT_R9,        RMT_R17,       RMT_R18, RMT_R19,
		RMT_R_BIMI, RMT_R_MTA_STS, RMT_R_TLS_RPT,
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(judged); i++) {
		unsigned good = 0, bad = 0;

		for (j = 0; j < G_N_ELEMENTS(rows); j++) {
			bool holds = strcmp(rows[j].want, "holds") == 0;
			bool flawed = strcmp(rows[j].want, "error") == 0 ||
				      strcmp(rows[j].want, "warning") == 0;

			good += rows[j].rule == judged[i] && holds;
			bad += rows[j].rule == judged[i] && flawed;
		}
		assert_true(good >= 3 && bad >= 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_zone_is_judged_as_its_row_says),
		cmocka_unit_test(every_rule_of_dns_has_three_rows_each_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
