#!/usr/bin/env bats
# A relay that changes from Postfix to Exim: every address is treated alike, and mail goes in, across and out.

load e2e
load outside
load probes
load exim

setup_file() {
	outside_domain --scheme relay-mx --mx relay.lan
	directory_everywhere
	answers_of_postfix relay.lan >"$BATS_FILE_TMPDIR/postfix"
	answers_to_senders relay.lan >"$BATS_FILE_TMPDIR/senders"
	to_exim relay.lan
}

teardown_file() {
	e2e_down
}

@test "every address is answered by Exim as by Postfix, and as cl-route says" {
	answers_of_exim relay.lan >"$BATS_FILE_TMPDIR/exim"
	run -0 disagreements relay.lan "$BATS_FILE_TMPDIR/postfix" "$BATS_FILE_TMPDIR/exim"
	echo "# ${lines[-1]}" >&3
	[[ ${lines[-1]} == *", 0 disagreements" ]] || fail "$output"
}

@test "senders are believed as Postfix believes them" {
	run -0 diff "$BATS_FILE_TMPDIR/senders" <(answers_to_senders relay.lan)
}

@test "mail from outside reaches both servers' users, over TLS with verified certificates" {
	submit relay.lan "user1@$domain" in-to-1
	submit relay.lan "user2+detail@$domain" in-to-2
	await_message mail1.lan user1 in-to-1
	await_message mail2.lan user2 in-to-2
	on relay.lan grep -q 'R=peers T=relay H=mail1.lan .* CV=yes' /var/log/exim4/mainlog
	local address
	address=$(on mail1.lan getent hosts relay.lan | cut -d' ' -f1)
	on mail1.lan grep -qE "Trusted TLS connection established from [^ ]*\\[$address\\]" /var/log/syslog
}

@test "programs on the relay reach users, its own people and the world" {
	submit_locally relay.lan "user2@$domain" across "root@relay.lan"
	await_message mail2.lan user2 across
	on relay.lan sh -c 'printf "Subject: from-root\n\nbody\n" | sendmail root'
	eventually 30 on relay.lan grep -q 'Subject: from-root' /var/mail/mail
	on relay.lan sh -c 'printf "Subject: out\n\nbody\n" | sendmail someone@outside.example'
	eventually 30 outside_got someone@outside.example out 'Return-Path: <root@relay.lan>'
}

@test "what is for the postmaster arrives" {
	submit relay.lan "postmaster@$domain" to-the-postmaster
	eventually 30 on relay.lan grep -q 'Subject: to-the-postmaster' /var/mail/mail
}

# peer_code RECIPIENT: what the relay answers mail2, who shows its certificate.
peer_code() {
	local code
	code=$(on mail2.lan swaks --server relay.lan --helo mail2.lan --from "user2@$domain" --to "$1" --tls \
		--tls-cert /etc/mailrepl/tls/host.crt --tls-key /etc/mailrepl/tls/host.key --quit-after RCPT 2>&1 |
		awk '/~> RCPT TO:/ { asked = 1; next } asked && /^<[-~*]+ / { print $2; exit }')
	echo "${code:-none}"
}

peer_is_refused() {
	[ "$(peer_code "$1")" = 550 ]
}

@test "a host of ours, known by its certificate, may write to hosts and to no more than that" {
	[ "$(rcpt_code relay.lan user1@mail1.lan)" = 550 ]
	[ "$(peer_code user1@mail1.lan)" = 250 ]
	eventually 60 peer_is_refused nobody@mail1.lan
	[ "$(peer_code "nearclosed@$domain")" = 250 ]
	[ "$(rcpt_code relay.lan "nearclosed@$domain")" = 550 ]
	[ "$(peer_code someone@outside.example)" = 550 ]
}

# sender_code SENDER [HELO]: what the relay answers a stranger who says so, at RCPT.
sender_code() {
	on "$client" perl -e "$(cat "$BATS_TEST_DIRNAME/rcpt.pl")" relay.lan "${2:-$client}" "$1" "user1@$domain" | cut -f1
}

sender_is_refused() {
	[ "$(sender_code "$1")" = 550 ]
}

@test "strangers are looked at as closely as by Postfix" {
	[ "$(sender_code someone@outside.test)" = 250 ]
	[ "$(sender_code "user2@$domain")" = 250 ]
	# Later, while the gate is closed: a machine that is busy may seem to be out of step.
	eventually 60 sender_is_refused "nobody@$domain"
	eventually 60 sender_is_refused nobody@mail1.lan
	[ "$(sender_code someone@no-such-domain.example.test)" = 550 ]
	[[ $(sender_code someone@outside.test relay.lan) == 5* ]]
	[[ $(sender_code someone@outside.test outside) == 5* ]]
	[ "$(sender_code "")" = 250 ]
}

@test "no relay probe comes out" {
	relay_probes relay.lan mail1.lan >&2
	relays_nothing relay.lan mail1.lan mail2.lan
}

@test "mail is not given to somebody else in the place of a host" {
	local address
	address=$(on "$client" hostname -i)
	on relay.lan cp /etc/hosts /var/tmp/hosts
	on relay.lan sh -c "sed '/mail2.lan/d' /var/tmp/hosts >/etc/hosts; echo '${address%% *} mail2.lan' >>/etc/hosts"
	submit relay.lan "user2@$domain" astray
	eventually 30 on relay.lan grep -qE '== user2@mail2.lan .*(TLS|certificate)' /var/log/exim4/mainlog
	on relay.lan sh -c 'cat /var/tmp/hosts >/etc/hosts'
	on relay.lan exim4 -qff
	await_message mail2.lan user2 astray
}

rcpt_is_later() {
	[[ $(rcpt_code relay.lan "$1") == 4* ]]
}

@test "while the directory is down nobody is refused, and the postmaster is reached" {
	slapd_do relay.lan stop
	rcpt_is_later "user1@$domain"
	rcpt_is_later "nobody@$domain"
	[ "$(rcpt_code relay.lan "postmaster@$domain")" = 250 ]
	slapd_do relay.lan start
	eventually 60 knows relay.lan "user1@$domain"
	eventually 60 rcpt_code_is relay.lan "nobody@$domain" 550
}

@test "while this host may not know everybody who is unknown is told to come later, and no catch-all gets it" {
	lab cut mail2.lan
	eventually 60 rcpt_is_later "nobody@$domain"
	rcpt_is_later "nobody@$other"
	[ "$(rcpt_code relay.lan "user1@$domain")" = 250 ]
	lab heal mail2.lan
	eventually 90 rcpt_code_is relay.lan "nobody@$domain" 550
}

@test "a template that Exim refuses changes nothing, and Exim serves on" {
	on relay.lan sh -c 'mkdir -p /etc/mailrepl/templates/exim &&
		sed "s/^message_size_limit/no_such_option/" /usr/share/mailrepl/templates/exim/exim4.conf >/etc/mailrepl/templates/exim/exim4.conf'
	run ! on relay.lan cl-rebuild
	[[ $output == *no_such_option* ]]
	on relay.lan rm /etc/mailrepl/templates/exim/exim4.conf
	run -0 on relay.lan cl-rebuild --dry-run
	[[ $output == *"nothing to do"* ]] || fail "$output"
	[ "$(rcpt_code relay.lan "user1@$domain")" = 250 ]
}

# brought SUBJECT: is it in user2's mailbox? Exim's own next try may be minutes away.
brought() {
	on relay.lan exim4 -qff
	has_messages mail2.lan user2 "$1" 1
}

@test "Exim shows a certificate that was renewed, with its key" {
	local before
	before=$(on relay.lan sha256sum /etc/exim4/mailrepl/host.key)
	on mail1.lan cl-replication --renew relay.lan
	bring_archives relay.lan
	on relay.lan cl-replication --renew
	on relay.lan cmp /etc/mailrepl/tls/host.key /etc/exim4/mailrepl/host.key
	[ "$(on relay.lan sha256sum /etc/exim4/mailrepl/host.key)" != "$before" ]
	submit relay.lan "user2@$domain" renewed
	eventually 60 brought renewed
}

@test "cl-setup --undo leaves nothing of ours in Exim's folder" {
	on relay.lan cl-setup --undo --yes
	run ! on relay.lan ls /etc/exim4/exim4.conf /etc/exim4/mailrepl
}
