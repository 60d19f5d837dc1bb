# SPDX-License-Identifier: MIT
"""Offenders lose their connection, and nobody else notices."""
import os
import resource
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from live import Failure, Skip, equal, main, test, true, wait_until  # noqa: E402
from policyd import Policyd, PolicyClient, request  # noqa: E402

ASK = request(sender="a@example.test", recipient="b@example.org", instance="crowd.1")


def raise_files(wanted):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Skip(f"only {hard} descriptors are allowed here (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def rss_kb(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def cpu_ticks(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@test
def ten_thousand_connections_are_held_and_answered(place):
    raise_files(10100)
    policyd = Policyd(place, policyd='log_passed = false')
    idle = rss_kb(policyd.process)
    true(idle <= 8192, f"{idle} kB resident when idle, want at most 8 MB")
    crowd = []
    try:
        for _ in range(9999):
            client = socket.socket(socket.AF_UNIX)
            client.connect(policyd.socket)
            client.settimeout(60)
            crowd.append(client)
        for client in crowd[::97]:
            client.sendall(ASK)
            equal(client.recv(100), b"action=DUNNO\n\n", "an answer in the crowd")
        wait_until(lambda: policyd.status()["connections"] == 9999, "all to be counted")
        grown = (rss_kb(policyd.process) - idle) * 1024 / 9999
        true(grown < 1024, f"{grown:.0f} octets for an idle connection")
    finally:
        for client in crowd:
            client.close()
    wait_until(lambda: policyd.status()["connections"] == 0, "all to be gone")


@test
def beyond_max_connections_newcomers_are_refused_and_the_rest_is_served(place):
    policyd = Policyd(place, policyd="max_connections = 8")
    wait_until(lambda: policyd.status()["connections"] == 0, "nobody to be there")
    clients = [PolicyClient(policyd.socket) for _ in range(8)]
    with PolicyClient(policyd.socket) as late:
        equal(late.socket.recv(1), b"", "the ninth connection")
    for client in clients:
        equal(client.rcpt("a@example.test", "b@example.org"), "DUNNO", "one of the eight")
    clients.pop().close()
    wait_until(lambda: policyd.status()["connections"] == 7, "room")
    with PolicyClient(policyd.socket) as late:
        equal(late.rcpt("a@example.test", "b@example.org"), "DUNNO", "after that")
    policyd.wait_log(r"policyd\.max_connections")


@test
def without_descriptors_it_waits_and_does_not_spin(place):
    policyd = Policyd(place)
    wait_until(lambda: policyd.status()["connections"] == 0, "nobody to be there")
    with PolicyClient(policyd.socket) as served:
        equal(served.rcpt("a@example.test", "b@example.org"), "DUNNO", "with descriptors")
        open_now = len(os.listdir(f"/proc/{policyd.process.pid}/fd"))
        resource.prlimit(policyd.process.pid, resource.RLIMIT_NOFILE,
                         (open_now + 2, open_now + 2))
        crowd = []
        for _ in range(6):
            client = socket.socket(socket.AF_UNIX)
            client.connect(policyd.socket)
            crowd.append(client)
        wait_until(lambda: "accept: " in policyd.log(), "the log to tell")
        before = cpu_ticks(policyd.process)
        time.sleep(1.5)
        true(cpu_ticks(policyd.process) - before < 30, "it spins")
        equal(served.rcpt("a@example.test", "b@example.org"), "DUNNO", "who is in")
        for client in crowd[:4]:
            client.close()
        crowd[5].settimeout(60)
        crowd[5].sendall(ASK)
        equal(crowd[5].recv(100), b"action=DUNNO\n\n", "who waited")
        for client in crowd[4:]:
            client.close()


@test
def offenders_are_closed_while_others_are_answered_in_time(place):
    policyd = Policyd(place, policyd='request_timeout = "2s"')
    stop = threading.Event()
    answers = []

    def ask():
        with PolicyClient(policyd.socket) as client:
            while not stop.is_set():
                begin = time.monotonic()
                equal(client.rcpt("a@example.test", "b@example.org"), "DUNNO", "answer")
                answers.append(time.monotonic() - begin)
                time.sleep(0.002)

    good = threading.Thread(target=ask)
    good.start()
    try:
        offend(policyd, answers)
    finally:
        stop.set()
        good.join()
    true(len(answers) > 100, f"only {len(answers)} answers")
    # All but a few, which a busy machine may have held up.
    late = sum(seconds >= 1 for seconds in answers)
    true(late < 0.02 * len(answers), f"{late} of {len(answers)} answers took a second")


def offend(policyd, answers):
    """answers: those others have had; they go on while an offender is there."""
    def closed(data, half=False):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(60)
        client.connect(policyd.socket)
        try:
            client.sendall(data)
            if half:
                client.shutdown(socket.SHUT_WR)
            heard = client.recv(65536)
            while half and heard and client.recv(65536):
                pass
            return heard
        except (BrokenPipeError, ConnectionResetError):
            return b""
        finally:
            client.close()

    equal(closed(os.urandom(4000) + b"\n"), b"", "random octets")
    equal(closed(b"\0" * 100000), b"", "NUL")
    equal(closed(b"x" * (1 << 20)), b"", "a line of 1 MB")
    equal(closed(b"GET / HTTP/1.0\r\n\r\n"), b"", "HTTP")
    equal(closed(b"request=smtpd_access_policy\nsender="), b"", "no end ever")
    equal(closed(ASK, half=True), b"action=DUNNO\n\n", "half-closed, with a request")
    equal(closed(ASK[:100], half=True), b"", "half-closed in the middle")
    tries = send_until_others_are_answered(policyd, answers)
    wait_until(lambda: policyd.log().count(" closed: ") >= 6 + tries, "lines about offenders")
    equal(policyd.log().count(" closed: "), 6 + tries, "lines about offenders")


def send_until_others_are_answered(policyd, answers):
    """How many slow ones it took. Who waited for them would have answered once or twice
    beside each; a busy machine holds up some."""
    seen = []
    for tries in range(1, 6):
        before, began = len(answers), time.monotonic()
        send_slowly(policyd)
        seen.append((len(answers) - before, time.monotonic() - began))
        if seen[-1][0] > 10 and seen[-1][1] < 5:
            return tries
    raise Failure(f"(answers beside a slow client, its seconds): {seen}")


def send_slowly(policyd):
    """One octet at a time, until that is borne no longer."""
    with socket.socket(socket.AF_UNIX) as slow:
        slow.settimeout(0.2)
        slow.connect(policyd.socket)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                slow.send(b"r")
                if slow.recv(1) == b"":
                    return
            except TimeoutError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                return
    raise Failure("one octet at a time is borne for a minute")


if __name__ == "__main__":
    main()
