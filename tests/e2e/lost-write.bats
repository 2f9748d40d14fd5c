#!/usr/bin/env bats
# slapd dies between an entry and the contextCSN that tells of it. The copies get the entry all the same.

load e2e

setup_file() {
	e2e_up mail1.lan mail2.lan
	set_up_home
	on mail1.lan cl-replication -r mail1.lan,mail2.lan mail
	on mail1.lan cl-replication -r mail1.lan,mail2.lan unix
	bring_archives mail2.lan
	on mail2.lan cl-rebuild --repl
	# It would start slapd before it can be seen how.
	on mail1.lan /usr/lib/mailrepl/mailrepl-watch stop
}

teardown_file() {
	e2e_down
}

container=cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl

add_route() {
	as_root mail1.lan ldapadd >/dev/null <<-END
		dn: uid=$1,$container
		objectClass: account
		objectClass: inetLocalMailRecipient
		uid: $1
	END
}

has() {
	as_root "$1" ldapsearch -LLL -b cn=mail1.lan,ou=Mail,dc=mailrepl "(uid=$2)" 1.1 | grep -q '^dn:'
}

has_not() {
	! has "$1" "$2"
}

in_step() {
	has mail1.lan "$1" && has mail2.lan "$1"
}

# die_after_entry COMMAND…: slapd is killed in the command's second transaction, which is that of the contextCSN.
die_after_entry() {
	on mail1.lan sh -c 'exec strace -f -qq -o /root/trace -e trace=fdatasync -e inject=fdatasync:signal=KILL:when=2 \
		-p "$(cat /run/mailrepl/slapd.pid)" >/dev/null 2>&1' &
	eventually 10 on mail1.lan sh -c 'grep -qE "^TracerPid:.[1-9]" "/proc/$(cat /run/mailrepl/slapd.pid)/task/"*/status'
	run ! "$@"
	eventually 10 slapd_is_dead
}

slapd_is_dead() {
	! slapd_do mail1.lan status >/dev/null
}

@test "an entry that was added reaches the copies" {
	add_route before-add
	eventually 20 in_step before-add
	die_after_entry add_route lost
	slapd_do mail1.lan start
	add_route after-add
	eventually 20 in_step after-add
	eventually 20 in_step lost
}

@test "an entry that was deleted leaves the copies" {
	eventually 20 in_step before-add
	die_after_entry as_root mail1.lan ldapdelete "uid=before-add,$container"
	slapd_do mail1.lan start
	add_route after-delete
	eventually 20 in_step after-delete
	eventually 20 has_not mail1.lan before-add
	eventually 20 has_not mail2.lan before-add
}

@test "an entry that was added before the power failed reaches the copies" {
	add_route before-power
	eventually 20 in_step before-power
	die_after_entry add_route lost-power
	lab kill mail1.lan
	eventually 20 lab start mail1.lan
	add_route after-power
	eventually 20 in_step after-power
	eventually 20 in_step lost-power
}

@test "a start after a clean stop writes nothing" {
	local before
	before=$(as_root mail1.lan ldapsearch -LLL -s base -b "$container" contextCSN)
	slapd_do mail1.lan stop
	slapd_do mail1.lan start
	[ "$(as_root mail1.lan ldapsearch -LLL -s base -b "$container" contextCSN)" = "$before" ]
}
