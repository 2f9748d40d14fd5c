#!/usr/bin/env bash
# systemd understands the units, where there is a systemd to ask; what they start is there in any case.
# STAGE is an installation with DESTDIR (tools/stage).
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
units=${STAGE:?an installation}/usr/lib/systemd/system
failed=0
complain() {
	echo "$*"
	failed=1
}

for unit in "$units"/mailrepl-*.service "$units"/mailrepl-*.timer; do
	name=$(basename "$unit")
	sed "s|^ExecStart=/|&${STAGE#/}/|" "$unit" >"$folder/$name"
	! grep -qE '@[a-z]+@' "$unit" || complain "$name: a variable is left in it"
	while IFS= read -r program; do
		[ -x "$program" ] || complain "$name: starts $program, which is not there"
	done < <(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$folder/$name")
done
[ -f "$units/mailrepl-backup.timer" ] || complain "mailrepl-backup.timer is not installed"
command -v systemd-analyze >/dev/null || exit "$failed"
# Other programs' units need not be there, and the manual pages are not in their place.
problems=$(SYSTEMD_LOG_LEVEL=notice systemd-analyze verify --man=no "$folder"/mailrepl-* 2>&1 | grep -F "$folder" || true)
[ -z "$problems" ] || complain "$problems"
exit "$failed"
