# SPDX-License-Identifier: MIT
"""remite doctor and remite setup postfix, on configurations of the installed Postfix."""
import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from live import (BUILD, Failure, Skip, equal, main, need_program, need_root,  # noqa: E402
                  need_user, test, true, wait_until)
from policyd import Policyd  # noqa: E402
from postfix import Postfix  # noqa: E402
from smtp import Smtp  # noqa: E402

EGRESS = """\
egress: {{
	bulk: {{ addresses = ["127.0.0.2"]  helo = "bulk.example.test"  transport = "{bulk}" }}
}}
"""
STREAMS = """\
	vip: { senders = ["vip@news.example.test"] }
	promotional: {
		senders = ["*@news.example.test", "ann@example.test"]
		egress = "bulk"
		limits: { size: { per = "stream"  quota = "1G/day"  of = "bytes" } }
	}
"""


def remite(place, *args, want=0):
    """Standard output and error of a command."""
    done = subprocess.run([os.path.join(BUILD, "remite"), "-c", place.file("remite.conf"),
                           *args], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != want:
        raise Failure(f"remite {' '.join(args)}: exit status {done.returncode}, want {want}: "
                      f"{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def configure(place, bulk="smtp-bulk:", listen="inet:127.0.0.1:10031"):
    state = place.file("state")
    os.makedirs(state, exist_ok=True)
    os.chmod(state, 0o750)
    place.file("remite.conf", f'state = "{state}"\n'
               f'policyd: {{ listen = ["{listen}"]  control = "{place.file("ctl")}" }}\n'
               + EGRESS.format(bulk=bulk) + f"streams: {{\n{STREAMS}}}\n")


def debian_files(place, more=""):
    """A private copy of what Debian installs; its own queue, for 'postfix check'."""
    need_root()
    need_program("postfix")
    path = place.file("etc")
    os.makedirs(path)
    for folder in ("spool", "data"):
        os.makedirs(place.file(folder))
    os.chown(place.file("data"), need_user("postfix").pw_uid, -1)
    for name, source in (("main.cf", "main.cf.debian"), ("master.cf", "master.cf.dist")):
        source = os.path.join("/usr/share/postfix", source)
        if not os.path.exists(source):
            raise Skip(f"{source} is not there: not Debian's Postfix")
        shutil.copy(source, os.path.join(path, name))
    with open(os.path.join(path, "main.cf"), "a", encoding="utf-8") as out:
        out.write(f"queue_directory = {place.file('spool')}\n"
                  f"data_directory = {place.file('data')}\n{more}")
    for name in ("main.cf", "master.cf"):  # Postfix waits 2 s for what is just written
        os.utime(os.path.join(path, name), (1, 1))
    return path


def contents(path):
    """Names and octets of a directory's files; directories left out."""
    found = {}
    for name in os.listdir(path):
        if os.path.isfile(os.path.join(path, name)):
            with open(os.path.join(path, name), "rb") as data:
                found[name] = data.read()
    return found


def postconf(path, *args):
    return subprocess.run([need_program("postconf"), "-c", path, *args],
                          capture_output=True, text=True, timeout=60, check=True).stdout


@test
def what_setup_applies_it_takes_back_to_the_octet(place):
    path = debian_files(place)
    configure(place)
    before = contents(path)
    said = remite(place, "setup", "postfix", "--postfix", path)
    equal(contents(path), before, "files after only printing")
    true("postconf -c" in said and "smtp-bulk/unix=" in said, f"commands in: {said}")

    said = remite(place, "setup", "postfix", "--apply", "--postfix", path)
    true("reload" in said, f"the reload is left to the administrator: {said}")
    equal(postconf(path, "-xh", "smtpd_data_restrictions").strip(),
          "check_policy_service { inet:127.0.0.1:10031, timeout=3s, try_limit=1, "
          "default_action=DUNNO }", "the list")
    equal(postconf(path, "-h", "smtpd_recipient_restrictions").strip(), "$remite_policy",
          "RCPT")
    true("smtp_bind_address=127.0.0.2" in postconf(path, "-M", "smtp-bulk/unix"),
         "the transport")
    applied = contents(path)
    said = remite(place, "setup", "postfix", "--apply", "--postfix", path)
    true("nothing to do" in said, f"the second time: {said}")
    equal(contents(path), applied, "files after the second time")

    remite(place, "setup", "postfix", "--revert", "--postfix", path)
    equal(contents(path), before, "files after --revert")
    true("nothing to take back" in
         remite(place, "setup", "postfix", "--revert", "--postfix", path), "once is enough")


@test
def the_milter_is_set_up_behind_the_signer_and_taken_back(place):
    path = debian_files(place, "smtpd_milters = inet:127.0.0.1:8891\n"
                               "non_smtpd_milters = inet:127.0.0.1:8891\n")
    configure(place)
    with open(place.file("remite.conf"), "a", encoding="utf-8") as out:
        out.write('milter: { after = "inet:127.0.0.1:10032" }\n')
    before = contents(path)
    said = remite(place, "doctor", "--postfix", path, want=1)
    true("remite setup postfix --milter --apply" in said, f"doctor says how: {said}")
    remite(place, "setup", "postfix", "--milter", "--apply", "--postfix", path)
    for name in ("smtpd_milters", "non_smtpd_milters"):
        equal(postconf(path, "-xh", name).strip(),
              "inet:127.0.0.1:8891, { inet:127.0.0.1:10032, default_action=accept, "
              "connect_timeout=2s, command_timeout=5s, content_timeout=20s }", name)
    said = remite(place, "doctor", "--postfix", path, want=1)
    true("_milters" not in said, f"nothing about milters: {said}")
    true("nothing to do" in remite(place, "setup", "postfix", "--apply", "--postfix", path),
         "the second time")
    postconf(path, "-e", "non_smtpd_milters = inet:127.0.0.1:8891")
    said = remite(place, "doctor", "--postfix", path, want=1)
    true("mail from sendmail(1) is neither judged nor limited" in said, said)
    postconf(path, "-e", "non_smtpd_milters = inet:127.0.0.1:8891, $remite_milter_after")
    remite(place, "setup", "postfix", "--revert", "--postfix", path)
    equal(contents(path), before, "files after --revert")


@test
def edits_of_others_survive_the_revert(place):
    path = debian_files(place)
    configure(place)
    before = contents(path)
    remite(place, "setup", "postfix", "--apply", "--postfix", path)
    postconf(path, "-e", "biff = yes", "delay_warning_time = 4h")
    postconf(path, "-P", "smtp/inet/smtpd_tls_security_level=may")
    remite(place, "setup", "postfix", "--revert", "--postfix", path)
    want = before["main.cf"].replace(b"biff = no\n", b"biff = yes\n")
    equal(contents(path)["main.cf"], want + b"delay_warning_time = 4h\n", "main.cf")
    equal(postconf(path, "-P", "smtp/inet/smtpd_tls_security_level").split()[-1], "may",
          "master.cf")
    true("smtp-bulk" not in postconf(path, "-M"), "our transport is gone")


@test
def a_revert_that_would_break_others_is_refused_with_the_entry(place):
    path = debian_files(place)
    configure(place)
    remite(place, "setup", "postfix", "--apply", "--postfix", path)
    postconf(path, "-e", "default_transport = smtp-bulk:")
    applied = contents(path)
    said = remite(place, "setup", "postfix", "--revert", "--postfix", path, want=3)
    true("smtp-bulk/unix" in said and "default_transport" in said, f"a sentence: {said}")
    equal(contents(path), applied, "nothing was changed")
    postconf(path, "-X", "default_transport")
    remite(place, "setup", "postfix", "--revert", "--postfix", path)


@test
def an_apply_that_postfix_does_not_like_is_undone(place):
    path = debian_files(place, "mail_owner = remite-no-such-user\n")
    configure(place)
    before = sorted(os.listdir(path)), contents(path)
    said = remite(place, "setup", "postfix", "--apply", "--postfix", path, want=3)
    true("nothing was changed" in said and "check" in said, f"a sentence: {said}")
    equal((sorted(os.listdir(path)), contents(path)), before, "files")


@test
def submission_and_return_ports_get_what_they_need(place):
    path = debian_files(place)
    configure(place)
    postconf(path, "-M", "-e", "submission/inet=submission inet n - y - - smtpd "
             "-o smtpd_recipient_restrictions=permit_sasl_authenticated,reject")
    postconf(path, "-M", "-e", "127.0.0.1:10025/inet=127.0.0.1:10025 inet n - y - - smtpd "
             "-o content_filter= -o smtpd_recipient_restrictions=permit_mynetworks,reject")
    before = contents(path)
    remite(place, "setup", "postfix", "--apply", "--postfix", path)
    equal(postconf(path, "-Ph", "submission/inet/smtpd_recipient_restrictions").strip()
          .split("= ")[-1], "$remite_policy,permit_sasl_authenticated,reject", "submission")
    found = json.loads(remite(place, "doctor", "--json", "--postfix", path, want=1))
    rows = {row["place"]: row["problem"] for row in found["findings"]
            if row["check"] == "smtpd"}
    for name in ("smtp", "submission"):
        equal(rows[f"master.cf: {name}/inet"], "asks at RCPT, DATA, END-OF-MESSAGE", name)
    true("does not ask again" in rows["master.cf: 127.0.0.1:10025/inet"], f"rows: {rows}")
    remite(place, "setup", "postfix", "--revert", "--postfix", path)
    equal(contents(path), before, "files after --revert")


@test
def every_line_that_doctor_says_to_paste_mends_its_finding(place):
    path = debian_files(place, "smtpd_recipient_restrictions = permit_mynetworks, "
                        "reject_unlisted_recipient\n"
                        "smtpd_policy_service_request_limit = 10\n")
    configure(place)
    checks = ("lists", "text", "settings", "limits", "egress")
    for _ in range(3):
        found = json.loads(remite(place, "doctor", "--json", "--postfix", path, want=1))
        rows = [row for row in found["findings"]
                if row["check"] in checks and row["severity"] != "note"]
        lines = [line for row in rows for line in (row["remedy"] or "").splitlines()]
        if not rows:
            break
        for line in lines:
            if line.startswith("remite "):
                line = line.replace("remite ", f"{BUILD}/remite -c {place.file('remite.conf')} ",
                                    1)
            environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}
            subprocess.run(["sh", "-c", line], check=True, capture_output=True, timeout=60,
                           env=environment)
    equal(rows, [], "findings left")
    equal(postconf(path, "-h", "smtpd_recipient_restrictions").strip(),
          "$remite_policy, permit_mynetworks, reject_unlisted_recipient", "the list")


@test
def doctor_says_what_it_cannot_do_without(place):
    configure(place)
    said = remite(place, "doctor", "--postfix", place.file("nowhere"), want=1)
    true("main.cf" in said and "--postfix" in said, f"a sentence: {said}")
    remite(place, "doctor", "--nonsense", want=2)
    remite(place, "setup", "sendmail", want=2)


class Sink(socketserver.ThreadingTCPServer):
    """An SMTP server that takes everything and notes who came, by which name."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.seen = []
        super().__init__(("127.0.0.1", 0), Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()


    def handle_error(self, *_):
        """Postfix may hang up without waiting for our last word."""


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        name = sender = ""
        self.wfile.write(b"220 sink ESMTP\r\n")
        while line := self.rfile.readline().decode().strip():
            verb = line.upper()
            if verb.startswith(("EHLO", "HELO")):
                name = line.split()[1]
            elif verb.startswith("MAIL"):
                sender = line[line.index("<") + 1:line.index(">")]
            elif verb == "DATA":
                self.wfile.write(b"354 go\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.server.seen.append((sender, self.client_address[0], name))
            self.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")


@test
def mail_leaves_by_its_streams_address_and_name_also_without_policyd(place):
    sink = Sink()
    configure(place, f"smtp-bulk:[127.0.0.1]:{sink.server_address[1]}",
              f"unix:{place.file('nobody')}")
    postfix = Postfix(place)
    remite(place, "setup", "postfix", "--apply", "--postfix", postfix.path)
    postfix.reload()
    with Smtp(postfix.port) as client:
        for sender in ("a@news.example.test", "ann@example.test", "vip@news.example.test",
                       "someone@example.test"):
            client.message(sender, ["b@example.org"])
    postfix.wait_delivered(4)
    wait_until(lambda: len(sink.seen) >= 2, "two messages at the sink")
    equal(sorted(sink.seen), [("a@news.example.test", "127.0.0.2", "bulk.example.test"),
                              ("ann@example.test", "127.0.0.2", "bulk.example.test")],
          "what came by the stream's egress")
    sink.shutdown()
    sink.server_close()


@test
def a_system_that_is_set_up_has_nothing_for_doctor_to_find(place):
    policyd = Policyd(place, STREAMS, more=EGRESS.format(bulk="smtp-bulk:"))
    os.chmod(policyd.state, 0o750)
    postfix = Postfix(place, policyd.socket)
    found = json.loads(policyd.remite("doctor", "--json", "--postfix", postfix.path, want=1))
    equal({row["check"] for row in found["findings"] if row["severity"] != "note"},
          {"egress", "tls"}, "checks with findings before setup")
    postconf(postfix.path, "-e", "smtp_tls_security_level = may")
    policyd.remite("setup", "postfix", "--apply", "--postfix", postfix.path)
    said = policyd.remite("doctor", "--postfix", postfix.path)
    true(said.endswith("0 errors, 0 warnings\n"), f"doctor says: {said}")
    policyd.stop()
    found = json.loads(policyd.remite("doctor", "--json", "--postfix", postfix.path, want=1))
    true({"socket"} <= {row["check"] for row in found["findings"]
                        if row["severity"] == "error"}, "a stopped policyd is found")


if __name__ == "__main__":
    main()
