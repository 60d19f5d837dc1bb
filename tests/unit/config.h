/* SPDX-License-Identifier: MIT */
/* config.h - a configuration for a test, from its text. Behind cmocka.h. */
#ifndef RMT_TEST_CONFIG_H
#define RMT_TEST_CONFIG_H

#include "common/config/config.h"

/* Without complaints; own. */
static inline struct rmt_config *test_config(const char *text)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read_text("t.conf", text, &complaints);

	if (complaints->len > 0)
		fail_msg("%s", (const char *)complaints->pdata[0]);
	assert_non_null(config);
	return config;
}

#endif
