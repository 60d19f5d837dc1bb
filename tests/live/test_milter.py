# SPDX-License-Identifier: MIT
"""remite-milter behind a real signer, before a real Postfix."""
import os
import signal
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from judged import STREAM, Servers, message
from live import equal, main, test, true, wait_until
from smtp import Smtp


@test
def mail_that_somebody_vouches_for_passes(place):
    servers = Servers(place)
    for envelope, sender, by in (
            ("ann@good.test", "ann@good.test", "spf=pass/good.test"),
            ("b@news.good.test", "Ann <ann@good.test>", "spf=pass/news.good.test"),
            ("x@bare.test", "ann@signed.test", "dkim=pass/signed.test")):
        reply = servers.send(envelope, message(sender))
        equal(reply.code, 250, f"{sender} by {envelope}: {reply}")
        true("action=pass " in servers.milter.last(), servers.milter.last())
        true("aligned=yes" in servers.milter.last(), servers.milter.last())
        true(by in servers.milter.last(), servers.milter.last())
    equal(len(servers.postfix.wait_delivered(3)), 3, "delivered")
    queue_id = servers.milter.last().split("info: ")[1].split(":")[0]
    true(queue_id in servers.postfix.log(), "the line begins with the queue id")


MISALIGNED = [
    # envelope, From, rule, status
    ("x@carrier.test", "ann@good.test", "R7", "5.7.26"),
    ("x@carrier.test", "ann@lax.test", "R6", "5.7.32"),
    ("x@bare.test", "ann@lax.test", "R1", "5.7.26"),
    ("ann@lax.test", "ann@lax.test", "R1", "5.7.26"),
    ("ann@half.test", "ann@half.test", "R1", "5.7.26"),
    ("x@b.strict.test", "ann@strict.test", "R7", "5.7.26"),
    ("x@bare.test", "ann@crossed.test", "R6", "5.7.32"),
    ("ann@good.test", "ann@good.test, eve@lax.test", "R11", "5.7.1"),
    ("ann@good.test", "ann@good.test\r\nFrom: eve@lax.test", "R11", "5.7.1"),
    ("ann@good.test", "undisclosed:;", "R11", "5.7.1"),
    ("ann@good.test", '"eve@lax.test" ann@good.test', "R11", "5.7.1"),
]


@test
def each_misalignment_is_refused_with_its_rule(place):
    servers = Servers(place)
    for envelope, sender, rule, status in MISALIGNED:
        reply = servers.send(envelope, message(sender))
        what = f"{sender!r} by {envelope}: {reply}; {servers.milter.last()}"
        equal(reply.code, 550, what)
        true(reply.text.startswith(status + " "), what)
        true(f"(rule {rule})" in reply.text, what)
        true("192.0.2.20" not in reply.text, "no address of ours: " + reply.text)
        true(f"action=reject stream=all rules={rule}" in servers.milter.last(), what)
    equal(servers.postfix.delivered(), [], "delivered")


@test
def report_mode_refuses_nothing_and_says_the_same(place):
    servers = Servers(place, mode="report")
    for envelope, sender, rule, _ in MISALIGNED:
        reply = servers.send(envelope, message(sender))
        equal(reply.code, 250, f"{sender}: {reply}")
        true(f"action=pass would=reject stream=all rules={rule}" in servers.milter.last(), servers.milter.last())
    equal(len(servers.postfix.wait_delivered(len(MISALIGNED))), len(MISALIGNED), "delivered")
    servers.milter.stop()
    true(f"counts place=after messages={len(MISALIGNED)} " in servers.milter.log(), "counts")
    true(f" reject={len(MISALIGNED)}" in servers.milter.log(), "counts what it would")


@test
def levels_decide_what_is_done(place):
    servers = Servers(place, 'align = "defer"')
    bad = ("x@carrier.test", message("ann@lax.test"))
    reply = servers.send(*bad)
    equal(reply.code, 451, str(reply))
    true(reply.text.startswith("4.7.32 "), str(reply))
    for level, want in (("log", 250), ("off", 250), ("header", 250)):
        servers.milter.configure(STREAM.format(rules=f'align = "{level}"'))
        servers.milter.reload()
        equal(servers.send(*bad).code, want, level)
    true("action=pass stream=all rules=R6" in servers.milter.last(), servers.milter.last())
    servers.milter.configure(STREAM.format(rules='align = "off" bulk = "reject"'))
    servers.milter.reload()
    reply = servers.send("ann@bare.test", message("ann@bare.test"))
    true("5.7.27" in reply.text and "(rule R2)" in reply.text, str(reply))
    reply = servers.send("ann@good.test", message("ann@good.test"))
    true("5.7.30" in reply.text and "(rule R4)" in reply.text, str(reply))


@test
def the_field_of_level_header_arrives(place):
    servers = Servers(place, 'align = "header"',
                      settings={"default_transport": "hold:"})
    servers.postfix.command("postconf", "-e", "smtpd_client_restrictions=static:hold")
    servers.postfix.reload()
    equal(servers.send("x@carrier.test", message("ann@lax.test")).code, 250, "passes")
    entry = wait_until(servers.postfix.queue, "the message in the queue")[0]
    text = servers.postfix.command("postcat", "-qh", entry["queue_id"])
    true("X-Remite-Rules: R6: Nothing vouches for lax.test" in text, text)


@test
def a_new_configuration_that_is_wrong_is_not_taken(place):
    servers = Servers(place)
    servers.milter.configure("wrong = 1")
    servers.milter.reload()
    equal(servers.send("x@carrier.test", message("ann@lax.test")).code, 550, "as before")


@test
def notices_and_forwarded_mail_are_only_logged(place):
    servers = Servers(place)
    report = ('MIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n'
              ' report-type=disposition-notification; boundary="b"\r\n')
    for envelope, sender, more, kind in (
            ("", "MAILER-DAEMON@lax.test", "", "notice"),
            ("x@carrier.test", "ann@lax.test", report, "notice"),
            ("x@carrier.test", "ann@lax.test", "Resent-From: x@carrier.test\r\n",
             "indirect"),
            ("SRS0=a=b=lax.test=ann@carrier.test", "ann@lax.test", "", "indirect")):
        reply = servers.send(envelope, message(sender, more))
        equal(reply.code, 250, f"{kind}: {reply}")
        true(f" kind={kind}" in servers.milter.last(), servers.milter.last())
        true("rules=R" in servers.milter.last(), servers.milter.last())


@test
def a_list_id_alone_excuses_nothing(place):
    servers = Servers(place)
    reply = servers.send("x@carrier.test",
                         message("ann@lax.test", "List-Id: <news.lax.test>\r\n"))
    equal(reply.code, 550, str(reply))


@test
def dns_that_does_not_answer_refuses_nothing(place):
    servers = Servers(place)
    for envelope, sender in (("ann@slow.test", "ann@slow.test"),
                             ("x@carrier.test", "ann@slow.test")):
        reply = servers.send(envelope, message(sender))
        equal(reply.code, 250, str(reply))
        true("aligned=unknown" in servers.milter.last(), servers.milter.last())
        true("open=dns" in servers.milter.last(), servers.milter.last())


@test
def without_an_egress_spf_is_not_judged(place):
    servers = Servers(place, streams='\tall: { senders = ["*"] }\n')
    reply = servers.send("ann@lax.test", message("ann@lax.test"))
    equal(reply.code, 250, str(reply))
    true("spf=not-evaluated" in servers.milter.last() and
         "open=no-egress" in servers.milter.last(), servers.milter.last())
    # Whatever SPF said for carrier.test, it would not be about lax.test.
    equal(servers.send("x@carrier.test", message("ann@lax.test")).code, 550, "never aligned")


@test
def mail_from_sendmail_follows_the_rules(place):
    servers = Servers(place)
    servers.postfix.sendmail("x@carrier.test", "bob@example.org",
                             message("ann@lax.test").replace("\r\n", "\n"))
    wait_until(servers.milter.lines, "a line of the milter")
    true("action=reject stream=all rules=R6" in servers.milter.last(), servers.milter.last())
    servers.postfix.sendmail("ann@good.test", "carl@example.org",
                             message("ann@good.test").replace("\r\n", "\n"))
    wait_until(lambda: "carl@example.org" in servers.postfix.delivered(), "good mail")
    true("bob@example.org" not in servers.postfix.delivered(), "bad mail stays")


@test
def a_field_of_the_message_chooses_the_stream(place):
    servers = Servers(place, streams="""
	news: { header = ["X-Stream: news"]  egress = "out"  rules: { align = "log" } }
	rest: { egress = "out" }
""")
    bad = "ann@lax.test"
    reply = servers.send("x@carrier.test", message(bad, "X-Stream: News\r\n"))
    equal(reply.code, 250, str(reply))
    true(" stream=news " in servers.milter.last(), servers.milter.last())
    equal(servers.send("x@carrier.test", message(bad, "X-Stream: shop\r\n")).code, 550,
          "another")


def children_of(milter):
    pid = milter.process.pid
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as text:
        return [int(word) for word in text.read().split()]


def is_running(pid):
    """Not gone, and no zombie that waits to be seen."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as text:
            return text.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@test
def a_place_that_dies_is_served_again(place):
    servers = Servers(place, places=("before", "after"))
    bad = ("x@carrier.test", message("ann@lax.test"))
    equal(servers.send(*bad).code, 550, "judged")
    equal(len(children_of(servers.milter)), 2, "a process for each place")
    for child in children_of(servers.milter):
        os.kill(child, signal.SIGKILL)
    wait_until(lambda: servers.milter.log().count(" serves ") == 4, "both to serve again")
    equal(servers.send(*bad).code, 550, "judged again")
    children = children_of(servers.milter)
    servers.milter.kill()
    wait_until(lambda: not any(is_running(child) for child in children), "the end of all")


@test
def metrics_tell_of_all_places(place):
    port = place.free_port()
    servers = Servers(place, milter=f'\tmetrics = "127.0.0.1:{port}"\n')
    servers.send("ann@good.test", message("ann@good.test"))
    servers.send("x@carrier.test", message("ann@lax.test"))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        page = answer.read().decode()
    for line in ('remite_milter_messages_total{place="after",level="reject"} 1',
                 'remite_milter_would_total{place="after",level="reject"} 1',
                 'remite_milter_findings_total{place="after",rule="R6"} 1',
                 'remite_milter_answer_seconds_count{place="after"} 2'):
        true(line + "\n" in page, f"{line!r} in {page}")


@test
def a_killed_milter_stops_no_mail(place):
    servers = Servers(place)
    with Smtp(servers.postfix.port) as client:
        client.mail("x@carrier.test")
        client.rcpt("bob@example.org")
        servers.milter.kill()
        equal(client.data(message("ann@lax.test")).code, 250, "in the middle")
    equal(servers.send("x@carrier.test", message("ann@lax.test")).code, 250, "afterwards")
    servers.milter.start()
    equal(servers.send("x@carrier.test", message("ann@lax.test")).code, 550, "and again")


@test
def several_messages_of_one_connection_are_judged_apart(place):
    servers = Servers(place)
    with Smtp(servers.postfix.port) as client:
        for _ in range(3):
            codes = [client.message(envelope, ["bob@example.org"], message(sender))[1].code
                     for envelope, sender in (("x@carrier.test", "ann@lax.test"),
                                              ("ann@good.test", "ann@good.test"),
                                              ("x@bare.test", "ann@signed.test"))]
            equal(codes, [550, 250, 250], "replies")


@test
def a_large_body_and_folded_fields_keep_their_signature(place):
    servers = Servers(place)
    more = "X-Long: " + "\r\n\t".join(["word " * 10] * 20) + "\r\nX-Empty:\r\n"
    text = message("ann@signed.test", more) + ("x" * 76 + "\r\n") * 3000 + "100% .\r\n"
    reply = servers.send("x@bare.test", text)
    equal(reply.code, 250, f"{reply}; {servers.milter.last()}")
    true("dkim=pass/signed.test" in servers.milter.last(), servers.milter.last())


if __name__ == "__main__":
    main()
