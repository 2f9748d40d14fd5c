#!/usr/bin/env bats
# Groups and mail domains as they are typed, on a private instance: what is refused, with which status and in which words.

load cli

setup_file() {
	cli_home
	cl-useradd --root "$folder" -q -e user2@example.org user2 mail
}

teardown_file() {
	cli_down
}

# refused STATUS WORDS COMMAND ARGUMENT…: with these words in its one message
refused() {
	local status_wanted=$1 words=$2 command=$3
	shift 3
	run "-$status_wanted" --separate-stderr "$command" --root "$folder" "$@"
	[ -z "$output" ]
	[[ $stderr == "$command: "*"$words"* ]] || {
		echo "says: $stderr" >&2
		return 1
	}
}

@test "the commands for groups explain themselves, and name an unknown option" {
	local command
	for command in cl-groupadd cl-groupmod cl-groupdel; do
		run -0 --separate-stderr "$command" --help
		[[ $output == "Usage: $command"* && $output == *--dry-run* ]]
		run -64 --separate-stderr "$command" --frobnicate
		[[ $stderr == "$command: "*--frobnicate* ]]
	done
}

@test "operands and options that are missing or too many" {
	refused 64 "a group and one service" cl-groupadd
	refused 64 "a group and one service" cl-groupadd sales
	refused 64 "a group and one service" cl-groupadd sales mail unix
	refused 64 'unknown service "post"' cl-groupadd sales post
	refused 64 "needs an address" cl-groupadd -m user1 sales mail
	refused 64 "needs a member" cl-groupadd -e sales@example.org sales mail
	refused 64 "a comma too many" cl-groupadd -e sales@example.org -m user1,,user2 sales mail
	refused 64 "what shall be changed" cl-groupmod sales
	refused 64 "exclude each other" cl-groupmod --open --closed sales
	refused 64 "a group is needed" cl-groupdel
	refused 66 "no group sales" cl-groupdel sales
}

@test "names and addresses that nobody may have" {
	local name
	for name in '' 'Sales' 'a b' 'a,b' '*' 'a)(cn=*' '../x' 'postmaster' "$(printf 'x%.0s' {1..33})"; do
		refused 65 'group "' cl-groupadd -e sales@example.org -m user1 -- "$name" mail
	done
	refused 65 "unknown mail domain" cl-groupadd -e sales@other.org -m user1 sales mail
	refused 65 "role address" cl-groupadd -e abuse@example.org -m user1 sales mail
	refused 65 "quoted local parts" cl-groupadd -e '"a b"@example.org' -m user1 sales mail
	refused 65 "one label only" cl-groupadd -e @example -m user1 sales mail
	refused 65 "closed group cannot have" cl-groupadd --closed -e @example.org -m user1 sales mail
	refused 73 "a user of one.lan has this name" cl-groupadd -e sales@example.org -m user1 user2 mail
	refused 73 "already owned by one.lan (mailbox user2)" cl-groupadd -e user2@example.org -m user1 sales mail
	refused 68 "not in the topology" cl-groupadd --host two.lan -e sales@example.org -m user1 sales mail
}

@test "members that are nobody" {
	local member
	for member in nobody nobody@example.org user1@one.lan.example user9@one.lan 'x)(uid=*' @example.org postmaster@example.org; do
		refused 65 "ember" cl-groupadd -e sales@example.org -m "$member" sales mail
	done
	refused 65 "there is no such user" cl-groupadd -m nobody staff unix
	refused 65 "member" cl-groupadd -m user1@example.org staff unix
}

@test "--dry-run shows the steps and changes nothing; twice is once; what is deleted is gone" {
	run -0 cl-groupadd --root "$folder" -n -e sales@example.org -m user1,user2 sales mail
	[[ $output == *"1. add group sales@example.org -> user1@one.lan, user2@one.lan"* ]]
	refused 66 "no group sales" cl-groupdel sales
	run -0 --separate-stderr cl-groupadd --root "$folder" --json -e sales@example.org -m user1,user2 sales mail
	[ "$(jq -c '[.group.name, .group.service, .group.owner, .group.addresses, .group.members, .group.closed]' <<<"$output")" = \
		'["sales","mail","one.lan",["sales@example.org"],["user1@example.org","user2@example.org"],false]' ]
	run -0 cl-groupadd --root "$folder" -e sales@example.org -m user1,user2 sales mail
	[[ $output == *"nothing to do"* ]]
	refused 65 "no member left" cl-groupmod -d user1,user2 sales
	run -0 cl-groupmod --root "$folder" -d user1 --closed sales
	run -0 cl-groupmod --root "$folder" -d user1 --closed sales
	[[ $output == *"nothing to do"* ]]
	run -0 cl-groupdel --root "$folder" sales mail
	refused 66 "no group sales" cl-groupdel sales
}

@test "mail domains: what cl-setup refuses" {
	refused 64 "exclude each other" cl-setup --domains --undo
	refused 64 "--domains takes no arguments" cl-setup --domains mail
	refused 64 "--postmaster goes with a mail domain" cl-setup --postmaster user1@example.org unix
	refused 65 "the only mail domain" cl-setup --remove-domain example.org
	refused 65 "only letters, digits" cl-setup --remove-domain 'a,b.org'
	refused 65 "no mailbox and no group" cl-setup --postmaster nobody@example.org mail example.org
	refused 65 "has no @" cl-setup --postmaster nobody mail example.org
	refused 65 "does not leave this intranet" cl-setup --postmaster a@elsewhere.org mail example.org
	refused 65 "name of a host" cl-setup mail one.lan
}

@test "mail domains: one comes, is listed, keeps its postmaster, and goes" {
	cl-setup --root "$folder" -q --postmaster user1@example.org mail other.org
	cl-setup --root "$folder" -q mail other.org
	run -0 --separate-stderr cl-setup --root "$folder" --domains --json
	[ "$(jq -c '[.domains[] | [.domain, .addresses, .postmaster]]' <<<"$output")" = \
		'[["example.org",2,null],["other.org",0,"user1@example.org"]]' ]
	grep -q '^other.org@roles.mailrepl.invalid user1@example.org$' "$folder/etc/postfix/mailrepl/generic"
	cl-groupadd --root "$folder" -q -e chief@example.org -m user1 chief mail
	cl-setup --root "$folder" -q --postmaster chief@example.org mail other.org
	refused 65 "mail for postmaster@other.org goes to chief@example.org" cl-groupdel chief
	cl-setup --root "$folder" -q --postmaster root@localhost mail other.org
	cl-groupdel --root "$folder" -q chief
	run -0 cl-setup --root "$folder" -n --remove-domain other.org
	[[ $output == *"remove the mail domain other.org"* ]]
	cl-setup --root "$folder" -q --remove-domain other.org
	run -0 cl-setup --root "$folder" --remove-domain other.org
	[[ $output == *"no mail domain other.org"*"nothing to do"* ]]
	run ! grep -r other.org "$folder/etc/postfix/mailrepl"
}
