#!/usr/bin/env bats
# Options that are wrong: a status of sysexits.h, one message that names the option and says what to do, on stdout nothing or
# the error as JSON, and nothing changed. (What only several hosts can refuse is in tests/e2e/bad-input.bats.)

load cli

usage=64 data=65

setup_file() {
	cli_home
	cl-useradd --root "$folder" -q -e user2@example.org user2 mail
	cl-replication --root "$folder" -q -r one.lan,relay.lan mail
}

teardown_file() {
	cli_down
}

# What a command could have changed.
state() {
	local service
	for service in Mail Unix; do
		slapcat -F "$folder/var/lib/mailrepl/slapd/slapd.d" -b "cn=one.lan,ou=$service,ou=Owned,dc=mailrepl"
	done
	find "$folder/etc" -type f -print0 | sort -z | xargs -0 sha256sum
}

setup() {
	state >"$BATS_TEST_TMPDIR/before"
}

teardown() {
	diff "$BATS_TEST_TMPDIR/before" <(state)
}

# refused STATUS WORDS COMMAND…: with that status and one message, which has these words; --json as the last option, too.
refused() {
	local want=$1 words=$2 command=$3
	shift 3
	run --separate-stderr "$command" --root "$folder" "$@" </dev/null
	echo "$command $*: status $status, $output$stderr"
	[ "$status" -eq "$want" ]
	[ -z "$output" ]
	[[ $stderr == "$command: "*"$words"* ]]
	[ "$(wc -l <<<"$stderr")" = 1 ]
	run --separate-stderr "$command" --root "$folder" "$@" --json </dev/null
	[ "$status" -eq "$want" ]
	[[ $(jq -r .error.message <<<"$output") == *"$words"* ]]
}

@test "an option without its value, or with an empty one, is named" {
	refused $usage "option --mode needs a value" cl-replication --mode ""
	refused $usage "option --add needs a value" cl-replication -a "" mail
	refused $usage "option --take-over needs a value" cl-replication --take-over ""
	refused $usage "option --html needs a value" cl-replication --status --html ""
	refused $usage "option --host needs a value" cl-setup --host "" mail example.org
	refused $usage "option --mx needs a value" cl-setup --scheme server-mx --mx ""
	refused $usage "option --recipients needs a value" cl-setup --primary x.org --recipients "" mail new.org
	refused $usage "option --for needs a value" cl-backup --for ""
	refused $usage "option --only needs a value" cl-backup -r --only ""
	refused $usage "option --fingerprint needs a value" cl-rebuild --repl --fingerprint ""
	refused $usage "option --email needs a value" cl-useradd -e "" user9 mail
	refused $usage "option --import needs a value" cl-useradd --import ""
	refused $usage "option --owner needs a value" cl-usermod --owner "" -c Name user1
	refused $usage "option --hold needs a value" cl-userdel --hold "" user1
	refused $usage "option --member needs a value" cl-groupadd -e sales@example.org -m "" sales mail
	refused $usage "option --config needs a value" cl-replication -l --config ""
}

@test "an option that counts once is refused with a second value, and taken with the same" {
	refused $usage "option --add is given twice, with a.lan and with b.lan" cl-replication -a a.lan -a b.lan mail
	refused $usage "option --mode is given twice" cl-replication --mode relay.lan=none --mode relay.lan=satellite
	refused $usage "option --scheme is given twice" cl-setup --scheme server-mx --scheme intranet
	refused $usage "option --mx is given twice" cl-setup --scheme server-mx --mx one.lan --mx relay.lan
	refused $usage "option --remove-domain is given twice" cl-setup --remove-domain a.org --remove-domain b.org
	refused $usage "option --for is given twice" cl-backup --for relay.lan --for one.lan
	refused $usage "option --full-name is given twice" cl-useradd -e user9@example.org -c One -c Two user9 mail
	refused $usage "option --quota is given twice" cl-usermod --quota 5M --quota 6M user1
	refused $usage "option --hold is given twice" cl-userdel --hold 5 --hold 6 user2
	run -0 cl-usermod --root "$folder" -n --quota 5M --quota 5M user1
	run -0 cl-useradd --root "$folder" -n -e a@example.org -e b@example.org user9 mail
}

@test "options that contradict each other are named" {
	refused $usage "--force needs -r or -d" cl-replication -l --force
	refused $usage "--old-format needs --take-over" cl-replication -l --old-format
	refused $usage "--nss and --no-nss" cl-setup --nss --no-nss unix
	refused $usage "--domains goes without --scheme" cl-setup --domains --scheme intranet
	refused $usage "--undo goes without --host" cl-setup --undo --host two.lan
	refused $usage "--remove-domain goes without --nss" cl-setup --remove-domain a.org --nss
	refused $usage "--check-dns goes without --mx" cl-setup --check-dns --mx one.lan
	refused $usage "--add-alias, --remove-alias exclude each other: x@example.org" \
		cl-usermod --add-alias x@example.org --remove-alias X@example.org user1
	refused $usage "-a, -d exclude each other: user1" cl-groupmod -a user1 -d user1 sales
}

@test "a host that is missing, and what is no host" {
	refused $usage 'is not HOST=MODE' cl-replication --mode =local
	refused $usage 'is not HOST=MODE' cl-replication --mode relay.lan=none,
	refused $data "name of a host is missing" cl-replication --settle user1@example.org ""
	refused $data "name of a host is missing" cl-replication --renew ""
	refused $data "name of a host is missing" cl-replication --verify ""
	refused $data "--mx: host list" cl-setup --scheme server-mx --mx one.lan,
	refused $data "is named twice" cl-setup --scheme server-mx --mx one.lan,one.lan
	refused $data "would keep the mail of new.org for itself" cl-setup --primary relay.lan mail new.org
}

@test "bytes that are no UTF-8 are shown as question marks" {
	refused $data '"??": is not UTF-8' cl-setup mail $'\xff\xfe'
	refused $data '"??"' cl-replication -a $'\xff\xfe' mail
	run cl-route --root "$folder" $'\xff\e[31m@example.org'
	[ "$status" -eq 67 ]
	[[ $output == "??[31m@example.org: refused"* ]]
}

@test "an unknown option before --json is an error in JSON, too" {
	refused $usage "unknown or ambiguous option --frobnicate" cl-backup --frobnicate
}

@test "a host that takes mail from outside and is none yet is warned of" {
	run -0 cl-setup --root "$folder" -n --scheme server-mx --mx nowhere.lan
	[[ $output == *"nowhere.lan, which shall take mail from outside, is not among the hosts yet: cl-replication -a"* ]]
}
