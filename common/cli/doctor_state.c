/* SPDX-License-Identifier: MIT */
/* doctor_state.c - what the programs keep: is it there, do they get at it, can it be
 * read? */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/cli/doctor.h"
#include "common/limits/counters_log.h"
#include "common/limits/counters_snapshot.h"
#include "common/store/store.h"

#define ACCOUNT  "remite" /* whose the units and the services are */
#define FREE_LOW (256ull << 20)
#define UPGRADE  "apt install --only-upgrade remite-common remite-postfix remite-dovecot"

/* --- state ---------------------------------------------------------------------- */

static void check_modes(struct rmt_doctor *d, const char *dir, const struct stat *st)
{
	g_autofree char *remedy = g_strdup_printf("chmod o-rwx %s", dir);

	if (st->st_mode & 02)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, dir, remedy,
			 "everybody may write there (mode %04o)",
			 (unsigned)st->st_mode & 07777);
	else if (st->st_mode & 05)
		rmt_find(
			&d->findings, RMT_SEVERITY_WARNING, dir, remedy,
			"everybody may look in (mode %04o), and addresses are kept there",
			(unsigned)st->st_mode & 07777);
	if (getpwuid(st->st_uid) == NULL)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, dir, NULL,
			 "belongs to user %u, whom this system does not know",
			 (unsigned)st->st_uid);
}

static void check_space(struct rmt_doctor *d, const char *dir)
{
	struct statvfs fs;
	unsigned long long left;

	if (statvfs(dir, &fs) < 0)
		return;
	left = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if (fs.f_flag & ST_RDONLY)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, dir, NULL,
			 "is on a file system mounted read-only: counts are lost when "
			 "policyd ends");
	else if (left < FREE_LOW)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, dir, NULL,
			 "only %llu MB are free: counts and suppressions need room",
			 left >> 20);
}

/* What an opening that failed takes; own: g_free. */
static char *records_remedy(const char *path, const GError *err)
{
	if (g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_NEWER))
		return g_strdup(UPGRADE);
	if (g_error_matches(err, RMT_STORE_ERROR, RMT_STORE_ERROR_DENIED))
		return g_strdup_printf("chown " ACCOUNT ":" ACCOUNT " %s %s-lock", path,
				       path);
	return NULL;
}

static void check_records(struct rmt_doctor *d, const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "records", NULL);
	g_autofree char *uri = g_strconcat("lmdb:", path, NULL);
	g_autoptr(GError) err = NULL;
	struct rmt_store *store = NULL;

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, path, NULL,
			 "not there yet: made with the first suppression or pause");
	else if (!rmt_store_open(&store, uri, true, &err)) {
		g_autofree char *remedy = records_remedy(path, err);

		rmt_find(&d->findings, RMT_SEVERITY_ERROR, path, remedy,
			 "does not open: %s", err->message);
	}
	rmt_store_close(&store);
}

/* Both kinds of file begin with a magic and a version. */
static bool is_newer(const char *path, uint32_t known)
{
	struct {
		char magic[8];
		uint32_t version;
	} head;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_read = fd >= 0 && read(fd, &head, sizeof(head)) == sizeof(head);

	if (fd >= 0)
		close(fd);
	return is_read && head.version > known;
}

static void check_counters_file(struct rmt_doctor *d, const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autofree char *remedy = g_strdup_printf("rm %s", path);

	if (strstr(name, ".broken-") != NULL)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, path, remedy,
			 "could not be read and was put aside; what it counted is not "
			 "counted");
	else if (strcmp(name, "snapshot") == 0 ? is_newer(path, RMT_SNAPSHOT_VERSION)
					       : g_str_has_prefix(name, "log.") &&
							 is_newer(path, RMT_LOG_VERSION))
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, path, UPGRADE,
			 "written by a newer Remite: this policyd will put it aside");
}

static void check_counters(struct rmt_doctor *d, const char *state)
{
	g_autofree char *path = g_build_filename(state, "counters", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		check_counters_file(d, path, name);
}

static void check_control(struct rmt_doctor *d)
{
	const char *path = d->config->policyd.control;
	g_autofree char *endpoint = NULL;
	int fd;

	if (path == NULL || *path != '/')
		return;
	endpoint = g_strconcat("unix:", path, NULL);
	fd = rmt_doctor_connect(endpoint);
	if (fd < 0)
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, path,
			 "systemctl start remite-policyd",
			 "the control socket takes no connection: %s (remite status and "
			 "limits need it)",
			 g_strerror(errno));
	else
		close(fd);
}

/* --- the account ---------------------------------------------------------------- */

/* False: it may not. */
static bool check_account(struct rmt_doctor *d, const struct passwd *user,
			  const char *path, enum rmt_may may)
{
	g_autofree char *part =
		path != NULL ? rmt_doctor_kept_out(path, may, user->pw_uid, user->pw_gid)
			     : NULL;
	bool is_itself = g_strcmp0(part, path) == 0;
	g_autofree char *remedy = NULL;

	if (part == NULL)
		return true;
	if (!is_itself)
		remedy = g_strdup_printf("chmod a+x %s", part);
	else if (may & RMT_MAY_WRITE)
		remedy = g_strdup_printf("chown " ACCOUNT ":" ACCOUNT " %s", path);
	else
		remedy = g_strdup_printf("chgrp " ACCOUNT " %s && chmod g+r %s", path,
					 path);
	rmt_find(&d->findings, RMT_SEVERITY_ERROR, path, remedy,
		 "the account '" ACCOUNT "' that the programs run as may not %s %s%s",
		 is_itself && (may & RMT_MAY_WRITE) ? "write" : "read",
		 is_itself ? "it" : "it, because of ", is_itself ? "" : part);
	return false;
}

void rmt_doctor_access(struct rmt_doctor *d)
{
	const struct passwd *user = getpwnam(ACCOUNT);
	const char *state = d->config->state;
	g_autofree char *records = NULL, *lock = NULL;

	if (user == NULL)
		return;
	check_account(d, user, d->config->file, RMT_MAY_READ);
	if (d->config->keys != NULL && g_file_test(d->config->keys, G_FILE_TEST_EXISTS))
		check_account(d, user, d->config->keys, RMT_MAY_READ);
	if (state == NULL ||
	    !check_account(d, user, state, RMT_MAY_WRITE | RMT_MAY_SEARCH))
		return;
	records = g_build_filename(state, "records", NULL);
	lock = g_build_filename(state, "records-lock", NULL);
	check_account(d, user, records, RMT_MAY_READ | RMT_MAY_WRITE);
	check_account(d, user, lock, RMT_MAY_READ | RMT_MAY_WRITE);
}

/* --- the whole ------------------------------------------------------------------ */

/* What is kept read-only on purpose is for whoever builds the system. */
static void check_read_only(struct rmt_doctor *d, const char *dir, const char *command)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, dir, command,
			 "is on a file system mounted read-only: --apply cannot write "
			 "there; put in what the command prints");
}

void rmt_doctor_state(struct rmt_doctor *d)
{
	const char *dir = d->config->state;
	g_autofree char *remedy = NULL;
	struct stat st;

	if (dir == NULL)
		return;
	if (d->pf != NULL)
		check_read_only(d, d->pf->dir, "remite setup postfix");
	remedy = g_strdup_printf("install -d -o remite -g remite -m 2770 %s", dir);
	if (stat(dir, &st) < 0)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, dir, remedy,
			 "the state directory: %s", g_strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, dir, NULL, "is no directory");
	else {
		check_modes(d, dir, &st);
		check_space(d, dir);
		check_records(d, dir);
		check_counters(d, dir);
	}
	check_control(d);
}
