#!/usr/bin/env bats
# The three schemes with the world around them: who takes mail from outside, who sends it out, and what DNS says of it.

load e2e
load outside

setup_file() {
	outside_domain --scheme server-mx --mx mail1.lan
	outside_dns "$domain" MX "10 mail1.lan"
	add_user mail1.lan user1
	add_user mail2.lan user2
}

teardown_file() {
	e2e_down
}

@test "in: from outside, by the MX record" {
	outside_send someone@outside.example "user2@$domain" from-outside
	await_message mail2.lan user2 from-outside
}

@test "out" {
	submit_locally mail2.lan someone@outside.example to-outside "user2@$domain"
	eventually 30 outside_got someone@outside.example to-outside
}
