/* SPDX-License-Identifier: MIT */
/* authres.h - Authentication-Results (RFC 8601): write ours, find forged ones.
 *
 *	g_autoptr(GString) value = g_string_new(NULL);
 *	rmt_authres_begin(value, "mail.example.com");
 *	rmt_authres_method(value, "spf", "pass");
 *	rmt_authres_property(value, "smtp.mailfrom", sender_domain);
 *	rmt_authres_dkim(value, signature);
 *	rmt_authres_end(value);		// "; none" where there was no method
 *	add the field "Authentication-Results: <value>"
 *
 * Before that, what came in with our name is taken out:
 *
 *	removals = rmt_authres_removals(section, "mail.example.com");
 *	for (i = 0; i < removals->len; i++)
 *		smfi_chgheader(ctx, "Authentication-Results", g_array_index(...), NULL);
 */
#ifndef RMT_AUTHRES_H
#define RMT_AUTHRES_H

#include <glib.h>

#include "common/auth/dkim.h"
#include "common/base/span.h"

#define RMT_AUTHRES_FIELD "Authentication-Results"

/* --- writing: the value of the field, folded with CRLF and a tab ------------------ */

void rmt_authres_begin(GString *value, const char *authserv_id);
/* method and result: words of RFC 8601, 2.7, by the caller. */
void rmt_authres_method(GString *value, const char *method, const char *result);
/* reason=...; nothing for the empty word. Behind the method, before properties. */
void rmt_authres_reason(GString *value, const char *reason);
/* property: "header.d" and the like. Text from strangers is quoted where it is
 * no token; control characters become '?', what is over 255 octets is cut. */
void rmt_authres_property(GString *value, const char *property, struct rmt_span text);
/* dkim=... with header.d, header.i, header.s, header.a and header.b (RFC 6008). */
void rmt_authres_dkim(GString *value, const struct rmt_dkim_signature *signature);
void rmt_authres_end(GString *value);

/* --- reading: whose is it? -------------------------------------------------------- */

enum rmt_authres_owner {
	RMT_AUTHRES_FOREIGN,    /* another authserv-id: may stay (RFC 8601, 5) */
	RMT_AUTHRES_OURS,       /* claims to be ours */
	RMT_AUTHRES_UNREADABLE, /* some reader may take it for ours */
};

/* value: of the field, folding included. Ids are compared as domains: without
 * regard to case or a final dot, comments and quotes taken away. */
enum rmt_authres_owner rmt_authres_owner(struct rmt_span value, const char *authserv_id);

/* Instances of the field (from 1, as milters count) that are not foreign, the
 * last first: taken out in this order, no number shifts (CVE-2022-48521).
 * Elements are guint; own: g_array_unref. */
GArray *rmt_authres_removals(struct rmt_span section, const char *authserv_id);

#endif
