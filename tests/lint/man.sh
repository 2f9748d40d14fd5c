#!/usr/bin/env bash
# Every command has a manual page that renders without a warning and that names each option of its --help.
# STAGE is an installation with DESTDIR (tools/stage).
set -euo pipefail
cd "$(dirname "$0")/../.."

failed=0
complain() {
	echo "$*"
	failed=1
}

for program in "${STAGE:?an installation}"/usr/sbin/cl-*; do
	name=$(basename "$program")
	page=cl-tools/man/$name.8.scd
	[ -f "$page" ] || {
		complain "$page: missing"
		continue
	}
	roff=$(scdoc <"$page") || complain "$page: scdoc refuses it"
	warnings=$(man --warnings -E UTF-8 -l - <<<"$roff" 2>&1 >/dev/null)
	[ -z "$warnings" ] || complain "$page: $warnings"
	text=$(MANWIDTH=1000 man -E ascii -P cat -l - <<<"$roff" 2>/dev/null | sed 's/.\x08//g')
	for option in $("$program" --help | grep -oE '^  +(-., )?--[a-z-]+|^  -[a-zA-Z]' | grep -oE -- '-{1,2}[a-z-]+$|-[a-zA-Z]$'); do
		grep -qE -- "(^|[^a-z-])${option}([^a-z-]|\$)" <<<"$text" || complain "$page: does not name $option"
	done
	[ -f "$STAGE/usr/share/man/man8/$name.8" ] || complain "$name.8 is not installed"
done
exit "$failed"
