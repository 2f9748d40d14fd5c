#!/usr/bin/env bats
# What mail does while a host's directory is down or hangs: it waits. Nobody is told that a user does not exist.

load e2e

hosts=(mail1.lan mail2.lan relay.lan)

setup_file() {
	e2e_domain
	add_user mail1.lan user1
	local host
	for host in "${hosts[@]}"; do eventually 20 knows "$host" "user1@$domain"; done
}

teardown_file() {
	e2e_down
}

# Whatever a test has left behind: the next one begins with all slapds at work.
setup() {
	local host
	for host in "${hosts[@]}"; do
		on "$host" sh -c 'kill -CONT "$(cat /run/mailrepl/slapd.pid)" 2>/dev/null; /usr/lib/mailrepl/mailrepl-slapd start'
		eventually 20 knows "$host" "user1@$domain"
	done
}

# defers HOST ADDRESS: 451 within 10 seconds.
defers() {
	local begin=$SECONDS
	rcpt_code_is "$1" "$2" 451
	[ $((SECONDS - begin)) -le 10 ] || fail "$1 took $((SECONDS - begin)) seconds"
}

recovers() {
	eventually 30 knows "$1" "user1@$domain"
	eventually 30 rcpt_code_is "$1" "nobody@$domain" 550
}

@test "slapd stopped: 451 within 10 seconds for known and unknown users on every host, then all is well again" {
	local host
	for host in "${hosts[@]}"; do
		slapd_do "$host" stop
		defers "$host" "user1@$domain"
		defers "$host" "nobody@$domain"
		defers "$host" "user1@$domain"
		slapd_do "$host" start
		recovers "$host"
	done
}

@test "slapd hung: 451 within 10 seconds for known and unknown users on every host, then all is well again" {
	local host
	for host in "${hosts[@]}"; do
		on "$host" kill -STOP "$(slapd_pid "$host")"
		defers "$host" "user1@$domain"
		defers "$host" "nobody@$domain"
		defers "$host" "user1@$domain"
		on "$host" kill -CONT "$(slapd_pid "$host")"
		recovers "$host"
	done
}

@test "slapd killed: 451, and the next start brings everything back" {
	on mail1.lan kill -KILL "$(slapd_pid mail1.lan)"
	defers mail1.lan "user1@$domain"
	slapd_do mail1.lan start
	recovers mail1.lan
}

@test "mail accepted elsewhere waits while the owner's slapd is stopped, and flows after its restart" {
	slapd_do mail1.lan stop
	submit relay.lan "user1@$domain" waits-for-the-owner
	submit mail2.lan "user1@$domain" waits-as-well
	deferred() {
		on "$1" postqueue -j | grep -q '"queue_name": "deferred"'
	}
	eventually 30 deferred relay.lan
	eventually 30 deferred mail2.lan
	slapd_do mail1.lan start
	recovers mail1.lan
	on relay.lan postqueue -f
	on mail2.lan postqueue -f
	await_message mail1.lan user1 waits-for-the-owner
	await_message mail1.lan user1 waits-as-well
	no_bounces "${hosts[@]}"
}

@test "mail accepted elsewhere waits while the owner is off, and flows when it is back" {
	lab kill mail1.lan
	submit mail2.lan "user1@$domain" waits-for-power
	lab start mail1.lan
	recovers mail1.lan
	eventually 90 has_messages mail1.lan user1 waits-for-power 1
	no_bounces "${hosts[@]}"
}

@test "postmaster is deliverable on every host with slapd stopped" {
	local host
	for host in "${hosts[@]}"; do
		slapd_do "$host" stop
		submit "$host" "postmaster@$domain" "without-slapd-$host"
		rcpt_code_is "$host" "abuse@$domain" 250
		rcpt_code_is "$host" "postmaster@$host" 250
		eventually 20 on "$host" grep -q "Subject: without-slapd-$host" /var/mail/root
		slapd_do "$host" start
	done
}

@test "postmaster is deliverable on every host with slapd hung" {
	local host
	for host in "${hosts[@]}"; do
		on "$host" kill -STOP "$(slapd_pid "$host")"
		submit "$host" "postmaster@$domain" "with-hung-slapd-$host"
		eventually 20 on "$host" grep -q "Subject: with-hung-slapd-$host" /var/mail/root
		on "$host" kill -CONT "$(slapd_pid "$host")"
	done
}

@test "a cut cable stops nobody from managing and reaching the mailboxes of their own host" {
	lab cut mail2.lan
	on mail2.lan cl-useradd -P -e "islander@$domain" islander mail <<<"$password"
	knows_itself() {
		[ "$(rcpt_code 127.0.0.1 "islander@$domain" "x@$domain" mail2.lan)" = 250 ]
	}
	eventually 20 knows_itself
	submit_locally mail2.lan "islander@$domain" on-the-island
	await_message mail2.lan islander on-the-island
	lab heal mail2.lan
	eventually 90 knows relay.lan "islander@$domain"
	eventually 90 knows mail1.lan "islander@$domain"
}
