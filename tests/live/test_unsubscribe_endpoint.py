# SPDX-License-Identifier: MIT
"""`remite unsubscribe test` names what is wrong with an endpoint. E01, E03, E04."""
import http.server
import os
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import BUILD, equal, main, need_program, test, true
from http_site import Site

FORM = b'<html><form method="post"><button>Unsubscribe</button></form></html>'


class Endpoint(http.server.BaseHTTPRequestHandler):
    """A good one; those below each do one thing wrong."""
    protocol_version = "HTTP/1.1"
    posts = 0

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def has_pair(self, body):
        return b"List-Unsubscribe=One-Click" in body or b'name="List-Unsubscribe"' in body

    def do_GET(self):
        self.answer(200, FORM)

    def do_HEAD(self):
        self.answer(200)

    def do_POST(self):
        body = self.body()
        self.posts_seen(body) if self.has_pair(body) else self.answer(400)

    def posts_seen(self, _body):
        self.answer(200)


class Redirects(Endpoint):
    def posts_seen(self, _body):
        self.answer(302, Location="/thanks")


class SetsACookie(Endpoint):
    def posts_seen(self, _body):
        self.answer(200, Set_Cookie="session=1")


class WantsALogin(Endpoint):
    def posts_seen(self, _body):
        self.answer(401, WWW_Authenticate="Basic")


class WantsAFormToken(Endpoint):
    def posts_seen(self, _body):
        self.answer(403, b"CSRF verification failed")


class ActsOnGet(Endpoint):
    def do_GET(self):
        self.answer(200, b"<html>You have been unsubscribed.</html>")


class ActsOnAnything(Endpoint):
    def do_POST(self):
        self.body()
        self.answer(200)


class KnowsNoMultipart(Endpoint):
    def has_pair(self, body):
        return b"List-Unsubscribe=One-Click" in body


class KnowsNoUrlencoded(Endpoint):
    def has_pair(self, body):
        return b'name="List-Unsubscribe"' in body


class TakesItOnce(Endpoint):
    def posts_seen(self, _body):
        type(self).posts += 1
        self.answer(200 if self.posts == 1 else 404)


class KnowsNoChunks(Endpoint):
    def do_POST(self):
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self.answer(411, Connection="close")
        else:
            super().do_POST()


class NeverAnswers(Endpoint):
    def posts_seen(self, _body):
        time.sleep(4)


BROKEN = [
    (Redirects, "E04", "is redirected (302)"),
    (SetsACookie, "E04", "gets a cookie"),
    (WantsALogin, "E04", "asked to log in (401)"),
    (WantsAFormToken, "E03", "gets 403 in place of 200"),
    (ActsOnGet, "E03", "GET shows no form"),
    (ActsOnAnything, "E03", "only the pair may unsubscribe"),
    (KnowsNoMultipart, "E03", "as multipart/form-data (RFC 8058, 3.2) gets 400"),
    (KnowsNoUrlencoded, "E03", "as urlencoded, for a second time gets 400"),
    (TakesItOnce, "E03", "for a second time gets 404"),
    (KnowsNoChunks, "E03", "in chunks gets 411"),
    (NeverAnswers, "E04", "gets no answer in time"),
]


def certificate(place, name="IP:127.0.0.1"):
    cert, key = place.file("c.pem"), place.file("k.pem")
    subprocess.run([need_program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=x",
                    "-addext", f"subjectAltName={name}", "-keyout", key, "-out", cert],
                   check=True, capture_output=True, timeout=60)
    return cert, key


def serve(place, handler, pair):
    port = place.free_port()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place.at_close.append(server.shutdown)
    return f"https://127.0.0.1:{port}/u/x"


def check(url, *more, seconds=20):
    done = subprocess.run([os.path.join(BUILD, "remite"), "unsubscribe", "test",
                           "--timeout", str(seconds), *more, url], capture_output=True,
                          text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@test
def a_good_endpoint_has_no_fault(place):
    pair = certificate(place)
    status, text = check(serve(place, Endpoint, pair), "--ca", pair[0])
    equal((status, "fault" in text), (0, False), text)


@test
def each_broken_one_is_told_its_fault_and_no_other(place):
    pair = certificate(place)
    for handler, rule, words in BROKEN:
        status, text = check(serve(place, handler, pair), "--ca", pair[0],
                             seconds=2 if handler is NeverAnswers else 20)
        equal(status, 1, f"{handler.__name__}: {text}")
        true(f"fault {rule}: " in text and words in text, f"{handler.__name__}: {text}")


class ActsOnGetAndShowsAForm(Endpoint):
    def do_GET(self):
        self.answer(200, b"<p>You have been unsubscribed.</p>" + FORM)


class WantsItConfirmed(Endpoint):
    def posts_seen(self, _body):
        self.answer(200, b'<form method="post">Please <button>Confirm</button></form>')


class BreaksAtHead(Endpoint):
    def do_HEAD(self):
        self.answer(500)


DOUBTFUL = [
    (ActsOnGetAndShowsAForm, "E03", "GET says 'been unsubscribed'"),
    (WantsItConfirmed, "E04", "gets a form to confirm it"),
    (BreaksAtHead, "E03", "HEAD, which scanners ask, gets 500"),
]


@test
def what_may_be_a_fault_is_told_as_advice(place):
    pair = certificate(place)
    for handler, rule, words in DOUBTFUL:
        status, text = check(serve(place, handler, pair), "--ca", pair[0])
        equal(status, 0, f"{handler.__name__}: {text}")
        true(f"advice {rule}: " in text and words in text, f"{handler.__name__}: {text}")


@test
def an_address_that_is_not_https_is_not_even_asked(_place):
    status, text = check("http://127.0.0.1:1/u/x")
    equal((status, "fault E01: the address is not https" in text), (1, True), text)


@test
def a_certificate_that_is_not_believed_is_told(place):
    pair = certificate(place, "DNS:other.example")
    status, text = check(serve(place, Endpoint, pair), "--ca", pair[0])
    equal((status, "fault TLS" in text), (1, True), text)


@test
def our_own_endpoint_has_no_fault(place):
    site = Site(place)
    path = site.path()
    status, text = check(f"https://127.0.0.1:{site.tls_port}{path}", "--ca",
                         site.dovecot.certificate)
    equal((status, "fault" in text), (0, False), text)
    equal(len(site.barred()), 1, "the link is used up")


if __name__ == "__main__":
    main()
