/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grow(void *memory, size_t size)
{
	memory = realloc(memory, size);
	if (memory == NULL)
		abort();
	return memory;
}

/* --- writing ----------------------------------------------------------------- */

static void put(struct rmt_wire_out *out, const void *data, size_t len)
{
	if (out->size - out->len < len) {
		out->size = (out->len + len) * 2 + 64;
		out->data = grow(out->data, out->size);
	}
	if (len > 0)
		memcpy(out->data + out->len, data, len);
	out->len += len;
}

static void put_escaped(struct rmt_wire_out *out, const char *text)
{
	static const char special[] = "\001\t\r\n", letters[] = "1trn";

	for (;;) {
		size_t plain = strcspn(text, special);
		char pair[2] = { '\001', '\0' };

		put(out, text, plain);
		text += plain;
		if (*text == '\0')
			return;
		pair[1] = letters[strchr(special, *text) - special];
		put(out, pair, sizeof(pair));
		text++;
	}
}

void rmt_wire_begin(struct rmt_wire_out *out, const char *type, uint64_t id,
		    const char *kind)
{
	char number[32];
	int len = snprintf(number, sizeof(number), "\t%llu", (unsigned long long)id);

	put(out, type, strlen(type));
	put(out, number, (size_t)len);
	if (kind != NULL) {
		put(out, "\t", 1);
		put(out, kind, strlen(kind));
	}
}

void rmt_wire_version(struct rmt_wire_out *out, const char *role)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "VERSION\t%s\t%d", RMT_WIRE_SERVICE,
			   RMT_WIRE_MAJOR);

	put(out, text, (size_t)len);
	rmt_wire_add(out, "role", role);
	rmt_wire_end(out, NULL, 0);
}

void rmt_wire_add(struct rmt_wire_out *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	put(out, "\t", 1);
	put(out, name, strlen(name));
	put(out, "=", 1);
	put_escaped(out, value);
}

void rmt_wire_add_number(struct rmt_wire_out *out, const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	rmt_wire_add(out, name, text);
}

void rmt_wire_end(struct rmt_wire_out *out, const void *body, size_t body_len)
{
	if (body_len > 0)
		rmt_wire_add_number(out, "body", body_len);
	put(out, "\n", 1);
	put(out, body, body_len);
}

void rmt_wire_out_free(struct rmt_wire_out *out)
{
	free(out->data);
	memset(out, 0, sizeof(*out));
}

/* --- reading ----------------------------------------------------------------- */

struct rmt_wire_in {
	unsigned char *data; /* own */
	size_t len, size;
	size_t used;    /* octets of data that records were made of */
	size_t scanned; /* from there on no LF has been looked for */
	size_t need;    /* octets of the record whose line is known; else 0 */
	char *line;     /* own; the current record's, cut into strings */
	struct rmt_wire_field fields[RMT_WIRE_FIELDS_MAX];
	const char *error; /* a constant; NULL as long as all is well */
};

struct rmt_wire_in *rmt_wire_in_create(void)
{
	struct rmt_wire_in *in = grow(NULL, sizeof(*in));

	memset(in, 0, sizeof(*in));
	return in;
}

void rmt_wire_in_destroy(struct rmt_wire_in **_in)
{
	struct rmt_wire_in *in = *_in;

	if (in == NULL)
		return;
	*_in = NULL;
	free(in->data);
	free(in->line);
	free(in);
}

const char *rmt_wire_in_error(const struct rmt_wire_in *in)
{
	return in->error;
}

void rmt_wire_in_feed(struct rmt_wire_in *in, const void *data, size_t len)
{
	if (in->used > 0) {
		memmove(in->data, in->data + in->used, in->len - in->used);
		in->len -= in->used;
		in->scanned -= in->used;
		in->used = 0;
	}
	if (in->size - in->len < len) {
		in->size = in->len + len + in->len / 2;
		in->data = grow(in->data, in->size);
	}
	if (len > 0)
		memcpy(in->data + in->len, data, len);
	in->len += len;
}

static enum rmt_wire_result bad(struct rmt_wire_in *in, const char *error)
{
	in->error = error;
	return RMT_WIRE_BAD;
}

/* In place; false for an escape that is none. */
static bool unescape(char *text)
{
	static const char letters[] = "1trn", special[] = "\001\t\r\n";
	char *to = text;

	for (; *text != '\0'; text++) {
		if (*text == '\001') {
			const char *at;

			text++;
			at = *text != '\0' ? strchr(letters, *text) : NULL;
			if (at == NULL)
				return false;
			*to++ = special[at - letters];
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return true;
}

/* Cuts the next field off *line; NULL after the last one. */
static char *next_field(char **line)
{
	char *field = *line;
	char *tab;

	if (field == NULL)
		return NULL;
	tab = strchr(field, '\t');
	if (tab != NULL)
		*tab++ = '\0';
	*line = tab;
	return field;
}

static bool read_number(const char *text, uint64_t *number_r)
{
	unsigned long long number;
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	*number_r = number;
	return true;
}

/* "VERSION remite 1" or "TYPE ID", and KIND for JOB. */
static const char *read_head(char **rest, struct rmt_wire_record *record)
{
	uint64_t major;

	record->type = next_field(rest);
	record->kind = "";
	if (strcmp(record->type, "VERSION") == 0) {
		record->kind = next_field(rest);
		if (record->kind == NULL || !read_number(next_field(rest), &major) ||
		    major > 65535)
			return "VERSION without service and number";
		record->major = (unsigned int)major;
		return NULL;
	}
	if (!read_number(next_field(rest), &record->id))
		return "a record without a number";
	if (strcmp(record->type, "JOB") == 0) {
		record->kind = next_field(rest);
		if (record->kind == NULL || record->kind[0] == '\0')
			return "JOB without a kind";
	}
	return NULL;
}

static const char *read_fields(struct rmt_wire_in *in, char *rest,
			       struct rmt_wire_record *record)
{
	char *name, *value;
	size_t count = 0;

	while ((name = next_field(&rest)) != NULL) {
		value = strchr(name, '=');
		if (value == NULL || value == name)
			return "a field without name and '='";
		*value++ = '\0';
		if (!unescape(value))
			return "a broken escape";
		if (count == RMT_WIRE_FIELDS_MAX)
			return "more than 64 fields";
		in->fields[count++] = (struct rmt_wire_field){ name, value };
	}
	record->fields = in->fields;
	record->field_count = count;
	return NULL;
}

/* The length after the last field, body=N. */
static const char *read_body_len(struct rmt_wire_record *record)
{
	const struct rmt_wire_field *last;
	uint64_t len;

	if (record->field_count == 0)
		return NULL;
	last = &record->fields[record->field_count - 1];
	if (strcmp(last->name, "body") != 0)
		return NULL;
	if (!read_number(last->value, &len) || len > RMT_WIRE_BODY_MAX)
		return "a body above 8 MiB, or of no length";
	record->body_len = len;
	return NULL;
}

static const char *read_line(struct rmt_wire_in *in, size_t len,
			     struct rmt_wire_record *record)
{
	char *rest;
	const char *error;

	in->line = grow(in->line, len + 1);
	memcpy(in->line, in->data + in->used, len);
	in->line[len] = '\0';
	if (strlen(in->line) != len)
		return "a NUL";
	rest = in->line;
	error = read_head(&rest, record);
	if (error == NULL)
		error = read_fields(in, rest, record);
	if (error == NULL)
		error = read_body_len(record);
	return error;
}

enum rmt_wire_result rmt_wire_in_next(struct rmt_wire_in *in,
				      struct rmt_wire_record *record_r)
{
	struct rmt_wire_record record = { 0 };
	const unsigned char *end;
	size_t line_len, whole;

	if (in->error != NULL)
		return RMT_WIRE_BAD;
	if (in->len - in->used < in->need)
		return RMT_WIRE_MORE;
	end = in->len > in->scanned
		      ? memchr(in->data + in->scanned, '\n', in->len - in->scanned)
		      : NULL;
	if (end == NULL) {
		in->scanned = in->len;
		return in->len - in->used >= RMT_WIRE_LINE_MAX
			       ? bad(in, "a line above 64 KiB")
			       : RMT_WIRE_MORE;
	}
	in->scanned = (size_t)(end - in->data);
	line_len = in->scanned - in->used;
	if (line_len >= RMT_WIRE_LINE_MAX)
		return bad(in, "a line above 64 KiB");
	in->error = read_line(in, line_len, &record);
	if (in->error != NULL)
		return RMT_WIRE_BAD;
	whole = line_len + 1 + record.body_len;
	in->need = whole;
	if (in->len - in->used < whole)
		return RMT_WIRE_MORE;
	in->need = 0;
	if (record.body_len > 0)
		record.body = in->data + in->used + line_len + 1;
	in->used += whole;
	in->scanned = in->used;
	*record_r = record;
	return RMT_WIRE_RECORD;
}

const char *rmt_wire_get(const struct rmt_wire_record *record, const char *name)
{
	size_t i;

	for (i = 0; i < record->field_count; i++)
		if (strcmp(record->fields[i].name, name) == 0)
			return record->fields[i].value;
	return NULL;
}

uint64_t rmt_wire_get_number(const struct rmt_wire_record *record, const char *name)
{
	uint64_t number;

	return read_number(rmt_wire_get(record, name), &number) ? number : 0;
}
