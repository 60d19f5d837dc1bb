# SPDX-License-Identifier: MIT
"""Mail goes on whatever happens to policyd, and what was counted stays counted."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from live import equal, main, test, true  # noqa: E402
from policyd import Policyd  # noqa: E402
from postfix import Postfix  # noqa: E402
from smtp import Smtp  # noqa: E402
from test_accounting import NEWS, STREAMS, accepted, people, servers  # noqa: E402


@test
def killed_in_the_middle_mail_goes_on_and_counts_are_still_there(place):
    policyd, postfix = servers(place)
    with Smtp(postfix.port) as client:
        client.message(NEWS, people(3))
        client.mail(NEWS)
        client.rcpt("open1@example.org")
        client.rcpt("open2@example.org")
        policyd.kill()
        true(client.rcpt("open3@example.org").ok, "a recipient after the kill")
        true(client.data().ok, "the message under way")
        _, last = client.message(NEWS, people(2))
        true(last.ok, "another one, with nobody there")
        client.quit()
    policyd.start()
    equal(policyd.room(NEWS), 5, "left: 3 were sent, 2 were open when it was killed")
    postfix.wait_delivered(8)


@test
def a_session_begun_after_the_restart_is_counted(place):
    policyd, postfix = servers(place)
    with Smtp(postfix.port) as client:
        client.message(NEWS, people(4))
        client.quit()
    policyd.kill()
    policyd.start()
    for _ in range(2):  # the first may meet an smtpd that has not noticed yet
        with Smtp(postfix.port) as client:
            client.message(NEWS, people(3))
            client.quit()
    true(policyd.room(NEWS) <= 3, "the sessions since are counted")
    with Smtp(postfix.port) as client:
        replies, _ = client.message(NEWS, people(5))
    true(accepted(replies) <= 3, "and limited")


@test
def an_orderly_stop_keeps_counts_as_well(place):
    policyd, postfix = servers(place)
    with Smtp(postfix.port) as client:
        client.message(NEWS, people(4))
        client.quit()
    equal(policyd.stop(), 0, "exit status")
    policyd.start()
    equal(policyd.room(NEWS), 6, "recipients left")


@test
def reloaded_in_the_middle_a_message_ends_under_its_settings(place):
    policyd, postfix = servers(place)
    with Smtp(postfix.port) as client:
        client.mail(NEWS)
        for recipient in people(3):
            true(client.rcpt(recipient).ok, "a recipient before the reload")
        policyd.configure(STREAMS % (5, "recipients"))
        policyd.reload()
        replies = [client.rcpt(recipient) for recipient in people(5, 3)]
        equal(accepted(replies), 5, "recipients of the open message, limit still 10")
        true(client.data().ok, "accepted")
        replies, _ = client.message(NEWS, people(1))
        equal(accepted(replies), 0, "recipients of the next one: 8 of 5 are used")
    policyd.configure(STREAMS % (20, "recipients"))
    policyd.reload()
    equal(policyd.room(NEWS), 12, "left of 20: the counter outlives reloads")


@test
def a_bad_configuration_is_refused_and_the_old_one_stays(place):
    policyd, postfix = servers(place)
    policyd.place.file("remite.conf", "mode = \"enforc\"\n")
    policyd.reload()
    with Smtp(postfix.port) as client:
        replies, _ = client.message(NEWS, people(12))
    equal(accepted(replies), 10, "recipients accepted")


if __name__ == "__main__":
    main()
