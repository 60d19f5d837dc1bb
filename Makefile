# SPDX-License-Identifier: MIT
#
# make                 everything into build/
# make check           unit tests
# make check-live      real servers on loopback, in a private directory
# make check-suites    published suites that lie beside the checkout
# make check-oracle    our SPF against python3-spf, our DKIM against dkimpy and libopendkim
# make check-san       unit tests under address+undefined, then thread sanitizer
# make check-san-live  imap with the plugin, and the agent, under address+undefined
# make check-debian13  check and check-live in a Debian 13 tree, cached outside
# make fuzz            every fuzzer, FUZZ_SECONDS each
# make race            receipts: many sessions, one message, kill -9 in between
# make bench           the table of docs/benchmarks.md, measured here and now
# make lint            style, include directions, manual against settings
# make install         DESTDIR= PREFIX=
# make deb             Debian packages for this release, into build/deb
# make rpm             RPM packages, into build/rpm
# make check-packages  both releases: built, installed, lived with, removed (root)
#
# Knobs:
V ?= 0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
UNITDIR ?= $(PREFIX)/lib/systemd/system
UNIT_PATHS = -e 's|@sbindir@|$(PREFIX)/sbin|' -e 's|@bindir@|$(PREFIX)/bin|'
CC ?= cc
CLANG ?= clang
PYTHON ?= /usr/bin/python3
CFLAGS ?= -O2 -g
SANITIZE ?=
FUZZ_SECONDS ?= 60
RACE ?=
VERSION := 0.1.0

# --- what is made of what: this list is also a map ---------------------------

BASE_SRC := common/base/background.c common/base/failure.c common/base/log.c
BASE_SRC += common/base/severity.c common/base/similar.c common/base/version.c common/base/when.c
CONFIG_SRC := common/config/config.c common/config/dump.c common/config/error.c common/config/list.c \
	common/config/read.c common/config/section_agent.c common/config/section_limit.c common/config/section_receipts.c common/config/section_require.c common/config/sections.c common/config/set.c \
	common/config/settings.c common/config/source.c common/config/types.c common/config/values.c
CONFIG_SRC += common/config/section_links.c
MESSAGE_SRC := common/message/addr.c
CONFIG_SRC += common/config/section_unsubscribing.c
# How a message says who sent it; with GMime, so not in policyd.
MESSAGE_SRC += common/message/gmime.c common/message/from.c common/message/from_gmime.c common/message/from_strict.c \
	common/message/header.c
MESSAGE_SRC += common/message/idn.c
LIMITS_SRC := $(addprefix common/limits/,gcra.c quota.c large.c pieces.c table.c names.c counters.c \
	counters_log.c counters_tail.c counters_sync.c kept.c counters_snapshot.c counters_disk.c counters_load.c \
	keyed.c reservation.c reserve.c reserve_end.c reserve_log.c \
	reserve_sent.c sent.c)
STORE_SRC := $(addprefix common/store/,store.c store_lmdb.c lmdb_open.c lmdb_change.c lmdb_room.c \
	lmdb_commit.c store_mem.c pack.c filter.c \
	suppress_record.c suppress.c suppress_import.c suppress_index.c suppress_line.c \
	bulk.c stream_state.c)
# Lists that users left.
STORE_SRC += common/store/selectors.c common/store/left.c common/store/commit_group.c
# Receipts' claims, jobs of every kind, prompts and what is told of them.
STORE_SRC += common/store/suppress_deal.c common/store/wish.c
STORE_SRC += $(addprefix common/store/, deal.c claims.c claim_id.c claim_client.c jobs.c prompts.c preferences.c \
	user_rows.c answers.c audit.c)
POLICY_SRC := common/policy/engine.c common/policy/engine_key.c common/policy/engine_text.c \
	common/policy/engine_explain.c common/policy/engine_whole.c common/policy/engine_return_path.c
POLICY_SRC += common/policy/engine_unsubscribe.c
POLICY_SRC += common/policy/policy_request.c common/policy/policy_reply.c
POLICY_SRC += common/policy/binding.c common/policy/bulk.c common/policy/classify.c common/policy/header_match.c
AUTH_SRC := common/auth/dns.c common/auth/zone.c common/auth/zone_line.c common/auth/ip.c \
	$(addprefix common/auth/,spf.c spf_frames.c spf_terms.c spf_client.c spf_explain.c \
	spf_macro.c spf_record.c)
# Signatures; with OpenSSL and, asked for a second opinion, libopendkim.
AUTH_SRC += common/auth/authres.c common/auth/dkim.c common/auth/dkim_canon.c common/auth/dkim_key.c \
	common/auth/dkim_opendkim.c common/auth/dkim_public.c common/auth/dkim_sig.c common/auth/dkim_tag.c \
	common/auth/dkim_words.c
# What BIMI records point to; with GIO and OpenSSL.
AUTH_SRC += common/auth/bimi_svg.c common/auth/bimi_mark.c
AUTH_SRC += common/auth/mta_sts.c
# With libunbound and libpsl.
AUTH_SRC += common/auth/dns_packet.c common/auth/resolver.c common/auth/resolver_events.c common/auth/orgdomain.c \
	common/auth/dmarc.c common/auth/dmarc_record.c
RULES_SRC := $(addprefix common/rules/, rules.c table.c judge.c)
# What others tell about our mail.
REPORT_SRC := $(addprefix common/report/, report.c report_names.c ours.c mail.c parts.c decode.c text.c words.c phrases.c classify.c arf.c dsn.c \
	autoreply.c notice.c prose.c)
# What DNS tells of a domain, and the rules that take no more.
RULES_SRC += $(addprefix common/rules/, body_text.c facts.c lookup.c spf_survey.c domain.c names.c record.c \
	optional.c reach.c transport.c rules_bimi.c rules_dkim.c rules_dmarc.c rules_dmarc_text.c rules_dnssec.c \
	rules_names.c rules_reports.c rules_transport.c rules_spf.c rules_spf_text.c rules_format.c \
	rules_list.c rules_deceptive.c header_words.c scripts.c message.c readiness.c readiness_entries.c readiness_jobs.c conduct.c)
# How a message says to leave its list.
UNSUBSCRIBE_SRC := $(addprefix common/unsubscribe/, address_filter.c course.c covered.c leave.c \
	list_unsubscribe.c mailto.c post.c proof.c target.c)
COMMON_SRC := $(BASE_SRC) $(CONFIG_SRC) $(MESSAGE_SRC) $(LIMITS_SRC) $(STORE_SRC) \
	$(POLICY_SRC) $(AUTH_SRC) $(RULES_SRC) $(REPORT_SRC) $(UNSUBSCRIBE_SRC)
# Return paths; with libcrypto.
COMMON_SRC += common/token/verp.c
# What must come back unforged; with OpenSSL.
COMMON_SRC += common/unsubscribe/endpoint.c common/unsubscribe/hook.c
COMMON_SRC += $(addprefix common/token/,followed.c keys.c keys_file.c letters.c token.c unsub.c consent.c)
# Read receipts: what is asked, what is decided, what is sent; with GMime.
RECEIPTS_SRC := $(addprefix common/receipts/, mailbox.c mime.c request.c request_auth.c \
	request_kind.c recipient.c policy.c terms.c names.c field.c template.c part.c mdn_write.c mdn_read.c mdn_fields.c mdn_names.c police.c)
COMMON_SRC += $(RECEIPTS_SRC)

CLI_SRC := common/cli/main.c common/cli/cli.c common/cli/dkim.c
CLI_SRC += common/cli/check_config.c common/cli/replay.c
CLI_SRC += common/cli/cf_text.c common/cli/doctor.c common/cli/doctor_egress.c \
	common/cli/doctor_host.c common/cli/doctor_lists.c common/cli/doctor_paths.c \
	common/cli/doctor_postfix.c common/cli/doctor_state.c common/cli/doctor_texts.c \
	common/cli/smtpd_list.c common/cli/finding.c \
	common/cli/postconf.c common/cli/restrictions.c common/cli/run.c \
	common/cli/sender_map.c common/cli/setup_apply.c common/cli/setup_egress.c \
	common/cli/setup_list.c common/cli/setup_plan.c common/cli/setup_postfix.c \
	common/cli/setup_service.c
CLI_SRC += common/cli/records.c common/cli/stream.c common/cli/suppress.c \
	common/cli/suppress_import.c common/cli/suppress_list.c common/cli/suppress_why.c
CLI_SRC += $(addprefix common/cli/, control_client.c explain.c limits.c reload.c status.c)
# What both daemons of Postfix begin with.
DAEMON_SRC := postfix-policy/daemon/start.c
POLICYD_SRC := $(addprefix postfix-policy/policyd/, main.c policyd.c loop.c listener.c sockets.c \
	policy_session.c batch.c record.c metrics.c metrics_http.c talk.c control.c control_limits.c control_message.c \
	control_status.c reload.c)
# What is known of senders: policyd's own use of DNS.
POLICYD_SRC += $(addprefix postfix-policy/policyd/,senders.c lookups.c bulk_keeper.c)
POLICYD_SRC += postfix-policy/policyd/links.c postfix-policy/policyd/shares_keeper.c
CLI_SRC += common/cli/bulk.c common/cli/selectors.c common/cli/doctor_bulk.c common/cli/doctor_own.c common/cli/doctor_milter.c common/cli/doctor_signer.c common/cli/setup_milter.c
CLI_SRC += common/cli/bounce.c
CLI_SRC += $(addprefix common/cli/, doctor_receipts.c receipts.c receipts_batch.c receipts_case.c receipts_test.c)
CLI_SRC += common/cli/keys.c
CLI_SRC += $(addprefix common/cli/, unsubscribe.c unsubscribe_link.c unsubscribe_test.c)
CLI_SRC += common/cli/doctor_unsubscribe.c
CLI_SRC += common/cli/unsubscribe_log.c common/cli/unsubscribe_try.c
CLI_SRC += common/cli/batch.c common/cli/dns.c common/cli/dmarc.c common/cli/spf.c common/cli/words.c
# A step of the milter (step.h) is a file here and a row in steps.c.
MILTER_SRC := $(addprefix postfix-policy/milter/, main.c processes.c place.c milter.c socket.c \
	events.c session.c names.c kind.c gather.c outcome.c judge.c message.c end.c steps.c \
	counts.c counts_http.c policyd_client.c step_alignment.c step_charge.c step_domains.c step_header.c step_left.c step_selectors.c)
MILTER_SRC += postfix-policy/milter/step_unsubscribe.c
MILTER_SRC += postfix-policy/milter/step_proof.c postfix-policy/milter/step_original_recipient.c
MILTER_SRC += postfix-policy/milter/step_police.c
CLI_SRC += common/cli/check.c common/cli/check_json.c common/cli/check_sts.c common/cli/check_text.c common/cli/fetch.c common/cli/predict.c common/cli/report.c

CLI_SRC += common/cli/doctor_confined.c common/cli/doctor_dovecot.c common/cli/doveconf.c common/cli/setup_dovecot.c

# Within Dovecot. The mail plugin has no GLib: it is loaded into imap and lmtp.
# What of it knows no Dovecot; all parts within Dovecot use the first.
WIRE_SRC := dovecot-plugin/wire.c dovecot-plugin/evidence.c
PLUGIN_SRC := $(addprefix dovecot-plugin/, plugin.c settings.c settings-module.c user.c mailbox.c \
	mail.c transaction.c delivery.c trust.c saved.c drop.c opened.c keywords.c job.c \
	message.c report.c marks.c dwell.c preference.c feedback.c agent_client.c)
# Of the plugin, what knows no Dovecot.
SETTINGS_MODULE_SRC := $(addprefix dovecot-plugin/, settings-module.c settings-export.c)
DOVEADM_SRC := $(addprefix dovecot-plugin/doveadm/, main.c receipts.c talk.c unsubscribe.c)
# What it reads of messages and settings as the mail plugin does.
DOVEADM_SRC += $(addprefix dovecot-plugin/, message.c settings.c settings-module.c)
AGENT_SRC := $(addprefix dovecot-plugin/agent/, main.c clients.c log.c sender.c)
# What remite-agent does, without Dovecot.
AGENT_CORE_SRC := $(addprefix dovecot-plugin/agent/, agent.c kinds.c queue.c case.c receipt.c \
	take.c preference.c query.c send.c ask.c prompt_text.c consent.c sweep.c rates.c peer.c \
	submit.c submit_program.c)
AGENT_CORE_SRC += dovecot-plugin/agent/webhook.c
HTTP_SRC := $(addprefix dovecot-plugin/http/, main.c exchange.c agent_link.c)
# What remite-http does, without Dovecot.
HTTP_CORE_SRC := $(addprefix dovecot-plugin/http/, form.c group.c page.c route.c site.c \
	site_receipt.c site_unsubscribe.c source.c)
AGENT_CORE_SRC += $(addprefix dovecot-plugin/agent/, errand.c leave.c leave_mail.c leave_pace.c \
	leave_rows.c leave_take.c leaver.c)
LEAVER_SRC := $(addprefix dovecot-plugin/unsubscribe/, main.c serve.c)

# What comes back, remembered and obeyed: in every program.
COMMON_SRC += common/config/section_feedback.c $(addprefix common/feedback/, feedback.c shares.c \
	work.c act.c attribute.c mailed.c events.c rates.c breaker.c provider.c maillog.c \
	aggregate.c aggregate_mail.c leave.c judge.c leaving.c)
CLI_SRC += $(addprefix common/cli/, feedback.c feedback_take.c feedback_log.c return_path.c why.c \
	feedback_report.c feedback_html.c doctor_feedback.c)
MILTER_SRC += $(addprefix postfix-policy/milter/, records.c step_return_path.c)
AGENT_CORE_SRC += dovecot-plugin/agent/feedback.c

# Programs that Dovecot starts.
AGENT_SRC += dovecot-plugin/usage.c
HTTP_SRC += dovecot-plugin/usage.c
LEAVER_SRC += dovecot-plugin/usage.c

PROGRAMS := $(if $(CLI_SRC),remite remite-feedback) $(if $(POLICYD_SRC),remite-policyd) \
	$(if $(MILTER_SRC),remite-milter)
# Without Dovecot's headers (dovecot-dev) the rest is built.
DOVECOT_CONFIG ?= $(firstword $(wildcard /usr/lib/dovecot/dovecot-config \
	/usr/lib64/dovecot/dovecot-config /usr/local/lib/dovecot/dovecot-config))
ifneq ($(DOVECOT_CONFIG),)
dovecot_config = $(shell . $(DOVECOT_CONFIG) && echo $(1))
DOVECOT_INCLUDE := $(patsubst -I%,-isystem %,$(call dovecot_config,$$LIBDOVECOT_INCLUDE))
DOVECOT_LIBEXEC := $(call dovecot_config,$$dovecot_pkglibexecdir)
DOVECOT_LIBDIR := $(call dovecot_config,$$dovecot_pkglibdir)
DOVECOT_MODULES := $(call dovecot_config,$$dovecot_moduledir)
DOVECOT_LIBS := $(call dovecot_config,$$LIBDOVECOT) -Wl,-rpath,$(DOVECOT_LIBDIR)
DOVECOT_MINOR := $(shell echo DOVECOT_VERSION_MINOR | $(CC) -E -P $(DOVECOT_INCLUDE) -include config.h -)
DOVECOT_PROGRAMS := remite-agent remite-http remite-unsubscribe
PLUGINS := dovecot/lib20_remite_plugin.so dovecot/doveadm/lib10_doveadm_remite_plugin.so
# 2.4 refuses settings nobody told it of.
PLUGINS += $(if $(filter 3,$(DOVECOT_MINOR)),,dovecot/settings/libremite_settings.so)
endif

CLI_SRC += common/cli/jobs.c common/cli/receipts_log.c

BENCH_PROGRAMS := $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/*.c))
BENCH_PROGRAMS := $(filter-out $(if $(DOVECOT_CONFIG),,http_plain),$(BENCH_PROGRAMS))
UNIT_SRC := $(shell find tests/unit -name 'test_*.c' 2>/dev/null | sort)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)

# --- how ---------------------------------------------------------------------

COMMON_PKGS := glib-2.0 libconfig lmdb libxxhash libidn2 jansson zlib
# For the programs that read whole messages; policyd does without.
MAIL_PKGS := gmime-3.0 opendkim libcrypto
# For the programs that ask DNS about senders.
AUTH_PKGS := libunbound libpsl
# For the programs that speak HTTP to others.
CURL_PKGS := libcurl
POLICYD_PKGS := libsystemd libcrypto
MILTER_PKGS := milter libsystemd
TEST_PKGS := cmocka

PKG_CONFIG ?= pkg-config
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wno-missing-field-initializers
SAN_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)
ALL_CPPFLAGS := -I. -D_GNU_SOURCE -DRMT_VERSION='"$(VERSION)"' -DRMT_DATADIR='"$(PREFIX)/share"' $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 -fPIC -fvisibility=hidden -pthread $(WARN) $(CFLAGS) $(SAN_FLAGS)
COMMON_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(COMMON_PKGS) $(MAIL_PKGS) $(AUTH_PKGS))
COMMON_LIBS = $(shell $(PKG_CONFIG) --libs $(COMMON_PKGS)) -lm
MAIL_LIBS := $(shell $(PKG_CONFIG) --libs $(MAIL_PKGS))
# Keys that are published are looked at by policyd, too.
POLICYD_AUTH_LIBS := $(shell $(PKG_CONFIG) --libs libcrypto)
AUTH_LIBS := $(shell $(PKG_CONFIG) --libs $(AUTH_PKGS))
CURL_LIBS := $(shell $(PKG_CONFIG) --libs $(CURL_PKGS))
# Dovecot's headers have flat names and warnings of their own: -isystem, and for
# dovecot-plugin/ alone.
DOVECOT_CPPFLAGS = -DHAVE_CONFIG_H $(DOVECOT_INCLUDE)
POLICYD_LIBS = $(shell $(PKG_CONFIG) --libs $(POLICYD_PKGS))
MILTER_LIBS = $(shell $(PKG_CONFIG) --libs $(MILTER_PKGS))
TEST_LIBS = $(shell $(PKG_CONFIG) --libs $(TEST_PKGS))
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2))

# pkg-config is asked once, not per file.
COMMON_CFLAGS := $(COMMON_CFLAGS)
COMMON_LIBS := $(COMMON_LIBS)

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB := $(BUILD)/libremite.a
# All of the command line tool but main, for its unit tests and fuzzers.
CLI_LIB := $(BUILD)/libremite-cli.a
# All of policyd but main, for its unit tests and benchmarks.
POLICYD_LIB := $(if $(POLICYD_SRC),$(BUILD)/libremite-policyd.a)
# All of the milter but what speaks with libmilter, for its unit tests.
MILTER_LIB := $(BUILD)/libremite-milter.a
MILTER_HOST := %/milter/main.c %/milter/events.c %/milter/socket.c %/milter/processes.c
WIRE_LIB := $(BUILD)/libremite-wire.a
# All of remite-agent but what speaks with Dovecot, for its unit tests.
AGENT_LIB := $(BUILD)/libremite-agent.a
# All of remite-http but what speaks with Dovecot, for its unit tests and fuzzers.
HTTP_LIB := $(BUILD)/libremite-http.a
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))

.PHONY: all check check-suites check-oracle check-build check-live check-san check-san-live check-debian13 fuzz race bench lint install clean
.PHONY: deb rpm check-packages
.SECONDARY:

all: $(addprefix $(BUILD)/,$(PROGRAMS) $(DOVECOT_PROGRAMS) $(PLUGINS)) $(LIB)

$(call objects,$(PLUGIN_SRC) $(SETTINGS_MODULE_SRC) $(DOVEADM_SRC) $(AGENT_SRC) $(HTTP_SRC) \
	$(LEAVER_SRC) tests/bench/http_plain.c): \
	ALL_CPPFLAGS += $(DOVECOT_CPPFLAGS)

# What --version tells: libraries and their versions at build time.
BUILT_WITH := $(shell for p in $(COMMON_PKGS) $(MAIL_PKGS) $(AUTH_PKGS) $(CURL_PKGS); do \
	echo "$$p $$($(PKG_CONFIG) --modversion $$p),"; done) \
	Dovecot $(if $(DOVECOT_CONFIG),2.$(DOVECOT_MINOR),none)
$(BUILD)/common/base/version.o: ALL_CPPFLAGS += -DRMT_BUILT_WITH='"$(BUILT_WITH)"'

# Compiled again where it is compiled in another way; a new file's name in a list
# above is none.
HOW := $(CC) $(ALL_CPPFLAGS) $(DOVECOT_CPPFLAGS) $(COMMON_CFLAGS) $(ALL_CFLAGS)
ifneq ($(HOW),$(file <$(BUILD)/how))
$(shell mkdir -p $(BUILD))$(file >$(BUILD)/how,$(HOW))
endif

$(BUILD)/%.o: %.c $(BUILD)/how
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(COMMON_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(call objects,$(COMMON_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(CLI_LIB): $(call objects,$(filter-out %/main.c,$(CLI_SRC)))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/libremite-policyd.a: $(call objects,$(filter-out %/main.c,$(POLICYD_SRC)))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(MILTER_LIB): $(call objects,$(filter-out $(MILTER_HOST),$(MILTER_SRC)) $(DAEMON_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(AGENT_LIB): $(call objects,$(AGENT_CORE_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(HTTP_LIB): $(call objects,$(HTTP_CORE_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(WIRE_LIB): $(call objects,$(WIRE_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/dovecot/lib20_remite_plugin.so: $(call objects,$(PLUGIN_SRC) $(WIRE_SRC))
$(BUILD)/dovecot/settings/libremite_settings.so: $(call objects,$(SETTINGS_MODULE_SRC))
$(BUILD)/dovecot/doveadm/lib10_doveadm_remite_plugin.so: $(call objects,$(DOVEADM_SRC) $(WIRE_SRC))
# What they refer to is in the program that loads them.
$(BUILD)/dovecot/%.so:
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -shared -o $@ $^

$(BUILD)/remite-agent: $(call objects,$(AGENT_SRC)) $(AGENT_LIB) $(WIRE_LIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(DOVECOT_LIBS) $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS) $(CURL_LIBS)

# What the race must find wrong.
$(BUILD)/race/remite-agent: LDFLAGS += \
	-Wl,--wrap=rmt_claim_take,--wrap=rmt_matter_state,--wrap=rmt_receipt_decide \
	-Wl,--wrap=rmt_deal_put_job
$(BUILD)/race/remite-agent: $(call objects,$(AGENT_SRC) tests/race/without_claim.c) $(AGENT_LIB) $(WIRE_LIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(DOVECOT_LIBS) $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS) $(CURL_LIBS)

$(BUILD)/remite-http: $(call objects,$(HTTP_SRC)) $(HTTP_LIB) $(WIRE_LIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(DOVECOT_LIBS) $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS)

$(BUILD)/remite-unsubscribe: $(call objects,$(LEAVER_SRC)) $(WIRE_LIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(DOVECOT_LIBS) $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS) $(CURL_LIBS)

$(BUILD)/remite: $(call objects,$(CLI_SRC)) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS) $(POLICYD_LIBS) $(CURL_LIBS)

# Started for each bounce: only the libraries it needs.
$(BUILD)/remite-feedback: $(call objects,common/cli/feedback_main.c common/cli/feedback_take.c \
		common/cli/records.c common/cli/cli.c common/cli/check_config.c) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS)

$(BUILD)/remite-policyd: $(call objects,$(POLICYD_SRC) $(DAEMON_SRC)) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(COMMON_LIBS) $(AUTH_LIBS) $(POLICYD_AUTH_LIBS) $(POLICYD_LIBS)

$(BUILD)/remite-milter: $(call objects,$(MILTER_SRC) $(DAEMON_SRC)) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS) $(MILTER_LIBS)

# ThreadSanitizer does not see GLib's locks by itself.
TSAN_OBJECT := $(if $(filter thread,$(SANITIZE)),$(BUILD)/tests/lib/tsan_glib.o)

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(TSAN_OBJECT) $(CLI_LIB) $(POLICYD_LIB) $(MILTER_LIB) $(AGENT_LIB) $(HTTP_LIB) $(WIRE_LIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS) $(CURL_LIBS) $(if $(POLICYD_LIB),$(POLICYD_LIBS)) $(TEST_LIBS)

# What remite-http is compared with.
$(BUILD)/bench/http_plain: $(call objects,tests/bench/http_plain.c) $(HTTP_LIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(DOVECOT_LIBS) $(COMMON_LIBS)

$(BUILD)/bench/http_load: BENCH_LIBS := $(shell $(PKG_CONFIG) --libs libssl libcrypto)
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(POLICYD_LIB) $(AGENT_LIB) $(WIRE_LIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS) $(CURL_LIBS) $(if $(POLICYD_LIB),$(POLICYD_LIBS)) $(TEST_LIBS) $(BENCH_LIBS)

check-build: all $(UNIT_PROGRAMS)

check: check-build
	$(Q)tests/run-unit $(UNIT_PROGRAMS)

RACE_AGENT := $(if $(DOVECOT_CONFIG),$(BUILD)/race/remite-agent)
check-live: all $(RACE_AGENT)
	$(Q)BUILD=$(BUILD) tests/run-live

check-suites: all
	$(Q)$(PYTHON) tests/suites/spf_suite.py --remite $(BUILD)/remite
	$(Q)$(PYTHON) tests/suites/bounce_suite.py --remite $(BUILD)/remite

check-oracle: all
	$(Q)$(PYTHON) tests/oracle/spf_oracle.py --remite $(BUILD)/remite
	$(Q)$(PYTHON) tests/oracle/dkim_oracle.py --remite $(BUILD)/remite

check-san:
	$(Q)$(MAKE) BUILD=$(BUILD)/asan SANITIZE=address,undefined CFLAGS='-O1 -g' check
	$(Q)G_SLICE=always-malloc $(MAKE) BUILD=$(BUILD)/tsan SANITIZE=thread CFLAGS='-O1 -g' check

# Dovecot's own programs are not built so: the sanitizer is loaded before them
# (tests/lib/dovecot.py), with vsz_limit unlimited.
SAN_LIVE := receipts_agent receipts_display receipts_marks receipts_ways plugin_hooks http_consent http_proxies
check-san-live:
	$(Q)$(MAKE) BUILD=$(BUILD)/asan SANITIZE=address,undefined CFLAGS='-O1 -g' all
	$(Q)BUILD=$(BUILD)/asan tests/run-live $(SAN_LIVE)

check-debian13:
	$(Q)packaging/in-debian13 tests/run-all

deb:
	$(Q)packaging/make-deb $(BUILD)/deb

rpm:
	$(Q)packaging/make-rpm $(BUILD)/rpm

check-packages:
	$(Q)tests/packages/check

# Fuzzers are whole programs of clang: the sources they need, compiled for it.
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
fuzz: $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run-fuzz $^

$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/fuzz/libremite.a
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(ALL_CPPFLAGS) $(COMMON_CFLAGS) -std=gnu11 $(FUZZ_FLAGS) -pthread -o $@ $^ $(COMMON_LIBS) $(MAIL_LIBS) $(AUTH_LIBS) $(POLICYD_LIBS) $(CURL_LIBS)

FUZZ_LIB_SRC := $(COMMON_SRC) $(HTTP_CORE_SRC) $(filter-out %/main.c,$(CLI_SRC)) \
	$(filter-out $(MILTER_HOST),$(MILTER_SRC)) $(WIRE_SRC) $(AGENT_CORE_SRC)
$(BUILD)/fuzz/libremite.a: $(patsubst %.c,$(BUILD)/fuzz/%.o,$(FUZZ_LIB_SRC))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(ALL_CPPFLAGS) $(COMMON_CFLAGS) -std=gnu11 $(subst fuzzer,fuzzer-no-link,$(FUZZ_FLAGS)) -pthread -MMD -MP -c -o $@ $<

# RACE='--sessions 200 --messages 1000' for the long way. The last run must find what
# the claim prevents.
race: all $(RACE_AGENT)
	$(Q)$(PYTHON) tests/race/receipts.py --format maildir $(RACE)
	$(Q)$(PYTHON) tests/race/receipts.py --format sdbox $(RACE)
	$(Q)$(PYTHON) tests/race/receipts.py --format sdbox --kills 0 --without-claim $(RACE)

bench: all $(addprefix $(BUILD)/bench/,$(BENCH_PROGRAMS))
	$(Q)BUILD=$(BUILD) tests/bench/run

lint: all
	$(Q)BUILD=$(BUILD) tests/run-lint

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILD)/remite $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(BUILD)/remite-policyd $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(BUILD)/remite-feedback $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(BUILD)/remite-milter $(DESTDIR)$(PREFIX)/sbin/
	install -d $(DESTDIR)$(PREFIX)/share/remite/receipts
	install -m 644 common/receipts/templates/*.* $(DESTDIR)$(PREFIX)/share/remite/receipts/
	install -m 755 packaging/still-named $(DESTDIR)$(PREFIX)/share/remite/
	install -D -m 644 packaging/completion/remite.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/remite
	install -D -m 644 packaging/completion/remite.fish \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/remite.fish
	install -D -m 644 packaging/completion/_remite $(DESTDIR)$(ZSHDIR)/_remite
	install -d $(DESTDIR)$(UNITDIR) $(addprefix $(DESTDIR)$(PREFIX)/share/man/man,1 5 7 8)
	for n in 1 5 7 8; do install -m 644 docs/man/*.$$n $(DESTDIR)$(PREFIX)/share/man/man$$n/; done
	sed $(UNIT_PATHS) packaging/systemd/remite-policyd.service \
		>$(DESTDIR)$(UNITDIR)/remite-policyd.service
	sed $(UNIT_PATHS) packaging/systemd/remite-milter.service \
		>$(DESTDIR)$(UNITDIR)/remite-milter.service
	install -m 644 packaging/systemd/remite-policyd.socket $(DESTDIR)$(UNITDIR)/
ifneq ($(DOVECOT_CONFIG),)
	install -d $(DESTDIR)$(DOVECOT_LIBEXEC) $(DESTDIR)$(DOVECOT_MODULES)/doveadm
	install -m 755 $(addprefix $(BUILD)/,$(DOVECOT_PROGRAMS)) $(DESTDIR)$(DOVECOT_LIBEXEC)/
	cd $(BUILD)/dovecot && for so in $(PLUGINS:dovecot/%=%); do \
		install -D -m 644 $$so $(DESTDIR)$(DOVECOT_MODULES)/$$so; done
endif

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
