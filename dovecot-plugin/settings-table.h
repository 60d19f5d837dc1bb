/* SPDX-License-Identifier: MIT */
/* The settings' names, once: RMT_SETTING(field, default). All are text for
 * Dovecot; settings.c reads it. */
RMT_SETTING(remite_receipts, "off")
RMT_SETTING(remite_displayed_evidence, "fetched")
RMT_SETTING(remite_agent_socket, "remite-agent")
RMT_SETTING(remite_addresses, "")
RMT_SETTING(remite_name, "")
RMT_SETTING(remite_groups, "")
RMT_SETTING(remite_language, "")
RMT_SETTING(remite_unsubscribe, "no")
RMT_SETTING(remite_trust_headers, "no")
RMT_SETTING(remite_feedback, "no")
RMT_SETTING(remite_drop_approve, "")
RMT_SETTING(remite_drop_deny, "")
RMT_SETTING(remite_drop_unsubscribe, "")
