#!/usr/bin/env bats
# A user's life after the first day: addresses, names, forwarding, locks, passwords, and the end; with mail before, during and after.

load e2e

hosts=(mail1.lan mail2.lan relay.lan)
mailboxes=/var/lib/mailrepl/mail

setup_file() {
	e2e_domain
	add_user mail1.lan anna
	add_user mail2.lan bert
	add_user mail1.lan carl
	all_know "anna@$domain"
	all_know "bert@$domain"
	all_know "carl@$domain"
}

teardown_file() {
	e2e_down
}

all_know() {
	local host
	for host in "${hosts[@]}"; do eventually 30 knows "$host" "$1"; done
}

all_answer() {
	local host
	for host in "${hosts[@]}"; do eventually 30 rcpt_code_is "$host" "$1" "$2"; done
}

# all_say ADDRESS WORDS: what a client is told at RCPT.
says() {
	on "$client" swaks --server "$1" --helo "$client" --to "$2" --from someone@outside.test --quit-after RCPT \
		--timeout 20 2>&1 | grep -qF "$3"
}

logs_in() {
	imap "$1" "$2" "" >/dev/null 2>&1
}

# refused STATUS WORDS HOST COMMAND…: with that status and message, and nothing was written there.
refused() {
	local status_wanted=$1 words=$2 host=$3 before
	shift 3
	before=$(owned "$host" Mail; owned "$host" Unix || :)
	run "-$status_wanted" on "$host" "$@"
	[[ $output == *"$words"* ]] || fail "$* says: $output" || return 1
	[ "$before" = "$(owned "$host" Mail; owned "$host" Unix || :)" ] || fail "$* has written"
}

@test "an alias is added and taken away on every host, and logs in as long as it is there" {
	on mail1.lan cl-usermod --add-alias "a.smith@$domain" anna
	all_know "a.smith@$domain"
	submit relay.lan "a.smith@$domain" by-the-alias
	await_message mail1.lan anna by-the-alias
	eventually 10 logs_in mail2.lan "a.smith@$domain"
	run -0 on mail1.lan cl-usermod --add-alias "a.smith@$domain" anna
	[[ $output == *"nothing to do"* ]]
	on mail1.lan cl-usermod --remove-alias "a.smith@$domain" anna
	all_answer "a.smith@$domain" 550
	run ! logs_in mail1.lan "a.smith@$domain"
	all_know "anna@$domain"
	run -0 on mail1.lan cl-usermod --remove-alias "a.smith@$domain" anna
	[[ $output == *"nothing to do"* ]]
}

@test "a renamed user logs in by the new name, finds the mail of before, and gets mail for both addresses" {
	submit relay.lan "anna@$domain" before-the-rename
	await_message mail1.lan anna before-the-rename
	on mail1.lan cl-usermod -l eva --add-alias "eva@$domain" anna
	all_know "eva@$domain"
	all_know "anna@$domain"
	submit mail2.lan "eva@$domain" to-the-new-name
	submit relay.lan "anna@$domain" to-the-old-name
	await_message mail1.lan eva to-the-new-name
	await_message mail1.lan eva to-the-old-name
	has_messages mail1.lan eva before-the-rename 1
	eventually 10 has_messages mail2.lan eva before-the-rename 1
	run ! logs_in mail1.lan anna
	run -0 on mail1.lan cl-usermod -l eva --add-alias "eva@$domain" anna
	[[ $output == *"nothing to do"* ]]
	run -67 on mail1.lan cl-usermod -L anna
	# Whoever gets the old name gets none of the mail.
	on mail1.lan cl-usermod --remove-alias "anna@$domain" eva
	all_answer "anna@$domain" 550
	add_user mail1.lan anna
	all_know "anna@$domain"
	has_messages mail1.lan anna before-the-rename 0
	owned mail1.lan Mail | grep -q "^mailRoutingAddress: anna-2@mail1.lan"
}

@test "a forward keeps a copy, or does not, or ends; across hosts" {
	on mail1.lan cl-usermod --forward "bert@$domain" carl
	submit relay.lan "carl@$domain" with-copy
	await_message mail2.lan bert with-copy
	await_message mail1.lan carl with-copy
	on mail1.lan cl-usermod --no-copy carl
	submit mail2.lan "carl@$domain" without-copy
	await_message mail2.lan bert without-copy
	run -0 on mail1.lan cl-usermod --json --forward none carl
	on mail1.lan cl-usermod --forward none carl
	submit mail1.lan "carl@$domain" not-forwarded
	await_message mail1.lan carl not-forwarded
	has_messages mail1.lan carl without-copy 0
	has_messages mail2.lan bert not-forwarded 0
}

@test "a forward that cannot be is refused: outside, to oneself, in a circle, to nobody" {
	refused 65 "does not leave this intranet" mail1.lan cl-usermod --forward someone@outside.test carl
	refused 65 "themselves" mail1.lan cl-usermod --forward "carl@$domain" carl
	refused 65 "nobody has this address" mail1.lan cl-usermod --forward "nobody@$domain" carl
	on mail2.lan cl-usermod --forward "carl@$domain" bert
	eventually 10 refused 65 "leads back to carl" mail1.lan cl-usermod --forward "bert@$domain" carl
	on mail2.lan cl-usermod --forward none bert
}

@test "a locked user does not log in, and mail is accepted, deferred or refused, as chosen" {
	logs_in mail1.lan carl
	on mail1.lan cl-usermod -L carl
	run ! logs_in mail1.lan carl
	run ! logs_in mail2.lan carl
	all_know "carl@$domain"
	submit relay.lan "carl@$domain" while-locked
	on mail1.lan cl-usermod -L --while-locked defer carl
	all_answer "carl@$domain" 450
	on mail1.lan cl-usermod -L --while-locked refuse carl
	all_answer "carl@$domain" 550
	eventually 10 says relay.lan "carl@$domain" 5.2.1
	on mail1.lan cl-usermod -U carl
	all_answer "carl@$domain" 250
	eventually 10 logs_in mail1.lan carl
	await_message mail1.lan carl while-locked
}

@test "the home changes another host's user; others are told where to do it" {
	on mail1.lan cl-usermod --add-alias "b2@$domain" bert
	all_know "b2@$domain"
	submit relay.lan "b2@$domain" changed-from-home
	await_message mail2.lan bert changed-from-home
	on mail1.lan cl-usermod -l berta bert
	eventually 10 logs_in mail2.lan berta
	on mail1.lan cl-usermod -l bert berta
	refused 77 "mail1.lan itself" mail2.lan cl-usermod --add-alias "x@$domain" carl
	refused 77 "relay.lan does not administer" relay.lan cl-usermod --add-alias "x@$domain" carl
	refused 77 "mail1.lan itself" mail2.lan cl-userdel carl
	refused 77 "mail1.lan itself" mail2.lan cl-passwd -P carl </dev/null
	refused 77 "run cl-userdel -r there" mail1.lan cl-userdel --yes -r bert
}

@test "wrong input is named, and nothing is written" {
	refused 67 "no user nobody" mail1.lan cl-usermod -L nobody
	refused 65 "user name has" mail1.lan cl-usermod -L 'an*a'
	refused 65 "user name has" mail1.lan cl-usermod -l 'a)(uid=*' carl
	refused 73 "user anna: already owned by mail1.lan" mail1.lan cl-usermod -l anna carl
	refused 73 "user bert: already owned by mail2.lan" mail1.lan cl-usermod -l bert carl
	refused 73 "already owned by mail2.lan (mailbox bert)" mail1.lan cl-usermod --add-alias "bert@$domain" carl
	refused 65 "keeps at least one" mail1.lan cl-usermod --remove-alias "carl@$domain" carl
	refused 65 "unknown mail domain" mail1.lan cl-usermod -e carl@elsewhere.org carl
	refused 65 "role address" mail1.lan cl-usermod --add-alias "postmaster@$domain" carl
	refused 65 "is no size" mail1.lan cl-usermod --quota 5Z carl
	refused 65 "is not forwarded" mail1.lan cl-usermod --no-copy carl
	refused 64 "go without it" mail1.lan cl-usermod -e "carl@$domain" --add-alias "c2@$domain" carl
	refused 64 "exclude each other" mail1.lan cl-usermod -L -U carl
	refused 64 "goes with -L" mail1.lan cl-usermod --while-locked defer carl
	refused 64 "accept, defer or refuse" mail1.lan cl-usermod -L --while-locked now carl
	refused 64 "nothing to change" mail1.lan cl-usermod carl
	refused 67 "no user nobody" mail1.lan cl-userdel nobody
	refused 64 "1 to 36500" mail1.lan cl-userdel --hold -3 carl
	refused 64 "goes alone" mail1.lan cl-userdel --release "x@$domain" carl
	refused 64 "unix alone" mail1.lan cl-userdel -r carl unix
	refused 64 "--yes" mail1.lan cl-userdel -r carl
	refused 67 "no user nobody" mail1.lan cl-passwd nobody
}

@test "mail that keeps coming while its mailbox changes arrives, each message once" {
	local n sender
	(for n in {1..12}; do
		submit "${hosts[n % 3]}" "carl@$domain" "steady-$n-" || exit 1
	done) 3>&- &
	sender=$!
	for n in 1 2 3; do
		on mail1.lan cl-usermod --add-alias "c$n@$domain" carl
		on mail1.lan cl-usermod -l karl carl
		on mail1.lan cl-usermod --remove-alias "c$n@$domain" -l carl karl
	done
	wait "$sender"
	for n in {1..12}; do await_message mail1.lan carl "steady-$n-"; done
}

@test "commands at the same time, at one host and at two, leave no half state" {
	local n pids=() pid
	for n in 1 2 3; do
		on mail1.lan cl-usermod -q --add-alias "par$n@$domain" bert 3>&- & pids+=($!)
		on mail2.lan cl-usermod -q --add-alias "rap$n@$domain" bert 3>&- & pids+=($!)
		on mail1.lan cl-usermod -q --add-alias "tog$n@$domain" carl 3>&- & pids+=($!)
		add_user mail1.lan "crowd$n" 3>&- & pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	run -0 owned mail2.lan Mail
	[ "$(grep -cE '^mailLocalAddress: (par|rap)[123]@' <<<"$output")" = 6 ]
	run -0 owned mail2.lan Unix
	[ "$(grep -cE '^mail: (par|rap)[123]@' <<<"$output")" = 6 ]
	pids=()
	# Of a deletion and a change of one user either comes first: never an account without its route, or the other way round.
	for n in 1 2 3; do
		on mail1.lan cl-userdel -q "crowd$n" 3>&- & pids+=($!)
		{ on mail1.lan cl-usermod -q -l "other$n" "crowd$n" 3>&- || :; } & pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || :; done
	[ "$(owned mail1.lan Mail | grep -cE '^uid: (crowd|other)')" = "$(owned mail1.lan Unix | grep -cE '^uid: (crowd|other)')" ]
	run -0 owned mail1.lan Unix
	[ -z "$(grep '^uidNumber:' <<<"$output" | sort | uniq -d)" ]
}

@test "one address that two hosts give out at the same moment gets one owner, or none" {
	local n pids pid owners
	# both FIRST SECOND: at the same time; each may fail.
	for n in 1 2 3 4; do
		pids=()
		on mail1.lan cl-usermod -q --add-alias "race$n@$domain" carl 3>&- 2>/dev/null & pids+=($!)
		on mail2.lan cl-usermod -q --add-alias "race$n@$domain" bert 3>&- 2>/dev/null & pids+=($!)
		on mail1.lan cl-useradd -q -e "twins$n@$domain" "twins$n" mail 3>&- 2>/dev/null & pids+=($!)
		on mail2.lan cl-useradd -q -e "twins$n@$domain" "twins$n" mail 3>&- 2>/dev/null & pids+=($!)
		for pid in "${pids[@]}"; do wait "$pid" || :; done
		owners=$( (owned mail1.lan Mail; owned mail2.lan Mail) | grep -cx "mailLocalAddress: race$n@$domain" || :)
		[ "$owners" -le 1 ] || fail "race$n has $owners owners"
		for base in Mail Unix; do
			owners=$( (owned mail1.lan $base; owned mail2.lan $base) | grep -cx "uid: twins$n" || :)
			[ "$owners" -le 1 ] || fail "twins$n has $owners owners in $base"
		done
	done
	# What the race has given to nobody can be had afterwards.
	for n in 1 2 3 4; do
		retried() {
			on mail1.lan cl-usermod --add-alias "race$n@$domain" carl || [ $? -eq 73 ]
		}
		eventually 20 retried
	done
}

@test "a deleted user's addresses are held, then released; the mail is kept and nobody else's" {
	add_user mail1.lan dora -e "d2@$domain"
	all_know "d2@$domain"
	submit relay.lan "dora@$domain" before-the-end
	await_message mail1.lan dora before-the-end
	run -0 on mail1.lan cl-userdel --hold 30 dora
	all_answer "dora@$domain" 550
	local host
	for host in "${hosts[@]}"; do eventually 10 says "$host" "d2@$domain" "5.1.6"; done
	run ! logs_in mail1.lan dora
	run -0 on mail1.lan cl-userdel --hold 30 dora
	[[ $output == *"nothing to do"* ]]
	refused 73 "cl-userdel --release d2@$domain" mail2.lan cl-useradd -e "d2@$domain" dirk mail
	refused 73 "held at mail1.lan" mail1.lan cl-usermod --add-alias "d2@$domain" carl
	refused 77 "is held by mail1.lan" mail2.lan cl-userdel --release "d2@$domain"
	# The name is free at once.
	on mail1.lan cl-useradd -P -e "d3@$domain" dora mail <<<"$password"
	all_know "d3@$domain"
	has_messages mail1.lan dora before-the-end 0
	on mail1.lan cl-userdel --release dora
	all_answer "d2@$domain" 550
	eventually 10 says relay.lan "d2@$domain" 5.1.1
	run -0 on mail1.lan cl-userdel --release dora
	[[ $output == *"nothing to do"* ]]
	on mail2.lan cl-useradd -P -e "d2@$domain" dirk mail <<<"$password"
	all_know "d2@$domain"
	submit relay.lan "d2@$domain" to-the-next
	await_message mail2.lan dirk to-the-next
	on mail1.lan grep -rq before-the-end "$mailboxes/dora"
}

@test "a hold that has ended is in nobody's way, at whichever host it lies" {
	add_user mail2.lan emil
	all_know "emil@$domain"
	on mail1.lan cl-userdel --hold 1 emil
	as_root mail2.lan ldapmodify >/dev/null <<-END
		dn: uid=emil,cn=mail2.lan,ou=Mail,ou=Owned,dc=mailrepl
		changetype: modify
		replace: mailReplHeldUntil
		mailReplHeldUntil: 20200101000000Z
	END
	ended() {
		on mail1.lan cl-useradd -n -e "emil@$domain" emil2 mail
	}
	eventually 20 ended
	run -0 on mail1.lan cl-useradd -P -e "emil@$domain" emil2 mail <<<"$password"
	all_know "emil@$domain"
	submit relay.lan "emil@$domain" after-the-hold
	await_message mail1.lan emil2 after-the-hold
}

@test "one service goes: the mailbox, with the account left; or the shell, with the mailbox left" {
	on mail1.lan cl-useradd -P -e "fritz@$domain" fritz mail unix <<<"$password"
	all_know "fritz@$domain"
	on mail1.lan cl-userdel fritz unix
	owned mail1.lan Unix | awk -v RS= '/^dn: uid=fritz,/' | grep -q '^loginShell: /usr/sbin/nologin'
	logs_in mail1.lan fritz
	on mail1.lan cl-userdel fritz mail
	all_answer "fritz@$domain" 550
	owned mail1.lan Unix | awk -v RS= '/^dn: uid=fritz,/' >"$BATS_TEST_TMPDIR/fritz"
	grep -q '^uid: fritz' "$BATS_TEST_TMPDIR/fritz"
	run ! grep -E '^(mail|mailRoutingAddress):' "$BATS_TEST_TMPDIR/fritz"
	on mail1.lan cl-userdel fritz unix
	run ! grep -q '^uid: fritz' <(owned mail1.lan Unix)
}

@test "-r removes the mail, and no link that lies in it leads it elsewhere" {
	add_user mail1.lan gabi
	all_know "gabi@$domain"
	submit relay.lan "gabi@$domain" to-be-removed
	await_message mail1.lan gabi to-be-removed
	on mail1.lan sh -c "mkdir -p /root/precious && echo gold >/root/precious/gold && ln -s /root/precious $mailboxes/gabi/link"
	run -0 on mail1.lan cl-userdel --dry-run --json -r gabi
	[ "$(jq .user.mail_messages <<<"$output")" = 1 ]
	on mail1.lan test -d "$mailboxes/gabi"
	on mail1.lan cl-userdel --yes -r gabi
	run -1 on mail1.lan sh -c "ls -d $mailboxes/gabi $mailboxes/.removed-* 2>/dev/null | grep ."
	on mail1.lan test -s /root/precious/gold
	all_answer "gabi@$domain" 550
	# A mailbox that is itself a link.
	add_user mail1.lan hugo
	on mail1.lan ln -s /root/precious "$mailboxes/hugo"
	on mail1.lan cl-userdel --yes -r hugo
	on mail1.lan test -s /root/precious/gold
	on mail1.lan test ! -L "$mailboxes/hugo"
}

@test "root sets a password, everybody changes their own, and nobody another's" {
	on mail1.lan cl-passwd -P carl <<<"another-good-one"
	password=another-good-one logs_in mail1.lan carl
	run ! logs_in mail1.lan carl
	refused 65 "8 (password.min_length)" mail1.lan cl-passwd -P carl <<<"short"
	refused 65 "holds the user's name" mail1.lan cl-passwd -P carl <<<"i-am-Carl-you-know"
	refused 65 "is empty" mail1.lan cl-passwd -P carl <<<""
	on mail1.lan cl-passwd -P bert <<<"set-from-home"
	password=set-from-home eventually 10 logs_in mail2.lan bert
	on mail2.lan cl-passwd -P bert <<<"$password"
	local host
	for host in mail1.lan mail2.lan; do on "$host" sh -c 'useradd -m carl; useradd -m stranger'; done
	own() {
		# shellcheck disable=SC2016 # for that shell to expand
		on "$1" su -s /bin/sh "$2" -c 'cl-passwd -P'
	}
	run -77 own mail1.lan carl < <(printf '%s\n' wrong-password my-own-choice)
	[[ $output == *"not the password of carl"* ]]
	run -77 own mail2.lan carl < <(printf '%s\n' another-good-one my-own-choice)
	run -77 own mail1.lan stranger < <(printf '%s\n' another-good-one my-own-choice)
	run -65 own mail1.lan carl < <(printf '%s\n' another-good-one short)
	password=another-good-one logs_in mail1.lan carl
	own mail1.lan carl < <(printf '%s\n' another-good-one my-own-choice)
	password=my-own-choice logs_in mail1.lan carl
	run -77 on mail1.lan su -s /bin/sh carl -c 'cl-passwd -P bert' < <(printf '%s\n' my-own-choice my-own-choice)
	[[ $output == *"another user"* ]]
	on mail1.lan cl-usermod -L carl
	run -77 own mail1.lan carl < <(printf '%s\n' my-own-choice third-choice)
	on mail1.lan cl-usermod -U carl
	on mail1.lan cl-passwd -P carl <<<"$password"
}

@test "with a password one changes that password and nothing else, and reads nothing" {
	local dn="uid=carl,cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl" try
	as_carl() {
		on mail1.lan su -s /bin/sh carl -c "ldap$1 -x -H ldapi://%2Frun%2Fmailrepl%2Fldapi -D '$dn' -w '$password' ${*:2}"
	}
	run -0 as_carl whoami
	run as_carl search -b "$dn" -s base
	[[ $output != *uidNumber* && $output != *userPassword* ]]
	run as_carl search -b ou=Unix,dc=mailrepl
	[[ $output != *uidNumber* ]]
	for try in "$dn|uidNumber: 0" "$dn|mailRoutingAddress: eva@mail1.lan" "uid=eva,${dn#*,}|userPassword: x" "$dn|mailReplLocked: FALSE"; do
		attribute=${try#*|} attribute=${attribute%%:*}
		run ! as_carl modify < <(printf 'dn: %s\nchangetype: modify\nreplace: %s\n%s\n' "${try%%|*}" \
			"$attribute" "${try#*|}")
		[[ $output == *"Insufficient access"* ]]
	done
}

@test "nothing was bounced, every copy is like its owner" {
	local host
	no_bounces "${hosts[@]}"
	for host in "${hosts[@]}"; do eventually 20 queue_is_empty "$host"; done
	run -0 on mail1.lan cl-replication --verify
	run -0 on mail1.lan cl-replication --clashes
}
