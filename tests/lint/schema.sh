#!/bin/sh
# schema/mailrepl.ldif is what schema/generate makes of mailrepl.schema, and OIDS.md lists every number once.
set -eu
cd "$(dirname "$0")/../../schema"
failed=0

if ! ./generate | cmp -s - mailrepl.ldif; then
	echo "schema/mailrepl.ldif does not agree with mailrepl.schema: run schema/generate > schema/mailrepl.ldif"
	./generate | diff mailrepl.ldif - || :
	failed=1
fi

# "<number> <name>" of every definition, in the form of OIDS.md
in_schema=$(sed -n "s/^attributetype ( mailReplAttribute:\([0-9]*\) NAME '\(.*\)'\$/.1.\1 \2/p
	s/^objectclass ( mailReplClass:\([0-9]*\) NAME '\(.*\)'\$/.2.\1 \2/p" mailrepl.schema)
# shellcheck disable=SC2016 # the backquotes are Markdown's
in_list=$(sed -n 's/^| `\(\.[12]\.[0-9]*\)` | `\([A-Za-z]*\)` |.*/\1 \2/p' OIDS.md)

definitions=$(grep -Ec '^(attributetype|objectclass)' mailrepl.schema)
if [ "$(echo "$in_schema" | wc -l)" -ne "$definitions" ]; then
	echo "schema/mailrepl.schema: a definition does not begin with \"( mailReplAttribute:<n> NAME '<name>'\""
	failed=1
fi
doubled=$(echo "$in_list" | cut -d' ' -f1 | sort | uniq -d)
if [ -n "$doubled" ]; then
	echo "schema/OIDS.md: given out twice:" "$doubled"
	failed=1
fi
missing=$(echo "$in_schema" | while read -r line; do
	echo "$in_list" | grep -qxF -- "$line" || echo "  $line"
done)
if [ -n "$missing" ]; then
	echo "schema/OIDS.md: these definitions of mailrepl.schema are not listed with their numbers:"
	echo "$missing"
	failed=1
fi
# Hosts that have run an older mailrepl load the new schema because their slapd's configuration differs.
newest=$(echo "$in_schema" | sed -n 's/^\.1\.\([0-9]*\) .*/\1/p' | sort -n | tail -1)
if ! grep -q "mailReplAttribute:$newest:" ../templates/slapd/config.ldif; then
	echo "templates/slapd/config.ldif does not name mailReplAttribute:$newest, the newest of schema/mailrepl.schema"
	failed=1
fi
exit $failed
