# SPDX-License-Identifier: MIT
"""What is sent comes back, and the next RCPT knows it."""
import base64
import gzip
import http.client
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import Dovecot
from feedback import STREAMS, Feedback
from live import BUILD, ROOT, Failure, equal, main, test, true, wait_until
from smtp import Smtp

DSN = """\
From: MAILER-DAEMON@mx.dest.test
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

<{who}>: 550 5.1.1 User unknown (in reply to RCPT TO command)
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.dest.test
{envelope}
Final-Recipient: rfc822; {who}
{original}Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{who}>: Recipient address rejected: User unknown

--b
Content-Type: text/rfc822-headers

Message-ID: <{message_id}>
--b--
"""

ARF = """\
From: feedback@arf.example
To: fbl@bounces.test
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: {type}
User-Agent: test/1.0
Version: 1

--b
Content-Type: message/rfc822

Return-Path: <{path}>
Message-ID: <x@news.test>
From: list@news.test
To: redacted@example.org
Subject: news

Hello
--b--
"""


def dsn(to, who, message_id="x", original="", envelope=""):
    return DSN.format(to=to, who=who, message_id=message_id, envelope=envelope,
                      original=f"Original-Recipient: rfc822;{original}\n" if original else "")


def refused(feedback, sender, recipient):
    return feedback.refused(sender, recipient).code >= 550


@test
def a_bounce_becomes_a_refusal(place):
    feedback = Feedback(place)
    for who, where in (("dead@dest.test", "far"), ("refused@dest.test", "near")):
        (_, reply), message_id = feedback.send("list@news.test", [who])
        equal(reply.code, 250, str(reply))
        event = feedback.wait_events(who)[0]
        equal((event["class"], event["hard"], event["proof"]), ("dead-address", True, "tag"),
              f"{where}: {event}")
        equal(event["message_id"], message_id, "the very message")
        equal(event["stream"], "promotional", "stream")
        for sender in ("list@news.test", "orders@shop.test"):
            wait_until(lambda s=sender, w=who: refused(feedback, s, w),
                       f"a refusal of {sender}")
        text = feedback.policyd.remite("why", who, want=1)
        true(message_id in text and "suppressed in all, dead" in text, text)
        true(f"by {event['source']}\n" in text, f"{event['source']}: {text}")
        entry, = feedback.why(who)["suppressions"]
        true(f"  source  {entry['source']}\n" in
             feedback.policyd.remite("suppress", "why", who, want=1), entry)
    equal(feedback.refused("list@news.test", "alive@dest.test").code, 250, "another recipient")
    true("stream=promotional" in feedback.milter.last(), feedback.milter.last())


@test
def a_bounce_through_dovecot_becomes_a_refusal_and_stays_in_its_mailbox(place):
    feedback = Feedback(place, dovecot=True)
    (_, reply), message_id = feedback.send("list@news.test", ["dead@dest.test"])
    equal(reply.code, 250, str(reply))
    event = feedback.wait_events("dead@dest.test")[0]
    equal((event["class"], event["proof"], event["message_id"]),
          ("dead-address", "tag", message_id), str(event))
    wait_until(lambda: refused(feedback, "orders@shop.test", "dead@dest.test"), "a refusal")
    with feedback.dovecot.imap("b@bounces.test") as imap:
        true("* 1 EXISTS" in imap.select(), "the mailbox has it")
        def is_acknowledged():
            return "$FeedbackPending" not in imap.flags(1)

        try:
            wait_until(is_acknowledged, "the mark to go", 5)
        except Failure:
            # A delivery waits half a second for the agent; the next one asks again.
            feedback.dovecot.deliver("b@bounces.test", "Subject: another\n\nhello\n")
            wait_until(is_acknowledged, "the mark to go at the next delivery")


@test
def one_of_several_recipients_is_found_by_the_journal(place):
    feedback = Feedback(place)
    feedback.send("list@news.test", ["alive@dest.test", "dead@dest.test", "ann@dest.test"])
    event = feedback.wait_events("dead@dest.test")[0]
    equal((event["proof"], event["hard"]), ("journal", True), str(event))
    wait_until(lambda: refused(feedback, "list@news.test", "dead@dest.test"), "a refusal")
    equal(feedback.refused("list@news.test", "ann@dest.test").code, 250, "ann")
    # Whoever got that message knows its return path, and blames others in vain.
    path = [s for s in feedback.senders() if "=" not in s][0]
    feedback.take(dsn(path, "bob@dest.test"), path)
    equal(feedback.why("bob@dest.test")["events"], [], "a recipient of another message")
    feedback.take(dsn(path, "ann@dest.test"), path)
    equal(len(feedback.why("ann@dest.test")["events"]), 1, "one of this message")


XVERP = STREAMS.replace('address = "b@bounces.test"', 'address = "b@bounces.test" xverp = true', 1)


@test
def with_xverp_each_recipient_is_named_and_who_has_no_room_is_refused_singly(place):
    feedback = Feedback(place, XVERP, settings={
        "smtpd_authorized_verp_clients": "127.0.0.1", "smtpd_client_restrictions": "",
        "smtpd_command_filter": r"regexp:{{/^(MAIL FROM:<.+@news\.test>.*)/ $$1 XVERP=+=}}"})
    long = "a.rather.long.name.of.somebody@department.dest.test"
    with Smtp(feedback.near.port) as client:
        client.mail("list@news.test")
        equal(client.rcpt("alive@dest.test").code, 250, "alive")
        reply = client.rcpt(long)
        equal(reply.code, 554, str(reply))
        true("too long for the return paths" in str(reply), str(reply))
    text = feedback.policyd.remite(
        "explain", stdin=f"protocol_state=RCPT\nsender=list@news.test\nrecipient={long}\n")
    true("return path: 5.1.3" in text, text)
    feedback.send("list@news.test", ["alive@dest.test", "dead@dest.test"])
    event = feedback.wait_events("dead@dest.test")[0]
    equal((event["proof"], event["hard"]), ("journal", True), str(event))
    # Each goes out by itself, the one that comes back not surely last.
    wait_until(lambda: [s for s in feedback.senders() if "+alive=" in s], "mail to alive")
    seen = re.findall(r"from=<(b\+promotional\+[^>]*dest\.test@bounces\.test)>", feedback.far.log())
    equal(sorted(s.split("+")[-1].split("@")[0] for s in set(seen)),
          ["alive=dest.test", "dead=dest.test"], str(seen))


@test
def what_failed_behind_an_alias_buries_nobody(place):
    feedback = Feedback(place)
    feedback.send("list@news.test", ["alias@dest.test"])
    event = feedback.wait_events("alias@dest.test")[0]
    equal((event["alias"], event["effect"]), (True, ""), str(event))
    for who in ("alias@dest.test", "behind@other.test"):
        equal(feedback.refused("list@news.test", who).code, 250, who)
    equal(feedback.why("behind@other.test")["events"], [], "the address behind it")


@test
def strangers_forgers_and_replays_have_no_effect(place):
    feedback = Feedback(place)
    feedback.send("list@news.test", ["ann@dest.test"])
    path = feedback.sender_of("ann@dest.test")
    forged = re.sub(r"\+([a-z2-7])([a-z2-7]{12})\+", r"+\1aaaaaaaaaaaa+", path)
    for to in (forged, "b@bounces.test", "b+promotional+abcdefgh+h+aaaaaaaaaaaaaaaa@bounces.test",
               "postmaster@bounces.test", ""):
        feedback.take(dsn(to, "ann@dest.test"), to)
        equal(feedback.why("ann@dest.test")["events"], [], to)
    feedback.take(dsn(path, "bob@dest.test"), path)  # a tag of ann's
    equal(feedback.why("bob@dest.test")["events"], [], "another's name")
    equal(feedback.why("ann@dest.test")["suppressions"], [], "and ann herself")
    feedback.take(dsn(path, "ann@dest.test", original="bob@dest.test"), path)
    equal(feedback.why("ann@dest.test")["suppressions"], [], "another ORCPT")
    (_, _), _ = feedback.send("list@news.test", ["eve@dest.test"])
    path = feedback.sender_of("eve@dest.test")
    for _ in range(3):
        feedback.take(dsn(path, "eve@dest.test"), path.upper())
    equal(len(feedback.why("eve@dest.test")["events"]), 1, "told three times")
    # Not understood: kept, and nothing done.
    feedback.take("Subject: hello\n\nI am a human.\n", path)
    rows = feedback.policyd.remite("feedback", "list").splitlines()
    equal(len(rows), 1, str(rows))
    true("not understood" in rows[0], rows[0])
    ident = rows[0].split()[0]
    true("I am a human" in feedback.policyd.remite("feedback", "show", ident), "show")
    feedback.policyd.remite("feedback", "remove", ident)
    equal(feedback.policyd.remite("feedback", "list"), "", "removed")


@test
def a_return_path_survives_its_way(place):
    feedback = Feedback(place)
    (_, _), message_id = feedback.send("list@news.test", ["ann+x@dest.test"])
    path = feedback.sender_of("ann+x@dest.test")
    local, domain = path.split("@")
    # Stripped at the first '+': the envelope id and the Message-ID are left.
    key = path.split("+")[2]
    feedback.take(dsn("b@bounces.test", "ann+x@dest.test",
                      envelope=f"Original-Envelope-Id: promotional.{key}"), "b@bounces.test")
    event = feedback.why("ann+x@dest.test")["events"][0]
    equal((event["proof"], event["message_id"]), ("journal", message_id), str(event))
    # A forwarder's wrapping, in what is returned.
    feedback.send("list@news.test", ["long.name.of.somebody@department.dest.test"])
    short = feedback.senders("+h+")[-1]
    equal(len(short.split("@")[0]) <= 64, True, short)
    out = feedback.policyd.remite("return-path", "read", short)
    true("long.name.of.somebody@department.dest.test" in out, out)
    wrapped = f"SRS0=abcd=XY={domain}={short.split('@')[0]}@forwarder.test"
    who = "long.name.of.somebody@department.dest.test"
    feedback.take(dsn(wrapped, who), wrapped)
    equal(feedback.why(who)["events"][0]["proof"], "tag", "by the table")
    out = feedback.policyd.remite("return-path", "read", f"prvs=4012345678={local}@{domain}")
    true(out.startswith("proven\n") and "ann+x@dest.test" in out, out)
    out = feedback.policyd.remite("return-path", "make", "promotional", "bob@dest.test").strip()
    true(feedback.policyd.remite("return-path", "read", out).startswith("proven"), out)
    for words in (("return-path", "make", "promotional", "bob"), ("why", "bob"), ("why", "")):
        equal(feedback.policyd.remite(*words, want=2), "", " ".join(words))


def rates_are_seen(feedback):
    """3 complaints of 6, by policyd, which reads them every few seconds."""
    def row():
        rows = json.loads(feedback.policyd.remite("status", "--json"))["feedback"]
        return next((r for r in rows if (r["stream"], r["provider"]) == ("promotional", "yahoo")
                     and r["complaints"] and r["complaints"]["count"] == 3), None)

    seen = wait_until(row, "policyd to see the complaints")
    equal((seen["sent"], seen["complaints"]["of"]), (6, 6), str(seen))
    true(0.15 < seen["complaints"]["low"] < 0.5 < seen["complaints"]["high"] < 0.85, str(seen))
    text = feedback.policyd.remite("report")
    true("deferred no data" in text, text)  # nobody read the log
    text = feedback.policyd.remite("status")
    true("at yahoo: 6 recipients; complaints 3 of 6, 50.00 %" in text, text)
    with urllib.request.urlopen(
            f"http://127.0.0.1:{feedback.policyd.metrics}/metrics", timeout=60) as answer:
        page = answer.read().decode()
    true('remite_feedback_complaints{stream="promotional",provider="yahoo"} 3' in page, page)
    true('remite_feedback_complaints_of{stream="promotional",provider="yahoo"} 6' in page, page)


PAUSING = STREAMS.replace("pause: { }",
                          'pause: { complaints: { accept = "5%"  pause = "60%" } }')


@test
def complaints_pause_their_stream_and_no_other(place):
    feedback = Feedback(place, PAUSING)
    paths = []
    for i in range(6):
        feedback.send("list@news.test", [f"user{i}@yahoo.com"])
    for i in range(6):
        paths.append(feedback.sender_of(f"user{i}@yahoo.com"))
    feedback.take(ARF.format(type="abuse", path=paths[0]), "fbl@bounces.test")
    feedback.take(ARF.format(type="abuse", path=paths[0]), "fbl@bounces.test")  # again
    feedback.take(ARF.format(type="abuse", path="b+x@bounces.test"), "fbl@bounces.test")
    equal(feedback.refused("list@news.test", "ann@dest.test").code, 250, "one complaint")
    true(refused(feedback, "list@news.test", "user0@yahoo.com"), "who complained")
    equal(feedback.refused("orders@shop.test", "user0@yahoo.com").code, 250,
          "his receipts go on")
    feedback.take(ARF.format(type="abuse", path=paths[1]), "fbl@bounces.test")
    feedback.take(ARF.format(type="abuse", path=paths[2]), "fbl@bounces.test")
    reply = wait_until(lambda: (r := feedback.refused("list@news.test", "ann@dest.test"))
                       .code != 250 and r, "the pause")
    equal(reply.code // 100, 4, str(reply))
    equal(feedback.refused("orders@shop.test", "ann@dest.test").code, 250, "transactional")
    text = feedback.policyd.remite("stream", "list")
    true("by breaker: complaints" in text and "3 of 6 mails" in text, text)
    rates_are_seen(feedback)
    feedback.policyd.remite("stream", "resume", "promotional")
    equal(feedback.refused("list@news.test", "ann@dest.test").code, 250, "resumed")
    # What left before is no reason any more.
    feedback.take(ARF.format(type="abuse", path=paths[3]), "fbl@bounces.test")
    equal(feedback.refused("list@news.test", "ann@dest.test").code, 250, "re-armed")


# Of 20 mails four dead addresses and four complaints are not enough, and with them two
# who leave are not; three are.
LEAVING = STREAMS.replace("pause: { }", """
	unsubscribe: { https = "https://mail.news.test/u/" }
	pause: {
		complaints: { accept = "4%"  pause = "20%" }
		bounces: { accept = "4%"  pause = "20%" }
		unsubscribes: { accept = "4%"  pause = "20%" }
	}""", 1)


@test
def one_click_posts_are_evidence_once(place):
    feedback = Feedback(place, LEAVING)
    site = Dovecot(place, http=1, tls=True, agent_config=feedback.policyd.config, remite=None)
    who = [f"user{i}@yahoo.com" for i in range(20)]
    for address in who:
        feedback.send("list@news.test", [address])
    paths = [feedback.sender_of(address) for address in who]
    for i in range(4):
        feedback.take(ARF.format(type="abuse", path=paths[i]), "fbl@bounces.test")
        feedback.take(dsn(paths[4 + i], who[4 + i]), paths[4 + i])

    def post(address):
        url = feedback.policyd.remite("unsubscribe", "link", "promotional", address).strip()
        connection = http.client.HTTPConnection("127.0.0.1", site.ports["http"], timeout=60)
        connection.request("POST", "/u/" + url.rsplit("/", 1)[1], "List-Unsubscribe=One-Click",
                           {"Content-Type": "application/x-www-form-urlencoded"})
        equal(connection.getresponse().status, 200, address)
        connection.close()

    def counted():
        streams = json.loads(feedback.policyd.remite("report", "--json"))["streams"]
        found = next(row for row in streams if row["stream"] == "promotional")
        return found["providers"]["yahoo"]["classes"].get("unsubscribe", 0)

    for address in [who[10], who[11]] + [who[10], who[11]] * 10:
        post(address)
    equal(counted(), 2, "posted again")
    time.sleep(2.5)  # it is judged within two seconds
    text = feedback.policyd.remite("stream", "list")
    true("by breaker" not in text, text)
    post(who[12])
    text = wait_until(lambda: "by breaker" in (t := feedback.policyd.remite("stream", "list"))
                      and t, "the pause")
    true("together" in text and "unsubscribes 3 of 16" in text, text)
    reply = wait_until(lambda: (r := feedback.refused("list@news.test", "ann@dest.test"))
                       .code != 250 and r, "the refusal")
    equal(reply.code // 100, 4, str(reply))
    equal(feedback.refused("orders@shop.test", "ann@dest.test").code, 250, "transactional")
    equal([entry["reason"] for entry in feedback.why(who[12])["suppressions"]],
          ["unsubscribe"], "why")
    true(site.log().count("nears a pause: together at yahoo") <= 1, site.log())
    equal([line for line in site.errors() if "stream promotional" not in line], [], "log")


@test
def the_log_and_the_bounce_are_one_event(place):
    feedback = Feedback(place)
    feedback.send("list@news.test", ["refused@dest.test"])
    feedback.send("list@news.test", ["ann@dest.test"])
    # The bounce, which is delivered as well, may be so before this one.
    wait_until(lambda: "ann@dest.test" in feedback.near.delivered(), "ann's mail to leave")
    feedback.wait_events("refused@dest.test")
    wait_until(lambda: "status=bounced" in feedback.near.log(), "Postfix's word of it")
    log = feedback.near.log_path
    for want in ("2 deliveries of ours, 0 new events", "0 deliveries of ours, 0 new events"):
        out = feedback.policyd.remite("feedback", "--log", log)
        true(want in out, out)
    equal(len(feedback.why("refused@dest.test")["events"]), 1, "events")


@test
def a_maildir_is_taken_in_and_kept(place):
    feedback = Feedback(place)
    feedback.send("list@news.test", ["ann@dest.test"])
    path = feedback.sender_of("ann@dest.test")
    for folder in ("new", "cur", "tmp"):
        os.makedirs(place.file(f"maildir/{folder}"))
    place.file("maildir/new/1.m", f"Delivered-To: {path}\n" + dsn(path, "ann@dest.test"))
    true("1 taken in, 0 not" in feedback.policyd.remite("feedback", "--maildir",
                                                         place.file("maildir")), "taken")
    equal(os.listdir(place.file("maildir/cur")), ["1.m:2,S"], "kept")
    true(refused(feedback, "list@news.test", "ann@dest.test"), "refused")


@test
def a_dmarc_report_that_comes_by_mail_is_shown(place):
    feedback = Feedback(place)
    with open(os.path.join(ROOT, "tests/data/aggregate/report.xml"), "rb") as file:
        packed = base64.encodebytes(gzip.compress(file.read())).decode()
    mail = ("From: noreply-dmarc@far.example\nSubject: Report Domain: news.test\n"
            "Content-Type: application/gzip; name=r.xml.gz\n"
            f"Content-Transfer-Encoding: base64\n\n{packed}")
    for _ in range(2):
        feedback.take(mail, "dmarc@bounces.test")
    equal(feedback.policyd.remite("feedback", "list"), "", "understood")
    text = feedback.policyd.remite("report", "--days", "366")
    true("who sends as us" in text, text)


@test
def kill_9_loses_nothing_and_doubles_nothing(place):
    feedback = Feedback(place)
    rounds = int(os.environ.get("KILLS", "25"))
    remite = [os.path.join(BUILD, "remite-feedback"), "-c", feedback.policyd.config]
    feedback.send("list@news.test", [f"u{i}@yahoo.com" for i in range(rounds)])
    path = [s for s in feedback.senders() if "=" not in s][0]
    seed = random.Random(7)
    for i in range(rounds):
        who = f"u{i}@yahoo.com"
        while True:  # as Postfix would: until the program says that it has it
            process = subprocess.Popen([*remite, "--to", path], stdin=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
            process.stdin.write(dsn(path, who).encode())
            process.stdin.close()
            time.sleep(seed.uniform(0, 0.02))
            process.kill()
            if process.wait() == 0:
                break
            if seed.random() < 0.3:
                subprocess.run([*remite, "--to", path], input=dsn(path, who).encode(),
                               stderr=subprocess.DEVNULL, check=True, timeout=60)
                break
    feedback.policyd.remite("feedback", "retry")
    for i in range(rounds):
        found = feedback.why(f"u{i}@yahoo.com")
        equal((len(found["events"]), len(found["suppressions"])), (1, 1), f"u{i}")
    rates = feedback.policyd.remite("report", "--json")
    true(f'"dead": {rounds}' in rates.replace('":', '": ').replace("  ", " "), rates)


if __name__ == "__main__":
    main()
