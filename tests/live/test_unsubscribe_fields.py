# SPDX-License-Identifier: MIT
"""The fields of RFC 8058 on their way out: by policyd at DATA, or by remite-milter in
front of the signer; one of each, never two. E01, E05, E06."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from links import ask_twice, keys
from live import equal, main, test, true, wait_until
from milter import Milter
from policyd import Policyd
from postfix import Postfix
from sink import Sink
from smtp import Smtp

LINK = r"<https://mail\.example\.test/u/[a-z2-7]+>"
MAILTO = r"<mailto:unsubscribe@b\.example\.test\?subject=unsubscribe%20[a-z2-7]+>"
BARE_MAILTO = "<mailto:unsubscribe@b.example.test?subject=unsubscribe>"
POST = "List-Unsubscribe=One-Click"

STREAMS = """
	news: {{
		senders = ["*@news.example.test"]
		unsubscribe: {{
			https = "https://mail.example.test/u/"
			mailto = "unsubscribe@b.example.test"
			{more}
		}}
	}}
"""


class ByPolicyd:
    def __init__(self, place, more="", mode="enforce", policy_context=True):
        self.sink = Sink(place)
        self.policyd = Policyd(place, STREAMS.format(more=more), mode, more=keys(place))
        settings = {"default_transport": self.sink.transport}
        if policy_context:
            settings.update(ask_twice(self.policyd.socket))
        self.postfix = Postfix(place, self.policyd.socket, settings=settings)

    def send(self, recipients=("ann@example.org",), sender="list@news.example.test",
             more=""):
        with Smtp(self.postfix.port) as client:
            return client.message(sender, list(recipients),
                                  f"Subject: test\r\n{more}\r\ntest\r\n")[1]


class ByMilter:
    def __init__(self, place, more="", mode="enforce"):
        self.sink = Sink(place)
        self.milter = Milter(place, "", STREAMS.format(more=more + ' add = "milter"'), mode,
                             more=keys(place), places=("before", "after"))
        self.postfix = Postfix(place, settings={
            "default_transport": self.sink.transport, "smtpd_milters": self.milter.address_of("before"),
            "non_smtpd_milters": self.milter.address_of("before")})

    send = ByPolicyd.send


def check_both(mail):
    """One field each, with a link and a mailto form."""
    equal(len(mail.fields("List-Unsubscribe")), 1, "List-Unsubscribe fields")
    value = mail.fields("List-Unsubscribe")[0]
    true(re.fullmatch(f"{LINK}, {MAILTO}", value), value)
    equal(mail.fields("List-Unsubscribe-Post"), [POST], "List-Unsubscribe-Post")


@test
def policyd_gives_a_message_of_one_recipient_its_links(place):
    """E01"""
    servers = ByPolicyd(place)
    equal(servers.send().code, 250, "the message")
    check_both(servers.sink.wait()[0])


@test
def setup_has_postfix_ask_for_both_fields(place):
    """E01: in front of what the administrator permits; doctor has nothing to add."""
    servers = ByPolicyd(place, policy_context=False)
    servers.postfix.command("postconf", "-e", "smtpd_data_restrictions=permit_mynetworks")
    servers.policyd.remite("setup", "postfix", "--apply", "--postfix", servers.postfix.path)
    servers.postfix.reload()
    equal(servers.send().code, 250, "the message")
    check_both(servers.sink.wait()[0])
    found = json.loads(servers.policyd.remite("doctor", "--json", "--postfix",
                                              servers.postfix.path, want=1))
    equal([row for row in found["findings"] if row["check"] in ("lists", "text", "one-click")],
          [], "findings")


@test
def each_recipient_has_links_of_its_own_that_do_not_show_it(place):
    """E02, E06"""
    servers = ByPolicyd(place)
    name = "annabella"  # three letters a token of random ones has once in 400 times
    servers.send([f"{name}@example.org"])
    servers.send(["bob@example.org"])
    servers.send([f"{name}@example.org"])
    values = [mail.fields("List-Unsubscribe")[0] for mail in
              sorted(servers.sink.wait(3), key=lambda m: m.recipients)]
    equal(values[0], values[1], "two messages to the same recipient")
    true(values[0] != values[2], "two recipients have one link")
    true(name not in values[0] and "example.org" not in values[0], values[0])


@test
def a_recipient_refused_later_leaves_no_field_behind(place):
    """Asked at RCPT, PREPEND would stay for the one that is refused."""
    servers = ByPolicyd(place)
    servers.policyd.remite("suppress", "add", "bob@example.org", "--scope", "stream:news")
    with Smtp(servers.postfix.port) as client:
        replies, last = client.message("list@news.example.test",
                                       ["bob@example.org", "ann@example.org"])
    equal(([r.code for r in replies], last.code), ([554, 250], 250), "replies")
    check_both(servers.sink.wait()[0])


@test
def other_streams_get_no_field(place):
    servers = ByPolicyd(place)
    servers.send(sender="shop@example.test")
    mail = servers.sink.wait()[0]
    equal(mail.fields("List-Unsubscribe") + mail.fields("List-Unsubscribe-Post"), [],
          "fields")


@test
def report_mode_changes_nothing(place):
    servers = ByPolicyd(place, mode="report")
    servers.send()
    servers.send(["ann@example.org", "bob@example.org"])
    for mail in servers.sink.wait(2):
        equal(mail.fields("List-Unsubscribe"), [], "fields")


@test
def a_message_for_several_is_refused_with_the_reason(place):
    """E06"""
    servers = ByPolicyd(place)
    reply = servers.send(["ann@example.org", "bob@example.org"])
    equal(reply.code, 554, "reply")
    true("must be sent to each recipient apart" in reply.text, reply.text)
    wait_until(lambda: "rule=several-recipients" in servers.policyd.log(), "a line in the log")


@test
def a_message_for_several_may_have_the_address_alone(place):
    servers = ByPolicyd(place, more='several = "mailto"')
    equal(servers.send(["ann@example.org", "bob@example.org"]).code, 250, "reply")
    mail = servers.sink.wait()[0]
    equal(mail.fields("List-Unsubscribe"), [BARE_MAILTO], "List-Unsubscribe")
    equal(mail.fields("List-Unsubscribe-Post"), [], "List-Unsubscribe-Post")


@test
def without_keys_mail_goes_on_without_links_and_the_log_says_so(place):
    sink = Sink(place)
    policyd = Policyd(place, STREAMS.format(more=""),
                      more=f'keys = "{place.file("missing")}"\n')
    postfix = Postfix(place, policyd.socket, settings={"default_transport": sink.transport})
    with Smtp(postfix.port) as client:
        equal(client.message("list@news.example.test", ["ann@example.org"])[1].code, 250,
              "reply")
    equal(sink.wait()[0].fields("List-Unsubscribe"), [], "fields")
    wait_until(lambda: "goes out without unsubscribe links" in policyd.log(), "a line in the log")


@test
def a_rotated_ring_makes_other_links_after_reload(place):
    servers = ByPolicyd(place)
    servers.send()
    servers.sink.wait()
    servers.policyd.remite("keys", "rotate")
    servers.policyd.reload()
    servers.send()
    first, second = (re.search("/u/(.)", mail.fields("List-Unsubscribe")[0])[1]
                     for mail in servers.sink.wait(2))
    equal((first, second), ("a", "b"), "ids of the keys")


# --- in front of the signer ---

OWN = ("List-Unsubscribe: <https://app.example/x>,\r\n\t<mailto:x@app.example>\r\n"
       "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")


@test
def the_milter_adds_both_fields(place):
    servers = ByMilter(place)
    equal(servers.send().code, 250, "the message")
    check_both(servers.sink.wait()[0])


@test
def what_the_application_brought_is_replaced(place):
    servers = ByMilter(place)
    servers.send(more=OWN)
    servers.send(more=OWN + OWN)
    servers.send(more="list-unsubscribe: <https://app.example/x>\r\n")
    for mail in servers.sink.wait(3):
        check_both(mail)


@test
def or_kept_by_setting_but_never_two(place):
    servers = ByMilter(place, more='own = "keep"')
    servers.send(more=OWN)
    servers.send(more=OWN + OWN)
    for mail in servers.sink.wait(2):
        equal(mail.fields("List-Unsubscribe"),
              ["<https://app.example/x>, <mailto:x@app.example>"], "List-Unsubscribe")
        equal(mail.fields("List-Unsubscribe-Post"), [POST], "List-Unsubscribe-Post")
    servers.send()
    check_both(servers.sink.wait(3)[2])


@test
def several_recipients_at_the_milter(place):
    """E06"""
    servers = ByMilter(place)
    reply = servers.send(["ann@example.org", "bob@example.org"])
    equal(reply.code, 550, "reply")
    true("must be sent to each recipient apart" in reply.text, reply.text)


def both(place, own):
    """The application brings its own fields, policyd adds ours: which stay?"""
    sink = Sink(place)
    streams = STREAMS.format(more=f'own = "{own}"')
    policyd = Policyd(place, streams, more=keys(place))
    milter = Milter(place, "", streams, more=keys(place), places=("before", "after"))
    settings = {"default_transport": sink.transport,
                "smtpd_milters": milter.address_of("before")}
    settings.update(ask_twice(policyd.socket))
    postfix = Postfix(place, policyd.socket, settings=settings)
    with Smtp(postfix.port) as client:
        client.message("list@news.example.test", ["ann@example.org"],
                       f"Subject: test\r\n{OWN}\r\ntest\r\n")
    return sink.wait()[0]


@test
def policyd_and_milter_together_leave_ours(place):
    check_both(both(place, "replace"))


@test
def or_those_of_the_application(place):
    mail = both(place, "keep")
    equal(mail.fields("List-Unsubscribe"),
          ["<https://app.example/x>, <mailto:x@app.example>"], "List-Unsubscribe")
    equal(mail.fields("List-Unsubscribe-Post"), [POST], "List-Unsubscribe-Post")


if __name__ == "__main__":
    main()
