/* SPDX-License-Identifier: MIT */
/* doctor.h - the checks of `remite doctor`: a table of rows, each one function.
 *
 * Those of doctor_host.c and doctor_state.c look at this machine: sockets,
 * directories; most others judge texts alone.
 */
#ifndef RMT_DOCTOR_H
#define RMT_DOCTOR_H

#include <sys/types.h>

#include "common/cli/doveconf.h"
#include "common/cli/finding.h"
#include "common/cli/postconf.h"
#include "common/cli/setup_plan.h"
#include "common/config/config.h"

/* What a Postfix table ("texthash:/etc/...") answers. False: nothing. value_r then
 * as it was. */
typedef bool rmt_table_query(void *context, const char *table, const char *key,
			     GString *value_r);

struct rmt_doctor {
	const struct rmt_config *config; /* foreign */
	const struct rmt_postfix *pf; /* foreign; NULL: no Postfix, or it is not whole */
	const struct rmt_setup_plan *plan; /* foreign; where the remedies come from */
	rmt_table_query *query;            /* NULL: tables are not asked */
	void *query_context;               /* foreign */
	const char *dovecot_conf;          /* foreign; dovecot.conf */
	struct rmt_findings findings;
};

struct rmt_doctor_check {
	const char *id;
	const char *what; /* one line, for --list and the manual */
	void (*run)(struct rmt_doctor *doctor);
	bool alone; /* runs without Postfix's configuration, too */
};

/* Ends with a row whose id is NULL. */
extern const struct rmt_doctor_check rmt_doctor_checks[];

/* Runs every row. */
void rmt_doctor_run(struct rmt_doctor *doctor);

void rmt_doctor_lists(struct rmt_doctor *doctor);
void rmt_doctor_texts(struct rmt_doctor *doctor);
void rmt_doctor_one_click(struct rmt_doctor *doctor);
void rmt_doctor_services(struct rmt_doctor *doctor);
void rmt_doctor_settings(struct rmt_doctor *doctor);
void rmt_doctor_limits(struct rmt_doctor *doctor);
void rmt_doctor_own(struct rmt_doctor *doctor);
void rmt_doctor_unseen(struct rmt_doctor *doctor);
void rmt_doctor_egress(struct rmt_doctor *doctor);
void rmt_doctor_milter(struct rmt_doctor *doctor);
void rmt_doctor_signer(struct rmt_doctor *doctor);
void rmt_doctor_feedback(struct rmt_doctor *doctor);
void rmt_doctor_bulk(struct rmt_doctor *doctor);
void rmt_doctor_receipts(struct rmt_doctor *doctor);
void rmt_doctor_unsubscribe(struct rmt_doctor *doctor);
void rmt_doctor_tls(struct rmt_doctor *doctor);
void rmt_doctor_dovecot(struct rmt_doctor *doctor);
void rmt_doctor_metrics(struct rmt_doctor *doctor);
void rmt_doctor_confinement(struct rmt_doctor *doctor);
void rmt_doctor_socket(struct rmt_doctor *doctor);
void rmt_doctor_state(struct rmt_doctor *doctor);
void rmt_doctor_access(struct rmt_doctor *doctor);

/* The line or lines that mend the list (NULL: main.cf), or NULL. Own: g_free. */
char *rmt_doctor_remedy(const struct rmt_doctor *doctor,
			const struct rmt_postfix_service *service, const char *parameter);

/* A setting as a line to paste; master.cf takes blanks only by hand. Own: g_free. */
char *rmt_doctor_setting_line(const struct rmt_doctor *doctor,
			      const struct rmt_postfix_service *service,
			      const char *parameter, const char *value);

/* R10: whether Postfix offers TLS with these settings of smtp(8). */
bool rmt_doctor_tls_level_ok(const char *level, const char *use_tls,
			     const char *enforce_tls);

/* What needs no machine of rmt_doctor_dovecot(). */
void rmt_doctor_dovecot_judge(struct rmt_doctor *doctor, const struct rmt_doveconf *conf);

/* profiles: as the kernel lists them, "NAME (enforce)" a line; enforce: "1" where
 * SELinux does. Each may be NULL. */
void rmt_doctor_confinement_judge(struct rmt_doctor *doctor, const char *profiles,
				  const char *enforce);

/* An open port of this machine, or -1 with errno. Ends within 3 seconds. */
int rmt_doctor_connect(const char *endpoint);

/* Sends the question and reads up to `until`, or as much as fits, within 3 seconds:
 * what went wrong, or NULL. */
const char *rmt_doctor_ask(int fd, const char *question, const char *until, char *reply,
			   size_t size);

/* The same of what opendkim.conf says. */
void rmt_doctor_signer_text(struct rmt_doctor *doctor, const char *opendkim_conf);

/* One part of a path, for rmt_doctor_may_pass(). */
struct rmt_path_part {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/* Bits of "others"; a directory's RMT_MAY_WRITE goes with RMT_MAY_SEARCH. */
enum rmt_may { RMT_MAY_SEARCH = 1, RMT_MAY_WRITE = 2, RMT_MAY_READ = 4 };

/* The first part that keeps (uid, gid) out, or count: what `last` says of the last
 * one, the others searchable. Without supplementary groups, as Postfix's daemons are. */
size_t rmt_doctor_may_pass(const struct rmt_path_part *parts, size_t count,
			   enum rmt_may last, uid_t uid, gid_t gid);

/* The part of the path that does, or NULL. What is not there keeps nobody out.
 * Own: g_free. */
char *rmt_doctor_kept_out(const char *path, enum rmt_may last, uid_t uid, gid_t gid);

#endif
