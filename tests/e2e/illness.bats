#!/usr/bin/env bats
# Illnesses of a host that the other files do not have, each with what says so and what cures it.

load e2e

hosts=(mail1.lan mail2.lan relay.lan)
slapd_d=/var/lib/mailrepl/slapd/slapd.d

setup_file() {
	e2e_domain
	add_user mail1.lan user1
	add_user mail2.lan user2
	eventually 20 knows relay.lan "user2@$domain"
}

teardown_file() {
	e2e_down
}

# digests HOST [OWNER]: of what its copies hold of OWNER, mail2.lan, with identities and change sequence numbers.
digests() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'for base in Mail Unix; do
		slapcat -F "$1" -o ldif-wrap=no -b "ou=$base,dc=mailrepl" 2>/dev/null
	done' sh "$slapd_d" |
		grep -v '^contextCSN:' | awk -v RS= -v owner="${2:-mail2.lan}" '$0 ~ "^dn: [^\n]*cn=" owner ",ou=(Mail|Unix),dc=" { gsub("\n", "\001"); print }' | sort | sha256sum
}

same_digests() {
	[ "$(digests "$1" "${3:-}")" = "$2" ]
}

verifies() {
	run on "$1" cl-replication --verify
	[ "$status" -eq "$2" ]
}

notes_have() {
	run --separate-stderr on mail1.lan cl-replication --status --json "${@:2}"
	jq -e ".notes | any(contains(\"$1\"))" >/dev/null <<<"$output"
}

says() {
	on "$1" grep -q "$2" /var/log/syslog
}

# take_image HOST: what a copy of its disk holds.
take_image() {
	slapd_do "$1" stop
	on "$1" sh -c 'rm -rf /root/image && cp -a /var/lib/mailrepl /root/image'
	slapd_do "$1" start
}

# switch_off_and_put_back HOST: it will come back with that disk.
switch_off_and_put_back() {
	local disk=/tmp/mailrepl-lab.$LAB/disks/$1/upper
	lab kill "$1"
	rm -r "$disk/var/lib/mailrepl"
	cp -a "$disk/root/image" "$disk/var/lib/mailrepl"
}

@test "a wiped owned database is filled again from the copies, all digests are as before" {
	local before host
	eventually 20 verifies mail1.lan 0
	before=$(digests mail1.lan)
	[ "$before" != "$(sha256sum </dev/null)" ]
	same_digests mail2.lan "$before"
	on mail2.lan /usr/lib/mailrepl/mailrepl-watch stop
	slapd_do mail2.lan stop
	on mail2.lan sh -c 'rm -r /var/lib/mailrepl/db/mail-owned /var/lib/mailrepl/db/unix-owned'
	on mail2.lan cl-rebuild --repl
	eventually 20 verifies mail1.lan 0
	for host in mail1.lan mail2.lan; do eventually 20 same_digests "$host" "$before"; done
	await_gates mail2.lan
}

@test "a home that has lost just one of its databases takes it back from the copies, with no archive" {
	local before database host
	eventually 20 verifies mail1.lan 0
	before=$(digests mail2.lan mail1.lan)
	[ "$before" != "$(sha256sum </dev/null)" ]
	for database in unix-owned mail-owned; do
		on mail1.lan /usr/lib/mailrepl/mailrepl-watch stop
		slapd_do mail1.lan stop
		on mail1.lan sh -c 'rm -rf "$1" "/var/lib/mailrepl/db/$2"' sh "$archives" "$database"
		run -78 on mail1.lan cl-rebuild
		[[ $output == *"cl-rebuild --repl takes it from the others' copies"* ]]
		on mail1.lan cl-rebuild --repl
		run -0 on mail1.lan cl-rebuild --repl
		[[ $output == *"nothing to do"* ]]
		eventually 20 verifies mail1.lan 0
		for host in mail1.lan mail2.lan; do eventually 20 same_digests "$host" "$before" mail1.lan; done
	done
	add_user mail1.lan "after-loss"
	eventually 20 knows relay.lan "after-loss@$domain"
	await_gates mail1.lan
}

@test "a host with an old disk takes back what it has lost before it serves anybody" {
	local before host
	take_image mail2.lan
	add_user mail2.lan since
	eventually 20 knows relay.lan "since@$domain"
	eventually 20 verifies mail1.lan 0
	before=$(digests mail1.lan)
	switch_off_and_put_back mail2.lan
	lab start mail2.lan
	says mail2.lan "this host's disk is old, mail1.lan knows newer changes"
	eventually 20 knows mail2.lan "since@$domain"
	for host in mail1.lan mail2.lan; do eventually 20 same_digests "$host" "$before"; done
	add_user mail2.lan later
	for host in "${hosts[@]}"; do
		eventually 20 knows "$host" "since@$domain"
		eventually 20 knows "$host" "later@$domain"
	done
	eventually 20 verifies mail1.lan 0
	await_gates mail2.lan
}

@test "an old disk while nobody watches: status and verify say whose, no copy is thrown away, cl-rebuild --repl cures it" {
	take_image mail2.lan
	add_user mail2.lan precious
	eventually 20 knows relay.lan "precious@$domain"
	switch_off_and_put_back mail2.lan
	# Switched on with the others out of reach, so that watching is over before it can see them.
	lab cut mail2.lan
	lab start mail2.lan
	on mail2.lan /usr/lib/mailrepl/mailrepl-watch stop
	lab heal mail2.lan
	eventually 30 notes_have "mail2.lan has an old disk: run cl-rebuild --repl there"
	[ "$status" -eq 2 ]
	notes_have "mail2.lan has an old disk: run cl-rebuild --repl there" --quick
	[ "$status" -eq 2 ]
	verifies mail1.lan 2
	grep -q '^mail  *mail2.lan .*relay.lan .*DIFFERS: the copy is newer, mail2.lan has an old disk' <<<"$output"
	run on relay.lan cl-replication --repair
	[[ $output == *"is left as it is"* ]]
	knows relay.lan "precious@$domain"
	run -0 on mail2.lan cl-rebuild --repl --dry-run
	[[ $output == *"mail-owned"*"older than its copies"* ]]
	on mail2.lan cl-rebuild --repl
	add_user mail2.lan afterwards
	local host
	for host in "${hosts[@]}"; do
		eventually 20 knows "$host" "precious@$domain"
		eventually 20 knows "$host" "afterwards@$domain"
	done
	eventually 20 verifies mail1.lan 0
	await_gates mail2.lan
	run -0 on mail2.lan cl-rebuild --repl
	[[ $output == *"nothing to do"* ]]
}

@test "an old disk while nobody can be reached: nothing is written before somebody answers, and then nothing is lost" {
	local host
	take_image mail2.lan
	add_user mail2.lan treasured
	eventually 20 knows relay.lan "treasured@$domain"
	switch_off_and_put_back mail2.lan
	lab cut mail2.lan
	lab start mail2.lan
	run -75 add_user mail2.lan forked
	[[ $output == *"no other host has answered since this machine was started"*"nothing was changed"* ]]
	run ! grep treasured <<<"$(owned mail2.lan Mail)"
	run ! grep forked <<<"$(owned mail2.lan Mail)"
	lab heal mail2.lan
	eventually 60 add_user mail2.lan forked
	for host in "${hosts[@]}"; do
		eventually 30 knows "$host" "treasured@$domain"
		eventually 30 knows "$host" "forked@$domain"
	done
	eventually 20 verifies mail1.lan 0
	await_gates mail2.lan
}

@test "an old disk is not written to from another host either, nor where nobody watches" {
	take_image mail2.lan
	add_user mail2.lan cherished
	eventually 20 knows mail1.lan "cherished@$domain"
	switch_off_and_put_back mail2.lan
	lab cut mail2.lan
	lab start mail2.lan
	on mail2.lan /usr/lib/mailrepl/mailrepl-watch stop
	lab heal mail2.lan
	eventually 30 notes_have "mail2.lan has an old disk"
	run -75 add_user mail1.lan remote --host mail2.lan
	[[ $output == *"mail2.lan has an old disk"* ]]
	run -75 add_user mail2.lan onthespot
	[[ $output == *"this host's disk is old, mail1.lan knows newer changes"* ]]
	run -77 on mail2.lan cl-rebuild --alone
	on mail2.lan cl-rebuild --repl
	add_user mail1.lan remote --host mail2.lan
	add_user mail2.lan onthespot
	eventually 20 knows relay.lan "cherished@$domain"
	eventually 20 verifies mail1.lan 0
	on mail2.lan /usr/lib/mailrepl/mailrepl-watch start
	await_gates mail2.lan
}

@test "a machine that was only switched off writes when it has heard one host, cut off again, too; or when its administrator says so" {
	lab kill mail2.lan
	lab cut mail2.lan
	lab start mail2.lan
	run -75 add_user mail2.lan alone
	run -0 on mail2.lan cl-rebuild --alone --dry-run
	run -75 add_user mail2.lan alone
	on mail2.lan cl-rebuild --alone
	add_user mail2.lan alone
	run -0 on mail2.lan cl-rebuild --alone
	[[ $output == *"nothing to do"* ]]
	lab kill mail2.lan
	lab heal mail2.lan
	lab start mail2.lan
	eventually 60 on mail2.lan test -e /run/mailrepl/heard
	lab cut mail2.lan
	add_user mail2.lan offline
	lab heal mail2.lan
	eventually 60 knows relay.lan "alone@$domain"
	eventually 60 knows relay.lan "offline@$domain"
	eventually 20 verifies mail1.lan 0
	await_gates mail2.lan
}

# issue_in_the_past HOST: what the home would have issued for the host's key years ago, in /root/ca/old.crt of mail1.
issue_in_the_past() {
	# shellcheck disable=SC2016 # for that shell to expand
	on mail1.lan sh -c 'rm -rf /root/ca && mkdir /root/ca && cd /root/ca && : >index && echo 7777 >serial &&
		printf "%s\n" "[ca]" default_ca=d "[d]" database=index serial=serial new_certs_dir=. default_md=sha256 policy=p \
			"[p]" commonName=supplied organizationName=optional \
			"[e]" "subjectAltName=DNS:$1" extendedKeyUsage=serverAuth,clientAuth >conf &&
		openssl req -new -key "/etc/mailrepl/tls/peers/$1.key" -subj "/O=mailrepl/CN=$1" -out csr &&
		openssl ca -batch -config conf -extensions e -notext -startdate 20200101000000Z -enddate 20210101000000Z \
			-cert /etc/mailrepl/tls/ca.crt -keyfile /etc/mailrepl/tls/ca.key -in csr -out old.crt' sh "$1"
}

@test "an expired certificate: status says so, --renew takes the one that the home has issued" {
	issue_in_the_past mail2.lan
	lab copy mail1.lan:/root/ca/old.crt mail2.lan:/root/old.crt
	on mail2.lan sh -c 'cat /root/old.crt >/etc/mailrepl/tls/host.crt'
	slapd_do mail2.lan restart
	eventually 20 notes_have "mail2.lan does not answer: slapd at mail2.lan:3890: no trusted TLS connection: its certificate must"
	[ "$status" -eq 2 ]
	run --separate-stderr on mail2.lan cl-replication --status --json
	jq -e '.notes | any(. == "mail2.lan: its certificate has expired: cl-replication --renew")' <<<"$output"
	on mail2.lan cl-replication --renew
	add_user mail2.lan renewed
	eventually 30 knows relay.lan "renewed@$domain"
	eventually 20 verifies mail1.lan 0
	await_gates mail2.lan
}

@test "a full disk: cl-useradd fails without a route, mail flows, and with space it is done by running it again" {
	local number
	slapd_do mail2.lan stop
	on mail2.lan sh -c 'cd /var/lib/mailrepl && mv db db.keep && mkdir db && mount -t tmpfs -o size=64m,mode=0755 none db &&
		cp -a db.keep/. db/'
	slapd_do mail2.lan start
	eventually 20 knows mail2.lan "user2@$domain"
	on mail2.lan sh -c 'dd if=/dev/zero of=/var/lib/mailrepl/db/filler bs=4k 2>/dev/null; :'
	# Pages that are free within a database are used first.
	for number in {1..30}; do
		run add_user mail2.lan "full$number"
		[ "$status" -eq 0 ] || break
	done
	[[ $status -ne 0 && $output == *": adding uid=full$number,cn=mail2.lan,"*"is its disk full"* ]] || fail "$output"
	# At most an account that no mail leads to: the route is written last.
	run ! grep "^uid: full$number\$" <<<"$(owned mail2.lan Mail)"
	submit relay.lan "user2@$domain" on-a-full-disk
	await_message mail2.lan user2 on-a-full-disk
	run rcpt_code mail2.lan "nobody@$domain"
	[[ $output == 550 || $output == 45* ]]
	on mail2.lan rm /var/lib/mailrepl/db/filler
	add_user mail2.lan "full$number"
	eventually 30 knows relay.lan "full$number@$domain"
	submit relay.lan "full$number@$domain" after-a-full-disk
	await_message mail2.lan "full$number" after-a-full-disk
	eventually 20 verifies mail1.lan 0
	imap mail2.lan "full$number" "" | grep -q INBOX
	no_bounces "${hosts[@]}"
}

set_server_id() {
	as_root mail1.lan ldapmodify >/dev/null <<-END
		dn: cn=$1,ou=Hosts,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
		changetype: modify
		replace: mailReplServerID
		mailReplServerID: $2
	END
}

@test "two hosts with one serverID are named, and nothing is rendered with it" {
	local before command
	before=$(on mail1.lan sha256sum /var/lib/mailrepl/slapd/config.ldif)
	set_server_id mail2.lan 1
	for command in "cl-replication --status" "cl-rebuild"; do
		# shellcheck disable=SC2086 # words
		run -78 on mail1.lan $command
		[[ $output == *"the topology gives serverID 1 to both mail1.lan and mail2.lan"* ]]
	done
	[ "$(on mail1.lan sha256sum /var/lib/mailrepl/slapd/config.ldif)" = "$before" ]
	set_server_id mail2.lan 2
	on mail1.lan cl-rebuild
	[ "$(on mail1.lan sha256sum /var/lib/mailrepl/slapd/config.ldif)" = "$before" ]
}

# The last one: whatever it has written is in the future for five minutes.
@test "clocks five minutes apart: who is behind writes nothing, status says whose clock, then all is well" {
	local before host
	# The clock of mail2's slapd is ahead, and the change that it makes is in everybody's copy.
	on mail2.lan /usr/lib/mailrepl/mailrepl-watch stop
	slapd_do mail2.lan stop
	on mail2.lan sh -c 'LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 FAKETIME=+300s FAKETIME_DONT_FAKE_MONOTONIC=1 \
		slapd -F /var/lib/mailrepl/slapd/slapd.d -h "ldapi://%2Frun%2Fmailrepl%2Fldapi ldap://*:3890" \
		-n mailrepl-slapd -u openldap -g openldap </dev/null >/dev/null 2>&1'
	eventually 30 notes_have "mail2.lan: its clock is" --quick
	add_user mail2.lan future
	eventually 20 knows mail1.lan "future@$domain"
	before=$(owned mail1.lan Mail)
	for host in mail1.lan mail2.lan; do
		run -75 add_user "$host" "late-$host"
		[[ $output == *"clock is "*" seconds behind the newest change in the directory"*"nothing was changed"* ]]
	done
	[ "$(owned mail1.lan Mail)" = "$before" ]
	slapd_do mail2.lan stop
	slapd_do mail2.lan start
	on mail2.lan /usr/lib/mailrepl/mailrepl-watch start
	eventually 20 knows mail2.lan "future@$domain"
}
