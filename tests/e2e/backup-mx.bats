#!/usr/bin/env bats
# A relay that keeps mail for domains of other primaries: whom it lets in while they are up and while they are down, who may
# ask for what waits, how strangers are limited, and what comes of it when a primary, or a host of ours, is back.

load e2e
load outside

# The world's mail server is the primary. Of partner.example the relay asks it, and finds it in DNS; of friend.example it
# has a list, and is told where it is.
setup_file() {
	outside_domain --scheme relay-mx --mx relay.lan
	outside_dns "$domain" MX "10 relay.lan"
	outside_dns partner.example MX "10 mx.outside.example" "20 relay.lan"
	outside_dns friend.example MX "10 mx.outside.example" "20 relay.lan"
	add_user mail1.lan user1
	eventually 20 knows relay.lan "user1@$domain"
	on relay.lan sh -c 'mkdir -p /etc/mailrepl/own && echo "ann@friend.example" >/etc/mailrepl/own/friends'
	settings relay.lan "$relay_settings"
}

relay_settings='backup_mx: { queue_lifetime = 20; etrn = [ "ETRN" ]; domains = (
	{ domain = "partner.example"; },
	{ domain = "friend.example"; primary = "[mx.outside.example]"; recipients = "list"; list = "/etc/mailrepl/own/friends"; }
); };'

teardown_file() {
	e2e_down
}

# settings HOST TEXT: its mailrepl.conf says who it is, and this; rendered.
settings() {
	on "$1" sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<<"host = \"$1\"; home = \"mail1.lan\"; watch: { interval = 1; };
${2/ETRN/$(outside_address)}"
	on "$1" cl-rebuild >&2
}

# waits SUBJECT-OF-RECIPIENT: there is mail for it in the relay's queue.
waits() {
	on relay.lan postqueue -j | grep -q "\"address\": \"$1\""
}

code_is() {
	eventually 30 rcpt_code_is relay.lan "$1" "$2"
}

@test "the primary is asked who is in there: known, unknown, not now" {
	code_is someone@partner.example 250
	code_is refused@partner.example 550
	code_is later@partner.example 450
	rcpt_code_is relay.lan refused@partner.example 550
}

@test "a list says who is in there, with postmaster and abuse" {
	rcpt_code_is relay.lan ann@friend.example 250
	rcpt_code_is relay.lan ANN+detail@friend.example 250
	rcpt_code_is relay.lan postmaster@friend.example 250
	rcpt_code_is relay.lan abuse@friend.example 250
	rcpt_code_is relay.lan refused@friend.example 550
	rcpt_code_is relay.lan nobody@friend.example 550
}

@test "nothing is relayed by way of these domains" {
	local recipient
	for recipient in victim@elsewhere.example victim%elsewhere.example@partner.example \
		@partner.example:victim@elsewhere.example elsewhere.example!victim@friend.example \
		'"victim@elsewhere.example"@partner.example' ann@sub.friend.example \
		victim@elsewhere.example@friend.example victim%elsewhere.example; do
		run -0 rcpt_code relay.lan "$recipient"
		[[ $output == 5* ]] || fail "$recipient: $output"
	done
}

@test "while the primary is down: who is known is let in, who was never asked about waits at the sender, and no bounce is made" {
	outside_closed
	rcpt_code_is relay.lan someone@partner.example 250
	rcpt_code_is relay.lan refused@partner.example 550
	rcpt_code_is relay.lan never@partner.example 450
	rcpt_code_is relay.lan ann@friend.example 250
	rcpt_code_is relay.lan nobody@friend.example 550
	submit relay.lan someone@partner.example kept-1
	submit relay.lan ann@friend.example kept-2
	eventually 30 waits someone@partner.example
	eventually 30 waits ann@friend.example
	no_bounces relay.lan
	[ "$(on relay.lan postconf -h maximal_queue_lifetime)" = 20d ]
}

@test "ETRN: a stranger is refused and not told of it" {
	run -0 talk mail2.lan relay.lan "EHLO mail2.lan" "ETRN partner.example" QUIT
	[[ $output != *-ETRN* ]]
	[[ $output == *$'\n554 '*partner.example* ]]
}

@test "once the primary is back it gets its mail: by ETRN, or because the relay sees it" {
	outside_open
	eventually 60 outside_got ann@friend.example kept-2
	run -0 talk "$client" relay.lan "EHLO $client" "ETRN partner.example" QUIT
	[[ $output == *-ETRN* ]]
	[[ $output == *$'\n250 Queuing started'* ]]
	eventually 60 outside_got someone@partner.example kept-1
	eventually 30 queue_is_empty relay.lan
	no_bounces relay.lan
}

@test "while a mail server is off the relay keeps its mail, and delivers it by itself when it is back" {
	lab kill mail1.lan
	submit relay.lan "user1@$domain" kept-for-mail1
	eventually 30 waits user1@mail1.lan
	lab start mail1.lan
	eventually 90 has_messages mail1.lan user1 kept-for-mail1 1
	no_bounces relay.lan
}

@test "who keeps mail for us is asked for it whenever we are back" {
	asked() {
		[ "$(on mail1.lan grep -c 'was asked for the mail that it keeps for us' /var/log/syslog)" = "$1" ]
	}
	on "$client" postconf -e "fast_flush_domains = $domain"
	on "$client" postfix reload >&2
	settings mail1.lan 'backup_mx: { backups = [ "mx.outside.example" ]; };'
	eventually 60 asked 1
	on mail1.lan /usr/lib/mailrepl/mailrepl-watch restart
	eventually 60 asked 2
}

@test "a policy service is asked about strangers who would be let in, and about nobody else" {
	policy "defer_if_permit 4.2.0 come back"
	settings relay.lan "$relay_settings restrictions: { policy_service = \"inet:127.0.0.1:10023\"; };"
	[ "$(rcpt_code relay.lan "user1@$domain" gray@outside.test)" = 450 ]
	[ "$(rcpt_code relay.lan ann@friend.example gray@outside.test)" = 450 ]
	[ "$(rcpt_code relay.lan "user1@$domain" white@outside.test)" = 250 ]
	[ "$(rcpt_code relay.lan "nobody@$domain" gray@outside.test)" = 550 ]
	[ "$(rcpt_code relay.lan nobody@friend.example gray@outside.test)" = 550 ]
	[ "$(rcpt_code relay.lan "postmaster@$domain" gray@outside.test)" = 250 ]
	submit_locally mail1.lan someone@partner.example past-the-policy "gray@$domain"
	run -1 on relay.lan grep -e nobody -e postmaster /run/policy.log
	on relay.lan sh -c 'kill -- "-$(cat /run/policy.pid)"'
	eventually 60 rcpt_code_is relay.lan "user1@$domain" 250
	[ "$(rcpt_code relay.lan "user1@$domain" gray@outside.test)" = 250 ]
	settings relay.lan "$relay_settings restrictions: { policy_service = \"inet:127.0.0.1:10023\"; policy_down = \"defer\"; };"
	[[ $(rcpt_code relay.lan "user1@$domain" gray@outside.test) == 4?? ]]
}

@test "a stranger who names too many recipients in a minute is put off, a host of ours is not" {
	settings relay.lan "$relay_settings limits: { recipients = 3; };"
	[ "$(recipients "$client" '^450 .*too many recipients')" -ge 1 ]
	[ "$(recipients mail1.lan '^250 2.1.5')" = 4 ]
	[ "$(recipients mail1.lan '^250 2.1.5')" = 4 ]
}

@test "a domain of another primary in the directory is kept by every host that takes mail from outside, and by no other" {
	settings relay.lan "$relay_settings"
	on mail1.lan sh -c 'printf "# who is there\nann@kept.example\nbob@kept.example\n" >/root/kept'
	on mail1.lan cl-setup --primary mx.outside.example --recipients /root/kept mail kept.example
	eventually 60 rcpt_code_is relay.lan ann@kept.example 250
	rcpt_code_is relay.lan abuse@kept.example 250
	rcpt_code_is relay.lan nobody@kept.example 550
	rcpt_code_is mail2.lan ann@kept.example 554
	submit relay.lan bob@kept.example by-directory
	eventually 30 outside_got bob@kept.example by-directory
	run -0 on mail2.lan cl-setup --domains
	[[ $output == *kept.example*"(kept for [mx.outside.example])"*2* ]]
	run -65 on mail1.lan cl-setup mail kept.example
	slapd_do relay.lan stop
	rcpt_code_is relay.lan nobody@kept.example 451
	slapd_do relay.lan start
	# Without recipients the primary is asked.
	on mail1.lan sh -c ': >/root/kept'
	on mail1.lan cl-setup --recipients /root/kept mail kept.example
	eventually 60 rcpt_code_is relay.lan anybody@kept.example 250
	code_is refused@kept.example 550
	on mail1.lan cl-setup --remove-domain kept.example
	eventually 60 rcpt_code_is relay.lan ann@kept.example 554
}

@test "whom DNS names a backup of is let in for primaries in given networks only, and only in an old Postfix" {
	outside_dns anyone.example MX "10 mx.outside.example" "20 relay.lan"
	settings relay.lan 'backup_mx: { networks = [ "192.0.2.0/24" ]; };'
	rcpt_code_is relay.lan somebody@anyone.example 554
	settings relay.lan 'backup_mx: { networks = [ "ETRN" ]; };'
	code_is somebody@anyone.example 250
	code_is refused@anyone.example 550
	rcpt_code_is relay.lan somebody@outside.example 554
	submit relay.lan somebody@anyone.example by-dns
	eventually 30 outside_got somebody@anyone.example by-dns
	settings relay.lan "$relay_settings"
}

@test "settings that contradict each other are refused, and nothing is changed" {
	local before
	before=$(rendered relay.lan)
	run -78 --separate-stderr on relay.lan sh -c '
		cp /etc/mailrepl/mailrepl.conf /root/conf && sed "s/partner.example/maildomain.org/" /root/conf >/etc/mailrepl/mailrepl.conf
		cl-rebuild; status=$?; cp /root/conf /etc/mailrepl/mailrepl.conf; exit $status'
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *"backup_mx.domains: maildomain.org: is a mail domain of ours"* ]]
	[ "$(rendered relay.lan)" = "$before" ]
}
