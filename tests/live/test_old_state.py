#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""State that older programs wrote is read by these: tests/data/state/N.tar.gz, each made by
the programs of its time (tests/data/state/make.py). What a newer one wrote is refused."""
import glob
import os
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import BUILD, ROOT, equal, main, test, true
from policyd import Policyd

SAMPLES = sorted(glob.glob(os.path.join(ROOT, "tests/data/state/*.tar.gz")))
STREAMS = """
	news: { senders = ["*@news.example.test"]  limits: {
		year: { per = "sender"  rate = "10/365d" }
		day: { per = "stream"  quota = "1000/day" }
	} }
"""


def unpack(place, sample):
    state = place.file("state")
    shutil.rmtree(state, ignore_errors=True)
    os.makedirs(state, mode=0o750)
    with tarfile.open(sample) as source:
        for member in source.getmembers():
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            source.extract(member, state)
    return state


def remite(place, *args, want=0):
    config = place.file("old.conf", f'state = "{place.file("state")}"\n')
    done = subprocess.run([os.path.join(BUILD, "remite"), "-c", config, *args],
                          capture_output=True, text=True, timeout=60, check=False)
    equal(done.returncode, want, f"{args}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


@test
def every_record_of_every_version_is_read(place):
    true(SAMPLES, "samples")
    for sample in SAMPLES:
        unpack(place, sample)
        said = remite(place, "suppress", "list")
        true("gone@example.org" in said and "class:promotional" in said, f"{sample}: {said}")
        true("by hand" in remite(place, "stream", "list"), "a paused stream")
        log = remite(place, "receipts", "log")
        true("ann@example.net" in log and "alice@example.net" in log, f"{sample}: {log}")
        whole = remite(place, "receipts", "export", "ann@example.net")
        for word in ("claims", "prompts"):
            true(word in whole, f"{word}: {whole}")
        remite(place, "jobs", "list")
        remite(place, "feedback", "list")
        remite(place, "report", "--json")
        remite(place, "bulk", "list")


@test
def they_can_be_changed(place):
    for sample in SAMPLES:
        unpack(place, sample)
        remite(place, "suppress", "remove", "gone@example.org")
        remite(place, "stream", "resume", "default")
        remite(place, "receipts", "erase", "ann@example.net")
        true("gone@example.org" not in remite(place, "suppress", "list"), "the list")


@test
def counters_go_on_where_they_were(place):
    for sample in SAMPLES:
        unpack(place, sample)
        policyd = Policyd(place, STREAMS)
        log = policyd.log()
        true("warning" not in log and "error" not in log, log)
        # Two were sent; in a year each of ten drains. The sample may be older.
        used = policyd.used("news/year").get("a@news.example.test", 0)
        true(used <= 2, f"used: {used}")
        policyd.stop()


@test
def counters_of_a_newer_program_are_kept_aside_and_named(place):
    state = unpack(place, SAMPLES[-1])
    path = os.path.join(state, "counters", "log.2")
    with open(path, "r+b") as log:
        log.seek(8)
        true(log.read(4) == (2).to_bytes(4, "little"), "the version is where we think it is")
        log.seek(8)
        log.write((99).to_bytes(4, "little"))
    policyd = Policyd(place, STREAMS)
    true("log.2 is of a newer version" in policyd.log(), policyd.log())
    true(any(name.startswith("log.2.broken") for name in os.listdir(os.path.dirname(path))),
         "it is kept")


if __name__ == "__main__":
    main()
