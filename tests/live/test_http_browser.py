# SPDX-License-Identifier: MIT
"""The pages in a browser, without scripts and without a mouse, narrow and wide.
SCREENSHOTS=DIR keeps what they look like."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from browser import Browser
from http_site import Site
from live import equal, main, test, true


def keep(place, browser, name):
    folder = os.environ.get("SCREENSHOTS", place.path)
    path = browser.screenshot(os.path.join(folder, name + ".png"))
    true(os.path.getsize(path) > 3000, f"{name}: an empty picture")
    drawn, window = browser.size()
    true(drawn <= window, f"{name}: {drawn} pixels drawn in {window}: it must be scrolled")


def walk(place, width, height, language, words, name):
    site = Site(place, more='title = "Example News"  logo = "Example Ltd."')
    browser = Browser(place, width, height, language)
    url = f"https://127.0.0.1:{site.tls_port}{site.path()}"
    browser.go(url, words[0])
    keep(place, browser, name + "-ask")
    equal(site.barred(), [], "looking at the page")
    browser.press()
    browser.wait(words[1])
    equal(site.barred(), [("stream:news", "unsubscribe")], "the button")
    keep(place, browser, name + "-done")
    browser.press()
    browser.wait(words[2])
    equal(site.barred(), [], "the button that takes it back")
    keep(place, browser, name + "-undone")
    browser.go(f"https://127.0.0.1:{site.tls_port}/u/aaaa", words[3])
    keep(place, browser, name + "-invalid")


@test
def wide_in_english(place):
    walk(place, 1280, 800, "en-GB,en",
         ("Unsubscribe from Example News?", "You are unsubscribed from Example News",
          "You are subscribed to Example News again", "This link is not valid"), "wide")


@test
def narrow_in_spanish(place):
    walk(place, 360, 740, "es-ES,es;q=0.9",
         ("¿Darse de baja de Example News?", "Se ha dado de baja de Example News",
          "Vuelve a estar suscrito a Example News", "Este enlace no es válido"), "narrow")


if __name__ == "__main__":
    main()
