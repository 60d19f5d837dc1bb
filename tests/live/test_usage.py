# SPDX-License-Identifier: MIT
"""What each program says of itself, also those that Dovecot starts."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import BUILD, equal, main, test, true

BY_DOVECOT = ("remite-agent", "remite-http", "remite-unsubscribe")
PROGRAMS = BY_DOVECOT + ("remite", "remite-feedback", "remite-milter", "remite-policyd")


def run(program, *words):
    return subprocess.run([os.path.join(BUILD, program), *words], capture_output=True, text=True,
                          timeout=30, check=False, stdin=subprocess.DEVNULL)


@test
def each_program_says_what_it_is(_place):
    for program in PROGRAMS:
        done = run(program, "--help")
        equal((done.returncode, done.stderr), (0, ""), program)
        true(done.stdout.startswith(f"usage: {program} "), done.stdout)
        true("--version" in done.stdout or program == "remite", done.stdout)
        done = run(program, "--version")
        equal((done.returncode, done.stderr), (0, ""), program)
        true(done.stdout.startswith(f"{program} "), done.stdout)
        true("\nbuilt with " in done.stdout, done.stdout)


@test
def dovecots_services_say_who_starts_them_and_where_it_is_told(_place):
    for program in BY_DOVECOT:
        done = run(program, "--help")
        for words in ("Dovecot starts it", "'remite setup dovecot'", f"{program}(8)"):
            true(words in done.stdout, done.stdout)
        equal(run(program, "-h").stdout, done.stdout, "-h")
        true(len(done.stdout.splitlines()) <= 12, done.stdout)


@test
def an_option_that_none_has_is_refused(_place):
    for program in PROGRAMS:
        done = run(program, "--no-such-option")
        true(done.returncode != 0 and done.stderr != "", f"{program}: {done}")
        equal(done.stdout, "", program)


if __name__ == "__main__":
    main()
