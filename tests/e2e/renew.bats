#!/usr/bin/env bats
# Certificates that end soon are shown, and renewed through the home without a refused message.

load e2e

setup_file() {
	e2e_up mail1.lan mail2.lan relay.lan "$client"
	on mail1.lan sh -c 'echo "certificates = { days = 10; };" >>/etc/mailrepl/mailrepl.conf'
	set_up_home
	invite
	bring_archives mail2.lan relay.lan
	on mail2.lan cl-rebuild --repl
	on relay.lan cl-rebuild --repl
	add_user mail1.lan user1
	add_user mail2.lan user2
	local host
	for host in mail1.lan mail2.lan relay.lan; do
		eventually 20 knows "$host" "user1@$domain"
		eventually 20 knows "$host" "user2@$domain"
	done
	on mail1.lan sed -i 's/days = 10;/days = 400;/' /etc/mailrepl/mailrepl.conf
}

teardown_file() {
	e2e_down
}

# shows HOST FILE: its slapd shows the certificate in that file of mail1.
shows() {
	[ "$(on mail1.lan sh -c "openssl s_client -connect $1:3890 -starttls ldap </dev/null 2>/dev/null | openssl x509 -outform der | sha256sum")" = \
		"$(on mail1.lan sh -c "openssl x509 -outform der -in $2 | sha256sum")" ]
}

# A host that is busy just now and does not say in time what it has rendered is waited for, as an administrator would.
home_renews() {
	on mail1.lan cl-replication --renew | tee /dev/stderr | grep 'certificate of mail1.lan is valid until'
}

mail_flows() {
	submit mail2.lan "user1@$domain" "$1-to-home"
	submit mail1.lan "user2@$domain" "$1-from-home"
	submit relay.lan "user2@$domain" "$1-from-relay"
	await_message mail1.lan user1 "$1-to-home"
	await_message mail2.lan user2 "$1-from-home"
	await_message mail2.lan user2 "$1-from-relay"
	no_bounces mail1.lan mail2.lan relay.lan
}

@test "-l on the home says whose certificate ends soon, elsewhere its own" {
	run -0 on mail1.lan cl-replication -l
	[ "$(grep -c 'ends in 9 days: --renew' <<<"$output")" -eq 3 ]
	run -0 on mail2.lan cl-replication -l
	[ "$(grep -c 'ends in 9 days: --renew mail2.lan' <<<"$output")" -eq 1 ]
}

@test "only the home issues; a host with its newest archive has nothing to do" {
	run -77 on mail2.lan cl-replication --renew relay.lan
	[[ $output == *mail1.lan* ]]
	run -68 on mail1.lan cl-replication --renew mail9.lan
	run -64 on mail1.lan cl-replication --renew mail1.lan mail2.lan
	run -0 on mail2.lan cl-replication --renew
	[[ $output == *"nothing to do"* ]]
}

@test "the home issues one for mail2, says what is next, and not a second one" {
	local before
	run -0 on mail1.lan cl-replication --renew mail2.lan
	[[ $output == *"not used yet"*cl-rebuild*mail2.lan*relay.lan*cl-backup*for-mail2.lan* ]]
	before=$(on mail1.lan sha256sum /etc/mailrepl/tls/peers/mail2.lan.crt)
	shows mail2.lan /etc/mailrepl/tls/peers/mail2.lan.crt && return 1
	run -0 on mail1.lan cl-replication --renew mail2.lan
	[[ $output == *"nothing to do"*"not used yet"*cl-backup*for-mail2.lan* ]]
	[ "$before" = "$(on mail1.lan sha256sum /etc/mailrepl/tls/peers/mail2.lan.crt)" ]
	[ "$(on mail1.lan stat -c %a /etc/mailrepl/tls/peers/mail2.lan.key)" = 600 ]
	mail_flows while-issued
}

@test "mail2 takes it from its archive, and everything goes on" {
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
	bring_archives mail2.lan
	run -0 on mail2.lan cl-replication --renew
	[[ $output == *"certificate of mail2.lan is valid until"* ]]
	shows mail2.lan /etc/mailrepl/tls/peers/mail2.lan.crt
	on mail2.lan test ! -e /var/lib/mailrepl/renew
	run -0 on mail2.lan cl-replication --renew
	[[ $output == *"nothing to do"* ]]
	mail_flows mail2-renewed
	add_user mail2.lan after2
	eventually 60 knows relay.lan "after2@$domain"
	eventually 60 knows mail1.lan "after2@$domain"
	run -0 on mail1.lan cl-replication -l
	[[ $output != *"renew mail2.lan"* ]]
}

@test "the home renews its own in two steps" {
	run -0 on mail1.lan cl-replication --renew
	[[ $output == *"not used yet"*mail2.lan*relay.lan*again* ]]
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
	eventually 60 home_renews
	shows mail1.lan /etc/mailrepl/tls/host.crt
	run -0 on mail1.lan cl-replication -l
	[[ $output != *"renew mail1.lan"* ]]
	mail_flows home-renewed
	add_user mail1.lan after1
	eventually 60 knows relay.lan "after1@$domain"
	imap mail1.lan after1 "" | grep -q INBOX
	on mail1.lan cl-backup
}
