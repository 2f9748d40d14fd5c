#!/usr/bin/env bats
# What a host's Postfix is for: in each mode in, out, across and refused; and servers that mail is handed to. The world
# around is outside.bash's, its smarthost included.

load e2e
load outside

smarthost='[smarthost.outside.example]'

setup_file() {
	outside_domain --scheme server-mx --mx mail1.lan
	outside_dns "$domain" MX "10 mail1.lan"
	add_user mail1.lan user1
	add_user mail2.lan user2
}

teardown_file() {
	e2e_down
}

# waits HOST WORDS: a message waits there for a reason with these words.
waits() {
	on "$1" postqueue -j | grep -q "$2"
}

# local_code HOST RECIPIENT: the whole answer at RCPT to a program on that host.
local_code() {
	on "$1" swaks --server 127.0.0.1 --helo "$1" --from "root@$1" --to "$2" --quit-after RCPT --timeout 20 2>&1 |
		awk '/-> RCPT TO:/ { asked = 1; next } asked && /^<[-~*]+ / { sub(/^<[-~*]+ +/, ""); print; exit }'
}

@test "a mode that would lose mail, or that contradicts the scheme or a setting, is refused by name" {
	run -65 on mail1.lan cl-replication --mode mail2.lan=satellite
	[[ $output == *"mail2.lan holds mailboxes"* ]]
	run -65 on mail1.lan cl-replication --mode mail1.lan=local
	[[ $output == *"mail1.lan takes mail from outside"* ]]
	run -65 on mail1.lan cl-setup --scheme intranet --mode smarthost mail
	[[ $output == *"no mail leaves the intranet"* ]]
	run -78 on mail1.lan cl-setup --mode smarthost mail
	[[ $output == *"mail.smarthost: must be set"* ]]
	run -77 on relay.lan cl-setup --mode satellite mail
	[[ $output == *"cl-replication --mode relay.lan=satellite"* ]]
	run -0 on mail1.lan cl-replication -l
	[[ $output != *smarthost* && $output != *satellite* && $output != *behind* ]]
}

@test "smarthost: a wrong password makes mail wait, the right one lets it go" {
	on mail1.lan cl-setup --smarthost "$smarthost:587" --smarthost-user "$smarthost_login" mail
	on mail1.lan cl-setup --smarthost-password -P <<<"not-$smarthost_password"
	on mail1.lan cl-setup --mode smarthost mail
	submit_locally mail1.lan someone@outside.example by-smarthost "user1@$domain"
	eventually 30 waits mail1.lan "authentication failed"
	on mail1.lan cl-setup --smarthost-password -P <<<"$smarthost_password"
	on mail1.lan postqueue -f
	eventually 30 went_by smarthost.outside.example someone@outside.example by-smarthost
	no_bounces mail1.lan
}

@test "smarthost: in and across nothing is different, and strangers are refused" {
	outside_send someone@outside.example "user1@$domain" smart-in
	submit_locally mail1.lan "user2@$domain" smart-to-2 "user1@$domain"
	submit_locally mail2.lan "user1@$domain" smart-to-1 "user2@$domain"
	await_message mail1.lan user1 smart-in
	await_message mail2.lan user2 smart-to-2
	await_message mail1.lan user1 smart-to-1
	rcpt_code_is mail1.lan "nobody@$domain" 550
	[[ $(rcpt_code mail1.lan someone@elsewhere.example) == 5* ]]
}

@test "smarthost: while it is down mail waits, and goes when it is up" {
	outside_closed
	submit_locally mail1.lan someone@outside.example smart-down "user1@$domain"
	eventually 30 waits mail1.lan "refused\|timed out"
	outside_open
	on mail1.lan postqueue -f
	eventually 30 went_by smarthost.outside.example someone@outside.example smart-down
}

@test "the password is in one file that only root reads, and nowhere else" {
	run -0 on mail1.lan grep -rl "$smarthost_password" /etc /var/lib/mailrepl /var/log /run
	[ "$output" = /etc/mailrepl/secrets/smarthost-smarthost.outside.example__587 ]
	run -0 on mail1.lan stat -c '%a %U' /etc/mailrepl/secrets "$output"
	[ "$output" = $'700 root\n600 root' ]
	run -0 on mail1.lan cl-setup --smarthost-password --dry-run -v
	[[ $output != *"$smarthost_password"* ]]
	run -0 on mail1.lan cl-rebuild --facts
	[[ $output != *"$smarthost_password"* ]]
}

@test "by domain: that domain's mail goes to a server of its own, on port 465, and no other's" {
	on mail2.lan sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<-END
		host = "mail2.lan"; home = "mail1.lan";
		mail = { smarthosts = ( { domain = "elsewhere.example"; smarthost = "$smarthost:465"; user = "$smarthost_login"; } ); };
	END
	run -78 on mail2.lan cl-rebuild
	[[ $output == *"there is no password of $smarthost_login"* ]]
	on mail2.lan sh -c 'umask 077; cat >/root/password' <<<"$smarthost_password"
	on mail2.lan cl-setup --smarthost-password --password-file /root/password "$smarthost:465"
	on mail2.lan cl-rebuild
	submit_locally mail2.lan someone@elsewhere.example by-domain "user2@$domain"
	submit_locally mail2.lan someone@outside.example by-itself "user2@$domain"
	eventually 30 went_by smarthost.outside.example someone@elsewhere.example by-domain
	eventually 30 outside_got someone@outside.example by-itself
	run ! went_by smarthost.outside.example someone@outside.example by-itself
}

@test "satellite: nobody reaches it, and what it sends goes to everybody by way of the MX host" {
	modes relay.lan=satellite
	[ "$(rcpt_code relay.lan "user1@$domain")" = none ]
	on relay.lan sendmail root "user2@$domain" someone@outside.example <<<$'Subject: from-satellite\n\nfrom-satellite'
	await_message mail2.lan user2 from-satellite
	eventually 30 went_by mail1.lan someone@outside.example from-satellite
	eventually 30 on relay.lan grep -qx "Subject: from-satellite" /var/mail/root
	[[ $(rcpt_code mail1.lan someone@elsewhere.example root@relay.lan) == 5* ]]
}

@test "satellite: the others answer for its role addresses, and for nobody else there" {
	submit_locally mail2.lan root@relay.lan for-satellite
	eventually 30 on mail2.lan grep -qx "Subject: for-satellite" /var/mail/root
	[[ $(local_code mail2.lan nobody@relay.lan) == 550* ]]
	run -0 on mail1.lan cl-replication --status --quick
	[[ $output == *"relay, satellite"* ]]
}

@test "local: its own system's mail is delivered, everything else is refused at once" {
	modes relay.lan=local
	[[ $(local_code relay.lan someone@outside.example) == "550 5.7.1 "*"Mail does not leave this host" ]]
	[[ $(local_code relay.lan "user1@$domain") == "550 5.7.1 "* ]]
	[ "$(rcpt_code relay.lan "user1@$domain")" = none ]
	on relay.lan sendmail postmaster <<<$'Subject: stays-here\n\nstays-here'
	eventually 30 on relay.lan grep -qx "Subject: stays-here" /var/mail/root
}

@test "local: IPv6 alone, a queue that is written at once, and a limit" {
	on relay.lan cp /etc/mailrepl/mailrepl.conf /root/mailrepl.conf
	on relay.lan sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<-END
		host = "relay.lan"; home = "mail1.lan";
		mail = { protocols = "ipv6"; synchronous = true; message_size_limit = 1; };
	END
	on relay.lan cl-rebuild
	on relay.lan sendmail root <<<$'Subject: over-ipv6\n\nover-ipv6'
	eventually 30 on relay.lan grep -qx "Subject: over-ipv6" /var/mail/root
	run ! on relay.lan swaks --server 127.0.0.1 --to root@localhost --quit-after RCPT
	run ! on relay.lan sh -c 'head -c 1200000 /dev/zero | tr "\\0" a | fold | sendmail root'
	on relay.lan cp /root/mailrepl.conf /etc/mailrepl/mailrepl.conf
	on relay.lan cl-rebuild
}

@test "none: what was there before comes back, and nothing of Postfix is touched any more" {
	local before
	modes relay.lan=none
	on relay.lan test ! -e /etc/postfix/mailrepl
	on relay.lan sh -c 'echo "# mine" >>/etc/postfix/main.cf'
	before=$(on relay.lan sha256sum /etc/postfix/main.cf)
	on relay.lan cl-rebuild
	on mail1.lan cl-setup mail other.example
	eventually 60 all_have_rendered
	[ "$(on relay.lan sha256sum /etc/postfix/main.cf)" = "$before" ]
	run -0 on relay.lan cl-rebuild --dry-run
	[[ $output != *[Pp]ostfix* ]]
}

@test "none: what such a host refuses waits at the others" {
	submit_locally mail2.lan root@relay.lan to-none
	eventually 30 waits mail2.lan root@relay.lan
	no_bounces mail2.lan
}

@test "back to internet: it hands mail to the servers again, and gets what has waited" {
	modes relay.lan=internet
	eventually 60 knows relay.lan "user2@$domain"
	on mail2.lan postqueue -f
	eventually 30 on relay.lan grep -qx "Subject: to-none" /var/mail/root
	eventually 30 queue_is_empty mail2.lan
}
