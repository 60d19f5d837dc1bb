/* SPDX-License-Identifier: MIT */
/* dns.c - the command line as a host of evaluators. */
#include <stdlib.h>
#include <string.h>

#include "common/auth/resolver.h"
#include "common/cli/cli.h"
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

static bool take_value(struct rmt_cli_dns *dns, const char *option, const char *value,
		       GError **err)
{
	if (strcmp(option, "--dns-file") == 0)
		return read_zone(dns, value, err);
	if (strcmp(option, "--timeout") == 0)
		return parse_timeout(value, &dns->timeout_ms, err);
	if (strcmp(option, "--dns-server") == 0)
		dns->server = value;
	else
		dns->trust_anchors = value;
	return true;
}

bool rmt_cli_dns_option(struct rmt_cli_dns *dns, int argc, char **argv, int *at,
			GError **err)
{
	static const char *const options[] = { "--dns-file", "--dns-server",
					       "--trust-anchors", "--timeout", NULL };
	const char *option = argv[*at];

	if (!g_strv_contains(options, option))
		return false;
	if (*at + 1 >= argc) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s needs a value",
			    option);
		return false;
	}
	++*at;
	return take_value(dns, option, argv[*at], err);
}

const struct rmt_config *rmt_cli_dns_config(struct rmt_cli_dns *dns, GError **err)
{
	if (dns->config == NULL && dns->cli != NULL)
		dns->config = rmt_cli_config(dns->cli);
	if (dns->config == NULL)
		g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
				    "the configuration cannot be used, and with it "
				    "dns.servers: mend it, or name another by -c");
	return dns->config;
}

/* What config says is not needed where options say all of it. */
static bool read_settings(struct rmt_cli_dns *dns, struct rmt_resolver_settings *settings,
			  const char **servers, GError **err)
{
	const struct rmt_config *config;

	if (servers[0] == NULL || dns->trust_anchors == NULL) {
		config = rmt_cli_dns_config(dns, err);
		if (config == NULL)
			return false;
		rmt_resolver_settings_from(settings, &config->dns);
	}
	if (servers[0] != NULL)
		settings->servers = servers;
	if (dns->trust_anchors != NULL)
		settings->trust_anchors = dns->trust_anchors;
	return true;
}

static bool start_resolver(struct rmt_cli_dns *dns, GError **err)
{
	const char *servers[] = { dns->server, NULL };
	struct rmt_resolver_settings settings = RMT_RESOLVER_SETTINGS_INIT;

	return dns->resolver != NULL ||
	       (read_settings(dns, &settings, servers, err) &&
		rmt_resolver_open(&dns->resolver, &settings, err));
}

bool rmt_cli_dns_validates(struct rmt_cli_dns *dns, bool *validates_r, GError **err)
{
	const struct rmt_config *config;

	*validates_r = dns->trust_anchors != NULL;
	if (dns->zone != NULL) {
		*validates_r = rmt_zone_has_secure(dns->zone);
		return true;
	}
	if (*validates_r)
		return true;
	config = rmt_cli_dns_config(dns, err);
	if (config != NULL)
		*validates_r = config->dns.trust_anchors != NULL;
	return config != NULL;
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
	if (dns->config != NULL)
		rmt_config_unref(dns->config);
	dns->config = NULL;
	rmt_psl_close(dns->psl);
	dns->psl = NULL;
}
