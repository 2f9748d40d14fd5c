#!/usr/bin/env bats
# Wrong input: a status of sysexits.h, a message that says what and where, and nothing changed.

load e2e

usage=64 data=65 no_input=66 no_host=68 unavailable=69 exists=73 denied=77 config=78

setup_file() {
	e2e_domain
	add_user mail1.lan user1
	add_user mail2.lan user2
	eventually 20 knows mail1.lan "user2@$domain"
}

teardown_file() {
	e2e_down
}

setup() {
	local host
	for host in mail1.lan mail2.lan relay.lan; do state "$host" exact >"$BATS_TEST_TMPDIR/$host"; done
}

teardown() {
	local host
	for host in mail1.lan mail2.lan relay.lan; do
		diff "$BATS_TEST_TMPDIR/$host" <(state "$host" exact)
	done
	e2e_no_reports
}

# refused STATUS WORDS HOST COMMAND…: it ends with this status and one message with these words; as JSON, too.
refused() {
	local want=$1 words=$2 host=$3
	shift 3
	run --separate-stderr on "$host" "$@"
	[ "$status" -eq "$want" ] || fail "$*: status $status, not $want: $stderr" || return 1
	[[ $stderr == *"$words"* ]] || fail "$*: the message is: $stderr" || return 1
	run --separate-stderr on "$host" "$1" --json "${@:2}"
	[ "$status" -eq "$want" ] || fail "$* --json: status $status, not $want" || return 1
	[[ $(jq -r .error.message <<<"$output") == *"$words"* ]] || fail "$* --json: $output"
}

@test "cl-useradd: malformed and overlong addresses" {
	local address long
	long=$(printf 'x%.0s' {1..65})
	for address in user9 user9@ "@maildomain..org" "user9@@$domain" "user 9@$domain" ".user9@$domain" "user9.@$domain" \
		"us..er9@$domain" "-user9@$domain" "\"user 9\"@$domain" "user9@[127.0.0.1]" "üser@$domain" \
		"$long@$domain" "user9@$long.org" $'user9\n@'"$domain" 'user9@maildomain..org' '*@maildomain.org('; do
		refused $data '' mail1.lan cl-useradd -e "$address" user9 mail
	done
}

@test "cl-useradd: malformed and reserved user names" {
	local user long
	long=$(printf 'x%.0s' {1..33})
	for user in '' 'us er' 9user 'user*' '../user' 'User/9' "$long" user. 'u..9' postmaster abuse root mailer-daemon 'u)(uid=*'; do
		refused $data '' mail1.lan cl-useradd -e "user9@$domain" "$user" mail
	done
}

@test "cl-useradd: an address that is owned already, and by whom" {
	refused $exists mail1.lan mail1.lan cl-useradd -e "user1@$domain" user9 mail
	refused $exists mail2.lan mail1.lan cl-useradd -e "user2@$domain" user9 mail
	refused $exists mail2.lan mail1.lan cl-useradd -e "USER2@${domain^^}" user9 mail
	refused $exists mail2.lan mail1.lan cl-useradd -e "free@$domain" -e "user2@$domain" user9 mail
	refused $exists mail2.lan mail1.lan cl-useradd -e "free@$domain" user2 mail
}

@test "cl-useradd: an unknown domain, and which there are" {
	refused $data "$domain" mail1.lan cl-useradd -e user9@elsewhere.org user9 mail
	refused $data '' mail1.lan cl-useradd -e user9@mail1.lan user9 mail
	refused $data '' mail1.lan cl-useradd -e "postmaster@$domain" user9 mail
}

@test "cl-useradd: on a relay, or for a host that is none" {
	refused $denied '' relay.lan cl-useradd -e "user9@$domain" user9 mail
	refused $no_host nowhere.lan mail1.lan cl-useradd --host nowhere.lan -e "user9@$domain" user9 mail
	refused $denied relay.lan mail1.lan cl-useradd --host relay.lan -e "user9@$domain" user9 mail
	refused $denied '' mail2.lan cl-useradd --host mail1.lan -e "user9@$domain" user9 mail
}

@test "cl-useradd: wrong usage" {
	refused $usage '' mail1.lan cl-useradd
	refused $usage '' mail1.lan cl-useradd user9
	refused $usage '' mail1.lan cl-useradd user9 mail
	refused $usage samba mail1.lan cl-useradd -e "user9@$domain" user9 samba
	refused $usage '' mail1.lan cl-useradd -p -P -e "user9@$domain" user9 mail
	run -$usage on mail1.lan cl-useradd --frobnicate
	[[ $output == *frobnicate* ]]
	run -$usage on mail1.lan cl-useradd -e
}

@test "cl-useradd: no password where one was promised" {
	run -$data on mail1.lan cl-useradd -P -e "user9@$domain" user9 mail </dev/null
	run -$data on mail1.lan cl-useradd -P -e "user9@$domain" user9 mail <<<""
	run ! on mail1.lan cl-useradd -P -e "user9@$domain" user9 mail < <(head -c 5000 /dev/zero | tr '\0' x)
	run ! on mail1.lan cl-useradd -p -e "user9@$domain" user9 mail </dev/null
}

@test "cl-replication: malformed host lists" {
	local hosts long
	long=$(printf 'x%.0s' {1..64})
	for hosts in ',' 'mail1.lan,' ',mail1.lan' mail1.lan,,mail2.lan mail1.lan,mail2 'mail1.lan,ma il2.lan' mail1.lan,-x.lan \
		"mail1.lan,$long.lan" mail1.lan,10.0.0.1 mail1.lan,../x.lan mail1.lan,mäil.lan; do
		refused $data '' mail1.lan cl-replication --yes -r "$hosts" mail
	done
}

@test "cl-replication: duplicate hosts, also in capitals" {
	refused $data mail2.lan mail1.lan cl-replication --yes -r mail1.lan,mail2.lan,mail2.lan mail
	refused $data mail2.lan mail1.lan cl-replication --yes -r mail1.lan,mail2.lan,MAIL2.LAN mail
}

@test "cl-replication: the home left out, a unix host without mail, a host that owns something left out" {
	refused $data mail1.lan mail1.lan cl-replication --yes -r mail2.lan,relay.lan mail
	refused $data mail1.lan mail1.lan cl-replication --yes -r mail2.lan unix
	refused $data new.lan mail1.lan cl-replication --yes -r mail1.lan,mail2.lan,new.lan unix
	refused $data mail2.lan mail1.lan cl-replication --yes -r mail1.lan,relay.lan mail
	refused $data mail2.lan mail1.lan cl-replication --yes -r mail1.lan unix
}

@test "cl-replication: not on the home, wrong service, unasked leaving" {
	refused $denied mail1.lan mail2.lan cl-replication --yes -r mail1.lan,mail2.lan,relay.lan,x.lan mail
	refused $usage samba mail1.lan cl-replication -r mail1.lan samba
	refused $usage '' mail1.lan cl-replication
	refused $usage '' mail1.lan cl-replication -r mail1.lan
	refused $usage --yes mail1.lan cl-replication -r mail1.lan,mail2.lan mail
}

@test "cl-setup: malformed domains, an unknown service or scheme, not on the home" {
	local name long
	long=$(printf 'x%.0s' {1..64})
	for name in '' org maildomain..org x-.org 'a b.org' "$long.org" user@maildomain.org 1.2.3.4 'x;reboot.org' '../x.org'; do
		refused $data '' mail1.lan cl-setup mail "$name"
	done
	refused $usage '' mail1.lan cl-setup mail
	refused $usage samba mail1.lan cl-setup samba
	refused $usage '' mail1.lan cl-setup mail "$domain" more
	refused $usage sideways mail1.lan cl-setup --scheme sideways mail "$domain"
	refused $denied mail1.lan mail2.lan cl-setup mail second.org
}

@test "a configuration that is wrong or cannot be read: file and line" {
	local conf=/etc/mailrepl/mailrepl.conf text
	on mail1.lan cp -p $conf /root/conf
	for text in 'host = "mail1.lan"; nonsense = 1;' 'host = ;' 'host = 7;' 'directory = { port = 99999; };' \
		'directory = { port = "many"; };' 'mail = { dns = maybe; };' '}'; do
		on mail1.lan sh -c 'printf "%s\n" "# one" "# two" "$1" >"$2"' sh "$text" $conf
		for command in "cl-replication -l" "cl-rebuild" "cl-backup" "cl-setup unix" "cl-useradd -e user9@$domain user9 mail"; do
			# shellcheck disable=SC2086 # it is a command line
			refused $config "$conf:3" mail1.lan $command
		done
	done
	on mail1.lan sh -c "rm -f $conf && mkdir $conf"
	run ! on mail1.lan cl-replication -l
	[[ $output == *"$conf"* ]]
	on mail1.lan sh -c "rmdir $conf && cp -p /root/conf $conf"
	refused $no_input /root/none mail1.lan cl-replication --config /root/none -l
}

@test "no slapd: which commands need it say so" {
	slapd_do mail1.lan stop
	refused $unavailable '' mail1.lan cl-replication -l
	refused $unavailable '' mail1.lan cl-replication --yes -r mail1.lan,mail2.lan mail
	refused $unavailable '' mail1.lan cl-useradd -e "user9@$domain" user9 mail
	slapd_do mail1.lan start
}

@test "a slapd that hangs: a deadline, not for ever" {
	local begin=$SECONDS
	on mail1.lan kill -STOP "$(slapd_pid mail1.lan)"
	run -$unavailable on mail1.lan cl-useradd -e "user9@$domain" user9 mail
	on mail1.lan kill -CONT "$(slapd_pid mail1.lan)"
	[ $((SECONDS - begin)) -le 30 ]
}

@test "a host that is not set up" {
	refused $config cl-setup "$client" cl-replication -l
	refused $config cl-setup "$client" cl-useradd -e "user9@$domain" user9 mail
	refused $config cl-setup "$client" cl-rebuild
	refused $config cl-setup "$client" cl-backup
	run ! on "$client" test -e /etc/mailrepl/tls
}

@test "an ordinary user may do nothing" {
	local command
	for command in "cl-replication -l" "cl-rebuild" "cl-backup" "cl-setup unix" "cl-useradd -e user9@$domain user9 mail"; do
		# shellcheck disable=SC2086 # it is a command line
		run -$denied on mail1.lan setpriv --reuid nobody --clear-groups env ASAN_OPTIONS=detect_leaks=0 $command
	done
}
