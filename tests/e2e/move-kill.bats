#!/usr/bin/env bats
# A move is killed at its steps, at each host and in the command, and the command is run again: the mailbox arrives with each of
# its messages once, and nobody is refused.
#
# Every step: each change of an entry, each exchange of folders, and each line in the log that says that it was done
# (tests/e2e/fell.c, which is for programs without sanitizers). E2E_KILLS is how many of them are tried at each host; 1000 is all.

load e2e

kills=${E2E_KILLS:-4}
hosts=(mail1.lan mail2.lan relay.lan)
mail=/var/lib/mailrepl/mail
move=/usr/lib/mailrepl/mailrepl-move

setup_file() {
	local host
	E2E_LAYER=${E2E_PLAIN_LAYER:-$E2E_LAYER} e2e_domain
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -shared -fPIC -O2 -o "$BATS_FILE_TMPDIR/fell.so" "$BATS_TEST_DIRNAME/fell.c" -lldap -llber
	# The file /root/at is for the next worker: at which step it dies.
	for host in mail1.lan mail2.lan; do
		on "$host" sh -c 'cat >/root/fell.so' <"$BATS_FILE_TMPDIR/fell.so"
		on "$host" sh -c "mkdir /root/real && mv $move /root/real/ && cat >$move && chmod 755 $move" <<-'END'
			#!/bin/sh
			case $* in
			*" start") if mv /root/at /root/is-at 2>/dev/null; then
				FELL_AT=$(cat /root/is-at) FELL_TRACE=/root/steps LD_PRELOAD=/root/fell.so
				export FELL_AT FELL_TRACE LD_PRELOAD
			fi ;;
			esac
			exec /root/real/mailrepl-move "$@"
		END
	done
}

teardown_file() {
	e2e_down
}

# give USER…: mailboxes at mail1.lan, each with three messages and a folder.
give() {
	local user host
	{
		echo user,addresses
		printf '%s\n' "$@" | sed "s/.*/&,&@$domain/"
	} | on mail1.lan cl-useradd -q --import - 2>/dev/null
	on mail1.lan bash -ec 'for user in "${@:2}"; do
			folder=$1/$user/Maildir
			mkdir -p "$folder"/{new,cur,tmp} "$folder/.Work"/{new,cur,tmp}
			for i in 1 2 3; do
				printf "Message-ID: <%d.seed@outside.test>\nSubject: seed\n\nseed %d\n" $i $i >"$folder/new/1700000000.M${i}P1.seed"
			done
			cp "$folder/new/1700000000.M1P1.seed" "$folder/.Work/cur/1700000000.M9P1.seed:2,SF"
			chown -R vmail:vmail "$1/$user"; chmod 700 "$1/$user"
			doveadm mailbox status -u "$user" messages "*" >/dev/null
		done' sh "$mail" "$@"
	for host in "${hosts[@]}"; do eventually 60 knows "$host" "${*: -1}@$domain"; done
}

# contents HOST USER: folders, UIDVALIDITY, UIDs, GUIDs, flags.
contents() {
	on "$1" sh -c 'doveadm -f tab mailbox status -u "$1" uidvalidity "*" | sort
		doveadm -f tab fetch -u "$1" "mailbox uid guid flags" subject seed | sed "s/ *\\\\Recent//" | sort' sh "$2"
}

# ids HOST USER: the Message-IDs in all folders, sorted.
ids() {
	on "$1" sh -c 'find "$1/$2/Maildir" -type f \( -path "*/cur/*" -o -path "*/new/*" \) -exec grep -him1 "^message-id:" {} + | sed "s/.*<//; s/>.*//" | sort' sh "$mail" "$2"
}

# has_ids USER: at mail2.lan.
has_ids() {
	diff "$BATS_TEST_TMPDIR/want" <(ids mail2.lan "$1") >"$BATS_TEST_TMPDIR/diff"
}

route() {
	as_root mail2.lan ldapsearch -LLL -o ldif-wrap=no -b ou=Mail,dc=mailrepl "uid=$1" mailReplMove mailRoutingAddress
}

is_kept() {
	route "$1" | grep -q "^mailReplMove: mail2.lan kept"
}

in_background() {
	on "$@" </dev/null >/dev/null 2>&1 3>&- &
}

workers_gone() {
	! on "$1" pgrep -x mailrepl-move >/dev/null
}

end_workers() {
	local host
	for host in mail1.lan mail2.lan; do
		on "$host" sh -c 'rm -f /root/at; pkill -9 -x mailrepl-move; :'
		eventually 60 workers_gone "$host"
	done
}

# dies HOST STEP: its next worker will. 0: it does not, and lists its steps.
dies() {
	on "$1" sh -c 'rm -f /root/steps; echo "$1" >/root/at' sh "$2"
}

# fell HOST USER STEP: it has; or the move was over first.
fell() {
	[ "$(on "$1" sh -c 'cat /root/steps 2>/dev/null | wc -l')" -ge "$3" ] || is_kept "$2"
}

# places HOST: as many of its steps as are to be tried, evenly: "number name".
places() {
	on "$1" cat /root/steps | awk -v count="$kills" '{ row[NR] = $1 " " $2 }
		END { step = NR / count; if (step < 1) step = 1
			for (i = 1; i <= NR; i += step) print row[int(i)] }'
}

# arrives USER: the command is run again; all is there and as it was, and what came meanwhile, too.
arrives() {
	run -0 on mail1.lan cl-usermod --host mail2.lan "$1"
	[[ $(route "$1") == *"mailRoutingAddress: $1@mail2.lan"* ]] || fail "$(route "$1")"
	[ "$(route "$1" | grep -c ^mailRoutingAddress)" = 1 ] || fail "$(route "$1")"
	eventually 60 has_ids "$1" || fail "$1: $(cat "$BATS_TEST_TMPDIR/diff")"
	diff "$BATS_TEST_TMPDIR/before" <(contents mail2.lan "$1")
	eventually 60 is_kept "$1"
	run -0 on mail2.lan sh -c "ls $mail | grep '^=$1' || :"
	[ -z "$output" ] || fail "left at mail2.lan: $output"
	[ "$(owned mail1.lan Unix | grep -c "^uid: $1\$")" = 0 ]
}

# before USER: what has to arrive: what is there, and a message that comes while it moves.
before() {
	contents mail1.lan "$1" >"$BATS_TEST_TMPDIR/before"
	{
		ids mail1.lan "$1"
		echo "meanwhile.$1@outside.test"
	} | sort >"$BATS_TEST_TMPDIR/want"
}

# meanwhile USER: to the relay, which takes it at once; 4xx would be right too, and is tried again.
meanwhile() {
	local code
	code=$(on "$client" swaks --server relay.lan --helo "$client" --to "$1@$domain" --from someone@outside.test \
		--h-Message-Id "<meanwhile.$1@outside.test>" --h-Subject meanwhile --body meanwhile --timeout 30 2>&1 |
		awk '/^<[-~*]+ / { code = $2 } /^<[~*][~*] +[45]/ { print $2; exit }')
	[ -z "$code" ] || fail "refused with $code"
}

# try_worker HOST USER STEP NAME
try_worker() {
	before "$2"
	end_workers
	dies "$1" "$3"
	in_background mail1.lan cl-usermod --host mail2.lan "$2"
	meanwhile "$2"
	eventually 60 fell "$1" "$2" "$3"
	! on "$1" grep -q "^$3 " /root/steps || echo "$4" >>"$BATS_TEST_TMPDIR/killed"
	on mail1.lan pkill -9 -x cl-usermod || :
	end_workers
	arrives "$2" || fail "killed at $1, step $3 ($4): $2"
}

# try_all HOST PREFIX: all places of that host, a user for each.
try_all() {
	local step name users
	mapfile -t users < <(sed "s/ .*//; s/^/$2/" "$BATS_FILE_TMPDIR/$1")
	give "${users[@]}"
	while read -r step name <&3; do
		try_worker "$1" "$2$step" "$step" "$name"
	done 3<"$BATS_FILE_TMPDIR/$1"
	echo "# $1: killed at $(wc -l <"$BATS_TEST_TMPDIR/killed") of ${#users[@]} steps: $(sort "$BATS_TEST_TMPDIR/killed" | uniq -c | xargs)" >&3
	# A worker that comes later than another may find less to do.
	[ "$(wc -l <"$BATS_TEST_TMPDIR/killed")" -ge $((${#users[@]} / 2)) ]
	no_bounces "${hosts[@]}"
}

@test "undisturbed, and which steps the workers take" {
	local host
	give first
	before first
	end_workers
	for host in mail1.lan mail2.lan; do dies "$host" 0; done
	in_background mail1.lan cl-usermod --host mail2.lan first
	meanwhile first
	eventually 60 is_kept first
	for host in mail1.lan mail2.lan; do eventually 60 workers_gone "$host"; done
	arrives first
	for host in mail1.lan mail2.lan; do
		places "$host" >"$BATS_FILE_TMPDIR/$host"
		echo "# $host: $(on "$host" cat /root/steps | awk '{ print $2 }' | xargs)" >&3
		[ "$(on "$host" grep -cE 'audit|renameat2|modify|add' /root/steps)" -ge 5 ]
	done
}

@test "the new owner's worker dies" {
	try_all mail2.lan new
}

@test "the old owner's worker dies" {
	try_all mail1.lan old
}

@test "the command dies, and the workers go on or wait for it" {
	local name nth n=0
	give cmd0 cmd1 cmd2 cmd3
	before cmd0
	on mail1.lan strace -qq -o /root/command cl-usermod --host mail2.lan cmd0
	meanwhile cmd0
	arrives cmd0
	# Before and after the offer is written, and while it waits.
	while read -r name nth <&3; do
		n=$((n + 1))
		before "cmd$n"
		run on mail1.lan strace -qq -o /dev/null -e trace="$name" -e inject="$name:signal=KILL:when=$nth" cl-usermod --host mail2.lan "cmd$n"
		[ "$status" = 137 ] || fail "killed at $name $nth: status $status: $output"
		meanwhile "cmd$n"
		arrives "cmd$n"
	done 3< <(on mail1.lan cat /root/command | awk '{ split($1, call, "("); nth = ++seen[call[1]] }
		/^sendto\([0-9]+, "<21>/ && !said++ { print "sendto", nth - 1; print "sendto", nth }
		call[1] ~ /^(clone|clone3|vfork)$/ && said && !started++ { print call[1], nth }')
	[ "$n" = 3 ]
	no_bounces "${hosts[@]}"
}
