/* SPDX-License-Identifier: MIT */
/* Our own rows from the text of RFC 9989 and RFC 7489. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/auth/dmarc.h"
#include "common/auth/zone.h"

#define R(domain, text) "_dmarc." domain " TXT \"" text "\"\n"
#define HOST(domain)    domain " A 192.0.2.1\n"

/* What is wanted: verdict, disposition, aligned (s: SPF, d: DKIM, -: neither),
 * organisational domain. psl NULL: the same as tree. */
static const struct row {
	const char *name;
	const char *from, *zone;
	const char *spf,
		*dkim; /* domains, blanks between; "temp:d" with temperror, "no:d" */
	const char *tree, *psl;
} rows[] = {
	/* --- identical domains ---------------------------------------------------- */
	{ "SPF alone is enough", "example.com", R("example.com", "v=DMARC1; p=reject"),
	  "example.com", "", "pass reject s example.com", NULL },
	{ "DKIM alone is enough", "example.com", R("example.com", "v=DMARC1; p=reject"),
	  "", "example.com", "pass reject d example.com", NULL },
	{ "both", "example.com", R("example.com", "v=DMARC1; p=none"), "example.com",
	  "example.com", "pass none sd example.com", NULL },
	{ "neither", "example.com", R("example.com", "v=DMARC1; p=reject"), "", "",
	  "fail reject - example.com", NULL },
	{ "no pass is no alignment", "example.com",
	  R("example.com", "v=DMARC1; p=reject"), "no:example.com", "no:example.com",
	  "fail reject - example.com", NULL },
	{ "one of several signatures", "example.com",
	  R("example.com", "v=DMARC1; p=reject"), "",
	  "esp.example.net other.example.org example.com", "pass reject d example.com",
	  NULL },
	{ "someone else's", "example.com", R("example.com", "v=DMARC1; p=quarantine"),
	  "example.net", "example.org", "fail quarantine - example.com", NULL },
	{ "case does not matter", "Example.COM", R("example.com", "v=DMARC1; p=reject"),
	  "EXAMPLE.com", "", "pass reject s example.com", NULL },
	{ "a final dot does not matter", "example.com.",
	  R("example.com", "v=DMARC1; p=reject"), "", "example.com.",
	  "pass reject d example.com", NULL },
	{ "U-labels are A-labels",
	  "b\xc3\xbc"
	  "cher.example",
	  R("xn--bcher-kva.example", "v=DMARC1; p=reject"), "xn--bcher-kva.example",
	  "B\xc3\x9c"
	  "CHER.example",
	  "pass reject sd xn--bcher-kva.example", NULL },
	{ "DNS failed for SPF, nothing else", "example.com",
	  R("example.com", "v=DMARC1; p=reject"), "temp:example.com", "",
	  "temperror reject - example.com", NULL },
	{ "DNS failed for someone else's SPF", "example.com",
	  R("example.com", "v=DMARC1; p=reject"), "temp:example.net", "",
	  "fail reject - example.com", NULL },
	{ "DNS failed for DKIM, SPF passed", "example.com",
	  R("example.com", "v=DMARC1; p=reject"), "example.com", "temp:example.com",
	  "pass reject s example.com", NULL },

	/* --- relaxed and strict ---------------------------------------------------- */
	{ "relaxed: below the author's domain", "example.com",
	  R("example.com", "v=DMARC1; p=reject"), "bounce.example.com", "s.example.com",
	  "pass reject sd example.com", NULL },
	{ "relaxed: above it", "news.example.com", R("example.com", "v=DMARC1; p=reject"),
	  "example.com", "example.com", "pass reject sd example.com", NULL },
	{ "relaxed: beside it", "news.example.com",
	  R("example.com", "v=DMARC1; p=reject"), "bounce.example.com", "",
	  "pass reject s example.com", NULL },
	{ "relaxed, said", "news.example.com",
	  R("example.com", "v=DMARC1; p=reject; aspf=r; adkim=r"), "example.com",
	  "example.com", "pass reject sd example.com", NULL },
	{ "aspf=s refuses a subdomain", "example.com",
	  R("example.com", "v=DMARC1; p=reject; aspf=s"), "bounce.example.com", "",
	  "fail reject - example.com", NULL },
	{ "aspf=s refuses the parent", "news.example.com",
	  R("example.com", "v=DMARC1; p=reject; aspf=s"), "example.com", "",
	  "fail reject - example.com", NULL },
	{ "aspf=s takes the same", "news.example.com",
	  R("example.com", "v=DMARC1; p=reject; aspf=s"), "news.example.com", "",
	  "pass reject s example.com", NULL },
	{ "adkim=s refuses a subdomain", "example.com",
	  R("example.com", "v=DMARC1; p=reject; adkim=s"), "", "s.example.com",
	  "fail reject - example.com", NULL },
	{ "adkim=s refuses the parent", "news.example.com",
	  R("example.com", "v=DMARC1; p=reject; adkim=s"), "", "example.com",
	  "fail reject - example.com", NULL },
	{ "adkim=s takes the same among others", "example.com",
	  R("example.com", "v=DMARC1; p=reject; adkim=s"), "",
	  "s.example.com example.com", "pass reject d example.com", NULL },
	{ "adkim=s leaves SPF relaxed", "example.com",
	  R("example.com", "v=DMARC1; p=reject; adkim=s"), "bounce.example.com",
	  "s.example.com", "pass reject s example.com", NULL },
	{ "aspf=s leaves DKIM relaxed", "example.com",
	  R("example.com", "v=DMARC1; p=reject; aspf=s"), "bounce.example.com",
	  "s.example.com", "pass reject d example.com", NULL },
	{ "adkim=S is strict", "example.com",
	  R("example.com", "v=DMARC1; p=reject; adkim=S"), "", "s.example.com",
	  "fail reject - example.com", NULL },
	{ "a mode that is none is relaxed", "example.com",
	  R("example.com", "v=DMARC1; p=reject; adkim=strict; aspf=x"),
	  "bounce.example.com", "s.example.com", "pass reject sd example.com", NULL },
	{ "the record of the author's domain sets the mode", "news.example.com",
	  R("news.example.com", "v=DMARC1; p=none; adkim=s")
		  R("example.com", "v=DMARC1; p=reject"),
	  "", "example.com", "fail none - example.com", NULL },
	{ "a look-alike is not below", "example.com",
	  R("example.com", "v=DMARC1; p=reject"), "badexample.com", "xexample.com",
	  "fail reject - example.com", NULL },

	/* --- public suffixes -------------------------------------------------------- */
	{ "d=com never aligns", "example.com", R("example.com", "v=DMARC1; p=reject"),
	  "com", "com", "fail reject - example.com", NULL },
	{ "d=co.uk never aligns", "example.co.uk",
	  R("example.co.uk", "v=DMARC1; p=reject"), "co.uk", "co.uk",
	  "fail reject - example.co.uk", NULL },
	{ "neighbours below a suffix", "example.co.uk",
	  R("example.co.uk", "v=DMARC1; p=reject"), "other.co.uk", "",
	  "fail reject - example.co.uk", NULL },
	{ "without a record the walk knows no organisation", "news.example.com", "",
	  "example.com", "", "none none - news.example.com", "none none s example.com" },
	{ "a private suffix: receivers differ", "ann.github.io",
	  R("github.io", "v=DMARC1; p=reject"), "github.io", "",
	  "pass reject s github.io", "none none - ann.github.io" },
	{ "users of a private suffix", "ann.github.io",
	  R("ann.github.io", "v=DMARC1; p=reject"), "bob.github.io", "",
	  "fail reject - ann.github.io", NULL },
	{ "mail from a suffix itself", "github.io", R("github.io", "v=DMARC1; p=reject"),
	  "github.io", "", "pass reject s github.io", NULL },
	{ "an unknown top-level domain", "a.example.invalid",
	  R("example.invalid", "v=DMARC1; p=reject"), "b.example.invalid", "",
	  "pass reject s example.invalid", NULL },

	/* --- discovery ----------------------------------------------------------------
	 */
	{ "nothing at all", "example.com", "", "example.com", "",
	  "none none s example.com", NULL },
	{ "other TXT records do not count", "example.com",
	  R("example.com", "v=spf1 -all") R("example.com", "hello"), "", "",
	  "none none - example.com", NULL },
	{ "other TXT records do not harm", "example.com",
	  R("example.com", "v=spf1 -all") R("example.com", "v=DMARC1; p=reject"), "", "",
	  "fail reject - example.com", NULL },
	{ "several records are none", "example.com",
	  R("example.com", "v=DMARC1; p=reject") R("example.com", "v=DMARC1; p=none"), "",
	  "example.com", "none none d example.com", NULL },
	{ "several records: the walk goes on, RFC 7489 stops", "news.example.com",
	  R("news.example.com", "v=DMARC1; p=reject")
		  R("news.example.com", "v=DMARC1; p=none")
			  R("example.com", "v=DMARC1; p=quarantine"),
	  "", "", "fail quarantine - example.com", "none none - example.com" },
	{ "several records at the organisation", "news.example.com",
	  R("example.com", "v=DMARC1; p=reject") R("example.com", "v=DMARC1; p=reject"),
	  "", "", "none none - news.example.com", "none none - example.com" },
	{ "author's own before the organisation's", "news.example.com",
	  R("news.example.com", "v=DMARC1; p=none")
		  R("example.com", "v=DMARC1; p=reject"),
	  "", "", "fail none - example.com", NULL },
	{ "a record in between is not used", "a.b.example.com",
	  R("b.example.com", "v=DMARC1; p=none") R("example.com", "v=DMARC1; p=reject"),
	  "", "", "fail reject - example.com", NULL },
	{ "in between alone it is the organisation's", "a.b.example.com",
	  R("b.example.com", "v=DMARC1; p=reject"), "b.example.com", "",
	  "pass reject s b.example.com", "none none s example.com" },
	{ "three labels up", "a.b.c.example.com", R("example.com", "v=DMARC1; p=reject"),
	  "", "x.y.z.example.com", "pass reject d example.com", NULL },
	{ "seven labels", "a.b.c.d.e.example.com", R("example.com", "v=DMARC1; p=reject"),
	  "", "", "fail reject - example.com", NULL },
	{ "eight labels", "a.b.c.d.e.f.example.com",
	  R("example.com", "v=DMARC1; p=reject"), "", "", "fail reject - example.com",
	  NULL },
	{ "nine labels: the second is visited", "a.b.c.d.e.f.g.example.com",
	  R("c.d.e.f.g.example.com", "v=DMARC1; p=reject; psd=n"), "", "",
	  "fail reject - c.d.e.f.g.example.com", "none none - example.com" },
	{ "nine labels: the eighth is not", "a.b.c.d.e.f.g.example.com",
	  R("b.c.d.e.f.g.example.com", "v=DMARC1; p=reject"), "", "",
	  "none none - a.b.c.d.e.f.g.example.com", "none none - example.com" },
	{ "twelve labels", "a.b.c.d.e.f.g.h.i.mail.example.com",
	  R("example.com", "v=DMARC1; p=reject"), "", "h.i.mail.example.com",
	  "pass reject d example.com", NULL },
	{ "twelve labels with their own record", "a.b.c.d.e.f.g.h.i.mail.example.com",
	  R("a.b.c.d.e.f.g.h.i.mail.example.com", "v=DMARC1; p=none")
		  R("example.com", "v=DMARC1; p=reject"),
	  "", "", "fail none - example.com", NULL },
	{ "a record at the top-level domain", "example.com",
	  R("com", "v=DMARC1; p=reject; sp=quarantine"), "", "", "fail quarantine - com",
	  "none none - example.com" },
	{ "an alias leads to the record", "example.com",
	  "_dmarc.example.com CNAME d.esp.example.net\n"
	  "d.esp.example.net TXT \"v=DMARC1; p=reject\"\n",
	  "", "", "fail reject - example.com", NULL },
	{ "a wildcard answers", "news.example.com",
	  "*.example.com TXT \"v=DMARC1; p=reject\"\n", "", "",
	  "fail reject - example.com", NULL },
	{ "a wildcard with something else", "news.example.com",
	  "*.example.com TXT \"v=spf1 -all\"\n", "", "", "none none - news.example.com",
	  "none none - example.com" },
	{ "a text in two strings", "example.com",
	  "_dmarc.example.com TXT \"v=DMARC1; p=re\" \"ject\"\n", "", "",
	  "fail reject - example.com", NULL },

	/* --- psd
	   ------------------------------------------------------------------------ */
	{ "psd=n ends the walk", "a.unit.example.com",
	  R("unit.example.com", "v=DMARC1; p=reject; psd=n")
		  R("example.com", "v=DMARC1; p=none"),
	  "unit.example.com", "example.com", "pass reject s unit.example.com",
	  "pass none sd example.com" },
	{ "psd=n: the parent does not align", "unit.example.com",
	  R("unit.example.com", "v=DMARC1; p=reject; psd=n")
		  R("example.com", "v=DMARC1; p=none"),
	  "", "example.com", "fail reject - unit.example.com",
	  "pass reject d example.com" },
	{ "psd=n below: it does not align with the organisation", "example.com",
	  R("unit.example.com", "v=DMARC1; p=none; psd=n")
		  R("example.com", "v=DMARC1; p=reject"),
	  "", "unit.example.com", "fail reject - example.com",
	  "pass reject d example.com" },
	{ "psd=y: one label below is the organisation", "a.b.example.com",
	  R("com", "v=DMARC1; p=none; psd=y"), "", "x.example.com",
	  "pass none d example.com", "none none d example.com" },
	{ "psd=y: its policy is the last resort", "a.example.com",
	  R("com", "v=DMARC1; p=reject; psd=y"), "", "", "fail reject - example.com",
	  "none none - example.com" },
	{ "psd=y: sp for what is below", "a.example.com",
	  R("com", "v=DMARC1; p=reject; sp=quarantine; psd=y"), "", "",
	  "fail quarantine - example.com", "none none - example.com" },
	{ "psd=y: the organisation's own policy wins", "a.example.com",
	  R("com", "v=DMARC1; p=reject; psd=y") R("example.com", "v=DMARC1; p=none"), "",
	  "", "fail none - example.com", NULL },
	{ "psd=y: a record in between is not used", "a.b.example.com",
	  R("com", "v=DMARC1; p=quarantine; psd=y")
		  R("b.example.com", "v=DMARC1; p=none"),
	  "", "", "fail quarantine - example.com", "none none - example.com" },
	{ "psd=y at a second level", "a.example.co.uk",
	  R("co.uk", "v=DMARC1; p=none; psd=y"), "", "example.co.uk",
	  "pass none d example.co.uk", "none none d example.co.uk" },
	{ "psd=y: neighbours do not align", "one.bank.example",
	  R("bank.example", "v=DMARC1; p=reject; psd=y"), "two.bank.example",
	  "bank.example", "fail reject - one.bank.example",
	  "pass reject sd bank.example" },
	{ "mail from a domain with psd=y", "bank.example",
	  R("bank.example", "v=DMARC1; p=reject; psd=y"), "bank.example", "",
	  "pass reject s bank.example", NULL },
	{ "psd=u is as if not said", "news.example.com",
	  R("example.com", "v=DMARC1; p=reject; psd=u"), "example.com", "",
	  "pass reject s example.com", NULL },
	{ "psd=x is as if not said", "news.example.com",
	  R("example.com", "v=DMARC1; p=reject; psd=x"), "example.com", "",
	  "pass reject s example.com", NULL },
	{ "psd=Y", "a.example.com", R("com", "v=DMARC1; p=reject; psd=Y"), "", "",
	  "fail reject - example.com", "none none - example.com" },

	/* --- sp and np
	   --------------------------------------------------------------------- */
	{ "sp for an existing subdomain", "news.example.com",
	  R("example.com", "v=DMARC1; p=reject; sp=none") HOST("news.example.com"), "",
	  "", "fail none - example.com", NULL },
	{ "sp not for the domain itself", "example.com",
	  R("example.com", "v=DMARC1; p=reject; sp=none"), "", "",
	  "fail reject - example.com", NULL },
	{ "sp not from the author's own record", "news.example.com",
	  R("news.example.com", "v=DMARC1; p=reject; sp=none"), "", "",
	  "fail reject - news.example.com", "fail reject - example.com" },
	{ "sp for a missing subdomain, without np", "gone.example.com",
	  R("example.com", "v=DMARC1; p=none; sp=quarantine"), "", "",
	  "fail quarantine - example.com", NULL },
	{ "np for a missing subdomain", "gone.example.com",
	  R("example.com", "v=DMARC1; p=none; np=reject"), "", "",
	  "fail reject - example.com", "fail none - example.com" },
	{ "np before sp", "gone.example.com",
	  R("example.com", "v=DMARC1; p=none; sp=quarantine; np=reject"), "", "",
	  "fail reject - example.com", "fail quarantine - example.com" },
	{ "np not for an existing subdomain", "news.example.com",
	  R("example.com", "v=DMARC1; p=none; np=reject") HOST("news.example.com"), "",
	  "", "fail none - example.com", NULL },
	{ "np not where something is below it", "news.example.com",
	  R("example.com", "v=DMARC1; p=none; np=reject") HOST("mx.news.example.com"), "",
	  "", "fail none - example.com", NULL },
	{ "np not where other types are", "news.example.com",
	  R("example.com",
	    "v=DMARC1; p=none; np=reject") "news.example.com MX 1 mx.example\n",
	  "", "", "fail none - example.com", NULL },
	{ "np not for the domain itself", "example.com",
	  R("example.com", "v=DMARC1; p=none; np=reject"), "", "",
	  "fail none - example.com", NULL },
	{ "np milder than sp", "gone.example.com",
	  R("example.com", "v=DMARC1; p=reject; sp=reject; np=none"), "", "",
	  "fail none - example.com", "fail reject - example.com" },
	{ "np of a public suffix", "gone.example.bank",
	  R("bank", "v=DMARC1; p=none; np=reject; psd=y"), "", "",
	  "fail reject - example.bank", "none none - example.bank" },
	{ "p inherited", "news.example.com", R("example.com", "v=DMARC1; p=quarantine"),
	  "", "", "fail quarantine - example.com", NULL },

	/* --- t and pct
	   ----------------------------------------------------------------------- */
	{ "t=y: reject becomes quarantine", "example.com",
	  R("example.com", "v=DMARC1; p=reject; t=y"), "", "",
	  "fail quarantine - example.com", "fail reject - example.com" },
	{ "t=y: quarantine becomes none", "example.com",
	  R("example.com", "v=DMARC1; p=quarantine; t=y"), "", "",
	  "fail none - example.com", "fail quarantine - example.com" },
	{ "t=y: none stays", "example.com", R("example.com", "v=DMARC1; p=none; t=y"), "",
	  "", "fail none - example.com", NULL },
	{ "t=y for sp", "news.example.com",
	  R("example.com", "v=DMARC1; p=none; sp=reject; t=y"), "", "",
	  "fail quarantine - example.com", "fail reject - example.com" },
	{ "t=n", "example.com", R("example.com", "v=DMARC1; p=reject; t=n"), "", "",
	  "fail reject - example.com", NULL },
	{ "t=maybe", "example.com", R("example.com", "v=DMARC1; p=reject; t=maybe"), "",
	  "", "fail reject - example.com", NULL },
	{ "pct does not change what is asked for", "example.com",
	  R("example.com", "v=DMARC1; p=reject; pct=10"), "", "",
	  "fail reject - example.com", NULL },

	/* --- syntax
	   ------------------------------------------------------------------------------
	 */
	{ "blanks around everything", "example.com",
	  R("example.com", "v = DMARC1 ; p =  reject ; adkim =\\009s ;"), "",
	  "s.example.com", "fail reject - example.com", NULL },
	{ "no blanks at all", "example.com", R("example.com", "v=DMARC1;p=reject"), "",
	  "", "fail reject - example.com", NULL },
	{ "values in capitals", "example.com", R("example.com", "v=DMARC1; p=REJECT"), "",
	  "", "fail reject - example.com", NULL },
	{ "names in capitals", "example.com", R("example.com", "V=DMARC1; P=reject"), "",
	  "", "fail reject - example.com", NULL },
	{ "v=dmarc1 is no record", "example.com", R("example.com", "v=dmarc1; p=reject"),
	  "", "", "none none - example.com", NULL },
	{ "v=DMARC2 is no record", "example.com", R("example.com", "v=DMARC2; p=reject"),
	  "", "", "none none - example.com", NULL },
	{ "v=DMARC12 is no record", "example.com",
	  R("example.com", "v=DMARC12; p=reject"), "", "", "none none - example.com",
	  NULL },
	{ "v not first is no record", "example.com",
	  R("example.com", "p=reject; v=DMARC1"), "", "", "none none - example.com",
	  NULL },
	{ "no v is no record", "example.com", R("example.com", "p=reject"), "", "",
	  "none none - example.com", NULL },
	{ "a blank before v is no record", "example.com",
	  R("example.com", " v=DMARC1; p=reject"), "", "", "none none - example.com",
	  NULL },
	{ "a blank in the version", "example.com",
	  R("example.com", "v=DMARC 1; p=reject"), "", "", "none none - example.com",
	  NULL },
	{ "no semicolon behind the version", "example.com",
	  R("example.com", "v=DMARC1 p=reject"), "", "", "none none - example.com",
	  NULL },
	{ "a comma for a semicolon", "example.com",
	  R("example.com", "v=DMARC1, p=reject"), "", "", "none none - example.com",
	  NULL },
	{ "unknown tags are passed over", "example.com",
	  R("example.com", "v=DMARC1; x=1; fo=1; p=reject; rf=afrf; ri=86400; foo=bar"),
	  "", "", "fail reject - example.com", NULL },
	{ "a tag without a value", "example.com",
	  R("example.com", "v=DMARC1; p=reject; adkim; ; =x; adkim2="), "", "",
	  "fail reject - example.com", NULL },
	{ "p behind other tags", "example.com",
	  R("example.com", "v=DMARC1; rua=mailto:r@example.com; p=reject"), "", "",
	  "fail reject - example.com", NULL },
	{ "p missing, nobody to report to", "example.com", R("example.com", "v=DMARC1"),
	  "", "example.com", "none none d example.com", NULL },
	{ "p missing, rua there", "example.com",
	  R("example.com", "v=DMARC1; rua=mailto:r@example.com"), "", "",
	  "fail none - example.com", NULL },
	{ "p wrong, rua there", "example.com",
	  R("example.com", "v=DMARC1; p=rejekt; rua=mailto:r@example.com"), "", "",
	  "fail none - example.com", NULL },
	{ "p wrong, nobody to report to", "example.com",
	  R("example.com", "v=DMARC1; p=rejekt"), "", "", "none none - example.com",
	  NULL },
	{ "p empty", "example.com", R("example.com", "v=DMARC1; p="), "", "",
	  "none none - example.com", NULL },
	{ "p with a blank inside", "example.com", R("example.com", "v=DMARC1; p=re ject"),
	  "", "", "none none - example.com", NULL },
	{ "sp wrong, rua there: all of it is none", "example.com",
	  R("example.com", "v=DMARC1; p=reject; sp=x; rua=mailto:r@example.com"), "", "",
	  "fail none - example.com", NULL },
	{ "sp wrong, nobody to report to", "example.com",
	  R("example.com", "v=DMARC1; p=reject; sp=x"), "", "", "none none - example.com",
	  NULL },
	{ "np wrong: RFC 7489 does not look at it", "example.com",
	  R("example.com", "v=DMARC1; p=reject; np=x"), "", "", "none none - example.com",
	  "fail reject - example.com" },
	{ "rua that is no address", "example.com",
	  R("example.com", "v=DMARC1; rua=reports@example.com"), "", "",
	  "none none - example.com", NULL },
	{ "rua without a domain", "example.com",
	  R("example.com", "v=DMARC1; rua=mailto:r"), "", "", "none none - example.com",
	  NULL },
	{ "rua with a size limit", "example.com",
	  R("example.com", "v=DMARC1; rua=mailto:r@example.com!10m"), "", "",
	  "fail none - example.com", NULL },
	{ "one good rua among bad ones", "example.com",
	  R("example.com", "v=DMARC1; rua=nobody , mailto:r@example.com"), "", "",
	  "fail none - example.com", NULL },
	{ "rua by https", "example.com",
	  R("example.com", "v=DMARC1; rua=https://example.com/dmarc"), "", "",
	  "fail none - example.com", NULL },
	{ "a tag twice voids the record", "example.com",
	  R("example.com", "v=DMARC1; p=reject; p=none"), "", "",
	  "none none - example.com", NULL },

	/* --- DNS fails
	   -------------------------------------------------------------------------------
	 */
	{ "time-out at the author's domain", "example.com",
	  "_dmarc.example.com TXT TIMEOUT\n", "", "", "temperror none - example.com",
	  NULL },
	{ "failure at the author's domain", "example.com",
	  "_dmarc.example.com TXT SERVFAIL\n", "example.com", "",
	  "temperror none s example.com", NULL },
	{ "time-out at the organisation", "news.example.com",
	  "_dmarc.example.com TXT TIMEOUT\n", "", "", "temperror none - news.example.com",
	  "temperror none - example.com" },
	{ "time-out above, author's own record, same domain", "news.example.com",
	  R("news.example.com", "v=DMARC1; p=reject") "_dmarc.com TXT TIMEOUT\n",
	  "news.example.com", "", "pass reject s news.example.com",
	  "pass reject s example.com" },
	{ "time-out above, author's own record, another domain", "news.example.com",
	  R("news.example.com", "v=DMARC1; p=reject") "_dmarc.com TXT TIMEOUT\n", "",
	  "x.news.example.com", "temperror reject - news.example.com",
	  "pass reject d example.com" },
	{ "time-out above, strict: no doubt", "news.example.com",
	  R("news.example.com", "v=DMARC1; p=reject; adkim=s") "_dmarc.com TXT TIMEOUT\n",
	  "", "example.com", "fail reject - news.example.com",
	  "fail reject - example.com" },
	{ "time-out for a signature's domain", "example.com",
	  R("example.com", "v=DMARC1; p=reject") "_dmarc.s.example.com TXT TIMEOUT\n", "",
	  "s.example.com", "temperror reject - example.com",
	  "pass reject d example.com" },
	{ "existence not known, np matters", "news.example.com",
	  R("example.com", "v=DMARC1; p=none; np=reject") "news.example.com A TIMEOUT\n",
	  "", "", "temperror none - example.com", "fail none - example.com" },
	{ "existence not known, np does not matter", "news.example.com",
	  R("example.com",
	    "v=DMARC1; p=reject; np=reject") "news.example.com A TIMEOUT\n",
	  "", "", "fail reject - example.com", NULL },
	{ "existence not known, but it passes", "news.example.com",
	  R("example.com", "v=DMARC1; p=none; np=reject") "news.example.com A TIMEOUT\n",
	  "example.com", "", "pass none s example.com", NULL },
};

static void add_identity(GArray *identities, const char *word)
{
	struct rmt_dmarc_identity identity = { .result = RMT_DMARC_AUTH_PASS };

	if (g_str_has_prefix(word, "temp:"))
		identity.result = RMT_DMARC_AUTH_TEMPERROR;
	else if (g_str_has_prefix(word, "no:"))
		identity.result = RMT_DMARC_AUTH_OTHER;
	identity.domain = rmt_span_of(strchr(word, ':') ? strchr(word, ':') + 1 : word);
	g_array_append_val(identities, identity);
}

static GArray *identities_of(char **words)
{
	GArray *identities = g_array_new(FALSE, FALSE, sizeof(struct rmt_dmarc_identity));

	for (; *words != NULL; words++)
		if (**words != '\0')
			add_identity(identities, *words);
	return identities;
}

static char *text_of(const struct rmt_dmarc_view *view)
{
	return g_strdup_printf("%s %s %s%s%s %.*s", rmt_dmarc_verdict_name(view->verdict),
			       rmt_dmarc_policy_name(view->disposition),
			       view->spf_aligned ? "s" : "",
			       view->dkim_aligned ? "d" : "",
			       view->spf_aligned || view->dkim_aligned ? "" : "-",
			       RMT_SPAN_ARGS(view->org_domain));
}

static void check_view(const struct row *row, const char *which,
		       const struct rmt_dmarc_view *view, const char *want)
{
	g_autofree char *got = text_of(view);

	if (strcmp(got, want) != 0)
		fail_msg("%s, %s: wanted '%s', got '%s'", row->name, which, want, got);
}

static void check_row(struct rmt_dmarc *dmarc, const struct rmt_psl *psl,
		      const struct row *row)
{
	g_auto(GStrv) spf_words = g_strsplit(row->spf, " ", -1);
	g_auto(GStrv) dkim_words = g_strsplit(row->dkim, " ", -1);
	g_autoptr(GArray) spf = identities_of(spf_words);
	g_autoptr(GArray) dkim = identities_of(dkim_words);
	g_autoptr(rmt_zone) zone = rmt_zone_new();
	struct rmt_dmarc_query query = {
		.from = rmt_span_of(row->from),
		.dkim = (const void *)dkim->data,
		.dkim_count = dkim->len,
		.psl = psl,
	};
	g_autoptr(GError) err = NULL;

	if (spf->len > 0)
		query.spf = g_array_index(spf, struct rmt_dmarc_identity, 0);
	if (!rmt_zone_add_text(zone, row->name, rmt_span_of(row->zone), &err))
		fail_msg("%s", err->message);
	rmt_zone_run(zone, rmt_dmarc_start(dmarc, &query));
	check_view(row, "tree", &rmt_dmarc_result(dmarc)->tree, row->tree);
	if (psl != NULL)
		check_view(row, "psl", &rmt_dmarc_result(dmarc)->psl,
			   row->psl != NULL ? row->psl : row->tree);
	if (psl != NULL && row->psl != NULL)
		assert_true(rmt_dmarc_result(dmarc)->divergent ||
			    strcmp(row->psl, row->tree) == 0);
}

static void policy_and_alignment_follow_both_rfcs(void **state)
{
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	g_autoptr(rmt_psl) psl = rmt_psl_open();
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++)
		check_row(dmarc, psl, &rows[i]);
}

static void without_a_list_there_is_one_view(void **state)
{
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		check_row(dmarc, NULL, &rows[i]);
		assert_false(rmt_dmarc_result(dmarc)->divergent);
	}
}

static unsigned questions_for(const char *from, const char *dkim)
{
	struct rmt_dmarc_identity identity = { rmt_span_of(dkim), RMT_DMARC_AUTH_PASS };
	struct rmt_dmarc_query query = { .from = rmt_span_of(from),
					 .dkim = &identity,
					 .dkim_count = 1 };
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	g_autoptr(rmt_zone) zone = rmt_zone_new();

	rmt_zone_run(zone, rmt_dmarc_start(dmarc, &query));
	return rmt_dmarc_result(dmarc)->questions;
}

static void a_walk_asks_eight_times_at_most(void **state)
{
	static const struct {
		const char *from, *dkim;
		unsigned want;
	} cases[] = {
		{ "com", "", 1 },
		{ "example.com", "example.com", 2 },
		{ "a.b.c.d.e.f.example.com", "", 8 },
		{ "a.b.c.d.e.f.g.example.com", "", 8 },
		{ "a.b.c.d.e.f.g.h.i.j.k.l.m.example.com", "", 8 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_int_equal(questions_for(cases[i].from, cases[i].dkim),
				 cases[i].want);
}

static void a_walk_is_told_ahead(void **state)
{
	struct rmt_dmarc_query query = { .from = RMT_SPAN("a.b.example.com") };
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	struct rmt_asker *asker = rmt_dmarc_start(dmarc, &query);

	(void)state;
	assert_true(asker->waits);
	assert_true(
		rmt_span_eq(asker->question.name, RMT_SPAN("_dmarc.a.b.example.com")));
	assert_int_equal(asker->hint_count, 3);
	assert_true(rmt_span_eq(asker->hints[2].name, RMT_SPAN("_dmarc.com")));
}

static void walks_visit_names_as_rfc_9989_lists_them(void **state)
{
	struct rmt_span names[RMT_WALK_MAX];

	(void)state;
	/* The example of section 4.10. */
	assert_int_equal(
		rmt_walk_names(RMT_SPAN("a.b.c.d.e.f.g.h.i.j.mail.example.com"), names),
		8);
	assert_true(rmt_span_eq(names[1], RMT_SPAN("g.h.i.j.mail.example.com")));
	assert_true(rmt_span_eq(names[7], RMT_SPAN("com")));
	assert_int_equal(rmt_walk_names(RMT_SPAN("com"), names), 1);
	assert_int_equal(rmt_walk_names(RMT_SPAN(""), names), 0);
}

static void a_list_tells_suffixes_from_organisations(void **state)
{
	static const struct {
		const char *name, *org;
		bool is_suffix;
	} cases[] = {
		{ "example.com", "example.com", false },
		{ "a.b.example.com", "example.com", false },
		{ "com", "com", true },
		{ "a.example.co.uk", "example.co.uk", false },
		{ "co.uk", "co.uk", true },
		{ "a.b.github.io", "b.github.io", false },
		{ "www.xn--85x722f.com.cn", "xn--85x722f.com.cn", false },
	};
	g_autoptr(rmt_psl) psl = rmt_psl_open();
	size_t i;

	(void)state;
	if (psl == NULL) {
		print_message("no list of public suffixes on this machine\n");
		skip();
	}
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rmt_span name = rmt_span_of(cases[i].name);

		assert_true(
			rmt_span_eq(rmt_psl_org(psl, name), rmt_span_of(cases[i].org)));
		assert_int_equal(rmt_psl_is_suffix(psl, name), cases[i].is_suffix);
	}
	assert_true(rmt_psl_date(psl) > 1500000000);
}

static void hostile_input_comes_to_an_end(void **state)
{
	g_autoptr(GArray) identities =
		g_array_new(FALSE, FALSE, sizeof(struct rmt_dmarc_identity));
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	g_autoptr(rmt_zone) zone = rmt_zone_new();
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *longest = g_strnfill(100000, '.');
	struct rmt_dmarc_query query = { .from = RMT_SPAN("example.com") };
	int i;

	(void)state;
	assert_true(rmt_zone_add(
		zone, RMT_SPAN("_dmarc.example.com TXT \"v=DMARC1; p=reject\""), NULL));
	for (i = 0; i < 10000; i++) {
		struct rmt_dmarc_identity identity = { .result = RMT_DMARC_AUTH_PASS };

		g_ptr_array_add(names, g_strdup_printf("a.b.c.d%d.e.f.g.example.com", i));
		identity.domain = rmt_span_of(names->pdata[i]);
		g_array_append_val(identities, identity);
	}
	query.dkim = (const void *)identities->data;
	query.dkim_count = identities->len;
	rmt_zone_run(zone, rmt_dmarc_start(dmarc, &query));
	assert_int_equal(rmt_dmarc_result(dmarc)->tree.verdict, RMT_DMARC_PASS);
	assert_true(rmt_dmarc_result(dmarc)->questions < 300);
	query.from = rmt_span_of(longest);
	query.dkim_count = 0;
	rmt_zone_run(zone, rmt_dmarc_start(dmarc, &query));
	assert_int_equal(rmt_dmarc_result(dmarc)->tree.verdict, RMT_DMARC_NO_POLICY);
	assert_non_null(rmt_dmarc_result(dmarc)->tree.problem);
}

/* "none" alone would not say why. */
static void several_records_are_told_of(void **state)
{
	static const char *const records[] = {
		"_dmarc.example.com TXT \"v=DMARC1; p=reject\"",
		"_dmarc.example.com TXT \"v=DMARC1; p=none\"",
	};
	struct rmt_dmarc_query query = { .from = RMT_SPAN("example.com") };
	g_autoptr(rmt_dmarc) dmarc = rmt_dmarc_new();
	g_autoptr(rmt_zone) zone = rmt_zone_new();
	g_autoptr(rmt_psl) psl = rmt_psl_open();
	size_t i;

	(void)state;
	query.psl = psl;
	for (i = 0; i < G_N_ELEMENTS(records); i++) {
		assert_true(rmt_zone_add(zone, rmt_span_of(records[i]), NULL));
		rmt_zone_run(zone, rmt_dmarc_start(dmarc, &query));
		if (i == 0)
			assert_null(rmt_dmarc_result(dmarc)->tree.problem);
	}
	assert_non_null(strstr(rmt_dmarc_result(dmarc)->tree.problem, "several"));
	if (psl != NULL)
		assert_non_null(strstr(rmt_dmarc_result(dmarc)->psl.problem, "several"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_and_alignment_follow_both_rfcs),
		cmocka_unit_test(without_a_list_there_is_one_view),
		cmocka_unit_test(a_walk_asks_eight_times_at_most),
		cmocka_unit_test(a_walk_is_told_ahead),
		cmocka_unit_test(walks_visit_names_as_rfc_9989_lists_them),
		cmocka_unit_test(a_list_tells_suffixes_from_organisations),
		cmocka_unit_test(hostile_input_comes_to_an_end),
		cmocka_unit_test(several_records_are_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
