# SPDX-License-Identifier: MIT
"""The list software hears of an unsubscribe: signed, once, and again until it listens."""
import hashlib
import hmac
import http.server
import json
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from http_site import POST, Site
from live import equal, main, test, true, wait_until

SECRET = "0123456789abcdef0123456789abcdef"


class Hook(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def listen(place, status=200):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", place.free_port()), Hook)
    server.daemon_threads, server.seen, server.status = True, [], status
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place.at_close.append(server.shutdown)
    return server


def site_with(place, server):
    secret = place.file("secret", SECRET + "\n")
    os.chmod(secret, 0o640)
    os.chown(secret, 65534, 65534)
    return Site(place, more=f'lists = ["weekly.example.test"]  '
                            f'webhook = "http://127.0.0.1:{server.server_port}/hook"  '
                            f'webhook_secret = "{secret}"', agent=True)


@test
def the_webhook_is_told_once_and_signed(place):
    server = listen(place)
    site = site_with(place, server)
    path = site.path("Ann@Example.org")
    equal(site.post(path).status, 200, "answer")
    wait_until(lambda: server.seen, "the webhook")
    headers, body = server.seen[0]
    told = json.loads(body)
    at = told.pop("at")
    true(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at), at)
    equal(told, {"event": "unsubscribed", "stream": "news", "address": "ann@example.org",
                 "scope": "stream:news", "lists": ["weekly.example.test"]}, "body")
    stamp, digest = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})",
                                 headers["X-Remite-Signature"]).groups()
    want = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    equal(digest, want.hexdigest(), "signature")
    done = site.post(path, POST + "&page=1")
    undo = re.search(r'name="undo" value="([a-z2-7]+)"', done.body)[1]
    site.post(path, "undo=" + undo)
    wait_until(lambda: any(json.loads(b)["event"] == "resubscribed" for _, b in server.seen),
               "the second one")
    equal([json.loads(b)["event"] for _, b in server.seen], ["unsubscribed", "resubscribed"],
          "what was told")


@test
def one_that_is_busy_is_told_again(place):
    server = listen(place, status=503)
    site = site_with(place, server)
    equal(site.post(site.path()).status, 200, "answer, whatever becomes of the webhook")
    wait_until(lambda: server.seen, "the webhook")
    server.status = 200
    wait_until(lambda: len(server.seen) > 1, "the same once more, half a minute later",
               120)
    equal(server.seen[1][1], server.seen[0][1], "what is told")
    wait_until(lambda: "webhook: " in site.dovecot.log(), "why it was put off")


if __name__ == "__main__":
    main()
