# SPDX-License-Identifier: MIT
"""NameServer: a name server on loopback, that tells a zone, or misbehaves."""
import ipaddress
import shlex
import socket
import struct
import threading
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
UDP_MAX = 1200


def wire_name(name):
    labels = [label.encode("latin-1") for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def rdata(kind, words):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(words[0]).packed
    if kind == "MX":
        return struct.pack("!H", int(words[0])) + wire_name(words[1])
    if kind == "SOA":
        return wire_name("ns.example") + wire_name("root.example") + struct.pack(
            "!5I", 1, 3600, 600, 86400, 60)
    if kind == "TXT":
        text = "".join(words).encode("latin-1")
        parts = [text[i:i + 255] for i in range(0, len(text), 255)] or [b""]
        return b"".join(bytes([len(part)]) + part for part in parts)
    return wire_name(words[0])


class NameServer:
    """zone: lines `name TYPE data`; data TIMEOUT and SERVFAIL as in --dns-file. Its
    moods may be changed while it runs: silent (no answer to anything), lies (answers
    that are not to the question, or rubbish), delay (seconds), cut (over UDP every
    answer is truncated), broken (SERVFAIL to everything)."""

    def __init__(self, zone="", ttl=300, port=0):
        self.ttl = ttl
        self.silent = self.lies = self.cut = self.broken = False
        self.delay = 0
        self.asked = []
        self.set(zone)
        self.udp, self.tcp = self._open(port)
        self.port = self.udp.getsockname()[1]
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    @property
    def address(self):
        """As dns.servers has it."""
        return f"127.0.0.1@{self.port}"

    def _open(self, port):
        for _ in range(100):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(("127.0.0.1", port))
            tcp = socket.socket()
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                udp.close()
                continue
            tcp.listen(16)
            return udp, tcp
        raise OSError("no port is free for both UDP and TCP")

    def set(self, zone):
        records = {}
        for line in zone.splitlines():
            line = line.strip()
            if not line or line.startswith(";"):
                continue
            name, kind, *words = shlex.split(line)
            records.setdefault(name.lower().rstrip("."), []).append((kind.upper(), words))
        self.records = records

    def count(self, name):
        return self.asked.count(name)

    def close(self):
        self.udp.close()
        self.tcp.close()

    # --- answers ---

    def _lookup(self, name, kind):
        """(rcode, [(owner, kind, words)]) or None: no answer."""
        found = []
        for _ in range(20):
            rows = self.records.get(name, [])
            for row_kind, words in rows:
                if words[:1] in (["TIMEOUT"], ["SERVFAIL"]) and row_kind in (kind, "ANY"):
                    return None if words[0] == "TIMEOUT" else (SERVFAIL, [])
            hits = [(name, k, w) for k, w in rows if k == kind]
            alias = [(name, k, w) for k, w in rows if k == "CNAME" and kind != "CNAME"]
            found += hits
            if hits or not alias:
                break
            found += alias
            name = alias[0][2][0].lower().rstrip(".")
        below = any(other == name or other.endswith("." + name) for other in self.records)
        return (NOERROR if found or below else NXDOMAIN), found

    def _answer(self, packet, udp):
        at, labels = 12, []
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
            at += 1 + packet[at]
        question = packet[12:at + 5]
        kind = struct.unpack("!H", packet[at + 1:at + 3])[0]
        name = ".".join(labels)
        self.asked.append(name)
        if self.silent:
            return None
        if self.lies:
            return self._lie(packet, question)
        kind_name = next((k for k, n in TYPES.items() if n == kind), "?")
        result = (SERVFAIL, []) if self.broken else self._lookup(name, kind_name)
        if result is None:
            return None
        rcode, found = result
        body = b"".join(wire_name(owner) + struct.pack("!HHI", TYPES[k], 1, self.ttl)
                        + struct.pack("!H", len(data)) + data
                        for owner, k, words in found for data in [rdata(k, words)])
        authority = b"" if found else (b"\0" + struct.pack("!HHI", 6, 1, self.ttl)
                                       + struct.pack("!H", 22) + b"\0\0"
                                       + struct.pack("!5I", 1, 2, 3, 4, self.ttl))
        flags = 0x8580 | rcode
        if udp and (self.cut or len(body) > UDP_MAX):
            return packet[:2] + struct.pack("!5H", flags | 0x200, 1, 0, 0, 0) + question
        return (packet[:2] + struct.pack("!5H", flags, 1, len(found), 0 if found else 1, 0)
                + question + body + authority)

    def _lie(self, packet, question):
        """An answer to another question, a wrong id, or no DNS at all, in turn."""
        turn = len(self.asked) % 3
        wrong = bytes([packet[0] ^ 1]) + packet[1:2]
        record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + b"\x7f\0\0\x01"
        if turn == 0:
            return wrong + struct.pack("!5H", 0x8580, 1, 1, 0, 0) + question + record
        if turn == 1:
            other = wire_name("other.example") + question[-4:]
            return packet[:2] + struct.pack("!5H", 0x8580, 1, 1, 0, 0) + other + record
        return packet[:2] + b"\xff" * 40

    def _serve_udp(self):
        while True:
            try:
                packet, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if self.delay:
                threading.Timer(self.delay, self._reply, (packet, peer)).start()
            else:
                self._reply(packet, peer)

    def _reply(self, packet, peer):
        answer = self._answer(packet, True)
        if answer is not None:
            try:
                self.udp.sendto(answer, peer)
            except OSError:
                pass

    def _serve_tcp(self):
        while True:
            try:
                client = self.tcp.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve_client, args=(client,), daemon=True).start()

    def _serve_client(self, client):
        with client:
            while True:
                head = client.recv(2)
                if len(head) < 2:
                    return
                packet = client.recv(struct.unpack("!H", head)[0])
                time.sleep(self.delay)
                answer = self._answer(packet, False)
                if answer is None:
                    time.sleep(30)
                    return
                client.sendall(struct.pack("!H", len(answer)) + answer)
