/* SPDX-License-Identifier: MIT */
/* version.h - which program this is, and what it was built with. */
#ifndef RMT_VERSION_H
#define RMT_VERSION_H

/* Two lines without an end of line: "remite 0.1.0", "built with gcc 12.2.0, ...". Own:
 * g_free. */
char *rmt_version_text(const char *program);

#endif
