# SPDX-License-Identifier: MIT
"""A new configuration, a crash, a stop: no connection and no count is lost."""
import contextlib
import os
import re
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from live import Skip, can_connect, equal, main, test, true, wait_until  # noqa: E402
from policyd import Policyd, PolicyClient  # noqa: E402

LIMIT = 'news: {{ limits: {{ day: {{ per = "sasl_user" quota = "{}/day" }} }} }}'
STAGES = 'stages = ["RCPT"]\n'


def charge(client, user, count):
    answers = []
    for i in range(count):
        client.new_message()
        answers.append(client.rcpt("n@example.test", f"r{i}@example.org",
                                   sasl_username=user))
    return answers


def used(policyd, user):
    for line in policyd.remite("limits", "list", "--contains", user).splitlines():
        return int(line.split("\t")[2])
    return 0


@test
def reloads_under_load_fail_no_request_and_reset_no_counter(place):
    policyd = Policyd(place, LIMIT.format(1000000), policyd=STAGES + "log_passed = false")
    stop = threading.Event()
    asked, failures = [0] * 4, []

    def ask(number):
        try:
            with PolicyClient(policyd.socket) as client:
                while not stop.is_set():
                    if charge(client, f"user{number}", 20) != ["DUNNO"] * 20:
                        failures.append("another answer")
                    asked[number] += 20
        except Exception as error:  # pylint: disable=broad-except
            failures.append(repr(error))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: failures or min(asked) > 0, "everybody to ask")
        for i in range(10):
            policyd.configure(LIMIT.format(1000000 + i), policyd=STAGES + "log_passed = false")
            equal(policyd.remite("reload").strip(), "the configuration is in force", "reload")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    equal(failures, [], "failures")
    true(min(asked) > 0, "everybody asked")
    # At RCPT alone a message ends with the next one, or with its connection.
    wait_until(lambda: [used(policyd, f"user{n}") for n in range(4)] == asked,
               f"counts of {asked}")


@test
def sockets_of_a_new_configuration_open_and_old_connections_stay(place):
    policyd = Policyd(place)
    other = place.file("policy2")
    with PolicyClient(policyd.socket) as old:
        with open(policyd.config, encoding="utf-8") as file:
            text = file.read()
        with open(policyd.config, "w", encoding="utf-8") as file:
            file.write(text.replace(f'"unix:{policyd.socket}"', f'"unix:{other}"'))
        policyd.remite("reload")
        true(not can_connect(policyd.socket), "the old socket is closed")
        equal(old.rcpt("a@example.test", "b@example.org"), "DUNNO", "the old connection")
        with PolicyClient(other) as new:
            equal(new.rcpt("a@example.test", "b@example.org"), "DUNNO", "the new socket")


@test
def a_reload_that_cannot_open_a_socket_changes_nothing(place):
    policyd = Policyd(place)
    with open(policyd.config, encoding="utf-8") as file:
        text = file.read()
    with open(policyd.config, "w", encoding="utf-8") as file:
        file.write(text.replace(f'"unix:{policyd.socket}"', '"unix:/nonexistent/policy"'))
    policyd.remite("reload", want=1)
    policyd.wait_log("/nonexistent is missing")  # the remedy
    with PolicyClient(policyd.socket) as client:
        equal(client.rcpt("a@example.test", "b@example.org"), "DUNNO", "the old socket")
    equal(policyd.status()["reload_ok"], False, "status tells it")


@test
def a_file_with_errors_hides_nothing_of_what_runs(place):
    policyd = Policyd(place, LIMIT.format(100), policyd=STAGES)
    with PolicyClient(policyd.socket) as client:
        charge(client, "ann", 30)
    policyd.configure(LIMIT.format(100), policyd=STAGES + 'idle_timeout = "soon"')
    policyd.reload()
    equal(policyd.status()["reload_ok"], False, "status tells it")
    equal(used(policyd, "ann"), 30, "what limits have")
    policyd.remite("reload", want=3)


@test
def counts_survive_kill_9_and_the_stale_socket_is_replaced(place):
    policyd = Policyd(place, LIMIT.format(100), policyd=STAGES)
    with PolicyClient(policyd.socket) as client:
        charge(client, "ann", 30)
        policyd.kill()
    true(os.path.exists(policyd.socket), "kill -9 leaves the socket file")
    policyd.start()
    with PolicyClient(policyd.socket) as client:
        answers = charge(client, "ann", 80)
    equal(answers.count("DUNNO"), 70, "what was left")


def ask_until_it_is_killed(policyd, user, answered):
    with contextlib.suppress(OSError), PolicyClient(policyd.socket) as client:
        while True:
            answered[user] += charge(client, user, 1).count("DUNNO")


def kill_among_requests(policyd, times):
    """{user: answers it had}, of four who ask all the time."""
    answered = {f"user{n}": 0 for n in range(4)}
    for i in range(times):
        threads = [threading.Thread(target=ask_until_it_is_killed,
                                    args=(policyd, user, answered)) for user in answered]
        before = sum(answered.values())
        for thread in threads:
            thread.start()
        wait_until(lambda: sum(answered.values()) > before + 40 * (i % 5),  # pylint: disable=cell-var-from-loop
                   "everybody to ask")
        policyd.kill()
        for thread in threads:
            thread.join()
        policyd.start()
    return answered


def no_answer_is_forgotten(policyd, times=10):
    for user, answers in kill_among_requests(policyd, times).items():
        # What was under way at a kill may be counted without its answer.
        true(answers <= used(policyd, user) <= answers + times,
             f"{user}: {answers} answers, {used(policyd, user)} counted")


@test
def killed_among_requests_no_answer_is_forgotten(place):
    policyd = Policyd(place, LIMIT.format(1000000), policyd=STAGES + "log_passed = false")
    if not os.path.exists(policyd.tail):
        raise Skip("/dev/shm is no tmpfs: the log's tail is not kept in memory")
    no_answer_is_forgotten(policyd)
    equal(policyd.stop(), 0, "exit status")
    true(not os.path.exists(policyd.tail), "an orderly stop leaves no tail")


@test
def nor_where_the_log_has_no_tail_in_memory(place):
    policyd = Policyd(place, LIMIT.format(1000000), policyd=STAGES + "log_passed = false")
    policyd.stop()
    os.mkdir(policyd.tail)
    policyd.start()
    policyd.wait_log("ctl.tail: Is a directory; without this memory each record")
    no_answer_is_forgotten(policyd)


@test
def a_stop_removes_the_sockets_and_a_second_server_is_refused(place):
    policyd = Policyd(place)
    second = subprocess.run([policyd.program, "-F", "-c", policyd.config],
                            capture_output=True, text=True, timeout=60, check=False)
    equal(second.returncode, 1, "status of the second")
    true(str(policyd.process.pid) in second.stderr, "it names the first: " + second.stderr)
    true(can_connect(policyd.socket), "the first still answers")
    equal(policyd.stop(), 0, "status of the first")
    true(not os.path.exists(policyd.socket), "its socket is removed")


@test
def systemd_may_open_the_socket_and_is_told_when_it_is_ready(place):
    policyd = Policyd(place)
    policyd.stop()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(policyd.socket)
    listener.listen(10)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(place.file("notify"))
    notify.settimeout(60)
    shell = place.file("activate.sh", f'export LISTEN_PID=$$ LISTEN_FDS=1\n'
                       f'export NOTIFY_SOCKET={place.file("notify")}\n'
                       f'exec "$@" 3<&{listener.fileno()}\n')
    policyd.process = place.start(["sh", shell, policyd.program, "-F", "-c", policyd.config],
                                  "policyd.log", pass_fds=[listener.fileno()])
    true(b"READY=1" in notify.recv(1000), "systemd is told")
    listener.close()
    with PolicyClient(policyd.socket) as client:
        equal(client.rcpt("a@example.test", "b@example.org"), "DUNNO", "an answer")
    policyd.stop()
    true(os.path.exists(policyd.socket), "the socket is systemd's: it stays")


@test
def metrics_are_served_as_prometheus_reads_them(place):
    policyd = Policyd(place, LIMIT.format(2), policyd=STAGES)
    with PolicyClient(policyd.socket) as client:
        charge(client, "ann", 3)
    with socket.create_connection(("127.0.0.1", policyd.metrics), 60) as http:
        http.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        page = b""
        while more := http.recv(65536):
            page += more
    head, _, body = page.decode().partition("\r\n\r\n")
    true(head.startswith("HTTP/1.1 200"), head)
    true(re.search(r'remite_decisions_total\{stream="news",rule="limit:day",'
                   r'action="defer",mode="enforce"\} 1\n', body), body)


@test
def what_is_recorded_can_be_explained(place):
    record = place.file("record")
    policyd = Policyd(place, LIMIT.format(2), policyd=f'record = "{record}"' + STAGES)
    with PolicyClient(policyd.socket) as client:
        charge(client, "ann", 3)

    def recorded():
        with open(record, encoding="utf-8") as file:
            return file.read().split("\n\n")

    # Answers do not wait for it. Three requests, and nothing behind the last.
    requests = wait_until(lambda: len(recorded()) == 4 and recorded(), "three requests")
    true("remite_action=DEFER_IF_PERMIT" in requests[2], "the answer is recorded")
    true(re.search(r"\nremite_time=\d+\.\d{9}\n", requests[0]), "and the time")
    said = policyd.remite("explain", stdin=requests[2] + "\n\n")
    true("action=DEFER_IF_PERMIT" in said, "explain with live counters: " + said)
    said = policyd.remite("explain", "--alone", stdin=requests[2] + "\n\n")
    true("action=DUNNO" in said, "explain alone: " + said)


if __name__ == "__main__":
    main()
