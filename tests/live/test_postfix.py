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

    def __init__(self, place):
        self.place = place
        self.socket = place.file("asked")
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
    other = policy_service(server.socket).replace("timeout=3s, try_limit=1",
                                                  "try_limit=1, timeout=3s")
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


if __name__ == "__main__":
    main()
