#!/usr/bin/env bats
# Sealed archives between hosts: to a peer's own key, with a passphrase, and for a machine that comes back from nothing.

load e2e

setup_file() {
	# libfaketime and the sanitizers' allocator may wait for each other for ever, while a program starts.
	E2E_LAYER=${E2E_PLAIN_LAYER:-$E2E_LAYER} e2e_up mail1.lan mail2.lan relay.lan "$client"
	set_up_home
	invite
	add_user mail1.lan user1
}

teardown_file() {
	e2e_down
}

# sealed_for HOST: the path on mail1.lan of the only archive for it.
sealed_for() {
	on mail1.lan sh -c "ls $archives/*-for-$1.tar.bz2.age"
}

bring_sealed() {
	on "$1" mkdir -p -m 0700 "$archives"
	lab copy "mail1.lan:$(sealed_for "$1")" "$1:$archives/"
}

@test "a server makes its key before it joins, and joins with the archive that is sealed to it" {
	local key
	key=$(on mail2.lan cl-backup --make-key)
	on mail1.lan cl-backup --for mail2.lan --encrypt-to "$key"
	bring_sealed mail2.lan
	on mail2.lan cl-rebuild --repl
	eventually 60 knows mail2.lan "user1@$domain"
	[ "$(on mail2.lan cl-backup --make-key)" = "$key" ]
	run -0 on mail1.lan cl-backup --list
	[[ $output == *mail2.lan*sealed* ]]
}

@test "a relay joins with an archive that is sealed with a passphrase, and not without it" {
	on mail1.lan sh -c 'echo "correct horse" | cl-backup --for relay.lan --passphrase-stdin'
	bring_sealed relay.lan
	run -66 on relay.lan setsid cl-rebuild --repl
	[[ $output == *--passphrase-stdin* ]]
	run -66 on relay.lan sh -c 'echo "correct house" | cl-rebuild --repl --passphrase-stdin'
	[[ $output == *"not its passphrase"* ]]
	on relay.lan sh -c 'echo "correct horse" | cl-rebuild --repl --passphrase-stdin'
	eventually 60 knows relay.lan "user1@$domain"
}

@test "a server that has lost everything comes back from its sealed archive and a copy of its key" {
	local disk=/tmp/mailrepl-lab.$LAB/disks/mail2.lan archive
	eventually 60 knows mail1.lan "user1@$domain"
	add_user mail2.lan user2
	on mail2.lan sh -c "rm $archives/*; cl-backup --encrypt-to \$(cl-backup --make-key)"
	archive=$(on mail2.lan sh -c "ls $archives/*-mail2.lan.tar.bz2.age")
	lab copy "mail2.lan:$archive" "$BATS_TEST_TMPDIR/"
	lab copy mail2.lan:/etc/mailrepl/tls/backup.age "$BATS_TEST_TMPDIR/"
	eventually 60 knows mail1.lan "user2@$domain"
	lab kill mail2.lan
	find "$disk"/upper* -mindepth 1 -delete
	lab start mail2.lan
	without_dns mail2.lan
	on mail2.lan mkdir -p -m 0700 "$archives"
	on mail2.lan mkdir -p /etc/mailrepl/tls
	lab copy "$BATS_TEST_TMPDIR/${archive##*/}" "mail2.lan:$archives/"
	run -66 on mail2.lan cl-backup -r --yes
	[[ $output == *"no key to open it"* ]]
	lab copy "$BATS_TEST_TMPDIR/backup.age" mail2.lan:/etc/mailrepl/tls/
	on mail2.lan cl-backup -r --yes
	eventually 60 knows mail2.lan "user2@$domain"
	eventually 60 knows mail2.lan "user1@$domain"
}

@test "every night: old archives go on each host by its own rule, and what others made stays" {
	local night
	on mail2.lan sh -c "rm -f $archives/*"
	lab copy "mail1.lan:$(sealed_for mail2.lan)" "mail2.lan:$archives/"
	for night in 3 2 1; do
		on mail2.lan faketime -f "-${night}d" cl-backup -q --keep daily=2
	done
	on mail2.lan cl-backup -q --keep daily=2
	[ "$(on mail2.lan sh -c "ls $archives/*-mail2.lan.tar.bz2" | wc -l)" = 2 ]
	[ "$(on mail2.lan sh -c "ls $archives/*-for-mail2.lan.tar.bz2.age" | wc -l)" = 1 ]
	run -0 on mail2.lan cl-backup --list
}
