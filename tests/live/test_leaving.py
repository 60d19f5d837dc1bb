# SPDX-License-Identifier: MIT
"""The mailbox side of RFC 8058, whole: IMAP keyword, plugin, agent, worker, endpoint.
Ids in docs/unsubscribe.md."""
import json
import os
import pwd
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import Dovecot
from live import BUILD, equal, main, quick, test, true, wait_until
from milter import Milter
from postfix import Postfix
from smtp import Smtp
from unsubscribing import Endpoint, Key, Sink, newsletter, write_config

ANN = "ann@example.net"
ZONE = "lists.test A 127.0.0.2\nlocal.lists.test A 127.0.0.1\n"
SERVICE = """
service remite-unsubscribe {{
  executable = {program}
  user = daemon
  process_limit = 8
  client_limit = 1
  {vsz}
  unix_listener remite-unsubscribe {{
    mode = 0666
  }}
}}
"""
MORE = """
organization = ["example.net"]
submission: {{ host = "127.0.0.1"  port = {port}  tls = "none"  timeout = "60s" }}
agent: {{ accounts = ["nobody"]  host = "imap.example.test" }}
"""


class House:
    """Dovecot with agent and worker, an endpoint, a signer, and a mail server that keeps
    what the agent submits."""

    def __init__(self, place, settings="", zone=ZONE, key_stands=True, remite=(), mode=None):
        self.place = place
        self.endpoint = Endpoint(place)
        self.key = Key(place, "sender.test")
        self.sink = Sink(place)
        program = os.path.join(BUILD, "remite-unsubscribe")
        self.zone = place.file("leave.zone",
                               zone + (self.key.record() if key_stands else ""))
        self.config = write_config(
            place, self.endpoint, more=MORE.format(port=self.sink.port),
            settings=f'worker = "{place.file("d")}/run/remite-unsubscribe" '
                     f'retry_after = "1s" {settings}')
        if mode:
            with open(self.config, encoding="utf-8") as text:
                place.file("unsubscribing.conf", text.read().replace("enforce", mode))
        os.chown(place.file("state"), pwd.getpwnam("nobody").pw_uid, -1)
        sanitizer = os.path.exists(os.path.join(BUILD, "sanitized"))
        self.dovecot = Dovecot(
            place, users=(ANN,), agent=True, agent_config=self.config,
            remite={"unsubscribe": "yes", "trust_headers": "yes",
                    "drop_unsubscribe": "Leave", **dict(remite)},
            environment={"REMITE_DNS_FILE": self.zone},
            more=SERVICE.format(program=program, vsz="vsz_limit = 0" if sanitizer else ""))

    def news(self, path="/ok", number=1, mailto=None, host="lists.test", list_id=None, more=""):
        url = self.endpoint.url(f"{path}?u={number}", host) if path else None
        return self.key.sign(newsletter(url, mailto, number=number, more=more,
                                        list_id=list_id or f"offers{number}.sender.test"))

    def deliver(self, message):
        self.dovecot.deliver(ANN, message)

    def log(self, *options):
        done = subprocess.run([os.path.join(BUILD, "remite"), "-c", self.config, "unsubscribe",
                               "log", "--json", *options], capture_output=True, text=True,
                              timeout=60, check=False)
        return json.loads(done.stdout or "[]")

    def imap(self):
        imap = self.dovecot.imap(ANN)
        imap.select()
        return imap


def wait_flag(imap, uid, flag):
    def there():
        imap.ok("NOOP")
        return uid in imap.uids() and flag in imap.flags(uid)
    try:
        wait_until(there, flag)
    finally:
        true(flag in imap.flags(uid), f"{flag} is not in {imap.flags(uid)}")


@test
def U05_a_user_tags_a_message_and_the_server_leaves_the_list(place):
    house = House(place)
    house.deliver(house.news())
    with house.imap() as imap:
        time.sleep(0.5)
        equal(house.endpoint.requests, [], "nothing is sent before the user wants it")
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 1, "$unsubscribed")
        true("$Unsubscribe" not in imap.flags(1), "the wish is gone")
    equal([r.path for r in house.endpoint.requests], ["/ok?u=1"], "POSTs")
    (row,) = house.log()
    equal((row["state"], row["by"], row["host"], row["list"], row["address"]),
          ("done", "post", "lists.test", "offers1.sender.test", ANN), "log")
    wait_until(lambda: f"unsubscribe done user=<{ANN}> list=offers1.sender.test" in
               house.dovecot.log(), "a line in the log")
    equal(house.dovecot.errors(), [], "errors")


@test
def U05_a_drop_folder_is_a_wish_too(place):
    house = House(place)
    house.deliver(house.news())
    with house.imap() as imap:
        imap.ok('CREATE "Leave"')
        imap.ok('UID COPY 1 "Leave"')
        wait_until(lambda: house.endpoint.requests, "a POST")
        wait_until(lambda: [r["state"] for r in house.log()] == ["done"], "its log")
        wait_flag(imap, 2, "$unsubscribed")  # the copy that came back
        true("$UnsubscribePending" not in imap.flags(2), "nothing is awaited")


@test
def U07_what_definitely_failed_is_never_called_unsubscribed(place):
    house = House(place)
    for number, path, host in ((1, "/missing", "lists.test"), (2, "/redirect", "lists.test"),
                               (3, "/ok", "local.lists.test"), (4, "/ok", "none.lists.test")):
        house.deliver(house.news(path, number, host=host))
    house.deliver(newsletter(house.endpoint.url("/ok"), number=5))  # unsigned
    with house.imap() as imap:
        imap.ok("UID STORE 1:5 +FLAGS ($Unsubscribe)")
        for uid in range(1, 6):
            wait_flag(imap, uid, "$UnsubscribeFailed")
            true("$unsubscribed" not in imap.flags(uid), f"message {uid}")
    equal(house.endpoint.intruders(), 0, "connections to forbidden addresses")
    rows = {row["list"]: row for row in house.log()}
    equal({rows[f"offers{n}.sender.test"]["note"].split()[0] for n in (1, 2, 3, 4)},
          {"refused", "redirect", "forbidden", "dns"}, "notes")
    equal({row["state"] for row in rows.values()}, {"failed"}, "states")
    true(any(row["note"] == "unsigned" for row in rows.values()), "the unsigned one")


@test
def pitfall_22_three_posts_then_mail_by_the_subscribed_address(place):
    house = House(place)
    house.deliver(house.news("/trouble", 1, "mailto:leave-1@sender.test?subject=go%20away"
                                            "&body=one%0D%0Atwo"))
    with house.imap() as imap:
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 1, "$unsubscribed")
    equal(len(house.endpoint.requests), 3, "POSTs")
    (mail,) = house.sink.messages
    for line in (f"From: <{ANN}>", "To: <leave-1@sender.test>", "Subject: go away",
                 "\r\n\r\none\r\ntwo\r\n"):
        true(line.encode() in mail, f"{line} in {mail}")
    (row,) = house.log()
    equal((row["state"], row["by"], row["host"], row["posts"]),
          ("done", "mailto", "leave-1@sender.test", 3), "log")


@test
def L02_a_mailto_alone_is_enough_and_no_service_of_ours_is_mailed(place):
    house = House(place)
    house.deliver(house.news(None, 1, "mailto:leave+1@sender.test"))
    house.deliver(house.news(None, 2, "mailto:postmaster@example.net?subject=drop"))
    house.deliver(house.news(None, 3, "mailto:a@sender.test?subject=x%0D%0ABcc:%20v@x.test"))
    with house.imap() as imap:
        imap.ok("UID STORE 1:3 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 1, "$unsubscribed")
        wait_flag(imap, 2, "$UnsubscribeFailed")
        wait_flag(imap, 3, "$UnsubscribeFailed")
    (mail,) = house.sink.messages
    true(b"To: <leave+1@sender.test>" in mail and b"Subject: unsubscribe" in mail, mail)


@test
def pitfall_25_many_at_once_are_asked_about_first(place):
    house = House(place)
    for number in range(1, 21):
        house.deliver(house.news(number=number))
    with house.imap() as imap:
        imap.ok("UID STORE 1:* +FLAGS ($Unsubscribe)")
        for uid in range(1, 21):
            wait_flag(imap, uid, "$UnsubscribeConfirm")
        time.sleep(1)
        equal(house.endpoint.requests, [], "POSTs before the user said yes")
        imap.ok("UID STORE 7 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 7, "$unsubscribed")
        equal([r.path for r in house.endpoint.requests], ["/ok?u=7"], "only what was meant")
        imap.ok("UID STORE 1:* +FLAGS ($Unsubscribe)")
        for uid in range(1, 21):
            wait_flag(imap, uid, "$unsubscribed")
    wait_until(lambda: len(house.endpoint.requests) >= 20, "all of them")


@test
def pitfall_22_spam_is_not_answered_without_asking(place):
    house = House(place)
    house.deliver(house.news(number=1, more="X-Spam-Flag: YES\r\n"))
    house.deliver(house.news(number=2))
    with house.imap() as imap:
        imap.ok('UID MOVE 2 "Junk"')
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 1, "$UnsubscribeConfirm")
        imap.select("Junk")
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 1, "$UnsubscribeConfirm")
        equal(house.endpoint.requests, [], "POSTs")
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 1, "$unsubscribed")
    equal([r.path for r in house.endpoint.requests], ["/ok?u=2"], "the confirmed one")


@test
def pitfall_25_a_script_or_an_import_is_nobodys_wish(place):
    house = House(place)
    with house.imap() as imap:
        imap.append("INBOX", house.news().decode(), "$Unsubscribe")
        time.sleep(1)
    equal(house.endpoint.requests, [], "POSTs")


@test
def one_list_is_left_once_whatever_many_copies_are_tagged(place):
    house = House(place)
    for number in (1, 2, 3):
        house.deliver(house.news(number=number, list_id="one.sender.test"))
    with house.imap() as imap:
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 1, "$unsubscribed")
        imap.ok("UID STORE 2:3 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 2, "$unsubscribed")
        wait_flag(imap, 3, "$unsubscribed")
    equal(len(house.endpoint.requests), 1, "POSTs")


@test
def the_worker_away_means_later_and_imap_notices_nothing(place):
    house = House(place)
    for number in range(1, 6):
        house.deliver(house.news(number=number))
    with house.imap() as imap:
        def tag(number):
            for pid in house.dovecot.pids("remite-unsubscribe"):
                os.kill(pid, 9)
            imap.ok(f"UID STORE {number + 1} +FLAGS ($Unsubscribe)")
            imap.ok("NOOP")
        quick(2, tag)
        wait_flag(imap, 1, "$unsubscribed")


@test
def in_report_mode_nothing_leaves(place):
    house = House(place, mode="report")
    house.deliver(house.news())
    with house.imap() as imap:
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        wait_until(lambda: "unsubscribe would be done" in house.dovecot.log(), "a word")
    equal(house.endpoint.requests, [], "POSTs")


@test
def pitfall_19_through_postfix_milter_and_dovecot_after_the_key_is_gone(place):
    """The MX proves, the key goes, the user clicks; and the list goes on for days."""
    house = House(place, key_stands=False, settings='still_after = "1s"')
    milter = Milter(place, house.key.record(), "all: { }", places=("after", "inbound"),
                    more=f'state = "{place.file("state")}"\n'
                         'unsubscribing: { still_after = "1s" }')
    postfix = Postfix(place, services="lmtp unix - - n - - lmtp\n", settings={
        "smtpd_milters": milter.address_of("inbound"), "milter_default_action": "accept",
        "default_transport": f"lmtp:inet:127.0.0.1:{house.dovecot.ports['lmtp']}"})

    def send(number):
        with Smtp(postfix.port) as client:
            reply = client.message("b@sender.test", [ANN], house.news(
                number=number, list_id="one.sender.test").decode())[1]
        equal(reply.code, 250, str(reply))
        postfix.wait_delivered(number)

    def prove(way):
        house.deliver(f"X-Remite-Unsubscribe: v=1; d=a.test; s=s; t=1; {way}\r\n".encode() +
                      house.news(number=9, list_id="nine.sender.test"))

    prove("m=<mailto:x@a.test>")
    with house.imap() as imap:
        imap.ok("NOOP")
        true("$canunsubscribe" not in imap.flags(1), "a mailto is no one click")
        imap.ok("UID STORE 1 +FLAGS (\\Deleted)")
        imap.ok("EXPUNGE")
    send(1)
    with house.imap() as imap:
        wait_flag(imap, 2, "$canunsubscribe")
        imap.ok("UID STORE 2 +FLAGS ($Unsubscribe)")
        wait_flag(imap, 2, "$unsubscribed")
    equal([r.path for r in house.endpoint.requests], ["/ok?u=1"], "POSTs")
    wait_until(lambda: "vouches=record" in house.dovecot.log(), "by the proof of delivery")
    time.sleep(2)
    send(2)
    (row,) = house.log("--still")
    equal((row["list"], row["still"]), ("one.sender.test", 1), "still sending")
    wait_until(lambda: "still-sending=one.sender.test" in milter.log(), "the milter says so")


@test
def U07_the_result_comes_though_the_session_is_over(place):
    house = House(place)
    house.deliver(house.news("/trouble-once"))
    with house.imap() as imap:
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        wait_until(lambda: house.endpoint.requests, "the first POST")
        imap.logout()
    wait_until(lambda: [r["state"] for r in house.log()] == ["done"], "its log")
    with house.imap() as imap:
        wait_flag(imap, 1, "$unsubscribed")
        true("$UnsubscribePending" not in imap.flags(1), imap.flags(1))


@test
def doveadm_leaves_a_list_for_a_user(place):
    house = House(place)
    for number in (1, 2):
        house.deliver(house.news(number=number))
    out = house.dovecot.doveadm("remite", "unsubscribe", "-u", ANN, "mailbox", "INBOX", "uid", "1")
    true(re.search(r"^INBOX\s+1\s+taken", out, re.M), out)
    wait_until(lambda: [r["state"] for r in house.log()] == ["done"], "its log")
    equal([r.path for r in house.endpoint.requests], ["/ok?u=1"], "POSTs")
    with house.imap() as imap:
        wait_flag(imap, 1, "$unsubscribed")
        true("$unsubscribed" not in imap.flags(2), "the other message")
    status, out = house.dovecot.doveadm("remite", "unsubscribe", "-u", ANN, want=None)
    true(status != 0 and "which messages" in out, f"without a query: {status} {out}")
    equal(house.dovecot.errors(), [], "errors")


@test
def pitfall_25_doveadm_asks_about_many_unless_told(place):
    house = House(place)
    for number in range(1, 21):
        house.deliver(house.news(number=number))
    house.dovecot.doveadm("remite", "unsubscribe", "-u", ANN, "mailbox", "INBOX", "all")
    with house.imap() as imap:
        for uid in range(1, 21):
            wait_flag(imap, uid, "$UnsubscribeConfirm")
        equal(house.endpoint.requests, [], "POSTs before somebody said yes")
        house.dovecot.doveadm("remite", "unsubscribe", "-y", "-u", ANN, "mailbox", "INBOX", "all")
        wait_until(lambda: len({r.path for r in house.endpoint.requests}) == 20, "all of them")
        wait_flag(imap, 20, "$unsubscribed")


@test
def doveadm_says_why_it_cannot(place):
    house = House(place, remite={"unsubscribe": "no"})
    house.deliver(house.news())
    status, out = house.dovecot.doveadm("remite", "unsubscribe", "-u", ANN, "mailbox", "INBOX",
                                        "all", want=None)
    true(status != 0 and "remite_unsubscribe = yes" in out, f"not allowed: {status} {out}")
    house.dovecot.remite["unsubscribe"] = "yes"
    house.dovecot.configure()
    house.dovecot.reload()
    status, out = house.dovecot.doveadm("remite", "unsubscribe", "-s", place.file("none"), "-u",
                                        ANN, "mailbox", "INBOX", "all", want=None)
    true(status != 0 and "is Dovecot running" in out, f"no agent: {status} {out}")
    equal(house.endpoint.requests, [], "POSTs")


if __name__ == "__main__":
    main()
