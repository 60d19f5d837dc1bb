# SPDX-License-Identifier: MIT
"""Rules that remite-milter judges beside alignment: header, text, domains, return path."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from judged import Servers, message
from live import BUILD, equal, main, test, true
from postfix import run


HEADERS = [
    # fields in place of those of message(), rule, status
    ("Message-ID: <1@good.test>\r\n", "R11", "5.7.1"),  # Postfix does not mend it
    ("Date: soon\r\nMessage-ID: <1@good.test>\r\n", "R11", "5.7.1"),
    ("Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: 1\r\n", "R11", "5.7.1"),
    ("Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@good.test>\r\n"
     "Subject: again\r\n", "R11", "5.7.1"),
    ("Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@good.test>\r\n"
     "X-Long: " + ("x " * 400 + "\r\n ") * 50 + "x\r\n", "R12", "5.3.4"),
]


@test
def each_flaw_of_the_header_is_refused_with_its_rule(place):
    servers = Servers(place, 'hygiene = "reject" sizes = "reject"',
                      settings={"local_header_rewrite_clients": "",
                                "line_length_limit": "100000"})
    equal(servers.send("ann@good.test", message("ann@good.test")).code, 250, "a good one")
    for fields, rule, status in HEADERS:
        text = "From: ann@good.test\r\nSubject: x\r\n" + fields + "\r\nHello.\r\n"
        reply = servers.send("ann@good.test", text)
        what = f"{fields[:200]!r}: {reply}; {servers.milter.last()[:600]}"
        true(reply.code in (550, 552) and reply.text.startswith(status + " "), what)
        true(f"(rule {rule})" in reply.text, what)


@test
def bulk_mail_offers_one_click_that_is_signed(place):
    servers = Servers(place, 'unsubscribe = "reject"', signs={"*@signed.test": "signed.test"})
    link = "List-Unsubscribe: <https://signed.test/u/1>\r\n"
    post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    for fields, sender, why in (
            ("", "ann@signed.test", "is missing"),
            (link, "ann@signed.test", "no List-Unsubscribe-Post"),
            (post + "List-Unsubscribe: <mailto:u@signed.test>\r\n", "ann@signed.test", "https"),
            (link + post, "ann@good.test", "not signed")):
        reply = servers.send("ann@good.test", message(sender, fields))
        true(reply.code == 550 and "(rule R13)" in reply.text and why in reply.text,
             f"{fields!r}: {reply}")
    # Unless it is told to, opendkim does not sign the second one.
    reply = servers.send("ann@good.test", message("ann@signed.test", link + post))
    true(reply.code == 550 and "covers: there is no List-Unsubscribe-Post" in reply.text,
         str(reply))


@test
def bulk_mail_that_is_signed_as_rfc_8058_wants_it_passes(place):
    servers = Servers(place, 'unsubscribe = "reject"', signs={"*@signed.test": "signed.test"},
                      signer="SignHeaders *,+List-Unsubscribe,+List-Unsubscribe-Post")
    fields = ("List-Unsubscribe: <https://signed.test/u/1>\r\n"
              "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
    reply = servers.send("ann@good.test", message("ann@signed.test", fields))
    equal(reply.code, 250, f"{reply}; {servers.milter.last()}")
    true("rules=R14,R16 " in servers.milter.last(), servers.milter.last())


@test
def selectors_that_hold_are_remembered(place):
    servers = Servers(place)
    remite = [f"{BUILD}/remite", "-c", servers.milter.config]
    equal(run([*remite, "selectors", "list", "--json"]), "", "at first")
    for sender, more in (("ann@signed.test", ""), ("ann@good.test", ""),
                         ("ann@crossed.test", "List-Id: <l.example.org>\r\n")):
        servers.send("ann@good.test", message(sender, more))
    rows = [json.loads(line) for line in
            run([*remite, "selectors", "list", "--json"]).splitlines()]
    equal([row["domain"] for row in rows], ["signed.test"], "domains that sign their own mail")
    selector = rows[0]["selector"]
    for domain in ("signed.test", "Signed.TEST"):
        said = subprocess.run([*remite, "check", "--dns-file", servers.milter.zone, domain],
                              capture_output=True, text=True, timeout=60, check=False).stdout
        true(f"{selector}._domainkey.signed.test" in said, said)
    run([*remite, "selectors", "forget", "Signed.test"])
    equal(run([*remite, "selectors", "list", "--json"]), "", "at last")


@test
def the_way_out_is_found_in_any_encoding(place):
    servers = Servers(place, 'unsubscribe = "log"', signs={"*@signed.test": "signed.test"})
    for encoding, body, found in (
            ("base64", "SGVsbG8KVW5zdWJzY3JpYmU6IGh0dHBzOi8vc2lnbmVkLnRlc3QvdQo=", True),
            ("base64", "SGVsbG8K", False),
            ("quoted-printable", "se d=C3=A9sab=\r\nonner", True)):
        text = message("ann@signed.test", f"MIME-Version: 1.0\r\n"
                       f"Content-Transfer-Encoding: {encoding}\r\n")
        head = text.split("\r\n\r\n", 1)[0]
        servers.send("ann@good.test", f"{head}\r\n\r\n{body}\r\n")
        equal("R14" not in servers.milter.last(), found, servers.milter.last())


DOMAINS = [
    # envelope, From, more, rule, text
    ("ann@good.test", "ann@good.test", "Reply-To: bob@mute.test\r\n", "R18", "Reply-To"),
    ("ann@good.test", "ann@good.test", "Reply-To: bob@null.test\r\n", "R18", "null MX"),
    ("ann@null.test", "ann@good.test", "", "R17", "the return path: null.test"),
    ("ann@gone.test", "ann@good.test", "", "R17", "the return path: gone.test"),
    ("ann@good.test", "ann@null.test", "Reply-To: a@good.test\r\n", "R17", "From: null.test"),
    ("ann@good.test", "ann@mute.test", "", "R18", "From: mute.test"),
]


@test
def domains_that_are_not_there_or_take_no_mail_are_refused(place):
    servers = Servers(place, 'align = "off" domains = "reject"')
    for text in (message("ann@good.test"),
                 message("ann@mute.test", "Reply-To: Ann <ann@good.test>\r\n")):
        equal(servers.send("ann@good.test", text).code, 250, servers.milter.last())
    equal(servers.send("", message("ann@gone.test")).code, 250, "a notice")
    for envelope, sender, more, rule, text in DOMAINS:
        reply = servers.send(envelope, message(sender, more))
        what = f"{sender!r} by {envelope}: {reply}; {servers.milter.last()}"
        true(reply.code == 550 and reply.text.startswith("5.1.8 "), what)
        true(f"(rule {rule})" in reply.text and text in reply.text, what)
    reply = servers.send("ann@slow.test", message("ann@good.test"))
    equal(reply.code, 250, f"silent DNS refuses nothing: {reply}")
    true("open=dns" in servers.milter.last(), servers.milter.last())


PATHS = """
	near: { senders = ["near@*"]  egress = "out"
		return_path: { address = "b@news.good.test" } }
	far: { senders = ["far@*"]  egress = "out"
		return_path: { address = "b@carrier.test" } }
	rest: { egress = "out" }
"""


@test
def spf_is_asked_about_the_return_path_that_leaves(place):
    keys = place.file("ring")
    servers = Servers(place, streams=PATHS, more=f'keys = "{keys}"\n')
    run([os.path.join(BUILD, "remite"), "-c", servers.milter.config, "keys", "make",
         "--group", "root"])
    for sender, code, spf in (("near@carrier.test", 250, "spf=pass/news.good.test"),
                              ("far@good.test", 550, "spf=pass/carrier.test")):
        reply = servers.send(sender, message("ann@good.test"))
        what = f"{sender}: {reply}; {servers.milter.last()}"
        equal(reply.code, code, what)
        true(spf in servers.milter.last(), what)


if __name__ == "__main__":
    main()
