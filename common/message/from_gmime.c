/* SPDX-License-Identifier: MIT */
/* The second reading of From, GMime's: as lenient as receivers are. */
#include <gmime/gmime.h>

#include "common/message/from_reading.h"
#include "common/message/gmime.h"

static GMimeObject *parse_section(struct rmt_span section)
{
	g_autoptr(GString) text = g_string_new_len(section.p, (gssize)section.len);
	GMimeStream *stream;
	GMimeParser *parser;
	GMimeObject *part;

	g_string_append(text, "\r\n");
	stream = g_mime_stream_mem_new_with_buffer(text->str, text->len);
	parser = g_mime_parser_new_with_stream(stream);
	part = g_mime_parser_construct_part(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	return part;
}

/* The one From field's raw value, or NULL. */
static const char *find_from(GMimeObject *part)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(part);
	const char *value = NULL;
	int i;

	for (i = 0; i < g_mime_header_list_get_count(list); i++) {
		GMimeHeader *header = g_mime_header_list_get_header_at(list, i);

		if (g_ascii_strcasecmp(g_mime_header_get_name(header), "From") != 0)
			continue;
		if (value != NULL)
			return NULL;
		value = g_mime_header_get_raw_value(header);
	}
	return value;
}

/* GMime shows A-labels as U-labels; its other spelling has them back. */
static bool is_the_one(InternetAddressList *list, const char *address)
{
	InternetAddressMailbox *mailbox;
	InternetAddress *only;

	if (list == NULL || internet_address_list_length(list) != 1)
		return false;
	only = internet_address_list_get_address(list, 0);
	if (!INTERNET_ADDRESS_IS_MAILBOX(only))
		return false;
	mailbox = INTERNET_ADDRESS_MAILBOX(only);
	return g_strcmp0(internet_address_mailbox_get_addr(mailbox), address) == 0 ||
	       rmt_span_eq_nocase(
		       rmt_span_of(internet_address_mailbox_get_idn_addr(mailbox)),
		       rmt_span_of(address));
}

bool rmt_from_gmime_reads(struct rmt_span section, const char *address)
{
	InternetAddressList *list = NULL;
	GMimeObject *part;
	const char *value;
	bool same;

	rmt_gmime_start();
	part = parse_section(section);
	if (part == NULL)
		return false;
	value = find_from(part);
	if (value != NULL)
		list = internet_address_list_parse(NULL, value);
	same = is_the_one(list, address);
	g_clear_object(&list);
	g_object_unref(part);
	return same;
}

char *rmt_from_decode(const char *text)
{
	rmt_gmime_start();
	return g_mime_utils_header_decode_text(NULL, text);
}
