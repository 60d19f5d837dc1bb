#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo: a private Postfix asks remite-policyd while a mixed load comes in.

    sudo packaging/quickstart demo

Shows remite-policyd's own decision lines as a table, one line per recipient, as
they are logged; then what remite-milter answers to three whole messages, a read receipt,
one-click unsubscribe both ways, and a bounce. Everything runs on loopback in a private
directory, for about a minute, and is gone afterwards, also after Ctrl-C.
"""
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "lib"))
sys.dont_write_bytecode = True
import bounce  # noqa: E402
import oneclick  # noqa: E402
import receipt  # noqa: E402
from live import BUILD, Failure, Place, Skip, can_connect, end_process, wait_until  # noqa: E402
from postfix import Postfix  # noqa: E402
from smtp import Smtp  # noqa: E402
import alignment  # noqa: E402

# 4: all in a quarter of the time, for tests
SPEED = float(os.environ.get("REMITE_DEMO_SPEED", "1"))
SECONDS = 18 / SPEED
NEWS = "newsletter@news.shop.example"
SHOP = "orders@shop.example"
ANN = "ann@office.example"
SUPPRESSED = "carol@gmail.example"
PROVIDERS = ["gmail.example", "yahoo.example", "outlook.example"]

COLOURS = {"passed": "32", "deferred": "33", "refused": "31", "would": "36",
           "dim": "2", "bold": "1"}


class Screen:
    """Lines of a table, coloured on a terminal, cut to its width."""

    def __init__(self):
        self.colour = sys.stdout.isatty() and os.environ.get("NO_COLOR") is None
        self.width = max(80, shutil.get_terminal_size((110, 24)).columns)
        self.lock = threading.Lock()
        self.start = time.monotonic()

    def paint(self, style, text):
        return f"\033[{COLOURS[style]}m{text}\033[0m" if self.colour else text

    @staticmethod
    def cut(text, width):
        return text if len(text) <= width else text[:width - 1] + "…"

    def line(self, text="", style=None):
        with self.lock:
            print(self.paint(style, text) if style else text, flush=True)

    def row(self, stream, recipient, verdict, why, style):
        clock = f"{time.monotonic() - self.start:5.1f}s"
        left = f"{clock}  {stream:<13.13} {recipient:<23.23} "
        room = self.width - len(left) - 10
        with self.lock:
            print(left + self.paint(style, f"{verdict:<9} ") + self.cut(why, room),
                  flush=True)

    def header(self):
        self.line(f"{'time':>6}  {'stream':<13} {'recipient':<23} {'verdict':<9} why",
                  "bold")


# --- servers -----------------------------------------------------------------

def start_policyd(place):
    with open(os.path.join(HERE, "remite.conf"), encoding="utf-8") as template:
        text = template.read()
    values = {"STATE": place.file("state"), "SOCKET": place.file("policy"),
              "CONTROL": place.file("ctl"), "METRICS": str(place.free_port()),
              "AFTER": place.file("after")}
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    os.mkdir(values["STATE"])
    config = place.file("remite.conf", text)
    process = place.start([os.path.join(BUILD, "remite-policyd"), "-F", "-c", config],
                          "policyd.log")
    wait_until(lambda: process.poll() is not None or can_connect(values["SOCKET"]),
               "remite-policyd")
    if process.poll() is not None:
        with open(place.file("policyd.log"), encoding="utf-8") as log:
            raise Failure("remite-policyd did not start: " + log.read())
    return config, values["SOCKET"], process


class Remite:
    """The command, shown as an administrator would type it."""

    def __init__(self, config, screen):
        self.config = config
        self.screen = screen

    def run(self, *args, show=True):
        if show:
            self.screen.line("   $ remite " + " ".join(
                f"'{arg}'" if " " in arg else arg for arg in args), "bold")
        done = subprocess.run([os.path.join(BUILD, "remite"), "-c", self.config, *args],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.stdout.decode(errors="replace")


# --- the load ----------------------------------------------------------------

class Load(threading.Thread):
    """Sends one kind of mail, a message every so many seconds."""

    def __init__(self, port, sender, pause, recipients):
        super().__init__(daemon=True)
        self.port, self.sender, self.recipients = port, sender, recipients
        self.pause = pause / SPEED
        self.ended = threading.Event()
        self.error = None

    def run(self):
        try:
            while not self.ended.wait(self.pause):
                with Smtp(self.port) as client:
                    client.message(self.sender, self.recipients())
                    client.quit()
        except (OSError, ConnectionError) as error:
            self.error = error


def customers(chance, count,
              names=("bob", "dora", "emil", "fay", "gus", "hana", "ivo", "jane")):
    return [f"{name}@{chance.choice(PROVIDERS)}" for name in chance.sample(names, count)]


def loads(port):
    """The same recipients every time: who is first to draw lots does not matter."""
    shop, news = random.Random(7), random.Random(7)
    return [
        Load(port, SHOP, 1.1, lambda: [shop.choice([SUPPRESSED] + customers(shop, 3))]),
        Load(port, NEWS, 1.7, lambda: ([SUPPRESSED] * news.choice([0, 0, 1])
                                       + customers(news, 4))),
        Load(port, ANN, 2.6, lambda: ["bert@supplier.example"]),
    ]


# --- what policyd says ---------------------------------------------------------

FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|<([^>]*)>|(\S+))')


def fields(line):
    return {name: quoted or angled or plain
            for name, quoted, angled, plain in FIELD.findall(line)}


VERDICTS = {"defer": "deferred", "reject": "refused", "hold": "held",
            "discard": "discarded"}


def used(said, more=0):
    """How full the limit is, with this recipient where it passed."""
    if "limit" not in said:
        return "no limit"
    return f"{said['limit']} {int(said.get('used', 0)) + more} of {said.get('of', '?')}"


def reason(said):
    """Why, in a few words: the rule, and what it is about."""
    rule, text = said["rule"], said.get("text", "")
    if rule.startswith("limit:"):
        return f"limit {used(said)}, {said.get('key') or 'all'}"
    if rule == "paused":
        return "paused: " + text.partition(" is paused: ")[2]
    if rule.startswith("suppressed:"):
        return "suppressed: " + rule.partition(":")[2]
    return f"{rule}: {text}" if text else rule


def judge(said):
    """verdict, why, style of one decision line."""
    action, would = said["action"], said.get("would", said["action"])
    if action in VERDICTS:
        style = "deferred" if action == "defer" else "refused"
        return VERDICTS[action], reason(said), style
    if would != "dunno":
        return "reported", reason(said), "would"
    return "passed", used(said, 1), "passed"


class Watch(threading.Thread):
    """Follows policyd's log and shows its decisions about recipients."""

    def __init__(self, path, screen):
        super().__init__(daemon=True)
        self.path, self.screen = path, screen
        self.ended = threading.Event()
        self.counts = {}
        self.rules = set()
        self.shown = set()

    def run(self):
        with open(self.path, encoding="utf-8", errors="replace") as log:
            rest = ""
            while True:
                ended = self.ended.is_set()
                rest += log.read()
                *lines, rest = rest.split("\n")
                for line in lines:
                    self.show(fields(line))
                if ended:
                    return
                time.sleep(0.05)

    def show(self, said):
        if said.get("stage") != "RCPT" or "action" not in said:
            return
        verdict, why, style = judge(said)
        key = (said["stream"], verdict)
        self.counts[key] = self.counts.get(key, 0) + 1
        self.rules.add(said["rule"].partition(":")[2] if ":" in said["rule"] else said["rule"])
        self.screen.row(said["stream"], said.get("recipient", ""), verdict, why, style)
        self.show_answer_once(said)

    def show_answer_once(self, said):
        """What the sending program reads, the first time a rule speaks."""
        if said["action"] in VERDICTS and said["rule"] not in self.shown and "text" in said:
            self.shown.add(said["rule"])
            for text in textwrap.wrap(f"its sender reads: {said['text']}",
                                      self.screen.width - 10):
                self.screen.line(" " * 8 + text, "dim")


# --- the story -----------------------------------------------------------------

def opening(screen, version):
    for text in (
            f"A private Postfix {version} on loopback asks remite-policyd about every recipient.",
            "Three streams, told apart by the sender (rules: packaging/demo/remite.conf):",
            "  transactional  *@shop.example       password resets, receipts",
            "  promotional    *@news.shop.example  8 at once, then 1/s; 8/hour per provider",
            "  office         *@office.example     3 messages/hour a person: reported only",
            f"{SUPPRESSED} unsubscribed from the newsletter: receipts still reach her.",
            ""):
        screen.line(text)


def story(screen, watch, remite):
    """What happens while the load comes in."""
    def until(second, *rules):
        """And, on a machine that is busy, until these have spoken."""
        time.sleep(max(0, screen.start + second - time.monotonic()))
        wait_until(lambda: watch.rules.issuperset(rules), f"decisions by {', '.join(rules)}")

    until(9 / SPEED, "burst", "unsubscribe")
    remite.run("stream", "pause", "promotional", "--reason", "complaints above 0.3 %")
    until(14 / SPEED, "paused")
    remite.run("stream", "resume", "promotional")
    until(SECONDS, "person")


def closing(screen, watch, remite, postfix):
    screen.line()
    screen.line("   $ remite status", "bold")
    for text in remite.run("status", show=False).splitlines():
        screen.line(text)
    screen.line()
    verdicts = ["passed", "reported", "deferred", "refused"]
    screen.line(f"{'recipients':<14}" + "".join(f"{v:>10}" for v in verdicts), "bold")
    for stream in sorted({stream for stream, _ in watch.counts}):
        screen.line(f"{stream:<14}" + "".join(f"{watch.counts.get((stream, v), 0):>10}"
                                              for v in verdicts))
    screen.line(f"Postfix delivered to {len(postfix.delivered())} recipients: those that "
                "passed or were only reported.")


def farewell(screen):
    screen.line()
    screen.line("That was all on loopback, and is gone. Next: docs/first-evening.md, from a mail server")
    screen.line("to one with Remite, and back; report mode, the default, changes nothing.")


def play(place, screen):
    config, socket, policyd = start_policyd(place)
    remite = Remite(config, screen)
    remite.run("suppress", "add", SUPPRESSED, "--scope", "stream:promotional",
               "--reason", "unsubscribe", show=False)
    postfix = Postfix(place, socket)
    version = postfix.command("postconf", "-h", "mail_version").strip()
    opening(screen, version)
    screen.start = time.monotonic()
    screen.header()
    watch = Watch(place.file("policyd.log"), screen)
    watch.start()
    senders = loads(postfix.port)
    for sender in senders:
        sender.start()
    story(screen, watch, remite)
    for sender in senders:
        sender.ended.set()
    for sender in senders:
        sender.join(60)
        if sender.error is not None:
            raise Failure(f"mail of {sender.sender} could not be sent: {sender.error}")
    time.sleep(0.3)
    watch.ended.set()
    watch.join(5)
    closing(screen, watch, remite, postfix)
    alignment.act(place, screen, config, postfix)
    end_process(policyd)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, lambda *_: sys.exit(1))
    signal.alarm(270)
    place, screen = Place("demo"), Screen()
    try:
        play(place, screen)
        for scene in (receipt, oneclick, bounce):
            if not scene.may_be_shown():
                continue
            stage = Place("demo")
            try:
                scene.show(stage, screen)
            finally:
                stage.close()
        farewell(screen)
    except KeyboardInterrupt:
        screen.line("\nstopped")
        return 130
    except (Failure, Skip, OSError, subprocess.SubprocessError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        place.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
