#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Returned messages of many mail systems through `remite batch`.

    tests/suites/bounce_suite.py [--remite build/remite] [--samples DIR] [-v]

The samples have a licence of their own and lie beside the checkout
(../shared/suites/bounces, or $BOUNCE_SUITE); without them the run is skipped and
says so. expected.tsv is another program's opinion, not the truth: a row that we
think wrong is argued in bounce_argued.tsv (file, field, reason) and not counted.
Prints the score of each field and the misses; ends with
"N passed, N failed, N skipped". A miss that is not argued fails.
"""
import argparse
import collections
import csv
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PLACES = [os.environ.get("BOUNCE_SUITE", ""),
          os.path.join(ROOT, "..", "shared", "suites", "bounces"),
          os.path.join(ROOT, "..", "..", "shared", "suites", "bounces")]
FIELDS = ("recipient", "hard", "kind", "class", "false-suppression")
FINAL = ("dead-address", "dead-domain", "complaint", "unsubscribe")

# The source's reasons, and the classes that mean the same here.
CLASSES = {
    "userunknown": "dead-address", "hasmoved": "dead-address", "hostunknown": "dead-domain",
    "notaccept": "dead-domain network", "mailboxfull": "mailbox-full",
    "expired": "expired network delayed", "networkerror": "network expired delayed",
    "blocked": "reputation policy-sender rate auth policy-content",
    "filtered": "policy-content policy-sender inactive unknown",
    "rejected": "policy-sender policy-content auth reputation", "authfailure": "auth",
    "requireptr": "auth", "suspend": "inactive",
    "policyviolation": "policy-content policy-sender reputation",
    "systemerror": "network expired unknown config-ours",
    "spamdetected": "policy-content", "toomanyconn": "rate",
    "securityerror": "policy-sender policy-content auth", "onhold": "unknown inactive",
    "notcompliantrfc": "policy-content", "mailererror": "unknown network config-ours",
    "delivered": "delivered", "badreputation": "reputation", "syntaxerror": "config-ours",
    "norelaying": "config-ours", "undefined": "unknown", "virusdetected": "policy-content",
    "speeding": "rate", "mesgtoobig": "size", "exceedlimit": "size", "feedback": "complaint auth",
}
KINDS = {"feedback": "complaint", "delivered": "receipt bounce", "vacation": "auto-reply"}


def read_table(path):
    with open(path, encoding="utf-8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def run(remite, folder, names):
    text = "".join(json.dumps({"id": n, "verb": "bounce", "file": os.path.join(folder, n)}) + "\n"
                   for n in names)
    done = subprocess.run([remite, "batch"], input=text.encode(), timeout=120,
                          stdout=subprocess.PIPE, check=True)
    answers = (json.loads(line) for line in done.stdout.splitlines())
    return {answer["id"]: answer for answer in answers}


def pair(rows, events):
    """Each wanted row with the event of its recipient, else with the one in its place."""
    left, pairs = list(events), []
    for row in rows:
        same = [e for e in left if e["recipient"].lower() == row["recipient"].lower()]
        event = same[0] if same else None
        pairs.append([row, event])
        if event:
            left.remove(event)
    for entry in pairs:
        if entry[1] is None and left:
            entry[1] = left.pop(0)
    return pairs


def recipient_is_right(row, event):
    if row["recipient"] == "" or row["recipient"].startswith("undisclosed-recipient"):
        return True  # nobody is named, or the source made one up
    return event is not None and event["recipient"].lower() == row["recipient"].lower()


def compare(row, answer, event):
    """What is wrong: field -> sentence."""
    wrong = {}
    hard, got = row["hard"] == "1", bool(event and event["hard"])
    if not recipient_is_right(row, event):
        wrong["recipient"] = f"wanted {row['recipient']}, got {event and event['recipient']}"
    if got != hard:
        wrong["hard"] = f"wanted {hard} ({row['reason']}), got {event and event['class']}"
    if answer.get("kind") not in KINDS.get(row["reason"], "bounce").split():
        wrong["kind"] = f"got {answer.get('kind', answer)}"
    if (event["class"] if event else "none") not in CLASSES[row["reason"]].split():
        wrong["class"] = f"wanted {row['reason']}, got {event and event['class']}"
    if not hard and row["reason"] != "feedback" and event and event["class"] in FINAL:
        wrong["false-suppression"] = f"{row['reason']} taken as {event['class']}"
    return {k: f"{v} [{event['rule']}: {event['evidence'][:160]}]" if event else v
            for k, v in wrong.items()}


def score(rows, answers, argued):
    good, misses, total = collections.Counter(), [], len(rows)
    files = collections.OrderedDict()
    for row in rows:
        files.setdefault(row["file"], []).append(row)
    for name, wanted in files.items():
        answer = answers.get(name, {})
        for row, event in pair(wanted, answer.get("events", [])):
            wrong = compare(row, answer, event)
            for field in FIELDS:
                good[field] += field not in wrong
            misses += [(name, f, s, argued.get((name, f))) for f, s in wrong.items()]
    return good, misses, total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--remite", default=os.path.join(ROOT, "build", "remite"))
    parser.add_argument("--samples")
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    folder = args.samples or next((p for p in PLACES if p and os.path.isdir(p)), None)
    if folder is None:
        print("bounce_suite: skipped: the samples are not beside the checkout "
              "(set BOUNCE_SUITE)\n0 passed, 0 failed, 1 skipped")
        return 0
    rows = read_table(os.path.join(folder, "expected.tsv"))
    argued = {(r["file"], r["field"]): r["reason"]
              for r in read_table(os.path.join(HERE, "bounce_argued.tsv"))}
    answers = run(args.remite, folder, sorted({r["file"] for r in rows}))
    good, misses, total = score(rows, answers, argued)
    for name, field, sentence, reason in misses:
        if reason is None or args.v:
            print(f"{'argued' if reason else 'MISS'}: {name}: {field}: {sentence}"
                  + (f" -- {reason}" if reason else ""))
    for field in FIELDS:
        open_misses = sum(1 for m in misses if m[1] == field and m[3] is None)
        argued_ones = total - good[field] - open_misses
        print(f"{field:18} {good[field]:4} of {total} ({100 * good[field] / total:.1f} %), "
              f"{argued_ones} argued, {open_misses} missed")
    failed = sum(1 for m in misses if m[3] is None)
    for name, field in sorted(set(argued) - {(m[0], m[1]) for m in misses}):
        print(f"STALE: {name}: {field}: argued, but no longer a mismatch")
        failed += 1
    print(f"{sum(good.values())} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
