/* SPDX-License-Identifier: MIT */
/* config.h - remite.conf as the programs see it.
 *
 * One file, read by all programs (libconfig syntax), one table of settings in
 * settings.c. A configuration is immutable once read and counted by reference:
 * a message ends under the one it began with.
 *
 *	GPtrArray *complaints;
 *	struct rmt_config *config = rmt_config_read(path, &complaints);
 *	if (config == NULL)
 *		print every string of complaints: "remite.conf:14: limit 'day': ..."
 *	...
 *	rmt_config_unref(config);
 */
#ifndef RMT_CONFIG_H
#define RMT_CONFIG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/config/list.h"
#include "common/message/addr.h"

#define RMT_CONFIG_DEFAULT_FILE "/etc/remite/remite.conf"

enum rmt_mode {
	RMT_MODE_REPORT, /* decide, log, count "would have"; change nothing */
	RMT_MODE_ENFORCE,
};

enum rmt_action {
	RMT_ACTION_DUNNO,  /* nothing against it */
	RMT_ACTION_REPORT, /* over the limit: say so, let pass, do not add */
	RMT_ACTION_DEFER,
	RMT_ACTION_REJECT,
	RMT_ACTION_HOLD,    /* takes the whole message */
	RMT_ACTION_DISCARD, /* takes the whole message, and loses it */
};

enum rmt_unit { RMT_UNIT_MESSAGES, RMT_UNIT_RECIPIENTS, RMT_UNIT_BYTES };

/* What a limit counts by: bits of rmt_limit.per, joined by '+' in the setting. */
enum rmt_per {
	RMT_PER_STREAM = 1 << 0,
	RMT_PER_SASL_USER = 1 << 1,
	RMT_PER_SENDER = 1 << 2,
	RMT_PER_SENDER_DOMAIN = 1 << 3,
	RMT_PER_CLIENT = 1 << 4,
	RMT_PER_RECIPIENT = 1 << 5,
	RMT_PER_RECIPIENT_DOMAIN = 1 << 6,
	RMT_PER_OF_RECIPIENT = RMT_PER_RECIPIENT | RMT_PER_RECIPIENT_DOMAIN,
};

/* "1000/minute" with burst (GCRA), or "200000/day" in any window. */
struct rmt_amount {
	bool is_quota;
	uint64_t count; /* units per period */
	uint64_t period_ns;
	uint64_t burst; /* rates: units at once, at least 1; default: count */
};

struct rmt_limit {
	char *name;    /* own; unique in its stream */
	char *id;      /* own; "stream/name", stable: part of the counter's key */
	uint16_t line; /* in the configuration file */
	unsigned per;  /* enum rmt_per */
	enum rmt_unit of;
	struct rmt_amount amount;
	GHashTable *overrides; /* own; char *key value (folded) -> struct rmt_amount *;
				  NULL if none */
	GStringChunk *override_keys; /* own; what the keys of overrides point to */
	GPtrArray *override_amounts; /* own; what its values point to */
	struct rmt_list
		*exempt; /* own; key values this limit does not concern; or NULL */
	struct rmt_list
		*recipient_domains; /* own; only for recipients there; NULL: any */
	enum rmt_action action;
	char *text; /* own; reply text with placeholders, or NULL for the default one */
};

/* What is done about a rule that does not hold; each includes those before it. */
enum rmt_level {
	RMT_LEVEL_OFF,
	RMT_LEVEL_LOG,
	RMT_LEVEL_HEADER, /* a field is added */
	RMT_LEVEL_DEFER,
	RMT_LEVEL_REJECT,
};

/* Rules about a message come in groups, each with a level per stream. */
enum rmt_rule_group {
	RMT_RULES_FROM,        /* one From that everybody reads the same */
	RMT_RULES_HYGIENE,     /* RFC 5322 */
	RMT_RULES_ALIGN,       /* SPF or DKIM vouches for the domain in From */
	RMT_RULES_BULK,        /* SPF and DKIM both pass */
	RMT_RULES_UNSUBSCRIBE, /* RFC 8058 */
	RMT_RULES_SIZES,       /* of the header */
	RMT_RULES_DOMAINS,     /* of From, return path, Reply-To: found, and answered */
	RMT_RULES_COUNT,
};

/* What a sender's domain must have, known from DNS alone (`require`). */
enum rmt_requirement {
	RMT_REQUIRE_SPF,        /* R2: passes for every egress address */
	RMT_REQUIRE_SPF_RECORD, /* R3 */
	RMT_REQUIRE_DKIM,       /* R4: a key under one of the stream's selectors */
	RMT_REQUIRE_DMARC,      /* R5: a record */
	RMT_REQUIRE_PTR,        /* R9, of every egress address */
	RMT_REQUIRE_FREE_MAIL,  /* R8: not a mailbox provider's */
	RMT_REQUIRE_EXISTS,     /* R17 */
	RMT_REQUIRE_REPLY,      /* R18 */
	RMT_REQUIRE_SCRIPTS,    /* R19 */
	RMT_REQUIRE_COUNT,
};

/* For which domains a user who logged in may send. */
struct rmt_binding {
	int level;         /* enum rmt_level; OFF: nobody is bound */
	int align;         /* enum rmt_align */
	GHashTable *users; /* own; char *user -> GPtrArray of char *domain, folded; or
			      NULL */
};
enum rmt_align { RMT_ALIGN_RELAXED, RMT_ALIGN_STRICT };

struct rmt_signing {
	char **selectors; /* own; s= of the stream's signatures; NULL: none named */
	char *domain;     /* own; d= of them; NULL: the sender's domain */
	bool learn;       /* those that remite-milter saw, too */
};

/* How mail of a stream offers to be left (RFC 2369, RFC 8058). */
enum rmt_unsubscribe_add {
	RMT_UNSUBSCRIBE_BY_POLICYD, /* PREPEND at DATA */
	RMT_UNSUBSCRIBE_BY_MILTER,  /* in front of the signer */
	RMT_UNSUBSCRIBE_BY_NOBODY,  /* the application does; we answer its links */
};
enum rmt_unsubscribe_own { RMT_OWN_KEEP, RMT_OWN_REPLACE };
enum rmt_unsubscribe_several { RMT_SEVERAL_REJECT, RMT_SEVERAL_MAILTO };
enum rmt_unsubscribe_scope { RMT_SCOPE_STREAM, RMT_SCOPE_CLASS, RMT_SCOPE_ALL };

struct rmt_unsubscribe {
	char *https;        /* own; what stands in front of the token; or NULL */
	char *mailto;       /* own; or NULL; neither: the stream has no unsubscribe */
	int add;            /* enum rmt_unsubscribe_add */
	int own;            /* enum rmt_unsubscribe_own: fields the application brought */
	int several;        /* enum rmt_unsubscribe_several: more than one recipient */
	int scope;          /* enum rmt_unsubscribe_scope: of the suppression */
	char **lists;       /* own; ids for the list software; or NULL */
	char *title, *logo; /* own; UTF-8, for the page; or NULL */
	char *webhook, *webhook_secret; /* own; URL, and file of the secret; or NULL */
};

/* The envelope sender we make (common/token/verp.h). */
struct rmt_return_setting {
	bool keep;       /* the application makes its own */
	char *address;   /* own; lower case; NULL: what the client says stays */
	unsigned ids;    /* 0 to 3: stream; stream, message; stream, list, message */
	char *id;        /* own; the stream's */
	bool xverp;      /* Postfix appends each of several recipients */
	uint64_t age_ns; /* how old a return path may be */
};

/* Shares, by Wald's sequential test (common/feedback/breaker.h). */
struct rmt_pause_test {
	double accept, pause; /* below it all is well; from it on the stream pauses */
};

struct rmt_pause {
	bool on; /* the file has the group: else what would pause is only said */
	struct rmt_pause_test complaints, bounces;
	struct rmt_pause_test unsubscribes; /* never pauses alone */
};

struct rmt_feedback_config {
	char *authserv_id;   /* own; whose Authentication-Results are believed; or NULL */
	char **loops;        /* own; domains that sign complaints */
	unsigned soft_times; /* so many full or closed mailboxes in ... */
	uint64_t soft_ns;    /* ... this time suppress */
	uint64_t dead_ns, full_ns, inactive_ns; /* how long an entry stands */
	uint64_t keep_ns; /* how long events and sent mail are remembered */
};

struct rmt_egress {
	char *name;       /* own */
	char **addresses; /* own; literals */
	char *helo;       /* own; or NULL */
	char *transport;  /* own; Postfix's transport:nexthop; or NULL */
};

struct rmt_stream {
	char *name;     /* own */
	char *class;    /* own; stream class, default: the stream's name */
	unsigned index; /* in rmt_config.streams */
	/* Conditions: NULL where none; kinds are ANDed. */
	struct rmt_list *senders, *sender_domains, *sasl_users, *clients, *client_certs,
		*helo, *policy_contexts;
	enum rmt_mode mode;              /* own, or the configuration's */
	const struct rmt_egress *egress; /* foreign; or NULL */
	bool egress_by_filter; /* answer FILTER at DATA instead of sender_dependent_... */
	GPtrArray *limits;     /* own; struct rmt_limit, in the file's order */
	char **suppress; /* own; reasons that bar a recipient; NULL: every reason; empty:
			    none */
	enum rmt_action suppress_action; /* REJECT unless set */
	char **headers; /* own; a condition: "Name: value", "Name"; NULL where none */
	int rules[RMT_RULES_COUNT]; /* enum rmt_level */
	struct rmt_return_setting return_path;
	struct rmt_pause pause;
	int require[RMT_REQUIRE_COUNT]; /* enum rmt_level, but HEADER */
	bool requires;                  /* any of them is above OFF */
	bool gated;                     /* requires, or binds its users */
	int on_unknown; /* LOG: mail passes while DNS says nothing; or DEFER */
	struct rmt_signing dkim;
	struct rmt_binding binding;
	struct rmt_unsubscribe unsubscribe;
};

static inline bool rmt_has_unsubscribe(const struct rmt_stream *stream)
{
	return stream->unsubscribe.https != NULL || stream->unsubscribe.mailto != NULL;
}

/* Whose domain SPF is asked about, where the stream's return path is ours; or NULL. */
static inline const char *rmt_return_address(const struct rmt_stream *stream)
{
	return stream->return_path.keep ? NULL : stream->return_path.address;
}

struct rmt_policyd_config {
	char **listen; /* own; "unix:/path" or "inet:host:port" */
	unsigned socket_mode;
	char *socket_owner, *socket_group; /* own; or NULL */
	char *control; /* own; path of the socket that `remite` talks to */
	char *metrics; /* own; "host:port", or NULL */
	char *record;  /* own; file that takes every request, or NULL */
	enum rmt_action
		trouble_action; /* answer on our own trouble: DUNNO, DEFER, REJECT */
	uint64_t reserve_timeout_ns, idle_timeout_ns, request_timeout_ns;
	unsigned max_connections;
	size_t max_request; /* octets */
	char **stages;      /* own; NULL: learned from what Postfix asks; else of "RCPT",
			       "DATA", "END-OF-MESSAGE" */
	bool log_passed;    /* a line also for what passes within all limits */
};

struct rmt_milter_config {
	/* Own; "unix:/path" or "inet:host:port"; NULL: none. */
	char *before;  /* in front of the signer */
	char *after;   /* behind it */
	char *inbound; /* on an MX */
	unsigned socket_mode;
	char *socket_owner, *socket_group; /* own; or NULL */
	enum rmt_action trouble_action;    /* on our own trouble: DUNNO or DEFER */
	uint64_t deadline_ns;              /* for all DNS of a message */
	char *metrics;                     /* own; "host:port", or NULL */
	bool log_passed; /* a line also for what nothing is wrong with */
};

struct rmt_dns_config {
	char **servers;       /* own; "192.0.2.53", "::1@5353"; NULL: resolv.conf's */
	char *trust_anchors;  /* own; a file; NULL: answers are not validated */
	uint64_t deadline_ns; /* for all questions about a domain */
	uint64_t ttl_max_ns, negative_ttl_max_ns;
	uint64_t stale_ns;    /* what is known of own domains holds so long without DNS */
	unsigned domains_max; /* that are remembered */
};

enum rmt_receipt_policy {
	RMT_RECEIPTS_NONE,         /* nobody is told, nobody asks */
	RMT_RECEIPTS_ORGANIZATION, /* own_domains and those in allow */
	RMT_RECEIPTS_ANYONE,       /* always asking the user */
};

/* What may differ between units (docs/receipts.md, G04). */
struct rmt_receipt_rules {
	bool has_policy, has_prompt, has_deleted; /* set here, not only elsewhere */
	enum rmt_receipt_policy policy;
	struct rmt_list *allow; /* own; NULL: not set here */
	bool prompt;            /* ask each time */
	bool deleted;           /* tell also of mail deleted unread */
};

/* An organisational unit: users one way or another. */
struct rmt_receipt_unit {
	char *name;               /* own */
	struct rmt_list *users;   /* own; login names; or NULL */
	struct rmt_list *groups;  /* own; or NULL */
	struct rmt_list *domains; /* own; of the login name or first address; or NULL */
	struct rmt_receipt_rules rules;
};

/* What is done with receipts that clients send on their own, against policy. */
enum rmt_receipt_police {
	RMT_POLICE_OFF, /* let all pass, count what would be done */
	RMT_POLICE_DISCARD,
	RMT_POLICE_REFUSE,
};

struct rmt_receipts_config {
	bool configured; /* a policy was written down; else nothing is touched */
	struct rmt_receipt_rules rules; /* of everybody */
	GPtrArray *units;               /* own; struct rmt_receipt_unit */
	bool google_compatible;
	char **authserv_ids; /* own; or NULL: nothing is known of authenticity */
	uint64_t max_age_ns; /* older mail is not answered */
	struct rmt_amount user_limit, target_limit, sender_limit; /* quotas */
	char *templates;    /* own; folder; or NULL: those installed */
	char *language;     /* own */
	char *reporting_ua; /* own; "": the field is left out */
	uint64_t round_date_ns;
	bool hide_automation, return_headers;
	GHashTable *addresses; /* own; char *login -> GPtrArray of char *address; or
				  NULL: no table */
	enum rmt_receipt_police police;
	bool strip_requests;
};

/* Leaving a list in a user's name: the mailbox side of RFC 8058. */
struct rmt_unsubscribing {
	struct rmt_list *allow, *deny; /* own; networks; or NULL */
	char **ports;                  /* own; decimal */
	char *worker;                  /* own; socket of remite-unsubscribe */
	char *ca_file;                 /* own; NULL: the system's */
	char **own_hosts;        /* own; whose Received may stand above our record; NULL:
				    it is not believed */
	bool require_alignment;  /* d= is of From's organisation */
	uint64_t timeout_ns;     /* for one POST */
	unsigned tries;          /* POSTs for a message at most */
	unsigned per_host;       /* POSTs to one host within a minute */
	unsigned many;           /* messages at once that are asked about first */
	uint64_t retry_after_ns; /* and twice that before the third */
	uint64_t still_after_ns; /* a message of the list after that is worth a word */
};

/* How mail of our own (receipts, questions to users) is handed to the mail server. */
enum rmt_submission_tls {
	RMT_TLS_AUTO,     /* STARTTLS, but none to this machine's loopback */
	RMT_TLS_STARTTLS, /* demanded, and the certificate checked */
	RMT_TLS_IMPLICIT, /* from the first octet (port 465), checked */
	RMT_TLS_NONE,
};

struct rmt_submission_config {
	char *sendmail; /* own; program; NULL: by SMTP */
	char *host;     /* own */
	unsigned port;
	int tls;             /* enum rmt_submission_tls */
	char *ca;            /* own; file of certificates; NULL: the system's */
	char *user;          /* own; or NULL: no authentication */
	char *password_file; /* own; or NULL */
	char *helo;          /* own; or NULL: the host's name */
	uint64_t timeout_ns; /* for one message */
	unsigned connections;
};

struct rmt_agent_config {
	char **accounts; /* own; system accounts that speak for every user */
	char *host;      /* own; right side of Message-IDs, domain of prompts; or NULL */
	uint64_t give_up_ns; /* what could not be submitted for so long */
	uint64_t claims_kept_ns, audit_kept_ns;
};

enum rmt_prompt_mail { RMT_PROMPT_EACH, RMT_PROMPT_DIGEST, RMT_PROMPT_OFF };

struct rmt_prompts_config {
	int mail;           /* enum rmt_prompt_mail */
	uint64_t digest_ns; /* so often at most */
	uint64_t expire_ns; /* unanswered for so long is no */
	char *link;         /* own; https URL up to the token; NULL: no links */
	char *from;         /* own; address the question comes from; or NULL */
	unsigned per_day;   /* questions by mail to a user; more wait for the next */
};

struct rmt_http_config {
	struct rmt_list *proxies; /* own; networks whose word of the client is believed;
				     or NULL */
	char *forwarded;          /* own; the field that holds it; or NULL */
	char *rate_text;          /* own; as written */
	struct rmt_amount rate;   /* of requests per source */
	size_t max_body;          /* octets */
	uint64_t undo_ns;         /* how long an unsubscribe can be taken back */
};

struct rmt_config {
	int refs;
	char *file;                   /* own */
	char **organization;          /* own; folded domains */
	struct rmt_list *own_domains; /* own; recipients there are not charged unless
					 charge_own_domains */
	bool charge_own_domains, charge_null_sender;
	enum rmt_mode mode;
	char *state; /* own; directory */
	char *keys;  /* own; file of the key ring */
	struct rmt_feedback_config feedback;
	struct rmt_policyd_config policyd;
	struct rmt_milter_config milter;
	struct rmt_dns_config dns;
	struct rmt_receipts_config receipts;
	struct rmt_unsubscribing unsubscribing;
	struct rmt_submission_config submission;
	struct rmt_agent_config agent;
	struct rmt_prompts_config prompts;
	struct rmt_http_config http;
	struct rmt_fold *fold; /* own */
	GPtrArray *egresses;   /* own; struct rmt_egress */
	GPtrArray
		*streams; /* own; struct rmt_stream; the last one is the default stream */
	char *dump;       /* own; for rmt_config_dump() */
};

/* Reads and checks the file and all it names. NULL on any error; complaints_r
 * gets every complaint of the run, warnings among them also on success (own:
 * g_ptr_array_unref). path NULL: the built-in default, report mode. */
struct rmt_config *rmt_config_read(const char *path, GPtrArray **complaints_r);

/* The same for a text; name stands for the file in complaints. */
struct rmt_config *rmt_config_read_text(const char *name, const char *text,
					GPtrArray **complaints_r);

/* Where a running policyd is asked: policyd.control. It runs on with what it read before
 * the file got errors, so they are no hindrance here (whole_r: there are none): what can
 * be read of the file counts, else the default. complaints_r as above. Own. */
char *rmt_config_read_control(const char *path, bool *whole_r, GPtrArray **complaints_r);

struct rmt_config *rmt_config_ref(struct rmt_config *config);
void rmt_config_unref(struct rmt_config *config);
typedef struct rmt_config rmt_config; /* for g_autoptr(rmt_config) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_config, rmt_config_unref)

/* Addresses of a login name by receipts.addresses, the usual one first; NULL: the
 * table does not know it. NULL-ended. */
const char *const *rmt_config_addresses(const struct rmt_config *config,
					const char *login);

/* By name; NULL if there is none. */
const struct rmt_stream *rmt_config_stream(const struct rmt_config *config,
					   const char *name);

/* Values by themselves, for commands and files. The sentence says what to write. */
bool rmt_parse_amount(struct rmt_span text, bool is_quota, struct rmt_amount *amount_r,
		      GError **err); /* 1000/minute, 200k/day, 5M/30d */
bool rmt_parse_duration(struct rmt_span text, uint64_t *ns_r,
			GError **err); /* 30s, 10m, 7d */
bool rmt_parse_share(struct rmt_span text, double *share_r, GError **err); /* 0.3% */

/* "stream", "sasl_user+recipient_domain", ... */
void rmt_per_format(unsigned per, GString *out);
const char *rmt_action_name(enum rmt_action action); /* "defer", ... */
const char *rmt_unit_name(enum rmt_unit unit);       /* "recipients", ... */
const char *rmt_level_name(enum rmt_level level);    /* "header", ... */
const char *rmt_requirement_name(enum rmt_requirement requirement); /* "spf", ... */

/* The table itself, for `remite check-config --dump`, the example and lint:
 * one line per setting, "path<TAB>type<TAB>default<TAB>help". */
void rmt_settings_list(GString *out);

/* The configuration as read, defaults filled in, in the file's own syntax. */
void rmt_config_dump(const struct rmt_config *config, GString *out);

#endif
