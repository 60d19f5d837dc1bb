# SPDX-License-Identifier: MIT
"""Dovecot loads what we built, and our services answer and are not root."""
import os
import pwd
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import Dovecot
from live import BUILD, equal, main, test, true, wait_until
from receipts import REQUEST

MESSAGE = """\
From: Alice <alice@example.org>
To: ann@example.net
Subject: hello
Message-ID: <1@example.org>

text
"""


def uids_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(line.split()[1:] for line in status if line.startswith("Uid:"))


def own_state(place):
    """A configuration whose state and keys are in the test's directory, and anybody's."""
    state, ring = place.file("state"), place.file("ring")
    os.mkdir(state)
    os.chmod(state, 0o777)
    config = place.file("remite.conf", f'state = "{state}"\nkeys = "{ring}"\n')
    subprocess.run([os.path.join(BUILD, "remite"), "-c", config, "keys", "make"], check=True,
                   timeout=60)
    os.chown(ring, -1, pwd.getpwnam("nobody").pw_gid)  # Dovecot's services run so here
    return config


@test
def mail_comes_in_and_is_read_with_the_plugin_loaded(place):
    dovecot = Dovecot(place, remite={"receipts": "off"}, pop3=True)
    dovecot.deliver("ann", MESSAGE)
    with dovecot.imap() as imap:
        equal("* 1 EXISTS" in imap.select(), True, "a message in INBOX")
        true("text" in str(imap.ok("UID FETCH 1 (BODY[])")), "its body")
        equal(imap.flags(1) - {"\\Recent"}, {"\\Seen"}, "flags")
    equal(dovecot.errors(), [], "errors in the log")


@test
def a_wrong_setting_is_named_and_mail_goes_on(place):
    dovecot = Dovecot(place, remite={"receipts": "sometimes"})
    dovecot.deliver("ann", MESSAGE)
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
    wait_until(lambda: "remite_receipts = sometimes: write off or client or report or server or "
               "none" in dovecot.log(), "the log to name setting and remedy")


@test
def addresses_with_names_are_named_and_mail_goes_on(place):
    dovecot = Dovecot(place, remite={"receipts": "server"}, users={
        "ann": {"remite_addresses": "Ann_Smith,ann@example.net"},
        "bob": {"remite_addresses": "<bob@example.net>"}})
    for user, word in (("ann", "Ann_Smith"), ("bob", "<bob@example.net>")):
        dovecot.deliver(user, MESSAGE)
        wait_until(lambda w=word: f"'{w}' is no address: write addresses alone, as in ann@example.com,"
                   "a.smith@example.com" in dovecot.log(), "the log to name the word and the remedy")


@test
def a_socket_that_keeps_mail_processes_out_is_told_with_the_remedy(place):
    dovecot = Dovecot(place, remite={"receipts": "server"}, agent=True, agent_config=own_state(place))
    wait_until(lambda: dovecot.pids("remite-agent"), "the agent")
    os.chmod(dovecot.agent_socket(), 0o600)
    dovecot.deliver("ann", REQUEST.format(n=1))
    wait_until(lambda: "remite-agent: Permission denied: its unix_listener keeps mail processes out "
               "('remite doctor' says what to write)" in dovecot.log(), "the log to name the remedy")
    os.chmod(dovecot.agent_socket(), 0o666)


@test
def the_agent_answers_and_is_not_root(place):
    dovecot = Dovecot(place, agent=True, agent_config=own_state(place))
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(dovecot.agent_socket())
        client.sendall(b"VERSION\tremite\t1\trole=mail\n")
        equal(client.makefile("rb").readline(), b"VERSION\tremite\t1\n", "its greeting")
    equal(dovecot.doveadm("remite", "ping").split(), ["protocol=1"], "doveadm remite ping")
    pid = wait_until(lambda: dovecot.pids("remite-agent"), "the agent's process")[0]
    equal(uids_of(pid), [str(dovecot.uid)] * 4, "user ids of the agent")
    equal(dovecot.errors(), [], "errors in the log")


@test
def the_agent_starts_with_dovecot_and_comes_back(place):
    dovecot = Dovecot(place, agent=True, agent_config=own_state(place))
    first = wait_until(lambda: dovecot.pids("remite-agent"), "the agent, without a client")
    # One that dies before it is ready is started again only with a connection.
    dovecot.doveadm("remite", "ping")
    os.kill(first[0], 9)
    second = wait_until(lambda: [p for p in dovecot.pids("remite-agent") if p not in first],
                        "the agent again")
    equal(len(second), 1, "agents")


@test
def the_http_service_answers_with_dovecots_tls(place):
    dovecot = Dovecot(place, http=True, tls=True, agent_config=own_state(place))
    trust = ssl.create_default_context(cafile=dovecot.certificate)
    for url in (f"http://127.0.0.1:{dovecot.ports['http']}/nowhere",
                f"https://localhost:{dovecot.ports['https']}/nowhere"):
        try:
            with urllib.request.urlopen(url, timeout=60, context=trust) as answer:
                status = answer.status
        except urllib.error.HTTPError as answer:
            status = answer.code
        equal(status, 404, url)
    pid = wait_until(lambda: dovecot.pids("remite-http"), "its process")[0]
    equal(uids_of(pid), [str(dovecot.uid)] * 4, "user ids of remite-http")
    equal(dovecot.errors(), [], "errors in the log")


if __name__ == "__main__":
    main()
