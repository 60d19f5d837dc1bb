/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <sys/un.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/config/error.h"
#include "common/config/values.h"

enum { REPLY_TEXT_MAX = 300 };

#define COUNT_MAX  UINT64_C(1000000000000000)
#define PERIOD_MAX (UINT64_C(400) * 86400 * RMT_NS_PER_SEC)

static const char *const action_names[] = {
	[RMT_ACTION_DUNNO] = "dunno", [RMT_ACTION_REPORT] = "report",
	[RMT_ACTION_DEFER] = "defer", [RMT_ACTION_REJECT] = "reject",
	[RMT_ACTION_HOLD] = "hold",   [RMT_ACTION_DISCARD] = "discard",
};

static const char *const unit_names[] = {
	[RMT_UNIT_MESSAGES] = "messages",
	[RMT_UNIT_RECIPIENTS] = "recipients",
	[RMT_UNIT_BYTES] = "bytes",
};

/* In the order in which the parts of a joined key stand. */
static const struct {
	const char *name;
	enum rmt_per bit;
} per_names[] = {
	{ "stream", RMT_PER_STREAM },
	{ "sasl_user", RMT_PER_SASL_USER },
	{ "sender", RMT_PER_SENDER },
	{ "sender_domain", RMT_PER_SENDER_DOMAIN },
	{ "client", RMT_PER_CLIENT },
	{ "recipient", RMT_PER_RECIPIENT },
	{ "recipient_domain", RMT_PER_RECIPIENT_DOMAIN },
};

static const struct {
	const char *name;
	char letter;
	uint64_t secs;
} periods[] = {
	{ "second", 's', 1 },  { "minute", 'm', 60 },      { "hour", 'h', 3600 },
	{ "day", 'd', 86400 }, { "week", 'w', 7 * 86400 },
};

const char *rmt_action_name(enum rmt_action action)
{
	return action_names[action];
}

const char *rmt_unit_name(enum rmt_unit unit)
{
	return unit_names[unit];
}

const char *rmt_level_name(enum rmt_level level)
{
	static const char *const names[] = {
		[RMT_LEVEL_OFF] = "off",       [RMT_LEVEL_LOG] = "log",
		[RMT_LEVEL_HEADER] = "header", [RMT_LEVEL_DEFER] = "defer",
		[RMT_LEVEL_REJECT] = "reject",
	};

	return names[level];
}

/* --- numbers, durations, amounts ------------------------------------------------ */

static bool multiply(uint64_t *n, uint64_t factor)
{
	return !__builtin_mul_overflow(*n, factor, n);
}

static bool parse_digits(struct rmt_span *text, uint64_t *n_r)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < text->len && g_ascii_isdigit(text->p[i]); i++)
		if (!multiply(&n, 10) ||
		    __builtin_add_overflow(n, (uint64_t)(text->p[i] - '0'), &n))
			return false;
	if (i == 0)
		return false;
	*text = rmt_span_from(*text, i);
	*n_r = n;
	return true;
}

bool rmt_parse_number(struct rmt_span text, uint64_t kilo, uint64_t *n_r)
{
	static const char suffixes[] = "kMG";
	const char *suffix;
	uint64_t n;
	long i;

	if (!parse_digits(&text, &n) || text.len > 1)
		return false;
	if (text.len == 1) {
		suffix = kilo > 0 && text.p[0] != '\0' ? strchr(suffixes, text.p[0])
						       : NULL;
		if (suffix == NULL)
			return false;
		for (i = suffix - suffixes; i >= 0; i--)
			if (!multiply(&n, kilo))
				return false;
	}
	*n_r = n;
	return true;
}

/* "30s"; "2w". */
static bool parse_span_of_time(struct rmt_span text, uint64_t *ns_r)
{
	uint64_t n;
	size_t i;

	if (!parse_digits(&text, &n) || text.len != 1)
		return false;
	for (i = 0; i < G_N_ELEMENTS(periods); i++)
		if (text.p[0] == periods[i].letter && multiply(&n, periods[i].secs) &&
		    multiply(&n, RMT_NS_PER_SEC) && n <= PERIOD_MAX) {
			*ns_r = n;
			return true;
		}
	return false;
}

static bool parse_period(struct rmt_span text, uint64_t *ns_r)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(periods); i++)
		if (rmt_span_eq(text, rmt_span_of(periods[i].name))) {
			*ns_r = periods[i].secs * RMT_NS_PER_SEC;
			return true;
		}
	return parse_span_of_time(text, ns_r) && *ns_r > 0;
}

bool rmt_parse_duration(struct rmt_span text, uint64_t *ns_r, GError **err)
{
	return parse_span_of_time(text, ns_r) ||
	       rmt_config_refuse(err, text,
				 "is not a duration (write 30s, 10m, 12h, 7d)");
}

bool rmt_parse_amount(struct rmt_span text, bool is_quota, struct rmt_amount *amount_r,
		      GError **err)
{
	struct rmt_amount amount = { .is_quota = is_quota };
	struct rmt_span count, period;

	if (!rmt_span_split(text, '/', &count, &period) ||
	    !rmt_parse_number(count, 1000, &amount.count) ||
	    !parse_period(period, &amount.period_ns))
		return rmt_config_refuse(err, text,
					 "is not a %s (write 200/minute, 5000/day)",
					 is_quota ? "quota" : "rate");
	if (amount.count == 0)
		return rmt_config_refuse(err, text, "lets nothing pass (at least 1)");
	if (amount.count > COUNT_MAX || (!is_quota && amount.count > amount.period_ns))
		return rmt_config_refuse(err, text, "is too much to count");
	if (!is_quota)
		amount.burst = amount.count;
	*amount_r = amount;
	return true;
}

/* --- keys ----------------------------------------------------------------------- */

void rmt_per_format(unsigned per, GString *out)
{
	const char *joint = "";
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(per_names); i++)
		if (per & per_names[i].bit) {
			g_string_append_printf(out, "%s%s", joint, per_names[i].name);
			joint = "+";
		}
}

static unsigned per_bit(struct rmt_span name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(per_names); i++)
		if (rmt_span_eq(name, rmt_span_of(per_names[i].name)))
			return per_names[i].bit;
	return 0;
}

static bool refuse_per(GError **err, struct rmt_span name)
{
	g_autoptr(GString) all = g_string_new(NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(per_names); i++)
		g_string_append_printf(all, "%s%s", i > 0 ? ", " : "", per_names[i].name);
	return rmt_config_refuse(
		err, name, "is nothing to count by (write %s; '+' joins them)", all->str);
}

bool rmt_parse_per(struct rmt_span text, unsigned *per_r, GError **err)
{
	struct rmt_span rest = text, name;
	unsigned per = 0, bit;
	bool more = true;

	while (more) {
		name = rest;
		more = rmt_span_split(rest, '+', &name, &rest);
		name = rmt_span_trim(name);
		bit = per_bit(name);
		if (bit == 0)
			return refuse_per(err, name);
		if (per & bit)
			return rmt_config_refuse(err, text, "names '%.*s' twice",
						 RMT_SPAN_ARGS(name));
		per |= bit;
	}
	*per_r = per;
	return true;
}

static bool key_domain(struct rmt_span value, GString *out, GError **err)
{
	char text[RMT_DOMAIN_MAX + 1];
	struct rmt_span domain;

	if (!rmt_check_domain(value, err))
		return false;
	domain = rmt_domain_fold(value, text);
	g_string_append_len(out, domain.p, (gssize)domain.len);
	return true;
}

static bool key_address(struct rmt_span value, const struct rmt_fold *fold, GString *out,
			GError **err)
{
	struct rmt_addr addr;

	if (memchr(value.p, ' ', value.len) != NULL ||
	    memchr(value.p, '*', value.len) != NULL)
		return rmt_config_refuse(err, value,
					 "is not one address (write ann@example.org)");
	rmt_addr_fold(fold, value, &addr);
	g_string_append_len(out, addr.whole.p, (gssize)addr.whole.len);
	return true;
}

/* As smtpd writes it. */
static bool key_client(struct rmt_span value, GString *out, GError **err)
{
	g_autofree char *copy = g_strndup(value.p, value.len);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	if (!rmt_check_ip(value, err))
		return false;
	if (inet_pton(AF_INET6, copy, &ip) == 1)
		g_string_append(out, inet_ntop(AF_INET6, &ip, text, sizeof(text)));
	else
		g_string_append(out, copy);
	return true;
}

bool rmt_key_part(unsigned per, struct rmt_span value, const struct rmt_fold *fold,
		  GString *out, GError **err)
{
	if (value.len == 0)
		return rmt_config_refuse(err, value, "is no value of a key");
	if ((per == RMT_PER_SENDER || per == RMT_PER_SENDER_DOMAIN) &&
	    rmt_span_eq(value, RMT_SPAN("<>"))) {
		g_string_append(out, "<>");
		return true;
	}
	switch (per) {
	case RMT_PER_SENDER:
	case RMT_PER_RECIPIENT:
		return key_address(value, fold, out, err);
	case RMT_PER_SENDER_DOMAIN:
	case RMT_PER_RECIPIENT_DOMAIN:
		return key_domain(value, out, err);
	case RMT_PER_CLIENT:
		return key_client(value, out, err);
	default:
		g_string_append_len(out, value.p, (gssize)value.len);
		return true;
	}
}

/* The parts are split from the right: a '+' that is no joint stands most often
 * in the first one, a user's name. */
static size_t split_parts(struct rmt_span value, size_t wanted, struct rmt_span *parts)
{
	size_t i;

	for (i = wanted; i > 1; i--)
		if (!rmt_span_split_last(value, '+', &value, &parts[i - 1]))
			return 0;
	parts[0] = value;
	return wanted;
}

bool rmt_key_value(unsigned per, struct rmt_span value, const struct rmt_fold *fold,
		   GString *out, GError **err)
{
	struct rmt_span parts[G_N_ELEMENTS(per_names)];
	size_t wanted = (size_t)__builtin_popcount(per), i, n = 0;

	if (split_parts(value, wanted, parts) != wanted)
		return rmt_config_refuse(err, value,
					 "has not the %zu values of the limit's key, "
					 "joined by '+'",
					 wanted);
	for (i = 0; i < G_N_ELEMENTS(per_names); i++) {
		if (!(per & per_names[i].bit))
			continue;
		if (n > 0)
			g_string_append_c(out, '+');
		if (!rmt_key_part(per_names[i].bit, parts[n++], fold, out, err))
			return false;
	}
	return true;
}

/* --- strings -------------------------------------------------------------------- */

static bool all_of(struct rmt_span text, const char *others)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!g_ascii_isalnum(text.p[i]) &&
		    (text.p[i] == '\0' || strchr(others, text.p[i]) == NULL))
			return false;
	return text.len > 0;
}

static bool is_plain(struct rmt_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
	return true;
}

bool rmt_check_word(struct rmt_span text, GError **err)
{
	return (all_of(text, "-_") && text.len <= 63) ||
	       rmt_config_refuse(err, text,
				 "is no name (letters, digits, '-' and '_', at most 63)");
}

bool rmt_check_path(struct rmt_span text, GError **err)
{
	return (rmt_span_starts(text, RMT_SPAN("/")) && is_plain(text)) ||
	       rmt_config_refuse(err, text, "is no absolute path");
}

bool rmt_check_socket_path(struct rmt_span text, GError **err)
{
	static const struct sockaddr_un un;

	if (!rmt_check_path(text, err))
		return false;
	return text.len < sizeof(un.sun_path) ||
	       rmt_config_refuse(err, text,
				 "is too long for a socket (at most %zu octets)",
				 sizeof(un.sun_path) - 1);
}

/* "host:port"; an IPv6 address in brackets. */
static bool is_host_port(struct rmt_span text)
{
	struct rmt_span host, port;
	uint64_t n;

	if (!rmt_span_split_last(text, ':', &host, &port) ||
	    !rmt_parse_number(port, 0, &n) || n < 1 || n > 65535 || port.len > 5)
		return false;
	if (rmt_span_starts(host, RMT_SPAN("[")) && host.p[host.len - 1] == ']')
		return rmt_check_ip(rmt_span(host.p + 1, host.len - 2), NULL);
	return all_of(host, "-.");
}

bool rmt_check_host_port(struct rmt_span text, GError **err)
{
	return is_host_port(text) ||
	       rmt_config_refuse(err, text,
				 "is no address and port (write 127.0.0.1:9177)");
}

bool rmt_check_listen(struct rmt_span text, GError **err)
{
	if (rmt_span_starts(text, RMT_SPAN("unix:")))
		return rmt_check_socket_path(rmt_span_from(text, 5), err);
	return (rmt_span_starts(text, RMT_SPAN("inet:")) &&
		is_host_port(rmt_span_from(text, 5))) ||
	       rmt_config_refuse(
		       err, text,
		       "is no socket (write unix:/path or inet:127.0.0.1:10031)");
}

bool rmt_check_domain(struct rmt_span text, GError **err)
{
	char out[RMT_DOMAIN_MAX + 1];
	struct rmt_span domain = rmt_domain_fold(text, out);

	return (all_of(domain, "-_.") && domain.p[0] != '.') ||
	       rmt_config_refuse(err, text, "is no domain (write example.com)");
}

bool rmt_check_ip(struct rmt_span text, GError **err)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	if (text.len < sizeof(copy)) {
		memcpy(copy, text.p, text.len);
		copy[text.len] = '\0';
		if (inet_pton(AF_INET, copy, &ip) == 1 ||
		    inet_pton(AF_INET6, copy, &ip) == 1)
			return true;
	}
	return rmt_config_refuse(err, text,
				 "is no address (write 192.0.2.20 or 2001:db8::20)");
}

bool rmt_check_transport(struct rmt_span text, GError **err)
{
	struct rmt_span name, nexthop;

	return (rmt_span_split(text, ':', &name, &nexthop) && all_of(name, "-_.") &&
		is_plain(nexthop) && memchr(text.p, ' ', text.len) == NULL) ||
	       rmt_config_refuse(err, text,
				 "is no transport (write smtp-bulk: or "
				 "smtp-bulk:[relay.example.com])");
}

bool rmt_check_stage(struct rmt_span text, GError **err)
{
	return rmt_span_eq(text, RMT_SPAN("RCPT")) ||
	       rmt_span_eq(text, RMT_SPAN("DATA")) ||
	       rmt_span_eq(text, RMT_SPAN("END-OF-MESSAGE")) ||
	       rmt_config_refuse(err, text,
				 "is no stage (write RCPT, DATA, END-OF-MESSAGE)");
}

bool rmt_check_delimiter(struct rmt_span text, GError **err)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (g_ascii_isalnum(text.p[i]) || !g_ascii_isgraph(text.p[i]) ||
		    strchr("@*.", text.p[i]) != NULL)
			return rmt_config_refuse(err, text,
						 "is no delimiter (write Postfix's "
						 "recipient_delimiter, often \"+\")");
	return true;
}

bool rmt_check_account(struct rmt_span text, GError **err)
{
	return (all_of(text, "-_.") && text.len <= 32) ||
	       rmt_config_refuse(err, text, "is no user or group of the system");
}

/* "X-Stream: news", or "X-Stream" alone. RFC 5322, 3.6.8: ftext. */
bool rmt_check_header(struct rmt_span text, GError **err)
{
	struct rmt_span name = text, value = { NULL, 0 };
	size_t i;

	rmt_span_split(text, ':', &name, &value);
	for (i = 0; i < name.len; i++)
		if (!g_ascii_isgraph(name.p[i]))
			return rmt_config_refuse(
				err, text,
				"has no field name (write \"X-Stream: news\")");
	if (name.len == 0 || name.len > 76)
		return rmt_config_refuse(err, text,
					 "has no field name (write \"X-Stream: news\")");
	for (i = 0; i < value.len; i++)
		if (g_ascii_iscntrl(value.p[i]))
			return rmt_config_refuse(err, text, "must be one line");
	return true;
}

/* RFC 8098, 3.2.1: short, no advertising; empty: none. */
bool rmt_check_product(struct rmt_span text, GError **err)
{
	enum { PRODUCT_MAX = 40 };

	return (text.len <= PRODUCT_MAX && is_plain(text) &&
		(text.len == 0 || memchr(text.p, ';', text.len) == NULL)) ||
	       rmt_config_refuse(err, text,
				 "is no name of a product (at most 40 octets, no ';')");
}

/* --- the text of an answer -------------------------------------------------------- */

static bool check_placeholder(struct rmt_span name, GError **err)
{
	static const char *const known[] = { "stream", "limit",     "key",
					     "count",  "max",       "period",
					     "retry",  "recipient", "sender" };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(known); i++)
		if (rmt_span_eq(name, rmt_span_of(known[i])))
			return true;
	return rmt_config_refuse(
		err, name,
		"is no placeholder (known: {stream} {limit} {key} {count} {max} "
		"{period} {retry} {recipient} {sender})");
}

static bool check_placeholders(struct rmt_span text, GError **err)
{
	struct rmt_span before, rest = text, name;

	while (rmt_span_split(rest, '{', &before, &rest)) {
		if (!rmt_span_split(rest, '}', &name, &rest))
			return rmt_config_refuse(err, text, "has a '{' without its '}'");
		if (!check_placeholder(name, err))
			return false;
	}
	return true;
}

/* RFC 3463: class.subject.detail, and a blank. Returns the class, 0: no code. */
static int status_class(struct rmt_span text)
{
	struct rmt_span word = text, rest, class, subject, detail;
	uint64_t n;

	rmt_span_split(text, ' ', &word, &rest);
	if (!rmt_span_split(word, '.', &class, &rest) || class.len != 1 ||
	    !rmt_span_split(rest, '.', &subject, &detail))
		return 0;
	if (!g_ascii_isdigit(class.p[0]) || !rmt_parse_number(subject, 0, &n) ||
	    subject.len > 3 || !rmt_parse_number(detail, 0, &n) || detail.len > 3)
		return 0;
	return class.p[0] - '0';
}

bool rmt_check_reply_text(struct rmt_span text, enum rmt_action action, GError **err)
{
	int class = status_class(text);

	if (text.len == 0 || text.len > REPLY_TEXT_MAX)
		return rmt_config_refuse(err, text, "must have 1 to %d octets",
					 REPLY_TEXT_MAX);
	if (!is_plain(text))
		return rmt_config_refuse(err, text,
					 "must be one line of printable ASCII");
	if (action == RMT_ACTION_DEFER && class != 0 && class != 4)
		return rmt_config_refuse(err, text,
					 "has a status code that does not fit action "
					 "'defer' (write 4.x.x)");
	if (action == RMT_ACTION_REJECT && class != 0 && class != 5)
		return rmt_config_refuse(err, text,
					 "has a status code that does not fit action "
					 "'reject' (write 5.x.x)");
	return check_placeholders(text, err);
}
