/* SPDX-License-Identifier: MIT */
/* Any text is a configuration or has complaints; a dump reads as what it came
 * from. Values that name files are skipped: the reader would open them. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "common/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets a string that the end of the text cuts off. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static struct rmt_config *read_text(const char *text)
{
	g_autoptr(GPtrArray) complaints = NULL;
	struct rmt_config *config = rmt_config_read_text("fuzz", text, &complaints);

	g_assert(config != NULL || complaints->len > 0);
	return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(rmt_config) config = NULL;
	g_autoptr(rmt_config) again = NULL;

	if (strstr(text, "file:") != NULL || strchr(text, '\\') != NULL)
		return 0;
	config = read_text(text);
	if (config == NULL)
		return 0;
	again = read_text(config->dump);
	g_assert(again != NULL && strcmp(config->dump, again->dump) == 0);
	g_assert(again->streams->len == config->streams->len);
	return 0;
}
