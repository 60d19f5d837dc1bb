# SPDX-License-Identifier: MIT
"""What remite-policyd relies on, asked of the installed Postfix itself."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from live import ROOT, can_connect, equal, main, test, true, wait_until  # noqa: E402
from postfix import Postfix, policy_service  # noqa: E402
from smtp import Smtp  # noqa: E402


class StandIn:
    """A policy server that says DUNNO and remembers."""

    def __init__(self, place, socket=None):
        self.place = place
        self.socket = socket or place.file("asked")
        self.log = place.file("asked.log", "")
        self.start()

    def start(self):
        self.process = self.place.start(
            [sys.executable, os.path.join(ROOT, "tests/lib/standin.py"), self.socket,
             self.log], "standin.log")
        wait_until(lambda: can_connect(self.socket), "the stand-in")

    def restart(self):
        self.process.kill()
        self.process.wait()
        os.unlink(self.socket)
        self.start()

    def requests(self):
        with open(self.log, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def stages(self):
        return [request["protocol_state"] for request in self.requests()]


@test
def one_service_text_makes_one_connection_for_all_stages(place):
    server = StandIn(place)
    postfix = Postfix(place, server.socket)
    with Smtp(postfix.port) as client:
        client.message("a@example.test", ["b@example.org", "c@example.org"])
    equal(server.stages(), ["RCPT", "RCPT", "DATA", "END-OF-MESSAGE"], "stages asked at")
    equal(len({r["connection"] for r in server.requests()}), 1, "connections")
    equal(len({r["instance"] for r in server.requests()}), 1, "instances")
    equal([r["recipient"] for r in server.requests()],
          ["b@example.org", "c@example.org", "", ""], "recipients named")
    equal([r["recipient_count"] for r in server.requests()], ["0", "0", "2", "2"], "counts")
    true(server.requests()[0]["queue_id"] == "" and server.requests()[1]["queue_id"] != "",
         "the queue id comes with the second recipient")
    equal(postfix.wait_delivered(2), ["b@example.org", "c@example.org"], "delivered")


@test
def another_spelling_of_the_service_makes_another_connection(place):
    server = StandIn(place)
    other = policy_service(server.socket).replace("timeout=60s, try_limit=1",
                                                  "try_limit=1, timeout=60s")
    postfix = Postfix(place, server.socket, settings={"smtpd_data_restrictions": other})
    with Smtp(postfix.port) as client:
        client.message("a@example.test", ["b@example.org"])
    requests = server.requests()
    true(requests[0]["connection"] != requests[1]["connection"], "RCPT and DATA differ")
    equal(requests[0]["connection"], requests[2]["connection"], "RCPT's and END-OF-MESSAGE's")


@test
def what_is_aborted_is_not_reported(place):
    server = StandIn(place)
    postfix = Postfix(place, server.socket)
    with Smtp(postfix.port) as client:
        client.mail("a@example.test")
        client.rcpt("b@example.org")
        client.command("RSET")
        client.mail("a@example.test")
        client.rcpt("b@example.org")
    instances = [r["instance"] for r in server.requests()]
    equal(server.stages(), ["RCPT", "RCPT"], "stages asked at")
    true(instances[0] != instances[1], "a new message has another instance")


@test
def vrfy_is_asked_with_an_empty_instance(place):
    server = StandIn(place)
    postfix = Postfix(place, server.socket)
    with Smtp(postfix.port) as client:
        client.command("VRFY <b@example.org>")
    equal([(r["protocol_state"], r["instance"]) for r in server.requests()],
          [("VRFY", "")], "requests")


@test
def mail_goes_on_where_nobody_answers(place):
    postfix = Postfix(place, place.file("nobody"))
    with Smtp(postfix.port) as client:
        _, last = client.message("a@example.test", ["b@example.org"])
    true(last is not None and last.ok, f"accepted: {last}")
    equal(postfix.wait_delivered(1), ["b@example.org"], "delivered")


@test
def a_broken_connection_is_mended_between_sessions_only(place):
    """With try_limit=1, smtpd keeps a connection that broke in a session until
    the session's end, and the event loop may begin the next session first.
    So a policy server must never hang up on a Postfix that is at work."""
    server = StandIn(place)
    postfix = Postfix(place, server.socket, settings={"default_process_limit": "1"})
    with Smtp(postfix.port) as client:
        client.mail("first@example.test")
        client.rcpt("b0@example.org")
        server.restart()
        for i in (1, 2, 3):
            true(client.rcpt(f"b{i}@example.org").ok, "mail goes on")
        true(client.data().ok, "mail goes on")
        client.message("second@example.test", ["b@example.org"])
        client.quit()
    equal([r["recipient"] for r in server.requests()], ["b0@example.org"],
          "asked in the session whose connection broke")
    for _ in range(2):
        with Smtp(postfix.port) as client:
            client.message("later@example.test", ["b@example.org"])
            client.quit()
    equal(server.stages()[-3:], ["RCPT", "DATA", "END-OF-MESSAGE"], "asked again")


@test
def a_chrooted_smtpd_finds_the_socket_by_its_name_in_the_queue(place):
    port = place.free_port()
    postfix = Postfix(place, "remite/policy",
                      services=f"127.0.0.1:{port} inet n - y - - smtpd\n")
    folder = os.path.join(postfix.path, "spool/remite")
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    server = StandIn(place, os.path.join(folder, "policy"))
    for number in (postfix.port, port):
        with Smtp(number) as client:
            client.message("a@example.test", ["b@example.org"])
    equal(server.stages(), ["RCPT", "DATA", "END-OF-MESSAGE"] * 2, "stages asked at")


@test
def without_default_action_all_mail_is_deferred(place):
    postfix = Postfix(place, settings={
        "smtpd_recipient_restrictions":
            f"check_policy_service {{ unix:{place.file('nobody')}, try_limit=1 }}"})
    with Smtp(postfix.port) as client:
        replies, _ = client.message("a@example.test", ["b@example.org"])
    equal(replies[0].code, 451, "answer")


@test
def behind_a_permit_nobody_is_asked(place):
    server = StandIn(place)
    postfix = Postfix(place, server.socket, before="permit_mynetworks")
    with Smtp(postfix.port) as client:
        client.message("a@example.test", ["b@example.org"])
    equal(server.stages(), ["DATA", "END-OF-MESSAGE"], "stages asked at")


@test
def empty_lists_in_master_cf_ask_nobody(place):
    server = StandIn(place)
    port = place.free_port()
    postfix = Postfix(place, server.socket, services=(
        f"127.0.0.1:{port} inet n - n - - smtpd\n"
        "  -o smtpd_recipient_restrictions=\n"
        "  -o smtpd_data_restrictions=\n"
        "  -o smtpd_end_of_data_restrictions=\n"
        "  -o smtpd_relay_restrictions=permit_mynetworks,reject\n"))
    with Smtp(port) as client:
        client.message("a@example.test", ["b@example.org"])
    equal(postfix.wait_delivered(1), ["b@example.org"], "delivered")
    equal(server.stages(), [], "stages asked at")


@test
def sendmail_and_bcc_are_never_seen(place):
    server = StandIn(place)
    postfix = Postfix(place, server.socket, settings={"always_bcc": "copy@example.net"})
    with Smtp(postfix.port) as client:
        client.message("a@example.test", ["b@example.org"])
    postfix.sendmail("a@example.test", "c@example.org")
    equal(sorted(postfix.wait_delivered(4)),
          ["b@example.org", "c@example.org", "copy@example.net", "copy@example.net"],
          "delivered")
    equal([r["recipient"] for r in server.requests()], ["b@example.org"] * 3, "asked about")


@test
def postmaster_without_a_domain_is_not_asked_about(place):
    server = StandIn(place)
    postfix = Postfix(place, server.socket)
    with Smtp(postfix.port) as client:
        client.mail("a@example.test")
        client.rcpt("postmaster")
    equal(server.stages(), [], "stages asked at")


if __name__ == "__main__":
    main()
