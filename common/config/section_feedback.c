/* SPDX-License-Identifier: MIT */
/* Return paths, pauses, and what is done with what comes back. */
#include "common/config/error.h"
#include "common/config/reader.h"

void *rmt_begin_return_path(struct rmt_reading *reading, void *parent, const char *name,
			    const config_setting_t *group)
{
	(void)reading, (void)name, (void)group;
	return &((struct rmt_stream_draft *)parent)->stream.return_path;
}

static char *id_of(const char *stream)
{
	char *id = g_ascii_strdown(stream, -1);

	id[MIN(strlen(id), RMT_RETURN_PATH_ID_MAX)] = '\0';
	return id;
}

static bool clash(const struct rmt_return_setting *a, const struct rmt_return_setting *b)
{
	return a->address != NULL && b->address != NULL &&
	       strcmp(a->address, b->address) == 0 &&
	       (a->ids != b->ids || strcmp(a->id, b->id) == 0);
}

/* Of one root, the number of ids tells where the recipient begins. */
static void check_others(struct rmt_reading *reading,
			 const struct rmt_return_setting *path,
			 const config_setting_t *group)
{
	const struct rmt_stream *other;
	guint i;

	for (i = 0; i < reading->config->streams->len; i++) {
		other = g_ptr_array_index(reading->config->streams, i);
		if (clash(path, &other->return_path))
			rmt_complain(
				reading, group,
				"return_path: stream '%s' has the same address: write "
				"the same number of ids, and another id",
				other->name);
	}
}

void rmt_end_return_path(struct rmt_reading *reading, void *parent, void *object,
			 const config_setting_t *group)
{
	struct rmt_return_setting *path = object;
	const struct rmt_stream_draft *draft = parent;

	if (path->id == NULL)
		path->id = id_of(draft->stream.name);
	if (path->address != NULL)
		check_others(reading, path, group);
}

void *rmt_begin_pause(struct rmt_reading *reading, void *parent, const char *name,
		      const config_setting_t *group)
{
	struct rmt_pause *pause = &((struct rmt_stream_draft *)parent)->stream.pause;

	(void)reading, (void)name;
	pause->on = group != NULL;
	return pause;
}

void *rmt_begin_complaints(struct rmt_reading *reading, void *parent, const char *name,
			   const config_setting_t *group)
{
	(void)reading, (void)name, (void)group;
	return &((struct rmt_pause *)parent)->complaints;
}

void *rmt_begin_bounces(struct rmt_reading *reading, void *parent, const char *name,
			const config_setting_t *group)
{
	(void)reading, (void)name, (void)group;
	return &((struct rmt_pause *)parent)->bounces;
}

void *rmt_begin_unsubscribes(struct rmt_reading *reading, void *parent, const char *name,
			     const config_setting_t *group)
{
	(void)reading, (void)name, (void)group;
	return &((struct rmt_pause *)parent)->unsubscribes;
}

void rmt_end_pause_test(struct rmt_reading *reading, void *parent, void *object,
			const config_setting_t *group)
{
	const struct rmt_pause_test *test = object;

	(void)parent;
	if (test->accept >= test->pause)
		rmt_complain(
			reading, rmt_member_place(group, "pause"),
			"pause must be above accept (write accept = \"0.1%%\" pause = "
			"\"0.3%%\")");
}

void *rmt_begin_feedback(struct rmt_reading *reading, void *parent, const char *name,
			 const config_setting_t *group)
{
	(void)reading, (void)parent, (void)name, (void)group;
	return &reading->config->feedback;
}

/* --- values ------------------------------------------------------------------------ */

static bool is_id(struct rmt_span text, size_t max)
{
	size_t i;

	if (text.len == 0 || text.len > max)
		return false;
	for (i = 0; i < text.len; i++)
		if (!g_ascii_islower(text.p[i]) && !g_ascii_isdigit(text.p[i]) &&
		    strchr("-_.", text.p[i]) == NULL)
			return false;
	return true;
}

bool rmt_check_return_path_id(struct rmt_span text, GError **err)
{
	if (is_id(text, RMT_RETURN_PATH_ID_MAX))
		return true;
	g_set_error(err, RMT_CONFIG_ERROR, 0,
		    "'%.*s' cannot stand in an address (write at most %d lower-case "
		    "letters, digits, '-', '_' and '.')",
		    RMT_SPAN_ARGS(text), RMT_RETURN_PATH_ID_MAX);
	return false;
}

bool rmt_check_return_path(struct rmt_span text, GError **err)
{
	struct rmt_span local, domain;

	if (rmt_span_split_last(text, '@', &local, &domain) &&
	    is_id(local, RMT_RETURN_PATH_ID_MAX) && is_id(domain, 255))
		return true;
	g_set_error(err, RMT_CONFIG_ERROR, 0,
		    "'%.*s' cannot be the root of return paths (write "
		    "\"bounces@bounces.example.com\": at most %d lower-case letters "
		    "and digits before the '@')",
		    RMT_SPAN_ARGS(text), RMT_RETURN_PATH_ID_MAX);
	return false;
}

bool rmt_parse_share(struct rmt_span text, double *share_r, GError **err)
{
	g_autofree char *copy = g_strndup(text.p, text.len);
	char *end;
	double share = g_ascii_strtod(copy, &end);

	if (end != copy && strcmp(end, "%") == 0 && share > 0 && share < 100) {
		*share_r = share / 100;
		return true;
	}
	g_set_error(err, RMT_CONFIG_ERROR, 0, "'%.*s' is not a share (write \"0.3%%\")",
		    RMT_SPAN_ARGS(text));
	return false;
}
