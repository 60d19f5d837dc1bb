# SPDX-License-Identifier: MIT
"""The demo's last scene: a bounce becomes a refusal. Two Postfixes: ours sends with return
paths of remite-milter, the other takes the mail and returns it."""
import os
import sys
import textwrap
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "lib"))
from live import BUILD, wait_until  # noqa: E402

NEWS, SHOP, DEAD = "list@news.test", "orders@shop.test", "dead@dest.test"


def may_be_shown():
    return os.access(os.path.join(BUILD, "remite-milter"), os.X_OK)


def refusal(feedback, sender):
    reply = feedback.refused(sender, DEAD)
    return reply if reply.code >= 500 else None


def show(place, screen):
    from feedback import Feedback  # pylint: disable=import-outside-toplevel
    screen.line()
    screen.line("A bounce becomes a refusal", "bold")
    feedback = Feedback(place)
    (_, reply), _ = feedback.send(NEWS, [DEAD])
    sender = feedback.sender_of(DEAD)
    screen.line(f"  {NEWS} writes to {DEAD}: {reply.code}. The message leaves as")
    screen.line(f"    {sender}", "dim")
    screen.line(f"  {len(sender.split('@')[0])} octets, which nobody else can make. The other "
                "side returns it, and")
    screen.line("  pipe(8) gives that to remite-feedback. The next message:")
    start = time.monotonic()
    feedback.wait_events(DEAD)
    reply = wait_until(lambda: refusal(feedback, NEWS), "the refusal")
    text = textwrap.shorten(f"{reply.code} {reply.text}", 108, placeholder="...")
    screen.line("    " + text, "refused")
    reply = wait_until(lambda: refusal(feedback, SHOP), "the other stream's refusal")
    screen.line(f"  {time.monotonic() - start:.1f} s later; by the other stream, too "
                f"({reply.code}): the dead are dead for all.")
    screen.line(f"   $ remite why {DEAD}", "dim")
    for line in feedback.policyd.remite("why", DEAD, want=1).splitlines():
        screen.line("  " + line)
