/* SPDX-License-Identifier: MIT */
/* doctor_dovecot.c - the mail plugin and the services, as doveconf(1) prints them
 * (remite-dovecot(7)), against remite.conf; and whether the agent can be reached. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cli/doctor.h"

#define SERVICE "service remite-agent"
#define SETUP   "remite setup dovecot --apply"

/* --- judging ------------------------------------------------------------------------ */

static bool marks_requests(const char *mode)
{
	return strcmp(mode, "server") == 0 || strcmp(mode, "none") == 0;
}

static void judge_without_policy(struct rmt_doctor *doctor, const char *mode)
{
	if (marks_requests(mode))
		rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, "remite_receipts",
			 "remite_receipts = off",
			 "Dovecot says '%s', but remite.conf has no receipts.policy",
			 mode);
}

/* Until it is enforced, no mail is marked: clients go on as they are used to. */
static void judge_reporting(struct rmt_doctor *doctor, const char *mode)
{
	if (marks_requests(mode))
		rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, "remite_receipts",
			 "remite_receipts = report",
			 "in report mode Dovecot marks requests (it says '%s'), and no "
			 "program answers them any more: what the agent would do is "
			 "only logged",
			 mode);
}

static const char *wanted_mode(const struct rmt_config *config)
{
	const struct rmt_receipts_config *receipts = &config->receipts;

	if (config->mode == RMT_MODE_REPORT)
		return "remite_receipts = report";
	if (receipts->rules.policy == RMT_RECEIPTS_NONE && receipts->units->len == 0)
		return "remite_receipts = none";
	return "remite_receipts = server";
}

static void judge_enforcing(struct rmt_doctor *doctor, const char *mode)
{
	const struct rmt_receipts_config *receipts = &doctor->config->receipts;
	bool none = receipts->rules.policy == RMT_RECEIPTS_NONE;
	bool has_units = receipts->units->len > 0;

	if (strcmp(mode, "report") == 0)
		rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, "remite_receipts",
			 wanted_mode(doctor->config),
			 "remite.conf enforces receipts, but Dovecot says 'report': what "
			 "the agent would do is only logged, and users' programs answer");
	if (none && !has_units && strcmp(mode, "server") == 0)
		rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, "remite_receipts",
			 "remite_receipts = none",
			 "Dovecot takes requests over, but receipts.policy is none");
	if (!none && !has_units && strcmp(mode, "none") == 0)
		rmt_find(
			&doctor->findings, RMT_SEVERITY_WARNING, "remite_receipts",
			"remite_receipts = server",
			"Dovecot silences all requests, but receipts.policy allows them");
}

/* False, said so: with that the plugin does nothing. Not where it stands in the userdb
 * for some users. */
static bool has_mode(struct rmt_doctor *doctor, const char *mode)
{
	static const char *const modes[] = { "off",    "client", "report",
					     "server", "none",   NULL };

	if (*mode == '\0') {
		if (doctor->config->receipts.configured)
			rmt_find(&doctor->findings, RMT_SEVERITY_WARNING,
				 "remite_receipts", wanted_mode(doctor->config),
				 "remite.conf has a policy of read receipts, and Dovecot "
				 "does not say what to do (off)");
		return false;
	}
	if (g_strv_contains(modes, mode))
		return true;
	rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, "remite_receipts",
		 wanted_mode(doctor->config),
		 "'%s' is none of off, client, report, server and none: the mail plugin "
		 "does nothing",
		 mode);
	return false;
}

static void judge_mode(struct rmt_doctor *doctor, const struct rmt_doveconf *conf)
{
	g_autofree char *mode =
		g_ascii_strdown(rmt_doveconf_ours(conf, "remite_receipts"), -1);

	if (!has_mode(doctor, mode))
		return;
	if (!doctor->config->receipts.configured)
		judge_without_policy(doctor, mode);
	else if (doctor->config->mode == RMT_MODE_REPORT)
		judge_reporting(doctor, mode);
	else
		judge_enforcing(doctor, mode);
}

static void judge_service(struct rmt_doctor *doctor, const struct rmt_doveconf *conf)
{
	const char *user = rmt_doveconf_get(conf, SERVICE "/user");

	if (!rmt_doveconf_has(conf, SERVICE)) {
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, SERVICE, SETUP,
			 "the mail plugin is loaded, but no agent takes its jobs");
		return;
	}
	if (*user == '\0' || strcmp(user, "root") == 0)
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, SERVICE, "user = remite",
			 "the agent does not start as root");
	if (strcmp(rmt_doveconf_get(conf, SERVICE "/process_min_avail"), "1") != 0)
		rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, SERVICE,
			 "process_min_avail = 1",
			 "ends when nobody speaks to it: receipts wait till somebody "
			 "does");
	if (strcmp(rmt_doveconf_get(conf, SERVICE "/process_limit"), "1") != 0)
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, SERVICE,
			 "process_limit = 1", "may run twice");
	if (*rmt_doveconf_get(conf, SERVICE "/vsz_limit") == '\0')
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, SERVICE, "vsz_limit = 4G",
			 "the default vsz_limit is smaller than the map of the records");
}

/* The line that loads the plugin for a protocol. Own: g_free. */
static char *load_line(const struct rmt_doveconf *conf, const char *protocol)
{
	return g_strdup_printf(conf->is_24
				       ? "protocol %s {\n  mail_plugins {\n    remite = "
					 "yes\n  }\n}"
				       : "protocol %s {\n  mail_plugins = $mail_plugins "
					 "remite\n}",
			       protocol);
}

/* A plugin in one of the two only sees half of each message's story. */
static void judge_halves(struct rmt_doctor *doctor, const struct rmt_doveconf *conf,
			 bool reads, bool delivers)
{
	const char *delivery = rmt_doveconf_delivery(conf);
	g_autofree char *line = load_line(conf, reads ? delivery : "imap");
	g_autofree char *place = g_strconcat("protocol ", delivery, NULL);

	if (reads && !delivers)
		rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, place, line,
			 "delivery does not load the mail plugin%s: requests are not "
			 "noticed when mail comes in",
			 strcmp(delivery, "lmtp") == 0 ? " (nor does lda)" : "");
	if (delivers && !reads)
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, "protocol imap", line,
			 "imap does not load the mail plugin: nobody notices that a "
			 "message is displayed");
}

/* agent/peer.h: who may speak for every user. */
static void judge_account(struct rmt_doctor *doctor, const struct rmt_doveconf *conf)
{
	char *const *accounts = doctor->config->agent.accounts;
	g_autofree char *user = rmt_doveconf_mail_account(conf, false);
	g_autofree char *remedy = NULL;

	if (user == NULL || strcmp(user, "root") == 0 ||
	    strcmp(user, rmt_doveconf_get(conf, SERVICE "/user")) == 0 ||
	    (accounts != NULL && g_strv_contains((const char *const *)accounts, user)))
		return;
	remedy = g_strdup_printf("agent: { accounts = [\"%s\"] }", user);
	rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, "agent.accounts", remedy,
		 "all mail is of '%s', and the agent does not let it speak for users",
		 user);
}

static void judge_unsubscribe(struct rmt_doctor *doctor, const struct rmt_doveconf *conf)
{
	if (strcmp(rmt_doveconf_ours(conf, "remite_unsubscribe"), "yes") == 0 &&
	    !rmt_doveconf_has(conf, "service remite-unsubscribe"))
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR,
			 "service remite-unsubscribe", SETUP,
			 "users may ask to leave lists, and no service does it");
}

void rmt_doctor_dovecot_judge(struct rmt_doctor *doctor, const struct rmt_doveconf *conf)
{
	bool reads = rmt_doveconf_loads(conf, "imap", "remite");
	bool delivers = rmt_doveconf_loads(conf, rmt_doveconf_delivery(conf), "remite") ||
			rmt_doveconf_loads(conf, "lda", "remite");

	if (!reads && !delivers) {
		g_autofree char *line = load_line(conf, "imap");

		if (*rmt_doveconf_ours(conf, "remite_receipts") != '\0')
			rmt_find(&doctor->findings, RMT_SEVERITY_WARNING, "mail_plugins",
				 line,
				 "remite_receipts is set, but the mail plugin is not "
				 "loaded");
		else if (doctor->config->receipts.configured)
			rmt_find(&doctor->findings, RMT_SEVERITY_NOTE, "mail_plugins",
				 SETUP,
				 "remite.conf has a policy of read receipts, and Dovecot "
				 "here does not load the mail plugin");
		return;
	}
	judge_halves(doctor, conf, reads, delivers);
	judge_mode(doctor, conf);
	judge_service(doctor, conf);
	judge_account(doctor, conf);
	judge_unsubscribe(doctor, conf);
}

/* --- this machine ------------------------------------------------------------------- */

static void check_installed(struct rmt_doctor *doctor)
{
	g_autoptr(GString) dir = g_string_new(NULL);
	g_autofree char *path = NULL;

	if (!rmt_doveconf_ask(doctor->dovecot_conf, "mail_plugin_dir", dir, NULL))
		return;
	path = g_build_filename(dir->str, "lib20_remite_plugin.so", NULL);
	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, path,
			 "apt install remite-dovecot",
			 "Dovecot is told to load it and it is not there: no user gets "
			 "in");
}

/* The agent greets whoever greets it. */
static void check_greeting(struct rmt_doctor *doctor, const char *path)
{
	g_autofree char *endpoint = g_strconcat("unix:", path, NULL);
	int fd = rmt_doctor_connect(endpoint);
	const char *trouble;
	char reply[64];

	if (fd < 0) {
		bool is_missing = errno == ENOENT || errno == ECONNREFUSED;

		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, path,
			 is_missing ? "systemctl restart dovecot" : NULL,
			 "the agent cannot be reached: %s%s", g_strerror(errno),
			 is_missing ? " (does Dovecot run?)" : "");
		return;
	}
	trouble = rmt_doctor_ask(fd, "VERSION\tremite\t1\trole=doveadm\n", "\n", reply,
				 sizeof(reply));
	close(fd);
	if (trouble == NULL && !g_str_has_prefix(reply, "VERSION\tremite\t"))
		trouble = "answers something else: it is not remite-agent";
	if (trouble != NULL)
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, path,
			 "doveadm log errors",
			 "the agent %s (no connection is refused by its mode)", trouble);
}

static void check_reach(struct rmt_doctor *doctor, const struct rmt_doveconf *conf,
			const char *path)
{
	g_autofree char *name = rmt_doveconf_mail_account(conf, false);
	g_autofree char *group = rmt_doveconf_mail_account(conf, true);
	g_autofree char *remedy = NULL;
	const struct passwd *user = name != NULL ? getpwnam(name) : NULL;
	struct stat st;
	mode_t need;

	if (stat(path, &st) < 0)
		return;
	need = user == NULL                ? 02
	       : user->pw_uid == st.st_uid ? 0200
	       : user->pw_gid == st.st_gid ? 020
					   : 02;
	if (st.st_mode & need)
		return;
	remedy = user == NULL ? g_strdup("mode = 0666")
			      : g_strdup_printf("mode = 0660\ngroup = %s",
						group != NULL ? group : name);
	rmt_find(&doctor->findings, RMT_SEVERITY_ERROR,
		 SERVICE " { unix_listener remite-agent }", remedy,
		 "%s%s may not write to %s (mode %04o)",
		 user == NULL ? "users' processes, each with its own uid,"
			      : "mail processes of ",
		 user == NULL ? "" : name, path, (unsigned)st.st_mode & 07777);
}

static void check_socket(struct rmt_doctor *doctor, const struct rmt_doveconf *conf)
{
	const char *written = rmt_doveconf_ours(conf, "remite_agent_socket");
	g_autoptr(GString) base = g_string_new(NULL);
	g_autofree char *path = NULL;

	if (!rmt_doveconf_ask(doctor->dovecot_conf, "base_dir", base, NULL))
		return;
	path = g_canonicalize_filename(*written != '\0' ? written : "remite-agent",
				       base->str);
	check_greeting(doctor, path);
	check_reach(doctor, conf, path);
}

static void check_user(struct rmt_doctor *doctor, const struct rmt_doveconf *conf)
{
	const char *user = rmt_doveconf_get(conf, SERVICE "/user");

	if (*user != '\0' && getpwnam(user) == NULL)
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, SERVICE,
			 "adduser --system --group --no-create-home remite",
			 "user = %s: this system has no such account, and Dovecot does "
			 "not start",
			 user);
}

void rmt_doctor_dovecot(struct rmt_doctor *doctor)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(rmt_doveconf) conf = rmt_doveconf_read(doctor->dovecot_conf, &err);
	bool is_missing = g_error_matches(err, G_FILE_ERROR, G_FILE_ERROR_NOENT);

	if (conf == NULL && is_missing && !doctor->config->receipts.configured)
		return;
	if (conf == NULL && is_missing) {
		rmt_find(&doctor->findings, RMT_SEVERITY_NOTE, "dovecot", NULL,
			 "no Dovecot is installed here: the policy of read receipts "
			 "concerns another host");
		return;
	}
	if (conf == NULL) {
		rmt_find(&doctor->findings, RMT_SEVERITY_ERROR, doctor->dovecot_conf,
			 NULL, "%s", err->message);
		return;
	}
	rmt_doctor_dovecot_judge(doctor, conf);
	if (!rmt_doveconf_loads(conf, "imap", "remite"))
		return;
	check_installed(doctor);
	if (!rmt_doveconf_has(conf, SERVICE))
		return;
	check_user(doctor, conf);
	check_socket(doctor, conf);
}
