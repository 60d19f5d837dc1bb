# SPDX-License-Identifier: MIT
"""The page that asks about a receipt: looking changes nothing, one answer counts, and
saying it again is harmless."""
import http.client
import os
import pwd
import re
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from browser import Browser
from dovecot import Dovecot
from http_site import FORM, Answer
from live import BUILD, equal, main, test, true, wait_until
from sink import Sink

ANN = "ann@example.net"

CONFIG = """\
mode = "enforce"
organization = ["example.net"]
state = "{state}"
keys = "{keys}"
agent: {{ host = "mx.example.net" }}
submission: {{ host = "127.0.0.1" port = {port} }}
receipts: {{ policy = "organization" prompt = true }}
prompts: {{ mail = "each" link = "https://mail.example.net/r/" from = "remite@example.net" }}
"""

REQUEST = """\
From: Alice <alice@example.net>
To: ann@example.net
Subject: please <b>confirm</b>
Message-ID: <1@example.net>
Date: {date}
Disposition-Notification-To: Alice <alice@example.net>

text
"""


class House:
    """ann is asked by mail, which ends in a sink."""

    def __init__(self, place):
        self.sink = Sink(place)
        state = place.file("state")
        os.makedirs(state)
        user = pwd.getpwnam("nobody")
        os.chown(state, user.pw_uid, user.pw_gid)
        config = place.file("remite.conf", CONFIG.format(
            state=state, keys=place.file("ring"), port=self.sink.port))
        subprocess.run([os.path.join(BUILD, "remite"), "-c", config, "keys", "make"],
                       check=True, timeout=30)
        os.chown(place.file("ring"), -1, user.pw_gid)
        self.dovecot = Dovecot(place, users={ANN: {}}, agent=True, http=True, tls=True,
                               agent_config=config,
                               remite={"receipts": "server", "addresses": ANN})

    def question(self):
        """Delivers a request, shows it, and returns the link that ann gets."""
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        self.dovecot.deliver(ANN, REQUEST.format(date=date), "alice@example.net")
        with self.dovecot.imap(ANN) as imap:
            imap.select()
            imap.ok("UID FETCH 1 (BODY[])")
            imap.logout()
        wait_until(lambda: self.sink.mails, f"the question\n{self.dovecot.log()[-1500:]}", 30)
        text = self.sink.mails[0].message.get_content()
        return "/r/" + re.search(r"https://mail\.example\.net/r/([a-z2-7]+)", text)[1]

    def ask(self, method, path, body=None):
        context = ssl.create_default_context(cafile=self.dovecot.certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", self.dovecot.ports["https"],
                                                 context=context, timeout=30)
        connection.request(method, path, body, {"Content-Type": FORM} if body else {})
        return Answer(connection.getresponse())

    def receipts(self):
        return [mail for mail in self.sink.mails if b"disposition-notification" in mail.data]


@test
def looking_changes_nothing_and_one_answer_counts(place):
    house = House(place)
    path = house.question()
    for method in ("GET", "HEAD", "GET"):
        equal(house.ask(method, path).status, 200, method)
    page = house.ask("GET", path).body
    true("alice@example.net" in page and "please &lt;b&gt;confirm" in page, page)
    for choice in ("approve", "deny", "always", "never"):
        true(f'value="{choice}"' in page, page)
    equal(house.receipts(), [], "receipts before the answer")
    equal(house.ask("POST", path, "choice=maybe").status, 400, "no such choice")
    equal(house.ask("POST", path, "List-Unsubscribe=One-Click").status, 400, "another form")
    answer = house.ask("POST", path, "choice=approve")
    true(answer.status == 200 and "The receipt is sent" in answer.body, answer)
    wait_until(house.receipts, "the receipt", 30)
    for body in ("choice=approve", "choice=deny", "choice=always"):
        again = house.ask("POST", path, body)
        true(again.status == 200 and "answered already" in again.body, f"{body}: {again}")
    true("answered already" in house.ask("GET", path).body, "the page afterwards")
    time.sleep(1)
    equal(len(house.receipts()), 1, "receipts")


@test
def a_link_that_was_changed_opens_nothing(place):
    house = House(place)
    path = house.question()
    changed = path[:30] + ("a" if path[30] != "a" else "b") + path[31:]
    equal(house.ask("GET", changed).status, 404, "changed")
    equal(house.ask("POST", changed, "choice=approve").status, 404, "changed")
    equal(house.ask("GET", path.replace("/r/", "/u/")).status, 404, "as an unsubscribe link")
    equal(house.receipts(), [], "receipts")


@test
def the_page_is_readable_narrow_and_wide(place):
    house = House(place)
    path = house.question()
    for width, height, language, words, name in (
            (1280, 800, "en", "Send a read receipt?", "consent-wide"),
            (360, 740, "es", "¿Enviar un acuse de lectura?", "consent-narrow")):
        browser = Browser(place, width, height, language)
        browser.go(f"https://127.0.0.1:{house.dovecot.ports['https']}{path}", words)
        folder = os.environ.get("SCREENSHOTS", place.path)
        browser.screenshot(os.path.join(folder, name + ".png"))
        drawn, window = browser.size()
        true(drawn <= window, f"{name}: {drawn} pixels drawn in {window}")
    browser.press(2)
    browser.wait("No se envía ningún acuse")
    equal(house.receipts(), [], "receipts")


if __name__ == "__main__":
    main()
