#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`remite setup dovecot` and `remite doctor` on configurations of the installed Dovecot."""
import os
import pwd
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import MODULES, Dovecot, propagation, version
from live import BUILD, equal, main, need_root, test, true, wait_until

OURS = "conf.d/90-remite.conf"
RECEIPTS = 'organization = ["example.test"]\nreceipts: { policy = "organization" }\n'


def modules(place, with_plugin=True):
    """The installed modules and ours; without the plugin itself if so wished."""
    path = place.file("modules")
    if os.path.isdir(path):
        shutil.rmtree(path)
    shutil.copytree(MODULES, path, symlinks=True)
    built = os.path.join(BUILD, "dovecot")
    for folder, _, names in os.walk(built):
        for name in (n for n in names if n.endswith(".so")):
            to = os.path.join(path, os.path.relpath(folder, built))
            os.makedirs(to, exist_ok=True)
            shutil.copy(os.path.join(folder, name), to)
    plugin = os.path.join(path, "lib20_remite_plugin.so")
    if not with_plugin and os.path.exists(plugin):
        os.unlink(plugin)
    return path


def tree(place, include=True, more=""):
    """A Dovecot's configuration in Debian's manner."""
    need_root()
    os.makedirs(place.file("etc/conf.d"), exist_ok=True)
    if version() >= (2, 4):
        text = ("dovecot_config_version = 2.4.1\ndovecot_storage_version = 2.4.1\n"
                "mail_driver = maildir\nmail_path = ~/Maildir\n")
    else:
        text = "mail_location = maildir:~/Maildir\n"
    place.file("etc/conf.d/10-mail.conf", "# as installed\n")
    place.file("etc/dovecot.conf", f"{text}ssl = no\nbase_dir = {place.file('run')}\n{more}"
               + ("!include conf.d/*.conf\n" if include else ""))
    state = place.file("state")
    os.makedirs(state, exist_ok=True)
    os.chmod(state, 0o750)
    place.file("remite.conf", f'state = "{state}"\n{RECEIPTS}')
    return place.file("etc/dovecot.conf")


def run(place, *argv, want=0, with_plugin=True, before="true"):
    """In a mount namespace where our modules are where Dovecot looks for them."""
    script = f'mount --bind "$0" {MODULES} && {before} && exec "$@"'
    done = subprocess.run(["unshare", "--mount", "--propagation", propagation(), "sh", "-c",
                           script, modules(place, with_plugin), *argv],
                          capture_output=True, text=True, timeout=60, check=False)
    equal(done.returncode, want, f"{argv}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def remite(place, *args, **more):
    return run(place, os.path.join(BUILD, "remite"), "-c", place.file("remite.conf"), *args,
               **more)


def setup(place, *args, **more):
    return remite(place, "setup", "dovecot", "--dovecot", place.file("etc/dovecot.conf"),
                  *args, **more)


def contents(place):
    found = {}
    for folder, _, names in os.walk(place.file("etc")):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as text:
                found[os.path.relpath(path, place.file("etc"))] = text.read()
    return found


@test
def what_setup_applies_it_takes_back(place):
    conf = tree(place)
    before = contents(place)
    said = setup(place)
    equal(contents(place), before, "files after only printing")
    true("remite_receipts = report" in said, said)
    true("doveadm -c" in setup(place, "--apply"), "the reload is left to the administrator")
    after = contents(place)
    equal(sorted(set(after) - set(before)), [OURS], "new files")
    true("nothing to do" in setup(place, "--apply"), "the second time")
    equal(contents(place), after, "files after the second time")
    said = run(place, "doveconf", "-c", conf, "-n")
    true("remite" in said and "service remite-agent {" in said, said)
    true("kept as" in setup(place, "--revert"), "the file is kept")
    now = contents(place)
    equal(now.pop(OURS + ".reverted"), after[OURS], "what is kept")
    equal(now, before, "files after --revert")
    true("nothing to take back" in setup(place, "--revert"), "once is enough")


@test
def a_switch_to_enforce_is_one_more_apply(place):
    tree(place)
    setup(place, "--apply")
    with open(place.file("remite.conf"), encoding="utf-8") as file:
        place.file("remite.conf", 'mode = "enforce"\n' + file.read())
    true("doveadm -c" in setup(place, "--apply"), "what is left to do")
    files = contents(place)
    true("remite_receipts = server" in files[OURS], files[OURS])
    true("remite_receipts = report" in files[OURS + ".before"], "and what it was before")


@test
def a_list_of_plugins_of_ones_own_is_added_to(place):
    conf = tree(place)
    own = ("protocol imap {\n  mail_plugins {\n    quota = yes\n  }\n}\n"
           if version() >= (2, 4) else
           "protocol imap {\n  mail_plugins = $mail_plugins quota\n}\n")
    place.file("etc/conf.d/20-imap.conf", own)
    setup(place, "--apply")
    said = run(place, "doveconf", "-c", conf, "-f", "protocol=imap", "mail_plugins")
    true("quota" in said and "remite" in said, said)


@test
def what_is_edited_is_kept_before_it_is_written_anew(place):
    tree(place)
    setup(place, "--apply")
    with open(place.file("etc/" + OURS), "a", encoding="utf-8") as out:
        out.write("# mine\n")
    setup(place, "--apply")
    files = contents(place)
    true("# mine" in files[OURS + ".before"], "the edited file")
    true("# mine" not in files[OURS], "the new one")


@test
def a_file_of_another_hand_stays(place):
    tree(place)
    place.file("etc/" + OURS, "# mine\n")
    before = contents(place)
    true("not of our making" in setup(place, "--apply", want=3), "apply")
    true("not of our making" in setup(place, "--revert", want=3), "revert")
    equal(contents(place), before, "files")


@test
def a_plugin_that_is_not_there_is_not_named(place):
    tree(place)
    before = contents(place)
    said = setup(place, "--apply", want=3, with_plugin=False)
    true("package remite-dovecot" in said, said)
    equal(contents(place), before, "files")


@test
def a_configuration_that_does_not_include_ours_is_told_how(place):
    tree(place, include=False)
    before = contents(place)
    said = setup(place, "--apply", want=3)
    true("!include conf.d/*.conf" in said and "nothing was changed" in said, said)
    equal(contents(place), before, "files")


@test
def what_dovecot_refuses_is_taken_away_again(place):
    tree(place)
    os.makedirs(place.file("etc/conf.d"), exist_ok=True)
    # Ends a block that ours would be in the middle of.
    place.file("etc/conf.d/80-broken.conf", "plugin {\n")
    before = contents(place)
    said = setup(place, "--apply", want=3)
    true("doveconf:" in said, said)
    equal(contents(place), before, "files")


@test
def taking_back_does_not_break_a_dovecot_that_wants_a_file(place):
    tree(place)
    os.unlink(place.file("etc/conf.d/10-mail.conf"))
    place.file("etc/" + OURS, "# Made by `remite setup dovecot`\n")
    before = contents(place)
    said = setup(place, "--revert", want=3)
    true("nothing was changed" in said and "No matches" in said, said)
    equal(contents(place), before, "files")


@test
def a_read_only_etc_is_named_with_what_to_do(place):
    tree(place)
    before = contents(place)
    said = setup(place, "--apply", want=3,
                 before=f"mount --bind -o ro {place.file('etc')} {place.file('etc')} && "
                        f"mount -o remount,bind,ro {place.file('etc')}")
    true("Read-only file system" in said and "remite setup dovecot" in said, said)
    equal(contents(place), before, "files")


def findings(place, dovecot, **more):
    """What doctor says of Dovecot: lines of problem and remedy."""
    said = subprocess.run(dovecot.within(
        os.path.join(BUILD, "remite"), "-c", place.file("remite.conf"), "doctor",
        "--dovecot", dovecot.config, "--postfix", place.file("no-postfix")),
        capture_output=True, text=True, timeout=60, check=False, **more).stdout
    keep, out = False, []
    for line in said.splitlines():
        if not line.startswith(" "):
            keep = ("agent" in line or "dovecot" in line or "mail_plugins" in line
                    or "protocol" in line or "remite_receipts" in line)
        if keep:
            out.append(line)
    return "\n".join(out)


def lived_in(place, **more):
    """A Dovecot that runs with the agent, and a remite.conf that fits it."""
    state = place.file("state")
    os.makedirs(state, exist_ok=True)
    if os.geteuid() == 0:  # doctor, being root, may be there before the agent
        nobody = pwd.getpwnam("nobody")
        os.chown(state, nobody.pw_uid, nobody.pw_gid)
    config = place.file("remite.conf", f'mode = "enforce"\nstate = "{state}"\nagent: {{ accounts = ["nobody"] }}\n'
                        f'keys = "{place.file("ring")}"\n{RECEIPTS}')
    more.setdefault("remite", {"receipts": "server"})
    return Dovecot(place, agent=True, agent_config=config, **more)


def wait_no_findings(place, dovecot):
    """Doctor waits 3 s for the agent's word, which may only just have begun."""
    dovecot.doveadm("remite", "ping")
    said = []
    wait_until(lambda: said.append(findings(place, dovecot)) or said[-1] == "" or len(said) == 5,
               "doctor")
    equal(said[-1], "", "findings")


@test
def doctor_is_content_with_a_dovecot_that_works(place):
    dovecot = lived_in(place)
    wait_no_findings(place, dovecot)


@test
def in_report_mode_doctor_says_that_marks_are_set_and_nobody_answers(place):
    dovecot = lived_in(place)
    with open(place.file("remite.conf"), encoding="utf-8") as file:
        place.file("remite.conf", file.read().replace('mode = "enforce"', 'mode = "report"'))
    said = findings(place, dovecot)
    true("warning remite_receipts: in report mode Dovecot marks requests" in said
         and "> remite_receipts = report" in said, said)


@test
def doctor_says_that_dovecot_only_reports_what_is_enforced(place):
    dovecot = lived_in(place, remite={"receipts": "report"})
    wait_until(lambda: dovecot.pids("remite-agent"), "the agent")
    said = findings(place, dovecot)
    true("warning remite_receipts: remite.conf enforces receipts, but Dovecot says 'report'" in said
         and "> remite_receipts = server" in said, said)
    with open(place.file("remite.conf"), encoding="utf-8") as file:
        place.file("remite.conf", file.read().replace('mode = "enforce"', 'mode = "report"'))
    wait_no_findings(place, dovecot)


@test
def doctor_names_an_agent_that_cannot_be_reached(place):
    dovecot = lived_in(place)
    wait_until(lambda: dovecot.pids("remite-agent"), "the agent")
    os.unlink(dovecot.agent_socket())
    said = findings(place, dovecot)
    true("the agent cannot be reached: No such file" in said and "> systemctl restart dovecot" in said,
         said)


@test
def doctor_names_a_socket_that_users_may_not_write_to(place):
    dovecot = lived_in(place)
    wait_until(lambda: dovecot.pids("remite-agent"), "the agent")
    os.chmod(dovecot.agent_socket(), 0o600)
    said = findings(place, dovecot)
    true("may not write to" in said and "> mode = 0666" in said, said)


@test
def doctor_names_an_account_that_is_not_there(place):
    dovecot = lived_in(place)
    with open(dovecot.config, encoding="utf-8") as text:
        changed = text.read().replace("user = nobody", "user = nosuchuser")
    with open(dovecot.config, "w", encoding="utf-8") as out:
        out.write(changed)
    said = findings(place, dovecot)
    true("no such account" in said and "> adduser --system" in said, said)


@test
def doctor_says_what_dovecot_says_of_a_broken_configuration(place):
    dovecot = lived_in(place)
    with open(dovecot.config, "a", encoding="utf-8") as out:
        out.write("nonsense = yes\n")
    said = findings(place, dovecot)
    true("nonsense" in said, said)


if __name__ == "__main__":
    main()
