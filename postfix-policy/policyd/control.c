/* SPDX-License-Identifier: MIT */
#include "postfix-policy/policyd/control.h"

#include <string.h>

#include "common/base/log.h"
#include "common/policy/policy_reply.h"
#include "common/policy/policy_request.h"
#include "postfix-policy/policyd/reload.h"

struct rmt_control {
	struct rmt_policyd *policyd; /* foreign */
	struct rmt_talks *talks;     /* own */
};

/* --- answers --- */

void rmt_control_line(struct rmt_talk *talk, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);

	json_decref(object);
	g_string_append(talk->out, text != NULL ? text : "{\"error\":\"no memory\"}");
	g_string_append_c(talk->out, '\n');
	free(text);
}

void rmt_control_end(struct rmt_talk *talk, json_t *object)
{
	json_object_set_new(object, "ok", json_true());
	rmt_control_line(talk, object);
	rmt_talk_end_job(talk);
	rmt_talk_send(talk);
}

void rmt_control_error(struct rmt_talk *talk, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	rmt_control_line(talk,
			 json_pack("{s:o}", "error", rmt_json_text(rmt_span_of(text))));
	rmt_talk_end_job(talk);
	rmt_talk_send(talk);
}

json_t *rmt_json_text(struct rmt_span text)
{
	json_t *string = json_stringn(text.p != NULL ? text.p : "", text.len);
	g_autofree char *valid = NULL;

	if (string != NULL)
		return string;
	valid = g_utf8_make_valid(text.p, (gssize)text.len);
	return json_string(valid);
}

/* --- explain --- */

static bool read_request(const char *bytes, gsize len, size_t max,
			 struct rmt_policy_request *request, struct rmt_talk *talk)
{
	rmt_policy_request_init(request);
	switch (rmt_policy_request_read(request, bytes, len, max)) {
	case RMT_REQUEST_DONE:
		return true;
	case RMT_REQUEST_MORE:
		rmt_control_error(talk, "the request has no empty line at its end");
		return false;
	case RMT_REQUEST_BROKEN:
		break;
	}
	rmt_control_error(talk, "this is no policy request: %s", request->broken);
	return false;
}

static void explain(struct rmt_policyd *policyd, struct rmt_talk *talk, json_t *request)
{
	const char *encoded = json_string_value(json_object_get(request, "request"));
	g_autoptr(GString) steps = g_string_new(NULL);
	struct rmt_policy_request parsed;
	struct rmt_decision decision;
	char action[RMT_POLICY_REPLY_MAX];
	g_autofree guchar *bytes = NULL;
	gsize len = 0;

	if (encoded == NULL) {
		rmt_control_error(talk, "explain: 'request' is missing");
		return;
	}
	bytes = g_base64_decode(encoded, &len);
	if (!read_request((const char *)bytes, len, policyd->config->policyd.max_request,
			  &parsed, talk))
		return;
	rmt_engine_explain(policyd->engine, &parsed.facts, &policyd->now, steps,
			   &decision);
	rmt_policy_action(&decision, parsed.facts.stage, action);
	rmt_control_end(talk, json_pack("{s:o,s:o}", "action",
					rmt_json_text(rmt_span_of(action)), "steps",
					rmt_json_text(rmt_span(steps->str, steps->len))));
}

/* --- reload --- */

struct reload_job {
	struct rmt_job job; /* first */
	unsigned until;
};

static void end_reload(struct rmt_policyd *policyd, struct rmt_talk *talk)
{
	const GPtrArray *complaints = rmt_reload_complaints(policyd->reload);
	json_t *list = json_array();
	guint i;

	for (i = 0; complaints != NULL && i < complaints->len; i++)
		json_array_append_new(list,
				      rmt_json_text(rmt_span_of(complaints->pdata[i])));
	rmt_control_end(talk, json_pack("{s:b,s:o}", "in_force", policyd->reload_ok,
					"complaints", list));
}

static bool reload_step(struct rmt_policyd *policyd, struct rmt_talk *talk,
			struct rmt_job *job)
{
	const struct reload_job *reload = (const struct reload_job *)(void *)job;

	if ((int)(rmt_reload_ended(policyd->reload) - reload->until) >= 0)
		end_reload(policyd, talk);
	return false;
}

static void free_plain(struct rmt_job *job)
{
	g_free(job);
}

/* One under way may have read the file before it was changed: the next counts. */
static void reload(struct rmt_policyd *policyd, struct rmt_talk *talk, json_t *request)
{
	struct reload_job *job = g_new0(struct reload_job, 1);

	(void)request;
	job->job = (struct rmt_job){ reload_step, free_plain };
	job->until = rmt_reload_ended(policyd->reload) + 1 +
		     (rmt_reload_running(policyd->reload) ? 1 : 0);
	rmt_reload_begin(policyd->reload);
	talk->job = job;
}

/* --- requests --- */

static const struct {
	const char *name;
	void (*run)(struct rmt_policyd *policyd, struct rmt_talk *talk, json_t *request);
} commands[] = {
	{ "status", rmt_control_status },
	{ "limits-list", rmt_control_limits_list },
	{ "limits-reset", rmt_control_limits_reset },
	{ "explain", explain },
	{ "bulk-forget", rmt_control_bulk_forget },
	{ "message", rmt_control_message },
	{ "reload", reload },
};

static void run_line(struct rmt_control *control, struct rmt_talk *talk, const char *line,
		     size_t len)
{
	json_error_t problem;
	json_t *request = json_loadb(line, len, 0, &problem);
	const char *name = json_string_value(json_object_get(request, "command"));
	size_t i;

	for (i = 0; name != NULL && i < G_N_ELEMENTS(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			break;
	if (request == NULL)
		rmt_control_error(talk, "no JSON: %s", problem.text);
	else if (name == NULL)
		rmt_control_error(talk, "'command' is missing");
	else if (i == G_N_ELEMENTS(commands))
		rmt_control_error(talk, "there is no command '%s'", name);
	else
		commands[i].run(control->policyd, talk, request);
	json_decref(request);
}

/* One after another: a line that comes while a job runs waits. */
static void take_lines(struct rmt_control *control, struct rmt_talk *talk)
{
	const char *end;
	size_t len;

	while (talk->job == NULL && !talk->dead &&
	       (end = memchr(talk->in->str, '\n', talk->in->len)) != NULL) {
		len = (size_t)(end - talk->in->str);
		run_line(control, talk, talk->in->str, len);
		g_string_erase(talk->in, 0, (gssize)len + 1);
	}
}

static void got(void *context, struct rmt_talk *talk)
{
	take_lines(context, talk);
}

static bool step(void *context, struct rmt_talk *talk)
{
	struct rmt_control *control = context;
	struct rmt_job *job = talk->job;
	bool more = job->step(control->policyd, talk, job);

	take_lines(control, talk);
	return more;
}

static void free_job(gpointer data)
{
	struct rmt_job *job = data;

	job->free(job);
}

static const struct rmt_talk_kind kind = {
	.talks_max = 32,
	.in_max = 32 << 20, /* policyd.max_request at its largest, as base64 */
	.timeout_ns = 30LL * RMT_NS_PER_SEC,
	.got = got,
	.step = step,
	.free_job = free_job,
};

struct rmt_control *rmt_control_new(struct rmt_policyd *policyd)
{
	struct rmt_control *control = g_new0(struct rmt_control, 1);

	control->policyd = policyd;
	control->talks = rmt_talks_new(policyd->loop, &kind, control);
	return control;
}

void rmt_control_free(struct rmt_control *control)
{
	if (control == NULL)
		return;
	rmt_talks_free(control->talks);
	g_free(control);
}

struct rmt_talks *rmt_control_talks(struct rmt_control *control)
{
	return control->talks;
}
