#!/usr/bin/env bats
# Bad luck and bad will: hosts that hang, vanish, come back, change their role or say that they are the home. Nobody loses an
# entry, and nobody is told that a user does not exist.

load e2e

data=65 temporary=75 config=78

setup_file() {
	e2e_up mail1.lan mail2.lan mail3.lan relay.lan "$client"
	set_up_home
	invite
	bring_archives mail2.lan relay.lan
	on mail2.lan cl-rebuild --repl
	on relay.lan cl-rebuild --repl
	add_user mail1.lan user1
	add_user mail2.lan user2
	eventually 20 knows relay.lan "user2@$domain"
	eventually 20 knows mail1.lan "user2@$domain"
}

teardown_file() {
	e2e_down
}

# patience HOST SECONDS: how long a join may wait there.
patience() {
	on "$1" sh -c 'f=/etc/mailrepl/mailrepl.conf; grep -q "^directory" $f && sed -i "s/^.*join_deadline = .*/join_deadline = $1;/" $f ||
		echo "directory: { join_deadline = $1; };" >>$f' sh "$2"
}

# reinstall HOST: a new disk, with the archive that was made for it.
reinstall() {
	local disk=/tmp/mailrepl-lab.$LAB/disks/$1 keep=$BATS_TEST_TMPDIR/archive.tar.bz2
	lab copy "mail1.lan:$(newest_archive "for-$1")" "$keep"
	lab kill "$1"
	find "$disk"/upper* -mindepth 1 -delete
	# The old host's cable may still be going.
	eventually 10 lab start "$1"
	without_dns "$1"
	on "$1" mkdir -p -m 0700 "$archives"
	lab copy "$keep" "$1:$archives/$(basename "$(newest_archive "for-$1")")"
}

# unwatched HOST…: nobody mends by himself there what a test is about.
unwatched() {
	local host
	for host; do on "$host" /usr/lib/mailrepl/mailrepl-watch stop; done
}

# entries HOST BASE: without the base itself, which each host makes for itself.
entries() {
	on "$1" slapcat -F /var/lib/mailrepl/slapd/slapd.d -o ldif-wrap=no -b "$2" 2>/dev/null |
		awk -v RS= -v ORS='\n\n' '!/^dn: ou=(Mail|Unix),dc=mailrepl\n/' |
		grep -E '^(dn|entryUUID|userPassword|mailLocalAddress):' | sort
}

same_entries() {
	diff "$1" <(entries "$2" "$3")
}

postfix_runs() {
	on "$1" postfix status
}

@test "a provider that says it is the home is not obeyed, and it is told" {
	as_root mail2.lan ldapadd >/dev/null <<-END
		dn: ou=Hosts,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl
		objectClass: organizationalUnit
		objectClass: mailReplTopology
		ou: Hosts
		mailReplDomainId: 00000000-0000-4000-8000-000000000000
		mailReplHome: mail2.lan
		mailReplEpoch: 99
		mailReplGeneration: 99
		mailReplServerIDHighWater: 9
		mailReplScheme: intranet

		dn: cn=mail2.lan,ou=Hosts,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl
		objectClass: mailReplHost
		cn: mail2.lan
		mailReplService: mail
		mailReplServerID: 2
		mailReplState: joined

		dn: associatedDomain=bank.example,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl
		objectClass: mailReplDomain
		associatedDomain: bank.example
	END
	has_come() {
		entries relay.lan ou=Mail,dc=mailrepl | grep -q bank.example
	}
	eventually 20 has_come
	run -0 on relay.lan cl-rebuild
	[[ $output == *"nothing to do"* && $output == *"mail2.lan says that it is the home"*"obeys mail1.lan"* ]]
	run -0 on mail1.lan cl-rebuild
	[[ $output == *"nothing to do"* ]]
	as_root mail2.lan ldapdelete -r "ou=Hosts,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl" \
		"associatedDomain=bank.example,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl"
	has_gone() {
		! has_come
	}
	eventually 20 has_gone
	run -0 on relay.lan cl-rebuild
	[[ $output != *"says that it is the home"* ]]
}

@test "a host that a provider does not know yet waits for it, says why, and lets no mail in" {
	unwatched mail2.lan relay.lan
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,mail3.lan,relay.lan mail
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,mail3.lan unix
	bring_archives mail3.lan
	patience mail3.lan 5
	run -"$temporary" on mail3.lan cl-rebuild --repl
	[[ $output == *"does not know this host, run cl-rebuild there: mail2.lan"* ]]
	run ! postfix_runs mail3.lan
	on mail1.lan cl-replication -l | grep -q 'mail3.lan.*invited'
	run -"$config" on mail3.lan cl-rebuild
	[[ $output == *"cl-rebuild --repl"* ]]
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
	on mail3.lan cl-rebuild --repl
	knows mail3.lan "user2@$domain"
	on mail1.lan cl-replication -l | grep -q 'mail3.lan.*joined'
}

@test "a server is reinstalled while the home is off: it takes back what it owned, waits, and lets no mail in before" {
	entries mail1.lan ou=Mail,dc=mailrepl >"$BATS_TEST_TMPDIR/mail"
	entries mail1.lan ou=Unix,dc=mailrepl >"$BATS_TEST_TMPDIR/unix"
	bring_archives
	reinstall mail2.lan
	lab kill mail1.lan
	patience mail2.lan 5
	run -"$temporary" on mail2.lan cl-rebuild --repl
	[[ $output == *"not reached: mail1.lan"* ]]
	run ! postfix_runs mail2.lan
	# Nor does a second run, or one without --repl.
	run -"$temporary" on mail2.lan cl-rebuild --repl
	run -"$temporary" on mail2.lan cl-rebuild
	run ! postfix_runs mail2.lan
	# Nor does a power cut, after which the package's own configuration of Postfix would refuse everybody.
	lab kill mail2.lan
	eventually 10 lab start mail2.lan
	run ! postfix_runs mail2.lan
	[ "$(rcpt_code mail2.lan "user2@$domain")" = none ]
	eventually 10 lab start mail1.lan
	on mail2.lan cl-rebuild --repl
	postfix_runs mail2.lan
	local host
	for host in mail1.lan mail2.lan mail3.lan relay.lan; do
		eventually 30 same_entries "$BATS_TEST_TMPDIR/mail" "$host" ou=Mail,dc=mailrepl
	done
	for host in mail1.lan mail2.lan mail3.lan; do
		eventually 30 same_entries "$BATS_TEST_TMPDIR/unix" "$host" ou=Unix,dc=mailrepl
	done
}

@test "providers that hang cost one deadline, not one each" {
	local host begin
	entries mail1.lan ou=Mail,dc=mailrepl >"$BATS_TEST_TMPDIR/mail"
	reinstall relay.lan
	for host in mail2.lan mail3.lan; do on "$host" kill -STOP "$(slapd_pid "$host")"; done
	patience relay.lan 5
	begin=$SECONDS
	run -"$temporary" on relay.lan cl-rebuild --repl
	[ $((SECONDS - begin)) -le 30 ] || fail "it took $((SECONDS - begin)) seconds"
	for host in mail2.lan mail3.lan; do on "$host" kill -CONT "$(slapd_pid "$host")"; done
	patience relay.lan 60
	on relay.lan cl-rebuild --repl
	same_entries "$BATS_TEST_TMPDIR/mail" relay.lan ou=Mail,dc=mailrepl
}

@test "a copy that is lost is filled before anybody is told that a user does not exist" {
	local code
	unwatched mail1.lan
	on mail1.lan sh -c '/usr/lib/mailrepl/mailrepl-slapd stop; rm -r /var/lib/mailrepl/db/mail'
	on mail2.lan kill -STOP "$(slapd_pid mail2.lan)"
	patience mail1.lan 5
	run -"$temporary" on mail1.lan cl-rebuild
	code=$(rcpt_code mail1.lan "user2@$domain")
	[[ $code == none || $code == 4* ]] || fail "mail1.lan answers $code"
	on mail2.lan kill -CONT "$(slapd_pid mail2.lan)"
	patience mail1.lan 60
	on mail1.lan cl-rebuild
	knows mail1.lan "user2@$domain"
	knows mail1.lan "user1@$domain"
	[ "$(rcpt_code mail1.lan "nobody@$domain")" = 550 ]
}

@test "a host that is switched off before its copies are whole comes back without Postfix, and lets mail in by itself" {
	on mail1.lan sh -c '/usr/lib/mailrepl/mailrepl-slapd stop; rm -r /var/lib/mailrepl/db/mail'
	on mail2.lan kill -STOP "$(slapd_pid mail2.lan)"
	patience mail1.lan 5
	run -"$temporary" on mail1.lan cl-rebuild
	lab kill mail1.lan
	eventually 10 lab start mail1.lan
	run ! postfix_runs mail1.lan
	[ "$(rcpt_code mail1.lan "user2@$domain")" = none ]
	on mail2.lan kill -CONT "$(slapd_pid mail2.lan)"
	eventually 90 knows mail1.lan "user2@$domain"
	knows mail1.lan "user1@$domain"
	unwatched mail1.lan
	patience mail1.lan 60
}

@test "a full disk while a database is filled leaves no half of one" {
	unwatched mail3.lan
	on mail3.lan sh -c '/usr/lib/mailrepl/mailrepl-slapd stop; rm -r /var/lib/mailrepl/db/mail-owned'
	# With a deadline, since strace stays with a slapd that were started all the same.
	E2E_LEAKS=0 run on mail3.lan timeout -k 5 60 strace -f -qq -o /dev/null -e trace=pwrite64,fdatasync -e inject=pwrite64,fdatasync:error=ENOSPC \
		cl-rebuild --repl
	[ "$status" -ne 0 ]
	run ! on mail3.lan test -e /var/lib/mailrepl/db/mail-owned/data.mdb
	on mail3.lan cl-rebuild --repl
	eventually 20 knows mail3.lan "user1@$domain"
}

@test "a relay becomes a server, and a relay again" {
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,mail3.lan,relay.lan unix
	on mail2.lan cl-rebuild
	on mail3.lan cl-rebuild
	bring_archives relay.lan
	on relay.lan cl-rebuild --repl
	add_user relay.lan guest
	eventually 20 knows mail1.lan "guest@$domain"
	submit mail1.lan "guest@$domain" to-the-former-relay
	await_message relay.lan guest to-the-former-relay
	# It cannot go while it owns somebody.
	run -"$data" on mail1.lan cl-replication --yes -r mail1.lan,mail2.lan,mail3.lan unix
	as_root relay.lan ldapdelete "uid=guest,cn=relay.lan,ou=Mail,ou=Owned,dc=mailrepl" \
		"uid=guest,cn=relay.lan,ou=Unix,ou=Owned,dc=mailrepl"
	left() {
		! knows mail1.lan "guest@$domain"
	}
	eventually 20 left
	on mail1.lan cl-replication --yes -r mail1.lan,mail2.lan,mail3.lan unix
	on relay.lan cl-rebuild
	run ! on relay.lan doveadm process status
	run -0 on relay.lan ls /var/lib/mailrepl/db
	[[ $'\n'$output$'\n' != *$'\n'unix$'\n'* ]]
	run ! as_root relay.lan ldapsearch -b ou=Unix,dc=mailrepl -s base
	knows relay.lan "user1@$domain"
	eventually 60 rcpt_code_is relay.lan "guest@$domain" 550
}

@test "a host that left comes back with another serverID" {
	on mail2.lan cl-rebuild
	on mail1.lan cl-replication --yes -r mail1.lan,mail2.lan,mail3.lan mail
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,mail3.lan,relay.lan mail
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,mail3.lan,relay.lan unix
	on mail2.lan cl-rebuild
	on mail3.lan cl-rebuild
	bring_archives relay.lan
	patience relay.lan 60
	on relay.lan cl-rebuild --repl
	add_user relay.lan again
	eventually 20 knows mail1.lan "again@$domain"
	eventually 20 knows mail3.lan "again@$domain"
}

@test "the home whose disk is new is sent to cl-backup -r, and keeps nobody's entries from anybody" {
	local archive keep=$BATS_TEST_TMPDIR/full.tar.bz2
	entries mail3.lan ou=Mail,dc=mailrepl >"$BATS_TEST_TMPDIR/mail"
	on mail1.lan cl-backup
	archive=$(newest_archive)
	unwatched mail1.lan
	# Only its databases are gone: neither begins it anew.
	on mail1.lan sh -c '/usr/lib/mailrepl/mailrepl-slapd stop; mv /var/lib/mailrepl/db /root/db'
	run -"$config" on mail1.lan cl-setup mail "$domain"
	[[ $output == *"cl-backup -r"* ]]
	run -"$config" on mail1.lan sh -c 'rm /var/lib/mailrepl/slapd/config.ldif; cl-setup mail maildomain.org'
	[[ $output == *"cl-backup -r"* ]]
	# All is gone.
	lab copy "mail1.lan:$archive" "$keep"
	lab kill mail1.lan
	find "/tmp/mailrepl-lab.$LAB/disks/mail1.lan"/upper* -mindepth 1 -delete
	eventually 10 lab start mail1.lan
	on mail1.lan mkdir -p -m 0700 "$archives"
	lab copy "$keep" "mail1.lan:$archive"
	run -"$config" on mail1.lan cl-rebuild --repl
	[[ $output == *"cl-backup"*"-r"* ]]
	run ! on mail1.lan test -e /var/lib/mailrepl/db
	on mail1.lan cl-backup -r --yes
	same_entries "$BATS_TEST_TMPDIR/mail" mail1.lan ou=Mail,dc=mailrepl
	eventually 20 same_entries "$BATS_TEST_TMPDIR/mail" mail3.lan ou=Mail,dc=mailrepl
	run -0 on mail1.lan cl-replication -l
	[[ $output != *invited* ]]
}
