#!/usr/bin/env bats
# Mail through three hosts, in each of the three schemes, entering at every host.

load e2e

hosts=(mail1.lan mail2.lan relay.lan)

setup_file() {
	e2e_domain
	collect_outside
	add_user mail1.lan user1 -e "first.user@$domain"
	add_user mail2.lan user2
	all_know "user1@$domain"
	all_know "user2@$domain"
}

teardown_file() {
	e2e_down
}

all_know() {
	local host
	for host in "${hosts[@]}"; do eventually 20 knows "$host" "$1"; done
}

# scheme OPTION…: another scheme, rendered everywhere.
scheme() {
	on mail1.lan cl-setup "$@" mail "$domain"
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
}

# from_everywhere RECIPIENT-USER ITS-SERVER SUBJECT: from outside through every host, and from a program on every host.
from_everywhere() {
	local host
	for host in "${hosts[@]}"; do
		submit "$host" "$1@$domain" "$3-at-$host"
		submit_locally "$host" "$1@$domain" "$3-on-$host"
	done
	for host in "${hosts[@]}"; do
		await_message "$2" "$1" "$3-at-$host"
		await_message "$2" "$1" "$3-on-$host"
	done
}

nobody_is_refused() {
	local host
	for host in "${hosts[@]}"; do
		rcpt_code_is "$host" "nobody@$domain" 550
		[ "$(rcpt_code 127.0.0.1 "nobody@$domain" "user1@$domain" "$host")" = 550 ]
	done
}

goes_out() {
	submit_locally "$1" someone@outside.test "$2" "user1@$domain"
	eventually 30 outside_has "$2"
	run ! outside_has "$2" 'by relay.lan'
}

@test "intranet: a user on mail1 is reached from every host" {
	from_everywhere user1 mail1.lan intranet1
}

@test "intranet: a user created on mail2 after the join is reached from every host" {
	from_everywhere user2 mail2.lan intranet2
}

@test "intranet: users of different servers write to each other" {
	submit_locally mail1.lan "user2@$domain" letter-to-2 "user1@$domain"
	submit_locally mail2.lan "user1@$domain" letter-to-1 "user2@$domain"
	await_message mail2.lan user2 letter-to-2
	await_message mail1.lan user1 letter-to-1
}

@test "a mailbox is read over IMAP and POP3, and its messages are whole" {
	submit mail2.lan "user1@$domain" whole
	await_message mail1.lan user1 whole
	pop3_has mail1.lan user1 whole
	run ! pop3_has mail1.lan user1 never-sent
	local number
	number=$(imap mail1.lan user1 'INBOX?SUBJECT%20whole' | tr -dc 0-9)
	run -0 imap mail1.lan user1 "INBOX;MAILINDEX=$number"
	[[ $output == *"Subject: whole"*"for <user1@$domain>"* || $output == *"Subject: whole"* ]]
	[[ $output == *"by mail2.lan"* ]]
	[[ $output == *"by mail1.lan"* ]]
}

@test "IMAP and POP3 on the other mail server lead to the owner's mailbox" {
	submit relay.lan "user1@$domain" far
	await_message mail1.lan user1 far
	has_messages mail2.lan user1 far 1
	pop3_has mail2.lan user1 far
}

@test "login by any address of the mailbox, never with a wrong password" {
	run -0 imap mail1.lan "user1@$domain" ""
	run -0 imap mail1.lan "first.user@$domain" ""
	run -0 imap mail2.lan "first.user@$domain" ""
	password=wrong run ! imap mail1.lan user1 ""
	password=wrong run ! imap mail2.lan user1 ""
	run ! on mail1.lan curl -sS --cacert /etc/mailrepl/tls/ca.crt -u user1: imaps://mail1.lan/
}

@test "a second address, capital letters and a +detail reach the mailbox" {
	submit relay.lan "first.user@$domain" alias
	submit mail2.lan "User1@MailDomain.ORG" capitals
	submit mail1.lan "user1+list@$domain" detail
	await_message mail1.lan user1 alias
	await_message mail1.lan user1 capitals
	await_message mail1.lan user1 detail
}

@test "a user made for another host with --host is that host's" {
	add_user mail1.lan user3 --host mail2.lan
	all_know "user3@$domain"
	submit mail1.lan "user3@$domain" from-afar
	await_message mail2.lan user3 from-afar
}

@test "a mailbox without password receives, nobody logs in, and the command says so" {
	run -0 on mail1.lan cl-useradd -e "silent@$domain" silent mail
	[[ $output == *"no password"* ]]
	all_know "silent@$domain"
	submit relay.lan "silent@$domain" unheard
	eventually 20 on mail1.lan sh -c 'grep -rq unheard /var/lib/mailrepl/mail/silent/'
	password='' run ! imap mail1.lan silent ""
}

@test "intranet: an unknown recipient is refused with 550 on every host" {
	nobody_is_refused
}

@test "intranet: no mail leaves" {
	local host
	for host in "${hosts[@]}"; do
		[[ $(rcpt_code 127.0.0.1 someone@outside.test "user1@$domain" "$host") == 5* ]]
	done
	run ! outside_has .
}

@test "postmaster, abuse and root of the domain and of each host are deliverable" {
	local host name
	for host in "${hosts[@]}"; do
		rcpt_code_is "$host" "postmaster@$domain" 250
		rcpt_code_is "$host" "abuse@$domain" 250
		rcpt_code_is "$host" "postmaster@$host" 250
	done
	submit relay.lan "postmaster@$domain" to-the-postmaster
	eventually 20 on relay.lan grep -q 'Subject: to-the-postmaster' /var/mail/root
}

@test "one server is the MX: mail from everywhere reaches both servers' users, and servers send out themselves" {
	scheme --scheme server-mx --mx mail1.lan
	from_everywhere user1 mail1.lan servermx1
	from_everywhere user2 mail2.lan servermx2
	nobody_is_refused
	goes_out mail1.lan out-from-mail1
	goes_out mail2.lan out-from-mail2
	outside_has out-from-mail2 'by mail2.lan'
}

@test "a relay is the MX: mail from everywhere reaches both servers' users, and servers send out past the relay" {
	scheme --scheme relay-mx --mx relay.lan
	from_everywhere user1 mail1.lan relaymx1
	from_everywhere user2 mail2.lan relaymx2
	nobody_is_refused
	goes_out mail1.lan past-the-relay1
	goes_out mail2.lan past-the-relay2
}

@test "between hosts mail travels over TLS with verified certificates" {
	local address
	address=$(on mail1.lan getent hosts relay.lan | cut -d' ' -f1)
	on mail1.lan grep -qF "Trusted TLS connection established from unknown[$address]" /var/log/syslog
	# Nothing came from a host in the clear.
	run ! on mail1.lan sh -c "grep -F 'disconnect from unknown[$address]' /var/log/syslog | grep -v starttls=1 | grep 'mail='"
}

@test "nothing was bounced, and nothing is left in a queue" {
	local host
	no_bounces "${hosts[@]}"
	for host in "${hosts[@]}"; do eventually 20 queue_is_empty "$host"; done
}
