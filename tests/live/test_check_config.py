# SPDX-License-Identifier: MIT
"""What `remite check-config` says, and what it ends with."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from live import BUILD, ROOT, equal, main, test, true  # noqa: E402

REMITE = os.path.join(BUILD, "remite")


def remite(*args, cwd=None):
    done = subprocess.run([REMITE, *args], capture_output=True, text=True, timeout=60,
                          check=False, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


@test
def a_good_file_is_summed_up_in_a_line(place):
    path = place.file("good.conf", 'streams: { default: { limits: {\n'
                                   'day: { per = "stream" quota = "9/day" } } } }\n')
    equal(remite("check-config", path),
          (0, f"{path}: ok, 1 stream, 1 limit, report mode\n", ""), "answer")
    equal(remite("-c", path, "check-config")[0], 0, "status with -c")


@test
def every_complaint_names_file_and_line(place):
    place.file("more.conf", '\nstate = "here"\n')
    path = place.file("bad.conf", '@include "more.conf"\nmode = "on"\n\nstroe = 1\n')
    status, out, err = remite("check-config", path)
    equal((status, err), (1, ""), "status and standard error")
    equal([line.split(": ")[0] for line in out.splitlines()],
          [f"{path}:2", f"{path}:4", f"{os.path.dirname(path)}/more.conf:2"], "places")


@test
def files_beside_are_found_from_where_one_stands(place):
    place.file("more.conf", 'mode = "enforce"\n')
    path = place.file("r.conf", '@include "more.conf"\n')
    status, out, _ = remite("check-config", "r.conf", cwd=os.path.dirname(path))
    equal((status, out), (0, "r.conf: ok, 1 stream, 0 limits, enforce mode\n"), "answer")


@test
def a_dump_is_a_configuration(place):
    status, dump, _ = remite("check-config", "--dump",
                             os.path.join(ROOT, "packaging", "examples", "remite.conf"))
    equal(status, 0, "status")
    path = place.file("dump.conf", dump)
    equal(remite("check-config", "--dump", path)[1], dump, "dump of the dump")


@test
def other_commands_say_why_they_cannot_begin(place):
    path = place.file("bad.conf", 'mode = "on"\n')
    status, _, err = remite("-c", path, "setup", "postfix")
    equal(status, 3, "status")
    true(err.startswith(f"{path}:1: mode: 'on' is none of the choices"), f"said: {err}")


@test
def an_unknown_option_is_answered_with_the_usage(place):
    status, out, err = remite("check-config", "--dmup")
    equal((status, out), (2, ""), "status")
    true(err.startswith("usage: remite check-config"), f"said: {err}")


if __name__ == "__main__":
    main()
