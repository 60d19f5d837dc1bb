# SPDX-License-Identifier: MIT
"""The mail plugin with a stand-in agent: when is a message displayed, and who hears."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from agent import Agent
from dovecot import Dovecot
from live import equal, main, test, true, wait_until
from receipts import MARKED, REQUEST, keywords, settle, start


# --- delivery ---

@test
def M11_a_request_is_marked_at_delivery_and_told_with_its_recipient(place):
    agent, dovecot = start(place, plain=1)
    job = agent.wait("delivered")
    equal((job["user"], job["rcpt"], job["msgid"], job["box"], job["mode"]),
          ("ann", "ann", "<1@example.org>", "INBOX", "server"), "the job")
    true(b"Disposition-Notification-To: Alice" in job.body, "it has the header")
    true(b"text 1" not in job.body, "and not the text")
    with dovecot.imap() as imap:
        imap.select()
        equal(keywords(imap, 1), MARKED, "keywords of the request")
        equal(keywords(imap, 2), set(), "keywords of another message")
    equal(dovecot.errors(), [], "errors in the log")


@test
def modes_mark_what_they_say(place):
    agent = Agent(place)
    users = {"ann": {"remite_receipts": "server"}, "bob": {"remite_receipts": "none"},
             "cat": {"remite_receipts": "client"}, "dan": {}}
    dovecot = Dovecot(place, users=users, agent=agent.path, remite={"receipts": "off"})
    dovecot.deliver(["ann", "bob", "cat", "dan"], REQUEST.format(n=1))
    found = {}
    for user in users:
        with dovecot.imap(user) as imap:
            imap.select()
            found[user] = keywords(imap, 1)
    equal(found, {"ann": MARKED, "bob": {"$MDNSent"}, "cat": set(), "dan": set()},
          "keywords by remite_receipts of the userdb")
    equal([j["user"] for j in agent.of("delivered")], ["ann"], "jobs")


@test
def P10_K01_sieve_opts_out_with_the_keyword(place):
    agent, dovecot = start(place, requests=0, sieve=True)
    dovecot.write("ann", ".dovecot.sieve", """
require ["imap4flags", "fileinto", "mailbox"];
if header :contains "subject" "confirm 1" { addflag "$MDNSent"; keep; }
elsif header :contains "subject" "confirm 2" { fileinto :flags "\\\\Seen" :create "Sorted"; }
""")
    for n in (1, 2, 3):
        dovecot.deliver("ann", REQUEST.format(n=n))
    with dovecot.imap() as imap:
        imap.select()
        equal(keywords(imap, 1), {"$MDNSent"}, "opted out: not pending")
        equal(keywords(imap, 2), MARKED, "kept by Sieve")
        imap.select("Sorted")
        equal(imap.flags(1) - {"\\Recent"}, MARKED | {"\\Seen"}, "filed by Sieve")
        # Finding 5: Sieve's \Seen hides no display.
        imap.ok("UID FETCH 1 (BODY.PEEK[])")
        equal(agent.wait("shown")["msgid"], "<2@example.org>", "displayed")
    equal(dovecot.errors(), [], "errors in the log")


@test
def P7_junk_is_never_answered(place):
    agent, dovecot = start(place, requests=1, sieve=True)
    dovecot.write("ann", ".dovecot.sieve", 'require ["fileinto"]; fileinto "Junk";')
    dovecot.deliver("ann", REQUEST.format(n=2))
    with dovecot.imap() as imap:
        imap.select("Junk")
        equal(keywords(imap, 1), {"$MDNSent"}, "delivered to Junk")
        imap.select("INBOX")
        imap.ok("UID MOVE 1 Junk")
        equal(agent.wait("choice")["choice"], "junk", "what the agent hears of the move")
        imap.select("Junk")
        equal(keywords(imap, 2), {"$MDNSent"}, "moved to Junk")
        imap.ok("UID FETCH 1:* (BODY[])")
        settle(imap)
    agent.none("shown")


# --- display ---

@test
def M11_a_display_is_told_and_marks_are_kept_until_the_ack(place):
    agent, dovecot = start(place, acks=False)
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        job = agent.wait("shown")
        equal((job["user"], job["box"], job["uid"], job["msgid"], job["how"]),
              ("ann", "INBOX", "1", "<1@example.org>", "fetched"), "the job")
        true(b"Disposition-Notification-To" in job.body, "it has the header")
        imap.ok("NOOP")
        equal(keywords(imap, 1), MARKED | {"$ReceiptShown"}, "before the ACK")
        agent.ack(job)
        wait_until(lambda: imap.ok("NOOP") is not None and keywords(imap, 1) == MARKED,
                   "the mark to go after the ACK")
        imap.ok("UID FETCH 1 (BODY[])")
        settle(imap)
        equal(len(agent.of("shown")), 1, "jobs of one session")
    equal(dovecot.errors(), [], "errors in the log")


DISPLAYS = [
    ("FETCH BODY[TEXT] of an unread message", ["UID FETCH 1 (BODY[TEXT])"], 1),
    ("FETCH BODY[1]", ["UID FETCH 1 (BODY[1])"], 1),
    ("FETCH BODY[TEXT]<0.3>", ["UID FETCH 1 (BODY[TEXT]<0.3>)"], 1),
    ("FETCH RFC822", ["UID FETCH 1 (RFC822)"], 1),
    ("FETCH BINARY[1]", ["UID FETCH 1 (BINARY[1])"], 1),
    ("PEEK, then \\Seen", ["UID FETCH 1 (BODY.PEEK[])", "UID STORE 1 +FLAGS.SILENT (\\Seen)"], 1),
    ("FETCH BODY[HEADER]", ["UID FETCH 1 (BODY[HEADER])"], 0),
    ("FETCH BODY.PEEK[HEADER]", ["UID FETCH 1 (BODY.PEEK[HEADER] ENVELOPE FLAGS)"], 0),
    ("FETCH BODYSTRUCTURE, ENVELOPE, sizes",
     ["UID FETCH 1 (BODYSTRUCTURE ENVELOPE RFC822.SIZE)"], 0),
    ("FETCH PREVIEW", ["UID FETCH 1 (PREVIEW)"], 0),
    ("a search in text", ["UID SEARCH BODY text"], 0),
    ("a single \\Seen of what nobody fetched", ["UID STORE 1 +FLAGS (\\Seen)"], 0),
    ("mark all read", ["STORE 1:* +FLAGS (\\Seen)"], 0),
    ("mark all read after a prefetch",
     ["UID FETCH 1:* (BODY.PEEK[])", "STORE 1:* +FLAGS (\\Seen)"], 0),
    ("a prefetch", ["UID FETCH 1 (BODY.PEEK[])", "UID FETCH 2 (BODY.PEEK[])"], 0),
    ("a download of all", ["UID FETCH 1:* (BODY[])"], 0),
    ("\\Seen, then a PEEK", ["UID STORE 1 +FLAGS (\\Seen)", "UID FETCH 1 (BODY.PEEK[])"], 1),
]


@test
def P9_what_clients_do_is_display_or_not(place):
    users = {f"u{i}": {} for i in range(len(DISPLAYS))}
    agent = Agent(place)
    dovecot = Dovecot(place, users=users, agent=agent.path, remite={"receipts": "server"})
    for n in (1, 2):
        dovecot.deliver(list(users), REQUEST.format(n=n))
    for i, (what, commands, want) in enumerate(DISPLAYS):
        with dovecot.imap(f"u{i}") as imap:
            imap.select()
            for command in commands:
                imap.ok(command)
            settle(imap)
            imap.logout()
        got = len([j for j in agent.of("shown") if j["user"] == f"u{i}"])
        equal(got, want, what)
    equal(dovecot.errors(), [], "errors in the log")


@test
def a_prefetch_in_one_session_and_seen_in_the_next_is_a_display(place):
    agent, dovecot = start(place)
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY.PEEK[])")
        imap.logout()
    agent.none("shown")
    with dovecot.imap() as imap:
        imap.select()
        equal(keywords(imap, 1), MARKED | {"$ReceiptFetched"}, "what is remembered")
        imap.ok("UID STORE 1 +FLAGS (\\Seen)")
        agent.wait("shown")


@test
def rule_seen_takes_a_single_seen_alone(place):
    agent, dovecot = start(place, requests=2, plain=1,
                           remite={"receipts": "server", "displayed_evidence": "seen"})
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID STORE 1 +FLAGS (\\Seen)")
        equal(agent.wait("shown")["how"], "seen", "the rule it names")
        imap.ok("UID STORE 2:3 +FLAGS (\\Seen)")
        settle(imap)
        equal(len(agent.of("shown")), 1, "jobs")


@test
def rule_strict_waits_for_the_reader_to_stay(place):
    agent, dovecot = start(place, requests=3,
                           remite={"receipts": "server", "displayed_evidence": "strict"})
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        imap.ok("UID FETCH 2 (BODY[])")
        equal(agent.wait("shown")["uid"], "2", "the one that was read on")
        settle(imap)
        equal(len(agent.of("shown")), 1, "jobs")
        imap.ok("UID FETCH 3 (BODY[])")
        imap.logout()
    time.sleep(0.2)
    equal(len(agent.of("shown")), 1, "jobs after a session that ended at once")


@test
def P8_P9_doveadm_and_pop3_display_nothing(place):
    agent, dovecot = start(place, requests=1, pop3=True)
    import poplib
    pop = poplib.POP3("127.0.0.1", dovecot.ports["pop3"], timeout=10)
    pop.user("ann")
    pop.pass_("x")
    pop.retr(1)
    pop.quit()
    dovecot.doveadm("fetch", "-u", "ann", "body", "ALL")
    dovecot.doveadm("flags", "add", "-u", "ann", "\\Seen", "ALL")
    dovecot.doveadm("flags", "remove", "-u", "ann", "$MDNSent", "ALL")
    with dovecot.imap() as imap:
        imap.select()
        equal(keywords(imap, 1), {"$ReceiptPending"}, "doveadm's change is not undone")
        agent.none("shown")
        imap.ok("UID FETCH 1 (BODY.PEEK[])")
        agent.wait("shown")


@test
def an_examined_mailbox_is_never_written_to(place):
    agent, dovecot = start(place)
    with dovecot.imap() as imap:
        imap.select(examine=True)
        imap.ok("UID FETCH 1 (BODY[])")
        settle(imap)
        equal(keywords(imap, 1), MARKED, "keywords")
        agent.none("shown")
        imap.select()
        equal(keywords(imap, 1), MARKED, "keywords")
        imap.ok("UID FETCH 1 (BODY[])")
        agent.wait("shown")


if __name__ == "__main__":
    main()
