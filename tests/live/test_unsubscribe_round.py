# SPDX-License-Identifier: MIT
"""The whole round: a newsletter goes out through Postfix, both milters and opendkim; the
link found in it is followed as Gmail does; the next copy is refused, a password reset
still passes. E01, E02, E03,
E04, E05, E06."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import equal, main, test, wait_until
from milter import Milter, Signer
from policyd import Policyd
from postfix import Postfix
from sink import Sink
from smtp import Smtp
from http_site import Site
from links import ask_twice

STREAMS = """
	news: {{
		senders = ["*@news.good.test"]
		class = "promotional"
		unsubscribe: {{
			https = "https://mail.example.test/u/"
			mailto = "unsubscribe@b.example.test"
			add = "{add}"
		}}
	}}
	resets: {{ senders = ["*@good.test"]  class = "transactional" }}
"""

ZONE = """
good.test            TXT "v=spf1 ip4:192.0.2.20 ip6:2001:db8::20 -all"
news.good.test       TXT "v=spf1 ip4:192.0.2.20 ip6:2001:db8::20 -all"
_dmarc.good.test     TXT "v=DMARC1; p=reject"
"""

SIGN = ("SignHeaders from,to,subject,date,message-id,list-unsubscribe,list-unsubscribe-post\n"
        "OversignHeaders From,List-Unsubscribe,List-Unsubscribe-Post")


def message(sender, recipient, subject):
    return (f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n"
            "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@good.test>\r\n\r\n"
            "Hello.\r\n")


class House:
    def __init__(self, place, add):
        self.site = Site(place)
        more = f'keys = "{place.file("ring")}"\n'
        streams = STREAMS.format(add=add)
        signer = Signer(place, {"*@news.good.test": "good.test", "*@good.test": "good.test"},
                        more=SIGN)
        self.policyd = Policyd(place, streams, more=more)
        self.milter = Milter(place, ZONE + signer.zone(), streams, more=more,
                             places=("before", "after"))
        self.sink = Sink(place)
        milters = ", ".join((self.milter.address_of("before"), signer.address,
                             self.milter.address_of("after")))
        self.postfix = Postfix(place, self.policyd.socket, settings={
            "default_transport": self.sink.transport, "smtpd_milters": milters,
            "milter_default_action": "accept", **ask_twice(self.policyd.socket)})

    def send(self, sender, recipient="ann@example.org", subject="News"):
        """Replies to RCPT and to the message."""
        with Smtp(self.postfix.port) as client:
            replies, last = client.message(sender, [recipient],
                                           message(sender, recipient, subject))
        return replies[0], last


def whole_round(place, add):
    house = House(place, add)
    equal(house.send("list@news.good.test")[1].code, 250, "the newsletter")
    mail = house.sink.wait()[0]
    equal(mail.fields("List-Unsubscribe-Post"), ["List-Unsubscribe=One-Click"], "the pair")
    signature = mail.fields("DKIM-Signature")[0].lower().replace(" ", "")
    signed = re.search(r";h=([^;]+)", signature)[1].split(":")
    for name in ("list-unsubscribe", "list-unsubscribe-post"):
        equal(signed.count(name), 2, f"{name} in h= of {signature}: signed, no second one possible")
    url = re.search(r"<(https://[^>]+)>", mail.fields("List-Unsubscribe")[0])[1]
    answer = house.site.post("/u/" + url.rsplit("/", 1)[1])
    equal(answer.status, 200, "the POST")
    reply, _ = house.send("list@news.good.test")
    equal((reply.code, "unsubscribe since" in reply.text), (554, True), f"the next copy: {reply}")
    equal(house.send("reset@good.test", subject="Your password")[1].code, 250, "the reset")
    house.sink.wait(2)
    equal(house.send("list@news.good.test", "bob@example.org")[1].code, 250, "somebody else")
    equal([m.recipients[0] for m in house.sink.wait(3)],
          ["ann@example.org", "ann@example.org", "bob@example.org"], "delivered")
    wait_until(lambda: "unsubscribed stream=news" in house.site.dovecot.log(),
               "the line in the log")


@test
def the_round_with_fields_by_policyd(place):
    whole_round(place, "policyd")


@test
def the_round_with_fields_by_the_milter(place):
    whole_round(place, "milter")


if __name__ == "__main__":
    main()
