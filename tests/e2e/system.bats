#!/usr/bin/env bats
# What a host's own settings of mail come to: internet protocols, sizes, its system's users, root and postmaster, a queue that
# is written at once.

load e2e
load outside

setup_file() {
	e2e_up mail1.lan "$client"
	outside_up mail1.lan
	set_up_home --scheme server-mx --mx mail1.lan
	outside_dns "$domain" MX "10 mail1.lan"
	add_user mail1.lan user1
	on mail1.lan useradd clerk
	eventually 20 knows mail1.lan "user1@$domain"
}

teardown_file() {
	e2e_down
}

# settings SETTINGS OF mail: rendered.
settings() {
	on mail1.lan sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<<"host = \"mail1.lan\"; home = \"mail1.lan\"; mail: { $1 };"
	on mail1.lan cl-rebuild >&2
}

# big SUBJECT KIBIBYTES FROM-HOST SERVER RECIPIENT [ARGUMENT OF swaks]…: a message of that size; swaks' output.
big() {
	local subject=$1 size=$2 from=$3 server=$4 to=$5
	shift 5
	# shellcheck disable=SC2016 # for that shell to expand
	on "$from" sh -c 'head -c $(($1 * 1024)) /dev/zero | tr "\0" x | fold -w 127 >/var/tmp/big; shift; exec swaks "$@"' sh "$size" \
		--server "$server" --helo "$from" --from "someone@$from" --to "$to" --h-Subject "$subject" --body @/var/tmp/big \
		--suppress-data --timeout 60 "$@" 2>&1
}

# in_mailbox NAME SUBJECT: the mailbox of a user of the system has it.
in_mailbox() {
	on mail1.lan grep -qxs "Subject: $2" "/var/mail/$1"
}

# --- the system's users

@test "further destinations are delivered to users of the system, and who is none is refused" {
	settings 'destinations = [ "shop.example.org" ];'
	submit mail1.lan clerk@shop.example.org for-clerk
	eventually 30 in_mailbox clerk for-clerk
	rcpt_code_is mail1.lan nobody-there@shop.example.org 550
	rcpt_code_is mail1.lan "clerk@$domain" 550
	submit_locally mail1.lan clerk@localhost by-localhost
	eventually 30 in_mailbox clerk by-localhost
}

@test "what is for root and postmaster goes to this system's root, or to whom mail.postmaster names" {
	on mail1.lan sendmail root <<<"Subject: root-here"
	submit mail1.lan "postmaster@$domain" postmaster-here
	eventually 30 in_mailbox root root-here
	eventually 30 in_mailbox root postmaster-here
	settings "postmaster = \"user1@$domain\";"
	on mail1.lan sendmail root <<<"Subject: root-forwarded"
	submit mail1.lan "postmaster@$domain" postmaster-forwarded
	submit mail1.lan abuse@mail1.lan abuse-forwarded
	await_message mail1.lan user1 root-forwarded
	await_message mail1.lan user1 postmaster-forwarded
	await_message mail1.lan user1 abuse-forwarded
	run ! in_mailbox root root-forwarded
}

@test "what leaves is from this host, or from mail.name" {
	on mail1.lan sendmail named@outside.example <<<"Subject: by-host"
	eventually 30 outside_got named@outside.example by-host "^Return-Path: .*root@mail1.lan"
	settings "name = \"$domain\";"
	on mail1.lan sendmail named@outside.example <<<"Subject: by-name"
	eventually 30 outside_got named@outside.example by-name "^Return-Path: .*root@$domain"
}

# --- sizes

@test "a message that is too large is refused with 552, said beforehand and after it was sent" {
	settings 'message_size_limit = 1;'
	run -0 on "$client" swaks --server mail1.lan --quit-after EHLO
	[[ $output == *"SIZE 1048576"* ]]
	run -0 big just-fits 900 "$client" mail1.lan "user1@$domain"
	await_message mail1.lan user1 just-fits
	run ! big too-large 1200 "$client" mail1.lan "user1@$domain"
	[[ $output == *"552 5.3.4"* ]] || fail "$output"
}

@test "a mailbox of the system that is full takes nothing more, and its sender is told" {
	settings 'message_size_limit = 1; mailbox_size_limit = 1; destinations = [ "shop.example.org" ];'
	run -0 big fills 700 mail1.lan 127.0.0.1 clerk@shop.example.org
	eventually 30 in_mailbox clerk fills
	run -0 big overflows 700 mail1.lan 127.0.0.1 clerk@shop.example.org --from "user1@$domain"
	await_message mail1.lan user1 Undelivered
	run ! in_mailbox clerk overflows
	run -0 on mail1.lan stat -c %s /var/mail/clerk
	[ "$output" -lt 1048576 ]
}

# --- the queue

@test "a queue that is written at once has the flag, or a warning says that the file system knows none; mail goes" {
	settings 'synchronous = true;'
	run -0 on mail1.lan sh -c 'lsattr -d /var/spool/postfix/incoming /var/spool/postfix/active 2>&1 || :'
	if [[ $output == ---S* || $output == --S* ]]; then
		[ "$(grep -c -- '^-*S' <<<"$output")" = 2 ]
	else
		run -0 on mail1.lan cl-rebuild
		[[ $output == *synchronous* ]] || fail "$output"
	fi
	submit mail1.lan "user1@$domain" synchronous
	await_message mail1.lan user1 synchronous
	settings ''
}

# --- internet protocols

# address6 HOST: its IPv6 address, from now on.
address6() {
	local n
	n=$(outside_address "$1" | cut -d . -f 4)
	on "$1" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip address add "$1/64" dev eth0 nodad' sh "fd00::$n"
	outside_dns "$2" AAAA "fd00::$n"
	echo "fd00::$n"
}

# greets ADDRESS: a mail server of mail1's listens there.
greets() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$client" timeout 30 bash -c 'exec 3<>"/dev/tcp/$1/25" && read -r line <&3 && [[ $line == "220 mail1.lan "* ]]' bash "$1"
}

@test "with both protocols mail comes and goes by IPv6 where there is one, and by IPv4 otherwise" {
	address6 mail1.lan mail1.lan >"$BATS_FILE_TMPDIR/mail1"
	address6 "$client" mx.outside.example >"$BATS_FILE_TMPDIR/client"
	on "$client" postconf -e 'inet_protocols = all'
	on "$client" sh -c 'postfix stop; postfix start' >&2
	greets "$(cat "$BATS_FILE_TMPDIR/mail1")"
	rcpt_code_is mail1.lan "user1@$domain" 250
	submit_locally mail1.lan both@outside.example both-out "user1@$domain"
	eventually 30 outside_got both@outside.example both-out
	outside_send someone@outside.example "user1@$domain" both-in
	await_message mail1.lan user1 both-in
}

@test "with IPv6 alone nothing listens or goes by IPv4" {
	settings 'protocols = "ipv6";'
	run ! greets "$(outside_address mail1.lan)"
	greets "$(cat "$BATS_FILE_TMPDIR/mail1")"
	outside_send someone@outside.example "user1@$domain" six-in
	await_message mail1.lan user1 six-in
	on mail1.lan sendmail six@outside.example <<<"Subject: six-out"
	eventually 30 outside_got six@outside.example six-out "from mail1.lan .*IPv6:$(cat "$BATS_FILE_TMPDIR/mail1")"
}

@test "with IPv4 alone nothing listens or goes by IPv6" {
	settings 'protocols = "ipv4";'
	run ! greets "$(cat "$BATS_FILE_TMPDIR/mail1")"
	outside_send someone@outside.example "user1@$domain" four-in
	await_message mail1.lan user1 four-in
	on mail1.lan sendmail four@outside.example <<<"Subject: four-out"
	eventually 30 outside_got four@outside.example four-out "from mail1.lan .*\[$(outside_address mail1.lan)\]"
}

@test "nothing is left in a queue" {
	eventually 30 queue_is_empty mail1.lan
}
