# SPDX-License-Identifier: MIT
"""What servers that make unsubscribe links have in common."""
import os
import subprocess

from live import BUILD
from postfix import SERVICE


def keys(place):
    """The setting that names a ring, which is made."""
    setting = f'keys = "{place.file("ring")}"\n'
    conf = place.file("keys.conf", setting)
    if not os.path.exists(place.file("ring")):
        subprocess.run([os.path.join(BUILD, "remite"), "-c", conf, "keys", "make"],
                       check=True, timeout=60)
    return setting


def ask_twice(socket):
    """At DATA an answer holds one field: the second one is asked for by its context."""
    plain = SERVICE.format(socket=socket)
    second = plain.replace(" }", ", policy_context=one-click }")
    return {"smtpd_data_restrictions": f"check_policy_service {plain}, "
                                       f"check_policy_service {second}"}
