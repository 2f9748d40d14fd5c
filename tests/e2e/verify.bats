#!/usr/bin/env bats
# Copies that somebody or something has altered are named exactly, and made equal to their owners again.

load e2e

config=/var/lib/mailrepl/slapd/slapd.d

setup_file() {
	local user host
	e2e_domain
	# It would mend what is to be seen here: mend.bats.
	for host in mail1.lan mail2.lan relay.lan; do
		on "$host" /usr/lib/mailrepl/mailrepl-watch stop
	done
	for user in anna bert carl; do
		add_user mail1.lan "$user"
	done
	add_user mail2.lan dora
	eventually 20 verifies mail1.lan 0
}

teardown_file() {
	e2e_down
}

# verifies HOST STATUS: --verify there ends with that status; what it printed is in $output.
verifies() {
	run on "$1" cl-replication --verify
	[ "$status" -eq "$2" ]
}

# repairs HOST MEANS: everything is equal afterwards, by these means and no other.
repairs() {
	local means
	run --separate-stderr on "$1" cl-replication --repair --json
	# shellcheck disable=SC2154 # run sets it
	echo "$output" "$stderr"
	[ "$status" -eq 0 ] || fail "--repair on $1 ended with $status"
	means=$(sed -n 's/.*"means": "\(.*\)".*/\1/p' <<<"$output" | sort -u | paste -sd,)
	[ "$means" = "$2" ] || fail "repaired by $means, not by $2"
	eventually 10 verifies mail1.lan 0
}

# alter HOST SUFFIX: changes the database behind slapd's back as standard input says (LDIF).
alter() {
	local changes
	changes=$(cat)
	slapd_do "$1" stop
	on "$1" slapmodify -q -F "$config" -b "$2" <<<"$changes"
	on "$1" chown -R openldap:openldap /var/lib/mailrepl/db
	slapd_do "$1" start
}

# owned_exactly: all that is owned anywhere, with CSNs.
owned_exactly() {
	local host
	for host in mail1.lan mail2.lan; do
		on "$host" sh -c 'for base in Mail Unix; do
			slapcat -F "$1" -o ldif-wrap=no -b "cn=$2,ou=$base,ou=Owned,dc=mailrepl" 2>/dev/null
		done' sh "$config" "$host"
	done
}

# named WORDS: a line that says just that.
named() {
	grep -qxF -- "$1" <<<"$output" || fail "no such line: $1" || return 1
}

@test "copies that are equal are said to be so, on every host, and nothing is repaired" {
	local host
	for host in mail1.lan mail2.lan relay.lan; do
		run on "$host" cl-replication --verify
		[ "$status" -eq 0 ]
		run ! grep -E 'DIFFERS|behind|unknown|missing|surplus|changed' <<<"$output"
		run on "$host" cl-replication --repair
		[ "$status" -eq 0 ]
		named "nothing to do"
	done
	# A relay may not see accounts, not even to compare them.
	run on relay.lan cl-replication --verify
	run ! grep '^unix' <<<"$output"
}

@test "an entry that was altered behind slapd's back is named with its attributes, no value is shown, and repaired" {
	owned_exactly >"$BATS_TEST_TMPDIR/before"
	alter relay.lan ou=Mail,dc=mailrepl <<-END
		dn: uid=anna,cn=mail1.lan,ou=Mail,dc=mailrepl
		changetype: modify
		replace: mailRoutingAddress
		mailRoutingAddress: anna@evil.test
	END
	verifies mail1.lan 2
	grep -q '^relay.lan: changed uid=anna,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl (.*mailRoutingAddress)$' <<<"$output"
	[ "$(grep -Ec ': (missing|surplus|changed) ' <<<"$output")" -eq 1 ]
	run ! grep evil <<<"$output"
	# Another host does not repair it, and a dry run changes nothing.
	run on mail2.lan cl-replication --repair
	[ "$status" -eq 0 ]
	run on relay.lan cl-replication --repair --dry-run
	[ "$status" -eq 2 ]
	verifies mail1.lan 2
	repairs relay.lan refill
	owned_exactly | diff "$BATS_TEST_TMPDIR/before" -
}

@test "an entry that is missing and one that is surplus are named and repaired, in both services" {
	owned_exactly >"$BATS_TEST_TMPDIR/before"
	alter mail2.lan ou=Mail,dc=mailrepl <<-END
		dn: uid=bert,cn=mail1.lan,ou=Mail,dc=mailrepl
		changetype: delete

		dn: uid=ghost,cn=mail2.lan,ou=Mail,dc=mailrepl
		changetype: add
		objectClass: account
		objectClass: inetLocalMailRecipient
		uid: ghost
		mailHost: mail2.lan
		mailLocalAddress: ghost@$domain
	END
	alter mail2.lan ou=Unix,dc=mailrepl <<-END
		dn: uid=carl,cn=mail1.lan,ou=Unix,dc=mailrepl
		changetype: delete
	END
	verifies relay.lan 2
	verifies mail1.lan 2
	named "mail2.lan: missing uid=bert,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
	named "mail2.lan: surplus uid=ghost,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl"
	named "mail2.lan: missing uid=carl,cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl"
	[ "$(grep -Ec ': (missing|surplus|changed) ' <<<"$output")" -eq 3 ]
	repairs mail2.lan refill
	owned_exactly | diff "$BATS_TEST_TMPDIR/before" -
}

@test "a container that belongs to no host is found and removed" {
	alter relay.lan ou=Mail,dc=mailrepl <<-END
		dn: cn=evil.lan,ou=Mail,dc=mailrepl
		changetype: add
		objectClass: mailReplContainer
		cn: evil.lan
	END
	verifies mail1.lan 2
	named "relay.lan: surplus cn=evil.lan,ou=Mail,dc=mailrepl"
	repairs relay.lan refill
}

@test "a copy that was emptied and says that it has everything is filled again, the topology from the home" {
	local host
	owned_exactly >"$BATS_TEST_TMPDIR/before"
	for host in mail1.lan relay.lan; do
		slapd_do "$host" stop
		on "$host" sh -c 'slapcat -F "$1" -o ldif-wrap=no -b ou=Mail,dc=mailrepl |
			awk "BEGIN { RS = \"\" } /^dn: ou=Mail,/" >/root/base.ldif &&
			rm /var/lib/mailrepl/db/mail/* && slapadd -F "$1" -b ou=Mail,dc=mailrepl -l /root/base.ldif &&
			chown openldap:openldap /var/lib/mailrepl/db/mail/*' sh "$config"
		on "$host" grep -q ^contextCSN: /root/base.ldif
		slapd_do "$host" start
		verifies "$host" 2
		named "$host: missing uid=anna,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
		repairs "$host" refill
		eventually 10 knows "$host" "anna@$domain"
	done
	owned_exactly | diff "$BATS_TEST_TMPDIR/before" -
}

@test "a copy whose files are gone fills itself" {
	slapd_do mail2.lan stop
	on mail2.lan sh -c 'rm /var/lib/mailrepl/db/unix/* /var/lib/mailrepl/db/mail/*'
	slapd_do mail2.lan start
	eventually 20 verifies mail2.lan 0
}

@test "a consumer that sleeps is behind, status 1, and is woken by a restart of slapd" {
	slapd_do relay.lan stop
	on relay.lan sh -c 'mv "$1" "$1.keep" && mkdir "$1" &&
		sed "s,ldap://mail1.lan:3890,ldap://mail1.lan:9," /var/lib/mailrepl/slapd/config.ldif |
		slapadd -n0 -F "$1" && chown -R openldap:openldap "$1"' sh "$config"
	slapd_do relay.lan start
	on relay.lan sh -c 'rm -r "$1" && mv "$1.keep" "$1"' sh "$config"
	add_user mail1.lan emma
	verifies mail1.lan 1
	grep -q '^mail  *mail1.lan .*relay.lan .*behind$' <<<"$output"
	run on mail1.lan cl-replication --verify -v
	named "relay.lan: missing uid=emma,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
	repairs relay.lan restart
}

@test "a copy that cannot even be read is filled again from all owners" {
	alter relay.lan ou=Mail,dc=mailrepl <<-END
		dn: uid=anna,cn=mail1.lan,ou=Mail,dc=mailrepl
		changetype: delete
	END
	on relay.lan sh -c 'printf "#!/bin/sh\nexit 1\n" >/usr/local/sbin/slapcat && chmod +x /usr/local/sbin/slapcat'
	repairs relay.lan wipe
	on relay.lan rm /usr/local/sbin/slapcat
}

@test "a host that does not answer is unknown, status 2, and the others are compared all the same" {
	slapd_do mail2.lan stop
	verifies mail1.lan 2
	slapd_do mail2.lan start
	grep -q '^mail  *mail2.lan .*relay.lan .*unknown: ' <<<"$output"
	grep -q '^mail  *mail1.lan .*relay.lan .*equal$' <<<"$output"
	eventually 20 verifies mail1.lan 0
}

@test "--verify --json says the same to programs" {
	on mail1.lan cl-replication --verify --json >"$BATS_TEST_TMPDIR/json"
	grep -q '^  "state": "equal",' "$BATS_TEST_TMPDIR/json"
	[ "$(grep -c '"state": "equal"' "$BATS_TEST_TMPDIR/json")" -eq 11 ]
	run on mail1.lan cl-replication --verify --repair
	[ "$status" -eq 64 ]
}
