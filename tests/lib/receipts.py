# SPDX-License-Identifier: MIT
"""What tests of read receipts share.

With a stand-in agent, which writes down what the mail plugin says:

    agent, dovecot = start(place)           # one request lies in ann's INBOX
    with dovecot.imap() as imap:
        equal(keywords(imap, 1), MARKED, "marks of an open request")

With the real one, Dovecot and Postfix; alice asks ann:

    house = House(place, ASKING)
    house.deliver()
    house.read()
    house.set_keyword("$MDNApprove")
    receipt = house.wait_receipts(1)[0]
"""
import json
import os
import pwd
import re
import signal
import subprocess
import time

from agent import Agent
from dovecot import Dovecot, is_24
from live import BUILD, equal, wait_until
from postfix import Postfix

# --- with a stand-in ---

REQUEST = """\
From: Alice <alice@example.org>
To: ann@example.net
Subject: please confirm {n}
Message-ID: <{n}@example.org>
Disposition-Notification-To: Alice <alice@example.org>
MIME-Version: 1.0
Content-Type: text/plain

text {n}
"""
PLAIN = REQUEST.replace("Disposition-Notification-To: Alice <alice@example.org>\n", "")

MARKED = {"$MDNSent", "$ReceiptPending"}


def start(place, acks=True, requests=1, plain=0, message=REQUEST, **options):
    """Requests from UID 1 on, then messages that ask for nothing."""
    agent = Agent(place, acks=acks)
    options.setdefault("remite", {"receipts": "server"})
    dovecot = Dovecot(place, agent=agent.path, **options)
    for n in range(1, requests + 1):
        dovecot.deliver("ann", message.format(n=n))
    for n in range(requests + 1, requests + plain + 1):
        dovecot.deliver("ann", PLAIN.format(n=n))
    return agent, dovecot


def keywords(imap, uid):
    imap.ok("NOOP")
    return {f for f in imap.flags(uid) if not f.startswith("\\")}


def wait_keywords(imap, uid, want, what):
    try:
        wait_until(lambda: keywords(imap, uid) == want, what)
    finally:
        equal(keywords(imap, uid), want, what)


def settle(imap):
    """What would have been sent by now, would have been."""
    for _ in range(3):
        imap.ok("NOOP")
        time.sleep(0.05)


# --- a user's standing preference ---

ENTRY = "/private/vendor/vendor.remite/receipts"


def metadata():
    """Settings that let users have METADATA."""
    attributes = ("mail_attribute {\n  dict file {\n    path = %{home}/attributes\n  }\n}\n"
                  if is_24() else "mail_attribute_dict = file:%h/attributes\n")
    return attributes + "protocol imap {\n  imap_metadata = yes\n}\n"


# --- with the real agent ---

ANN, ALICE = "ann@example.net", "alice@example.net"

ASKS = """\
From: Alice <alice@example.net>
To: ann@example.net
Subject: please confirm {n}
Message-ID: <{n}@example.net>
Date: {date}
Disposition-Notification-To: Alice <alice@example.net>

text {n}
"""

CONFIG = """\
mode = "enforce"
organization = ["example.net"]
state = "{state}"
keys = "{state}/keys"
agent: {{ host = "mx.example.net" }}
submission: {{ {submission} }}
receipts: {{ {receipts} }}
prompts: {{ {prompts} }}
"""

AUTOMATIC = 'policy = "organization" prompt = false'
ASKING = 'policy = "organization" prompt = true'


class House:
    """ann and alice have mailboxes here; alice asks. Postfix takes what the agent
    submits and brings it to alice; submission: where else the agent shall submit."""

    def __init__(self, place, receipts, prompts="", submission=None, config=CONFIG,
                 users=None, **options):
        self.kills = 0
        self.place = place
        self.state = place.file("state")
        os.mkdir(self.state, 0o770)
        os.chown(self.state, pwd.getpwnam("nobody").pw_uid, -1)
        options.setdefault("remite", {"receipts": "server", "addresses": ANN})
        # Postfix needs Dovecot's port, and Dovecot's agent that of Postfix.
        lmtp_port = place.free_port()
        self.postfix = Postfix(place, settings={
            "virtual_mailbox_domains": "example.net",
            "virtual_transport": f"lmtp:inet:127.0.0.1:{lmtp_port}"},
            services="lmtp unix - - n - - lmtp\n")
        self.settings = {"receipts": receipts, "prompts": prompts,
                         "submission": submission
                         or f'host = "127.0.0.1" port = {self.postfix.port}'}
        self.template = config
        self.configure()
        self.dovecot = Dovecot(place, users=users or {ANN: {}, ALICE: {}}, agent=True,
                               agent_config=self.config, ports={"lmtp": lmtp_port},
                               **options)

    def configure(self, **changes):
        """Writes remite.conf; a restart of Dovecot makes it count."""
        self.settings.update(changes)
        self.config = self.place.file("remite.conf", self.template.format(
            state=self.state, **self.settings))

    def deliver(self, n=1, to=ANN, text=ASKS, sender=ALICE):
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        self.dovecot.deliver(to, text.format(n=n, date=date), sender)

    def wait_delivered(self, count, user=ANN):
        """Until the agent has written down that it was told of so many."""
        def known():
            done = subprocess.run([os.path.join(BUILD, "remite"), "-c", self.config,
                                   "receipts", "export", user],
                                  capture_output=True, text=True, timeout=60, check=True)
            return len(json.loads(done.stdout)["claims"]) >= count
        wait_until(known, f"{count} claims\n{self.dovecot.log()[-2000:]}")

    def read(self, n=1, user=ANN):
        with self.dovecot.imap(user) as imap:
            imap.select()
            for uid in imap.uids(f'HEADER Message-ID "<{n}@example.net>"'):
                imap.ok(f"UID FETCH {uid} (BODY[])")
            imap.logout()

    def inbox(self, user, search="ALL"):
        """Texts of the messages there."""
        with self.dovecot.imap(user) as imap:
            imap.select()
            return ["\n".join(imap.ok(f"UID FETCH {uid} (BODY.PEEK[])"))
                    for uid in imap.uids(search)]

    def receipts(self):
        return [m for m in self.inbox(ALICE) if "disposition-notification" in m]

    def wait_receipts(self, count):
        wait_until(lambda: len(self.receipts()) >= count,
                   f"{count} receipts with alice\n{self.dovecot.log()[-2000:]}")
        return self.receipts()

    def wait_prompts(self, count, user=ANN):
        wait_until(lambda: len(self.inbox(user, "HEADER Auto-Submitted generated")) >= count,
                   f"{count} prompts\n{self.dovecot.log()[-2000:]}")
        return self.inbox(user, "HEADER Auto-Submitted generated")

    def keywords(self, n=1, user=ANN, box="INBOX"):
        with self.dovecot.imap(user) as imap:
            imap.select(box)
            uid = imap.uids(f'HEADER Message-ID "<{n}@example.net>"')[0]
            # The agent's answers come while the mailbox is open.
            time.sleep(0.2)
            imap.ok("NOOP")
            return {f for f in imap.flags(uid) if f.startswith("$")}

    def set_keyword(self, keyword, n=1, user=ANN):
        with self.dovecot.imap(user) as imap:
            imap.select()
            uid = imap.uids(f'HEADER Message-ID "<{n}@example.net>"')[0]
            imap.ok(f"UID STORE {uid} +FLAGS ({keyword})")
            imap.ok("NOOP")
            imap.logout()

    def kill_agent(self):
        self.kills += 1
        for pid in self.dovecot.pids("remite-agent"):
            os.kill(pid, signal.SIGKILL)

    def settle(self, seconds=1.5):
        """How many receipts there are, after a time in which one too many would come."""
        time.sleep(seconds)
        return len(self.receipts())

    def no_errors(self, expected=None):
        """expected: what the log may say, a regular expression."""
        # What the master says of an agent that kill_agent() ended, be it at its start.
        killed = re.compile(r"remite-agent.*(killed with signal 9|command startup failed)")
        errors = [e for e in self.dovecot.errors()
                  if not (self.kills and killed.search(e))
                  and not (expected and re.search(expected, e))]
        equal(errors, [], "errors in Dovecot's log")
