#!/usr/bin/env bats
# Archives: what each holds, what is wrong with bad ones, and what a restoration brings back.

load e2e

setup_file() {
	e2e_up mail1.lan mail2.lan relay.lan fresh.lan "$client"
	set_up_home
	invite
	bring_archives mail2.lan relay.lan
	on mail2.lan cl-rebuild --repl
	on relay.lan cl-rebuild --repl
	add_user mail1.lan user1
	add_user mail2.lan user2
	eventually 20 knows mail1.lan "user2@$domain"
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,relay.lan,fresh.lan mail
	on mail1.lan cl-backup
	on fresh.lan mkdir -p -m 0700 "$archives"
	lab copy "mail1.lan:$(newest_archive for-fresh.lan)" "fresh.lan:/root/good.tar.bz2"
}

teardown_file() {
	e2e_down
}

members() {
	on mail1.lan tar -tjf "$1"
}

# manifest ARCHIVE JQ-FILTER
manifest() {
	on mail1.lan tar -xjOf "$1" MANIFEST.json | jq -r "$2"
}

@test "an archive's name says when and where it was made, and for whom" {
	[[ $(basename "$(newest_archive)") =~ ^[0-9]{8}T[0-9]{6}Z-mail1\.lan\.tar\.bz2$ ]]
	[[ $(basename "$(newest_archive for-relay.lan)") =~ ^[0-9]{8}T[0-9]{6}Z-mail1\.lan-for-relay\.lan\.tar\.bz2$ ]]
}

@test "archives are closed to others, and no temporary file stays" {
	[ "$(on mail1.lan stat -c '%a %U' "$archives")" = "700 root" ]
	[ "$(on mail1.lan sh -c "stat -c '%a %U' $archives/*" | sort -u)" = "600 root" ]
	run -0 on mail1.lan sh -c "ls -A $archives | grep -v 'Z-mail1.lan.*[.]tar[.]bz2\$'; :"
	[ -z "$output" ]
}

@test "the full archive of the home holds all that it needs to come back" {
	run -0 members "$(newest_archive)"
	local member
	for member in MANIFEST.json topology.ldif mailrepl.conf tls/ca.crt tls/backup.key tls/ca.key tls/host.crt tls/host.key \
		tls/peers/mail2.lan.key tls/peers/relay.lan.crt mail-owned.ldif mail-copies.ldif unix-owned.ldif \
		unix-copies.ldif; do
		grep -qx "$member" <<<"$output" || fail "$member is missing"
	done
}

@test "the archive for a mail server holds accounts and its own key, neither the CA's nor another's" {
	run -0 members "$(newest_archive for-mail2.lan)"
	[[ $output == *unix-owned.ldif* && $output == *tls/host.key* ]]
	[[ $output != *ca.key* && $output != *peers* && $output != *mailrepl.conf* ]]
	cmp <(on mail1.lan tar -xjOf "$(newest_archive for-mail2.lan)" tls/host.key) \
		<(on mail1.lan cat /etc/mailrepl/tls/peers/mail2.lan.key)
}

@test "the archive for a relay holds no account" {
	run -0 members "$(newest_archive for-relay.lan)"
	[[ $output == *mail-owned.ldif* && $output == *tls/host.key* ]]
	[[ $output != *unix* && $output != *ca.key* && $output != *peers* ]]
	run ! on mail1.lan sh -c "tar -xjOf $(newest_archive for-relay.lan) | grep -q -e userPassword -e uidNumber -e posixAccount"
}

@test "the manifest tells the whole: format, domain, host, serverID, time, generation, members with sizes and digests" {
	local archive name size sum
	archive=$(newest_archive)
	[ "$(manifest "$archive" .format)" = 2 ]
	[ "$(manifest "$archive" .host)" = mail1.lan ]
	[ "$(manifest "$archive" '.members | length')" -eq $(($(members "$archive" | wc -l) - 1)) ]
	while read -r name size sum; do
		[ "$(on mail1.lan tar -xjOf "$archive" "$name" | wc -c)" = "$size" ]
		[ "$(on mail1.lan tar -xjOf "$archive" "$name" | sha256sum | cut -d' ' -f1)" = "$sum" ]
	done < <(manifest "$archive" '.members[] | "\(.name) \(.size) \(.sha256)"')
}

@test "a mail server that is not the home archives itself alone" {
	on mail2.lan cl-backup
	[ "$(on mail2.lan sh -c "ls $archives/*Z-mail2.lan*" | wc -l)" = 1 ]
	run ! on mail2.lan sh -c "tar -tjf $archives/*Z-mail2.lan.tar.bz2 | grep -e ca.key -e peers"
}

@test "every host has the domain's backup key and shows the same fingerprint" {
	local host want
	want=$(on mail1.lan cl-backup --fingerprint)
	for host in mail2.lan relay.lan; do
		[ "$(on "$host" cl-backup --fingerprint)" = "$want" ]
		[ "$(on "$host" stat -c '%a %U' /etc/mailrepl/tls/backup.key)" = "600 root" ]
	done
	on mail2.lan cl-backup --verify --all --json | jq -e '[.archives[] | .valid and .hmac == "key"] | all'
}

# fresh_refuses WORDS: cl-rebuild --repl with the archive that lies in fresh.lan:/root/bad.tar.bz2 ends with an error, and
# nothing is changed.
fresh_refuses() {
	local name
	name=$(basename "$(newest_archive for-fresh.lan)")
	on fresh.lan sh -c "rm -rf $archives/* && cp -p /root/bad.tar.bz2 $archives/$name && chmod 0600 $archives/$name"
	fresh_files >"$BATS_TEST_TMPDIR/before"
	run on fresh.lan cl-rebuild --repl
	[ "$status" -ne 0 ] || fail "it was taken" || return 1
	case $status in
	65 | 66 | 68 | 69 | 75 | 78) ;;
	*) fail "status $status: $output" || return 1 ;;
	esac
	[[ $output == *"$1"* ]] || fail "$output" || return 1
	diff "$BATS_TEST_TMPDIR/before" <(fresh_files)
	run ! on fresh.lan test -S /run/mailrepl/ldapi
}

fresh_files() {
	on fresh.lan sh -c 'find /etc/mailrepl /etc/postfix /etc/dovecot /var/lib/mailrepl /tmp /root -type f ! -name lock \
		! -name "bad*" -exec md5sum {} + | sort'
}

# repack SCRIPT: unpacks the good archive, runs the script there, packs the members in their order again.
repack() {
	on fresh.lan bash -ec 'rm -rf /tmp/re && mkdir /tmp/re && cd /tmp/re && tar -xjf /root/good.tar.bz2
		tar -tjf /root/good.tar.bz2 >/tmp/list
		'"$1"'
		tar --format=ustar -cjf /root/bad.tar.bz2 --no-recursion -T /tmp/list
		rm -rf /tmp/re /tmp/list'
}

@test "a truncated archive is refused" {
	local size
	size=$(on fresh.lan stat -c %s /root/good.tar.bz2)
	for part in 0 1 100 $((size / 2)) $((size - 1)); do
		on fresh.lan sh -c "head -c $part /root/good.tar.bz2 >/root/bad.tar.bz2"
		fresh_refuses tar.bz2
	done
}

@test "an archive that was cut at a member and compressed again is refused" {
	repack 'head -n 4 /tmp/list >/tmp/list2; mv /tmp/list2 /tmp/list'
	fresh_refuses ''
	repack 'sed -i 1d /tmp/list'
	fresh_refuses ''
}

@test "an altered archive is refused" {
	local at
	for at in 200 900 2000; do
		on fresh.lan sh -c "cp /root/good.tar.bz2 /root/bad.tar.bz2; printf '\\377\\001' |
			dd of=/root/bad.tar.bz2 bs=1 seek=$at conv=notrunc 2>/dev/null"
		fresh_refuses ''
	done
	repack 'sed -i s/user1@maildomain.org/evil1@maildomain.org/ mail-owned.ldif'
	fresh_refuses altered
	repack 'echo >>tls/ca.crt'
	fresh_refuses altered
	repack 'sed -i "s/\"for\": *\"fresh.lan\"/\"for\": \"mail2.lan\"/; s/fresh.lan/mail2.lan/" MANIFEST.json'
	fresh_refuses ''
	repack 'echo "{" >MANIFEST.json'
	fresh_refuses MANIFEST.json
}

@test "an archive with another fingerprint than was typed is refused" {
	local name
	name=$(basename "$(newest_archive for-fresh.lan)")
	on fresh.lan sh -c "rm -rf $archives/* && cp -p /root/good.tar.bz2 $archives/$name"
	fresh_files >"$BATS_TEST_TMPDIR/before"
	run -65 on fresh.lan cl-rebuild --repl --fingerprint AAAA-AAAA-AAAA-AAAA
	[[ $output == *"its fingerprint is $(on mail1.lan cl-backup --fingerprint)"* ]]
	diff "$BATS_TEST_TMPDIR/before" <(fresh_files)
}

@test "a hostile archive is refused, and leaves nothing outside of its folder" {
	repack 'echo x >../evil; cd /tmp/re; ln -s /etc/shadow link; echo link >>/tmp/list'
	fresh_refuses ''
	repack 'mkfifo fifo; echo fifo >>/tmp/list'
	fresh_refuses ''
	repack 'echo more >more; echo more >>/tmp/list'
	fresh_refuses ''
	on fresh.lan bash -ec 'mkdir -p /tmp/x && cd /tmp/x && bzip2 -dc /root/good.tar.bz2 >a.tar && echo root::0:0 >passwd &&
		tar --format=ustar -rf a.tar --transform "s,passwd,../../../../etc/evil," -P passwd &&
		bzip2 -c a.tar >/root/bad.tar.bz2; rm -rf /tmp/x'
	fresh_refuses ''
	run ! on fresh.lan test -e /etc/evil
	on fresh.lan bash -ec 'mkdir -p /tmp/x && cd /tmp/x && bzip2 -dc /root/good.tar.bz2 >a.tar && echo root::0:0 >passwd &&
		tar --format=ustar -rf a.tar --transform "s,passwd,/etc/evil," -P passwd &&
		bzip2 -c a.tar >/root/bad.tar.bz2; rm -rf /tmp/x'
	fresh_refuses ''
	run ! on fresh.lan test -e /etc/evil
	# A gigabyte of zeros where a key should be.
	on fresh.lan bash -ec 'mkdir -p /tmp/x/tls && cd /tmp/x && truncate -s 1G tls/ca.crt && echo {} >MANIFEST.json &&
		tar --format=ustar -cf - MANIFEST.json tls/ca.crt | lbzip2 >/root/bad.tar.bz2; rm -rf /tmp/x'
	fresh_refuses ''
	on fresh.lan sh -c 'rm -f /tmp/evil; head -c 20000 /dev/urandom >/root/bad.tar.bz2'
	fresh_refuses ''
}

# wipe_fresh: as it was before anything was tried on it, and impatient.
wipe_fresh() {
	on fresh.lan sh -c '/usr/lib/mailrepl/mailrepl-slapd stop; rm -rf /etc/mailrepl /var/lib/mailrepl /run/mailrepl
		mkdir /etc/mailrepl; echo "mail = { dns = false; }; directory = { join_deadline = 20; };" >/etc/mailrepl/mailrepl.conf' ||
		true
}

@test "an archive of a foreign domain with the same names is refused by a host that has joined none" {
	wipe_fresh
	on fresh.lan bash -ec 'mkdir /srv/foreign && cd /srv
		cl-setup --root /srv/foreign --host mail1.lan mail foreign.org
		cl-setup --root /srv/foreign unix
		cl-replication --root /srv/foreign -r mail1.lan,fresh.lan,mail2.lan mail
		cl-backup --root /srv/foreign
		/usr/lib/mailrepl/mailrepl-slapd --root /srv/foreign stop
		cp foreign/var/calculate/server-backup/ldap/*-for-fresh.lan.tar.bz2 /root/bad.tar.bz2
		cp foreign/var/calculate/server-backup/ldap/*-for-mail2.lan.tar.bz2 /root/bad2.tar.bz2
		rm -rf /srv/foreign'
	fresh_refuses ''
}

@test "an archive of a foreign domain is refused by a host that has joined" {
	# mail2 has lost a copy, so that it needs an archive; it does not take that one.
	lab copy fresh.lan:/root/bad2.tar.bz2 "mail2.lan:/root/29990101T000000Z-mail1.lan-for-mail2.lan.tar.bz2"
	on mail2.lan sh -c "mv $archives /root/aside; mkdir -m 0700 $archives; mv /root/2999* $archives/
		/usr/lib/mailrepl/mailrepl-slapd stop; rm -rf /var/lib/mailrepl/db/unix"
	run on mail2.lan cl-rebuild --repl
	[ "$status" -ne 0 ]
	on mail2.lan grep -q "user2" /var/lib/mailrepl/db/mail-owned/data.mdb
	on mail2.lan sh -c "rm -rf $archives; mv /root/aside $archives"
	on mail2.lan cl-rebuild --repl
	eventually 30 knows mail2.lan "user1@$domain"
}

@test "among bad archives the newest good one is found, and the bad ones are named" {
	wipe_fresh
	on fresh.lan sh -c "rm -rf $archives/*; head -c 3000 /root/good.tar.bz2 >$archives/29990101T000000Z-mail1.lan-for-fresh.lan.tar.bz2"
	lab copy "mail1.lan:$(newest_archive for-fresh.lan)" "fresh.lan:$archives/"
	run -0 on fresh.lan cl-rebuild --repl
	[[ $output == *29990101T000000Z* ]]
	eventually 20 knows fresh.lan "user1@$domain"
}

@test "cl-backup -r brings back what was deleted and changed, as changes that reach every host" {
	on mail1.lan cl-backup
	local host before after
	before=$(owned mail1.lan Mail; owned mail1.lan Unix)
	as_root mail1.lan ldapdelete "uid=user1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl" \
		"uid=user1,cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl"
	unknown() {
		[ "$(rcpt_code "$1" "user1@$domain")" = 550 ]
	}
	for host in mail1.lan mail2.lan relay.lan; do eventually 20 unknown "$host"; done
	run -0 on mail1.lan cl-backup -r --authoritative --dry-run
	[[ $output == *user1* ]]
	unknown mail1.lan
	on mail1.lan cl-backup -r --authoritative --yes
	for host in mail1.lan mail2.lan relay.lan; do eventually 20 knows "$host" "user1@$domain"; done
	after=$(owned mail1.lan Mail; owned mail1.lan Unix)
	diff <(echo "$before") <(echo "$after")
	submit relay.lan "user1@$domain" after-restoration
	await_message mail1.lan user1 after-restoration
}

@test "cl-backup -r asks first, and without a terminal wants --yes" {
	as_root mail1.lan ldapdelete "uid=user1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
	run -64 on mail1.lan cl-backup -r --authoritative
	[[ $output == *--yes* ]]
	on mail1.lan cl-backup -r --authoritative --yes
	eventually 20 knows mail1.lan "user1@$domain"
}

@test "cl-backup -r does not take back serverIDs, states and the generation" {
	local before
	before=$(as_root mail1.lan ldapsearch -LLL -o ldif-wrap=no -b "ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl" \
		mailReplServerID mailReplState mailReplServerIDHighWater mailReplEpoch)
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,relay.lan,fresh.lan,later.lan mail
	on mail1.lan cl-backup -r --authoritative --yes
	as_root mail1.lan ldapsearch -LLL -b "ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl" \
		'(mailReplServerIDHighWater=5)' dn | grep -q ou=Hosts
	[ -n "$before" ]
}

@test "a home whose disk is gone comes back from its archive and its peers, with what no archive knows" {
	add_user mail1.lan unarchived
	eventually 20 knows mail2.lan "unarchived@$domain"
	local archive=$BATS_TEST_TMPDIR/archive name
	name=$(basename "$(newest_archive)")
	lab copy "mail1.lan:$(newest_archive)" "$archive"
	lab kill mail1.lan
	find "/tmp/mailrepl-lab.$LAB/disks/mail1.lan"/upper* -mindepth 1 -delete
	lab start mail1.lan
	on mail1.lan mkdir -p -m 0700 "$archives"
	lab copy "$archive" "mail1.lan:$archives/$name"
	on mail1.lan cl-backup -r --yes
	eventually 30 knows mail1.lan "unarchived@$domain"
	eventually 30 knows mail1.lan "user2@$domain"
	eventually 30 knows mail2.lan "unarchived@$domain"
	submit mail2.lan "unarchived@$domain" home-again
	await_message mail1.lan unarchived home-again
}

@test "a home that is alone in the world comes back from its archive" {
	on mail1.lan cl-backup
	local archive=$BATS_TEST_TMPDIR/archive name
	name=$(basename "$(newest_archive)")
	lab copy "mail1.lan:$(newest_archive)" "$archive"
	lab kill mail1.lan
	lab kill mail2.lan
	lab kill relay.lan
	lab kill fresh.lan
	find "/tmp/mailrepl-lab.$LAB/disks/mail1.lan"/upper* -mindepth 1 -delete
	lab start mail1.lan
	on mail1.lan mkdir -p -m 0700 "$archives"
	lab copy "$archive" "mail1.lan:$archives/$name"
	on mail1.lan cl-backup -r --authoritative --yes
	eventually 30 knows mail1.lan "user1@$domain"
	submit mail1.lan "user1@$domain" alone
	await_message mail1.lan user1 alone
}

@test "what it gives out then is no uidNumber that was given out after the archive, and it waits for nobody" {
	local before after
	before=$(owned mail1.lan Unix | awk '/^uidNumber: / { print $2 }' | sort -n | tail -n 1)
	add_user mail1.lan reborn
	after=$(owned mail1.lan Unix | awk '/^uidNumber: / { print $2 }' | sort -n | tail -n 1)
	[ "$after" -gt $((before + 1000)) ]
}
