/* SPDX-License-Identifier: MIT */
#include <glib.h>

#include "common/rules/names.h"

/* State: 2026-11. One is enough to be asked about; whoever lacks is caught by the
 * domain's own DMARC policy. */
static const char *const free_mail[] = {
	"aim.com",      "aol.com",      "aol.de",         "aol.fr",
	"bol.com.br",   "fastmail.com", "free.fr",        "freenet.de",
	"gmail.com",    "gmx.at",       "gmx.ch",         "gmx.com",
	"gmx.de",       "gmx.net",      "googlemail.com", "hotmail.co.uk",
	"hotmail.com",  "hotmail.de",   "hotmail.es",     "hotmail.fr",
	"hotmail.it",   "icloud.com",   "laposte.net",    "libero.it",
	"live.co.uk",   "live.com",     "live.de",        "live.fr",
	"live.nl",      "mac.com",      "mail.com",       "mail.ru",
	"me.com",       "msn.com",      "naver.com",      "o2.pl",
	"orange.fr",    "outlook.com",  "outlook.de",     "outlook.es",
	"outlook.fr",   "pm.me",        "proton.me",      "protonmail.com",
	"qq.com",       "rambler.ru",   "rediffmail.com", "rocketmail.com",
	"seznam.cz",    "t-online.de",  "tutanota.com",   "virgilio.it",
	"wanadoo.fr",   "web.de",       "wp.pl",          "yahoo.ca",
	"yahoo.co.in",  "yahoo.co.jp",  "yahoo.co.uk",    "yahoo.com",
	"yahoo.com.au", "yahoo.com.br", "yahoo.de",       "yahoo.es",
	"yahoo.fr",     "yahoo.it",     "yandex.com",     "yandex.ru",
	"ymail.com",    "zoho.com",     "126.com",        "163.com",
};

static const char *const line_words[] = {
	"adsl",      "broadband", "cable", "client", "cust",     "customer",
	"customers", "dhcp",      "dial",  "dialin", "dialup",   "dsl",
	"dyn",       "dynamic",   "dynip", "ip",     "lte",      "pool",
	"pools",     "ppp",       "pppoe", "vdsl",   "wireless", "unknown",
};

bool rmt_is_free_mail(struct rmt_span domain)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(free_mail); i++)
		if (rmt_span_eq_nocase(domain, rmt_span_of(free_mail[i])))
			return true;
	return false;
}

/* Numbers in the name, as "198-51-100-7" or "7.100.51.198" or glued with zeros. */
static unsigned octets_in(struct rmt_span name, const struct rmt_ip *ip)
{
	unsigned found = 0, seen = 0;
	size_t i = 0;

	while (i < name.len) {
		unsigned value = 0, digits = 0, k;

		for (; i < name.len && g_ascii_isdigit(name.p[i]) && digits < 4;
		     i++, digits++)
			value = value * 10 + (unsigned)(name.p[i] - '0');
		for (k = 0; digits > 0 && k < 4; k++)
			if ((seen >> k & 1) == 0 && ip->octets[k] == value) {
				seen |= 1u << k;
				found++;
				break;
			}
		i += digits == 0;
	}
	return found;
}

static bool is_line_word(struct rmt_span word)
{
	size_t i;

	while (word.len > 0 && g_ascii_isdigit(word.p[word.len - 1]))
		word.len--;
	for (i = 0; i < G_N_ELEMENTS(line_words); i++)
		if (rmt_span_eq_nocase(word, rmt_span_of(line_words[i])))
			return true;
	return false;
}

/* Words of the labels that name the host: the last two are the network's. */
static bool has_line_word(struct rmt_span name)
{
	struct rmt_span rest = name, head, last;
	size_t i, start = 0;

	if (!rmt_span_split_last(rest, '.', &head, &last) ||
	    !rmt_span_split_last(head, '.', &rest, &last))
		return false;
	for (i = 0; i <= rest.len; i++) {
		if (i < rest.len && g_ascii_isalnum(rest.p[i]))
			continue;
		if (is_line_word(rmt_span(rest.p + start, i - start)))
			return true;
		start = i + 1;
	}
	return false;
}

bool rmt_is_generic_name(struct rmt_span name, const struct rmt_ip *ip)
{
	return (!ip->is_v6 && octets_in(name, ip) >= 3) || has_line_word(name);
}
