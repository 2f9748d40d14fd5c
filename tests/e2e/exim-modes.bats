#!/usr/bin/env bats
# A relay with Exim in each mode: in, out, across and refused, as modes.bats has it with Postfix; templates that do not serve;
# to Exim and back. The world around is outside.bash's, its smarthost included.

load e2e
load outside
load exim

smarthost='[smarthost.outside.example]'

setup_file() {
	outside_domain --scheme server-mx --mx mail1.lan
	outside_dns "$domain" MX "10 mail1.lan"
	add_user mail1.lan user1
	add_user mail2.lan user2
	keep_postfix relay.lan
	to_exim relay.lan
	eventually 60 knows relay.lan "user2@$domain"
}

teardown_file() {
	e2e_down
}

logged() {
	on relay.lan grep -qE -- "$1" /var/log/exim4/mainlog
}

# pushed COMMAND…: is it true? Exim's own next try may be minutes away.
pushed() {
	on relay.lan exim4 -qff
	"$@"
}

# settings TEXT: of the group mail on the relay, besides what it needs.
settings() {
	on relay.lan sh -c 'cat >/etc/mailrepl/mailrepl.conf' <<<"host = \"relay.lan\"; home = \"mail1.lan\";
		mail = { mta = \"exim\"; $1 };"
}

# local_answer RECIPIENT: the whole answer at RCPT to a program on the relay.
local_answer() {
	on relay.lan swaks --server 127.0.0.1 --helo relay.lan --from root@relay.lan --to "$1" --quit-after RCPT --timeout 20 2>&1 |
		awk '/-> RCPT TO:/ { asked = 1; next } asked && /^<[-~*]+ / { sub(/^<[-~*]+ +/, ""); print; exit }'
}

# send SUBJECT RECIPIENT…: from a program on the relay.
send() {
	local subject=$1
	shift
	on relay.lan sendmail "$@" <<<"Subject: $subject

$subject"
}

# template FILE SED-COMMAND: a template of the administrator's, ours with a change.
template() {
	on relay.lan sh -c 'folder=/etc/mailrepl/templates/exim/conf; mkdir -p $folder &&
		sed "$2" "/usr/share/mailrepl/templates/exim/conf/$1" >"$folder/$1"' sh "$@"
}

@test "nothing of ours is left where Postfix has its configuration, and there is no way back but the setting" {
	on relay.lan test ! -e /etc/postfix/mailrepl
	run ! on relay.lan grep -r mailrepl /etc/postfix
	run -0 on relay.lan cl-rebuild --undo --yes
	[[ $output == *"nothing"* ]] || fail "$output"
	run -0 on relay.lan cl-rebuild --dry-run
	[[ $output == *"nothing to do"* ]] || fail "$output"
}

@test "cl-route asks Exim, and says where it disagrees" {
	run -0 on relay.lan cl-route "user1+x@$domain"
	[[ $output == *"Exim here agrees: user1+x@mail1.lan"* ]] || fail "$output"
	run -67 on relay.lan cl-route --json "nobody@$domain"
	[ "$(jq -r '.addresses[0].exim | "\(.asked) \(.agrees) \(.answer)"' <<<"$output")" = "true true not found" ]
	on relay.lan sed -i.before 's/LOOKUP route ADDRESS/LOOKUP peer ADDRESS/' /etc/exim4/exim4.conf
	run -76 on relay.lan cl-route "user1@$domain"
	on relay.lan mv /etc/exim4/exim4.conf.before /etc/exim4/exim4.conf
	[[ $output == *"Exim here DISAGREES: User unknown"* ]] || fail "$output"
}

# refuses_template WORDS: cl-rebuild does, what was there serves on.
refuses_template() {
	local before
	before=$(on relay.lan sha256sum /etc/exim4/exim4.conf)
	run ! on relay.lan cl-rebuild
	on relay.lan rm -r /etc/mailrepl/templates
	[[ $output == *"$1"* ]] || fail "$output"
	[ "$(on relay.lan sha256sum /etc/exim4/exim4.conf)" = "$before" ]
	[ "$(rcpt_code relay.lan "user1@$domain")" = 250 ]
}

@test "a template that knows nobody, knows everybody, forgets a route or opens the relay is not installed" {
	template acl-rcpt 's/LOOKUP peer ADDRESS/LOOKUP route ADDRESS/'
	refuses_template 'for user'
	template acl-rcpt '0,/deny    domains = +mail_domains/s//accept  domains = +mail_domains/'
	refuses_template 'for no-such-user.mailrepl-probe@maildomain.org, who is nobody'
	template step-1 's/LOOKUP route ADDRESS/LOOKUP access ADDRESS/'
	refuses_template 'whom the directory has'
	template acl-rcpt 's/^rcpt:/rcpt:\n  accept/'
	refuses_template 'from a stranger'
	template step-1 's,TABLES/roles,TABLES/always,'
	refuses_template 'who must always be reached'
}

@test "a template that Exim takes but does not serve with is taken back" {
	template acl-mail 's/^mail:/mail:\n  deny condition = ${if eq{$received_port}{25}}/'
	refuses_template 'the one before is in force again'
}

@test "smarthost: a wrong password makes mail wait, the right one lets it go" {
	on relay.lan cl-setup --smarthost "$smarthost:587" --smarthost-user "$smarthost_login" mail
	on relay.lan cl-setup --smarthost-password -P <<<"not-$smarthost_password"
	modes relay.lan=smarthost
	send by-smarthost someone@outside.example
	eventually 30 logged "== someone@outside.example R=smarthost_1 .*authentication required"
	on relay.lan cl-setup --smarthost-password -P <<<"$smarthost_password"
	eventually 30 pushed went_by smarthost.outside.example someone@outside.example by-smarthost
	logged "=> someone@outside.example R=smarthost_1 .* X=TLS.* A="
}

@test "smarthost: in and across nothing is different, and strangers are refused" {
	submit relay.lan "user2@$domain" smart-in
	send smart-across "user1@$domain"
	await_message mail2.lan user2 smart-in
	await_message mail1.lan user1 smart-across
	eventually 60 rcpt_code_is relay.lan "nobody@$domain" 550
	[[ $(rcpt_code relay.lan someone@elsewhere.example) == 5* ]]
}

@test "the password is where root and Exim alone read it, and nowhere else" {
	local name=smarthost-smarthost.outside.example__587
	run -0 on relay.lan grep -rl "$smarthost_password" /etc /var/lib/mailrepl /var/log /run /var/spool/exim4
	[ "$(sort <<<"$output")" = "/etc/exim4/mailrepl/$name"$'\n'"/etc/mailrepl/secrets/$name" ]
	run -0 on relay.lan stat -c '%a %U:%G' "/etc/exim4/mailrepl/$name" "/etc/mailrepl/secrets/$name"
	[ "$output" = $'640 root:Debian-exim\n600 root:root' ]
}

@test "by domain: that domain's mail goes to a server of its own, on port 465, whose certificate counts, and no other's" {
	lab copy "$client:/var/outside/ca.crt" relay.lan:/etc/mailrepl/outside.crt
	settings "smarthost_ca = \"/etc/mailrepl/outside.crt\"; smarthosts = ( { domain = \".example\"; smarthost = \"$smarthost:465\";
		user = \"$smarthost_login\"; tls = \"secure\"; }, { domain = \"outside.example\"; smarthost = \"smarthost.outside.example:2525\"; } );"
	on relay.lan cl-setup --smarthost-password -P "$smarthost:465" <<<"$smarthost_password"
	modes relay.lan=internet
	send by-domain someone@elsewhere.example
	eventually 30 pushed went_by smarthost.outside.example someone@elsewhere.example by-domain
	logged "=> someone@elsewhere.example R=smarthost_2 .*CV=yes.* A="
	send by-port someone@outside.example
	eventually 30 pushed went_by smarthost.outside.example someone@outside.example by-port
	logged "=> someone@outside.example R=smarthost_1 "
	on relay.lan cp /etc/mailrepl/tls/ca.crt /etc/mailrepl/outside.crt
	send not-verified someone@elsewhere.example
	eventually 30 logged "== someone@elsewhere.example R=smarthost_2 .*certificate"
	lab copy "$client:/var/outside/ca.crt" relay.lan:/etc/mailrepl/outside.crt
	eventually 30 pushed went_by smarthost.outside.example someone@elsewhere.example not-verified
}

# peer_is_told HOST RECIPIENT CODE: by the relay; the host shows its certificate.
peer_is_told() {
	local said
	said=$(on "$1" swaks --server relay.lan --helo "$1" --from "user2@$domain" --to "$2" --tls \
		--tls-cert /etc/mailrepl/tls/host.crt --tls-key /etc/mailrepl/tls/host.key --quit-after RCPT 2>&1) || true
	awk '/~> RCPT TO:/ { asked = 1; next } asked && /^<[-~*]+ / { print substr($2, 1, 3); exit }' <<<"$said" | grep -qx "$3" || fail "$said"
}

@test "mail that another host hands on by way of Exim goes out, nobody else's does" {
	settings ""
	on relay.lan cl-rebuild
	on mail2.lan cl-setup --smarthost relay.lan mail
	modes mail2.lan=smarthost
	submit_locally mail2.lan someone@outside.example handed-on "user2@$domain"
	eventually 30 went_by relay.lan someone@outside.example handed-on
	peer_is_told mail2.lan nobody@elsewhere.example 250
	peer_is_told mail1.lan nobody@elsewhere.example 550
	peer_is_told mail2.lan nobody-there@localhost 550
	[[ $(rcpt_code relay.lan someone@elsewhere.example) == 5* ]]
	modes mail2.lan=internet
}

@test "satellite: nobody reaches it, and what it sends goes to everybody by way of the MX host" {
	modes relay.lan=satellite
	[ "$(rcpt_code relay.lan "user1@$domain")" = none ]
	send from-satellite root "user2@$domain" someone@outside.example
	await_message mail2.lan user2 from-satellite
	eventually 30 pushed went_by mail1.lan someone@outside.example from-satellite
	eventually 30 on relay.lan grep -qx "Subject: from-satellite" /var/mail/mail
	[[ $(local_answer nobody@relay.lan) == 550* ]]
	submit_locally mail2.lan root@relay.lan for-satellite
	eventually 30 on mail2.lan grep -qx "Subject: for-satellite" /var/mail/root
}

@test "local: its own system's mail is delivered, everything else is refused at once" {
	modes relay.lan=local
	[[ $(local_answer someone@outside.example) == "550 5.7.1 "*"Mail does not leave this host" ]]
	[[ $(local_answer "user1@$domain") == "550 5.7.1 "* ]]
	[ "$(rcpt_code relay.lan "user1@$domain")" = none ]
	send stays-here postmaster
	eventually 30 on relay.lan grep -qx "Subject: stays-here" /var/mail/mail
}

@test "none: what was there before comes back, and nothing of Exim is touched any more" {
	modes relay.lan=none
	run ! on relay.lan ls /etc/exim4/exim4.conf /etc/exim4/mailrepl
	on relay.lan sh -c 'echo "# mine" >/etc/exim4/exim4.conf.localmacros'
	run -0 on relay.lan cl-rebuild --dry-run
	[[ $output != *[Ee]xim* ]] || fail "$output"
	modes relay.lan=internet
	eventually 60 knows relay.lan "user2@$domain"
}

@test "back to Postfix: not while Exim runs, and then nothing of ours is left where Exim has its configuration" {
	on relay.lan sed -i.before 's/mta = "exim";//' /etc/mailrepl/mailrepl.conf
	run -78 on relay.lan cl-rebuild
	[[ $output == *"Exim still runs"* ]] || fail "$output"
	on relay.lan mv /etc/mailrepl/mailrepl.conf.before /etc/mailrepl/mailrepl.conf
	to_postfix relay.lan
	run ! on relay.lan ls /etc/exim4/exim4.conf /etc/exim4/mailrepl
	eventually 60 knows relay.lan "user2@$domain"
	eventually 60 rcpt_code_is relay.lan "nobody@$domain" 550
	submit relay.lan "user1@$domain" by-postfix-again
	await_message mail1.lan user1 by-postfix-again
	run -0 on relay.lan cl-route "user1@$domain"
	[[ $output == *"Postfix here agrees"* ]] || fail "$output"
}

@test "a host with Exim that has left the domain gives back what was there before" {
	to_exim relay.lan
	eventually 60 knows relay.lan "user2@$domain"
	on mail1.lan cl-replication -d relay.lan mail --yes
	run ! on relay.lan cl-rebuild
	on relay.lan cl-setup --undo --yes
	run ! on relay.lan ls /etc/exim4/exim4.conf /etc/exim4/mailrepl
	run ! on relay.lan grep -r mailrepl /etc/exim4 /etc/postfix
}
