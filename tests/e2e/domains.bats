#!/usr/bin/env bats
# Several mail domains, the address for whatever nobody has, and where mail for role addresses goes.

load e2e

hosts=(mail1.lan mail2.lan relay.lan)
second=other.org

setup_file() {
	e2e_domain
	add_user mail1.lan user1
	add_user mail2.lan user2
	on mail1.lan cl-setup mail "$second"
}

teardown_file() {
	e2e_down
}

all_know() {
	local host
	for host in "${hosts[@]}"; do eventually 60 knows "$host" "$1"; done
}

# all_say ADDRESS CODE
all_say() {
	local host
	for host in "${hosts[@]}"; do eventually 60 rcpt_code_is "$host" "$1" "$2"; done
}

# render_everywhere: without waiting for mailrepl-watch.
render_everywhere() {
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
}

@test "a second mail domain: users of every host have addresses in both, and mail reaches them through every host" {
	local host
	add_user mail2.lan user3 -e "user3@$second"
	all_know "user3@$second"
	for host in "${hosts[@]}"; do submit "$host" "user3@$second" "second-at-$host"; done
	submit relay.lan "user3@$domain" the-first
	for host in "${hosts[@]}"; do await_message mail2.lan user3 "second-at-$host"; done
	await_message mail2.lan user3 the-first
	all_say "user1@$second" 550
}

@test "only the home adds and removes domains, and says so" {
	run -77 on mail2.lan cl-setup mail third.org
	[[ $output == *mail1.lan*"run cl-setup there"* ]]
	run -77 on mail2.lan cl-setup --remove-domain "$second"
	run -77 on relay.lan cl-setup --remove-domain "$second"
}

@test "--domains lists them on every host with their owner and the number of their addresses" {
	local host
	for host in "${hosts[@]}"; do
		run -0 on "$host" cl-setup --domains
		[[ $output == *"$domain"*mail1.lan*3*"$second"*mail1.lan*1* ]]
	done
	run -0 on relay.lan cl-setup -l --json
	[ "$(jq -c '[.domains[] | [.domain, .owner, .addresses, .postmaster]]' <<<"$output")" = \
		"[[\"$domain\",\"mail1.lan\",3,null],[\"$second\",\"mail1.lan\",1,null]]" ]
}

@test "--remove-domain is refused while addresses are in it, with their number and some of them" {
	run -65 on mail1.lan cl-setup --remove-domain "$second"
	[[ $output == *"1 addresses are in $second (user3@$second)"* ]]
	run -65 on mail1.lan cl-setup --remove-domain "$domain"
	knows relay.lan "user3@$second"
}

@test "another delimiter holds on every host, and the former one no more" {
	local host
	run -64 on mail1.lan cl-setup --delimiter -
	[[ $output == *"may be in a user's name"* ]]
	run -77 on relay.lan cl-setup --delimiter =
	run -0 on mail1.lan cl-setup --delimiter =
	[[ $output == *"cl-rebuild, on: mail2.lan, relay.lan"* ]]
	render_everywhere
	run -0 on relay.lan cl-replication -l --json
	[ "$(jq -r .delimiter <<<"$output")" = "=" ]
	run -0 on mail2.lan cl-replication -l
	[[ $output == *"Delimiter of details in addresses: ="* ]]
	all_say "user1=x@$domain" 250
	all_say "user1+x@$domain" 550
	for host in "${hosts[@]}"; do
		on "$host" cl-route "user1=x@$domain"
		run -67 on "$host" cl-route "user1+x@$domain"
		submit "$host" "user1=x@$domain" "equals-at-$host"
	done
	for host in "${hosts[@]}"; do await_message mail1.lan user1 "equals-at-$host"; done
	run -65 on mail2.lan cl-usermod --forward "user1+x@$domain" user2
	[[ $output == *"nobody has this address"* ]]
	on mail1.lan cl-setup --delimiter none
	render_everywhere
	all_say "user1=x@$domain" 550
	on mail1.lan cl-setup --delimiter +
	render_everywhere
	all_say "user1+x@$domain" 250
}

@test "a catch-all gets what nobody has, and nothing else" {
	local host subject
	run -0 on mail2.lan cl-useradd -P -e "catcher@$domain" -e "@$domain" catcher mail <<<"$password"
	all_say "nobody@$domain" 250
	all_say "nobody@$second" 550
	for host in "${hosts[@]}"; do submit "$host" "nobody@$domain" "astray-at-$host"; done
	submit relay.lan "nobody+detail@$domain" detail
	submit relay.lan "user1+detail@$domain" tagged
	submit relay.lan "postmaster@$domain" for-a-role
	submit relay.lan "postmaster+detail@$domain" for-a-tagged-role
	for host in "${hosts[@]}"; do await_message mail2.lan catcher "astray-at-$host"; done
	await_message mail2.lan catcher detail
	await_message mail1.lan user1 tagged
	eventually 20 on relay.lan grep -q "Subject: for-a-role" /var/mail/root
	eventually 20 on relay.lan grep -q "Subject: for-a-tagged-role" /var/mail/root
	for subject in tagged role; do
		run -0 count_messages mail2.lan catcher "$subject"
		[ "$output" = 0 ]
	done
	run -0 on mail1.lan cl-setup --domains
	[[ $output == *catcher@mail2.lan* ]]
}

@test "one domain has one catch-all" {
	run -73 on mail1.lan cl-useradd -e "second.catcher@$domain" -e "@$domain" greedy mail
	[[ $output == *"@$domain: already owned by mail2.lan (mailbox catcher)"* ]]
	run -65 on mail1.lan cl-useradd -e "greedy@$domain" -e "@third.org" greedy mail
	[[ $output == *"unknown mail domain third.org"* ]]
}

@test "while a provider cannot be reached, what seems unknown waits and is not given to the catch-all" {
	lab cut mail1.lan
	eventually 60 rcpt_code_is mail2.lan "nobody@$domain" 450
	# Whoever is known here is not in doubt.
	knows mail2.lan "user2@$domain"
	knows mail2.lan "postmaster@$domain"
	on mail1.lan cl-useradd -e "late@$domain" late mail
	rcpt_code_is mail2.lan "late@$domain" 450
	lab heal mail1.lan
	eventually 60 rcpt_code_is mail2.lan "nobody@$domain" 250
	submit mail2.lan "late@$domain" for-late
	eventually 30 on mail1.lan sh -c 'grep -rq for-late /var/lib/mailrepl/mail/late/'
	run -0 count_messages mail2.lan catcher for-late
	[ "$output" = 0 ]
}

@test "while two hosts claim the catch-all, what nobody has waits, and the home settles it" {
	lab cut mail1.lan
	on mail1.lan cl-useradd -e "usurper@$domain" usurper mail
	on mail1.lan ldapmodify -Q -Y EXTERNAL -H ldapi://%2Frun%2Fmailrepl%2Fldapi <<-LDIF
		dn: uid=usurper,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
		changetype: modify
		add: mailLocalAddress
		mailLocalAddress: @$domain
	LDIF
	lab heal mail1.lan
	eventually 60 rcpt_code_is relay.lan "nobody@$domain" 451
	knows relay.lan "user1@$domain"
	on mail1.lan cl-replication --yes --settle "@$domain" mail2.lan
	all_say "nobody@$domain" 250
}

@test "a domain has its own postmaster, whose mail is taken in while the directory is down" {
	local host
	run -65 on mail1.lan cl-setup --postmaster "nobody2@$second" mail "$second"
	[[ $output == *"no mailbox and no group has this address"* ]]
	run -65 on mail1.lan cl-setup --postmaster "abuse@$domain" mail "$second"
	[[ $output == *"role address itself"* ]]
	run -65 on mail1.lan cl-setup --postmaster "someone@outside.test" mail "$second"
	[[ $output == *"does not leave this intranet"* ]]
	run -0 on mail1.lan cl-setup --postmaster "user1@$domain" mail "$second"
	[[ $output == *"cl-rebuild, on: mail2.lan, relay.lan"* ]]
	run -0 on mail1.lan cl-setup --postmaster "user1@$domain" mail "$second"
	[[ $output == *"nothing to do"* ]]
	render_everywhere
	for host in mail1.lan relay.lan; do
		slapd_do "$host" stop
		submit "$host" "postmaster@$second" "chief-at-$host"
		submit "$host" "Abuse@$domain" "default-at-$host"
		eventually 20 on "$host" grep -q "Subject: default-at-$host" /var/mail/root
		slapd_do "$host" start
	done
	for host in mail1.lan relay.lan; do
		eventually 60 knows "$host" "user1@$domain"
		on "$host" postqueue -f
		await_message mail1.lan user1 "chief-at-$host"
	done
	no_bounces "${hosts[@]}"
}

@test "a domain that another's postmaster lies in stays" {
	run -65 on mail1.lan cl-setup --remove-domain "$domain"
	run -0 on mail1.lan cl-setup --postmaster root@localhost mail "$second"
	run -0 on mail1.lan cl-setup --domains --json
	[ "$(jq -r '.domains[] | select(.domain == "other.org") | .postmaster' <<<"$output")" = null ]
}

@test "cl-setup asks on a terminal for the postmaster of a new domain" {
	run -0 on mail1.lan script -qec "cl-setup mail third.org" /dev/null <<<"user1@$domain"
	[[ $output == *"postmaster@third.org"*"[root@localhost]"* ]]
	run -0 on mail1.lan cl-setup --domains
	[[ $output == *"third.org"*"user1@$domain"* ]]
}

@test "--remove-domain, killed and run again, ends with the domain gone on every host" {
	local place killed=0
	for place in "rename 2" "sendto 2"; do
		# shellcheck disable=SC2086 # the name and the number
		set -- $place
		run on mail1.lan strace -qq -o /dev/null -e trace="$1" -e inject="$1:signal=KILL:when=$2" \
			cl-setup --remove-domain third.org
		[ "$status" -ne 137 ] || killed=$((killed + 1))
		on mail1.lan cl-setup --remove-domain third.org
		run -0 on mail1.lan cl-setup --domains
		[[ $output != *third.org* ]]
		run ! on mail1.lan grep -r third.org /etc/postfix/mailrepl
		[ "$place" = "sendto 2" ] || on mail1.lan cl-setup -q mail third.org
	done
	[ "$killed" -ge 1 ]
	run -0 on mail1.lan cl-setup --remove-domain third.org
	[[ $output == *"no mail domain third.org"*"nothing to do"* ]]
	eventually 60 rcpt_code_is relay.lan "postmaster@third.org" 550
}
