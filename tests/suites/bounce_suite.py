#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Returned messages of many mail systems through `remite batch`.

    tests/suites/bounce_suite.py [--remite build/remite] [--samples DIR] [-v]

The samples have a licence of their own and lie beside the checkout
(../shared/suites/bounces, or $BOUNCE_SUITE); without them the run is skipped and
says so. expected.tsv is another program's opinion, not the truth. A row with a conflict is
disputed by its own sources: it is looked at and not scored. A status of the form
x.0.9NN is the source's invention: it is not scored, the rest of its row is.
A row that we think wrong is a miss like any other, and argued in bounce_argued.tsv
(file, field, reason): arguing takes nothing from the score. Prints the score of
each field, of the rows that are scored and of all, and the misses; ends with
"N passed, N failed, N skipped". A miss that is not argued fails.
"""
import argparse
import collections
import csv
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PLACES = [os.environ.get("BOUNCE_SUITE", ""),
          os.path.join(ROOT, "..", "shared", "suites", "bounces"),
          os.path.join(ROOT, "..", "..", "shared", "suites", "bounces")]
FIELDS = ("recipient", "hard", "false-suppression", "kind", "class", "feedback-type",
          "status", "reply")
# Shown, and no failure: the source fills in codes that the message does not have.
SHOWN = ("status", "reply")
INVENTED = re.compile(r"\d\.0\.9\d\d")
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


def compare_codes(row, event):
    """The same for the codes: what the source invented is left out."""
    wrong = {}
    got = event or {"status": "", "reply": "", "feedback_type": ""}
    for field, key, want in (("status", "status", row["status"]),
                             ("reply", "reply", row["reply"]),
                             ("feedback-type", "feedback_type", row["fbtype"])):
        if want != got[key] and not INVENTED.fullmatch(want):
            wrong[field] = f"wanted {want or 'none'}, got {got[key] or 'none'}"
    return wrong


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
    wrong.update(compare_codes(row, event))
    return {k: f"{v} [{event['rule']}: {event['evidence'][:160]}]" if event else v
            for k, v in wrong.items()}


def is_disputed(row):
    return row["conflict"] not in ("", "-")


def score(rows, answers, argued):
    """Rows that are right by field, of those scored and of all; and the misses."""
    scored, all_rows, misses = collections.Counter(), collections.Counter(), []
    files = collections.OrderedDict()
    for row in rows:
        files.setdefault(row["file"], []).append(row)
    for name, wanted in files.items():
        answer = answers.get(name, {})
        for row, event in pair(wanted, answer.get("events", [])):
            wrong = compare(row, answer, event)
            for field in FIELDS:
                all_rows[field] += field not in wrong
                scored[field] += field not in wrong and not is_disputed(row)
            misses += [(name, f, ("(disputed) " if is_disputed(row) else "") + s,
                        argued.get((name, f))) for f, s in wrong.items()]
    return scored, all_rows, misses


def show(rows, scored, all_rows, misses):
    count = sum(not is_disputed(row) for row in rows)
    print(f"{len(rows)} rows; {len(rows) - count} have a conflict and are not scored")
    for field in FIELDS:
        missed = [m for m in misses if m[1] == field]
        unargued = sum(1 for m in missed if m[3] is None)
        print(f"{field:18} {scored[field]:4} of {count} ({100 * scored[field] / count:.2f} %); "
              f"of all {all_rows[field]} of {len(rows)} "
              f"({100 * all_rows[field] / len(rows):.2f} %), "
              + ("shown only" if field in SHOWN else
                 f"{len(missed) - unargued} argued, {unargued} not"))


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
    scored, all_rows, misses = score(rows, answers, argued)
    for name, field, sentence, reason in misses:
        if args.v or (reason is None and field not in SHOWN):
            print(f"{'argued' if reason else 'MISS'}: {name}: {field}: {sentence}"
                  + (f" -- {reason}" if reason else ""))
    show(rows, scored, all_rows, misses)
    failed = sum(1 for m in misses if m[3] is None and m[1] not in SHOWN)
    for name, field in sorted(set(argued) - {(m[0], m[1]) for m in misses}):
        print(f"STALE: {name}: {field}: argued, but no longer a mismatch")
        failed += 1
    print(f"{sum(all_rows[f] for f in FIELDS if f not in SHOWN)} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
