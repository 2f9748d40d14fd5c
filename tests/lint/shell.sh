#!/usr/bin/env bash
# Every script passes shellcheck, whatever its name ends in.
set -euo pipefail
cd "$(dirname "$0")/../.."

list() {
	find . \( -name .git -o -name 'build*' -o -name templates \) -prune -o -type f ! -name '*.bats' -print0 |
		xargs -0 grep -lIE -m 1 "$1" || true
}

failed=0
mapfile -t whole < <(list '^#!(/bin/(ba)?sh|/usr/bin/env (ba)?sh)' | xargs grep -LE '^\s*\. ')
# What is in parts: variables come from, and go to, the other part.
mapfile -t parts < <(list '^#!(/bin/(ba)?sh|/usr/bin/env (ba)?sh)' | xargs grep -lE '^\s*\. '; list '^# shellcheck shell=')
mapfile -t bats < <(find tests -name '*.bats')
if [ ${#whole[@]} -eq 0 ] || [ ${#parts[@]} -eq 0 ] || [ ${#bats[@]} -eq 0 ]; then
	echo "no scripts found"
	exit 1
fi
shellcheck "${whole[@]}" || failed=1
shellcheck -e SC1091,SC2016,SC2034,SC2154 "${parts[@]}" || failed=1
# SC2030, SC2031: a test is a subshell of its own, and that is the point. SC2317: what `eventually` calls. SC2016: what a host's shell shall expand is in single quotes.
shellcheck -s bats -e SC2016,SC2030,SC2031,SC2034,SC2154,SC2317 "${bats[@]}" || failed=1
exit "$failed"
