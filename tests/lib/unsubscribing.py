# SPDX-License-Identifier: MIT
"""For tests of leaving lists: an endpoint as the world has them, a signer, the worker.

    endpoint = Endpoint(place)                     # https://lists.test:PORT/... at 127.0.0.2
    worker = Worker(place, endpoint, zone)
    worker.post(endpoint.url("/ok"))               # {"outcome": "done", ...}
    endpoint.requests                              # what it was sent
"""
import base64
import gzip
import hashlib
import os
import re
import select
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time

from live import BUILD, Skip, need_program

GOOD = "127.0.0.2"   # where the endpoint is; the configuration allows it
CONFIG = """\
mode = "enforce"
state = "{state}"
{more}
unsubscribing: {{
	allow = ["127.0.0.2"]
	ports = ["{port}"]
	ca_file = "{ca}"
	own_hosts = ["mx.example.test", "imap.example.test"]
	timeout = "{timeout}"
	{settings}
}}
"""


def openssl(*argv):
    subprocess.run([need_program("openssl"), *argv], check=True, capture_output=True,
                   timeout=60)


def make_certificate(place, name, hosts):
    """A certificate of its own authority; (certificate, key)."""
    cert, key = place.file(name + ".crt"), place.file(name + ".key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-days", "2", "-subj", "/CN=" + hosts[0], "-addext",
            "subjectAltName=" + ",".join("DNS:" + host for host in hosts),
            "-keyout", key, "-out", cert)
    return cert, key


class Request:
    """As it came."""

    def __init__(self, line, headers, body):
        self.method, self.path = line.split(" ")[:2]
        self.line, self.headers, self.body = line, headers, body

    def header(self, name):
        return self.headers.get(name.lower())


class Handler(socketserver.BaseRequestHandler):
    """One request a connection, answered as its path says."""

    def handle(self):
        owner = self.server.owner
        try:
            tls = owner.context.wrap_socket(self.request, server_side=True)
        except (ssl.SSLError, OSError) as why:
            owner.failures.append(str(why))
            return
        with tls:
            owner.resumed.append(tls.session_reused)
            tls.settimeout(20)
            try:
                request = self._read(tls)
                if request is not None:
                    owner.requests.append(request)
                    self._answer(tls, request)
            except (OSError, ssl.SSLError):
                pass

    @staticmethod
    def _read(tls):
        data = b""
        while b"\r\n\r\n" not in data:
            more = tls.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (x.partition(":") for x in lines[1:])}
        while len(body) < int(headers.get("content-length", 0)):
            more = tls.recv(65536)
            if not more:
                return None
            body += more
        return Request(lines[0], headers, body)

    def _answer(self, tls, request):
        name = "path_" + request.path.split("?")[0].strip("/").replace("-", "_")
        getattr(self, name, self.path_missing)(tls, request)

    @staticmethod
    def _say(tls, status, more="", body=b""):
        tls.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}"
                    "Connection: close\r\n\r\n".encode() + body)

    def path_missing(self, tls, _):
        self._say(tls, "404 Not Found")

    def path_ok(self, tls, _):
        self._say(tls, "200 OK", body=b"gone")

    def path_no_content(self, tls, _):
        self._say(tls, "204 No Content")

    def path_form(self, tls, request):
        urlencoded = request.header("content-type") == "application/x-www-form-urlencoded"
        self._say(tls, "200 OK" if urlencoded else "415 Unsupported Media Type")

    def path_bad_form(self, tls, _):
        self._say(tls, "400 Bad Request")

    def path_redirect(self, tls, _):
        self._say(tls, "302 Found", "Location: https://169.254.169.254/latest\r\n")

    def path_redirect_near(self, tls, request):
        self._say(tls, "307 Temporary Redirect",
                  f"Location: https://{request.header('host')}/never\r\n")

    def path_cookie(self, tls, _):
        self._say(tls, "200 OK", "Set-Cookie: id=4711; Secure\r\n")

    def path_login(self, tls, _):
        self._say(tls, "401 Unauthorized", "WWW-Authenticate: Basic realm=x\r\n")

    def path_trouble(self, tls, _):
        self._say(tls, "503 Service Unavailable")

    def path_trouble_once(self, tls, _):
        owner = self.server.owner
        owner.troubles += 1
        self._say(tls, "503 Service Unavailable" if owner.troubles == 1 else "200 OK")

    def path_endless(self, tls, _):
        tls.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            tls.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    def path_endless_refusal(self, tls, _):
        tls.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n")
        while True:
            tls.sendall(b"x" * 65536)

    def path_header_flood(self, tls, _):
        tls.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            tls.sendall(b"X-Header: " + b"x" * 1000 + b"\r\n")

    def path_long_header(self, tls, _):
        tls.sendall(b"HTTP/1.1 200 OK\r\nX-Header: ")
        while True:
            tls.sendall(b"x" * 65536)

    def path_interim_flood(self, tls, _):
        while True:
            tls.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            self.server.owner.interims += 1

    def path_slow(self, tls, _):
        for _ in range(600):
            tls.sendall(b"")
            time.sleep(0.1)
            if self.server.owner.closed:
                return

    def path_drip(self, tls, _):
        tls.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(600):
            tls.sendall(b"X: y\r\n")
            time.sleep(0.2)
            if self.server.owner.closed:
                return

    def path_bomb(self, tls, _):
        body = gzip.compress(b"\0" * (64 << 20), 1)
        self._say(tls, "200 OK", "Content-Encoding: gzip\r\n", body)

    def path_silent(self, tls, _):
        tls.shutdown(socket.SHUT_RDWR)

    def path_garbage(self, tls, _):
        tls.sendall(b"220 mx.example.test ESMTP\r\n")


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    request_queue_size = 100
    allow_reuse_address = True


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class Endpoint:
    """An HTTPS server at 127.0.0.2 that answers by path, and two listeners where
    nobody may come: at 127.0.0.1 and ::1 (where there is IPv6), on the same port."""

    def __init__(self, place, hosts=("lists.test", "*.lists.test", "lists.example")):
        self.requests, self.failures, self.resumed = [], [], []
        self.troubles, self.interims, self.closed = 0, 0, False
        self.ca, key = make_certificate(place, "endpoint", hosts)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca, key)
        self.port = place.free_port()
        self.server = Server((GOOD, self.port), Handler)
        self.server.owner = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.forbidden = [self._listen(socket.AF_INET, "127.0.0.1")]
        if has_ipv6():
            self.forbidden.append(self._listen(socket.AF_INET6, "::1"))
        place.at_close.append(self.close)

    def _listen(self, family, address):
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, self.port))
        listener.listen(20)
        listener.setblocking(False)
        return listener

    def intruders(self):
        """How many came where nobody may."""
        count = 0
        for listener in self.forbidden:
            while True:
                try:
                    listener.accept()[0].close()
                    count += 1
                except BlockingIOError:
                    break
        return count

    def url(self, path, host="lists.test"):
        return f"https://{host}:{self.port}{path}"

    def close(self):
        self.closed = True
        self.server.shutdown()
        self.server.server_close()
        for listener in self.forbidden:
            listener.close()


# --- the worker ---

ESCAPES = {"1": "\001", "t": "\t", "r": "\r", "n": "\n"}


def unescape(text):
    return re.sub("\001(.)", lambda m: ESCAPES[m.group(1)], text)


def escape(text):
    for letter, octet in ESCAPES.items():
        text = text.replace(octet, "\001" + letter)
    return text


def write_config(place, endpoint, name="unsubscribing.conf", timeout="20s", more="",
                 settings=""):
    state = place.file("state")
    os.makedirs(state, exist_ok=True)
    return place.file(name, CONFIG.format(state=state, port=endpoint.port, ca=endpoint.ca,
                                          timeout=timeout, more=more, settings=settings))


class Worker:
    """remite-unsubscribe by itself, over a pair of sockets. zone: text for DNS; None: as
    the configuration says. before: a program and its options that starts it."""

    def __init__(self, place, config, zone, before=(), environment=()):
        self.program = os.path.join(BUILD, "remite-unsubscribe")
        if not os.access(self.program, os.X_OK):
            raise Skip(f"{self.program} is not built: dovecot-dev")
        self.socket, other = socket.socketpair()
        self.socket.settimeout(60)
        values = dict(os.environ, REMITE_CONFIG=config, **dict(environment))
        if zone is not None:
            values["REMITE_DNS_FILE"] = place.file("leave.zone", zone)
        with open(place.file("worker.log"), "ab") as log:
            self.process = subprocess.Popen([*before, self.program, "--stdin"],  # pylint: disable=consider-using-with
                                            stdin=other, stdout=log, stderr=log, env=values)
        other.close()
        place.at_close.append(self.close)
        self.lines = self.socket.makefile("rb")
        self.socket.sendall(b"VERSION\tremite\t1\trole=agent\n")
        self.number = 0

    def job(self, kind, body=b"", **fields):
        """The fields of its answer; "type" is ACK or NAK."""
        self.number += 1
        words = [f"{k}={escape(str(v))}" for k, v in fields.items()]
        if body:
            words.append(f"body={len(body)}")
        line = "\t".join(["JOB", str(self.number), kind, *words]) + "\n"
        self.socket.sendall(line.encode() + body)
        while True:
            answer = self.lines.readline().decode("utf-8", "replace").rstrip("\n").split("\t")
            if answer == [""]:
                raise ConnectionError("the worker closed the connection")
            if answer[0] != "VERSION":
                break
        found = {"type": answer[0]}
        for word in answer[2:]:
            name, _, value = word.partition("=")
            found[name] = unescape(value)
        return found

    def post(self, url, posts=2):
        return self.job("post", url=url, posts=posts)

    def look(self, message):
        return self.job("look", body=message)

    def close(self):
        self.lines.close()
        self.socket.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# --- a signer ---

class Key:
    """An RSA key, and relaxed/relaxed signatures with it."""

    def __init__(self, place, domain, selector="s1"):
        self.domain, self.selector = domain, selector
        self.path = place.file(f"{selector}.{domain}.pem")
        openssl("genrsa", "-out", self.path, "2048")
        der = subprocess.run(["openssl", "rsa", "-in", self.path, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True, timeout=60).stdout
        self.public = base64.b64encode(der).decode()

    def record(self):
        return f'{self.selector}._domainkey.{self.domain} TXT "v=DKIM1; p={self.public}"\n'

    @staticmethod
    def _relaxed(field):
        name, _, value = field.partition(b":")
        value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()
        return name.strip().lower() + b":" + value

    def sign(self, message, signed=("from", "list-unsubscribe", "list-unsubscribe-post",
                                    "list-id", "subject", "message-id")):
        """message: bytes, CRLF. Returns it with the signature on top."""
        head, _, body = message.partition(b"\r\n\r\n")
        fields = re.split(rb"\r\n(?![ \t])", head)
        body = re.sub(rb"[ \t]+\r\n", b"\r\n", re.sub(rb"[ \t]+", b" ", body))
        body = re.sub(rb"(\r\n)*$", b"", body) + b"\r\n" if body.strip() else b""
        digest = base64.b64encode(hashlib.sha256(body).digest())
        names = [n for n in signed if any(f.lower().startswith(n.encode() + b":")
                                          for f in fields)]
        draft = (b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=" +
                 self.domain.encode() + b"; s=" + self.selector.encode() + b"; h=" +
                 ":".join(names).encode() + b"; bh=" + digest + b"; b=")
        data = b""
        for name in names:
            last = [f for f in fields if f.lower().startswith(name.encode() + b":")][-1]
            data += self._relaxed(last) + b"\r\n"
        data += self._relaxed(draft)
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.path],
                              input=data, check=True, capture_output=True, timeout=60).stdout
        return draft + base64.b64encode(made) + b"\r\n" + message


def newsletter(url=None, mailto=None, sender="news@sender.test", list_id="offers.sender.test",
               number=1, more=""):
    ways = ", ".join(f"<{way}>" for way in (url, mailto) if way)
    text = (f"From: News <{sender}>\r\nTo: ann@example.net\r\nSubject: offer {number}\r\n"
            f"Message-ID: <{number}@sender.test>\r\nList-Id: Offers <{list_id}>\r\n"
            f"List-Unsubscribe: {ways}\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            f"{more}\r\nBuy!\r\n")
    return text.encode()


# --- a name server that changes its mind ---

class Rebinding:
    """DNS over UDP: answers A with the next address of the list each time, TTL 0."""

    def __init__(self, place, addresses):
        self.addresses, self.asked = list(addresses), 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        place.at_close.append(self.socket.close)

    def _serve(self):
        while True:
            try:
                queries = [self.socket.recvfrom(4096)]
                # Asked again before we got round to it: the same question.
                while select.select([self.socket], [], [], 0)[0]:
                    queries.append(self.socket.recvfrom(4096))
            except (OSError, ValueError):
                return
            address = self.addresses[min(self.asked, len(self.addresses) - 1)]
            wanted = [self._answer(query, client, address) for query, client in queries]
            self.asked += any(wanted)

    def _answer(self, query, client, address):
        """Whether that was a question for the address."""
        end = query.index(b"\0", 12) + 5
        wanted = struct.unpack(">H", query[end - 4:end - 2])[0] == 1
        answer = (b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address)
                  if wanted else b"")
        head = query[:2] + b"\x84\0\0\1" + struct.pack(">HHH", wanted, 0, 0)
        self.socket.sendto(head + query[12:end] + answer, client)
        return wanted


# --- a mailbox server that only keeps what it gets ---

class SinkHandler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 sink LMTP\r\n")
        recipients = 0
        while True:
            line = self.rfile.readline()
            word = line[:4].upper()
            if not line or word == b"QUIT":
                return
            if word == b"DATA":
                self.wfile.write(b"354 go\r\n")
                self._data()
                self.wfile.write(b"250 kept\r\n" * recipients)
            else:
                recipients = recipients + 1 if word == b"RCPT" else 0 if word == b"MAIL" \
                    else recipients
                self.wfile.write(b"250 ok\r\n")

    def _data(self):
        text = b""
        while not text.endswith(b"\r\n.\r\n"):
            text += self.rfile.readline()
        self.server.owner.messages.append(text[:-3])


class Sink:
    """LMTP; messages are what came, as bytes."""

    def __init__(self, place):
        self.messages = []
        self.server = Server(("127.0.0.1", 0), SinkHandler)
        self.server.owner = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        place.at_close.append(self.server.shutdown)

    @property
    def transport(self):
        return f"lmtp:inet:127.0.0.1:{self.port}"
