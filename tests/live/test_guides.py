#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The commands of the guides, as they stand there: blocks marked "run-live: test_guides",
and command lines within the text.

`remite`, `postfix` and `postconf` mean the private ones of the test; DNS is a file."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import BUILD, ROOT, main, need_root, test, true
from policyd import Policyd
from postfix import Postfix

BLOCK = re.compile(r"^( *)<!-- run-live: test_guides -->\n\1```sh\n(.*?)^\1```$", re.M | re.S)
ZONE = """\
news.example.com MX 10 mail.example.com.
news.example.com TXT "v=spf1 ip4:192.0.2.20 -all"
_dmarc.news.example.com TXT "v=DMARC1; p=none"
mail.example.com A 192.0.2.20
bulk.example.com A 192.0.2.20
20.2.0.192.in-addr.arpa PTR bulk.example.com.
"""
# The host's own configuration is the test's; DNS is a file.
WRAPPER = """\
#!/bin/sh
case $1 in
setup|doctor) set -- "$@" --postfix "$MAIL_CONFIG" ;;
check) set -- "$@" --dns-file "{zone}" ;;
esac
exec "{remite}" -c "{config}" "$@"
"""
# A bulk egress, whose transport setup makes.
MORE = """\
organization = ["example.com"]
keys = "{keys}"
receipts: {{ policy = "organization"  addresses = ["bob: bob@example.com"] }}
egress: {{
	bulk: {{ addresses = ["127.0.0.2"]  helo = "bulk.example.com"  transport = "smtp-bulk:" }}
}}
"""
STREAMS = 'news: { senders = ["*@news.example.com"]  egress = "bulk" }'


def commands():
    """(page, text) of every block."""
    found = []
    for folder, pages in ((ROOT, ["README.md"]),
                          (os.path.join(ROOT, "docs"), os.listdir(os.path.join(ROOT, "docs")))):
        for page in sorted(p for p in pages if p.endswith(".md")):
            with open(os.path.join(folder, page), encoding="utf-8") as text:
                found += [(page, re.sub(f"^{indent}", "", block, flags=re.M))
                          for indent, block in BLOCK.findall(text.read())]
    return found


# What a reader would fill in.
MEANT = {"USER": "ann@example.com", "ADDRESS": "ann@example.org", "STREAM": "news",
         "DIRECTORY": "maildir"}
MESSAGE = """\
From: Alice <alice@example.com>
To: bob@example.com
Subject: lunch
Message-ID: <1@example.com>
Disposition-Notification-To: alice@example.com

text
"""
# These need servers that other tests have: the endpoint of a link, a journal.
ELSEWHERE = {"remite unsubscribe test": "test_unsubscribe_endpoint",
             "remite feedback --log journal --follow": "test_feedback"}


def phrases():
    """(page, command line) of what the pages name within their text."""
    found = set()
    folder = os.path.join(ROOT, "docs")
    for path in [os.path.join(ROOT, "README.md")] + [os.path.join(folder, name) for name in
                                                     os.listdir(folder) if name.endswith(".md")]:
        with open(path, encoding="utf-8") as page:
            text = re.sub(r"^ *```.*?^ *```", "", page.read(), flags=re.M | re.S)
        for line in re.findall(r"`(remite [^`]*)`", text):
            found.add((os.path.basename(path), re.sub(r"\s+", " ", line)))
    return sorted(found)


class Host:
    """A Postfix with policyd; `remite`, `postconf` and the like mean these."""

    def __init__(self, place):
        need_root()
        self.place = place
        policyd = Policyd(place, STREAMS, more=MORE.format(keys=place.file("ring")))
        postfix = Postfix(place, policyd.socket)
        os.makedirs(place.file("bin"))
        wrapper = place.file("bin/remite", WRAPPER.format(
            zone=place.file("zone", ZONE), remite=os.path.join(BUILD, "remite"),
            config=policyd.config))
        os.chmod(wrapper, 0o755)
        self.environment = {**os.environ, "MAIL_CONFIG": postfix.path,
                            "PATH": place.file("bin") + ":" + os.environ["PATH"] + ":/usr/sbin"}
        subprocess.run([wrapper, "keys", "make"], check=True, timeout=60)

    def run(self, line):
        return subprocess.run(["sh", "-c", line], cwd=self.place.path, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)


@test
def every_command_does_what_the_page_says(place):
    host, blocks = Host(place), commands()
    true(len(blocks) >= 5, f"blocks: {blocks}")
    for page, text in blocks:
        for line in text.splitlines():
            done = host.run(line)
            # These two say by 1 that they have found something.
            fine = (0, 1) if re.match("remite (doctor|check) ?", line) else (0,)
            true(done.returncode in fine,
                 f"{page}: {line}: {done.returncode}: {done.stdout}{done.stderr}")


@test
def every_command_line_in_the_text_is_one(place):
    host, lines = Host(place), phrases()
    true(len(lines) >= 40, f"lines: {lines}")
    for new in ("cur", "new", "tmp"):
        os.makedirs(place.file(f"maildir/{new}"))
    meant = {**MEANT, "FILE": place.file("message.eml", MESSAGE)}
    for page, line in lines:
        if any(line.startswith(other) for other in ELSEWHERE):
            continue
        line = line.replace("--dmarc FILE", f"--dmarc {ROOT}/tests/data/aggregate/report.xml")
        filled = re.sub(r"\b[A-Z]+\b", lambda word: meant.get(word[0], word[0]), line)
        done = host.run(filled)
        said = done.stdout + done.stderr
        # Who names a command alone may leave out what it wants.
        wants_more = done.returncode == 2 and "--" not in line and all(
            re.search(rf"\b{word}\b", said) for word in line.split())
        true(done.returncode in (0, 1) or wants_more,
             f"{page}: {line}: {done.returncode}: {said}")


if __name__ == "__main__":
    main()
