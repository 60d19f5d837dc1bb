/* SPDX-License-Identifier: MIT */
#include "dovecot-plugin/agent/leave_pace.h"

#include <glib.h>

enum { HOSTS_MAX = 10000 };

/* Of the minute that is counted; forgotten with it. */
static GMutex lock;
static GHashTable *counts;
static int64_t minute;

static void begin_minute(int64_t now)
{
	if (counts != NULL && minute == now / 60 && g_hash_table_size(counts) < HOSTS_MAX)
		return;
	g_clear_pointer(&counts, g_hash_table_unref);
	counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	minute = now / 60;
}

bool rmt_leave_pace(const char *host, unsigned per_minute, int64_t now)
{
	unsigned count;

	g_mutex_lock(&lock);
	begin_minute(now);
	count = GPOINTER_TO_UINT(g_hash_table_lookup(counts, host));
	if (count < per_minute)
		g_hash_table_insert(counts, g_strdup(host), GUINT_TO_POINTER(count + 1));
	g_mutex_unlock(&lock);
	return count < per_minute;
}
