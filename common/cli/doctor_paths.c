/* SPDX-License-Identifier: MIT */
/* doctor_paths.c - whom the modes of a path keep out. */
#include <string.h>
#include <sys/stat.h>

#include "common/cli/doctor.h"

#define PATH_PARTS 64

size_t rmt_doctor_may_pass(const struct rmt_path_part *parts, size_t count,
			   enum rmt_may last, uid_t uid, gid_t gid)
{
	size_t i;

	for (i = 0; i < count; i++) {
		mode_t need = i + 1 < count ? RMT_MAY_SEARCH : last;

		if (parts[i].uid == uid)
			need <<= 6;
		else if (parts[i].gid == gid)
			need <<= 3;
		if (uid != 0 && (parts[i].mode & need) != need)
			return i;
	}
	return count;
}

/* "/", "/var", ...: the path up to its part'th slash. */
static char *path_up_to(const char *path, size_t part)
{
	const char *p = path;

	while (part-- > 0 && p != NULL)
		p = strchr(p + 1, '/');
	if (p == path)
		return g_strdup("/");
	return p != NULL ? g_strndup(path, (size_t)(p - path)) : g_strdup(path);
}

static size_t read_parts(const char *path, struct rmt_path_part *parts)
{
	size_t count = 0, slashes = 0;
	const char *p;

	for (p = path; *p != '\0'; p++)
		slashes += *p == '/';
	for (; count <= slashes && count < PATH_PARTS; count++) {
		g_autofree char *part = path_up_to(path, count);
		struct stat st;

		if (stat(part, &st) < 0)
			break;
		parts[count] = (struct rmt_path_part){ st.st_uid, st.st_gid,
						       st.st_mode & 07777 };
	}
	return count;
}

char *rmt_doctor_kept_out(const char *path, enum rmt_may last, uid_t uid, gid_t gid)
{
	struct rmt_path_part parts[PATH_PARTS];
	size_t count =
		g_file_test(path, G_FILE_TEST_EXISTS) ? read_parts(path, parts) : 0;
	size_t at = rmt_doctor_may_pass(parts, count, last, uid, gid);

	return at < count ? path_up_to(path, at) : NULL;
}
