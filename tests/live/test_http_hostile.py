# SPDX-License-Identifier: MIT
"""remite-http and clients that mean harm: bodies without end, slow ones, crowds, nonsense,
and requests that two parsers read as two different ones."""
import os
import re
import resource
import select
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from http_site import FORM, POST, Site
from live import Skip, equal, main, test, true

CROWD = 10000
CROWDED = """
service remite-http {
  client_limit = 12000
}
"""


def raw(site, *pieces, seconds=60.0, more=None, pause=0.0):
    """What the server says to these octets until it closes, or the time is over. more:
    seconds in which it may say more, once it has said something."""
    said = b""
    with socket.create_connection(("127.0.0.1", site.port), timeout=seconds) as client:
        try:
            for piece in pieces:
                client.sendall(piece)
                time.sleep(pause)
        except ConnectionError:
            pass  # what it said before may be there
        try:
            while chunk := client.recv(65536):
                said += chunk
                client.settimeout(more or seconds)
        except (TimeoutError, ConnectionError):
            pass
    return said


def statuses(said):
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", said)]


def post(path, more="", body=POST):
    """A whole request; more: fields in place of its length."""
    length = "" if more else f"Content-Length: {len(body)}\r\n"
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n{length}{more}\r\n"
            f"{body}").encode("latin-1")


@test
def a_body_beyond_the_limit_is_refused_and_not_read(place):
    site = Site(place)
    path = site.path()
    served_by = site.dovecot.wait_pids("remite-http")
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
    said = raw(site, (head + "Content-Length: 10000000\r\n\r\n").encode(), b"x" * 10)
    true(b" 413 " in said.split(b"\r\n")[0], said[:200])
    chunk = b"fa00\r\n" + b"x" * 64000 + b"\r\n"
    # Closed while we still send, so that the answer may be lost on its way.
    said = raw(site, (head + "Transfer-Encoding: chunked\r\n\r\n").encode(), *[chunk] * 10)
    true(said == b"" or b" 413 " in said.split(b"\r\n")[0], said[:200])
    # Where the first chunk was read alone, Dovecot is the one who counts too many.
    said = raw(site, (head + "Transfer-Encoding: chunked\r\n\r\n").encode(), chunk, chunk,
               pause=0.3)
    true(b" 413 " in said.split(b"\r\n")[0], said[:200])
    said = raw(site, (head + "Transfer-Encoding: chunked\r\n\r\n").encode(), chunk[:1000],
               chunk[1000:] + b"fa00 and what is no length\r\n", pause=0.3)
    true(b" 400 " in said.split(b"\r\n")[0], said[:200])
    equal(site.barred(), [], "entries")
    equal(site.post(path).status, 200, "others are served")
    equal((site.dovecot.pids("remite-http"), site.dovecot.errors()), (served_by, []),
          "the process, and the log")


@test
def slow_clients_hold_nobody_up(place):
    site = Site(place)
    path = site.path()
    head = (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
            f"Content-Length: {len(POST)}\r\n\r\n").encode()
    slow = [socket.create_connection(("127.0.0.1", site.port), timeout=60) for _ in range(200)]
    for number, client in enumerate(slow):
        client.sendall(head[:20] if number % 2 else head + POST[:3].encode())
    equal(site.post(site.path("bob@example.org"), tls=False).status, 200, "answer")
    # Who waited for them would answer when he has given them up.
    equal(select.select(slow, [], [], 0)[0], [], "slow clients that were given up by then")
    for client in slow:
        client.close()
    equal(site.barred(), [], "what was not finished")


@test
def a_body_that_does_not_come_is_waited_for_half_a_minute(place):
    site = Site(place)
    path = site.path()
    silent = socket.create_connection(("127.0.0.1", site.port), timeout=60)
    silent.sendall(post(path)[:-5])
    drops = socket.create_connection(("127.0.0.1", site.port), timeout=60)
    drops.sendall(post(path, body="x" * 60)[:-60])
    began = time.monotonic()
    drops.settimeout(1)
    said = b""
    while not said and time.monotonic() - began < 55:
        try:
            drops.sendall(b"x")  # one a second: each alone is in time
        except ConnectionError:
            pass  # closed a moment ago: what it said is still there
        try:
            said = drops.recv(1000)
        except TimeoutError:
            pass
    true(25 < time.monotonic() - began < 45, f"after {time.monotonic() - began:.0f} s")
    equal((statuses(said), statuses(silent.recv(1000))), ([408], [408]), "statuses")
    equal((silent.recv(1000), site.barred()), (b"", []), "closed, and nobody on the list")


@test
def ten_thousand_connections_keep_nobody_out(place):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < CROWD + 1000:
        raise Skip(f"only {hard} descriptors are allowed here (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (CROWD + 1000, hard))
    site = Site(place, dovecot=CROWDED)
    half = post(site.path("a@example.org"))[:-3]
    crowd = []
    for number in range(CROWD):
        crowd.append(socket.create_connection(("127.0.0.1", site.port), timeout=60))
        crowd[-1].sendall(half[:number % len(half)])
    equal(site.post(site.path(), tls=False).status, 200, "answer, within half a minute")
    crowd[-1].sendall(half[(CROWD - 1) % len(half):] + POST[-3:].encode())
    true(b" 200 " in crowd[-1].recv(1000), "one of the crowd who goes on")
    for client in crowd:
        client.close()
    equal(site.post(site.path("bob@example.org")).status, 200, "afterwards")
    equal([line for line in site.dovecot.errors() if "fd limit" not in line], [], "log")


@test
def who_hangs_up_in_the_middle_hurts_nobody_else(place):
    """Neither in a body nor before its answer."""
    site = Site(place)
    whole = post(site.path())
    chunked = post(site.path(), "Transfer-Encoding: chunked\r\n", "1a\r\nList")
    (pid,) = site.dovecot.wait_pids("remite-http")
    for octets in [whole[:-end] for end in range(1, len(POST) + 2)] + [chunked, whole]:
        for reset in (False, True):
            with socket.create_connection(("127.0.0.1", site.port), timeout=60) as client:
                client.sendall(octets)
                if reset:  # RST in place of FIN
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
    equal(site.post(site.path("bob@example.org")).status, 200, "others are served")
    equal((site.dovecot.pids("remite-http"), site.dovecot.errors()), ([pid], []),
          "the process, and the log")


@test
def the_end_comes_in_the_middle_of_requests_without_harm(place):
    site = Site(place)
    whole, chunked = post(site.path()), post(site.path(), "Transfer-Encoding: chunked\r\n", "1a")
    crowd = []
    for octets in [whole[:-5], chunked, whole[:40], b""] * 5:
        crowd.append(socket.create_connection(("127.0.0.1", site.port), timeout=60))
        crowd[-1].sendall(octets)
    equal(site.post(site.path("bob@example.org")).status, 200, "before")
    site.dovecot.stop()
    for client in crowd:
        client.close()
    equal([line for line in site.dovecot.errors() if "signal 15" not in line], [], "log")
    equal((site.barred(), len(site.barred("bob@example.org"))), ([], 1), "entries")


@test
def pipelined_requests_are_answered_in_order(place):
    site = Site(place)
    path = site.path()
    post = (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
            f"Content-Length: {len(POST)}\r\n\r\n{POST}").encode()
    last = b"GET /u/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    said = raw(site, post * 5 + last)
    equal(re.findall(rb"HTTP/1\.1 (\d+)", said), [b"200"] * 5 + [b"404"], "statuses")


# --- what two parsers read as two requests ---

# Fields about the body's length that contradict one another or say nothing; and the
# octets behind the head.
GAMES = [
    ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"),
    ("Content-Length: 3\nTransfer-Encoding: chunked\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: identity, chunked\r\nContent-Length: 0\r\n", ""),
    ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: gzip\r\n", ""),
    ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: \x00chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\x00\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"),
    ("X: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    (" Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Content-Length: 0\r\nContent-Length: 5\r\n", ""),
    ("Content-Length: 0, 5\r\n", ""),
    ("Content-Length: -1\r\n", ""), ("Content-Length: +0\r\n", ""),
    ("Content-Length: 0x10\r\n", ""), ("Content-Length: 1 0\r\n", ""),
    ("Content-Length: 18446744073709551616\r\n", ""),
    ("Content-Length: \r\n", ""), ("Content-Length: \xb2\r\n", ""),
    ("Content-Length : 0\r\n", ""),
]
# The body itself, chunked.
CHUNKS = [
    "fffffffffffffffff\r\n", "-1\r\n", "+0\r\n\r\n", "0x0\r\n\r\n", "\r\n", "g\r\n", ";\r\n",
    "1\r\nab\r\n0\r\n\r\n", "1\r\na0\r\n\r\n", "0 0\r\n\r\n", "0\r\rn\r\n",
]


@test
def requests_hidden_in_another_are_not_carried_out(place):
    """What two parsers may read as two requests is refused, and the connection closed."""
    site = Site(place)
    ann, bob = site.path("ann@example.org"), site.path("bob@example.org")
    hidden = post(bob)
    games = [post(ann, fields, octets) for fields, octets in GAMES]
    games += [post(ann, "Transfer-Encoding: chunked\r\n", octets) for octets in CHUNKS]
    passed = []
    for game in games:
        said = raw(site, game + hidden, seconds=3)
        if said != b"" and (len(statuses(said)) != 1 or statuses(said)[0] < 400):
            passed.append((game, said[:100]))
    equal(passed, [], "what was not refused")
    equal(site.barred("ann@example.org") + site.barred("bob@example.org"), [], "entries")
    equal(site.post(ann).status, 200, "others are served")
    equal(site.dovecot.errors(), [], "log")


@test
def a_body_is_a_body_whatever_is_in_it(place):
    """Also where nobody reads it: of GET, of what is refused by its head."""
    site = Site(place)
    hidden = post(site.path("bob@example.org")).decode()
    ann = site.path("ann@example.org")
    length = f"Content-Length: {len(hidden)}\r\n"
    for head, want in ((f"GET {ann} HTTP/1.1\r\n", 200), (f"HEAD {ann} HTTP/1.1\r\n", 200),
                       (f"DELETE {ann} HTTP/1.1\r\n", 405), ("GET /u/none HTTP/1.1\r\n", 404),
                       (f"POST {ann} HTTP/1.1\r\nContent-Type: text/plain\r\n", 415),
                       ("POST /none HTTP/1.1\r\n", 404)):
        said = raw(site, f"{head}Host: x\r\n{length}\r\n{hidden}".encode(), more=1)
        equal(statuses(said), [want], head)
    equal(site.barred("ann@example.org") + site.barred("bob@example.org"), [], "entries")


@test
def who_is_refused_by_his_head_reads_why(place):
    """Closed with octets unread, a connection takes the answer along: a client that sends
    "Connection: close" (Python's urllib) never learned that it may try the other form."""
    site = Site(place)
    ann = site.path()
    for line, content_type, want in (
            (f"POST {ann}", "application/json", 415), (f"POST {ann}", "text/plain", 415),
            (f"POST {ann}/", FORM, 404), ("POST *", FORM, 404), (f"PUT {ann}", FORM, 405),
            (f"DELETE {ann}", FORM, 405), (f"GET {ann}", FORM, 200), (f"HEAD {ann}", FORM, 200)):
        for length, body in ((f"Content-Length: {len(POST)}", POST),
                             ("Transfer-Encoding: chunked", f"1a\r\n{POST}\r\n0\r\n\r\n")):
            said = raw(site, f"{line} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\n"
                       f"{length}\r\nConnection: close\r\n\r\n{body}".encode())
            equal(statuses(said), [want], f"{line} {content_type} {length}")
    equal(site.barred(), [], "entries")


@test
def chunks_may_be_written_in_every_way_they_may(place):
    site = Site(place)
    one, two = POST[:5], POST[5:]
    for number, body in enumerate((
            f"{len(POST):x}\r\n{POST}\r\n0\r\n\r\n", f"{len(POST):X}\r\n{POST}\r\n000\r\n\r\n",
            f"{len(POST):x};a=b;c\r\n{POST}\r\n0\r\n\r\n",
            f"{len(one):x}\r\n{one}\r\n{len(two):x}\r\n{two}\r\n0\r\nX-Trailer: y\r\n\r\n")):
        address = f"c{number}@example.org"
        said = raw(site, post(site.path(address), "Transfer-Encoding: chunked\r\n", body),
                   more=1)
        equal((statuses(said), len(site.barred(address))), ([200], 1), body)


@test
def nothing_but_the_method_makes_a_request_act(place):
    """E03: neither fields that other software obeys, nor other protocols on the line."""
    site = Site(place)
    path = site.path()
    for field in ("X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", "X-Method-Override: POST",
                  "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",
                  f"X-Original-URL: {path}", f"X-Rewrite-URL: {path}"):
        said = raw(site, f"GET {path}?_method=POST&{POST} HTTP/1.1\r\nHost: x\r\n{field}\r\n"
                   "Connection: close\r\n\r\n".encode())
        equal(statuses(said), [200], field)
    for line in (f"post {path} HTTP/1.1", f"POSTER {path} HTTP/1.1", f"POST\t{path}\tHTTP/1.1",
                 f"POST {path}", f"POST {path} HTTP/2.0", f"POST {path}\x00 HTTP/1.1",
                 "PRI * HTTP/2.0", "CONNECT x:443 HTTP/1.1", f"\x00POST {path} HTTP/1.1"):
        said = raw(site, f"{line}\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: "
                   f"{len(POST)}\r\n\r\n{POST}".encode(), seconds=3)
        true(said == b"" or statuses(said)[0] >= 400, f"{line}: {said[:100]!r}")
    equal(site.barred(), [], "entries")
    equal(site.dovecot.errors(), [], "log")


@test
def nonsense_is_answered_or_closed(place):
    site = Site(place)
    for octets in (b"\x00" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02",
                   b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                   b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100000 + b"\r\n"):
        said = raw(site, octets, seconds=3)
        true(b" 200 " not in said.split(b"\r\n")[0], said[:100])
    equal(site.post(site.path()).status, 200, "others are served")
    true(not any("Panic" in line for line in site.dovecot.errors()), site.dovecot.errors())


if __name__ == "__main__":
    main()
