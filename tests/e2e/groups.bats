#!/usr/bin/env bats
# Lists: who gets what is sent to them, wherever it enters; who may write; and what happens to a list in trouble.

load e2e

hosts=(mail1.lan mail2.lan relay.lan)

setup_file() {
	e2e_domain --scheme server-mx --mx mail1.lan
	collect_outside
	add_user mail1.lan anna
	add_user mail1.lan carl
	add_user mail2.lan bert
	add_user mail2.lan dora
	on mail2.lan cl-groupadd -e "support@$domain" -m dora support mail
	# The copies on mail1 must have it.
	eventually 30 on mail1.lan cl-groupadd -e "sales@$domain" \
		-m "anna,bert,support@$domain,Partner@outside.test" sales mail
	all_know "sales@$domain"
}

teardown_file() {
	e2e_down
}

all_know() {
	local host
	for host in "${hosts[@]}"; do eventually 30 knows "$host" "$1"; done
}

# members HOST GROUP: as they are stored, in one line.
members() {
	on "$1" ldapsearch -Q -LLL -o ldif-wrap=no -Y EXTERNAL -H ldapi://%2Frun%2Fmailrepl%2Fldapi \
		-b "cn=$2,cn=$1,ou=Mail,ou=Owned,dc=mailrepl" rfc822MailMember |
		sed -n 's/^rfc822MailMember: //p' | sort | tr '\n' ' '
}

# outside_count SUBJECT
outside_count() {
	on "$client" sh -c 'grep -rlx "Subject: $1" /var/tmp/sink | wc -l' sh "$1"
}

@test "mail to a list reaches every member once, on every host, in lists of other hosts and outside, wherever it enters" {
	local host
	for host in "${hosts[@]}"; do submit "$host" "sales@$domain" "news-at-$host"; done
	submit_locally mail2.lan "sales@$domain" news-on-mail2
	for host in at-mail1.lan at-mail2.lan at-relay.lan on-mail2; do
		await_message mail1.lan anna "news-$host"
		await_message mail2.lan bert "news-$host"
		await_message mail2.lan dora "news-$host"
		eventually 30 outside_has "news-$host"
	done
	for host in "${hosts[@]}"; do eventually 30 queue_is_empty "$host"; done
	has_messages mail1.lan anna news-at-relay.lan 1
	has_messages mail2.lan dora news-at-relay.lan 1
	[ "$(outside_count news-at-relay.lan)" = 1 ]
	has_messages mail1.lan carl news 0
}

@test "members are stored as real addresses and shown as people know them; outside an address keeps its case" {
	[ "$(members mail1.lan sales)" = "Partner@outside.test anna@mail1.lan bert@mail2.lan support@mail2.lan " ]
	run -0 --separate-stderr on mail1.lan cl-groupmod --json -a anna sales
	[ "$(jq -c '.group.members | sort' <<<"$output")" = \
		"[\"Partner@outside.test\",\"anna@$domain\",\"bert@$domain\",\"support@$domain\"]" ]
	[ "$(jq .changed <<<"$output")" = 0 ]
}

@test "a +detail reaches the list" {
	submit relay.lan "sales+urgent@$domain" detailed
	await_message mail2.lan bert detailed
}

@test "a closed list refuses outsiders with a text, and takes mail from inside" {
	local host
	run -0 on mail2.lan cl-groupadd --closed -e "all@$domain" -m "sales@$domain,carl" all mail
	for host in "${hosts[@]}"; do eventually 30 rcpt_code_is "$host" "all@$domain" 550; done
	rcpt_code_is relay.lan "all+detail@$domain" 550
	run on "$client" swaks --server mail1.lan --helo "$client" --to "all@$domain" --from "x@outside.test" --quit-after RCPT
	[[ $output == *"This list takes mail from inside only"* ]]
	# Who has logged in is inside, wherever the client stands.
	on "$client" swaks --server mail2.lan:587 --tls --auth PLAIN --auth-user anna --auth-password "$password" \
		--helo "$client" --to "all@$domain" --from "anna@$domain" --h-Subject for-all-1 --body x >&2
	submit_locally relay.lan "all@$domain" for-all-2
	await_message mail1.lan carl for-all-1
	await_message mail1.lan carl for-all-2
	await_message mail2.lan bert for-all-2
	on mail2.lan cl-groupmod --open all
	all_know "all@$domain"
}

@test "a circle is refused with the way, over hosts" {
	run -65 on mail2.lan cl-groupmod -a sales support
	[[ $output == *"support -> sales -> support"* ]]
	run -65 on mail1.lan cl-groupmod -a "all@$domain" sales
	[[ $output == *"sales -> all -> sales"* ]]
}

@test "what is taken, unknown or in use is refused, and says by whom" {
	run -73 on mail1.lan cl-groupadd -e "bert@$domain" -m anna other mail
	[[ $output == *"already owned by mail2.lan (mailbox bert)"* ]]
	run -73 on mail1.lan cl-groupadd -e "other@$domain" -m anna bert mail
	run -73 on mail1.lan cl-useradd -e "support@$domain" new mail
	run -65 on mail1.lan cl-groupadd -e "other@$domain" -m "nobody@$domain" other mail
	run -65 on mail2.lan cl-groupdel support
	[[ $output == *"group sales"* ]]
	run -66 on mail1.lan cl-groupdel nothing
	run -77 on mail2.lan cl-groupmod -a carl sales
	[[ $output == *mail1.lan* ]]
}

@test "the home changes another host's list; a member who goes gets nothing more" {
	on mail1.lan cl-groupmod -a carl -d dora support
	[ "$(members mail2.lan support)" = "carl@mail1.lan " ]
	submit relay.lan "support@$domain" after-change
	await_message mail1.lan carl after-change
	has_messages mail2.lan dora after-change 0
}

@test "a list that has another name is still a member of other lists" {
	on mail2.lan cl-groupmod -l helpdesk --add-alias "helpdesk@$domain" support
	run -0 on mail2.lan cl-groupmod -l helpdesk support
	[[ $output == *"nothing to do"* ]]
	all_know "helpdesk@$domain"
	submit mail1.lan "sales@$domain" through-helpdesk
	await_message mail1.lan carl through-helpdesk
}

@test "an address that two hosts claim holds up its own mail, not that of the list" {
	lab cut mail2.lan
	on mail1.lan cl-groupadd -e "disputed@$domain" -m carl disputed mail
	on mail2.lan cl-useradd -P -e "bert2@$domain" -e "disputed@$domain" bert2 mail <<<"$password"
	on mail2.lan cl-groupadd -e "list@$domain" -m bert2,bert list mail
	lab heal mail2.lan
	eventually 60 rcpt_code_is mail1.lan "disputed@$domain" 451
	all_know "list@$domain"
	submit mail1.lan "list@$domain" undisputed
	await_message mail2.lan bert2 undisputed
	await_message mail2.lan bert undisputed
	run -73 on mail1.lan cl-groupmod -a "disputed@$domain" sales
	[[ $output == *"cl-replication --settle"* ]]
}

@test "a group as catch-all gets what nobody has" {
	on mail2.lan cl-groupmod --add-alias "@$domain" list
	all_know "nobody@$domain"
	submit relay.lan "nobody+x@$domain" astray
	await_message mail2.lan bert2 astray
	await_message mail2.lan bert astray
	on mail2.lan cl-groupmod --remove-alias "@$domain" list
	eventually 30 rcpt_code_is relay.lan "nobody@$domain" 550
}

@test "groups of accounts have numbers of their owner's row, which nobody else gets" {
	on mail1.lan cl-groupadd -m anna,bert staff unix
	on mail1.lan cl-useradd -e "erna@$domain" erna mail
	on mail1.lan cl-groupadd guests unix
	on mail1.lan cl-groupdel guests
	on mail1.lan cl-groupadd guests unix
	run -0 on mail1.lan sh -c 'ldapsearch -Q -LLL -Y EXTERNAL -H ldapi://%2Frun%2Fmailrepl%2Fldapi \
		-b "cn=mail1.lan,ou=Unix,ou=Owned,dc=mailrepl" "(gidNumber=*)" gidNumber | grep ^gidNumber | sort | uniq -d'
	[ -z "$output" ]
	run -0 on mail2.lan sh -c 'ldapsearch -Q -LLL -Y EXTERNAL -H ldapi://%2Frun%2Fmailrepl%2Fldapi -b "ou=Unix,dc=mailrepl" "(cn=staff)" memberUid'
	[[ $output == *"memberUid: anna"*"memberUid: bert"* ]]
}

@test "killed anywhere and run again, cl-groupadd ends with one whole group" {
	local nth requests killed=0
	E2E_LEAKS=0 on mail1.lan strace -qq -o /root/trace -e trace=sendto cl-groupadd -q -e "kill@$domain" -m anna,bert kill mail
	requests=$(on mail1.lan grep -c '^sendto' /root/trace)
	for nth in $(seq 2 3 "$requests"); do
		E2E_LEAKS=0 run on mail1.lan strace -qq -o /dev/null -e trace=sendto -e inject="sendto:signal=KILL:when=$nth" \
			cl-groupadd -q -e "kill$nth@$domain" -m anna,bert "kill$nth" mail
		[ "$status" -ne 137 ] || killed=$((killed + 1))
		on mail1.lan cl-groupadd -q -e "kill$nth@$domain" -m anna,bert "kill$nth" mail
		[ "$(members mail1.lan "kill$nth")" = "anna@mail1.lan bert@mail2.lan " ]
	done
	[ "$killed" -ge 5 ]
	run -0 on mail1.lan cl-groupadd -e "kill@$domain" -m anna,bert kill mail
	[[ $output == *"nothing to do"* ]]
}
