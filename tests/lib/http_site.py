# SPDX-License-Identifier: MIT
"""Site: a private Dovecot with remite-http, records and a key ring."""
import http.client
import json
import os
import pwd
import ssl
import subprocess

from dovecot import Dovecot
from live import BUILD, equal

POST = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"

CONFIG = """\
mode = "enforce"
state = "{state}"
keys = "{keys}"
organization = ["example.test"]
http: {{ {http} }}
streams: {{
	news: {{
		senders = ["*@news.example.test"]
		class = "promotional"
		unsubscribe: {{
			https = "https://mail.example.test/u/"
			mailto = "unsubscribe@b.example.test"
			{more}
		}}
	}}
}}
"""


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read().decode("utf-8", "replace")

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:200]}"


class Site:

    def __init__(self, place, more="", http="", dovecot="", config="http.conf", processes=1,
                 **options):
        self.place = place
        state = place.file("state")
        os.makedirs(state, exist_ok=True)
        os.chmod(state, 0o777)
        self.config = place.file(config, CONFIG.format(
            state=state, keys=place.file("ring"), more=more, http=http))
        self.remite("keys", "make")
        user = pwd.getpwnam("nobody")  # Dovecot's services run so here
        os.chown(place.file("ring"), -1, user.pw_gid)
        os.chown(state, user.pw_uid, user.pw_gid)
        self.dovecot = Dovecot(place, http=processes, tls=True, agent_config=self.config,
                               more=dovecot, remite=None, **options)
        self.port = self.dovecot.ports["http"]
        self.tls_port = self.dovecot.ports["https"]

    def remite(self, *words, want=0, stdin=""):
        done = subprocess.run([os.path.join(BUILD, "remite"), "-c", self.config, *words],
                              input=stdin, capture_output=True, text=True, timeout=120,
                              check=False)
        equal(done.returncode, want, f"remite {' '.join(words)}: {done.stderr}")
        return done.stdout

    def path(self, recipient="ann@example.org", *more):
        """The path of a link."""
        url = self.remite("unsubscribe", "link", "news", recipient, *more).strip()
        return "/u/" + url.rsplit("/", 1)[1]

    def ask(self, method, path, body=None, headers=None, tls=True):
        if tls:
            context = ssl.create_default_context(cafile=self.dovecot.certificate)
            connection = http.client.HTTPSConnection("127.0.0.1", self.tls_port,
                                                     context=context, timeout=60)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, headers or {})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def post(self, path, body=POST, content_type=FORM, headers=None, **options):
        return self.ask("POST", path, body, {"Content-Type": content_type,
                                             **(headers or {})}, **options)

    def barred(self, address="ann@example.org"):
        """[(scope, reason)] of an address."""
        entries = json.loads(self.remite("suppress", "list", address, "--json"))
        return [(entry["scope"], entry["reason"]) for entry in entries]


def multipart(fields, boundary="xYz", end="\r\n"):
    parts = [f'--{boundary}{end}Content-Disposition: form-data; name="{name}"{end}{end}{value}{end}'
             for name, value in fields]
    return "".join(parts) + f"--{boundary}--{end}"
