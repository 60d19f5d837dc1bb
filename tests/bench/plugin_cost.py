# SPDX-License-Identifier: MIT
"""usage: tests/bench/plugin_cost.py [MESSAGES [ROUNDS [instructions] [time] [opened]]]

What the mail plugin costs imap, on a maildir of MESSAGES (10000) messages that had
requests once: with it against without it,
- instructions (callgrind) of a session that does FETCH 1:* (BODY.PEEK[]), and of one
  that marks all read: at most 2 % more;
- wall time of these commands, interleaved, median of ROUNDS (11): at most 5 % more;
- messages opened (strace) by looking at flags and sizes of all and marking all read:
  the same, so none for the plugin's sake.
Ends in one line each, with "met" or "not met". REQUESTS=1 in the environment: one
message in a hundred has a request, which FETCH then marks as fetched.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import Dovecot
from live import Place, need_program

IMAP = "/usr/lib/dovecot/imap"
READ = "UID FETCH 1:* (BODY.PEEK[])"
MARK = "UID STORE 1:* +FLAGS.SILENT (\\Seen)"
UNMARK = "UID STORE 1:* -FLAGS.SILENT (\\Seen)"
LOOK = "UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)"
TEXT = ("From: Alice <alice@example.org>\nTo: ann@example.net\nSubject: number {n}\n"
        "Message-ID: <{n}@example.org>\nDate: Sun, 22 Nov 2026 02:00:00 +0000\n{request}\n"
        + "A line of text, as long as lines are, more or less.\n" * 40)
REQUEST = "Disposition-Notification-To: alice@example.org\n"


class Side:
    """A Dovecot, with the plugin or without, and its mailbox."""

    def __init__(self, messages, plugin):
        self.place = Place()
        self.messages = messages
        remite = {"receipts": "server", "unsubscribe": "yes"} if plugin else None
        self.dovecot = Dovecot(self.place, remite=remite, agent=self.place.file("nobody"))
        self.mail = os.path.join(self.dovecot.home("ann"), "Maildir")
        self._fill()

    def _fill(self):
        for folder in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.mail, folder), exist_ok=True)
        for n in range(1, self.messages + 1):
            request = REQUEST if n % 100 == 0 else ""
            data = TEXT.format(n=n, request=request).encode()
            # The first keyword: $ReceiptPending.
            flags = "a" if request and os.environ.get("REQUESTS") else ""
            name = f"{1700000000 + n}.M{n}P1.bench,S={len(data)}:2,{flags}"
            with open(os.path.join(self.mail, "cur", name), "wb") as out:
                out.write(data)
        with open(os.path.join(self.mail, "dovecot-keywords"), "w", encoding="ascii") as out:
            out.write("0 $ReceiptPending\n")
        subprocess.run(["chown", "-R", str(self.dovecot.uid), self.dovecot.home("ann")],
                       check=True)
        self.run([LOOK])  # indexes
        self.keep = self.place.file("keep")
        shutil.copytree(self.mail, self.keep)

    def reset(self):
        """All unread again: maildir, indexes and all."""
        shutil.rmtree(self.mail)
        shutil.copytree(self.keep, self.mail)
        subprocess.run(["chown", "-R", str(self.dovecot.uid), self.mail], check=True)

    def run(self, commands, before=()):
        """imap by itself, without login; its standard error."""
        environment = {**os.environ, "USER": "ann", "HOME": self.dovecot.home("ann")}
        argv = self.dovecot.within("setpriv", f"--reuid={self.dovecot.uid}", "--clear-groups",
                                   f"--regid={self.dovecot.uid}", *before, IMAP, "-c",
                                   self.dovecot.config)
        with open(self.place.file("stderr"), "w+", errors="replace", encoding="utf-8") as errors:
            with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=errors, env=environment) as imap:
                for n, command in enumerate(["SELECT INBOX", *commands, "LOGOUT"]):
                    imap.stdin.write(f"t{n} {command}\r\n".encode())
                    imap.stdin.flush()
                    # One by one: a LOGOUT that comes early ends a FETCH.
                    for line in imap.stdout:
                        if line.startswith(f"t{n} ".encode()):
                            break
            errors.seek(0)
            return errors.read()

    def instructions(self, commands):
        self.reset()
        # Into the directory that the user may write to.
        out = os.path.join(self.dovecot.home("ann"), "callgrind.%p")
        text = self.run(commands, [need_program("valgrind"), "--tool=callgrind",
                                   "--trace-children=yes", f"--callgrind-out-file={out}"])
        return max(int(n) for n in re.findall(r"Collected : (\d+)", text))

    def seconds(self, command):
        """And all is unread again."""
        with self.dovecot.imap() as imap:
            imap.select()
            start = time.perf_counter()
            imap.ok(command)
            taken = time.perf_counter() - start
            imap.ok(UNMARK)
            return taken

    def opened(self, commands):
        """How many messages were opened."""
        self.reset()
        trace = os.path.join(self.dovecot.home("ann"), "trace")
        self.run(commands, [need_program("strace"), "-f", "-e", "trace=open,openat",
                            "-o", trace])
        with open(trace, encoding="utf-8", errors="replace") as text:
            return len(re.findall(r"/(?:cur|new)/\d+\.M", text.read()))


def say(what, got, most, unit):
    print(f"{what}: {got:+.2f} {unit} (at most {most:+g}) "
          f"{'met' if got <= most else 'not met'}", flush=True)
    return got <= most


def percent(with_it, without):
    return (with_it / without - 1) * 100


WHAT = (("FETCH", READ), ("mark all read", MARK))


def instructions(without, with_it, _rounds):
    for what, command in WHAT:
        all_of = {side: side.instructions([command]) for side in (without, with_it)}
        yield say(f"{what} of {without.messages}: instructions",
                  percent(all_of[with_it], all_of[without]), 2, "%")


def wall_time(without, with_it, rounds):
    for side in (without, with_it):
        side.reset()
        side.seconds(READ)  # caches are filled
    for what, command in WHAT:
        times = [(without.seconds(command), with_it.seconds(command)) for _ in range(rounds)]
        medians = [statistics.median(t[i] for t in times) for i in (0, 1)]
        yield say(f"{what} of {without.messages}: wall time, median of {rounds}, "
                  f"{medians[0] * 1000:.0f} and {medians[1] * 1000:.0f} ms",
                  percent(medians[1], medians[0]), 5, "%")


def opened(without, with_it, _rounds):
    counts = [side.opened([LOOK, MARK]) for side in (without, with_it)]
    yield say("messages opened to look at all and mark them read, of "
              f"{without.messages}", counts[1] - counts[0], 0, "messages")


PARTS = {"instructions": instructions, "time": wall_time, "opened": opened}


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    without, with_it = Side(messages, False), Side(messages, True)
    good = []
    try:
        for name in sys.argv[3:] or PARTS:
            good += PARTS[name](without, with_it, rounds)
    finally:
        for side in (without, with_it):
            side.place.close()
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
