# SPDX-License-Identifier: MIT
"""remite_receipts = report: mail and programs go on as without us, and it is logged
what would be answered. What was displayed in it is never answered later."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from agent import Agent
from dovecot import Dovecot
from live import BUILD, equal, main, test, true, wait_until
from receipts import (ANN, AUTOMATIC, ASKING, CONFIG, MARKED, REQUEST, House, keywords,
                      settle, start, wait_keywords)

REPORT = {"receipts": "report"}


def stored_flags(dovecot, user="ann"):
    """As doveadm finds them in INBOX."""
    words = dovecot.doveadm("-f", "tab", "fetch", "-u", user, "flags", "mailbox", "INBOX")
    return [{f for f in line.split() if f.startswith("$")} for line in words.splitlines()[1:]]


# --- with a stand-in agent: what happens to mail ---

@test
def nothing_is_marked_and_the_display_is_told(place):
    agent, dovecot = start(place, requests=2, plain=1, remite=REPORT)
    with dovecot.imap() as imap:
        imap.select()
        equal([keywords(imap, n) for n in (1, 2, 3)], [set()] * 3, "keywords after delivery")
        imap.ok("UID FETCH 3 (BODY[])")
        imap.ok("UID FETCH 1 (BODY[])")
        job = agent.wait("shown")
        equal((job["user"], job["box"], job["uid"], job["msgid"], job["mode"], job["how"]),
              ("ann", "INBOX", "1", "<1@example.org>", "report", "fetched"), "the job")
        true(b"Disposition-Notification-To" in job.body, "it has the header")
        settle(imap)
        equal([imap.flags(n) - {"\\Recent"} for n in (1, 2, 3)],
              [{"\\Seen"}, set(), {"\\Seen"}], "flags after the ACK")
        imap.ok("UID FETCH 1 (BODY[])")
        imap.logout()
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        settle(imap)
    equal(stored_flags(dovecot), [set()] * 3, "by doveadm")
    equal([(j.kind, j["msgid"]) for j in agent.jobs if j.kind != "open"],
          [("shown", "<1@example.org>")], "jobs")
    equal(dovecot.errors(), [], "errors in the log")


@test
def mdnsent_is_the_clients_to_set_and_to_unset(place):
    for format in ("maildir", "sdbox", "mdbox"):
        agent = Agent(place, name=f"agent-{format}")
        path, place.path = place.path, place.file(format)
        os.makedirs(place.path)
        os.chmod(place.path, 0o755)
        dovecot = Dovecot(place, agent=agent.path, format=format, remite=REPORT)
        place.path = path
        dovecot.deliver("ann", REQUEST.format(n=1))
        with dovecot.imap() as imap:
            imap.select()
            for command, want in (("+FLAGS ($MDNSent)", {"$MDNSent"}),
                                  ("-FLAGS ($MDNSent)", set()),
                                  ("FLAGS ($MDNSent Foo)", {"$MDNSent", "Foo"}),
                                  ("FLAGS (Foo)", {"Foo"}),
                                  ("+FLAGS ($MDNApprove)", {"Foo", "$MDNApprove"}),
                                  ("+FLAGS ($MDNSent)", {"Foo", "$MDNApprove", "$MDNSent"})):
                imap.ok("UID STORE 1 " + command)
                equal(keywords(imap, 1), want, f"{format}: after {command}")
            # Who has answered is no reader any more.
            imap.ok("UID FETCH 1 (BODY[])")
            settle(imap)
            imap.logout()
        equal(stored_flags(dovecot), [{"$MDNApprove", "$MDNSent"}], f"{format}: what is stored")
        equal([j.kind for j in agent.jobs if j.kind != "open"], [], f"{format}: jobs")
        equal(dovecot.errors(), [], "errors in the log")
        dovecot.stop()


@test
def copies_drafts_and_mailboxes_that_are_answers_are_left_alone(place):
    agent, dovecot = start(place, requests=2, remite={
        "receipts": "report", "drop_approve": "Yes", "drop_deny": "No"})
    with dovecot.imap() as imap:
        for box in ("Yes", "No"):
            imap.ok(f"CREATE {box}")
        for box, flags in (("Sent", "\\Seen"), ("Drafts", "\\Draft")):
            imap.append(box, REQUEST.format(n=9), flags)
            imap.select(box)
            equal(keywords(imap, 1), set(), box)
        imap.select()
        imap.ok("UID COPY 1 Sent")
        imap.ok("UID COPY 1 Yes")
        imap.ok("UID MOVE 2 No")
        settle(imap)
        equal(imap.uids(), [1], "in INBOX")
        for box, uid in (("Sent", 2), ("Yes", 1), ("No", 1)):
            imap.select(box)
            equal(keywords(imap, uid), set(), box)
    equal([j.kind for j in agent.jobs if j.kind != "open"], [], "jobs")
    equal(dovecot.errors(), [], "errors in the log")


DISPLAYS = [
    ("FETCH BODY[TEXT] of an unread message", ["UID FETCH 1 (BODY[TEXT])"], 1),
    ("PEEK, then \\Seen", ["UID FETCH 1 (BODY.PEEK[])", "UID STORE 1 +FLAGS.SILENT (\\Seen)"], 1),
    ("a single \\Seen: who has the text is not known", ["UID STORE 1 +FLAGS (\\Seen)"], 1),
    ("\\Seen, then a PEEK", ["UID STORE 1 +FLAGS (\\Seen)", "UID FETCH 1 (BODY.PEEK[])"], 1),
    ("a PEEK", ["UID FETCH 1 (BODY.PEEK[])"], 0),
    ("a search in text", ["UID SEARCH BODY text"], 0),
    ("\\Answered", ["UID STORE 1 +FLAGS (\\Answered Foo)"], 0),
    ("mark all read", ["STORE 1:* +FLAGS (\\Seen)"], 0),
    ("a download of all", ["UID FETCH 1:* (BODY[])"], 0),
    ("a draft", ["UID STORE 1 +FLAGS (\\Draft)", "UID FETCH 1 (BODY[])"], 0),
    ("junk", ["UID STORE 1 +FLAGS ($Junk)", "UID FETCH 1 (BODY[])"], 0),
]


@test
def what_is_displayed_is_told_apart_without_marks(place):
    users = [f"u{n}" for n in range(len(DISPLAYS))]
    agent = Agent(place)
    dovecot = Dovecot(place, users=users, agent=agent.path, remite=REPORT)
    for n in (1, 2):
        dovecot.deliver(users, REQUEST.format(n=n))
    for user, (_, commands, _) in zip(users, DISPLAYS):
        with dovecot.imap(user) as imap:
            imap.select()
            for command in commands:
                imap.ok(command)
            settle(imap)
            imap.logout()
    agent.wait("shown", sum(count for _, _, count in DISPLAYS))
    got = {what: sum(j["user"] == user for j in agent.of("shown"))
           for user, (what, _, _) in zip(users, DISPLAYS)}
    equal(got, {what: count for what, _, count in DISPLAYS}, "displays")
    for user in users:
        equal([flags - {"$Junk"} for flags in stored_flags(dovecot, user)], [set(), set()],
              f"marks of {user}")
    equal(agent.of("delivered"), [], "deliveries told of")


@test
def read_only_trash_and_junk_are_no_display(place):
    agent, dovecot = start(place, requests=3, remite=REPORT)
    with dovecot.imap() as imap:
        imap.select(examine=True)
        imap.ok("UID FETCH 1 (BODY[])")
        imap.select()
        imap.ok("UID MOVE 2 Junk")
        imap.ok("UID MOVE 3 Trash")
        for box in ("Junk", "Trash"):
            imap.select(box)
            imap.ok("UID FETCH 1 (BODY[])")
            equal(keywords(imap, 1), set(), box)
        imap.ok("UID STORE 1 -FLAGS (\\Seen)")
        imap.ok("UID STORE 1 +FLAGS (\\Deleted)")
        imap.ok("EXPUNGE")
        settle(imap)
    equal([j.kind for j in agent.jobs if j.kind != "open"], [], "jobs")


@test
def a_strict_reading_takes_its_time_and_leaves_no_mark(place):
    agent, dovecot = start(place, remite={"receipts": "report", "displayed_evidence": "strict"})
    with dovecot.imap() as imap:
        imap.select()
        began = time.monotonic()
        imap.ok("UID FETCH 1 (BODY[])")
        equal(agent.wait("shown")["how"], "strict", "the job")
        true(time.monotonic() - began > 4, "told at once")  # RMT_DWELL_MSECS
        settle(imap)
        equal(keywords(imap, 1), set(), "keywords")


@test
def what_server_mode_marked_waits_for_its_return(place):
    users = {"ann": {"remite_receipts": "server"}}
    agent, dovecot = start(place, requests=2, users=users)
    agent.wait("delivered", 2)

    def become(mode):
        dovecot.users["ann"]["remite_receipts"] = mode
        dovecot.configure()
        dovecot.reload()
    become("report")
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        imap.ok("UID STORE 2 +FLAGS ($MDNApprove)")
        imap.ok("UID STORE 1 -FLAGS ($MDNSent)")
        settle(imap)
        equal([keywords(imap, 1), keywords(imap, 2)], [MARKED, MARKED | {"$MDNApprove"}],
              "marks of before")
        imap.logout()
    equal(agent.of("shown") + agent.of("choice"), [], "told meanwhile")
    become("server")
    with dovecot.imap() as imap:
        imap.select()
        equal(agent.wait("choice")["choice"], "approve", "the word is told now")
        imap.ok("UID FETCH 1 (BODY[])")
        equal(agent.wait("shown")["mode"], "server", "and the next reading")
        wait_keywords(imap, 2, MARKED, "the word goes with the ACK")


# --- with the real one: nothing is sent, then or later ---

REPORTING = CONFIG.replace('mode = "enforce"', 'mode = "report"')


def claims(house):
    done = subprocess.run([os.path.join(BUILD, "remite"), "-c", house.config,
                           "receipts", "export", ANN],
                          capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)["claims"]


def wait_told(house, n):
    """Until the log says what would be done about message n."""
    wanted = f"receipt would send user=<{ANN}> id=<{n}@example.net>"
    wait_until(lambda: wanted in house.dovecot.log(), f"'{wanted}' in the log")
    return house.dovecot.log().count(wanted)


def house_in_report_mode(place, config, receipts=AUTOMATIC):
    return House(place, receipts, config=config, remite={"receipts": "report", "addresses": ANN})


def enforce(house):
    """As the guide says: remite.conf, then Dovecot's part."""
    house.template = CONFIG
    house.configure()
    house.dovecot.remite["receipts"] = "server"
    house.dovecot.configure()
    house.dovecot.restart()


@test
def nothing_is_sent_for_what_was_displayed_before_it_was_enforced(place):
    house = house_in_report_mode(place, REPORTING)
    for n in (1, 2):
        house.deliver(n)
    equal([house.keywords(n) for n in (1, 2)], [set(), set()], "keywords in report mode")
    house.read(1)
    equal(wait_told(house, 1), 1, "lines in the log")
    equal(house.settle(), 0, "receipts in report mode")
    equal(claims(house), [], "claims")
    enforce(house)
    house.read(1)          # once more; and for the first time what came in report mode:
    house.read(2)          # the user's own program sees no $MDNSent, and asks
    equal([house.keywords(n) for n in (1, 2)], [set(), set()], "keywords later")
    house.deliver(3)
    equal(house.keywords(3), {"$MDNSent", "$ReceiptPending"}, "what comes now is marked")
    house.read(3)
    true("Original-Message-ID: <3@example.net>" in house.wait_receipts(1)[0], "and answered")
    equal(house.settle(), 1, "receipts")
    house.no_errors("Killed with signal 15")  # the restart


@test
def an_agent_that_enforces_sends_nothing_while_dovecot_reports(place):
    house = house_in_report_mode(place, CONFIG)
    house.deliver()
    house.read()
    equal(wait_told(house, 1), 1, "lines in the log")
    equal(house.settle(), 0, "receipts")
    equal((claims(house), house.keywords()), ([], set()), "claims and keywords")
    house.no_errors()


@test
def in_report_mode_nobody_is_asked(place):
    house = house_in_report_mode(place, CONFIG, ASKING)
    house.deliver()
    house.read()
    wait_until(lambda: f"receipt would ask user=<{ANN}>" in house.dovecot.log(),
               "the line in the log")
    time.sleep(0.5)
    equal(house.inbox(ANN, "HEADER Auto-Submitted generated"), [], "questions")
    equal(claims(house), [], "claims")
    house.no_errors()


if __name__ == "__main__":
    main()
