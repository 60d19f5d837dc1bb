# SPDX-License-Identifier: MIT
"""The demo's third scene: one-click unsubscribe (RFC 8058), both ways. A newsletter goes
out, its link is followed as Gmail does, the next copy is refused; and a mailbox user sets
a keyword, and the server does to another list's endpoint what Gmail's button does."""
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "live"))
from live import BUILD, Place, wait_until  # noqa: E402

PROGRAMS = ("dovecot", "postfix", "opendkim", "openssl")


def may_be_shown():
    """The servers are installed, and what Dovecot runs was built."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return (os.geteuid() == 0 and all(shutil.which(p, path=path) for p in PROGRAMS)
            and os.access(os.path.join(BUILD, "remite-http"), os.X_OK))


def cut(text, width):
    return text if len(text) <= width else text[:width - 3] + "..."


# --- as the sender -------------------------------------------------------------

def say_fields(screen, mail):
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post"):
        value = re.sub(r"([a-z2-7]{12})[a-z2-7]{30,}", r"\1...", mail.fields(name)[0])
        screen.line("    " + cut(f"{name}: {value}", screen.width - 4))
    signed = re.search(r";h=([^;]+)", mail.fields("DKIM-Signature")[0].replace(" ", ""))[1]
    covers = sorted({field for field in signed.lower().split(":") if "unsubscribe" in field})
    screen.line(f"    signed: {', '.join(covers)}", "dim")


def as_sender(place, screen):
    from test_unsubscribe_round import House  # pylint: disable=import-outside-toplevel
    screen.line()
    screen.line("One-click unsubscribe, as the sender", "bold")
    house = House(place, "policyd")
    house.send("list@news.good.test")
    mail = house.sink.wait()[0]
    screen.line("  A newsletter leaves for ann@example.org. Of its header:")
    say_fields(screen, mail)
    url = re.search(r"<(https://[^>]+)>", mail.fields("List-Unsubscribe")[0])[1]
    path = "/u/" + url.rsplit("/", 1)[1]
    page = house.site.ask("GET", path)
    screen.line(f"  A link scanner's GET: {page.status}, a page with a button; nothing changes:")
    screen.line(f"    the list of suppressions: {house.site.barred() or 'empty'}")
    answer = house.site.post(path)
    screen.line("  Ann presses her provider's button. POST List-Unsubscribe=One-Click:")
    screen.line(f"    {answer.status} {answer.body.strip()}", "passed")
    reply, _ = house.send("list@news.good.test")
    screen.line("  The next copy:")
    screen.line(f"    {reply.code} {cut(reply.text, screen.width - 8)}", "refused")
    reply = house.send("reset@good.test", subject="Your password")[1]
    screen.line("  A password reset to the same address:")
    screen.line(f"    {reply.code} {reply.text}", "passed")


# --- as the mailbox server -----------------------------------------------------

def as_mailbox(place, screen):
    from test_leaving import ANN, House, wait_flag  # pylint: disable=import-outside-toplevel
    screen.line()
    screen.line("One-click unsubscribe, for a user of any IMAP client", "bold")
    house = House(place)
    house.deliver(house.news())
    screen.line(f"  Somebody's newsletter lies in the INBOX of {ANN}. She sets the keyword")
    screen.line("  $Unsubscribe. The server verifies the signature, and sends to the signed URL:")
    with house.imap() as imap:
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        request = wait_until(lambda: house.endpoint.requests, "the POST")[0]
        screen.line(f"    {request.line}", "would")
        screen.line(f"    {request.header('content-type').partition(';')[0]}; no cookie, no "
                    "referrer, nothing about her", "dim")
        wait_flag(imap, 1, "$unsubscribed")
        screen.line("  The message is marked now: "
                    + " ".join(sorted(f for f in imap.flags(1) if f.startswith("$"))), "passed")
    screen.line("   $ remite unsubscribe log", "bold")
    done = subprocess.run([os.path.join(BUILD, "remite"), "-c", house.config, "unsubscribe",
                           "log"], capture_output=True, text=True, timeout=60, check=False)
    for text in done.stdout.splitlines():
        screen.line("   " + cut(text, screen.width - 3))


def show(place, screen):
    as_sender(place, screen)
    mailboxes = Place("demo")
    try:
        as_mailbox(mailboxes, screen)
    finally:
        mailboxes.close()
