#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: tests/bench/oneclick.py

One-click unsubscribes over TLS connections that are kept open, 100 clients: remite-http
with two processes, in turn with a service of Dovecot that answers the same octets and
does nothing else (bench/http_plain); then the time from a POST until policyd refuses the
address, beside the disk's own fdatasync. BENCH_SECONDS (2) and BENCH_ROUNDS (3) a cell;
BENCH_IDLE (10000) connections that say nothing; BENCH_RATE (2000) POSTs a second where
they are paced.
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
sys.dont_write_bytecode = True
from http_site import Site  # noqa: E402
from live import BUILD, Place  # noqa: E402
from policyd import Policyd  # noqa: E402

SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
IDLE = int(os.environ.get("BENCH_IDLE", "10000"))
CLIENTS = 100
RATE = int(os.environ.get("BENCH_RATE", "2000"))
WARM = 0.5
MOST = 40000  # POSTs a second that no round reaches

STREAMS = """
	news: {
		senders = ["*@news.example.test"]
		class = "promotional"
		unsubscribe: {
			https = "https://mail.example.test/u/"
			mailto = "unsubscribe@b.example.test"
			add = "nobody"
		}
	}
"""
PLAIN = """
service http-plain {{
  executable = {program}
  user = nobody
  process_min_avail = 2
  process_limit = 2
  client_limit = 20000
  vsz_limit = 4G
  inet_listener plain {{
    port = {port}
    ssl = yes
  }}
}}
service remite-http {{
  client_limit = 20000
}}
"""


def before_others(on):
    """Where we may: what is measured is the disk then, and not who has the processor."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO if on else os.SCHED_OTHER,
                              os.sched_param(1 if on else 0))
    except PermissionError:
        pass


def fdatasync_ms(path, count=400, octets=65536):
    """(p50, p99) of a write and its fdatasync, in a file that has its size already."""
    times = []
    before_others(True)
    with open(path, "wb", buffering=0) as out:
        out.write(bytes(count * octets))
        os.fsync(out.fileno())
        out.seek(0)
        for _ in range(count):
            out.write(os.urandom(octets))
            start = time.monotonic()
            os.fdatasync(out.fileno())
            times.append(1000 * (time.monotonic() - start))
    before_others(False)
    os.unlink(path)
    times.sort()
    return times[count // 2], times[count * 99 // 100]


class House:
    def __init__(self, place):
        self.place = place
        self.plain_port = place.free_port()
        program = os.path.join(BUILD, "bench", "http_plain")
        self.site = Site(place, processes=2, dovecot=PLAIN.format(
            program=program, port=self.plain_port))
        self.policyd = Policyd(place, STREAMS, more=f'keys = "{place.file("ring")}"\n')
        self.made = 0

    def lines(self, count):
        """ADDRESS PATH of links nobody has used."""
        addresses = [f"a{self.made + n}@example.org" for n in range(count)]
        self.made += count
        urls = self.site.remite("unsubscribe", "link", "news", "-",
                                stdin="\n".join(addresses)).split()
        return "\n".join(f"{address} /u/{url.rsplit('/', 1)[1]}"
                         for address, url in zip(addresses, urls)) + "\n"

    def load(self, port, *options, service="remite-http", seconds=SECONDS):
        lines = self.lines(int(MOST * (seconds + WARM)))
        pids = self.site.dovecot.pids(service) + self.site.dovecot.pids("log")
        before = cpu_secs(pids)
        done = subprocess.run([os.path.join(BUILD, "bench", "http_load"), "-c", str(CLIENTS),
                               "-w", str(WARM), "-s", str(seconds), *options, str(port)],
                              input=lines, capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stderr:
            raise RuntimeError(done.stderr.strip() or f"status {done.returncode}")
        figures = {name: float(value)
                   for name, value in re.findall(r"(\w+)=([\d.]+)", done.stdout)}
        # Of the warm-up as well, so a little too much.
        figures["cpu_us"] = 1e6 * (cpu_secs(pids) - before) / max(figures["posts"], 1)
        if figures["refused"]:
            raise RuntimeError(f"{figures['refused']:.0f} answers are no 200")
        return figures


def cpu_secs(pids):
    """User and system, of all of them."""
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            ticks += sum(map(int, stat.read().rpartition(") ")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def show(what, figures):
    print(f"  {what:24} {figures['per_sec']:7.0f}/s  {figures['cpu_us']:4.0f} us  p50 {figures['p50_ms']:6.2f} ms  "
          f"p99 {figures['p99_ms']:6.2f} ms  max {figures['max_ms']:6.2f} ms", flush=True)


def show_stages(figures):
    print(f"  {'':24} p99 ms: {figures['late_p99_ms']:.2f} until it is sent, "
          f"{figures['answer_p99_ms']:.2f} until the 200, "
          f"{figures['verdict_p99_ms']:.2f} until policyd refuses", flush=True)


def throughput(house):
    ratios, rates, plains = [], [], []
    for _ in range(ROUNDS):
        plain = house.load(house.plain_port, service="http_plain")
        show("plain http_server", plain)
        ours = house.load(house.site.tls_port)
        show("remite-http", ours)
        ratios.append(100 * ours["per_sec"] / plain["per_sec"])
        rates.append(ours["per_sec"])
        plains.append(plain["per_sec"])
    rate, ratio = statistics.median(rates), statistics.median(ratios)
    return rate, (f"POST {rate:.0f}/s, {ratio:.0f} % of plain http_server's "
                  f"{statistics.median(plains):.0f}/s, {CLIENTS} TLS connections kept open "
                  f"(goal 5000/s, 60 %) {met(rate >= 5000, ratio >= 60)}")


def seen(house):
    """At RATE, and as fast as it goes, where clients wait for one another."""
    paced, full, disks = [], [], []
    for _ in range(ROUNDS):
        disks.append(fdatasync_ms(house.place.file("sync")))
        paced.append(house.load(house.site.tls_port, "-r", str(RATE), "-k",
                                house.policyd.socket))
        show(f"until refused, {RATE}/s", paced[-1])
        show_stages(paced[-1])
        full.append(house.load(house.site.tls_port, "-k", house.policyd.socket))
        show("until refused, all it can", full[-1])
        print(f"  {'fdatasync of 64 kB':24} {'':18}  p50 {disks[-1][0]:6.2f} ms  "
              f"p99 {disks[-1][1]:6.2f} ms", flush=True)
    disk = statistics.median(p99 for _, p99 in disks)

    def middle(rounds, name):
        return statistics.median(figures[name] for figures in rounds)

    p99 = middle(paced, "p99_ms")
    return (f"SEEN from a POST until policyd refuses, {CLIENTS} clients, {RATE}/s: p50 "
            f"{middle(paced, 'p50_ms'):.1f} ms, p99 {p99:.1f} ms; at "
            f"{middle(full, 'per_sec'):.0f}/s, all it can, p50 {middle(full, 'p50_ms'):.1f}, "
            f"p99 {middle(full, 'p99_ms'):.1f} ms; the disk's fdatasync p99 {disk:.1f} ms (goal "
            f"10 ms + 2 x fdatasync = {10 + 2 * disk:.1f} ms) {met(p99 <= 10 + 2 * disk)}")


def idle(house):
    """A round without, a round with them, in turn."""
    ratios, tails = [], []
    for _ in range(ROUNDS):
        alone = house.load(house.site.tls_port)
        show("alone", alone)
        crowd = house.load(house.site.tls_port, "-i", str(IDLE))
        show(f"beside {IDLE} idle", crowd)
        ratios.append(100 * crowd["per_sec"] / alone["per_sec"])
        tails.append(crowd["p99_ms"] / alone["p99_ms"])
    return (f"IDLE beside {IDLE} TLS connections that say nothing: "
            f"{statistics.median(ratios):.0f} % of the rate, p99 x{statistics.median(tails):.2f}")


def met(*conditions):
    return "met" if all(conditions) else "not met"


def memory_mb(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            total += int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])
    return total / 1024


def main():
    place = Place("bench")
    kind = subprocess.run(["stat", "-f", "-c", "%T", place.path], capture_output=True,
                          text=True, check=True).stdout.strip()
    print(f"  records on {kind}, load average {os.getloadavg()[0]:.1f}")
    try:
        if shutil.which("dovecot") is None:
            print("POST: skipped: dovecot is not installed")
            return
        house = House(place)
        lines = [throughput(house)[1], seen(house)]
        if IDLE:
            lines.append(idle(house))
        kept = int(house.site.remite("suppress", "export", "--scope", "stream:news").count("\n"))
        lines.append(f"kept {kept} addresses; remite-http "
                     f"{memory_mb(house.site.dovecot.pids('remite-http')):.0f} MB")
    finally:
        place.close()
    print("\n".join(lines))


if __name__ == "__main__":
    main()
