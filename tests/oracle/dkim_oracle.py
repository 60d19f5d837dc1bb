#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random signed messages: `remite batch` against python3-dkim (dkimpy).

    tests/oracle/dkim_oracle.py [--remite build/remite] [--count N] [--seed N]

dkimpy signs every message (RSA and ed25519, all canonical forms), chance
damages half of them, and both verify. They must agree whether the signature
holds; where we refuse by policy what adds up (body-tail, from-repeated) or
cannot be read (syntax, ...), dkimpy may say either. Without dkimpy the run is
skipped. Ends with "N agree, N differ".
"""
import argparse
import base64
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    import dkim
    import nacl.encoding
    import nacl.signing
except ImportError as missing:
    print(f"SKIPPED: {missing} (Debian: python3-dkim, python3-nacl)")
    sys.exit(0)

DECIDED = {"": True, "body-hash": False, "signature": False, "body-short": False}
NAMES = ["To", "Subject", "cc", "X-A", "Date", "X-LONG", "List-Unsubscribe"]
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
                     for _ in range(rng.randint(0, 8)))
    return ("From: Ann <ann@x.example>\r\n" + fields + "\r\n" + some(rng, LINES, 30)
            + "\r\n").encode()


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
    if kind == 0 and message[at:at + 1] not in b"\r\n":
        return message[:at] + message[at + 1:]
    if kind == 1 and message[at:at + 1] not in b"\r\n":
        return message[:at] + rng.choice([b" ", b"\t", b"a", b":", b";", b"="]) + message[at + 1:]
    if kind == 2:
        return message + b"tail\r\n"
    return message[:at] + b"x" + message[at:]


def dkimpy_says(keys, message):
    def look_up(name, timeout=5):
        return keys[name.decode().split(".")[0]][1].encode()
    try:
        return dkim.verify(message, dnsfunc=look_up, minkey=1024)
    except Exception:  # what it cannot read it raises in many ways
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--remite", default="build/remite")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    args = parser.parse_args()
    rng = random.Random(args.seed)
    keys = make_keys()
    zone = [f'{name}._domainkey.x.example TXT "{record}"' for name, (_, record) in keys.items()]
    agree, differ, open_cases = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        messages = []
        for i in range(args.count):
            message = sign(rng, keys, make_message(rng))
            if rng.random() < 0.5:
                message = damage(rng, message)
            messages.append(message)
            with open(os.path.join(folder, str(i)), "wb") as f:
                f.write(message)
        cases = "".join(json.dumps({"id": i, "verb": "dkim", "file": os.path.join(folder, str(i)),
                                    "zone": zone}) + "\n" for i in range(args.count))
        out = subprocess.run([args.remite, "batch"], input=cases, capture_output=True, text=True,
                             check=True).stdout
    for line, message in zip(out.splitlines(), messages):
        answer = json.loads(line)
        ours = answer["signatures"][0]["reason"] if answer.get("signatures") else "none"
        if ours not in DECIDED:
            open_cases += 1
        elif DECIDED[ours] == dkimpy_says(keys, message):
            agree += 1
        else:
            differ += 1
            print(f"case {answer['id']}: we say '{ours}', dkimpy {not DECIDED[ours]}\n{message!r}")
    print(f"dkim against dkimpy, seed {args.seed}: {agree} agree, {differ} differ, "
          f"{open_cases} refused before")
    return 0 if differ == 0 and agree > args.count // 2 else 1


if __name__ == "__main__":
    sys.exit(main())
