/* SPDX-License-Identifier: MIT */
/* template.h - what people read in a receipt, and in the question about one, in their
 * language.
 *
 * A file LANGUAGE.EVENT ("es.displayed", "pt-br.prompt") in the folder of the
 * setting receipts.templates; UTF-8:
 *
 *	Subject: Leído: {subject}
 *
 *	Su mensaje del {sent} para {recipient} ...
 *
 * Events and their placeholders; what these stand for is one line of printable text:
 *	displayed, deleted	{subject} {sent} {recipient} {sender} {shown}
 *	prompt			{sender} {subject} {until} {link}: asks about one message
 *	digest			the same: about several. The lines from the first to the
 *				last with a placeholder stand for each message.
 * Lines of a receipt may have any length: they are folded.
 */
#ifndef RMT_RECEIPTS_TEMPLATE_H
#define RMT_RECEIPTS_TEMPLATE_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

struct rmt_template {
	char *language;       /* own; "es", "pt-br" */
	char *subject, *body; /* own; with placeholders */
};

struct rmt_templates;

/* Reads all of the folder; NULL with a sentence (FILE:LINE: ...) where one is
 * wrong. folder NULL, or not there: English alone, which is built in.
 * Own: rmt_templates_free. */
struct rmt_templates *rmt_templates_read(const char *folder, GError **err);
void rmt_templates_free(struct rmt_templates *templates);
typedef struct rmt_templates rmt_templates; /* for g_autoptr(rmt_templates) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_templates, rmt_templates_free)

/* The first there is: of the languages the message is in, else the user's, else
 * the configured one, else English. "es-mx" is content with "es". NULLs are passed
 * over. Never NULL. */
const struct rmt_template *rmt_template_choose(const struct rmt_templates *templates,
					       const char *event,
					       const char *const *message_languages,
					       const char *user_language,
					       const char *standard);

/* Languages there are for an event, for `remite receipts` and doctor. Foreign
 * strings; own array: g_ptr_array_unref. */
GPtrArray *rmt_templates_languages(const struct rmt_templates *templates,
				   const char *event);

struct rmt_template_value {
	const char *name, *value; /* name without braces; NULL ends the table */
};
/* Appends text with its placeholders replaced. */
void rmt_template_fill(const char *text, const struct rmt_template_value *values,
		       GString *out);

#endif
