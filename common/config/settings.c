/* SPDX-License-Identifier: MIT */
/* The table: one row per setting of remite.conf. A new setting is one row here
 * and one line in docs/man/remite.conf.5; reading, checking, dump and lint
 * follow. Defaults are written in the file's own syntax. */
#include <stddef.h>

#include "common/config/reader.h"

#define END                                                                              \
	{                                                                                \
		.name = NULL                                                             \
	}

static const struct rmt_choice modes[] = {
	{ "report", RMT_MODE_REPORT },
	{ "enforce", RMT_MODE_ENFORCE },
	{ NULL, 0 },
};

static const struct rmt_choice limit_actions[] = {
	{ "report", RMT_ACTION_REPORT },   { "defer", RMT_ACTION_DEFER },
	{ "reject", RMT_ACTION_REJECT },   { "hold", RMT_ACTION_HOLD },
	{ "discard", RMT_ACTION_DISCARD }, { NULL, 0 },
};

static const struct rmt_choice suppress_actions[] = {
	{ "report", RMT_ACTION_REPORT },
	{ "defer", RMT_ACTION_DEFER },
	{ "reject", RMT_ACTION_REJECT },
	{ NULL, 0 },
};

static const struct rmt_choice trouble_actions[] = {
	{ "dunno", RMT_ACTION_DUNNO },
	{ "defer", RMT_ACTION_DEFER },
	{ "reject", RMT_ACTION_REJECT },
	{ NULL, 0 },
};

static const struct rmt_choice milter_trouble_actions[] = {
	{ "dunno", RMT_ACTION_DUNNO },
	{ "defer", RMT_ACTION_DEFER },
	{ NULL, 0 },
};

static const struct rmt_choice levels[] = {
	{ "off", RMT_LEVEL_OFF },       { "log", RMT_LEVEL_LOG },
	{ "header", RMT_LEVEL_HEADER }, { "defer", RMT_LEVEL_DEFER },
	{ "reject", RMT_LEVEL_REJECT }, { NULL, 0 },
};

static const struct rmt_choice unknown_actions[] = {
	{ "accept", RMT_LEVEL_LOG },
	{ "defer", RMT_LEVEL_DEFER },
	{ NULL, 0 },
};

static const struct rmt_choice binding_levels[] = {
	{ "off", RMT_LEVEL_OFF },
	{ "log", RMT_LEVEL_LOG },
	{ "defer", RMT_LEVEL_DEFER },
	{ "reject", RMT_LEVEL_REJECT },
	{ NULL, 0 },
};

static const struct rmt_choice alignments[] = {
	{ "relaxed", RMT_ALIGN_RELAXED },
	{ "strict", RMT_ALIGN_STRICT },
	{ NULL, 0 },
};

static const struct rmt_choice receipt_policies[] = {
	{ "none", RMT_RECEIPTS_NONE },
	{ "organization", RMT_RECEIPTS_ORGANIZATION },
	{ "anyone", RMT_RECEIPTS_ANYONE },
	{ NULL, 0 },
};

static const struct rmt_choice polices[] = {
	{ "off", RMT_POLICE_OFF },
	{ "discard", RMT_POLICE_DISCARD },
	{ "refuse", RMT_POLICE_REFUSE },
	{ NULL, 0 },
};

static const struct rmt_choice tls_kinds[] = {
	{ "auto", RMT_TLS_AUTO },
	{ "starttls", RMT_TLS_STARTTLS },
	{ "implicit", RMT_TLS_IMPLICIT },
	{ "none", RMT_TLS_NONE },
	{ NULL, 0 },
};

static const struct rmt_choice prompt_mails[] = {
	{ "each", RMT_PROMPT_EACH },
	{ "digest", RMT_PROMPT_DIGEST },
	{ "off", RMT_PROMPT_OFF },
	{ NULL, 0 },
};

static const struct rmt_choice unsubscribe_adds[] = {
	{ "policyd", RMT_UNSUBSCRIBE_BY_POLICYD },
	{ "milter", RMT_UNSUBSCRIBE_BY_MILTER },
	{ "nobody", RMT_UNSUBSCRIBE_BY_NOBODY },
	{ NULL, 0 },
};

static const struct rmt_choice unsubscribe_owns[] = {
	{ "keep", RMT_OWN_KEEP },
	{ "replace", RMT_OWN_REPLACE },
	{ NULL, 0 },
};

static const struct rmt_choice unsubscribe_severals[] = {
	{ "reject", RMT_SEVERAL_REJECT },
	{ "mailto", RMT_SEVERAL_MAILTO },
	{ NULL, 0 },
};

static const struct rmt_choice unsubscribe_scopes[] = {
	{ "stream", RMT_SCOPE_STREAM },
	{ "class", RMT_SCOPE_CLASS },
	{ "all", RMT_SCOPE_ALL },
	{ NULL, 0 },
};

static const struct rmt_choice units[] = {
	{ "messages", RMT_UNIT_MESSAGES },
	{ "recipients", RMT_UNIT_RECIPIENTS },
	{ "bytes", RMT_UNIT_BYTES },
	{ NULL, 0 },
};

static const struct rmt_section *const no_sections[] = { NULL };

#define F(member) offsetof(struct rmt_config, member)
static const struct rmt_setting root_settings[] = {
	{ "organization", &rmt_type_strings, F(organization), .otherwise = "none",
	  .help = "domains of the organisation", .check = rmt_check_domain },
	{ "own_domains", &rmt_type_list, F(own_domains), .otherwise = "organization",
	  .help = "domains whose mail stays here: recipients there are not charged",
	  .kind = RMT_LIST_DOMAINS },
	{ "charge_own_domains", &rmt_type_bool, F(charge_own_domains), "false",
	  .help = "charge recipients in own_domains as well" },
	{ "charge_null_sender", &rmt_type_bool, F(charge_null_sender), "false",
	  .help = "charge bounces and other mail from <>" },
	{ "mode", &rmt_type_choice, F(mode), "\"report\"",
	  .help = "report: decide and log, change nothing; enforce: answer so",
	  .choices = modes },
	{ "state", &rmt_type_string, F(state), "\"/var/lib/remite\"",
	  .help = "directory of records and counters", .check = rmt_check_path },
	{ "keys", &rmt_type_string, F(keys), "\"/etc/remite/keys\"",
	  .help = "file of the secrets that links and return paths are made with",
	  .check = rmt_check_path },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_policyd_config, member)
static const struct rmt_setting policyd_settings[] = {
	{ "listen", &rmt_type_strings, F(listen),
	  "[\"unix:/var/spool/postfix/remite/policy\"]",
	  .help = "sockets Postfix asks at", .check = rmt_check_listen, .min = 1 },
	{ "socket_mode", &rmt_type_file_mode, F(socket_mode), "\"0660\"",
	  .help = "permissions of UNIX sockets Postfix asks at" },
	{ "socket_owner", &rmt_type_string, F(socket_owner),
	  .otherwise = "who runs the program", .help = "owner of these sockets",
	  .check = rmt_check_account },
	{ "socket_group", &rmt_type_string, F(socket_group), "\"postfix\"",
	  .help = "group of these sockets", .check = rmt_check_account },
	{ "control", &rmt_type_string, F(control), "\"/run/remite/policyd.ctl\"",
	  .help = "socket the command remite talks to", .check = rmt_check_socket_path },
	{ "metrics", &rmt_type_string, F(metrics), .otherwise = "none",
	  .help = "address and port of the metrics, for Prometheus",
	  .check = rmt_check_host_port },
	{ "record", &rmt_type_string, F(record), .otherwise = "none",
	  .help = "file that takes every request, for remite replay",
	  .check = rmt_check_path },
	{ "trouble_action", &rmt_type_choice, F(trouble_action), "\"dunno\"",
	  .help = "answer where remite-policyd itself is in trouble",
	  .choices = trouble_actions },
	{ "reserve_timeout", &rmt_type_duration, F(reserve_timeout_ns), "\"60s\"",
	  .help = "a message nobody asks about for so long is taken as aborted", .min = 1,
	  .max = 86400 },
	{ "idle_timeout", &rmt_type_duration, F(idle_timeout_ns), "\"1000s\"",
	  .help = "a connection without a request for so long is closed", .min = 1,
	  .max = 86400 },
	{ "request_timeout", &rmt_type_duration, F(request_timeout_ns), "\"10s\"",
	  .help = "a request must be complete within", .min = 1, .max = 3600 },
	{ "max_connections", &rmt_type_small, F(max_connections), "10000",
	  .help = "connections at the same time", .min = 1, .max = 1000000 },
	{ "max_request", &rmt_type_size, F(max_request), "\"64k\"",
	  .help = "octets of a request at most", .min = 4096, .max = 16 << 20 },
	{ "stages", &rmt_type_strings, F(stages), .otherwise = "learned from Postfix",
	  .help = "stages Postfix asks at: RCPT, DATA, END-OF-MESSAGE",
	  .check = rmt_check_stage, .min = 1 },
	{ "log_passed", &rmt_type_bool, F(log_passed), "true",
	  .help = "log a line also for what passes within all limits" },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_milter_config, member)
static const struct rmt_setting milter_settings[] = {
	{ "before", &rmt_type_string, F(before), .otherwise = "none",
	  .help = "socket of the milter that comes in front of the signer",
	  .check = rmt_check_listen },
	{ "after", &rmt_type_string, F(after), "\"unix:/var/spool/postfix/remite/after\"",
	  .help = "socket of the milter that comes behind the signer; where only inbound "
		  "is named: none",
	  .check = rmt_check_listen },
	{ "inbound", &rmt_type_string, F(inbound), .otherwise = "none",
	  .help = "socket of the milter that sees what arrives, on an MX",
	  .check = rmt_check_listen },
	{ "socket_mode", &rmt_type_file_mode, F(socket_mode), "\"0660\"",
	  .help = "permissions of the milter's UNIX sockets" },
	{ "socket_owner", &rmt_type_string, F(socket_owner),
	  .otherwise = "who runs the program", .help = "owner of these sockets",
	  .check = rmt_check_account },
	{ "socket_group", &rmt_type_string, F(socket_group), "\"postfix\"",
	  .help = "group of these sockets", .check = rmt_check_account },
	{ "trouble_action", &rmt_type_choice, F(trouble_action), "\"dunno\"",
	  .help = "answer where remite-milter itself is in trouble",
	  .choices = milter_trouble_actions },
	{ "deadline", &rmt_type_duration, F(deadline_ns), "\"2s\"",
	  .help = "time for all a message's questions to DNS", .min = 1, .max = 30 },
	{ "metrics", &rmt_type_string, F(metrics), .otherwise = "none",
	  .help = "address and port of the metrics, for Prometheus",
	  .check = rmt_check_host_port },
	{ "log_passed", &rmt_type_bool, F(log_passed), "true",
	  .help = "log a line also for messages that nothing is wrong with" },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_dns_config, member)
static const struct rmt_setting dns_settings[] = {
	{ "servers", &rmt_type_strings, F(servers), .otherwise = "those of resolv.conf",
	  .help = "name servers that are asked", .check = rmt_check_dns_server,
	  .min = 1 },
	{ "trust_anchors", &rmt_type_string, F(trust_anchors), .otherwise = "none",
	  .help = "file of DNSSEC's anchors: answers are validated",
	  .check = rmt_check_path },
	{ "deadline", &rmt_type_duration, F(deadline_ns), "\"5s\"",
	  .help = "time for all questions about a sender's domain", .min = 1, .max = 60 },
	{ "ttl_max", &rmt_type_duration, F(ttl_max_ns), "\"1h\"",
	  .help = "an answer is asked for again after this", .min = 1, .max = 86400 },
	{ "negative_ttl_max", &rmt_type_duration, F(negative_ttl_max_ns), "\"5m\"",
	  .help = "the same where nothing was found", .min = 1, .max = 300 },
	{ "stale", &rmt_type_duration, F(stale_ns), "\"7d\"",
	  .help = "what is known of own domains holds so long while DNS is down",
	  .min = 1, .max = 90 * 86400 },
	{ "domains", &rmt_type_small, F(domains_max), "100000",
	  .help = "senders' domains that are remembered", .min = 16, .max = 10000000 },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_signing, member)
static const struct rmt_setting dkim_settings[] = {
	{ "selectors", &rmt_type_strings, F(selectors), .otherwise = "not known",
	  .help = "s= of the stream's signatures", .check = rmt_check_domain, .min = 1 },
	{ "domain", &rmt_type_string, F(domain), .otherwise = "the sender's domain",
	  .help = "d= of the stream's signatures", .check = rmt_check_domain },
	{ "learn", &rmt_type_bool, F(learn), "false",
	  .help = "take the selectors that remite-milter saw, too" },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_binding, member)
static const struct rmt_setting binding_settings[] = {
	{ "level", &rmt_type_choice, F(level), "\"off\"",
	  .help = "what is done with mail from a domain that is not the user's",
	  .choices = binding_levels },
	{ "align", &rmt_type_choice, F(align), "\"relaxed\"",
	  .help = "relaxed: the organisation's domains are one; strict: only the domain "
		  "itself",
	  .choices = alignments },
	{ "users", &rmt_type_bound_users, .otherwise = "the domain of the user's name",
	  .help = "users and the domains they may send for" },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_fold_draft, member)
static const struct rmt_setting fold_settings[] = {
	{ "domains", &rmt_type_list, F(domains), .otherwise = "required",
	  .help = "domains whose local parts are folded so", .kind = RMT_LIST_DOMAINS,
	  .min = 1 },
	{ "delimiter", &rmt_type_string, F(delimiter), "\"\"",
	  .help = "Postfix's recipient_delimiter: what follows is cut off",
	  .check = rmt_check_delimiter },
	{ "ignore_dots", &rmt_type_bool, F(ignore_dots), "false",
	  .help = "dots in local parts do not count" },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_egress, member)
static const struct rmt_setting egress_settings[] = {
	{ "addresses", &rmt_type_strings, F(addresses), .otherwise = "required",
	  .help = "IPv4 and IPv6 addresses to send from", .check = rmt_check_ip,
	  .min = 1 },
	{ "helo", &rmt_type_string, F(helo), .otherwise = "Postfix's own",
	  .help = "name for HELO", .check = rmt_check_domain },
	{ "transport", &rmt_type_string, F(transport), .otherwise = "none",
	  .help = "Postfix transport and next hop, such as smtp-bulk:",
	  .check = rmt_check_transport },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_limit_draft, member)
static const struct rmt_setting limit_settings[] = {
	{ "per", &rmt_type_per, F(limit.per), .otherwise = "required",
	  .help = "what is counted by; '+' joins several" },
	{ "rate", &rmt_type_rate, .otherwise = "this or quota",
	  .help = "so many per time, evenly, beyond a burst" },
	{ "quota", &rmt_type_quota, .otherwise = "this or rate",
	  .help = "never more than so many in any such time" },
	{ "of", &rmt_type_choice, F(limit.of), "\"recipients\"",
	  .help = "what is counted", .choices = units },
	{ "burst", &rmt_type_number, F(burst), .otherwise = "the rate's count",
	  .help = "so many at once (rates only)", .min = 1,
	  .max = UINT64_C(1000000000000000) },
	{ "action", &rmt_type_choice, F(limit.action), "\"defer\"",
	  .help = "what is done beyond the limit", .choices = limit_actions },
	{ "text", &rmt_type_text, .otherwise = "a sentence with the limit's name",
	  .help = "what the sender reads" },
	{ "exempt", &rmt_type_exempt, .otherwise = "none",
	  .help = "values of the key that the limit does not concern" },
	{ "overrides", &rmt_type_overrides, .otherwise = "none",
	  .help = "other amounts for some values of the key" },
	{ "recipient_domains", &rmt_type_list, F(limit.recipient_domains),
	  .otherwise = "any", .help = "only recipients there are counted",
	  .kind = RMT_LIST_DOMAINS, .min = 1 },
	{ "allow_discard", &rmt_type_bool, F(allow_discard), "false",
	  .help = "must be true for action discard, which loses mail" },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_stream_draft, member)
static const struct rmt_setting stream_settings[] = {
	{ "senders", &rmt_type_list, F(stream.senders), .otherwise = "any",
	  .help = "envelope senders", .kind = RMT_LIST_ADDRESSES, .min = 1 },
	{ "sender_domains", &rmt_type_list, F(stream.sender_domains), .otherwise = "any",
	  .help = "domains of the envelope sender", .kind = RMT_LIST_DOMAINS, .min = 1 },
	{ "sasl_users", &rmt_type_list, F(stream.sasl_users), .otherwise = "any",
	  .help = "users who logged in", .kind = RMT_LIST_WORDS, .min = 1 },
	{ "clients", &rmt_type_list, F(stream.clients), .otherwise = "any",
	  .help = "addresses and networks of clients", .kind = RMT_LIST_NETWORKS,
	  .min = 1 },
	{ "client_certs", &rmt_type_list, F(stream.client_certs), .otherwise = "any",
	  .help = "subjects or fingerprints of client certificates",
	  .kind = RMT_LIST_NOCASE, .min = 1 },
	{ "helo", &rmt_type_list, F(stream.helo), .otherwise = "any",
	  .help = "names in HELO", .kind = RMT_LIST_NOCASE, .min = 1 },
	{ "policy_contexts", &rmt_type_list, F(stream.policy_contexts),
	  .otherwise = "any", .help = "Postfix's policy_context", .kind = RMT_LIST_WORDS,
	  .min = 1 },
	{ "header", &rmt_type_strings, F(stream.headers), .otherwise = "any",
	  .help = "fields of the message, known to remite-milter alone",
	  .check = rmt_check_header, .min = 1 },
	{ "class", &rmt_type_string, F(stream.class), .otherwise = "the stream's name",
	  .help = "kind of stream: a scope of suppressions", .check = rmt_check_word },
	{ "mode", &rmt_type_choice, F(mode), .otherwise = "the mode above",
	  .help = "as above, for this stream", .choices = modes },
	{ "egress", &rmt_type_string, F(egress), .otherwise = "none",
	  .help = "where the stream leaves from: a name in egress",
	  .check = rmt_check_word },
	{ "egress_by_filter", &rmt_type_bool, F(stream.egress_by_filter), "false",
	  .help = "answer FILTER at DATA instead of Postfix's transport maps" },
	{ "suppress", &rmt_type_strings, F(stream.suppress), .otherwise = "every reason",
	  .help = "reasons that bar a recipient; [] for none", .check = rmt_check_word },
	{ "suppress_action", &rmt_type_choice, F(stream.suppress_action), "\"reject\"",
	  .help = "what is done with a suppressed recipient",
	  .choices = suppress_actions },
	{ "require", &rmt_type_strings, F(require), .otherwise = "nothing",
	  .help = "what the sender's domain must have, refused without: spf, dkim=log",
	  .check = rmt_check_requirement },
	{ "on_unknown", &rmt_type_choice, F(stream.on_unknown), "\"accept\"",
	  .help = "what is done while DNS has not answered", .choices = unknown_actions },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_return_setting, member)
static const struct rmt_setting return_path_settings[] = {
	{ "address", &rmt_type_string, F(address), .otherwise = "none: senders stay",
	  .help = "root of the envelope senders made for the stream's mail",
	  .check = rmt_check_return_path },
	{ "ids", &rmt_type_small, F(ids), "2",
	  .help = "what stands behind the root: 1 stream, 2 and message, 3 and list",
	  .min = 1, .max = 3 },
	{ "id", &rmt_type_string, F(id), .otherwise = "the stream's name, cut",
	  .help = "what stands for the stream", .check = rmt_check_return_path_id },
	{ "xverp", &rmt_type_bool, F(xverp), "false",
	  .help = "Postfix appends each of several recipients (smtpd_command_filter)" },
	{ "age", &rmt_type_duration, F(age_ns), "\"60d\"",
	  .help = "a return path is believed so long", .min = 86400, .max = 900 * 86400 },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_pause_test, member)
static const struct rmt_setting complaints_settings[] = {
	{ "accept", &rmt_type_share, F(accept), "\"0.1%\"",
	  .help = "a share of complaints that is no reason to pause" },
	{ "pause", &rmt_type_share, F(pause), "\"0.3%\"",
	  .help = "a share of complaints that pauses the stream" },
	END,
};

static const struct rmt_setting bounces_settings[] = {
	{ "accept", &rmt_type_share, F(accept), "\"2%\"",
	  .help = "a share of dead addresses that is no reason to pause" },
	{ "pause", &rmt_type_share, F(pause), "\"5%\"",
	  .help = "a share of dead addresses that pauses the stream" },
	END,
};

static const struct rmt_setting unsubscribes_settings[] = {
	{ "accept", &rmt_type_share, F(accept), "\"0.5%\"",
	  .help = "a share of unsubscribes that is no reason to pause" },
	{ "pause", &rmt_type_share, F(pause), "\"1.5%\"",
	  .help = "a share that speaks for a pause, beside complaints or dead "
		  "addresses" },
	END,
};
#undef F

static const struct rmt_setting no_settings[] = { END };

#define F(member) offsetof(struct rmt_feedback_config, member)
static const struct rmt_setting feedback_settings[] = {
	{ "authserv_id", &rmt_type_string, F(authserv_id), .otherwise = "none",
	  .help = "whose Authentication-Results vouch for complaints",
	  .check = rmt_check_domain },
	{ "loops", &rmt_type_strings, F(loops), "[\"arf.mail.yahoo.com\"]",
	  .help = "domains whose signed complaints are believed without our tag",
	  .check = rmt_check_domain },
	{ "soft_times", &rmt_type_small, F(soft_times), "5",
	  .help = "a mailbox found full or closed on so many days is suppressed",
	  .min = 2, .max = 100 },
	{ "soft_within", &rmt_type_duration, F(soft_ns), "\"30d\"",
	  .help = "and these days lie within", .min = 86400, .max = 366 * 86400 },
	{ "dead_for", &rmt_type_duration, F(dead_ns), "\"365d\"",
	  .help = "how long a dead address is suppressed", .min = 86400,
	  .max = 36500ULL * 86400 },
	{ "full_for", &rmt_type_duration, F(full_ns), "\"7d\"",
	  .help = "how long a full mailbox is suppressed", .min = 3600,
	  .max = 3650 * 86400 },
	{ "inactive_for", &rmt_type_duration, F(inactive_ns), "\"90d\"",
	  .help = "how long a closed mailbox is suppressed", .min = 3600,
	  .max = 3650 * 86400 },
	{ "keep", &rmt_type_duration, F(keep_ns), "\"90d\"",
	  .help = "how long sent mail and what came back is remembered", .min = 7 * 86400,
	  .max = 3650 * 86400 },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_unsubscribe, member)
static const struct rmt_setting unsubscribe_settings[] = {
	{ "https", &rmt_type_string, F(https), .otherwise = "none",
	  .help = "base of the one-click links; a token follows",
	  .check = rmt_check_https_base },
	{ "mailto", &rmt_type_string, F(mailto), .otherwise = "none",
	  .help = "address of the mailto form", .check = rmt_check_mailto },
	{ "add", &rmt_type_choice, F(add), "\"policyd\"",
	  .help = "who adds the fields: policyd at DATA, milter in front of the signer",
	  .choices = unsubscribe_adds },
	{ "own", &rmt_type_choice, F(own), "\"replace\"",
	  .help = "what remite-milter does with fields the application brought",
	  .choices = unsubscribe_owns },
	{ "several", &rmt_type_choice, F(several), "\"reject\"",
	  .help = "a message for several recipients: refused, or the address alone",
	  .choices = unsubscribe_severals },
	{ "scope", &rmt_type_choice, F(scope), "\"stream\"",
	  .help = "what an unsubscribe ends", .choices = unsubscribe_scopes },
	{ "lists", &rmt_type_strings, F(lists), .otherwise = "none",
	  .help = "what the list software calls it: ids that its webhook is told",
	  .check = rmt_check_list_id, .min = 1 },
	{ "title", &rmt_type_string, F(title), .otherwise = "the stream's name",
	  .help = "what the page calls the stream", .check = rmt_check_title },
	{ "logo", &rmt_type_string, F(logo), .otherwise = "none",
	  .help = "text at the top of the page", .check = rmt_check_title },
	{ "webhook", &rmt_type_string, F(webhook), .otherwise = "none",
	  .help = "URL that is told of each unsubscribe", .check = rmt_check_webhook },
	{ "webhook_secret", &rmt_type_string, F(webhook_secret), .otherwise = "none",
	  .help = "file of the secret the webhook is signed with",
	  .check = rmt_check_path },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_http_config, member)
static const struct rmt_setting http_settings[] = {
	{ "proxies", &rmt_type_list, F(proxies), .otherwise = "none",
	  .help = "reverse proxies whose word of the client's address is believed",
	  .kind = RMT_LIST_NETWORKS, .min = 1 },
	{ "forwarded", &rmt_type_string, F(forwarded), .otherwise = "none",
	  .help = "field in which they say it, such as X-Forwarded-For",
	  .check = rmt_check_header },
	{ "rate", &rmt_type_string, F(rate_text), "\"120/minute\"",
	  .help = "requests a source may make" },
	{ "max_body", &rmt_type_size, F(max_body), "\"64k\"",
	  .help = "octets of a request's body at most", .min = 1024, .max = 1 << 20 },
	{ "undo", &rmt_type_duration, F(undo_ns), "\"1h\"",
	  .help = "how long the page's button to subscribe again works", .min = 60,
	  .max = 7 * 86400 },
	END,
};
#undef F

/* Defaults also stand in set_rules() of sections.c, for the stream no file names. */
#define F(group) offsetof(struct rmt_stream_draft, stream.rules[group])
static const struct rmt_setting rules_settings[] = {
	{ "from", &rmt_type_choice, F(RMT_RULES_FROM), "\"reject\"",
	  .help = "one From with one address that everybody reads the same",
	  .choices = levels },
	{ "hygiene", &rmt_type_choice, F(RMT_RULES_HYGIENE), "\"log\"",
	  .help = "the header is as RFC 5322 wants it", .choices = levels },
	{ "align", &rmt_type_choice, F(RMT_RULES_ALIGN), "\"reject\"",
	  .help = "SPF or a DKIM signature vouches for the domain in From",
	  .choices = levels },
	{ "bulk", &rmt_type_choice, F(RMT_RULES_BULK), "\"log\"",
	  .help = "SPF and DKIM both pass, as bulk mail needs it", .choices = levels },
	{ "unsubscribe", &rmt_type_choice, F(RMT_RULES_UNSUBSCRIBE), "\"off\"",
	  .help = "one click unsubscribes (RFC 8058), and a signature covers that",
	  .choices = levels },
	{ "sizes", &rmt_type_choice, F(RMT_RULES_SIZES), "\"log\"",
	  .help = "the header is no larger than providers take", .choices = levels },
	{ "domains", &rmt_type_choice, F(RMT_RULES_DOMAINS), "\"log\"",
	  .help = "the domains of From, return path and Reply-To exist and take mail",
	  .choices = levels },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_receipts_config, member)
static const struct rmt_setting receipts_settings[] = {
	{ "policy", &rmt_type_choice, F(rules.policy), "\"none\"",
	  .help = "who may be told that mail was read: nobody; own_domains and allow; "
		  "anyone, always asking the user",
	  .choices = receipt_policies },
	{ "allow", &rmt_type_list, F(rules.allow), .otherwise = "none",
	  .help = "addresses elsewhere that policy organization includes",
	  .kind = RMT_LIST_ADDRESSES },
	{ "prompt", &rmt_type_bool, F(rules.prompt), "true",
	  .help = "under policy organization: ask the user each time" },
	{ "deleted", &rmt_type_bool, F(rules.deleted), "false",
	  .help = "tell also of mail that was deleted unread" },
	{ "google_compatible", &rmt_type_bool, F(google_compatible), "false",
	  .help = "at most 100 addresses of 256 characters in allow, and asking each "
		  "time means each time" },
	{ "authserv_ids", &rmt_type_strings, F(authserv_ids), .otherwise = "none",
	  .help = "names in Authentication-Results of own hosts; with them, what did "
		  "not pass there is never answered unasked",
	  .check = rmt_check_domain, .min = 1 },
	{ "max_age", &rmt_type_duration, F(max_age_ns), "\"30d\"",
	  .help = "older mail is not answered", .min = 60, .max = 400 * 86400 },
	{ "user_limit", &rmt_type_amount, F(user_limit), "\"100/day\"",
	  .help = "receipts of one user" },
	{ "target_limit", &rmt_type_amount, F(target_limit), "\"200/hour\"",
	  .help = "receipts to one address that asks" },
	{ "sender_limit", &rmt_type_amount, F(sender_limit), "\"200/hour\"",
	  .help = "receipts for mail from one address" },
	{ "language", &rmt_type_string, F(language), "\"en\"",
	  .help = "of the text, where neither message nor user has one",
	  .check = rmt_check_word },
	{ "templates", &rmt_type_string, F(templates), .otherwise = "those installed",
	  .help = "folder of texts that win over those installed",
	  .check = rmt_check_path },
	{ "reporting_ua", &rmt_type_string, F(reporting_ua), "\"Remite\"",
	  .help = "product in Reporting-UA; empty: no such field",
	  .check = rmt_check_product },
	{ "round_date", &rmt_type_duration, F(round_date_ns), "\"1s\"",
	  .help = "times in a receipt are rounded down to a multiple of this", .min = 1,
	  .max = 86400 },
	{ "hide_automation", &rmt_type_bool, F(hide_automation), "false",
	  .help = "claim that every receipt was sent by hand (RFC 8098, 6.2)" },
	{ "return_headers", &rmt_type_bool, F(return_headers), "true",
	  .help = "return From, To, Subject, Date and Message-ID of the message" },
	{ "addresses", &rmt_type_addresses, F(addresses), .otherwise = "none",
	  .help = "addresses of users, \"login: address, address\" or files of that" },
	{ "sender_logins", &rmt_type_logins, F(addresses), .otherwise = "none",
	  .help = "files with \"address login, login\", as Postfix's "
		  "smtpd_sender_login_maps: added to addresses" },
	{ "police", &rmt_type_choice, F(police), "\"discard\"",
	  .help = "what remite-milter does with a client's own receipt against policy",
	  .choices = polices },
	{ "strip_requests", &rmt_type_bool, F(strip_requests), "true",
	  .help = "remite-milter takes requests out of outgoing mail under policy none, "
		  "and of mail of lists" },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_receipt_unit, member)
static const struct rmt_setting unit_settings[] = {
	{ "users", &rmt_type_list, F(users), .otherwise = "none", .help = "login names",
	  .kind = RMT_LIST_WORDS, .min = 1 },
	{ "groups", &rmt_type_list, F(groups), .otherwise = "none",
	  .help = "groups, as Dovecot's userdb names them in remite_groups",
	  .kind = RMT_LIST_WORDS, .min = 1 },
	{ "domains", &rmt_type_list, F(domains), .otherwise = "none",
	  .help = "domains of users", .kind = RMT_LIST_DOMAINS, .min = 1 },
	{ "policy", &rmt_type_choice, F(rules.policy),
	  .otherwise = "that of the next unit", .help = "as above, for this unit",
	  .choices = receipt_policies },
	{ "allow", &rmt_type_list, F(rules.allow), .otherwise = "that of the next unit",
	  .help = "as above, for this unit", .kind = RMT_LIST_ADDRESSES },
	{ "prompt", &rmt_type_bool, F(rules.prompt), .otherwise = "that of the next unit",
	  .help = "as above, for this unit" },
	{ "deleted", &rmt_type_bool, F(rules.deleted),
	  .otherwise = "that of the next unit", .help = "as above, for this unit" },
	END,
};
#undef F

static const struct rmt_section policyd_section = {
	.name = "policyd",
	.settings = policyd_settings,
	.sections = no_sections,
	.begin = rmt_begin_policyd,
	.end = rmt_end_policyd,
};

static const struct rmt_section milter_section = {
	.name = "milter",
	.settings = milter_settings,
	.sections = no_sections,
	.begin = rmt_begin_milter,
	.end = rmt_end_milter,
};

#define F(member) offsetof(struct rmt_unsubscribing, member)
static const struct rmt_setting unsubscribing_settings[] = {
	{ "allow", &rmt_type_list, F(allow), .otherwise = "none",
	  .help = "networks that may be connected to though they are private, or ours",
	  .kind = RMT_LIST_NETWORKS },
	{ "deny", &rmt_type_list, F(deny), .otherwise = "none",
	  .help = "networks that may not be connected to, besides special ones and ours",
	  .kind = RMT_LIST_NETWORKS },
	{ "ports", &rmt_type_strings, F(ports), "[\"443\"]",
	  .help = "ports a list's URL may name", .check = rmt_check_port, .min = 1 },
	{ "worker", &rmt_type_string, F(worker), "\"/run/dovecot/remite-unsubscribe\"",
	  .help = "socket of Dovecot's service remite-unsubscribe",
	  .check = rmt_check_socket_path },
	{ "ca_file", &rmt_type_string, F(ca_file), .otherwise = "the system's",
	  .help = "certificates that are trusted", .check = rmt_check_path },
	{ "own_hosts", &rmt_type_strings, F(own_hosts),
	  .otherwise = "none: no record is believed",
	  .help = "hosts whose Received fields may stand above the record of delivery",
	  .check = rmt_check_domain, .min = 1 },
	{ "require_alignment", &rmt_type_bool, F(require_alignment), "true",
	  .help = "the signature must be of the organisation in From" },
	{ "timeout", &rmt_type_duration, F(timeout_ns), "\"20s\"",
	  .help = "time for one POST", .min = 1, .max = 60 },
	{ "tries", &rmt_type_small, F(tries), "3", .help = "POSTs for a message at most",
	  .min = 1, .max = 3 },
	{ "per_host", &rmt_type_small, F(per_host), "30",
	  .help = "POSTs to one host within a minute; the others wait", .min = 1,
	  .max = 100000 },
	{ "many", &rmt_type_small, F(many), "20",
	  .help = "so many at once are asked about before anything is sent", .min = 2,
	  .max = 1000000 },
	{ "retry_after", &rmt_type_duration, F(retry_after_ns), "\"5m\"",
	  .help = "time before the second POST; twice that before the third", .min = 1,
	  .max = 86400 },
	{ "still_after", &rmt_type_duration, F(still_after_ns), "\"48h\"",
	  .help = "a message of the same list after that is logged as still sending",
	  .min = 1, .max = 90 * 86400 },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_submission_config, member)
static const struct rmt_setting submission_settings[] = {
	{ "host", &rmt_type_string, F(host), "\"localhost\"",
	  .help = "mail server that takes our own mail", .check = rmt_check_host },
	{ "port", &rmt_type_small, F(port), "25", .help = "its port", .min = 1,
	  .max = 65535 },
	{ "tls", &rmt_type_choice, F(tls), "\"auto\"",
	  .help = "auto (starttls, but none to loopback), starttls, implicit, none",
	  .choices = tls_kinds },
	{ "ca", &rmt_type_string, F(ca), .otherwise = "the system's",
	  .help = "file of the certificates its own must be signed by",
	  .check = rmt_check_path },
	{ "user", &rmt_type_string, F(user), .otherwise = "none",
	  .help = "name to authenticate with" },
	{ "password_file", &rmt_type_string, F(password_file), .otherwise = "none",
	  .help = "file whose first line is the password", .check = rmt_check_path },
	{ "helo", &rmt_type_string, F(helo), .otherwise = "the host's name",
	  .help = "name for EHLO", .check = rmt_check_domain },
	{ "sendmail", &rmt_type_string, F(sendmail), .otherwise = "none",
	  .help = "program that takes our own mail, instead of host",
	  .check = rmt_check_path },
	{ "timeout", &rmt_type_duration, F(timeout_ns), "\"60s\"",
	  .help = "time for one message", .min = 1, .max = 600 },
	{ "connections", &rmt_type_small, F(connections), "4", .help = "at the same time",
	  .min = 1, .max = 100 },
	END,
};
#undef F

static const struct rmt_section unsubscribing_section = {
	.name = "unsubscribing",
	.settings = unsubscribing_settings,
	.sections = no_sections,
	.begin = rmt_begin_unsubscribing,
};

#define F(member) offsetof(struct rmt_agent_config, member)
static const struct rmt_setting agent_settings[] = {
	{ "accounts", &rmt_type_strings, F(accounts), "[\"vmail\"]",
	  .help = "system accounts whose mail processes speak for every user",
	  .check = rmt_check_account },
	{ "host", &rmt_type_string, F(host), .otherwise = "the host's name",
	  .help = "right side of Message-IDs of our own mail",
	  .check = rmt_check_domain },
	{ "give_up", &rmt_type_duration, F(give_up_ns), "\"5d\"",
	  .help = "mail that could not be submitted for so long is given up", .min = 60,
	  .max = 30 * 86400 },
	{ "claims_kept", &rmt_type_duration, F(claims_kept_ns), "\"400d\"",
	  .help = "how long is known that a message was answered", .min = 86400,
	  .max = UINT64_C(3650) * 86400 },
	{ "audit_kept", &rmt_type_duration, F(audit_kept_ns), "\"365d\"",
	  .help = "how long lines of remite receipts log are kept", .min = 86400,
	  .max = UINT64_C(3650) * 86400 },
	END,
};
#undef F

#define F(member) offsetof(struct rmt_prompts_config, member)
static const struct rmt_setting prompts_settings[] = {
	{ "mail", &rmt_type_choice, F(mail), "\"each\"",
	  .help = "ask by a message for each request, by a digest, or not by mail (off)",
	  .choices = prompt_mails },
	{ "digest", &rmt_type_duration, F(digest_ns), "\"24h\"",
	  .help = "time between digests to a user", .min = 1, .max = 30 * 86400 },
	{ "expire", &rmt_type_duration, F(expire_ns), "\"30d\"",
	  .help = "unanswered for so long counts as no", .min = 1, .max = 365 * 86400 },
	{ "link", &rmt_type_string, F(link), .otherwise = "none",
	  .help = "URL of remite-http's consent page, for the links in such mail",
	  .check = rmt_check_https },
	{ "from", &rmt_type_string, F(from), .otherwise = "remite@ agent.host",
	  .help = "address such mail comes from", .check = rmt_check_address },
	{ "per_day", &rmt_type_small, F(per_day), "20",
	  .help = "messages to a user in a day; what is beyond waits for a digest",
	  .min = 1, .max = 1000 },
	END,
};
#undef F

static const struct rmt_section submission_section = {
	.name = "submission",
	.settings = submission_settings,
	.sections = no_sections,
	.begin = rmt_begin_submission,
	.end = rmt_end_submission,
};

static const struct rmt_section agent_section = {
	.name = "agent",
	.settings = agent_settings,
	.sections = no_sections,
	.begin = rmt_begin_agent,
};

static const struct rmt_section prompts_section = {
	.name = "prompts",
	.settings = prompts_settings,
	.sections = no_sections,
	.begin = rmt_begin_prompts,
};

static const struct rmt_section dns_section = {
	.name = "dns",
	.settings = dns_settings,
	.sections = no_sections,
	.begin = rmt_begin_dns,
};

static const struct rmt_section unit_section = {
	.name = "units",
	.many = true,
	.settings = unit_settings,
	.sections = no_sections,
	.begin = rmt_begin_unit,
	.end = rmt_end_unit,
};

static const struct rmt_section *const receipts_sections[] = { &unit_section, NULL };

static const struct rmt_section receipts_section = {
	.name = "receipts",
	.settings = receipts_settings,
	.sections = receipts_sections,
	.begin = rmt_begin_receipts,
	.end = rmt_end_receipts,
};

static const struct rmt_section fold_section = {
	.name = "fold",
	.many = true,
	.settings = fold_settings,
	.sections = no_sections,
	.begin = rmt_begin_fold,
	.end = rmt_end_fold,
};

static const struct rmt_section egress_section = {
	.name = "egress",
	.many = true,
	.settings = egress_settings,
	.sections = no_sections,
	.begin = rmt_begin_egress,
	.end = rmt_end_egress,
};

static const struct rmt_section limit_section = {
	.name = "limits",
	.many = true,
	.settings = limit_settings,
	.sections = no_sections,
	.begin = rmt_begin_limit,
	.end = rmt_end_limit,
};

static const struct rmt_section rules_section = {
	.name = "rules",
	.settings = rules_settings,
	.sections = no_sections,
	.begin = rmt_begin_rules,
};

static const struct rmt_section dkim_section = {
	.name = "dkim",
	.settings = dkim_settings,
	.sections = no_sections,
	.begin = rmt_begin_dkim,
};

static const struct rmt_section binding_section = {
	.name = "binding",
	.settings = binding_settings,
	.sections = no_sections,
	.begin = rmt_begin_binding,
	.end = rmt_end_binding,
};

static const struct rmt_section unsubscribe_section = {
	.name = "unsubscribe",
	.settings = unsubscribe_settings,
	.sections = no_sections,
	.begin = rmt_begin_unsubscribe,
	.end = rmt_end_unsubscribe,
};

static const struct rmt_section http_section = {
	.name = "http",
	.settings = http_settings,
	.sections = no_sections,
	.begin = rmt_begin_http,
	.end = rmt_end_http,
};

static const struct rmt_section return_path_section = {
	.name = "return_path",
	.settings = return_path_settings,
	.sections = no_sections,
	.begin = rmt_begin_return_path,
	.end = rmt_end_return_path,
	.word = "keep",
	.word_offset = offsetof(struct rmt_return_setting, keep),
};

static const struct rmt_section complaints_section = {
	.name = "complaints",
	.settings = complaints_settings,
	.sections = no_sections,
	.begin = rmt_begin_complaints,
	.end = rmt_end_pause_test,
};

static const struct rmt_section bounces_section = {
	.name = "bounces",
	.settings = bounces_settings,
	.sections = no_sections,
	.begin = rmt_begin_bounces,
	.end = rmt_end_pause_test,
};

static const struct rmt_section unsubscribes_section = {
	.name = "unsubscribes",
	.settings = unsubscribes_settings,
	.sections = no_sections,
	.begin = rmt_begin_unsubscribes,
	.end = rmt_end_pause_test,
};

static const struct rmt_section *const pause_sections[] = { &complaints_section,
							    &bounces_section,
							    &unsubscribes_section, NULL };

static const struct rmt_section pause_section = {
	.name = "pause",
	.settings = no_settings,
	.sections = pause_sections,
	.begin = rmt_begin_pause,
};

static const struct rmt_section feedback_section = {
	.name = "feedback",
	.settings = feedback_settings,
	.sections = no_sections,
	.begin = rmt_begin_feedback,
};

static const struct rmt_section *const stream_sections[] = {
	&limit_section,       &rules_section, &dkim_section,        &binding_section,
	&return_path_section, &pause_section, &unsubscribe_section, NULL
};

static const struct rmt_section stream_section = {
	.name = "streams",
	.many = true,
	.settings = stream_settings,
	.sections = stream_sections,
	.begin = rmt_begin_stream,
	.end = rmt_end_stream,
};

/* Addresses in streams are folded: fold comes first. */
static const struct rmt_section *const root_sections[] = {
	&policyd_section,  &milter_section,
	&dns_section,      &submission_section,
	&agent_section,    &prompts_section,
	&fold_section,     &egress_section,
	&feedback_section, &stream_section,
	&receipts_section, &unsubscribing_section,
	&http_section,     NULL,
};

const struct rmt_section rmt_section_root = {
	.name = "",
	.settings = root_settings,
	.sections = root_sections,
	.begin = rmt_begin_root,
	.end = rmt_end_root,
};

/* --- looking at the table ---------------------------------------------------------- */

const struct rmt_setting *rmt_section_setting(const struct rmt_section *section,
					      const char *name)
{
	const struct rmt_setting *row;

	for (row = section->settings; row->name != NULL; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

const struct rmt_section *rmt_section_inside(const struct rmt_section *section,
					     const char *name)
{
	size_t i;

	for (i = 0; section->sections[i] != NULL; i++)
		if (strcmp(section->sections[i]->name, name) == 0)
			return section->sections[i];
	return NULL;
}
