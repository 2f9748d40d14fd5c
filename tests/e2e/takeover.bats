#!/usr/bin/env bats
# Hosts that are gone for good: mail3, whose users the home adopts, then the home itself, which mail2 replaces.

load e2e

setup_file() {
	e2e_up mail1.lan mail2.lan mail3.lan relay.lan "$client"
	set_up_home
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,mail3.lan,relay.lan mail
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,mail3.lan unix
	bring_archives mail2.lan mail3.lan relay.lan
	local host
	for host in mail2.lan mail3.lan relay.lan; do on "$host" cl-rebuild --repl; done
	add_user mail1.lan user1
	add_user mail2.lan user2
	add_user mail3.lan user3
	on mail3.lan cl-useradd -P -e "desk@$domain" -e "info@$domain" desk mail <<<"$password"
	on mail3.lan cl-useradd -P guest unix <<<"$password"
	for host in mail1.lan mail2.lan relay.lan; do eventually 30 knows "$host" "desk@$domain"; done
}

teardown_file() {
	e2e_down
}

@test "--take-over is refused while the host answers, and on a host that is not the home" {
	run -73 on mail1.lan cl-replication --yes --take-over mail3.lan
	[[ $output == *mail3.lan*alive* ]]
	run -77 on mail2.lan cl-replication --yes --take-over mail3.lan
	[[ $output == *mail1.lan* ]]
	run -68 on mail1.lan cl-replication --yes --take-over mail9.lan
	run -65 on mail1.lan cl-replication --yes --take-over mail1.lan
	on mail3.lan /usr/lib/mailrepl/mailrepl-slapd stop
	run -73 on mail1.lan cl-replication --yes --take-over mail3.lan
	[[ $output == *25* ]]
	on mail3.lan /usr/lib/mailrepl/mailrepl-slapd start
}

@test "the host dies; mail that others have accepted for its users waits" {
	lab kill mail3.lan
	submit relay.lan "user3@$domain" queued-at-relay
	submit mail1.lan "info@$domain" queued-at-home
	submit mail2.lan "user3@$domain" queued-at-mail2
}

# What mail1 has written and who it is; the gate closes meanwhile, because a provider is gone.
all_owned() {
	owned mail1.lan Mail
	owned mail1.lan Unix
	on mail1.lan sh -c 'find /etc/mailrepl /var/lib/mailrepl/slapd/config.ldif -type f | sort | xargs sha256sum'
}

@test "--dry-run shows what would change owner, says that contents do not come, and changes nothing" {
	local before
	before=$(all_owned)
	run -0 on mail1.lan cl-replication --dry-run --take-over mail3.lan
	[[ $output == *"adopt account guest"* ]]
	[[ $output == *"adopt route user3@$domain -> user3@mail1.lan"* ]]
	[[ $output == *"contents of the mailboxes"* ]]
	[ "$before" = "$(all_owned)" ]
	run -64 on mail1.lan cl-replication --take-over mail3.lan
	[[ $output == *--yes* ]]
	[ "$before" = "$(all_owned)" ]
}

@test "--take-over: the home owns its users, nobody is refused meanwhile" {
	run -0 on mail1.lan cl-replication --yes --take-over mail3.lan
	[[ $output == *cl-rebuild*mail2.lan*relay.lan* ]]
	run -0 on mail1.lan cl-replication -l
	[[ $output != *mail3.lan* ]]
	eventually 20 knows mail1.lan "user3@$domain"
	knows mail1.lan "info@$domain"
	# The others have the old claim beside the new one until they render: then they defer, they never refuse.
	[[ $(rcpt_code relay.lan "user3@$domain") == [24]5[01] ]]
	run -0 on mail1.lan cl-replication --clashes
	[[ $output == *"no address"* ]]
}

@test "cl-rebuild on the others drops the old claims" {
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
	local host
	for host in mail2.lan relay.lan; do
		eventually 20 knows "$host" "user3@$domain"
		submit "$host" "user3@$domain" "new-owner-via-$host"
		await_message mail1.lan user3 "new-owner-via-$host"
		rcpt_code_is "$host" "nobody@$domain" 550
	done
	on mail2.lan cl-rebuild
	run -0 on mail2.lan cl-rebuild
	[[ $output == *"nothing to do"* ]]
}

@test "mail that was queued for the dead host reaches the new owner, none bounces" {
	local host
	# shellcheck disable=SC2317 # called by eventually
	arrived() {
		for host in mail1.lan mail2.lan relay.lan; do on "$host" postqueue -f; done
		has_messages mail1.lan user3 queued-at-relay 1 && has_messages mail1.lan user3 queued-at-mail2 1 &&
			has_messages mail1.lan desk queued-at-home 1
	}
	eventually 60 arrived
	no_bounces mail1.lan mail2.lan relay.lan
}

@test "the same password, the same uidNumber, and a second run has nothing to adopt" {
	imap mail1.lan user3 "" | grep -q INBOX
	imap mail2.lan desk "" | grep -q INBOX
	run -0 as_root mail1.lan ldapsearch -LLL -b cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl uid=user3 uidNumber
	[[ $output == *"uidNumber: 25"* ]]
	run -68 on mail1.lan cl-replication --yes --take-over mail3.lan
}

@test "the home dies, and without its archive nobody can take its place" {
	on mail1.lan cl-backup
	lab copy "mail1.lan:$(newest_archive)" mail2.lan:/root/
	lab kill mail1.lan
	submit relay.lan "user1@$domain" queued-for-the-home
	submit relay.lan "user3@$domain" queued-for-the-adopted
	run -66 on mail2.lan cl-replication --yes --take-over mail1.lan
	[[ $output == *"-mail1.lan.tar.bz2"*"$archives"* ]]
	run -65 on relay.lan cl-replication --yes --take-over mail1.lan
}

@test "an archive without HMAC is not taken in its place, unless that is asked for, and never one of another domain" {
	local archive=$archives/20260101T000000Z-mail1.lan.tar.bz2
	lab copy "$BATS_TEST_DIRNAME/../unit/data/format1-full.tar.bz2" "mail2.lan:$archive"
	run -66 on mail2.lan cl-replication --yes --take-over mail1.lan
	[[ $output == *"carries no HMAC"*"--old-format"* ]]
	run ! on mail2.lan cl-replication --yes --take-over mail1.lan --old-format
	[[ $output == *"nobody can tell"*"$archive: the certificate: "* ]]
	on mail2.lan rm "$archive"
}

@test "with the archive mail2 becomes the home and the owner of all that mail1 owned" {
	on mail2.lan sh -c "mv /root/*-mail1.lan.tar.bz2 $archives/"
	run -0 on mail2.lan cl-replication --yes --take-over mail1.lan
	[[ $output == *"home = "*mail2.lan*relay.lan* ]]
	run -0 on mail2.lan cl-replication -l --json
	[ "$(jq -r '.home, .epoch, (.hosts | length)' <<<"$output" | xargs)" = "mail2.lan 2 2" ]
	run -0 on mail2.lan ls /var/lib/mailrepl
	[[ $output != *take-over* ]]
	[ "$(on mail2.lan stat -c %a:%U /etc/mailrepl/tls/ca.key)" = 600:root ]
}

@test "a host obeys the new home when its administrator says so" {
	on relay.lan sed -i 's/^home = .*/home = "mail2.lan";/' /etc/mailrepl/mailrepl.conf
	on relay.lan cl-rebuild
	local user
	for user in user1 user2 user3 info; do
		eventually 20 knows relay.lan "$user@$domain"
		knows mail2.lan "$user@$domain"
	done
	submit relay.lan "user1@$domain" after-the-home
	await_message mail2.lan user1 after-the-home
	arrived() {
		on relay.lan postqueue -f
		has_messages mail2.lan user1 queued-for-the-home 1 && has_messages mail2.lan user3 queued-for-the-adopted 1
	}
	eventually 60 arrived
	no_bounces mail2.lan relay.lan
}

@test "the new home adds users and invites hosts" {
	add_user mail2.lan newcomer
	eventually 20 knows relay.lan "newcomer@$domain"
	on mail2.lan cl-replication -a mail9.lan mail
	run -0 on mail2.lan cl-replication -l
	[[ $output == *mail9.lan*invited* ]]
	on mail2.lan openssl verify -CAfile /etc/mailrepl/tls/ca.crt /etc/mailrepl/tls/peers/mail9.lan.crt
	on mail2.lan cl-backup
	on mail2.lan cl-replication --yes -d mail9.lan mail
	[[ $(on mail2.lan cl-replication -l) != *mail9.lan* ]]
}
