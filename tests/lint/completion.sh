#!/usr/bin/env bash
# Every command's completion loads in a bare bash, defines a completion for the command, and completes a long option.
set -euo pipefail

failed=0
for program in "${STAGE:?an installation}"/usr/sbin/cl-*; do
	name=$(basename "$program")
	file=$STAGE/usr/share/bash-completion/completions/$name
	[ -f "$file" ] || {
		echo "$name: no completion is installed"
		failed=1
		continue
	}
	# shellcheck disable=SC2016 # for that shell to expand
	PATH=$STAGE/usr/sbin:$PATH bash --norc --noprofile -euc '
		set +u
		. /usr/share/bash-completion/bash_completion
		set -u
		. "$1"
		complete -p "$2" >/dev/null
		[[ $(complete -p "$2") =~ -F\ ([^ ]+) ]]
		COMP_WORDS=("$2" --dry) COMP_CWORD=1 COMP_LINE="$2 --dry" COMP_POINT=${#COMP_LINE} COMPREPLY=()
		set +eu
		"${BASH_REMATCH[1]}" "$2" --dry "$2"
		[[ " ${COMPREPLY[*]} " == *" --dry-run "* ]]
	' bash "$file" "$name" || {
		echo "$name: its completion does not load, or does not complete --dry to --dry-run"
		failed=1
	}
done
exit "$failed"
