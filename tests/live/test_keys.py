#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`remite keys`: what an administrator does with the key ring."""
import os
import re
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import BUILD, equal, main, test, true

REMITE = os.path.join(BUILD, "remite")


def remite(place, *words):
    conf = place.file("remite.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write(f'keys = "{place.file("ring")}"\nstate = "{place.path}"\n')
    done = subprocess.run([REMITE, "-c", conf, "keys", *words], capture_output=True,
                          text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@test
def a_ring_is_made_once_closed_to_others(place):
    equal(remite(place, "make"), (0, ""), "make")
    mode = os.stat(place.file("ring")).st_mode
    equal(stat.S_IMODE(mode), 0o640, "mode")
    status, text = remite(place, "make")
    equal(status, 1, "status")
    true("rotate adds a key" in text, text)


@test
def rotation_keeps_what_opens(place):
    remite(place, "make")
    equal(remite(place, "rotate")[0], 0, "rotate")
    equal(remite(place, "rotate", "--since", "+1d")[0], 0, "rotate for later")
    uses = [re.sub(r"since \S+", "since", line).split("  ")
            for line in remite(place, "list")[1].splitlines()]
    equal(uses, [["a", "since", "opens"], ["b", "since", "makes and opens"],
                 ["c", "since", "will make and open"]], "uses")


@test
def a_key_in_use_is_dropped_by_force_alone(place):
    remite(place, "make")
    remite(place, "rotate")
    status, text = remite(place, "drop", "a")
    equal(status, 1, "status")
    true("less than 400 days ago" in text, text)
    equal(remite(place, "drop", "a", "--force"), (0, ""), "by force")
    status, text = remite(place, "drop", "b", "--force")
    equal((status, "is the only key" in text), (1, True), "the last key")


@test
def no_secret_is_shown_and_an_exposed_ring_is_refused(place):
    remite(place, "make")
    with open(place.file("ring"), encoding="ascii") as file:
        secret = file.read().split()[-1]
    true(secret not in remite(place, "list")[1], "the secret is shown")
    os.chmod(place.file("ring"), 0o644)
    status, text = remite(place, "list")
    equal(status, 3, "status")
    true("chmod 0640" in text and "rotate" in text, text)


if __name__ == "__main__":
    main()
