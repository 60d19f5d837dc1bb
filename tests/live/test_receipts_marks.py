# SPDX-License-Identifier: MIT
"""The mail plugin with a stand-in agent: keywords, choices, answers, scopes."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from agent import Agent
from dovecot import Dovecot, is_24
from live import equal, main, quick, test, true, wait_until
from receipts import MARKED, PLAIN, REQUEST, keywords, settle, start, wait_keywords


# --- what clients may not touch ---

@test
def K03_K07_clients_cannot_unset_mdnsent_nor_touch_our_marks(place):
    for format in ("maildir", "sdbox", "mdbox"):
        check_veto(place, format)


def check_veto(place, format):
    agent = Agent(place, name=f"agent-{format}")
    place_path, place.path = place.path, place.file(format)
    os.makedirs(place.path)
    os.chmod(place.path, 0o755)
    dovecot = Dovecot(place, agent=agent.path, format=format, remite={"receipts": "server"})
    place.path = place_path
    dovecot.deliver("ann", REQUEST.format(n=1))
    dovecot.deliver("ann", PLAIN.format(n=2))
    with dovecot.imap() as imap:
        imap.select()
        for command, want in (
                ("-FLAGS ($MDNSent)", MARKED),
                ("-FLAGS ($mdnsent $ReceiptPending Foo)", MARKED),
                ("FLAGS ()", MARKED),
                ("FLAGS (\\Flagged Foo)", MARKED | {"Foo"}),
                ("FLAGS ($MDNSent Bar)", MARKED | {"Bar"}),
                ("+FLAGS ($ReceiptShown $ReceiptFetched Baz)", MARKED | {"Bar", "Baz"})):
            imap.ok("UID STORE 1 " + command)
            equal(keywords(imap, 1), want, f"{format}: after {command}")
        imap.ok("UID STORE 2 +FLAGS ($ReceiptPending $MDNSent)")
        equal(keywords(imap, 2), {"$MDNSent"}, f"{format}: a client's own $MDNSent")
        imap.ok("UID STORE 2 -FLAGS ($MDNSent)")
        equal(keywords(imap, 2), {"$MDNSent"}, f"{format}: and it stays")
    equal(dovecot.errors(), [], "errors in the log")
    dovecot.stop()


@test
def K06_saved_copies_in_sent_and_drafts_get_mdnsent(place):
    _, dovecot = start(place, requests=0)
    with dovecot.imap() as imap:
        for box, flags, want in (("Sent", "\\Seen", {"$MDNSent"}),
                                 ("Drafts", "\\Draft Foo", {"$MDNSent", "Foo"}),
                                 ("INBOX", "Foo", {"Foo"})):
            imap.append(box, REQUEST.format(n=1), flags)
            imap.select(box)
            equal(keywords(imap, 1), want, box)
        imap.select("INBOX")
        imap.ok("UID COPY 1 Sent")
        imap.select("Sent")
        equal(keywords(imap, 2), {"$MDNSent", "Foo"}, "copied to Sent")


@test
def P11_K01_what_was_not_delivered_here_is_never_answered(place):
    agent, dovecot = start(place, requests=0)
    with dovecot.imap() as imap:
        imap.append("INBOX", REQUEST.format(n=1), "$MDNSent")
        imap.append("INBOX", REQUEST.format(n=2), "$MDNSent $ReceiptPending $ReceiptShown")
        imap.append("INBOX", REQUEST.format(n=3))
        imap.append("INBOX", REQUEST.format(n=4), "$mdnsent $receiptpending")
        imap.select()
        equal([keywords(imap, n) for n in (1, 2, 3, 4)],
              [{"$MDNSent"}, {"$MDNSent"}, set(), {"$MDNSent"}], "keywords of appended messages")
        for n in (1, 2, 3, 4):
            imap.ok(f"UID FETCH {n} (BODY[])")
        imap.ok("UID STORE 1:4 +FLAGS ($MDNApprove)")
        settle(imap)
    equal(agent.jobs, [], "jobs")


@test
def K01_a_draft_is_never_answered(place):
    agent, dovecot = start(place, requests=2)
    agent.wait("delivered", 2)
    for _ in range(2):
        with dovecot.imap() as imap:
            imap.select()
            imap.ok("UID STORE 1 +FLAGS (\\Draft)")
            imap.ok("UID FETCH 1 (BODY[])")
            imap.ok("UID STORE 1 +FLAGS ($MDNApprove)")
            imap.ok("UID FETCH 2 (BODY[])")
            agent.wait("shown")
            settle(imap)
            imap.logout()
    equal({job["msgid"] for job in agent.of("shown") + agent.of("choice")},
          {"<2@example.org>"}, "messages told of")


@test
def K05_copy_and_move_keep_the_marks(place):
    agent, dovecot = start(place, requests=2)
    with dovecot.imap() as imap:
        imap.ok("CREATE Archive")
        imap.select()
        imap.ok("UID COPY 1 Archive")
        imap.ok("UID MOVE 2 Archive")
        imap.select("Archive")
        equal([keywords(imap, 1), keywords(imap, 2)], [MARKED, MARKED], "in Archive")
        imap.ok("UID FETCH 2 (BODY[])")
        job = agent.wait("shown")
        equal((job["box"], job["msgid"]), ("Archive", "<2@example.org>"), "the job")


# --- choices ---

@test
def a_keyword_is_the_users_choice(place):
    agent, dovecot = start(place, requests=4)
    with dovecot.imap() as imap:
        imap.select()
        for uid, word, choice in ((1, "$MDNApprove", "approve"), (2, "$MDNDeny", "deny"),
                                  (3, "$MDNAlways", "always")):
            imap.ok(f"UID STORE {uid} +FLAGS ({word})")
            job = agent.wait("choice", uid)
            equal((job["choice"], job["uid"], job["msgid"]),
                  (choice, str(uid), f"<{uid}@example.org>"), word)
            wait_keywords(imap, uid, MARKED, f"{word} goes with the ACK")
        imap.ok("UID STORE 4 FLAGS ($MDNApprove $MDNDeny)")
        equal(agent.wait("choice", 4)["choice"], "deny", "of two, the careful one")
    equal(dovecot.errors(), [], "errors in the log")


@test
def choices_made_while_the_agent_is_away_are_told_later(place):
    agent, dovecot = start(place)
    agent.wait("delivered")
    agent.stop()
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID STORE 1 +FLAGS ($MDNApprove)")
        imap.ok("UID FETCH 1 (BODY[])")
        equal(keywords(imap, 1), MARKED | {"$MDNApprove", "$ReceiptShown"}, "kept")
        imap.logout()
    agent.start()
    with dovecot.imap() as imap:
        imap.select()
        equal(agent.wait("shown")["uid"], "1", "display told by the next session")
        equal(agent.wait("choice")["choice"], "approve", "and the choice")
        wait_keywords(imap, 1, MARKED, "after the ACKs")
    equal([e for e in dovecot.errors() if "will try again" not in e], [], "errors in the log")


@test
def P18_a_session_goes_on_without_the_agent_and_tells_it_when_it_is_back(place):
    agent, dovecot = start(place)
    agent.wait("delivered")
    agent.stop()

    def read(_=0):
        with dovecot.imap() as imap:
            imap.select()
            imap.ok("UID FETCH 1 (BODY[])")
            imap.logout()
    quick(2, read)
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        agent.start()
        agent.wait("shown")
        wait_keywords(imap, 1, MARKED, "after the ACK")
    wait_until(lambda: "will try again" in dovecot.log(),
               "the log to say that the agent is away")


@test
def an_agent_that_hangs_holds_up_nobody(place):
    agent, dovecot = start(place, requests=40, plain=40, acks=False)
    agent.on_job = lambda job: time.sleep(3600)

    def seconds_to_read(uids):
        begin = time.monotonic()
        with dovecot.imap() as imap:
            imap.select()
            for uid in uids:
                imap.ok(f"UID FETCH {uid} (BODY[])")
            imap.logout()
        return time.monotonic() - begin
    idle = seconds_to_read(range(41, 81))
    taken = seconds_to_read(range(1, 41))
    # Not a quarter of a second each, on a machine that has other things to do.
    true(taken < 10 + 3 * idle, f"40 reads beside a hanging agent: {taken} s, else {idle} s")


@test
def drop_folders_are_choices_and_give_the_message_back(place):
    agent, dovecot = start(place, requests=3, remite={
        "receipts": "server", "drop_approve": "Receipts/Send", "drop_deny": "Receipts/Decline"})
    with dovecot.imap() as imap:
        imap.ok("CREATE Receipts/Send")
        imap.ok("CREATE Receipts/Decline")
        imap.select()
        imap.ok("UID MOVE 1 Receipts/Send")
        equal(agent.wait("choice")["choice"], "approve", "moved to Send")
        wait_until(lambda: imap.ok("NOOP") is not None and imap.uids() == [2, 3, 4],
                   "the message to come back")
        equal(keywords(imap, 4), MARKED, "with its marks")
        imap.ok("UID COPY 2 Receipts/Decline")
        equal(agent.wait("choice", 2)["choice"], "deny", "copied to Decline")
        wait_until(lambda: imap.ok("NOOP") is not None and imap.uids() == [3, 4, 5],
                   "the copy to take the original's place")
        equal(keywords(imap, 5), MARKED, "with its marks")
        for box in ("Receipts/Send", "Receipts/Decline"):
            imap.select(box)
            equal(imap.uids(), [], box)
    equal(dovecot.errors(), [], "errors in the log")


@test
def who_moves_by_copying_and_expunging_loses_nothing(place):
    """mutt, and whoever does not know MOVE; at once, and a command at a time"""
    agent, dovecot = start(place, requests=2, remite={
        "receipts": "server", "drop_deny": "Receipts/Decline"})
    with dovecot.imap() as imap:
        imap.ok("CREATE Receipts/Decline")
        imap.select()
        tags = [imap.send(command) for command in (
            "UID COPY 1 Receipts/Decline", "UID STORE 1 +FLAGS (\\Deleted)", "EXPUNGE")]
        for tag in tags:
            imap.finish(tag)
        wait_until(lambda: imap.ok("NOOP") is not None and imap.uids() == [2, 3],
                   "the first to come back")
        imap.ok("UID COPY 2 Receipts/Decline")
        imap.ok("UID STORE 2 +FLAGS (\\Deleted)")
        imap.ok("EXPUNGE")
        wait_until(lambda: imap.ok("NOOP") is not None and imap.uids() == [3, 4],
                   "the second to come back")
        for uid in (3, 4):
            equal(keywords(imap, uid), MARKED, f"the marks of {uid}")
            true("\\Deleted" not in imap.flags(uid), f"{uid} is to stay")
        imap.select("Receipts/Decline")
        equal(imap.uids(), [], "the folder")
    equal(dovecot.errors(), [], "errors in the log")


QUOTA_23 = "plugin {\n  quota = count:User quota\n  quota_vsizes = yes\n" \
    "  quota_rule = *:messages=100\n}\n"
QUOTA_24 = 'quota "User quota" {\n  quota_driver = count\n  quota_message_count = 100\n}\n'


@test
def what_is_left_to_do_at_logout_is_done_while_quota_is_there(place):
    agent, dovecot = start(place, requests=1, plugins=["quota"],
                           more=QUOTA_24 if is_24() else QUOTA_23,
                           remite={"receipts": "server", "drop_deny": "Receipts/Decline"})
    with dovecot.imap() as imap:
        imap.ok("CREATE Receipts/Decline")
        imap.select()
        imap.socket.sendall(b"x UID COPY 1 Receipts/Decline\r\ny LOGOUT\r\n")
        imap.finish("y")
    equal(agent.wait("choice")["choice"], "deny", "the answer")
    with dovecot.imap() as imap:
        imap.select()
        wait_until(lambda: imap.ok("NOOP") is not None and imap.uids() == [2],
                   "the message to come back")
        equal(keywords(imap, 2), MARKED, "with its marks")
    equal(dovecot.errors(), [], "errors in the log")


@test
def what_was_opened_to_be_read_only_is_not_changed_by_a_copy(place):
    agent, dovecot = start(place, requests=1, remite={
        "receipts": "server", "drop_deny": "Receipts/Decline"})
    with dovecot.imap() as imap:
        imap.ok("CREATE Receipts/Decline")
        imap.ok("EXAMINE INBOX")
        imap.ok("UID COPY 1 Receipts/Decline")
        settle(imap)
        equal(imap.uids(), [1], "INBOX")
        imap.ok("EXAMINE Receipts/Decline")
        equal(imap.uids(), [], "the folder")
    equal(dovecot.errors(), [], "errors in the log")


@test
def P10_P25_a_scripts_seen_is_no_display_and_its_unsubscribe_nobodys_wish(place):
    script = place.file("auto.sieve", 'require ["imap4flags"]; addflag "\\\\Seen"; '
                                      'addflag "$Unsubscribe"; keep;')
    agent, dovecot = start(
        place, remite={"receipts": "server", "unsubscribe": "yes"},
        imap_plugins=["imap_sieve"], settings={} if is_24() else {
            "sieve_plugins": "sieve_imapsieve", "imapsieve_mailbox1_name": "Auto",
            "imapsieve_mailbox1_causes": "COPY", "imapsieve_mailbox1_before": "file:" + script},
        more=IMAPSIEVE_24.format(path=script) if is_24() else "")
    with dovecot.imap() as imap:
        imap.ok("CREATE Auto")
        imap.select()
        imap.ok("UID COPY 1 Auto")
        imap.select("Auto")
        equal("\\Seen" in imap.flags(1), True, "the script ran")
        settle(imap)
        imap.logout()
    with dovecot.imap() as imap:
        imap.select("Auto")
        settle(imap)
    agent.none("unsubscribe")
    agent.none("shown")


IMAPSIEVE_24 = """
sieve_plugins {{
  sieve_imapsieve = yes
}}
mailbox Auto {{
  sieve_script auto {{
    type = before
    cause = copy
    path = {path}
  }}
}}
"""


@test
def P26_marks_stay_when_the_user_is_switched_to_another_mode(place):
    users = {"ann": {"remite_receipts": "server"}}
    agent, dovecot = start(place, requests=2, users=users)
    agent.wait("delivered", 2)
    for uid, mode in ((1, "client"), (2, "none")):
        dovecot.users["ann"]["remite_receipts"] = mode
        dovecot.configure()
        dovecot.reload()
        with dovecot.imap() as imap:
            imap.select()
            equal(keywords(imap, uid), MARKED, f"{mode}: what was marked")
            imap.ok(f"UID FETCH {uid} (BODY[])")
            equal(agent.wait("shown", uid)["mode"], mode, "what the agent hears")
            imap.ok(f"UID STORE {uid} -FLAGS ($MDNSent)")
            wait_keywords(imap, uid, MARKED, f"{mode}: after the ACK")
            imap.logout()
    equal([e for e in dovecot.errors() if "remite" in e], [], "what we log")


# --- answers ---

@test
def answers_come_into_the_mailbox_and_are_confirmed(place):
    agent, dovecot = start(place, requests=2)
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        job = agent.wait("shown")
        for changes, want, what in (
                ({}, None, "DONE"),
                ({"user": "bob", "uid": 2}, "reason=another user's", "somebody else's"),
                ({"box": "Nowhere", "uid": 2, "msgid": "<77@example.org>"},
                 "reason=no such message", "no such message")):
            equal(agent.answer_about(job, remove="$ReceiptPending", **changes), want, what)
        equal(keywords(imap, 1), {"$MDNSent"}, "decided")
        equal(keywords(imap, 2), MARKED, "the other message")
    equal(dovecot.errors(), [], "errors in the log")


@test
def P12_an_answer_finds_a_message_that_was_moved(place):
    agent, dovecot = start(place, requests=2)
    with dovecot.imap() as imap:
        imap.ok("CREATE Archive")
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        job = agent.wait("shown")
        imap.ok("UID MOVE 1 Archive")
        imap.logout()
    with dovecot.imap() as imap:
        imap.select("INBOX")
        agent.wait("open", 2)
        equal(agent.answer_about(job, remove="$ReceiptPending"), "reason=no such message",
              "in INBOX")
        equal(keywords(imap, 2), MARKED, "its neighbour")
        imap.select("Archive")
        equal(agent.answer_about(job, remove="$ReceiptPending"), None, "in Archive")
        equal(keywords(imap, 1), {"$MDNSent"}, "decided")


@test
def P12_an_answer_about_an_expunged_message_is_kept(place):
    agent, dovecot = start(place, requests=1)
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        job = agent.wait("shown")
        imap.ok("UID STORE 1 +FLAGS (\\Deleted)")
        imap.ok("EXPUNGE")
        equal(agent.answer_about(job, remove="$ReceiptPending"), "reason=no such message",
              "KEEP")
    equal(dovecot.errors(), [], "errors in the log")


# --- scopes ---

@test
def mailboxes_without_requests_never_connect(place):
    agent, dovecot = start(place, requests=0)
    for n in (1, 2, 3):
        dovecot.deliver("ann", PLAIN.format(n=n))
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1:* (BODY[])")
        imap.ok("UID STORE 1:* FLAGS (\\Seen Foo)")
        settle(imap)
    equal((agent.jobs, agent.roles), ([], []), "jobs, connections")


HIBERNATION = """
imap_hibernate_timeout = 1s
service imap {
  unix_listener imap-master {
    mode = 0666
  }
}
service imap-hibernate {
  unix_listener imap-hibernate {
    mode = 0666
  }
}
"""


@test
def P1_a_session_out_of_hibernation_forgets_nothing(place):
    agent, dovecot = start(place, requests=1, more=HIBERNATION)
    agent.wait("delivered")
    agent.stop()
    with dovecot.imap() as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        tag = imap.send("IDLE")
        wait_until(lambda: not dovecot.pids("imap"), "the session to be hibernated")
        agent.start()
        imap.socket.sendall(b"DONE\r\n")
        imap.finish(tag)
        equal(agent.wait("shown")["uid"], "1", "told after it woke up")
        wait_keywords(imap, 1, MARKED, "after the ACK")


@test
def virtual_mailboxes_count_once_on_the_real_mail(place):
    agent, dovecot = start(place, requests=2, plugins=["virtual"], more=VIRTUAL_24
                           if is_24() else VIRTUAL_23)
    dovecot.write("ann", "virtual/All/dovecot-virtual", "INBOX\n  all\n")
    for folder in ("virtual", "virtual/All"):
        os.chown(os.path.join(dovecot.home("ann"), folder), dovecot.uid, -1)
    with dovecot.imap() as imap:
        imap.select("virtual/All")
        equal(len(imap.uids()), 2, "messages in the virtual mailbox")
        imap.ok("UID FETCH 2 (BODY[])")
        job = agent.wait("shown")
        equal((job["box"], job["msgid"]), ("INBOX", "<2@example.org>"), "the job")
        imap.ok("UID STORE 1 -FLAGS ($MDNSent $ReceiptPending)")
        imap.ok("UID STORE 1 +FLAGS ($MDNDeny)")
        equal(agent.wait("choice")["msgid"], "<1@example.org>", "a choice made there")
        settle(imap)
        equal(len(agent.of("shown")), 1, "jobs")
        imap.select("INBOX")
        wait_keywords(imap, 1, MARKED, "keywords of the real mail")
    equal(dovecot.errors(), [], "errors in the log")


VIRTUAL_23 = """
namespace virtual {
  prefix = virtual/
  separator = /
  location = virtual:~/virtual
  hidden = no
  list = yes
}
"""
VIRTUAL_24 = """
namespace virtual {
  prefix = virtual/
  separator = /
  mail_driver = virtual
  mail_path = ~/virtual
  hidden = no
  list = yes
}
"""


@test
def P3_shared_mailboxes_are_left_alone(place):
    agent = Agent(place)
    dovecot = Dovecot(place, users=("ann", "bob"), agent=agent.path,
                      remite={"receipts": "server"}, plugins=["acl"], imap_plugins=["imap_acl"],
                      settings={} if is_24() else {"acl": "vfile"},
                      more=(SHARED_24 if is_24() else SHARED_23).format(path=place.path))
    dovecot.deliver("ann", REQUEST.format(n=1))
    agent.wait("delivered")
    with dovecot.imap("ann") as imap:
        imap.ok("SETACL INBOX bob lrwstipekxacd")
    with dovecot.imap("bob") as imap:
        imap.select("shared/ann")
        equal(imap.uids(), [1], "ann's mail, seen by bob")
        imap.ok("UID FETCH 1 (BODY[])")
        imap.ok("UID STORE 1 +FLAGS ($MDNApprove)")
        imap.ok("UID COPY 1 INBOX")
        settle(imap)
        imap.select("INBOX")
        equal(keywords(imap, 1), {"$MDNSent", "$MDNApprove"}, "a copy in bob's own mailbox")
        imap.ok("UID FETCH 1 (BODY[])")
        settle(imap)
    equal([j.kind for j in agent.jobs if j.kind != "delivered"], [], "jobs")


@test
def P3_delegates_and_master_users_display_nothing(place):
    place.file("masters", "master:{PLAIN}x\n")
    agent, dovecot = start(place, more=(MASTER_24 if is_24() else MASTER_23).format(
        path=place.path))
    agent.wait("delivered")
    with dovecot.imap(login="ann*master") as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
        imap.ok("UID STORE 1 +FLAGS ($MDNApprove)")
        settle(imap)
    equal([j.kind for j in agent.jobs if j.kind != "delivered"], [], "jobs")


MASTER_23 = """
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  master = yes
  args = {path}/masters
}}
"""
MASTER_24 = """
auth_master_user_separator = *
passdb masters {{
  driver = passwd-file
  master = yes
  passwd_file_path = {path}/masters
}}
"""
SHARED_23 = """
namespace shared {{
  type = shared
  separator = /
  prefix = shared/%%u/
  location = maildir:%%h/Maildir:INDEXPVT=~/shared/%%u
  subscriptions = no
  list = yes
}}
plugin {{
  acl_shared_dict = file:{path}/d/home/ann/shared.db
}}
"""
SHARED_24 = """
acl_driver = vfile
acl_sharing_map {{
  dict file {{
    path = {path}/d/home/ann/shared.db
  }}
}}
namespace shared {{
  type = shared
  separator = /
  prefix = shared/$user/
  mail_driver = maildir
  mail_path = %{{owner_home}}/Maildir
  subscriptions = no
  list = yes
}}
"""


if __name__ == "__main__":
    main()
