#!/usr/bin/env bats
# Sending from anywhere: who logs in writes to anybody, in his own name; who does not log in gets nothing more than before.

load e2e

hosts=(mail1.lan mail2.lan relay.lan)
servers=(mail1.lan mail2.lan)

setup_file() {
	e2e_domain
	collect_outside
	without_penalty mail1.lan
	without_penalty mail2.lan
	add_user mail1.lan user1 -e "first.user@$domain"
	add_user mail2.lan user2
	add_user mail1.lan locked
	local host user
	for host in "${hosts[@]}"; do
		for user in user1 user2 locked; do eventually 20 knows "$host" "$user@$domain"; done
	done
}

# without_penalty HOST: Dovecot makes an address from where many logins fail wait for many seconds, Postfix one from where many
# come; here all come from one.
without_penalty() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'folder=/etc/mailrepl/templates/dovecot && mkdir -p $folder &&
		cp /usr/share/mailrepl/templates/dovecot/dovecot.conf $folder/ &&
		printf "%s\n" "auth_failure_delay = 0" "service anvil {" "  unix_listener anvil-auth-penalty {" "    mode = 0" "  }" "}" \
			>>$folder/dovecot.conf' >&2
	on "$1" sh -c 'mkdir -p /etc/mailrepl/own/postfix &&
		echo "smtpd_client_auth_rate_limit = 0" >/etc/mailrepl/own/postfix/main.cf'
	on "$1" cl-rebuild >&2
	on "$1" doveadm stop
	on "$1" dovecot
}

teardown_file() {
	e2e_down
}

# session HOST ARGUMENT…: a mail program on the client host; prints the first refusal's code, or 250.
session() {
	local host=$1
	shift
	session_from "$client" --server "$host" "$@"
}

# session_from HOST ARGUMENT…: the same from another host.
session_from() {
	local from=$1 said
	shift
	said=$(on "$from" swaks --helo "$from" --timeout 20 "$@" 2>&1) || true
	awk '/^<[-~]?\*+ +[0-9]/ { code = $2; exit } /^\*\*\* (Error connecting|Host did not advertise auth)/ { code = "none"; exit }
		/^<[-~] +250 2.0.0 Ok: queued/ { code = 250 }
		/-> +RCPT TO/ { asked = 1 } asked && /^<[-~] +250/ && !code { code = 250 }
		END { print code ? code : "none" }' <<<"$said"
}

# send HOST PORT LOGIN FROM TO [SUBJECT [PASSWORD]]: the whole of it; the code.
send() {
	local tls=--tls
	[ "$2" != 465 ] || tls=--tlsc
	session "$1" --port "$2" "$tls" --auth PLAIN --auth-user "$3" --auth-password "${7:-$password}" --from "$4" --to "$5" \
		--h-Subject "${6:-probe}" --body "${6:-probe}"
}

# sends CODE HOST PORT LOGIN …
sends() {
	local want=$1 code
	shift
	code=$(send "$@")
	[ "$code" = "$want" ] || fail "$* is answered with $code, not $want"
}

# alter HOST USER LINE…: changes the account with that uid in what the host owns.
alter() {
	local host=$1 user=$2
	shift 2
	printf '%s\n' "dn: uid=$user,cn=$host,ou=Unix,ou=Owned,dc=mailrepl" 'changetype: modify' "$@" |
		as_root "$host" ldapmodify >&2
}

login_code_is() {
	[ "$(send "$1" 587 "$2" "$2@$domain" "user2@$domain")" = "$3" ]
}

imap_says() {
	on "$1" curl -sSv --max-time 20 --cacert /etc/mailrepl/tls/ca.crt -u "$2:$password" "imaps://$1/" 2>&1
}

@test "on any mail server, by either port, a user of any host sends to a user of any host" {
	local host port
	for host in "${servers[@]}"; do
		for port in 587 465; do
			sends 250 "$host" "$port" user1 "user1@$domain" "user2@$domain" "1-to-2-$host-$port"
			sends 250 "$host" "$port" user2 "user2@$domain" "user1@$domain" "2-to-1-$host-$port"
		done
	done
	for host in "${servers[@]}"; do
		for port in 587 465; do
			await_message mail2.lan user2 "1-to-2-$host-$port"
			await_message mail1.lan user1 "2-to-1-$host-$port"
		done
	done
}

@test "the login may be any address of the mailbox, the sender too, with an extension or in capitals" {
	sends 250 mail2.lan 587 "first.user@$domain" "first.user@$domain" "user2@$domain"
	sends 250 mail1.lan 587 "user1@$domain" "first.user+shop@$domain" "user2@$domain"
	sends 250 mail2.lan 465 USER1 "User1@MailDomain.org" "user2@$domain"
	sends 250 mail2.lan 465 user1 "<>" "user2@$domain"
}

@test "a wrong password, an empty one and an unknown user are refused everywhere" {
	local host
	for host in "${servers[@]}"; do
		sends 535 "$host" 587 user1 "user1@$domain" "user2@$domain" probe wrong
		sends 535 "$host" 587 nobody "user1@$domain" "user2@$domain"
		sends 535 "$host" 465 user2 "user2@$domain" "user2@$domain" probe '<>'
		run -0 send "$host" 587 '*' "user1@$domain" "user2@$domain"
		[[ $output == [45]* ]]
	done
}

@test "nobody writes in another's name, nor in nobody's" {
	local host from
	as_root mail1.lan ldapmodify >&2 <<LDIF
dn: uid=user1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
changetype: modify
add: mailLocalAddress
mailLocalAddress: @$domain
LDIF
	for host in "${servers[@]}"; do
		for from in "user2@$domain" "postmaster@$domain" "unheard.of@$domain" someone@elsewhere.test \
			user2@mail2.lan user1; do
			run -0 send "$host" 587 user1 "$from" "user2@$domain"
			[[ $output == 55[34] || $output == 504 ]] || fail "$host answers $output to user1 as $from"
		done
	done
	as_root mail1.lan ldapmodify >&2 <<LDIF
dn: uid=user1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
changetype: modify
delete: mailLocalAddress
mailLocalAddress: @$domain
LDIF
}

@test "a sender whose address two hosts claim is told to try again, and so is everybody while the directory is away" {
	as_root mail2.lan ldapmodify >&2 <<LDIF
dn: uid=user2,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl
changetype: modify
add: mailLocalAddress
mailLocalAddress: first.user@$domain
LDIF
	eventually 20 sender_is_deferred first.user
	as_root mail2.lan ldapmodify >&2 <<LDIF
dn: uid=user2,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl
changetype: modify
delete: mailLocalAddress
mailLocalAddress: first.user@$domain
LDIF
	slapd_do mail2.lan stop
	# Postfix takes Dovecot's "not now" for a "no" (535) until the gate has closed.
	eventually 30 login_is_deferred
	slapd_do mail2.lan start
	await_gates mail1.lan mail2.lan
	eventually 30 login_code_is mail2.lan user2 250
}

login_is_deferred() {
	local code
	code=$(send mail2.lan 587 user2 "user2@$domain" "user2@$domain")
	[[ $code == 4* ]]
}

sender_is_deferred() {
	local code
	code=$(send mail1.lan 587 user1 "$1@$domain" "user2@$domain")
	[[ $code == 45* ]]
}

@test "an unknown recipient is refused at RCPT, and nothing leaves an intranet" {
	local host said
	for host in "${servers[@]}"; do
		sends 550 "$host" 587 user1 "user1@$domain" "nobody@$domain"
		sends 550 "$host" 587 user2 "user2@$domain" nobody@mail1.lan
		sends 550 "$host" 465 user1 "user1@$domain" someone@outside.test
		said=$(on "$client" swaks --server "$host" --port 587 --tls --auth PLAIN --auth-user user1 \
			--auth-password "$password" --from "user1@$domain" --to someone@outside.test 2>&1) || true
		[[ $said == *"Mail does not leave this intranet"* ]]
	done
}

@test "a locked account logs in nowhere, and who knows its password is told so" {
	local host
	alter mail1.lan locked 'add: objectClass' 'objectClass: mailReplRecipient' - \
		'add: mailReplLocked' 'mailReplLocked: TRUE'
	eventually 20 login_code_is mail2.lan locked 535
	for host in "${servers[@]}"; do
		run imap_says "$host" locked
		[ "$status" -ne 0 ]
		[[ $output == *"This account is locked"* ]] || fail "$host: $output"
		run ! pop3 "$host" locked ""
		sends 535 "$host" 587 locked "locked@$domain" "user2@$domain"
		password=wrong run imap_says "$host" locked
		[[ $output != *"is locked"* ]]
	done
	alter mail1.lan locked 'delete: mailReplLocked'
	for host in "${servers[@]}"; do
		eventually 20 login_code_is "$host" locked 250
		imap "$host" locked "" >&2
	done
}

@test "while the owner is away its users send through the other mail server" {
	lab cut mail1.lan
	sends 250 mail2.lan 587 user1 "user1@$domain" "user2@$domain" owner-away
	lab heal mail1.lan
	await_message mail2.lan user2 owner-away
}

@test "port 25 offers no login, with TLS or without, and a relay has no submission" {
	local host port
	for host in "${hosts[@]}"; do
		for tls in --tls ''; do
			run on "$client" swaks --server "$host" --helo "$client" $tls --quit-after EHLO --timeout 20
			[ "$status" -eq 0 ]
			[[ $output != *AUTH* ]] || fail "$host offers AUTH on port 25 ($tls)"
		done
		run -0 session "$host" --tls --auth PLAIN --auth-user user1 --auth-password "$password" \
			--from "user1@$domain" --to "user2@$domain"
		[ "$output" = none ]
	done
	for port in 587 465; do
		run -0 session relay.lan --port "$port" --from "user1@$domain" --to "user2@$domain"
		[ "$output" = none ]
	done
}

@test "without TLS nobody logs in" {
	local host
	for host in "${servers[@]}"; do
		run on "$client" swaks --server "$host" --helo "$client" --port 587 --quit-after EHLO --timeout 20
		[[ $output == *STARTTLS* && $output != *AUTH* ]]
		run -0 session "$host" --port 587 --from "user1@$domain" --to "user2@$domain"
		[ "$output" = 530 ]
	done
}

# probe FROM-HOST SERVER PORT SENDER RECIPIENT [ARGUMENT…]: refused, or nobody there.
probe() {
	local from=$1 server=$2 port=$3 sender=$4 recipient=$5 code
	shift 5
	code=$(session_from "$from" --server "$server" --port "$port" --from "$sender" --to "$recipient" --quit-after RCPT "$@")
	[[ $code == 5* || $code == none ]] || fail "$from -> $server:$port <$sender> -> <$recipient>: $code"
}

@test "no port of any host is open to who has not logged in: a stranger, another host, the host itself" {
	local host port recipient cert=(--tls-cert /etc/mailrepl/tls/host.crt --tls-key /etc/mailrepl/tls/host.key)
	for host in "${hosts[@]}"; do
		for port in 25 10025; do
			probe "$client" "$host" "$port" "user1@$domain" someone@elsewhere.test
			probe relay.lan "$host" "$port" "user1@$domain" someone@elsewhere.test --tls-optional "${cert[@]}"
		done
		probe "$client" "$host" 10025 "user1@$domain" "user2@$domain"
		probe "$host" 127.0.0.1 10025 "user1@$domain" someone@elsewhere.test
		for recipient in someone@elsewhere.test "user2@$domain"; do
			probe "$client" "$host" 587 "user1@$domain" "$recipient" --tls
			probe "$client" "$host" 465 "user1@$domain" "$recipient" --tlsc
			probe "$host" 127.0.0.1 587 "user1@$domain" "$recipient" --tls
		done
		probe relay.lan "$host" 587 "user1@$domain" "user2@$domain" --tls "${cert[@]}"
		probe relay.lan "$host" 465 "user1@$domain" user2@mail2.lan --tlsc "${cert[@]}"
	done
}

@test "where mail may leave, who has logged in writes to the world, and nobody else does" {
	local host
	on mail1.lan cl-setup --scheme server-mx --mx mail1.lan mail "$domain" >&2
	on mail2.lan cl-rebuild >&2
	for host in "${servers[@]}"; do
		sends 250 "$host" 587 user1 "user1@$domain" someone@outside.test "out-of-$host"
		sends 553 "$host" 587 user1 "user2@$domain" someone@outside.test
		sends 550 "$host" 587 user1 "user1@$domain" "nobody@$domain"
		probe "$client" "$host" 587 "user1@$domain" someone@outside.test --tls
		probe "$client" "$host" 465 "user1@$domain" someone@outside.test --tlsc
		probe "$client" "$host" 25 "user1@$domain" someone@outside.test
		probe relay.lan "$host" 25 "user1@$domain" someone@outside.test --tls \
			--tls-cert /etc/mailrepl/tls/host.crt --tls-key /etc/mailrepl/tls/host.key
	done
	for host in "${servers[@]}"; do eventually 30 outside_has "out-of-$host"; done
}

@test "what a user is and may is asked at every login" {
	local host
	for host in "${servers[@]}"; do
		[ "$(on "$host" doveconf -h auth_cache_size)" = 0 ]
	done
}
