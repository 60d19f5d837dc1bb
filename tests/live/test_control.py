# SPDX-License-Identifier: MIT
"""What the administrator sets is what the next sender meets."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from live import equal, main, test, true, wait_until  # noqa: E402
from policyd import Policyd  # noqa: E402
from postfix import Postfix  # noqa: E402
from smtp import Smtp  # noqa: E402
from test_accounting import NEWS, STREAMS, accepted, people, servers  # noqa: E402

SHOP = "orders@example.test"
TWO = """
	transactional: { senders = ["orders@example.test"] }
	promotional: {
		senders = ["*@news.example.test"]
		limits: { day: { per = "stream"  quota = "%d/day"  action = "%s"%s } }
	}
"""


def two_streams(place, limit=100, action="defer", more="", **options):
    policyd = Policyd(place, TWO % (limit, action, more), **options)
    return policyd, Postfix(place, policyd.socket)


@test
def report_mode_changes_nothing(place):
    policyd, postfix = two_streams(place, limit=2, action="reject", mode="report")
    policyd.remite("suppress", "add", "p1@example.org", "--scope", "all",
                   "--reason", "complaint")
    policyd.remite("stream", "pause", "promotional", "--reason", "test")
    with Smtp(postfix.port) as client:
        replies, last = client.message(NEWS, people(5))
    equal([reply.code for reply in replies], [250] * 5, "answers")
    true(last.ok, f"accepted: {last}")
    equal(len(postfix.wait_delivered(5)), 5, "recipients delivered to")
    wait_until(lambda: "would=" in policyd.log(), "a line of what would have been done")


@test
def without_any_configuration_nothing_is_changed(place):
    policyd = Policyd(place)
    policyd.place.file("remite.conf", open(policyd.config, encoding="utf-8").read()
                       .replace('mode = "enforce"\n', ""))
    policyd.restart()
    postfix = Postfix(place, policyd.socket)
    with Smtp(postfix.port) as client:
        replies, last = client.message(NEWS, people(5))
    equal([reply.code for reply in replies] + [last.code], [250] * 6, "answers")


@test
def a_suppressed_address_is_refused_at_once_and_only_in_its_stream(place):
    policyd, postfix = two_streams(place)
    with Smtp(postfix.port) as client:
        client.mail(NEWS)
        true(client.rcpt("ann@example.org").ok, "not suppressed yet")
        policyd.remite("suppress", "add", "Bob@Example.org", "--scope",
                       "stream:promotional", "--reason", "unsubscribe")
        reply = client.rcpt("bob@example.org")
        true(reply.code == 554 and "unsubscribe" in reply.text, f"the very next RCPT: {reply}")
        true(client.rcpt("cid@example.org").ok, "another recipient of the message")
        true(client.data().ok, "the message itself")
        _, last = client.message(SHOP, ["bob@example.org"])
        true(last is not None and last.ok, "another stream may write")
        policyd.remite("suppress", "remove", "bob@example.org")
        _, last = client.message(NEWS, ["bob@example.org"])
        true(last is not None and last.ok, "removed: may be mailed again")
    equal(policyd.room(NEWS), 97, "left: who was suppressed is not counted")


@test
def a_paused_stream_is_deferred_and_nothing_else(place):
    policyd, postfix = two_streams(place)
    policyd.remite("stream", "pause", "promotional", "--reason", "too many complaints")
    with Smtp(postfix.port) as client:
        replies, _ = client.message(NEWS, ["a@example.org"])
        true(replies[0].code == 450 and "too many complaints" in replies[0].text,
             f"deferred with its reason: {replies[0]}")
        _, last = client.message(SHOP, ["a@example.org"])
        true(last is not None and last.ok, "the other stream passes")
        policyd.remite("stream", "resume", "promotional")
        _, last = client.message(NEWS, ["a@example.org"])
        true(last is not None and last.ok, "resumed: passes")


@test
def a_pause_survives_a_restart(place):
    policyd, postfix = two_streams(place)
    policyd.remite("stream", "pause", "promotional", "--reason", "inspection")
    policyd.kill()
    policyd.start()
    with Smtp(postfix.port) as client:
        replies, _ = client.message(NEWS, ["a@example.org"])
    equal(replies[0].code, 450, "answer")


@test
def hold_takes_the_whole_message(place):
    policyd, postfix = two_streams(place, limit=2, action="hold")
    with Smtp(postfix.port) as client:
        _, last = client.message(NEWS, people(2))
        true(last.ok, "within the limit")
        _, last = client.message(NEWS, people(3))
        true(last.ok, f"accepted, to be held: {last}")
    postfix.wait_delivered(2)
    held = wait_until(lambda: [m for m in postfix.queue() if m["queue_name"] == "hold"],
                      "a message on hold")
    equal([len(message["recipients"]) for message in held], [3], "recipients on hold")


@test
def discard_takes_the_whole_message_and_gives_back(place):
    policyd, postfix = two_streams(place, limit=2, action="discard",
                                   more="  allow_discard = true")
    with Smtp(postfix.port) as client:
        client.message(NEWS, people(2))
        _, last = client.message(NEWS, ["lost@example.org"])
        true(last.ok, f"accepted, and lost: {last}")
    equal(postfix.wait_delivered(2), people(2), "recipients delivered to")
    true("lost@example.org" not in postfix.delivered(), "the other one is not")


@test
def what_a_recipient_hits_cannot_be_held(place):
    policyd = Policyd(place, TWO % (1, "defer", ""))
    for action, key in (("hold", "recipient"), ("discard", "stream+recipient_domain")):
        text = (TWO % (1, action, "  allow_discard = true")).replace(
            'per = "stream"', f'per = "{key}"')
        path = place.file("bad.conf", f"streams: {{{text}}}\n")
        said = policyd.remite("check-config", path, want=1)
        true(f"bad.conf:5: " in said and action in said, f"{action} per {key}: {said}")


@test
def limits_can_be_listed_and_reset(place):
    policyd, postfix = servers(place)
    with Smtp(postfix.port) as client:
        client.message(NEWS, people(4))
        client.quit()
    equal(policyd.used("news/day"), {"news": 4}, "recipients used")
    policyd.remite("limits", "reset", "news/day", "news")
    equal(policyd.used("news/day").get("news", 0), 0, "recipients used after the reset")
    equal(policyd.room(NEWS), 10, "recipients left after the reset")


@test
def each_key_has_its_own_counter(place):
    streams = """
	people: {
		senders = ["*@example.test"]
		limits: { each: { per = "sender+recipient_domain"  quota = "3/day"
		                  overrides = ["boss@example.test+example.org 5/day"] } }
	}
"""
    policyd = Policyd(place, streams)
    postfix = Postfix(place, policyd.socket)
    with Smtp(postfix.port) as client:
        replies, _ = client.message("Ann@Example.Test", people(4))
        equal(accepted(replies), 3, "Ann's to example.org")
        replies, _ = client.message("bob@example.test", people(4))
        equal(accepted(replies), 3, "Bob's to example.org")
        replies, _ = client.message("boss@example.test", people(9))
        equal(accepted(replies), 5, "the overridden one's")
        replies, _ = client.message("ann@example.test", ["x@EXAMPLE.net"])
        equal(accepted(replies), 1, "Ann's to example.net")
        client.quit()
    equal(policyd.used("people/each"), {"ann@example.test+example.org": 3,
                                        "bob@example.test+example.org": 3,
                                        "boss@example.test+example.org": 5,
                                        "ann@example.test+example.net": 1}, "used")


@test
def status_shows_what_happens(place):
    policyd, postfix = two_streams(place, limit=2)
    policyd.remite("stream", "pause", "transactional", "--reason", "inspection")
    with Smtp(postfix.port) as client:
        client.message(NEWS, people(3))
        client.message(SHOP, people(1))
        client.quit()
    status = policyd.status()
    equal(status["stages_seen"], ["RCPT", "DATA", "END-OF-MESSAGE"], "stages seen")
    counts = {(d["stream"], d["rule"], d["action"]): d["count"] for d in status["decisions"]}
    equal(counts[("promotional", "limit:day", "defer")], 1, "deferred by the limit")
    equal(counts[("transactional", "paused", "defer")], 1, "deferred by the pause")
    equal(status["nearest"][0]["limit"], "promotional/day", "nearest to full")
    equal((status["nearest"][0]["used"], status["nearest"][0]["of"]), (2, 2), "used, of")


if __name__ == "__main__":
    main()
