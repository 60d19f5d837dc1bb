/* SPDX-License-Identifier: MIT */
/* severity.h - how much a finding matters: three steps, the same in all commands. */
#ifndef RMT_SEVERITY_H
#define RMT_SEVERITY_H

enum rmt_severity {
	RMT_SEVERITY_NOTE,    /* to know; nothing is wrong */
	RMT_SEVERITY_WARNING, /* counts wrong, or will some day hurt */
	RMT_SEVERITY_ERROR,   /* mail is not counted, does not go on, or is refused */
};

const char *rmt_severity_name(enum rmt_severity severity); /* "note", ... */

#endif
