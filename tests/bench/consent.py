#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: tests/bench/consent.py

How long the page of a receipt's question takes: remite-http over TLS, which asks
remite-agent, as 50 clients see it who look again as soon as they have it; then 500 looks
a second of them together, at even distances, counted from when each was due.
BENCH_SECONDS (2) and BENCH_ROUNDS (3); the median counts.
"""
import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.dont_write_bytecode = True
from consent_site import ConsentSite  # noqa: E402
from live import BUILD, Place  # noqa: E402

SECONDS = os.environ.get("BENCH_SECONDS", "2")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CLIENTS, QUESTIONS, LOOKS, RATE = 50, 50, 50000, 500
GOAL_MS = 20


def look(port, paths, *options):
    lines = "".join(f"ann {paths[n % len(paths)]}\n" for n in range(LOOKS))
    done = subprocess.run([os.path.join(BUILD, "bench", "http_load"), "-g", "-c",
                           str(CLIENTS), "-s", SECONDS, *options, str(port)], input=lines,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        raise RuntimeError(done.stderr.strip() or f"status {done.returncode}")
    figures = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", done.stdout)}
    if figures["refused"]:
        raise RuntimeError(f"{figures['refused']:.0f} answers are no 200")
    print(f"  {figures['per_sec']:7.0f} pages/s  p50 {figures['p50_ms']:6.2f} ms  "
          f"p99 {figures['p99_ms']:6.2f} ms  max {figures['max_ms']:6.2f} ms", flush=True)
    return figures


def main():
    place = Place("bench")
    try:
        site = ConsentSite(place, f"per_day = {QUESTIONS}",
                           'http: { rate = "100000000/minute" }', processes=2)
        paths = site.questions(QUESTIONS)
        port = site.dovecot.ports["https"]
        full = [look(port, paths) for _ in range(ROUNDS)]
        paced = [look(port, paths, "-r", str(RATE)) for _ in range(ROUNDS)]
    finally:
        place.close()

    def middle(rounds, name):
        return statistics.median(figures[name] for figures in rounds)

    for what, rounds in ((f"{RATE} pages/s", paced), ("all they can", full)):
        p99 = middle(rounds, "p99_ms")
        print(f"page p99 {p99:.1f} ms at {CLIENTS} clients, {what}: "
              f"{middle(rounds, 'per_sec'):.0f} pages/s; load average "
              f"{os.getloadavg()[0]:.1f} (goal {GOAL_MS} ms) "
              + ("met" if p99 <= GOAL_MS else "not met"))


if __name__ == "__main__":
    main()
