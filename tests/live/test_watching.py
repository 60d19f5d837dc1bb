#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""packaging/monitoring: every panel's query has data in Debian's Prometheus while mail
passes; the alert rules are sound; fail2ban and logcheck know our real log lines."""
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
# pylint: disable=wrong-import-position
from live import BUILD, ROOT, equal, main, need_program, test, true, wait_until
from milter import Milter
from policyd import Policyd
from postfix import Postfix
from smtp import Smtp

MONITORING = os.path.join(ROOT, "packaging/monitoring")
STREAMS = """\
	news: { senders = ["*@news.example.test"]
		limits: { few: { per = "client"  quota = "3/day"  action = "reject" } } }
	tried: { senders = ["*@tried.example.test"]  mode = "report"
		limits: { few: { per = "client"  quota = "3/day"  action = "reject" } } }
"""
ZONE = """\
news.example.test TXT "v=spf1 -all"
_dmarc.news.example.test TXT "v=DMARC1; p=reject"
"""


def mail(postfix):
    for sender in ("a@news.example.test", "b@tried.example.test", "c@example.test"):
        with Smtp(postfix.port) as client:
            for n in range(2):
                client.message(sender, [f"{n}@example.org"])


def keep_mailing(postfix, done):
    """Rates are of what passes now. Two minutes at most."""
    for _ in range(120):
        mail(postfix)
        if done.wait(1):
            return


class Page(http.server.BaseHTTPRequestHandler):
    """`remite report --prometheus`, as node_exporter's textfile collector shows it."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.text().encode())

    def log_message(self, *_):
        pass


def serve(place, text):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.text = text
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place.at_close.append(server.shutdown)
    return server.server_address[1]


def start_prometheus(place, ports):
    need_program("prometheus")
    scrapes = "".join(f"  - job_name: {name}\n    static_configs: [{{ targets: "
                      f"['127.0.0.1:{port}'] }}]\n" for name, port in ports.items())
    config = place.file("prometheus.yml", "global: { scrape_interval: 1s }\n"
                        f"scrape_configs:\n{scrapes}")
    port = place.free_port()
    place.start([need_program("prometheus"), f"--config.file={config}",
                 f"--storage.tsdb.path={place.file('tsdb')}",
                 f"--web.listen-address=127.0.0.1:{port}"], "prometheus.log")
    wait_until(functools.partial(is_ready, port), "Prometheus")
    return port


def is_ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def ask(port, query):
    """What an instant query finds: a list of samples."""
    url = (f"http://127.0.0.1:{port}/api/v1/query?"
           + urllib.parse.urlencode({"query": query}))
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)["data"]["result"]


def queries():
    """(panel, query) of the dashboard, for a scrape a second."""
    with open(os.path.join(MONITORING, "grafana-dashboard.json"), encoding="utf-8") as file:
        for panel in json.load(file)["panels"]:
            for target in panel["targets"]:
                yield panel["title"], target["expr"].replace("$__rate_interval", "20s")


def start_servers(place):
    """policyd, a Postfix that asks it and a milter, and the port of the milter's metrics."""
    port = place.free_port()
    policyd = Policyd(place, STREAMS)
    milter = Milter(place, ZONE, STREAMS, milter=f'metrics = "127.0.0.1:{port}"',
                    policyd=policyd)
    policyd.reload()
    return policyd, Postfix(place, policyd.socket,
                            settings={"smtpd_milters": milter.address}), port


def has_data(samples):
    return any(sample["value"][1] != "NaN" for sample in samples)


@test
def every_panel_has_data_while_mail_passes(place):
    need_program("prometheus")
    policyd, postfix, milter_port = start_servers(place)
    policyd.remite("stream", "pause", "tried")
    policyd.remite("stream", "resume", "tried")
    report = serve(place, lambda: policyd.remite("report", "--prometheus"))
    port = start_prometheus(place, {"remite-policyd": policyd.metrics,
                                    "remite-milter": milter_port, "remite-report": report})
    done = threading.Event()
    sending = threading.Thread(target=keep_mailing, args=(postfix, done), daemon=True)
    sending.start()
    place.at_close.append(done.set)
    for title, query in queries():
        wait_until(lambda query=query: has_data(ask(port, query)), f"data in '{title}': {query}")
    done.set()
    sending.join(20)


def page(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        return answer.read()


@test
def metrics_are_named_as_prometheus_wants_them(place):
    need_program("promtool")
    policyd, postfix, port = start_servers(place)
    policyd.remite("stream", "pause", "tried")
    mail(postfix)
    pages = (("policyd", page(policyd.metrics)), ("milter", page(port)),
             ("report", policyd.remite("report", "--prometheus").encode()))
    told = set(re.findall(r"^# TYPE (\w+) ", b"".join(text for _, text in pages).decode(), re.M))
    for path in ("packaging/monitoring/alerts.yml", "docs/watching.md"):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            named = set(re.findall(r"\bremite_[a-z_]*[a-z](?![\w*])", file.read()))
        equal([name for name in sorted(named) if name not in told
               and re.sub("_(bucket|sum|count)$", "", name) not in told], [], path)
    for name, text in pages:
        done = subprocess.run(["promtool", "check", "metrics"], input=text, timeout=60,
                              capture_output=True, check=False)
        equal(done.returncode, 0, f"{name}: {done.stdout}{done.stderr}")


@test
def the_alert_rules_are_sound(_):
    need_program("promtool")
    for words in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts-test.yml"),
                  ("check", "config", "--syntax-only", "prometheus.yml")):
        done = subprocess.run(["promtool", *words], cwd=MONITORING, capture_output=True,
                              text=True, timeout=60, check=False)
        equal(done.returncode, 0, f"promtool {' '.join(words)}: {done.stdout}{done.stderr}")


def log_lines(place):
    """Real lines, as syslog writes them."""
    policyd = Policyd(place, STREAMS)
    for n in range(5):
        with policyd.client() as client:
            client.rcpt("a@news.example.test", f"{n}@example.org", client_address="192.0.2.7")
    policyd.remite("suppress", "add", "gone@example.org", "--reason", "dead")
    with policyd.client() as client:
        client.rcpt("c@example.test", "gone@example.org", client_address="192.0.2.8")
        client.rcpt("c@example.test", "here@example.org", client_address="192.0.2.9")
    policyd.reload()
    wait_until(lambda: "here@" in policyd.log(), "the last line")
    # syslog has no level, and a process id.
    return [f"Nov 22 06:51:46 mx {line.replace(': ', '[123]: ', 1).replace(': info: ', ': ')}"
            for line in policyd.log().splitlines()]


@test
def fail2ban_finds_the_clients_that_are_refused(place):
    need_program("fail2ban-regex")
    log = place.file("mail.log", "\n".join(log_lines(place)) + "\n")
    os.makedirs(place.file("filter.d"))
    # It includes what stands beside it.
    shutil.copy("/etc/fail2ban/filter.d/common.conf", place.file("filter.d/common.conf"))
    conf = shutil.copy(os.path.join(MONITORING, "fail2ban-filter.conf"),
                       place.file("filter.d/remite.conf"))
    done = subprocess.run(["fail2ban-regex", "--print-all-matched", "-v", log, conf],
                          capture_output=True, text=True, timeout=60, check=False)
    hosts = set(re.findall(r"192\.0\.2\.\d+", done.stdout.split("Failregex:")[-1]
                           .split("Ignoreregex:")[0]))
    equal(hosts, {"192.0.2.7", "192.0.2.8"}, f"hosts in {done.stdout}{done.stderr}")


@test
def logcheck_is_silent_about_what_is_normal_alone(place):
    lines = log_lines(place)
    rules = [line for line in open(os.path.join(MONITORING, "logcheck-ignore"),
                                   encoding="utf-8").read().splitlines() if line]
    done = subprocess.run(["egrep", "-v", "-f", os.path.join(MONITORING, "logcheck-ignore")],
                          input="\n".join(lines) + "\n", capture_output=True, text=True,
                          timeout=60, check=False)
    left = done.stdout.splitlines()
    true(rules and left, f"{rules} {left}")
    true(all("action=reject" in line for line in left), f"left: {left}")
    equal(len(left), sum("action=reject" in line for line in lines), "refusals told")


if __name__ == "__main__":
    main()
