#!/usr/bin/env bats
# How much a mailbox may hold: shown over IMAP, enforced at delivery, whoever has written it and whether slapd runs or not.

load e2e

setup_file() {
	e2e_domain
	add_user mail1.lan user1
	add_user mail1.lan user2
	add_user mail2.lan user3
	local user
	for user in user1 user2 user3; do eventually 20 knows mail1.lan "$user@$domain"; done
	on "$client" sh -c 'head -c 60000 /dev/zero | tr "\0" x | fold -w 70 >/var/tmp/body'
}

teardown_file() {
	e2e_down
}

# limit_ldif HOST USER BYTES
limit_ldif() {
	printf '%s\n' "dn: uid=$2,cn=$1,ou=Unix,ou=Owned,dc=mailrepl" 'changetype: modify' \
		'replace: mailReplQuota' "mailReplQuota: $3" - \
		'replace: objectClass' 'objectClass: inetOrgPerson' 'objectClass: posixAccount' \
		'objectClass: inetLocalMailRecipient' 'objectClass: mailReplRecipient'
}

# limit HOST USER BYTES: as its owner writes it.
limit() {
	limit_ldif "$@" | as_root "$1" ldapmodify >&2
}

# limit_from_home HOST USER BYTES: as the home writes what another host owns.
limit_from_home() {
	limit_ldif "$@" | on mail1.lan env LDAPTLS_CACERT=/etc/mailrepl/tls/ca.crt LDAPTLS_CERT=/etc/mailrepl/tls/host.crt \
		LDAPTLS_KEY=/etc/mailrepl/tls/host.key ldapmodify -Q -ZZ -Y EXTERNAL -H "ldap://$1:3890" >&2
}

# quota SERVER USER: what GETQUOTAROOT says, in one line.
quota() {
	imap "$1" "$2" "" -X 'GETQUOTAROOT INBOX' | tr -d '\r'
}

# shows SERVER USER KIBIBYTES: such a limit.
shows() {
	local said
	said=$(quota_of "$1" "$2")
	[[ $said =~ \(STORAGE\ [0-9]+\ $3\) ]]
}

quota_of() {
	on "$1" curl -sS --max-time 20 --cacert /etc/mailrepl/tls/ca.crt -u "$2:$password" -X 'GETQUOTAROOT INBOX' "imaps://$1/"
}

# big SERVER USER SUBJECT: 60,000 bytes for the user.
big() {
	on "$client" swaks --server "$1" --helo "$client" --to "$2@$domain" --from someone@outside.test \
		--h-Subject "$3" --body @/var/tmp/body --timeout 30 >&2
}

logged() {
	on "$1" grep -q "$2" /var/log/syslog
}

@test "a limit is in force on the owner and shown by every mail server, without a restart" {
	local pid
	pid=$(on mail1.lan cat /run/dovecot/master.pid)
	limit mail1.lan user1 102400
	eventually 30 shows mail1.lan user1 100
	shows mail2.lan user1 100
	run ! shows mail1.lan user2 100
	[ "$(on mail1.lan cat /run/dovecot/master.pid)" = "$pid" ]
}

@test "a limit that the home writes is in force on the owner, and so is another one" {
	limit_from_home mail2.lan user3 204800
	eventually 30 shows mail2.lan user3 200
	limit_from_home mail2.lan user3 307200
	eventually 30 shows mail1.lan user3 300
}

@test "mail for a full mailbox waits, and comes when there is room" {
	big mail2.lan user1 big1
	await_message mail1.lan user1 big1
	big relay.lan user1 big2
	eventually 30 logged mail1.lan 'dsn=4.2.2, status=deferred.*452 4.2.2 <user1@mail1.lan>'
	has_messages mail1.lan user1 big2 0
	big mail1.lan user2 unlimited
	await_message mail1.lan user2 unlimited
	limit mail1.lan user1 409600
	eventually 30 shows mail1.lan user1 400
	on mail1.lan postqueue -f
	await_message mail1.lan user1 big2
}

@test "without slapd mail is delivered at once, and limits hold" {
	local begin
	limit mail1.lan user1 10240
	eventually 30 shows mail1.lan user1 10
	big mail1.lan user2 queued-before
	on mail1.lan postconf -e 'defer_transports = lmtp'
	on mail1.lan postfix reload
	big mail1.lan user1 while-away1
	big mail1.lan user2 while-away2
	slapd_do mail1.lan stop
	begin=$SECONDS
	on mail1.lan postconf -e 'defer_transports ='
	on mail1.lan postfix reload
	on mail1.lan postqueue -f
	eventually 30 on mail1.lan sh -c 'grep -rq "Subject: while-away2" /var/lib/mailrepl/mail/user2/'
	[ $((SECONDS - begin)) -le 20 ]
	slapd_do mail1.lan start
	await_gates mail1.lan mail2.lan
	has_messages mail1.lan user1 while-away1 0
	on mail1.lan cl-rebuild >&2
}

@test "a full mailbox is copied all the same" {
	# What doveadm writes, as a move does, is not held up by a limit.
	on mail1.lan sh -c "printf 'Subject: copied\n\n' | cat - /var/log/syslog | head -c 60000 | doveadm save -u user1@mail1.lan"
	has_messages mail1.lan user1 copied 1
}

@test "a limit for everybody, and mail that goes back instead of waiting, are settings" {
	on mail1.lan sh -c 'echo "mail = { dns = false; quota = 1; quota_full = \"reject\"; };" >/tmp/mail &&
		sed -i "/^mail/,/^};/d" /etc/mailrepl/mailrepl.conf && cat /tmp/mail >>/etc/mailrepl/mailrepl.conf'
	on mail1.lan cl-rebuild >&2
	shows mail1.lan user2 1024
	shows mail1.lan user1 10
	big mail2.lan user1 refused
	eventually 30 logged mail1.lan 'dsn=5.2.2, status=bounced.*552 5.2.2 <user1@mail1.lan>'
	eventually 30 on mail1.lan postqueue -f
}
