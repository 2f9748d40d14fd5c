#!/usr/bin/env bats
# cl-backup --verify and --fingerprint on a private instance below a folder.

load cli

setup_file() {
	cli_home 'backup = { folder = "/archives"; };'
	export archives=$folder/archives
	cl-replication --root "$folder" -q -r one.lan,two.lan mail
	cl-backup --root "$folder" -q
	slapd stop
}

teardown_file() {
	cli_down
}

backup() {
	cl-backup --root "$folder" "$@"
}

# copied NAME: a copy of the full archive, outside of the folder of archives.
copied() {
	cp "$archives"/*-one.lan.tar.bz2 "$BATS_TEST_TMPDIR/$1"
	echo "$BATS_TEST_TMPDIR/$1"
}

@test "the newest archives are verified without a server, in a table" {
	run -0 --separate-stderr backup --verify
	[[ ${lines[0]} == "TIME "*HOST*FOR*GENERATION*ENTRIES*STATE*ARCHIVE* ]]
	[ "${#lines[@]}" = 3 ]
	[[ $output == *" one.lan  itself "*" ok "*"-one.lan.tar.bz2"* ]]
	[[ $output == *" one.lan  two.lan "*" ok "*"-one.lan-for-two.lan.tar.bz2"* ]]
	run -0 backup --verify --all
	[ "${#lines[@]}" = 3 ]
}

@test "as JSON, with the number of entries that slapcat counts" {
	run -0 --separate-stderr backup --verify --json
	[ "$(jq '[.archives[] | select(.valid and .hmac == "key" and .format == 2 and .fault == null)] | length' <<<"$output")" = 2 ]
	local entries
	entries=$(tar -xjOf "$archives"/*-one.lan.tar.bz2 mail-owned.ldif mail-copies.ldif unix-owned.ldif unix-copies.ldif |
		grep -c '^dn:')
	[ "$(jq '.archives[] | select(.for == null) | .entries' <<<"$output")" = "$entries" ]
	[ "$(jq -r '.archives[0].fingerprint' <<<"$output")" = "$(backup --fingerprint)" ]
}

@test "an archive that was touched has status 65 and what is wrong" {
	local copy
	copy=$(copied altered)
	printf '\377' | dd of="$copy" bs=1 seek=$(($(stat -c %s "$copy") / 2)) conv=notrunc status=none
	run -65 --separate-stderr backup --verify "$copy"
	[[ $output == *"NOT VALID"*altered* ]]
	run -65 --separate-stderr backup --verify --json "$copy" "$archives"/*-one.lan.tar.bz2
	[ "$(jq -c '[.archives[].valid]' <<<"$output")" = '[false,true]' ]
	[[ $(jq -r '.archives[0].fault' <<<"$output") == *altered* ]]
	copy=$(copied cut)
	truncate -s -1 "$copy"
	run -65 backup --verify "$copy"
	[[ $output == *"cut short"* ]]
	: >"$copy"
	run -65 backup --verify "$copy"
	[[ $output == *"is not a .tar.bz2 archive"* ]]
}

@test "an archive that is not there has status 66" {
	run -66 backup --verify /nowhere/a.tar.bz2
	[[ $output == *"No such file"* ]]
	run -66 backup --verify a.tar.bz2
	run -66 cl-backup --root "$BATS_TEST_TMPDIR" --verify
}

@test "a host that is not set up verifies by the archive's own key" {
	run -0 --separate-stderr cl-backup --root "$BATS_TEST_TMPDIR" --verify --json "$(copied good)"
	[ "$(jq -r '.archives[0].hmac' <<<"$output")" = its-own-key ]
	[ "$(jq -r '.archives[0].fingerprint' <<<"$output")" = "$(backup --fingerprint)" ]
}

@test "an archive of format 1 is read, and said to carry no HMAC" {
	run -0 --separate-stderr backup --verify "${BATS_TEST_DIRNAME}/../unit/data/format1-full.tar.bz2"
	[[ $output == *"2026-11-22"*" mail1.lan "*" ok, no HMAC "* ]]
}

@test "an archive without HMAC is restored only if that is asked for" {
	local other=$BATS_TEST_TMPDIR/old archive=${BATS_TEST_DIRNAME}/../unit/data/format1-full.tar.bz2
	mkdir -p "$other/etc/mailrepl"
	echo 'host = "mail1.lan";' >"$other/etc/mailrepl/mailrepl.conf"
	run -65 cl-backup --root "$other" -r -n "$archive"
	[[ $output == *"carries no HMAC"*"--old-format"* ]]
	[ -z "$(find "$other" -name 'restore.*')" ]
	run cl-backup --root "$other" -r -n --old-format "$archive"
	[[ $output == *"nobody can tell"*"made by mail1.lan"* ]]
	run -64 cl-backup --root "$other" --list --old-format
	run -64 cl-rebuild --root "$other" --old-format
}

@test "an archive that another domain's key has made is refused" {
	local other=$BATS_TEST_TMPDIR/other
	mkdir -p "$other/etc/mailrepl/tls"
	head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$other/etc/mailrepl/tls/backup.key"
	echo >>"$other/etc/mailrepl/tls/backup.key"
	run -65 cl-backup --root "$other" --verify "$(copied good)"
	[[ $output == *"does not fit the backup key of this host"* ]]
	echo short >"$other/etc/mailrepl/tls/backup.key"
	run -65 cl-backup --root "$other" --verify "$(copied good)"
	[[ $output == *"is not a backup key"* ]]
}

@test "the backup key is root's alone, and its fingerprint is shown" {
	[ "$(stat -c %a "$folder/etc/mailrepl/tls/backup.key")" = 600 ]
	run -0 backup --fingerprint
	[[ $output =~ ^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$ ]]
	local shown=$output
	run -0 backup --fingerprint --json
	[ "$(jq -r .fingerprint <<<"$output")" = "$shown" ]
	run -66 cl-backup --root "$BATS_TEST_TMPDIR" --fingerprint
}

@test "options that do not go together are refused" {
	run -64 backup --all
	run -64 backup --verify --all a.tar.bz2
	run -64 backup --verify --list
	run -64 backup -r --fingerprint
	run -64 backup --fingerprint AAAA-BBBB-CCCC-DDDD
	run -64 cl-rebuild --root "$folder" --fingerprint AAAA-BBBB-CCCC-DDDD
}

@test "a restore demands the fingerprint that was typed" {
	"$MAILREPL_LIBEXEC/mailrepl-slapd" --root "$folder" start
	run -65 backup -r -n --fingerprint AAAA-BBBB-CCCC-DDDD
	[[ $output == *"its fingerprint is $(backup --fingerprint)"* ]]
	run -0 backup -r -n --fingerprint "$(backup --fingerprint | tr 'A-Z-' 'a-z ')"
	"$MAILREPL_LIBEXEC/mailrepl-slapd" --root "$folder" stop
}

@test "who joins first is asked on a terminal whether the fingerprint is the same" {
	local other=$BATS_TEST_TMPDIR/asked
	mkdir -p "$other/archives" "$other/etc/mailrepl"
	cp "$folder/etc/mailrepl/mailrepl.conf" "$other/etc/mailrepl/"
	sed -i -E 's/^\t?(host|home) = .*//' "$other/etc/mailrepl/mailrepl.conf"
	cp "$archives"/*-for-two.lan.tar.bz2 "$other/archives/"
	run -77 script -qefc "cl-rebuild --root $other --repl --host two.lan" /dev/null <<<n
	[[ $output == *"$(backup --fingerprint)"*"Is it the same?"*"nothing was changed"* ]]
	[ "$(find "$other/etc" "$other/var" -type f ! -name lock 2>/dev/null)" = "$other/etc/mailrepl/mailrepl.conf" ]
}

@test "a disk without room for an archive is named before anything is written" {
	local other=$BATS_TEST_TMPDIR/full state=$BATS_TEST_TMPDIR/full/var/lib/mailrepl
	mkdir -p "$other/archives" "$state" "$other/etc/mailrepl"
	cp "$folder/etc/mailrepl/mailrepl.conf" "$other/etc/mailrepl/"
	sed -i -E 's/^\t?(host|home) = .*//' "$other/etc/mailrepl/mailrepl.conf"
	cp "$archives"/*-for-two.lan.tar.bz2 "$other/archives/"
	mount -t tmpfs -o size=4k none "$state"
	run -74 cl-rebuild --root "$other" --repl --host two.lan
	local left
	left=$(find "$state" -type f ! -name lock)
	umount "$state"
	[[ $output == *" needs "*" bytes, and "*" has "*" free"* ]]
	[ -z "$left" ]
}
