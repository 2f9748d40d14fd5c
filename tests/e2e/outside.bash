# shellcheck shell=bash
# The world outside, for tests that need more of it than somebody who knocks: on the host $client (outside.test) run a DNS
# server, which the hosts ask, and a mail server that is not mailrepl's. A file loads e2e, then this:
#
#	load e2e
#	load outside
#	setup_file() { outside_domain --scheme server-mx --mx mail1.lan; }	# e2e_domain with the world around it; or
#	setup_file() { e2e_up a.lan b.lan "$client"; outside_up a.lan b.lan; … }	# before cl-setup runs
#
# Names. Every host of the lab has its A and PTR record. The mail server has mx.outside.example (PTR, too) and
# smarthost.outside.example; outside.example and elsewhere.example name it as their MX. maildomain.org has no MX until
# the test says so. What nobody has said is NXDOMAIN.
#	outside_dns NAME TYPE [VALUE…]	NAME has these records of that type and no others; without VALUE none. Full names,
#					without a dot at the end: outside_dns maildomain.org MX "10 mail1.lan" "20 relay.lan"
#	outside_dns_of ADDRESS NAME	what 10.1.2.3 is called: its PTR record
#	outside_dns_fails NAME…		NAME and what is below it is answered with SERVFAIL from now on; without NAME nothing
#	outside_signs HOST…		all names are signed from now on (DNSSEC), and these hosts have a resolver of their own, which
#					checks that. Only unsigned.example is not signed: its MX is mx.unsigned.example, with a wrong TLSA record
#	outside_tlsa [WORD]		the mail server's certificate is in DNS (TLSA); with WORD another; outside_dns NAME TLSA: none is
#	outside_dns_silent, outside_dns_speaks	nobody gets an answer; they do again
#	outside_address [HOST]		the address of the mail server, or of another host
#	outside_public ADDRESS HOST…	it has that address, too, and these hosts reach it there: the lab's own are private ones.
#					A client uses it with swaks --local-interface ADDRESS
#
# Mail to the outside. Port 25 of the mail server takes mail for everybody in any domain below .example, but answers 550
# for refused@ and 450 for later@. Each message is kept, with its envelope as Return-Path and Delivered-To:
#	outside_mailbox ADDRESS		prints what has come for it
#	outside_got ADDRESS SUBJECT [WORDS]	such a message has come, with WORDS somewhere in it: eventually 30 outside_got …
#	outside_answers [CODE TEXT]	to every recipient, on all ports: outside_answers 450 4.3.2 not now; without, as before
#	outside_tls none|may		whether it offers STARTTLS
#	outside_closed, outside_open	nobody listens; somebody does again. (lab cut "$client" takes the names away, too.)
#
# As somebody's smarthost it forwards to where MX records say, and what it has forwarded says "by smarthost.outside.example":
#	587	STARTTLS and a login: $smarthost_login with $smarthost_password
#	465	the same, TLS from the beginning
#	2525	without login, TLS if the client likes
# Its certificate is for mx.outside.example, smarthost.outside.example and outside.test, of an authority whose certificate is
# /var/outside/ca.crt there (lab copy "$client:/var/outside/ca.crt" HOST:/…).
#
# Mail from the outside:
#	outside_send FROM TO SUBJECT	through its mail server, which finds the way by MX records and tries every few seconds
#	outside_queue			what waits there, as JSON lines; with the reason. What was refused: a bounce to FROM,
#					outside_got FROM 'Undelivered Mail Returned to Sender' 'WORDS OF THE REFUSAL'
#	submit, rcpt_code, … of e2e.bash	straight to a server, as strangers do

smarthost_login=intranet
smarthost_password=open-sesame-1
export smarthost_login smarthost_password

# --- the lab

# outside_domain [OPTION OF cl-setup]…: as e2e_domain; the hosts ask for names.
outside_domain() {
	e2e_up mail1.lan mail2.lan relay.lan "$client"
	outside_up mail1.lan mail2.lan relay.lan
	e2e_join "$@"
}

# outside_up HOST…: begins it; these hosts ask it for names, and their settings say that there are some.
outside_up() {
	local host
	lab copy "$BATS_TEST_DIRNAME/outside" "$client:/var/outside"
	on "$client" /var/outside/start "$smarthost_login" "$smarthost_password" || return 1
	for host; do outside_names "$host"; done
}

# outside_names HOST: it asks for names from now on; cl-setup or cl-rebuild tells Postfix.
outside_names() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'printf "nameserver %s\noptions timeout:2 attempts:2\n" "$1" >/etc/resolv.conf
		[ ! -d /var/spool/postfix/etc ] || cp /etc/resolv.conf /var/spool/postfix/etc/
		mkdir -p /etc/mailrepl && echo "mail = { dns = true; };" >/etc/mailrepl/mailrepl.conf' sh "$(outside_address "$client")"
}

# shellcheck disable=SC2120 # callers elsewhere name a host
outside_address() {
	on "$client" awk -v host="${1:-$client}" '$2 == host { print $1; found = 1 } END { exit !found }' /etc/hosts
}

outside_public() {
	local address=$1 host
	shift
	on "$client" ip address add "$address/32" dev eth0
	for host; do on "$host" ip route add "$address/32" dev eth0; done
}

# --- names

outside_dns() {
	on "$client" /var/outside/dns "$@"
}

outside_dns_of() {
	outside_dns "$(awk -F. '{ print $4 "." $3 "." $2 "." $1 ".in-addr.arpa" }' <<<"$1")" PTR "$2."
}

outside_signs() {
	local address ds host
	address=$(outside_address "$client")
	ds=$(on "$client" /var/outside/sign)
	for host; do
		lab copy "$BATS_TEST_DIRNAME/outside/resolver" "$host:/run/resolver"
		on "$host" /run/resolver "$address" "$ds"
		on "$host" sh -c 'echo "nameserver 127.0.0.1" | tee /etc/resolv.conf >/var/spool/postfix/etc/resolv.conf'
	done
}

outside_tlsa() {
	local digest
	digest=$(if [ $# -gt 0 ]; then printf %s "$1"; else
		on "$client" openssl pkey -in /var/outside/mx.key -pubout -outform DER
	fi | sha256sum | cut -d ' ' -f 1)
	outside_dns _25._tcp.mx.outside.example TLSA "3 1 1 $digest"
}

# A zone whose file is missing is answered with SERVFAIL.
outside_dns_fails() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$client" sh -c 'cd /var/outside && cp knot.conf.whole knot.conf &&
		for name; do printf "  - domain: \"%s\"\n    file: missing\n" "$name" >>knot.conf; done &&
		knotc -c knot.conf reload' sh "$@" >&2
}

outside_dns_silent() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$client" sh -c 'kill -STOP "$(cat /run/outside/knot.pid)"'
}

outside_dns_speaks() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$client" sh -c 'kill -CONT "$(cat /run/outside/knot.pid)"'
}

# --- mail to the outside

outside_mailbox() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$client" sh -c 'cat /dev/null "/var/outside/mail/$1"/[0-9]* 2>/dev/null' sh "$1"
}

outside_got() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$client" sh -c 'grep -lx "Subject: $2" "/var/outside/mail/$1"/[0-9]* 2>/dev/null |
		xargs -r grep -l -e "${3:-}" | grep -q .' sh "$@"
}

# went_by SERVER ADDRESS SUBJECT: such a message has come by way of that server, as in smarthost.outside.example or mail1.lan.
went_by() {
	outside_got "$2" "$3" "by $1"
}

outside_answers() {
	local restriction=
	[ $# -eq 0 ] || restriction="check_recipient_access static:{$*}"
	on "$client" postconf -e "smtpd_recipient_restrictions = $restriction \$outside_recipients"
	on "$client" postfix reload >&2
	eventually 30 rcpt_code_is "$client" anybody@outside.example "${1:-250}"
}

outside_tls() {
	on "$client" postconf -e "smtpd_tls_security_level = $1"
	on "$client" postfix reload >&2
	eventually 30 outside_offers_tls "$1"
}

outside_offers_tls() {
	local said
	said=$(on "$client" swaks --server 127.0.0.1 --quit-after EHLO --timeout 20 2>&1) || return 1
	if [ "$1" = none ]; then [[ $said != *STARTTLS* ]]; else [[ $said == *STARTTLS* ]]; fi
}

outside_closed() {
	on "$client" postfix stop >&2
}

outside_open() {
	on "$client" postfix start >&2
}

# --- mail from the outside

outside_send() {
	on "$client" sendmail -f "$1" -- "$2" <<<"From: <$1>
To: <$2>
Subject: $3

$3"
}

outside_queue() {
	on "$client" postqueue -j
}

# --- what a server says

# talk FROM SERVER LINE…: what the server answers, to each line in turn.
talk() {
	local from=$1 server=$2
	shift 2
	# shellcheck disable=SC2016 # for that shell to expand
	on "$from" timeout 60 bash -c '
		answer() { while IFS= read -r line <&3; do echo "$line"; [ "${line:3:1}" = - ] || return 0; done; }
		exec 3<>"/dev/tcp/$1/25"; shift
		answer
		for say; do printf "%s\r\n" "$say" >&3; answer; done' bash "$server" "$@" | tr -d '\r'
}

# recipients FROM PATTERN: how many of the relay's answers to four of them are so.
recipients() {
	talk "$1" relay.lan "EHLO $1" "MAIL FROM:<someone@outside.test>" "RCPT TO:<user1@$domain>" \
		"RCPT TO:<user1@$domain>" "RCPT TO:<user1@$domain>" "RCPT TO:<user1@$domain>" QUIT | grep -cE "$2"
}

# policy ACTION: a policy service on the relay that answers so about gray@, and keeps for whom it was asked.
policy() {
	on relay.lan perl -MIO::Socket::INET -e '
		my $action = shift;
		my $listen = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 10023, Listen => 5, ReuseAddr => 1) or die;
		exit if fork;
		setpgrp;
		open STDIN, "</dev/null"; open STDOUT, ">/dev/null"; open STDERR, ">/dev/null";
		open my $pid, ">", "/run/policy.pid"; print $pid $$; close $pid;
		$SIG{CHLD} = "IGNORE";
		while (my $client = $listen->accept) {
			next if fork;
			my %ask;
			while (<$client>) {
				chomp;
				if (/^(.*?)=(.*)/) { $ask{$1} = $2; next }
				open my $log, ">>", "/run/policy.log"; print $log "$ask{recipient}\n"; close $log;
				print $client "action=", ($ask{sender} =~ /^gray/ ? $action : "dunno"), "\n\n";
				$client->flush;
			}
			exit;
		}' "$1"
}
