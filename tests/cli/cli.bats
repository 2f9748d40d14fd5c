#!/usr/bin/env bats
# Commands as they are typed, on a private instance below a folder: no lab, no port, no mail server of the machine's.

load cli

setup_file() {
	cli_folder
}

teardown_file() {
	cli_down
}

commands=(cl-setup cl-replication cl-useradd cl-usermod cl-userdel cl-passwd cl-backup cl-rebuild)

@test "every command explains itself" {
	local command
	for command in "${commands[@]}"; do
		run -0 --separate-stderr "$command" --help
		[[ $output == "Usage: $command"* && $output == *--dry-run* && $output == *--json* && $output == *--root* ]]
		[ -z "$stderr" ]
		run -0 "$command" -h
		run -0 "$command" --version
		[[ $output =~ ^$command\ \(mailrepl\)\ [0-9]+\.[0-9]+ ]]
	done
}

@test "an unknown option is named, with status 64 and nothing on stdout" {
	local command
	for command in "${commands[@]}"; do
		run -64 --separate-stderr "$command" --frobnicate
		[ -z "$output" ]
		[[ $stderr == "$command: "*--frobnicate* ]]
		run -64 "$command" --root
		run -64 "$command" --dry-run=yes
	done
}

@test "stdout that cannot be written is an error" {
	run ! sh -c 'cl-useradd --help >/dev/full'
}

@test "before cl-setup every other command says what to run" {
	run -78 cl-replication --root "$folder" -l
	[[ $output == *cl-setup* ]]
	run -78 cl-useradd --root "$folder" -e a@b.org a mail
	run -78 cl-backup --root "$folder"
	run -78 cl-rebuild --root "$folder"
}

@test "cl-setup --dry-run shows its steps and makes nothing" {
	run -0 cl-setup --root "$folder" --host one.lan --dry-run mail example.org
	[[ $output == *"  1. "* && $output == *slapd* ]]
	run -0 cl-setup --root "$folder" --host one.lan --dry-run --json mail example.org
	[ "$(jq .dry_run <<<"$output")" = true ]
	[ "$(jq .changed <<<"$output")" = 0 ]
	[ "$(jq '.steps | length > 5' <<<"$output")" = true ]
	run -0 find "$folder" -type f ! -name lock
	[ -z "$output" ]
}

@test "a private instance is set up, has a user, and is backed up, all below its folder" {
	mkdir -p "$folder/etc/mailrepl"
	echo 'mail = { manage = false; };' >"$folder/etc/mailrepl/mailrepl.conf"
	run -0 --separate-stderr cl-setup --root "$folder" --host one.lan --json mail example.org
	[ "$(jq -r .host <<<"$output")" = one.lan ]
	[ "$(jq -r .dry_run <<<"$output")" = false ]
	cl-setup --root "$folder" unix
	cl-useradd --root "$folder" -e user1@example.org user1 mail
	run -0 --separate-stderr cl-replication --root "$folder" -l --json
	[ "$(jq -r .home <<<"$output")" = one.lan ]
	run -0 --separate-stderr cl-backup --root "$folder" --json
	[ "$(find "$folder/var/calculate/server-backup/ldap" -name '*Z-one.lan.tar.bz2' | wc -l)" = 1 ]
	grep -q "cn=one.lan,ou=Mail,ou=Owned,dc=mailrepl" "$folder/etc/postfix/mailrepl/mailboxes.cf"
}

@test "--json has the user and what became of it; -q is silent; -v shows the entries, never a hash" {
	run -0 --separate-stderr cl-useradd --root "$folder" --json -P -e user2@example.org user2 mail <<<"a password"
	[ "$(jq -r .user.mailbox <<<"$output")" = user2@one.lan ]
	[ "$(jq -r .user.password_set <<<"$output")" = true ]
	[[ $output != *'$y$'* ]]
	run -0 cl-useradd --root "$folder" -q -P -e user3@example.org user3 mail <<<"a password"
	[ -z "$output" ]
	run -0 cl-useradd --root "$folder" -v -P -e user4@example.org user4 mail <<<"a password"
	[[ $output == *"mailLocalAddress: user4@example.org"* ]]
	[[ $output != *'$y$'* && $output != *"a password"* ]]
}

@test "two commands at once: one waits for the other" {
	local n pids=() pid
	for n in 1 2 3 4; do
		cl-useradd --root "$folder" -q -e "crowd$n@example.org" "crowd$n" mail 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	run -0 slapcat -F "$folder/var/lib/mailrepl/slapd/slapd.d" -b cn=one.lan,ou=Unix,ou=Owned,dc=mailrepl
	[ "$(grep -c '^uid: crowd' <<<"$output")" = 4 ]
	[ -z "$(grep '^uidNumber:' <<<"$output" | sort | uniq -d)" ]
}

@test "users of a file are added at once, few or many, and listed" {
	local n
	for n in 1 600; do
		awk -v n="$n" 'BEGIN { print "user,addresses"; for (i = 1; i <= n; i++) printf "f%d-%d,f%d-%d@example.org\n", n, i, n, i }' |
			cl-useradd --root "$folder" -q --import -
	done
	run -0 cl-userlist --root "$folder" --tsv "f600-*"
	[ "${#lines[@]}" = 600 ]
	run -0 cl-userlist --root "$folder" --json f1-1
	[ "$(jq -r '.addresses[0] + " " + (.complete | tostring)' <<<"$output")" = "f1-1@example.org true" ]
	run -65 cl-useradd --root "$folder" --import - <<<$'user,what\nx,y'
	[[ $output == *'standard input:1: unknown column "what"'* ]]
	run -64 cl-useradd --root "$folder" --import - somebody mail
	run -64 cl-useradd --root "$folder" --partial somebody mail
	run -64 cl-userlist --root "$folder" --with-hashes
	run -66 cl-useradd --root "$folder" --import "$folder/absent"
}

@test "cl-setup --smarthost changes its setting alone; one in an included file is refused" {
	local file=$folder/etc/mailrepl/mailrepl.conf
	cp "$file" "$BATS_TEST_TMPDIR/before"
	printf '%s\n' '/* ours */ host = "one.lan"; home = "one.lan"; # both' 'mail:' '{' '  manage = false;' \
		'  // smarthost: the gateway' '};' >"$file"
	run -0 cl-setup --root "$folder" --smarthost '[gw.example]:587'
	run -0 diff - "$file" <<-'END'
		/* ours */ host = "one.lan"; home = "one.lan"; # both
		mail:
		{
		  manage = false;
		  // smarthost: the gateway
		  smarthost = "[gw.example]:587";
		};
	END
	echo 'smarthost = "[other.example]";' >"$folder/etc/mailrepl/gateway"
	sed -i "s|^  smarthost = .*|@include \"$folder/etc/mailrepl/gateway\"|" "$file"
	run -78 cl-setup --root "$folder" --smarthost '[gw.example]:587'
	[[ $output == *"/etc/mailrepl/gateway:1: "*'mail.smarthost = "[gw.example]:587"'* ]]
	cp "$BATS_TEST_TMPDIR/before" "$file"
}

@test "a root folder with blanks, percent signs and no way in is named" {
	local odd="$folder/a b%20c"
	mkdir -p "$odd/etc/mailrepl"
	echo 'mail = { manage = false; };' >"$odd/etc/mailrepl/mailrepl.conf"
	run cl-setup --root "$odd" --host two.lan mail example.net
	[ "$status" -eq 0 ] || [[ $output == *"$odd"* ]]
	"$MAILREPL_LIBEXEC/mailrepl-slapd" --root "$odd" stop || true
}
