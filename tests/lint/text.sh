#!/usr/bin/env bash
# What .editorconfig asks for: no blank at the end of a line, a newline at the end of a file, no carriage return, no leftover of a merge.
set -euo pipefail
cd "$(dirname "$0")/../.."

failed=0
complain() {
	printf '%s: %s\n' "$2" "$1"
	failed=1
}

while IFS= read -r -d '' file; do
	grep -qI . "$file" || continue
	case $file in
	*.golden | *.want | */golden/* | */fuzz/corpus/*) continue ;; # what a program wrote
	*.ldif | */plan/*.test) ;;
	*) ! grep -nE '[[:blank:]]+$' "$file" || complain "blanks at the end of a line" "$file" ;;
	esac
	! grep -q $'\r' "$file" || complain "a carriage return" "$file"
	! grep -nE '^(<<<<<<<|>>>>>>>) ' "$file" || complain "left over of a merge" "$file"
	[ -z "$(tail -c 1 "$file")" ] || complain "no newline at its end" "$file"
done < <(find . \( -name .git -o -name 'build*' \) -prune -o -type f -print0)
exit "$failed"
