# SPDX-License-Identifier: MIT
"""The mail plugin with a stand-in agent: unsubscribing, return paths, preferences."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
import receipts
from agent import Agent
from dovecot import Dovecot
from live import equal, main, quick, test, true, wait_until
from receipts import ENTRY, keywords, metadata, settle, wait_keywords

NEWSLETTER = """\
From: News <news@list.example>
To: ann@example.net
Subject: issue {n}
Message-ID: <{n}@list.example>
List-Unsubscribe: <https://list.example/u/{n}>
List-Unsubscribe-Post: List-Unsubscribe=One-Click

text {n}
"""


def start(place, count=1, **options):
    options.setdefault("remite", {"unsubscribe": "yes"})
    return receipts.start(place, requests=count, message=NEWSLETTER, **options)


@test
def U05_P25_a_users_tag_hands_over_the_whole_message(place):
    agent, dovecot = start(place, count=2)
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        job = agent.wait("unsubscribe")
        equal((job["uid"], job["msgid"], job["count"], job.get("confirmed")),
              ("1", "<1@list.example>", "1", None), "the job")
        true(b"text 1" in job.body and b"List-Unsubscribe-Post" in job.body, "the message")
        wait_keywords(imap, 1, {"$UnsubscribePending"}, "the tag goes with the ACK")
        equal(agent.answer_about(job, add="$unsubscribed", remove="$UnsubscribePending"),
              None, "DONE")
        equal(keywords(imap, 1), {"$unsubscribed"}, "what the user sees")
        imap.ok("UID STORE 2 FLAGS ($Unsubscribe \\Seen)")
        equal(agent.wait("unsubscribe", 2)["uid"], "2", "by a STORE that replaces")
    equal(dovecot.errors(), [], "errors in the log")


@test
def P25_many_at_once_are_asked_about_first(place):
    agent, dovecot = start(place, count=20)
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID STORE 1:* +FLAGS ($Unsubscribe)")
        job = agent.wait("unsubscribe", 20)
        equal({j["count"] for j in agent.of("unsubscribe")}, {"20"}, "how many they know of")
        true(b"List-Unsubscribe:" in job.body and b"text" not in job.body, "headers alone")
        equal(agent.answer_about(job, uid=7, msgid="<7@list.example>", want="unsubscribe"),
              None, "DONE")
        job = agent.wait("unsubscribe", 21)
        equal((job["uid"], job["confirmed"], b"text 7" in job.body), ("7", "yes", True),
              "the one that was confirmed")
    equal(dovecot.errors(), [], "errors in the log")


@test
def P25_many_at_once_are_still_many_in_the_next_session(place):
    agent, dovecot = start(place, count=21, acks=False)
    agent.stop()
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID STORE 1:* +FLAGS ($Unsubscribe)")
        imap.logout()
    agent.start()
    agent.acks = True
    with dovecot.imap() as imap:
        imap.select()
        agent.wait("unsubscribe", 21)
        equal({j["count"] for j in agent.of("unsubscribe")}, {"21"}, "how many they know of")


@test
def P25_a_folder_for_unsubscribing_takes_what_the_user_drops(place):
    agent, dovecot = start(place, count=3, remite={"unsubscribe": "yes",
                                                   "drop_unsubscribe": "Unsubscribe"})
    with dovecot.imap() as imap:
        imap.ok("CREATE Unsubscribe")
        imap.select()
        imap.ok("UID COPY 1 Unsubscribe")
        job = agent.wait("unsubscribe")
        equal((job["msgid"], job["count"], b"text 1" in job.body),
              ("<1@list.example>", "1", True), "copied there")
        wait_until(lambda: imap.ok("NOOP") is not None and imap.uids() == [2, 3, 4],
                   "the copy to take the original's place")
        equal(keywords(imap, 4), {"$UnsubscribePending"}, "it waits")
        imap.ok("UID MOVE 2 Unsubscribe")
        equal(agent.wait("unsubscribe", 2)["msgid"], "<2@list.example>", "moved there")
        wait_until(lambda: imap.ok("NOOP") is not None and imap.uids() == [3, 4, 5],
                   "the message to come back")
        equal(agent.answer_about(job, add="$unsubscribed", remove="$UnsubscribePending"), None,
              "the copy is gone, the message is found")
        equal(keywords(imap, 4), {"$unsubscribed"}, "what the user sees")
        imap.select("Unsubscribe")
        equal(imap.uids(), [], "the folder")
    equal(dovecot.errors(), [], "errors in the log")


@test
def without_the_setting_the_tag_is_a_tag(place):
    agent, dovecot = start(place, remite={"receipts": "server"})
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID STORE 1 +FLAGS ($Unsubscribe)")
        settle(imap)
        equal(keywords(imap, 1), {"$Unsubscribe"}, "keywords")
    equal(agent.jobs, [], "jobs")


@test
def canunsubscribe_is_set_where_our_own_mx_said_so(place):
    """finding 8 (RFC 9979)"""
    ours = "Received: from x by mx.example.test (Postfix); Sun, 22 Nov 2026 02:00:00 +0000\n"
    other = "Received: from y by mail.stranger.example; Sun, 22 Nov 2026 01:00:00 +0000\n"
    header = ("X-Remite-Unsubscribe: v=1; d=list.example; s=k1; t=1763780000; "
              "u=<https://list.example/u/1>\n")
    agent, dovecot = start(place, count=0, users={
        "ann": {"remite_trust_headers": "yes"}, "bob": {}})
    letter = NEWSLETTER.format(n=1)
    for text in (header + ours + other + letter, ours + header + other + letter,
                 ours + other + header + letter, ours + other + letter):
        dovecot.deliver(["ann", "bob"], text)
    with dovecot.imap() as imap:
        imap.select()
        equal([keywords(imap, n) for n in (1, 2, 3, 4)],
              [{"$canunsubscribe"}, {"$canunsubscribe"}, set(), set()],
              "above, between, below, none")
    with dovecot.imap("bob") as imap:
        imap.select()
        equal([keywords(imap, n) for n in (1, 2, 3, 4)], [set()] * 4, "without the setting")
    equal(dovecot.errors(), [], "errors in the log")


@test
def a_return_paths_mail_is_handed_over_until_it_is_taken(place):
    agent = Agent(place, acks=False)
    dovecot = Dovecot(place, users={"bounces": {"remite_feedback": "yes"}, "ann": {}},
                      agent=agent.path, remite={"receipts": "off"})
    dovecot.deliver(["bounces", "ann"], NEWSLETTER.format(n=1))
    job = agent.wait("feedback")
    equal((job["user"], b"text 1" in job.body), ("bounces", True), "the job")
    with dovecot.imap("bounces") as imap:
        imap.select()
        equal(keywords(imap, 1), {"$FeedbackPending"}, "while nobody took it")
    agent.stop()
    delivered = [1]

    def deliver(_=0):
        delivered.append(len(delivered) + 1)
        dovecot.deliver("bounces", NEWSLETTER.format(n=delivered[-1]))
    quick(5, deliver)
    agent.acks = True
    agent.start()
    deliver()
    agent.wait("feedback", 1 + len(delivered))
    equal({j["msgid"] for j in agent.of("feedback")[1:]},
          {f"<{n}@list.example>" for n in delivered}, "handed over with a later delivery")
    with dovecot.imap("bounces") as imap:
        imap.select()
        wait_until(lambda: not any(keywords(imap, n) for n in delivered),
                   "the marks to go")
    equal([e for e in dovecot.errors() if "will try again" not in e], [], "errors in the log")


@test
def a_standing_preference_is_server_metadata(place):
    agent = Agent(place)
    dovecot = Dovecot(place, agent=agent.path, remite={"receipts": "server"},
                      more=metadata())
    with dovecot.imap() as imap:
        imap.ok(f'SETMETADATA "" ({ENTRY} "never")')
        equal(agent.wait("preference")["value"], "never", "what the agent hears")
        imap.ok(f'SETMETADATA "" ({ENTRY} {{3+}}\r\nask)')
        equal(agent.wait("preference", 2)["value"], "ask", "as a literal")
        equal("ask" in str(imap.ok(f'GETMETADATA "" {ENTRY}')), True, "what is stored")
        number = agent.answer(user="ann", preference="always")
        equal(agent.wait_done(number), None, "DONE")
        equal("always" in str(imap.ok(f'GETMETADATA "" {ENTRY}')), True, "set elsewhere")
        imap.ok(f'SETMETADATA "" ({ENTRY} NIL)')
        equal(agent.wait("preference", 3)["value"], "", "removed")
        imap.ok('SETMETADATA "" (/private/comment "x")')
        settle(imap)
        equal(len(agent.of("preference")), 3, "jobs")
    equal(dovecot.errors(), [], "errors in the log")


if __name__ == "__main__":
    main()
