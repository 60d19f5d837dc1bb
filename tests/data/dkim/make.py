#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the messages of this folder anew: NAME.eml, NAME.want and `zone`.

The signer is dkimpy (Debian: python3-dkim, python3-nacl), so that our verifier
is proven on signatures it has no part in. Keys are made here, used once and
thrown away. NAME.want has a line for each signature: domain, selector, result,
reason ("-" for none).
"""
import base64
import os
import subprocess
import sys

import dkim
import nacl.encoding
import nacl.signing

HERE = os.path.dirname(os.path.abspath(__file__))

FIELDS = (b"From: Ann <ann@x.example>\r\n"
          b"To: bob@y.example,\r\n\tcarol@y.example\r\n"
          b"Subject:  Two   blanks\t and a tab \r\n"
          b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
          b"Message-ID: <1@x.example>\r\n"
          b"List-Unsubscribe: <https://x.example/u?1>\r\n"
          b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
BODY = b"Hello  there,\t \r\n\r\n  indented\r\nlast line \r\n\r\n\r\n"
BODIES = {
    "plain": BODY, "empty": b"", "newline": b"\r\n", "blanks": b" \t \r\n \r\n",
    "no-end": b"text without line end", "eight-bit": b"Gr\xc3\xbc\xc3\x9fe\r\n\xff\xfe\r\n",
    "dots": b".\r\n..\r\n", "long": b"0123456789abcdef" * 2000 + b"\r\n" + b"a b  c\t\r\n" * 500,
}


def rsa_key(bits):
    pem = subprocess.run(["openssl", "genrsa", "-traditional", str(bits)], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], check=True,
                         input=pem, capture_output=True).stdout
    return pem, base64.b64encode(der).decode()


def ed25519_key():
    seed = nacl.signing.SigningKey.generate()
    public = seed.verify_key.encode(nacl.encoding.Base64Encoder).decode()
    return seed.encode(nacl.encoding.Base64Encoder), public


KEYS = {"rsa": rsa_key(2048), "small": rsa_key(1024), "ed": ed25519_key()}


def sign(message, selector, canon="relaxed/relaxed", **more):
    algorithm = b"ed25519-sha256" if selector == "ed" else b"rsa-sha256"
    header, body = canon.encode().split(b"/")
    return dkim.sign(message, selector.encode(), b"x.example", KEYS[selector][0],
                     canonicalize=(header, body), signature_algorithm=algorithm, **more) + message


def write(name, message, *want):
    with open(os.path.join(HERE, name + ".eml"), "wb") as f:
        f.write(message)
    with open(os.path.join(HERE, name + ".want"), "w") as f:
        f.write("".join(line + "\n" for line in want))


def good(selector):
    return f"x.example {selector} pass -"


def every_form():
    for canon in ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"):
        for selector in ("rsa", "ed"):
            write(f"form-{canon.replace('/', '-')}-{selector}",
                  sign(FIELDS + b"\r\n" + BODY, selector, canon), good(selector))


def every_body():
    for name, body in BODIES.items():
        for form in ("simple", "relaxed"):
            write(f"body-{name}-{form}", sign(FIELDS + b"\r\n" + body, "rsa", "relaxed/" + form),
                  good("rsa"))


def on_the_way():
    message = sign(FIELDS + b"\r\n" + BODY, "rsa")
    bad = "x.example rsa fail "
    write("changed-body", message.replace(b"indented", b"indent ed"), bad + "body-hash")
    write("changed-subject", message.replace(b"Two ", b"Tw o "), bad + "signature")
    write("changed-blanks", message.replace(b"a tab ", b"a\r\n tab"), good("rsa"))
    write("changed-signature", message.replace(b"d=x.example;", b"d=x.example; n=1;"),
          bad + "signature")
    once = sign(FIELDS + b"\r\n" + BODY, "rsa", include_headers=[b"from", b"to"])
    once = once.replace(b"h=from : to : from", b"h=from : to")
    write("second-from", b"From: eve@z.example\r\n" + once,
          "x.example rsa policy from-repeated")
    length = sign(FIELDS + b"\r\n" + BODY, "rsa", length=True)
    write("length", length, good("rsa"))
    write("length-tail", length + b"Buy now\r\n", "x.example rsa policy body-tail")


def several():
    message = FIELDS + b"\r\n" + BODY
    both = sign(sign(message, "ed"), "rsa")
    write("both-kinds", both, good("rsa"), good("ed"))
    write("two-keys", sign(sign(message, "small"), "rsa"), good("rsa"), good("small"))
    write("lf-alone", both.replace(b"\r\n", b"\n"), good("rsa"), good("ed"))
    fields = [b"from", b"to", b"subject", b"list-unsubscribe", b"list-unsubscribe", b"absent"]
    over = sign(message, "rsa", include_headers=fields)
    write("oversigned", over, good("rsa"))
    write("oversigned-forged", b"List-Unsubscribe: <https://z.example/>\r\n" + over,
          "x.example rsa fail signature")
    repeated = FIELDS + b"X-Trace: one\r\nX-Trace: two\r\nX-Trace: three\r\n\r\n" + BODY
    write("bottom-up", sign(repeated, "rsa", include_headers=[b"from", b"x-trace", b"x-trace"])
          .replace(b"X-Trace: one", b"X-Trace: more"), good("rsa"))


def main():
    for old in os.listdir(HERE):
        if old.endswith((".eml", ".want")) and not old.startswith("rfc"):
            os.unlink(os.path.join(HERE, old))
    with open(os.path.join(HERE, "zone"), "w") as f:
        f.write("; made by make.py\n")
        for selector, (_, public) in KEYS.items():
            kind = "ed25519" if selector == "ed" else "rsa"
            parts = [public[i:i + 200] for i in range(0, len(public), 200)]
            f.write(f"{selector}._domainkey.x.example TXT \"v=DKIM1; k={kind}; p=\" "
                    + " ".join(f'"{p}"' for p in parts) + "\n")
        f.write("; RFC 8463, A.2\n"
                "brisbane._domainkey.football.example.com TXT \"v=DKIM1; k=ed25519; "
                "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
                "test._domainkey.football.example.com TXT \"v=DKIM1; k=rsa; \" "
                "\"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5q"
                "hdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC\" \"DfzwQ/BC/e/8uBsCR+yz1L"
                "xj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\""
                "\n")
    every_form()
    every_body()
    on_the_way()
    several()
    return 0


if __name__ == "__main__":
    sys.exit(main())
