/* SPDX-License-Identifier: MIT */
/* post.h - the POST of RFC 8058, by libcurl, with nothing of the user in it.
 *
 * One request on a connection of its own, to an address that was looked up before and
 * is judged again at the socket: no redirects, cookies, proxy, passwords, client
 * certificate, resumed TLS session, referrer. What comes back counts by its status
 * alone; of the rest little is read and nothing kept or unpacked.
 *
 * Blocks, for at most timeout_ms. For a process that has nothing to lose
 * (docs/unsubscribe.md).
 */
#ifndef RMT_POST_H
#define RMT_POST_H

#include "common/unsubscribe/address_filter.h"
#include "common/unsubscribe/target.h"

enum rmt_post_outcome {
	RMT_POST_DONE,      /* 2xx */
	RMT_POST_FORM,      /* 400, 415, 422: perhaps the form of the body */
	RMT_POST_REDIRECT,  /* 3xx: RFC 8058, 3.1 forbids it; nothing was followed */
	RMT_POST_REFUSED,   /* another 4xx */
	RMT_POST_LATER,     /* 5xx, 408, 425, 429: may be better later */
	RMT_POST_FORBIDDEN, /* its address may not be connected to */
	RMT_POST_TLS,       /* no certificate for this name, or no TLS at all */
	RMT_POST_CONNECT,   /* nobody there; nothing was sent */
	RMT_POST_TIMEOUT,   /* in time there was no status: it may have been taken */
	RMT_POST_BROKEN,    /* something that is no answer, or too long a header */
	RMT_POST_COUNT,
};
const char *rmt_post_word(enum rmt_post_outcome outcome); /* "redirect", stable */

/* May be tried again, later. */
bool rmt_post_is_open(enum rmt_post_outcome outcome);

enum rmt_post_form {
	RMT_POST_MULTIPART,  /* RFC 8058, 3.2: SHOULD */
	RMT_POST_URLENCODED, /* MAY */
};

struct rmt_post_settings {
	const struct rmt_address_filter *filter; /* foreign */
	const char *ca_file; /* foreign; certificates that are trusted; NULL: system's */
	long timeout_ms, connect_timeout_ms;
	size_t octets_max; /* of header, and of body, that are read */
};
#define RMT_POST_SETTINGS_INIT                                                           \
	{                                                                                \
		.timeout_ms = 20000, .connect_timeout_ms = 10000,                        \
		.octets_max = 64 * 1024                                                  \
	}

struct rmt_post_result {
	enum rmt_post_outcome outcome;
	long status;      /* of HTTP; 0: none */
	char text[256];   /* libcurl's words on a failure, or ""; raw */
	char address[64]; /* connected to, or refused; "" */
};

/* Once per process, before threads. */
bool rmt_post_init(void);

/* addresses: what target.host resolved to, at least one; all are judged before
 * anything else, and each again when its socket is made. */
void rmt_post(const struct rmt_post_settings *settings, const struct rmt_target *target,
	      const struct rmt_ip *addresses, size_t address_count,
	      enum rmt_post_form form, struct rmt_post_result *result_r);

#endif
