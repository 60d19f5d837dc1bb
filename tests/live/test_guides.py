#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The commands of the guides, as they stand there: blocks marked "run-live: test_guides".

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


@test
def every_command_does_what_the_page_says(place):
    need_root()
    policyd = Policyd(place, STREAMS, more=MORE.format(keys=place.file("ring")))
    postfix = Postfix(place, policyd.socket)
    os.makedirs(place.file("bin"))
    wrapper = place.file("bin/remite", WRAPPER.format(
        zone=place.file("zone", ZONE), remite=os.path.join(BUILD, "remite"),
        config=policyd.config))
    os.chmod(wrapper, 0o755)
    environment = {**os.environ, "MAIL_CONFIG": postfix.path,
                   "PATH": place.file("bin") + ":" + os.environ["PATH"] + ":/usr/sbin"}
    subprocess.run([wrapper, "keys", "make"], check=True, timeout=20)
    blocks = commands()
    true(len(blocks) >= 5, f"blocks: {blocks}")
    for page, text in blocks:
        for line in text.splitlines():
            done = subprocess.run(["sh", "-c", line], cwd=place.path, env=environment,
                                  capture_output=True, text=True, timeout=60, check=False)
            # These two say by 1 that they have found something.
            fine = (0, 1) if re.match("remite (doctor|check) ?", line) else (0,)
            true(done.returncode in fine,
                 f"{page}: {line}: {done.returncode}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
