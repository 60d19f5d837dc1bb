/* SPDX-License-Identifier: MIT */
/* postconf.h - a Postfix configuration, as postconf(1) prints it.
 *
 * The parsers take text, so tests and fuzzers need no Postfix. Only
 * rmt_postfix_read() starts programs.
 *
 *	g_autoptr(rmt_postfix) pf = rmt_postfix_read("/etc/postfix", &err);
 *	const char *list = rmt_postfix_get(pf, service, "smtpd_data_restrictions");
 */
#ifndef RMT_POSTCONF_H
#define RMT_POSTCONF_H

#include <glib.h>
#include <stdbool.h>

#include "common/base/span.h"

#define RMT_POSTFIX_DIR "/etc/postfix"

/* One line of master.cf. */
struct rmt_postfix_service {
	char *name, *type; /* own; "127.0.0.1:10025", "inet" */
	char *fields[5];   /* own; private, unpriv, chroot, wakeup, maxproc as written */
	char *command;     /* own; "smtpd" */
	char *arguments;   /* own; the rest of the line, as written; may be "" */
	GHashTable *raw;   /* own; -o NAME -> value as written */
	GHashTable *expanded; /* own; the same, $NAME replaced, as far as postconf told */
	char *twice;          /* own; an option that is given more than once, or NULL */
};

struct rmt_postfix {
	char *dir;             /* own; absolute */
	GHashTable *raw;       /* own; NAME -> value as written, defaults filled in */
	GHashTable *expanded;  /* own; NAME -> value, $NAME replaced */
	GPtrArray *services;   /* own; struct rmt_postfix_service, in the file's order */
	GPtrArray *main_twice; /* own; "biff (lines 10 and 27)" */
};

/* What the programs printed. */
struct rmt_postfix_texts {
	struct rmt_span main_raw;      /* postconf */
	struct rmt_span main_expanded; /* postconf -x */
	struct rmt_span services;      /* postconf -M */
	struct rmt_span options;       /* postconf -x -P */
	struct rmt_span main_cf;       /* the file itself: what is given twice */
};

/* Never fails: lines that are not understood are left out. */
struct rmt_postfix *rmt_postfix_parse(const char *dir,
				      const struct rmt_postfix_texts *texts);

/* NULL where dir has no configuration or postconf does not run; err says which. */
struct rmt_postfix *rmt_postfix_read(const char *dir, GError **err);
void rmt_postfix_free(struct rmt_postfix *pf);
typedef struct rmt_postfix rmt_postfix; /* for g_autoptr(rmt_postfix) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_postfix, rmt_postfix_free)

/* What holds for the service (NULL: main.cf). Never NULL. */
const char *rmt_postfix_get(const struct rmt_postfix *pf,
			    const struct rmt_postfix_service *service, const char *name);
const char *rmt_postfix_get_raw(const struct rmt_postfix *pf,
				const struct rmt_postfix_service *service,
				const char *name);
bool rmt_postfix_overrides(const struct rmt_postfix_service *service, const char *name);

struct rmt_postfix_service *rmt_postfix_find(const struct rmt_postfix *pf,
					     const char *name, const char *type);
bool rmt_postfix_is_chrooted(const struct rmt_postfix *pf,
			     const struct rmt_postfix_service *service);
bool rmt_postfix_is_smtpd(const struct rmt_postfix_service *service);

/* An smtpd that gets mail back which another smtpd of this machine took in: the
 * return port of a content filter. Judged by its address and options. */
bool rmt_postfix_is_reinjection(const struct rmt_postfix *pf,
				const struct rmt_postfix_service *service);

/* The next word of a list: words end at blanks and commas, but not within braces
 * (mystrtokq() in Postfix). False at the end. */
bool rmt_postfix_word(struct rmt_span *rest, struct rmt_span *word_r);

#endif
