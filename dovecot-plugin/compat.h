/* SPDX-License-Identifier: MIT */
/* compat.h - where Dovecot 2.3 and 2.4 differ. Beside settings.c and
 * settings-module.c the only file that asks for the version.
 *
 * Comes first: Dovecot's lib.h must precede every other header.
 */
#ifndef RMT_COMPAT_H
#define RMT_COMPAT_H

#include "lib.h" /* Dovecot's */

#define RMT_DOVECOT_24 DOVECOT_PREREQ(2, 4, 0)

/* What Dovecot looks up by name; all else is hidden. */
#define RMT_EXPORT __attribute__((visibility("default")))

/* The service's settings, read at its start: 0, or -1 and a sentence. */
#if RMT_DOVECOT_24
#define rmt_read_service_settings(service, error_r)                                      \
	master_service_settings_read_simple(service, error_r)
#else
#define rmt_read_service_settings(service, error_r)                                      \
	master_service_settings_read_simple(service, NULL, error_r)
#endif

/* An HTTP server with Dovecot's own limits: 0, or -1 and a sentence. For files
 * that include http-server.h and master-service.h. */
#if RMT_DOVECOT_24
#define rmt_http_server_init(service, server_r, error_r)                                 \
	http_server_init_auto(master_service_get_event(service), server_r, error_r)
#else
#define rmt_http_server_init(service, server_r, error_r)                                 \
	((void)(error_r),                                                                \
	 *(server_r) = http_server_init(&(const struct http_server_settings){            \
		 .max_client_idle_time_msecs = 60 * 1000,                                \
		 .max_pipelined_requests = 1,                                            \
		 .request_limits = { .max_payload_size = 64 * 1024 } }),                 \
	 0)
#endif

/* doveadm's commands on mail: the head of their init function; and what a command
 * needs that has options of its own. For files that include doveadm-mail.h. */
#if RMT_DOVECOT_24
#define RMT_MAIL_CMD_INIT(name, ctx)                                                     \
	static void name(struct doveadm_mail_cmd_context *ctx)
#define rmt_mail_cmd_own_options(ctx) ((void)(ctx))
#else
#define RMT_MAIL_CMD_INIT(name, ctx)                                                     \
	static bool rmt_mail_cmd_any_option(                                             \
		struct doveadm_mail_cmd_context *any ATTR_UNUSED, int c ATTR_UNUSED)     \
	{                                                                                \
		return TRUE; /* init asks for them by name */                            \
	}                                                                                \
	static void name(struct doveadm_mail_cmd_context *ctx,                           \
			 const char *const args[] ATTR_UNUSED)
#define rmt_mail_cmd_own_options(ctx) ((ctx)->v.parse_arg = rmt_mail_cmd_any_option)
#endif

/* Who really logged in, where that is somebody else: a master user; or NULL. For
 * files that include mail-user.h. */
#if RMT_DOVECOT_24
#define rmt_login_user(user)                                                             \
	((user)->master_user != NULL ? (user)->master_user : (user)->auth_user)
#else
#define rmt_login_user(user) ((user)->auth_user)
#endif

/* RCPT TO of the delivery that the user was made for, or NULL. */
#define rmt_envelope_recipient(user)                                                     \
	event_find_field_recursive_str((user)->event, "rcpt_to")

#endif
