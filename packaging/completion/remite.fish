# SPDX-License-Identifier: MIT
# fish completion for remite(1): commands and options are asked of the program, so
# that nothing here grows old.

# The words behind "remite" and "-c FILE".
function __remite_given
    set -l given (commandline -opc)
    set -e given[1]
    if set -q given[2]; and string match -q -- -c $given[1]
        set -e given[1..2]
    end
    string join -- \n $given
end

function __remite_needs_command
    test (count (__remite_given)) -eq 0
end

# The commands that `remite --help` lists, and what they do.
function __remite_commands
    remite --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  *\(.*\)/\1\t\2/p'
end

# Options, and the words of "usage: remite NAME word | word", of a command.
function __remite_words
    set -l name (__remite_given)[1]
    set -l help (remite $name --help 2>/dev/null)
    printf '%s\n' $help | grep -oE -- '--[a-z][a-z-]*' | sort -u
    printf '%s\n' $help | sed -n "s/^ *\(usage: \)\{0,1\}remite $name //p" |
        tr '|[] ' '\n' | grep -xE '[a-z][a-z-]*' | sort -u
end

complete -c remite -n __remite_needs_command -f -a '(__remite_commands)'
complete -c remite -n __remite_needs_command -s c -r -d 'the configuration'
complete -c remite -n __remite_needs_command -l help -l version
complete -c remite -n 'not __remite_needs_command' -a '(__remite_words)'
