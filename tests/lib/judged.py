# SPDX-License-Identifier: MIT
"""Servers: Postfix with a signer and remite-milter behind it, and domains of all kinds."""
import time

from milter import Milter, Signer
from postfix import Postfix
from smtp import Smtp

# The egress is 192.0.2.20 and 2001:db8::20 (milter.py).
ZONE = """
good.test            TXT "v=spf1 ip4:192.0.2.20 ip6:2001:db8::20 -all"
_dmarc.good.test     TXT "v=DMARC1; p=reject"
news.good.test       TXT "v=spf1 ip4:192.0.2.20 ip6:2001:db8::20 -all"
lax.test             TXT "v=spf1 ip4:198.51.100.1 -all"
_dmarc.lax.test      TXT "v=DMARC1; p=none"
half.test            TXT "v=spf1 ip4:192.0.2.20 -all"
_dmarc.half.test     TXT "v=DMARC1; p=none"
strict.test          TXT "v=spf1 -all"
_dmarc.strict.test   TXT "v=DMARC1; p=quarantine; aspf=s; adkim=s"
b.strict.test        TXT "v=spf1 ip4:192.0.2.20 ip6:2001:db8::20 -all"
carrier.test         TXT "v=spf1 ip4:192.0.2.20 ip6:2001:db8::20 -all"
bare.test            A 192.0.2.99
signed.test          A 192.0.2.99
signed.test          SOA ns.signed.test
good.test            SOA ns.good.test
good.test            MX 10 mx.good.test
mx.good.test         A 192.0.2.98
null.test            SOA ns.null.test
null.test            MX 0 .
mute.test            SOA ns.mute.test
_dmarc.signed.test   TXT "v=DMARC1; p=reject"
slow.test            ANY TIMEOUT
_dmarc.slow.test     ANY TIMEOUT
"""

STREAM = """
	all: {{ senders = ["*"]  egress = "out"  rules: {{ {rules} }} }}
	rest: {{ egress = "out" }}
"""

SIGNS = {"*@signed.test": "signed.test", "*@strict.test": "b.strict.test",
         "*@crossed.test": "carrier.test"}


def message(sender, more="", subject="test"):
    return (f"From: {sender}\r\nTo: bob@example.org\r\nSubject: {subject}\r\n"
            "Date: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{time.monotonic_ns()}@example.test>\r\n{more}\r\nHello,\r\nworld.\r\n")


class Servers:
    def __init__(self, place, rules="", mode="enforce", zone=ZONE, signs=None, settings=None,
                 streams=None, signer="", **options):
        signer = Signer(place, signs if signs is not None else SIGNS, signer)
        self.milter = Milter(place, zone + signer.zone(),
                             streams or STREAM.format(rules=rules), mode, **options)
        milters = f"{signer.address}, {self.milter.address}"
        self.postfix = Postfix(place, settings={
            "smtpd_milters": milters, "non_smtpd_milters": milters,
            "milter_default_action": "accept", "milter_command_timeout": "60s",
            "milter_content_timeout": "60s", **(settings or {})})

    def send(self, envelope, text):
        with Smtp(self.postfix.port) as client:
            return client.message(envelope, ["bob@example.org"], text)[1]
