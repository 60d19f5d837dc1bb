# SPDX-License-Identifier: MIT
"""Receipts from end to end: Dovecot with the mail plugin and remite-agent, Postfix
that takes what the agent submits and brings it to the sender's mailbox."""
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import BUILD, equal, main, test, true, wait_until
from postfix import run
from receipts import ALICE, ANN, ASKING, ASKS, AUTOMATIC, House

EVE = "eve@example.net"


@test
def what_the_policy_sends_by_itself_arrives_once_and_truthfully(place):
    house = House(place, AUTOMATIC)
    house.deliver()
    equal(house.keywords(), {"$MDNSent", "$ReceiptPending"}, "keywords before")
    house.read()
    text = house.wait_receipts(1)[0]
    for part in ("Final-Recipient: rfc822;ann@example.net",
                 "Original-Message-ID: <1@example.net>",
                 "manual-action/MDN-sent-automatically; displayed",
                 "Return-Path: <>"):
        true(part in text, f"{part} in {text}")
    house.read()
    wait_until(lambda: house.keywords() == {"$MDNSent"}, "$ReceiptPending to go")
    equal(house.settle(), 1, "receipts")
    house.no_errors()


@test
def the_user_is_asked_and_a_keyword_approves(place):
    house = House(place, ASKING)
    house.deliver()
    house.read()
    prompt = house.wait_prompts(1)[0]
    true("From: Remite <remite@mx.example.net>" in prompt, prompt)
    equal(len(house.receipts()), 0, "receipts before the answer")
    equal("$ReceiptPending" in house.keywords(), True, "still pending")
    house.set_keyword("$MDNApprove")
    true("MDN-sent-manually; displayed" in house.wait_receipts(1)[0], "by hand")
    wait_until(lambda: house.keywords() == {"$MDNSent"}, "the marks to go")
    equal(house.settle(), 1, "receipts")
    house.no_errors()


@test
def what_is_denied_is_never_sent(place):
    house = House(place, ASKING)
    house.deliver()
    house.read()
    house.wait_prompts(1)
    house.set_keyword("$MDNDeny")
    wait_until(lambda: house.keywords() == {"$MDNSent"}, "the marks to go")
    house.set_keyword("$MDNApprove")
    house.read()
    equal(house.settle(), 0, "receipts")
    house.no_errors()


@test
def always_is_a_preference_for_this_sender(place):
    house = House(place, ASKING)
    house.deliver(1)
    house.deliver(2)
    house.read(1)
    house.wait_prompts(1)
    house.set_keyword("$MDNAlways")
    house.wait_receipts(1)
    house.read(2)
    house.wait_receipts(2)
    equal(len(house.wait_prompts(1)), 1, "prompts")
    house.no_errors()


@test
def a_command_lists_approves_and_denies(place):
    house = House(place, ASKING, prompts='mail = "off"')
    for n in (1, 2):
        house.deliver(n)
        house.read(n)
    pending = wait_until(lambda: (lambda t: t if t.count("@example.net") >= 4 else None)(
        house.dovecot.doveadm("remite", "receipts", "pending", "-u", ANN)), "two questions")
    true("alice@example.net" in pending, pending)
    house.dovecot.doveadm("remite", "receipts", "approve", "-u", ANN, "<1@example.net>")
    house.dovecot.doveadm("remite", "receipts", "deny", "-u", ANN, "2@example.net")
    house.wait_receipts(1)
    equal(house.settle(), 1, "receipts")
    status, out = house.dovecot.doveadm("remite", "receipts", "approve", "-u", ANN,
                                        "2@example.net", want=None)
    true(status != 0 and "nobody is asking" in out, out)
    equal(house.inbox(ANN, "HEADER Auto-Submitted generated"), [], "prompts by mail")
    house.no_errors()


@test
def a_command_explains_with_what_the_userdb_tells_of_the_user(place):
    house = House(place, AUTOMATIC + ' units: { quiet: { groups = ["press"] policy = "none" } }',
                  remite={"receipts": "server"}, users={
                      ANN: {"remite_addresses": ANN}, ALICE: {},
                      "b": {"remite_addresses": "bob@example.net"},
                      EVE: {"remite_groups": "staff,press"}})
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    for user, address, want in ((ANN, ANN, "verdict=send reason=automatic"),
                                ("b", "bob@example.net", "verdict=send reason=automatic"),
                                ("b", ANN, "verdict=ask reason=not-named"),
                                (EVE, EVE, "verdict=nothing reason=policy-none")):
        text = f"Return-Path: <{ALICE}>\n" + ASKS.format(n=1, date=date).replace(ANN, address)
        told = house.dovecot.doveadm("remite", "receipts", "explain", "-u", user, stdin=text)
        true(told.startswith(want), f"{user}, to {address}: {told}")
    status, told = house.dovecot.doveadm("remite", "receipts", "explain", "-u", "nobody@x",
                                         stdin=text, want=None)
    true(status != 0, told)
    equal(house.receipts(), [], "receipts")
    house.no_errors("nobody@x")


@test
def two_clients_at_once_send_one_receipt(place):
    house = House(place, AUTOMATIC)
    for n in range(1, 11):
        house.deliver(n)
    clients = [house.dovecot.imap(ANN) for _ in range(6)]

    def read_all(imap):
        imap.select()
        for uid in range(1, 11):
            imap.ok(f"UID FETCH {uid} (BODY[])")
        imap.logout()
    threads = [threading.Thread(target=read_all, args=(imap,)) for imap in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.wait_receipts(10)
    equal(house.settle(), 10, "receipts")
    ids = re.findall(r"Original-Message-ID: <(\d+)@", "\n".join(house.receipts()))
    equal(sorted(ids, key=int), [str(n) for n in range(1, 11)], "each message once")
    house.no_errors()


@test
def an_agent_that_is_killed_loses_nothing_and_doubles_nothing(place):
    house = House(place, AUTOMATIC)
    for n in range(1, 9):
        house.deliver(n)
    house.wait_delivered(8)  # else the last may be nobody's (docs/decisions.md)
    for n in range(1, 9):
        house.kill_agent()
        house.read(n)
    # The plugin sends again what was not acknowledged, when the mailbox is opened.
    def all_there():
        house.read(1)
        return len(house.receipts()) >= 8
    # Dovecot waits for up to a minute, once some were killed at their start.
    wait_until(all_there, "8 receipts\n" + house.dovecot.log()[-2000:], 150)
    equal(house.settle(), 8, "receipts")
    house.no_errors()


@test
def a_message_copied_moved_or_expunged_before_the_answer_has_one_receipt(place):
    house = House(place, ASKING)
    with house.dovecot.imap(ANN) as imap:
        imap.ok("CREATE Other")
    for n in (1, 2, 3):
        house.deliver(n)
        house.read(n)
    house.wait_prompts(3)
    with house.dovecot.imap(ANN) as imap:
        imap.select()
        imap.ok("UID COPY 1 Other")
        imap.ok("UID MOVE 2 Other")
        imap.ok("UID STORE 3 +FLAGS (\\Deleted)")
        imap.ok("EXPUNGE")
    for n in (1, 2, 3):
        house.dovecot.doveadm("remite", "receipts", "approve", "-u", ANN, f"{n}@example.net")
    house.wait_receipts(3)
    with house.dovecot.imap(ANN) as imap:
        imap.select("Other")
        imap.ok("UID FETCH 1:* (BODY[])")
        imap.ok("NOOP")
    equal(house.settle(), 3, "receipts")
    house.no_errors()


@test
def under_policy_none_nothing_is_sent_and_nobody_asked(place):
    house = House(place, 'policy = "none"')
    house.deliver()
    house.read()
    wait_until(lambda: house.keywords() == {"$MDNSent"}, "$ReceiptPending to go")
    equal(house.settle(), 0, "receipts")
    equal(house.inbox(ANN, "HEADER Auto-Submitted generated"), [], "prompts")
    house.no_errors()


@test
def anyone_is_told_only_after_asking(place):
    stranger = ASKS.replace("alice@example.net", "eve@example.org")
    house = House(place, 'policy = "anyone" prompt = false')
    house.deliver(text=stranger, sender="eve@example.org")
    house.read()
    house.wait_prompts(1)
    house.set_keyword("$MDNApprove")
    wait_until(lambda: "eve@example.org" in house.postfix.delivered(),
               "the receipt to leave\n" + house.postfix.log()[-1000:])
    house.no_errors()


@test
def nobody_answers_is_no(place):
    house = House(place, ASKING, prompts='expire = "6s"')
    house.deliver()
    house.read()
    house.wait_prompts(1)
    wait_until(lambda: house.keywords() == {"$MDNSent"}, "the marks to go")
    house.set_keyword("$MDNApprove")
    equal(house.settle(), 0, "receipts")
    house.no_errors()


@test
def a_mail_server_that_is_away_gets_it_later(place):
    house = House(place, AUTOMATIC)
    house.postfix.stop()
    house.deliver()
    house.read()
    wait_until(lambda: "receipt waits" in house.dovecot.log(), "the agent to wait")
    house.postfix.start()
    out = run([f"{BUILD}/remite", "-c", house.config, "jobs", "retry"])
    true("1 " in out, out)
    house.wait_receipts(1)
    # Postfix may bring it to alice before the agent has written down that it is sent.
    wait_until(lambda: all(word in run([f"{BUILD}/remite", "-c", house.config, "receipts",
                                        "log"])
                           for word in ("approved", "sent", "alice@example.net")),
               "the trail")
    house.no_errors()


if __name__ == "__main__":
    sys.exit(main())
