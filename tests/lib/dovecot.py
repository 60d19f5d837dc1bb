# SPDX-License-Identifier: MIT
"""Dovecot: a private instance of the installed one, 2.3 or 2.4, gone with its Place.

    dovecot = Dovecot(place, users={"ann": {}}, remite={"receipts": "server"})
    dovecot.deliver("ann", MESSAGE)                # by LMTP
    with dovecot.imap("ann") as imap:
        imap.select()
        imap.ok("UID FETCH 1 (BODY[])")
    equal(dovecot.errors(), [], "errors in the log")

It has its own base_dir, mail, ports and log. Our modules are mounted over the
installed ones in a mount namespace of its own; nothing is installed.
"""
import functools
import os
import pwd
import re
import shutil
import socket
import subprocess
import time

from live import (BUILD, Failure, Skip, can_connect, end_process, need_program, need_root,
                  processes, wait_until)

MODULES = "/usr/lib/dovecot/modules"
LIBEXEC = "/usr/lib/dovecot"

COMMON = """\
base_dir = {path}/run
state_dir = {path}/state
instance_name = rmt{port}
log_path = {path}/dovecot.log
listen = 127.0.0.1
default_client_limit = 4000
default_process_limit = 400
{vsz}
first_valid_uid = 1
last_valid_uid = 65534
mail_max_userip_connections = 1000
hostname = mx.example.test
service anvil {{
  client_limit = 5000
}}
service auth {{
  client_limit = 5000
}}
service imap {{
  process_limit = 1000
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
  process_limit = 1000
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
    auto = create
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = create
  }}
}}
"""

CONFIG_23 = """\
protocols = imap lmtp{pop3}
ssl = {ssl}
{tls}
disable_plaintext_auth = no
mail_location = {mail}
mail_plugins ={plugins}
{example}
passdb {{
  driver = passwd-file
  args = {path}/users
}}
userdb {{
  driver = passwd-file
  args = {path}/users
}}
protocol lmtp {{
  mail_plugins = $mail_plugins{lmtp_plugins}
}}
protocol imap {{
  mail_plugins = $mail_plugins{imap_plugins}
}}
plugin {{
{settings}
}}
"""

CONFIG_24 = """\
protocols {{
  imap = yes
  lmtp = yes
{pop3}
}}
ssl = {ssl}
{tls}
auth_allow_cleartext = yes
{mail}
mail_plugins {{
{plugins}
}}
{example}
passdb passwd-file {{
  passwd_file_path = {path}/users
}}
userdb passwd-file {{
  passwd_file_path = {path}/users
}}
protocol lmtp {{
  mail_plugins {{
{lmtp_plugins}
  }}
}}
protocol imap {{
  mail_plugins {{
{imap_plugins}
  }}
}}
{settings}
"""

POP3 = """\
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""

# What a machine has Dovecot say that was away for a while, or whose disk was.
SLOW = re.compile(r"Time (moved|jumped|just moved) (forward|backward)|"
                  r"succeeded only after retrying|[Ll]ock(ing|ed) .* (took|for) \d+.* sec|"
                  r"(Scanning|Synchronization) .*took \d+ seconds")

# Where a service of ours has to run: in place of {executable}, its options.
SERVICE = """\
service {name} {{
  executable = {executable}
  user = {user}
  process_min_avail = {processes}
  process_limit = {processes}
  vsz_limit = 4G
{listeners}
}}
"""


def version():
    """(2, 3, 19), of the installed Dovecot."""
    text = subprocess.run([need_program("dovecot"), "--version"], capture_output=True,
                          text=True, check=True).stdout
    return tuple(int(x) for x in re.match(r"(\d+)\.(\d+)\.(\d+)", text).groups())


def is_24():
    return version() >= (2, 4)


@functools.cache
def sanitizer():
    """What a process needs that loads our modules, where these were built with
    AddressSanitizer: Dovecot's own programs were not."""
    plugin = os.path.join(BUILD, "dovecot", "lib20_remite_plugin.so")
    try:
        with open(plugin, "rb") as data:
            if b"__asan_init" not in data.read():
                return {}
    except FileNotFoundError:
        return {}
    library = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True,
                             text=True, check=True).stdout.strip()
    # What Dovecot leaves behind at its end is not ours.
    return {"LD_PRELOAD": os.path.realpath(library), "ASAN_OPTIONS": "detect_leaks=0"}


@functools.cache
def propagation():
    """What keeps our mounts to ourselves. In a chroot nothing need be said, nor
    can be: packaging/in-debian13 has done so."""
    for word in ("private", "unchanged"):
        done = subprocess.run(["unshare", "--mount", "--propagation", word, "true"],
                              capture_output=True, timeout=60, check=False)
        if done.returncode == 0:
            return word
    raise Skip("no right to make a mount namespace")


def listening():
    """The TCP ports that somebody listens on: a TLS port takes a mere connection ill."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in list(table)[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}


class Dovecot:
    """users: {name: {userdb field: value}}; password "x", all mail of one uid, but for
    those with a field "uid".
    format: maildir, sdbox or mdbox. remite: our settings, without their prefix;
    None: without the plugin. plugins, imap_plugins, lmtp_plugins: names of more.
    settings: more plugin settings, {name: value}. sieve: LMTP with Sieve.
    agent: path of the socket of a stand-in; True: remite-agent as a service, with
    agent_config as its REMITE_CONFIG. http: True, or how many processes of remite-http;
    HTTPS too with tls. programs: {"remite-agent": path} in place of what was built.
    example: settings of ours as an administrator writes them, in place of remite, agent
    and http. more: text at the end of the configuration. ports: {"lmtp": 1234} where
    others must know them before."""

    def __init__(self, place, users=("ann",), remite=(), format="maildir", plugins=(),
                 imap_plugins=(), lmtp_plugins=(), settings=(), sieve=False, pop3=False,
                 agent=None, agent_config=None, agent_user="nobody", http=False,
                 tls=False, example="", more="", environment=None, ports=None,
                 programs=()):
        need_root()
        self.version = version()
        self.is_24 = self.version >= (2, 4)
        self.place = place
        self.path = place.file("d")
        self.users = dict(users) if isinstance(users, dict) else {u: {} for u in users}
        self.uid = pwd.getpwnam("nobody").pw_uid
        self.format = format
        self.remite = None if remite is None else dict(remite)
        self.plugins = list(plugins)
        self.imap_plugins = list(imap_plugins)
        self.lmtp_plugins = list(lmtp_plugins) + (["sieve"] if sieve else [])
        self.settings = dict(settings)
        self.sieve = sieve
        self.agent = agent
        self.agent_config = agent_config
        self.agent_user = agent_user
        self.environment = dict(environment or {})
        self.example = example
        self.more = more
        self.programs = dict(programs)
        self.process = None
        self.sanitizer = sanitizer()
        self.environment.update(self.sanitizer)
        self.ports = {name: place.free_port() for name in
                      ("imap", "imaps", "lmtp", "pop3", "http", "https")}
        self.ports.update(ports or {})
        self.has = {"pop3": pop3, "http": http, "tls": tls}
        self._make_directories()
        self._make_certificate()
        self.configure()
        place.at_close.append(self.stop)
        self.start()

    # --- files ---

    def _make_directories(self):
        for name in ("run", "state", "home"):
            os.makedirs(os.path.join(self.path, name), exist_ok=True)
            os.chmod(os.path.join(self.path, name), 0o755)
        os.chmod(self.path, 0o755)
        for user in self.users:
            home = self.home(user)
            os.makedirs(home, exist_ok=True)
            os.chown(home, self.uid_of(user), -1)
        self.modules = os.path.join(self.path, "modules")
        self._copy_modules()

    def _copy_modules(self):
        """The installed modules and ours, to be mounted over the former."""
        if not os.path.isdir(MODULES):
            raise Skip("dovecot-core is not installed")
        shutil.copytree(MODULES, self.modules, symlinks=True)
        built = os.path.join(BUILD, "dovecot")
        if self.remite is not None and not os.path.exists(built + "/lib20_remite_plugin.so"):
            raise Skip("the mail plugin is not built: dovecot-dev")
        if os.path.isdir(built):
            for folder, _, names in os.walk(built):
                for name in (n for n in names if n.endswith(".so")):
                    to = os.path.join(self.modules, os.path.relpath(folder, built))
                    os.makedirs(to, exist_ok=True)
                    shutil.copy(os.path.join(folder, name), to)

    def _make_certificate(self):
        self.certificate = os.path.join(self.path, "cert.pem")
        self.key = os.path.join(self.path, "key.pem")
        if self.has["tls"]:
            subprocess.run([need_program("openssl"), "req", "-x509", "-newkey", "ec",
                            "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                            "-days", "2", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                            self.key, "-out", self.certificate],
                           check=True, capture_output=True, timeout=60)

    def uid_of(self, user):
        return self.users[user].get("uid", self.uid)

    def home(self, user):
        return os.path.join(self.path, "home", user)

    def write(self, user, name, text):
        """A file in the user's home: .dovecot.sieve, ..."""
        path = os.path.join(self.home(user), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chown(path, self.uid_of(user), -1)
        return path

    # --- configuration ---

    def configure(self):
        """Writes the configuration anew; reload() makes it count."""
        with open(os.path.join(self.path, "users"), "w", encoding="utf-8") as out:
            for user, fields in self.users.items():
                extra = " ".join(f"userdb_{k}={v}" for k, v in fields.items() if k != "uid")
                uid = self.uid_of(user)
                out.write(f"{user}:{{PLAIN}}x:{uid}:{uid}::"
                          f"{self.home(user)}::{extra}\n")
        self.config = os.path.join(self.path, "dovecot.conf")
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(self._text())

    def _text(self):
        head = (f"dovecot_config_version = {'.'.join(map(str, self.version))}\n"
                f"dovecot_storage_version = {'.'.join(map(str, self.version))}\n"
                if self.is_24 else "")
        vsz = ""
        if self.sanitizer:
            vsz = "default_vsz_limit = " + self._unlimited()
        text = head + COMMON.format(path=self.path, port=self.ports["imap"], vsz=vsz,
                                    imap=self.ports["imap"], lmtp=self.ports["lmtp"],
                                    imaps=self.ports["imaps"] if self.has["tls"] else 0)
        template = CONFIG_24 if self.is_24 else CONFIG_23
        text += template.format(
            path=self.path, ssl="yes" if self.has["tls"] else "no", tls=self._tls(),
            mail=self._mail(), pop3=self._pop3(), settings=self._plugin_settings(),
            plugins=self._names(self._all_plugins()), example=self.example,
            imap_plugins=self._names(self.imap_plugins),
            lmtp_plugins=self._names(self.lmtp_plugins))
        text += self._services() + self._environment() + self.more + "\n"
        if self.sanitizer:
            # Its shadow is terabytes of address space, whatever an example allows.
            text = re.sub(r"(\bvsz_limit) = .*", rf"\1 = {self._unlimited()}", text)
        return text

    def _unlimited(self):
        return "unlimited" if self.is_24 else "0"

    def _all_plugins(self):
        return self.plugins + (["remite"] if self.remite is not None else [])

    def _names(self, names):
        if self.is_24:
            return "\n".join(f"  {name} = yes" for name in names)
        return "".join(" " + name for name in names)

    def _tls(self):
        if not self.has["tls"]:
            return ""
        if self.is_24:
            return (f"ssl_server_cert_file = {self.certificate}\n"
                    f"ssl_server_key_file = {self.key}\n")
        return f"ssl_cert = <{self.certificate}\nssl_key = <{self.key}\n"

    def _mail(self):
        folder = {"maildir": "Maildir", "sdbox": "sdbox", "mdbox": "mdbox"}[self.format]
        if self.is_24:
            return f"mail_driver = {self.format}\nmail_path = ~/{folder}"
        return f"{self.format}:~/{folder}"

    def _pop3(self):
        if not self.has["pop3"]:
            return ""
        return "  pop3 = yes" if self.is_24 else " pop3"

    def agent_socket(self):
        if isinstance(self.agent, str):
            return self.agent
        return os.path.join(self.path, "run", "remite-agent")

    def _plugin_settings(self):
        values = dict(self.settings)
        if self.remite is not None:
            values.update({"remite_agent_socket": self.agent_socket(),
                           **{"remite_" + k: v for k, v in self.remite.items()}})
        if self.sieve and not self.is_24:
            values["sieve"] = "file:~/sieve;active=~/.dovecot.sieve"
        text = "\n".join(f"  {k} = {v}" for k, v in values.items())
        if self.sieve and self.is_24:
            text += "\nsieve_script personal {\n  path = ~/.dovecot.sieve\n}\n"
        return text

    def _services(self):
        text = POP3.format(pop3=self.ports["pop3"]) if self.has["pop3"] else ""
        if self.agent is True:
            text += self._service("remite-agent", """\
  unix_listener remite-agent {
    mode = 0666
  }""")
        if self.has["http"]:
            ssl = "    ssl = yes\n" if self.has["tls"] else ""
            text += self._service("remite-http", f"""\
  inet_listener http {{
    port = {self.ports['http']}
  }}
  inet_listener https {{
    port = {self.ports['https'] if self.has['tls'] else 0}
{ssl}  }}""", int(self.has["http"]))
        return text

    def _environment(self):
        environment = dict(self.environment)
        if self.agent_config:
            environment["REMITE_CONFIG"] = self.agent_config
        return self._import_environment(environment) if environment else ""

    def _service(self, name, listeners, processes=1):
        program = self.programs.get(name, os.path.join(BUILD, name))
        if not os.access(program, os.X_OK):
            raise Skip(f"{program} is not built: dovecot-dev")
        return SERVICE.format(name=name, executable=program, user=self.agent_user,
                              processes=processes, listeners=listeners)

    def _import_environment(self, values):
        if self.is_24:
            inside = "\n".join(f"  {k} = {v}" for k, v in values.items())
            return f"import_environment {{\n{inside}\n}}\n"
        return "import_environment = TZ " + " ".join(f"{k}={v}" for k, v in values.items()) + "\n"

    # --- running ---

    def within(self, *argv):
        """argv where our modules are mounted over the installed ones."""
        return ["unshare", "--mount", "--propagation", propagation(), "sh", "-c",
                'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh", self.modules,
                MODULES, *argv]

    def start(self):
        argv = self.within(need_program("dovecot"), "-F", "-c", self.config)
        # 2.4's own doveconf loads our settings.
        self.process = self.place.start(argv, "d/master.log", start_new_session=True,
                                        env={**os.environ, **self.sanitizer})
        wait_until(self._is_ready, "Dovecot to answer")
        self._have_statistics()

    def _have_statistics(self):
        """Every process of Dovecot's wants its greeting within five seconds, and the
        first has it only once the service has started."""
        path = os.path.join(self.path, "run", "stats-writer")
        wait_until(lambda: can_connect(path), "Dovecot's statistics")
        with socket.socket(socket.AF_UNIX) as writer:
            writer.settimeout(60)
            writer.connect(path)
            if not writer.recv(100).startswith(b"VERSION\t"):
                raise Failure("Dovecot's statistics do not greet")

    def _is_ready(self):
        if self.process.poll() is not None:
            with open(self.place.file("d/master.log"), encoding="utf-8") as text:
                raise Failure(f"Dovecot ended with status {self.process.returncode}: "
                              + (text.read() + self.log())[-800:])
        # The master binds one after the other.
        return (all(can_connect(("127.0.0.1", self.ports[p])) for p in ("imap", "lmtp"))
                and {self.ports[p] for p in self._served()} <= listening()
                and (self.agent is not True or os.path.exists(self.agent_socket())))

    def _served(self):
        return [name for name, needs in (("imaps", ["tls"]), ("pop3", ["pop3"]),
                                         ("http", ["http"]), ("https", ["http", "tls"]))
                if all(self.has[need] for need in needs)]

    def stop(self):
        if self.process is None:
            return
        end_process(self.process, 10)
        # The master may be gone a moment before the last of its processes.
        end = time.monotonic() + 10
        while self._left() and time.monotonic() < end:
            time.sleep(0.02)

    def _left(self):
        """Processes of the master's session that have not ended."""
        return [pid for pid, _, state, _, _, session in processes()
                if session == self.process.pid and state != "Z"]

    def restart(self):
        self.stop()
        self._copy_again()
        self.start()

    def _copy_again(self):
        shutil.rmtree(self.modules)
        self._copy_modules()

    def reload(self, wait=True):
        """Returns when nobody of before is left who would answer as it was configured."""
        before = self._configured()
        self.doveadm("reload")
        if wait:
            wait_until(lambda: not before & self._configured(), "Dovecot's reload")
            self._have_statistics()

    def _configured(self):
        return {pid for name in ("auth", "config") for pid in self.pids(name)}

    def doveadm(self, *argv, want=0, stdin=""):
        """Standard output of a doveadm command; want=None: (status, all output)."""
        done = subprocess.run(self.within(need_program("doveadm"), "-c", self.config, *argv),
                              input=stdin, capture_output=True, text=True, timeout=60,
                              check=False, env={**os.environ, **self.sanitizer})
        if want is None:
            return done.returncode, done.stdout + done.stderr
        if done.returncode != want:
            raise Failure(f"doveadm {' '.join(argv)}: status {done.returncode}, want {want}: "
                          f"{done.stdout}{done.stderr}")
        return done.stdout

    def doveconf(self, *argv):
        return subprocess.run(self.within(need_program("doveconf"), "-c", self.config, *argv),
                              capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, **self.sanitizer}).stdout

    def pids(self, name):
        """Process ids of a service's processes of this Dovecot."""
        return [pid for pid, comm, _, parent, _, _ in processes()
                if comm == name and parent == self.process.pid]

    def wait_pids(self, name):
        """As pids(), once it is there: Dovecot answers at its sockets before."""
        return wait_until(lambda: self.pids(name), f"{name} to run")

    def log(self):
        try:
            with open(os.path.join(self.path, "dovecot.log"), encoding="utf-8",
                      errors="replace") as text:
                return text.read()
        except FileNotFoundError:
            return ""

    def errors(self):
        """Lines of the log that an administrator would be worried by."""
        return [line for line in self.log().splitlines()
                if re.search(r"\b(Error|Fatal|Panic|Warning):|AddressSanitizer", line)
                and "SSL is disabled" not in line and not SLOW.search(line)]

    # --- clients ---

    def imap(self, user="ann", login=None):
        return Imap(self.ports["imap"], login or user)

    def deliver(self, recipients, message, sender="sender@example.org"):
        """By LMTP; recipients: one or a list. Fails where one is refused."""
        self.deliver_many(recipients, [message], sender)

    def deliver_many(self, recipients, messages, sender="sender@example.org"):
        """All over one connection."""
        recipients = [recipients] if isinstance(recipients, str) else list(recipients)
        with socket.create_connection(("127.0.0.1", self.ports["lmtp"]), timeout=60) as lmtp:
            stream = lmtp.makefile("rwb")
            lmtp_reply(stream)
            lmtp_command(stream, "LHLO client.example")
            for message in messages:
                lmtp_message(stream, recipients, message, sender)
            lmtp_command(stream, "QUIT")


def lmtp_message(stream, recipients, message, sender):
    data = message if isinstance(message, bytes) else message.encode()
    data = re.sub(rb"(?m)^\.", b"..", re.sub(rb"\r?\n", b"\r\n", data))
    for command in (f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{r}>" for r in recipients), "DATA"):
        lmtp_command(stream, command)
    stream.write(data + b".\r\n")
    stream.flush()
    for recipient in recipients:
        reply = lmtp_reply(stream)
        if not reply.startswith("250"):
            raise Failure(f"LMTP refused the message for {recipient}: {reply}")


def lmtp_reply(stream):
    while True:
        line = stream.readline().decode("utf-8", "replace")
        if line[3:4] != "-":
            return line.rstrip()


def lmtp_command(stream, command):
    stream.write(command.encode() + b"\r\n")
    stream.flush()
    reply = lmtp_reply(stream)
    if reply[:1] not in "23" or not reply:
        raise Failure(f"LMTP: {command}: {reply}")


class Imap:
    """A client that says exactly what it is told."""

    def __init__(self, port, user, password="x"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.input = self.socket.makefile("rb")
        self.number = 0
        self.lines = []
        greeting = self.input.readline()
        if not greeting.startswith(b"* OK"):
            raise Failure(f"IMAP greeting: {greeting!r}")
        self.ok(f"LOGIN {user} {password}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Without LOGOUT."""
        self.input.close()
        self.socket.close()

    def logout(self):
        self.command("LOGOUT")
        self.close()

    def _line(self):
        """A line with its literals."""
        line = self.input.readline()
        if not line:
            raise ConnectionError("IMAP connection closed")
        while match := re.search(rb"\{(\d+)\}\r\n$", line):
            line += self.input.read(int(match[1])) + self.input.readline()
        return line.decode("utf-8", "surrogateescape").rstrip("\r\n")

    def send(self, command):
        """Returns the tag; finish() reads its answer."""
        self.number += 1
        tag = f"a{self.number}"
        self.socket.sendall(f"{tag} {command}\r\n".encode("utf-8", "surrogateescape"))
        return tag

    def finish(self, tag):
        self.lines = []
        while True:
            line = self._line()
            if line.startswith(tag + " "):
                return line[len(tag) + 1:]
            self.lines.append(line)

    def command(self, command):
        """The tagged answer, "OK ..."; untagged lines are in self.lines."""
        return self.finish(self.send(command))

    def ok(self, command):
        """The untagged lines; fails for NO and BAD."""
        answer = self.command(command)
        if not answer.startswith("OK"):
            raise Failure(f"{command}: {answer}")
        return self.lines

    def select(self, box="INBOX", examine=False):
        return self.ok(f'{"EXAMINE" if examine else "SELECT"} "{box}"')

    def append(self, box, message, flags=""):
        data = re.sub(rb"\r?\n", b"\r\n", message.encode())
        return self.ok(f'APPEND "{box}" ({flags}) {{{len(data)}+}}\r\n' + data.decode())

    def flags(self, uid):
        """The set of flags and keywords of a message."""
        lines = self.ok(f"UID FETCH {uid} (FLAGS)")
        for line in lines:
            match = re.search(rf"UID {uid}\b.*FLAGS \(([^)]*)\)|FLAGS \(([^)]*)\).*UID {uid}\b",
                              line)
            if match:
                return set((match[1] if match[1] is not None else match[2]).split())
        raise Failure(f"no message with UID {uid}: {lines}")

    def uids(self, search="ALL"):
        lines = self.ok(f"UID SEARCH {search}")
        found = [line for line in lines if line.startswith("* SEARCH")]
        return [int(x) for x in found[0].split()[2:]] if found else []
