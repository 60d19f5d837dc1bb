/* SPDX-License-Identifier: MIT */
/* Read receipts: the policy with its units, and whose addresses are whose. */
#include "common/config/error.h"
#include "common/config/reader.h"

enum {
	/* Google Workspace: "up to 100 addresses", each of 256 characters. */
	GOOGLE_ADDRESSES_MAX = 100,
	GOOGLE_CHARACTERS_MAX = 256,
};

/* --- the life of it ---------------------------------------------------------------- */

static void unit_free(void *data)
{
	struct rmt_receipt_unit *unit = data;

	rmt_list_free(unit->users);
	rmt_list_free(unit->groups);
	rmt_list_free(unit->domains);
	rmt_list_free(unit->rules.allow);
	g_free(unit->name);
	g_free(unit);
}

void rmt_receipts_clear(struct rmt_receipts_config *receipts)
{
	rmt_list_free(receipts->rules.allow);
	g_clear_pointer(&receipts->units, g_ptr_array_unref);
	g_clear_pointer(&receipts->addresses, g_hash_table_unref);
	g_strfreev(receipts->authserv_ids);
	g_free(receipts->templates);
	g_free(receipts->language);
	g_free(receipts->reporting_ua);
}

void *rmt_begin_receipts(struct rmt_reading *reading, void *parent, const char *name,
			 const config_setting_t *group)
{
	struct rmt_receipts_config *receipts = &reading->config->receipts;

	(void)parent, (void)name;
	receipts->units = g_ptr_array_new_with_free_func(unit_free);
	receipts->configured = rmt_member(group, "policy") != NULL;
	receipts->rules.has_policy = receipts->rules.has_prompt =
		receipts->rules.has_deleted = true;
	return receipts;
}

void *rmt_begin_unit(struct rmt_reading *reading, void *parent, const char *name,
		     const config_setting_t *group)
{
	struct rmt_receipt_unit *unit = g_new0(struct rmt_receipt_unit, 1);

	(void)reading, (void)parent;
	unit->name = g_strdup(name);
	unit->rules.has_policy = rmt_member(group, "policy") != NULL;
	unit->rules.has_prompt = rmt_member(group, "prompt") != NULL;
	unit->rules.has_deleted = rmt_member(group, "deleted") != NULL;
	return unit;
}

void rmt_end_unit(struct rmt_reading *reading, void *parent, void *object,
		  const config_setting_t *group)
{
	struct rmt_receipt_unit *unit = object;
	struct rmt_receipts_config *receipts = parent;

	if (unit->users == NULL && unit->groups == NULL && unit->domains == NULL)
		rmt_complain(reading, group,
			     "has nobody (write users, groups or domains)");
	receipts->configured |= unit->rules.has_policy;
	g_ptr_array_add(receipts->units, unit);
}

/* --- google_compatible ------------------------------------------------------------- */

struct allowance {
	unsigned count;
};

static bool check_allowed(void *context, struct rmt_span text, GError **err)
{
	struct allowance *allowance = context;
	struct rmt_span file = rmt_span_from(text, strlen("file:"));
	g_autofree char *path = NULL;

	if (rmt_span_starts(text, RMT_SPAN("file:"))) {
		path = g_strndup(file.p, file.len);
		return rmt_list_read_file(path, check_allowed, allowance, err);
	}
	allowance->count++;
	if (g_utf8_strlen(text.p, (gssize)text.len) <= GOOGLE_CHARACTERS_MAX &&
	    memchr(text.p, '*', text.len) == NULL)
		return true;
	g_set_error(err, RMT_CONFIG_ERROR, 0,
		    "'%.*s%s' is no single address of at most %d characters, as "
		    "google_compatible has it",
		    (int)MIN(text.len, 40), text.p, text.len > 40 ? "..." : "",
		    GOOGLE_CHARACTERS_MAX);
	return false;
}

static void check_google(struct rmt_reading *reading, const config_setting_t *group)
{
	const config_setting_t *allow = rmt_member(group, "allow");
	struct allowance allowance = { 0 };

	if (allow == NULL || reading->failed)
		return;
	rmt_read_strings(reading, allow, check_allowed, &allowance);
	if (allowance.count > GOOGLE_ADDRESSES_MAX)
		rmt_complain(reading, allow,
			     "allow: has %u addresses, google_compatible takes %d "
			     "(leave some out, or write google_compatible = false)",
			     allowance.count, GOOGLE_ADDRESSES_MAX);
}

void rmt_end_receipts(struct rmt_reading *reading, void *parent, void *object,
		      const config_setting_t *group)
{
	struct rmt_receipts_config *receipts = object;
	const config_setting_t *units = rmt_member(group, "units");
	int i;

	(void)parent;
	if (!receipts->google_compatible)
		return;
	check_google(reading, group);
	for (i = 0; units != NULL && i < config_setting_length(units); i++)
		check_google(reading, config_setting_get_elem(units, (unsigned)i));
}

/* --- "100/day" --------------------------------------------------------------------- */

static void read_amount(struct rmt_reading *reading, const struct rmt_setting *row,
			const config_setting_t *setting, void *field)
{
	const char *text = config_setting_get_string(setting);
	GError *why = NULL;

	(void)row;
	if (text == NULL)
		rmt_complain(reading, setting, "%s: is not a string (write \"100/day\")",
			     setting->name);
	else if (!rmt_parse_amount(rmt_span_of(text), true, field, &why))
		rmt_complain_of(reading, setting, why);
}

const struct rmt_setting_type rmt_type_amount = { "quota", read_amount };

/* --- whose addresses --------------------------------------------------------------- */

static void free_addresses(void *data)
{
	g_ptr_array_unref(data);
}

static bool is_there(const GPtrArray *addresses, struct rmt_span address)
{
	guint i;

	for (i = 0; i + 1 < addresses->len; i++)
		if (rmt_span_eq(rmt_span_of(g_ptr_array_index(addresses, i)), address))
			return true;
	return false;
}

/* The array stays NULL-ended. */
static void add_address(GHashTable *table, struct rmt_span login, struct rmt_span address)
{
	g_autofree char *name = g_strndup(login.p, login.len);
	GPtrArray *addresses = g_hash_table_lookup(table, name);

	if (addresses == NULL) {
		addresses = g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_add(addresses, NULL);
		g_hash_table_insert(table, g_steal_pointer(&name), addresses);
	}
	if (!is_there(addresses, address))
		g_ptr_array_insert(addresses, (gint)addresses->len - 1,
				   g_strndup(address.p, address.len));
}

static bool check_address(struct rmt_span address, GError **err)
{
	g_autoptr(rmt_list) list = rmt_list_new(RMT_LIST_ADDRESSES);

	return rmt_list_add(list, address, err);
}

/* The next word up to a comma or blank; false: no more. */
static bool next_word(struct rmt_span *rest, struct rmt_span *word_r)
{
	size_t len = 0;

	while (rest->len > 0 && strchr(", \t", rest->p[0]) != NULL)
		*rest = rmt_span_from(*rest, 1);
	while (len < rest->len && strchr(", \t", rest->p[len]) == NULL)
		len++;
	*word_r = rmt_span(rest->p, len);
	*rest = rmt_span_from(*rest, len);
	return len > 0;
}

/* "bob: bob@example.com, b@example.com" */
static bool read_user(void *context, struct rmt_span line, GError **err)
{
	struct rmt_span login, rest, address;

	if (rmt_span_starts(line, RMT_SPAN("file:"))) {
		g_autofree char *path = g_strndup(line.p + 5, line.len - 5);

		return rmt_list_read_file(path, read_user, context, err);
	}
	if (!rmt_span_split(line, ':', &login, &rest) || rmt_span_trim(login).len == 0) {
		g_set_error(err, RMT_CONFIG_ERROR, 0,
			    "'%.*s' names no user (write \"bob: bob@example.com\")",
			    RMT_SPAN_ARGS(rmt_span(line.p, MIN(line.len, 80))));
		return false;
	}
	while (next_word(&rest, &address)) {
		if (!check_address(address, err))
			return false;
		add_address(context, rmt_span_trim(login), address);
	}
	return true;
}

/* "bob@example.com  bob, assistant": Postfix's own form. What it knows beside
 * addresses ("@example.com", bare names) means no single address of a user. */
static bool read_login(void *context, struct rmt_span line, GError **err)
{
	struct rmt_span rest = line, address, login;

	if (rmt_span_starts(line, RMT_SPAN("file:"))) {
		g_autofree char *path = g_strndup(line.p + 5, line.len - 5);

		return rmt_list_read_file(path, read_login, context, err);
	}
	if (!next_word(&rest, &address) || address.p[0] == '@' ||
	    memchr(address.p, '@', address.len) == NULL)
		return true;
	if (!check_address(address, err))
		return false;
	while (next_word(&rest, &login))
		add_address(context, login, address);
	return true;
}

static GHashTable *table_of(void *field)
{
	GHashTable **table = field;

	if (*table == NULL)
		*table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					       free_addresses);
	return *table;
}

static void read_addresses(struct rmt_reading *reading, const struct rmt_setting *row,
			   const config_setting_t *setting, void *field)
{
	(void)row;
	rmt_read_strings(reading, setting, read_user, table_of(field));
}

static void read_logins(struct rmt_reading *reading, const struct rmt_setting *row,
			const config_setting_t *setting, void *field)
{
	(void)row;
	rmt_read_strings(reading, setting, read_login, table_of(field));
}

const struct rmt_setting_type rmt_type_addresses = { "list of users", read_addresses };
const struct rmt_setting_type rmt_type_logins = { "list of files", read_logins };

const char *const *rmt_config_addresses(const struct rmt_config *config,
					const char *login)
{
	const GPtrArray *addresses;

	if (config->receipts.addresses == NULL || login == NULL)
		return NULL;
	addresses = g_hash_table_lookup(config->receipts.addresses, login);
	return addresses != NULL ? (const char *const *)addresses->pdata : NULL;
}
