/* SPDX-License-Identifier: MIT */
/* dns.c - the command line as a host of evaluators. */
#include <stdlib.h>
#include <string.h>

#include "common/auth/resolver.h"
#include "common/cli/dns.h"

static bool parse_timeout(const char *value, int64_t *timeout_ms_r, GError **err)
{
	char *end;
	double seconds = g_ascii_strtod(value, &end);

	if (end == value || *end != '\0' || !(seconds > 0) || seconds > 3600) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "--timeout: '%s' is not a number of seconds up to 3600",
			    value);
		return false;
	}
	*timeout_ms_r = (int64_t)(seconds * 1000) + 1;
	return true;
}

static bool read_zone(struct rmt_cli_dns *dns, const char *file, GError **err)
{
	if (dns->zone == NULL)
		dns->zone = rmt_zone_new();
	return rmt_zone_add_file(dns->zone, file, err);
}

bool rmt_cli_dns_option(struct rmt_cli_dns *dns, int argc, char **argv, int *at,
			GError **err)
{
	const char *option = argv[*at];

	if (strcmp(option, "--dns-file") != 0 && strcmp(option, "--dns-server") != 0 &&
	    strcmp(option, "--timeout") != 0)
		return false;
	if (*at + 1 >= argc) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s needs a value",
			    option);
		return false;
	}
	++*at;
	if (strcmp(option, "--dns-file") == 0)
		return read_zone(dns, argv[*at], err);
	if (strcmp(option, "--timeout") == 0)
		return parse_timeout(argv[*at], &dns->timeout_ms, err);
	dns->server = argv[*at];
	return true;
}

static bool start_resolver(struct rmt_cli_dns *dns, GError **err)
{
	const char *servers[] = { dns->server, NULL };
	struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;

	if (dns->config != NULL)
		rmt_resolver_settings_from(&settings, dns->config);
	if (servers[0] != NULL)
		settings.servers = servers;
	return dns->resolver != NULL || rmt_resolver_open(&dns->resolver, &settings, err);
}

bool rmt_cli_dns_run_all(struct rmt_cli_dns *dns, struct rmt_zone *zone,
			 struct rmt_asker *const *askers, size_t count, GError **err)
{
	bool any_waits = false;
	size_t i;

	if (zone == NULL)
		zone = dns->zone;
	for (i = 0; i < count; i++) {
		if (zone != NULL)
			rmt_zone_run(zone, askers[i]);
		any_waits = any_waits || askers[i]->waits;
	}
	if (!any_waits)
		return true;
	if (!start_resolver(dns, err))
		return false;
	rmt_resolver_run(dns->resolver, askers, count, dns->timeout_ms);
	return true;
}

bool rmt_cli_dns_run(struct rmt_cli_dns *dns, struct rmt_zone *zone,
		     struct rmt_asker *asker, GError **err)
{
	return rmt_cli_dns_run_all(dns, zone, &asker, 1, err);
}

const struct rmt_psl *rmt_cli_psl(struct rmt_cli_dns *dns)
{
	if (dns->psl == NULL)
		dns->psl = rmt_psl_open();
	return dns->psl;
}

void rmt_cli_dns_finish(struct rmt_cli_dns *dns)
{
	rmt_zone_free(dns->zone);
	dns->zone = NULL;
	rmt_resolver_close(&dns->resolver);
	rmt_psl_close(dns->psl);
	dns->psl = NULL;
}
