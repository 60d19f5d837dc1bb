# SPDX-License-Identifier: MIT
"""remite-http alone and behind nginx and haproxy, with the examples of packaging/examples
as they are, but for ports, names and certificates."""
import http.client
import os
import re
import socket
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dovecot import version
from http_site import FORM, POST, Answer, Site
from live import BUILD, ROOT, can_connect, equal, main, need_program, test, true, wait_until

RATE = 'rate = "20/day" '  # by the minute one would be given back after three seconds
PROXIED = """
haproxy_trusted_networks = 127.0.0.1
service remite-http {{
  inet_listener proxied {{
    {address} = 127.0.0.1
    port = {port}
    ssl = yes
    haproxy = yes
  }}
}}
"""
NGINX = """\
daemon off;
pid {path}/nginx.pid;
error_log {path}/nginx.log notice;
events {{ }}
http {{
	client_body_temp_path {path}/body;
	proxy_temp_path {path}/proxy;
	fastcgi_temp_path {path}/f;
	uwsgi_temp_path {path}/u;
	scgi_temp_path {path}/s;
	access_log {path}/access.log;
{server}
}}
"""


def proxied(port):
    """As the example says, for this Dovecot."""
    return PROXIED.format(port=port,
                          address="listen" if version() >= (2, 4) else "address")


def example(name):
    with open(os.path.join(ROOT, "packaging/examples", name), encoding="utf-8") as text:
        return text.read()


def replace(text, *pairs):
    """Every pair must be there: an example that changes is seen."""
    for old, new in pairs:
        true(old in text, f"{old!r} is not in the example")
        text = text.replace(old, new)
    return text


class Front:
    """A client of whatever stands in front, from an address of its own."""

    def __init__(self, site, port, name="localhost"):
        self.site, self.port, self.name = site, port, name

    def ask(self, method, path, body=None, content_type=None, source="127.0.0.1"):
        context = ssl.create_default_context(cafile=self.site.dovecot.certificate)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60,
                                       source_address=(source, 0))
        connection = http.client.HTTPConnection(self.name, self.port, timeout=60)
        connection.sock = context.wrap_socket(raw, server_hostname=self.name)
        connection.request(method, path, body,
                           {"Content-Type": content_type} if content_type else {})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def post(self, path, **options):
        return self.ask("POST", path, POST, FORM, **options)


def behind_nginx(place):
    program = need_program("nginx")
    site = Site(place, http=RATE + 'proxies = ["127.0.0.1"]  forwarded = "X-Forwarded-For"')
    port = place.free_port()
    server = replace(
        example("nginx-remite-http.conf"), ("127.0.0.1:8058", f"127.0.0.1:{site.port}"),
        ("\tlisten [::]:443 ssl http2;\n", ""), ("listen 443", f"listen 127.0.0.1:{port}"),
        ("mail.example.com;", "localhost;"),
        ("/etc/letsencrypt/live/mail.example.com/fullchain.pem", site.dovecot.certificate),
        ("/etc/letsencrypt/live/mail.example.com/privkey.pem", site.dovecot.key))
    conf = place.file("nginx.conf", NGINX.format(path=place.path, server=server))
    place.start([program, "-c", conf, "-p", place.path], "nginx.out")
    wait_until(lambda: can_connect(("127.0.0.1", port)), "nginx")
    return site, Front(site, port)


def behind_haproxy(place):
    program = need_program("haproxy")
    inner, port = place.free_port(), place.free_port()
    site = Site(place, http=RATE, dovecot=proxied(inner))
    conf = place.file("haproxy.cfg", replace(
        example("haproxy-remite-http.cfg"), ("127.0.0.1:8443", f"127.0.0.1:{inner}"),
        ("bind :443", f"bind 127.0.0.1:{port}"), ("-i mail.example.com", "-i localhost")))
    place.start([program, "-db", "-f", conf], "haproxy.out")
    wait_until(lambda: can_connect(("127.0.0.1", port)), "haproxy")
    return site, Front(site, port)


def check(site, front):
    """What matters of any of them: E03, E04, and who is counted."""
    path = site.path()
    for method in ("GET", "HEAD"):
        answer = front.ask(method, path)
        equal((answer.status, answer.headers.get("Location")), (200, None), method)
    equal(site.barred(), [], "after GET and HEAD")
    answer = front.post(path)
    equal((answer.status, answer.body), (200, "unsubscribed\n"), f"POST: {answer}")
    equal(site.barred(), [("stream:news", "unsubscribe")], "after POST")
    for name in ("Location", "Set-Cookie"):
        equal(answer.headers.get(name), None, name)
    got = [front.ask("GET", "/u/nothing", source="127.0.0.5").status for _ in range(21)]
    equal((got[0], got[20]), (404, 429), "one client has its rate")
    equal(front.ask("GET", "/u/nothing", source="127.0.0.6").status, 404, "another has its own")
    equal(front.post(path, source="127.0.0.5").status, 200, "a good link has none")


@test
def dovecot_alone(place):
    """E03, E04; one process for each core, and Dovecot's own certificate"""
    port = place.free_port()
    text = replace(example("dovecot-remite-http.conf"),
                   ("executable = remite-http", f"executable = {BUILD}/remite-http"),
                   ("user = remite", "user = nobody"), ("port = 443", f"port = {port}"))
    if version() >= (2, 4):
        text = replace(text, ("service_count = 0", "restart_request_count = unlimited"))
    site = Site(place, processes=0, example=text, ports={"https": port})
    wait_until(lambda: len(site.dovecot.pids("remite-http")) == 2, "both processes")
    addresses = [f"a{number}@example.org" for number in range(20)]
    for address in addresses:
        path = site.path(address)
        equal(site.ask("GET", path).status, 200, "GET")
        equal(site.post(path).status, 200, "POST")
    for address in addresses:
        equal(site.barred(address), [("stream:news", "unsubscribe")], address)
    equal(site.dovecot.errors(), [], "log")


@test
def nginx_in_front(place):
    site, front = behind_nginx(place)
    check(site, front)
    answer = front.ask("POST", site.path("bob@example.org"), "x" * 100000, FORM)
    equal(answer.status, 413, "a long body")
    equal(front.ask("GET", "/").status, 404, "what is not ours is nginx's")
    with open(place.file("access.log"), encoding="utf-8") as log:
        true(not re.search("/u/[a-z2-7]{20}", log.read()), "links are in nginx's log")


@test
def haproxy_in_front(place):
    site, front = behind_haproxy(place)
    check(site, front)
    other = Front(site, front.port, "other.example")
    try:
        answer = other.ask("GET", site.path())
        true(False, f"another name is served: {answer}")
    except (OSError, ssl.SSLError):
        pass


@test
def nobody_but_the_proxy_says_who_the_client_is(place):
    """PROXY from a network that is not trusted, or none where one must come."""
    port = place.free_port()
    site = Site(place, http=RATE, dovecot=proxied(port))
    hello = b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n"

    def said(source, octets):
        with socket.create_connection(("127.0.0.1", port), timeout=8,
                                      source_address=(source, 0)) as client:
            client.sendall(octets)
            try:
                return client.recv(100)
            except (ConnectionError, TimeoutError):
                return b""

    equal(said("127.0.0.7", hello), b"", "from 127.0.0.7")
    equal(said("127.0.0.1", b"GET / HTTP/1.1\r\n\r\n" + b"x" * 300), b"", "without PROXY")
    path = site.path()
    context = ssl.create_default_context(cafile=site.dovecot.certificate)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as raw:
        raw.sendall(hello)
        with context.wrap_socket(raw, server_hostname="localhost") as client:
            client.sendall(f"GET /u/x{path[3:]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            true(b" 404 " in client.recv(4000), "no answer")
    wait_until(lambda: "refused source=203.0.113.9 " in site.dovecot.log(), "the client's name")


@test
def a_field_that_the_client_sent_himself_is_nobodys_address(place):
    """haproxy's `option forwardfor` adds a field behind those that came."""
    site = Site(place, http=RATE + 'proxies = ["127.0.0.1"]  forwarded = "X-Forwarded-For"')

    def look(*forwarded):
        fields = "".join(f"X-Forwarded-For: {value}\r\n" for value in forwarded)
        with socket.create_connection(("127.0.0.1", site.port), timeout=60) as client:
            client.sendall(f"GET /u/nothing HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode())
            return int(client.recv(4000).split()[1])

    got = [look(f"198.51.100.{number}", "203.0.113.9") for number in range(21)]
    equal((got[0], got[20]), (404, 429), "one client has its rate, whatever it says")
    got = [look("::ffff:203.0.113.10") for _ in range(21)]
    equal((got[0], got[20]), (404, 429), "one that nginx writes within IPv6")
    equal(look("::ffff:203.0.113.11"), 404, "another has its own")


if __name__ == "__main__":
    main()
