#!/usr/bin/env bats
# What backup-mx.bats shows of Postfix, of a relay with Exim: whom it lets in while a primary is up and while it is down, who
# may ask for what waits, how strangers are limited; and the other settings that both follow.

load e2e
load outside
load probes
load exim

# The world's mail server is the primary. Of partner.example the relay asks it, and finds it in DNS; of friend.example it
# has a list, and is told where it is; kept.example is in the directory.
setup_file() {
	outside_domain --scheme relay-mx --mx relay.lan
	outside_dns "$domain" MX "10 relay.lan"
	outside_dns partner.example MX "10 mx.outside.example" "20 relay.lan"
	outside_dns friend.example MX "10 mx.outside.example" "20 relay.lan"
	add_user mail1.lan user1
	on mail1.lan sh -c 'printf "ann@kept.example\nbob@kept.example\n" >/root/kept'
	on mail1.lan cl-setup --primary mx.outside.example --recipients /root/kept mail kept.example
	eventually 20 knows relay.lan "user1@$domain"
	on relay.lan sh -c 'mkdir -p /etc/mailrepl/own && echo "ann@friend.example" >/etc/mailrepl/own/friends'
	to_exim relay.lan
	settings "$as_backup"
}

as_backup='backup_mx: { queue_lifetime = 20; etrn = [ "ETRN" ]; domains = (
	{ domain = "partner.example"; },
	{ domain = "friend.example"; primary = "[mx.outside.example]"; recipients = "list"; list = "/etc/mailrepl/own/friends"; }
); };'

teardown_file() {
	e2e_down
}

# settings TEXT [MAIL]: the relay's mailrepl.conf says who it is, and this, MAIL in its group; rendered.
settings() {
	on relay.lan sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<<"host = \"relay.lan\"; home = \"mail1.lan\"; mail: { mta = \"exim\"; ${2:-} };
watch: { interval = 1; };
${1/ETRN/$(outside_address)}"
	on relay.lan cl-rebuild >&2
}

code_is() {
	eventually 30 rcpt_code_is relay.lan "$1" "$2"
}

# waits RECIPIENT: there is mail for it in the relay's queue.
waits() {
	on relay.lan exim4 -bp | grep -q " $1\$"
}

no_bounce_was_made() {
	run ! on relay.lan grep -q ' <= <> R=' /var/log/exim4/mainlog
}

@test "the primary is asked who is in there: known, unknown, not now" {
	code_is someone@partner.example 250
	code_is refused@partner.example 550
	code_is later@partner.example 450
	rcpt_code_is relay.lan refused@partner.example 550
}

@test "a list, or the directory, says who is in there, with postmaster and abuse" {
	rcpt_code_is relay.lan ann@friend.example 250
	rcpt_code_is relay.lan ANN+detail@friend.example 250
	rcpt_code_is relay.lan postmaster@friend.example 250
	rcpt_code_is relay.lan abuse@friend.example 250
	rcpt_code_is relay.lan refused@friend.example 550
	code_is bob@kept.example 250
	rcpt_code_is relay.lan Bob+detail@kept.example 250
	rcpt_code_is relay.lan abuse@kept.example 250
	code_is nobody@kept.example 550
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
	relay_probes relay.lan mail1.lan >&2
	relays_nothing relay.lan mail1.lan mail2.lan
}

@test "while the primary is down: who is known is let in, who was never asked about waits at the sender, and no bounce is made" {
	outside_closed
	rcpt_code_is relay.lan someone@partner.example 250
	rcpt_code_is relay.lan refused@partner.example 550
	rcpt_code_is relay.lan never@partner.example 450
	rcpt_code_is relay.lan ann@friend.example 250
	rcpt_code_is relay.lan nobody@friend.example 550
	slapd_do relay.lan stop
	rcpt_code_is relay.lan nobody@kept.example 450
	rcpt_code_is relay.lan postmaster@kept.example 250
	slapd_do relay.lan start
	submit relay.lan someone@partner.example kept-1
	submit relay.lan ann@friend.example kept-2
	eventually 30 waits someone@partner.example
	eventually 30 waits ann@friend.example
	no_bounce_was_made
	on relay.lan grep -qx "LIFETIME = 20d" /etc/exim4/exim4.conf
}

@test "ETRN: a stranger is refused, and so are names for which nothing is kept" {
	run -0 talk mail2.lan relay.lan "EHLO mail2.lan" "ETRN partner.example" QUIT
	[[ $output == *$'\n459 '* ]]
	run -0 talk "$client" relay.lan "EHLO $client" "ETRN outside.example" "ETRN -M" QUIT
	[[ $output == *$'\n458 '*$'\n458 '* ]]
}

@test "once the primary is back it gets its mail: by ETRN, or because the relay sees it" {
	outside_open
	eventually 60 outside_got ann@friend.example kept-2
	run -0 talk "$client" relay.lan "EHLO $client" "ETRN partner.example" QUIT
	[[ $output == *$'\n250 '* ]]
	eventually 60 outside_got someone@partner.example kept-1
	eventually 30 queue_is_empty relay.lan
	no_bounce_was_made
}

@test "while a mail server takes nothing the relay keeps its mail, and delivers it by itself when it is back" {
	on mail1.lan postfix stop >&2
	submit relay.lan "user1@$domain" kept-for-mail1
	eventually 30 on relay.lan grep -q '== user1@mail1.lan .*Connection refused' /var/log/exim4/mainlog
	on mail1.lan postfix start >&2
	eventually 90 has_messages mail1.lan user1 kept-for-mail1 1
	no_bounce_was_made
}

@test "what has waited longer than it may goes back, and nothing else" {
	local id
	outside_closed
	submit relay.lan ann@friend.example too-old from@outside.test
	submit relay.lan ann@friend.example younger young@outside.test
	eventually 30 waits ann@friend.example
	id=$(on relay.lan exiqgrep -i -f from@outside.test)
	# Twenty days and an hour: the time at which it has come is in the fourth line.
	on relay.lan sed -i "4s/^[0-9]*/$(($(date +%s) - 1731600))/" "/var/spool/exim4/input/$id-H"
	on relay.lan exim4 -qff
	eventually 30 on relay.lan grep -q "$id \*\* ann@friend.example R=too_old" /var/log/exim4/mainlog
	waits ann@friend.example
	outside_open
	eventually 60 outside_got ann@friend.example younger
}

@test "who keeps mail for us is asked for it" {
	on "$client" postconf -e "fast_flush_domains = $domain"
	on "$client" postfix reload >&2
	settings "$as_backup"
	on relay.lan sed -i 's/backup_mx: {/backup_mx: { backups = [ "mx.outside.example" ];/' /etc/mailrepl/mailrepl.conf
	eventually 60 on relay.lan grep -q 'was asked for the mail that it keeps for us' /var/log/syslog
}

@test "a policy service is asked about strangers who would be let in, and about nobody else" {
	policy "defer_if_permit 4.2.0 come back"
	settings "$as_backup restrictions: { policy_service = \"inet:127.0.0.1:10023\"; };"
	[ "$(rcpt_code relay.lan "user1@$domain" gray@outside.test)" = 450 ]
	[ "$(rcpt_code relay.lan ann@friend.example gray@outside.test)" = 450 ]
	[ "$(rcpt_code relay.lan "user1@$domain" white@outside.test)" = 250 ]
	[ "$(rcpt_code relay.lan "nobody@$domain" gray@outside.test)" = 550 ]
	[ "$(rcpt_code relay.lan nobody@friend.example gray@outside.test)" = 550 ]
	[ "$(rcpt_code relay.lan "postmaster@$domain" gray@outside.test)" = 250 ]
	[ "$(rcpt_code 127.0.0.1 "user1@$domain" gray@outside.test relay.lan)" = 250 ]
	run -1 on relay.lan grep -e nobody -e postmaster /run/policy.log
	on relay.lan sh -c 'kill -- "-$(cat /run/policy.pid)"'
	eventually 60 rcpt_code_is relay.lan "user1@$domain" 250
	[ "$(rcpt_code relay.lan "user1@$domain" gray@outside.test)" = 250 ]
	policy "reject 5.7.9 never"
	[ "$(rcpt_code relay.lan "user1@$domain" gray@outside.test)" = 554 ]
	on relay.lan sh -c 'kill -- "-$(cat /run/policy.pid)"'
	policy "hold"
	[ "$(rcpt_code relay.lan "user1@$domain" gray@outside.test)" = 451 ]
	on relay.lan sh -c 'kill -- "-$(cat /run/policy.pid)"'
	settings "$as_backup restrictions: { policy_service = \"inet:127.0.0.1:10023\"; policy_down = \"defer\"; };"
	[[ $(rcpt_code relay.lan "user1@$domain" gray@outside.test) == 4?? ]]
}

@test "a stranger who does too much in a minute is put off, a host of ours is not" {
	settings "limits: { recipients = 3; };"
	[ "$(recipients "$client" '^450 .*too many recipients')" -ge 1 ]
	[ "$(recipients mail1.lan '^250 ')" -ge 4 ]
	[ "$(recipients mail1.lan '^250 ')" -ge 4 ]
	settings "limits: { messages = 2; };"
	run -0 talk "$client" relay.lan "EHLO $client" "MAIL FROM:<a@outside.test>" RSET "MAIL FROM:<a@outside.test>" RSET \
		"MAIL FROM:<a@outside.test>" RSET "MAIL FROM:<a@outside.test>" QUIT
	[[ $output == *$'\n450 '*"too much mail"* ]]
	settings "limits: { connections = 2; };"
	run -0 eventually 20 on "$client" sh -c 'swaks --server relay.lan --quit-after CONNECT 2>&1 | grep "421 "'
	run -0 talk mail1.lan relay.lan "EHLO mail1.lan" QUIT
	run -0 talk mail1.lan relay.lan "EHLO mail1.lan" QUIT
	run -0 talk mail1.lan relay.lan "EHLO mail1.lan" QUIT
	[[ $output == *$'\n221 '* ]]
}

# sender_code SENDER [HELO]: what the relay answers a stranger who says so, at RCPT.
sender_code() {
	on "$client" perl -e "$(cat "$BATS_TEST_DIRNAME/rcpt.pl")" relay.lan "${2:-$client}" "$1" "user1@$domain" | cut -f1
}

@test "strangers are looked at as closely as the settings say" {
	settings 'restrictions: { helo = "known"; client_name = true; own_senders = "login"; };'
	[ "$(sender_code someone@outside.test)" = 250 ]
	[ "$(sender_code "user1@$domain")" = 550 ]
	[ "$(sender_code user1@mail1.lan)" = 550 ]
	[ "$(sender_code someone@outside.test no-such.example.test)" = 550 ]
	[ "$(sender_code someone@outside.test '[10.1.2.3]')" = 250 ]
	outside_dns "$(outside_address | awk -F. '{ print $4 "." $3 "." $2 "." $1 }').in-addr.arpa" PTR
	[ "$(sender_code someone@outside.test)" = 550 ]
	outside_dns_of "$(outside_address)" "$client"
	[ "$(sender_code someone@outside.test)" = 250 ]
	settings 'restrictions: { helo = "none"; sender_domain = false; own_senders = "any"; };'
	[ "$(sender_code someone@no-such.example.test 'b?d')" = 250 ]
	[ "$(sender_code "nobody@$domain")" = 250 ]
}

@test "anybody may write to further destinations, and who is no user of the system is refused" {
	settings '' 'destinations = [ "shop.example.org" ];'
	rcpt_code_is relay.lan root@shop.example.org 250
	rcpt_code_is relay.lan nobody-there@shop.example.org 550
	rcpt_code_is relay.lan root@elsewhere.example.org 550
	[[ $(rcpt_code relay.lan root@localhost) == 5* ]]
	submit relay.lan root@shop.example.org for-the-shop
	eventually 30 on relay.lan grep -rqx "Subject: for-the-shop" /var/mail
}

# says_dsn FROM: is it offered there?
says_dsn() {
	talk "$1" relay.lan "EHLO $1" QUIT | grep -q '^250-DSN'
}

# sent SUBJECT WORDS: mail for the outside has left, and the log says how.
sent() {
	on relay.lan sh -c 'printf "Subject: $1\n\nbody\n" | sendmail someone@outside.example' sh "$1"
	eventually 30 outside_got someone@outside.example "$1"
	on relay.lan sh -c 'tail -n 3 /var/log/exim4/mainlog' | grep -q "R=outside T=outside .*$2"
}

@test "who may ask for delivery status notifications is up to the settings" {
	run ! says_dsn "$client"
	says_dsn mail1.lan
	settings 'dsn: { offer = "nobody"; };'
	run ! says_dsn mail1.lan
	settings 'dsn: { offer = "everybody"; };'
	says_dsn "$client"
}

@test "strangers must use TLS if the settings say so, and servers outside must show a certificate" {
	lab copy "$client:/var/outside/ca.crt" relay.lan:/etc/mailrepl/own/ca.crt
	settings 'tls: { incoming = "encrypt"; outgoing = "verify"; };' 'smarthost_ca = "/etc/mailrepl/own/ca.crt"; name = "maildomain.org";'
	run -0 talk "$client" relay.lan "EHLO $client" "MAIL FROM:<someone@outside.test>" QUIT
	[[ $output == *$'\n530 '* ]]
	run -0 on "$client" swaks --server relay.lan --helo "$client" --from someone@outside.test --to "user1@$domain" --tls \
		--quit-after RCPT
	sent verified 'CV=yes'
	outside_got someone@outside.example verified 'Return-Path: <root@maildomain.org>'
	settings 'tls: { outgoing = "verify"; };'
	on relay.lan sh -c 'printf "Subject: other-authority\n\nbody\n" | sendmail someone@outside.example'
	eventually 30 on relay.lan grep -q '== someone@outside.example .*certificate' /var/log/exim4/mainlog
	settings 'tls: { outgoing = "encrypt"; };'
	on relay.lan exim4 -qff
	eventually 30 outside_got someone@outside.example other-authority
}

# shows WORDS [OPTION OF s_client]…: the relay's certificate is so.
shows() {
	local words=$1
	shift
	on mail1.lan openssl s_client -connect relay.lan:25 -starttls smtp "$@" </dev/null 2>/dev/null |
		on mail1.lan openssl x509 -noout -subject | grep -qF "$words"
}

@test "strangers are shown the given certificate, hosts of ours the domain's" {
	# shellcheck disable=SC2016 # for that shell to expand
	on relay.lan sh -c 'set -e; umask 077; cd /etc/mailrepl/own
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/O=Given" \
			-addext "subjectAltName = DNS:relay.lan" -keyout given.key -out given.crt; chmod 644 given.crt' >&2 2>&1
	settings 'tls: { certificate = "/etc/mailrepl/own/given.crt"; key = "/etc/mailrepl/own/given.key"; };'
	eventually 30 shows "O = Given" -noservername
	shows "O = Given" -servername relay.lan
	shows "CN = relay.lan" -servername hosts.mailrepl.invalid
	run -0 on relay.lan cl-rebuild
	[[ $output == *"nothing to do"* ]] || fail "$output"
	settings ''
	eventually 30 shows "CN = relay.lan" -noservername
	run ! on relay.lan ls /etc/exim4/mailrepl/given.key
}

@test "what Exim cannot do is refused by name, and nothing is changed" {
	local before
	before=$(on relay.lan sha256sum /etc/exim4/exim4.conf)
	run -78 settings 'postscreen: { enabled = true; };'
	[[ $output == *"postscreen.enabled = true: postscreen is a part of Postfix"* ]]
	run -78 settings 'backup_mx: { networks = [ "192.0.2.0/24" ]; };'
	[[ $output == *"backup_mx.networks: that is permit_mx_backup"* ]]
	run -78 settings 'tls: { outgoing = "dane-only"; };'
	[[ $output == *"tls.outgoing = dane-only: "* ]]
	[ "$(on relay.lan sha256sum /etc/exim4/exim4.conf)" = "$before" ]
	settings ''
}

# waits_outside SUBJECT WORDS: mail for the outside is put off for a reason with these words.
waits_outside() {
	on relay.lan sh -c 'printf "Subject: $1\n\nbody\n" | sendmail someone@outside.example' sh "$1"
	# shellcheck disable=SC2016 # for that shell to expand
	eventually 30 on relay.lan sh -c 'grep "$(exiqgrep -i -r someone@outside.example)" /var/log/exim4/mainlog | grep -qE "$1"' sh "$2"
	run ! outside_got someone@outside.example "$1"
}

@test "DANE: the server that DNS names gets the mail, another one does not" {
	on relay.lan mkdir -p /var/spool/postfix/etc
	outside_signs relay.lan
	outside_tlsa
	settings 'tls: { outgoing = "dane"; };'
	sent dane-right 'CV=dane'
	outside_tlsa wrong
	waits_outside dane-wrong 'DANE|dane'
	outside_dns _25._tcp.mx.outside.example TLSA
	on relay.lan exim4 -qff
	eventually 30 outside_got someone@outside.example dane-wrong
}
