# SPDX-License-Identifier: MIT
"""Sink: takes mail as the next hop does, and keeps every message as it came."""
import email
import email.policy
import socketserver
import ssl
import threading

from live import wait_until


class Mail:
    def __init__(self, sender, recipients, data):
        self.sender = sender
        self.recipients = recipients
        self.data = data
        self.message = email.message_from_bytes(data, policy=email.policy.SMTP)

    def fields(self, name):
        """Every field of the name, unfolded."""
        return [" ".join(str(value).split()) for value in self.message.get_all(name, [])]


class _Handler(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write((text + "\r\n").encode())

    def starttls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server.tls)
        self.say("220 go on")
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.setup_streams()

    def setup_streams(self):
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)

    def data(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def handle(self):
        try:
            self.talk()
        except OSError:
            pass  # who does not like our certificate

    def talk(self):
        sender, recipients = "", []
        self.say("220 sink ESMTP")
        while line := self.rfile.readline().decode("utf-8", "replace").strip():
            verb = line[:4].upper()
            if verb == "MAIL":
                sender, recipients = line.partition("<")[2].partition(">")[0], []
            elif verb == "RCPT":
                recipients.append(line.partition("<")[2].partition(">")[0])
            elif verb == "DATA":
                self.say("354 go on")
                self.server.mails.append(Mail(sender, recipients, self.data()))
            elif verb == "QUIT":
                self.say("221 bye")
                return
            elif verb == "STAR" and self.server.tls:
                self.starttls()
                continue
            offer = "250-STARTTLS\r\n" if self.server.tls else ""
            self.say(f"250-sink\r\n{offer}250 8BITMIME" if verb == "EHLO" else "250 ok")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Sink:
    """tls: (certificate, key): it offers STARTTLS."""

    def __init__(self, place, tls=None):
        self.port = place.free_port()
        self.server = _Server(("127.0.0.1", self.port), _Handler)
        self.server.mails = []
        self.server.tls = tls
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        place.at_close.append(self.server.shutdown)

    @property
    def transport(self):
        return f"smtp:[127.0.0.1]:{self.port}"

    @property
    def mails(self):
        return self.server.mails

    def wait(self, count=1):
        """The mails, when there are so many."""
        wait_until(lambda: len(self.mails) >= count, f"{count} mails at the next hop")
        return list(self.mails)
