#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`remite doctor` where something is half there or in the way: named, with its remedy."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import propagation
from live import BUILD, ROOT, Skip, equal, main, need_program, need_root, test, true
from policyd import Policyd

REMITE = os.path.join(BUILD, "remite")


def postfix_files(place):
    """What Debian installs, with a queue of its own."""
    path = place.file("etc/postfix")
    os.makedirs(path, exist_ok=True)
    for name, source in (("main.cf", "main.cf.debian"), ("master.cf", "master.cf.dist")):
        source = os.path.join("/usr/share/postfix", source)
        if not os.path.exists(source):
            raise Skip(f"{source} is not there: not Debian's Postfix")
        shutil.copy(source, os.path.join(path, name))
    return path


def configure(place, text="", mode=0o750):
    state = place.file("state")
    os.makedirs(state, exist_ok=True)
    os.chmod(state, mode)
    return place.file("remite.conf", f'state = "{state}"\n{text}')


def doctor(place, *args, before="true"):
    """check id -> [(severity, problem, remedy)]; `before` runs in the same mount
    namespace."""
    need_root()
    need_program("postconf")
    done = subprocess.run(["unshare", "--mount", "--propagation", propagation(), "sh", "-c",
                           f'{before} && exec "$0" "$@"', REMITE, "-c",
                           place.file("remite.conf"), "doctor", "--json", *args],
                          capture_output=True, text=True, timeout=60, check=False)
    true(done.returncode in (0, 1), f"exit status {done.returncode}: {done.stderr}")
    found = {}
    for row in json.loads(done.stdout)["findings"]:
        found.setdefault(row["check"], []).append(
            (row["severity"], row["problem"], row["remedy"]))
    return found


def has(found, check, severity, problem, remedy=None):
    """Whether there is such a finding, and the remedy is said."""
    for one in found.get(check, []):
        if one[0] == severity and problem in one[1] and (
                remedy is None or remedy in (one[2] or "")):
            return
    true(False, f"{severity} '{problem}' > '{remedy}' under {check} in {found}")


@test
def a_postfix_that_is_not_configured_is_named_and_the_rest_still_judged(place):
    configure(place, mode=0o777)
    os.makedirs(place.file("empty"))
    found = doctor(place, "--postfix", place.file("empty"))
    has(found, "postfix", "error", "not whole", "dpkg-reconfigure postfix")
    has(found, "state", "error", "everybody may write there", "chmod o-rwx")


@test
def a_host_without_postfix_is_told_so_and_no_more(place):
    configure(place)
    found = doctor(place, before="mount --bind /dev/null /usr/sbin/postconf")
    has(found, "postfix", "note", "no Postfix is installed here")
    true("lists" not in found, str(found))


def with_account(place):
    """Words for `before`: an account `remite` there, which nothing belongs to yet."""
    with open("/etc/passwd", encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("remite:")]
    passwd = place.file("passwd", "".join(lines)
                        + "remite:x:64999:64999::/nonexistent:/usr/sbin/nologin\n")
    return f"mount --bind {passwd} /etc/passwd"


@test
def what_the_account_of_the_programs_cannot_read_or_write_is_named(place):
    path, ring = postfix_files(place), place.file("ring")
    configure(place, f'keys = "{ring}"\n')
    conf = place.file("remite.conf")
    subprocess.run([REMITE, "-c", conf, "keys", "make"], check=True, timeout=60)
    subprocess.run([REMITE, "-c", conf, "suppress", "add", "gone@example.org"], check=True,
                   timeout=60)
    os.chown(ring, 0, 0)
    os.chmod(conf, 0o600)
    found = doctor(place, "--postfix", path, before=with_account(place))
    for name, problem, remedy in (
            ("remite.conf", "may not read it", f"chgrp remite {conf}"),
            ("ring", "may not read it", f"chgrp remite {ring}"),
            ("state", "may not write it", f"chown remite:remite {place.file('state')}")):
        has(found, "access", "error", problem, remedy)
        true(any(name in (row[2] or "") for row in found["access"]), name)
    os.chown(place.file("state"), 64999, 64999)
    has(doctor(place, "--postfix", path, before=with_account(place)), "access", "error",
        "may not write it", f"chown remite:remite {place.file('state/records')}")
    for each in (place.file("state"), place.file("state/records"),
                 place.file("state/records-lock"), ring, conf):
        os.chown(each, 64999, 64999)
    os.chmod(ring, 0o600)
    found = doctor(place, "--postfix", path, before=with_account(place))
    equal(found.get("access"), None, "findings")


@test
def a_closed_directory_above_is_named(place):
    path = postfix_files(place)
    closed = place.file("closed")
    os.makedirs(closed, mode=0o700)
    conf = place.file("closed/remite.conf", f'state = "{place.file("closed")}"\n')
    os.rename(conf, place.file("closed/real.conf"))
    os.symlink(place.file("closed/real.conf"), place.file("remite.conf"))
    found = doctor(place, "--postfix", path, before=with_account(place))
    has(found, "access", "error", "may not", "remite")


def add_suppression(place):
    subprocess.run([REMITE, "-c", place.file("remite.conf"), "suppress", "add",
                    "gone@example.org"], check=True, timeout=60)


@test
def records_of_a_newer_program_are_named(place):
    path = postfix_files(place)
    configure(place)
    add_suppression(place)
    with open(place.file("state/records"), "r+b") as records:
        text = records.read()
        true(b"version\x01\0\0\0" in text, "the version is where we think it is")
        records.seek(0)
        records.write(text.replace(b"version\x01\0\0\0", b"version\x63\0\0\0"))
    has(doctor(place, "--postfix", path), "state", "error",
        "written by a newer Remite (format 99", "apt install --only-upgrade")


@test
def records_that_are_damaged_are_named(place):
    path = postfix_files(place)
    configure(place)
    place.file("state/records", "no database at all" * 1000)
    has(doctor(place, "--postfix", path), "state", "error", "does not open")


@test
def counters_of_a_newer_program_and_those_put_aside_are_named(place):
    path = postfix_files(place)
    configure(place)
    place.file("state/counters/log.3.broken-1", "")
    with open(place.file("state/counters/log.4"), "wb") as log:
        log.write(b"remitelg" + (99).to_bytes(4, sys.byteorder) + bytes(100))
    found = doctor(place, "--postfix", path)
    has(found, "state", "warning", "was put aside", "rm ")
    has(found, "state", "error", "written by a newer Remite", "apt install --only-upgrade")


@test
def state_of_an_older_program_is_no_fault(place):
    path = postfix_files(place)
    configure(place)
    with tarfile.open(os.path.join(ROOT, "tests/data/state/1.tar.gz")) as sample:
        sample.extractall(place.file("state"))
    wrong = [row for row in doctor(place, "--postfix", path).get("state", [])
             if row[0] == "error" or "control socket" not in row[1]]
    equal(wrong, [], "findings")


@test
def a_policy_of_receipts_without_dovecot_is_told(place):
    configure(place, 'organization = ["example.test"]\n'
                     'receipts: { policy = "organization" }\n')
    found = doctor(place, "--postfix", postfix_files(place),
                   before=f"mount --bind /dev/null {need_program('doveconf')}")
    has(found, "dovecot", "note", "no Dovecot is installed here")


@test
def a_state_directory_that_is_not_there_or_open_to_all_is_named(place):
    path = postfix_files(place)
    configure(place)
    shutil.rmtree(place.file("state"))
    has(doctor(place, "--postfix", path), "state", "error", "No such file",
        "install -d -o remite")
    configure(place, mode=0o755)
    has(doctor(place, "--postfix", path), "state", "warning", "everybody may look in",
        "chmod o-rwx")


@test
def a_read_only_etc_is_named(place):
    path = postfix_files(place)
    configure(place)
    found = doctor(place, "--postfix", path,
                   before=f"mount --bind {path} {path} && mount -o remount,bind,ro {path}")
    has(found, "state", "note", "mounted read-only", "remite setup postfix")


@test
def a_read_only_state_directory_is_named(place):
    path = postfix_files(place)
    configure(place)
    state = place.file("state")
    found = doctor(place, "--postfix", path,
                   before=f"mount --bind {state} {state} && mount -o remount,bind,ro {state}")
    has(found, "state", "error", "mounted read-only")


def answer_wrongly(listener):
    while True:
        try:
            peer = listener.accept()[0]
        except OSError:
            return
        with peer:
            peer.recv(1000)
            peer.sendall(b"HTTP/1.0 200 OK\r\n\r\nsomebody else\n")


@test
def a_port_that_another_program_has_is_named(place):
    path = postfix_files(place)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=answer_wrongly, args=(listener,), daemon=True).start()
        configure(place, f'policyd: {{ metrics = "127.0.0.1:{port}"  '
                         f'listen = ["inet:127.0.0.1:{port}"] }}\n')
        found = doctor(place, "--postfix", path)
        listener.shutdown(socket.SHUT_RDWR)
    has(found, "metrics", "error", "another program has this port", "metrics = ")
    has(found, "socket", "error", "")


def answer_late(listener):
    """Within the time that Postfix waits, which is 3 s."""
    with listener.accept()[0] as peer:
        peer.recv(10000)
        time.sleep(1.3)
        peer.sendall(b"action=DUNNO\n\n")


@test
def who_answers_as_fast_as_a_busy_host_lets_it_is_not_named(place):
    path = postfix_files(place)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=answer_late, args=(listener,), daemon=True).start()
        configure(place, f'policyd: {{ listen = ["inet:127.0.0.1:{port}"] }}\n')
        found = doctor(place, "--postfix", path)
    said = [row for row in found.get("socket", []) if "does not answer" in row[1]]
    equal(said, [], "findings")


@test
def a_port_that_is_ours_is_not_named(place):
    Policyd(place)
    found = doctor(place, "--postfix", postfix_files(place))
    equal(found.get("metrics"), None, "metrics")
    equal(found.get("socket"), None, "sockets")


if __name__ == "__main__":
    main()
