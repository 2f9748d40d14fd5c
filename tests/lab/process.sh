# shellcheck shell=bash
# A process named for good: "PID STARTTIME", since a pid alone is used again. Everything here reads
# the /proc it finds, so that a process in a PID namespace that still sees the machine's /proc is
# named as the machine knows it.

# token_of PID|self: sets REPLY; fails if there is no such process, or only its zombie.
token_of() {
	local stat pid fields
	REPLY=
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	pid=${stat%% *}
	# The command name, in parentheses, may hold anything: the fields start after the last one.
	read -ra fields <<<"${stat##*) }"
	[ "${fields[0]}" != Z ] || return 1
	REPLY="$pid ${fields[19]}"
}

# alive TOKEN
alive() {
	[ -n "$1" ] && token_of "${1%% *}" && [ "$REPLY" = "$1" ]
}

# token_in FILE: sets REPLY to what the file holds, empty if there is none.
token_in() {
	REPLY=
	{ read -r REPLY <"$1"; } 2>/dev/null || true
}

# close_inherited: every descriptor but 0, 1 and 2. A daemon that keeps its starter's pipes open makes
# whoever reads them (a test runner, a command substitution) wait for the daemon's end.
close_inherited() {
	local path fd
	for path in /proc/self/fd/*; do
		fd=${path##*/}
		# 255 is where bash has its script; it closes that itself when it executes something.
		if [ "$fd" -gt 2 ] && [ "$fd" -ne 255 ]; then
			exec {fd}>&-
		fi
	done
}
