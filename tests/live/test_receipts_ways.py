# SPDX-License-Identifier: MIT
"""Ways to be asked and to answer, and ways mail and receipts take, with the real agent:
digests, folders, METADATA, TLS, system users, dovecot-lda, ACLs."""
import base64
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import LIBEXEC, is_24
from live import BUILD, ROOT, Skip, equal, main, need_program, test, true, wait_until
from postfix import run
from receipts import ALICE, ANN, ASKING, ASKS, AUTOMATIC, ENTRY, House, metadata
from sink import Sink


EVA = "eva@example.net"


def body_of(mail):
    """The text of a question, which is base64, and the header."""
    head, _, text = mail.replace("\r", "").partition("Content-Transfer-Encoding: base64")
    lines = re.findall(r"(?m)^[A-Za-z0-9+/=]+$", text)
    return base64.b64decode("".join(lines)).decode(), head


# --- asking ---

@test
def P17_a_digest_asks_about_all_that_is_open_in_one_message(place):
    house = House(place, ASKING, 'mail = "digest" digest = "8s"')
    for n in (1, 2, 3):
        house.deliver(n)
    house.wait_delivered(3)
    with house.dovecot.imap(ANN) as imap:  # all are open long before the digest
        imap.select()
        for uid in (1, 2, 3):
            imap.ok(f"UID FETCH {uid} (BODY[])")
        imap.logout()
    prompts = house.wait_prompts(1)
    text, head = body_of(prompts[0])
    true("Requests for read receipts that wait for you" in head, head)
    equal(sorted(re.findall(r"please confirm (\d)", text)), ["1", "2", "3"], "asked about")
    time.sleep(1)
    equal(len(house.wait_prompts(1)), 1, "questions by mail")
    house.set_keyword("$MDNApprove", 2)
    true("Original-Message-ID: <2@example.net>" in house.wait_receipts(1)[0], "that of 2")
    equal(house.settle(), 1, "receipts")
    house.no_errors()


@test
def questions_are_in_the_administrators_words_and_the_users_language(place):
    shutil.copytree(os.path.join(ROOT, "common/receipts/templates"), place.file("texts"))
    place.file("texts/en.prompt", "Subject: ACME asks\n\nAbout {subject} of {sender}\n")
    house = House(place, ASKING + f' templates = "{place.file("texts")}"', users={
        ANN: {"remite_addresses": ANN}, ALICE: {},
        EVA: {"remite_addresses": EVA, "remite_language": "es"}})
    house.deliver()
    house.read()
    text, head = body_of(house.wait_prompts(1)[0])
    true("Subject: ACME asks" in head, head)
    equal(text, f"About please confirm 1 of {ALICE}\n", "the text")
    house.deliver(2, to=EVA, text=ASKS.replace(ANN, EVA))
    house.read(2, EVA)
    text, head = body_of(house.wait_prompts(1, EVA)[0])
    true("Content-Language: es" in head and f"Acuse para: {ALICE}" in text, head + text)
    house.no_errors()


@test
def G04_the_policy_of_a_group_is_that_of_its_users(place):
    units = 'units: { quiet: { groups = ["press"] policy = "none" } }'
    house = House(place, f"{AUTOMATIC} {units}", users={
        ANN: {"remite_groups": "staff,press"}, EVA: {"remite_addresses": EVA}, ALICE: {}})
    house.deliver(1)
    house.deliver(2, to=EVA, text=ASKS.replace(ANN, EVA))
    house.read(1)
    house.read(2, EVA)
    true("Original-Message-ID: <2@example.net>" in house.wait_receipts(1)[0], "that of eva")
    wait_until(lambda: house.keywords(1) == {"$MDNSent"}, "$ReceiptPending to go")
    equal(house.settle(), 1, "receipts")
    house.no_errors()


QUOTA_23 = "plugin {\n  quota = count:User quota\n  quota_vsizes = yes\n" \
    "  quota_rule = *:messages=1\n  quota_grace = 0\n}\n"
QUOTA_24 = 'quota "User quota" {\n  quota_driver = count\n  quota_message_count = 1\n}\n'


@test
def P30_a_mailbox_over_quota_gets_no_question_and_nobody_a_bounce(place):
    house = House(place, ASKING, plugins=["quota"], more=QUOTA_24 if is_24() else QUOTA_23)
    house.deliver()
    house.read()
    wait_until(lambda: re.search(r"dsn=5\.2\.2|said: 552", house.postfix.log()),
               "the question to be refused")
    wait_until(lambda: not house.postfix.queue(), "an empty queue")
    true("sender non-delivery notification" not in house.postfix.log(), house.postfix.log())
    equal(len(house.inbox(ANN)), 1, "mail of ann")
    equal("$ReceiptPending" in house.keywords(), True, "it is still open")
    house.dovecot.doveadm("remite", "receipts", "approve", "-u", ANN, "1@example.net")
    house.wait_receipts(1)
    equal(house.settle(), 1, "receipts")
    house.no_errors()


# --- answering ---

@test
def drop_folders_approve_and_deny(place):
    house = House(place, ASKING, remite={
        "receipts": "server", "addresses": ANN,
        "drop_approve": "Receipts/Send", "drop_deny": "Receipts/Decline"})
    for n in (1, 2):
        house.deliver(n)
        house.read(n)
    house.wait_prompts(2)
    with house.dovecot.imap(ANN) as imap:
        imap.ok("CREATE Receipts/Send")
        imap.ok("CREATE Receipts/Decline")
        imap.select()
        uids = {n: imap.uids(f'HEADER Message-ID "<{n}@example.net>"')[0] for n in (1, 2)}
        imap.ok(f"UID MOVE {uids[1]} Receipts/Send")
        imap.ok(f"UID MOVE {uids[2]} Receipts/Decline")
        imap.ok("NOOP")
        imap.logout()
    true("Original-Message-ID: <1@example.net>" in house.wait_receipts(1)[0], "that of 1")
    for n in (1, 2):
        wait_until(lambda n=n: house.keywords(n) == {"$MDNSent"}, f"the marks of {n} to go")
    equal(house.settle(), 1, "receipts")
    house.no_errors()


@test
def M24_a_scripts_yes_waits_until_the_message_is_displayed(place):
    house = House(place, ASKING, sieve=True)
    house.dovecot.write(ANN, ".dovecot.sieve",
                        'require ["imap4flags"]; addflag "$MDNApprove"; keep;')
    house.deliver()
    for _ in range(2):
        with house.dovecot.imap(ANN) as imap:
            imap.select()
            imap.ok("NOOP")
            imap.logout()
    wait_until(lambda: house.keywords() == {"$MDNSent", "$ReceiptPending"},
               "the agent to have the yes")
    equal(house.settle(), 0, "receipts for what nobody has seen")
    house.read()
    true("MDN-sent-manually; displayed" in house.wait_receipts(1)[0], "by hand")
    equal(house.settle(), 1, "receipts")
    equal(house.inbox(ANN, "HEADER Auto-Submitted generated"), [], "questions")
    house.no_errors()


@test
def M09_a_preference_in_metadata_holds_against_the_policy(place):
    house = House(place, AUTOMATIC, more=metadata())
    house.deliver(1)
    house.deliver(2)
    with house.dovecot.imap(ANN) as imap:
        imap.ok(f'SETMETADATA "" ({ENTRY} "never")')
        imap.logout()
    house.read(1)
    wait_until(lambda: house.keywords(1) == {"$MDNSent"}, "the marks to go")
    equal(house.settle(), 0, "receipts after never")
    with house.dovecot.imap(ANN) as imap:
        imap.ok(f'SETMETADATA "" ({ENTRY} NIL)')
        imap.logout()
    house.read(2)
    true("Original-Message-ID: <2@example.net>" in house.wait_receipts(1)[0], "that of 2")
    equal(house.settle(), 1, "receipts")
    house.no_errors()


# --- submission ---

def make_certificate(place, name):
    """(certificate, key) for localhost, signed by itself."""
    paths = place.file(name + ".pem"), place.file(name + ".key")
    subprocess.run([need_program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-out", paths[0], "-keyout", paths[1]], check=True,
                   capture_output=True, timeout=60)
    return paths


@test
def a_certificate_that_is_not_trusted_is_told_and_nothing_is_lost(place):
    own, other = make_certificate(place, "own"), make_certificate(place, "other")
    sink = Sink(place, tls=own)
    submission = f'host = "localhost" port = {sink.port} tls = "starttls" ca = "%s"'
    house = House(place, AUTOMATIC, submission=submission % other[0])
    house.deliver()
    house.read()
    wait_until(lambda: "receipt waits" in house.dovecot.log(), "the agent to wait")
    told = wait_until(lambda: [e for e in house.dovecot.errors()
                               if "mail of ours waits" in e], "an error in the log")
    true( "certificate" in told[0] and "submission.ca" in told[0], told)
    equal(sink.mails, [], "mail over a connection that is not trusted")
    house.configure(submission=submission % own[0])
    house.dovecot.restart()
    run([f"{BUILD}/remite", "-c", house.config, "jobs", "retry"])
    mail = sink.wait()[0]
    equal((mail.sender, mail.recipients), ("", [ALICE]), "the envelope")
    house.no_errors("mail of ours waits|Killed with signal 15")


@test
def a_server_without_tls_gets_nothing_where_tls_is_demanded(place):
    sink = Sink(place)
    house = House(place, AUTOMATIC,
                  submission=f'host = "localhost" port = {sink.port} tls = "starttls"')
    house.deliver()
    house.read()
    wait_until(lambda: "receipt waits" in house.dovecot.log(), "the agent to wait")
    equal(sink.mails, [], "mail without TLS")
    house.no_errors("mail of ours waits")


# --- system users ---

def job(kind, user, body):
    return (f"VERSION\tremite\t1\trole=mail\nJOB\t1\t{kind}\tuser={user}\tbox=INBOX\t"
            f"uidvalidity=1\tuid=1\taddresses={user}@example.net\thow=fetched\t"
            f"body={len(body)}\n{body}").encode()


def say_as(uid, path, text):
    """What the agent answers to a process of that uid that says text."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        os.seteuid(uid)
        try:
            client.connect(path)
        finally:
            os.seteuid(0)
        client.sendall(text)
        stream = client.makefile("r")
        return stream.readline() + stream.readline()


@test
def system_users_have_receipts_and_none_speaks_for_another(place):
    games, news = (pwd.getpwnam(name).pw_uid for name in ("games", "news"))
    text = ASKS.replace("ann@", "games@")
    house = House(place, AUTOMATIC, remite={"receipts": "server"}, users={
        "games": {"uid": games, "remite_addresses": "games@example.net"},
        "news": {"uid": news}, ALICE: {}})
    house.deliver(to="games", text=text)
    house.read(user="games")
    true("Final-Recipient: rfc822;games@example.net" in house.wait_receipts(1)[0],
         "the receipt of games")
    forged = job("shown", "games", text.format(n=7, date=""))
    answer = say_as(news, house.dovecot.agent_socket(), forged)
    true("NAK" in answer and "does not speak for" in answer, answer)
    equal(house.settle(), 1, "receipts")
    house.no_errors("does not speak for 'games'")


# --- delivery and rights ---

@test
def dovecot_lda_marks_as_lmtp_does(place):
    house = House(place, AUTOMATIC)
    lda = os.path.join(LIBEXEC, "dovecot-lda")
    if not os.access(lda, os.X_OK):
        raise Skip("dovecot-lda is not installed")
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    subprocess.run(house.dovecot.within(lda, "-c", house.dovecot.config, "-d", ANN, "-f",
                                        ALICE, "-a", ANN),
                   input=("Return-Path: <alice@example.net>\n"
                          + ASKS.format(n=1, date=date)).encode(), timeout=60, check=True,
                   env={**os.environ, **house.dovecot.sanitizer})
    equal(house.keywords(), {"$MDNSent", "$ReceiptPending"}, "keywords")
    house.read()
    true("Final-Recipient: rfc822;ann@example.net" in house.wait_receipts(1)[0], "the receipt")
    equal(house.settle(), 1, "receipts")
    house.no_errors()


@test
def K01_a_mailbox_that_was_brought_here_is_not_answered(place):
    """By dsync, or as here: its marks come along, the agent's rows do not."""
    house = House(place, AUTOMATIC, users={ANN: {}, ALICE: {}, EVA: {"remite_addresses": EVA}})
    house.deliver(text=ASKS.replace(f"To: {ANN}", f"To: {ANN}, {EVA}"))
    equal(house.keywords(), {"$MDNSent", "$ReceiptPending"}, "keywords where it was delivered")
    there, here = (os.path.join(house.dovecot.home(user), "Maildir") for user in (ANN, EVA))
    shutil.copytree(there, here, ignore=shutil.ignore_patterns("dovecot.*"))
    subprocess.run(["chown", "-R", str(house.dovecot.uid), here], check=True)
    # What came a moment ago may be waited for.
    subprocess.run(["find", here, "-type", "f", "-exec", "touch", "-d", "-2 minutes", "{}", "+"],
                   check=True)
    equal(house.keywords(user=EVA), {"$MDNSent", "$ReceiptPending"}, "they came along")
    house.read(1, EVA)
    wait_until(lambda: house.keywords(user=EVA) == {"$MDNSent"}, "the mark to go")
    equal(house.settle(), 0, "receipts")
    house.read(1)
    house.wait_receipts(1)
    equal(house.settle(), 1, "receipts")
    house.no_errors()


@test
def what_was_delivered_while_the_agent_was_away_is_answered(place):
    house = House(place, AUTOMATIC, remite={"receipts": "server", "addresses": ANN,
                                            "agent_socket": place.file("later")})
    house.deliver()
    equal(house.keywords(), {"$MDNSent", "$ReceiptPending", "$ReceiptUntold"}, "keywords")
    os.symlink(house.dovecot.agent_socket(), place.file("later"))
    house.read()
    house.wait_receipts(1)
    wait_until(lambda: house.keywords() == {"$MDNSent"}, "the marks to go")
    equal(house.settle(), 1, "receipts")
    house.no_errors("will try again")


@test
def K04_without_the_right_to_write_flags_nothing_is_sent(place):
    house = House(place, AUTOMATIC, plugins=["acl"],
                  settings={} if is_24() else {"acl": "vfile"},
                  more="acl_driver = vfile\n" if is_24() else "")
    house.deliver()
    # s would let \\Seen be set; w is what keywords need (RFC 4314, 4).
    house.dovecot.write(ANN, "Maildir/dovecot-acl", "owner lrsi\n")
    house.read()
    equal(house.settle(), 0, "receipts")
    equal(house.keywords(), {"$MDNSent", "$ReceiptPending"}, "keywords")
    house.dovecot.write(ANN, "Maildir/dovecot-acl", "owner lrswi\n")
    house.read()
    house.wait_receipts(1)
    equal(house.settle(), 1, "receipts")


if __name__ == "__main__":
    main()
