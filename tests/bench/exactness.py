#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: tests/bench/exactness.py [CONNECTIONS ...]      (1 16 100 1000)

P8: no over-run, and what is aborted is given back to the last recipient. Speaks
the policy protocol to a private remite-policyd, once with a quota and once with a
rate in the way. For each number of connections:

1. Refund: messages of several recipients, every one of them aborted (RSET, which
   is another instance on the same connection, or the connection closed), under a
   limit of two recipients a connection. Afterwards all of it must be left.
2. Over-run: messages sent, sent to fewer recipients than were granted, aborted
   in both ways. Then what is left is asked for, one by one, up to the refusal:
   as many units as the limit has must have been sent, not one more or less.

What is accepted and not yet given up is counted here too: it never exceeds what
the server has, so more than the limit at any moment is an over-run.
"""
import os
import random
import resource
import selectors
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from live import Failure, Place, wait_until  # noqa: E402
from policyd import Policyd, request  # noqa: E402

LIMIT = 4000
REQUESTS = 16000  # in each of the two phases, about
MOST_RECIPIENTS = 8
ABORTS, ALL_ENDS = ("rset", "hang up"), ("send", "send fewer", "rset", "hang up")
STREAM = """
    {name}: {{
        senders = ["*@{name}.example.test"]
        limits: {{ it: {{ per = "stream" {limit} }} }}
    }}
"""
KINDS = {"quota": 'quota = "{units}/day"', "rate": 'rate = "1/day" burst = {units}'}
POLICYD = 'stages = ["RCPT", "DATA", "END-OF-MESSAGE"]\nlog_passed = false\n'


class Books:
    """What clients were granted, gave up and sent."""

    def __init__(self):
        self.open = self.sent = self.granted = self.refused = self.aborted = 0
        self.most = self.requests = 0

    def grant(self):
        self.granted += 1
        self.open += 1
        self.most = max(self.most, self.open + self.sent)

    def give_up(self, units):
        self.open -= units
        self.aborted += units

    def send(self, units):
        self.open -= units
        self.sent += units


class Client:
    """One smtpd: a request in flight, messages one after another."""

    serial = 0

    def __init__(self, crowd, stream, ends, messages):
        self.crowd, self.stream, self.ends, self.left = crowd, stream, ends, messages
        self.random = random.Random(Client.serial)
        self.granted = 0
        self.connect()
        self.begin()

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(self.crowd.path)
        self.crowd.selector.register(self.socket, selectors.EVENT_READ, self)

    def close(self):
        self.crowd.selector.unregister(self.socket)
        self.socket.close()

    def ask(self, sender=None, **attributes):
        self.crowd.books.requests += 1
        self.socket.sendall(request(sender=sender or f"list@{self.stream}.example.test",
                                    instance=self.instance, **attributes))

    def begin(self):
        Client.serial += 1
        self.instance = f"p8.{Client.serial:x}.0"
        self.recipients = self.random.randint(1, MOST_RECIPIENTS)
        if self.left == 0:  # the message before this one may have been aborted
            self.state = "over"
            self.ask(sender="nobody@elsewhere.example.test", recipient="a@example.org")
            return
        self.left -= 1
        self.state = "rcpt"
        self.asked = 0
        self.ask_recipient()

    def ask_recipient(self):
        self.asked += 1
        self.ask(recipient=f"p{self.asked}@example.org")

    def heard(self):
        """False when this client is done."""
        answer = self.socket.recv(4096).decode()
        if not answer.endswith("\n\n"):
            raise Failure(f"not an answer: {answer!r}")
        passed = answer == "action=DUNNO\n\n"
        return getattr(self, self.state)(passed)

    def over(self, _):
        self.close()
        return False

    def rcpt(self, passed):
        books = self.crowd.books
        if passed:
            self.granted += 1
            books.grant()
        else:
            books.refused += 1
        if self.asked < self.recipients:
            self.ask_recipient()
        else:
            self.end_message(self.random.choice(self.ends) if self.granted else "rset")
        return True

    def end_message(self, how):
        if how in ABORTS:
            self.crowd.books.give_up(self.granted)
            self.granted = 0
            if how == "hang up":
                self.close()
                self.connect()
            self.begin()
            return
        if how == "send fewer" and self.granted > 1:  # refused by what comes later
            self.granted -= 1
            self.crowd.books.give_up(1)
        self.state = "data"
        self.ask(protocol_state="DATA", recipient_count=self.granted, queue_id="4Zk3pQ1")

    def data(self, passed):
        if not passed:
            raise Failure("refused at DATA, although every recipient was granted")
        self.state = "end_of_message"
        self.ask(protocol_state="END-OF-MESSAGE", recipient_count=self.granted,
                 queue_id="4Zk3pQ1", size=300)
        return True

    def end_of_message(self, passed):
        if not passed:
            raise Failure("refused at END-OF-MESSAGE, although all was granted")
        self.crowd.books.send(self.granted)
        self.granted = 0
        self.begin()
        return True


class Crowd:
    def __init__(self, path):
        self.path = path
        self.books = Books()
        self.selector = selectors.DefaultSelector()

    def run(self, connections, stream, ends):
        each = max(3, REQUESTS // connections // (MOST_RECIPIENTS // 2 + 1))
        for _ in range(connections):
            Client(self, stream, ends, each)
        left = connections
        while left > 0:
            ready = self.selector.select(20)
            if not ready:
                raise Failure("no answer within 20 s")
            left -= sum(not key.data.heard() for key, _ in ready)
        return self.books


def used(policyd, stream):
    return sum(policyd.used(f"{stream}/it").values())


def fill(policyd, stream):
    """Sends one message a recipient until one is refused; how many passed."""
    sender = f"list@{stream}.example.test"
    with policyd.client() as client:
        for passed in range(LIMIT + 1000):
            if client.rcpt(sender, "a@example.org") != "DUNNO":
                return passed
            client.data(sender, 1)
            client.end_of_message(sender, 1)
            client.new_message()
    raise Failure("there is no limit")


class Phase:
    """Messages up to a limit, and what is left of it afterwards."""

    def __init__(self, policyd, connections, stream, limit, ends):
        self.books = Crowd(policyd.socket).run(connections, stream, ends)
        if self.books.refused == 0:
            raise Failure("the limit was not in the way")
        try:  # a connection that closed is noticed a moment later
            wait_until(lambda: used(policyd, stream) == self.books.sent, "", 2)
        except Failure:
            pass  # the number tells
        self.held = used(policyd, stream) - self.books.sent
        self.sent = self.books.sent + fill(policyd, stream)
        self.counted = used(policyd, stream)
        self.over = max(0, max(self.books.most, self.sent, self.counted) - limit)
        self.lost = max(abs(self.held), limit - self.sent)

    def __str__(self):
        books = self.books
        return (f"{books.requests} requests, {books.refused} refused, {books.aborted} units "
                f"given up, {self.held} of them held on; sent {self.sent}, counted "
                f"{self.counted}")


def measure(connections, kind):
    """Units of over-run, units lost, and units given up."""
    few = max(2 * connections, MOST_RECIPIENTS // 2)
    place = Place()
    try:
        policyd = Policyd(place, "".join(
            STREAM.format(name=f"{kind}{units}", limit=KINDS[kind].format(units=units))
            for units in (few, LIMIT)), policyd=POLICYD)
        phases = [Phase(policyd, connections, f"{kind}{units}", units, ends)
                  for units, ends in ((few, ABORTS), (LIMIT, ALL_ENDS))]
    finally:
        place.close()
    for phase, units in zip(phases, (few, LIMIT)):
        print(f"  {connections:4} connections, {kind} {units}: {phase}", flush=True)
    return [sum(values) for values in zip(*((p.over, p.lost, p.books.aborted)
                                            for p in phases))]


def main():
    numbers = [int(argument) for argument in sys.argv[1:]] or [1, 16, 100, 1000]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(numbers) + 100), hard))
    rows = [measure(number, kind) for number in numbers for kind in KINDS]
    over, lost, aborted = (sum(column) for column in zip(*rows))
    verdict = "met" if over == 0 and lost == 0 else "not met"
    print(f"P8 exactness at {', '.join(map(str, numbers))} connections: over-run {over} "
          f"units, given back {100 * (aborted - lost) / aborted:.4f} % of {aborted} units "
          f"(goal 0 and 100 %) {verdict}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"tests/bench/exactness.py: {failure}")
