# SPDX-License-Identifier: MIT
"""Live tests: functions that start real servers in a private directory.

    from live import test, main, equal

    @test
    def a_recipient_refused_later_is_given_back(place):
        postfix = Postfix(place)
        ...
        equal(used, 2, "recipients counted")

    if __name__ == "__main__":
        main()

Each test gets a Place: a short directory of its own, free ports, and programs
that are ended with it. A test prints "ok NAME", "not ok NAME: why" or
"skip NAME: why"; tests/run-live sums these lines.
"""
import glob
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
VERBOSE = os.environ.get("V") == "1"


class Failure(Exception):
    """The test's subject is wrong."""


class Skip(Exception):
    """The test lacks something on this machine."""


def equal(got, want, what):
    if got != want:
        raise Failure(f"{what}: got {got!r}, want {want!r}")


def true(condition, what):
    if not condition:
        raise Failure(what)


def wait_until(condition, what, seconds=60.0):
    """Returns the first true value of condition(); fails after the time, which is for what
    never comes: a machine that is busy takes long for what takes a moment elsewhere."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


def quick(seconds, act, tries=5):
    """act() takes fewer seconds than these, at least once: who waits for something does so
    each time, a busy machine does not. act gets the number of the try."""
    took = []
    for number in range(tries):
        begin = time.monotonic()
        act(number)
        took.append(time.monotonic() - begin)
        if took[-1] < seconds:
            return
    raise Failure(f"never under {seconds:g} s: {', '.join(f'{t:.1f}' for t in took)}")


class Place:
    """A directory, ports and running programs, all gone at close()."""

    def __init__(self, name="place"):
        # Short: a UNIX socket's name has at most 107 octets. Servers drop root.
        self.path = tempfile.mkdtemp(prefix="rmt", dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.path, 0o755)
        self.name = name
        self._memory = None
        self.at_close = []
        self.reserved = []

    def file(self, name, text=None):
        path = os.path.join(self.path, name)
        if text is not None:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        return path

    def memory(self):
        """A directory whose files are in memory, as those of /run are; where there is
        none, the place itself."""
        if self._memory is None:
            self._memory = self.path
            if os.access("/dev/shm", os.W_OK):
                self._memory = tempfile.mkdtemp(prefix="rmt", dir="/dev/shm")
                os.chmod(self._memory, 0o755)
        return self._memory

    def free_port(self):
        """A port of 127.0.0.1 that nobody listens on and no other call gets, nor another
        test that runs beside this one. Below those that the kernel gives to outgoing
        connections, which may take one at any time."""
        while True:
            port = random.randrange(16384, 32768)
            claim = socket.socket(socket.AF_UNIX)
            try:  # an abstract name, which is there as long as the socket
                claim.bind(f"\0remite-test-port-{port}")
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
            self.reserved.append(claim)
            return port

    def start(self, argv, log, **options):
        """A program in the background; standard output and error go to log."""
        with open(self.file(log), "ab") as out:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=out, **options)
        self.at_close.append(lambda: end_process(process))
        return process

    def end(self):
        """What was started in it; the files stay."""
        while self.at_close:
            try:
                self.at_close.pop()()
            except (OSError, subprocess.SubprocessError) as error:
                print(f"# closing: {error}", file=sys.stderr)

    def close(self):
        self.end()
        while self.reserved:
            self.reserved.pop().close()
        shutil.rmtree(self.path, ignore_errors=True)
        if self._memory is not None:
            shutil.rmtree(self._memory, ignore_errors=True)


def end_process(process, seconds=30.0):
    """TERM, and KILL if that is not heard. Returns the exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def can_connect(address):
    """address: path of a UNIX socket, or (host, port)."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(1)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def processes():
    """(pid, name, state, parent, group, session) of every process."""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="ascii", errors="replace") as stat:
                pid, _, rest = stat.read().partition(" (")
        except OSError:
            continue
        comm, _, rest = rest.rpartition(") ")
        state, *numbers = rest.split()[:4]
        found.append((int(pid), comm, state, *map(int, numbers)))
    return found


def need_program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise Skip(f"{name} is not installed")
    return path


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root, as Postfix does")


def need_user(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise Skip(f"there is no user {name}") from None


# --- running -----------------------------------------------------------------

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def show_logs(place):
    """What helps to understand a failure, to standard error."""
    for folder, _, names in sorted(os.walk(place.path)):
        for name in sorted(names):
            if not name.endswith((".log", "remite.conf")) or ".index" in name:
                continue
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8", errors="replace") as text:
                lines = text.read().splitlines()
            print(f"#   {os.path.relpath(path, place.path)}, last lines of {len(lines)}:",
                  file=sys.stderr)
            for line in lines[-40:]:
                print(f"#     {line}", file=sys.stderr)
    sys.stderr.flush()


def sanitizer_reports(place):
    """What a sanitizer said in any log. The program goes on after some of it."""
    found = []
    for folder, _, names in os.walk(place.path):
        for name in names:
            if name.endswith(".log") and ".index" not in name:
                with open(os.path.join(folder, name), encoding="utf-8",
                          errors="replace") as text:
                    found += [line.strip() for line in text
                              if re.search(r"Sanitizer: |: runtime error: ", line)]
    return found


def run_one(function):
    name = function.__name__
    place = Place(name)
    start = time.monotonic()
    try:
        function(place)
        place.end()  # some is said at the end of a program
        reports = sanitizer_reports(place)
        line = f"ok {name}" if not reports else f"not ok {name}: {reports[0]}"
    except Skip as reason:
        line = f"skip {name}: {reason}"
    except Failure as reason:
        line = f"not ok {name}: {reason}"
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        line = f"not ok {name}: {type(error).__name__}: {error}"
    if line.startswith("not ok"):
        show_logs(place)
    place.close()
    if VERBOSE:
        print(f"# {name}: {time.monotonic() - start:.1f} s", file=sys.stderr)
    print(line, flush=True)
    return not line.startswith("not ok")


def main():
    """Runs all tests, or those named on the command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = sys.argv[1:]
    # What a test file imports from another one are tests of that one.
    own = [t for t in TESTS if t.__module__ == "__main__"]
    chosen = [t for t in own if not names or t.__name__ in names]
    good = [run_one(t) for t in chosen]
    sys.exit(0 if good and all(good) else 1)
