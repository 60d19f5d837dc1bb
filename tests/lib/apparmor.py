# SPDX-License-Identifier: MIT
"""Profile: what an AppArmor profile allows, told without a kernel that enforces it.

    profile = Profile("packaging/apparmor/remite-policyd")
    profile.lacks("/etc/remite/remite.conf", "r")       # "" where it is allowed

apparmor_parser puts the abstractions in; rules are read as apparmor.d(5) has them, as far
as Debian's abstractions and ours go: paths, permissions, @{variables}, "owner" not
looked at. Calls: what strace saw a program do with files, as wishes of that kind.
"""
import os
import re
import subprocess

from live import need_program

VARIABLE = re.compile(r"^(@\{\w+\})\s*\+?=\s*(.*)$")
RULE = re.compile(r'^(?:owner |file )*("?)(/\S*|@\{\S*)\1\s+([a-zA-Z]+),$')
NETWORK = re.compile(r"^network\s+(\w+)\s*(\w*)\s*,$")


def pattern(glob):
    """apparmor.d(5)'s globbing as a regular expression."""
    out, at = "", 0
    depth = 0
    while at < len(glob):
        char = glob[at]
        if glob.startswith("**", at):
            out, at = out + ".*", at + 1
        elif char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "{":
            out, depth = out + "(?:", depth + 1
        elif char == "}":
            out, depth = out + ")", depth - 1
        elif char == "," and depth:
            out += "|"
        elif char == "[":
            end = glob.index("]", at)
            out, at = out + glob[at:end + 1], end
        else:
            out += re.escape(char)
        at += 1
    return re.compile(out + r"\Z")


class Profile:
    def __init__(self, path):
        text = subprocess.run([need_program("apparmor_parser"), "--preprocess", path],
                              capture_output=True, text=True, timeout=60, check=True).stdout
        self.variables, self.rules, self.families = {}, [], set()
        for line in text.splitlines():
            self._read(line.partition("#")[0].strip())

    def _read(self, line):
        variable, rule, network = (kind.match(line) for kind in (VARIABLE, RULE, NETWORK))
        if variable:
            self.variables.setdefault(variable[1], []).extend(variable[2].split())
        elif network:
            self.families.add((network[1], network[2]))
        elif rule:
            self.rules += [(pattern(path), set(rule[3])) for path in self._expand(rule[2])]

    def _expand(self, path):
        """@{run} is one of several, and each may hold others."""
        found = re.search(r"@\{\w+\}", path)
        if found is None:
            return [path]
        if found[0] == "@{profile_name}":
            return []
        values = self.variables.get(found[0], [r"[0-9]*"])  # @{pid} is the parser's own
        return [each for value in values for each in
                self._expand(re.sub("/+", "/", path.replace(found[0], value.strip('"'), 1)))]

    def lacks(self, path, wanted):
        """The letters of `wanted` ("r", "w", "k", "m", "l") that nothing allows."""
        given = set()
        for rule, letters in self.rules:
            if rule.match(path):
                given |= letters
        if "a" in given and "w" not in given:
            given.discard("a")
        return "".join(letter for letter in wanted if letter not in given)

    def speaks(self, family, kind):
        return not {(family, kind), (family, "")}.isdisjoint(self.families)


# --- what strace saw ---------------------------------------------------------------

# -D: the process that is started is the program, and hears the signals.
TRACE = ("strace", "-D", "-f", "-y", "-s", "300", "-e", "trace=%file,socket,bind,connect,mmap,flock,fcntl,"
         "fchmod,fchown,ftruncate,getdents64", "-o")
CALL = re.compile(r"^\d+\s+(?:\S+\s+)?(\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+)(?:<(.*?)>)?")
PATH = r'(?:AT_FDCWD(?:<([^>]*)>)?|\d+<([^>]*)>)?(?:, )?"([^"]*)"'
WRITERS = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")
CHANGERS = {"unlink", "unlinkat", "mkdir", "mkdirat", "chmod", "fchmodat", "chown", "fchownat",
            "lchown", "truncate", "symlink", "symlinkat", "rmdir", "mknod", "mknodat",
            "rename", "renameat", "renameat2"}
ANY_PROCESS = re.compile(r"^/proc/(self|thread-self|\d+)(?=/|$)")


def names(arguments, cwd):
    """Paths of a call, absolute."""
    for where_is_cwd, where, name in re.findall(PATH, arguments):
        yield os.path.normpath(os.path.join(where or where_is_cwd or cwd, name)) \
            + ("/" if name.endswith("/") and name != "/" else "")


def wishes(call, arguments, result, opened, cwd):
    """[(path, letters)] of one call that succeeded."""
    of_descriptor = re.match(r"\d+<(/[^>]*)>", arguments)
    if call in ("open", "openat", "creat"):
        letters = "w" if any(word in arguments for word in WRITERS) else "r"
        letters += "r" if "O_RDWR" in arguments else ""
        return [(opened + ("/" if "O_DIRECTORY" in arguments else ""), letters)]
    if call == "mmap" and "PROT_EXEC" in arguments:
        mapped = re.search(r"\d+<(/[^>]*)>", arguments)
        return [(mapped[1], "m")] if mapped else []
    if call in ("flock", "fcntl") and of_descriptor and ("LOCK_" in arguments or "_SETLK" in arguments):
        return [(of_descriptor[1], "k")]
    if call in ("fchmod", "fchown", "ftruncate") and of_descriptor:
        return [(of_descriptor[1], "w")]
    if call in ("bind", "connect"):
        path = re.search(r'sun_path="([^"@][^"]*)"', arguments)
        return [(os.path.normpath(os.path.join(cwd, path[1])), "w")] if path else []
    if call in ("link", "linkat"):
        return [(list(names(arguments, cwd))[-1], "l")]
    if call in ("readlink", "readlinkat"):
        return [(path, "r") for path in names(arguments, cwd)]
    if call in ("mkdir", "mkdirat", "rmdir"):
        return [(path.rstrip("/") + "/", "w") for path in names(arguments, cwd)]
    if call in CHANGERS:
        return [(path, "w") for path in names(arguments, cwd)]
    return []


def calls(trace, prefix, cwd):
    """{(path, letter)} and {(family, type)} of the sockets. `prefix` is where the private
    directory has what would be below /."""
    files, sockets = set(), set()
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = CALL.match(line)
            if call is None or call[3] == "-1":
                continue
            if call[1] == "socket":
                found = re.match(r"AF_(\w+), SOCK_(\w+)", call[2])
                sockets.add((found[1].lower(), found[2].lower()))
            for path, letters in wishes(call[1], call[2], call[3], call[4], cwd):
                if path.startswith(("pipe:", "socket:", "anon_inode:", "/memfd:")):
                    continue
                path = path[len(prefix):] if path.startswith(prefix + "/") else path
                files |= {(ANY_PROCESS.sub("/proc/1", path), letter) for letter in letters}
    return files, sockets
