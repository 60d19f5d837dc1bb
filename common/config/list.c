/* SPDX-License-Identifier: MIT */
#include "common/config/list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/config/error.h"
#include "common/config/set.h"
#include "common/message/addr.h"

enum {
	LINES_MAX = 50000000,
	PATTERNS_MAX = 10000, /* tried one by one */
	PREFIX_MAX = 128,
	NETWORK_KEY = 17, /* prefix length, address */
};

struct rmt_list {
	enum rmt_list_kind kind;
	const struct rmt_fold *fold; /* foreign; or NULL */
	bool has_null;               /* <>, among addresses or their domains */
	struct rmt_set
		exact; /* "ann@x", "@x" for any at x; domains; words; networks' keys */
	struct rmt_set below; /* ".x": domains below x */
	GPtrArray *patterns;  /* own char *, folded; '*' stands for any octets */
	uint8_t prefixes[PREFIX_MAX + 1]; /* lengths that occur among the networks */
	size_t prefix_count;
};

struct rmt_list *rmt_list_new(enum rmt_list_kind kind)
{
	struct rmt_list *list = g_new0(struct rmt_list, 1);

	list->kind = kind;
	list->patterns = g_ptr_array_new_with_free_func(g_free);
	return list;
}

void rmt_list_free(struct rmt_list *list)
{
	if (list == NULL)
		return;
	rmt_set_clear(&list->exact);
	rmt_set_clear(&list->below);
	g_ptr_array_unref(list->patterns);
	g_free(list);
}

void rmt_list_set_fold(struct rmt_list *list, const struct rmt_fold *fold)
{
	list->fold = fold;
}

static bool has_octet(struct rmt_span s, char c)
{
	return s.len > 0 && memchr(s.p, c, s.len) != NULL;
}

static bool has_control(struct rmt_span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool is_ascii(struct rmt_span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* --- adding -------------------------------------------------------------------- */

static bool add_pattern(struct rmt_list *list, struct rmt_span pattern, GError **err)
{
	if (list->patterns->len >= PATTERNS_MAX)
		return rmt_config_refuse(
			err, pattern,
			"is one pattern too many: at most %d values of a list may "
			"hold a '*' (other than *@domain and *.domain)",
			PATTERNS_MAX);
	g_ptr_array_add(list->patterns, g_strndup(pattern.p, pattern.len));
	return true;
}

static bool add_word(struct rmt_list *list, struct rmt_span value, GError **err)
{
	g_autofree char *lower = NULL;

	if (list->kind == RMT_LIST_NOCASE) {
		lower = g_ascii_strdown(value.p, (gssize)value.len);
		value.p = lower;
	}
	if (has_octet(value, '*'))
		return add_pattern(list, value, err);
	rmt_set_add(&list->exact, value);
	return true;
}

/* Letters, digits, "-_.", address literals, and whatever UTF-8 becomes an A-label. */
static bool fold_domain(struct rmt_span value, struct rmt_span domain, char *out,
			struct rmt_span *domain_r, GError **err)
{
	size_t i;

	*domain_r = rmt_domain_fold(domain, out);
	if (domain_r->len == 0 || domain.len > 4 * RMT_DOMAIN_MAX)
		return rmt_config_refuse(err, value,
					 "names no domain (write example.com)");
	if (!is_ascii(*domain_r))
		return rmt_config_refuse(err, value, "is no valid domain in UTF-8");
	for (i = 0; i < domain_r->len; i++)
		if (!g_ascii_isalnum(domain_r->p[i]) &&
		    strchr("-_.[]:", domain_r->p[i]) == NULL)
			return rmt_config_refuse(err, value,
						 "is no domain: it holds a '%c'",
						 domain_r->p[i]);
	return true;
}

/* What a domain value says: itself, or everything below a domain. */
static struct rmt_span parent_of(struct rmt_span domain)
{
	if (rmt_span_starts(domain, RMT_SPAN("*.")))
		return rmt_span_from(domain, 2);
	if (rmt_span_starts(domain, RMT_SPAN(".")))
		return rmt_span_from(domain, 1);
	return rmt_span(NULL, 0);
}

static bool add_below(struct rmt_list *list, struct rmt_span value,
		      struct rmt_span parent, GError **err)
{
	char text[RMT_DOMAIN_MAX + 2] = ".";
	struct rmt_span domain;

	if (!fold_domain(value, parent, text + 1, &domain, err))
		return false;
	rmt_set_add(&list->below, rmt_span(text, domain.len + 1));
	return true;
}

static bool add_domain(struct rmt_list *list, struct rmt_span value, GError **err)
{
	struct rmt_span parent = parent_of(value), domain;
	char text[RMT_DOMAIN_MAX + 1];

	if (has_octet(value, '@'))
		return rmt_config_refuse(err, value,
					 "is an address where a domain is wanted");
	if (parent.len > 0 && !has_octet(parent, '*'))
		return add_below(list, value, parent, err);
	if (has_octet(value, '*'))
		return add_pattern(list, rmt_domain_fold(value, text), err);
	if (!fold_domain(value, value, text, &domain, err))
		return false;
	rmt_set_add(&list->exact, domain);
	return true;
}

static bool add_any_at(struct rmt_list *list, struct rmt_span value,
		       struct rmt_span domain, GError **err)
{
	char text[RMT_DOMAIN_MAX + 2] = "@";
	struct rmt_span folded;

	if (!fold_domain(value, domain, text + 1, &folded, err))
		return false;
	rmt_set_add(&list->exact, rmt_span(text, folded.len + 1));
	return true;
}

/* Addresses are folded before they meet a pattern: one that folding would change
 * meets none. */
static bool check_pattern_fold(const struct rmt_list *list, struct rmt_span pattern,
			       GError **err)
{
	struct rmt_addr addr;

	if (list->fold == NULL)
		return true;
	rmt_addr_fold(list->fold, pattern, &addr);
	return rmt_span_eq(addr.whole, pattern) ||
	       rmt_config_refuse(
		       err, pattern,
		       "never matches, since 'fold' changes such addresses (write %.*s)",
		       RMT_SPAN_ARGS(addr.whole));
}

/* A pattern stays whole; what of its domain is no pattern becomes an A-label. */
static bool add_address_pattern(struct rmt_list *list, struct rmt_span value,
				GError **err)
{
	g_autofree char *whole = g_ascii_strdown(value.p, (gssize)value.len);
	g_autoptr(GString) out = g_string_new(NULL);
	struct rmt_span lower = rmt_span(whole, value.len), local, domain, folded;
	char text[RMT_DOMAIN_MAX + 1];

	if (!rmt_span_split_last(lower, '@', &local, &domain))
		return add_pattern(list, lower, err);
	g_string_append_len(out, local.p, (gssize)local.len);
	g_string_append_c(out, '@');
	if (rmt_span_starts(domain, RMT_SPAN("*."))) {
		g_string_append(out, "*.");
		domain = rmt_span_from(domain, 2);
	}
	if (has_octet(domain, '*'))
		folded = domain;
	else if (!fold_domain(value, domain, text, &folded, err))
		return false;
	g_string_append_len(out, folded.p, (gssize)folded.len);
	return check_pattern_fold(list, rmt_span(out->str, out->len), err) &&
	       add_pattern(list, rmt_span(out->str, out->len), err);
}

static bool add_exact_address(struct rmt_list *list, struct rmt_span value, GError **err)
{
	struct rmt_span local, domain;
	char text[RMT_DOMAIN_MAX + 1];
	struct rmt_addr addr;

	if (!rmt_span_split_last(value, '@', &local, &domain)) {
		if (has_octet(value, '.'))
			return rmt_config_refuse(err, value,
						 "is no address (write *@%.*s)",
						 RMT_SPAN_ARGS(value));
	} else {
		if (local.len == 0)
			return rmt_config_refuse(err, value,
						 "has no local part (write *@%.*s)",
						 RMT_SPAN_ARGS(domain));
		if (!fold_domain(value, domain, text, &domain, err))
			return false;
	}
	rmt_addr_fold(list->fold, value, &addr);
	rmt_set_add(&list->exact, addr.whole);
	return true;
}

static bool add_address(struct rmt_list *list, struct rmt_span value, GError **err)
{
	struct rmt_span local, domain, parent;

	if (has_octet(value, ' '))
		return rmt_config_refuse(err, value,
					 "holds a blank (write addresses one by one, "
					 "[\"a@example.com\", \"b@example.com\"])");
	if (!has_octet(value, '*'))
		return add_exact_address(list, value, err);
	if (!rmt_span_split_last(value, '@', &local, &domain) ||
	    !rmt_span_eq(local, RMT_SPAN("*")))
		return add_address_pattern(list, value, err);
	parent = parent_of(domain);
	if (parent.len > 0 && !has_octet(parent, '*'))
		return add_below(list, value, parent, err);
	if (has_octet(domain, '*'))
		return add_address_pattern(list, value, err);
	return add_any_at(list, value, domain, err);
}

/* --- networks ------------------------------------------------------------------ */

/* Octets of an address literal, IPv4 as ::ffff:a.b.c.d; returns the length of
 * its family's full prefix, 0: no address. */
static unsigned parse_ip(struct rmt_span text, uint8_t out[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char copy[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof(copy) || has_octet(text, '\0'))
		return 0;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	memcpy(out, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, copy, out + 12) == 1)
		return 32;
	return inet_pton(AF_INET6, copy, out) == 1 ? 128 : 0;
}

/* key: prefix length and the address's octets below it. */
static void make_key(uint8_t key[NETWORK_KEY], const uint8_t ip[16], unsigned prefix)
{
	unsigned whole = prefix / 8;

	memset(key, 0, NETWORK_KEY);
	key[0] = (uint8_t)prefix;
	memcpy(key + 1, ip, whole);
	if (prefix % 8 != 0)
		key[1 + whole] = (uint8_t)(ip[whole] & (0xff << (8 - prefix % 8)));
}

static bool parse_prefix(struct rmt_span text, unsigned max, unsigned *prefix_r)
{
	unsigned n = 0;
	size_t i;

	if (text.len == 0 || text.len > 3)
		return false;
	for (i = 0; i < text.len; i++) {
		if (!g_ascii_isdigit(text.p[i]))
			return false;
		n = n * 10 + (unsigned)(text.p[i] - '0');
	}
	*prefix_r = n;
	return n <= max;
}

static bool refuse_host_bits(struct rmt_span value, const uint8_t key[NETWORK_KEY],
			     unsigned family, unsigned prefix, GError **err)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family == 32 ? AF_INET : AF_INET6, key + (family == 32 ? 13 : 1), text,
		  sizeof(text));
	return rmt_config_refuse(err, value, "has bits beyond its prefix (write %s/%u)",
				 text, prefix);
}

static bool add_network(struct rmt_list *list, struct rmt_span value, GError **err)
{
	struct rmt_span address = value, length = { NULL, 0 };
	uint8_t ip[16], key[NETWORK_KEY];
	unsigned family, prefix;
	bool has_prefix = rmt_span_split(value, '/', &address, &length);

	family = parse_ip(address, ip);
	prefix = family;
	if (family == 0 || (has_prefix && !parse_prefix(length, family, &prefix)))
		return rmt_config_refuse(
			err, value,
			"is no network (write 192.0.2.1, 192.0.2.0/24 or "
			"2001:db8::/32)");
	make_key(key, ip, prefix + 128 - family);
	if (memcmp(key + 1, ip, sizeof(ip)) != 0)
		return refuse_host_bits(value, key, family, prefix, err);
	rmt_set_add(&list->exact, rmt_span((char *)key, sizeof(key)));
	if (memchr(list->prefixes, key[0], list->prefix_count) == NULL)
		list->prefixes[list->prefix_count++] = key[0];
	return true;
}

static bool has_network(const struct rmt_list *list, struct rmt_span value)
{
	uint8_t ip[16], key[NETWORK_KEY];
	size_t i;

	if (parse_ip(value, ip) == 0)
		return false;
	for (i = 0; i < list->prefix_count; i++) {
		make_key(key, ip, list->prefixes[i]);
		if (rmt_set_has(&list->exact, rmt_span((char *)key, sizeof(key))))
			return true;
	}
	return false;
}

/* --- values and files ---------------------------------------------------------- */

static bool names_null_sender(const struct rmt_list *list, struct rmt_span value)
{
	return (list->kind == RMT_LIST_ADDRESSES || list->kind == RMT_LIST_DOMAINS) &&
	       rmt_span_eq(value, RMT_SPAN("<>"));
}

static bool add_value(struct rmt_list *list, struct rmt_span value, GError **err)
{
	if (value.len == 0)
		return rmt_config_refuse(err, value, "is empty%s",
					 list->kind == RMT_LIST_ADDRESSES
						 ? " (the null sender is <>)"
						 : "");
	if (value.len > RMT_SET_MEMBER_MAX)
		return rmt_config_refuse(err, value, "is longer than %d octets",
					 RMT_SET_MEMBER_MAX);
	if (has_control(value))
		return rmt_config_refuse(err, value, "holds control characters");
	if (names_null_sender(list, value)) {
		list->has_null = true;
		return true;
	}
	switch (list->kind) {
	case RMT_LIST_WORDS:
	case RMT_LIST_NOCASE:
		return add_word(list, value, err);
	case RMT_LIST_ADDRESSES:
		return add_address(list, value, err);
	case RMT_LIST_DOMAINS:
		return add_domain(list, value, err);
	case RMT_LIST_NETWORKS:
		return add_network(list, value, err);
	}
	g_return_val_if_reached(false);
}

bool rmt_list_add(struct rmt_list *list, struct rmt_span value, GError **err)
{
	g_autofree char *path = NULL;

	if (!rmt_span_starts(value, RMT_SPAN("file:")))
		return add_value(list, value, err);
	path = g_strndup(value.p + 5, value.len - 5);
	return rmt_list_add_file(list, path, err);
}

static bool add_line(void *context, struct rmt_span value, GError **err)
{
	return add_value(context, value, err);
}

bool rmt_list_add_file(struct rmt_list *list, const char *path, GError **err)
{
	return rmt_list_read_file(path, add_line, list, err);
}

/* From a '#' that begins the line or follows a blank. */
static struct rmt_span without_comment(struct rmt_span line)
{
	size_t i;

	for (i = 0; i < line.len; i++)
		if (line.p[i] == '#' && (i == 0 || g_ascii_isspace(line.p[i - 1])))
			return rmt_span_trim(rmt_span(line.p, i));
	return rmt_span_trim(line);
}

/* Keeps the first complaint, with its place, and counts. */
static void note_wrong_line(GError **first, GError *wrong, const char *path, size_t line)
{
	if (*first != NULL) {
		g_error_free(wrong);
		return;
	}
	*first = wrong;
	g_prefix_error(first, "%s:%zu: ", path, line);
}

static bool read_lines(FILE *file, const char *path, rmt_list_line *each, void *context,
		       GError **err)
{
	g_autoptr(GError) first = NULL;
	size_t line = 0, wrong = 0, size = 0;
	char *text = NULL;
	ssize_t len;

	while (line < LINES_MAX && (len = getline(&text, &size, file)) >= 0) {
		struct rmt_span value = without_comment(rmt_span(text, (size_t)len));
		GError *why = NULL;

		line++;
		if (value.len > 0 && !each(context, value, &why)) {
			note_wrong_line(&first, why, path, line);
			wrong++;
		}
	}
	free(text);
	if (line == LINES_MAX && fgetc(file) != EOF)
		g_set_error(err, RMT_CONFIG_ERROR, 0, "%s has more than %d lines", path,
			    LINES_MAX);
	else if (ferror(file))
		g_set_error(err, RMT_CONFIG_ERROR, 0, "cannot read %s: %s", path,
			    g_strerror(errno));
	else if (wrong > 1)
		g_set_error(err, RMT_CONFIG_ERROR, 0,
			    "%s; %zu more lines of this file are wrong", first->message,
			    wrong - 1);
	else if (wrong == 1)
		g_propagate_error(err, g_steal_pointer(&first));
	else
		return true;
	return false;
}

bool rmt_list_read_file(const char *path, rmt_list_line *each, void *context,
			GError **err)
{
	bool ok;
	FILE *file;

	if (!g_path_is_absolute(path)) {
		g_set_error(
			err, RMT_CONFIG_ERROR, 0,
			"'file:%s' names no absolute path (write file:/etc/remite/...)",
			path);
		return false;
	}
	file = fopen(path, "re");
	if (file == NULL) {
		g_set_error(err, RMT_CONFIG_ERROR, 0, "cannot open %s: %s", path,
			    g_strerror(errno));
		return false;
	}
	ok = read_lines(file, path, each, context, err);
	fclose(file);
	return ok;
}

/* --- looking up ---------------------------------------------------------------- */

size_t rmt_list_count(const struct rmt_list *list)
{
	return list->exact.count + list->below.count + list->patterns->len +
	       (list->has_null ? 1 : 0);
}

/* '*' stands for any octets, none among them. Goes back to the last '*' alone,
 * which is enough. */
static bool fits_pattern(const char *pattern, struct rmt_span s)
{
	const char *after_star = NULL;
	size_t i = 0, retry = 0;

	while (i < s.len) {
		if (*pattern == '*') {
			after_star = ++pattern;
			retry = i;
		} else if (*pattern != '\0' && *pattern == s.p[i]) {
			pattern++;
			i++;
		} else if (after_star != NULL) {
			pattern = after_star;
			i = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool has_pattern(const struct rmt_list *list, struct rmt_span value)
{
	guint i;

	for (i = 0; i < list->patterns->len; i++)
		if (fits_pattern(g_ptr_array_index(list->patterns, i), value))
			return true;
	return false;
}

static bool has_below(const struct rmt_list *list, struct rmt_span domain)
{
	size_t i;

	for (i = 1; list->below.count > 0 && i < domain.len; i++)
		if (domain.p[i] == '.' &&
		    rmt_set_has(&list->below, rmt_span_from(domain, i)))
			return true;
	return false;
}

static bool has_address(const struct rmt_list *list, struct rmt_span value)
{
	const char *at;
	size_t local;

	if (rmt_set_has(&list->exact, value))
		return true;
	at = memrchr(value.p, '@', value.len);
	if (at == NULL)
		return false;
	local = (size_t)(at - value.p);
	return rmt_set_has(&list->exact, rmt_span_from(value, local)) ||
	       has_below(list, rmt_span_from(value, local + 1));
}

static bool has_nocase(const struct rmt_list *list, struct rmt_span value)
{
	char lower[RMT_SET_MEMBER_MAX];
	size_t i;

	if (value.len > sizeof(lower))
		return false;
	for (i = 0; i < value.len; i++)
		lower[i] = g_ascii_tolower(value.p[i]);
	value.p = lower;
	return rmt_set_has(&list->exact, value) || has_pattern(list, value);
}

bool rmt_list_has(const struct rmt_list *list, struct rmt_span value)
{
	if (list == NULL)
		return false;
	if (value.len == 0 || names_null_sender(list, value))
		return list->has_null;
	switch (list->kind) {
	case RMT_LIST_WORDS:
		return rmt_set_has(&list->exact, value) || has_pattern(list, value);
	case RMT_LIST_NOCASE:
		return has_nocase(list, value);
	case RMT_LIST_ADDRESSES:
		return has_address(list, value) || has_pattern(list, value);
	case RMT_LIST_DOMAINS:
		return rmt_set_has(&list->exact, value) || has_below(list, value) ||
		       has_pattern(list, value);
	case RMT_LIST_NETWORKS:
		return has_network(list, value);
	}
	g_return_val_if_reached(false);
}

size_t rmt_list_exact(const struct rmt_list *list,
		      void (*each)(void *context, struct rmt_span value), void *context)
{
	struct rmt_span value;
	size_t cursor;

	if (list->kind == RMT_LIST_NETWORKS)
		return list->exact.count;
	for (cursor = 0; rmt_set_next(&list->exact, &cursor, &value);)
		each(context, value);
	for (cursor = 0; rmt_set_next(&list->below, &cursor, &value);)
		each(context, value);
	if (list->has_null)
		each(context, rmt_span("", 0));
	return list->patterns->len;
}

void rmt_list_patterns(const struct rmt_list *list,
		       void (*each)(void *context, struct rmt_span value), void *context)
{
	guint i;

	for (i = 0; i < list->patterns->len; i++)
		each(context, rmt_span_of(g_ptr_array_index(list->patterns, i)));
}
