/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/auth/dns.h"
#include "common/auth/ip.h"
#include "common/base/failure.h"
#include "common/base/log.h"
#include "common/cli/words.h"
#include "common/message/addr.h"

enum { FILE_MAX = 256 * 1024 * 1024 };

/* --- names ------------------------------------------------------------------------ */

/* Letters, digits, '-' and '_' in labels: what a sending domain is made of. */
static bool is_host_like(struct rmt_span name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (!g_ascii_isalnum(name.p[i]) && strchr("-_.", name.p[i]) == NULL)
			return false;
	return rmt_dns_name_ok(name);
}

static bool wrong_word(GError **err, const char *word, const char *why)
{
	g_autoptr(GString) shown = g_string_new(NULL);

	rmt_log_printable(shown, rmt_span_of(word), 80);
	return rmt_wrong(err, "'%s' %s", shown->str, why);
}

bool rmt_cli_domain(const char *word, GError **err)
{
	char folded[RMT_DOMAIN_MAX + 1];
	struct rmt_ip ip;

	if (strstr(word, "://") != NULL)
		return wrong_word(err, word,
				  "is the address of a page: only the domain is wanted");
	if (strchr(word, '@') != NULL)
		return wrong_word(err, word,
				  "is a mail address: only the part behind '@' is "
				  "wanted");
	if (word[0] == '[' || rmt_ip_parse(rmt_span_of(word), &ip))
		return wrong_word(err, word,
				  "is the address of a host, and a domain is wanted");
	return is_host_like(rmt_domain_fold(rmt_span_of(word), folded)) ||
	       wrong_word(err, word, "is not a domain name");
}

bool rmt_cli_selector(const char *word, GError **err)
{
	if (strstr(word, "._domainkey") != NULL)
		return wrong_word(err, word,
				  "is a whole name: only the part before '._domainkey' "
				  "is wanted");
	return is_host_like(rmt_span_of(word)) ||
	       wrong_word(err, word, "is not a selector, as s= of a DKIM-Signature says");
}

/* --- times and files ---------------------------------------------------------------- */

bool rmt_cli_now(const char *word, int64_t *now_r, GError **err)
{
	gint64 now;

	if (!g_ascii_string_to_signed(word, 10, 0, G_MAXINT64 / 2, &now, NULL))
		return wrong_word(err, word, "is not Unix seconds, as 1700000000");
	*now_r = now;
	return true;
}

static bool read_all(FILE *in, const char *file, GString *text, GError **err)
{
	char buffer[65536];
	size_t got;

	while ((got = fread(buffer, 1, sizeof(buffer), in)) > 0) {
		if (text->len + got > FILE_MAX)
			return rmt_wrong(err, "%s: more than %d MB", file,
					 FILE_MAX / 1024 / 1024);
		g_string_append_len(text, buffer, (gssize)got);
	}
	return !ferror(in) || rmt_wrong(err, "%s: %s", file, g_strerror(errno));
}

bool rmt_cli_read(const char *file, char **text_r, gsize *len_r, GError **err)
{
	bool is_stdin = strcmp(file, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(file, "rb");
	GString *text;
	bool ok;

	if (in == NULL)
		return rmt_wrong(err, "%s: %s", file, g_strerror(errno));
	text = g_string_new(NULL);
	ok = read_all(in, is_stdin ? "standard input" : file, text, err);
	if (!is_stdin)
		fclose(in);
	if (ok)
		*len_r = text->len;
	if (ok)
		*text_r = g_string_free(text, FALSE);
	else
		g_string_free(text, TRUE);
	return ok;
}

bool rmt_cli_read_message(const char *file, char **text_r, gsize *len_r, GError **err)
{
	char *end;

	if (!rmt_cli_read(file, text_r, len_r, err))
		return false;
	if (!g_str_has_prefix(*text_r, "From "))
		return true;
	end = memchr(*text_r, '\n', *len_r);
	*len_r = end != NULL ? *len_r - (gsize)(end + 1 - *text_r) : 0;
	memmove(*text_r, end != NULL ? end + 1 : *text_r, *len_r);
	(*text_r)[*len_r] = '\0';
	return true;
}

struct rmt_span rmt_cli_address(const char *word)
{
	struct rmt_span address = rmt_span_of(word);

	if (address.len >= 2 && address.p[0] == '<' && address.p[address.len - 1] == '>')
		return rmt_span(address.p + 1, address.len - 2);
	return address;
}
