#!/usr/bin/env bats
# cl-route says what Postfix does: for each kind of address its answer is compared with Postfix' own, on each host.

load e2e

setup_file() {
	e2e_domain
	add_user mail1.lan user1
	add_user mail2.lan user2
	as_root mail1.lan ldapadd <<-END
		dn: cn=sales,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
		objectClass: nisMailAlias
		objectClass: inetLocalMailRecipient
		cn: sales
		mailLocalAddress: sales@$domain
		mailHost: mail1.lan
		mailRoutingAddress: sales@mail1.lan
		rfc822MailMember: user1@mail1.lan
		rfc822MailMember: user2@mail2.lan

		dn: uid=moved,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
		objectClass: account
		objectClass: mailReplRecipient
		uid: moved
		mailReplFormerAddress: moved@$domain
		mailReplFormerAddress: moved@mail1.lan
		mailReplForward: user2@mail2.lan

		dn: uid=left,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
		objectClass: account
		objectClass: inetLocalMailRecipient
		objectClass: mailReplRecipient
		uid: left
		mailLocalAddress: left@$domain
		mailReplAccess: gone
	END
	local host
	for host in mail1.lan mail2.lan relay.lan; do
		eventually 60 knows "$host" "user2@$domain"
		eventually 60 knows "$host" "sales@$domain"
		eventually 60 knows "$host" "moved@$domain"
	done
}

teardown_file() {
	e2e_down
}

# route HOST ADDRESS WORDS [OPTION]…: its first line begins with the address and says that; Postfix agrees.
says() {
	local host=$1 address=$2 words=$3
	shift 3
	run on "$host" cl-route "$@" "$address"
	[[ ${lines[0]} == "$address: $words"* ]] || fail "$host: $output"
	[[ $output != *DISAGREES* && $output != *DIFFERS* ]] || fail "$host: $output"
}

@test "each host knows the way, and its Postfix agrees" {
	local host
	for host in mail1.lan mail2.lan relay.lan; do
		says "$host" "user1@$domain" deliverable
		[ "$status" -eq 0 ]
		[[ $output == *"Postfix here agrees: user1@mail1.lan"* ]]
		says "$host" "user2+detail@$domain" deliverable
		[[ $output == *"Postfix here agrees: user2@mail2.lan"* ]]
		says "$host" "nobody@$domain" "refused: nobody@$domain is unknown"
		[ "$status" -eq 67 ]
		[[ $output == *"Postfix here agrees: not found"* ]]
		says "$host" "moved@$domain" deliverable
		[[ $output == *"Postfix here agrees: user2@mail2.lan"* ]]
		says "$host" "sales@$domain" deliverable
		[[ $output == *"user1@mail1.lan, a mailbox"*"user2@mail2.lan, a mailbox"* ]]
		says "$host" "postmaster@$domain" deliverable
		[[ $output == *"Postfix here agrees: root@localhost"* ]]
		says "$host" "left@$domain" "refused: no longer here"
		[ "$status" -eq 67 ]
		says "$host" someone@outside.test "refused: outside.test is outside"
	done
}

@test "the nexthop is the one that the message takes" {
	says mail1.lan "user1@$domain" deliverable
	[[ $output == *"nexthop    lmtp"* ]]
	says relay.lan "user1@$domain" deliverable
	[[ $output == *"nexthop    relay:[mail1.lan]"* ]]
	submit relay.lan "sales@$domain" to-sales
	await_message mail1.lan user1 to-sales
	await_message mail2.lan user2 to-sales
	submit mail2.lan "moved@$domain" to-moved
	await_message mail2.lan user2 to-moved
	submit_locally mail1.lan moved@mail1.lan to-moved-real
	await_message mail2.lan user2 to-moved-real
}

@test "what cl-route says is refused is refused at RCPT" {
	local host
	for host in mail1.lan mail2.lan relay.lan; do
		rcpt_code_is "$host" "left@$domain" 550
		rcpt_code_is "$host" "nobody@$domain" 550
	done
	run on "$client" swaks --server relay.lan --helo "$client" --to "left@$domain" --from x@outside.test --quit-after RCPT
	[[ $output == *"550 5.1.6 "*"Recipient address rejected: This address is no longer here"* ]]
}

@test "a catch-all gets what nobody has, and Postfix agrees" {
	as_root mail2.lan ldapmodify <<-END
		dn: uid=user2,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl
		add: mailLocalAddress
		mailLocalAddress: @$domain
	END
	eventually 60 knows relay.lan "anybody@$domain"
	says relay.lan "anybody+x@$domain" deliverable
	[[ $output == *"catch-all"*"Postfix here agrees: user2@mail2.lan"* ]]
	says relay.lan "left@$domain" "refused: no longer here"
	as_root mail2.lan ldapmodify <<-END
		dn: uid=user2,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl
		delete: mailLocalAddress
		mailLocalAddress: @$domain
	END
	eventually 60 on relay.lan sh -c "! cl-route anybody@$domain"
}

@test "every host is asked with -a, and a host that does not answer is named" {
	says mail2.lan "user1@$domain" deliverable -a
	[[ $output == *"mail1.lan: agrees"*"relay.lan: agrees"* ]]
	run -0 on relay.lan cl-route -a --json "user1@$domain"
	[ "$(jq -r '.addresses[0].hosts | map(.agrees) | all' <<<"$output")" = true ]
	[ "$(jq -r '.addresses[0].targets[0].nexthop' <<<"$output")" = "relay:[mail1.lan]" ]
	lab cut relay.lan
	run -0 on mail1.lan cl-route -a "user1@$domain"
	lab heal relay.lan
	[[ $output == *"relay.lan: no answer"* ]]
}

@test "of several addresses every host says what becomes of each" {
	run -67 on relay.lan cl-route -a --json "user1@$domain" "a b@$domain" "user2@$domain"
	[ "$(jq -c '[.addresses[] | .address | sub("@.*"; "")]' <<<"$output")" = '["user1","a b","user2"]' ]
	[ "$(jq -c '[.addresses[].hosts[] | .fate]' <<<"$output")" = \
		'["deliverable","deliverable","refused","refused","deliverable","deliverable"]' ]
	[ "$(jq -c '[.addresses[].hosts[] | .agrees] | all' <<<"$output")" = true ]
	[ "$(jq -c '[.addresses[].hosts[0].targets[0].owner]' <<<"$output")" = '["mail1.lan",null,"mail2.lan"]' ]
}

@test "an address that two hosts claim is deferred, on every host" {
	as_root mail1.lan ldapmodify <<-END
		dn: uid=user1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
		add: mailLocalAddress
		mailLocalAddress: user2@$domain
	END
	eventually 60 on relay.lan sh -c "cl-route user2@$domain | grep -q 'claimed 2 times'"
	run -75 on relay.lan cl-route -a "user2@$domain"
	[[ $output == *"cl-replication --settle"* ]]
	[[ $output != *DISAGREES* ]]
	rcpt_code_is relay.lan "user2@$domain" 451
}

@test "a copy that is not what the others have differs" {
	slapd_do relay.lan stop
	# shellcheck disable=SC2016 # for that shell to expand
	on relay.lan sh -c 'printf "%s\n" "dn: uid=user1,cn=mail1.lan,ou=Mail,dc=mailrepl" "changetype: modify" \
		"replace: mailRoutingAddress" "mailRoutingAddress: user1@mail2.lan" |
		slapmodify -F /var/lib/mailrepl/slapd/slapd.d -b ou=Mail,dc=mailrepl &&
		chown -R openldap: /var/lib/mailrepl/db'
	slapd_do relay.lan start
	run -76 on mail2.lan cl-route -a "user1@$domain"
	[[ $output == *"relay.lan: DIFFERS"* ]]
}

@test "wrong use is told apart, and a silent directory is no answer" {
	run -64 on mail1.lan cl-route
	[[ $output == *"an address is needed"* ]]
	run -67 on mail1.lan cl-route 'a b@maildomain.org'
	slapd_do mail1.lan stop
	run -69 on mail1.lan cl-route "user1@$domain"
	slapd_do mail1.lan start
}
