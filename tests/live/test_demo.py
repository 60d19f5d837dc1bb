# SPDX-License-Identifier: MIT
"""The demo shows every kind of answer, ends by itself and leaves nothing."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from live import BUILD, ROOT, equal, main, need_program, need_root, test, true  # noqa: E402

DEMO = os.path.join(ROOT, "packaging/demo/demo.py")


def start(place):
    need_root()
    need_program("postfix")
    environment = {**os.environ, "REMITE_DEMO_SPEED": "3", "TMPDIR": place.path}
    return subprocess.Popen([sys.executable, DEMO], env=environment, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)


@test
def the_demo_shows_every_kind_of_answer(place):
    demo = start(place)
    said = demo.communicate(timeout=400)[0]
    equal(demo.returncode, 0, f"exit status: {said}")
    for word in ("passed", "deferred", "refused", "reported", "suppressed: unsubscribe",
                 "paused: complaints", "limit burst", "limit person",
                 "$ remite status", "limits nearest to full",
                 "SPF passes for shop.example: aligned", "(rule R7)", "(rule R11)"):
        true(word in said, f"'{word}' is not in what it shows: {said}")
    if "One-click unsubscribe, as the sender" in said:  # Dovecot and opendkim are there
        for word in ("200 unsubscribed", "must not be mailed by stream", "signed: list-unsub",
                     "POST /ok?u=1 HTTP/1.1", "The message is marked now: $unsubscribed"):
            true(word in said, f"'{word}' is not in what it shows: {said}")
    if os.access(os.path.join(BUILD, "remite-agent"), os.X_OK):
        for word in ("$MDNSent $ReceiptPending", "asks for a read receipt: please confirm 1",
                     "Final-Recipient: rfc822;ann@example.net", "MDN-sent-manually; displayed",
                     "there will be no second receipt"):
            true(word in said, f"'{word}' is not in the scene of the receipt: {said}")
    for word in ("b+promotional+", "dead@dest.test> must not be mailed", "suppressed in all, dead"):
        true(word in said, f"'{word}' is not in the scene of the bounce: {said}")
    equal(os.listdir(place.path), [], "left behind")


@test
def interrupted_it_leaves_nothing(place):
    demo = start(place)
    said = ""
    while "verdict" not in said:  # its servers are up, and mail comes in
        line = demo.stdout.readline()
        true(line, f"it ended before: {said}")
        said += line
    os.killpg(demo.pid, signal.SIGINT)  # as a terminal does
    said += demo.communicate(timeout=100)[0]
    equal(demo.returncode, 130, f"exit status: {said}")
    equal(os.listdir(place.path), [], "left behind")


if __name__ == "__main__":
    main()
