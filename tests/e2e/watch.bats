#!/usr/bin/env bats
# mailrepl-watch: hosts keep themselves in step, and nobody is told "unknown user" by a host that may not know.

load e2e

watch=/usr/lib/mailrepl/mailrepl-watch
hosts=(mail1.lan mail2.lan relay.lan)

setup_file() {
	e2e_up mail1.lan mail2.lan relay.lan mail3.lan "$client"
	set_up_home
	invite
	bring_archives mail2.lan relay.lan
	on mail2.lan cl-rebuild --repl
	on relay.lan cl-rebuild --repl
	add_user mail1.lan user1
	add_user mail2.lan user2
}

teardown_file() {
	e2e_down
}

# Whatever a test has left behind: the next one begins with every gate open.
setup() {
	local host
	for host in "${hosts[@]}"; do
		configure "$host"
		# shellcheck disable=SC2016 # for that shell to expand
		on "$host" sh -c 'kill -CONT "$(cat /run/mailrepl/slapd.pid)" 2>/dev/null; /usr/lib/mailrepl/mailrepl-slapd start; $1 start' sh "$watch"
	done
	for host in "${hosts[@]}"; do
		eventually 60 refuses_unknown "$host"
		eventually 20 knows "$host" "user1@$domain"
		eventually 20 knows "$host" "user2@$domain"
	done
}

# configure HOST [MAIL [WATCH]]: settings of mailrepl-watch, which reads them at each look.
configure() {
	on "$1" sh -c 'printf "host = \"%s\";\nhome = \"mail1.lan\";\nmail: { dns = false; %s };\nwatch: { %s };\n" "$@" \
		>/etc/mailrepl/mailrepl.conf' sh "$1" "${2:-}" "${3:-}"
}

refuses_unknown() {
	[ "$(rcpt_code "$1" "nobody@$domain")" = 550 ]
}

defers_unknown() {
	[ "$(rcpt_code "$1" "nobody@$domain")" = 450 ]
}

gate_is() {
	on "$1" "$watch" status | grep -q "^gate $2"
}

says() {
	on "$1" grep -q "mailrepl-watch.*$2" /var/log/syslog
}

nobody_is_behind() {
	[[ $(on mail1.lan cl-replication -l) != *behind* ]]
}

@test "it runs on every host that was set up or has joined, and the home sees the gates" {
	local host
	for host in "${hosts[@]}"; do
		run -0 on "$host" "$watch" status
		[[ $output == *running*"gate open"* ]]
	done
	# shellcheck disable=SC2317 # called by eventually
	told() {
		[ "$(on mail1.lan cl-replication --status --json | grep -c '"gate": "open"')" -eq 3 ]
	}
	eventually 20 told
}

@test "a second start does nothing, stop and status say what they did" {
	local pid
	pid=$(on relay.lan cat /run/mailrepl/watch.pid)
	run -0 on relay.lan "$watch" start
	[ "$(on relay.lan cat /run/mailrepl/watch.pid)" = "$pid" ]
	run -73 on relay.lan "$watch" once
	run -0 on relay.lan "$watch" stop
	run -3 on relay.lan "$watch" status
	run -0 on relay.lan "$watch" once
	[[ $output == *"gate open"* ]]
	run -0 on relay.lan "$watch" start
}

@test "a host that joins is known to the others without a visit" {
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,relay.lan,mail3.lan mail
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,mail3.lan unix
	bring_archives mail3.lan
	on mail3.lan cl-rebuild --repl
	eventually 60 nobody_is_behind
	add_user mail3.lan user3
	local host
	for host in "${hosts[@]}"; do
		eventually 30 knows "$host" "user3@$domain"
		eventually 30 refuses_unknown "$host"
	done
	submit relay.lan "user3@$domain" to-the-new-host
	await_message mail3.lan user3 to-the-new-host
	no_bounces "${hosts[@]}" mail3.lan
}

@test "while a provider hangs the unknown are deferred, the known delivered; then all is as before" {
	on mail2.lan kill -STOP "$(slapd_pid mail2.lan)"
	eventually 30 defers_unknown relay.lan
	eventually 30 defers_unknown mail1.lan
	gate_is relay.lan "closed: not reached.*mail2.lan"
	knows relay.lan "user2@$domain"
	submit relay.lan "user1@$domain" while-another-hangs
	await_message mail1.lan user1 while-another-hangs
	on mail2.lan kill -CONT "$(slapd_pid mail2.lan)"
	eventually 30 refuses_unknown relay.lan
	eventually 30 refuses_unknown mail1.lan
	no_bounces "${hosts[@]}"
}

@test "doubt ends after mail.doubt; a slapd that was stopped on purpose stays so" {
	configure relay.lan "doubt = 25;"
	slapd_do mail2.lan stop
	eventually 20 defers_unknown relay.lan
	eventually 60 refuses_unknown relay.lan
	gate_is relay.lan open
	defers_unknown mail1.lan
	run -3 slapd_do mail2.lan status
	slapd_do mail2.lan start
	eventually 30 refuses_unknown mail1.lan
}

@test "a topology that cannot be rendered closes the gate until it is" {
	on relay.lan sh -c 'mkdir -p /etc/mailrepl/templates/postfix && echo "{{nonsense}}" >/etc/mailrepl/templates/postfix/open'
	on mail1.lan cl-setup mail second.example
	eventually 30 defers_unknown relay.lan
	gate_is relay.lan "closed: the rendered configuration is older"
	knows relay.lan "user1@$domain"
	eventually 30 refuses_unknown mail2.lan
	on relay.lan rm -r /etc/mailrepl/templates/postfix
	eventually 90 refuses_unknown relay.lan
	on relay.lan postconf -h virtual_alias_domains | grep -q second.example
}

@test "a slapd that was killed is started again" {
	on relay.lan kill -KILL "$(slapd_pid relay.lan)"
	eventually 60 knows relay.lan "user1@$domain"
	says relay.lan "slapd has gone"
}

@test "a slapd that hangs is restarted" {
	configure relay.lan "" "patience = 10;"
	on relay.lan kill -STOP "$(slapd_pid relay.lan)"
	eventually 120 knows relay.lan "user1@$domain"
	says relay.lan "slapd has not answered for 10 seconds"
	eventually 30 refuses_unknown relay.lan
}

# Its connection is dead, and it has no way to notice: the provider has lost its power while no packet could tell.
@test "a consumer that sleeps for ever is woken" {
	on relay.lan sh -c 'mkdir -p /etc/mailrepl/templates/slapd
		grep -v keepalive /usr/share/mailrepl/templates/slapd/syncrepl >/etc/mailrepl/templates/slapd/syncrepl'
	on relay.lan cl-rebuild
	eventually 30 refuses_unknown relay.lan
	configure relay.lan "" "patience = 10;"
	lab cut relay.lan
	lab kill mail1.lan
	lab start mail1.lan
	lab heal relay.lan
	add_user mail1.lan sleeper
	eventually 120 says relay.lan "stood still for 10 seconds"
	eventually 60 knows relay.lan "sleeper@$domain"
	eventually 30 refuses_unknown relay.lan
	on relay.lan rm -r /etc/mailrepl/templates/slapd
	on relay.lan cl-rebuild
}

@test "after a power failure nobody is unknown before the host is in step" {
	lab kill relay.lan
	add_user mail1.lan meanwhile
	lab start relay.lan
	run rcpt_code relay.lan "meanwhile@$domain"
	[[ $output == 250 || $output == 45* ]] || fail "$output"
	eventually 30 knows relay.lan "meanwhile@$domain"
	eventually 30 refuses_unknown relay.lan
	no_bounces "${hosts[@]}"
}
