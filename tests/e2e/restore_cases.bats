#!/usr/bin/env bats
# cl-backup -r tells apart: alive, roll back, a part, rejoin, bare metal. Nothing that came is lost unasked, nothing that went
# comes back unasked, and what another host owns never changes.

load e2e

exists=73 denied=77 unavailable=69 usage=64 no_input=66

setup_file() {
	e2e_domain
	add_user mail1.lan home1
	local user
	for user in anna bert moved; do add_user mail2.lan "$user"; done
	on mail2.lan cl-groupadd -e "sales@$domain" -m anna,bert sales mail
	on mail2.lan cl-groupadd -m anna,bert crew unix
	eventually 20 knows mail1.lan "sales@$domain"
	on mail2.lan cl-backup
	owned_by mail2.lan >"$BATS_FILE_TMPDIR/then"
}

teardown_file() {
	e2e_down
}

# unordered: LDIF of entries on one line each, attributes sorted. Counters only grow.
unordered() {
	grep -Ev '^(entryUUID|entryCSN|contextCSN|createTimestamp|modifyTimestamp|creatorsName|modifiersName|structuralObjectClass|mailReplUidHighWater):' |
		awk -v RS= '{ n = split($0, line, "\n"); for (i = 1; i <= n; i++) print NR "\t" line[i] }' |
		sort | awk -F '\t' '$1 != at { if (NR > 1) print ""; at = $1 } { printf "%s|", $2 } END { print "" }' | sort
}

# owned_by HOST: all that it owns, without what another run would make differently.
owned_by() {
	{
		owned "$1" Mail
		echo
		owned "$1" Unix
	} | unordered
}

# as_then: mail2 owns what it owned when the archive was made.
as_then() {
	diff "$BATS_FILE_TMPDIR/then" <(owned_by mail2.lan)
}

# exactly HOST: all that it owns with CSNs and identities: not even a write that changes nothing goes unseen.
exactly() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'for base in Mail Unix; do slapcat -F /var/lib/mailrepl/slapd/slapd.d -o ldif-wrap=no \
		-b "cn=$1,ou=$base,ou=Owned,dc=mailrepl" 2>/dev/null; done' sh "$1"
}

copies_equal() {
	on mail1.lan cl-replication --verify
}

archives_of() {
	on "$1" sh -c "ls $archives"
}

change_mail2() {
	on mail2.lan cl-userdel bert
	add_user mail2.lan carl
	on mail2.lan cl-usermod --full-name "Anna Other" anna
	on mail2.lan cl-passwd --password-stdin anna <<<another-horse-battery
}

logs_in() {
	imap "$1" "$2" "" | grep -q INBOX
}

# patience HOST SECONDS: how long it waits there for others.
patience() {
	on "$1" sh -c 'f=/etc/mailrepl/mailrepl.conf; grep -q "^directory" $f && sed -i "s/^.*join_deadline = .*/join_deadline = $1;/" $f ||
		echo "directory: { join_deadline = $1; };" >>$f' sh "$2"
}

# lose_databases HOST
lose_databases() {
	on "$1" sh -c '/usr/lib/mailrepl/mailrepl-watch stop; /usr/lib/mailrepl/mailrepl-slapd stop; rm -rf /var/lib/mailrepl/db'
}

@test "on a living host nothing is taken back unasked, and it is told what differs and what to do" {
	local before
	change_mail2
	before=$(exactly mail2.lan; archives_of mail2.lan)
	run -"$denied" on mail2.lan cl-backup -r --yes
	[[ $output == *"Alive"* && $output == *"mailbox carl"* && $output == *"account bert"* && $output == *"mailbox bert"* ]]
	[[ $output == *"--authoritative"* && $output == *"--only"* ]]
	run -"$denied" --separate-stderr on mail2.lan cl-backup -r --yes --json
	jq -e '.case == "alive" and .changed == 0 and (.since.added | sort) == ["account carl", "mailbox carl"] and
		(.since.deleted | sort) == ["account bert", "mailbox bert"] and (.since.changed | index("account anna"))' <<<"$output"
	diff <(echo "$before") <(exactly mail2.lan; archives_of mail2.lan)
}

@test "on a living host files that are missing come back" {
	on mail2.lan sh -c 'cp /etc/mailrepl/mailrepl.conf /etc/mailrepl/tls/ca.crt /root; rm /etc/mailrepl/mailrepl.conf /etc/mailrepl/tls/ca.crt'
	run -"$denied" on mail2.lan cl-backup -r --yes
	on mail2.lan sh -c 'cmp /root/ca.crt /etc/mailrepl/tls/ca.crt && cmp /root/mailrepl.conf /etc/mailrepl/mailrepl.conf'
	run ! as_then
}

@test "--authoritative shows what came, changed and went, asks, and rolls back just what this host owns" {
	exactly mail1.lan >"$BATS_TEST_TMPDIR/mail1"
	run -0 on mail2.lan cl-backup -r --authoritative --dry-run
	[[ $output == *"will be removed: 2"*"carl"*"changed back:"*"will be brought back: 2"*"bert"* ]]
	run -"$usage" on mail2.lan cl-backup -r --authoritative
	run ! as_then
	run -0 on mail2.lan cl-backup -r --authoritative --yes
	[[ $output != *"stays as it is"* ]]
	as_then
	diff "$BATS_TEST_TMPDIR/mail1" <(exactly mail1.lan)
	eventually 20 knows relay.lan "bert@$domain"
	eventually 20 rcpt_code_is relay.lan "carl@$domain" 550
	submit relay.lan "bert@$domain" rolled-back
	await_message mail2.lan bert rolled-back
	logs_in mail2.lan anna
	eventually 30 copies_equal
}

@test "a second run finds nothing to do, and does not take the archive of the state before" {
	local before
	before=$(exactly mail2.lan; archives_of mail2.lan)
	run -0 on mail2.lan cl-backup -r --authoritative --yes
	[[ $output == *"nothing to do"* ]]
	run -0 on mail2.lan cl-backup -r --yes
	diff <(echo "$before") <(exactly mail2.lan; archives_of mail2.lan)
}

@test "--undo returns to the state before, and undone once more to that after" {
	run -0 on mail2.lan cl-backup -r --undo --yes
	eventually 20 knows relay.lan "carl@$domain"
	eventually 20 rcpt_code_is relay.lan "bert@$domain" 550
	run ! logs_in mail2.lan anna
	on mail2.lan cl-backup -r --undo --yes
	as_then
	run -"$no_input" on mail1.lan cl-backup -r --undo
}

@test "--only user brings one user back: mailbox, account with password, groups; and nothing else" {
	change_mail2
	on mail2.lan cl-backup -r --only user:bert --yes
	eventually 20 knows relay.lan "bert@$domain"
	knows relay.lan "carl@$domain"
	submit mail1.lan "bert@$domain" one-came-back
	await_message mail2.lan bert one-came-back
	run ! logs_in mail2.lan anna
	owned mail2.lan Mail | grep -q '^rfc822MailMember: bert@mail2.lan'
	owned mail2.lan Unix | grep -q '^memberUid: bert'
	on mail2.lan cl-backup -r --only "anna@$domain" --yes
	logs_in mail2.lan anna
	knows relay.lan "carl@$domain"
}

@test "--only group, domain and address do just that; what the archive does not have is an error" {
	on mail2.lan cl-groupdel sales
	run -"$no_input" on mail2.lan cl-backup -r --only user:carl --yes
	[[ $output == *"user:carl"* ]]
	run -"$usage" on mail2.lan cl-backup -r --only carl --yes
	run -"$usage" on mail2.lan cl-backup --only user:anna
	on mail2.lan cl-backup -r --only group:sales --yes
	eventually 20 knows relay.lan "sales@$domain"
	on mail2.lan cl-userdel bert
	on mail2.lan cl-backup -r --only "domain:$domain" --yes
	eventually 20 knows relay.lan "bert@$domain"
	knows relay.lan "carl@$domain"
	logs_in mail2.lan bert
}

@test "what another host has given out meanwhile stays there: refused alone, left out of a roll back" {
	on mail2.lan cl-userdel moved
	eventually 20 rcpt_code_is mail1.lan "moved@$domain" 550
	add_user mail1.lan moved
	eventually 20 knows mail2.lan "moved@$domain"
	exactly mail1.lan >"$BATS_TEST_TMPDIR/mail1"
	exactly mail2.lan >"$BATS_TEST_TMPDIR/mail2"
	run -"$exists" on mail2.lan cl-backup -r --only user:moved --yes
	[[ $output == *"moved"*"mail1.lan"* ]]
	diff "$BATS_TEST_TMPDIR/mail1" <(exactly mail1.lan)
	diff "$BATS_TEST_TMPDIR/mail2" <(exactly mail2.lan)
	run -0 on mail2.lan cl-backup -r --authoritative --yes
	[[ $output == *"stays as it is: 2"*"moved of mail1.lan"* ]]
	run -0 on mail1.lan cl-replication --clashes
	[ "$(owned mail1.lan Mail | grep -c "^mailLocalAddress: moved@$domain")" = 1 ]
	[ "$(owned mail2.lan Mail | grep -c "^mailLocalAddress: moved@$domain")" = 0 ]
	submit relay.lan "moved@$domain" still-there
	await_message mail1.lan moved still-there
}

@test "an archive can be named; one of another host is refused" {
	local name
	name=$(on mail2.lan sh -c "ls $archives | grep -- 'Z-mail2.lan.tar.bz2' | head -n 1")
	run -0 on mail2.lan cl-backup -r --authoritative --yes "$name"
	run -0 on mail2.lan cl-backup -r --authoritative --yes "$archives/$name"
	[[ $output == *"nothing to do"* ]]
	run -65 on mail2.lan sh -c "cl-backup -r --yes $archives/*-for-mail2.lan.tar.bz2"
	run -"$no_input" on mail2.lan cl-backup -r absent.tar.bz2
}

@test "a host whose directory is gone, and that reaches nobody, does not take its archive for the truth" {
	add_user mail2.lan later
	eventually 20 knows mail1.lan "later@$domain"
	lab cut mail2.lan
	lose_databases mail2.lan
	patience mail2.lan 5
	run -"$unavailable" on mail2.lan cl-backup -r --yes
	[[ $output == *"Bare metal"*"mail1.lan"*"relay.lan"*"--authoritative"* ]]
	run ! on mail2.lan test -e /var/lib/mailrepl/db
	lab heal mail2.lan
}

@test "half alive: who answers has no copy of the accounts, and it waits for who has" {
	lab cut mail1.lan
	run -"$unavailable" on mail2.lan cl-backup -r --yes
	[[ $output == *"relay.lan"*"mail1.lan"* ]]
	run ! on mail2.lan test -e /var/lib/mailrepl/db
	lab heal mail1.lan
	patience mail2.lan 60
}

@test "peers alive: what the host owned comes from their copies, also what no archive knows" {
	owned_by mail1.lan >"$BATS_TEST_TMPDIR/mail1"
	# An archive from somewhere else.
	run -0 on mail2.lan sh -c "mv $archives /root/stick; cl-backup -r --yes /root/stick/*Z-mail1.lan-for-mail2.lan.tar.bz2; :"
	[[ $output == *"made by mail1.lan"* && $output != *Rejoin* ]]
	run -0 on mail2.lan sh -c 'cl-backup -r --yes "$(ls /root/stick/*Z-mail2.lan.tar.bz2 | head -n 1)"'
	[[ $output == *Rejoin* ]]
	eventually 30 knows mail2.lan "later@$domain"
	knows mail1.lan "later@$domain"
	run ! knows relay.lan "carl@$domain"
	diff "$BATS_TEST_TMPDIR/mail1" <(owned_by mail1.lan)
	submit relay.lan "later@$domain" rejoined
	await_message mail2.lan later rejoined
	eventually 30 copies_equal
}

@test "an archive of a domain that changes brings an empty machine to that moment, when nobody else is left" {
	local archive=$BATS_TEST_TMPDIR/archive name host part
	(for i in {1..40}; do
		as_root mail1.lan ldapmodify <<-EOF >/dev/null
			dn: uid=home1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
			changetype: modify
			replace: description
			description: $i
		EOF
	done) &
	on mail1.lan cl-backup
	wait
	name=$(basename "$(newest_archive)")
	lab copy "mail1.lan:$archives/$name" "$archive"
	for host in mail1.lan mail2.lan relay.lan; do lab kill "$host"; done
	find "/tmp/mailrepl-lab.$LAB/disks/mail1.lan"/upper* -mindepth 1 -delete
	eventually 10 lab start mail1.lan
	on mail1.lan mkdir -p -m 0700 "$archives"
	lab copy "$archive" "mail1.lan:$archives/$name"
	on mail1.lan cl-backup -r --authoritative --yes
	# The archive as tar reads it.
	for part in mail unix; do
		tar -xjOf "$archive" "$part-owned.ldif"
		echo
	done | unordered >"$BATS_TEST_TMPDIR/want"
	diff "$BATS_TEST_TMPDIR/want" <(owned_by mail1.lan)
	eventually 30 knows mail1.lan "home1@$domain"
	submit mail1.lan "home1@$domain" from-nothing
	await_message mail1.lan home1 from-nothing
	lab start mail2.lan
	lab start relay.lan
	eventually 60 copies_equal
	add_user mail1.lan afterwards
	eventually 30 knows mail2.lan "afterwards@$domain"
}
