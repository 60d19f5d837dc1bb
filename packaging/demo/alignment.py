# SPDX-License-Identifier: MIT
"""The demo's second act: whole messages, and whether anybody vouches for From."""
import os
import textwrap

from live import BUILD, Failure, can_connect, wait_until
from smtp import Smtp

# What DNS would tell, for --dns-file. Mail leaves from 192.0.2.20.
ZONE = """\
shop.example          TXT "v=spf1 ip4:192.0.2.20 -all"
_dmarc.shop.example   TXT "v=DMARC1; p=reject"
bank.example          TXT "v=spf1 ip4:198.51.100.7 -all"
_dmarc.bank.example   TXT "v=DMARC1; p=reject"
"""
ENVELOPE = "orders@shop.example"
MESSAGES = [
    ("the shop's own address", "From: The Shop <orders@shop.example>\r\n"),
    ("somebody else's address", "From: Your bank <service@bank.example>\r\n"),
    ("two addresses at once", "From: orders@shop.example\r\nFrom: service@bank.example\r\n"),
]


def start_milter(place, config):
    socket = place.file("after")
    process = place.start([os.path.join(BUILD, "remite-milter"), "-F", "-c", config,
                           "--dns-file", place.file("zone", ZONE)], "milter.log")
    wait_until(lambda: process.poll() is not None or can_connect(socket), "remite-milter")
    if process.poll() is not None:
        with open(place.file("milter.log"), encoding="utf-8") as log:
            raise Failure("remite-milter did not start: " + log.read())
    return socket


def ask(postfix, fields):
    text = (f"{fields}To: bob@gmail.example\r\nSubject: hello\r\n"
            "Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@shop.example>\r\n"
            "\r\nHello.\r\n")
    with Smtp(postfix.port) as client:
        return client.message(ENVELOPE, ["bob@gmail.example"], text)[1]


def show(screen, what, reply):
    if reply.code == 250:
        verdict, style, why = "passed", "passed", "SPF passes for shop.example: aligned"
    else:
        verdict, style, why = "refused", "refused", reply.text
    screen.row("transactional", what, verdict, "", style)
    for text in textwrap.wrap(f"{reply.code} {why}", screen.width - 10):
        screen.line(" " * 8 + text, "dim")


def act(place, screen, config, postfix):
    screen.line()
    screen.line("The same Postfix now asks remite-milter about whole messages. All three are of")
    screen.line(f"{ENVELOPE}; what they say in From is ...")
    socket = start_milter(place, config)
    postfix.command("postconf", "-e", f"smtpd_milters=unix:{socket}",
                    "milter_default_action=accept")
    postfix.reload()
    for what, fields in MESSAGES:
        show(screen, what, ask(postfix, fields))
