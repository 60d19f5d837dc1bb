# SPDX-License-Identifier: MIT
"""What a sender's domain must have: policyd, DNS on loopback, Postfix.

Not in .test, nor with addresses for documentation: libunbound answers for those
itself (RFC 6761, RFC 6303).
"""
import os
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import NameServer  # noqa: E402
from live import equal, main, test, true, wait_until  # noqa: E402
from milter import Milter  # noqa: E402
from policyd import Policyd, request  # noqa: E402
from postfix import Postfix  # noqa: E402
from smtp import Smtp  # noqa: E402

KEY = ("v=DKIM1; k=rsa; p="
       "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1RmPZ53U4D0Oqs1CSLkwOc2iKWOX+23M"
       "4ru5JfkeD2KY1wA5RjwyTCzJmKjVATMU6KkJo8AkhkUXquaa/0gL/5OPoYhWrsUGJ8J6um8w+Rx7"
       "LxW1JR4+Hot08BcnhFs/8mGJPnzIJ3gRu+pvxeJRLWvS7ZVDXZ9TXb2os/+0tG5An6mBJIsKc7Wc"
       "sRmsGfTCYd+BH8CqQMgc+NgglALsciVF0fiLVH6SLx0xuN5Zv6oAt00F4Zt26xV527Ruf6RARJsW"
       "zgWWu+XMg6gEiXKmwk9/yK47TlWxqxqADkmO1BLdL7FKruX4obVbAPHOcnZrC+u/hcG6CutdgB9j"
       "5yV3vQIDAQAB")

# good.example has everything; each other lacks one thing.
ZONE = f"""
20.0.18.198.in-addr.arpa PTR mx.good.example
mx.good.example A 198.18.0.20
good.example SOA .
good.example MX 10 mx.good.example
good.example TXT "v=spf1 ip4:198.18.0.20 -all"
s1._domainkey.good.example TXT "{KEY}"
_dmarc.good.example TXT "v=DMARC1; p=none"
nospf.example SOA .
nospf.example MX 10 mx.good.example
_dmarc.nospf.example TXT "v=DMARC1; p=none"
s1._domainkey.nospf.example TXT "{KEY}"
nokey.example SOA .
nokey.example TXT "v=spf1 ip4:198.18.0.20 -all"
_dmarc.nokey.example TXT "v=DMARC1; p=none"
nopolicy.example SOA .
nopolicy.example TXT "v=spf1 ip4:198.18.0.20 -all"
s1._domainkey.nopolicy.example TXT "{KEY}"
"""

STREAMS = """
all: {{
	egress = "out"
	require = [{require}]
	on_unknown = "{unknown}"
	dkim: {{ selectors = ["s1"] }}
}}
"""
MORE = """
organization = ["good.example"]
dns: {{ servers = ["{server}"] deadline = "{deadline}" negative_ttl_max = "1s" }}
egress: {{ out: {{ addresses = ["{address}"] helo = "mx.good.example" }} }}
"""
ALL = '"spf", "dkim", "dmarc", "ptr"'


def start(place, server, require=ALL, unknown="accept", mode="enforce",
          address="198.18.0.20", deadline="2s"):
    return Policyd(place, STREAMS.format(require=require, unknown=unknown), mode=mode,
                   more=MORE.format(server=server.address, address=address,
                                    deadline=deadline))


def ask(policyd, domain):
    with policyd.client() as client:
        return client.rcpt(f"a@{domain}", "b@example.org")


def settled(policyd, domain):
    """The answer once DNS has been asked, and once more where it was late."""
    def is_known():
        ask(policyd, domain)
        return "unknown" not in explained(policyd, domain)

    wait_until(is_known, f"DNS about {domain}")
    return ask(policyd, domain)


def explained(policyd, domain):
    return policyd.remite("explain", stdin=f"sender=a@{domain}\nrecipient=b@example.org\n")


def metric(policyd, name):
    page = urllib.request.urlopen(f"http://127.0.0.1:{policyd.metrics}/metrics").read().decode()
    return next(float(line.split()[-1]) for line in page.splitlines()
                if line.startswith(name + " "))


@test
def what_is_missing_is_refused_by_its_rule(place):
    server = NameServer(ZONE)
    policyd = start(place, server)
    for domain, want in [
            ("good.example", "DUNNO"),
            ("nospf.example", "REJECT 5.7.27 198.18.0.20: SPF of nospf.example says none (rule R2)"),
            ("nokey.example", "REJECT 5.7.30 s1._domainkey.nokey.example: there is no key record "
                           "(rule R4)"),
            ("nopolicy.example", "REJECT 5.7.40 _dmarc.nopolicy.example: there is no DMARC record "
                              "(rule R5)")]:
        equal(settled(policyd, domain), want, domain)
    policyd.remite("explain", stdin="sender=\nrecipient=b@example.org\n")
    with policyd.client() as client:
        equal(client.rcpt("", "b@example.org"), "DUNNO", "the null sender")


@test
def an_address_without_a_name_is_refused(place):
    policyd = start(place, NameServer(ZONE), require='"ptr"', address="198.18.0.21")
    equal(settled(policyd, "good.example"),
          "REJECT 5.7.25 198.18.0.21: has no PTR record (rule R9)", "R9")


@test
def levels_and_report_mode_count_the_same_and_change_nothing(place):
    server = NameServer(ZONE)
    policyd = start(place, server, require='"spf=log"')
    equal(settled(policyd, "nospf.example"), "DUNNO", "level log")
    wait_until(lambda: " would=report" in policyd.log() and " rule=R2" in policyd.log(),
               "the line in the log")
    policyd.stop()
    policyd.configure(STREAMS.format(require='"spf=defer"', unknown="accept"),
                      more=MORE.format(server=server.address, address="198.18.0.20",
                                       deadline="2s"))
    policyd.start()
    true(settled(policyd, "nospf.example").startswith("DEFER_IF_PERMIT 4.7.27 "), "level defer")
    policyd.stop()
    policyd.configure(STREAMS.format(require=ALL, unknown="accept"), mode="report",
                      more=MORE.format(server=server.address, address="198.18.0.20",
                                       deadline="2s"))
    policyd.start()
    equal(settled(policyd, "nospf.example"), "DUNNO", "report mode")
    decisions = [d for d in policyd.status()["decisions"] if d["rule"] == "R2"]
    equal(sorted((d["action"], d["would"]) for d in decisions),
          [("dunno", False), ("reject", True)], "counted")


@test
def while_dns_is_silent_mail_passes_and_nobody_waits(place):
    server = NameServer(ZONE)
    server.silent = True
    policyd = start(place, server)
    took = []
    for i in range(200):
        began = time.monotonic()
        equal(ask(policyd, f"d{i}.example"), "DUNNO", "unknown domain")
        took.append(time.monotonic() - began)
    # Who waited would do so for each; a busy machine does not hold up every other one.
    true(sorted(took)[50] < 0.01, f"a quarter of 200 answers took more than {sorted(took)[50]} s")
    policyd.wait_log("unknown=R2")
    wait_until(lambda: metric(policyd, "remite_readiness_failures_total") > 0,
               "a refresh that fails")
    equal(ask(policyd, "d0.example"), "DUNNO", "after the deadline")


@test
def unknown_may_be_deferred_and_never_refused(place):
    server = NameServer(ZONE)
    server.broken = True
    policyd = start(place, server, unknown="defer")
    equal(ask(policyd, "nospf.example"),
          "DEFER_IF_PERMIT 4.7.27 DNS has not answered yet about the sender's domain "
          "(rule R2)", "first sight")
    wait_until(lambda: "DNS did not answer" in explained(policyd, "nospf.example"), "SERVFAIL")
    true(ask(policyd, "nospf.example").startswith("DEFER_IF_PERMIT"), "temperror")


@test
def what_was_known_holds_while_dns_is_down(place):
    server = NameServer(ZONE, ttl=1)
    policyd = start(place, server, unknown="defer", deadline="1s")
    equal(settled(policyd, "good.example"), "DUNNO", "ready")
    true(settled(policyd, "nospf.example").startswith("REJECT"), "not ready")
    server.silent = True
    wait_until(lambda: ask(policyd, "nospf.example").startswith("DEFER_IF_PERMIT"),
               "what was missing is no longer surely so")
    equal(ask(policyd, "good.example"), "DUNNO", "stale")


@test
def a_record_that_was_mended_is_seen(place):
    server = NameServer(ZONE, ttl=1)
    policyd = start(place, server, require='"dmarc"')
    true(settled(policyd, "nopolicy.example").startswith("REJECT"), "at first")
    server.set(ZONE + '_dmarc.nopolicy.example TXT "v=DMARC1; p=none"\n')
    wait_until(lambda: ask(policyd, "nopolicy.example") == "DUNNO", "the record")


@test
def hostile_dns_refuses_nothing_and_stops_nothing(place):
    server = NameServer(ZONE)
    includes = " ".join(f"include:dead{i}.example" for i in range(20))
    dead = "".join(f"dead{i}.example ANY TIMEOUT\n" for i in range(20))
    server.set(ZONE + dead + f"""
loop.example TXT "v=spf1 redirect=loop2.example"
loop2.example CNAME loop3.example
loop3.example CNAME loop2.example
twenty.example TXT "v=spf1 {includes} -all"
huge.example TXT "v=spf1 {'ip4:198.51.100.1 ' * 3700} -all"
slow.example TXT SERVFAIL
""")
    policyd = start(place, server, require='"spf"', deadline="1s")
    for domain in ("loop.example", "twenty.example", "slow.example"):
        equal(ask(policyd, domain), "DUNNO", domain)
    wait_until(lambda: metric(policyd, "remite_readiness_refreshes_total") >= 3,
               "all to be asked")
    equal(ask(policyd, "slow.example"), "DUNNO", "temperror")
    true(settled(policyd, "huge.example").startswith("REJECT 5.7.27"), "60 kB are read")
    server.cut = True
    equal(settled(policyd, "good.example"), "DUNNO", "truncated answers come by TCP")
    server.cut, server.lies = False, True
    for i in range(20):
        equal(ask(policyd, f"lie{i}.example"), "DUNNO", "lies")


@test
def slow_answers_are_answers(place):
    server = NameServer(ZONE)
    server.delay = 0.3
    policyd = start(place, server, deadline="5s")
    equal(settled(policyd, "nospf.example")[:6], "REJECT", "after 0.3 s each")


@test
def dns_that_comes_back_is_noticed(place):
    server = NameServer(ZONE)
    server.silent = True
    policyd = start(place, server, deadline="1s")
    ask(policyd, "nospf.example")
    wait_until(lambda: metric(policyd, "remite_readiness_failures_total") > 0,
               "a refresh that fails")
    server.silent = False
    wait_until(lambda: ask(policyd, "nospf.example").startswith("REJECT"), "DNS again")


@test
def a_reload_keeps_what_is_known(place):
    server = NameServer(ZONE)
    policyd = start(place, server)
    equal(settled(policyd, "good.example"), "DUNNO", "ready")
    before = server.count("_dmarc.good.example")
    policyd.reload()
    equal(ask(policyd, "good.example"), "DUNNO", "still")
    true("unknown" not in explained(policyd, "good.example"), "known at once")
    equal(server.count("_dmarc.good.example"), before, "not asked again")


@test
def a_user_sends_for_domains_of_their_organisation(place):
    server = NameServer(ZONE + '_dmarc.walk.example TXT "v=DMARC1; p=none; psd=n"\n'
                        "a.walk.example A 198.18.0.1\nb.walk.example A 198.18.0.1\n")
    policyd = Policyd(place, """ all: { binding: { level = "reject"
        users = ["news good.example"] } } """,
                      more=MORE.format(server=server.address, address="198.18.0.20",
                                       deadline="2s"))

    def send(user, domain):
        with policyd.client() as client:
            return client.rcpt(f"x@{domain}", "b@example.org", sasl_username=user)

    refused = "REJECT 5.7.1 User {} may not send for {} (rule binding)"
    equal(send("", "nospf.example"), "DUNNO", "nobody logged in")
    equal(send("ann@good.example", "sub.good.example"), "DUNNO", "below")
    equal(send("news", "good.example"), "DUNNO", "listed")
    wait_until(lambda: send("news", "nospf.example")
               == refused.format("news", "nospf.example"), "not listed")
    wait_until(lambda: send("root", "nospf.example")
               == refused.format("root", "nospf.example"), "not the organisation's")
    policyd.wait_log(" unknown=binding")  # until DNS has told
    wait_until(lambda: send("ann@a.walk.example", "nospf.example").startswith("REJECT"),
               "another organisation")
    equal(send("ann@a.walk.example", "b.walk.example"), "DUNNO", "one by the walk")


def send_many(policyd, sender, count, provider="gmail.com"):
    with policyd.client() as client:
        for i in range(count):
            client.send(request(sender=sender, recipient=f"u{i}@{provider}",
                                instance=f"bulk.{i // 100}"))
            if i % 100 == 99:
                for _ in range(100):
                    client.answer()


@test
def who_sends_much_to_one_provider_is_a_bulk_sender_for_good(place):
    policyd = Policyd(place)
    send_many(policyd, "a@example.com", 3900)
    send_many(policyd, "a@example.com", 6000, "example.net")
    equal(policyd.status()["bulk"], [], "nobody yet")
    send_many(policyd, "a@news.example.com", 200)
    wait_until(lambda: "bulk: example.com has sent to 4000 recipients at google"
               in policyd.log(), "the warning")
    send_many(policyd, "a@example.com", 900)
    wait_until(lambda: "is a bulk sender at google from now on" in policyd.log(), "the log")
    row = policyd.status()["bulk"][0]
    equal((row["organization"], row["provider"], row["day"]), ("example.com", "google", 5000),
          "status")
    wait_until(lambda: "bulk sender since" in policyd.remite("bulk", "list"), "the records")
    policyd.restart()
    true(policyd.status()["bulk"][0]["since"] > 0, "after a restart")
    policyd.remite("bulk", "forget", "example.com", "google")
    equal(policyd.status()["bulk"], [], "forgotten")
    policyd.restart()
    equal(policyd.status()["bulk"], [], "and stays so")


@test
def both_programs_are_told_to_read_their_configuration(place):
    policyd = Policyd(place)
    milter = Milter(place, "", " all: { }", policyd=policyd)
    said = policyd.remite("reload")
    true("the configuration is in force" in said and "remite-milter was told" in said, said)
    wait_until(lambda: "reload: " in milter.log(), "the milter's word")


@test
def postfix_refuses_the_domain_that_is_not_ready(place):
    server = NameServer(ZONE)
    policyd = start(place, server)
    postfix = Postfix(place, policyd.socket)
    settled(policyd, "nospf.example")
    settled(policyd, "good.example")
    with Smtp(postfix.port) as client:
        client.message("a@good.example", ["b@example.org"])
        client.mail("a@nospf.example")
        refused = client.rcpt("b@example.org")
        equal(refused.code, 554, "refused")
        true("5.7.27" in str(refused.lines) and "(rule R2)" in str(refused.lines), "why")
    wait_until(lambda: len(postfix.delivered()) == 1, "the other message")


if __name__ == "__main__":
    main()
