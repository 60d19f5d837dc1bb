/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cli/cf_text.h"
#include "common/cli/run.h"
#include "common/cli/setup_apply.h"

#define BACKUP   "remite-backup-"
#define REVERTED "-reverted"

enum { MAIN_CF, MASTER_CF, EXACT, PATTERNS, FILES };
static const char *const file_names[FILES] = { "main.cf", "master.cf", RMT_SETUP_EXACT,
					       RMT_SETUP_PATTERNS };

/* Contents of the files; NULL: not there. */
typedef struct {
	GString *file[FILES]; /* own */
} texts;

static void texts_clear(texts *t)
{
	size_t i;

	for (i = 0; i < FILES; i++)
		if (t->file[i] != NULL)
			g_string_free(t->file[i], TRUE);
	memset(t, 0, sizeof(*t));
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(texts, texts_clear)

static bool fail_errno(GError **err, const char *what, const char *path)
{
	int error = errno;

	g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(error), "%s %s: %s", what,
		    path, g_strerror(error));
	return false;
}

/* A file that is not there is NULL and no failure. */
static bool read_file(const char *path, GString **text_r, GError **err)
{
	g_autoptr(GError) why = NULL;
	char *bytes;
	gsize length;

	*text_r = NULL;
	if (g_file_get_contents(path, &bytes, &length, &why)) {
		*text_r = g_string_new_len(bytes, (gssize)length);
		g_free(bytes);
	} else if (!g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
		g_propagate_error(err, g_steal_pointer(&why));
		return false;
	}
	return true;
}

static bool read_texts(const char *dir, const char *suffix, texts *t, GError **err)
{
	size_t i;

	for (i = 0; i < FILES; i++) {
		g_autofree char *path =
			g_strconcat(dir, "/", file_names[i], suffix, NULL);

		if (!read_file(path, &t->file[i], err))
			return false;
	}
	return true;
}

/* Replaces the file in one step, with the mode and owner it had (0644 if new). A
 * symbolic link stays one. */
static bool write_file(const char *path, const GString *text, GError **err)
{
	g_autofree char *linked = realpath(path, NULL);
	const char *target = linked != NULL ? linked : path;
	struct stat st = { .st_mode = 0644 };
	bool there = stat(target, &st) == 0;

	if (!g_file_set_contents_full(target, text->str, (gssize)text->len,
				      G_FILE_SET_CONTENTS_CONSISTENT |
					      G_FILE_SET_CONTENTS_DURABLE,
				      (int)(st.st_mode & 07777), err))
		return false;
	if (chmod(target, st.st_mode & 07777) < 0 ||
	    (there && chown(target, st.st_uid, st.st_gid) < 0))
		return fail_errno(err, "owner and mode of", target);
	return true;
}

static bool same(const GString *a, const GString *b)
{
	return a == NULL || b == NULL ? a == b : g_string_equal(a, b);
}

/* Makes the directory's files what the texts are; unchanged ones are not touched. */
static bool write_texts(const char *dir, const texts *t, GError **err)
{
	size_t i;

	for (i = 0; i < FILES; i++) {
		g_autofree char *path = g_build_filename(dir, file_names[i], NULL);
		GString *present;
		bool done;

		if (!read_file(path, &present, err))
			return false;
		done = same(present, t->file[i]);
		if (present != NULL)
			g_string_free(present, TRUE);
		if (done)
			continue;
		if (t->file[i] == NULL && unlink(path) < 0)
			return fail_errno(err, "cannot remove", path);
		if (t->file[i] != NULL && !write_file(path, t->file[i], err))
			return false;
	}
	return true;
}

static bool copy_texts(const char *dir, const char *suffix, const texts *t, GError **err)
{
	size_t i;

	for (i = 0; i < FILES; i++) {
		g_autofree char *path =
			g_strconcat(dir, "/", file_names[i], suffix, NULL);

		if (t->file[i] != NULL &&
		    !g_file_set_contents_full(path, t->file[i]->str,
					      (gssize)t->file[i]->len,
					      G_FILE_SET_CONTENTS_DURABLE, 0600, err))
			return false;
	}
	return true;
}

static void remove_backup(const char *backup)
{
	size_t i;

	for (i = 0; i < FILES; i++) {
		g_autofree char *path = g_build_filename(backup, file_names[i], NULL);
		g_autofree char *after = g_strconcat(path, ".after", NULL);

		unlink(path);
		unlink(after);
	}
	rmdir(backup);
}

/* --- applying ------------------------------------------------------------------- */

static bool file_is_there(const struct rmt_setup_file *file, const char *dir)
{
	g_autofree char *path = g_build_filename(dir, file->name, NULL);
	GString *present = NULL;
	bool is_same;

	read_file(path, &present, NULL);
	is_same = same(present, file->text);
	if (present != NULL)
		g_string_free(present, TRUE);
	return is_same;
}

bool rmt_setup_is_done(const struct rmt_setup_plan *plan, const struct rmt_postfix *pf)
{
	guint i;

	for (i = 0; i < plan->files->len; i++)
		if (!file_is_there(g_ptr_array_index(plan->files, i), pf->dir))
			return false;
	return plan->edits->len == 0;
}

/* postconf -e would melt the entries into one, and taking back could not part them. */
static bool check_twice(const struct rmt_setup_plan *plan, const struct rmt_postfix *pf,
			GError **err)
{
	guint i, j;

	for (i = 0; i < plan->edits->len; i++) {
		const struct rmt_setup_edit *edit = g_ptr_array_index(plan->edits, i);
		g_autofree char *head = g_strconcat(edit->name, " (", NULL);

		for (j = 0; j < pf->main_twice->len; j++) {
			const char *twice = g_ptr_array_index(pf->main_twice, j);

			if (!g_str_has_prefix(twice, head))
				continue;
			g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
				    "main.cf gives %s twice: keep the one you mean, then "
				    "run this again",
				    twice);
			return false;
		}
	}
	return true;
}

static bool make_backup_dir(const char *dir, gint64 now, char **backup_r, GError **err)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now);
	g_autofree char *stamp = g_date_time_format(time, "%Y%m%dT%H%M%SZ");
	unsigned n;

	for (n = 0; n < 100; n++) {
		g_autofree char *path =
			g_strdup_printf("%s/" BACKUP "%s.%02u", dir, stamp, n);
		g_autofree char *taken = g_strconcat(path, REVERTED, NULL);

		if (g_file_test(taken, G_FILE_TEST_EXISTS))
			continue;
		if (mkdir(path, 0700) == 0) {
			*backup_r = g_steal_pointer(&path);
			return true;
		}
		if (errno != EEXIST)
			return fail_errno(err, "cannot make", path);
	}
	errno = EEXIST;
	return fail_errno(err, "cannot make a backup directory in", dir);
}

static bool run_checked(const char *const *argv, GError **err)
{
	if (rmt_run_well(argv, NULL, "it says why in Postfix's log, if anywhere", err))
		return true;
	g_prefix_error(err, "'%s %s %s %s' failed: ", argv[0], argv[1], argv[2], argv[3]);
	return false;
}

static bool run_edit(const struct rmt_postfix *pf, const struct rmt_setup_edit *edit,
		     GError **err)
{
	g_autofree char *assignment = g_strdup_printf("%s=%s", edit->name, edit->value);
	const char *service[] = {
		"postconf", "-c", pf->dir, "-M", "-e", assignment, NULL
	};
	const char *option[] = {
		"postconf", "-c", pf->dir, "-P", "-e", assignment, NULL
	};
	const char *parameter[] = { "postconf", "-c", pf->dir, "-e", assignment, NULL };
	const char *const *const commands[] = { parameter, option, service };

	return run_checked(commands[edit->kind], err);
}

static bool check_result(const struct rmt_config *config, const char *dir, GError **err)
{
	const char *check[] = { "postfix", "-c", dir, "check", NULL };
	g_autoptr(rmt_postfix) pf = NULL;
	g_autoptr(rmt_setup_plan) plan = NULL;
	g_autofree char *command = NULL;

	if (!run_checked(check, err))
		return false;
	pf = rmt_postfix_read(dir, err);
	if (pf == NULL)
		return false;
	plan = rmt_setup_plan_new(config, pf);
	if (rmt_setup_is_done(plan, pf))
		return true;
	if (plan->edits->len > 0)
		command = rmt_setup_edit_command(pf, g_ptr_array_index(plan->edits, 0));
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "the files are not as they should be after the edits: %s is still "
		    "wanted",
		    command != NULL ? command : "a sender table");
	return false;
}

static bool carry_out(const struct rmt_setup_plan *plan, const struct rmt_config *config,
		      const struct rmt_postfix *pf, GError **err)
{
	guint i;

	for (i = 0; i < plan->files->len; i++) {
		const struct rmt_setup_file *file = g_ptr_array_index(plan->files, i);
		g_autofree char *path = g_build_filename(pf->dir, file->name, NULL);

		if (!write_file(path, file->text, err))
			return false;
	}
	for (i = 0; i < plan->edits->len; i++)
		if (!run_edit(pf, g_ptr_array_index(plan->edits, i), err))
			return false;
	return check_result(config, pf->dir, err);
}

static bool keep_after(const char *dir, const char *backup, GError **err)
{
	g_auto(texts) after = { { NULL } };

	return read_texts(dir, "", &after, err) &&
	       copy_texts(backup, ".after", &after, err);
}

bool rmt_setup_apply(const struct rmt_setup_plan *plan, const struct rmt_config *config,
		     const struct rmt_postfix *pf, gint64 now, char **backup_r,
		     GError **err)
{
	g_auto(texts) before = { { NULL } };
	g_autofree char *backup = NULL;
	g_autoptr(GError) worse = NULL;

	if (!check_twice(plan, pf, err) || !read_texts(pf->dir, "", &before, err) ||
	    !make_backup_dir(pf->dir, now, &backup, err))
		return false;
	if (copy_texts(backup, "", &before, err) && carry_out(plan, config, pf, err) &&
	    keep_after(pf->dir, backup, err)) {
		*backup_r = g_steal_pointer(&backup);
		return true;
	}
	if (write_texts(pf->dir, &before, &worse)) {
		remove_backup(backup);
		g_prefix_error(err, "nothing was changed: ");
	} else {
		g_prefix_error(err,
			       "not undone (%s; the copies are in %s): ", worse->message,
			       backup);
	}
	return false;
}

/* --- taking back ---------------------------------------------------------------- */

static int newest_first(gconstpointer a, gconstpointer b)
{
	return -strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *find_backups(const char *dir)
{
	GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) listing = g_dir_open(dir, 0, NULL);
	const char *name;

	while (listing != NULL && (name = g_dir_read_name(listing)) != NULL)
		if (g_str_has_prefix(name, BACKUP) && !g_str_has_suffix(name, REVERTED))
			g_ptr_array_add(found, g_build_filename(dir, name, NULL));
	g_ptr_array_sort(found, newest_first);
	return found;
}

static struct rmt_span span(const GString *s)
{
	return s != NULL ? rmt_span(s->str, s->len) : rmt_span(NULL, 0);
}

/* What our edits added must not be named by what stays. */
static bool check_unused(const texts *before, const texts *after, const texts *now,
			 GError **err)
{
	g_autoptr(GPtrArray) parameters = rmt_cf_added(
		RMT_CF_MAIN, span(before->file[MAIN_CF]), span(after->file[MAIN_CF]));
	g_autoptr(GPtrArray) services =
		rmt_cf_added(RMT_CF_MASTER, span(before->file[MASTER_CF]),
			     span(after->file[MASTER_CF]));
	guint i;

	for (i = 0; i < parameters->len + services->len; i++) {
		bool is_service = i >= parameters->len;
		const char *key = is_service ? services->pdata[i - parameters->len]
					     : parameters->pdata[i];
		g_autofree char *name = g_strndup(key, strcspn(key, "/"));
		g_autofree char *needle = is_service ? g_strconcat(name, ":", NULL)
						     : g_strconcat("$", name, NULL);
		g_autofree char *user =
			rmt_cf_user_of(RMT_CF_MAIN, span(now->file[MAIN_CF]), needle);

		if (user == NULL && !is_service)
			user = rmt_cf_user_of(RMT_CF_MASTER, span(now->file[MASTER_CF]),
					      needle);
		if (user == NULL)
			continue;
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			    "'%s' was added by us and is now named by '%s', which is not "
			    "ours: take it out there first",
			    key, user);
		return false;
	}
	return true;
}

/* Tables: ours go, or become what they were; edited ones stay and harm nobody. */
static void revert_table(GString **now, const GString *before, const GString *after)
{
	if (!same(*now, after))
		return;
	if (*now != NULL)
		g_string_free(*now, TRUE);
	*now = before != NULL ? g_string_new_len(before->str, (gssize)before->len) : NULL;
}

static bool revert_cf(enum rmt_cf_kind kind, size_t file, const texts *before,
		      const texts *after, texts *now, GError **err)
{
	GString *text = g_string_new(NULL);

	if (!rmt_cf_revert(kind, span(before->file[file]), span(after->file[file]),
			   span(now->file[file]), text, err)) {
		g_string_free(text, TRUE);
		return false;
	}
	g_string_free(now->file[file], TRUE);
	now->file[file] = text;
	return true;
}

static bool revert_one(const char *backup, texts *now, GError **err)
{
	g_auto(texts) before = { { NULL } };
	g_auto(texts) after = { { NULL } };

	if (!read_texts(backup, "", &before, err) ||
	    !read_texts(backup, ".after", &after, err))
		return false;
	if (before.file[MAIN_CF] == NULL || before.file[MASTER_CF] == NULL ||
	    after.file[MAIN_CF] == NULL || after.file[MASTER_CF] == NULL) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			    "%s is not whole: main.cf and master.cf, each with its copy "
			    "'.after', belong there; move it away to leave it out",
			    backup);
		return false;
	}
	if (!revert_cf(RMT_CF_MAIN, MAIN_CF, &before, &after, now, err) ||
	    !revert_cf(RMT_CF_MASTER, MASTER_CF, &before, &after, now, err))
		return false;
	revert_table(&now->file[EXACT], before.file[EXACT], after.file[EXACT]);
	revert_table(&now->file[PATTERNS], before.file[PATTERNS], after.file[PATTERNS]);
	return check_unused(&before, &after, now, err);
}

bool rmt_setup_revert(const char *dir, unsigned *count_r, GError **err)
{
	g_autofree char *absolute = g_canonicalize_filename(dir, NULL);
	g_autoptr(GPtrArray) backups = find_backups(absolute);
	g_auto(texts) now = { { NULL } };
	guint i;

	*count_r = 0;
	if (backups->len == 0)
		return true;
	if (!read_texts(absolute, "", &now, err))
		return false;
	if (now.file[MAIN_CF] == NULL || now.file[MASTER_CF] == NULL) {
		errno = ENOENT;
		return fail_errno(err, "main.cf and master.cf in", absolute);
	}
	for (i = 0; i < backups->len; i++)
		if (!revert_one(g_ptr_array_index(backups, i), &now, err))
			return false;
	if (!write_texts(absolute, &now, err))
		return false;
	for (i = 0; i < backups->len; i++) {
		const char *backup = g_ptr_array_index(backups, i);
		g_autofree char *done = g_strconcat(backup, REVERTED, NULL);

		if (rename(backup, done) < 0)
			return fail_errno(err, "cannot rename", backup);
	}
	*count_r = backups->len;
	return true;
}
