#!/usr/bin/env bats
# A joined host is reinstalled from nothing: it comes back, and nobody loses an entry.

load e2e

setup_file() {
	e2e_up mail1.lan mail2.lan mail3.lan relay.lan "$client"
	set_up_home
	invite
	bring_archives mail2.lan relay.lan
	on mail2.lan cl-rebuild --repl
	on relay.lan cl-rebuild --repl
	await_gates mail1.lan mail2.lan relay.lan
	add_user mail1.lan user1
	add_user mail2.lan old2
	bring_archives mail2.lan relay.lan
	# The archives do not know of these.
	add_user mail2.lan new2
	add_user mail1.lan new1
	local host
	for host in mail1.lan mail2.lan relay.lan; do
		eventually 20 knows "$host" "new2@$domain"
		eventually 20 knows "$host" "new1@$domain"
	done
}

teardown_file() {
	e2e_down
}

# reinstall HOST: a new disk with the packages on it, and the archive that the old one had.
reinstall() {
	local disk=/tmp/mailrepl-lab.$LAB/disks/$1 archive
	archive=$(on "$1" sh -c 'ls -t "$1"/*.tar.bz2 | head -n 1' sh "$archives")
	lab copy "$1:$archive" "$BATS_TEST_TMPDIR/"
	lab kill "$1"
	find "$disk"/upper* -mindepth 1 -delete
	lab start "$1"
	run ! on "$1" test -e /var/lib/mailrepl/db
	without_dns "$1"
	on "$1" mkdir -p -m 0700 "$archives"
	lab copy "$BATS_TEST_TMPDIR/${archive##*/}" "$1:$archives/"
}

# entries HOST BASE: every entry below it with the identity that replication knows it by.
entries() {
	on "$1" slapcat -F /var/lib/mailrepl/slapd/slapd.d -o ldif-wrap=no -b "$2" 2>/dev/null |
		grep -E '^(dn|entryUUID|uidNumber|userPassword|mailLocalAddress):'
}

# same_entries FILE HOST BASE
same_entries() {
	diff "$1" <(entries "$2" "$3" | sort)
}

@test "a mail server comes back with what it owned, also what no archive knows, and no copy loses anything" {
	local host
	entries mail1.lan ou=Mail,dc=mailrepl | sort >"$BATS_TEST_TMPDIR/mail"
	entries mail1.lan ou=Unix,dc=mailrepl | sort >"$BATS_TEST_TMPDIR/unix"
	[ "$(grep -c "@$domain" "$BATS_TEST_TMPDIR/mail")" -eq 4 ]
	reinstall mail2.lan
	on mail2.lan cl-rebuild --repl
	for host in mail1.lan mail2.lan relay.lan; do
		eventually 20 same_entries "$BATS_TEST_TMPDIR/mail" "$host" ou=Mail,dc=mailrepl
	done
	for host in mail1.lan mail2.lan; do
		eventually 20 same_entries "$BATS_TEST_TMPDIR/unix" "$host" ou=Unix,dc=mailrepl
	done
}

@test "its users get mail again and log in with their old passwords" {
	submit relay.lan "old2@$domain" after-reinstallation
	submit mail1.lan "new2@$domain" after-reinstallation
	await_message mail2.lan old2 after-reinstallation
	await_message mail2.lan new2 after-reinstallation
}

@test "what it writes now reaches the others" {
	add_user mail2.lan later2
	eventually 20 knows mail1.lan "later2@$domain"
	eventually 20 knows relay.lan "later2@$domain"
	run -0 on mail1.lan cl-replication -l
	[[ $output != *invited* ]]
}

@test "no uidNumber is given twice, before or after" {
	local all
	all=$(entries mail1.lan ou=Unix,dc=mailrepl | grep '^uidNumber' | sort)
	[ "$(uniq -d <<<"$all")" = "" ]
	[ "$(wc -l <<<"$all")" -ge 5 ]
}

@test "a relay comes back" {
	reinstall relay.lan
	on relay.lan cl-rebuild --repl
	eventually 20 knows relay.lan "later2@$domain"
	[ "$(rcpt_code relay.lan "nobody@$domain")" = 550 ]
}

@test "a server comes back with an archive from before another server came" {
	on mail1.lan cl-replication -a mail3.lan mail
	on mail1.lan cl-replication -a mail3.lan unix
	bring_archives mail3.lan
	on mail3.lan cl-rebuild --repl
	add_user mail3.lan user3
	reinstall mail2.lan
	on mail2.lan cl-rebuild --repl
	eventually 20 knows mail2.lan "user3@$domain"
}

@test "a reinstalled server that can reach nobody refuses to begin with an empty directory" {
	reinstall mail2.lan
	lab cut mail2.lan
	run on mail2.lan cl-rebuild --repl
	[ "$status" -eq 69 ] || [ "$status" -eq 75 ]
	run ! on mail2.lan sh -c 'ls /var/lib/mailrepl/db | grep owned'
	run ! on mail2.lan test -e /run/mailrepl/slapd.pid
	lab heal mail2.lan
	on mail2.lan cl-rebuild --repl
	eventually 30 knows mail2.lan "later2@$domain"
	knows relay.lan "old2@$domain"
	knows relay.lan "later2@$domain"
}
