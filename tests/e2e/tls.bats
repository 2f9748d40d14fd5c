#!/usr/bin/env bats
# What a server outside must be, by the level of TLS (tls.outgoing), before mail is given to it: by its certificate, by
# DNSSEC. A server that is not that gets nothing: the mail waits.

load e2e
load outside

tlsa=_25._tcp.mx.outside.example

setup_file() {
	e2e_up mail1.lan "$client"
	outside_up mail1.lan
	set_up_home --scheme server-mx --mx mail1.lan
	# What DNS has said an smtp(8) keeps for a while: each does one delivery.
	on mail1.lan sh -c 'mkdir -p /etc/mailrepl/own/postfix && echo "max_use = 1" >/etc/mailrepl/own/postfix/main.cf'
	on mail1.lan cl-rebuild >&2
	add_user mail1.lan user1
	eventually 20 knows mail1.lan "user1@$domain"
}

teardown_file() {
	e2e_down
}

# outgoing LEVEL [SETTING OF mail]…
outgoing() {
	local level=$1
	shift
	on mail1.lan sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<<"host = \"mail1.lan\"; home = \"mail1.lan\";
mail: { dns = true; $* }; tls: { outgoing = \"$level\"; };"
	on mail1.lan cl-rebuild >&2
}

# sends SUBJECT [DOMAIN]
sends() {
	submit_locally mail1.lan "$1@${2:-outside.example}" "$1" "user1@$domain"
}

# waits SUBJECT WORDS [DOMAIN]: it is in the queue for a reason with these words, and has not gone.
waits() {
	eventually 30 waits_for "$1" "$2" || fail "$(on mail1.lan postqueue -j)"
	run ! outside_got "$1@${3:-outside.example}" "$1"
}

waits_for() {
	local reason
	reason=$(on mail1.lan postqueue -j | jq -r --arg to "$1@" '.recipients[] | select(.address | startswith($to)).delay_reason // ""')
	# For what has befallen another message to that domain.
	[[ $reason != *"temporarily suspended"* ]] || on mail1.lan postqueue -f
	[[ $reason =~ $2 ]]
}

# goes SUBJECT [DOMAIN]: what waits is tried again until it has gone.
goes() {
	eventually 30 has_gone "$1" "${2:-outside.example}"
}

has_gone() {
	! outside_got "$1@$2" "$1" || return 0
	on mail1.lan postqueue -f
	return 1
}

# connections WORD: of how many the log says "Verified TLS connection established" and the like.
connections() {
	on mail1.lan sh -c 'grep -c "postfix/smtp.*: $1 TLS connection established to mx.outside.example" /var/log/syslog || :' sh "$1"
}

@test "may: to a server with TLS and to one without, whoever it is" {
	sends may-tls
	goes may-tls
	[ "$(connections Untrusted)" -ge 1 ]
	outside_tls none
	sends may-clear
	goes may-clear
}

@test "encrypt: to a server without TLS nothing goes" {
	outgoing encrypt
	sends encrypted
	waits encrypted "TLS is required, but was not offered"
	outside_tls may
	goes encrypted
}

@test "verify: nothing goes to a server whose authority is not known here, until it is one of the system's" {
	outgoing verify
	sends verified elsewhere.example
	waits verified "not verified" elsewhere.example
	lab copy "$client:/var/outside/ca.crt" mail1.lan:/usr/local/share/ca-certificates/outside.crt
	on mail1.lan update-ca-certificates >&2
	on mail1.lan postfix reload >&2
	goes verified elsewhere.example
	[ "$(connections Verified)" -ge 1 ]
}

@test "secure: DNS is not believed whose server it is" {
	outgoing secure
	sends secured
	sends stolen elsewhere.example
	goes secured
	waits stolen "not verified" elsewhere.example
	# What programs on this host write comes in by its own port, which has no such certificate.
	on mail1.lan sendmail "user1@$domain" <<<"Subject: from-cron"
	await_message mail1.lan user1 from-cron
	outgoing verify
	goes stolen elsewhere.example
}

@test "authorities of one's own count instead of the system's" {
	on mail1.lan sh -c 'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=Another" \
		-keyout /dev/null -out /etc/mailrepl/another.crt 2>/dev/null'
	outgoing verify 'smarthost_ca = "/etc/mailrepl/another.crt";'
	sends own-authority
	waits own-authority "not verified"
	outgoing verify 'smarthost_ca = "/usr/local/share/ca-certificates/outside.crt";'
	goes own-authority
}

@test "dane: without signed names it is as may, dane-only lets nothing go" {
	outside_tlsa wrong
	outgoing dane
	sends dane-unsigned
	goes dane-unsigned
	outgoing dane-only
	sends only-unsigned
	waits only-unsigned "non DNSSEC destination"
	on mail1.lan grep -q "DNSSEC validation may be unavailable" /var/log/syslog
	outside_dns $tlsa TLSA
	outside_signs mail1.lan
	sends only-none
	waits only-none "TLSA"
}

@test "dane-only: what has waited goes once DNS names the server's certificate" {
	outside_tlsa
	goes only-unsigned
	goes only-none
}

@test "dane: the server that DNS names is verified, another one gets nothing" {
	local before
	before=$(connections Verified)
	outgoing dane
	sends dane-right
	goes dane-right
	[ "$(connections Verified)" -gt "$before" ]
	outside_tlsa wrong
	sends dane-wrong
	waits dane-wrong "not (trusted|verified)"
}

@test "dane: who takes TLS away, or the answer of DNS, gets nothing either" {
	outside_tls none
	sends dane-stripped
	waits dane-stripped "TLS is required, but was not offered"
	outside_dns_fails _tcp.mx.outside.example
	sends dane-no-answer
	waits dane-no-answer "TLSA lookup error|no answer"
	outside_dns_fails
	outside_tls may
	outside_tlsa
	goes dane-wrong
	goes dane-stripped
	goes dane-no-answer
}

@test "dane: to a domain whose names are not signed, or that names no certificate, mail goes as it does with may" {
	sends dane-not-signed unsigned.example
	goes dane-not-signed unsigned.example
	outside_dns $tlsa TLSA
	outside_tls none
	sends dane-none
	goes dane-none
	outside_tls may
}

@test "nothing was bounced, and nothing waits any more" {
	no_bounces mail1.lan
	eventually 30 queue_is_empty mail1.lan
}
