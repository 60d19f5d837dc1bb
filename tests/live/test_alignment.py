# SPDX-License-Identifier: MIT
"""All of it at once: Postfix, a real signer, both programs, and a name server on
loopback. What is aligned passes, what is not is refused by its own rule.

Not in .test, nor with addresses for documentation: libunbound answers for those
itself (RFC 6761, RFC 6303).
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dns import NameServer
from live import equal, main, quick, test, true, wait_until
from milter import Milter, Signer
from policyd import Policyd
from postfix import Postfix
from smtp import Smtp

SPF = 'TXT "v=spf1 ip4:198.18.0.20 ip4:198.18.0.21 -all"'
NO_SPF = 'TXT "v=spf1 ip4:198.18.0.99 -all"'
DMARC = 'TXT "v=DMARC1; p={}"'

# good.example and shop.example have everything; each other lacks one thing.
ZONE = f"""
20.0.18.198.in-addr.arpa PTR mx.good.example
mx.good.example A 198.18.0.20
good.example {SPF}
_dmarc.good.example {DMARC.format("reject")}
shop.example {SPF}
_dmarc.shop.example {DMARC.format("quarantine")}
carrier.example {SPF}
_dmarc.carrier.example {DMARC.format("none")}
nothing.example {NO_SPF}
_dmarc.nothing.example {DMARC.format("none")}
lax.example A 198.18.0.99
_dmarc.lax.example {DMARC.format("none")}
strict.example A 198.18.0.99
_dmarc.strict.example {DMARC.format("reject")}
nospf.example {NO_SPF}
_dmarc.nospf.example {DMARC.format("none")}
unsigned.example {SPF}
_dmarc.unsigned.example {DMARC.format("none")}
nodmarc.example {SPF}
open.example TXT "v=spf1 +all"
_dmarc.open.example {DMARC.format("none")}
noptr.example {SPF}
_dmarc.noptr.example {DMARC.format("none")}
xn--pple-43d.example {SPF}
_dmarc.xn--pple-43d.example {DMARC.format("none")}
"""

SIGNS = {f"*@{domain}": domain for domain in
         ("good.example", "shop.example", "nospf.example", "nodmarc.example",
          "open.example", "noptr.example", "xn--pple-43d.example")}

STREAMS = """
	open: { sender_domains = "open.example"  egress = "out"  require = ["spf-record"] }
	noptr: { sender_domains = "noptr.example"  egress = "far"  require = ["ptr"] }
	bulk: {
		sender_domains = ["shop.example", "nospf.example", "unsigned.example",
				  "nodmarc.example"]
		egress = "out"
		require = ["aligned", "one-click"]
		rules: { bulk = "reject" }
	}
	rest: { egress = "out"  rules: { hygiene = "reject"  sizes = "reject" } }
"""
MORE = """
organization = ["good.example"]
dns: {{ servers = ["{server}"]  negative_ttl_max = "1s" }}
egress: {{
	out: {{ addresses = ["198.18.0.20"]  helo = "mx.good.example" }}
	far: {{ addresses = ["198.18.0.21"]  helo = "mx.good.example" }}
}}
"""

CLICK = ("List-Unsubscribe: <https://shop.example/u/1>\r\n"
         "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")

ALIGNED = [
    # envelope, From, more fields
    ("ann@good.example", "ann@good.example", ""),
    ("x@lax.example", "Ann <ann@good.example>", ""),       # by its signature alone
    ("ann@carrier.example", "ann@carrier.example", ""),    # by SPF alone
    ("news@shop.example", "news@shop.example", CLICK),
]

MISALIGNED = [
    # rule, who answers, envelope, From, more fields
    ("R1", "milter", "a@nothing.example", "a@nothing.example", ""),
    ("R2", "milter", "a@nospf.example", "a@nospf.example", CLICK),
    ("R3", "policyd", "a@open.example", "a@open.example", ""),
    ("R4", "milter", "a@unsigned.example", "a@unsigned.example", CLICK),
    ("R5", "milter", "a@nodmarc.example", "a@nodmarc.example", CLICK),
    ("R6", "milter", "x@carrier.example", "ann@lax.example", ""),
    ("R7", "milter", "x@carrier.example", "ann@strict.example", ""),
    ("R8", "milter", "x@carrier.example", "ann@gmail.com", ""),
    ("R9", "policyd", "a@noptr.example", "a@noptr.example", ""),
    ("R11", "milter", "ann@good.example", "ann@good.example\r\nFrom: eve@lax.example", ""),
    ("R12", "milter", "ann@good.example", "ann@good.example",
     "X-Long: " + ("x " * 400 + "\r\n ") * 50 + "x\r\n"),
    ("R13", "milter", "news@shop.example", "news@shop.example", ""),
    ("R19", "milter", "a@xn--pple-43d.example", "a@xn--pple-43d.example", ""),
]


def message(sender, more=""):
    return (f"From: {sender}\r\nTo: bob@example.org\r\nSubject: test\r\n"
            "Date: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{time.monotonic_ns()}@good.example>\r\n{more}\r\nHello,\r\nworld.\r\n")


class Servers:
    """deadline: the milter's, for DNS; long, for a machine that is busy."""

    def __init__(self, place, deadline="20s"):
        self.milter_settings = f'\tdeadline = "{deadline}"\n'
        self.read = {"policyd": 0, "milter": 0}  # of the logs
        signer = Signer(place, SIGNS, "SignHeaders *,+List-Unsubscribe,+List-Unsubscribe-Post")
        self.dns = NameServer(ZONE + signer.zone())
        self.policyd = Policyd(place)
        self.more = MORE.format(server=self.dns.address)
        self.milter = Milter(place, None, STREAMS, policyd=self.policyd, egress="",
                             more=self.more, milter=self.milter_settings, places=("before", "after"))
        self.policyd.restart()
        milters = ", ".join([self.milter.address_of("before"), signer.address,
                             self.milter.address])
        self.postfix = Postfix(place, self.policyd.socket, settings={
            "smtpd_milters": milters, "non_smtpd_milters": milters,
            "milter_default_action": "accept", "milter_command_timeout": "60s",
            "milter_content_timeout": "60s"})
        for domain in ("open.example", "noptr.example"):
            self.settle(domain)

    def settle(self, domain):
        """At its first sight nothing is known of a sender's domain, and nothing refused."""
        request = f"sender=a@{domain}\nrecipient=b@example.org\n"
        def is_known():
            with self.policyd.client() as client:
                client.rcpt(f"a@{domain}", "b@example.org")
            return "unknown" not in self.policyd.remite("explain", stdin=request)

        wait_until(is_known, f"DNS about {domain}")

    def set_mode(self, mode):
        self.milter.configure(STREAMS, mode, self.milter_settings, self.more)
        self.milter.reload()
        self.policyd.reload()
        self.read = {"policyd": len(self.policyd.log()), "milter": len(self.milter.log())}

    def send(self, envelope, sender, more=""):
        """The reply that decides: of RCPT, or to the message."""
        with Smtp(self.postfix.port) as client:
            client.mail(envelope)
            reply = client.rcpt("bob@example.org")
            if reply.code == 250:
                reply = client.data(message(sender, more))
        return reply

    def rules_found(self):
        """{rule: how often} since set_mode(): for what a message was, or would have been,
        refused."""
        found = {}
        for log in (self.policyd.log()[self.read["policyd"]:],
                    self.milter.log()[self.read["milter"]:]):
            for line in log.splitlines():
                if "action=reject" not in line and "would=reject" not in line:
                    continue
                for rule in re.search(r" rules?=(\S+)", line)[1].split(","):
                    found[rule] = found.get(rule, 0) + 1
        return found


@test
def what_is_aligned_passes(place):
    servers = Servers(place)
    for envelope, sender, more in ALIGNED:
        reply = servers.send(envelope, sender, more)
        equal(reply.code, 250, f"{sender} by {envelope}: {reply}; {servers.milter.last()}")
    equal(len(servers.postfix.wait_delivered(len(ALIGNED))), len(ALIGNED), "delivered")


@test
def each_misalignment_is_refused_by_its_own_rule(place):
    servers = Servers(place)
    for rule, _, envelope, sender, more in MISALIGNED:
        reply = servers.send(envelope, sender, more)
        true(reply.code in (550, 552, 554) and f"(rule {rule})" in reply.text,
             f"{rule}: {sender!r} by {envelope}: {reply}; {servers.milter.last()[:600]}")
    equal(servers.postfix.delivered(), [], "delivered")
    equal(len({row[0] for row in MISALIGNED}), len(MISALIGNED), "rules")
    for rule, host, *_ in MISALIGNED:
        log = servers.policyd.log() if host == "policyd" else servers.milter.log()
        true(re.search(rf"action=reject .*rules?=(\S+,)?{rule}[, ]", log),
             f"{rule} in {host}'s log")


@test
def report_mode_refuses_nothing_and_counts_the_same(place):
    servers = Servers(place)
    counted = {}
    for mode in ("enforce", "report"):
        servers.set_mode(mode)
        for rule, host, envelope, sender, more in MISALIGNED:
            reply = servers.send(envelope, sender, more)
            equal(reply.code == 250, mode == "report", f"{mode} {rule} of {host}: {reply}")
        counted[mode] = servers.rules_found()
    true(len(counted["enforce"]) >= len(MISALIGNED), f"found {counted['enforce']}")
    # What policyd only reports, the milter sees as well: never less is found.
    for rule, times in counted["enforce"].items():
        true(counted["report"].get(rule, 0) >= times,
             f"{rule}: {times} in enforce mode, {counted['report'].get(rule, 0)} in report mode")
    equal(len(servers.postfix.wait_delivered(len(MISALIGNED))), len(MISALIGNED), "delivered")


@test
def killed_programs_stop_no_mail(place):
    servers = Servers(place)
    rows = [row[2:] for row in MISALIGNED] + ALIGNED
    servers.milter.kill()
    servers.policyd.kill()
    begun = time.monotonic()
    for envelope, sender, more in rows:
        reply = servers.send(envelope, sender, more)
        equal(reply.code, 250, f"{sender!r} by {envelope}: {reply}")
    equal(len(servers.postfix.wait_delivered(len(rows))), len(rows), "delivered")
    true(time.monotonic() - begun < 5 * len(rows), "within the time-outs")


@test
def a_silent_name_server_refuses_nothing(place):
    servers = Servers(place, deadline="2s")
    servers.dns.silent = True
    for rule, host, envelope, sender, more in MISALIGNED:
        if rule in ("R1", "R6", "R7", "R13"):
            def send(_number, rule=rule, host=host, envelope=envelope, sender=sender,
                     more=more):
                reply = servers.send(envelope.replace("@", "@n."),
                                     sender.replace("@", "@n."), more)
                equal(reply.code, 250, f"{rule} of {host}: {reply}")

            quick(4, send)  # milter.deadline, else 11 s


if __name__ == "__main__":
    main()
