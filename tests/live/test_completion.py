#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Completion of three shells, exit statuses and --version, as a shell sees them."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import BUILD, ROOT, Skip, equal, main, test, true

REMITE = os.path.join(BUILD, "remite")
COMPLETE = """
. packaging/completion/remite.bash
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_remite
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(*words):
    done = subprocess.run(["bash", "-c", COMPLETE, "bash", REMITE, *words], cwd=ROOT,
                          capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def status(*words, stdin=""):
    return subprocess.run([REMITE, *words], input=stdin, capture_output=True, text=True,
                          timeout=60, check=False).returncode


@test
def commands_are_completed(_):
    every = complete("")
    true({"doctor", "setup", "suppress", "check-config", "return-path"} <= set(every), str(every))
    equal(complete("doc"), ["doctor"], "doc")
    equal(complete("-c", "x.conf", "doc"), ["doctor"], "after -c FILE")


@test
def words_and_options_of_a_command_are_completed(_):
    true({"postfix", "dovecot", "--apply", "--revert"} <= set(complete("setup", "")),
         str(complete("setup", "")))
    equal(complete("setup", "dovecot", "--ap"), ["--apply"], "an option")
    true({"add", "remove", "list", "import"} <= set(complete("suppress", "")), "suppress")
    true({"rotate", "drop"} <= set(complete("keys", "")), "keys")


@test
def where_nothing_is_known_files_are(_):
    true("packaging/completion" in complete("check-config", "packaging/comp"), "a path")
    true("README.md" in complete("-c", "READ"), "after -c")


def in_shell(name, script, *words):
    """What a shell that has our file would offer; remite is the one that was built."""
    if shutil.which(name) is None:
        raise Skip(f"{name} is not installed")
    path = BUILD + ":" + os.environ["PATH"]
    done = subprocess.run([name, *(["-f"] if name == "zsh" else []), "-c", script, *words],
                          cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
                          env={**os.environ, "PATH": path})
    return done.stdout.split("\n")


def same_words(offered, what):
    """As bash is told, at the same places."""
    for words, name in ((["doc"], "doctor"), (["-c", "x.conf", "doc"], "doctor"),
                        (["setup", "dovecot", "--ap"], "--apply"), (["suppress", "ad"], "add")):
        true(name in [each.partition("\t")[0].partition(":")[0] for each in offered(*words)],
             f"{what}: {words}: {offered(*words)}")


@test
def fish_offers_the_same(_):
    same_words(lambda *words: in_shell(
        "fish", "source packaging/completion/remite.fish; complete -C 'remite "
        + " ".join(words) + "'"), "fish")


ZSH = """
_describe() { print -l ${(P)2} }
compadd() { print -l $@ }
_files() { : }
words=(remite $@)
CURRENT=$#words
. packaging/completion/_remite
"""


@test
def zsh_offers_the_same(_):
    same_words(lambda *words: in_shell("zsh", ZSH, "zsh", *words), "zsh")


@test
def exit_statuses_are_as_the_manual_has_them(place):
    conf = place.file("remite.conf", f'state = "{place.path}"\n')
    equal(status("--help"), 0, "all is well")
    equal(status("-c", conf, "suppress", "why", "nobody@example.org"), 0, "no entry")
    equal(status("-c", conf, "stream", "resume", "nosuch"), 1, "the answer is no")
    equal(status("-c", conf, "nosuch"), 2, "no such command")
    equal(status("-c", conf, "doctor", "--nonsense"), 2, "no such option")
    equal(status("-c", place.file("nowhere"), "status"), 3, "no configuration")


@test
def the_version_tells_what_it_was_built_with(_):
    for name in ("remite", "remite-feedback", "remite-policyd", "remite-milter"):
        said = subprocess.run([os.path.join(BUILD, name), "--version"], capture_output=True,
                              text=True, timeout=60, check=True).stdout
        true(re.fullmatch(rf"{name} \d+\.\d+\.\d+\nbuilt with (gcc|clang) \d.*, glib-2\.0 \d.*, "
                          r"lmdb \d.*, Dovecot (2\.\d|none)\n", said), said)


if __name__ == "__main__":
    main()
