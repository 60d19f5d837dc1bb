/* SPDX-License-Identifier: MIT */
/* settings-module.h - the settings as Dovecot 2.4 wants them told: the same table
 * in the mail plugin and in modules/settings, which every process reads. */
#ifndef RMT_SETTINGS_MODULE_H
#define RMT_SETTINGS_MODULE_H

#include "dovecot-plugin/compat.h"

/* Every setting as it is written. 2.3 fills in the same struct. */
struct rmt_texts {
	pool_t pool;
#define RMT_SETTING(name, value) const char *name;
#include "dovecot-plugin/settings-table.h"
#undef RMT_SETTING
};

#if RMT_DOVECOT_24
extern const struct setting_parser_info remite_setting_parser_info;
#endif

#endif
