/* SPDX-License-Identifier: MIT */
/* doctor_egress.c - do the streams leave by the transports they are configured for? */
#include <string.h>

#include "common/cli/doctor.h"
#include "common/cli/sender_map.h"

#define PROBES_MAX 20 /* senders asked for per stream: each costs some programs */

static void check_service(struct rmt_doctor *d, const struct rmt_setup_edit *edit)
{
	g_autofree char *remedy = rmt_setup_edit_command(d->pf, edit);
	g_autofree char *place = g_strdup_printf("master.cf: %s", edit->name);

	if (edit->kind == RMT_SETUP_SERVICE)
		rmt_find(&d->findings, RMT_SEVERITY_ERROR, place, remedy,
			 "the configuration sends by this transport, and there is none");
	else
		rmt_find(&d->findings, RMT_SEVERITY_WARNING, place, remedy,
			 "is not '%s', as the egress says", edit->value);
}

static bool concerns_egress(const struct rmt_doctor *d, const struct rmt_setup_edit *edit)
{
	guint i;

	for (i = 0; i < d->config->egresses->len; i++) {
		g_autofree char *name =
			rmt_egress_service(g_ptr_array_index(d->config->egresses, i));
		g_autofree char *head = g_strconcat(name, "/unix", NULL);

		if (edit->kind != RMT_SETUP_MAIN && g_str_has_prefix(edit->name, head))
			return true;
	}
	return false;
}

/* --- what the tables answer ----------------------------------------------------- */

struct probe {
	struct rmt_doctor *doctor;
	const struct rmt_stream *stream; /* foreign */
	unsigned count;
};

/* "*" stands for something. */
static char *sample(struct rmt_span value)
{
	GString *out = g_string_new(NULL);
	size_t i;

	if (rmt_span_eq(value, RMT_SPAN("*")))
		value = RMT_SPAN("*@*.invalid");
	for (i = 0; i < value.len; i++)
		if (value.p[i] == '*')
			g_string_append(out, "remite-probe");
		else
			g_string_append_c(out, value.p[i]);
	return g_string_free(out, FALSE);
}

static bool query_key(struct rmt_doctor *d, const char *key, GString *value)
{
	struct rmt_span tables = rmt_span_of(
		rmt_postfix_get(d->pf, NULL, "sender_dependent_default_transport_maps"));
	struct rmt_span word;

	while (rmt_postfix_word(&tables, &word)) {
		g_autofree char *table = g_strndup(word.p, word.len);

		if (d->query(d->query_context, table, key, value))
			return true;
	}
	return false;
}

static const struct rmt_stream *first_stream(const struct rmt_doctor *d,
					     const char *address)
{
	struct rmt_span stored =
		strcmp(address, "<>") == 0 ? rmt_span("", 0) : rmt_span_of(address);
	guint i;

	for (i = 0; i < d->config->streams->len; i++) {
		const struct rmt_stream *stream =
			g_ptr_array_index(d->config->streams, i);

		if (rmt_sender_map_covers(stream) && rmt_sender_map_takes(stream, stored))
			return stream;
	}
	return NULL;
}

static void probe_address(struct probe *p, const char *address)
{
	struct rmt_doctor *d = p->doctor;
	g_autofree char *wanted = rmt_egress_transport(p->stream->egress), *remedy = NULL;
	g_autoptr(GString) got = g_string_new(NULL);
	const char *at = strrchr(address, '@');

	if (first_stream(d, address) != p->stream)
		return;
	if (!query_key(d, address, got) && at != NULL)
		query_key(d, at, got);
	if (strcmp(got->str, wanted) == 0)
		return;
	remedy = g_strconcat("remite setup postfix --apply --postfix ", d->pf->dir, NULL);
	rmt_find(&d->findings, RMT_SEVERITY_WARNING,
		 "main.cf: sender_dependent_default_transport_maps", remedy,
		 "mail of stream '%s' from <%s> leaves by '%s', not by '%s'",
		 p->stream->name, address, got->len > 0 ? got->str : "default_transport",
		 wanted);
	p->count = PROBES_MAX; /* one is enough to know */
}

static void probe_value(void *context, struct rmt_span value)
{
	struct probe *p = context;
	g_autofree char *address = NULL;

	if (p->count++ >= PROBES_MAX)
		return;
	address = sample(value);
	probe_address(p, address);
}

static void probe_stream(struct rmt_doctor *d, const struct rmt_stream *stream)
{
	struct probe p = { d, stream, 0 };

	if (stream->egress != NULL && !stream->egress_by_filter &&
	    rmt_sender_map_covers(stream))
		rmt_sender_map_values(stream, probe_value, &p);
}

void rmt_doctor_egress(struct rmt_doctor *d)
{
	g_autoptr(rmt_sender_map) map = rmt_sender_map_new(d->config);
	guint i;

	for (i = 0; i < map->notes->len; i++)
		rmt_find(&d->findings, RMT_SEVERITY_NOTE, "remite.conf", NULL, "%s",
			 (char *)map->notes->pdata[i]);
	for (i = 0; i < d->plan->edits->len; i++)
		if (concerns_egress(d, g_ptr_array_index(d->plan->edits, i)))
			check_service(d, g_ptr_array_index(d->plan->edits, i));
	for (i = 0; d->query != NULL && i < d->config->streams->len; i++)
		probe_stream(d, g_ptr_array_index(d->config->streams, i));
}
