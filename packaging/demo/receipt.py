# SPDX-License-Identifier: MIT
"""The demo's second scene: a receipt is asked for, approved by a keyword, and arrives."""
import os
import re
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "lib"))
from live import BUILD, wait_until  # noqa: E402


def may_be_shown():
    """Dovecot is installed, and what it loads was built."""
    return (shutil.which("dovecot") is not None and os.geteuid() == 0
            and os.access(os.path.join(BUILD, "remite-agent"), os.X_OK))


def say_receipt(screen, text):
    for name in ("From", "To", "Subject", "Original-Message-ID", "Final-Recipient",
                 "Disposition"):
        match = re.search(rf"^{name}: .*$", text, re.M)
        if match:
            screen.line("    " + match[0])


def show(place, screen):
    from receipts import ALICE, ANN, ASKING, House  # pylint: disable=import-outside-toplevel
    screen.line()
    screen.line("A read receipt, with any IMAP client", "bold")
    house = House(place, ASKING)
    house.deliver(1)
    screen.line(f"  {ALICE} writes to {ANN} and asks for a receipt. Dovecot marks the")
    screen.line("  message, so that no mail program answers on its own:")
    screen.line(f"    {' '.join(sorted(house.keywords(1)))}", "dim")
    house.read(1)
    prompt = house.wait_prompts(1)[0]
    subject = re.search(r"^Subject: (.*)$", prompt, re.M)
    screen.line("  ann opens it. The policy says \"ask\", so a question lies in INBOX:")
    screen.line(f"    {subject[1] if subject else ''}", "would")
    time.sleep(0.5)
    screen.line("  ann sets the keyword $MDNApprove. The receipt arrives with alice:")
    house.set_keyword("$MDNApprove", 1)
    say_receipt(screen, house.wait_receipts(1)[0])
    wait_until(lambda: house.keywords(1) == {"$MDNSent"}, "the marks to go")
    screen.line("  and the message is marked $MDNSent; there will be no second receipt.")
