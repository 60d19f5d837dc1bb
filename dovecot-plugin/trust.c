/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/compat.h"
#include "istream.h"
#include "message-header-parser.h"
#include "mail-storage-private.h"

#include "dovecot-plugin/trust.h"

#define HEADER "X-Remite-Unsubscribe"

/* The host after "by" of a Received; NULL where it has none. */
static const char *by_host(const struct message_header_line *hdr)
{
	const char *value = t_strndup(hdr->full_value, hdr->full_value_len);
	const char *const *words = t_strsplit_spaces(value, " \t\r\n;");

	for (; words[0] != NULL; words++)
		if (strcasecmp(words[0], "by") == 0)
			return words[1];
	return NULL;
}

/* The topmost Received was written here: its host is ours. */
static bool is_ours(const struct message_header_line *hdr, char **own)
{
	const char *host = by_host(hdr);

	if (host == NULL)
		return FALSE;
	if (*own == NULL)
		*own = i_strdup(host);
	return strcasecmp(host, *own) == 0;
}

static bool stands_above(struct istream *input)
{
	struct message_header_parser_ctx *parser;
	struct message_header_line *hdr;
	char *own = NULL;
	bool found = FALSE, below = FALSE;

	parser = message_parse_header_init(input, NULL, 0);
	while (!found && !below && message_parse_header_next(parser, &hdr) > 0) {
		if (hdr->eoh)
			break;
		if (hdr->continues) {
			hdr->use_full_value = TRUE;
			continue;
		}
		found = strcasecmp(hdr->name, HEADER) == 0;
		if (strcasecmp(hdr->name, "Received") != 0)
			continue;
		T_BEGIN
		{
			below = !is_ours(hdr, &own);
		}
		T_END;
	}
	message_parse_header_deinit(&parser);
	i_free(own);
	return found;
}

bool rmt_trust_unsubscribe(struct mail *mail)
{
	struct istream *input;
	const char *value;

	/* A mailto alone is no one click: RFC 9979, 6.1. */
	if (mail_get_first_header(mail, HEADER, &value) <= 0 ||
	    strstr(value, "u=<") == NULL || mail_get_hdr_stream(mail, NULL, &input) < 0)
		return FALSE;
	i_stream_seek(input, 0);
	return stands_above(input);
}
