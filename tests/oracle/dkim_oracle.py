#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random signed messages: `remite batch` against python3-dkim (dkimpy) and libopendkim
(opendkim-testmsg, as root).

    tests/oracle/dkim_oracle.py [--remite build/remite] [--count N] [--seed N]

dkimpy signs every message (RSA and ed25519, all canonical forms), chance damages
half of them, and all verify. They must agree whether the signature holds; where we refuse by policy what adds up (body-tail, from-repeated) or
cannot be read (syntax, ...), the others may say either. Without dkimpy the run is
skipped. Ends with "N agree, N differ" for each.
"""
import argparse
import base64
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import opendkim

try:
    import dkim
    import nacl.encoding
    import nacl.signing
except ImportError as missing:
    print(f"SKIPPED: {missing} (Debian: python3-dkim, python3-nacl)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

DECIDED = {"": True, "body-hash": False, "signature": False, "body-short": False}
NAMES = ["To", "Subject", "cc", "X-A", "Reply-To", "X-LONG", "List-Unsubscribe", "Comments"]
VALUES = [" ", "\t", "  ", "a", "word", "\r\n ", "\r\n\t", "<a@b>", ":", ";", "=", "\u00f6"]
LINES = ["\r\n", " ", "\t", "text", "\r\n\r\n", "  x", "\u00f6", ".", " \r\n", "\t\r\n", "longer line"]


def make_keys():
    pem = subprocess.run(["openssl", "genrsa", "-traditional", "1024"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], check=True,
                         input=pem, capture_output=True).stdout
    seed = nacl.signing.SigningKey.generate()
    encoder = nacl.encoding.Base64Encoder
    return {"rsa": (pem, "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()),
            "ed": (seed.encode(encoder),
                   "v=DKIM1; k=ed25519; p=" + seed.verify_key.encode(encoder).decode())}


def some(rng, pieces, most):
    return "".join(rng.choice(pieces) for _ in range(rng.randint(0, most)))


def make_message(rng):
    fields = "".join(f"{rng.choice(NAMES)}:{some(rng, VALUES, 8)}end\r\n"
                     for _ in range(rng.randint(0, 5)))
    return ("From: Ann <ann@x.example>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n" + fields
            + "\r\n" + some(rng, LINES, 30) + "\r\n").encode()


def sign(rng, keys, message):
    selector = rng.choice(["rsa", "rsa", "ed"])
    canon = tuple(rng.choice([b"simple", b"relaxed"]) for _ in range(2))
    return dkim.sign(message, selector.encode(), b"x.example", keys[selector][0],
                     canonicalize=canon, length=rng.random() < 0.2,
                     signature_algorithm=b"ed25519-sha256" if selector == "ed"
                     else b"rsa-sha256") + message


def damage(rng, message):
    at = rng.randrange(len(message))
    kind = rng.randrange(4)
    # Base64 without its padding is read by us and by libopendkim, not by dkimpy.
    if kind == 0 and message[at:at + 1] not in b"\r\n=":
        return message[:at] + message[at + 1:]
    if kind == 1 and message[at:at + 1] not in b"\r\n":
        return message[:at] + rng.choice([b" ", b"\t", b"a", b":", b";", b"="]) + message[at + 1:]
    if kind == 2:
        return message + b"tail\r\n"
    return message[:at] + b"x" + message[at:]


def has_blank_before_colon(message):
    """As obsolete syntax allows it; others take it for no header at all."""
    try:
        dkim.rfc822_parse(message)
    except dkim.MessageFormatError:
        return True
    return False


def dkimpy_says(keys, message):
    def look_up(name, timeout=5):
        return keys[name.decode().split(".")[0]][1].encode()
    if has_blank_before_colon(message):
        return None
    try:
        return dkim.verify(message, dnsfunc=look_up, minkey=1024)
    except Exception:  # what it cannot read it raises in many ways
        return False


def make_messages(rng, keys, count, folder):
    for i in range(count):
        message = sign(rng, keys, make_message(rng))
        if rng.random() < 0.5:
            message = damage(rng, message)
        with open(os.path.join(folder, str(i)), "wb") as f:
            f.write(message)
        yield message


def ask_remite(remite, count, folder, zone):
    """The reason of each message's signature; "": it holds."""
    cases = "".join(json.dumps({"id": i, "verb": "dkim", "file": os.path.join(folder, str(i)),
                                "zone": zone}) + "\n" for i in range(count))
    out = subprocess.run([remite, "batch"], input=cases, capture_output=True, text=True,
                         check=True).stdout
    for line in out.splitlines():
        answer = json.loads(line)
        yield answer["signatures"][0]["reason"] if answer.get("signatures") else "none"


def opendkim_says(message):
    """None: it refuses to look, for a field that may stand once (RFC 5322, 3.6) stands
    twice, or one's name has a semicolon; and it takes a CR or LF that stands alone for
    something else (docs/decisions.md)."""
    if re.search(rb"\r(?!\n)|(?<!\r)\n", message) or has_blank_before_colon(message):
        return None
    head = message.split(b"\r\n\r\n")[0].lower()
    if re.search(rb"(?m)^[^ \t\r:]*;[^\r:]*:", head) or any(len(re.findall(rb"(?m)^" + name + rb"[ \t]*:", head)) > 1
           for name in (b"from", b"to", b"cc", b"reply-to", b"subject", b"date")):
        return None
    return opendkim.verifies(message)


def compare(name, opinion, messages, ours):
    """Whether they agree, on a third of the messages at least."""
    agree, differ = 0, 0
    for message, reason in zip(messages, ours):
        theirs = opinion(message) if reason in DECIDED else None
        if theirs is None:
            continue
        agree += theirs == DECIDED[reason]
        differ += theirs != DECIDED[reason]
        if theirs != DECIDED[reason]:
            print(f"we say '{reason}', {name} {theirs}\n{message!r}")
    print(f"dkim against {name}: {agree} agree, {differ} differ, "
          f"{len(messages) - agree - differ} not comparable")
    return differ == 0 and agree > len(messages) // 3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--remite", default="build/remite")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    args = parser.parse_args()
    rng = random.Random(args.seed)
    keys = make_keys()
    zone = [f'{name}._domainkey.x.example TXT "{record}"' for name, (_, record) in keys.items()]
    others = [("dkimpy", lambda message: dkimpy_says(keys, message))]
    if opendkim.enter():
        opendkim.open_zone(zone)
        others.append(("libopendkim", opendkim_says))
    print(f"seed {args.seed}")
    with tempfile.TemporaryDirectory() as folder:
        messages = list(make_messages(rng, keys, args.count, folder))
        ours = list(ask_remite(args.remite, args.count, folder, zone))
    return 0 if all([compare(name, opinion, messages, ours) for name, opinion in others]) else 1


if __name__ == "__main__":
    sys.exit(main())
