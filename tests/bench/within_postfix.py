#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: tests/bench/within_postfix.py

P14: what policyd costs a Postfix that is at work. Two private Postfixes, asking at
RCPT, DATA and END-OF-MESSAGE, one of remite-policyd with four limits, the other of
the echo server; smtp-source sends to each in turn, 20 sessions, a recipient a
message, and discard(8) takes it. Goal: the CPU time of policyd a message, less the
echo server's, is at most 1 % of all of Postfix's.

CPU time is that of the processes' own clocks: the server; and Postfix's master with
all its children, those that ended meanwhile included. BENCH_ROUNDS (3) pairs of
BENCH_MESSAGES (600).
"""
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from live import (BUILD, Failure, Place, Skip, can_connect, need_program,  # noqa: E402
                  wait_until)
from policyd import Policyd  # noqa: E402
from postfix import Postfix  # noqa: E402

WHAT = "P14 CPU a message beyond the echo server's"
GOAL = 1.0
ROUNDS = max(3, int(os.environ.get("BENCH_ROUNDS", "3")))
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "600"))
SENDER = "list@bulk.example.test"
# smtp-source does not log in: the two limits per user are per sender here.
STREAMS = """
    bulk: { limits: {
        hour: { per = "sender" rate = "1000/hour" burst = 1000000000 }
        day: { per = "sender" rate = "5000/day" burst = 1000000000 }
        domain: { per = "sender_domain" rate = "1000/hour" burst = 1000000000 }
        client: { per = "client" rate = "10000/hour" burst = 1000000000 }
    } }
"""


def clock(pid):
    """CPU seconds of a process, threads included, to the nanosecond: its clock is
    named as clock_getcpuclockid(3) does it on Linux."""
    return time.clock_gettime((~pid << 3) | 2)


def stat(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as text:
        return text.read().rpartition(")")[2].split()


def children(pid):
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(stat(name)[1]) == pid:
                yield int(name)
        except (FileNotFoundError, ProcessLookupError):
            pass


class Rig:
    """A Postfix and its policy server."""

    def __init__(self, place, name, socket, server):
        self.name, self.server = name, server
        self.postfix = Postfix(place, socket)
        with open(os.path.join(self.postfix.path, "spool/pid/master.pid"),
                  encoding="ascii") as pid:
            self.master = int(pid.read())
        self.sent = 0
        wait_until(lambda: os.path.exists(self.postfix.log_path), "Postfix's log")
        self.log = open(self.postfix.log_path, encoding="utf-8", errors="replace")
        place.at_close.append(self.log.close)

    def postfix_cpu(self):
        ended = sum(map(int, stat(self.master)[13:15])) / os.sysconf("SC_CLK_TCK")
        return ended + clock(self.master) + sum(map(clock, children(self.master)))

    def all_sent(self, count):
        self.sent += sum(" status=sent " in line for line in self.log)
        return self.sent >= count

    def burst(self, messages):
        """Microseconds of the server and of Postfix a message, messages a second."""
        self.sent = 0
        server, postfix, begin = clock(self.server), self.postfix_cpu(), time.monotonic()
        argv = [need_program("smtp-source"), "-s", "20", "-m", str(messages), "-l", "4000",
                "-f", SENDER, "-t", "someone@example.org", f"127.0.0.1:{self.postfix.port}"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise Failure(f"smtp-source: {done.stderr}")
        wait_until(lambda: self.all_sent(messages), "all mail to be delivered", 60)
        taken = time.monotonic() - begin
        return (1e6 * (clock(self.server) - server) / messages,
                1e6 * (self.postfix_cpu() - postfix) / messages, messages / taken)


def start_echo(place):
    program = os.path.join(BUILD, "bench/policy_echo")
    path = place.file("echo")
    server = place.start([program, path], "echo.log")
    wait_until(lambda: can_connect(path), "the echo server")
    os.chmod(path, 0o666)
    return Rig(place, "echo", path, server.pid)


def start_policyd(place):
    policyd = Policyd(place, STREAMS)
    return policyd, Rig(place, "policyd", policyd.socket, policyd.process.pid)


def pair(rigs):
    """The share in per cent."""
    results = []
    for rig in rigs:
        server, postfix, speed = rig.burst(MESSAGES)
        print(f"  {rig.name:7} {server:6.1f} us a message, Postfix {postfix:6.0f} us, "
              f"{speed:4.0f} messages/s", flush=True)
        results.append((server, postfix, speed))
    echo, ours = results
    return 100 * (ours[0] - echo[0]) / echo[1], ours[2] / echo[2], ours[0], echo[0], echo[1]


def measure(one, other):
    need_program("smtp-source")
    policyd, ours = start_policyd(one)
    rigs = [start_echo(other), ours]
    for rig in rigs:  # processes start, pages are touched
        rig.burst(200)
    rows = [pair(rigs) for _ in range(ROUNDS)]
    asked = policyd.status()["requests"]
    if asked.get("END-OF-MESSAGE", 0) < ROUNDS * MESSAGES:
        raise Failure(f"policyd was asked too little: {asked}")
    share, speed, cost, echo, postfix = map(statistics.median, zip(*rows))
    lowest, highest = min(row[0] for row in rows), max(row[0] for row in rows)
    return (f"{WHAT}: {share:.2f} % of Postfix's ({lowest:.2f} to {highest:.2f}; "
            f"{cost:.0f} us less {echo:.0f} us, of {postfix:.0f} us), messages/s "
            f"{100 * speed:.0f} % of those with echo (goal <= {GOAL:g} %) "
            f"{'met' if share <= GOAL else 'not met'}")


def main():
    places = [Place(), Place()]
    try:
        print(measure(*places))
    except Skip as reason:
        print(f"{WHAT}: skipped: {reason}")
    finally:
        for place in places:
            place.close()


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"tests/bench/within_postfix.py: {failure}")
