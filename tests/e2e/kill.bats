#!/usr/bin/env bats
# Each tool is killed at many of its system calls, run again, and must end as if nobody had killed it.
#
# The tools are built without sanitizers here: strace(1) traces them, and a thousand calls of the sanitizers' own would be killed
# instead of ours. E2E_KILLS is how many places each tool is killed at.

load e2e

kills=${E2E_KILLS:-12}

setup_file() {
	E2E_LAYER=${E2E_PLAIN_LAYER:-$E2E_LAYER} e2e_up mail1.lan mail2.lan relay.lan "$client"
	on mail1.lan sh -c 'cat >/root/places' <<'SCRIPT'
#!/usr/bin/env bash
# places TRACE COUNT: COUNT system calls, evenly spread over those of the trace that change or ask something, each as
# "name nth", since strace counts the calls of each name apart.
grep -oE '^[a-z0-9_]+\(' "$1" | tr -d '(' |
	grep -vE '^(execve|exit_group|mmap|munmap|mprotect|brk|read|pread64|fstat|newfstatat|access|close|lseek|rt_sig.*|arch_prctl|set_.*|prlimit64|futex|getrandom|ioctl|poll|geteuid|getuid|getpid|getppid|uname|rseq|sysinfo|getegid|getgid|statx|getdents64|clock_nanosleep|restart_syscall|wait4|readlink)$' |
	awk -v count="$2" '{ name[NR] = $1; nth[NR] = ++seen[$1] }
		END { step = NR / count; if (step < 1) step = 1
			for (i = 1; i <= NR; i += step) print name[int(i)], nth[int(i)] }'
SCRIPT
	local host
	for host in mail2.lan relay.lan; do
		lab copy mail1.lan:/root/places "$host:/root/places"
	done
	for host in mail1.lan mail2.lan; do
		on "$host" sh -c 'mkdir /root/etc && cp -a /etc/postfix /etc/dovecot /root/etc/'
	done
}

teardown_file() {
	e2e_down
}

# places HOST COMMAND…: runs it under strace, prints where it may be killed.
places() {
	local host=$1
	shift
	on "$host" strace -qq -o /root/trace "$@" >&2
	on "$host" bash /root/places /root/trace "$kills"
}

# killed HOST NAME NTH COMMAND…: without -f: its children die with it, and are not killed by themselves.
killed() {
	local host=$1 name=$2 nth=$3
	shift 3
	run on "$host" strace -qq -o /dev/null -e trace="$name" -e inject="$name:signal=KILL:when=$nth" "$@"
	[ "$status" -eq 137 ] || [ "$status" -eq 0 ] || fail "$* killed at $name $nth: status $status: $output"
	[ "$status" -ne 137 ] || echo "$name $nth" >>"$BATS_TEST_TMPDIR/killed"
}

enough_killed() {
	[ "$(wc -l <"$BATS_TEST_TMPDIR/killed")" -ge $((kills / 2)) ]
}

# plain_state HOST: what two undisturbed runs have in common: no keys, identifiers, times.
plain_state() {
	rendered "$1" | grep -vE '/tls/|fingerprints|/etc/postfix/(post-install|dynamicmaps)' | grep -v ' /var/lib/mailrepl/original' |
		sed 's/^[0-9a-f]\{64\}  \(.*main.cf\)$/\1/'
	for base in Mail Unix; do
		owned "$1" "$base" | grep -vE '^(mailReplDomainId|mailReplCertificateFingerprint|mailReplGeneration|userPassword|uidNumber|gidNumber|mailReplUidHighWater)' || true
	done
}

# wipe HOST: as before the first command.
wipe() {
	on "$1" sh -c '/usr/lib/mailrepl/mailrepl-watch stop; /usr/lib/mailrepl/mailrepl-slapd stop; postfix stop; doveadm stop
		mv /var/lib/mailrepl /var/lib/gone; rm -rf /var/lib/gone /run/mailrepl /etc/mailrepl /etc/postfix /etc/dovecot
		cp -a /root/etc/postfix /root/etc/dovecot /etc/' >/dev/null 2>&1 || true
	without_dns "$1"
}

# nothing_left HOST: no temporary file, no half database, no process that waits for nobody.
nothing_left() {
	run -0 on "$1" sh -c 'find /etc/mailrepl /etc/postfix /etc/dovecot /var/lib/mailrepl /var/calculate \
		\( -name "*.new*" -o -name "*.tmp*" -o -name ".*" -o -name "*~" \) -not -path "/var/lib/mailrepl/mail/*" 2>/dev/null; :'
	[ -z "$output" ] || fail "left on $1: $output"
}

@test "cl-setup mail" {
	local name nth
	places mail1.lan cl-setup mail "$domain" >"$BATS_TEST_TMPDIR/places"
	plain_state mail1.lan >"$BATS_TEST_TMPDIR/want"
	while read -r name nth <&3; do
		wipe mail1.lan
		killed mail1.lan "$name" "$nth" cl-setup mail "$domain"
		on mail1.lan cl-setup mail "$domain"
		diff "$BATS_TEST_TMPDIR/want" <(plain_state mail1.lan) || fail "killed at $name $nth"
		nothing_left mail1.lan
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
	run -0 on mail1.lan cl-setup mail "$domain"
	[[ $output == *"nothing to do"* ]]
}

@test "cl-setup unix" {
	local name nth
	on mail1.lan sh -c 'rm -rf /root/before; mkdir /root/before; cp -a /etc/mailrepl /etc/postfix /etc/dovecot /root/before/
		/usr/lib/mailrepl/mailrepl-slapd stop; cp -a /var/lib/mailrepl /root/before/state; /usr/lib/mailrepl/mailrepl-slapd start'
	# back: as cl-setup mail has left it.
	back() {
		on mail1.lan sh -ec '/usr/lib/mailrepl/mailrepl-watch stop; /usr/lib/mailrepl/mailrepl-slapd stop; doveadm stop 2>/dev/null || :
			# Moved first: Dovecot may still be at work there.
			mv /var/lib/mailrepl /var/lib/gone
			rm -rf /var/lib/gone /etc/mailrepl /etc/postfix /etc/dovecot || rm -rf /var/lib/gone
			cp -a /root/before/mailrepl /root/before/postfix /root/before/dovecot /etc/
			cp -a /root/before/state /var/lib/mailrepl
			/usr/lib/mailrepl/mailrepl-slapd start; postfix reload 2>/dev/null'
	}
	places mail1.lan cl-setup unix >"$BATS_TEST_TMPDIR/places"
	plain_state mail1.lan >"$BATS_TEST_TMPDIR/want"
	while read -r name nth <&3; do
		back
		killed mail1.lan "$name" "$nth" cl-setup unix
		on mail1.lan cl-setup unix
		diff "$BATS_TEST_TMPDIR/want" <(plain_state mail1.lan) || fail "killed at $name $nth"
		nothing_left mail1.lan
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
}

@test "cl-replication -r" {
	local name nth n=0 hosts=mail1.lan,mail2.lan,relay.lan
	on mail1.lan cl-replication -r $hosts mail
	on mail1.lan cl-replication -r mail1.lan,mail2.lan unix
	places mail1.lan cl-replication -r $hosts,extra.lan mail >"$BATS_TEST_TMPDIR/places"
	on mail1.lan cl-replication --yes -r $hosts mail
	while read -r name nth <&3; do
		n=$((n + 1))
		killed mail1.lan "$name" "$nth" cl-replication -r "$hosts,extra$n.lan" mail
		on mail1.lan cl-replication -r "$hosts,extra$n.lan" mail
		owned mail1.lan Mail | grep -q "^dn: cn=extra$n.lan,ou=Hosts"
		on mail1.lan test -s "/etc/mailrepl/tls/peers/extra$n.lan.key"
		[ "$(on mail1.lan openssl x509 -noout -fingerprint -sha256 -in "/etc/mailrepl/tls/peers/extra$n.lan.crt" | cut -d= -f2)" = \
			"$(owned mail1.lan Mail | awk -v RS= "/^dn: cn=extra$n.lan,/" | sed -n 's/^mailReplCertificateFingerprint: //p')" ]
		on mail1.lan grep -q "extra$n.lan" /etc/postfix/main.cf
		killed mail1.lan "$name" "$nth" cl-replication --yes -r $hosts mail
		on mail1.lan cl-replication --yes -r $hosts mail
		run ! on mail1.lan grep -q "extra$n.lan" /etc/postfix/main.cf
		nothing_left mail1.lan
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
	# Who has what serverID: each once, and none below the first.
	run -0 owned mail1.lan Mail
	[ -z "$(grep '^mailReplServerID:' <<<"$output" | sort | uniq -d)" ]
	run -0 on mail1.lan cl-replication -r $hosts mail
	[[ $output == *"nothing to do"* ]]
}

@test "cl-backup" {
	local name nth
	places mail1.lan cl-backup >"$BATS_TEST_TMPDIR/places"
	while read -r name nth <&3; do
		on mail1.lan sh -c "rm -f $archives/*"
		killed mail1.lan "$name" "$nth" cl-backup
		# Whatever is there now is whole.
		on mail1.lan sh -ec "for f in $archives/*.tar.bz2; do [ ! -e \"\$f\" ] || bzip2 -t \"\$f\"; done"
		on mail1.lan cl-backup
		[ "$(on mail1.lan sh -c "ls -A $archives | grep -vc 'Z-mail1.lan.*tar.bz2\$'")" = 0 ]
		[ "$(on mail1.lan sh -c "ls $archives/*-for-relay.lan.tar.bz2 | wc -l")" -ge 1 ]
		nothing_left mail1.lan
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
}

@test "cl-rebuild --repl" {
	local name nth
	bring_archives mail2.lan relay.lan
	on mail2.lan cp -a "$archives" /root/archives
	# fresh: mail2 as it was before it came, and the home thinks so, too.
	fresh() {
		wipe mail2.lan
		as_root mail1.lan ldapmodify >/dev/null <<-'END'
			dn: cn=mail2.lan,ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
			changetype: modify
			replace: mailReplState
			mailReplState: invited
		END
	}
	places mail2.lan cl-rebuild --repl >"$BATS_TEST_TMPDIR/places"
	plain_state mail2.lan >"$BATS_TEST_TMPDIR/want"
	while read -r name nth <&3; do
		fresh
		killed mail2.lan "$name" "$nth" cl-rebuild --repl
		on mail2.lan cl-rebuild --repl
		diff "$BATS_TEST_TMPDIR/want" <(plain_state mail2.lan) || fail "killed at $name $nth"
		nothing_left mail2.lan
		on mail1.lan cl-replication -l | grep -q 'mail2.lan.*joined'
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
	on relay.lan cl-rebuild --repl
}

@test "cl-rebuild" {
	local name nth
	# It would complete what was killed by itself.
	on mail2.lan /usr/lib/mailrepl/mailrepl-watch stop
	plain_state mail2.lan >"$BATS_TEST_TMPDIR/want"
	# spoil: files of each service are not what they should be.
	spoil() {
		on mail2.lan sh -c 'for f in /etc/postfix/main.cf /etc/postfix/mailrepl/routes.cf /etc/dovecot/dovecot.conf \
			/var/lib/mailrepl/slapd/config.ldif; do echo "# spoilt" >>"$f"; done'
	}
	spoil
	places mail2.lan cl-rebuild --replace-changes >"$BATS_TEST_TMPDIR/places"
	while read -r name nth <&3; do
		spoil
		killed mail2.lan "$name" "$nth" cl-rebuild --replace-changes
		on mail2.lan cl-rebuild --replace-changes
		diff "$BATS_TEST_TMPDIR/want" <(plain_state mail2.lan) || fail "killed at $name $nth"
		nothing_left mail2.lan
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
}

@test "cl-useradd" {
	local name nth n=0 user
	# shapes USER: the user's entries, with the user's name taken out of them.
	shapes() {
		for base in Mail Unix; do
			owned mail1.lan $base | awk -v RS= -v ORS='\n\n' "/^dn: uid=$1,/"
		done | grep -vE '^(uidNumber|gidNumber|userPassword)' | sed "s/$1/USER/g"
	}
	places mail1.lan cl-useradd -e "killfirst@$domain" killfirst mail >"$BATS_TEST_TMPDIR/places"
	shapes killfirst >"$BATS_TEST_TMPDIR/want"
	grep -q '^dn: ' "$BATS_TEST_TMPDIR/want"
	while read -r name nth <&3; do
		n=$((n + 1)) user=kill$n
		killed mail1.lan "$name" "$nth" cl-useradd -e "$user@$domain" "$user" mail
		on mail1.lan cl-useradd -e "$user@$domain" "$user" mail
		diff "$BATS_TEST_TMPDIR/want" <(shapes "$user") || fail "killed at $name $nth"
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
	run -0 owned mail1.lan Unix
	[ -z "$(grep '^uidNumber:' <<<"$output" | sort | uniq -d)" ]
	eventually 20 knows mail2.lan "$user@$domain"
	eventually 20 knows relay.lan "$user@$domain"
}

# entries_of USER…: the entries of these users, their changing parts left out.
entries_of() {
	local base
	for base in Mail Unix; do
		owned mail1.lan $base | awk -v RS= -v ORS='\n\n' -v names="^dn: uid=($(tr ' ' '|' <<<"$*"))," '$0 ~ names' |
			grep -vE '^(uidNumber|gidNumber|userPassword)' || :
	done
}

@test "cl-usermod" {
	local name nth n=0
	local change=(-l renamed --add-alias "renamed@$domain" --remove-alias "first@$domain" --quota 5M -L --while-locked defer)
	# original: as the user was; whatever the name is now.
	original() {
		on mail1.lan cl-userdel -q renamed || on mail1.lan cl-userdel -q original || :
		on mail1.lan cl-useradd -q -e "original@$domain" -e "first@$domain" original mail
	}
	original
	places mail1.lan cl-usermod "${change[@]}" original >"$BATS_TEST_TMPDIR/places"
	entries_of original renamed >"$BATS_TEST_TMPDIR/want"
	[ "$(grep -c '^dn: uid=renamed,' "$BATS_TEST_TMPDIR/want")" = 2 ]
	while read -r name nth <&3; do
		original
		killed mail1.lan "$name" "$nth" cl-usermod "${change[@]}" original
		on mail1.lan cl-usermod "${change[@]}" original
		diff "$BATS_TEST_TMPDIR/want" <(entries_of original renamed) || fail "killed at $name $nth"
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
	run -0 on mail1.lan cl-usermod "${change[@]}" original
	[[ $output == *"nothing to do"* ]]
	on mail1.lan cl-userdel renamed
}

@test "cl-userdel -r" {
	local name nth mail=/var/lib/mailrepl/mail
	full() {
		on mail1.lan cl-useradd -q -e "leaving@$domain" leaving mail
		on mail1.lan sh -c "mkdir -p $mail/leaving/Maildir/cur && for n in 1 2 3 4 5; do echo \$n >$mail/leaving/Maildir/cur/\$n; done"
	}
	full
	places mail1.lan cl-userdel --yes -r leaving >"$BATS_TEST_TMPDIR/places"
	[ -z "$(entries_of leaving)" ]
	while read -r name nth <&3; do
		full
		killed mail1.lan "$name" "$nth" cl-userdel --yes -r leaving
		# It may have been killed when all was done.
		run on mail1.lan cl-userdel --yes -r leaving
		[ "$status" -eq 0 ] || [ "$status" -eq 67 ] || fail "killed at $name $nth: $output"
		[ -z "$(entries_of leaving)" ] || fail "killed at $name $nth: an entry is left"
		run -1 on mail1.lan sh -c "ls -A $mail | grep leaving"
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
}

@test "cl-userdel --hold" {
	local name nth
	staying() {
		on mail1.lan cl-userdel -q --release "kept@$domain"
		on mail1.lan cl-useradd -q -e "kept@$domain" kept mail
	}
	# held: without the time, which differs.
	held() {
		entries_of kept | grep -v '^mailReplHeldUntil: 2'
	}
	staying
	places mail1.lan cl-userdel --hold 9 kept >"$BATS_TEST_TMPDIR/places"
	held >"$BATS_TEST_TMPDIR/want"
	grep -q '^mailReplAccess: gone' "$BATS_TEST_TMPDIR/want"
	while read -r name nth <&3; do
		staying
		killed mail1.lan "$name" "$nth" cl-userdel --hold 9 kept
		on mail1.lan cl-userdel --hold 9 kept
		diff "$BATS_TEST_TMPDIR/want" <(held) || fail "killed at $name $nth"
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
	on mail1.lan cl-userdel --release kept
}

@test "cl-backup -r" {
	local name nth
	add_user mail1.lan victim
	on mail1.lan cl-backup
	owned mail1.lan Mail >"$BATS_TEST_TMPDIR/want"
	owned mail1.lan Unix >>"$BATS_TEST_TMPDIR/want"
	lose() {
		as_root mail1.lan ldapdelete "uid=victim,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl" \
			"uid=victim,cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl"
	}
	lose
	places mail1.lan cl-backup -r --authoritative --yes >"$BATS_TEST_TMPDIR/places"
	while read -r name nth <&3; do
		lose
		killed mail1.lan "$name" "$nth" cl-backup -r --authoritative --yes
		on mail1.lan cl-backup -r --authoritative --yes
		diff "$BATS_TEST_TMPDIR/want" <(owned mail1.lan Mail; owned mail1.lan Unix) || fail "killed at $name $nth"
		nothing_left mail1.lan
	done 3<"$BATS_TEST_TMPDIR/places"
	enough_killed
}

@test "after all this the domain is whole: no host is behind, mail flows" {
	local host
	for host in mail1.lan mail2.lan relay.lan; do on "$host" cl-rebuild; done
	run -0 on mail1.lan cl-replication -l
	[[ $output != *behind* && $output != *invited* && $output != *unknown* ]]
	add_user mail2.lan survivor
	for host in mail1.lan mail2.lan relay.lan; do eventually 20 knows "$host" "survivor@$domain"; done
	submit relay.lan "survivor@$domain" still-alive
	await_message mail2.lan survivor still-alive
}
