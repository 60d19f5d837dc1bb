# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For tests/packages/*: what is checked, counted and told.
passed=0 failed=0 skipped=0
place=$(mktemp -d) || exit 1
chmod 755 "$place"
trap 'rm -rf "$place"' EXIT

check() { # check WHAT COMMAND...
	local what=$1
	shift
	if "$@" >"$place/log" 2>&1; then
		passed=$((passed + 1)) && echo "  ok      $what"
	else
		failed=$((failed + 1)) && echo "  FAILED  $what"
		tail -n 15 "$place/log" | sed 's/^/          /'
	fi
}

skip() { # skip WHY
	skipped=$((skipped + 1)) && echo "skipped: $1"
}

tell_sums() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}

in_a_tree_to_throw_away() {
	[ -n "${REMITE_DISPOSABLE:-}" ] || {
		echo "$0 changes the system it runs on: see its head" >&2
		exit 2
	}
}

not() { ! "$@"; }

wait_for() { # wait_for COMMAND...: up to a minute
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	"$@"
}

# --- Postfix -----------------------------------------------------------------

stock_postfix() {
	[ -f /etc/postfix/main.cf ] || cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
	[ -f /etc/postfix/master.cf ] || cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
	postconf -e myhostname=mail.example.test mydestination=localhost \
		inet_interfaces=loopback-only inet_protocols=ipv4 \
		default_transport=discard: local_transport=discard: \
		maillog_file=/var/log/mail.log &&
		systemctl restart postfix && wait_for send
}

send() { # send [COUNT]
	timeout 60 smtp-source -m "${1:-1}" -f shop@example.test -t who@elsewhere.test 127.0.0.1:25
}

asked() {
	remite status --json | grep '"RCPT": *[1-9]'
}

# An smtpd of before `postfix reload`, which does not wait for it, may take the first.
sent_and_asked() {
	send && asked
}

postfix_alone() {
	postconf -n | cmp - "$place/postconf" && postconf -M | cmp - "$place/master"
}
