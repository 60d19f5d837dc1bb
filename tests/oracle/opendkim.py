# SPDX-License-Identifier: MIT
"""opendkim-testmsg(8) as a verifier (it signs, too, but with rsa-sha1 alone).

It asks the name server that resolv.conf names, at port 53. So who verifies with it
does that in network and mount namespaces of his own (root): enter() starts the
program again in them, and open_zone() serves a zone there."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from dns import NameServer  # pylint: disable=wrong-import-position

INSIDE = "REMITE_ORACLE_INSIDE"


def enter():
    """False, and said why: it cannot be asked here. Does not come back otherwise,
    until it is inside."""
    if os.environ.get(INSIDE) == "1":
        return True
    if shutil.which("opendkim-testmsg") is None:
        print("SKIPPED: libopendkim's opinion: no opendkim-testmsg (Debian: opendkim-tools)")
        return False
    if os.geteuid() != 0 or subprocess.run(["unshare", "-nm", "true"], check=False).returncode:
        print("SKIPPED: libopendkim's opinion: needs namespaces of its own (root)")
        return False
    os.execvpe("unshare", ["unshare", "-nm", sys.executable, *sys.argv],
               {**os.environ, INSIDE: "1"})
    return False


def open_zone(zone):
    """Inside: libresolv asks us from now on."""
    with tempfile.NamedTemporaryFile("w", delete=False) as resolv:
        resolv.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "--bind", resolv.name, "/etc/resolv.conf"], check=True)
    os.unlink(resolv.name)
    return NameServer("\n".join(zone), port=53)


def verifies(message):
    return subprocess.run(["opendkim-testmsg"], input=message, capture_output=True,
                          check=False).returncode == 0
