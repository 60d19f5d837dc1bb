# SPDX-License-Identifier: MIT
"""Receipts that clients send on their own, and requests that leave, through a real
Postfix: remite-milter's step `police` (docs/receipts.md)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import equal, main, test, true, wait_until
from milter import Milter
from postfix import Postfix
from sink import Sink
from smtp import Smtp

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "receipts", "mdn")

ADDRESSES = 'addresses = ["bob: bob@example.com, b.alias@example.com", "eve: eve@example.com"]'
ORGANIZATION = 'policy = "organization"  prompt = false  allow = ["ann@partner.example"]'


class Servers:
    def __init__(self, place, receipts, mode="enforce", settings=None):
        self.place = place
        self.sink = Sink(place)
        self.milter = Milter(place, "", "", mode, more=self.settings(receipts), places=("before", "after"))
        milters = self.milter.address_of("before")
        self.postfix = Postfix(place, settings={
            "default_transport": self.sink.transport, "smtpd_milters": milters,
            "non_smtpd_milters": milters, "milter_default_action": "tempfail", **(settings or {})})

    def settings(self, receipts):
        state = self.place.file("state")
        os.makedirs(state, exist_ok=True)
        return (f'organization = ["example.com"]\nstate = "{state}"\n'
                f"receipts: {{ {receipts} {ADDRESSES} }}\n")

    def configure(self, receipts, mode="enforce"):
        self.milter.configure("", mode, more=self.settings(receipts))
        self.milter.reload()

    def send(self, text, recipient="ann@partner.example", user="bob", sender="bob@example.com"):
        xclient = f"LOGIN={user}" if user else None
        with Smtp(self.postfix.port, xclient=xclient) as client:
            return client.message(sender, [recipient], text)[1]

    def last(self):
        return [x for x in self.milter.log().splitlines() if " stage=before " in x][-1]

    def passes(self, text, what, **options):
        """The mail that came to the next hop."""
        before = len(self.sink.mails)
        reply = self.send(text, **options)
        equal(reply.code, 250, f"{what}: {reply}; {self.milter.log()[-400:]}")
        return self.sink.wait(before + 1)[before]

    def is_stopped(self, text, reason, what, **options):
        """Taken from the client, and goes nowhere."""
        reply = self.send(text, **options)
        equal(reply.code, 250, f"{what}: {reply}")
        true("action=discard " in self.last(), f"{what}: {self.last()}")
        true(f" receipt={reason} " in self.last() + " ", f"{what}: {self.last()}")

    def nothing_came(self):
        """A mail behind all others is the only one."""
        self.passes("Subject: last\r\n\r\nx\r\n", "the last mail")
        wait_until(lambda: not self.postfix.queue(), "an empty queue")
        return [mail.fields("Subject")[0] for mail in self.sink.mails]


def shapes(of_receipts):
    """(name, message with CRLF): clients' receipts, or what only looks like one."""
    for file in sorted(os.listdir(DATA)):
        name, kind = os.path.splitext(file)
        if kind == ".eml" and name.startswith("not-") != of_receipts:
            with open(os.path.join(DATA, file), "rb") as text:
                yield name, text.read().replace(b"\n", b"\r\n").decode("utf-8")


def receipt(message_id="<m1@partner.example>", sender="Bob <bob@example.com>",
            final="bob@example.com", sending="manually", kind="displayed", more=""):
    return (f"From: {sender}\r\nTo: ann@partner.example\r\nSubject: Read\r\n{more}"
            "MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=b;\r\n"
            " report-type=disposition-notification\r\n\r\n--b\r\n\r\nread\r\n--b\r\n"
            "Content-Type: message/disposition-notification\r\n\r\n"
            f"Final-Recipient: rfc822;{final}\r\nOriginal-Message-ID: {message_id}\r\n"
            f"Disposition: manual-action/MDN-sent-{sending}; {kind}\r\n--b--\r\n")


@test
def G01_every_shape_of_receipt_is_discarded_under_policy_none(place):
    servers = Servers(place, 'policy = "none"')
    count = 0
    for name, text in shapes(True):
        servers.is_stopped(text, "policy-none", name)
        count += 1
    true(count >= 40, f"{count} shapes")
    equal(servers.nothing_came(), ["last"], "what came through")


@test
def what_only_looks_like_a_receipt_passes_untouched(place):
    servers = Servers(place, 'policy = "none"')
    for name, text in shapes(False):
        mail = servers.passes(text, name)
        equal(mail.sender, "bob@example.com", name)
        true("Auto-Submitted" not in mail.message, name)
        equal(mail.data.partition(b"\r\n\r\n")[2], text.encode().partition(b"\r\n\r\n")[2], name)


@test
def M01_within_policy_one_receipt_passes_and_no_second(place):
    servers = Servers(place, ORGANIZATION)
    mail = servers.passes(receipt(more="Disposition-Notification-To: bob@example.com\r\n"), "first")
    equal(mail.sender, "", "M21: the envelope sender")
    equal(mail.fields("Auto-Submitted"), ["auto-replied"], "A02")
    equal(mail.fields("Disposition-Notification-To"), [], "M21: no request of its own")
    servers.is_stopped(receipt(), "claimed", "second")
    servers.is_stopped(receipt(message_id=" <m1@partner.example> (again)"), "claimed", "third")
    servers.passes(receipt("<m2@partner.example>"), "of another message")
    servers.passes(receipt(sender="eve@example.com", final="eve@example.com"), "of another user",
                   user="eve")
    equal(servers.nothing_came(), ["Read", "Read", "Read", "last"], "what came through")


@test
def each_rule_stops_what_it_is_for(place):
    servers = Servers(place, ORGANIZATION)
    for what, reason, text, options in (
            ("G02 P15", "outside-organization", receipt(), {"recipient": "x@evil.example"}),
            ("G02 P16", "outside-organization", receipt(), {"recipient": "ann@sub.partner.example"}),
            ("M21 P03", "from-not-own", receipt(sender="eve@example.com"), {}),
            ("M21", "from-not-own", receipt(sender="bob@example.com, eve@example.com"), {}),
            ("M22 P04", "final-not-own", receipt(final="eve@example.com"), {}),
            ("P07", "deleted-unread", receipt(kind="deleted"), {}),
            ("M22", "message-unknown", receipt(message_id=""), {}),
            ("P04", "addresses-unknown", receipt(), {"user": "nobody"})):
        servers.is_stopped(text, reason, what, **options)
    equal(servers.nothing_came(), ["last"], "what came through")


@test
def G02_G03_what_nobody_was_asked_about_is_stopped_where_the_policy_asks(place):
    servers = Servers(place, 'policy = "anyone"')
    servers.is_stopped(receipt(sending="automatically"), "unasked", "anyone")
    servers.passes(receipt(), "asked", recipient="ann@stranger.example")


@test
def G04_the_policy_of_the_users_unit_counts(place):
    servers = Servers(place, ORGANIZATION + ' units: { quiet: { users = ["bob"] policy = "none" } }')
    servers.is_stopped(receipt(), "policy-none", "bob")
    servers.passes(receipt(sender="eve@example.com", final="eve@example.com"), "eve", user="eve")


@test
def refuse_tells_the_client_and_off_and_report_mode_let_pass(place):
    servers = Servers(place, 'policy = "none" police = "refuse"')
    reply = servers.send(receipt())
    equal(reply.code, 550, str(reply))
    true("receipt is not sent: the policy is none" in reply.text, str(reply))
    servers.configure('policy = "none" police = "off"')
    servers.passes(receipt(), "off")
    true(" receipt=policy-none" in servers.last(), servers.last())
    servers.configure('policy = "none"', mode="report")
    mail = servers.passes(receipt(), "report mode")
    equal(mail.sender, "bob@example.com", "nothing is changed in report mode")


@test
def G01_requests_are_stripped_under_policy_none_before_the_signer(place):
    servers = Servers(place, 'policy = "none"')
    asks = ("Subject: s\r\nDisposition-Notification-To: bob@example.com\r\n"
            "disposition-notification-to: x@example.com\r\n"
            "Disposition-Notification-Options: a=optional,b\r\nReturn-Receipt-To: bob@example.com\r\n"
            "X-Confirm-Reading-To: bob@example.com\r\nX-Other: stays\r\n\r\nbody\r\n")
    mail = servers.passes(asks, "a request")
    for name in ("Disposition-Notification-To", "Disposition-Notification-Options",
                 "Return-Receipt-To", "X-Confirm-Reading-To"):
        equal(mail.fields(name), [], name)
    equal(mail.fields("X-Other"), ["stays"], "another field")
    servers.configure('policy = "none" strip_requests = false')
    equal(len(servers.passes(asks, "not stripped").fields("Return-Receipt-To")), 1, "strip_requests")
    servers.configure(ORGANIZATION)
    equal(len(servers.passes(asks, "organization").fields("Disposition-Notification-To")), 2,
          "under another policy it stays")


@test
def M13_requests_are_stripped_from_mail_of_lists_under_any_policy(place):
    servers = Servers(place, 'policy = "anyone"')
    mail = servers.passes("Subject: s\r\nList-Id: <l.example.com>\r\n"
                          "Disposition-Notification-To: bob@example.com\r\n\r\nbody\r\n", "a list",
                          user=None)
    equal(mail.fields("Disposition-Notification-To"), [], "on list mail")


@test
def mail_from_elsewhere_is_not_touched(place):
    servers = Servers(place, 'policy = "none"',
                      settings={"mynetworks": "127.0.0.0/8, 203.0.113.0/24"})
    with Smtp(servers.postfix.port, xclient="ADDR=203.0.113.9 NAME=mx.partner.example") as client:
        reply = client.message("", ["bob@example.com"], receipt())[1]
    equal(reply.code, 250, str(reply))
    mail = servers.sink.wait()[0]
    true("Auto-Submitted" not in mail.message, "as it came")


@test
def without_records_the_policy_alone_decides_and_the_log_says_so(place):
    servers = Servers(place, ORGANIZATION)
    state = place.file("state")
    os.rmdir(state)
    place.file("state", "no folder")
    servers.passes(receipt(), "first")
    servers.passes(receipt(), "second")
    true("judged by policy alone" in servers.milter.log(), servers.milter.log())
    servers.is_stopped(receipt(), "outside-organization", "policy", recipient="x@evil.example")


@test
def nothing_is_done_until_a_policy_is_written_down(place):
    servers = Servers(place, "")
    mail = servers.passes(receipt(more="Disposition-Notification-To: bob@example.com\r\n"), "receipt")
    equal(mail.sender, "bob@example.com", "untouched")
    equal(len(mail.fields("Disposition-Notification-To")), 1, "untouched")


if __name__ == "__main__":
    main()
