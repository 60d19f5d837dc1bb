#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: tests/data/state/make.py FILE.tar.gz

Makes a sample of everything the programs of this checkout store. Run it when a format
changes, under a new name; tests/live/test_old_state.py reads all of them for ever.
Needs what the live tests need."""
import contextlib
import os
import subprocess
import sys
import tarfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "..", "live")]
# pylint: disable=wrong-import-position
from live import BUILD, ROOT, Place
from policyd import Policyd
from test_receipts_agent import ASKING, House

STREAMS = """
	news: { senders = ["*@news.example.test"]  limits: {
		year: { per = "sender"  rate = "10/365d" }
		day: { per = "stream"  quota = "1000/day" }
	} }
"""


def fill(house):
    """Rows of every kind that a command or a daemon makes here."""
    def remite(*args, stdin=""):
        subprocess.run([os.path.join(BUILD, "remite"), "-c", house.config, *args], check=True,
                       input=stdin, text=True, timeout=30, stdout=subprocess.DEVNULL)
    remite("suppress", "add", "gone@example.org", "--reason", "dead", "--note", "a note")
    remite("suppress", "add", "tired@example.org", "--scope", "class:promotional",
           "--reason", "complaint")
    remite("stream", "pause", "default", "--reason", "by hand")
    bounce = os.path.join(ROOT, "tests/data/report")
    name = next(n for n in sorted(os.listdir(bounce)) if n.endswith(".eml"))
    with open(os.path.join(bounce, name), encoding="utf-8", errors="replace") as text:
        remite("feedback", "--to", "bounces@example.net", stdin=text.read())
    house.deliver(1)
    house.read(1)
    house.wait_prompts(1)
    house.set_keyword("$MDNApprove")
    house.wait_receipts(1)
    house.deliver(2)
    house.read(2)
    house.wait_prompts(2)


def count(place):
    """Counters: a snapshot by an orderly end, and a log by a kill after it."""
    policyd = Policyd(place, STREAMS)
    for n in range(2):
        with policyd.client() as client:
            client.rcpt("a@news.example.test", f"{n}@example.org")
            client.data("a@news.example.test", 1)
            client.end_of_message("a@news.example.test", 1)
        if n == 0:
            policyd.restart()
    time.sleep(0.2)
    policyd.kill()
    return policyd.state


def main():
    with contextlib.closing(Place("records")) as place, \
            contextlib.closing(Place("counters")) as other, \
            tarfile.open(sys.argv[1], "w:gz") as out:
        house = House(place, ASKING)
        fill(house)
        house.dovecot.stop()
        out.add(place.file("state/records"), "records")
        state = count(other)
        for name in sorted(os.listdir(state)):
            if not name.startswith("records"):
                out.add(os.path.join(state, name), name)


if __name__ == "__main__":
    main()
