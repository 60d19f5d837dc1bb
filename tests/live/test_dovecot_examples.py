# SPDX-License-Identifier: MIT
"""The example configuration of the installed line of Dovecot: doveconf takes it, and
with it receipts go out, with one mail uid and with system users."""
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
from dovecot import Dovecot, version
from live import BUILD, ROOT, equal, main, test, true
from receipts import ALICE, ANN, ASKS, AUTOMATIC, CONFIG
from sink import Sink

MORE_PLUGINS_23 = """
protocol imap {
  mail_plugins = $mail_plugins imap_quota
}
"""


def example():
    line = "2.4" if version() >= (2, 4) else "2.3"
    path = os.path.join(ROOT, f"packaging/examples/dovecot-{line}.conf")
    with open(path, encoding="utf-8") as text:
        return text.read()


def changed(text, changes):
    """Each must be there: what an administrator is told to change."""
    for old, new in changes.items():
        true(old in text, f"'{old}' in the example")
        text = text.replace(old, new)
    return text


# One account of its own for each user: what the comment in the example says.
SYSTEM_USERS = {"    mode = 0660\n    group = vmail\n": "", "#mode = 0666": "mode = 0666"}


class Server:
    """Dovecot with the example; the account and group names are this machine's."""

    def __init__(self, place, users, changes=None, more=""):
        self.sink = Sink(place)
        state = place.file("state")
        os.mkdir(state)
        nobody = pwd.getpwnam("nobody")
        os.chown(state, nobody.pw_uid, nobody.pw_gid)
        config = place.file("remite.conf", CONFIG.format(
            state=state, receipts=AUTOMATIC, prompts="",
            submission=f'host = "127.0.0.1" port = {self.sink.port}'))
        subprocess.run([f"{BUILD}/remite", "-c", config, "keys", "make"], check=True,
                       timeout=60)
        os.chown(f"{state}/keys", -1, nobody.pw_gid)
        self.port = place.free_port()
        group = subprocess.run(["id", "-gn", "nobody"], capture_output=True, text=True,
                               check=True).stdout.strip()
        here = {"executable = remite-agent": f"executable = {BUILD}/remite-agent",
                "executable = remite-http": f"executable = {BUILD}/remite-http",
                "user = remite": "user = nobody", "port = 8443": f"port = {self.port}"}
        text = changed(changed(example(), changes or {"group = vmail": f"group = {group}"}),
                       here)
        self.dovecot = Dovecot(place, users=users, remite=None, example=text, tls=True,
                               agent_config=config, more=more)

    def ask(self, user, text=ASKS):
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        self.dovecot.deliver(user, text.format(n=1, date=date), ALICE)
        with self.dovecot.imap(user) as imap:
            imap.select()
            imap.ok("UID FETCH 1 (BODY[])")
            imap.logout()

    def page(self):
        context = ssl.create_default_context(cafile=self.dovecot.certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context,
                                                 timeout=60)
        connection.request("GET", "/r/nothing")
        return connection.getresponse().status


@test
def doveconf_takes_it_and_every_protocol_has_the_plugin(place):
    is_24 = version() >= (2, 4)
    dovecot = Server(place, {ANN: {}}, more="" if is_24 else MORE_PLUGINS_23).dovecot
    done = subprocess.run(dovecot.within("doveconf", "-n", "-c", dovecot.config),
                          capture_output=True, text=True, timeout=60, check=False)
    equal((done.returncode, re.findall("(?i).*(?:error|warning).*", done.stderr)), (0, []),
          "doveconf -n")
    for wanted in ("service remite-agent {", "service remite-http {", "vsz_limit = 4 ?G",
                   "remite_receipts = server", "mode = 0660", "process_min_avail = 1"):
        true(re.search(wanted, done.stdout), f"{wanted} in {done.stdout}")
    for protocol in ("imap", "lmtp", "lda"):
        plugins = dovecot.doveconf("-f", f"protocol={protocol}", "mail_plugins")
        true(re.search(r"\bremite\b", plugins), f"{protocol}: {plugins}")
        if protocol == "imap" and not is_24:
            true("imap_quota" in plugins, f"its own, too: {plugins}")


@test
def with_one_mail_uid_a_receipt_goes_out_and_the_page_answers(place):
    server = Server(place, {ANN: {"remite_addresses": ANN}})
    server.ask(ANN)
    mail = server.sink.wait()[0]
    equal((mail.sender, mail.recipients), ("", [ALICE]), "the envelope")
    true(b"Final-Recipient: rfc822;ann@example.net" in mail.data, mail.data)
    equal(server.page(), 404, "an unknown page")
    equal(server.dovecot.errors(), [], "errors in the log")


@test
def with_system_users_the_agent_checks_who_speaks(place):
    games = pwd.getpwnam("games").pw_uid
    server = Server(place, {"games": {"uid": games, "remite_addresses": ANN}}, SYSTEM_USERS)
    server.ask("games")
    true(b"Final-Recipient: rfc822;ann@example.net" in server.sink.wait()[0].data,
         "the receipt")
    equal(server.dovecot.errors(), [], "errors in the log")


@test
def docs_receipts_turning_it_on_is_enough(place):
    """The page's configuration, what `remite setup dovecot` prints, and the field."""
    with open(os.path.join(ROOT, "docs/receipts.md"), encoding="utf-8") as page:
        text = re.search(r"### Turning it on.*?```\n(.*?)```", page.read(), re.S)[1]
    sink = Sink(place)
    state = place.file("state")
    os.mkdir(state)
    os.chown(state, pwd.getpwnam("nobody").pw_uid, -1)
    config = place.file("remite.conf", f'state = "{state}"\n' + changed(
        text, {"example.com": "example.net", "port = 25": f"port = {sink.port}"}))
    dovecot = Dovecot(place, users={ANN: {"remite_addresses": ANN}}, remite=None,
                      agent_config=config)
    done = subprocess.run([f"{BUILD}/remite", "-c", config, "setup", "dovecot", "--dovecot",
                           dovecot.config], capture_output=True, text=True, timeout=60,
                          check=False)
    equal(done.returncode, 0, f"remite setup dovecot: {done.stdout}{done.stderr}")
    dovecot.example = changed(done.stdout, {
        "executable = remite-agent": f"executable = {BUILD}/remite-agent",
        "user = remite": "user = nobody"})
    dovecot.configure()
    dovecot.restart()
    true("1" in dovecot.doveadm("remite", "ping"), "doveadm remite ping")
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    dovecot.deliver(ANN, ASKS.format(n=1, date=date), ALICE)
    with dovecot.imap(ANN) as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        imap.logout()
    equal(sink.wait()[0].recipients, [ANN], "who is asked")
    dovecot.doveadm("remite", "receipts", "approve", "-u", ANN, "1@example.net")
    receipt = sink.wait(2)[1]
    equal((receipt.sender, receipt.recipients), ("", [ALICE]), "the envelope")
    true(b"Final-Recipient: rfc822;ann@example.net" in receipt.data, receipt.data)
    equal([e for e in dovecot.errors() if "Killed with signal 15" not in e], [],
          "errors in the log")


if __name__ == "__main__":
    main()
