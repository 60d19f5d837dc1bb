/* SPDX-License-Identifier: MIT */
/* setup_plan.h - what Postfix's configuration lacks: pure, from texts to edits.
 *
 * A plan holds only what is missing: made again after it was carried out, it is
 * empty. Lists name policyd through one parameter of main.cf,
 *
 *	remite_policy = check_policy_service { unix:remite/policy, timeout=3s, ... }
 *	smtpd_data_restrictions = $remite_policy
 *
 * so that the service text is the same, letter by letter, at every stage: another
 * text would open another connection. It also lets master.cf, which postconf -P
 * writes without blanks, hold it.
 *
 * Where policyd adds the fields of one-click unsubscribe, an answer at DATA holds one
 * field of the two, and a second parameter asks again:
 *
 *	remite_one_click = check_policy_service { ..., policy_context=one-click }
 *	smtpd_data_restrictions = $remite_policy, $remite_one_click
 */
#ifndef RMT_SETUP_PLAN_H
#define RMT_SETUP_PLAN_H

#include "common/cli/postconf.h"
#include "common/config/config.h"

#define RMT_SETUP_PARAMETER "remite_policy"
#define RMT_SETUP_SECOND    "remite_one_click"
#define RMT_SETUP_EXACT     "remite-senders"
#define RMT_SETUP_PATTERNS  "remite-senders.regexp"

enum rmt_stage { RMT_STAGE_RCPT, RMT_STAGE_DATA, RMT_STAGE_END, RMT_STAGES };
extern const char *const rmt_stage_names[RMT_STAGES]; /* "RCPT", ... */
extern const char
	*const rmt_stage_parameters[RMT_STAGES]; /* "smtpd_recipient_restrictions" */

enum rmt_setup_kind {
	RMT_SETUP_MAIN,    /* postconf -e */
	RMT_SETUP_OPTION,  /* postconf -P */
	RMT_SETUP_SERVICE, /* postconf -M */
};

struct rmt_setup_edit {
	enum rmt_setup_kind kind;
	char *name, *value; /* own */
};

struct rmt_setup_file {
	char *name;    /* own; in Postfix's directory */
	GString *text; /* own */
};

struct rmt_setup_plan {
	GPtrArray *edits; /* own; struct rmt_setup_edit, in the order to make them */
	GPtrArray *files; /* own; struct rmt_setup_file: as they should be */
	GPtrArray *notes; /* own; sentences: what is left to the administrator */
};

struct rmt_setup_plan *rmt_setup_plan_new(const struct rmt_config *config,
					  const struct rmt_postfix *pf);
void rmt_setup_plan_free(struct rmt_setup_plan *plan);
typedef struct rmt_setup_plan rmt_setup_plan; /* for g_autoptr(rmt_setup_plan) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rmt_setup_plan, rmt_setup_plan_free)

/* The edit as a line for a shell, quoted. Own: g_free. */
char *rmt_setup_edit_command(const struct rmt_postfix *pf,
			     const struct rmt_setup_edit *edit);

/* For those who add to a plan. name and value are taken. */
void rmt_setup_add_edit(struct rmt_setup_plan *plan, enum rmt_setup_kind kind, char *name,
			char *value);
void rmt_setup_note(struct rmt_setup_plan *plan, const char *format, ...)
	G_GNUC_PRINTF(2, 3);
/* The edits and files that egresses need. */
void rmt_setup_plan_egresses(struct rmt_setup_plan *plan, const struct rmt_config *config,
			     const struct rmt_postfix *pf);

/* An empty plan in memory of the caller. */
void rmt_setup_plan_init(struct rmt_setup_plan *plan);
void rmt_setup_plan_finish(struct rmt_setup_plan *plan);

#endif
