#!/usr/bin/env bats
# Two hosts that are cut off from each other give out one address. Mail for it waits until somebody decides.

load e2e

hosts=(mail1.lan mail2.lan relay.lan)

setup_file() {
	e2e_domain
	lab cut mail2.lan
	add_user mail1.lan anna -e "office@$domain"
	on mail2.lan cl-useradd -P -e "bert@$domain" -e "office@$domain" bert mail <<<"$password"
	add_user mail1.lan twin -e "twin1@$domain"
	on mail2.lan cl-useradd -P -e "twin2@$domain" twin mail <<<"$password"
	lab heal mail2.lan
}

teardown_file() {
	e2e_down
}

sees_clash() {
	on "$1" cl-replication --clashes --json | jq -e --arg address "$2" '[.clashes[].address] | index($address)' >/dev/null
}

@test "after healing every host lists the address with both owners" {
	local host
	for host in "${hosts[@]}"; do
		eventually 90 sees_clash "$host" "office@$domain"
		run -0 on "$host" cl-replication --clashes
		[[ $output == *"office@$domain"*mail1.lan*anna*mail2.lan*bert* ]]
		[[ $output != *"anna@$domain"* && $output != *"bert@$domain"* ]]
	done
}

@test "a user name that two hosts have is listed where there are accounts" {
	eventually 60 sees_clash mail1.lan "uid twin"
	eventually 60 sees_clash mail2.lan "uid twin"
}

@test "mail for it is deferred on every host, mail for the others is not" {
	local host
	for host in "${hosts[@]}"; do
		rcpt_code_is "$host" "office@$domain" 451
		rcpt_code_is "$host" "anna@$domain" 250
		rcpt_code_is "$host" "bert@$domain" 250
	done
}

@test "--settle refuses what it cannot do" {
	run -66 on mail1.lan cl-replication --yes --settle "anna@$domain" mail1.lan
	[[ $output == *"anna@$domain"* ]]
	run -65 on mail1.lan cl-replication --yes --settle "office@$domain" relay.lan
	[[ $output == *mail1.lan*anna*mail2.lan*bert* ]]
	run -77 on mail2.lan cl-replication --yes --settle "office@$domain" mail2.lan
	[[ $output == *mail1.lan* ]]
	run -64 on mail1.lan cl-replication --settle "office@$domain"
	run -64 on mail1.lan cl-replication --settle "office@$domain" mail2.lan
	[[ $output == *--yes* ]]
	rcpt_code_is mail1.lan "office@$domain" 451
}

@test "--settle --dry-run shows the steps and changes nothing" {
	run -0 on mail1.lan cl-replication --dry-run --settle "office@$domain" mail2.lan
	[[ $output == *"take office@$domain from anna at mail1.lan"* ]]
	rcpt_code_is relay.lan "office@$domain" 451
}

@test "--settle releases it to the right mailbox on every host" {
	local host
	on mail1.lan cl-replication --yes --settle "office@$domain" mail2.lan
	for host in "${hosts[@]}"; do
		eventually 30 knows "$host" "office@$domain"
		submit "$host" "office@$domain" "settled-at-$host"
	done
	for host in "${hosts[@]}"; do
		await_message mail2.lan bert "settled-at-$host"
		has_messages mail1.lan anna "settled-at-$host" 0
	done
	run -0 on mail1.lan cl-replication --clashes
	[[ $output != *"office@$domain"* ]]
	no_bounces "${hosts[@]}"
}

@test "the one who has lost it logs in by another address, and this one is gone from the account" {
	local folders
	folders=$(imap mail1.lan "anna@$domain" "")
	[[ $folders == *INBOX* ]]
	run -0 owned mail1.lan Unix
	[[ $output != *"office@$domain"* ]]
}

@test "the home takes from another host too" {
	lab cut mail2.lan
	add_user mail1.lan carl -e "hotline@$domain"
	on mail2.lan cl-useradd -P -e "hotline@$domain" dora mail <<<"$password"
	lab heal mail2.lan
	eventually 90 sees_clash mail1.lan "hotline@$domain"
	run -0 on mail1.lan cl-replication --yes --settle "hotline@$domain" mail1.lan
	[[ $output == *"dora@mail2.lan"* ]]
	eventually 30 knows relay.lan "hotline@$domain"
	submit relay.lan "hotline@$domain" taken-from-another-host
	await_message mail1.lan carl taken-from-another-host
}

@test "-d: a host that owns users is refused with their number, --force says what is lost" {
	run -65 on mail1.lan cl-replication --yes -d mail2.lan unix
	[[ $output == *mail2.lan*"3 routes and 3 accounts"*--force* ]]
	run -68 on mail1.lan cl-replication --yes -d mail9.lan unix
	run -65 on mail1.lan cl-replication --yes -d mail1.lan unix
	run -64 on mail1.lan cl-replication --force -d mail2.lan unix
	[[ $output == *"3 routes and 3 accounts are lost"*--yes* ]]
	knows relay.lan "bert@$domain"
	on mail1.lan cl-replication --yes --force -d mail2.lan unix
	on relay.lan cl-rebuild
	eventually 60 rcpt_code_is mail1.lan "bert@$domain" 550
	eventually 60 rcpt_code_is relay.lan "bert@$domain" 550
	knows relay.lan "anna@$domain"
}

@test "-d takes it out of mail, -a invites it again with another serverID" {
	on mail1.lan cl-replication --yes -d mail2.lan mail
	run -0 on mail1.lan cl-replication -l
	[[ $output != *mail2.lan* ]]
	on mail1.lan test ! -e /etc/mailrepl/tls/peers/mail2.lan.key
	on mail1.lan cl-replication -a mail2.lan mail
	run -0 on mail1.lan cl-replication -l
	[[ $output == *mail2.lan*4*relay*invited* ]]
	on mail1.lan cl-replication -a mail2.lan mail
	run -65 on mail1.lan cl-replication -a mail9.lan unix
	run -64 on mail1.lan cl-replication -a mail8.lan,mail9.lan mail
}
