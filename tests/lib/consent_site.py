# SPDX-License-Identifier: MIT
"""ConsentSite: ann is asked about receipts by mail, which ends in a sink; the page behind
the link is remite-http's, over Dovecot's TLS.

    site = ConsentSite(place)
    path = site.question()
    site.ask("POST", path, "choice=approve")
    wait_until(site.receipts, "the receipt")
"""
import http.client
import os
import pwd
import re
import ssl
import subprocess
import time

from dovecot import Dovecot
from http_site import FORM, Answer
from live import BUILD, wait_until
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
prompts: {{ mail = "each" link = "https://mail.example.net/r/" from = "remite@example.net" {prompts} }}
{more}
"""

REQUEST = """\
From: Alice <alice@example.net>
To: ann@example.net
Subject: please <b>confirm</b>
Message-ID: <{n}@example.net>
Date: {date}
Disposition-Notification-To: Alice <alice@example.net>

text
"""


class ConsentSite:
    """prompts, more: settings beside these."""

    def __init__(self, place, prompts="", more="", processes=1):
        self.sink = Sink(place)
        state = place.file("state")
        os.makedirs(state)
        user = pwd.getpwnam("nobody")
        os.chown(state, user.pw_uid, user.pw_gid)
        config = place.file("remite.conf", CONFIG.format(
            state=state, keys=place.file("ring"), port=self.sink.port, prompts=prompts,
            more=more))
        subprocess.run([os.path.join(BUILD, "remite"), "-c", config, "keys", "make"],
                       check=True, timeout=60)
        os.chown(place.file("ring"), -1, user.pw_gid)
        self.dovecot = Dovecot(place, users={ANN: {}}, agent=True, http=processes, tls=True,
                               agent_config=config,
                               remite={"receipts": "server", "addresses": ANN})

    def questions(self, count):
        """Delivers requests, shows them, and returns the links that ann gets."""
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        self.dovecot.deliver_many(ANN, [REQUEST.format(n=n, date=date)
                                        for n in range(1, count + 1)], "alice@example.net")
        with self.dovecot.imap(ANN) as imap:
            imap.select()
            for uid in imap.uids():
                imap.ok(f"UID FETCH {uid} (BODY[])")
            imap.logout()
        wait_until(lambda: len(self.sink.mails) >= count,
                   f"the questions\n{self.dovecot.log()[-1500:]}")
        return [self.link_of(mail) for mail in self.sink.mails[:count]]

    def question(self):
        return self.questions(1)[0]

    @staticmethod
    def link_of(mail):
        text = mail.message.get_content()
        return "/r/" + re.search(r"https://mail\.example\.net/r/([a-z2-7]+)", text)[1]

    def ask(self, method, path, body=None):
        context = ssl.create_default_context(cafile=self.dovecot.certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", self.dovecot.ports["https"],
                                                 context=context, timeout=60)
        connection.request(method, path, body, {"Content-Type": FORM} if body else {})
        return Answer(connection.getresponse())

    def receipts(self):
        return [mail for mail in self.sink.mails if b"disposition-notification" in mail.data]
