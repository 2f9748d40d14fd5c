#!/usr/bin/env bats
# A host dies for good while mailboxes are on their way to it and from it, and is taken over: each mailbox is somewhere, with the
# mail that there is, and what was held up is delivered.

load e2e

servers=(mail1.lan mail2.lan mail3.lan)
mail=/var/lib/mailrepl/mail
move=/usr/lib/mailrepl/mailrepl-move

setup_file() {
	local host user
	e2e_up "${servers[@]}" "$client"
	set_up_home
	for service in mail unix; do on mail1.lan cl-replication -r mail1.lan,mail2.lan,mail3.lan $service; done
	bring_archives mail2.lan mail3.lan
	for host in mail2.lan mail3.lan; do on "$host" cl-rebuild --repl; done
	for user in copied held given; do add_user mail1.lan "$user"; done
	for user in coming before; do add_user mail3.lan "$user"; done
	for user in copied held given coming before; do
		for host in "${servers[@]}"; do eventually 60 knows "$host" "$user@$domain"; done
	done
}

teardown_file() {
	e2e_down
}

# disarm HOST: it takes and gives nothing by itself.
disarm() {
	on "$1" sh -c "mkdir -p /root/real; mv $move /root/real/; printf '#!/bin/sh\nexit 0\n' >$move; chmod 755 $move"
}

arm() {
	on "$1" mv /root/real/mailrepl-move "$move"
}

offer() {
	on "$1" cl-usermod --host "$2" "$3" </dev/null >/dev/null 2>&1 3>&- &
}

# says_ok HOST FROM QUESTION: that host's worker allows what FROM's asks for.
says_ok() {
	# shellcheck disable=SC2016 # for that shell to expand
	[[ $(on "$2" sh -c 'echo "mailrepl-move 1 $1" | timeout 20 openssl s_client -quiet -connect $2:3891 -verify_return_error \
		-CAfile /etc/mailrepl/tls/ca.crt -cert /etc/mailrepl/tls/host.crt -key /etc/mailrepl/tls/host.key 2>/dev/null' sh "$3" "$1") == ok* ]]
}

move_of() {
	as_root mail1.lan ldapsearch -LLL -o ldif-wrap=no -b "ou=Mail,dc=mailrepl" "uid=$1" mailReplMove | sed -n 's/^mailReplMove: //p'
}

moves() {
	[ "$(move_of "$1")" = "$2" ]
}

# one_of USER HOST: one route and one account, there.
one_of() {
	local found
	found=$(on mail1.lan cl-userlist --tsv "$1*")
	[ "$(grep -c "$domain" <<<"$found")" = 1 ] && [[ $found == *"$2"* && $found != *"no route"* ]]
}

@test "one is copied, one held, one given away, when the host dies that they go to; mail for them waits" {
	local user
	disarm mail2.lan
	for user in copied held given; do
		submit mail1.lan "$user@$domain" "before-$user"
		await_message mail1.lan "$user" "before-$user"
		offer mail1.lan mail2.lan "$user"
	done
	for user in held given; do eventually 60 says_ok mail1.lan mail2.lan "hold $user"; done
	says_ok mail1.lan mail2.lan "adopt given given@mail2.lan"
	eventually 60 moves held "mail2.lan held 7"
	eventually 60 moves given "mail2.lan adopting 7 given@mail2.lan"
	moves copied "mail2.lan copying 7"
	lab kill mail2.lan
	for user in held given; do submit mail1.lan "$user@$domain" "while-$user"; done
	run ! queue_is_empty mail1.lan
}

@test "--take-over: they stay where they are, and get the mail that waited" {
	local user
	run -0 on mail1.lan cl-replication --yes --take-over mail2.lan
	[[ $output == *"give up the move of given"* ]] || fail "$output"
	on mail3.lan cl-rebuild
	for user in copied held given; do
		eventually 60 moves "$user" ""
		[ "$(count_messages mail1.lan "$user" "before-$user")" = 1 ]
		eventually 60 one_of "$user" mail1.lan
	done
	for user in held given; do
		eventually 60 on mail1.lan sh -c "! pgrep -x cl-usermod"
		on mail1.lan postqueue -f
		await_message mail1.lan "$user" "while-$user"
	done
	run -0 on mail1.lan sh -c "ls $mail | grep '^=' || :"
	[ -z "$output" ] || fail "left: $output"
	no_bounces mail1.lan mail3.lan
}

@test "one has come from a host, one is just copied from it, when that dies" {
	run -0 on mail3.lan cl-usermod --host mail1.lan before
	for n in 1 2 3; do
		submit mail3.lan "coming@$domain" "first-$n"
		await_message mail3.lan coming "first-$n"
	done
	disarm mail1.lan
	offer mail3.lan mail1.lan coming
	eventually 60 moves coming "mail1.lan copying 7"
	eventually 60 on mail1.lan doveadm backup -R -u =coming.new /root/real/mailrepl-move --root= fetch mail3.lan coming dsync-server
	arm mail1.lan
	lab kill mail3.lan
}

@test "--take-over: what had been copied is there, nobody is there twice, and old real addresses lead on" {
	run -0 on mail1.lan cl-replication --yes --take-over mail3.lan
	[[ $output == *"put the mail of coming@mail1.lan in its place"* ]] || fail "$output"
	eventually 60 knows mail1.lan "coming@$domain"
	[ "$(count_messages mail1.lan coming first)" = 3 ]
	eventually 60 one_of coming mail1.lan
	eventually 60 one_of before mail1.lan
	submit_locally mail1.lan before@mail3.lan by-the-old-name
	await_message mail1.lan before by-the-old-name
	submit mail1.lan "coming@$domain" second
	await_message mail1.lan coming second
	run -0 on mail1.lan cl-replication --clashes
	[[ $output == *"no address"* ]]
	no_bounces mail1.lan
}
