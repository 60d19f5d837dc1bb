# SPDX-License-Identifier: MIT
"""Sink: takes mail as the next hop does, and keeps every message as it came."""
import email
import email.policy
import socketserver
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

    def data(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def handle(self):
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
            self.say("250-sink\r\n250 8BITMIME" if verb == "EHLO" else "250 ok")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Sink:
    def __init__(self, place):
        self.port = place.free_port()
        self.server = _Server(("127.0.0.1", self.port), _Handler)
        self.server.mails = []
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
        wait_until(lambda: len(self.mails) >= count, f"{count} mails at the next hop", 20)
        return list(self.mails)
