/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/settings-module.h"

#if RMT_DOVECOT_24
#include "settings-parser.h"

static const struct setting_define defines[] = {
#define RMT_SETTING(name, value) SETTING_DEFINE_STRUCT_STR(#name, name, struct rmt_texts),
#include "dovecot-plugin/settings-table.h"
#undef RMT_SETTING
	SETTING_DEFINE_LIST_END,
};

static const struct rmt_texts defaults = {
#define RMT_SETTING(name, value) .name = value,
#include "dovecot-plugin/settings-table.h"
#undef RMT_SETTING
};

const struct setting_parser_info remite_setting_parser_info = {
	.name = "remite",
	.defines = defines,
	.defaults = &defaults,
	.struct_size = sizeof(struct rmt_texts),
	.pool_offset1 = 1 + offsetof(struct rmt_texts, pool),
};
#endif
