#!/usr/bin/env bats
# cl-replication --status: what it says of a domain that is well, and of each illness.

load e2e

setup_file() {
	e2e_domain
	add_user mail1.lan user1
}

teardown_file() {
	e2e_down
}

# status [OPTION]…: as JSON in $output, the exit status in $status. The gate, which opens after a while, is another test's.
status() {
	run --separate-stderr on mail1.lan cl-replication --status --json "$@"
}

# is EXPRESSION: jq finds the last status so.
is() {
	jq -e "$1" >/dev/null <<<"$output" || fail "not so: $1
$output"
}

well() {
	status
	[ "$status" -eq 0 ]
}

notes_have() {
	status "${@:2}"
	is ".notes | any(contains(\"$1\"))"
}

@test "a domain that is well: 0, every host answers and tells what it runs, every copy is in step and equal" {
	eventually 60 well
	is '.outcome == "well" and .notes == [] and .clashes == 0 and .digests'
	is '[.hosts[] | .host] == ["mail1.lan", "mail2.lan", "relay.lan"]'
	is '[.hosts[] | .reachable and .latency_us > 0 and (.clock_offset_ms | . > -5000 and . < 5000)] | all'
	is '[.hosts[] | .certificate_not_after > now + 86400 * 3600] | all'
	is '[.hosts[].copies[] | .digest == "equal" and .behind_ms == 0 and .changes == 0 and .entries == .provider_entries] | all'
	is '[.hosts[] | .copies | length] == [4, 4, 2]'
	is '[.hosts[] | .rendered_generation == '"$(jq .generation <<<"$output")"'] | all'
}

@test "people get tables of at most 100 columns" {
	run --separate-stderr on mail1.lan cl-replication --status
	[ "$status" -eq 0 ]
	[ "$(wc -L <<<"$output")" -le 100 ]
	grep -E '^mail1.lan +mail server, home +in step +' <<<"$output"
	grep -E '^relay.lan +mail2.lan +mail +in step +[0-9]+ +equal$' <<<"$output"
	grep 'asked from mail1.lan. All is well.$' <<<"$output"
}

@test "--prometheus and --html replace their files as a whole, readable for all" {
	on mail1.lan sh -c 'echo old >/root/metrics; echo old >/root/page'
	on mail1.lan cl-replication --status --quiet --prometheus /root/metrics --html /root/page
	run on mail1.lan sh -c 'stat -c "%a %n" /root/metrics /root/page; cat /root/metrics; tail -n 1 /root/page'
	[ "${lines[0]}" = "644 /root/metrics" ]
	[ "${lines[1]}" = "644 /root/page" ]
	grep -qx 'mailrepl_up{host="relay.lan"} 1' <<<"$output"
	grep -qx 'mailrepl_copy_equal{host="relay.lan",provider="mail2.lan",service="mail"} 1' <<<"$output"
	[ "${lines[-1]}" = "</html>" ]
}

@test "another host than the home sees copies of its own services, and no clocks" {
	run --separate-stderr on relay.lan cl-replication --status --json
	is '[.hosts[].copies[].service] | unique == ["mail"]'
	is '[.hosts[].copies[] | .digest == "equal"] | all'
	is '[.hosts[] | select(.host != "relay.lan") | .clock_offset_ms == null and .queue == null] | all'
}

@test "a clock five minutes off: 1, and by how much" {
	# The monotonic clock stays: slapd waits by it.
	on mail2.lan sh -c '/usr/lib/mailrepl/mailrepl-slapd stop
		LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 FAKETIME=+300s FAKETIME_DONT_FAKE_MONOTONIC=1 \
			slapd -F /var/lib/mailrepl/slapd/slapd.d -h "ldapi://%2Frun%2Fmailrepl%2Fldapi ldap://*:3890" \
			-n mailrepl-slapd -u openldap -g openldap </dev/null >/dev/null 2>&1'
	eventually 20 notes_have "mail2.lan: its clock is" --quick
	[ "$status" -eq 1 ]
	is '.hosts[1].clock_offset_ms | . > 298000 and . < 302000'
	on mail2.lan sh -c '/usr/lib/mailrepl/mailrepl-slapd stop; /usr/lib/mailrepl/mailrepl-slapd start'
	eventually 60 well
}

lags() {
	status
	is '.hosts[2].copies[0] | .behind_ms > 0 and .changes > 0 and .digest == "behind"'
}

@test "a host that cannot pull: 1, since when and how many changes" {
	# The relay finds nobody under its provider's name; the home reaches the relay.
	on relay.lan sh -c 'sed "s/^[0-9.]*\(.*mail1.lan\)/192.0.2.1\1/" /etc/hosts >/tmp/hosts && cat /tmp/hosts >/etc/hosts
		/usr/lib/mailrepl/mailrepl-slapd stop; /usr/lib/mailrepl/mailrepl-slapd start'
	add_user mail1.lan late
	eventually 30 lags
	[ "$status" -eq 1 ]
	is '.outcome == "behind" and (.notes | any(startswith("relay.lan: its copy of mail1.lan (mail) is not in step: ")))'
	on relay.lan sh -c 'sed "s/^192.0.2.1\(.*mail1.lan\)/'"$(address mail1.lan)"'\1/" /etc/hosts >/tmp/hosts && cat /tmp/hosts >/etc/hosts
		/usr/lib/mailrepl/mailrepl-slapd stop; /usr/lib/mailrepl/mailrepl-slapd start'
	eventually 60 well
}

address() {
	on mail2.lan getent ahostsv4 "$1" | awk '{ print $1; exit }'
}

@test "a copy that was altered behind slapd's back: 2, which --quick cannot see" {
	# It would mend it before it can be seen.
	on relay.lan /usr/lib/mailrepl/mailrepl-watch stop
	on relay.lan sh -c '/usr/lib/mailrepl/mailrepl-slapd stop
		printf "dn: uid=user1,cn=mail1.lan,ou=Mail,dc=mailrepl\nchangetype: modify\nreplace: mailRoutingAddress\nmailRoutingAddress: other@mail2.lan\n" |
			slapmodify -w -F /var/lib/mailrepl/slapd/slapd.d -b ou=Mail,dc=mailrepl 2>/dev/null
		chown -R openldap: /var/lib/mailrepl/db/mail; /usr/lib/mailrepl/mailrepl-slapd start'
	eventually 30 notes_have "relay.lan: its copy of mail1.lan (mail) differs from the owner"
	[ "$status" -eq 2 ]
	is '.outcome == "bad" and .hosts[2].copies[0].digest == "differs"'
	status --quick
	is '.hosts[2].copies[0] | .behind_ms == 0 and .digest == null'
	on relay.lan cl-replication --repair --yes
	on relay.lan /usr/lib/mailrepl/mailrepl-watch start
	eventually 60 well
}

@test "a host that hangs or is cut off: 2, after one deadline" {
	local begin
	on relay.lan kill -STOP "$(slapd_pid relay.lan)"
	begin=$SECONDS
	status
	[ "$status" -eq 2 ]
	[ $((SECONDS - begin)) -le 18 ]
	is '.hosts[2].reachable == false and .notes[0] == "relay.lan does not answer: " + .hosts[2].why'
	on relay.lan kill -CONT "$(slapd_pid relay.lan)"
	lab cut mail2.lan
	status
	[ "$status" -eq 2 ]
	is '.hosts[1].reachable == false and .hosts[2].reachable and .hosts[2].copies[1].behind_ms == null'
	lab heal mail2.lan
	eventually 60 well
}

@test "--watch asks again, and at the end tells how it was" {
	run --separate-stderr on mail1.lan timeout --preserve-status -s INT 8 cl-replication --status --watch
	[ "$status" -eq 0 ]
	[ "$(grep -c 'asked from mail1.lan' <<<"$output")" -ge 2 ]
}
