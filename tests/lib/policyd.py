# SPDX-License-Identifier: MIT
"""Policyd: a private remite-policyd. PolicyClient: speaks to it as smtpd does."""
import json
import os
import re
import signal
import socket
import subprocess

from live import BUILD, Failure, can_connect, end_process, wait_until

BASE = """\
mode = "{mode}"
state = "{state}"
policyd: {{
	listen = ["unix:{socket}", "inet:127.0.0.1:{port}"]
	socket_mode = "0666"
	socket_group = "root"
	control = "{control}"
	metrics = "127.0.0.1:{metrics}"
{policyd}}}
"""


class Policyd:
    """streams: the text of the section of that name. policyd: further settings
    of that section. more: whatever else stands in the file."""

    def __init__(self, place, streams="", mode="enforce", policyd="", more=""):
        self.program = os.path.join(BUILD, "remite-policyd")
        if not os.access(self.program, os.X_OK):
            raise Failure(f"{self.program} is not there: make")
        self.place = place
        self.socket = place.file("policy")
        self.port = place.free_port()
        self.metrics = place.free_port()
        self.state = place.file("state")
        self.control = os.path.join(place.memory(), "ctl")
        self.tail = self.control + ".tail"
        os.makedirs(self.state, exist_ok=True)
        self.process = None
        self.configure(streams, mode, policyd, more)
        self.start()

    def configure(self, streams="", mode="enforce", policyd="", more=""):
        """Writes the configuration; a running policyd reads it at reload()."""
        text = BASE.format(mode=mode, state=self.state, socket=self.socket, port=self.port,
                           control=self.control, metrics=self.metrics,
                           policyd=policyd)
        if streams:
            text += f"streams: {{\n{streams}\n}}\n"
        self.config = self.place.file("remite.conf", text + more)

    def start(self):
        self.process = self.place.start([self.program, "-F", "-c", self.config],
                                        "policyd.log")
        wait_until(self._is_ready, "remite-policyd to answer")

    def _is_ready(self):
        if self.process.poll() is not None:
            raise Failure(f"remite-policyd ended with status {self.process.returncode}: "
                          + self.log()[-500:])
        return can_connect(self.socket)

    def stop(self):
        return end_process(self.process)

    def kill(self):
        """kill -9: no chance to write anything."""
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.stop()
        self.start()

    def reload(self):
        """HUP; returns when the log says that it was heard."""
        before = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: re.search(r"reload: .* (is in force|stays as it was)",
                                     self.log()[before:]), "a word about the reload")

    def log(self):
        with open(self.place.file("policyd.log"), encoding="utf-8",
                  errors="replace") as text:
            return text.read()

    def wait_log(self, pattern):
        """The log, once that is in it: policyd answers first, and writes then."""
        wait_until(lambda: re.search(pattern, self.log()), f"'{pattern}' in policyd's log")
        return self.log()

    def remite(self, *args, want=0, stdin=""):
        """A command of `remite`; its standard output."""
        done = subprocess.run([os.path.join(BUILD, "remite"), "-c", self.config, *args],
                              input=stdin, capture_output=True, text=True, timeout=60,
                              check=False)
        if done.returncode != want:
            raise Failure(f"remite {' '.join(args)}: exit status {done.returncode}, want "
                          f"{want}: {done.stdout}{done.stderr}")
        return done.stdout

    def show_stages(self):
        """Asks as a Postfix does that is set up at all three stages: what is
        seen of it before the first END-OF-MESSAGE may mean another set-up."""
        with self.client() as client:
            client.rcpt("first@example.test", "first@example.net")
            client.data("first@example.test", 1)
            client.end_of_message("first@example.test", 1)

    def status(self):
        return json.loads(self.remite("status", "--json"))

    def used(self, limit):
        """What its counters have, committed and held: {key: units}."""
        lines = self.remite("limits", "list", "--json", "--limit", limit).splitlines()
        return {c["value"]: c["used"] for c in map(json.loads, filter(None, lines))}

    def client(self):
        return PolicyClient(self.socket)

    def room(self, sender, most=100, domain="example.org", **attributes):
        """How many more recipients of this sender pass now. Asks as one message
        that is never sent, on a connection that is closed: nothing stays held."""
        with self.client() as client:
            for i in range(most):
                answer = client.rcpt(sender, f"room{i}@{domain}", **attributes)
                if answer != "DUNNO":
                    client.leave()
                    return i
        raise Failure(f"{most} more recipients pass: is there a limit?")


# What Postfix 3.7 says at RCPT, in its order.
ATTRIBUTES = {
    "request": "smtpd_access_policy",
    "protocol_state": "RCPT",
    "protocol_name": "ESMTP",
    "client_address": "127.0.0.1",
    "client_name": "localhost",
    "client_port": "45678",
    "reverse_client_name": "localhost",
    "server_address": "127.0.0.1",
    "server_port": "25",
    "helo_name": "client.example",
    "sender": "",
    "recipient": "",
    "recipient_count": "0",
    "queue_id": "",
    "instance": "1",
    "size": "0",
    "etrn_domain": "",
    "stress": "",
    "sasl_method": "",
    "sasl_username": "",
    "sasl_sender": "",
    "ccert_subject": "",
    "ccert_issuer": "",
    "ccert_fingerprint": "",
    "ccert_pubkey_fingerprint": "",
    "encryption_protocol": "",
    "encryption_cipher": "",
    "encryption_keysize": "0",
    "policy_context": "",
}


def request(**attributes):
    """The octets of a request, with Postfix's own values where none is given."""
    values = {**ATTRIBUTES, **{name: str(value) for name, value in attributes.items()}}
    return "".join(f"{name}={value}\n" for name, value in values.items()).encode() + b"\n"


class PolicyClient:
    """A policy connection. address: a socket's path or (host, port)."""

    messages = 0

    def __init__(self, address, timeout=60):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.buffer = b""
        self.instance = ""
        self.new_message()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def new_message(self):
        PolicyClient.messages += 1
        self.instance = f"{os.getpid():x}.{PolicyClient.messages:x}.test.0"

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """The next answer's action; ConnectionError at the end."""
        while b"\n\n" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the policy server closed the connection")
            self.buffer += more
        head, self.buffer = self.buffer.split(b"\n\n", 1)
        name, _, action = head.decode().partition("=")
        if name != "action":
            raise Failure(f"not an answer: {head!r}")
        return action

    def ask(self, **attributes):
        self.send(request(**{"instance": self.instance, **attributes}))
        return self.answer()

    def rcpt(self, sender, recipient, **attributes):
        return self.ask(sender=sender, recipient=recipient, **attributes)

    def data(self, sender, count, **attributes):
        return self.ask(protocol_state="DATA", sender=sender, recipient_count=count,
                        queue_id="4Zk3pQ1", **attributes)

    def end_of_message(self, sender, count, size=300, **attributes):
        return self.ask(protocol_state="END-OF-MESSAGE", sender=sender,
                        recipient_count=count, size=size, queue_id="4Zk3pQ1", **attributes)

    def leave(self):
        """Returns when the server has seen that we go: nothing of ours is held any more."""
        self.socket.shutdown(socket.SHUT_WR)
        while self.socket.recv(65536):
            pass

    def close(self):
        self.socket.close()
