# SPDX-License-Identifier: MIT
"""The page that asks about a receipt: looking changes nothing, one answer counts, and
saying it again is harmless."""
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from browser import Browser
from consent_site import ConsentSite
from live import equal, main, test, true, wait_until


@test
def looking_changes_nothing_and_one_answer_counts(place):
    site = ConsentSite(place)
    path = site.question()
    for method in ("GET", "HEAD", "GET"):
        equal(site.ask(method, path).status, 200, method)
    page = site.ask("GET", path).body
    true("alice@example.net" in page and "please &lt;b&gt;confirm" in page, page)
    for choice in ("approve", "deny", "always", "never"):
        true(f'value="{choice}"' in page, page)
    equal(site.receipts(), [], "receipts before the answer")
    equal(site.ask("POST", path, "choice=maybe").status, 400, "no such choice")
    equal(site.ask("POST", path, "List-Unsubscribe=One-Click").status, 400, "another form")
    answer = site.ask("POST", path, "choice=approve")
    true(answer.status == 200 and "The receipt is sent" in answer.body, answer)
    wait_until(site.receipts, "the receipt")
    for body in ("choice=approve", "choice=deny", "choice=always"):
        again = site.ask("POST", path, body)
        true(again.status == 200 and "answered already" in again.body, f"{body}: {again}")
    true("answered already" in site.ask("GET", path).body, "the page afterwards")
    time.sleep(1)
    equal(len(site.receipts()), 1, "receipts")


@test
def a_link_that_was_changed_opens_nothing(place):
    site = ConsentSite(place)
    path = site.question()
    changed = path[:30] + ("a" if path[30] != "a" else "b") + path[31:]
    equal(site.ask("GET", changed).status, 404, "changed")
    equal(site.ask("POST", changed, "choice=approve").status, 404, "changed")
    equal(site.ask("GET", path.replace("/r/", "/u/")).status, 404, "as an unsubscribe link")
    equal(site.receipts(), [], "receipts")


def end_the_agent(site):
    """kill -9; back when its successor is there."""
    old = site.dovecot.pids("remite-agent")
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: set(site.dovecot.pids("remite-agent")) - set(old), "another agent")


def ask_anew(site, *question):
    """Where the agent takes longer than 5 s to come back, and only there, the page says
    so; then it is asked again."""
    while True:
        start = time.monotonic()
        answer = site.ask(*question)
        if answer.status != 503:
            return answer
        true(time.monotonic() - start > 4.9, f"given up at once: {answer}")


def asked_while_the_agent_hangs(site, *question):
    """What a question is answered that the agent has, and is killed with."""
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask_anew(site, *question)))
    for pid in site.dovecot.pids("remite-agent"):
        os.kill(pid, signal.SIGSTOP)
    asking.start()
    time.sleep(0.5)
    equal(answers, [], "answers of an agent that hangs")
    end_the_agent(site)
    asking.join(60)
    true(answers, "no answer")
    return answers[0]


@test
def an_agent_that_is_killed_costs_no_page_and_no_answer(place):
    site = ConsentSite(place)
    path = site.question()
    for _ in range(3):
        equal(site.ask("GET", path).status, 200, "before")
        end_the_agent(site)
        page = ask_anew(site, "GET", path)
        true(page.status == 200 and "alice@example.net" in page.body, f"afterwards: {page}")
    page = asked_while_the_agent_hangs(site, "GET", path)
    true(page.status == 200 and "alice@example.net" in page.body, f"in between: {page}")
    answer = asked_while_the_agent_hangs(site, "POST", path, "choice=approve")
    true(answer.status == 200 and ("The receipt is sent" in answer.body or
                                   "answered already" in answer.body), answer)
    wait_until(site.receipts, "the receipt")
    time.sleep(1)
    equal(len(site.receipts()), 1, "receipts")


@test
def a_reload_of_dovecot_costs_nobody_a_page(place):
    """Old and new processes of both services are there then, and a socket made anew."""
    site = ConsentSite(place)
    path = site.question()
    for _ in range(5):
        site.dovecot.reload(wait=False)
        for _ in range(4):
            equal(ask_anew(site, "GET", path).status, 200, "the page")
    answer = ask_anew(site, "POST", path, "choice=approve")
    true(answer.status == 200 and "The receipt is sent" in answer.body, answer)
    wait_until(site.receipts, "the receipt")


@test
def an_agent_that_hangs_is_told_after_a_while_and_forgotten_when_replaced(place):
    site = ConsentSite(place)
    path = site.question()
    equal(site.ask("GET", path).status, 200, "before")
    stopped = site.dovecot.pids("remite-agent")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    equal(site.ask("GET", path).status, 503, "the agent hangs")
    wait_until(lambda: "remite-agent: it does not answer" in site.dovecot.log(), "a line in the log")
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    equal(ask_anew(site, "GET", path).status, 200, "it goes on")
    end_the_agent(site)
    equal(ask_anew(site, "GET", path).status, 200, "it was replaced")


@test
def the_page_is_readable_narrow_and_wide(place):
    site = ConsentSite(place)
    path = site.question()
    for width, height, language, words, name in (
            (1280, 800, "en", "Send a read receipt?", "consent-wide"),
            (360, 740, "es", "¿Enviar un acuse de lectura?", "consent-narrow")):
        browser = Browser(place, width, height, language)
        browser.go(f"https://127.0.0.1:{site.dovecot.ports['https']}{path}", words)
        folder = os.environ.get("SCREENSHOTS", place.path)
        browser.screenshot(os.path.join(folder, name + ".png"))
        drawn, window = browser.size()
        true(drawn <= window, f"{name}: {drawn} pixels drawn in {window}")
    browser.press(2)
    browser.wait("No se envía ningún acuse")
    browser.go(f"https://127.0.0.1:{site.dovecot.ports['https']}{path}", "ya está contestado")
    equal(site.receipts(), [], "receipts")


@test
def one_press_sends_one_receipt_and_going_back_none(place):
    site = ConsentSite(place)
    url = f"https://127.0.0.1:{site.dovecot.ports['https']}{site.question()}"
    browser = Browser(place, 360, 740, "en")
    for _ in range(2):
        browser.go(url, "Send a read receipt?")
    equal(site.receipts(), [], "receipts after looking")
    browser.press(1)
    browser.wait("The receipt is sent")
    wait_until(site.receipts, "the receipt")
    browser.go(url, "This was answered already")
    time.sleep(1)
    equal(len(site.receipts()), 1, "receipts")


if __name__ == "__main__":
    main()
