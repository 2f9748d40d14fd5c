#!/usr/bin/env bats
# Servers that mail is handed to, in corners: several of ours, one of ours by name, in an intranet, and a password that must
# come back with an archive.

load e2e
load outside

setup_file() {
	outside_domain --scheme server-mx --mx mail1.lan,mail2.lan
	outside_dns "$domain" MX "10 mail1.lan" "10 mail2.lan"
	add_user mail1.lan user1
	add_user mail2.lan user2
	local host
	for host in mail1.lan mail2.lan relay.lan; do eventually 20 knows "$host" "user2@$domain"; done
}

teardown_file() {
	e2e_down
}

# settings HOST SETTINGS OF mail
settings() {
	on "$1" sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<<"host = \"$1\"; home = \"mail1.lan\"; mail = { $2 };"
}

# writes HOST SUBJECT RECIPIENT…: as a program on that host does.
writes() {
	local host=$1 subject=$2
	shift 2
	on "$host" sendmail "$@" <<<"Subject: $subject

$subject"
}

@test "a satellite hands its mail to the next server if the first is down" {
	modes relay.lan=satellite
	run -0 on relay.lan postconf -h default_transport
	[ "$output" = "relay:[mail1.lan],[mail2.lan]" ]
	writes relay.lan first "user2@$domain" first@outside.example
	await_message mail2.lan user2 first
	eventually 30 went_by mail1.lan first@outside.example first
	on mail1.lan postfix stop
	writes relay.lan second "user2@$domain" second@outside.example
	await_message mail2.lan user2 second
	eventually 30 went_by mail2.lan second@outside.example second
	on mail1.lan postfix start
}

@test "in an intranet a satellite's mail reaches everybody inside, and what is for outside comes back" {
	on mail1.lan cl-setup --scheme intranet
	eventually 60 all_have_rendered
	writes relay.lan inside "user1@$domain"
	await_message mail1.lan user1 inside
	writes relay.lan outside someone@outside.example
	eventually 30 on relay.lan grep -q "Mail does not leave this intranet" /var/mail/root
	[ -z "$(outside_mailbox someone@outside.example)" ]
	modes relay.lan=internet
	on mail1.lan cl-setup --scheme relay-mx --mx relay.lan
	eventually 60 all_have_rendered
	eventually 60 knows relay.lan "user2@$domain"
}

@test "a relay that is the MX, and a smarthost for ours, knows by certificate who may hand it mail" {
	settings mail2.lan 'dns = true; smarthost = "relay.lan";'
	modes mail2.lan=smarthost
	writes mail2.lan by-relay by-relay@outside.example
	eventually 30 went_by relay.lan by-relay@outside.example by-relay
	on relay.lan grep -q "Trusted TLS connection established from mail2.lan" /var/log/syslog
	[[ $(rcpt_code relay.lan someone@outside.example) == 5* ]]
	[[ $(rcpt_code relay.lan someone@outside.example "user2@$domain" mail1.lan) == 5* ]]
	writes mail2.lan across "user1@$domain"
	await_message mail1.lan user1 across
	outside_got by-relay@outside.example by-relay "from mail2.lan"
}

@test "while that host is down mail waits, and nothing goes past it" {
	on relay.lan postfix stop
	writes mail2.lan waits waits@outside.example
	eventually 30 on mail2.lan sh -c 'postqueue -j | grep -q "relay.lan.*Connection refused"'
	on relay.lan postfix start
	on mail2.lan postqueue -f
	eventually 30 went_by relay.lan waits@outside.example waits
}

# keeps_secret: the file is there as it was, and nobody but root reads it.
keeps_secret() {
	run -0 on mail2.lan stat -c '%a %U' /etc/mailrepl/secrets /etc/mailrepl/secrets/smarthost-smarthost.outside.example__587
	[ "$output" = $'700 root\n600 root' ]
}

# login_sends SUBJECT
login_sends() {
	writes mail2.lan "$1" "$1@outside.example"
	eventually 30 went_by smarthost.outside.example "$1@outside.example" "$1"
}

@test "a password that is gone comes back with cl-backup -r, and nobody is asked for it" {
	settings mail2.lan "smarthost = \"[smarthost.outside.example]:587\"; smarthost_user = \"$smarthost_login\";"
	on mail2.lan cl-setup --smarthost-password -P <<<"$smarthost_password"
	on mail2.lan cl-rebuild
	login_sends before
	on mail2.lan cl-backup
	on mail2.lan rm -r /etc/mailrepl/secrets
	on mail2.lan cl-backup -r --yes
	keeps_secret
	on mail2.lan postfix reload
	login_sends after-restore
}

@test "a password comes back with a host that was reinstalled" {
	local disk=/tmp/mailrepl-lab.$LAB/disks/mail2.lan archive
	archive=$(on mail2.lan sh -c 'ls -t "$1"/*Z-mail2.lan.tar.bz2 | head -n 1' sh "$archives")
	lab copy "mail2.lan:$archive" "$BATS_TEST_TMPDIR/"
	lab kill mail2.lan
	find "$disk"/upper* -mindepth 1 -delete
	lab start mail2.lan
	outside_names mail2.lan
	on mail2.lan mkdir -p -m 0700 "$archives"
	lab copy "$BATS_TEST_TMPDIR/${archive##*/}" "mail2.lan:$archives/"
	on mail2.lan cl-backup -r --yes
	await_gates mail2.lan
	keeps_secret
	login_sends after-reinstall
}

@test "nothing is left in a queue" {
	local host
	for host in mail1.lan mail2.lan relay.lan; do eventually 30 queue_is_empty "$host"; done
}
