# SPDX-License-Identifier: MIT
# bash completion for remite(1): commands and options are asked of the program, so
# that nothing here grows old.

# The commands that `remite --help` lists.
_remite_commands() {
	"$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'
}

# Options, and the words of "usage: remite NAME word | word", of a command.
_remite_words() {
	local help
	help=$("$1" "$2" --help 2>/dev/null) || return
	grep -oE -- '--[a-z][a-z-]*' <<<"$help"
	sed -n "s/^ *\(usage: \)\{0,1\}remite $2 //p" <<<"$help" |
		tr '|[] ' '\n' | grep -xE '[a-z][a-z-]*'
}

_remite() {
	local word=${COMP_WORDS[COMP_CWORD]} at=1
	COMPREPLY=()
	# -c FILE, or a file after an option that takes one
	if [ "${COMP_WORDS[1]}" = -c ]; then
		at=3
	fi
	if ((COMP_CWORD < at)); then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	elif ((COMP_CWORD == at)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_remite_commands "${COMP_WORDS[0]}") -c --help --version" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_remite_words "${COMP_WORDS[0]}" "${COMP_WORDS[at]}" | sort -u)" -- "$word")
		[ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -F _remite remite
