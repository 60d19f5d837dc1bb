# SPDX-License-Identifier: MIT
"""usage: tests/race/receipts.py [--sessions N] [--messages N] [--kills N]
                              [--format maildir|sdbox|mdbox]
                              [--without-milter | --without-claim]

Sessions of one user open the same unread messages at once, each asking for a
receipt that the policy sends by itself, while imap processes, remite-agent and its
child remite-sender are killed (kill -9). The agent is stopped until all have asked
for the first ten messages: they meet there, whatever the machine, before any has an
answer. The agent submits to a Postfix that asks
remite-milter, which counts a receipt in its claim: so it is known what became of one
that the sender was killed over. Counts what leaves: one receipt a message, none twice,
none lost. Default: 40 sessions, 300 messages, 50 kills.

--without-milter: the agent submits to the last server directly, and the sender, over
which a receipt could be lost then, is left alone: killing agent and imap loses none.

--without-claim runs an agent that does not look at the claim (without_claim.c), and
no milter, which would: the race must find that, or it proves nothing. It ends well
where there were duplicates.

The last line is "receipts: N of M, D duplicates, L lost, K kills".
"""
import argparse
import collections
import glob
import os
import pwd
import random
import re
import signal
import socketserver
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import Dovecot, Imap
from live import BUILD, ROOT, Failure, Place, Skip, processes, wait_until
from milter import Milter
from postfix import Postfix

THROTTLED = 200  # seconds, at most
TOGETHER = 10  # messages of a round; sessions read each in an order of their own

MESSAGE = """\
From: Alice <alice@example.net>
To: ann@example.net
Subject: please confirm {n}
Message-ID: <{n}@race.example>
Date: {date}
Disposition-Notification-To: alice@example.net

text {n}
"""

RECEIPTS = """
organization = ["example.net"]
state = "{state}"
receipts: {{
	policy = "organization"
	prompt = false
	user_limit = "1000000/day"
	target_limit = "1000000/day"
	sender_limit = "1000000/day"
	addresses = ["ann: ann@example.net"]
}}
"""

AGENT = """
mode = "enforce"
agent: {{ host = "mx.example.net" }}
submission: {{ host = "127.0.0.1" port = {port} }}
"""


class Sink(socketserver.ThreadingTCPServer):
    """Takes mail; counts receipts by the message they are about. A receipt counts
    when it was answered, or might have been: with the end of its data."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), SinkSession)
        self.receipts = collections.Counter()
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def take(self, data):
        found = re.search(rb"(?im)^Original-Message-ID:\s*<(\d+)@race", data)
        with self.lock:
            self.receipts[int(found[1]) if found else -1] += 1


class SinkSession(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 sink ESMTP\r\n")
        try:
            while line := self.rfile.readline():
                self.command(line.strip().upper())
        except OSError:
            pass

    def command(self, line):
        if line.startswith(b"EHLO"):
            self.wfile.write(b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
        elif line == b"DATA":
            self.wfile.write(b"354 go\r\n")
            data = b""
            while not data.endswith(b"\r\n.\r\n"):
                more = self.rfile.readline()
                if not more:
                    return
                data += more
            self.server.take(data)
            self.wfile.write(b"250 taken\r\n")
        else:
            self.wfile.write(b"250 yes\r\n" if line != b"QUIT" else b"221 bye\r\n")


def has_open(pid, path):
    """Whether the process has a file open there: it is past its start then. Dovecot does
    not start a service for a minute whose processes end before that. (From another mount
    namespace the names may have something before them.)"""
    try:
        links = [os.readlink(link) for link in glob.glob(f"/proc/{pid}/fd/*")]
    except OSError:
        return False
    return any(path in link for link in links)


def agent_without_claim():
    path = os.path.join(BUILD, "race", "remite-agent")
    if not os.access(path, os.X_OK):
        raise Skip(f"{path} is not built: make {os.path.relpath(path, ROOT)}")
    return path


class House:
    def __init__(self, place, arguments):
        self.arguments = arguments
        self.met = threading.Barrier(arguments.sessions + 1)
        self.sink = Sink()
        self.kills = 0
        self.killed = collections.Counter()
        programs = {}
        if arguments.without_claim:
            programs["remite-agent"] = agent_without_claim()
        self.dovecot = Dovecot(
            place, users={"ann": {}}, format=arguments.format, programs=programs,
            agent=True, agent_config=self.start_submission(place),
            remite={"receipts": "server", "addresses": "ann@example.net"})
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        self.dovecot.deliver_many("ann", [MESSAGE.format(n=n, date=date) for n in
                                          range(1, arguments.messages + 1)],
                                  "alice@example.net")

    def start_submission(self, place):
        """Postfix with remite-milter; returns the agent's configuration."""
        self.state = place.file("state")
        os.mkdir(self.state, 0o770)
        os.chown(self.state, pwd.getpwnam("nobody").pw_uid, -1)
        receipts = RECEIPTS.format(state=self.state)
        if self.arguments.without_milter:
            return place.file("agent.conf", receipts + AGENT.format(port=self.sink.port))
        self.milter = Milter(place, "", "", "enforce", more=receipts,
                             places=("before", "after"))
        self.postfix = Postfix(place, settings={
            "default_transport": f"smtp:[127.0.0.1]:{self.sink.port}",
            "smtpd_milters": self.milter.address_of("before"),
            "milter_default_action": "tempfail"})
        return place.file("agent.conf", receipts + AGENT.format(port=self.postfix.port))

    def counts(self):
        """{message: receipts}"""
        with self.sink.lock:
            return dict(self.sink.receipts)

    def read_all(self, number):
        """A session: whoever kills it, it begins again where it was. As long as somebody
        is to be killed it reads all again."""
        order = list(range(1, self.arguments.messages + 1))
        # Together through the same messages, so that they meet.
        chance = random.Random(number)
        for i in range(0, len(order), TOGETHER):
            part = order[i:i + TOGETHER]
            chance.shuffle(part)
            order[i:i + TOGETHER] = part
        self.read(list(order), self.met)
        while self.kills < self.arguments.kills:
            self.read(list(order))

    def read(self, order, meets=None):
        while order:
            try:
                self.read_some(order, meets)
            except (OSError, Failure):
                time.sleep(0.05)

    def read_some(self, order, meets):
        with Imap(self.dovecot.ports["imap"], "ann") as imap:
            imap.select()
            while order:
                imap.ok(f"UID FETCH {order[0]} (BODY[])")
                order.pop(0)
                if meets and len(order) == self.arguments.messages - TOGETHER:
                    meets.wait(120)
            imap.logout()

    @staticmethod
    def send_signal(pids, number):
        for pid in pids:
            os.kill(pid, number)

    def victims(self):
        """Every fifth is the agent, every tenth its sender, which is there while there is
        something to send. An agent's records and a reader's mail are open."""
        number = self.kills % 10
        if (number == 9 and not self.arguments.without_milter
                and len(self.counts()) < self.arguments.messages):
            return "remite-sender", [
                pid for pid, name, _, _, _, session in processes()
                if name == "remite-sender" and session == self.dovecot.process.pid]
        name, path = ("remite-agent", self.state) if number == 4 else \
            ("imap", self.dovecot.home("ann"))
        return name, [pid for pid in self.dovecot.pids(name) if has_open(pid, path)]

    def kill_some(self, sessions):
        """As long as there are sessions."""
        chance = random.Random(0)
        while self.kills < self.arguments.kills and any(s.is_alive() for s in sessions):
            time.sleep(0.03)
            name, pids = self.victims()
            if not pids:
                continue
            try:
                os.kill(chance.choice(pids), signal.SIGKILL)
                self.kills += 1
                self.killed[name] += 1
            except ProcessLookupError:
                pass

    def read_first(self):
        """The agent learns that its receipts are counted at submission from the first
        one that is: killed over that one, it could not know what became of it."""
        with self.dovecot.imap() as imap:
            imap.select()
            imap.ok("UID FETCH 1 (BODY[])")
            wait_until(lambda: self.counts().get(1), "the first receipt")
            imap.logout()

    def run(self):
        self.read_first()
        sessions = [threading.Thread(target=self.read_all, args=(n,), daemon=True)
                    for n in range(self.arguments.sessions)]
        agents = self.dovecot.pids("remite-agent")
        self.send_signal(agents, signal.SIGSTOP)
        try:
            for session in sessions:
                session.start()
            self.met.wait(120)
        finally:
            self.send_signal(agents, signal.SIGCONT)
        self.kill_some(sessions)
        for session in sessions:
            session.join(1200)
        self.wait_for_the_rest()

    def story_of(self, message):
        """What the logs have about a receipt: which way it went, and when."""
        log = self.dovecot.log().splitlines()
        lines = [line for line in log if f"id=<{message}@race" in line
                 or "has ended" in line or "killed with signal" in line
                 and "imap" not in line]
        if self.arguments.without_milter:
            return lines
        receipt = re.search(rf"id=<{message}@race.example> receipt=<(\S+)>", "\n".join(lines))
        mail = self.postfix.log().splitlines()
        ids = [re.search(r"\]: (\w+): ", line)[1] for line in mail
               if receipt and receipt[1] in line and re.search(r"\]: (\w+): ", line)]
        lines += [line for line in mail if any(f" {one}: " in line for one in ids)]
        lines += [line for line in self.milter.log().splitlines()
                  if any(f"={one} " in line for one in ids) or "error" in line]
        return lines

    def wait_for_the_rest(self):
        """What was displayed and not told is told by the next session. Dovecot starts
        an agent that was killed in its first moments again after a minute at most."""
        end = time.monotonic() + THROTTLED
        while len(self.counts()) < self.arguments.messages and time.monotonic() < end:
            with self.dovecot.imap() as imap:
                imap.select()
                for _ in range(10):
                    time.sleep(0.2)
                    imap.ok("NOOP")
        time.sleep(2)  # for one too many


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--format", default="maildir")
    parser.add_argument("--without-claim", action="store_true")
    parser.add_argument("--without-milter", action="store_true")
    arguments = parser.parse_args()
    arguments.without_milter |= arguments.without_claim
    place = Place()
    start = time.monotonic()
    try:
        house = House(place, arguments)
        house.run()
        counts = house.counts()
        log = house.dovecot.log()
        for message in [n for n, receipts in counts.items() if receipts > 1][:2]:
            if not arguments.without_claim:
                print(f"twice: {message}", *house.story_of(message), sep="\n")
        panics = [e for e in house.dovecot.errors() if "Panic" in e or "Sanitizer" in e]
    except Skip as reason:
        print(f"cannot race: {reason}")
        sys.exit(1)
    finally:
        place.close()
    duplicates = sum(n - 1 for n in counts.values())
    lost = [n for n in range(1, arguments.messages + 1) if n not in counts]
    for line in panics[:10]:
        print(line)
    if lost:
        print("lost:", *lost[:20])
        print("\n".join([x for x in log.splitlines() if "remite-agent" in x][-20:]))
    what = "receipts without a claim" if arguments.without_claim else "receipts"
    print(f"{arguments.format}, {arguments.sessions} sessions, "
          f"{time.monotonic() - start:.0f} s; {what}: {len(counts)} of "
          f"{arguments.messages}, {duplicates} duplicates, {len(lost)} lost, "
          f"{house.kills} kills"
          + "".join(f", {n} of {name}" for name, n in sorted(house.killed.items())),
          flush=True)
    good = duplicates > 0 if arguments.without_claim else duplicates == 0
    sys.exit(0 if good and not lost and not panics else 1)


if __name__ == "__main__":
    main()
