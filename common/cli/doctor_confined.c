/* SPDX-License-Identifier: MIT */
/* doctor_confined.c - what AppArmor or SELinux keeps the programs from. */
#include <string.h>

#include "common/cli/doctor.h"

#define PROFILES "/sys/kernel/security/apparmor/profiles"
#define ENFORCE  "/sys/fs/selinux/enforce"
#define LOCAL    "/etc/apparmor.d/local/"

static bool is_enforced(const char *profiles, const char *name)
{
	g_autofree char *line = g_strdup_printf("%s (enforce)", name);
	g_auto(GStrv) lines = g_strsplit(profiles, "\n", 0);

	return g_strv_contains((const char *const *)lines, line);
}

/* packaging/apparmor/ allows what lies below `allowed`, and nothing else. */
static void check_path(struct rmt_doctor *d, const char *profile, const char *setting,
		       const char *path, const char *allowed)
{
	g_autofree char *remedy = NULL, *place = NULL;
	g_autofree char *below = g_strconcat(allowed, "/", NULL);

	if (path == NULL || *path != '/' || strcmp(path, allowed) == 0 ||
	    g_str_has_prefix(path, below))
		return;
	place = g_strconcat(LOCAL, profile, NULL);
	remedy = g_strdup_printf("%s{,/**} rwkl,", path);
	rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, remedy,
		 "AppArmor keeps %s from %s = \"%s\" (then: apparmor_parser -r "
		 "/etc/apparmor.d/%s)",
		 profile, setting, path, profile);
}

static void check_sockets(struct rmt_doctor *d, const char *profile, const char *setting,
			  char *const *endpoints)
{
	size_t i;

	for (i = 0; endpoints != NULL && endpoints[i] != NULL; i++)
		if (g_str_has_prefix(endpoints[i], "unix:"))
			check_path(d, profile, setting, endpoints[i] + 5,
				   "/var/spool/postfix/remite");
}

static void judge_policyd(struct rmt_doctor *d)
{
	const struct rmt_config *config = d->config;

	check_path(d, "remite-policyd", "state", config->state, "/var/lib/remite");
	check_path(d, "remite-policyd", "keys", config->keys, "/etc/remite");
	check_path(d, "remite-policyd", "policyd.record", config->policyd.record,
		   "/var/log/remite");
	check_path(d, "remite-policyd", "policyd.control", config->policyd.control,
		   "/run/remite");
	check_sockets(d, "remite-policyd", "policyd.listen", config->policyd.listen);
}

static void judge_milter(struct rmt_doctor *d)
{
	const struct rmt_milter_config *milter = &d->config->milter;
	char *places[] = { milter->before, milter->after, milter->inbound };
	size_t i;

	check_path(d, "remite-milter", "state", d->config->state, "/var/lib/remite");
	check_path(d, "remite-milter", "keys", d->config->keys, "/etc/remite");
	for (i = 0; i < G_N_ELEMENTS(places); i++) {
		char *const one[] = { places[i], NULL };

		check_sockets(d, "remite-milter", "milter", one);
	}
}

/* Debian's apparmor-profiles names each of Dovecot's own programs. */
static void judge_dovecot(struct rmt_doctor *d)
{
	rmt_find(&d->findings, RMT_SEVERITY_WARNING, LOCAL "usr.sbin.dovecot",
		 "/usr/lib/dovecot/remite-* mrUx,\n/run/dovecot/remite-* rw,",
		 "AppArmor's profile of Dovecot may not let it start remite-agent "
		 "(dmesg | grep 'apparmor=\"DENIED\".*remite' tells; then: "
		 "apparmor_parser -r /etc/apparmor.d/usr.sbin.dovecot)");
}

static void judge_selinux(struct rmt_doctor *d)
{
	rmt_find(&d->findings, RMT_SEVERITY_NOTE, ENFORCE,
		 "ausearch -m avc -c remite-policyd -c remite-milter -c remite-agent | "
		 "audit2allow -M remite && semodule -i remite.pp",
		 "SELinux enforces, and no policy for Remite is shipped: where a "
		 "socket is refused, look for denials first");
}

void rmt_doctor_confinement_judge(struct rmt_doctor *d, const char *profiles,
				  const char *enforce)
{
	if (profiles != NULL && is_enforced(profiles, "remite-policyd"))
		judge_policyd(d);
	if (profiles != NULL && is_enforced(profiles, "remite-milter"))
		judge_milter(d);
	if (profiles != NULL && (is_enforced(profiles, "dovecot") ||
				 is_enforced(profiles, "/usr/sbin/dovecot")))
		judge_dovecot(d);
	if (enforce != NULL && enforce[0] == '1')
		judge_selinux(d);
}

void rmt_doctor_confinement(struct rmt_doctor *d)
{
	g_autofree char *profiles = NULL, *enforce = NULL;

	g_file_get_contents(PROFILES, &profiles, NULL, NULL);
	g_file_get_contents(ENFORCE, &enforce, NULL, NULL);
	rmt_doctor_confinement_judge(d, profiles, enforce);
}
