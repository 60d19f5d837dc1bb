/* SPDX-License-Identifier: MIT */
#include "postfix-policy/milter/place.h"

const char *rmt_place_name(enum rmt_place place)
{
	static const char *const names[] = { "before", "after", "inbound" };

	return names[place];
}

const char *rmt_place_socket(const struct rmt_milter_config *config, enum rmt_place place)
{
	switch (place) {
	case RMT_PLACE_BEFORE:
		return config->before;
	case RMT_PLACE_AFTER:
		return config->after;
	case RMT_PLACE_INBOUND:
		return config->inbound;
	default:
		return NULL;
	}
}
