/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/http/source.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/limits/gcra.h"

enum { SOURCES_MAX = 100000, PREFIX = 8 /* octets of an IPv6 address */ };

/* --- who -------------------------------------------------------------------------- */

/* "[2001:db8::1]:443", "192.0.2.1:1234", "192.0.2.1", "2001:db8::1": the address. */
static struct rmt_span without_port(struct rmt_span text)
{
	struct rmt_span before, after, rest;

	text = rmt_span_trim(text);
	if (rmt_span_starts(text, RMT_SPAN("["))) {
		rmt_span_split(rmt_span_from(text, 1), ']', &text, &after);
		return text;
	}
	if (rmt_span_split(text, ':', &before, &after) &&
	    !rmt_span_split(after, ':', &rest, &rest))
		return before;
	return text;
}

/* What a proxy whose socket is for both kinds calls an IPv4 address. */
static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool parse(struct rmt_span text, unsigned char octets[16], size_t *len_r)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.len >= sizeof(copy) || text.len == 0)
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	*len_r = 4;
	if (inet_pton(AF_INET, copy, octets) == 1)
		return true;
	*len_r = 16;
	if (inet_pton(AF_INET6, copy, octets) != 1)
		return false;
	if (memcmp(octets, mapped, sizeof(mapped)) == 0) {
		memmove(octets, octets + sizeof(mapped), 4);
		*len_r = 4;
	}
	return true;
}

/* As it is written in lists and the log; false: no address, and out is as it was. */
static bool set_address(struct rmt_span address, GString *out)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char octets[16];
	size_t len;

	if (!parse(address, octets, &len) ||
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, octets, text, sizeof(text)) == NULL)
		return false;
	g_string_assign(out, text);
	return true;
}

static bool is_proxy(const struct rmt_http_config *http, const GString *address)
{
	return http->proxies != NULL &&
	       (address->len == 0 ||
		rmt_list_has(http->proxies, rmt_span(address->str, address->len)));
}

void rmt_source_find(const struct rmt_http_config *http, struct rmt_span peer,
		     struct rmt_span forwarded, GString *out)
{
	struct rmt_span rest = forwarded, one;

	g_string_truncate(out, 0);
	set_address(peer, out);
	while (http->forwarded != NULL && rest.len > 0 && is_proxy(http, out)) {
		if (!rmt_span_split_last(rest, ',', &rest, &one)) {
			one = rest;
			rest.len = 0;
		}
		if (!set_address(without_port(one), out))
			break; /* "unknown", or nonsense: the proxy itself is the source
				*/
	}
}

/* --- how often -------------------------------------------------------------------- */

struct rmt_sources {
	struct rmt_measure measure;
	GHashTable *tats; /* own; key of 8 octets in a uint64 -> time in ns */
};

struct rmt_sources *rmt_sources_new(const struct rmt_amount *rate)
{
	struct rmt_sources *sources = g_new0(struct rmt_sources, 1);

	rmt_measure_init(&sources->measure, rate);
	sources->tats =
		g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	return sources;
}

void rmt_sources_free(struct rmt_sources *sources)
{
	if (sources == NULL)
		return;
	g_hash_table_unref(sources->tats);
	g_free(sources);
}

static int64_t key_of(struct rmt_span address)
{
	unsigned char octets[16] = { 0 };
	int64_t key = 0;
	size_t len = 0;

	if (parse(address, octets, &len))
		memcpy(&key, octets, len == 4 ? 4 : PREFIX);
	/* 192.0.2.1 and c000:201::/64 are two. */
	return len == 4 ? key : ~key;
}

static gboolean is_idle(gpointer key, gpointer tat, gpointer now)
{
	(void)key;
	return *(const uint64_t *)tat <= *(const uint64_t *)now;
}

/* Idle sources first; where none is, all: better to forget than to refuse. */
static void make_room(struct rmt_sources *sources, uint64_t now)
{
	if (g_hash_table_size(sources->tats) < SOURCES_MAX)
		return;
	if (g_hash_table_foreach_remove(sources->tats, is_idle, &now) == 0)
		g_hash_table_remove_all(sources->tats);
}

bool rmt_sources_has_room(struct rmt_sources *sources, struct rmt_span address,
			  int64_t now_ns)
{
	const int64_t key = key_of(address);
	const uint64_t *tat = g_hash_table_lookup(sources->tats, &key);

	return tat == NULL ||
	       rmt_measure_fits(&sources->measure, *tat, 0, 1, (uint64_t)now_ns, NULL);
}

bool rmt_sources_charge(struct rmt_sources *sources, struct rmt_span address,
			int64_t now_ns)
{
	const int64_t key = key_of(address);
	uint64_t *tat = g_hash_table_lookup(sources->tats, &key);

	if (!rmt_sources_has_room(sources, address, now_ns))
		return false;
	if (tat == NULL) {
		make_room(sources, (uint64_t)now_ns);
		tat = g_new0(uint64_t, 1);
		g_hash_table_insert(sources->tats, g_memdup2(&key, sizeof(key)), tat);
	}
	*tat = rmt_measure_charge(&sources->measure, *tat, 1, (uint64_t)now_ns);
	return true;
}
