/* SPDX-License-Identifier: MIT */
/* What Dovecot loads into imap, lmtp, lda and pop3. Here: only the hooks. */
#include "dovecot-plugin/compat.h"
#include "module-dir.h"
#include "mail-storage-hooks.h"

#include "dovecot-plugin/mailbox.h"
#include "dovecot-plugin/user.h"

void remite_plugin_init(struct module *module);
void remite_plugin_deinit(void);

static const struct mail_storage_hooks hooks = {
	.mail_user_created = rmt_user_created,
	.mailbox_allocated = rmt_mailbox_allocated,
	.mail_allocated = rmt_mail_allocated,
};

RMT_EXPORT void remite_plugin_init(struct module *module)
{
	mail_storage_hooks_add(module, &hooks);
}

RMT_EXPORT void remite_plugin_deinit(void)
{
	mail_storage_hooks_remove(&hooks);
}

extern const char *remite_plugin_version;
RMT_EXPORT const char *remite_plugin_version = DOVECOT_ABI_VERSION;
