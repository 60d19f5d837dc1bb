#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: tests/bench/readiness.py

What it costs policyd to know of senders' domains: its rate with `require` and every
domain known, against its own without, in pairs that take turns; and its p99 while every
name server is silent and the look-ups fail in the background. Server on processor 0,
load on processor 1.

BENCH_SECONDS (2) and BENCH_ROUNDS (5) per kind.
"""
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, "..", "..", os.environ.get("BUILD", "build"))
SECONDS = os.environ.get("BENCH_SECONDS", "2")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
DOMAINS = 1000
ZONE = """\
*.example.com TXT "v=spf1 ip4:198.18.0.20 -all"
_dmarc.example.com TXT "v=DMARC1; p=none"
20.0.18.198.in-addr.arpa PTR mx.example.com
mx.example.com A 198.18.0.20
"""
CONFIG = """\
mode = "enforce"
state = "{place}/state-{name}"
policyd: {{ listen = ["unix:{place}/{name}"]  socket_group = "root"
	control = "{place}/ctl-{name}"  stages = ["RCPT"]  log_passed = false }}
egress: {{ out: {{ addresses = ["198.18.0.20"] }} }}
{dns}
streams: {{ bulk: {{
	egress = "out"
	{require}
	limits: {{
		hour: {{ per = "sasl_user" rate = "1000/hour" burst = 1000000000 }}
		domain: {{ per = "sender_domain" rate = "1000/hour" burst = 1000000000 }}
		client: {{ per = "client" rate = "10000/hour" burst = 1000000000 }}
	}} }} }}
"""
REQUIRE = 'require = ["spf", "dmarc", "ptr"]'


class Policyd:
    def __init__(self, place, name, require="", dns="", *more):
        self.path = os.path.join(place, name)
        config = self.path + ".conf"
        with open(config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(place=place, name=name, require=require, dns=dns))
        with open(self.path + ".log", "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "remite-policyd"), "-F", "-c", config, *more],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                preexec_fn=lambda: os.sched_setaffinity(0, {0}))
        for _ in range(1000):
            if os.path.exists(self.path) or self.process.poll() is not None:
                break
            time.sleep(0.01)
        time.sleep(0.2)

    def load(self, seconds=SECONDS):
        argv = [os.path.join(BUILD, "bench/policy_load"), "-c", "16", "-u", "1000", "-d",
                str(DOMAINS), "-s", str(seconds), "-p", str(self.process.pid), self.path]
        done = subprocess.run(argv, capture_output=True, text=True, check=False,
                              preexec_fn=lambda: os.sched_setaffinity(0, {1}))
        if done.returncode != 0:
            sys.exit(done.stderr)
        return {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", done.stdout)}

    def close(self):
        self.process.terminate()
        self.process.wait(30)


def pairs(plain, other, what):
    """Medians of the ratios of rate, p99 and CPU time a request, other to plain."""
    rates, tails, costs = [], [], []
    for i in range(ROUNDS):
        both = [plain.load(), other.load()] if i % 2 == 0 else [other.load(), plain.load()][::-1]
        rates.append(both[1]["per_sec"] / both[0]["per_sec"])
        tails.append(both[1]["p99_us"] / max(both[0]["p99_us"], 0.5))
        costs.append(both[1]["cpu_us"] / both[0]["cpu_us"])
        print("  " + "; ".join(f"{name} {b['per_sec']:7.0f}/s {b['cpu_us']:.2f} us "
                               f"p99 {b['p99_us']:.0f} us"
                               for name, b in zip(("without", what), both)), flush=True)
    return [statistics.median(values) for values in (rates, tails, costs)]


def main():
    place = tempfile.mkdtemp(prefix="rmtready")
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    zone = os.path.join(place, "zone")
    with open(zone, "w", encoding="utf-8") as out:
        out.write(ZONE)
    dns = f'dns: {{ servers = ["127.0.0.1@{silent.getsockname()[1]}"] }}'
    running = [Policyd(place, "plain"),
               Policyd(place, "known", REQUIRE, "", "--dns-file", zone),
               Policyd(place, "silent", REQUIRE, dns)]
    try:
        for policyd in running:
            policyd.load(1)
        rate, _, cost = pairs(running[0], running[1], "known")
        _, tail, _ = pairs(running[0], running[2], "silent")
    finally:
        for policyd in running:
            policyd.close()
        shutil.rmtree(place)
    met = "met" if rate >= 0.9 and tail <= 1.5 else "not met"
    print(f"READY rate with readiness cached {100 * rate:.0f} % of without (goal 90 %), CPU "
          f"time a request x{cost:.2f}, "
          f"p99 with silent name servers x{tail:.2f} (goal 1.5) {met}")


if __name__ == "__main__":
    main()
