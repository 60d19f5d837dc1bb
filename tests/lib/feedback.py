# SPDX-License-Identifier: MIT
"""Feedback: mail goes out with return paths of ours through one Postfix to another,
which bounces what it is told to, and back into `remite feedback` by pipe(8)."""
import json
import os
import pwd
import re
import shutil
import subprocess

from live import BUILD, need_root, need_user, wait_until
from milter import Milter
from policyd import Policyd
from postfix import Postfix
from smtp import Smtp

STREAMS = """
	promotional: {
		senders = ["*@news.test"]  egress = "out"
		rules: { from = "off" align = "off" bulk = "off" }
		return_path: { address = "b@bounces.test" }
		pause: { }
	}
	transactional: {
		senders = ["*@shop.test"]  egress = "out"
		rules: { from = "off" align = "off" bulk = "off" }
		return_path: { address = "b@bounces.test"  id = "tx" }
		pause: { }
	}
"""

PIPE = """\
remite-feedback unix - n n - 4 pipe
  flags=Rq user={user} argv={remite} -c {config} --to ${{recipient}}
  --from ${{sender}} --queue-id ${{queue_id}}
lmtp unix - - n - - lmtp
"""

# Of the other side: what it refuses at once, and what it takes and gives back later,
# as mail systems behind an MX do.
ELSEWHERE = """\
gone unix - n n - - pipe
  user=nobody argv=/bin/sh -c {echo 5.1.1 User unknown in virtual mailbox table; exit 67}
full unix - n n - - pipe
  user=nobody argv=/bin/sh -c {echo 5.2.2 Mailbox is full; exit 69}
"""
TRANSPORTS = """inline:{{
  {{ dead@dest.test = gone: }}
  {{ refused@dest.test = error:5.1.1 User unknown in virtual mailbox table }}
  {{ full@dest.test = full: }}
  {{ behind@other.test = gone: }}
  {{ bounces.test = smtp:[127.0.0.1]:{port} }} }}"""


class Feedback:
    """back: transport of bounces.test at our Postfix; the default is pipe(8).
    dovecot: by LMTP to a Dovecot with our plugin and agent."""

    user = "nobody"

    def __init__(self, place, streams=STREAMS, more="", back="remite-feedback:", services="",
                 dovecot=False, settings=None):
        need_root()
        self.place = place
        self.policyd = Policyd(place, more=f'keys = "{place.file("ring")}"\n')
        self._own_state()
        self.ring = f'keys = "{place.file("ring")}"\n'
        self.more = more
        self.streams = streams
        self.policyd.remite("keys", "make", "--group", self._group())
        self.milter = Milter(place, None, streams, more=self.ring + more,
                             policyd=self.policyd)
        self.policyd.reload()
        self.far = self.near = self.dovecot = None
        if dovecot:
            self._start_dovecot()
            back = f"lmtp:inet:127.0.0.1:{self.dovecot.ports['lmtp']}"
        self._start_postfixes(back, services, settings or {})

    def _group(self):
        import grp
        return grp.getgrgid(need_user(self.user).pw_gid).gr_name

    def _own_state(self):
        """The programs that write records are of one group; here of one user."""
        user = pwd.getpwnam(self.user)
        for folder, _, files in os.walk(self.policyd.state):
            for name in [folder] + [os.path.join(folder, f) for f in files]:
                os.chown(name, user.pw_uid, user.pw_gid)
        os.chmod(self.policyd.state, 0o775)

    def _start_dovecot(self):
        from dovecot import Dovecot  # pylint: disable=import-outside-toplevel
        self.dovecot = Dovecot(self.place, users=("b@bounces.test",),
                               remite={"feedback": "yes"}, agent=True,
                               agent_config=self.policyd.config, agent_user=self.user,
                               more="recipient_delimiter = +\n")

    def _start_postfixes(self, back, services, more):
        far_port = self.place.free_port()
        remite = self.place.file("remite-feedback")
        shutil.copy(os.path.join(BUILD, "remite-feedback"), remite)  # where pipe's user may go
        pipe = PIPE.format(user=self.user, remite=remite, config=self.policyd.config)
        self.near = Postfix(self.place, policy=self.policyd.socket, settings={
            "default_transport": "smtp:", "relayhost": f"[127.0.0.1]:{far_port}",
            "smtpd_milters": self.milter.address, "milter_default_action": "tempfail",
            "non_smtpd_milters": "", "recipient_delimiter": "+",
            "transport_maps": f"inline:{{ {{ bounces.test = {back} }} }}",
            "smtp_connection_cache_on_demand": "no", **more,
        }, services=pipe + services)
        self.far = Far(self.place, far_port, self.near.port)

    def send(self, sender, recipients, more="", message_id=None):
        """The reply to the message, and its Message-ID."""
        self.count = getattr(self, "count", 0) + 1
        message_id = message_id or f"m{self.count}@{sender.split('@')[1]}"
        text = (f"From: {sender}\r\nTo: {', '.join(recipients)}\r\nSubject: test\r\n"
                f"Message-ID: <{message_id}>\r\n{more}\r\nHello\r\n")
        with Smtp(self.near.port) as client:
            return client.message(sender, recipients, text), message_id

    def why(self, address):
        done = subprocess.run([os.path.join(BUILD, "remite"), "-c", self.policyd.config, "why",
                               "--json", address], capture_output=True, text=True, timeout=60,
                              check=False)
        return json.loads(done.stdout)

    def wait_events(self, address, count=1):
        return wait_until(lambda: (e := self.why(address)["events"]) and len(e) >= count and e,
                          f"{count} events of {address}")

    def refused(self, sender, recipient):
        """What RCPT answers now."""
        with Smtp(self.near.port) as client:
            client.mail(sender)
            return client.rcpt(recipient)

    def take(self, text, to, source=("feedback",)):
        """A message straight into `remite feedback`, as pipe(8) would."""
        return self.policyd.remite(*source, "--to", to, stdin=text)

    def sender_of(self, recipient):
        """The return path that mail to recipient left with."""
        return self.senders(recipient.replace("@", "="))[-1]

    def senders(self, part="+"):
        def find():
            if not os.path.exists(self.far.log_path):
                return []
            found = re.findall(r"qmgr.*: from=<([^>]*)>, size", self.far.log())
            return [s for s in found if part in s]
        return wait_until(find, f"a return path with {part}")


class Far(Postfix):
    """The other side: dest.test is there, some addresses of it come back."""

    def __init__(self, place, port, near_port):
        original = place.file
        prefix = "q"
        place.file = lambda name, text=None: original(prefix if name == "p" else name, text)
        place_port = place.free_port
        place.free_port = lambda: port
        try:
            super().__init__(place, settings={
                "transport_maps": TRANSPORTS.format(port=near_port).replace("\n", ""),
                "virtual_alias_maps": "inline:{ { alias@dest.test = behind@other.test } }",
                "virtual_alias_domains": "",
                "myhostname": "mx.dest.test",
            }, services=ELSEWHERE)
        finally:
            place.file = original
            place.free_port = place_port
