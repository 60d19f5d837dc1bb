/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "dovecot-plugin/evidence.h"

/* Sections like "1.2.MIME" and "2.HEADER.FIELDS (Subject)", and no other. */
static bool reads_headers_of_parts(const char *command)
{
	const char *section = strchr(command, '[');
	bool some = false;

	for (; section != NULL; section = strchr(section, '[')) {
		section++;
		section += strspn(section, "0123456789.");
		if (strncasecmp(section, "MIME", 4) != 0 &&
		    strncasecmp(section, "HEADER", 6) != 0)
			return false;
		some = true;
	}
	return some;
}

/* lib-imap-storage's words; behind a virtual mailbox they come after ": ". */
bool rmt_evidence_is_text(const char *why, const char *command)
{
	static const char *const words[] = { "full mail", "mail body", "binary stream" };
	const char *last;
	size_t i;

	/* Most often "prefetch" and "access", which prove nothing. */
	if (why == NULL || why[0] == 'p' || why[0] == 'a')
		return false;
	last = strrchr(why, ':');
	if (last != NULL && last[1] == ' ')
		why = last + 2;
	if (strcmp(why, "MIME part") == 0)
		return command == NULL || !reads_headers_of_parts(command);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(why, words[i]) == 0)
			return true;
	return false;
}

/* Its text was read, by itself, and the client calls it read: now, or since
 * long. A PEEK at an unread message is a prefetch until \Seen follows. */
static bool was_opened(const struct rmt_sight *sight)
{
	if (!sight->body_read || sight->others_read)
		return false;
	if (sight->became_seen)
		return !sight->others_became;
	return sight->was_seen && !sight->in_a_run;
}

/* A client that has the text already only says that it was read. */
static bool was_opened_offline(enum rmt_evidence rule, const struct rmt_sight *sight)
{
	if (!sight->became_seen || sight->others_became || sight->others_read)
		return false;
	return sight->fetched_before || rule == RMT_EVIDENCE_SEEN;
}

enum rmt_verdict rmt_evidence_judge(enum rmt_evidence rule, const struct rmt_sight *sight)
{
	if (was_opened(sight) || was_opened_offline(rule, sight))
		return rule == RMT_EVIDENCE_STRICT ? RMT_VERDICT_DWELL
						   : RMT_VERDICT_SHOWN;
	return sight->body_read ? RMT_VERDICT_FETCHED : RMT_VERDICT_NOTHING;
}
