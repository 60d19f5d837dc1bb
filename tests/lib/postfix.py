# SPDX-License-Identifier: MIT
"""Postfix: a private instance of the installed one, gone with its Place.

It has its own queue, ports and log, sends nothing anywhere (mail for others
ends in discard(8), or where a test says), and asks no DNS.
"""
import atexit
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from live import (Failure, can_connect, need_program, need_root, need_user, processes,
                  wait_until)

MAIN = """\
compatibility_level = 3.6
queue_directory = {path}/spool
data_directory = {path}/data
maillog_file = {path}/maillog.log
maillog_file_prefixes = {path}
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
alias_maps =
alias_database =
local_recipient_maps =
default_transport = discard:
notify_classes =
smtpd_delay_reject = yes
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000
smtpd_junk_command_limit = 1000
smtpd_client_connection_count_limit = 0
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_policy_service_request_limit = 0
default_process_limit = 150
in_flow_delay = 0
max_idle = {max_idle}
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ
"""

MASTER = """\
{port}    inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

# The same text, letter by letter, wherever Postfix asks: one connection then. The time
# is for busy machines: policyd's silence would let mail pass.
SERVICE = "{{ unix:{socket}, timeout=60s, try_limit=1, default_action=DUNNO }}"


def policy_service(socket):
    return "check_policy_service " + SERVICE.format(socket=socket)


def run(argv, check=True):
    """Output and errors of a program that ends by itself; a daemon that it
    leaves may keep its output open, hence a file."""
    with tempfile.TemporaryFile() as out:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                              timeout=60, check=False)
        out.seek(0)
        text = out.read().decode(errors="replace")
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(argv)}: {text}")
    return text


class Postfix:
    """settings: main.cf lines that come with or replace the ones above.
    policy: the policy server's socket, asked at all three stages (or stages).
    after: restrictions behind it at RCPT. services: more lines for master.cf."""

    queue_template = None

    def __init__(self, place, policy=None, stages=("RCPT", "DATA", "END-OF-MESSAGE"),
                 before="", after="", settings=None, services="", max_idle="100s"):
        need_root()
        need_program("postfix")
        need_user("postfix")
        self.place = place
        self.port = place.free_port()
        self.path = place.file("p")
        self.log_path = os.path.join(self.path, "maillog.log")
        self._make_directories()
        main = dict(line.split(" = ", 1) if " = " in line else (line.rstrip(" ="), "")
                    for line in MAIN.format(path=self.path, max_idle=max_idle).splitlines())
        main.update(self._restrictions(policy, stages, before, after))
        main.update(settings or {})
        self._write("main.cf", "".join(f"{k} = {v}\n" for k, v in main.items()))
        self._write("master.cf", MASTER.format(port=f"127.0.0.1:{self.port}") + services)
        self._make_queue()
        place.at_close.append(self.stop)
        self.start()

    def _make_directories(self):
        os.makedirs(os.path.join(self.path, "data"))
        os.chmod(self.path, 0o755)
        user = need_user("postfix")
        os.chown(os.path.join(self.path, "data"), user.pw_uid, user.pw_gid)

    def _make_queue(self):
        """Postfix's own script makes the first one of this program; others copy it."""
        queue = os.path.join(self.path, "spool")
        if not Postfix.queue_template:
            os.mkdir(queue)
            self._write("check.log", self.command("postfix", "check"))
            Postfix.queue_template = tempfile.mkdtemp(prefix="rmtq")
            atexit.register(shutil.rmtree, Postfix.queue_template, ignore_errors=True)
            run(["cp", "-a", queue, Postfix.queue_template])
        else:
            run(["cp", "-a", os.path.join(Postfix.queue_template, "spool"), self.path])

    @staticmethod
    def _restrictions(policy, stages, before, after):
        service = policy_service(policy) if policy else ""
        names = {"RCPT": "smtpd_recipient_restrictions",
                 "DATA": "smtpd_data_restrictions",
                 "END-OF-MESSAGE": "smtpd_end_of_data_restrictions"}
        lists = {names[stage]: service for stage in stages}
        rcpt = [before, lists.get(names["RCPT"], ""), after]
        lists[names["RCPT"]] = ", ".join(part for part in rcpt if part)
        return lists

    def _write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        # Postfix waits two seconds for a file that was changed just now.
        os.utime(path, (time.time() - 10,) * 2)

    def start(self):
        master = os.path.join(self.command("postconf", "-h", "daemon_directory").strip(),
                              "master")
        run([master, "-c", self.path, "-w"])
        wait_until(lambda: can_connect(("127.0.0.1", self.port)), "Postfix's port")

    def stop(self):
        """Returns when the last of its processes is gone, which abort does not wait for."""
        master = self._master()
        self.command("postfix", "abort", check=False)
        wait_until(lambda: not [pid for pid, _, state, _, _, session in processes()
                                if session == master and state != "Z"], "Postfix to end")

    def reload(self):
        """Returns when nobody is left who would serve the next client by the settings of
        before: an idle smtpd may take one more before it sees that it has to go."""
        before = self._servers()
        self.command("postfix", "reload")
        wait_until(lambda: not before & self._servers(), "the smtpds of before to go")

    def _master(self):
        """Leader of a session that all its processes are in; -1: it never ran."""
        try:
            with open(os.path.join(self.path, "spool/pid/master.pid"), encoding="ascii") as pid:
                return int(pid.read())
        except (FileNotFoundError, ValueError):
            return -1

    def _servers(self):
        master = self._master()
        return {pid for pid, name, state, parent, _, _ in processes()
                if (name, parent) == ("smtpd", master) and state != "Z"}

    def command(self, program, *args, check=True):
        """postfix, postqueue, postsuper, postconf of this instance."""
        return run([need_program(program), "-c", self.path, *args], check)

    def sendmail(self, sender, recipient, text="Subject: test\n\ntest\n"):
        """As local programs send: past smtpd."""
        subprocess.run([need_program("sendmail"), "-C", self.path, "-f", sender, recipient],
                       input=text.encode(), timeout=60, check=True)

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as text:
                return text.read()
        except FileNotFoundError:
            return ""

    def warnings(self):
        return [line for line in self.log().splitlines()
                if re.search(r" (warning|error|fatal|panic): ", line)]

    def delivered(self):
        """Recipients whose mail went out, in the order of the log."""
        return re.findall(r": to=<([^>]*)>.* status=sent ", self.log())

    def wait_delivered(self, count):
        wait_until(lambda: len(self.delivered()) >= count,
                   f"{count} deliveries (there are {len(self.delivered())})")
        return self.delivered()

    def queue(self):
        """Entries of the queue: dictionaries as of postqueue -j."""
        return [json.loads(line) for line in self.command("postqueue", "-j").splitlines()]
