# SPDX-License-Identifier: MIT
"""`remite check` and its kin over real DNS and https on loopback."""
import http.server
import json
import os
import socketserver
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from dns import NameServer
from live import BUILD, Skip, equal, main, test, true
from unsubscribing import make_certificate

# Of this process alone: https has one port.
HERE = f"127.{os.getpid() >> 16 & 63 | 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
ZONE = f"""
safe.example              SOA ns.safe.example
safe.example              MX 10 mail.safe.example
safe.example              TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.safe.example       TXT "v=DMARC1; p=reject"
mail.safe.example         A 192.0.2.1
_mta-sts.safe.example     TXT "v=STSv1; id=1"
mta-sts.safe.example      A {HERE}
"""
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mail.safe.example\r\nmax_age: 86400\r\n"


class Server(http.server.ThreadingHTTPServer):
    server_bind = socketserver.TCPServer.server_bind  # asks no DNS for its own name


class Site:
    """What the host of the policy answers: status, type, body."""

    def __init__(self, place, hosts=("mta-sts.safe.example",)):
        self.answer = (200, "text/plain; charset=utf-8", POLICY)
        self.asked = []
        self.certificate, key = make_certificate(place, "sts", list(hosts))
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                status, kind, body = site.answer
                site.asked.append(self.headers["Host"] + self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "https://mta-sts.safe.example/elsewhere")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        try:
            server = Server((HERE, 443), Handler)
        except PermissionError as why:
            raise Skip("port 443 takes root") from why
        except OSError as why:
            raise Skip(f"port 443 is somebody else's: {why}") from why
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place.at_close.append(server.shutdown)
        place.at_close.append(server.server_close)


def configure(place, dns, allow=True, certificate="/nonexistent"):
    allowed = 'allow = ["127.0.0.0/8"]  ' if allow else ""
    return place.file("remite.conf", f"""
dns: {{ servers = ["{dns.address}"]  deadline = "30s" }}
unsubscribing: {{ {allowed}ca_file = "{certificate}" }}
""")


def remite(config, *words):
    return subprocess.run([os.path.join(BUILD, "remite"), "-c", config, *words],
                          capture_output=True, text=True, timeout=60, check=False)


def policy_of(config):
    done = remite(config, "check", "--json", "safe.example")
    true(done.returncode in (0, 1), done.stderr)
    found = json.loads(done.stdout)["domains"][0]
    said = [row["problem"] for row in found["findings"] if row["rule"] == "MTA-STS"]
    return found["facts"]["mta_sts_policy"], " ".join(said)


@test
def an_mta_sts_policy_is_fetched_and_held_against_the_mx(place):
    dns, site = NameServer(ZONE), Site(place)
    config = configure(place, dns, certificate=site.certificate)
    facts, said = policy_of(config)
    equal((facts["mode"], facts["mx"]), ("enforce", ["mail.safe.example"]), said)
    equal(site.asked, ["mta-sts.safe.example/.well-known/mta-sts.txt"], "asked once")
    dns.set(ZONE + "safe.example MX 20 other.safe.example\n")
    true("other.safe.example is an MX" in policy_of(config)[1], "an MX it does not list")


@test
def a_policy_that_cannot_be_had_is_said_so(place):
    dns, site = NameServer(ZONE), Site(place)
    config = configure(place, dns, certificate=site.certificate)
    for answer, why in (((301, "text/plain", POLICY), "status 301"),
                        ((404, "text/plain", "no"), "status 404"),
                        ((200, "text/html", POLICY), "not text/plain"),
                        ((200, "text/plain", "x" * 70000), "over 65536 octets"),
                        ((200, "text/plain", "<html>"), "no colon")):
        site.answer = answer
        facts, said = policy_of(config)
        true(why in said and facts["mode"] is None, f"{why}: {said} {facts}")
    true("/elsewhere" not in " ".join(site.asked), "nothing is followed")


@test
def neither_a_wrong_certificate_nor_a_private_address_is_taken(place):
    dns, site = NameServer(ZONE), Site(place, ["www.safe.example"])
    facts, said = policy_of(configure(place, dns, certificate=site.certificate))
    true(facts["trouble"] is not None and "cannot be had" in said, said)
    facts, said = policy_of(configure(place, dns, allow=False))
    true("not connected to from here" in said, said)
    equal(site.asked, [], "requests that came through")


MESSAGE = "From: a@safe.example\r\nSubject: x\r\n\r\nhello\r\n"


@test
def every_command_asks_the_configured_servers(place):
    dns = NameServer(ZONE)
    config = configure(place, dns)
    message = place.file("m.eml", MESSAGE)
    for words, want in (
            (["spf", "--ip", "192.0.2.1", "--mail-from", "a@safe.example"], "pass"),
            (["dmarc", "safe.example", "--spf", "safe.example"], "pass"),
            (["predict", "--ip", "192.0.2.1", "--helo", "mail.safe.example", "--mail-from",
              "a@safe.example", message], "pass of safe.example")):
        done = remite(config, *words)
        true(want in done.stdout, f"{words}: {done.stdout[:400]} {done.stderr}")
    before = len(dns.asked)
    signed = ("DKIM-Signature: v=1; a=rsa-sha256; d=safe.example; s=s9; h=from; "
              f"bh={'A' * 43}=; b=eA==\r\n")
    remite(config, "dkim", place.file("s.eml", signed + MESSAGE))
    true("s9._domainkey.safe.example" in dns.asked[before:], "the key is asked for")


@test
def a_configuration_that_is_wrong_is_not_passed_over(place):
    config = place.file("bad.conf", "dns: { servers = [\"nowhere\"] }\n")
    done = remite(config, "spf", "--ip", "192.0.2.1", "--mail-from", "a@safe.example")
    equal(done.returncode, 3, done.stdout)
    true("is no name server" in done.stderr and "cannot be used" in done.stderr, done.stderr)


@test
def a_receiver_without_the_limit_of_void_look_ups_says_otherwise(place):
    config = place.file("remite.conf", "")
    zone = place.file("zone", 'v.example TXT "v=spf1 a:x.example a:y.example a:z.example '
                              'ip4:192.0.2.1 -all"\n')
    asked = ["spf", "--dns-file", zone, "--ip", "192.0.2.1", "--mail-from", "<a@v.example>"]
    done = remite(config, *asked)
    equal((done.returncode, done.stdout.split()[0]), (1, "permerror"), "with the limit")
    true("elsewhere    pass" in done.stdout, done.stdout)
    found = json.loads(remite(config, *asked, "--json").stdout)
    equal((found["result"], found["without_void_limit"], found["void_lookups"]),
          ("permerror", "pass", 3), "both kinds of receivers")
    done = remite(config, *asked, "--void-limit", "3")
    equal((done.returncode, done.stdout.split()[0]), (0, "pass"), "with room for them")
    true("elsewhere" not in done.stdout, done.stdout)


@test
def what_is_no_domain_and_no_option_is_named(place):
    config = place.file("remite.conf", "")
    for words, want in (
            (["check", "ann@v.example"], "'ann@v.example' is a mail address"),
            (["dmarc", "https://v.example/"], "'https://v.example/' is the address of a page"),
            (["dmarc", "v.example", "--dkim", "192.0.2.1"], "'192.0.2.1' is the address of a host"),
            (["check", "--selector", "s._domainkey.v.example", "v.example"],
             "only the part before"),
            (["spf", "--colour"], "'--colour' is no option"),
            (["spf", "--ip", "192.0.2.1", "--void-limit", "-1", "--helo", "h.example"],
             "'-1' is not a number"),
            (["dkim"], "which message?"),
            (["dkim", "--now", "noon", "m.eml"], "'noon' is not Unix seconds"),
            (["batch", "--fast"], "usage: remite batch")):
        done = remite(config, *words)
        equal(done.returncode, 2, f"{words}: {done.stderr}")
        true(want in done.stderr, f"{words}: {done.stderr}")


if __name__ == "__main__":
    main()
