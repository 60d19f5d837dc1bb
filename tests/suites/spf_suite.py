#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The RFC 7208 suite of openspf.org through `remite batch`.

    tests/suites/spf_suite.py [--remite build/remite] [--suite FILE] [-v]

The suite has a licence of its own and lies beside the checkout
(../shared/suites/spf, or $SPF_SUITE); without it, or without PyYAML, the run
is skipped and says so. Ends with "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PLACES = [os.environ.get("SPF_SUITE", ""),
          os.path.join(ROOT, "..", "shared", "suites", "spf", "rfc7208-tests.yml"),
          os.path.join(ROOT, "..", "..", "shared", "suites", "spf", "rfc7208-tests.yml")]


def name(text):
    """A name in master-file syntax; the dots of the text part labels."""
    octets = text.encode("utf-8")
    return "".join(chr(o) if chr(o).isalnum() and o < 128 or o in b"-_." else f"\\{o:03d}"
                   for o in octets) or "."


def strings(value):
    """TXT data: one quoted string for each of the suite's."""
    out = []
    for text in value if isinstance(value, list) else [value]:
        # YAML's "\xNN" means the octet.
        octets = str(text).encode("latin-1")
        quoted = "".join(chr(o) if 32 <= o < 127 and o not in b'"\\' else f"\\{o:03d}"
                         for o in octets)
        out.append(f'"{quoted}"')
    return " ".join(out)


def record(owner, kind, value):
    if value == "TIMEOUT":
        return f"{owner} {kind} TIMEOUT"
    if kind in ("TXT", "SPF"):
        return f"{owner} TXT {strings(value)}"
    if kind == "MX":
        return f"{owner} MX {value[0]} {name(value[1])}"
    if kind in ("PTR", "CNAME", "NS"):
        return f"{owner} {kind} {name(value)}"
    return f"{owner} {kind} {value}"


def zone_of(data):
    """Zone lines. Type SPF stands for TXT unless the name has TXT itself."""
    lines = []
    for owner, records in data.items():
        own = name(owner)
        has_txt = any(isinstance(r, dict) and "TXT" in r for r in records)
        for entry in records:
            if entry == "TIMEOUT":
                lines.append(f"{own} ANY TIMEOUT")
                continue
            for kind, value in entry.items():
                if value == "NONE" or (kind == "SPF" and has_txt):
                    continue
                lines.append(record(own, kind, value))
    return lines


def cases(path, yaml):
    with open(path, encoding="utf-8") as file:
        for scenario in yaml.safe_load_all(file):
            zone = zone_of(scenario["zonedata"])
            for test, case in scenario["tests"].items():
                yield f"{scenario['description']}: {test}", case, zone


def run(remite, batch):
    text = "".join(json.dumps(
        {"id": label, "verb": "spf", "ip": case["host"], "helo": case["helo"],
         "mail_from": case["mailfrom"], "receiver": "receiver.example", "zone": zone}) + "\n"
        for label, case, zone in batch)
    done = subprocess.run([remite, "batch"], input=text.encode(), timeout=60,
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def verdict(case, got):
    """None when got is what the suite wants, else what is wrong."""
    want = case["result"] if isinstance(case["result"], list) else [case["result"]]
    if got.get("result") not in want:
        return f"wanted {' or '.join(want)}, got {got.get('result', got)}"
    text = case.get("explanation")
    if text is not None and got["explanation"] != ("" if text == "DEFAULT" else text):
        return f"wanted explanation {text!r}, got {got['explanation']!r}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--remite", default=os.path.join(ROOT, "build", "remite"))
    parser.add_argument("--suite")
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    path = args.suite or next((p for p in PLACES if p and os.path.exists(p)), None)
    try:
        import yaml
    except ImportError:
        yaml = None
    if path is None or yaml is None:
        print("spf_suite: skipped:", "the suite is not beside the checkout (set SPF_SUITE)"
              if path is None else "python3-yaml is not installed")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    batch = list(cases(path, yaml))
    results = run(args.remite, batch)
    failed = 0
    for (label, case, _), got in zip(batch, results):
        wrong = verdict(case, got) if got["id"] == label else "out of order"
        if wrong:
            failed += 1
            print(f"FAILED: {label}: {wrong}")
        elif args.v:
            print(f"passed: {label}")
    failed += len(batch) - len(results)
    print(f"{len(batch) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
