# SPDX-License-Identifier: MIT
"""Sessions that read the same messages while imap, agent and sender are killed: the race
(tests/race/receipts.py) at the size that every change can bear. What else is raced has
a file, and so a time, of its own: an agent that is killed at its start is away for up to a
minute."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import BUILD, ROOT, Skip, equal, main, need_root, test, true


def race(*options, build=BUILD):
    """(receipts, wanted, duplicates, lost, kills), and what it printed."""
    need_root()
    done = subprocess.run([sys.executable, os.path.join(ROOT, "tests/race/receipts.py"),
                           *options], capture_output=True, text=True, timeout=280,
                          env={**os.environ, "BUILD": build}, check=False)
    cannot = re.search(r"^cannot race: (.*)", done.stdout, re.M)
    if cannot:
        raise Skip(cannot[1])
    found = re.search(r"(\d+) of (\d+), (\d+) duplicates, (\d+) lost, (\d+) kills",
                      done.stdout)
    true(found, f"the race ends: {done.stdout[-1000:]} {done.stderr[-1000:]}")
    return [int(n) for n in found.groups()], done.stdout


@test
def M01_P01_each_message_has_one_receipt_whoever_is_killed(_place):
    figures, out = race("--format", "maildir")
    equal(figures, [300, 300, 0, 0, 50], out)


if __name__ == "__main__":
    main()
