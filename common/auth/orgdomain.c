/* SPDX-License-Identifier: MIT */
/* orgdomain.c - which domain answers for a name. */
#include <libpsl.h>
#include <sys/stat.h>

#include "common/auth/orgdomain.h"

enum { LABELS_BEHIND_JUMP = 7 };

size_t rmt_walk_names(struct rmt_span name, struct rmt_span names_r[RMT_WALK_MAX])
{
	size_t labels = rmt_dns_label_count(name), count = 0;

	if (labels == 0)
		return 0;
	names_r[count++] = name;
	for (; labels > LABELS_BEHIND_JUMP + 1; labels--)
		name = rmt_dns_parent(name);
	while ((name = rmt_dns_parent(name)).len > 0)
		names_r[count++] = name;
	return count;
}

static struct rmt_span one_label_below(struct rmt_span name, struct rmt_span parent)
{
	struct rmt_span above = rmt_dns_parent(name);

	while (above.len > parent.len) {
		name = above;
		above = rmt_dns_parent(name);
	}
	return name;
}

struct rmt_span rmt_walk_org(const struct rmt_walk_step *steps, size_t count)
{
	struct rmt_span org = steps[0].name;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct rmt_dmarc_record *record = steps[i].record;

		if (record == NULL)
			continue;
		if (record->psd == RMT_DMARC_PSD_NO)
			return steps[i].name;
		if (record->psd == RMT_DMARC_PSD_YES && i > 0)
			return one_label_below(steps[0].name, steps[i].name);
		org = steps[i].name; /* fewest labels so far */
	}
	return org;
}

/* --- the older view ---------------------------------------------------------------- */

struct rmt_psl {
	psl_ctx_t *ctx; /* own */
};

struct rmt_psl *rmt_psl_open(void)
{
	psl_ctx_t *ctx = psl_latest(NULL);
	struct rmt_psl *psl;

	if (ctx == NULL)
		return NULL;
	psl = g_new0(struct rmt_psl, 1);
	psl->ctx = ctx;
	return psl;
}

void rmt_psl_close(struct rmt_psl *psl)
{
	if (psl == NULL)
		return;
	psl_free(psl->ctx);
	g_free(psl);
}

static bool copy_name(struct rmt_span name, char copy[RMT_DNS_NAME_MAX + 1])
{
	if (name.len == 0 || name.len > RMT_DNS_NAME_MAX ||
	    memchr(name.p, '\0', name.len) != NULL)
		return false;
	memcpy(copy, name.p, name.len);
	copy[name.len] = '\0';
	return true;
}

struct rmt_span rmt_psl_org(const struct rmt_psl *psl, struct rmt_span name)
{
	char copy[RMT_DNS_NAME_MAX + 1];
	const char *org = NULL;

	if (copy_name(name, copy))
		org = psl_registrable_domain(psl->ctx, copy);
	return org != NULL ? rmt_span_from(name, (size_t)(org - copy)) : name;
}

bool rmt_psl_is_suffix(const struct rmt_psl *psl, struct rmt_span name)
{
	char copy[RMT_DNS_NAME_MAX + 1];

	return copy_name(name, copy) && psl_is_public_suffix(psl->ctx, copy) == 1;
}

int64_t rmt_psl_date(const struct rmt_psl *psl)
{
	const char *file = psl_dist_filename();
	struct stat about;

	(void)psl;
	if (file != NULL && stat(file, &about) == 0)
		return about.st_mtime;
	return psl_builtin_file_time();
}
