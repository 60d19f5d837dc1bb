/* SPDX-License-Identifier: MIT */
#include "common/unsubscribe/target.h"

#include "common/auth/dns.h"
#include "common/message/addr.h"

enum { HTTPS_PORT = 443 };

static const struct {
	const char *word, *text;
} results[RMT_TARGET_COUNT] = {
	[RMT_TARGET_OK] = { "ok", "a place to POST to" },
	[RMT_TARGET_TOO_LONG] = { "too-long", "the URL is over 2048 octets" },
	[RMT_TARGET_CHARACTER] = { "character", "the URL has an octet no URL has" },
	[RMT_TARGET_SCHEME] = { "scheme", "the URL is not https" },
	[RMT_TARGET_USER] = { "user", "the URL names a user" },
	[RMT_TARGET_PORT] = { "port", "the URL names a port that is not allowed" },
	[RMT_TARGET_LITERAL] = { "literal", "the URL has an address for a name" },
	[RMT_TARGET_NAME] = { "name", "the URL has no full name of a host" },
	[RMT_TARGET_PRIVATE] = { "private", "the URL names a host of a private network" },
};

const char *rmt_target_word(enum rmt_target_result result)
{
	return results[result].word;
}

const char *rmt_target_text(enum rmt_target_result result)
{
	return results[result].text;
}

/* --- characters ------------------------------------------------------------------ */

/* RFC 3986, 2, and '[', ']' of literals, so that they get their own reason. '\' is
 * a '/' to some readers; '|', '^', '`', '{', '}' are no URL's, but in the world's. */
static bool is_url_char(char c)
{
	return c > ' ' && c < '\x7f' && strchr("\"<>\\", c) == NULL;
}

static bool has_good_characters(struct rmt_span url)
{
	size_t i;

	for (i = 0; i < url.len; i++) {
		if (!is_url_char(url.p[i]))
			return false;
		if (url.p[i] == '%' &&
		    (url.len - i < 3 || !g_ascii_isxdigit(url.p[i + 1]) ||
		     !g_ascii_isxdigit(url.p[i + 2])))
			return false;
	}
	return true;
}

/* --- host and port --------------------------------------------------------------- */

/* The last label tells an address from a name, as in the URL standard: "127.1",
 * "0177.0.0.1", "2130706433", "0x7f.1", "127.0.0.1." */
static bool ends_in_number(struct rmt_span host)
{
	struct rmt_span before, last = host;
	size_t i;

	rmt_span_split_last(host, '.', &before, &last);
	if (last.len >= 2 && last.p[0] == '0' && (last.p[1] == 'x' || last.p[1] == 'X'))
		return true;
	for (i = 0; i < last.len; i++)
		if (!g_ascii_isdigit(last.p[i]))
			return false;
	return last.len > 0;
}

/* Letters, digits, hyphens within (RFC 1123, 2.1), and a dot somewhere. */
static bool is_host_name(struct rmt_span host)
{
	size_t i;

	if (!rmt_dns_name_ok(host) || rmt_dns_label_count(host) < 2)
		return false;
	for (i = 0; i < host.len; i++) {
		const char c = host.p[i];
		const bool edge = i == 0 || i + 1 == host.len || host.p[i - 1] == '.' ||
				  host.p[i + 1] == '.';

		if (!g_ascii_isalnum(c) && c != '.' && (c != '-' || edge))
			return false;
	}
	return true;
}

/* RFC 6761, 6762, 7686, 8375, 9476, and ".internal" of ICANN. */
static bool is_private_name(struct rmt_span host)
{
	static const char *const tails[] = { "localhost", "local", "internal", "onion",
					     "alt",       "arpa",  "invalid",  NULL };
	size_t i;

	for (i = 0; tails[i] != NULL; i++)
		if (rmt_domain_within(host, rmt_span_of(tails[i])))
			return true;
	return false;
}

static enum rmt_target_result read_host(struct rmt_span host, struct rmt_target *target)
{
	char folded[RMT_DOMAIN_MAX + 1];

	if (host.len > 0 && host.p[0] == '[')
		return RMT_TARGET_LITERAL;
	if (host.len > 0 && host.p[host.len - 1] == '.')
		host.len--;
	if (ends_in_number(host))
		return RMT_TARGET_LITERAL;
	/* Before it is folded, which would take "127.0.0.1.." for "127.0.0.1". */
	if (!rmt_dns_name_ok(host))
		return RMT_TARGET_NAME;
	host = rmt_domain_fold(host, folded);
	if (is_private_name(host))
		return RMT_TARGET_PRIVATE;
	if (!is_host_name(host))
		return RMT_TARGET_NAME;
	target->host = g_strndup(host.p, host.len);
	return RMT_TARGET_OK;
}

static bool is_allowed_port(unsigned port, const unsigned *ports)
{
	if (ports == NULL)
		return port == HTTPS_PORT;
	for (; *ports != 0; ports++)
		if (*ports == port)
			return true;
	return false;
}

/* text: behind the colon. Empty means the scheme's own (RFC 3986, 3.2.3). */
static bool read_port(struct rmt_span text, unsigned *port_r)
{
	unsigned port = 0;
	size_t i;

	*port_r = HTTPS_PORT;
	if (text.len == 0)
		return true;
	if (text.len > 5)
		return false;
	for (i = 0; i < text.len; i++) {
		if (!g_ascii_isdigit(text.p[i]))
			return false;
		port = port * 10 + (unsigned)(text.p[i] - '0');
	}
	*port_r = port;
	return port <= 65535;
}

static enum rmt_target_result read_authority(struct rmt_span authority,
					     const unsigned *ports,
					     struct rmt_target *target)
{
	struct rmt_span host = authority, port = RMT_SPAN("");

	if (memchr(authority.p, '@', authority.len) != NULL)
		return RMT_TARGET_USER;
	if (authority.len > 0 && authority.p[0] == '[')
		return RMT_TARGET_LITERAL;
	rmt_span_split(authority, ':', &host, &port);
	if (!read_port(port, &target->port) || !is_allowed_port(target->port, ports))
		return RMT_TARGET_PORT;
	return read_host(host, target);
}

/* --- the whole ------------------------------------------------------------------- */

static void write_url(struct rmt_span rest, struct rmt_target *target)
{
	GString *url = g_string_new("https://");

	g_string_append(url, target->host);
	if (target->port != HTTPS_PORT)
		g_string_append_printf(url, ":%u", target->port);
	if (rest.len == 0 || rest.p[0] != '/')
		g_string_append_c(url, '/');
	g_string_append_len(url, rest.p, (gssize)rest.len);
	target->url = g_string_free(url, FALSE);
}

static enum rmt_target_result read_url(struct rmt_span url, const unsigned *ports,
				       struct rmt_target *target)
{
	const struct rmt_span scheme = RMT_SPAN("https://");
	struct rmt_span authority, fragment;
	enum rmt_target_result result;

	if (url.len > RMT_TARGET_MAX)
		return RMT_TARGET_TOO_LONG;
	if (!has_good_characters(url))
		return RMT_TARGET_CHARACTER;
	if (url.len < scheme.len ||
	    !rmt_span_eq_nocase(rmt_span(url.p, scheme.len), scheme))
		return RMT_TARGET_SCHEME;
	url = rmt_span_from(url, scheme.len);
	rmt_span_split(url, '#', &url, &fragment);
	for (authority = rmt_span(url.p, 0);
	     authority.len < url.len && strchr("/?", url.p[authority.len]) == NULL;)
		authority.len++;
	result = read_authority(authority, ports, target);
	if (result == RMT_TARGET_OK)
		write_url(rmt_span_from(url, authority.len), target);
	return result;
}

enum rmt_target_result rmt_target_read(struct rmt_span url, const unsigned *ports,
				       struct rmt_target *target_r)
{
	enum rmt_target_result result;

	*target_r = (struct rmt_target){ NULL };
	result = read_url(url, ports, target_r);
	if (result != RMT_TARGET_OK)
		rmt_target_clear(target_r);
	return result;
}

void rmt_target_clear(struct rmt_target *target)
{
	g_clear_pointer(&target->url, g_free);
	g_clear_pointer(&target->host, g_free);
	target->port = 0;
}
