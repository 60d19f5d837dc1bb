/* SPDX-License-Identifier: MIT */
/* log.h - lines of all threads, said by the one that uses libdovecot. */
#ifndef RMT_AGENT_LOG_H
#define RMT_AGENT_LOG_H

/* In the main thread, before there are others. */
void rmt_agent_log_init(void);
/* Says what other threads left. */
void rmt_agent_log_flush(void);

#endif
