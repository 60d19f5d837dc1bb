/* SPDX-License-Identifier: MIT */
/* dkim_second.h - what a second verifier is asked, and what it answers. */
#ifndef RMT_DKIM_SECOND_H
#define RMT_DKIM_SECOND_H

#include "common/auth/dkim.h"

enum rmt_dkim_opinion {
	RMT_DKIM_YES,
	RMT_DKIM_NO,
	RMT_DKIM_NO_OPINION, /* it cannot look at this one */
};

/* One signature of one message. Everything is foreign. */
struct rmt_dkim_case {
	const struct rmt_span *fields; /* without line ends */
	size_t field_count;
	size_t signature; /* which of them is judged */
	struct rmt_span body, record;
};

struct rmt_dkim_second {
	enum rmt_dkim_opinion (*ask)(struct rmt_dkim_second *second,
				     const struct rmt_dkim_case *which);
};

#endif
