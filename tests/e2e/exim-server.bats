#!/usr/bin/env bats
# Mail servers that change from Postfix to Exim: every address is treated alike, and mailboxes get their mail.

load e2e
load outside
load probes
load exim

hosts=(mail1.lan mail2.lan relay.lan)

setup_file() {
	outside_domain --scheme server-mx --mx mail2.lan
	directory_everywhere
	answers_of_postfix mail2.lan >"$BATS_FILE_TMPDIR/postfix"
	answers_to_senders mail2.lan >"$BATS_FILE_TMPDIR/senders"
	to_exim mail2.lan
}

teardown_file() {
	e2e_down
}

@test "every address is answered by Exim as by Postfix, and goes where cl-route says" {
	answers_of_exim mail2.lan >"$BATS_FILE_TMPDIR/exim"
	run -0 disagreements mail2.lan "$BATS_FILE_TMPDIR/postfix" "$BATS_FILE_TMPDIR/exim"
	[ "${#lines[@]}" -gt 0 ]
	echo "# ${lines[-1]}" >&3
	[[ ${lines[-1]} == *", 0 disagreements" ]] || fail "$output"
}

@test "senders are believed as Postfix believes them" {
	run -0 diff "$BATS_FILE_TMPDIR/senders" <(answers_to_senders mail2.lan)
}

@test "mail from outside, from other hosts and from programs comes into the mailbox, with its detail" {
	submit mail2.lan "user2+detail@$domain" in
	submit relay.lan "user2@$domain" across
	submit_locally mail2.lan "user2@$domain" from-here
	on mail2.lan sh -c 'printf "Subject: typed\n\nbody\n" | sendmail user2@maildomain.org'
	local subject
	for subject in in across from-here typed; do await_message mail2.lan user2 "$subject"; done
	on mail2.lan sh -c 'grep -rlx "Delivered-To: user2+detail@mail2.lan" /var/lib/mailrepl/mail' >&2
	on mail2.lan sh -c 'grep -rlx "Return-Path: <root@mail2.lan>" /var/lib/mailrepl/mail' >&2
}

@test "mail from here reaches the other server, the world, and this system's own people" {
	submit mail2.lan "user1@$domain" to-the-other
	await_message mail1.lan user1 to-the-other
	on mail2.lan sh -c 'printf "Subject: out\n\nbody\n" | sendmail someone@outside.example'
	eventually 30 outside_got someone@outside.example out 'Return-Path: <root@mail2.lan>'
	on mail2.lan sh -c 'printf "Subject: from-root\n\nbody\n" | sendmail root'
	submit mail2.lan "postmaster@$domain" to-the-postmaster
	eventually 30 on mail2.lan grep -q 'Subject: from-root' /var/mail/mail
	eventually 30 on mail2.lan grep -q 'Subject: to-the-postmaster' /var/mail/mail
}

@test "a list of this host reaches its members on every host, each once, and a forward its target" {
	add_user mail2.lan user3
	add_user mail2.lan away
	on mail2.lan cl-usermod --forward someone@outside.example away
	on mail2.lan cl-groupadd -e "inner@$domain" -m "user3@$domain" -m "user1@$domain" inner mail
	on mail2.lan cl-groupadd -e "team@$domain" -m "user1@$domain" -m "user2@$domain" -m "inner@$domain" \
		-m "away@$domain" team mail
	eventually 60 knows mail1.lan "team@$domain"
	submit mail1.lan "team@$domain" to-the-team
	await_message mail1.lan user1 to-the-team
	await_message mail2.lan user2 to-the-team
	await_message mail2.lan user3 to-the-team
	eventually 30 outside_got someone@outside.example to-the-team
	eventually 30 queue_is_empty mail2.lan
	has_messages mail1.lan user1 to-the-team 1
	has_messages mail2.lan user3 to-the-team 1
}

# session ARGUMENT…: a mail program on the client host; prints the first refusal's code, or 250.
session() {
	local said
	said=$(on "$client" swaks --helo "$client" --server mail2.lan --timeout 20 "$@" 2>&1) || true
	awk '/^<[-~]?\*+ +[0-9]/ { code = substr($2, 1, 3); exit } /^\*\*\* (Error connecting|Host did not advertise auth)/ { code = "none"; exit }
		/^<[-~] +250 .*OK id=/ { code = 250 } END { print code ? code : "none" }' <<<"$said"
}

# sends CODE PORT LOGIN FROM TO [ARGUMENT…]
sends() {
	local want=$1 tls=--tls code
	[ "$2" != 465 ] || tls=--tlsc
	code=$(session --port "$2" "$tls" --auth-user "$3" --from "$4" --to "$5" --auth-password "$password" "${@:6}")
	[ "$code" = "$want" ] || fail "$* is answered with $code"
}

@test "who has logged in writes to everybody, in his own name alone, and what he sends does not say from where" {
	sends 250 587 user2 "user2@$domain" "user1@$domain" --h-Subject sent-587 --add-header 'X-Originating-IP: 192.0.2.1'
	sends 250 465 user1 "user1+shop@$domain" "user2@$domain" --h-Subject sent-465 --auth LOGIN
	sends 250 587 user2 "user2@$domain" "nearclosed@$domain"
	sends 250 587 user2 "<>" user1@mail1.lan
	sends 250 587 user2 "user2@$domain" someone@outside.example --h-Subject sent-out
	sends 553 587 user2 "user1@$domain" "user1@$domain"
	sends 553 587 user2 "postmaster@$domain" "user1@$domain"
	sends 553 587 user2 someone@outside.example "user1@$domain"
	sends 501 587 user2 user2 "user1@$domain"
	sends 550 587 user2 "user2@$domain" "nobody@$domain"
	sends 550 587 user2 "user2@$domain" "farrefused@$domain"
	sends 451 587 user1 "both@$domain" "user2@$domain"
	await_message mail1.lan user1 sent-587
	await_message mail2.lan user2 sent-465
	eventually 30 outside_got someone@outside.example sent-out
	run -0 on mail2.lan sh -c 'grep -rl "^Subject: sent-465" /var/lib/mailrepl/mail | xargs cat'
	local address
	address=$(outside_address)
	[[ $output != *"$address"* ]] || fail "$output"
	run ! outside_got someone@outside.example sent-out "^Received: from.*$address"
	run ! on mail1.lan grep -r '^X-Originating-IP' /var/lib/mailrepl/mail
}

# code_is CODE ARGUMENT…
code_is() {
	local code
	code=$(session --from "user2@$domain" --to "user1@$domain" "${@:2}")
	[ "$code" = "$1" ] || fail "$* is answered with $code"
}

@test "nobody logs in without TLS, at port 25 or with a wrong password, nor sends without a login" {
	local login=(--auth PLAIN --auth-user user2 --auth-password)
	code_is 530 --port 587
	code_is none --port 587 "${login[@]}" "$password"
	code_is none --port 25 --tls "${login[@]}" "$password"
	code_is 530 --port 587 --tls
	code_is 530 --port 465 --tlsc
	code_is 535 --port 587 --tls --timeout 60 "${login[@]}" wrong
}

status_shows_exim() {
	on mail1.lan cl-replication --status | grep -qE '^mail2.lan +.* Exim 4\.'
}

@test "the home sees that this host has Exim now" {
	eventually 60 status_shows_exim
}

@test "no relay probe comes out" {
	relay_probes mail2.lan mail1.lan >&2
	relays_nothing mail1.lan mail2.lan
}

brought() {
	on mail2.lan exim4 -qff
	has_messages mail2.lan user2 "$1" 1
}

@test "while Dovecot is down mail waits, and nothing is lost" {
	on mail2.lan doveadm stop
	submit mail2.lan "user2@$domain" waits
	eventually 30 on mail2.lan grep -qE '== user2.* T=dovecot defer' /var/log/exim4/mainlog
	on mail2.lan dovecot
	eventually 60 brought waits
}

# Nothing is left of user4's in the queue of Exim.
has_gone() {
	on mail2.lan sh -c '! exim4 -bp | grep -q user4'
}

# It may have come to mail1 before the limit was gone: Postfix' own next try is minutes away.
fits() {
	on mail1.lan postqueue -f
	has_messages mail1.lan user4 too-big 1
}

@test "mail for a mailbox that is full waits, and goes after it when it moves to a host with Postfix" {
	add_user mail2.lan user4
	on mail2.lan cl-usermod --quota 1M user4
	eventually 30 on mail2.lan grep -q user4 /var/lib/mailrepl/quota
	# shellcheck disable=SC2016 # for that shell to expand
	on mail2.lan sh -c '(printf "Subject: too-big\n\n"; head -c 1500000 /dev/zero | tr "\0" x | fold -w 70) | sendmail "$1"' sh "user4@$domain"
	eventually 30 on mail2.lan grep -qE '== user4.* T=dovecot defer .* 452 4.2.2 .*Quota exceeded' /var/log/exim4/mainlog
	on mail1.lan cl-usermod --host mail1.lan user4
	on mail1.lan cl-usermod --quota none user4
	eventually 60 has_gone
	eventually 60 fits
}

rcpt_is_later() {
	[[ $(rcpt_code mail2.lan "$1") == 4* ]]
}

@test "while the directory is down everybody is told to come later, but for the postmaster" {
	slapd_do mail2.lan stop
	rcpt_is_later "user2@$domain"
	rcpt_is_later "nobody@$domain"
	[ "$(rcpt_code mail2.lan "postmaster@$domain")" = 250 ]
	code_is 454 --port 587 --tls --auth PLAIN --auth-user user2 --auth-password "$password"
	slapd_do mail2.lan start
	eventually 60 knows mail2.lan "user2@$domain"
	eventually 60 rcpt_code_is mail2.lan "nobody@$domain" 550
}

@test "the home changes to Exim, too, and mail goes between them and to the world" {
	to_exim mail1.lan
	await_gates mail1.lan mail2.lan
	submit mail1.lan "user2@$domain" home-to-2
	submit mail2.lan "user1@$domain" 2-to-home
	await_message mail2.lan user2 home-to-2
	await_message mail1.lan user1 2-to-home
	on mail1.lan grep -q 'R=peers T=relay H=mail2.lan .* CV=yes' /var/log/exim4/mainlog
	on mail1.lan sh -c 'printf "Subject: home-to-out\n\nbody\n" | sendmail someone@outside.example'
	eventually 30 outside_got someone@outside.example home-to-out
}
