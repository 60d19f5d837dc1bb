# SPDX-License-Identifier: MIT
"""The worker that leaves lists, against endpoints good and hostile. Ids in
docs/unsubscribe.md."""
import os
import re
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import Skip, equal, main, quick, test, true
from unsubscribing import (Endpoint, Key, Rebinding, Worker, make_certificate, newsletter,
                           write_config)

ZONE = """
lists.test          A     127.0.0.2
late.lists.test     CNAME lists.test
other.test          A     127.0.0.2
local.lists.test    A     127.0.0.1
six.lists.test      AAAA  ::1
mapped.lists.test   AAAA  ::ffff:127.0.0.1
mapped2.lists.test  AAAA  ::ffff:127.0.0.2
nat64.lists.test    AAAA  64:ff9b::7f00:1
mixed.lists.test    A     127.0.0.2
mixed.lists.test    A     127.0.0.1
mixed6.lists.test   A     127.0.0.2
mixed6.lists.test   AAAA  ::1
ten.lists.test      A     10.0.0.1
meta.lists.test     A     169.254.169.254
any.lists.test      A     0.0.0.0
alias.lists.test    CNAME local.lists.test
slow.lists.test     ANY   TIMEOUT
nobody.lists.test   TXT   "no address"
"""


def start(place, zone=ZONE, before=(), environment=(), **options):
    endpoint = Endpoint(place)
    worker = Worker(place, write_config(place, endpoint, **options), zone, before, environment)
    return endpoint, worker


@test
def U03_multipart_is_sent_and_any_2xx_is_done(place):
    endpoint, worker = start(place)
    for path, status in (("/ok", "200"), ("/no-content", "204")):
        answer = worker.post(endpoint.url(path + "?u=1%2C2"))
        equal((answer["outcome"], answer["status"], answer["posts"]), ("done", status, "1"),
              path)
    request = endpoint.requests[0]
    equal(request.line, "POST /ok?u=1%2C2 HTTP/1.1", "request")
    true(request.header("content-type").startswith("multipart/form-data; boundary="),
         request.header("content-type"))
    true(re.fullmatch(rb'--[-\w]+\r\nContent-Disposition: form-data; '
                      rb'name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--[-\w]+--\r\n',
                      request.body), request.body)
    equal(worker.post(endpoint.url("/ok", "late.lists.test"))["outcome"], "done", "an alias")


@test
def U03_urlencoded_follows_where_the_form_was_refused(place):
    endpoint, worker = start(place)
    answer = worker.post(endpoint.url("/form"))
    equal((answer["outcome"], answer["posts"]), ("done", "2"), "second form")
    equal(endpoint.requests[1].body, b"List-Unsubscribe=One-Click", "its body")
    equal(endpoint.requests[1].header("content-type"), "application/x-www-form-urlencoded",
          "its type")
    equal(worker.post(endpoint.url("/form"), posts=1)["outcome"], "form", "one is allowed")
    equal(worker.post(endpoint.url("/bad-form"))["outcome"], "form", "both forms refused")
    equal(len(endpoint.requests), 5, "never more than two requests")


@test
def U04_nothing_of_the_user_goes_along(place):
    endpoint, worker = start(place, environment={
        "https_proxy": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9",
        "HOME": "/root"})
    for path in ("/cookie", "/cookie", "/login", "/ok"):
        worker.post(endpoint.url(path))
    equal(len(endpoint.requests), 4, "no second try with a password")
    for request in endpoint.requests:
        equal(sorted(set(request.headers) - {"host", "content-length", "content-type"}),
              ["accept", "user-agent"], "headers")
        equal(request.header("user-agent"), "one-click-unsubscribe/1 (RFC 8058)", "for all")
    equal(endpoint.resumed, [False] * 4, "no TLS session was resumed")


@test
def U06_redirects_are_failures_and_not_followed(place):
    endpoint, worker = start(place)
    for path in ("/redirect", "/redirect-near"):
        answer = worker.post(endpoint.url(path))
        equal((answer["outcome"], answer["open"]), ("redirect", "0"), path)
    equal([r.path for r in endpoint.requests], ["/redirect", "/redirect-near"], "requests")
    equal({r.method for r in endpoint.requests}, {"POST"}, "never GET")


@test
def U07_the_status_says_what_came_of_it(place):
    endpoint, worker = start(place)
    for path, outcome, again in (("/missing", "refused", "0"), ("/login", "refused", "0"),
                                 ("/trouble", "later", "1"), ("/silent", "broken", "1"),
                                 ("/garbage", "broken", "1")):
        answer = worker.post(endpoint.url(path))
        equal((answer["outcome"], answer["open"]), (outcome, again), path)


@test
def pitfall_21_names_that_lead_inside_are_not_followed_there(place):
    """The proof: listeners at 127.0.0.1 and ::1 on the same port, where nobody comes."""
    endpoint, worker = start(place)
    for name in ("local", "six", "mapped", "nat64", "mixed", "mixed6", "ten", "meta", "any",
                 "alias"):
        answer = worker.post(endpoint.url("/ok", f"{name}.lists.test"))
        equal((answer["outcome"], answer["posts"], answer["status"]), ("forbidden", "1", "0"),
              name)
    equal(endpoint.intruders(), 0, "connections to forbidden addresses")
    equal(endpoint.requests, [], "requests")
    for name in ("nobody", "slow", "none"):
        equal(worker.post(endpoint.url("/ok", f"{name}.lists.test"))["outcome"], "dns", name)


@test
def pitfall_21_urls_of_every_evil_kind_are_refused_unresolved(place):
    endpoint, worker = start(place)
    port = endpoint.port
    for url in (f"http://lists.test:{port}/ok", f"https://127.0.0.2:{port}/ok",
                f"https://2130706434:{port}/ok", f"https://0177.0.0.2:{port}/ok",
                f"https://0x7f000002:{port}/ok", f"https://[::ffff:127.0.0.2]:{port}/ok",
                f"https://u@lists.test:{port}/ok", "https://lists.test/ok",
                f"https://lists.test:{port}@evil.test/", f"https://localhost:{port}/ok",
                f"https://lists:{port}/ok", "file:///etc/passwd", "https://lists.test:25/",
                f"https://lists.test\\@127.0.0.1:{port}/"):
        answer = worker.post(url)
        equal((answer["outcome"], answer["posts"]), ("forbidden", "0"), url)
    equal((endpoint.intruders(), endpoint.requests), (0, []), "connections")


@test
def pitfall_21_strace_sees_no_connection_but_to_the_endpoint(place):
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    trace = place.file("trace")
    endpoint, worker = start(place, before=("strace", "-f", "-e", "trace=connect,sendto,sendmsg",
                                            "-o", trace))
    for name in ("local", "six", "mapped", "mixed", "meta", "ten"):
        worker.post(endpoint.url("/ok", f"{name}.lists.test"))
    equal(worker.post(endpoint.url("/ok"))["outcome"], "done", "the good one")
    worker.close()
    with open(trace, encoding="utf-8", errors="replace") as text:
        calls = [line for line in text if "connect(" in line and "AF_UNIX" not in line]
    true(calls, "strace saw the good one")
    for call in calls:
        true('inet_addr("127.0.0.2")' in call and f"htons({endpoint.port})" in call, call)


@test
def pitfall_21_a_name_that_changes_its_address_gets_nowhere(place):
    dns = Rebinding(place, ["127.0.0.2", "127.0.0.1"])
    endpoint = Endpoint(place)  # libunbound itself answers for .test
    config = write_config(place, endpoint,
                          more=f'dns: {{ servers = ["127.0.0.1@{dns.port}"] deadline = "20s" }}')
    worker = Worker(place, config, None)
    equal(worker.post(endpoint.url("/ok", "lists.example"))["outcome"], "done", "asked once, pinned")
    equal(dns.asked, 1, "questions for one POST")
    time.sleep(1.1)
    equal(worker.post(endpoint.url("/ok", "lists.example"))["outcome"], "forbidden", "the second answer")
    equal(endpoint.intruders(), 0, "connections to 127.0.0.1")


@test
def pitfall_21_endless_answers_end(place):
    endpoint, worker = start(place)
    for path, outcome in (("/endless", "done"), ("/endless-refusal", "refused"),
                          ("/header-flood", "broken"), ("/long-header", "broken"),
                          ("/interim-flood", "broken"), ("/bomb", "done")):
        equal(worker.post(endpoint.url(path))["outcome"], outcome, path)
    hasty = Worker(place, write_config(place, endpoint, "hasty.conf", timeout="2s"), ZONE)
    for path in ("/slow", "/drip"):  # for a minute and two
        def post(_, path=path):
            equal(hasty.post(endpoint.url(path))["outcome"], "timeout", path)
        quick(10, post)
    with open(f"/proc/{worker.process.pid}/status", encoding="ascii") as status:
        peak = int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))
    true(peak < 200000, f"{peak} kB at most, also with a bomb")


@test
def pitfall_21_a_certificate_for_another_name_is_refused(place):
    endpoint, worker = start(place)
    answer = worker.post(endpoint.url("/ok", "other.test"))
    equal((answer["outcome"], answer["open"], endpoint.requests), ("tls", "0", []),
          "other.test, whose address lists.test has")
    other, _ = make_certificate(place, "stranger", ["lists.test"])
    endpoint.ca = other
    strict = Worker(place, write_config(place, endpoint, "strict.conf"), ZONE)
    equal(strict.post(endpoint.url("/ok"))["outcome"], "tls", "an authority nobody trusts")
    equal(endpoint.requests, [], "requests")


@test
def U02_a_message_is_verified_and_its_signed_way_out_told(place):
    key = Key(place, "sender.test")
    endpoint, worker = start(place, ZONE + key.record())
    url = endpoint.url("/ok?id=4711,7")
    message = key.sign(newsletter(url, "mailto:leave-1@sender.test?subject=leave%20me"))
    good = worker.look(message)
    equal((good["result"], good["by"], good["url"], good["host"]),
          ("one-click", "signature", url, "lists.test"), "way out")
    equal((good["mailto"], good["subject"], good["list"], good["domain"]),
          ("leave-1@sender.test", "leave me", "offers.sender.test", "sender.test"), "more")
    # Finding 7: the unsigned one on top is not it, nor what LMTP and Postfix add.
    forged = (b"Return-Path: <x@sender.test>\r\nReceived: by imap.example.test with LMTP\r\n"
              b"List-Unsubscribe: <https://evil.test/>\r\n" + message)
    equal(worker.look(forged)["url"], url, "under a forged field")
    equal(worker.look(message.replace(b"\r\n", b"\n"))["url"], url, "line ends of a maildir")
    cut = worker.look(message + b"footer\r\n")
    equal((cut["result"], "url" in cut, "mailto" in cut), ("invalid", False, False), "changed")


@test
def pitfall_19_without_its_key_the_proof_of_delivery_counts(place):
    key = Key(place, "sender.test")
    endpoint, worker = start(place)  # the key is in no zone
    url = endpoint.url("/ok?id=1")
    message = key.sign(newsletter(endpoint.url("/never")))
    proof = (f"X-Remite-Unsubscribe: v=1; d=sender.test; s=s1; t=1700000000; u=<{url}>\r\n"
             ).encode()
    mx = b"Received: from out.sender.test by mx.example.test (Postfix)\r\n"
    lmtp = b"Received: from mx.example.test by imap.example.test with LMTP\r\n"
    other = b"Received: by out.sender.test (Postfix)\r\n"
    answer = worker.look(lmtp + proof + mx + other + message)
    equal((answer["result"], answer["by"], answer["url"]), ("record", "record", url), "proof")
    for where, text in (("none", lmtp + mx + message), ("low", lmtp + mx + other + proof + message)):
        answer = worker.look(text)
        equal((answer["result"], "url" in answer), ("unknown", False), where)


@test
def the_worker_owns_nothing_and_survives_nonsense(place):
    endpoint, worker = start(place)
    equal(worker.job("rob", url="x")["type"], "NAK", "a job of nobody's")
    with open(f"/proc/{worker.process.pid}/status", encoding="ascii") as status:
        true("NoNewPrivs:\t1" in status.read(), "no new privileges")
    for octets in (b"\0" * 5000, b"From: a\r\n" * 30000, bytes(range(256)) * 200):
        equal(worker.look(octets)["type"], "ACK", "nonsense")
    equal(worker.post(endpoint.url("/ok"))["outcome"], "done", "and works on")


if __name__ == "__main__":
    main()
