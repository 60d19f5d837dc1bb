# SPDX-License-Identifier: MIT
"""The mailto form of List-Unsubscribe, whole: a newsletter leaves with it, a mail comes
back to it by pipe(8) or through Dovecot, the next copy is refused. E01, L02."""
import email.policy
import json
import os
import re
import shutil
import sys
import urllib.parse
from email.message import EmailMessage

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import Dovecot
from feedback import PIPE, Feedback
from live import BUILD, equal, main, test, true, wait_until
from milter import Milter
from policyd import Policyd
from postfix import Postfix
from sink import Sink
from smtp import Smtp

STREAMS = """
	news: {
		senders = ["*@news.test"]
		class = "promotional"
		unsubscribe: {
			https = "https://mail.example.test/u/"
			mailto = "leave@bounces.test"
			add = "milter"
		}
		rules: { from = "off" align = "off" bulk = "off" }
	}
	resets: { senders = ["*@shop.test"]  rules: { from = "off" align = "off" bulk = "off" } }
"""


class House:
    """Our Postfix; mail to leave@bounces.test goes `back`, all other mail to a sink."""

    def __init__(self, place, dovecot=False):
        self.place = place
        keys = f'keys = "{place.file("ring")}"\n'
        self.policyd = Policyd(place, STREAMS, more=keys)
        Feedback._own_state(self)  # pylint: disable=protected-access
        self.policyd.remite("keys", "make", "--group", Feedback._group(self))
        self.policyd.reload()
        self.milter = Milter(place, "", STREAMS, more=keys, places=("before", "after"),
                             policyd=self.policyd)
        self.sink = Sink(place)
        self.dovecot = None
        back = "remite-feedback:"
        if dovecot:
            self.dovecot = Dovecot(place, users=("leave@bounces.test",),
                                   remite={"feedback": "yes"}, agent=True,
                                   agent_config=self.policyd.config,
                                   more="recipient_delimiter = +\n")
            back = f"lmtp:inet:127.0.0.1:{self.dovecot.ports['lmtp']}"
        self.postfix = Postfix(place, self.policyd.socket, settings={
            "default_transport": self.sink.transport, "recipient_delimiter": "+",
            "smtpd_milters": self.milter.address_of("before"),
            "milter_default_action": "tempfail",
            "transport_maps": f"inline:{{ {{ bounces.test = {back} }} }}",
        }, services=self._pipe())

    user = "nobody"

    def _pipe(self):
        remite = self.place.file("remite-feedback")
        shutil.copy(os.path.join(BUILD, "remite-feedback"), remite)  # where pipe's user may go
        return PIPE.format(user=self.user, remite=remite, config=self.policyd.config)

    def newsletter(self, recipient):
        """Its mailto URI."""
        count = len(self.sink.server.mails)
        with Smtp(self.postfix.port) as client:
            reply = client.message("list@news.test", [recipient],
                                   "From: list@news.test\r\nSubject: News\r\n\r\nHello\r\n")[1]
        equal(reply.code, 250, f"the newsletter: {reply}")
        mail = self.sink.wait(count + 1)[-1]
        return re.search(r"<mailto:([^>]+)>", mail.fields("List-Unsubscribe")[0])[1]

    def mail(self, to, subject, sender="ann@example.org"):
        """As a mail program sends it, which folds and encodes as it likes."""
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"] = sender
        message["To"] = to
        message["Subject"] = subject
        message.set_content("unsubscribe")
        with Smtp(self.postfix.port) as client:
            reply = client.message(sender, [to], message.as_bytes().decode())[1]
        equal(reply.code, 250, f"the mail to {to}: {reply}")

    def refused(self, sender, recipient):
        with Smtp(self.postfix.port) as client:
            client.mail(sender)
            return client.rcpt(recipient)

    def barred(self, address):
        entries = json.loads(self.policyd.remite("suppress", "list", address, "--json"))
        return [(e["scope"], e["reason"]) for e in entries]


def subject_of(uri):
    address, _, query = uri.partition("?")
    return address, urllib.parse.parse_qs(query)["subject"][0]


def whole_round(house):
    address, subject = subject_of(house.newsletter("annabella@example.org"))
    true(len(address.split("@")[0]) <= 64, f"{address}: RFC 5321, 4.5.3.1.1")
    # Three letters a token of random ones has once in 400 times.
    true("annabella" not in subject, f"the address in clear: {subject}")
    house.mail(address, subject)
    wait_until(lambda: house.refused("list@news.test", "annabella@example.org").code == 554,
               "the next copy to be refused")
    true("unsubscribe since" in house.refused("list@news.test", "annabella@example.org").text, "why")
    equal(house.barred("annabella@example.org"), [("stream:news", "unsubscribe")], "entries")
    for sender, recipient in (("reset@shop.test", "annabella@example.org"),
                              ("list@news.test", "bob@example.org")):
        equal(house.refused(sender, recipient).code, 250, f"{sender} to {recipient}")


def hostile(house):
    address, subject = subject_of(house.newsletter("bob@example.org"))
    token = subject.split()[-1]
    changed = token[:30] + ("a" if token[30] != "a" else "b") + token[31:]
    for wrong in (f"unsubscribe {changed}", f"unsubscribe {token[:-2]}", "unsubscribe",
                  "unsubscribe bob@example.org", f"x{token}", "b" + token):
        house.mail(address, wrong, "mallory@example.com")
    house.mail(address.replace("@", "+" + token[:40] + "@"), "unsubscribe", "mallory@example.com")
    return token


@test
def by_pipe_a_mail_unsubscribes(place):
    whole_round(House(place))


@test
def through_dovecot_a_mail_unsubscribes_and_stays_in_its_mailbox(place):
    house = House(place, dovecot=True)
    whole_round(house)
    with house.dovecot.imap("leave@bounces.test") as imap:
        imap.select()
        true("1 EXISTS" in " ".join(imap.lines) or imap.flags(1) is not None, "the mail itself")
    equal(house.dovecot.errors(), [], "log")


def hostile_ones_change_nothing(house):
    hostile(house)
    wait_until(lambda: len(house.postfix.queue()) == 0, "all of them to be delivered")
    # The last one is good, so that the ones before it have been looked at.
    address, subject = subject_of(house.newsletter("carl@example.org"))
    house.mail(address, subject, "carl@example.org")
    wait_until(lambda: house.barred("carl@example.org"), "the good one")
    equal(house.barred("bob@example.org"), [], "bob's entries")
    equal(house.refused("list@news.test", "bob@example.org").code, 250, "mail to bob")


@test
def by_pipe_hostile_ones_change_nothing(place):
    hostile_ones_change_nothing(House(place))


@test
def through_dovecot_hostile_ones_change_nothing(place):
    hostile_ones_change_nothing(House(place, dovecot=True))


if __name__ == "__main__":
    main()
