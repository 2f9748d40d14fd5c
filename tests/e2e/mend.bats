#!/usr/bin/env bats
# Copies that differ although everybody says that they are up to date: each host finds and mends its own, without help.

load e2e

config=/var/lib/mailrepl/slapd/slapd.d
hosts=(mail1.lan mail2.lan relay.lan)

setup_file() {
	local user
	e2e_domain
	for user in anna bert carl; do
		add_user mail1.lan "$user"
	done
	eventually 20 verifies mail1.lan 0
	spoil
}

# Both at once, since what they lead to takes its time.
spoil() {
	local host before
	before=$(csns relay.lan)
	alter relay.lan ou=Mail,dc=mailrepl <<-END
		dn: uid=ghost,cn=mail2.lan,ou=Mail,dc=mailrepl
		changetype: add
		objectClass: account
		objectClass: inetLocalMailRecipient
		uid: ghost
		mailLocalAddress: ghost@$domain
	END
	alter mail1.lan cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl <<-END
		dn: uid=bert,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
		changetype: delete
	END
	owned_exactly mail1.lan >"$BATS_FILE_TMPDIR/owned"
	slapd_do mail1.lan start
	slapd_do relay.lan start
	holds relay.lan cn=mail2.lan,ou=Mail,dc=mailrepl ghost
	for host in "${hosts[@]}"; do
		holds "$host" cn=mail1.lan,ou=Mail,dc=mailrepl bert
	done
	[ "$(csns relay.lan)" = "$before" ]
}

teardown_file() {
	e2e_down
}

# verifies HOST STATUS [OPTION OR OWNER]…
verifies() {
	run on "$1" cl-replication --verify "${@:3}"
	[ "$status" -eq "$2" ]
}

# alter HOST SUFFIX: changes the database behind slapd's back as standard input says (LDIF); no contextCSN tells of it.
alter() {
	local changes
	changes=$(cat)
	slapd_do "$1" stop
	on "$1" slapmodify -q -F "$config" -b "$2" <<<"$changes"
	on "$1" chown -R openldap:openldap /var/lib/mailrepl/db
}

# holds HOST BASE USER
holds() {
	as_root "$1" ldapsearch -LLL -s base -b "uid=$3,$2" 1.1 2>/dev/null | grep -q '^dn:'
}

lacks() {
	local answer
	answer=$(as_root "$1" ldapsearch -LLL -s base -b "uid=$3,$2" 1.1 2>&1)
	[[ $answer == *"No such object"* ]]
}

# csns HOST: the contextCSNs of its copy of mail.
csns() {
	as_root "$1" ldapsearch -LLL -s base -b ou=Mail,dc=mailrepl contextCSN | sort
}

# owned_exactly HOST: with CSNs.
owned_exactly() {
	on "$1" slapcat -F "$config" -o ldif-wrap=no -b "cn=$1,ou=Mail,ou=Owned,dc=mailrepl" 2>/dev/null
}

says() {
	on "$1" grep -q "mailrepl-watch.*$2" /var/log/syslog
}

# times HOST WORDS: how many lines of the watch have them.
times() {
	on "$1" sh -c 'grep -c "mailrepl-watch.*$1" /var/log/syslog; :' sh "$2"
}

@test "an entry that a copy has kept too long goes when its slapd is started, and nobody else's is touched" {
	local copy=cn=mail2.lan,ou=Mail,dc=mailrepl
	eventually 90 lacks relay.lan "$copy" ghost
	eventually 30 says relay.lan "the copy of what mail2.lan owns is equal to it again"
	says relay.lan "surplus uid=ghost,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl"
	# Once; again only after an attempt that failed, and says so.
	[ "$(times relay.lan "what mail2.lan owns still differs")" -eq \
		"$(($(times relay.lan "what mail2.lan owns could not be repaired") + 1))" ]
	[ "$(times mail2.lan "what mail2.lan owns still differs")" -eq 0 ]
}

@test "an entry that its owner has lost without a word leaves all copies, the owner's too" {
	local host copy=cn=mail1.lan,ou=Mail,dc=mailrepl
	for host in "${hosts[@]}"; do
		eventually 90 lacks "$host" "$copy" bert
		eventually 20 holds "$host" "$copy" anna
	done
	eventually 60 verifies mail1.lan 0
	owned_exactly mail1.lan | diff "$BATS_FILE_TMPDIR/owned" -
}

@test "what was altered without any restart is found from time to time" {
	local copy=cn=mail2.lan,ou=Mail,dc=mailrepl
	on mail1.lan slapmodify -q -F "$config" -b ou=Mail,dc=mailrepl <<-END
		dn: uid=spook,$copy
		changetype: add
		objectClass: account
		uid: spook
	END
	holds mail1.lan "$copy" spook
	on mail1.lan sh -c 'printf "host = \"mail1.lan\";\nhome = \"mail1.lan\";\nmail: { dns = false; };\nwatch: { verify = 1; };\n" \
		>/etc/mailrepl/mailrepl.conf'
	eventually 90 lacks mail1.lan "$copy" spook
	eventually 60 verifies mail1.lan 0
}

@test "a copy whose files are gone fills itself, says how far it is, and unknown recipients are refused again" {
	slapd_do relay.lan stop
	on relay.lan sh -c 'rm /var/lib/mailrepl/db/mail/*'
	slapd_do relay.lan start
	eventually 60 verifies relay.lan 0 --here
	csns relay.lan | grep -q '^contextCSN: .*#001#'
	await_gates relay.lan
	rcpt_code_is relay.lan "nobody@$domain" 550
	rcpt_code_is relay.lan "anna@$domain" 250
}

@test "one owner's copies, or this host's, can be compared alone" {
	verifies mail1.lan 0 --here
	[ "$(grep -c '^mail ' <<<"$output")" -eq 2 ]
	run ! grep relay.lan <<<"$output"
	verifies mail1.lan 0 mail2.lan
	[ "$(grep -c '^mail  *mail2.lan' <<<"$output")" -eq 3 ]
	run ! grep '^[a-z]*  *mail1.lan' <<<"$output"
	verifies relay.lan 0 --here mail2.lan
	[ "$(grep -c '^mail ' <<<"$output")" -eq 1 ]
	run -68 on mail1.lan cl-replication --verify relay.lan
	run -68 on mail1.lan cl-replication --repair mail9.lan
	run -64 on mail1.lan cl-replication --repair --here
	run -65 on mail1.lan cl-replication --verify "mail1 lan"
	run -0 on relay.lan cl-replication --repair mail1.lan
	[[ $output == *"nothing to do"* ]]
}
