#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo of return paths: a bounce becomes a refusal.

    sudo packaging/quickstart demo-bounce

Two private Postfixes on loopback: ours sends with return paths of remite-milter, the
other takes the mail and returns it. Everything is gone afterwards.
"""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "lib"))
sys.dont_write_bytecode = True
from feedback import Feedback  # noqa: E402
from live import Failure, Place, Skip, wait_until  # noqa: E402

NEWS, SHOP, DEAD = "list@news.test", "orders@shop.test", "dead@dest.test"


def say(text=""):
    print(text, flush=True)


def refusal(feedback, sender):
    reply = feedback.refused(sender, DEAD)
    return reply if reply.code >= 500 else None


def play(place):
    feedback = Feedback(place)
    say(f"1  {NEWS} writes to {DEAD}")
    (_, reply), _ = feedback.send(NEWS, [DEAD])
    say(f"   our Postfix: {reply.code} {reply.text}")
    sender = feedback.sender_of(DEAD)
    say(f"   it leaves as  <{sender}>")
    say(f"   {len(sender.split('@')[0])} octets; nobody else can make the tag")
    start = time.monotonic()
    feedback.wait_events(DEAD)
    say("2  the other side returns it; pipe(8) gives it to remite-feedback")
    reply = wait_until(lambda: refusal(feedback, NEWS), "the refusal")
    say(f"3  the next RCPT, {time.monotonic() - start:.1f} s later: {reply.code} {reply.text}")
    reply = wait_until(lambda: refusal(feedback, SHOP), "the other stream's refusal")
    say(f"   of the other stream too: {reply.code} (a dead address is dead for all)")
    say(f"4  remite why {DEAD}")
    say("   " + feedback.policyd.remite("why", DEAD, want=1).replace("\n", "\n   "))


def main():
    place = Place("bounce")
    try:
        play(place)
        return 0
    except (Failure, Skip) as why:
        print(f"demo: {why}", file=sys.stderr)
        return 1
    finally:
        place.close()


if __name__ == "__main__":
    sys.exit(main())
