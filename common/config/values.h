/* SPDX-License-Identifier: MIT */
/* values.h - values by themselves, inside the configuration reader. What others
 * need as well is in config.h. Every sentence quotes the value and says what to
 * write. */
#ifndef RMT_CONFIG_VALUES_H
#define RMT_CONFIG_VALUES_H

#include "common/config/config.h"

/* A number with an optional k, M or G, each `kilo` times the one
 * before (0: digits alone). */
bool rmt_parse_number(struct rmt_span text, uint64_t kilo, uint64_t *n_r);

/* "sender_domain+recipient_domain" -> bits of enum rmt_per. */
bool rmt_parse_per(struct rmt_span text, unsigned *per_r, GError **err);

/* One value of a limit's key as the counters know it. per: a single bit. */
bool rmt_key_part(unsigned per, struct rmt_span value, const struct rmt_fold *fold,
		  GString *out, GError **err);

/* The whole key of a limit: its parts joined by '+', each folded. */
bool rmt_key_value(unsigned per, struct rmt_span value, const struct rmt_fold *fold,
		   GString *out, GError **err);

/* As RMT_VERP_ID_MAX, which is the token's business. */
enum { RMT_RETURN_PATH_ID_MAX = 16 };

/* Checks for single strings. */
typedef bool rmt_value_check(struct rmt_span text, GError **err);
rmt_value_check rmt_check_word, rmt_check_path, rmt_check_socket_path, rmt_check_listen,
	rmt_check_host_port, rmt_check_domain, rmt_check_ip, rmt_check_transport,
	rmt_check_stage, rmt_check_delimiter, rmt_check_account, rmt_check_header,
	rmt_check_requirement, rmt_check_dns_server, rmt_check_product, rmt_check_https,
	rmt_check_address, rmt_check_host;

/* Of links: section_links.c. */
rmt_value_check rmt_check_https_base, rmt_check_mailto, rmt_check_webhook,
	rmt_check_title, rmt_check_list_id;

/* section_feedback.c */
rmt_value_check rmt_check_return_path, rmt_check_return_path_id;

/* The text of a limit's answer: one line, printable, known placeholders. */
bool rmt_check_reply_text(struct rmt_span text, enum rmt_action action, GError **err);

#endif
