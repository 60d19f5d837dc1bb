/* SPDX-License-Identifier: MIT */
/* bimi_svg.c - the profile SVG Tiny PS, read with GLib's parser, which knows neither
 * entities of one's own nor documents elsewhere. */
#include <string.h>

#include "common/base/failure.h"
#include "common/auth/bimi.h"

struct reading {
	unsigned depth;
	bool in_title, has_title, has_root;
};

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

static const char *attribute(const char **names, const char **values, const char *name)
{
	for (; *names != NULL; names++, values++)
		if (strcmp(*names, name) == 0)
			return *values;
	return NULL;
}

static bool is_square(const char *view_box)
{
	g_auto(GStrv) numbers = g_strsplit_set(view_box, " ,", -1);
	double size[4];
	size_t i, count = 0;

	for (i = 0; numbers[i] != NULL; i++) {
		char *end;

		if (*numbers[i] == '\0')
			continue;
		if (count == 4)
			return false;
		size[count] = g_ascii_strtod(numbers[i], &end);
		if (*end != '\0')
			return false;
		count++;
	}
	return count == 4 && size[2] > 0 && size[2] == size[3];
}

static bool check_root(const char *name, const char **names, const char **values,
		       GError **err)
{
	const char *version = attribute(names, values, "version");
	const char *profile = attribute(names, values, "baseProfile");
	const char *view_box = attribute(names, values, "viewBox");

	if (strcmp(name, "svg") != 0)
		return rmt_wrong(err, "the root is <%s>, not <svg>", name);
	if (g_strcmp0(version, "1.2") != 0)
		return rmt_wrong(err, "<svg> has no version=\"1.2\"");
	if (g_strcmp0(profile, "tiny-ps") != 0)
		return rmt_wrong(err, "<svg> has no baseProfile=\"tiny-ps\"");
	if (attribute(names, values, "x") != NULL ||
	    attribute(names, values, "y") != NULL)
		return rmt_wrong(err, "<svg> must have neither x nor y");
	if (view_box == NULL || !is_square(view_box))
		return rmt_wrong(err, "<svg> has no square viewBox, as in \"0 0 64 64\"");
	return true;
}

/* What only points into the document is no reference to elsewhere. */
static bool check_attributes(const char *element, const char **names, const char **values,
			     GError **err)
{
	for (; *names != NULL; names++, values++) {
		const bool is_link =
			strcmp(*names, "href") == 0 || strcmp(*names, "xlink:href") == 0;
		const char *url = strstr(*values, "url(");

		if (is_link && **values != '#')
			return rmt_wrong(err, "<%s> refers to '%.60s', outside the logo",
					 element, *values);
		if (url != NULL && url[4] != '#')
			return rmt_wrong(err, "<%s> refers to '%.60s', outside the logo",
					 element, url);
		if (g_ascii_strncasecmp(*names, "on", 2) == 0)
			return rmt_wrong(err, "<%s> has %s, which runs", element, *names);
	}
	return true;
}

static void start(GMarkupParseContext *context, const char *name, const char **names,
		  const char **values, gpointer data, GError **err)
{
	static const char *const forbidden[] = {
		"script",
		"animate",
		"animateColor",
		"animateMotion",
		"animateTransform",
		"set",
		"discard",
		"image",
		"video",
		"audio",
		"animation",
		"handler",
		"listener",
		"foreignObject",
		"prefetch",
		"a",
		"tbreak",
		"iframe",
		NULL,
	};
	struct reading *reading = data;

	(void)context;
	if (reading->depth++ == 0) {
		reading->has_root = true;
		if (!check_root(name, names, values, err))
			return;
	}
	if (is_one_of(name, forbidden))
		rmt_wrong(err, "<%s> is not allowed", name);
	else
		check_attributes(name, names, values, err);
	reading->in_title = reading->depth == 2 && strcmp(name, "title") == 0;
}

static void end(GMarkupParseContext *context, const char *name, gpointer data,
		GError **err)
{
	struct reading *reading = data;

	(void)context, (void)name, (void)err;
	reading->depth--;
	reading->in_title = false;
}

static void text(GMarkupParseContext *context, const char *octets, gsize len,
		 gpointer data, GError **err)
{
	struct reading *reading = data;

	(void)context, (void)err;
	if (reading->in_title && rmt_span_trim(rmt_span(octets, len)).len > 0)
		reading->has_title = true;
}

/* Comments and the XML declaration pass; a document type may hold entities. */
static void passthrough(GMarkupParseContext *context, const char *octets, gsize len,
			gpointer data, GError **err)
{
	(void)context, (void)data;
	if (rmt_span_starts(rmt_span(octets, len), RMT_SPAN("<!DOCTYPE")))
		rmt_wrong(err, "has a document type, which is not allowed");
}

bool rmt_bimi_svg_check(struct rmt_span svg, GError **err)
{
	static const GMarkupParser parser = { start, end, text, passthrough, NULL };
	struct reading reading = { 0 };
	GMarkupParseContext *context;
	GError *why = NULL;
	bool ok;

	if (svg.len > RMT_BIMI_SVG_MAX)
		return rmt_wrong(err, "has %zu octets, and 32 kB are allowed", svg.len);
	context = g_markup_parse_context_new(&parser, 0, &reading, NULL);
	ok = g_markup_parse_context_parse(context, svg.p, (gssize)svg.len, &why) &&
	     g_markup_parse_context_end_parse(context, &why);
	g_markup_parse_context_free(context);
	if (!ok) {
		g_propagate_error(err, why);
		return false;
	}
	if (!reading.has_title)
		return rmt_wrong(err, "<svg> has no <title> with text in it");
	return true;
}
