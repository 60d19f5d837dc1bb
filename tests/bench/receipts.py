#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: tests/bench/receipts.py [COUNT [CLIENTS]]

Receipts a second of a real remite-agent under Dovecot: jobs over its socket from
CLIENTS (50) connections, as mail plugins say them; claim, job and audit line durable
before a job is acknowledged; receipts composed and submitted by SMTP to a server
that takes all at once. From the first job to the last receipt taken, COUNT (2000) in
all, three times; the median counts. Beside it what the disk does: 64 KB and
fdatasync, median of 200.
"""
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.dont_write_bytecode = True
from dovecot import Dovecot  # noqa: E402
from live import BUILD, Place  # noqa: E402

GOAL = 200
CONFIG = """\
mode = "enforce"
organization = ["example.net"]
state = "{state}"
agent: {{ host = "mx.example.net" }}
submission: {{ host = "127.0.0.1" port = {port} }}
receipts: {{
	policy = "organization"
	prompt = false
	user_limit = "1000000/day"
	target_limit = "1000000/hour"
	sender_limit = "1000000/hour"
}}
"""


def disk_ms(folder):
    times = []
    fd = os.open(os.path.join(folder, "probe"), os.O_RDWR | os.O_CREAT)
    for _ in range(200):
        start = time.monotonic()
        os.pwrite(fd, b"x" * 65536, 0)
        os.fdatasync(fd)
        times.append(1000 * (time.monotonic() - start))
    os.close(fd)
    return statistics.median(times)


def measure(count, clients):
    """One line of bench_agent, and its receipts a second."""
    place = Place("bench")
    try:
        with subprocess.Popen([os.path.join(BUILD, "bench/bench_agent"), str(clients),
                               str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as load:
            state = place.file("state")
            os.mkdir(state)
            os.chmod(state, 0o777)
            config = place.file("agent.conf", CONFIG.format(
                state=state, port=int(load.stdout.readline())))
            dovecot = Dovecot(place, agent=True, agent_config=config, remite={})
            text, _ = load.communicate(dovecot.agent_socket() + "\n", timeout=300)
            if load.returncode != 0:
                print("\n".join(dovecot.log().splitlines()[-20:]), file=sys.stderr)
                raise RuntimeError(f"bench_agent ended with {load.returncode}: {text}")
    finally:
        place.close()
    print(text.strip(), flush=True)
    return int(re.search(r"(\d+) receipts/s", text)[1])


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    clients = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    place = Place("disk")
    disk = disk_ms(place.path)
    place.close()
    rate = statistics.median(measure(count, clients) for _ in range(3))
    print(f"receipts {rate:.0f}/s from job to mail server, {clients} clients; 64 KB and "
          f"fdatasync {disk:.1f} ms, load average {os.getloadavg()[0]:.1f} (goal {GOAL}) "
          + ("met" if rate >= GOAL else "not met"))


if __name__ == "__main__":
    main()
