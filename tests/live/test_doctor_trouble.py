#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`remite doctor` where something is half there or in the way: named, with its remedy."""
import json
import os
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import propagation
from live import BUILD, Skip, equal, main, need_program, need_root, test, true
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


@test
def a_port_that_is_ours_is_not_named(place):
    Policyd(place)
    found = doctor(place, "--postfix", postfix_files(place))
    equal(found.get("metrics"), None, "metrics")
    equal(found.get("socket"), None, "sockets")


if __name__ == "__main__":
    main()
