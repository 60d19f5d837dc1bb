# SPDX-License-Identifier: MIT
"""remite-http as Dovecot runs it: RFC 8058's endpoint and its pages."""
import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from http_site import FORM, POST, Site, multipart
from live import Skip, equal, main, test, true, wait_until


@test
def a_post_unsubscribes_before_it_is_answered(place):
    """E03, E04"""
    site = Site(place)
    path = site.path()
    answer = site.post(path)
    equal(site.barred(), [("stream:news", "unsubscribe")], "entries")
    equal((answer.status, answer.body), (200, "unsubscribed\n"), "answer")
    for name in ("Location", "Set-Cookie", "WWW-Authenticate"):
        equal(answer.headers.get(name), None, name)
    again = site.post(path)
    equal((again.status, again.body), (200, "unsubscribed\n"), "the same again")
    equal(site.barred("bob@example.org"), [], "somebody else")
    equal(site.dovecot.errors(), [], "log")



@test
def every_form_of_the_pair_is_taken(place):
    """U03, E03"""
    site = Site(place)
    pair = [("List-Unsubscribe", "One-Click")]
    cases = [
        (FORM, POST), (FORM + "; charset=utf-8", POST), (FORM.upper(), POST),
        ("", POST), (FORM, "List%2DUnsubscribe=One%2dClick"), (FORM, "a=b&" + POST),
        (FORM, POST + "\r\n"),
        ("multipart/form-data; boundary=xYz", multipart(pair)),
        ('multipart/form-data; boundary="xYz"', multipart(pair)),
        ("multipart/form-data; charset=x; boundary=xYz", "preamble\r\n" + multipart(pair)),
        ("multipart/form-data; boundary=xYz", multipart([("a", "b")] + pair)),
        ("multipart/form-data; boundary=xYz", multipart(pair, end="\n")),
    ]
    for number, (content_type, body) in enumerate(cases):
        address = f"a{number}@example.org"
        answer = site.post(site.path(address), body, content_type)
        equal(answer.status, 200, f"{content_type}: {body!r}: {answer}")
        equal(len(site.barred(address)), 1, f"{content_type}: {body!r}")


@test
def chunked_and_expected_bodies_are_taken(place):
    """E03"""
    site = Site(place)

    def parts():
        yield POST[:5].encode()
        yield POST[5:].encode()

    answer = site.post(site.path("a@example.org"), parts())  # http.client: chunked
    equal((answer.status, len(site.barred("a@example.org"))), (200, 1), "chunked")
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as client:
        client.sendall(f"POST {site.path('b@example.org')} HTTP/1.1\r\nHost: x\r\n"
                       f"Content-Type: {FORM}\r\nContent-Length: {len(POST)}\r\n"
                       "Expect: 100-continue\r\n\r\n".encode())
        true(client.recv(1000).startswith(b"HTTP/1.1 100"), "no 100")
        client.sendall(POST.encode())
        true(client.recv(1000).startswith(b"HTTP/1.1 200"), "no 200")
    equal(len(site.barred("b@example.org")), 1, "expected")


@test
def nothing_but_the_pair_unsubscribes(place):
    """E03, pitfall 24"""
    site = Site(place)
    path = site.path()
    for body in ("", "x=y", "List-Unsubscribe", "List-Unsubscribe=", "One-Click",
                 "List-Unsubscribe=one-click", "List-Unsubscribe=One-Click2",
                 "List-Unsubscribe-Post=One-Click", "List-Unsubscribe%3DOne-Click"):
        equal(site.post(path, body).status, 400, repr(body))
    equal(site.post(path, '{"List-Unsubscribe":"One-Click"}', "application/json").status,
          415, "JSON")
    equal(site.post(path, POST, "text/plain").status, 415, "text")
    equal(site.post(path, multipart([("List-Unsubscribe", "One-Click")]),
                    "multipart/form-data; boundary=other").status, 400, "other boundary")
    equal(site.post(path, multipart([("List-Unsubscribe", "One-Click")])[:-9],
                    "multipart/form-data; boundary=xYz").status, 400, "cut")
    equal(site.barred(), [], "entries")


@test
def scanners_and_prefetch_change_nothing(place):
    """E03, pitfall 24"""
    site = Site(place)
    path = site.path()
    for method in ("GET", "HEAD"):
        for headers in ({}, {"Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"},
                        {"User-Agent": "SafeLinks/1.0"}):
            answer = site.ask(method, path, headers=headers)
            equal(answer.status, 200, f"{method} {headers}")
            equal(answer.headers.get("Location"), None, "Location")
    for query in ("?List-Unsubscribe=One-Click", "?jo=1", "?confirm=yes"):
        equal(site.ask("GET", path + query).status, 200, query)
    for method in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
        answer = site.ask(method, path)
        equal((answer.status, answer.headers.get("Allow")), (405, "GET, HEAD, POST"), method)
    equal(site.ask("HEAD", path).body, "", "body of HEAD")
    equal(site.barred(), [], "entries")


@test
def tokens_that_are_not_ours_are_refused(place):
    """E02: forged, cut, of another purpose, of an old key"""
    site = Site(place)
    path = site.path()
    token = path[3:]
    bad = [token[:-1], token[:40], token + "a", token[:20] + ("a" if token[20] != "a" else "b")
           + token[21:], "b" + token[1:], "z" + token[1:], "a" * 60, "a" * 2000]
    for forged in bad:
        answer = site.post("/u/" + forged)
        equal(answer.status, 404, f"{forged}: {answer}")
    for target in ("/", "/u/", "/u/../../etc/passwd", "/u/%61", "//", "/u/" + token + "/x.y"):
        equal(site.post(target).status, 404, target)
    equal(site.post("/u/" + token.upper()).status, 200, "upper case is ours")
    site.remite("keys", "rotate")
    equal(site.post(site.path("bob@example.org")).status, 200, "of the new key")
    equal(site.post(site.path("carl@example.org")).status, 200, "again")
    site.remite("keys", "drop", "a", "--force")
    wait_until(lambda: site.post(path).status == 404, "the old key to be forgotten")
    true(token[8:] not in site.dovecot.log(), "a whole token is in the log")


@test
def an_answer_does_not_tell_who_is_on_the_list(place):
    """E04: new, on it already, and there for another reason; each is written, so that time
    does not tell either."""
    site = Site(place)
    new, old, complained = (f"{name}@example.org" for name in ("new", "old", "complained"))
    site.remite("suppress", "add", complained, "--scope", "stream:news", "--reason", "complaint")
    site.post(site.path(old))

    def said(answer):
        fields = [(name, value) for name, value in answer.headers.items() if name != "Date"]
        return answer.status, fields, answer.body

    for method, body in (("GET", None), ("HEAD", None), ("POST", POST), ("POST", "x=y")):
        got = [said(site.ask(method, site.path(address), body, {"Content-Type": FORM}))
               for address in (new, old, complained)]
        equal(got[1:], got[:1] * 2, f"{method} {body}")
    for address, count in ((new, 1), (old, 2), (complained, 1)):
        wait_until(lambda line=f"by=one-click address=<{address}>", many=count:
                   site.dovecot.log().count(line) == many, f"{count} times {address}")


@test
def the_page_unsubscribes_and_takes_it_back(place):
    site = Site(place, more='title = "Ann & Bob\'s <News>"  logo = "Example"')
    path = site.path()
    page = site.ask("GET", path, headers={"Accept-Language": "de, en;q=0.5"})
    true('<html lang="en">' in page.body, page.body)
    true("Unsubscribe from Ann &amp; Bob&#39;s &lt;News&gt;?" in page.body, page.body)
    true("ann@example.org" not in page.body, "the address is shown")
    equal(site.barred(), [], "GET")
    spanish = site.ask("GET", path, headers={"Accept-Language": "es-MX,es;q=0.9,en;q=0.8"})
    true('<html lang="es">' in spanish.body and "¿Darse de baja" in spanish.body, spanish.body)
    done = site.post(path, POST + "&page=1")
    equal(done.status, 200, "the button")
    equal(site.barred(), [("stream:news", "unsubscribe")], "the button")
    undo = re.search(r'name="undo" value="([a-z2-7]+)"', done.body)[1]
    forged = undo[:-2] + ("bb" if undo.endswith("aa") else "aa")
    equal(site.post(path, "undo=" + forged).status, 400, "a forged undo")
    equal(site.post(site.path("bob@example.org"), "undo=" + undo).status, 400, "of another link")
    equal(site.post(path, "undo=" + path[3:]).status, 400, "a link is no undo")
    equal(len(site.barred()), 1, "still")
    back = site.post(path, f"undo={undo}&page=1")
    equal((back.status, site.barred()), (200, []), f"undo: {back}")
    true("subscribed to" in back.body and "again" in back.body, back.body)
    equal(site.post(path, "undo=" + undo).status, 200, "twice is harmless")


@test
def pages_let_in_nothing_but_themselves(place):
    site = Site(place)
    answer = site.ask("GET", site.path())
    policy = answer.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "style-src 'sha256-", "form-action 'self'",
                 "frame-ancestors 'none'", "base-uri 'none'"):
        true(part in policy, policy)
    true("unsafe" not in policy and "script" not in answer.body, policy)
    for name, value in (("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
                        ("X-Content-Type-Options", "nosniff")):
        equal(answer.headers[name], value, name)
    equal(answer.headers.get("Set-Cookie"), None, "cookie")


@test
def a_complaint_stays_a_complaint(place):
    site = Site(place)
    site.remite("suppress", "add", "ann@example.org", "--scope", "stream:news", "--reason",
                "complaint")
    path = site.path()
    done = site.post(path, POST + "&page=1")
    undo = re.search(r'name="undo" value="([a-z2-7]+)"', done.body)[1]
    equal(site.post(path, "undo=" + undo).status, 200, "undo")
    equal(site.barred(), [("stream:news", "complaint")], "entries")


@test
def the_scope_is_the_stream_unless_set(place):
    """pitfall 24: transactional mail goes on"""
    site = Site(place, more='scope = "class"')
    site.post(site.path())
    equal(site.barred(), [("class:promotional", "unsubscribe")], "entries")


@test
def every_source_has_its_rate(place):
    site = Site(place, http='rate = "20/day" proxies = ["127.0.0.1"] forwarded = "X-Forwarded-For"')
    path = site.path()

    def statuses(address, count=25):
        return [site.ask("GET", "/u/nothing", headers={"X-Forwarded-For": address},
                         tls=False).status for _ in range(count)]

    got = statuses("203.0.113.9")
    equal((got[:20], got[24]), ([404] * 20, 429), "one source")
    equal(statuses("evil, 203.0.113.9, 127.0.0.1", 1), [429], "behind two proxies")
    equal(statuses("2001:db8:1:2::5", 1), [404], "another source")
    answer = site.ask("GET", path, headers={"X-Forwarded-For": "203.0.113.9"})
    equal((answer.status, answer.headers["Retry-After"]), (429, "60"), "a page")
    answer = site.post(path, headers={"X-Forwarded-For": "203.0.113.9"})
    equal(answer.status, 200, "a good link is never refused: Gmail is few addresses")


@test
def nobody_unlisted_is_believed_of_the_client(place):
    site = Site(place, http='rate = "20/day" proxies = ["192.0.2.1"] forwarded = "X-Forwarded-For"')
    got = [site.ask("GET", "/u/nothing", headers={"X-Forwarded-For": f"203.0.113.{n}"},
                    tls=False).status for n in range(22)]
    equal((got[19], got[21]), (404, 429), "statuses")


@test
def privileges_are_dropped_and_the_map_fits(place):
    site = Site(place)
    equal(site.post(site.path()).status, 200, "answer")
    pids = site.dovecot.pids("remite-http")
    true(pids, "no process")
    uid = pwd.getpwnam("nobody").pw_uid
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            uids = re.search(r"^Uid:\s+(.*)$", status.read(), re.M)[1].split()
        equal(set(uids), {str(uid)}, "uids")
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            space = re.search(r"^Max address space\s+(\S+)", limits.read(), re.M)[1]
        true(space == "unlimited" or int(space) > 1 << 30, f"vsz_limit {space}")
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
            true("/records" in maps.read(), "the records are not mapped")


# --- stock clients ---

@test
def curl_is_accepted(place):
    site = Site(place)
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    for number, body in enumerate((["-d", POST], ["-F", POST],
                                   ["-d", POST, "-H", "Expect: 100-continue"],
                                   ["-d", POST, "-H", "Transfer-Encoding: chunked"])):
        address = f"c{number}@example.org"
        out = subprocess.run(
            ["curl", "-sS", "--cacert", site.dovecot.certificate, "-w", "%{http_code}", *body,
             f"https://127.0.0.1:{site.tls_port}{site.path(address)}"],
            capture_output=True, text=True, timeout=60, check=False)
        equal((out.stdout, out.stderr), ("unsubscribed\n200", ""), str(body))
        equal(len(site.barred(address)), 1, str(body))


@test
def pythons_urllib_is_accepted(place):
    site = Site(place)
    context = ssl.create_default_context(cafile=site.dovecot.certificate)
    request = urllib.request.Request(f"https://127.0.0.1:{site.tls_port}{site.path()}",
                                     data=POST.encode(), method="POST")
    with urllib.request.urlopen(request, context=context, timeout=60) as answer:
        equal(answer.status, 200, "status")
    equal(len(site.barred()), 1, "entries")


@test
def nodes_https_and_fetch_are_accepted(place):
    site = Site(place)
    node = next((n for n in ("node", "nodejs") if shutil.which(n)), None)
    if node is None:
        raise Skip("nodejs is not installed")
    script = """
const https = require("https"), [url, ca] = process.argv.slice(2);
const request = https.request(url, {method: "POST", ca: require("fs").readFileSync(ca),
    headers: {"Content-Type": "application/x-www-form-urlencoded"}},
    answer => { console.log(answer.statusCode); answer.resume(); });
request.end("List-Unsubscribe=One-Click");
"""
    out = subprocess.run([node, "-", f"https://127.0.0.1:{site.tls_port}{site.path()}",
                          site.dovecot.certificate], input=script, capture_output=True,
                         text=True, timeout=60, check=False)
    equal(out.stdout.strip(), "200", f"node: {out.stderr}")
    equal(len(site.barred()), 1, "entries")


if __name__ == "__main__":
    main()
