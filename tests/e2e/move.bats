#!/usr/bin/env bats
# A mailbox moves to another host while mail keeps coming: nothing is lost, doubled or refused, also if hosts and processes die.

load e2e

servers=(mail1.lan mail2.lan)
hosts=(mail1.lan mail2.lan relay.lan)
outbox=/var/tmp/soak
mail=/var/lib/mailrepl/mail

setup_file() {
	e2e_domain
	local user host
	for user in mover small torn quits cutoff; do add_user mail1.lan "$user"; done
	for user in mover small torn quits cutoff; do
		for host in "${hosts[@]}"; do eventually 60 knows "$host" "$user@$domain"; done
	done
	lab copy "$BATS_TEST_DIRNAME/../soak/sender" "$client:/var/tmp/sender"
	# Who connects to a host that is off learns it in seconds, not in minutes.
	on "$client" sh -c "mkdir -p $outbox; echo 2 >/proc/sys/net/ipv4/tcp_syn_retries"
	for host in "${servers[@]}"; do on "$host" sh -c 'echo 2 >/proc/sys/net/ipv4/tcp_syn_retries'; done
}

teardown_file() {
	e2e_down
}

# seed HOST USER COUNT: so many messages in the mailbox, as a delivery leaves them.
seed() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" bash -ec 'folder=$1/$2/Maildir; mkdir -p "$folder"/{new,cur,tmp}
		for ((i = 1; i <= $3; i++)); do
			printf "Message-ID: <%d.seed.soak@outside.test>\nFrom: x@outside.test\nSubject: seed\n\nseed %d\n" $i $i \
				>"$folder/new/1700000000.M${i}P1.seed"
		done
		chown -R vmail:vmail "$1/$2"; chmod 700 "$1/$2"' sh "$mail" "$2" "$3"
}

# imap_do SERVER USER PATH COMMAND
imap_do() {
	on "$1" curl -sS --max-time 60 --cacert /etc/mailrepl/tls/ca.crt -u "$2:$password" -X "$4" "imaps://$1/$3" >&2
}

# contents HOST USER: a line for each folder and each message of the seed: UIDVALIDITY, UIDs, GUIDs, flags.
contents() {
	on "$1" doveadm -f tab mailbox status -u "$2" uidvalidity '*' | sort
	on "$1" doveadm -f tab fetch -u "$2" 'mailbox uid guid flags' header Message-ID seed.soak | sed 's/ *\\Recent//' | sort
}

# ids HOST USER: the Message-IDs in all folders, sorted.
ids() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'find "$1/$2/Maildir" -type f \( -path "*/cur/*" -o -path "*/new/*" \) -exec grep -him1 "^message-id:" {} + |
		sed "s/.*<//; s/>.*//" | sort' sh "$mail" "$2"
}

start_senders() {
	local host
	echo "$1@$domain" | on "$client" sh -c "rm -f $outbox/*; cat >$outbox/recipients"
	for host in "${hosts[@]}"; do
		on "$client" setsid bash /var/tmp/sender "$host" "$outbox" 0.1 "someone@outside.test" </dev/null >/dev/null 2>&1 3>&- &
	done
}

senders_have_ended() {
	[ "$(on "$client" sh -c "ls $outbox | grep -c ^ended")" = 3 ]
}

# stop_senders: returns when everything that they had begun was taken.
stop_senders() {
	on "$client" touch "$outbox/stop"
	eventually 90 senders_have_ended
}

no_queues() {
	local host
	for host in "${hosts[@]}"; do
		on "$host" postqueue -f
		queue_is_empty "$host" || return 1
	done
}

# all_arrived HOST USER FILE: the ids in FILE and all that the senders sent, each once, and nothing refused. With unique=-u a
# message may be there twice: a server that dies between taking one and saying so gets it again.
all_arrived() {
	eventually 60 no_queues
	on "$client" sh -c "cat $outbox/sent.*" | cut -d ' ' -f 1 | sort ${unique:+"$unique"} - "$3" >"$BATS_TEST_TMPDIR/want"
	eventually 30 same_ids "$1" "$2"
	run ! on "$client" sh -c "cat $outbox/refused.*"
	no_bounces "${hosts[@]}"
}

same_ids() {
	diff "$BATS_TEST_TMPDIR/want" <(ids "$1" "$2" | sort ${unique:+"$unique"}) >"$BATS_TEST_TMPDIR/diff" || { head -5 "$BATS_TEST_TMPDIR/diff" >&2; return 1; }
}

# entry HOST USER: what that host's copy says of the user's routes and accounts.
entry() {
	local base
	for base in Mail Unix; do
		as_root "$1" ldapsearch -LLL -o ldif-wrap=no -b "ou=$base,dc=mailrepl" "uid=$2" \
			mailLocalAddress mailHost mailRoutingAddress mailReplForward mailReplFormerAddress mailReplMove uidNumber userPassword 2>/dev/null || : # a relay has no accounts
	done
}

# phase USER: how far the move is, as the old owner's or another's entry says.
phase() {
	entry relay.lan "$1" | sed -n 's/^mailReplMove: [^ ]* \([a-z]*\).*/\1/p' | head -n 1
}

phase_is() {
	[ "$(phase "$1")" = "$2" ]
}

# is_at USER HOST: it has arrived, for every host: one route, one account, and the old owner's former entry.
is_at() {
	local host found
	for host in "${hosts[@]}"; do
		found=$(entry "$host" "$1")
		[ "$(grep -c "^mailLocalAddress: $1@$domain" <<<"$found")" = 1 ] || return 1
		grep -q "^mailRoutingAddress: $1@$2" <<<"$found" || return 1
	done
}

# bats leaves a background job's output open: it would wait for it.
move_in_background() {
	on "$1" cl-usermod --host "$2" "$3" </dev/null >/dev/null 2>&1 3>&- &
}

kill_workers() {
	local host
	for host in "${servers[@]}"; do on "$host" pkill -9 -x mailrepl-move || :; done
}

@test "a mailbox of 1,000 messages moves while mail comes through all hosts: each message is there once, none was refused" {
	seed mail1.lan mover 1000
	imap_do mail1.lan mover "" 'CREATE Work'
	imap_do mail1.lan mover INBOX 'COPY 1:20 Work'
	# shellcheck disable=SC2016 # that is its name
	imap_do mail1.lan mover INBOX 'STORE 5:50 +FLAGS (\Seen \Flagged $Label1)'
	contents mail1.lan mover >"$BATS_FILE_TMPDIR/before"
	ids mail1.lan mover >"$BATS_FILE_TMPDIR/seeds"
	[ "$(wc -l <"$BATS_FILE_TMPDIR/seeds")" = 1020 ]
	entry mail1.lan mover | grep -E '^(uidNumber|userPassword)' >"$BATS_FILE_TMPDIR/account"
	start_senders mover
	run -0 on mail1.lan cl-usermod --host mail2.lan mover
	stop_senders
	is_at mover mail2.lan
	all_arrived mail2.lan mover "$BATS_FILE_TMPDIR/seeds"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/want")" -gt 1030 ]
}

@test "UIDVALIDITY, UIDs, flags and folders are as they were" {
	diff "$BATS_FILE_TMPDIR/before" <(contents mail2.lan mover)
	grep -q Label1 "$BATS_FILE_TMPDIR/before"
	[ "$(grep -c ^Work "$BATS_FILE_TMPDIR/before")" = 21 ]
}

@test "the account keeps its number and password, and logs in at the new owner through any host" {
	diff "$BATS_FILE_TMPDIR/account" <(entry mail2.lan mover | grep -E '^(uidNumber|userPassword)')
	[ "$(count_messages mail1.lan mover seed)" = 1000 ]
	[ "$(count_messages mail2.lan mover seed)" = 1000 ]
	on mail2.lan grep -q 'imap.*mover@mail2.lan' /var/log/syslog
}

@test "mail for the old real address goes to the new owner, and what was known everywhere is forgotten" {
	eventually 30 phase_is mover kept
	run ! grep -q "mailReplFormerAddress: mover@$domain" <(entry mail1.lan mover)
	entry mail1.lan mover | grep -q "mailReplFormerAddress: mover@mail1.lan"
	submit_locally mail1.lan mover@mail1.lan late-here
	submit_locally mail2.lan mover@mail1.lan late-there
	await_message mail2.lan mover late-here
	await_message mail2.lan mover late-there
}

@test "the second run has nothing to do" {
	run -0 on mail1.lan cl-usermod --host mail2.lan mover
	[[ $output == *"nothing to do"* ]]
}

@test "it moves back, from the other side, and the former entry gives way" {
	ids mail2.lan mover >"$BATS_TEST_TMPDIR/had"
	start_senders mover
	run -0 on mail2.lan cl-usermod --host mail1.lan mover
	stop_senders
	is_at mover mail1.lan
	all_arrived mail1.lan mover "$BATS_TEST_TMPDIR/had"
	[ "$(entry mail1.lan mover | grep -c '^mailReplFormerAddress: mover@mail1.lan')" = 0 ]
	submit_locally relay.lan "mover@$domain" home-again
	await_message mail1.lan mover home-again
}

@test "killed again and again at both hosts, it arrives" {
	local i
	seed mail1.lan torn 50
	ids mail1.lan torn >"$BATS_TEST_TMPDIR/had"
	start_senders torn
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		move_in_background mail1.lan mail2.lan torn
		sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
		kill_workers
		on mail1.lan pkill -9 -x cl-usermod || :
	done
	run -0 on mail1.lan cl-usermod --host mail2.lan torn
	stop_senders
	is_at torn mail2.lan
	all_arrived mail2.lan torn "$BATS_TEST_TMPDIR/had"
	eventually 30 phase_is torn kept
	[ "$(on mail2.lan sh -c "ls -d $mail/=torn* 2>/dev/null | wc -l")" = 0 ]
}

@test "given up before the flip, it stays and works" {
	seed mail1.lan quits 5
	lab cut mail2.lan
	move_in_background mail1.lan mail2.lan quits
	eventually 20 phase_is_here quits copying
	# As a kill between the record and the act leaves it.
	as_root mail1.lan ldapmodify >/dev/null <<-'END'
		dn: uid=quits,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
		changetype: modify
		replace: mailReplMove
		mailReplMove: mail2.lan held 7
	END
	run -0 on mail1.lan cl-usermod --abort quits
	lab heal mail2.lan
	[ -z "$(as_root mail1.lan ldapsearch -LLL -b "ou=Mail,dc=mailrepl" "(&(uid=quits)(mailReplMove=*))" mailReplMove)" ]
	submit_locally mail1.lan "quits@$domain" stayed
	await_message mail1.lan quits stayed
	[ "$(count_messages mail1.lan quits seed)" = 5 ]
}

phase_is_here() {
	as_root mail1.lan ldapsearch -LLL -b "ou=Mail,dc=mailrepl" "uid=$1" mailReplMove | grep -q "$2"
}

said() {
	on "$1" grep -q "$2" /var/log/waiting
}

@test "the command that waits says what the other host cannot do, and goes on when it can" {
	on mail2.lan sh -c 'mv /usr/bin/doveadm /root/; printf "#!/bin/sh\necho no room on this disk >&2; exit 75\n" >/usr/bin/doveadm; chmod 755 /usr/bin/doveadm'
	on mail1.lan sh -c 'exec cl-usermod --host mail2.lan quits >/var/log/waiting 2>&1' </dev/null 3>&- &
	eventually 60 said mail1.lan "quits: mail2.lan: .*no room on this disk"
	on mail2.lan mv /root/doveadm /usr/bin/doveadm
	wait $!
	is_at quits mail2.lan
	[ "$(on mail1.lan grep -c 'no room' /var/log/waiting)" = 1 ]
	# Back, for what follows.
	run -0 on mail2.lan cl-usermod --host mail1.lan quits
}

# ask HOST QUESTION: what mail1 answers, on the port where mailboxes are fetched, to who has that host's certificate.
ask() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'echo "mailrepl-move 1 $1" | openssl s_client -quiet -connect mail1.lan:3891 -verify_return_error \
		-CAfile /etc/mailrepl/tls/ca.crt $2 2>&1' sh "$2" "${3--cert /etc/mailrepl/tls/host.crt -key /etc/mailrepl/tls/host.key}"
}

is_open() {
	on relay.lan bash -c ': </dev/tcp/mail1.lan/3891' 2>/dev/null
}

is_closed() {
	! is_open
}

@test "the port is open only while there is something to give, and answers nobody but whom it is offered to" {
	eventually 60 is_closed
	lab cut mail2.lan
	move_in_background mail1.lan mail2.lan quits
	eventually 30 is_open
	run ask relay.lan "list quits"
	[[ $output == *"no relay.lan is no mail server"* ]] || fail "$output"
	run ask mail1.lan "sync quits"
	[[ $output == *"no quits is not offered to mail1.lan"* ]] || fail "$output"
	run ask relay.lan "list quits" ""
	[[ $output != *$'\nno '* && $output != *$'\nok'* ]] || fail "$output"
	run -0 on mail1.lan cl-usermod --abort quits
	lab heal mail2.lan
	eventually 60 is_closed
}

@test "each host loses its power in the middle, and it arrives" {
	local host
	seed mail1.lan cutoff 200
	ids mail1.lan cutoff >"$BATS_TEST_TMPDIR/had"
	start_senders cutoff
	for host in mail2.lan mail1.lan; do
		move_in_background mail1.lan mail2.lan cutoff
		eventually 30 phase_is_here cutoff mail2.lan
		lab kill "$host"
		lab start "$host"
	done
	await_gates "${hosts[@]}"
	run -0 on mail1.lan cl-usermod --host mail2.lan cutoff
	stop_senders
	is_at cutoff mail2.lan
	unique=-u all_arrived mail2.lan cutoff "$BATS_TEST_TMPDIR/had"
}

@test "with --remove-old the old mail is removed" {
	seed mail1.lan small 3
	run -0 on mail1.lan cl-usermod --remove-old --host mail2.lan small
	eventually 30 phase_is small kept
	run ! on mail1.lan test -e "$mail/=small.old"
	[ "$(count_messages mail1.lan small seed)" = 3 ]
}

# refused STATUS WORDS OPTION…: says so and changes nothing.
refused() {
	local status_wanted=$1 words=$2
	shift 2
	run -"$status_wanted" on mail1.lan cl-usermod "$@"
	[[ $output == *"$words"* ]] || fail "$output"
}

@test "refused: a relay, a host that is not there, an unknown user, without the right to offer; nothing to do: the same host" {
	refused 77 "is a relay" --host relay.lan quits
	refused 68 "not in the topology" --host mail9.lan quits
	refused 67 "no user" --host mail2.lan nobody
	refused 0 "nothing to do" --host mail1.lan quits
	refused 0 "nothing to do" --abort quits
	refused 64 "--abort" --host mail2.lan --abort quits
	# The new owner says where to run it.
	run -77 on mail2.lan cl-usermod --host mail2.lan quits
	[[ $output == *'run "cl-usermod --host mail2.lan quits" on mail1.lan, which has the mailbox'* ]] || fail "$output"
}
