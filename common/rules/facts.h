/* SPDX-License-Identifier: MIT */
/* facts.h - all that DNS tells about a sending domain.
 *
 *	struct rmt_facts *facts = rmt_facts_new(&query);
 *
 *	rmt_facts_add_egress(facts, &ip, "mail.example.com");
 *	rmt_facts_add_selector(facts, "s2026");
 *	while ((askers = rmt_facts_ask(facts)) != NULL)
 *		run all of askers until they are done	// dns.h; twice
 *	rmt_rules_domain(facts, &findings);		// domain.h
 *	rmt_facts_free(facts);
 *
 * All questions of a round go out at once; the second round needs what the first
 * found: names of PTR records, hosts of MX records.
 */
#ifndef RMT_FACTS_H
#define RMT_FACTS_H

#include "common/auth/dkim_public.h"
#include "common/auth/dmarc.h"
#include "common/auth/spf.h"
#include "common/rules/reach.h"
#include "common/rules/spf_survey.h"
#include "common/rules/transport.h"

enum {
	RMT_FACTS_NAMES_MAX = 10,   /* of a PTR */
	RMT_FACTS_REPORTS_MAX = 10, /* domains that DMARC's reports go to */
};

/* What is to be asked for. */
enum rmt_facts_part {
	RMT_FACTS_SPF = 1 << 0,  /* for every egress, and the whole record */
	RMT_FACTS_KEYS = 1 << 1, /* selectors */
	RMT_FACTS_DMARC = 1 << 2,
	RMT_FACTS_PTR = 1 << 3,      /* and HELO names */
	RMT_FACTS_NAMES = 1 << 4,    /* MX, addresses, SOA */
	RMT_FACTS_OPTIONAL = 1 << 5, /* BIMI, MTA-STS, DANE, where reports go, ... */
	RMT_FACTS_ALL = (1 << 6) - 1,
};

struct rmt_facts_query {
	const char *domain;    /* of From; any case, U-labels too */
	const char *mail_from; /* an address; NULL: postmaster@domain; "": null sender */
	const char *helo;      /* for the null sender */
	const char *dkim_domain; /* d= of signatures; NULL: domain */
	unsigned parts;          /* enum rmt_facts_part; 0: all. Rules about what was not
				  * asked for must not be judged */
	int64_t now;
	const struct rmt_psl *psl;         /* foreign; NULL: no older view */
	const struct rmt_dkim_public *key; /* foreign; NULL: none to compare with */
	/* Foreign: the files a BIMI record names, where they are at hand; p NULL: not. */
	struct rmt_span bimi_logo, bimi_mark;
	struct rmt_span bimi_roots; /* certificates that mark certificates must end in */
	struct rmt_span mta_sts;    /* the policy's text */
	bool can_verify;            /* answers are validated by DNSSEC */
};

/* An address mail leaves from. */
struct rmt_egress_facts {
	struct rmt_ip ip;
	char *address;       /* own */
	char *helo;          /* own; NULL: not known */
	struct rmt_spf *spf; /* own; result for mail_from */
	struct rmt_lookup ptr;
	GPtrArray *names; /* own; struct rmt_lookup: addresses of PTR's names */
	struct rmt_lookup helo_address;
};

struct rmt_selector_facts {
	char *name;    /* own */
	bool is_guess; /* one that many use; nobody named it */
	struct rmt_lookup txt;
	enum rmt_dkim_reason reason; /* RMT_DKIM_OK: a key that can be used */
	enum rmt_dkim_type type;
	unsigned bits;
	bool testing;
	bool is_our_key; /* that of query.key */
};

/* A domain that DMARC's reports are to be mailed to. */
struct rmt_report_facts {
	char *domain;             /* own; folded */
	bool is_foreign;          /* of another organisation, so it must agree */
	struct rmt_lookup permit; /* where it does (RFC 9990, 4; RFC 7489, 7.1) */
	struct rmt_lookup mx, a;  /* whether mail gets there */
};

struct rmt_facts {
	char *domain;           /* own; folded: lower case A-labels */
	char *mail_from_domain; /* own; folded; "" for the null sender */
	char *mail_from, *helo; /* own */
	char *dkim_domain;      /* own; folded */
	unsigned parts;
	int64_t now;
	const struct rmt_psl *psl;            /* foreign */
	const struct rmt_dkim_public *key;    /* foreign */
	struct rmt_span bimi_logo, bimi_mark; /* foreign, as the next */
	struct rmt_span bimi_roots;
	struct rmt_spf_survey survey; /* of mail_from_domain */
	struct rmt_lookup txt;        /* of domain itself; with OPTIONAL, as bimi */
	struct rmt_dmarc *dmarc;      /* own; as if SPF had passed for domain */
	struct rmt_lookup dmarc_txt;  /* at _dmarc.domain itself */
	struct rmt_reach reach;       /* of domain */
	struct rmt_transport transport;
	struct rmt_lookup dkim_node; /* _domainkey.domain: is anything below it? */
	struct rmt_lookup bimi, bimi_org;
	GPtrArray *reports;   /* own; struct rmt_report_facts */
	GPtrArray *egress;    /* own; struct rmt_egress_facts */
	GPtrArray *selectors; /* own; struct rmt_selector_facts */
	bool selectors_named; /* not just guessed */
	unsigned round;       /* private, as what follows */
	GPtrArray *askers;
};

/* query is copied, but for psl and key. */
struct rmt_facts *rmt_facts_new(const struct rmt_facts_query *query);
void rmt_facts_free(struct rmt_facts *facts);
typedef struct rmt_facts rmt_facts; /* for g_autoptr(rmt_facts) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_facts, rmt_facts_free)

/* Before the first question. helo may be NULL. */
void rmt_facts_add_egress(struct rmt_facts *facts, const struct rmt_ip *ip,
			  const char *helo);
void rmt_facts_add_selector(struct rmt_facts *facts, const char *selector);

/* The next round: struct rmt_asker, facts' own, valid until the next call. NULL:
 * all is known. Without a selector, those that many use are tried. */
GPtrArray *rmt_facts_ask(struct rmt_facts *facts);

/* --- what follows at once ----------------------------------------------------------- */

/* The name that leads to the address and back, or NULL. known_r: false where DNS
 * did not answer, so that it may yet exist. */
const char *rmt_egress_name(const struct rmt_egress_facts *egress, bool *known_r);

/* How long what was found may be relied on; 0: DNS did not answer something. */
uint32_t rmt_facts_ttl(const struct rmt_facts *facts);

/* The domain says that no mail comes from it: v=spf1 -all, and no egress is named. */
bool rmt_facts_parked(const struct rmt_facts *facts);

#endif
