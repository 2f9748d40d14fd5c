#!/usr/bin/env bats
# Accounts of the directory as accounts of the system: only if wanted, on mail servers only, without passwords, and back.

load e2e

servers=(mail1.lan mail2.lan)

setup_file() {
	e2e_domain
	add_user mail1.lan user1
	add_user mail2.lan user2
	as_root mail2.lan ldapmodify >&2 <<LDIF
dn: uid=user2,cn=mail2.lan,ou=Unix,ou=Owned,dc=mailrepl
changetype: modify
replace: loginShell
loginShell: /bin/bash
LDIF
	on mail1.lan cp /etc/nsswitch.conf /etc/nslcd.conf /root/
}

teardown_file() {
	e2e_down
}

changes_nothing() {
	[[ $(on mail1.lan cl-setup unix --nss 2>&1) == "nothing to do" ]]
}

shell_of() {
	on "$1" getent passwd "$2" | cut -d: -f7
}

has_user() {
	on "$1" getent passwd "$2" >/dev/null
}

@test "by default the system knows none of the accounts" {
	local host
	for host in "${servers[@]}"; do
		run ! has_user "$host" user1
		run ! on "$host" grep -q ldap /etc/nsswitch.conf
	done
}

@test "with --nss every mail server's system knows the accounts of all of them, and a second run changes nothing" {
	local host
	on mail1.lan cl-setup unix --nss >&2
	on mail2.lan cl-rebuild >&2
	on relay.lan cl-rebuild >&2
	for host in "${servers[@]}"; do
		eventually 30 has_user "$host" user1
		eventually 30 has_user "$host" user2
		[ "$(shell_of "$host" user1)" = /usr/sbin/nologin ]
		[ "$(shell_of "$host" user2)" = /bin/bash ]
		[[ $(on "$host" id -u user1) == 15* ]]
	done
	# Its slapd was restarted: mailrepl-watch may be closing the gate and opening it again.
	eventually 60 changes_nothing
	run ! on relay.lan grep -q ldap /etc/nsswitch.conf
}

@test "nslcd sees no password, and nobody else sees what it sees" {
	local host base
	for host in "${servers[@]}"; do
		for base in ou=Unix,dc=mailrepl "cn=$host,ou=Unix,ou=Owned,dc=mailrepl" ou=Mail,dc=mailrepl; do
			run on "$host" setpriv --reuid nslcd --clear-groups ldapsearch -LLL -Q -Y EXTERNAL \
				-H ldapi://%2Frun%2Fmailrepl%2Fldapi -b "$base" '(objectClass=*)' '*'
			[[ $output != *userPassword* && $output != *mailRoutingAddress* ]]
			[ "$base" = ou=Unix,dc=mailrepl ] || [[ $output != *"uid: user1"* ]]
		done
		run on "$host" getent shadow user1
		[ -z "$output" ]
		[ "$(on "$host" getent passwd user1 | cut -d: -f2)" = '*' ]
	done
}

@test "groups of the directory are groups of the system" {
	as_root mail1.lan ldapadd >&2 <<LDIF
dn: cn=staff-of-all,cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl
objectClass: posixGroup
cn: staff-of-all
gidNumber: 1199999
memberUid: user1
memberUid: user2
LDIF
	eventually 30 on mail2.lan getent group staff-of-all
	[[ $(on mail2.lan id -nG user2) == *staff-of-all* ]]
}

@test "after a power cut the system knows them again, and users of the machine itself wait for no directory" {
	local begin
	lab kill mail2.lan
	lab start mail2.lan
	eventually 60 has_user mail2.lan user1
	slapd_do mail2.lan stop
	begin=$SECONDS
	has_user mail2.lan root
	on mail2.lan id postfix >&2
	[ $((SECONDS - begin)) -le 10 ]
	slapd_do mail2.lan start
	eventually 60 has_user mail2.lan user1
}

@test "where a package is missing the command says which, and changes nothing" {
	on mail1.lan cl-setup unix --no-nss >&2
	on mail1.lan mv /usr/sbin/nslcd /usr/sbin/nslcd.away
	run on mail1.lan cl-setup unix --nss
	[ "$status" -eq 78 ]
	[[ $output == *"apt install nslcd"* ]]
	on mail1.lan mv /usr/sbin/nslcd.away /usr/sbin/nslcd
	run ! on mail1.lan grep -q ldap /etc/nsswitch.conf
}

@test "with --no-nss, or with --undo, all is as before, but for what an administrator has changed since" {
	run ! has_user mail1.lan user1
	on mail1.lan cmp /etc/nsswitch.conf /root/nsswitch.conf
	on mail1.lan cmp /etc/nslcd.conf /root/nslcd.conf
	run ! on mail1.lan pgrep -x nslcd
	on mail1.lan cl-setup unix --nss >&2
	eventually 30 has_user mail1.lan user1
	on mail1.lan sh -c 'echo "# mine" >>/etc/nsswitch.conf'
	# Debian's own configuration of Dovecot names a certificate that the lab lacks.
	on mail1.lan doveadm stop
	on mail1.lan cl-setup --undo --yes >&2
	run ! has_user mail1.lan user1
	on mail1.lan sh -c '(cat /root/nsswitch.conf; echo "# mine") | cmp - /etc/nsswitch.conf'
	on mail1.lan cmp /etc/nslcd.conf /root/nslcd.conf
}
