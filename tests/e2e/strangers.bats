#!/usr/bin/env bats
# How closely strangers are looked at where somebody wants it closer than by default: names in DNS, what they say after the
# greeting (postscreen), and what the postmaster is told of it.

load e2e
load outside

nameless=203.0.113.25 # addresses of strangers, one for each kind of them: who has passed once is known
hasty=203.0.113.26
sloppy=203.0.113.27
browser=203.0.113.28

setup_file() {
	e2e_up mail1.lan "$client"
	outside_up mail1.lan
	set_up_home --scheme server-mx --mx mail1.lan
	outside_dns "$domain" MX "10 mail1.lan"
	add_user mail1.lan user1
	eventually 20 knows mail1.lan "user1@$domain"
	local address
	for address in $nameless $hasty $sloppy $browser; do outside_public "$address" mail1.lan; done
}

teardown_file() {
	e2e_down
}

# configure SETTINGS [SETTINGS OF mail]
configure() {
	on mail1.lan sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<<"host = \"mail1.lan\"; home = \"mail1.lan\";
mail: { dns = true; ${2:-} }; $1"
	on mail1.lan cl-rebuild >&2
}

# answer [ARGUMENT OF swaks]…: what is said at RCPT to a stranger.
answer() {
	on "$client" swaks --server mail1.lan --helo mx.outside.example --from someone@outside.example --to "user1@$domain" \
		--quit-after RCPT --timeout 30 "$@" 2>&1 |
		awk '/-> RCPT TO:/ { asked = 1; next } asked && /^<[-~*]+ / { sub(/^<[-~*]+ +/, ""); print; exit }'
}

# answers PATTERN [ARGUMENT OF swaks]…
answers() {
	local said want=$1
	shift
	said=$(answer "$@")
	[[ $said =~ ^$want ]] || fail "$* is answered with $said"
}

# --- names in DNS

@test "client_name: who has no name in DNS is refused, by default he is not" {
	answers 250 --local-interface $nameless
	configure 'restrictions: { client_name = true; };'
	answers "550 5.7.1 .*cannot find your reverse hostname" --local-interface $nameless
	answers 250
	outside_dns_of $nameless one.without.address.example
	answers 250 --local-interface $nameless
}

@test "client_name: while DNS fails he is told to come again" {
	outside_dns_fails 113.0.203.in-addr.arpa
	answers "450 4.7.1 .*reverse hostname" --local-interface $nameless
	outside_dns_fails
	answers 250 --local-interface $nameless
}

@test "helo: known is who says a name that is in DNS, with an address or as an MX's domain" {
	answers 250 --helo not.there.example
	configure 'restrictions: { helo = "known"; };'
	answers "550 5.7.1 .*Host not found" --helo not.there.example
	answers 504 --helo short
	answers 250 --helo mx.outside.example
	answers 250 --helo outside.example
	answers 250 --helo "[$nameless]"
}

@test "helo: while DNS fails he is told to come again" {
	outside_dns_fails trouble.example
	answers "450 4.7.1 .*Host not found" --helo trouble.example
	outside_dns_fails
}

# --- what the postmaster is told

@test "the postmaster is told of what was refused and of what comes back, if he wants it" {
	configure 'dsn: { postmaster = true; };' "postmaster = \"user1@$domain\";"
	rcpt_code_is mail1.lan "told-of@$domain" 550
	await_message mail1.lan user1 "$client"
	submit_locally mail1.lan refused@outside.example comes-back "root@mail1.lan"
	await_message mail1.lan user1 Copy
	configure '' "postmaster = \"user1@$domain\";"
	rcpt_code_is mail1.lan "not-told-of@$domain" 550
	submit_locally mail1.lan refused@outside.example comes-back-2 "root@mail1.lan"
	eventually 30 has_messages mail1.lan user1 Undelivered 3
	has_messages mail1.lan user1 "$client" 1
	has_messages mail1.lan user1 Copy 1
}

# --- postscreen

# says ADDRESS TEXT…: what is answered to each text in turn; \r and \n stand for themselves.
says() {
	# shellcheck disable=SC2016 # for perl to expand
	on "$client" perl -MIO::Socket::INET -e '
		my $server = IO::Socket::INET->new(PeerAddr => "mail1.lan:25", LocalAddr => shift) or die "$!\n";
		alarm 60;
		sub answer { while (<$server>) { s/\r//; print; last if /^\d{3} / } }
		answer();
		for (@ARGV) { s/\\r/\r/g; s/\\n/\n/g; print $server $_; $server->flush; answer() }
		answer();' "$@" 2>&1
}

# screen SETTINGS [SECONDS TO WAIT]
screen() {
	configure "postscreen: { enabled = true; greet_wait = ${2:-1}; $1 };"
}

@test "postscreen.deep: who is new must come twice, and a mail server does so by itself" {
	screen 'deep = true;'
	outside_send someone@outside.example "user1@$domain" comes-twice
	await_message mail1.lan user1 comes-twice
	on mail1.lan grep -qE 'NOQUEUE: reject: RCPT from .*: 450 4.3.2 Service currently unavailable' /var/log/syslog
	on mail1.lan grep -qF "PASS NEW [$(outside_address)]" /var/log/syslog
	submit mail1.lan "user1@$domain" is-known
	await_message mail1.lan user1 is-known
}

@test "postscreen.deep: who does not wait for answers, ends lines badly or speaks another protocol is refused" {
	local rest=("MAIL FROM:<a@outside.example>\r\n" "RCPT TO:<user1@$domain>\r\n" "QUIT\r\n")
	run -0 says $hasty "EHLO mx.outside.example\r\nMAIL FROM:<a@outside.example>\r\n" "RCPT TO:<user1@$domain>\r\nQUIT\r\n"
	[[ $output == *"550 5.5.1 Protocol error"* ]] || fail "$output"
	run -0 says $sloppy "EHLO mx.outside.example\n" "${rest[@]}"
	[[ $output == *"550 5.5.1 Protocol error"* ]] || fail "$output"
	run -0 says $browser "GET / HTTP/1.0\r\n"
	[[ $output == *"521 5.7.0 Error: I can break rules, too. Goodbye."* ]] || fail "$output"
	local word
	for word in "COMMAND PIPELINING from \[$hasty\]" "BARE NEWLINE from \[$sloppy\]" "NON-SMTP COMMAND from \[$browser\]"; do
		on mail1.lan grep -q "$word" /var/log/syslog
	done
}

@test "postscreen.dnsbl: weights add up, and a list of who is welcome counts against one of who is not" {
	# A list that has not answered by then does not count.
	screen 'threshold = 2; dnsbl = ( { site = "bl.example"; }, { site = "bl2.example"; }, { site = "wl.example"; weight = -1; } );' 5
	outside_dns 28.113.0.203.bl.example A 127.0.0.2
	answers 250 --local-interface $browser
	outside_dns 27.113.0.203.bl.example A 127.0.0.2
	outside_dns 27.113.0.203.bl2.example A 127.0.0.3
	answers "550 5.7.1 .*blocked using bl.*example" --local-interface $sloppy
	outside_dns 27.113.0.203.wl.example A 127.0.0.2
	answers 250 --local-interface $sloppy
}

@test "nothing is left in a queue" {
	eventually 30 queue_is_empty mail1.lan
}
