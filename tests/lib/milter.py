# SPDX-License-Identifier: MIT
"""Milter: a private remite-milter. Signer: a private opendkim that signs."""
import functools
import os
import re
import signal
import tempfile

from live import BUILD, Failure, Skip, can_connect, end_process, need_program, wait_until
from postfix import run

# What stands in the file beside mode and streams.
SECTIONS = """\
milter: {{
{sockets}
	socket_mode = "0666"
	socket_group = "root"
{milter}}}
{egress}
"""
EGRESS = 'egress: { out: { addresses = ["192.0.2.20", "2001:db8::20"]  helo = "mx.example.test" } }'

# Where no policyd runs, nothing is asked for at the path of a real one.
ALONE = """\
mode = "{mode}"
{state}
policyd: {{ control = "{control}" }}
streams: {{
{streams}
}}
"""

SIGNER = """\
Syslog no
RequireSafeKeys no
UserID root
Mode s
Canonicalization relaxed/simple
Socket inet:{port}@127.0.0.1
KeyTable {keys}
SigningTable refile:{table}
InternalHosts 0.0.0.0/0
OversignHeaders From
{more}
"""


class Milter:
    """zone: text for --dns-file; None: DNS of this machine. places: which of "before",
    "after" and "inbound" are served. policyd: a Policyd whose configuration this one shares."""

    def __init__(self, place, zone, streams, mode="enforce", milter="", more="",
                 places=("after",), policyd=None, egress=EGRESS):
        self.program = os.path.join(BUILD, "remite-milter")
        if not os.access(self.program, os.X_OK):
            raise Skip(f"{self.program} is not built")
        self.place = place
        self.places = places
        self.policyd = policyd
        self.egress = egress
        self.zone = place.file("zone.txt", zone) if zone is not None else None
        self.process = None
        self.configure(streams, mode, milter, more)
        self.start()

    def socket(self, name):
        return self.place.file(name)

    def address_of(self, name):
        """As Postfix writes it."""
        return "unix:" + self.socket(name)

    @property
    def address(self):
        return self.address_of("after")

    def configure(self, streams, mode="enforce", milter="", more=""):
        sockets = "\n".join(f'\t{name} = "unix:{self.socket(name)}"' for name in self.places)
        sections = SECTIONS.format(sockets=sockets, milter=milter,
                                   egress=self.egress) + more
        if self.policyd is not None:
            self.policyd.configure(streams, mode, more=sections)
            self.config = self.policyd.config
            return
        text = ALONE.format(mode=mode, streams=streams, state=self._own_state(more),
                            control=self.place.file("no-policyd"))
        self.config = self.place.file("remite.conf", text + sections)

    def _own_state(self, more):
        """Not this machine's, where the test names none."""
        if "state = " in more:
            return ""
        state = self.place.file("state")
        os.makedirs(state, exist_ok=True)
        return f'state = "{state}"'

    def start(self):
        dns = ["--dns-file", self.zone] if self.zone else []
        self.said = self.log().count(" serves ") if self.process else 0
        self.process = self.place.start([self.program, "-F", "-c", self.config, *dns],
                                        "milter.log")
        wait_until(self._is_ready, "remite-milter to answer")

    def _is_ready(self):
        if self.process.poll() is not None:
            raise Failure(f"remite-milter ended with status {self.process.returncode}: "
                          + self.log()[-500:])
        # Root may connect before the socket has its mode, and Postfix only then.
        return (self.log().count(" serves ") >= self.said + len(self.places)
                and all(can_connect(self.socket(name)) for name in self.places))

    def stop(self):
        return end_process(self.process)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def reload(self):
        """Until every place has it, or none."""
        before = len(self.log())
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: self.log()[before:].count("reload: ") >= len(self.places) or
                   "stays as it was" in self.log()[before:], "a word about the reload")

    def log(self):
        with open(self.place.file("milter.log"), encoding="utf-8", errors="replace") as text:
            return text.read()

    def lines(self):
        """Those about messages."""
        return [line for line in self.log().splitlines() if " stage=message " in line]

    def last(self):
        return self.lines()[-1]


@functools.lru_cache(maxsize=1)
def key_pair():
    """A private key, and its record; all domains of all tests of a file share it, for
    making one takes a second."""
    genkey = need_program("opendkim-genkey")
    with tempfile.TemporaryDirectory() as folder:
        run([genkey, "-b", "2048", "-s", "s1", "-D", folder])
        with open(f"{folder}/s1.private", encoding="ascii") as text:
            private = text.read()
        with open(f"{folder}/s1.txt", encoding="ascii") as text:
            return private, "".join(re.findall(r'"([^"]*)"', text.read()))


class Signer:
    """domains: {pattern of From: domain that signs}."""

    SELECTOR = "unguessed"  # none of those that "remite check" asks for by itself

    def __init__(self, place, domains, more=""):
        self.place = place
        self.port = place.free_port()
        self.records = []
        self.domains = domains
        program = need_program("opendkim")
        self._make_keys(sorted(set(domains.values())))
        config = place.file("opendkim.conf", SIGNER.format(
            port=self.port, keys=place.file("keys"), table=place.file("signing"), more=more))
        self.process = place.start([program, "-f", "-x", config], "opendkim.log")
        place.at_close.append(self.kill)
        wait_until(lambda: can_connect(("127.0.0.1", self.port)), "opendkim to answer")

    @property
    def address(self):
        return f"inet:127.0.0.1:{self.port}"

    def kill(self):
        """libmilter takes 5 s to hear TERM."""
        self.process.kill()
        self.process.wait()

    def _make_keys(self, domains):
        private, record = key_pair()
        path = self.place.file("signer.private", private)
        os.chmod(path, 0o600)
        self.records += [f'{self.SELECTOR}._domainkey.{domain} TXT "{record}"'
                         for domain in domains]
        self.place.file("keys", "".join(f"{domain} {domain}:{self.SELECTOR}:{path}\n"
                                        for domain in domains))
        self.place.file("signing", "".join(f"{k} {v}\n" for k, v in self.domains.items()))

    def zone(self):
        return "\n".join(self.records) + "\n"
