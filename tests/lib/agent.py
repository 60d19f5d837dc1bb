# SPDX-License-Identifier: MIT
"""Agent: a stand-in for remite-agent that writes down its jobs (wire.h).

    agent = Agent(place)
    dovecot = Dovecot(place, agent=agent.path, remite={"receipts": "server"})
    ...
    job = agent.wait("shown")
    equal(job["uid"], "1", "its UID")
    agent.answer(user="ann", box="INBOX", uid=1, msgid="<1@x>", remove="$ReceiptPending")
"""
import os
import socket
import threading

from live import Failure, wait_until

ESCAPES = {"1": "\x01", "t": "\t", "r": "\r", "n": "\n"}


def unescape(text):
    out, rest = "", text
    while "\x01" in rest:
        plain, _, rest = rest.partition("\x01")
        out += plain + ESCAPES[rest[0]]
        rest = rest[1:]
    return out + rest


def escape(text):
    for letter, octet in ESCAPES.items():
        if letter == "1":
            text = text.replace(octet, "\x01" + letter)
    for letter, octet in ESCAPES.items():
        if letter != "1":
            text = text.replace(octet, "\x01" + letter)
    return text


def send(connection, data):
    """lmtp is gone before it is answered; what it said is still there to be read."""
    try:
        connection.sendall(data)
    except OSError:
        pass


class Job(dict):
    """Its fields; kind, id, body; connection: where it came from."""

    def __init__(self, connection, number, kind, fields, body):
        super().__init__(fields)
        self.connection = connection
        self.id = number
        self.kind = kind
        self.body = body


class Agent:
    """acks: whether jobs are acknowledged. on_job: called with each job, instead."""

    def __init__(self, place, acks=True, on_job=None, name="agent"):
        self.path = place.file(name)
        self.acks = acks
        self.on_job = on_job
        self.jobs = []
        self.dones = {}  # answer id -> None, or the reason of KEEP
        self.roles = []
        self.connections = []
        self.answers = 0
        self.lock = threading.Lock()
        self.server = None
        self.start()
        place.at_close.append(self.stop)

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        os.chmod(self.path, 0o666)
        self.server.listen(500)
        threading.Thread(target=self._serve, args=(self.server,), daemon=True).start()

    def stop(self):
        """Away: connections closed, new ones refused."""
        if self.server is None:
            return
        server, self.server = self.server, None
        os.unlink(self.path)
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        with self.lock:
            connections, self.connections = self.connections, []
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()

    def _serve(self, server):
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        try:
            with connection.makefile("rb") as stream:
                for line in stream:
                    self._handle(connection, stream, line)
        except (OSError, ValueError):
            pass
        with self.lock:
            if connection in self.connections:
                self.connections.remove(connection)

    def _handle(self, connection, stream, line):
        words = line.decode("utf-8", "replace").rstrip("\n").split("\t")
        if words[0] == "VERSION":
            self.roles.append(words[-1])
            send(connection, b"VERSION\tremite\t1\n")
        elif words[0] in ("DONE", "KEEP"):
            self.dones[int(words[1])] = unescape(words[2]) if words[2:] else None
        elif words[0] == "JOB":
            fields = dict(unescape(w).split("=", 1) for w in words[3:])
            body = stream.read(int(fields.pop("body", 0)))
            job = Job(connection, int(words[1]), words[2], fields, body)
            with self.lock:
                self.jobs.append(job)
            if self.on_job is not None:
                self.on_job(job)
            elif self.acks:
                self.ack(job)

    def ack(self, job):
        send(job.connection, f"ACK\t{job.id}\n".encode())

    def answer(self, connection=None, **fields):
        """To all connections that said `open`, or one; its number."""
        self.answers += 1
        text = "\t".join(f"{k}={escape(str(v))}" for k, v in fields.items())
        with self.lock:
            to = [connection] if connection else list(self.connections)
        for one in to:
            send(one, f"ANSWER\t{self.answers}\t{text}\n".encode())
        return self.answers

    def answer_about(self, job, **what):
        """An answer about the message of a job, as it came; why it was not done, or None."""
        place = {k: job[k] for k in ("user", "box", "uidvalidity", "uid", "msgid")}
        return self.wait_done(self.answer(**{**place, **what}))

    def of(self, kind):
        with self.lock:
            return [job for job in self.jobs if job.kind == kind]

    def wait(self, kind, count=1):
        """The last of so many jobs of that kind."""
        return wait_until(lambda: len(self.of(kind)) >= count and self.of(kind)[-1],
                          f"{count} x {kind}, not {[j.kind for j in self.jobs]}")

    def wait_done(self, number):
        wait_until(lambda: number in self.dones, f"DONE {number}")
        return self.dones[number]

    def none(self, kind):
        """Fails where there is such a job. Say it after something that came later."""
        if self.of(kind):
            raise Failure(f"a job {kind} that should not be: {dict(self.of(kind)[0])}")
