# SPDX-License-Identifier: MIT
"""Every 200 is a suppression, whenever remite-http is killed. 100 kills; REMITE_KILLS=1000
for the long run."""
import glob
import http.client
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import equal, main, test, true
from http_site import FORM, POST, Site

KILLS = int(os.environ.get("REMITE_KILLS", "100"))
CLIENTS = 20
LINKS = 1000 * KILLS


class Load:
    """Clients that unsubscribe one address after another, until told to stop."""

    def __init__(self, site, links):
        self.site = site
        self.links = links
        self.lock = threading.Lock()
        self.told, self.failed = [], 0
        self.stopped = False
        self.threads = [threading.Thread(target=self.run) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def next(self):
        with self.lock:
            return self.links.pop() if self.links and not self.stopped else None

    def run(self):
        connection = None
        while link := self.next():
            address, path = link
            try:
                connection = connection or http.client.HTTPConnection(
                    "127.0.0.1", self.site.port, timeout=60)
                connection.request("POST", path, POST, {"Content-Type": FORM})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self.told.append(address)
            except (OSError, http.client.HTTPException):
                self.failed += 1
                connection.close()
                connection = None
                time.sleep(0.01)

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join()


def connections(pid):
    """How many sockets a process has open."""
    count = 0
    for name in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            count += os.readlink(name).startswith("socket:")
        except OSError:
            pass
    return count


def kill_one(site, idle):
    """Kills one that serves somebody: Dovecot makes a service wait longer and longer whose
    processes die before they are ready."""
    pids = [pid for pid in site.dovecot.pids("remite-http") if connections(pid) > idle]
    if not pids:
        return 0
    os.kill(random.choice(pids), signal.SIGKILL)
    return 1


@test
def no_answer_is_given_that_a_kill_could_make_untrue(place):
    site = Site(place)
    addresses = [f"a{n}@example.org" for n in range(LINKS)]
    urls = site.remite("unsubscribe", "link", "news", "-", stdin="\n".join(addresses)).split()
    equal(site.post("/u/nothing", tls=False).status, 404, "an answer to nothing")
    idle = max(connections(pid) for pid in site.dovecot.pids("remite-http"))
    load = Load(site, list(zip(addresses, ["/u/" + url.rsplit("/", 1)[1] for url in urls])))
    kills, end = 0, time.monotonic() + max(200, 2 * KILLS)
    while kills < KILLS and time.monotonic() < end and load.links:
        time.sleep(random.uniform(0.02, 0.2))
        kills += kill_one(site, idle)
    load.stop()
    equal(kills, KILLS, "kills")
    true(len(load.told) > kills, f"only {len(load.told)} answers between {kills} kills")
    kept = {line.split(",")[0] for line in
            site.remite("suppress", "export", "--scope", "stream:news").splitlines()}
    lost = [address for address in load.told if address not in kept]
    print(f"# {kills} kills, {len(load.told)} told, {load.failed} not answered, "
          f"{len(kept)} kept")
    equal(lost, [], "told 200, and lost")


if __name__ == "__main__":
    main()
