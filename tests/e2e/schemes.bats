#!/usr/bin/env bats
# The three schemes with the world around them: who takes mail from outside, who sends it out, and what DNS says of it.

load e2e
load outside

hosts=(mail1.lan mail2.lan relay.lan)
servers=(mail1.lan mail2.lan)
public=203.0.113.25

setup_file() {
	outside_domain
	add_user mail1.lan user1
	add_user mail2.lan user2
	local host
	for host in "${hosts[@]}"; do
		eventually 20 knows "$host" "user1@$domain"
		eventually 20 knows "$host" "user2@$domain"
	done
}

# public_code HOST: what it says at RCPT to somebody who comes from a public address.
public_code() {
	on "$client" swaks --local-interface "$public" --server "$1" --helo mx.outside.example --from someone@outside.example \
		--to "user1@$domain" --quit-after RCPT --timeout 20 2>&1 |
		awk '/-> RCPT TO:/ { asked = 1; next } asked && /^<[-~*]+ / { $1 = ""; print; exit }'
}

teardown_file() {
	e2e_down
}

# scheme OPTION…: another scheme, without naming a domain again, rendered everywhere.
scheme() {
	on mail1.lan cl-setup "$@"
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
}

# settings HOST TEXT: its mailrepl.conf says who it is, and this.
settings() {
	on "$1" sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<<"host = \"$1\"; home = \"mail1.lan\"; $2"
}

public_is_taken() {
	[[ $(public_code "$1") == *" 250 "* ]]
}

# comes_in RECIPIENT-USER ITS-SERVER SUBJECT MX: from a mail server outside, which asks DNS for the way.
comes_in() {
	local number
	outside_send someone@outside.example "$1@$domain" "$3"
	await_message "$2" "$1" "$3"
	number=$(imap "$2" "$1" "INBOX?SUBJECT%20$3" | tr -dc 0-9)
	run -0 imap "$2" "$1" "INBOX;MAILINDEX=$number"
	[[ $output == *"from mx.outside.example"*"by $4 "* ]] || fail "$3 did not come by way of $4: $output"
}

# goes_out HOST SUBJECT: from the host itself to the world, by way of no other.
goes_out() {
	local other
	submit_locally "$1" someone@outside.example "$2" "user1@$domain"
	eventually 30 outside_got someone@outside.example "$2" "from $1 "
	for other in "${hosts[@]}"; do
		[ "$other" = "$1" ] || run ! outside_got someone@outside.example "$2" "by $other"
	done
}

# goes_across SUBJECT: from each server's user to the other's.
goes_across() {
	submit_locally mail1.lan "user2@$domain" "$1-to-2" "user1@$domain"
	submit_locally mail2.lan "user1@$domain" "$1-to-1" "user2@$domain"
	await_message mail2.lan user2 "$1-to-2"
	await_message mail1.lan user1 "$1-to-1"
}

nobody_is_refused() {
	local host
	for host in "${hosts[@]}"; do rcpt_code_is "$host" "nobody@$domain" 550; done
}

no_relay_for_strangers() {
	local host
	for host in "${hosts[@]}"; do
		[[ $(rcpt_code "$host" somebody@elsewhere.example) == 5* ]]
		[[ $(rcpt_code "$host" somebody@elsewhere.example "user1@$domain") == 5* ]]
	done
}

# bounced SUBJECT WORDS: what somebody outside has sent to nobody here comes back to him with these words.
bounced() {
	outside_send "sender-of-$1@outside.example" "nobody@$domain" "$1"
	eventually 30 outside_got "sender-of-$1@outside.example" 'Undelivered Mail Returned to Sender' "$2"
}

# check_dns STATUS WORDS…: cl-setup --check-dns on the home ends so and says all of that.
check_dns() {
	local words
	run -"$1" on mail1.lan cl-setup --check-dns
	shift
	for words; do [[ $output == *"$words"* ]] || fail "not \"$words\": $output"; done
}

@test "intranet: what is for outside is refused at once, and says why" {
	local host
	for host in "${servers[@]}"; do
		run on "$host" swaks --server 127.0.0.1 --from "user1@$domain" --to someone@outside.example --quit-after RCPT
		[[ $output == *"<** 550 5.7.1"*"Mail does not leave this intranet"* ]] || fail "$output"
	done
	no_relay_for_strangers
	[ -z "$(outside_mailbox someone@outside.example)" ]
}

@test "intranet: who comes from a public address is refused, unless it is one of the intranet's" {
	local host
	outside_public "$public" "${hosts[@]}"
	for host in "${hosts[@]}"; do
		[[ $(public_code "$host") == *"554 5.7.1"*"This intranet takes no mail from outside" ]]
	done
	settings relay.lan 'mail = { intranet = [ "203.0.113.0/24" ]; };'
	on relay.lan cl-rebuild
	eventually 20 public_is_taken relay.lan
	[[ $(public_code mail1.lan) == *554* ]]
}

@test "intranet: from server to server, and nobody is refused" {
	goes_across intranet
	nobody_is_refused
}

@test "intranet: DNS has nothing to say, and what it says is a note" {
	check_dns 0 "DNS says what the scheme intranet says."
	outside_dns "$domain" MX "10 mx.outside.example"
	check_dns 0 "mx.outside.example" "no mail comes to an intranet from outside"
	run -0 on mail1.lan cl-replication --status
	[[ $output == *"Scheme intranet"* ]]
	outside_dns "$domain" MX
}

@test "the scheme of a running domain is changed without naming the domain, and the missing MX record is told" {
	local host
	run -0 on mail1.lan cl-setup --dry-run --scheme server-mx --mx mail1.lan
	run -0 on mail1.lan cl-replication -l
	[[ $output == *"Scheme intranet"* ]]
	run -0 on mail1.lan cl-setup --scheme server-mx --mx mail1.lan
	[[ $output == *"$domain has no MX record"*"\"$domain. IN MX 10 mail1.lan.\""* ]] || fail "$output"
	[[ $output == *"mail2.lan"*"relay.lan"* ]]
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
	for host in "${hosts[@]}"; do eventually 20 public_is_taken "$host"; done
	run -0 on mail1.lan cl-replication -l
	[[ $output == *"Scheme server-mx: mail1.lan takes mail from outside."* ]]
	on relay.lan cl-replication -l --json | jq -e '.scheme == "server-mx" and .mx == ["mail1.lan"]'
	run -1 on mail1.lan cl-replication --status
	[[ $output == *"Scheme server-mx"*"has no MX record"* ]]
}

@test "what makes no sense is refused and changes nothing" {
	local before
	before=$(on mail1.lan cl-replication -l --json | jq -c '[.scheme, .mx, .generation]')
	run -64 on mail1.lan cl-setup --scheme intranet --mx mail1.lan
	run -64 on mail1.lan cl-setup --scheme nonsense --mx mail1.lan
	run -77 on mail2.lan cl-setup --scheme intranet
	[[ $output == *"mail1.lan"* ]]
	[ "$(on mail1.lan cl-replication -l --json | jq -c '[.scheme, .mx, .generation]')" = "$before" ]
	run -0 on mail1.lan cl-setup --scheme server-mx --mx mail1.lan
	[ "$(on mail1.lan cl-replication -l --json | jq -c '[.scheme, .mx, .generation]')" = "$before" ]
}

@test "a server is the MX: mail from outside comes in at it and reaches both" {
	outside_dns "$domain" MX "10 mail1.lan"
	check_dns 0 "$domain" "mail1.lan" "$(outside_address mail1.lan)" "DNS says what the scheme server-mx says."
	comes_in user1 mail1.lan server-mx-1 mail1.lan
	comes_in user2 mail2.lan server-mx-2 mail1.lan
	bounced server-mx-nobody 550
}

@test "a server is the MX: each server sends out itself, and to the other" {
	goes_out mail1.lan server-mx-out-1
	goes_out mail2.lan server-mx-out-2
	goes_across server-mx
	no_relay_for_strangers
	nobody_is_refused
}

@test "a server is the MX: what strangers bring to another host is not lost" {
	submit mail2.lan "user1@$domain" wrong-server
	submit relay.lan "user2@$domain" wrong-relay
	await_message mail1.lan user1 wrong-server
	await_message mail2.lan user2 wrong-relay
}

@test "a relay becomes the MX: DNS, which still names the server, is told apart" {
	run -0 on mail1.lan cl-setup --scheme relay-mx --mx relay.lan
	[[ $output == *"no MX record of $domain names relay.lan"* ]]
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
	check_dns 1 "names relay.lan, which takes mail from outside: add \"$domain. IN MX 10 relay.lan.\"" \
		"names mail1.lan, a mail server that does not take mail from outside"
	run -1 on relay.lan cl-setup --check-dns --json
	jq -e '[.findings[] | [.fault, .host, .wrong]] == [["missing", "relay.lan", true], ["extra", "mail1.lan", true]]' <<<"$output"
}

@test "a relay is the MX: mail from outside comes in at it and reaches both servers" {
	outside_dns "$domain" MX "10 relay.lan"
	check_dns 0 "DNS says what the scheme relay-mx says."
	comes_in user1 mail1.lan relay-mx-1 relay.lan
	comes_in user2 mail2.lan relay-mx-2 relay.lan
	bounced relay-mx-nobody 550
}

@test "a relay is the MX: servers send out past it, and to each other" {
	goes_out mail1.lan relay-mx-out-1
	goes_out mail2.lan relay-mx-out-2
	goes_across relay-mx
	no_relay_for_strangers
	nobody_is_refused
}

@test "what the world refuses comes back to who has sent it" {
	submit_locally mail2.lan refused@outside.example no-such-one "user1@$domain"
	eventually 30 has_messages mail1.lan user1 Undelivered 1
}

@test "two hosts are the MX: while one is down the world takes the other" {
	scheme --mx relay.lan,mail2.lan
	outside_dns "$domain" MX "10 relay.lan" "20 mail2.lan"
	check_dns 0 "DNS says what the scheme relay-mx says."
	on relay.lan postfix stop
	comes_in user1 mail1.lan second-mx mail2.lan
	on relay.lan postfix start
	run -0 on mail1.lan cl-replication -l
	[[ $output == *"Scheme relay-mx: "*"take mail from outside."* ]]
}

@test "an alias, a name without address and a foreign host are told, a backup that is known is not" {
	scheme --mx relay.lan
	outside_dns "mail.$domain" CNAME relay.lan
	outside_dns "$domain" MX "10 mail.$domain"
	check_dns 1 "mail.$domain, which is an alias (CNAME) of relay.lan"
	outside_dns "$domain" MX "10 relay.lan" "20 nowhere.outside.example"
	check_dns 1 "nowhere.outside.example, which has no address" "no host of this mail domain"
	outside_dns "$domain" MX "10 relay.lan" "20 mx.outside.example"
	check_dns 1 "mx.outside.example, which is no host of this mail domain"
	settings mail1.lan 'backup_mx = { backups = [ "mx.outside.example" ]; };'
	check_dns 0 "DNS says what the scheme relay-mx says."
}

@test "that DNS cannot tell is said and is no error" {
	outside_dns_fails "$domain"
	check_dns 0 "the MX records of $domain could not be asked for"
	run -0 on mail1.lan cl-replication --status
	outside_dns_fails
	check_dns 0 "DNS says what the scheme relay-mx says."
	outside_dns_silent
	check_dns 0 "the MX records of $domain could not be asked for"
	outside_dns_speaks
	settings relay.lan 'mail = { dns = false; };'
	run -78 on relay.lan cl-setup --check-dns
	[[ $output == *"mail.dns"* ]]
}
