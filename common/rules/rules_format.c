/* SPDX-License-Identifier: MIT */
/* rules_format.c - R11 and R12: what a header section looks like. */
#include <glib.h>

#include "common/message/header.h"
#include "common/rules/header.h"

/* So many flaws of one kind are told one by one. */
enum { TOLD_MAX = 4 };

/* Fields that RFC 5322, 3.6, and RFC 2045 know. */
enum known_flags {
	ONCE = 1 << 0,    /* at most one */
	PLAIN = 1 << 1,   /* RFC 2047, 5: no encoded-word anywhere in it */
	ADDRESS = 1 << 2, /* an encoded-word may stand for words, not within "<>" */
	DATE = 1 << 3,
	MESSAGE_ID = 1 << 4,
};

static const struct {
	const char *name;
	unsigned flags;
} known[] = {
	{ "Date", ONCE | PLAIN | DATE },
	{ "Message-ID", ONCE | PLAIN | MESSAGE_ID },
	{ "Sender", ONCE | ADDRESS },
	{ "Reply-To", ONCE | ADDRESS },
	{ "To", ONCE | ADDRESS },
	{ "Cc", ONCE | ADDRESS },
	{ "Bcc", ONCE | ADDRESS },
	{ "Subject", ONCE },
	{ "In-Reply-To", ONCE | PLAIN },
	{ "References", ONCE | PLAIN },
	{ "MIME-Version", ONCE | PLAIN },
	{ "Content-Type", ONCE },
	{ "Content-Transfer-Encoding", ONCE | PLAIN },
	{ "DKIM-Signature", PLAIN },
	{ "List-Unsubscribe", PLAIN },
	{ "List-Unsubscribe-Post", PLAIN },
};

enum { KNOWN = G_N_ELEMENTS(known), AT_DATE = 0, AT_MESSAGE_ID = 1 };

struct looking {
	const struct rmt_header_facts *header;
	struct rmt_rule_findings *findings;
	unsigned seen[KNOWN];
	unsigned told; /* flaws of single fields */
	bool broken;
};

static void flaw(struct looking *looking, const char *place, const char *problem)
{
	looking->broken = true;
	rmt_rule_add(looking->findings, RMT_R11, RMT_RULE_BROKEN, place, "%s", problem);
}

/* A stranger can send thousands. */
static void flaw_of_field(struct looking *looking, const struct rmt_header_field *field,
			  const char *problem)
{
	const struct rmt_span shown = field->name.len > 0 ? field->name : field->raw;
	g_autofree char *place = g_strndup(shown.p, MIN(shown.len, 60));

	if (looking->told++ < TOLD_MAX)
		flaw(looking, place, problem);
}

/* --- of any field ---------------------------------------------------------------------
 */

/* RFC 5322, 2.2: printable ASCII but the colon, which follows at once. */
static const char *name_problem(const struct rmt_header_field *field)
{
	size_t i;

	if (field->name.len == 0)
		return "is no header field: a name and a colon are missing";
	for (i = 0; i < field->name.len; i++)
		if ((unsigned char)field->name.p[i] <= ' ' ||
		    (unsigned char)field->name.p[i] >= 0x7f)
			return "has a name that no field may have";
	if (field->raw.p[field->name.len] != ':')
		return "has a blank before its colon";
	return NULL;
}

static bool has_long_line(struct rmt_span raw)
{
	struct rmt_span line, rest = raw;

	while (rmt_span_split(rest, '\n', &line, &rest))
		if (line.len > RMT_FROM_LINE_MAX + 1) /* with its CR */
			return true;
	return rest.len > RMT_FROM_LINE_MAX;
}

/* CR and LF belong to folds; a CR alone is read as a line end by some. */
static const char *octet_problem(struct rmt_span raw, bool *high_r)
{
	size_t i;

	for (i = 0; i < raw.len; i++) {
		const unsigned char c = (unsigned char)raw.p[i];

		if (c >= 0x80)
			*high_r = true;
		else if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
			return "has a control character";
		else if (c == '\r' && (i + 1 == raw.len || raw.p[i + 1] != '\n'))
			return "has a CR that ends no line";
	}
	return NULL;
}

/* RFC 5322, 3.2.2: a folded line has more than blanks. */
static bool has_blank_line(struct rmt_span raw)
{
	struct rmt_span line, rest = raw;
	bool first = true;

	while (rmt_span_split(rest, '\n', &line, &rest)) {
		if (!first && rmt_span_trim(line).len == 0)
			return true;
		first = false;
	}
	return !first && rmt_span_trim(rest).len == 0;
}

static const char *field_problem(const struct looking *looking,
				 const struct rmt_header_field *field)
{
	bool high = false;
	const char *problem = name_problem(field);

	if (problem == NULL)
		problem = octet_problem(field->raw, &high);
	if (problem != NULL)
		return problem;
	if (high && !looking->header->smtputf8)
		return "has raw 8-bit text, which needs encoding (RFC 2047)";
	if (high && !g_utf8_validate_len(field->raw.p, field->raw.len, NULL))
		return "has 8-bit text that is no UTF-8";
	if (has_long_line(field->raw))
		return "has a line over 998 octets";
	return has_blank_line(field->raw) ? "is folded with an empty line" : NULL;
}

/* --- of those we know -----------------------------------------------------------------
 */

static int find_known(struct rmt_span name)
{
	size_t i;

	for (i = 0; i < KNOWN; i++)
		if (rmt_span_eq_nocase(name, rmt_span_of(known[i].name)))
			return (int)i;
	return -1;
}

/* Between "<" and ">" outside quotes, and within quotes. */
static bool has_misplaced_word(struct rmt_span value)
{
	char until = '\0';
	size_t i, start = 0;

	for (i = 0; i < value.len; i++) {
		const char c = value.p[i];

		if (until != '\0' && c == '\\') {
			i++;
		} else if (until != '\0' && c == until) {
			if (rmt_has_encoded_word(rmt_span(value.p + start, i - start)))
				return true;
			until = '\0';
		} else if (until == '\0' && (c == '<' || c == '"')) {
			until = c == '<' ? '>' : '"';
			start = i + 1;
		}
	}
	return false;
}

static void look_at_known(struct looking *looking, const struct rmt_header_field *field,
			  int at)
{
	const unsigned flags = known[at].flags;

	looking->seen[at]++;
	if ((flags & ONCE) != 0 && looking->seen[at] == 2)
		flaw(looking, known[at].name, "stands there more than once");
	if (((flags & PLAIN) != 0 && rmt_has_encoded_word(field->value)) ||
	    ((flags & ADDRESS) != 0 && has_misplaced_word(field->value)))
		flaw_of_field(looking, field, "has an encoded-word where none may be");
	if ((flags & DATE) != 0 && !rmt_is_date(field->value))
		flaw_of_field(looking, field, "is no date of RFC 5322");
	if ((flags & MESSAGE_ID) != 0 && !rmt_is_message_id(field->value))
		flaw_of_field(looking, field, "is not of the form <left@right>");
}

void rmt_rule_format(const struct rmt_header_facts *header,
		     struct rmt_rule_findings *findings)
{
	struct rmt_header_reader reader = rmt_header_read(header->section);
	struct looking looking = { .header = header, .findings = findings };
	struct rmt_header_field field;
	const char *problem;
	int at;

	while (rmt_header_next(&reader, &field)) {
		problem = field_problem(&looking, &field);
		if (problem != NULL)
			flaw_of_field(&looking, &field, problem);
		at = find_known(field.name);
		if (at >= 0)
			look_at_known(&looking, &field, at);
	}
	if (looking.seen[AT_DATE] == 0 && header->complete)
		flaw(&looking, "Date", "is missing");
	if (looking.seen[AT_MESSAGE_ID] == 0 && header->complete)
		flaw(&looking, "Message-ID", "is missing");
	/* What From itself breaks is said elsewhere, under the same rule. */
	if (!looking.broken &&
	    (header->from == NULL || header->from->result == RMT_FROM_OK))
		rmt_rule_add(findings, RMT_R11, RMT_RULE_HOLDS, "header",
			     "is as RFC 5322 wants it");
}

/* --- R12
 * --------------------------------------------------------------------------------- */

static size_t value_max(struct rmt_span name)
{
	if (rmt_span_eq_nocase(name, RMT_SPAN("Subject")))
		return RMT_HEADER_SUBJECT_MAX;
	if (rmt_span_eq_nocase(name, RMT_SPAN("Message-ID")))
		return RMT_HEADER_MESSAGE_ID_MAX;
	if (rmt_span_eq_nocase(name, RMT_SPAN("To")) ||
	    rmt_span_eq_nocase(name, RMT_SPAN("Cc")) ||
	    rmt_span_eq_nocase(name, RMT_SPAN("References")))
		return SIZE_MAX;
	return RMT_HEADER_VALUE_MAX;
}

/* True: a finding was added. */
static bool judge_field(const struct rmt_header_field *field,
			struct rmt_rule_findings *findings)
{
	g_autofree char *name = g_strndup(field->name.p, MIN(field->name.len, 60));
	const size_t most = value_max(field->name);
	const size_t octets = rmt_span_trim(field->value).len;

	if (field->name.len > RMT_HEADER_NAME_MAX)
		rmt_rule_add(findings, RMT_R12, RMT_RULE_BROKEN, name,
			     "the field's name has %zu octets, more than %d",
			     field->name.len, RMT_HEADER_NAME_MAX);
	else if (octets > most)
		rmt_rule_add(findings, RMT_R12, RMT_RULE_BROKEN, name,
			     "has %zu octets, more than %zu", octets, most);
	return field->name.len > RMT_HEADER_NAME_MAX || octets > most;
}

static bool judge_whole(const struct rmt_header_facts *header,
			struct rmt_rule_findings *findings)
{
	if (header->octets > RMT_HEADER_TOTAL_MAX)
		rmt_rule_add(findings, RMT_R12, RMT_RULE_BROKEN, "header",
			     "has %zu octets, more than %d", header->octets,
			     RMT_HEADER_TOTAL_MAX);
	else if (header->count > RMT_HEADER_COUNT_MAX)
		rmt_rule_add(findings, RMT_R12, RMT_RULE_BROKEN, "header",
			     "has %zu fields, more than %d", header->count,
			     RMT_HEADER_COUNT_MAX);
	return header->octets > RMT_HEADER_TOTAL_MAX ||
	       header->count > RMT_HEADER_COUNT_MAX;
}

void rmt_rule_header_sizes(const struct rmt_header_facts *header,
			   struct rmt_rule_findings *findings)
{
	struct rmt_header_reader reader = rmt_header_read(header->section);
	unsigned broken = judge_whole(header, findings);
	struct rmt_header_field field;

	while (broken < TOLD_MAX && rmt_header_next(&reader, &field))
		broken += judge_field(&field, findings);
	if (broken == 0)
		rmt_rule_add(findings, RMT_R12, RMT_RULE_HOLDS, "header",
			     "%zu octets, %zu fields", header->octets, header->count);
}
