# SPDX-License-Identifier: MIT
"""What remite-milter has policyd count: streams told apart by a field, mail from
sendmail(1), and what is not sent after all."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import equal, main, test, true, wait_until
from milter import Milter
from policyd import Policyd
from postfix import Postfix
from smtp import Smtp

ZONE = """
good.test            TXT "v=spf1 ip4:192.0.2.20 ip6:2001:db8::20 -all"
_dmarc.good.test     TXT "v=DMARC1; p=reject"
lax.test             TXT "v=spf1 ip4:198.51.100.1 -all"
_dmarc.lax.test      TXT "v=DMARC1; p=none"
"""

STREAMS = """
	news: {
		header = ["X-Stream: news", "Feedback-ID: *:news:*"]  egress = "out"
		limits: { day: { per = "stream" quota = "5/day" } }
	}
	all: {
		senders = ["*"]  egress = "out"
		limits: { day: { per = "stream" quota = "100/day" } }
	}
"""


def message(sender="ann@good.test", more="", body="Hello.\r\n"):
    return (f"From: {sender}\r\nTo: bob@example.org\r\nSubject: test\r\n"
            "Date: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
            f"Message-ID: <1@good.test>\r\n{more}\r\n{body}")


NEWS = "X-Stream: news\r\n"


class Servers:
    def __init__(self, place, streams=STREAMS, places=("after",), **options):
        # Started last: the milter hears of no reload but those of a test.
        self.policyd = Policyd(place)
        self.policyd.stop()
        self.milter = Milter(place, ZONE, streams, places=places, policyd=self.policyd,
                             **options)
        self.policyd.start()
        milters = ", ".join(self.milter.address_of(name) for name in places)
        self.postfix = Postfix(place, self.policyd.socket, settings={
            "smtpd_milters": milters, "non_smtpd_milters": milters,
            "milter_default_action": "accept", "milter_command_timeout": "60s",
            "milter_content_timeout": "60s"})
        wait_until(lambda: self.milter.log().rsplit("remite-policyd ", 1)[-1]
                   .startswith("answers"), "the milter to find policyd")
        self.sent = 0

    def send(self, text, recipients=1, sender="ann@good.test"):
        to = [f"r{self.sent}.{i}@example.org" for i in range(recipients)]
        self.sent += 1
        with Smtp(self.postfix.port) as client:
            return client.message(sender, to, text)[1]

    def sendmail(self, text, recipient="bob@example.org"):
        """Its line in the milter's log. What was deferred is tried again by and by."""
        self.sent += 1
        sender = f"s{self.sent}@good.test"
        self.postfix.sendmail(sender, recipient, text.replace("\r\n", "\n"))
        return wait_until(lambda: [line for line in self.milter.lines()
                                   if f"sender=<{sender}>" in line], "its line")[0]

    def used(self):
        return {name: self.policyd.used(f"{name}/day").get(name, 0)
                for name in ("news", "all")}


@test
def a_field_moves_the_charge_to_its_stream(place):
    servers = Servers(place)
    equal(servers.send(message(), 2).code, 250, "ordinary mail")
    equal(servers.used(), {"news": 0, "all": 2}, "ordinary mail")
    equal(servers.send(message(more=NEWS), 3).code, 250, "news")
    equal(servers.used(), {"news": 3, "all": 2}, "news")
    equal(servers.send(message(more="Feedback-ID: 1:news:x\r\n"), 1).code, 250, "Feedback-ID")
    equal(servers.used(), {"news": 4, "all": 2}, "Feedback-ID")


@test
def an_exceeded_limit_is_answered_for_the_whole_message(place):
    servers = Servers(place)
    equal(servers.send(message(more=NEWS), 4).code, 250, "fits")
    reply = servers.send(message(more=NEWS), 2)
    equal(reply.code, 451, str(reply))
    true(reply.text.startswith("4.7.1 Limit day of stream news"), str(reply))
    true(",limit:day " in servers.milter.last(), servers.milter.last())
    equal(servers.used(), {"news": 4, "all": 0}, "nothing of it is charged")
    equal(servers.send(message(more=NEWS), 1).code, 250, "one more fits")


@test
def a_pause_and_a_suppression_hold_for_the_field_s_stream(place):
    servers = Servers(place)
    servers.policyd.remite("suppress", "add", "r0.1@example.org", "--scope", "stream:news",
                           "--reason", "unsubscribe")
    reply = servers.send(message(more=NEWS), 2)
    equal(reply.code, 550, str(reply))
    true("unsubscribe" in reply.text, str(reply))
    servers.policyd.remite("stream", "pause", "news", "--reason", "complaints")
    equal(servers.send(message(more=NEWS), 1).code, 451, "paused")
    equal(servers.send(message(), 1).code, 250, "the other stream is not touched")
    equal(servers.used(), {"news": 0, "all": 1}, "charged")


@test
def what_the_milter_refuses_is_given_back(place):
    servers = Servers(place)
    equal(servers.send(message("ann@lax.test"), 3).code, 550, "not aligned")
    equal(servers.used(), {"news": 0, "all": 0}, "charged")
    true("given-back=yes" in servers.milter.last(), servers.milter.last())
    equal(servers.send(message("ann@lax.test", NEWS), 3).code, 550, "not aligned")
    equal(servers.used(), {"news": 0, "all": 0}, "charged")
    equal(servers.send(message(), 1).code, 250, "good")
    equal(servers.used(), {"news": 0, "all": 1}, "charged")


@test
def report_mode_counts_and_refuses_nothing(place):
    servers = Servers(place, mode="report")
    for _ in range(3):
        equal(servers.send(message(more=NEWS), 2).code, 250, "passes")
    true("action=pass would=defer" in servers.milter.last() and
         ",limit:day " in servers.milter.last(), servers.milter.last())
    equal(servers.used(), {"news": 4, "all": 0}, "what is beyond the limit is not added")


@test
def mail_from_sendmail_is_limited_here(place):
    servers = Servers(place)
    for _ in range(5):
        line = servers.sendmail(message(more=NEWS))
        true("action=pass" in line, line)
    line = servers.sendmail(message(more=NEWS))
    true("action=defer" in line and ",limit:day " in line, line)
    equal(servers.used(), {"news": 5, "all": 0}, "charged")
    true("action=pass" in servers.sendmail(message()), servers.milter.last())
    equal(servers.used(), {"news": 5, "all": 1}, "charged")
    servers.policyd.remite("suppress", "add", "carl@example.org")
    line = servers.sendmail(message(), "carl@example.org")
    true("action=reject" in line and ",suppressed:" in line, line)
    servers.policyd.remite("stream", "pause", "all", "--reason", "test")
    line = servers.sendmail(message())
    true("action=defer" in line and ",paused " in line, line)
    equal(servers.used(), {"news": 5, "all": 1}, "charged")


@test
def without_policyd_mail_goes_on(place):
    servers = Servers(place)
    servers.policyd.kill()
    wait_until(lambda: "went away" in servers.milter.log(), "a word about it")
    equal(servers.send(message(more=NEWS), 9).code, 250, "beyond the limit")
    true("uncounted=" in servers.milter.last(), servers.milter.last())
    true("action=pass" in servers.sendmail(message()), servers.milter.last())
    equal(servers.send(message("ann@lax.test")).code, 550, "rules hold")
    servers.policyd.start()
    wait_until(lambda: servers.milter.log().count("answers at") >= 2, "its return")
    equal(servers.send(message(more=NEWS), 9).code, 451, "limited again")


@test
def a_reload_of_policyd_reloads_the_milter(place):
    servers = Servers(place)
    equal(servers.send(message("ann@lax.test")).code, 550, "not aligned")
    servers.milter.configure(STREAMS.replace('egress = "out"',
                                             'egress = "out"  rules: { align = "log" }'))
    servers.policyd.remite("reload")
    wait_until(lambda: "is in force at after" in servers.milter.log(), "the milter's reload")
    equal(servers.send(message("ann@lax.test")).code, 250, "only logged")


@test
def remite_reload_has_the_milter_read_once(place):
    servers = Servers(place)

    def readings():
        return servers.milter.log().count("is in force at after")

    def readings_by_a_reload():
        before = readings()
        true("was told" in servers.policyd.remite("reload"), "the command found the milter")
        wait_until(lambda: readings() > before, "the milter's reload")
        time.sleep(1.2)  # policyd's word comes within half a second
        return readings() - before

    # It may come just before that of the command, who is told second; not each time.
    seen = []
    while seen.count(1) < 2:
        seen.append(readings_by_a_reload())
        true(len(seen) < 10 and max(seen) <= 2, f"times read by each reload: {seen}")


@test
def limits_of_octets_see_the_whole_body(place):
    servers = Servers(place, streams="""
	news: {
		header = "X-Stream: news"  egress = "out"
		limits: { day: { per = "stream" quota = "1M/day" of = "bytes" } }
	}
	all: { egress = "out"  limits: { day: { per = "stream" quota = "9/day" } } }
""")
    body = ("x" * 78 + "\r\n") * 5000
    equal(servers.send(message(more=NEWS, body=body)).code, 250, "400 kB")
    used = servers.used()["news"]
    true(400000 < used < 401000, f"charged {used}")


@test
def action_hold_holds_the_message(place):
    servers = Servers(place, streams="""
	news: {
		header = "X-Stream: news"  egress = "out"
		limits: { day: { per = "stream" quota = "1/day" action = "hold" } }
	}
	all: { egress = "out"  limits: { day: { per = "stream" quota = "9/day" } } }
""")
    for _ in range(2):
        equal(servers.send(message(more=NEWS)).code, 250, "taken")
    true("edits=hold" in servers.milter.last(), servers.milter.last())
    wait_until(lambda: [entry["queue_name"] for entry in servers.postfix.queue()] == ["hold"],
               "the message in the hold queue")


@test
def what_postfix_tells_policyd_alone_chooses_the_stream_here_too(place):
    servers = Servers(place, streams="""
	sub: { policy_contexts = "submission"  egress = "out"  rules: { align = "log" }
	       limits: { day: { per = "stream" quota = "9/day" } } }
	all: { egress = "out"  limits: { day: { per = "stream" quota = "9/day" } } }
""")
    servers.postfix.command("postconf", "-e", "smtpd_policy_service_policy_context=submission")
    servers.postfix.reload()
    reply = servers.send(message("ann@lax.test"))
    equal(reply.code, 250, f"{reply}: {servers.milter.last()}")
    true(" stream=sub " in servers.milter.last(), servers.milter.last())


if __name__ == "__main__":
    main()
