#!/usr/bin/env bats
# Mail servers that change from Postfix to Exim: every address is treated alike, and mailboxes get their mail.

load e2e
load outside
load probes
load exim

setup_file() {
	outside_domain --scheme server-mx --mx mail2.lan
	directory_everywhere
	answers_of_postfix mail2.lan >"$BATS_FILE_TMPDIR/postfix"
	to_exim mail2.lan
}

teardown_file() {
	e2e_down
}

@test "every address is answered by Exim as by Postfix, and goes where cl-route says" {
	answers_of_exim mail2.lan >"$BATS_FILE_TMPDIR/exim"
	run -0 disagreements mail2.lan "$BATS_FILE_TMPDIR/postfix" "$BATS_FILE_TMPDIR/exim"
	echo "# ${lines[-1]}" >&3
	[[ ${lines[-1]} == *", 0 disagreements" ]] || fail "$output"
}

@test "mail from outside reaches both servers' users" {
	submit mail2.lan "user1@$domain" in-to-1
	submit mail2.lan "user2+detail@$domain" in-to-2
	await_message mail1.lan user1 in-to-1
	await_message mail2.lan user2 in-to-2
}
