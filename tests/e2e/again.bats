#!/usr/bin/env bats
# The second run of every command changes nothing.

load e2e

setup_file() {
	e2e_domain
	add_user mail1.lan user1 -c "User One"
	add_user mail2.lan user2
	on mail1.lan cl-useradd worker unix
	# Everything that has to be rendered has been.
	on mail1.lan cl-rebuild
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
}

teardown_file() {
	e2e_down
}

# changes_nothing HOST COMMAND…: no step, and not a byte of the host is different afterwards; dry, as JSON, and in earnest.
changes_nothing() {
	local host=$1 before
	shift
	before=$(state "$host" exact)
	run -0 on "$host" "$1" --dry-run "${@:2}"
	[[ $output == *"nothing to do"* ]] || fail "$*: $output" || return 1
	run -0 --separate-stderr on "$host" "$1" --json "${@:2}"
	[ "$(jq .changed <<<"$output")" = 0 ] || fail "$*: $output" || return 1
	run -0 on "$host" "$@"
	[[ $output == *"nothing to do"* ]] || fail "$*: $output" || return 1
	diff <(echo "$before") <(state "$host" exact) || fail "$*: the state of $host is different"
}

@test "cl-setup mail" {
	changes_nothing mail1.lan cl-setup mail "$domain"
}

@test "cl-setup unix" {
	changes_nothing mail1.lan cl-setup unix
}

@test "cl-replication -r, both services, hosts in any order" {
	changes_nothing mail1.lan cl-replication -r mail1.lan,mail2.lan,relay.lan mail
	changes_nothing mail1.lan cl-replication -r relay.lan,mail2.lan,mail1.lan mail
	changes_nothing mail1.lan cl-replication -r mail1.lan,mail2.lan unix
}

@test "cl-rebuild" {
	local host
	for host in mail1.lan mail2.lan relay.lan; do changes_nothing "$host" cl-rebuild; done
}

@test "cl-rebuild --repl" {
	changes_nothing mail2.lan cl-rebuild --repl
	changes_nothing relay.lan cl-rebuild --repl
}

@test "cl-useradd, with and without the full name, by address in capitals" {
	changes_nothing mail1.lan cl-useradd -e "user1@$domain" user1 mail
	changes_nothing mail1.lan cl-useradd -c "User One" -e "USER1@${domain^^}" user1 mail
	changes_nothing mail1.lan cl-useradd --host mail2.lan -e "user2@$domain" user2 mail
	changes_nothing mail2.lan cl-useradd -e "user2@$domain" user2 mail
	changes_nothing mail1.lan cl-useradd worker unix
}

@test "cl-backup changes nothing but the folder of archives" {
	local before after
	archives_apart() {
		state mail1.lan exact | grep -Ev 'tar.bz2|^total '
	}
	before=$(archives_apart)
	on mail1.lan cl-backup
	after=$(archives_apart)
	diff <(echo "$before") <(echo "$after")
}

@test "cl-backup -r right after cl-backup" {
	on mail1.lan cl-backup
	changes_nothing mail1.lan cl-backup -r --yes
	changes_nothing mail1.lan cl-backup -r --authoritative --yes
}

@test "cl-replication -l and every --help change nothing" {
	local before command
	before=$(state mail1.lan exact)
	on mail1.lan cl-replication -l
	on mail1.lan cl-replication -l --json | jq -e '.reports | length == 3'
	for command in cl-setup cl-replication cl-useradd cl-backup cl-rebuild; do
		on mail1.lan "$command" --help | grep -q "^Usage: $command"
		on mail1.lan "$command" --version | grep -q "^$command (mailrepl)"
	done
	diff <(echo "$before") <(state mail1.lan exact)
}

@test "a dry run of something that would change a lot changes nothing" {
	local before
	before=$(state mail1.lan exact)
	run -0 on mail1.lan cl-useradd --dry-run -e "new@$domain" new mail
	[[ $output == *"new@$domain"* ]]
	run -0 on mail1.lan cl-replication --dry-run -r mail1.lan,mail2.lan,relay.lan,more.lan mail
	[[ $output == *more.lan* ]]
	run -0 on mail1.lan cl-setup --dry-run mail another.org
	[[ $output == *another.org* ]]
	diff <(echo "$before") <(state mail1.lan exact)
}

@test "what was changed by hand is noticed, kept, and given up only when that is said" {
	on mail1.lan sh -c 'echo "# by hand" >>/etc/postfix/main.cf'
	run -0 on mail1.lan cl-rebuild
	[[ $output == *"main.cf was changed by hand, which is kept"* ]]
	on mail1.lan grep -q "by hand" /etc/postfix/main.cf
	changes_nothing mail1.lan cl-rebuild
	run -0 on mail1.lan cl-rebuild --changes
	[[ $output == *"+# by hand"* ]]
	on mail1.lan cl-rebuild --replace-changes
	run ! on mail1.lan grep -q "by hand" /etc/postfix/main.cf
	changes_nothing mail1.lan cl-rebuild --replace-changes
	changes_nothing mail1.lan cl-rebuild
}

@test "lost tables and a main.cf that Postfix cannot read are put right by cl-rebuild" {
	local before
	before=$(rendered mail1.lan)
	on mail1.lan rm -rf /etc/postfix/mailrepl
	on mail1.lan cl-rebuild
	on mail1.lan sh -c 'echo "no equals sign" >>/etc/postfix/main.cf'
	on mail1.lan cl-rebuild --replace-changes
	diff <(echo "$before") <(rendered mail1.lan)
	eventually 20 knows mail1.lan "user1@$domain"
}
