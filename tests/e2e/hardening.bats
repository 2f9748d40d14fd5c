#!/usr/bin/env bats
# What strangers and mail programs get to see, and how closely strangers are looked at: certificates, TLS levels, headers,
# restrictions, DSN, postscreen.

load e2e
load outside

hosts=(mail1.lan mail2.lan relay.lan)

setup_file() {
	outside_domain --scheme server-mx --mx mail1.lan
	add_user mail1.lan user1
	add_user mail2.lan user2
	local host user
	for host in "${hosts[@]}"; do
		for user in user1 user2; do eventually 20 knows "$host" "$user@$domain"; done
	done
}

teardown_file() {
	e2e_down
}

# configure HOST SETTINGS: what mailrepl.conf says beside names and DNS; and cl-rebuild.
configure() {
	write_settings "$@"
	on "$1" cl-rebuild
}

write_settings() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'cd /etc/mailrepl && { [ -e first.conf ] || cp mailrepl.conf first.conf; } &&
		{ grep -E "^(host|home) = " first.conf; echo "mail: { dns = true; $2 };"; echo "$1"; } >mailrepl.conf' sh "$2" "${3:-}"
}

# ehlo FROM SERVER [ARGUMENT…]: what the server offers.
ehlo() {
	local from=$1 server=$2
	shift 2
	on "$from" swaks --server "$server" --helo "$from" --quit-after EHLO --timeout 20 "$@" 2>&1
}

# code_of HOST ARGUMENT…: swaks from outside; the code of the first refusal, or of the end of the message.
code_of() {
	local host=$1
	shift
	on "$client" swaks --server "$host" --timeout 20 --helo "$client" --h-Subject probe --body probe "$@" 2>&1 |
		awk '/^<[-~]?\*+ +[0-9]/ { print $2; exit } /^<[-~] +250 2.0.0 Ok: queued/ { print 250 }'
}

# answers CODE HOST ARGUMENT…
answers() {
	local want=$1 code
	shift
	code=$(code_of "$@")
	[ "$code" = "$want" ] || fail "$* is answered with $code, not $want"
}

# --- headers

# letter HOST USER SUBJECT: its text as the user's server has it.
letter() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'grep -rlx "Subject: $2" "/var/lib/mailrepl/mail/$1" | xargs -r cat' sh "$2" "$3"
}

# write_from FROM SERVER TO SUBJECT ARGUMENT…: with all that gives a sender away.
write_from() {
	local from=$1 server=$2 to=$3 subject=$4
	shift 4
	on "$from" swaks --server "$server" --timeout 30 --helo laptop.secret.example --to "$to" --h-Subject "$subject" --body "$subject" \
		--add-header "X-Originating-IP: [192.0.2.77]" --add-header "User-Agent: Gossip/1.0" "$@" >&2
}

@test "mail that is sent with a login does not say from where, neither outside nor inside" {
	local address text port tls=--tls
	address=$(outside_address relay.lan)
	for port in 587 465; do
		[ $port = 587 ] || tls=--tlsc
		for to in "someone@outside.example" "user1@$domain"; do
			write_from relay.lan mail2.lan "$to" "hidden-$port" --port $port $tls --auth PLAIN --auth-user user2 \
				--auth-password "$password" --from "user2@$domain"
		done
		eventually 30 outside_got someone@outside.example "hidden-$port"
		await_message mail1.lan user1 "hidden-$port"
	done
	for text in "$(outside_mailbox someone@outside.example)" "$(letter mail1.lan user1 hidden-465)"; do
		[[ $text == *"Received: by mail2.lan with ESMTPSA id "* ]] || fail "$text"
		[[ $text != *laptop.secret* && $text != *"$address"* && $text != *X-Originating-IP* && $text != *192.0.2.77* ]] ||
			fail "$text"
		[[ $text == *"User-Agent: Gossip/1.0"* ]]
	done
}

@test "what a stranger sends is not changed" {
	local text
	write_from "$client" mail1.lan "user1@$domain" foreign --from someone@outside.example
	await_message mail1.lan user1 foreign
	text=$(letter mail1.lan user1 foreign)
	[[ $text == *"from laptop.secret.example"* && $text == *"X-Originating-IP: [192.0.2.77]"* && $text == *"User-Agent: Gossip"* ]]
}

# --- DSN

@test "delivery status notifications are offered to our own, and to no stranger" {
	run -0 ehlo "$client" mail1.lan
	[[ $output != *DSN* && $output == *STARTTLS* ]]
	run -0 ehlo mail1.lan 127.0.0.1
	[[ $output == *DSN* ]]
	run -0 ehlo mail2.lan mail1.lan
	[[ $output == *DSN* ]]
	run -0 ehlo "$client" mail1.lan --port 587
	[[ $output == *DSN* ]]
}

# --- restrictions

@test "a stranger with a name that it cannot have is refused" {
	local name
	for name in localhost mail1.lan "$domain" short 'a_b!c'; do
		[[ $(code_of mail1.lan --helo "$name" --from someone@outside.example --to "user1@$domain" --quit-after RCPT) == 5* ]] ||
			fail "$name is taken"
	done
	for name in laptop.example "[$(outside_address)]"; do
		answers 250 mail1.lan --helo "$name" --from someone@outside.example --to "user1@$domain"
	done
}

@test "a sender that cannot be answered is refused, and so is one of ours that there is not" {
	local rcpt=(--to "user1@$domain")
	answers 550 mail1.lan --from someone@no-such.example.invalid "${rcpt[@]}"
	answers 504 mail1.lan --from someone "${rcpt[@]}"
	answers 550 mail1.lan --from "unheard.of@$domain" "${rcpt[@]}"
	answers 550 relay.lan --from unheard.of@mail1.lan "${rcpt[@]}"
	answers 250 mail1.lan --from "user2@$domain" "${rcpt[@]}"
	outside_dns_fails trouble.example
	answers 450 mail1.lan --from someone@trouble.example "${rcpt[@]}"
}

@test "a bounce goes to one, not to several" {
	answers 250 mail1.lan --from '<>' --to "user1@$domain"
	answers 550 mail1.lan --from '<>' --to "user1@$domain,user2@$domain"
}

# --- certificates

# give NAME: a certificate of an authority that nobody here knows, for imap.example.org, as an ACME client leaves it.
give() {
	# shellcheck disable=SC2016 # for that shell to expand
	on mail1.lan sh -c 'set -e; mkdir -p /etc/given; cd /etc/given; umask 077
		[ -e ca.key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=Public CA" \
			-keyout ca.key -out ca.crt
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=$1" -keyout new.key -out new.csr
		echo "subjectAltName = DNS:imap.example.org, DNS:mail1.lan" >ext
		openssl x509 -req -in new.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out new.crt
		cat ca.crt >>new.crt; chmod 644 new.crt
		mv new.key host.key; mv new.crt host.crt' sh "$1" >&2 2>&1
}

given='tls: { certificate = "/etc/given/host.crt"; key = "/etc/given/host.key"; };'

# shown PORT [ARGUMENT OF openssl…]: the subject of the certificate that mail1 shows.
shown() {
	local port=$1
	shift
	on "$client" openssl s_client -connect "mail1.lan:$port" "$@" </dev/null 2>/dev/null | sed -n 's/^subject=//p'
}

shows() {
	local want=$1
	shift
	[[ $(shown "$@") == *"$want"* ]] || fail "$* shows $(shown "$@"), not $want"
}

@test "a given certificate is shown to strangers and mail programs" {
	give 'First Inc.'
	configure mail1.lan "$given"
	shows 'First Inc.' 25 -starttls smtp
	shows 'First Inc.' 25 -starttls smtp -servername mail1.lan
	shows 'First Inc.' 587 -starttls smtp
	shows 'First Inc.' 465
	shows 'First Inc.' 993 -servername imap.example.org
	shows 'First Inc.' 995 -noservername
	shows 'First Inc.' 143 -starttls imap -servername imap.example.org
}

@test "between hosts the domain's certificate counts all the same" {
	shows 'O = mailrepl, CN = mail1.lan' 25 -starttls smtp -servername hosts.mailrepl.invalid
	shows 'O = mailrepl, CN = mail1.lan' 993 -servername mail1.lan
	submit mail2.lan "user1@$domain" across-1
	submit relay.lan "user1@$domain" across-2
	submit mail1.lan "user2@$domain" across-3
	await_message mail1.lan user1 across-1
	await_message mail1.lan user1 across-2
	await_message mail2.lan user2 across-3
	on mail1.lan grep -qE 'Trusted TLS connection established from .* to hosts.mailrepl.invalid:' /var/log/syslog
	has_messages mail2.lan user1 across-1 1
}

@test "a renewed certificate is noticed" {
	give 'Second Inc.'
	eventually 60 shows 'Second Inc.' 993 -servername imap.example.org
	eventually 60 shows 'Second Inc.' 25 -starttls smtp
	run -0 on mail1.lan cl-rebuild
	[[ $output != *"let postfix read"* ]]
}

@test "a certificate that would not do is refused before anything is changed" {
	on mail1.lan chmod 644 /etc/given/host.key
	run -78 on mail1.lan cl-rebuild
	[[ $output == *"/etc/given/host.key: others than its owner and its group can read it"* ]]
	on mail1.lan sh -c 'cd /etc/given && chmod 600 host.key && mv host.key right.key && cp ca.key host.key'
	run -78 on mail1.lan cl-rebuild
	[[ $output == *"mailrepl.conf: tls: /etc/given/host.key: the key of another certificate than /etc/given/host.crt"* ]]
	write_settings mail1.lan 'tls: { certificate = "/etc/given/host.crt"; };'
	run -78 on mail1.lan cl-rebuild
	[[ $output == *"both must be given"* ]]
	shows 'Second Inc.' 993 -servername imap.example.org
	configure mail1.lan ''
	shows 'O = mailrepl' 465
}

# --- TLS levels

@test "where strangers must use TLS nobody writes in the clear, and hosts of ours are not kept out" {
	configure mail1.lan 'tls: { incoming = "encrypt"; };'
	answers 530 mail1.lan --from someone@outside.example --to "user1@$domain"
	answers 250 mail1.lan --from someone@outside.example --to "user1@$domain" --tls
	submit mail2.lan "user1@$domain" to-encrypt
	await_message mail1.lan user1 to-encrypt
}

# --- postscreen

listed() {
	outside_dns "$(outside_address | awk -F. '{ print $4 "." $3 "." $2 "." $1 }').bl.example" A "$@"
}

@test "postscreen keeps out who is listed, lets others in after a while, and hosts of ours at once" {
	configure mail1.lan 'postscreen: { enabled = true; greet_wait = 2; dnsbl = ( { site = "bl.example"; weight = 2; shown = "list.example"; } ); threshold = 2; };'
	listed 127.0.0.4
	answers 550 mail1.lan --from someone@outside.example --to "user1@$domain"
	run on "$client" swaks --server mail1.lan --timeout 20 --helo "$client" --from someone@outside.example --to "user1@$domain"
	[[ $output == *"using list.example"* && $output != *bl.example* ]]
	# An answer that says "you may not ask".
	listed 127.255.255.254
	submit mail1.lan "user1@$domain" screened
	await_message mail1.lan user1 screened
	on mail1.lan grep -qF "PASS NEW [$(outside_address)]" /var/log/syslog
	submit mail2.lan "user1@$domain" unscreened
	await_message mail1.lan user1 unscreened
	on mail1.lan grep -qE "postscreen.*(ALLOW|WHITE)LISTED \[$(outside_address mail2.lan)\]" /var/log/syslog
	run ! on mail1.lan grep -qE "postscreen.*PASS (NEW|OLD) \[$(outside_address mail2.lan)\]" /var/log/syslog
	answers 550 mail1.lan --from someone@outside.example --to "nobody@$domain"
	run -0 ehlo "$client" mail1.lan
	[[ $output != *DSN* ]]
}

@test "who speaks before the greeting is refused" {
	on mail1.lan sh -c 'postfix stop && rm -f /var/lib/postfix/postscreen_cache.* && postfix start' >&2
	# shellcheck disable=SC2016 # for that shell to expand
	run -0 on "$client" bash -c 'exec 3<>/dev/tcp/mail1.lan/25 && printf "EHLO x.example\r\n" >&3 &&
		while read -t 60 -r line <&3 && [[ $line != "220 "* ]]; do :; done &&
		printf "%s\r\n" "EHLO x.example" "MAIL FROM:<a@outside.example>" "RCPT TO:<$1>" QUIT >&3 && timeout 60 cat <&3' \
		bash "user1@$domain" </dev/null
	[[ $output == *"550 5.5.1 Protocol error"* ]] || fail "$output"
	on mail1.lan grep -q 'PREGREET' /var/log/syslog
}

@test "nothing was bounced, and nothing is left in a queue" {
	local host
	no_bounces "${hosts[@]}"
	for host in "${hosts[@]}"; do eventually 30 queue_is_empty "$host"; done
}
