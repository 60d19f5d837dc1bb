#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What remite-policyd and remite-milter truly do with files and sockets, at work and with
the paths of the packages, is allowed by their AppArmor profiles: no kernel that tests run
on need enforce them."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from apparmor import TRACE, Profile, calls
from live import (BUILD, ROOT, can_connect, end_process, equal, main, need_program, need_root,
                  test, true, wait_until)
from milter import Signer
from postfix import Postfix
from smtp import Smtp

# {root} is where the private directory has what would be below /.
CONFIG = """\
organization = ["good.test"]
mode = "enforce"
state = "{root}/var/lib/remite"
keys = "{root}/etc/remite/keys"
policyd: {{
	listen = ["unix:{root}/var/spool/postfix/remite/policy", "inet:127.0.0.1:{port}"]
	socket_mode = "0666"
	socket_group = "root"
	control = "{root}/run/remite/control"
	record = "{root}/var/log/remite/requests.log"
	metrics = "127.0.0.1:{metrics}"
}}
milter: {{
	before = "unix:{root}/var/spool/postfix/remite/before"
	after = "unix:{root}/var/spool/postfix/remite/after"
	inbound = "unix:{root}/var/spool/postfix/remite/inbound"
	socket_mode = "0666"
	socket_group = "root"
	metrics = "127.0.0.1:{milter_metrics}"
}}
egress: {{ out: {{ addresses = ["192.0.2.20"]  helo = "mx.example.test" }} }}
receipts: {{ policy = "organization"  addresses = ["file:{root}/etc/remite/addresses"] }}

streams: {{
	news: {{
		senders = ["file:{root}/etc/remite/senders"]
		egress = "out"
		require = ["spf", "dkim", "dmarc", "aligned", "one-click"]
		unsubscribe: {{ https = "https://u.good.test/u/"  add = "milter" }}
		dkim: {{ selectors = ["s1"]  learn = true }}
		return_path: {{ address = "bounces@bounces.good.test" }}
		pause: {{ }}
		limits: {{ day: {{ per = "stream"  quota = "100/day" }} }}
	}}
	default: {{ limits: {{ day: {{ per = "sender"  quota = "100/day" }} }} }}
}}
"""


class House:
    """The packages' directories, below a private one; policyd and milter under strace, on
    DNS of this machine, which knows no test domain and need not be there."""

    def __init__(self, place):
        need_root()
        need_program("strace")
        self.place = place
        for name in ("etc/remite", "var/lib/remite", "var/log/remite", "run/remite",
                     "var/spool/postfix/remite"):
            os.makedirs(place.file(name))
        place.file("etc/remite/senders", "*@news.good.test\n")
        place.file("etc/remite/addresses", "bob: bob@good.test\n")
        self.ports = [place.free_port() for _ in range(3)]
        self.config = place.file("etc/remite/remite.conf", CONFIG.format(
            root=place.path, port=self.ports[0], metrics=self.ports[1],
            milter_metrics=self.ports[2]))
        self.remite("keys", "make")

    def remite(self, *words):
        return subprocess.run([os.path.join(BUILD, "remite"), "-c", self.config, *words],
                              capture_output=True, text=True, timeout=60, check=True).stdout

    def file(self, name):
        return self.place.file(name)

    def start(self, name, *sockets):
        """Watched by strace."""
        program, log = os.path.join(BUILD, name), f"{name}.log"
        process = self.place.start([need_program("strace"), *TRACE[1:], self.file(f"{name}.trace"),
                                    program, "-F", "-c", self.config], log)
        for socket in sockets:
            wait_until(lambda at=socket: can_connect(self.file(f"var/spool/postfix/remite/{at}")),
                       f"{name} to serve '{socket}'")
        return process

    def tell(self, process, number, log, answer):
        """A signal, and what it says then."""
        process.send_signal(number)
        wait_until(lambda: answer in self.said(log), f"'{answer}' in {log}")

    def said(self, log):
        with open(self.file(log), encoding="utf-8", errors="replace") as text:
            return text.read()


def mail(house):
    """A message that passes every socket, and one that is refused."""
    at = house.file("var/spool/postfix/remite/")
    signer = Signer(house.place, {"*@good.test": "good.test", "*@news.good.test": "news.good.test"})
    milters = ", ".join(f"{{ {address}, default_action=accept }}" for address in (
        f"unix:{at}inbound", f"unix:{at}before", signer.address, f"unix:{at}after"))
    postfix = Postfix(house.place, f"{at}policy", settings={
        "smtpd_milters": milters, "non_smtpd_milters": milters})
    for sender in ("list@news.good.test", "bob@good.test"):
        with Smtp(postfix.port) as client:
            client.message(sender, ["ann@example.org"],
                           f"From: {sender}\r\nMessage-ID: <1@good.test>\r\nSubject: x\r\n\r\nx\r\n")


def complaints(house, name):
    """What the program did and its profile does not allow."""
    profile = Profile(os.path.join(ROOT, "packaging/apparmor", name))
    files, sockets = calls(house.file(f"{name}.trace"), house.place.path, ROOT)
    program = os.path.join(BUILD, name)
    found = [f"{path} {letter}" for path, letter in sorted(files)
             if path != program and not path.startswith("/proc/1/fd")
             and profile.lacks(path, letter)]
    found += [f"network {family} {kind}" for family, kind in sorted(sockets)
              if not profile.speaks(family, kind)]
    return found, files


@test
def the_daemons_at_work_do_what_their_profiles_allow(place):
    house = House(place)
    policyd = house.start("remite-policyd", "policy")
    milter = house.start("remite-milter", "before", "after", "inbound")
    house.remite("suppress", "add", "gone@example.org")
    mail(house)
    house.tell(policyd, signal.SIGHUP, "remite-policyd.log", "reload")
    house.tell(milter, signal.SIGUSR1, "remite-milter.log", "reload")
    for name, process in (("remite-milter", milter), ("remite-policyd", policyd)):
        end_process(process, 20)
        wait_until(lambda name=name: "+++ exited" in house.said(f"{name}.trace").splitlines()[-1],
                   f"the end of what strace tells of {name}")
    for name in ("remite-policyd", "remite-milter"):
        found, files = complaints(house, name)
        equal(found, [], f"what {name} does beside its profile")
        for path in ("/etc/remite/remite.conf", "/var/lib/remite/records"):
            true((path, "r") in files, f"{name}: {path} is among {len(files)} things it did")


@test
def the_profiles_do_not_allow_what_is_nobodys_business(_):
    for name in ("remite-policyd", "remite-milter"):
        profile = Profile(os.path.join(ROOT, "packaging/apparmor", name))
        for path, letters in (("/etc/shadow", "r"), ("/root/.ssh/id_rsa", "r"),
                              ("/home/ann/Maildir/new/1", "r"), ("/etc/remite/keys", "w"),
                              ("/etc/postfix/main.cf", "w"), ("/usr/bin/sh", "x"),
                              ("/var/spool/postfix/active/A", "r"),
                              ("/var/spool/postfix/private/smtp", "w")):
            equal(profile.lacks(path, letters), letters, f"{name}: {path}")
        equal(profile.lacks("/var/lib/remite/counters/log.1", "rwk"), "", "what is its own")


if __name__ == "__main__":
    main()
