#!/usr/bin/env bats
# A copy that has thousands of changes to take does not wait for the disk with each, and loses nothing by that.

load e2e

folder=/var/lib/mailrepl/db/.catchup
settings='olcDatabase={3}mdb,cn=config'

setup_file() {
	e2e_domain
	add_user mail1.lan anna
	eventually 30 knows relay.lan "anna@$domain"
}

teardown_file() {
	e2e_down
}

watch_do() {
	on "$1" /usr/lib/mailrepl/mailrepl-watch "$2"
}

# slow_disk HOST: for its slapd each fdatasync takes 20 ms, until that slapd ends.
slow_disk() {
	local pid
	pid=$(slapd_pid "$1")
	E2E_LEAKS=0 on "$1" strace -qq -f -o /dev/null -e trace=fdatasync -e inject=fdatasync:delay_enter=20000 -p "$pid" 3>&- &
	eventually 30 is_traced "$1" "$pid"
}

is_traced() {
	run on "$1" grep TracerPid "/proc/$2/status"
	[[ $output =~ [1-9] ]]
}

import_users() {
	awk -v p="$1" -v n="$2" -v d="$domain" 'BEGIN { print "user,addresses"
		for (i = 1; i <= n; i++) printf "%s%d,%s%d@%s\n", p, i, p, i, d }' |
		on mail1.lan sh -c 'umask 077; cat >/root/users.csv'
	on mail1.lan cl-useradd --import /root/users.csv
}

logged() {
	on "$1" cat /var/log/syslog | grep -F "$2" >/dev/null
}

has_snapshot() {
	on "$1" test -e "$folder/mail.ldif"
}

is_durable() {
	local answer
	answer=$(as_root "$1" ldapsearch -LLL -s base -b "$settings" olcDbNoSync) && [ -n "$answer" ] &&
		[[ $answer != *TRUE* ]] && ! has_snapshot "$1"
}

all_equal() {
	on mail1.lan cl-replication --verify >"$BATS_FILE_TMPDIR/verify" && ! grep -qE 'behind|differ' "$BATS_FILE_TMPDIR/verify"
}

# begin_by_hand HOST BOOT_ID: what its watch service does when it begins, as if that had been in this boot.
begin_by_hand() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'umask 077; mkdir -p "$1"; { echo "# boot $2"; slapcat -o ldif-wrap=no -F /var/lib/mailrepl/slapd/slapd.d \
		-b ou=Mail,dc=mailrepl; } >"$1/mail.ldif"' sh "$folder" "$2"
	printf 'dn: %s\nchangetype: modify\nreplace: olcDbNoSync\nolcDbNoSync: TRUE\n' "$settings" | as_root "$1" ldapmodify
}

@test "two thousand users get through to a host with a slow disk, whose copy is durable and equal afterwards" {
	slow_disk relay.lan
	import_users many 2000
	(
		until [ -e "$BATS_FILE_TMPDIR/done" ]; do
			rcpt_code relay.lan "anna@$domain"
		done >"$BATS_FILE_TMPDIR/codes"
	) 3>&- &
	eventually 120 knows relay.lan "many2000@$domain"
	touch "$BATS_FILE_TMPDIR/done"
	wait "$!"
	logged relay.lan "has many changes to take"
	run ! grep '^5' "$BATS_FILE_TMPDIR/codes"
	eventually 120 is_durable relay.lan
	logged relay.lan "the copy of mail has caught up and is durable again"
	slapd_do relay.lan restart
	eventually 60 all_equal
}

@test "a few changes are taken as always" {
	local before
	before=$(on relay.lan grep -c "has many changes" /var/log/syslog)
	add_user mail1.lan bert
	eventually 60 knows relay.lan "bert@$domain"
	[ "$(on relay.lan grep -c "has many changes" /var/log/syslog)" = "$before" ]
	is_durable relay.lan
}

@test "slapd that is killed while it catches up goes on with what it has, and it ends as it should" {
	watch_do relay.lan stop
	begin_by_hand relay.lan "$(cat /proc/sys/kernel/random/boot_id)"
	add_user mail1.lan carl
	eventually 60 knows relay.lan "carl@$domain"
	on relay.lan sh -c "kill -9 $(slapd_pid relay.lan)"
	slapd_do relay.lan start
	rcpt_code_is relay.lan "carl@$domain" 250
	run ! logged relay.lan "is made again as it was before"
	watch_do relay.lan start
	eventually 60 is_durable relay.lan
	eventually 60 all_equal
}

@test "a machine that goes down while it catches up has its old copy, also when nobody answers, and gets the rest" {
	watch_do relay.lan stop
	begin_by_hand relay.lan 00000000-0000-0000-0000-000000000000
	add_user mail1.lan dora
	eventually 60 knows relay.lan "dora@$domain"
	slapd_do relay.lan stop
	slapd_do mail1.lan stop
	on relay.lan dd if=/dev/zero of=/var/lib/mailrepl/db/mail/data.mdb bs=4096 count=2 conv=notrunc status=none
	run -0 slapd_do relay.lan start
	[[ $output == *"the machine went down while the copy of mail was catching up"* ]]
	as_root relay.lan ldapsearch -LLL -b ou=Mail,dc=mailrepl "(uid=carl)" uid | grep -q '^uid: carl'
	run as_root relay.lan ldapsearch -LLL -b ou=Mail,dc=mailrepl "(uid=dora)" uid
	[[ $output != *dora* ]]
	is_durable relay.lan
	slapd_do mail1.lan start
	watch_do relay.lan start
	eventually 60 knows relay.lan "dora@$domain"
	eventually 60 all_equal
}

@test "a snapshot that is none keeps slapd from serving what may be half a copy" {
	slapd_do relay.lan stop
	on relay.lan sh -c "echo '# boot' >$folder/mail.ldif"
	run ! slapd_do relay.lan start
	[[ $output == *"mail.ldif: not a snapshot of a copy"* ]]
	on relay.lan rm "$folder/mail.ldif"
	slapd_do relay.lan start
	eventually 60 knows relay.lan "dora@$domain"
}
