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
             "cat": {"remite_receipts": "client"}, "eve": {"remite_receipts": "report"},
             "dan": {}}
    dovecot = Dovecot(place, users=users, agent=agent.path, remite={"receipts": "off"})
    dovecot.deliver(list(users), REQUEST.format(n=1))
    found = {}
    for user in users:
        with dovecot.imap(user) as imap:
            imap.select()
            found[user] = keywords(imap, 1)
    equal(found, {"ann": MARKED, "bob": {"$MDNSent"}, "cat": set(), "eve": set(),
                  "dan": set()},
          "keywords by remite_receipts of the userdb")
    agent.wait("delivered")
    equal([j["user"] for j in agent.of("delivered")], ["ann"], "jobs")


@test
def P10_K01_sieve_opts_out_with_the_keyword(place):
    agent, dovecot = start(place, requests=0, sieve=True)
    dovecot.write("ann", ".dovecot.sieve", """
require ["imap4flags", "fileinto", "mailbox"];
if header :contains "subject" "confirm 1" { addflag "$MDNSent"; keep; }
elsif header :contains "subject" "confirm 4" { keep :flags "$mdnsent"; }
elsif header :contains "subject" "confirm 2" { fileinto :flags "\\\\Seen" :create "Sorted"; }
""")
    for n in (1, 2, 3, 4):
        dovecot.deliver("ann", REQUEST.format(n=n))
    with dovecot.imap() as imap:
        imap.select()
        equal(keywords(imap, 1), {"$MDNSent"}, "opted out: not pending")
        equal(keywords(imap, 2), MARKED, "kept by Sieve")
        equal(keywords(imap, 3), {"$MDNSent"}, "opted out in small letters (K07)")
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


@test
def P7_what_is_thrown_away_out_of_the_trash_unread_is_told(place):
    agent, dovecot = start(place, requests=6)

    def expunge(imap, uid):
        imap.ok(f"UID STORE {uid} +FLAGS (\\Deleted)")
        imap.ok("EXPUNGE")
    with dovecot.imap() as imap:
        imap.select()
        expunge(imap, 1)                                  # elsewhere: half of a move?
        imap.ok("UID STORE 2 +FLAGS (\\Seen)")
        imap.ok("UID FETCH 3 (BODY[])")
        agent.wait("shown")
        imap.ok("UID MOVE 2:6 Trash")                     # UIDs 1 to 5 there
        imap.select("Trash")
        expunge(imap, 1)                                  # marked as read
        expunge(imap, 2)                                  # displayed
        imap.ok("UID MOVE 3 INBOX")
        agent.none("deleted")
        expunge(imap, 4)
        job = agent.wait("deleted")
        equal((job["msgid"], job["box"]), ("<5@example.org>", "Trash"), "the job")
        imap.ok("UID STORE 5 +FLAGS (\\Deleted)")
        imap.ok("CLOSE")
        equal(agent.wait("deleted", 2)["msgid"], "<6@example.org>", "by CLOSE")
    equal(dovecot.errors(), [], "errors in the log")


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
    ("FETCH BODY[1.MIME], the header of a part", ["UID FETCH 1 (BODY[1.MIME])"], 0),
    ("FETCH BODY[HEADER]", ["UID FETCH 1 (BODY[HEADER])"], 0),
    ("FETCH BODY.PEEK[HEADER]", ["UID FETCH 1 (BODY.PEEK[HEADER] ENVELOPE FLAGS)"], 0),
    ("FETCH BODYSTRUCTURE, ENVELOPE, sizes",
     ["UID FETCH 1 (BODYSTRUCTURE ENVELOPE RFC822.SIZE)"], 0),
    ("FETCH PREVIEW", ["UID FETCH 1 (PREVIEW)"], 0),
    ("a search in text", ["UID SEARCH BODY text"], 0),
    ("a single \\Seen of what nobody fetched", ["UID STORE 1 +FLAGS (\\Seen)"], 0),
    ("\\Answered, \\Flagged and a keyword (K02)",
     ["UID STORE 1 +FLAGS (\\Answered \\Flagged Foo)"], 0),
    ("mark all read", ["STORE 1:* +FLAGS (\\Seen)"], 0),
    ("mark all read after a prefetch",
     ["UID FETCH 1:* (BODY.PEEK[])", "STORE 1:* +FLAGS (\\Seen)"], 0),
    ("a prefetch", ["UID FETCH 1 (BODY.PEEK[])", "UID FETCH 2 (BODY.PEEK[])"], 0),
    ("a download of all", ["UID FETCH 1:* (BODY[])"], 0),
    ("\\Seen, then a PEEK", ["UID STORE 1 +FLAGS (\\Seen)", "UID FETCH 1 (BODY.PEEK[])"], 1),
]


# Of a message with parts, as programs ask for it.
PARTS = REQUEST.replace("Content-Type: text/plain\n\ntext {n}\n", """\
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain

text {n}
--c
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable

<p>text {n}=20
--c--
--b
Content-Type: message/rfc822

Subject: another

another
--b
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

AAAA
--b--
""")
LIST = "UID FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (From Subject)])"
ALL_TEXTS = "UID FETCH 1:2 (UID RFC822.SIZE FLAGS BODY.PEEK[])"
SEEN = "UID STORE 1 +FLAGS (\\Seen)"
SEEN_SILENT = "UID STORE 1 +FLAGS.SILENT (\\Seen)"
PROGRAMS = [
    ("Thunderbird", [LIST, "UID FETCH 1 (UID RFC822.SIZE BODY[])"], 1),
    ("Thunderbird that keeps mail offline", [LIST, ALL_TEXTS, SEEN], 1),
    ("the same, and nothing is opened", [LIST, ALL_TEXTS], 0),
    ("Apple Mail", ["UID FETCH 1 (BODYSTRUCTURE BODY.PEEK[HEADER])",
                    "UID FETCH 1 (BODY.PEEK[1.1])", "UID FETCH 1 (BODY.PEEK[1.2])",
                    SEEN_SILENT], 1),
    ("Roundcube", [LIST, "UID FETCH 1 (BODYSTRUCTURE BODY.PEEK[HEADER])",
                   "UID FETCH 1 (BINARY.PEEK[1.2])", SEEN], 1),
    ("mutt", ["UID FETCH 1 BODY.PEEK[]", SEEN_SILENT], 1),
    ("K-9, which fetches a piece", ["UID FETCH 1 (BODY.PEEK[TEXT]<0.64>)", SEEN_SILENT], 1),
    ("headers of parts, then \\Seen",
     ["UID FETCH 1 (BODY.PEEK[1.MIME] BODY.PEEK[2.HEADER])", SEEN], 0),
    ("BODY[2.HEADER], which sets \\Seen", ["UID FETCH 1 (BODY[2.HEADER])"], 0),
    ("sizes of parts", ["UID FETCH 1 (BINARY.SIZE[1.2] BINARY.SIZE[3])",
                        "UID FETCH 1 (BODY[HEADER])"], 0),
    ("a part alone", ["UID FETCH 1 (BODY[3])"], 1),
    ("\\Seen by replacing flags", ["UID FETCH 1 (BODY.PEEK[])", "UID STORE 1 FLAGS (\\Seen)"], 1),
    ("a STORE that comes too late (CONDSTORE)",
     ["ENABLE CONDSTORE", "UID FETCH 1 (BODY.PEEK[])",
      "UID STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)"], 0),
    ("QRESYNC", ["ENABLE QRESYNC", "SELECT INBOX (QRESYNC (1 1))", "UID FETCH 1 (BODY[])"], 1),
    ("a result that was saved", ["UID SEARCH RETURN (SAVE) UID 1", "UID FETCH $ (BODY[])"], 1),
    ("NOTIFY", ["NOTIFY SET STATUS (SELECTED (MessageNew (UID BODY.PEEK[TEXT]) "
                "MessageExpunge FlagChange))", "NOOP"], 0),
    ("sorting and threads", ["UID SORT (SUBJECT) UTF-8 BODY text",
                             "UID THREAD REFERENCES UTF-8 TEXT text"], 0),
    ("read and expunged at once",
     ["UID FETCH 1 (BODY[])", "UID STORE 1 +FLAGS (\\Deleted)", "UID EXPUNGE 1"], 1),
    ("thrown away unread", ["UID STORE 1 +FLAGS (\\Seen \\Deleted)", "EXPUNGE"], 0),
    ("unread again, and opened again",
     ["UID FETCH 1 (BODY[])", "UID STORE 1 -FLAGS (\\Seen)", "UID FETCH 1 (BODY[])"], 1),
    ("two, one after the other", ["UID FETCH 1 (BODY[])", "UID FETCH 2 (BODY[])"], 2),
    ("two in one command, then one of them",
     ["UID FETCH 1:2 (BODY[])", "UID FETCH 1 (BODY[])"], 1),
    ("COPY and MOVE", ["UID COPY 1 Sent", "UID MOVE 1 Trash"], 0),
]


def try_displays(place, rows, message):
    """Each row in a mailbox of its own with two such messages."""
    users = {f"u{i}": {} for i in range(len(rows))}
    agent = Agent(place)
    dovecot = Dovecot(place, users=users, agent=agent.path, remite={"receipts": "server"})
    for n in (1, 2):
        dovecot.deliver(list(users), message.format(n=n))
    for i, (what, commands, want) in enumerate(rows):
        with dovecot.imap(f"u{i}") as imap:
            imap.select()
            for command in commands:
                imap.ok(command)
            settle(imap)
            imap.logout()
        def got(user=f"u{i}"):
            return len([j for j in agent.of("shown") if j["user"] == user])
        wait_until(lambda want=want, got=got: got() >= want, what)  # told, but heard?
        equal(got(), want, what)
    equal(dovecot.errors(), [], "errors in the log")


@test
def K02_P9_what_clients_do_is_display_or_not(place):
    try_displays(place, DISPLAYS, REQUEST)


@test
def K02_P9_what_programs_do_to_a_message_with_parts_is_display_or_not(place):
    try_displays(place, PROGRAMS, PARTS)


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


def together(imap, *commands):
    """Said in one breath: no time passes for the server in between."""
    tags = [f"t{number}" for number in range(len(commands))]
    imap.socket.sendall("".join(f"{tag} {command}\r\n" for tag, command
                                in zip(tags, commands)).encode())
    for tag in tags:
        imap.finish(tag)


@test
def rule_strict_waits_for_the_reader_to_stay(place):
    agent, dovecot = start(place, requests=3,
                           remite={"receipts": "server", "displayed_evidence": "strict"})
    with dovecot.imap() as imap:
        imap.select()
        together(imap, "UID FETCH 1 (BODY[])", "UID FETCH 2 (BODY[])")
        equal(agent.wait("shown")["uid"], "2", "the one that was read on")
        settle(imap)
        equal(len(agent.of("shown")), 1, "jobs")
        together(imap, "UID FETCH 3 (BODY[])", "LOGOUT")
    time.sleep(0.2)
    equal(len(agent.of("shown")), 1, "jobs after a session that ended at once")


@test
def P8_P9_doveadm_and_pop3_display_nothing(place):
    agent, dovecot = start(place, requests=1, pop3=True)
    import poplib
    pop = poplib.POP3("127.0.0.1", dovecot.ports["pop3"], timeout=60)
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
def P30_more_keywords_than_a_maildirs_file_names_bear_do_no_harm(place):
    agent, dovecot = start(place, requests=0)
    with dovecot.imap() as imap:
        imap.append("INBOX", REQUEST.format(n=0))
        imap.select()
        for n in range(30):
            imap.ok(f"UID STORE 1 +FLAGS (word{n})")
        imap.logout()
    dovecot.deliver("ann", REQUEST.format(n=1))
    for _ in range(2):
        with dovecot.imap() as imap:
            imap.select()
            equal(keywords(imap, 2), MARKED, "keywords of the request")
            imap.ok("UID FETCH 2 (BODY[])")
            agent.wait("shown")
            settle(imap)
            imap.logout()
    equal({job["msgid"] for job in agent.of("shown")}, {"<1@example.org>"}, "jobs")
    equal(dovecot.errors(), [], "errors in the log")


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
