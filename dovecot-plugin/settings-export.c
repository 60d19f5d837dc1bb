/* SPDX-License-Identifier: MIT */
/* What Dovecot 2.4 looks for in libremite_settings.so, and in nothing else of ours. */
#include "dovecot-plugin/settings-module.h"

#if RMT_DOVECOT_24
#include "settings-parser.h"

extern const struct setting_parser_info *remite_settings_set_infos[];
extern const char *remite_settings_version;
RMT_EXPORT const struct setting_parser_info *remite_settings_set_infos[] = {
	&remite_setting_parser_info, NULL
};
RMT_EXPORT const char *remite_settings_version = DOVECOT_ABI_VERSION;
#endif
