/* SPDX-License-Identifier: MIT */
#include "common/token/followed.h"

#include <sys/stat.h>

#include "common/base/log.h"

struct rmt_followed {
	char *path; /* own */
	enum rmt_purpose purpose;
	struct rmt_sealer *sealer; /* own; or NULL */
	GError *why;               /* own; why the file as it is cannot be read */
	int64_t looked;            /* Unix seconds */
	struct stat seen;
	bool seen_any;
};

struct rmt_followed *rmt_followed_new(const char *path, enum rmt_purpose purpose)
{
	struct rmt_followed *followed = g_new0(struct rmt_followed, 1);

	followed->path = g_strdup(path);
	followed->purpose = purpose;
	return followed;
}

void rmt_followed_free(struct rmt_followed *followed)
{
	if (followed == NULL)
		return;
	rmt_sealer_free(followed->sealer);
	g_clear_error(&followed->why);
	g_free(followed->path);
	g_free(followed);
}

/* Whether the file is another one than when it was last read. */
static bool has_changed(struct rmt_followed *followed)
{
	struct stat now = { 0 };

	if (stat(followed->path, &now) != 0)
		now = (struct stat){ 0 };
	if (followed->seen_any && now.st_ino == followed->seen.st_ino &&
	    now.st_dev == followed->seen.st_dev &&
	    now.st_mode == followed->seen.st_mode &&
	    now.st_uid == followed->seen.st_uid &&
	    now.st_mtim.tv_sec == followed->seen.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == followed->seen.st_mtim.tv_nsec)
		return false;
	followed->seen = now;
	followed->seen_any = true;
	return true;
}

static void read_again(struct rmt_followed *followed, int64_t now)
{
	g_autoptr(rmt_keys) keys = NULL;

	g_clear_error(&followed->why);
	keys = rmt_keys_read(followed->path, &followed->why);
	if (keys != NULL) {
		rmt_sealer_free(followed->sealer);
		followed->sealer = rmt_sealer_new(keys, followed->purpose, now);
	} else if (followed->sealer != NULL) {
		rmt_log(RMT_LOG_ERROR, "%s (the key ring in use stays as it was)",
			followed->why->message);
	}
}

struct rmt_sealer *rmt_followed_again(struct rmt_followed *followed, int64_t now)
{
	followed->looked = 0;
	return rmt_followed_get(followed, now, NULL);
}

struct rmt_sealer *rmt_followed_get(struct rmt_followed *followed, int64_t now,
				    GError **err)
{
	if (now != followed->looked && has_changed(followed))
		read_again(followed, now);
	followed->looked = now;
	if (followed->sealer == NULL && err != NULL)
		*err = g_error_copy(followed->why);
	return followed->sealer;
}
