/* SPDX-License-Identifier: MIT */
/* keys_file.c - the key ring on disk: who may have been at it, and replacing it. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/token/keys.h"

enum { FILE_MAX = 64 * 1024, FILE_MODE = 0640, OPEN_TO_OTHERS = 0137 };

static bool fail(const char *path, const char *what, GError **err)
{
	g_set_error(err, RMT_KEYS_ERROR,
		    errno == ENOENT ? RMT_KEYS_ERROR_MISSING : RMT_KEYS_ERROR_OTHER,
		    "%s: cannot %s: %s%s", path, what, g_strerror(errno),
		    errno == ENOENT   ? " (remite keys make)"
		    : errno == EACCES ? " (is this program's user in group remite?)"
				      : "");
	return false;
}

static bool check_owner(const char *path, const struct stat *file, GError **err)
{
	const char *remedy = NULL;

	if (!S_ISREG(file->st_mode))
		remedy = "is no regular file";
	else if (file->st_uid != 0 && file->st_uid != geteuid())
		remedy = "belongs to another user: chown root it, and rotate its keys";
	else if ((file->st_mode & OPEN_TO_OTHERS) != 0)
		remedy = "can be read or written by others than its owner and group: "
			 "chmod 0640 it, and rotate its keys";
	if (remedy == NULL)
		return true;
	g_set_error(err, RMT_KEYS_ERROR, RMT_KEYS_ERROR_EXPOSED, "%s: %s", path, remedy);
	return false;
}

static bool read_all(int fd, const char *path, char *buffer, size_t *len_r, GError **err)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buffer + len, FILE_MAX - len);
		if (n < 0)
			return fail(path, "read", err);
		len += (size_t)n;
	} while (n > 0 && len < FILE_MAX);
	*len_r = len;
	return true;
}

struct rmt_keys *rmt_keys_read(const char *path, GError **err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	g_autofree char *buffer = NULL;
	struct rmt_keys *keys = NULL;
	struct stat file;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &file) != 0) {
		fail(path, "open", err);
	} else if (check_owner(path, &file, err)) {
		buffer = g_malloc0(FILE_MAX);
		if (read_all(fd, path, buffer, &len, err))
			keys = rmt_keys_parse(path, rmt_span(buffer, len), err);
		OPENSSL_cleanse(buffer, len);
	}
	if (fd >= 0)
		close(fd);
	return keys;
}

/* As the file that stands has them; else root's or ours, and this group's. */
static bool set_owner(int fd, const char *path, unsigned group)
{
	struct stat old;

	if (stat(path, &old) == 0)
		return fchown(fd, old.st_uid, old.st_gid) == 0 || geteuid() != 0;
	return group == (unsigned)-1 || fchown(fd, (uid_t)-1, (gid_t)group) == 0;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = write(fd, bytes, len);
		if (n < 0)
			return false;
	}
	return fsync(fd) == 0;
}

/* The new name itself must reach the disk. */
static void sync_directory(const char *path)
{
	g_autofree char *directory = g_path_get_dirname(path);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static bool replace(const char *path, const GString *text, unsigned group, GError **err)
{
	g_autofree char *fresh = g_strconcat(path, ".XXXXXX", NULL);
	int fd = g_mkstemp_full(fresh, O_WRONLY | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return fail(path, "make a file beside", err);
	ok = write_all(fd, text->str, text->len) && set_owner(fd, path, group) &&
	     fchmod(fd, FILE_MODE) == 0 && rename(fresh, path) == 0;
	if (!ok) {
		fail(path, "write", err);
		unlink(fresh);
	}
	close(fd);
	if (ok)
		sync_directory(path);
	return ok;
}

bool rmt_keys_write(const char *path, const struct rmt_keys *keys, unsigned group,
		    GError **err)
{
	/* As long as it gets, so that no part is left behind by growing. */
	GString *text = g_string_sized_new(FILE_MAX);
	bool ok;

	rmt_keys_format(keys, text);
	ok = replace(path, text, group, err);
	OPENSSL_cleanse(text->str, text->allocated_len);
	g_string_free(text, TRUE);
	return ok;
}
