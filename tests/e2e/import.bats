# Many users at once: checked, written, everywhere, also when killed.
load e2e

setup_file() {
	e2e_domain
	cat >"$BATS_FILE_TMPDIR/make" <<'SCRIPT'
#!/bin/sh
# make PREFIX COUNT HASH: a file of users.
awk -v p="$1" -v n="$2" -v h="$3" 'BEGIN {
	printf "user,addresses,full_name,hash\n"
	for (i = 0; i < n; i++)
		printf "%s%d,%s%d@maildomain.org %s.%d@maildomain.org,\"Person, %d\",%s\n", p, i, p, i, p, i, i, h }'
SCRIPT
	hash='{CRYPT}'$(openssl passwd -6 -salt abcdefgh "$password")
	export hash
}

teardown_file() {
	e2e_down
}

# put PREFIX COUNT: the file of these users on mail1.lan.
put() {
	sh "$BATS_FILE_TMPDIR/make" "$1" "$2" "$hash" | on mail1.lan sh -c 'umask 077; cat >/root/$1.csv' sh "$1"
}

# counts PREFIX NUMBER: of routes and of accounts of that name in what mail1.lan owns.
counts() {
	local base
	for base in Mail Unix; do
		[ "$(as_root mail1.lan ldapsearch -LLL -o ldif-wrap=no -E pr=1000/noprompt \
			-b "cn=mail1.lan,ou=$base,ou=Owned,dc=mailrepl" "(objectClass=inetLocalMailRecipient)" 1.1 |
			grep -c "^dn: uid=$1[0-9]")" = "$2" ] || fail "$base has not $2 of $1" || return 1
	done
}

all_equal() {
	on mail1.lan cl-replication --verify >"$BATS_FILE_TMPDIR/verify" && ! grep -qE 'behind|differ' "$BATS_FILE_TMPDIR/verify"
}

no_number_twice() {
	[ -z "$(owned mail1.lan Unix | sed -n 's/^uidNumber: //p' | sort | uniq -d)" ]
}

@test "two thousand users come while mail flows, nobody is refused, and all hosts have them" {
	add_user mail1.lan before
	put many 2000
	# An old recipient, asked for all the time at another host and at this one.
	(
		until [ -e "$BATS_FILE_TMPDIR/done" ]; do
			rcpt_code mail1.lan "before@$domain"
			rcpt_code relay.lan "before@$domain"
		done >"$BATS_FILE_TMPDIR/codes"
	) 3>&- &
	run -0 on mail1.lan cl-useradd --json --import /root/many.csv
	touch "$BATS_FILE_TMPDIR/done"
	wait
	[[ $output == *'"added": 2000'* ]]
	run ! grep -q '^5' "$BATS_FILE_TMPDIR/codes"
	counts many 2000
	eventually 60 all_equal
	rcpt_code_is mail1.lan "many1999@$domain" 250
	rcpt_code_is relay.lan "many.1999@$domain" 250
	submit relay.lan "many7@$domain" imported
	await_message mail1.lan many7 imported
	has_messages mail2.lan many7 imported 1
	no_number_twice
}

@test "a second import of the same file changes nothing" {
	state mail1.lan exact >"$BATS_TEST_TMPDIR/before"
	run -0 on mail1.lan cl-useradd --json --import /root/many.csv
	[[ $output == *'"unchanged": 2000'* ]]
	diff "$BATS_TEST_TMPDIR/before" <(state mail1.lan exact)
}

@test "each bad line is named, and nothing is written; with --partial the good ones are" {
	on mail1.lan sh -c 'umask 077; cat >/root/bad.csv' <<-END
		user,addresses,host,quota
		good1,good1@$domain,,1G
		Bad,bad@$domain,,
		good2,x@nowhere.test,,
		good3,many5@$domain,,
		good4,good1@$domain,,
		good5,good5@$domain,mail9.lan,
		many3,else@$domain,,
		good6,good6@$domain,mail2.lan,
	END
	state mail1.lan exact >"$BATS_TEST_TMPDIR/before"
	run -65 on mail1.lan cl-useradd --import /root/bad.csv
	local line
	for line in 3 4 5 6 7 8; do [[ $output == *"bad.csv:$line: "* ]] || fail "line $line: $output"; done
	[[ $output != *"bad.csv:2: "* ]]
	[[ $output == *"6 bad lines, nothing was written"* ]]
	diff "$BATS_TEST_TMPDIR/before" <(state mail1.lan exact)
	run -65 on mail1.lan cl-useradd --partial --import /root/bad.csv
	[[ $output == *"2 users added"*"6 bad lines"* ]]
	eventually 60 knows relay.lan "good1@$domain"
	eventually 60 knows relay.lan "good6@$domain"
	run -0 on mail1.lan cl-userlist --tsv good6
	[[ $output == *mail2.lan* ]]
}

@test "passwords are hashed, and a file that others may read is warned of" {
	printf '{"user":"json1","addresses":["json1@%s"],"password":"%s"}\n' "$domain" "$password" |
		on mail1.lan sh -c 'cat >/root/j.jsonl; chmod 644 /root/j.jsonl'
	run -0 on mail1.lan cl-useradd --import /root/j.jsonl
	[[ $output == *"others may read it"* ]]
	[[ $output != *"$password"* ]]
	eventually 60 imap mail1.lan json1 ""
}

@test "an import that is killed is completed by the next" {
	local n=0 name nth
	put kill 600
	E2E_LEAKS=0 on mail1.lan strace -qq -o /root/trace cl-useradd --import /root/kill.csv >&2
	# Where it changes something, evenly: files made, databases exchanged, slapd stopped and started.
	on mail1.lan awk -F '(' '$1 ~ /^(renameat2|unlink|unlinkat|fsync|clone3|vfork|clone|pidfd_send_signal|copy_file_range|sendto|write)$/ {
		seen[$1]++; row[++rows] = $1 " " seen[$1] }
		END { for (i = 1; i <= rows; i++) if (row[i] ~ /^renameat2/ || i % (int(rows / 8) + 1) == 0) print row[i] }' \
		/root/trace >"$BATS_TEST_TMPDIR/places"
	[ "$(grep -c '^renameat2' "$BATS_TEST_TMPDIR/places")" -ge 4 ]
	while read -r name nth <&3; do
		n=$((n + 1))
		put "k$n-" 600
		E2E_LEAKS=0 run on mail1.lan strace -qq -o /dev/null -e trace="$name" -e inject="$name:signal=KILL:when=$nth" \
			cl-useradd --import "/root/k$n-.csv"
		[ "$status" = 137 ] || [ "$status" = 0 ] || fail "killed at $name $nth: status $status: $output"
		on mail1.lan cl-useradd --import "/root/k$n-.csv"
		counts "k$n-" 600 || fail "killed at $name $nth"
		on mail1.lan test ! -e /var/lib/mailrepl/db/.loading
	done 3<"$BATS_TEST_TMPDIR/places"
	no_number_twice
	eventually 90 all_equal
}

@test "one of few users, too" {
	local n=0 name nth
	put few 20
	E2E_LEAKS=0 on mail1.lan strace -qq -o /root/trace cl-useradd --import /root/few.csv >&2
	# Among what it tells slapd: the numbers, accounts, routes.
	on mail1.lan awk -F '(' '$1 == "sendto" { rows++ } END { for (i = 3; i <= rows; i += int(rows / 6) + 1) print "sendto", i }' \
		/root/trace >"$BATS_TEST_TMPDIR/places"
	while read -r name nth <&3; do
		n=$((n + 1))
		put "f$n-" 20
		E2E_LEAKS=0 run on mail1.lan strace -qq -o /dev/null -e trace="$name" -e inject="$name:signal=KILL:when=$nth" \
			cl-useradd --import "/root/f$n-.csv"
		[ "$status" = 137 ] || fail "killed at $name $nth: status $status: $output"
		on mail1.lan cl-useradd --import "/root/f$n-.csv"
		counts "f$n-" 20 || fail "killed at $name $nth"
	done 3<"$BATS_TEST_TMPDIR/places"
	[ "$n" -ge 5 ]
	no_number_twice
}

@test "what is exported is imported elsewhere and is the same there" {
	on mail1.lan cl-userlist --export /root/all.csv --with-hashes
	[ "$(on mail1.lan stat -c %a /root/all.csv)" = 600 ]
	on mail1.lan cl-userlist --export /root/bare.csv
	run ! on mail1.lan grep -q CRYPT /root/bare.csv
	on mail1.lan sh -c "grep -E '^(user|many|json)' /root/all.csv | sort >/root/some.csv; sed -i '/^user,/d; 1i\\
$(on mail1.lan head -n 1 /root/all.csv | tr -d '\r')' /root/some.csv"
	# Another domain, at home on the host outside.
	without_dns "$client"
	on "$client" cl-setup mail "$domain"
	on "$client" cl-setup unix
	lab copy mail1.lan:/root/some.csv "$client:/root/"
	on "$client" sh -c "sed -i 's/,mail1.lan,/,$client,/' /root/some.csv; chmod 600 /root/some.csv"
	on "$client" cl-useradd --import /root/some.csv
	on "$client" cl-userlist --export /root/back.csv --with-hashes
	on "$client" sh -c 'tr -d "\r" </root/some.csv | sort >/root/a; tr -d "\r" </root/back.csv | sort >/root/b; diff /root/a /root/b'
}

@test "of two hosts that import the same users at the same moment at least one says so" {
	local first second=0
	put twin 40
	lab copy mail1.lan:/root/twin.csv mail2.lan:/root/twin.csv
	on mail2.lan cl-useradd -q --import /root/twin.csv 3>&- 2>"$BATS_TEST_TMPDIR/second" & first=$!
	run on mail1.lan cl-useradd -q --import /root/twin.csv
	wait $first || second=$?
	# 75: given out by the other, too; 65: it was seen before anything was written.
	[[ "$status $second" =~ 75|65 ]] || fail "$status $second: $output"
	[[ $output$(cat "$BATS_TEST_TMPDIR/second") == *"at the same moment"* || $output$(cat "$BATS_TEST_TMPDIR/second") == *"bad lines"* ]]
}
