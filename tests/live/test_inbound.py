# SPDX-License-Identifier: MIT
"""remite-milter on an MX: the proof of delivery, and inventions that go. Ids in
docs/unsubscribe.md."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import equal, main, test, true, wait_until
from milter import Milter
from postfix import Postfix
from smtp import Smtp
from unsubscribing import Key, Sink, newsletter

URL = "https://lists.test/u?id=4711,7"
STREAMS = "all: { }"


class Mx:
    def __init__(self, place, mode="enforce", **options):
        self.key = Key(place, "sender.test")
        self.sink = Sink(place)
        self.milter = Milter(place, self.key.record(), STREAMS, mode, places=("after", "inbound"),
                             **options)
        self.postfix = Postfix(place, services="lmtp unix - - n - - lmtp\n", settings={
            "smtpd_milters": self.milter.address_of("inbound"),
            "milter_default_action": "accept", "default_transport": self.sink.transport})

    def take(self, message, recipients=("ann@example.net",)):
        """The message as it reaches the mailbox server."""
        count = len(self.sink.messages)
        with Smtp(self.postfix.port) as client:
            reply = client.message("b@sender.test", recipients, message.decode("latin-1"))[1]
        equal(reply.code, 250, str(reply))
        wait_until(lambda: len(self.sink.messages) > count, "the message at the mailbox server")
        return self.sink.messages[-1]

    def line(self):
        return [x for x in self.milter.log().splitlines() if " stage=inbound " in x][-1]


def fields(message, name):
    head = message.split(b"\r\n\r\n")[0].decode("latin-1")
    return [re.sub(r"\r\n[ \t]+", " ", value).rstrip("\r") for value in
            re.findall(rf"(?im)^{name}:((?:\r\n[ \t]|.)*)", head)]


@test
def U02_what_is_signed_is_written_on_top(place):
    mx = Mx(place)
    got = mx.take(mx.key.sign(newsletter(URL, "mailto:leave@sender.test")))
    true(got.startswith(b"X-Remite-Unsubscribe: v=1; d=sender.test; s=s1; t="), got[:300])
    true(got.index(b"X-Remite-Unsubscribe") < got.index(b"Received:"), "above Received")
    (value,) = fields(got, "X-Remite-Unsubscribe")
    for part in ("l=offers.sender.test", f"u=<{URL}>", "m=<mailto:leave@sender.test>"):
        true(part in value, f"{part} in {value}")
    for word in ("unsubscribe=one-click", "list=offers.sender.test", "signer=sender.test",
                 "edits=insert:X-Remite-Unsubscribe"):
        true(word in mx.line(), mx.line())


@test
def D03_the_envelope_says_whom_the_sender_meant(place):
    mx = Mx(place)

    def take(*recipients):
        count = len(mx.sink.messages)
        with Smtp(mx.postfix.port) as client:
            client.mail("b@sender.test")
            for recipient in recipients:
                equal(client.command(f"RCPT TO:<ann@example.net> {recipient}").code, 250, "RCPT")
            client.data("Original-Recipient: rfc822;x@evil.test\r\nSubject: x\r\n\r\nx\r\n")
        wait_until(lambda: len(mx.sink.messages) > count, "the message")
        return fields(mx.sink.messages[-1], "Original-Recipient")

    equal(take("ORCPT=rfc822;info+2Bde@example.net"), [" rfc822;info+de@example.net"], "one")
    equal(take(""), [" rfc822;x@evil.test"], "nothing is known")


@test
def finding_7_an_unsigned_field_on_top_is_not_written(place):
    mx = Mx(place)
    got = mx.take(b"List-Unsubscribe: <https://evil.test/>\r\n" +
                  mx.key.sign(newsletter(URL)))
    (value,) = fields(got, "X-Remite-Unsubscribe")
    true(f"u=<{URL}>" in value and "evil" not in value, value)


@test
def what_strangers_wrote_in_our_name_goes(place):
    mx = Mx(place)
    forged = (b"X-Remite-Unsubscribe: v=1; d=sender.test; s=s1; t=1; u=<https://evil.test/>\r\n"
              b"x-remite-unsubscribe: v=1\r\nX-REMITE-Rules: R1\r\nX-Remit: stays\r\n")
    got = mx.take(forged + mx.key.sign(newsletter(URL)) .replace(
        b"\r\n\r\n", b"\r\nX-Remite-Unsubscribe: below\r\n\r\n", 1))
    (value,) = fields(got, "X-Remite-Unsubscribe")
    true(f"u=<{URL}>" in value, value)
    equal((fields(got, "X-Remite-Rules"), fields(got, "X-Remit")), ([], [" stays"]), "others")
    true("removed=4" in mx.line(), mx.line())
    got = mx.take(forged + newsletter(URL))
    equal(fields(got, "X-Remite-Unsubscribe"), [], "an unsigned message")
    true("unsubscribe=unsigned" in mx.line(), mx.line())


@test
def U02_nothing_is_written_of_what_is_not_covered(place):
    mx = Mx(place)
    message = newsletter(URL)
    for text, word in ((mx.key.sign(message, ("from", "subject")), "uncovered"),
                       (mx.key.sign(message) + b"footer\r\n", "invalid"),
                       (mx.key.sign(newsletter(URL, sender="x@other.test")), "unaligned"),
                       (mx.key.sign(newsletter("http://lists.test/u")), "nothing")):
        equal(fields(mx.take(text), "X-Remite-Unsubscribe"), [], word)
        true(f"unsubscribe={word}" in mx.line(), mx.line())
    got = mx.take(mx.key.sign(newsletter(None, "mailto:leave@sender.test")))
    true("u=<" not in fields(got, "X-Remite-Unsubscribe")[0], "a mailto alone")


@test
def a_header_beyond_our_bounds_has_no_proof_to_be_found(place):
    mx = Mx(place)
    filler = b"".join(b"x:%d\r\n" % i for i in range(10001))
    forged = b"X-Remite-Unsubscribe: v=1; d=sender.test; s=s1; t=1; u=<https://evil.test/>\r\n"
    got = mx.take(filler + forged + newsletter(URL))
    equal(fields(got, "X-Remite-Unsubscribe")[0].strip(), "none", "the first one is ours")
    true(got.startswith(b"X-Remite-Unsubscribe: none"), "and on top")


@test
def in_report_mode_nothing_is_changed(place):
    mx = Mx(place, mode="report")
    got = mx.take(mx.key.sign(newsletter(URL)))
    equal(fields(got, "X-Remite-Unsubscribe"), [], "fields")
    true("would-edit=insert:X-Remite-Unsubscribe" in mx.line(), mx.line())


if __name__ == "__main__":
    main()
