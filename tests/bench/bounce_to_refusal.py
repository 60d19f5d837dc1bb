#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: tests/bench/bounce_to_refusal.py [COUNT]

From a bounce given to remite-feedback, as pipe(8) does, until policyd refuses its
recipient: process start, two durable commits, the next RCPT. Prints p50 and p99 of
COUNT (200) bounces, five times, and the medians of the five.
"""
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "live"))
sys.dont_write_bytecode = True
from feedback import Feedback  # noqa: E402
from live import BUILD, Place  # noqa: E402
from test_feedback import dsn  # noqa: E402


def one(feedback, client, who):
    remite = [os.path.join(BUILD, "remite"), "-c", feedback.policyd.config]
    path = subprocess.run([*remite, "return-path", "make", "promotional", who], check=True,
                          capture_output=True, text=True).stdout.strip()
    start = time.monotonic()
    subprocess.run([remite[0] + "-feedback", *remite[1:], "--to", path], text=True,
                   input=dsn(path, who), stderr=subprocess.DEVNULL, check=True)
    while "DUNNO" in client.rcpt("list@news.test", who):
        pass
    return 1000 * (time.monotonic() - start)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    place = Place("bench")
    p50, p99 = [], []
    try:
        feedback = Feedback(place)
        with feedback.policyd.client() as client:
            for run in range(5):
                times = sorted(one(feedback, client, f"u{run}x{i}@yahoo.com")
                               for i in range(count))
                p50.append(times[count // 2])
                p99.append(times[count * 99 // 100])
                print(f"{count} bounces: p50 {p50[-1]:.1f} ms, p99 {p99[-1]:.1f} ms")
    finally:
        place.close()
    print(f"bounce to refusal: p50 {statistics.median(p50):.1f} ms, "
          f"p99 {statistics.median(p99):.1f} ms (medians of 5)")


if __name__ == "__main__":
    main()
