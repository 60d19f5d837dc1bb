# SPDX-License-Identifier: MIT
"""Smtp: a client that says exactly what it is told, also what no client should."""
import socket


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3])
        self.text = " ".join(line[4:] for line in lines)

    def __repr__(self):
        return f"{self.code} {self.text}"

    @property
    def ok(self):
        return 200 <= self.code < 400


class Smtp:
    """A session. send() and reply() apart, so that commands can be pipelined."""

    def __init__(self, port, helo="client.example", timeout=60, xclient=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.input = self.socket.makefile("rb")
        self.banner = self.reply()
        self.command(f"EHLO {helo}")
        if xclient:
            self.command(f"XCLIENT {xclient}")
            self.command(f"EHLO {helo}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, *lines):
        """All lines in one piece."""
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode())

    def send_bytes(self, data):
        self.socket.sendall(data)

    def reply(self):
        lines = []
        while True:
            line = self.input.readline().decode("utf-8", "replace").rstrip("\r\n")
            if not line:
                raise ConnectionError("the server closed the connection")
            lines.append(line)
            if line[3:4] != "-":
                return Reply(lines)

    def command(self, line):
        self.send(line)
        return self.reply()

    def mail(self, sender, options=""):
        return self.command(f"MAIL FROM:<{sender}>{' ' + options if options else ''}")

    def rcpt(self, recipient):
        return self.command(f"RCPT TO:<{recipient}>")

    def data(self, body="Subject: test\r\n\r\ntest\r\n"):
        """DATA and the message. The reply to DATA where that refuses."""
        reply = self.command("DATA")
        return self.body(body) if reply.code == 354 else reply

    def body(self, body="Subject: test\r\n\r\ntest\r\n"):
        self.send_bytes(body.encode() + b".\r\n")
        return self.reply()

    def bdat(self, chunk, last=False):
        data = chunk.encode()
        self.send_bytes(f"BDAT {len(data)}{' LAST' if last else ''}\r\n".encode() + data)
        return self.reply()

    def message(self, sender, recipients, body="Subject: test\r\n\r\ntest\r\n"):
        """A whole message: replies to each recipient, and the last one (None
        where no recipient was accepted: it is reset then)."""
        self.mail(sender)
        replies = [self.rcpt(recipient) for recipient in recipients]
        if not any(reply.ok for reply in replies):
            self.command("RSET")
            return replies, None
        return replies, self.data(body)

    def quit(self):
        reply = self.command("QUIT")
        self.close()
        return reply

    def close(self):
        """Hangs up without a word."""
        self.input.close()
        self.socket.close()
