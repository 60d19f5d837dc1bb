/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/cli/sender_map.h"

#define HEAD                                                                             \
	"# Made by 'remite setup postfix --apply' from the streams' egresses.\n"         \
	"# Do not edit: change remite.conf and run it again.\n"

struct writer {
	const struct rmt_config *config;
	struct rmt_sender_map *map;
	const struct rmt_stream *stream; /* foreign; whose values come */
	char *target;                    /* own; transport or DUNNO */
	unsigned left_out;               /* senders a table cannot hold */
};

char *rmt_egress_transport(const struct rmt_egress *egress)
{
	if (egress->transport != NULL && *egress->transport != '\0')
		return strchr(egress->transport, ':') != NULL
			       ? g_strdup(egress->transport)
			       : g_strconcat(egress->transport, ":", NULL);
	return g_strconcat("smtp-", egress->name, ":", NULL);
}

char *rmt_egress_service(const struct rmt_egress *egress)
{
	char *transport = rmt_egress_transport(egress);

	*strchr(transport, ':') = '\0';
	return transport;
}

bool rmt_sender_map_covers(const struct rmt_stream *s)
{
	return s->sasl_users == NULL && s->clients == NULL && s->client_certs == NULL &&
	       s->helo == NULL && s->policy_contexts == NULL &&
	       (s->senders == NULL || s->sender_domains == NULL);
}

/* --- a stream's senders --------------------------------------------------------- */

struct walk {
	void (*each)(void *context, struct rmt_span value);
	void *context; /* foreign */
};

static void walk_glob(const struct walk *walk, const char *head, struct rmt_span tail)
{
	g_autofree char *glob = g_strdup_printf("%s%.*s", head, RMT_SPAN_ARGS(tail));

	walk->each(walk->context, rmt_span_of(glob));
}

/* As rmt_list_exact() has them. */
static void walk_sender(void *context, struct rmt_span value)
{
	const struct walk *walk = context;

	if (value.len == 0)
		walk->each(walk->context, RMT_SPAN("<>"));
	else if (value.p[0] == '@')
		walk_glob(walk, "*", value);
	else if (value.p[0] == '.')
		walk_glob(walk, "*@*", value);
	else
		walk->each(walk->context, value);
}

static void walk_domain(void *context, struct rmt_span value)
{
	walk_glob(context, value.len > 0 && value.p[0] == '.' ? "*@*" : "*@", value);
}

static void walk_pattern(void *context, struct rmt_span value)
{
	const struct walk *walk = context;

	walk->each(walk->context, value);
}

void rmt_sender_map_values(const struct rmt_stream *stream,
			   void (*each)(void *context, struct rmt_span value),
			   void *context)
{
	struct walk walk = { each, context };

	if (stream->senders != NULL) {
		rmt_list_exact(stream->senders, walk_sender, &walk);
		rmt_list_patterns(stream->senders, walk_pattern, &walk);
	} else if (stream->sender_domains != NULL) {
		rmt_list_exact(stream->sender_domains, walk_domain, &walk);
		rmt_list_patterns(stream->sender_domains, walk_domain, &walk);
	} else {
		each(context, RMT_SPAN("*"));
	}
}

bool rmt_sender_map_takes(const struct rmt_stream *stream, struct rmt_span address)
{
	struct rmt_span local, domain = RMT_SPAN("");

	rmt_span_split_last(address, '@', &local, &domain);
	if (stream->senders != NULL)
		return rmt_list_has(stream->senders, address);
	return stream->sender_domains == NULL ||
	       rmt_list_has(stream->sender_domains, domain);
}

static struct rmt_span as_stored(struct rmt_span address)
{
	return rmt_span_eq(address, RMT_SPAN("<>")) ? rmt_span("", 0) : address;
}

static bool is_taken_earlier(const struct writer *w, struct rmt_span address)
{
	unsigned i;

	for (i = 0; i < w->stream->index; i++) {
		const struct rmt_stream *earlier = w->config->streams->pdata[i];

		if (rmt_sender_map_covers(earlier) &&
		    rmt_sender_map_takes(earlier, as_stored(address)))
			return true;
	}
	return false;
}

static bool fits_texthash(struct rmt_span key)
{
	size_t i;

	for (i = 0; i < key.len; i++)
		if ((unsigned char)key.p[i] <= ' ' || key.p[i] == '"')
			return false;
	return key.len > 0 && key.p[0] != '#';
}

static void add_exact(struct writer *w, struct rmt_span address)
{
	if (is_taken_earlier(w, address))
		return;
	if (!fits_texthash(address)) {
		w->left_out++;
		return;
	}
	g_string_append_printf(w->map->exact, "%.*s\t%s\n", RMT_SPAN_ARGS(address),
			       w->target);
}

/* A value with '*' as a POSIX regular expression, as regexp_table(5) wants it. */
static void add_pattern(struct writer *w, struct rmt_span glob)
{
	GString *out = w->map->patterns;
	size_t i;

	g_string_append(out, "/^");
	for (i = 0; i < glob.len; i++) {
		if (glob.p[i] == '*')
			g_string_append_c(out, '.');
		else if (strchr("\\/.^$|()[]{}?+", glob.p[i]) != NULL)
			g_string_append_c(out, '\\');
		g_string_append_c(out, glob.p[i]);
	}
	g_string_append_printf(out, "$/\t%s\n", w->target);
}

static void take_value(void *context, struct rmt_span value)
{
	if (memchr(value.p, '*', value.len) != NULL)
		add_pattern(context, value);
	else
		add_exact(context, value);
}

static bool has_mapped_egress(const struct rmt_stream *stream)
{
	return stream->egress != NULL && !stream->egress_by_filter;
}

static void note(struct writer *w, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void note(struct writer *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(w->map->notes, g_strdup_vprintf(format, args));
	va_end(args);
}

static void note_not_covered(struct writer *w, const struct rmt_stream *stream)
{
	if (stream->egress == NULL)
		return;
	note(w,
	     "stream '%s': its conditions are not by sender alone, and "
	     "sender_dependent_default_transport_maps knows only the sender: its mail "
	     "leaves by the egress of its sender's address, not by '%s'%s",
	     stream->name, stream->egress->name,
	     stream->egress_by_filter ? " (unless FILTER says so, as configured)" : "");
}

static void note_filter(struct writer *w, const struct rmt_stream *stream)
{
	if (stream->egress_by_filter)
		note(w,
		     "stream '%s': FILTER chooses its egress at DATA: for the whole "
		     "message, local recipients too, past relayhost and transport_maps",
		     stream->name);
}

/* The last stream takes all that is left: without an egress, no line is the same. */
static bool says_nothing(const struct rmt_stream *stream)
{
	return stream->senders == NULL && stream->sender_domains == NULL &&
	       !has_mapped_egress(stream);
}

static void write_stream(struct writer *w, const struct rmt_stream *stream)
{
	if (says_nothing(stream))
		return;
	w->stream = stream;
	w->target = has_mapped_egress(stream) ? rmt_egress_transport(stream->egress)
					      : g_strdup("DUNNO");
	w->left_out = 0;
	rmt_sender_map_values(stream, take_value, w);
	if (w->left_out > 0)
		note(w,
		     "stream '%s': %u senders with blanks or quotes have no place in the "
		     "table; their mail leaves as before",
		     stream->name, w->left_out);
	g_clear_pointer(&w->target, g_free);
}

struct rmt_sender_map *rmt_sender_map_new(const struct rmt_config *config)
{
	struct rmt_sender_map *map = g_new0(struct rmt_sender_map, 1);
	struct writer w = { config, map, NULL, NULL, 0 };
	guint i;

	map->exact = g_string_new(HEAD);
	map->patterns = g_string_new(HEAD);
	map->notes = g_ptr_array_new_with_free_func(g_free);
	for (i = 0; i < config->streams->len; i++) {
		const struct rmt_stream *stream = g_ptr_array_index(config->streams, i);

		note_filter(&w, stream);
		if (!rmt_sender_map_covers(stream)) {
			note_not_covered(&w, stream);
			continue;
		}
		map->is_needed |= has_mapped_egress(stream);
		write_stream(&w, stream);
	}
	return map;
}

void rmt_sender_map_free(struct rmt_sender_map *map)
{
	if (map == NULL)
		return;
	g_string_free(map->exact, TRUE);
	g_string_free(map->patterns, TRUE);
	g_ptr_array_unref(map->notes);
	g_free(map);
}
