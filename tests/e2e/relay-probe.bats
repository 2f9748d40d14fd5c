#!/usr/bin/env bats
# The classical relay probes at each role: nothing comes out that nobody may send, and the probes would see it.

load e2e
load outside
load probes

hosts=(mail1.lan mail2.lan relay.lan)

setup_file() {
	outside_domain --scheme relay-mx --mx relay.lan
	add_user mail1.lan user1
	local host
	for host in "${hosts[@]}"; do eventually 20 knows "$host" "user1@$domain"; done
}

teardown_file() {
	e2e_down
}

# probes SERVER PEER: what was accepted is for the one user there is, however it is written.
probes() {
	local said
	said=$(relay_probes "$@")
	run -1 grep -P '^2\d\d\t\d+\t[^\t]*\t(?!["<]*user1(\+[^@]*)?"?@maildomain\.org>)' <<<"$said"
	relays_nothing "${hosts[@]}"
}

@test "no probe comes out of the home" {
	probes mail1.lan relay.lan
}

@test "no probe comes out of a mail server" {
	probes mail2.lan mail1.lan
}

@test "no probe comes out of a relay" {
	probes relay.lan mail1.lan
}

# found WORDS: how many messages of user1's IMAP's SEARCH finds with them.
found() {
	local said
	said=$(imap mail1.lan user1 "INBOX?${1// /%20}" | tr -d '\r') || return 1
	read -ra said <<<"${said#"* SEARCH"}"
	echo ${#said[@]}
}

all_smuggled() {
	[ "$(found 'TEXT X-Smuggled')" = 18 ]
}

@test "a message smuggled in another is part of it" {
	eventually 30 all_smuggled
	[ "$(found 'HEADER X-Smuggled yes')" = 0 ]
	[ "$(found 'HEADER Subject smuggle-')" = 18 ]
}

@test "what a host sends out for its own people does come out" {
	submit_locally mail1.lan someone@outside.example honest "user1@$domain"
	eventually 30 outside_got someone@outside.example honest
}

@test "an open relay is seen" {
	on relay.lan sh -c 'mkdir -p /etc/mailrepl/own/postfix && echo "mynetworks = 0.0.0.0/0" >/etc/mailrepl/own/postfix/main.cf'
	on relay.lan cl-rebuild
	relay_probes relay.lan mail1.lan >&2
	run ! relays_nothing relay.lan
	run -0 relayed
	[ "${#lines[@]}" -gt 20 ]
}
