/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/http/page.h"

#include <string.h>

/* Its hash stands in the policy below: test_page.c compares them. */
static const char style[] =
	"body{margin:0;background:#f4f5f7;color:#1b1f24;"
	"font:1.125rem/1.5 system-ui,sans-serif}"
	"main{max-width:34rem;margin:4rem auto;padding:2rem;background:#fff;"
	"border:1px solid #d0d5dc;border-radius:.5rem;overflow-wrap:anywhere}"
	".logo{margin:0 0 1.5rem;font-weight:600;color:#57606a}"
	"h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.3}"
	"dl{margin:1rem 0}dt{font-weight:600}dd{margin:0 0 .5rem}"
	"form{margin:1.5rem 0 0;display:flex;flex-wrap:wrap;gap:.75rem}"
	"button{font:inherit;padding:.75rem 1.5rem;border:2px solid #0b57d0;"
	"border-radius:.375rem;background:#0b57d0;color:#fff;cursor:pointer}"
	"button.second{background:#fff;color:#0b57d0}"
	"button:focus-visible{outline:3px solid #1b1f24;outline-offset:2px}"
	"@media(max-width:38rem){main{margin:0;min-height:100vh;box-sizing:border-box;"
	"border:0;border-radius:0;padding:1.5rem}button{width:100%}}"
	"@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}"
	"main{background:#161b22;border-color:#30363d}.logo{color:#9198a1}"
	"button{background:#4c8df6;border-color:#4c8df6;color:#0d1117}"
	"button.second{background:#161b22;color:#79aefc}"
	"button:focus-visible{outline-color:#e6edf3}}";

const char *const *rmt_page_headers(void)
{
	static const char *const headers[] = {
		"Content-Security-Policy",
		"default-src 'none'; "
		"style-src 'sha256-Rsmii/Z7/M9A8RW7Np6qW/rcAzj+TawMqWLLT9aTV2M='; "
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"X-Frame-Options",
		"DENY",
		"X-Content-Type-Options",
		"nosniff",
		"Referrer-Policy",
		"no-referrer",
		"Cache-Control",
		"no-store",
		"X-Robots-Tag",
		"noindex, nofollow",
		NULL,
	};

	return headers;
}

/* --- words ------------------------------------------------------------------------ */

struct words {
	const char *head, *text; /* "{}" stands for the stream's title */
};

static const struct words words[RMT_LANGUAGES][RMT_PAGE_KINDS] = {
	[RMT_ENGLISH] = {
		[RMT_PAGE_ASK] = { "Unsubscribe from {}?",
				   "Press the button, and this address will get no more "
				   "mail from {}." },
		[RMT_PAGE_DONE] = { "You are unsubscribed from {}",
				    "It will not be sent to this address any more. Messages "
				    "that are on their way may still arrive." },
		[RMT_PAGE_UNDONE] = { "You are subscribed to {} again",
				      "It is as it was before." },
		[RMT_PAGE_LATE] = { "Too late to take it back here",
				    "You are still unsubscribed from {}. To get it again, "
				    "subscribe as you did before." },
		[RMT_PAGE_RECEIPT_ASK] = { "Send a read receipt?",
					   "The sender asks to be told that you have read "
					   "the message. Nothing has been sent." },
		[RMT_PAGE_RECEIPT_SENT] = { "The receipt is sent",
					    "The sender is told that you have read the "
					    "message." },
		[RMT_PAGE_RECEIPT_NOT] = { "No receipt is sent",
					   "The sender is told nothing." },
		[RMT_PAGE_RECEIPT_OVER] = { "This was answered already",
					    "The question has been answered, or its time "
					    "is over. Nothing was changed now." },
		[RMT_PAGE_INVALID] = { "This link is not valid",
				       "It may have been cut on its way. Open it from the "
				       "message itself." },
		[RMT_PAGE_REFUSED] = { "This request was not understood",
				       "Nothing was changed. Open the link from the "
				       "message itself." },
		[RMT_PAGE_TOO_MANY] = { "Too many requests",
					"Nothing was changed. Please try again in a "
					"minute." },
		[RMT_PAGE_TROUBLE] = { "That did not work",
				       "Nothing was changed. The fault is ours: please try "
				       "again later." },
	},
	[RMT_SPANISH] = {
		[RMT_PAGE_ASK] = { "¿Darse de baja de {}?",
				   "Pulse el botón y esta dirección no recibirá más "
				   "correo de {}." },
		[RMT_PAGE_DONE] = { "Se ha dado de baja de {}",
				    "Ya no se enviará a esta dirección. Los mensajes "
				    "que ya están en camino aún pueden llegar." },
		[RMT_PAGE_UNDONE] = { "Vuelve a estar suscrito a {}",
				      "Todo está como antes." },
		[RMT_PAGE_LATE] = { "Ya no se puede deshacer aquí",
				    "Sigue dado de baja de {}. Para recibirlo de nuevo, "
				    "suscríbase como la primera vez." },
		[RMT_PAGE_RECEIPT_ASK] = { "¿Enviar un acuse de lectura?",
					   "El remitente pide que se le avise de que usted "
					   "ha leído el mensaje. No se ha enviado nada." },
		[RMT_PAGE_RECEIPT_SENT] = { "El acuse se envía",
					    "Se avisa al remitente de que usted ha leído "
					    "el mensaje." },
		[RMT_PAGE_RECEIPT_NOT] = { "No se envía ningún acuse",
					   "No se dice nada al remitente." },
		[RMT_PAGE_RECEIPT_OVER] = { "Esto ya está contestado",
					    "La pregunta ya se contestó o su plazo ha "
					    "pasado. Ahora no se ha cambiado nada." },
		[RMT_PAGE_INVALID] = { "Este enlace no es válido",
				       "Puede que se haya cortado por el camino. Ábralo "
				       "desde el propio mensaje." },
		[RMT_PAGE_REFUSED] = { "No se ha entendido la petición",
				       "No se ha cambiado nada. Abra el enlace desde el "
				       "propio mensaje." },
		[RMT_PAGE_TOO_MANY] = { "Demasiadas peticiones",
					"No se ha cambiado nada. Inténtelo de nuevo dentro "
					"de un minuto." },
		[RMT_PAGE_TROUBLE] = { "No ha funcionado",
				       "No se ha cambiado nada. El fallo es nuestro: "
				       "inténtelo más tarde." },
	},
};

static const struct labels {
	const char *tag, *unsubscribe, *undo, *send, *refuse, *always, *never, *from,
		*subject, *this_list;
} labels[RMT_LANGUAGES] = {
	[RMT_ENGLISH] = { "en", "Unsubscribe", "Subscribe again: it was a mistake",
			  "Send the receipt", "Do not send it",
			  "Always send to this sender", "Never send to this sender",
			  "Asked by", "Message", "this list" },
	[RMT_SPANISH] = { "es", "Darse de baja", "Suscribirse de nuevo: fue un error",
			  "Enviar el acuse", "No enviarlo",
			  "Enviar siempre a este remitente",
			  "No enviar nunca a este remitente", "Lo pide", "Mensaje",
			  "esta lista" },
};

/* --- languages -------------------------------------------------------------------- */

const char *rmt_language_tag(enum rmt_language language)
{
	return labels[language].tag;
}

/* "es-ES;q=0.8": thousandths; 1000 where it says none. */
static int quality_of(struct rmt_span range)
{
	struct rmt_span tag, parameter;
	char text[8] = "";
	double q;

	if (!rmt_span_split(range, ';', &tag, &parameter))
		return 1000;
	parameter = rmt_span_trim(parameter);
	if (parameter.len < 3 || parameter.len >= sizeof(text) + 2 ||
	    g_ascii_tolower(parameter.p[0]) != 'q' || parameter.p[1] != '=')
		return 0;
	memcpy(text, parameter.p + 2, MIN(parameter.len - 2, sizeof(text) - 1));
	q = g_ascii_strtod(text, NULL);
	return q >= 0 && q <= 1 ? (int)(q * 1000) : 0;
}

static int find_language(struct rmt_span range)
{
	struct rmt_span tag = range, rest;
	int i;

	rmt_span_split(range, ';', &tag, &rest);
	tag = rmt_span_trim(tag);
	rmt_span_split(tag, '-', &tag, &rest);
	for (i = 0; i < RMT_LANGUAGES; i++)
		if (rmt_span_eq_nocase(tag, rmt_span_of(labels[i].tag)))
			return i;
	return -1;
}

enum rmt_language rmt_language_of(struct rmt_span accept_language)
{
	enum rmt_language best = RMT_ENGLISH;
	struct rmt_span rest = accept_language, range;
	int best_quality = 0, language, quality;
	unsigned ranges;

	for (ranges = 0; ranges < 32 && rest.len > 0; ranges++) {
		if (!rmt_span_split(rest, ',', &range, &rest)) {
			range = rest;
			rest.len = 0;
		}
		language = find_language(range);
		quality = quality_of(range);
		if (language >= 0 && quality > best_quality) {
			best = (enum rmt_language)language;
			best_quality = quality;
		}
	}
	return best;
}

/* --- writing ---------------------------------------------------------------------- */

static void append_escaped(GString *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			g_string_append(out, "&amp;");
			break;
		case '<':
			g_string_append(out, "&lt;");
			break;
		case '>':
			g_string_append(out, "&gt;");
			break;
		case '"':
			g_string_append(out, "&quot;");
			break;
		case '\'':
			g_string_append(out, "&#39;");
			break;
		default:
			g_string_append_c(out, *text);
		}
	}
}

/* "{}" stands for the title. */
static void append_text(GString *out, const char *text, const char *title)
{
	const char *at;

	while ((at = strstr(text, "{}")) != NULL) {
		g_string_append_len(out, text, at - text);
		append_escaped(out, title);
		text = at + 2;
	}
	g_string_append(out, text);
}

static void append_button(GString *out, const char *label, const char *class,
			  const char *name, const char *value)
{
	g_string_append_printf(out, "<button type=\"submit\"%s", class);
	if (name != NULL)
		g_string_append_printf(out, " name=\"%s\" value=\"%s\"", name, value);
	g_string_append_printf(out, ">%s</button>\n", label);
}

/* A form without an address goes where the page came from, whatever a proxy calls it. */
static void begin_form(GString *out)
{
	g_string_append(out, "<form method=\"post\">\n"
			     "<input type=\"hidden\" name=\"page\" value=\"1\">\n");
}

static void append_forms(GString *out, const struct rmt_page *page,
			 const struct labels *label)
{
	static const char second[] = " class=\"second\"";

	begin_form(out);
	switch (page->kind) {
	case RMT_PAGE_ASK:
		append_button(out, label->unsubscribe, "", "List-Unsubscribe",
			      "One-Click");
		break;
	case RMT_PAGE_DONE:
		append_button(out, label->undo, second, "undo", page->undo);
		break;
	default:
		append_button(out, label->send, "", "choice", "approve");
		append_button(out, label->refuse, second, "choice", "deny");
		append_button(out, label->always, second, "choice", "always");
		append_button(out, label->never, second, "choice", "never");
	}
	g_string_append(out, "</form>\n");
}

static void append_term(GString *out, const char *label, const char *text)
{
	g_string_append_printf(out, "<dt>%s</dt><dd>", label);
	append_escaped(out, text);
	g_string_append(out, "</dd>");
}

static void append_message(GString *out, const struct rmt_page *page,
			   const struct labels *label)
{
	g_string_append(out, "<dl>");
	if (page->target != NULL)
		append_term(out, label->from, page->target);
	if (page->subject != NULL)
		append_term(out, label->subject, page->subject);
	g_string_append(out, "</dl>\n");
}

static bool has_form(const struct rmt_page *page)
{
	return page->kind == RMT_PAGE_ASK || page->kind == RMT_PAGE_RECEIPT_ASK ||
	       (page->kind == RMT_PAGE_DONE && page->undo != NULL);
}

static void append_main(GString *out, const struct rmt_page *page, const char *title,
			const struct words *said, const struct labels *label)
{
	g_string_append(out, "<body>\n<main>\n");
	if (page->logo != NULL) {
		g_string_append(out, "<p class=\"logo\">");
		append_escaped(out, page->logo);
		g_string_append(out, "</p>\n");
	}
	g_string_append(out, "<h1>");
	append_text(out, said->head, title);
	g_string_append(out, "</h1>\n<p>");
	append_text(out, said->text, title);
	g_string_append(out, "</p>\n");
	if (page->target != NULL || page->subject != NULL)
		append_message(out, page, label);
	if (has_form(page))
		append_forms(out, page, label);
	g_string_append(out, "</main>\n</body>\n</html>\n");
}

void rmt_page_write(const struct rmt_page *page, enum rmt_language language, GString *out)
{
	const struct words *said = &words[language][page->kind];
	const struct labels *label = &labels[language];
	const char *title = page->title != NULL ? page->title : label->this_list;

	g_string_append_printf(
		out,
		"<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n"
		"<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, "
		"initial-scale=1\">\n"
		"<meta name=\"robots\" content=\"noindex, nofollow\">\n<title>",
		label->tag);
	append_text(out, said->head, title);
	g_string_append_printf(out, "</title>\n<style>%s</style>\n</head>\n", style);
	append_main(out, page, title, said, label);
}
